"""Evidence: how well the sentences of the passages answer a question, each of them (e) and all together (strength g).

    e = .5 cosine + .35 lexical + .15 answer type + .15 lexical with both neighbours + .15 score of its chunk
    g = .35 best sentence cosine + .35 best chunk cosine + .15 best lexical + .15 best lexical with neighbours

`lexical` is the share of the question's terms that a sentence has, weighted by inverse document frequency. The weights
were set by hand and not tuned; `benchmarks/quality.py` measures them.
"""

import re
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Literal, NamedTuple

import numpy as np

from index.embedding import Embedder, Matrix, Vector
from index.lexical import LexicalIndex
from index.records import Span
from service.readers.statements import Statement, statements_of
from service.records import Passage

PASSAGES_SCORED = 5
"""Passages whose sentences are scored, the best first; the span reader has eight scored."""

CACHED_VECTORS = 20_000
"""Sentence vectors kept in memory: 30 MB. Most questions of a day ask about the same articles."""


GENERAL = (
    "say says said tell tells told know knows happen happens happened question questions ask asks asking asked wonder"
    " wondering please thank thanks hello hi dear explain answer want like help mean"
    " mein meine sagt sagte sagen gesagt passiert passierte geschah frage fragen lautet wissen bitte danke hallo"
    " liebe möchte"
)
"""Verbs of any question and words of politeness: they tell nothing about its subject."""

ALL = 0.999
"""The share of the terms that counts as all of them; a sum of weights is not exact."""


Latest = Literal["state", "figure"] | None
"""What a question wants in its latest form: a state of now or to come, or only a figure that may be corrected."""


@dataclass(frozen=True, slots=True)
class ScoredSentence:
    """A sentence of a passage as written, its span in the article's body, and its score.

    The score is e; after the span reader it is e with the score of the best span. `answer` is that span in the body, or
    None if the reader finds no answer likelier.
    `quote` is the span to show, which has the neighbours that the sentence needs; None for the sentence alone.
    """

    passage: Passage
    span: Span
    text: str
    score: float
    quote: Span | None = None
    answer: Span | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The scored sentences, best first, and their strength g, in about [0, 1].

    `certainty` tells how sure the span reader is of the best answer, from about -20 to 30; None if it did not read.
    `complete` if a sentence and its neighbours have every term of the question, a name or a number among them.
    `parts` are the best sentences for the parts of a question that has several. `latest` is what the question wants of
    several reports at the moment `now`: see `service/recency.py`.
    """

    sentences: tuple[ScoredSentence, ...]
    strength: float
    certainty: float | None = None
    complete: bool = False
    parts: tuple[ScoredSentence, ...] = ()
    latest: Latest = None
    now: datetime | None = None


class _CachedVector(NamedTuple):
    """The vector of a sentence, and the content hash of the article that it was read from."""

    content_hash: str
    vector: Vector


class SentenceScorer:
    """Scores the sentences of passages and caches their vectors; safe to share between threads."""

    def __init__(self, embedder: Embedder, *, passages_scored: int = PASSAGES_SCORED) -> None:
        self._embedder = embedder
        self._passages_scored = passages_scored
        self._cache: OrderedDict[str, _CachedVector] = OrderedDict()
        self._cacheable: Collection[str] | None = None
        self._lock = Lock()

    def cache_only(self, content_hashes: Collection[str]) -> None:
        """Drop cached sentences of other articles than these, and cache none of them until the next call."""
        with self._lock:
            self._cacheable = content_hashes
            for text in [text for text, cached in self._cache.items() if cached.content_hash not in content_hashes]:
                del self._cache[text]

    def score(self, question: str, vector: Vector, passages: Sequence[Passage], lexical: LexicalIndex) -> Evidence:
        """Return the evidence for a question with this vector; raises EmbeddingFailed."""
        passages = passages[: self._passages_scored]
        statements = statements_of(passages)
        if not statements:
            return Evidence((), 0.0)
        asked, general = lexical.terms.of(question), set(lexical.terms.of(GENERAL))
        asked = [term for term in asked if term not in general] or asked
        weights = {term: lexical.inverse_document_frequency(term) for term in asked}
        cosines = self._vectors(statements) @ vector
        quotes = [each.passage.article.body[each.quote.start : each.quote.end] for each in statements]
        alone = np.array([_share(lexical.terms.of(quote), weights) for quote in quotes])
        around = np.array([_share(lexical.terms.of(each.around), weights) for each in statements])
        types = np.array([answer_type_match(question, each.words) for each in statements])
        chunks = np.array([each.passage.score for each in statements])
        scores = 0.5 * cosines + 0.35 * alone + 0.15 * types + 0.15 * around + 0.15 * chunks
        best_chunk = max(passage.dense for passage in passages)
        strength = 0.35 * cosines.max() + 0.35 * best_chunk + 0.15 * alone.max() + 0.15 * around.max()
        sentences = [
            ScoredSentence(each.passage, each.span, each.text, round(float(score), 6), each.quote)
            for each, score in zip(statements, scores, strict=True)
        ]
        sentences.sort(key=lambda sentence: (-sentence.score, sentence.passage.article.article_id, sentence.span))
        found = [each for each, share in zip(statements, np.maximum(alone, around), strict=True) if share > ALL]
        complete = any(not weights.keys().isdisjoint(lexical.terms.of(_names(each.passage))) for each in found)
        return Evidence(tuple(sentences), round(float(strength), 6), complete=complete)

    def _vectors(self, statements: Sequence[Statement]) -> Matrix:
        """Return one row for each statement; embed only those that are not cached."""
        texts = [each.words for each in statements]
        with self._lock:
            known = {text: self._cache[text] for text in texts if text in self._cache}
        missing = {each.words: each.passage.article for each in statements if each.words not in known}
        articles = {article.article_id: article for article in missing.values()}
        hashes = {article_id: article.content_hash for article_id, article in articles.items()}
        vectors = self._embedder.embed_texts(list(missing))
        for (text, article), vector in zip(missing.items(), vectors, strict=True):
            known[text] = _CachedVector(hashes[article.article_id], vector)
        with self._lock:
            for text, cached in known.items():
                # A question that began on an earlier generation must not cache an article taken down since.
                if self._cacheable is None or cached.content_hash in self._cacheable:
                    self._cache[text] = cached
                    self._cache.move_to_end(text)
            while len(self._cache) > CACHED_VECTORS:
                self._cache.popitem(last=False)
        return np.stack([known[text].vector for text in texts])


def _names(passage: Passage) -> str:
    """Return the names and numbers of a passage: its words that do not begin with a small letter."""
    return " ".join(word for word in _INNER_WORD.findall(passage.chunk.text) if not word[0].islower())


def _share(terms: Sequence[str], weights: Mapping[str, float]) -> float:
    """Return the share of the question's terms that are among these, by weight."""
    total = sum(weights.values())
    present = set(terms)
    return sum(weight for term, weight in weights.items() if term in present) / total if total else 0.0


