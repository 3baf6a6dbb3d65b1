"""The support check: do the passages that a sentence cites say what it says?

First word for word: a sentence that is a whole sentence of a passage needs no judgement. Otherwise the
window (one to three sentences) that covers it best must state all of its numbers, dates and names, and
say them of the same; then the share of its content words that the window has, and the similarity of the
two, say how sure that is. A sentence that goes beyond the window is partial at best. The thresholds are
data, fitted on one half of `benchmarks/support`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from index.embedding import Embedder
from index.records import Span
from service.citations.claim import Claim
from service.citations.english import english
from service.citations.quote import locate
from service.citations.window import Window, windows
from service.records import Passage, Quote, Support

COMPARED = 3
"""Windows compared by similarity: those of the best coverage."""

COMBINED = 4
"""Windows of each of two passages that are tried together."""

ADDED_CLAUSE = 0.8
"""What is left of the score where a whole clause has no word in the source."""

THRESHOLDS = Path(__file__).with_name("thresholds.json")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The least score, in [0, 1], of a verified and of a partial sentence."""

    verified: float
    partial: float

    @classmethod
    def read(cls, path: Path = THRESHOLDS) -> "Thresholds":
        """The thresholds that are fitted and shipped."""
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(verified=data["verified"], partial=data["partial"])


@dataclass(frozen=True, slots=True)
class Verdict:
    """How well a sentence is supported, why not where it is not, and the quotes that support it."""

    status: Support
    reason: str | None
    score: float
    quotes: tuple[Quote, ...] = ()


class SupportCheck:
    """Checks sentences against the passages they cite; safe to share between threads."""

    def __init__(self, embedder: Embedder, thresholds: Thresholds) -> None:
        self._embedder = embedder
        self._thresholds = thresholds

    def check(self, sentence: str, passages: Sequence[Passage]) -> Verdict:
        """Look for the place in the passages, together, that supports a sentence (without its markers)."""
        for passage in passages:
            quote = locate(sentence, passage)
            if quote is not None:
                return Verdict("verified", None, quote.score, (quote,))
        claim = Claim.of(sentence, _ordinary_word(passages))
        if claim.is_empty:
            return Verdict("unverified", "not_in_source", 0.0)
        return self._judge(claim, _candidates(claim, passages))

    def _judge(self, claim: Claim, candidates: Sequence[Window]) -> Verdict:
        """The best of the windows that bear a claim out or, where none does, why the closest does not."""
        if not candidates:
            return Verdict("unverified", "not_in_source", 0.0)
        closest = candidates[0]
        sound = [window for window in candidates if claim.contradiction(window) is None][:COMPARED]
        if not sound:
            return Verdict("unverified", claim.contradiction(closest), 0.0)
        score, best = max(self._scored(claim, sound), key=lambda pair: pair[0])
        if score < self._thresholds.partial:
            return Verdict("unverified", claim.contradiction(closest) or "not_in_source", score)
        certain = score >= self._thresholds.verified and not claim.goes_beyond(best)
        status: Support = "verified" if certain else "partial"
        return Verdict(status, None, score, tuple(_quote(passage, span, status, score) for passage, span in best.spans))

    def _scored(self, claim: Claim, sound: Sequence[Window]) -> list[tuple[float, Window]]:
        vectors = self._embedder.embed_texts([claim.text, *(window.text for window in sound)])
        similarities = vectors[1:] @ vectors[0]
        return [
            (support_score(claim.coverage(window), float(similarity), added=claim.bare_clause(window)), window)
            for window, similarity in zip(sound, similarities, strict=True)
        ]


def support_score(coverage: float, similarity: float, *, added: bool = False) -> float:
    """The mean of coverage and similarity, to three digits, in [0, 1]; less where a clause seems to be added."""
    mean = (coverage + max(similarity, 0.0)) / 2
    return round(max(0.0, min(1.0, mean * (ADDED_CLAUSE if added else 1.0))), 3)


def _candidates(claim: Claim, passages: Sequence[Passage]) -> list[Window]:
    """The windows of all passages, and of pairs of them, the best coverage first, then the shortest."""
    by_passage = [sorted(windows(passage, claim.wanted), key=lambda w: _order(claim, w)) for passage in passages]
    candidates = [window for listed in by_passage for window in listed]
    for number, listed in enumerate(by_passage):
        for other in by_passage[number + 1 :]:
            candidates += [one.and_also(two) for one in listed[:COMBINED] for two in other[:COMBINED]]
    return sorted(candidates, key=lambda w: _order(claim, w))


def _order(claim: Claim, window: Window) -> tuple[float, int]:
    return (-len(claim.wanted & window.stems), len(window.text))


def _quote(passage: Passage, span: Span, status: Support, score: float) -> Quote:
    start = passage.chunk.start_char + span.start
    end = passage.chunk.start_char + span.end
    return Quote(passage, Span(start, end), passage.article.body[start:end], status, "coverage", score)


def _ordinary_word(passages: Sequence[Passage]) -> "OrdinaryWord":
    return OrdinaryWord(frozenset(stem for passage in passages for stem in _lower_stems(passage.chunk.text)))


@dataclass(frozen=True, slots=True)
class OrdinaryWord:
    """Tells whether the first word of a sentence is an ordinary word: the passages write it without a capital."""

    stems: frozenset[str]

    def __call__(self, word: str) -> bool:
        return word in english().starters or any(stem in self.stems for stem in english().terms.of(word))


def _lower_stems(text: str) -> list[str]:
    return english().terms.of(" ".join(word for word in text.split() if word[:1].islower()))
