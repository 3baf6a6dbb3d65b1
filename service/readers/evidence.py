"""Evidence: how well the sentences of the passages answer a question, each of them (e) and all together (g).

    e = .5 cosine + .35 lexical + .15 kind + .15 lexical with both neighbours + .15 score of its chunk
    g = .35 best sentence cosine + .35 best chunk cosine + .15 best lexical + .15 best lexical with neighbours

`lexical` is the share of the question's terms that a sentence has, each weighed by its inverse document
frequency. The weights were set by hand and not tuned; `benchmarks/reader_quality.py` measures them.
"""

import re
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from index.embedding import Embedder, Matrix, Vector
from index.lexical import LexicalIndex
from index.markup import readable
from index.records import Span
from index.text import Sentence, sentence_spans
from service.readers.instructions import orders_to_machines
from service.readers.kind import kind_match
from service.records import Passage

PASSAGES_READ = 5
"""Passages whose sentences are weighed, the best first; eight find one answer in 300 more, for more time."""

_WORD = re.compile(r"[^\W_]")
_COMMENT = re.compile(r"<!--(?:(?!-->)[\s\S]){0,2000}-->")
_TABLE_RULE = re.compile(r"\|(?:[ \t]*:?-+:?[ \t]*\|)+")
_REFERENCE = re.compile(r"\s*(?:\[[^\[\]\s]{1,32}\]:\s|\[\d{1,3}\]\s+[^\W\d_a-z]|[↑^]\s)")

REMEMBERED = 20_000
"""Sentence vectors kept in memory: 30 MB, and most questions of a day ask about the same articles."""


@dataclass(frozen=True, slots=True)
class WeighedSentence:
    """A sentence of a passage as it was written, its place in the article's body, and its score e."""

    passage: Passage
    span: Span
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """The weighed sentences, best first, and the evidence g of all of them, in about [0, 1]."""

    sentences: tuple[WeighedSentence, ...]
    strength: float


@dataclass(frozen=True, slots=True)
class _Candidate:
    passage: Passage
    span: Span
    text: str
    words: str
    around: str


@dataclass(frozen=True, slots=True)
class _Remembered:
    """A sentence's vector, and which article, as it was, the sentence was read in."""

    content_hash: str
    vector: Vector


class Weigher:
    """Weighs the sentences of passages; remembers their vectors; safe to share between threads."""

    def __init__(self, embedder: Embedder, *, passages_read: int = PASSAGES_READ) -> None:
        self._embedder = embedder
        self._passages_read = passages_read
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()
        self._rememberable: Collection[str] | None = None
        self._lock = Lock()

    def forget_all_but(self, content_hashes: Collection[str]) -> None:
        """Remember sentences of articles with these content hashes alone, now and until this is called again."""
        with self._lock:
            self._rememberable = content_hashes
            gone = [text for text, held in self._remembered.items() if held.content_hash not in content_hashes]
            for text in gone:
                del self._remembered[text]

    def weigh(self, question: str, vector: Vector, passages: Sequence[Passage], lexical: LexicalIndex) -> Evidence:
        """The evidence that passages hold for a question; raises EmbeddingFailed."""
        passages = passages[: self._passages_read]
        candidates = _candidates(passages)
        if not candidates:
            return Evidence((), 0.0)
        weights = {term: lexical.inverse_document_frequency(term) for term in lexical.terms.of(question)}
        cosines = self._embedded(candidates) @ vector
        alone = np.array([_share(lexical.terms.of(candidate.words), weights) for candidate in candidates])
        around = np.array([_share(lexical.terms.of(candidate.around), weights) for candidate in candidates])
        kinds = np.array([kind_match(question, candidate.words) for candidate in candidates])
        chunks = np.array([candidate.passage.scored.score for candidate in candidates])
        scores = 0.5 * cosines + 0.35 * alone + 0.15 * kinds + 0.15 * around + 0.15 * chunks
        best_chunk = max(passage.scored.dense for passage in passages)
        strength = 0.35 * cosines.max() + 0.35 * best_chunk + 0.15 * alone.max() + 0.15 * around.max()
        weighed = [
            WeighedSentence(candidate.passage, candidate.span, candidate.text, round(float(score), 6))
            for candidate, score in zip(candidates, scores, strict=True)
        ]
        ranked = sorted(
            weighed, key=lambda sentence: (-sentence.score, sentence.passage.article.article_id, sentence.span)
        )
        return Evidence(tuple(ranked), round(float(strength), 6))

    def _embedded(self, candidates: Sequence[_Candidate]) -> Matrix:
        texts = [candidate.words for candidate in candidates]
        with self._lock:
            known = {text: self._remembered[text] for text in texts if text in self._remembered}
        missing = {each.words: each.passage.article for each in candidates if each.words not in known}
        hashes = {article.article_id: article.content_hash for article in missing.values()}
        vectors = self._embedder.embed_texts(list(missing))
        for (text, article), vector in zip(missing.items(), vectors, strict=True):
            known[text] = _Remembered(hashes[article.article_id], vector)
        with self._lock:
            # A question that began on an earlier generation must not bring back what has been taken down since.
            allowed = self._rememberable
            kept = {text: held for text, held in known.items() if allowed is None or held.content_hash in allowed}
            self._remembered.update(kept)
            for text in kept:
                self._remembered.move_to_end(text)
            while len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return np.stack([known[text].vector for text in texts])


def _candidates(passages: Sequence[Passage]) -> list[_Candidate]:
    """Return the statements of the passages, each text of an article once, without headings and orders to a machine.

    What has no words but its markup (an image, a rule, a fence of code), an entry of a list of references, the head of
    a table, a line that leads on with a colon and a sentence of a comment state nothing either.
    """
    found: dict[tuple[str, str], _Candidate] = {}
    for passage in passages:
        text, offset = passage.chunk.text, passage.chunk.start_char
        spans = sentence_spans(text)
        comments = [Span(*found.span()) for found in _COMMENT.finditer(text)]
        orders = orders_to_machines(passage.article.body, offset, offset + len(text))
        for at, span in enumerate(spans):
            sentence = text[span.start : span.end]
            words = readable(sentence)
            behind = text[slice(*spans[at + 1][:2])] if at + 1 < len(spans) else ""
            cut = any(_overlap(comment, span, 0) and not _within(comment, span) for comment in comments)
            is_statement = not span.heading and not cut and _states(sentence, words, behind)
            if is_statement and not any(_overlap(order, span, offset) for order in orders):
                around = text[spans[max(0, at - 1)].start : spans[min(at + 1, len(spans) - 1)].end]
                place = Span(offset + span.start, offset + span.end)
                candidate = _Candidate(passage, place, sentence, words, readable(around))
                found.setdefault((passage.article.article_id, sentence), candidate)
    return list(found.values())


def _states(sentence: str, words: str, behind: str) -> bool:
    leads_on = words.endswith((":", "：")) or _TABLE_RULE.fullmatch(behind)
    return bool(_WORD.search(words)) and not leads_on and not _REFERENCE.match(sentence)


def _overlap(order: Span, sentence: Sentence, offset: int) -> bool:
    return order.start < offset + sentence.end and offset + sentence.start < order.end


def _within(comment: Span, sentence: Sentence) -> bool:
    return sentence.start <= comment.start and comment.end <= sentence.end


def _share(terms: Sequence[str], weights: Mapping[str, float]) -> float:
    """The share of the question's terms that are among these, by weight."""
    total = sum(weights.values())
    present = set(terms)
    return sum(weight for term, weight in weights.items() if term in present) / total if total else 0.0