_TYPES = {
    "when": re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|time)\b", re.IGNORECASE),
    "number": re.compile(
        r"\bhow (?:many|much|old|long|far|large|big|high|tall|often)\b"
        r"|\bwhat (?:number|percentage|share|proportion|amount|price|cost)\b",
        re.IGNORECASE,
    ),
    "why": re.compile(r"\bwhy\b|\bwhat (?:caused|led to|reason|made|is (?:\w+ to be )?behind)\b", re.IGNORECASE),
    "where": re.compile(r"\bwhere\b|\b(?:what|which) (?:city|town|country|place|state|port|region)\b", re.IGNORECASE),
    "who": re.compile(
        r"\bwho(?:m|se)?\b|\b(?:what|which) (?:person|man|woman|company|team|party|organi[sz]ation|minister|leader"
        r"|official|club|agency)\b",
        re.IGNORECASE,
    ),
}
_ASKS_SAID = re.compile(
    r"\bwhat (?:did|does|has|have|had)\b.+\b(?:say|said|tell|told|announced?|claim|add)\b", re.IGNORECASE
)
_SAID = re.compile(r"[“„«\"]|\b(?:said|says|told|added|adds|announced|claimed|according to|wrote)\b", re.IGNORECASE)
_CAUSE = re.compile(
    r"\b(?:because|since|due to|owing to|as a result|so that|in order to|caused?|therefore|led to|after|reason|aim|"
    r"to\s+\w+)\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b(?:1[5-9]|20)\d\d\b|\b(?:January|February|March|April|May|June|July|August|September|October|November|December|"
    r"Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|yesterday|today)\b"
)
_NUMBER = re.compile(
    r"\d+(?:[.,]\d+)*|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|"
    r"billion|half|twice|third|quarter)s?\b",
    re.IGNORECASE,
)
_INNER_WORD = re.compile(r"\d+(?:[.,]\d+)*|(?<![.!?]\s)(?<!^)\b[^\W\d_][\w’'-]*")
_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][\w’'-]+")
_PLACE = re.compile(r"\b(?:in|at|from|to|near|off|outside)\s+(?:the\s+)?[A-Z][\w’'-]+")
_ANSWERS = {
    "when": ((_DATE, 1.0),),
    "number": ((_NUMBER, 1.0),),
    "where": ((_PLACE, 1.0), (_NAME, 0.5)),
    "who": ((_NAME, 1.0),),
}
"""Patterns of an answer of each type, and the match of a sentence that has one."""


def answer_type(question: str) -> str | None:
    """Return `when`, `number`, `why`, `where` or `who`; None for an open question."""
    return next((name for name, pattern in _TYPES.items() if pattern.search(question)), None)


def answer_type_match(question: str, sentence: str) -> float:
    """Return 1 if a sentence has something of the answer type that the question lacks, .5 for an open question."""
    if _ASKS_SAID.search(question):
        return 1.0 if _SAID.search(sentence) else 0.3
    wanted = answer_type(question)
    if wanted is None:
        return 0.5
    if wanted == "why":
        return 1.0 if _CAUSE.search(sentence) else 0.3
    for pattern, match in _ANSWERS[wanted]:
        asked = {found.casefold() for found in pattern.findall(question)}
        for found in pattern.findall(sentence):
            as_asked = re.compile(rf"(?<!\w){re.escape(found)}(?!\w)", re.IGNORECASE)
            if found.casefold() not in asked and not as_asked.search(question):
                return match
    return 0.0
