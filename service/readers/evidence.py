"""Evidence: the statements of the passages, and how well they answer a question: each (e) and all (strength g).

    e = .5 cosine + .35 lexical + .15 answer type + .15 lexical with both neighbours + .15 score of its chunk
    g = .35 best sentence cosine + .35 best chunk cosine + .15 best lexical + .15 best lexical with neighbours

`lexical` is the share of the question's terms that a sentence has, weighted by inverse document frequency. The weights
were set by hand and not tuned; `benchmarks/quality.py` measures them.

A statement is a sentence that can be quoted. Its quote is the sentence itself, with the neighbours without which its
words would not be clear: the rest of a quotation that begins or ends in another sentence, the speaker of a quotation,
and the sentence before an opening pronoun.
"""

import re
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Literal, NamedTuple

import numpy as np

from index.embedding import Embedder, Matrix, Vector
from index.lexical import LexicalIndex
from index.markup import readable
from index.records import Span
from index.text import Sentence, sentence_spans
from service.date_words import Period
from service.readers.question_kind import answer_type_match, stems
from service.records import Passage

LONGEST_QUOTE = 3
"""Sentences of a quote at most: the verification compares windows of this length."""

PARAGRAPH = 2_000
"""Code points before a chunk in which its first paragraph may begin."""


class Statement(NamedTuple):
    """A sentence that can be quoted: as written, without markup, with both neighbours, and the span of its quote."""

    passage: Passage
    span: Span
    text: str
    words: str
    around: str
    quote: Span


_WORD = re.compile(r"[^\W_]")
_COMMENT = re.compile(r"<!--(?:(?!-->)[\s\S]){0,2000}-->")
_TABLE_RULE = re.compile(r"\|(?:[ \t]*:?-+:?[ \t]*\|)+")
_REFERENCE = re.compile(r"\s*(?:\[[^\[\]\s]{1,32}\]:\s|\[\d{1,3}\]\s+[^\W\d_a-z]|[↑^]\s)")
_QUESTION = re.compile(r"[?？؟][\s\"'”’»“)\]*_]*$")
_CREDIT = re.compile(
    r"(?:photo(?:graph)?|image|picture|caption|credit|illustration|graphic|video)s?(?: (?:by|credit|courtesy))?\s?[:/|]"
    r"|(?:published|updated|posted|last (?:updated|modified)|read (?:more|also|next)|also read|related|sign up"
    r"|subscribe|click here|follow us|advertisement)\b[^.!?]{0,80}$"
    r"|(?:©|copyright|all rights reserved)|(?-i:By(?: (?:and|of|for|[A-Z][\w.’'-]*),?){1,9})\.?$"
    r"|.*[(/|]\s?(?:getty images|afp|reuters|ap photo|ap|epa|shutterstock)\s?\)?\.?$",
    re.IGNORECASE,
)
"""A byline, the credit of a picture, a line about the page."""


def statements_of(passages: Sequence[Passage]) -> list[Statement]:
    """Return the statements of the passages, each text of an article once.

    Not a statement: a heading, a question, a byline, a sentence without a word (an image, a rule), an entry of a list
    of references, the head of a table, a line that introduces a list with a colon, a sentence cut by a comment, an
    instruction to a model, a part of a quotation that is too long to be quoted with its marks.
    """
    found: dict[tuple[str, str], Statement] = {}
    for passage in passages:
        text, offset = passage.chunk.text, passage.chunk.start_char
        spans = sentence_spans(text)
        said = [readable(text[span.start : span.end]) for span in spans]
        hidden = [
            (begin - offset, end - offset)
            for begin, end in instructions_in(passage.article.body, offset, offset + len(text))
        ]
        comments = [comment.span() for comment in _COMMENT.finditer(text)]
        is_prose = [
            not span.heading
            and bool(_WORD.search(words))
            and not (at + 1 < len(spans) and _TABLE_RULE.fullmatch(text, *spans[at + 1][:2]))
            and not _REFERENCE.match(text, span.start, span.end)
            and not _CREDIT.match(words)
            and not any(begin < span.end and span.start < end for begin, end in hidden)
            and not any(
                begin < span.end and span.start < end and not span.start <= begin < end <= span.end
                for begin, end in comments
            )
            for at, (span, words) in enumerate(zip(spans, said, strict=True))
        ]
        is_open = _open_quotations(passage, spans, said)
        for at, span in enumerate(spans):
            if not is_prose[at] or said[at].endswith((":", "：")) or _QUESTION.search(said[at]):
                continue
            quoted = _quoted(said, is_prose, is_open, at)
            if quoted is not None:
                first, last = quoted
                quote = Span(offset + spans[first].start, offset + spans[last].end)
                around = text[spans[max(0, at - 1)].start : spans[min(at + 1, len(spans) - 1)].end]
                sentence, place = text[span.start : span.end], Span(offset + span.start, offset + span.end)
                statement = Statement(passage, place, sentence, said[at], readable(around), quote)
                found.setdefault((passage.article.article_id, sentence), statement)
    return list(found.values())


