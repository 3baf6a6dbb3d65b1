"""Verify a draft sentence: locate it in the passages that it cites, or check that they support it.

A sentence that is a whole sentence of a passage needs no judgement. Otherwise the window (one to three sentences) that
covers it best must state all of its numbers, dates and names, and say them of the same; then the share of its content
words that the window has, and the similarity of the two, say how sure that is. A sentence that goes beyond the window
is partial at best. The thresholds are data, fitted on one half of `benchmarks/support`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from index.embedding import Embedder
from index.markup import readable
from index.records import Span
from index.terms import normal_form
from index.text import sentence_spans
from service.citations.safety import Safety
from service.citations.support import Claim, Window, candidates, ordinary_word, support_score
from service.records import CitationMode, DraftSentence, Method, Passage, Quote, Support

COMPARED = 3
"""Windows compared by similarity: those of the best coverage."""

THRESHOLDS = Path(__file__).with_name("thresholds.json")

_PLAIN = str.maketrans({
    "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-",
    "‑": "-", "−": "-", "\u00a0": " ", "…": "...",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The least score, in [0, 1], of a verified and of a partial sentence."""

    verified: float
    partial: float

    @classmethod
    def read(cls, path: Path = THRESHOLDS) -> "Thresholds":
        """Read the thresholds that are fitted and shipped."""
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(verified=data["verified"], partial=data["partial"])


@dataclass(frozen=True, slots=True)
class Verdict:
    """The support of a sentence: status, score in [0, 1], quotes, and the reason where it is unverified."""

    status: Support
    reason: str | None
    score: float
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """The quotes that support a sentence; `withheld` is the reason why it must not be shown, or None."""

    quotes: tuple[Quote, ...] = ()
    withheld: str | None = None


@dataclass(frozen=True, slots=True)
class Verifier:
    """A verifier of draft sentences against the passages they cite; safe to share between threads."""

    support: "SupportCheck"
    safety: Safety = field(default_factory=Safety)

    def verify(self, draft: DraftSentence, passages: Mapping[str, Passage], mode: CitationMode) -> Check:
        """Check a sentence against its passages, by key.

        Mode `verified` withholds a sentence without support; mode `markers` shows it with its passages quoted whole
        and unverified; mode `off` looks for no support. Every mode withholds a sentence with something unsafe that its
        quotes do not have.
        """
        check = self._verify(draft, passages, mode)
        quoted = [quote.text for quote in check.quotes]
        if check.withheld:
            quoted = [passages[key].chunk.text for key in draft.keys if key in passages]
        return Check(withheld="unsafe_text") if self.safety.is_unsafe(draft.text, "\n".join(quoted)) else check

    def _verify(self, draft: DraftSentence, passages: Mapping[str, Passage], mode: CitationMode) -> Check:
        if mode == "off":
            return Check()
        if not draft.whole and mode == "verified":
            return Check(withheld="too_long")
        cited = [passages[key] for key in draft.keys if key in passages]
        if not cited:
            unmarked = "invented_marker" if draft.invented else "no_marker"
            return Check(withheld=unmarked if mode == "verified" else None)
        verdict = self.support.check(draft.text.strip(), cited)
        if verdict.status != "unverified":
            return Check(verdict.quotes)
        if mode == "verified":
            return Check(withheld=verdict.reason or "not_in_source")
        return Check(tuple(_whole(passage, verdict.score) for passage in cited))


class SupportCheck:
    """A check of sentences against the passages they cite; safe to share between threads."""

    def __init__(self, embedder: Embedder, thresholds: Thresholds) -> None:
        self._embedder = embedder
        self._thresholds = thresholds

    def check(self, sentence: str, passages: Sequence[Passage]) -> Verdict:
        """Find the place in the passages, together, that supports a sentence (without its markers)."""
        for passage in passages:
            quote = locate(sentence, passage)
            if quote is not None:
                return Verdict("verified", None, quote.score, (quote,))
        claim = Claim.of(sentence, ordinary_word(passages))
        if claim.is_empty:
            return Verdict("unverified", "not_in_source", 0.0)
        return self._judge(claim, candidates(claim, passages))

    def _judge(self, claim: Claim, windows: Sequence[Window]) -> Verdict:
        """Return the verdict of the best window without a contradiction, or that of the closest window."""
        if not windows:
            return Verdict("unverified", "not_in_source", 0.0)
        closest = windows[0]
        sound = [window for window in windows if claim.contradiction(window) is None][:COMPARED]
        if not sound:
            return Verdict("unverified", claim.contradiction(closest), 0.0)
        score, best = max(self._scored(claim, sound), key=lambda pair: pair[0])
        if score < self._thresholds.partial:
            return Verdict("unverified", claim.contradiction(closest) or "not_in_source", score)
        certain = score >= self._thresholds.verified and not claim.goes_beyond(best)
        status: Support = "verified" if certain else "partial"
        quotes = tuple(_quote(passage, span, status, "coverage", score) for passage, span in best.spans)
        return Verdict(status, None, score, quotes)

    def _scored(self, claim: Claim, sound: Sequence[Window]) -> list[tuple[float, Window]]:
        vectors = self._embedder.embed_texts([claim.text, *(window.text for window in sound)])
        similarities = vectors[1:] @ vectors[0]
        return [
            (support_score(claim.coverage(window), float(similarity), added=claim.bare_clause(window)), window)
            for window, similarity in zip(sound, similarities, strict=True)
        ]


def locate(sentence: str, passage: Passage) -> Quote | None:
    """Return the whole sentences of a passage that are this sentence, exactly or but for typography and markup.

    Typography is case, white space and punctuation; markup is what `readable` leaves out. Whole sentences only: a part
    of one may say the opposite of it.
    """
    text = passage.chunk.text
    wanted = {normalised(sentence), normalised(readable(sentence))} - {""}
    # An image or a rule beside a sentence is not part of its quote.
    spans = [span for span in sentence_spans(text) if normalised(readable(text[span.start : span.end]))]
    for first, begin in enumerate(spans):
        for end in spans[first : first + 3]:
            found = text[begin.start : end.end]
            if normalised(found) in wanted or normalised(readable(found)) in wanted:
                method: Method = "exact" if sentence.strip() == found else "normalised"
                return _quote(passage, Span(begin.start, end.end), "verified", method, 1.0)
    return None


def normalised(text: str) -> str:
    """Return the form in which sentences are compared: NFKC, plain quotes and dashes, one case, single spaces."""
    plain = normal_form("NFKC", text.translate(_PLAIN)).casefold()
    return re.sub(r"\s+", " ", plain).strip().rstrip(".!…").rstrip()


def _quote(passage: Passage, span: Span, status: Support, method: Method, score: float) -> Quote:
    """Return the quote at a span of a passage's chunk, in the offsets and words of the article."""
    start, end = passage.chunk.start_char + span.start, passage.chunk.start_char + span.end
    return Quote(passage, Span(start, end), passage.article.body[start:end], status, method, score)


def _whole(passage: Passage, score: float) -> Quote:
    return _quote(passage, Span(0, len(passage.chunk.text)), "unverified", "coverage", score)