_MARK = re.compile(r"[“”„«»\"]")
_QUOTATION = re.compile(r"[\"“][^\"“”„]*[\"”]|„[^\"“”„]*[\"”“]|«[^«»]*»|»[^«»]*«")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_SAYS = re.compile(
    r"\b(?:sa(?:id|ys)|t(?:old|ells)|add(?:ed|s)|wr(?:ote|ites)|ask(?:ed|s)|call(?:ed|s)|argue[ds]|recall(?:ed|s)"
    r"|explain(?:ed|s)|warn(?:ed|s)|joke[ds]|insist(?:ed|s)|according)\b|:\W*$"
)
_CALENDAR = (
    "(?:January|February|March|April|May|June|July|August|September|October|November|December"
    "|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)"
)
_POINTING = re.compile(
    r"\W*(?:(?i:and|but|so|yet|then|still|later|also|however|instead|meanwhile|now),? )?"
    r"(?i:(?:he|she|they|his|her|their|its|him|them"
    r"|it(?! (?:took|takes|will take|rained|snowed|hailed)\b|(?:['’]s| (?:is|was|will be|would be|remains))(?: not)?"
    r" (?:un)?(?:clear|known|likely|possible|impossible|hard|difficult|easy|necessary|important)\b)"
    r"|(?:this|these|that|those)(?! (?:\w+ )?(?:mornings?|afternoon|evening|nights?|days?|weeks?|weekend|months?"
    r"|years?|seasons?|spring|summer|autumn|fall|winter|who)\b)"
    r"|(?:each|both|neither|some|most|others|another|all)(?= (?:is|are|was|were|ha[sd]|have|will|would|of them)\b)"
    r"|the (?:latter|former|pair|duo|two))(?![\w-]))"
    rf"|\W*[A-Z](?:[^A-Z,]|\b{_CALENDAR}\b){{0,60}}, (?:he|she|they|it)\b"
)
"""An opening pronoun, also behind a conjunction or an introduction without a name; not of the weather or of time."""


def _open_quotations(passage: Passage, spans: Sequence[Sentence], said: Sequence[str]) -> list[tuple[bool, bool]]:
    """Return for each sentence of a passage whether a quotation is open at its start and at its end.

    A paragraph begins outside of quotations: a quotation of several paragraphs has an opening mark in each.
    """
    body, offset = passage.article.body, passage.chunk.start_char
    before = body[max(0, offset - PARAGRAPH, body.rfind("\n\n", 0, offset)) : offset]
    found: list[tuple[bool, bool]] = []
    is_open, end = False, 0
    for at, words in enumerate([before, *said]):
        if at > 1 and passage.chunk.text.count("\n", end, spans[at - 1].start) > 1:
            is_open = False
        was_open = is_open
        for mark in _MARK.findall(words):
            is_open = mark == "„" or (mark != "”" and not is_open)
        found.append((was_open, is_open))
        end = spans[at - 1].end if at else 0
    return found[1:]


def _quoted(
    said: Sequence[str], is_prose: Sequence[bool], is_open: Sequence[tuple[bool, bool]], at: int
) -> tuple[int, int] | None:
    """Return the first and the last sentence to quote with the sentence `at`; None if a quotation would stay open."""
    first = last = at
    found, reached = None, 0
    while True:
        step = 0
        if is_open[first][0]:
            step = -1
        elif is_open[last][1]:
            step = 1
        else:
            outside = _QUOTATION.sub(" ", " ".join(said[first : last + 1]))
            if _MARK.search(outside):
                return found
            is_named = bool(_LETTERS.search(outside))
            is_clear = is_named and not _POINTING.match(outside)
            if is_clear or 1 + is_named > reached:
                found, reached = (first, last), 1 + is_named
            if is_clear:
                return found
            has_speaker_behind = last + 1 < len(said) and bool(_SAYS.search(said[last + 1]))
            step = 1 if not is_named and has_speaker_behind and not _SAYS.search(said[max(0, first - 1)]) else -1
        following = first - 1 if step < 0 else last + 1
        if last - first + 1 == LONGEST_QUOTE or not 0 <= following < len(said) or not is_prose[following]:
            return found
        if found == (first, last) and _QUESTION.search(said[following]):
            return found
        first, last = min(first, following), max(last, following)


_MODEL = (
    r"(?:language models?|llms?|chat ?bots?|chat assistants?|automatic readers?"
    r"|ai (?:assistants?|models?|systems?|readers?|agents?))"
)
_SALUTATION = (
    r"(?:dear|attention|(?:notes?|notice|instructions?) to|(?:message|reminder|remark|hint|fact[ -]check) (?:to|for))"
)
_CLAUSE = r"(?: (?:that|which|who|reading|of|on|in) [^.!?\n:,]{1,40}| \([^()\n]{1,40}\))?"
_ADDRESS = re.compile(
    rf"(?:^|(?<=[.!?]\s)|(?<=\n))[^\w\n]{{0,20}}{_SALUTATION}\W+(?:any |all |the |every )?{_MODEL}{_CLAUSE}[:,]"
    rf"|\byou(?: are|['’]re)(?: now)?(?: an?| the)?(?: helpful)? (?:{_MODEL}|assistant(?= and\b|[.,;:]| without\b))"
    r"|\bassistant instructions:",
    re.IGNORECASE,
)
_CONTROL_TOKEN = re.compile(
    r"</?(?:system|assistant|instructions?|prompt)\b[^<>\n]{0,80}>|\[/?(?:INST|SYSTEM)\]|<\|"
    r'|\bSYSTEM (?:MESSAGE|PROMPT):|"role"\s*:\s*"(?:system|assistant)"'
)
_OPENING, _CLOSING = re.compile("[“«„]"), re.compile("[”»]")


def instructions_in(text: str, start: int, end: int) -> list[Span]:
    """Return the instructions to a language model that reach into `text[start:end]`, to the end of their paragraph.

    Only words that address nothing but a machine begin one: a salutation, a role in the second person, the tags and
    tokens of chat prompts. News uses the verbs of such instructions every day, and reported speech is news. A heuristic
    for plain cases: a language model is protected by its prompt and by the verification of its sentences.
    """
    found: list[Span] = []
    begin = max(0, start - PARAGRAPH, text.rfind("\n\n", 0, start))
    for pattern in (_ADDRESS, _CONTROL_TOKEN):
        for match in pattern.finditer(text, begin, end):
            at = match.start()
            before = text[max(0, at - PARAGRAPH, text.rfind("\n\n", 0, at)) : at + 1]
            if pattern is _ADDRESS and _is_in_quotation(before):
                continue
            closing = text.find("\n\n", match.end(), end)
            found.append(Span(at, end if closing < 0 else closing))
    return [span for span in found if span.end > start]


def _is_in_quotation(before: str) -> bool:
    return before.count('"') % 2 == 1 or len(_OPENING.findall(before)) > len(_CLOSING.findall(before))


PASSAGES_SCORED = 5
"""Passages whose sentences are scored, the best first; the span reader has eight scored."""

EARLIEST = datetime.min.replace(tzinfo=UTC)
"""Stands for the date of an article without one."""

CACHED_VECTORS = 20_000
"""Sentence vectors kept in memory: 30 MB. Most questions of a day ask about the same articles."""


GENERAL = (
    "say says said tell tells told know knows happen happens happened question questions ask asks asking asked wonder"
    " wondering please thank thanks hello hi dear explain answer want like help mean"
    " mein meine sagt sagte sagen gesagt passiert passierte geschah frage fragen lautet wissen bitte danke hallo"
    " liebe möchte"
)
"""Verbs of any question and words of politeness: they tell nothing about its subject."""

_GENERAL = stems(GENERAL)
CONTEXT = re.compile(r"\s*\([^()]*\)(?=\W*$)")
"""The topic of a conversation, which a standalone question has in brackets."""
NAMED = re.compile(r"\b[A-Z][\w’'-]*|\S*\d\S*")

ALL = 0.999
"""The share of the terms that counts as all of them; a sum of weights is not exact."""


Latest = Literal["state", "figure"] | None
"""The part of a question that must be current: a state of now or to come, or only a figure that may be corrected."""


_INNER_WORD = re.compile(r"\d+(?:[.,]\d+)*|(?<![.!?]\s)(?<!^)\b[^\W\d_][\w’'-]*")


def asked_words(question: str) -> set[str]:
    """Return the stems of the words of a question that ask, without names, numbers and the context in brackets."""
    return stems(NAMED.sub("", CONTEXT.sub("", question))) - _GENERAL


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
    `parts` are those of a question that has several, each with its own evidence. `latest` is what the question wants of
    several reports at the moment `now`, and `days` are those of the state that it asks about: see `wants_latest` and
    `state_days` in `service/time_window.py`.
    """

    sentences: tuple[ScoredSentence, ...]
    strength: float
    certainty: float | None = None
    complete: bool = False
    parts: tuple["Part", ...] = ()
    latest: Latest = None
    days: Period | None = None
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a question as a question of its own, and the sentences that were scored for it."""

    question: str
    evidence: Evidence

    @property
    def best(self) -> ScoredSentence:
        """The best sentence."""
        return self.evidence.sentences[0]


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


def is_later(one: ScoredSentence, other: ScoredSentence) -> bool:
    """Return whether the article of a sentence is later than that of another one; False without a date of both."""
    dates = (one.passage.article.published_at, other.passage.article.published_at)
    return dates[0] is not None and dates[1] is not None and dates[0] > dates[1]


def published_at(sentence: ScoredSentence) -> datetime:
    """Return the date of a sentence's article; one without a date is older than any other."""
    return sentence.passage.article.published_at or EARLIEST
