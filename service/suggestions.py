"""Suggestions: questions that the articles are known to answer, because the pipeline has answered them."""

import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest

from index.records import Article, Span
from index.terms import words
from service.answer import Answer
from service.question_rules import MadeQuestion
from service.records import Citation, Source

NEXT = 3
"""The limit of questions that an answer suggests."""

_ALIKE = 0.6
"""Share of common words from which two questions count as one."""

Seen = frozenset[tuple[str, str]]
"""The passages of an answer: pairs of a chunk's id and its text."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question that an article answers; `sentence` is the place of the quote that answers it.

    `until` is the day after which it is not suggested any more.
    """

    question: str
    article_id: str
    language: str | None
    sentence: Span
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """The result of asking a question that was made; it is the same as long as a search finds the passages `seen`."""

    seen: Seen
    suggestion: Suggestion | None


def checked(made: MadeQuestion, article: Article, answer: Answer) -> Suggestion | None:
    """Return the suggestion of a question, if its article alone answers it, without a caveat.

    The first quote is the sentence that the question was made from, if that is known, and has the words that answer.
    """
    warned = answer.warnings or answer.conflicts or answer.corrections or answer.uncovered or answer.unsupported
    cited = {citation.article_id for citation in answer.citations}
    if answer.verdict != "answered" or warned or cited != {article.article_id}:
        return None
    first = answer.citations[0]
    quote = Span(first.start_char_index, first.end_char_index)
    if made.answer and not (overlap(quote, made.sentence) and set(words(made.answer)) <= set(words(first.cited_text))):
        return None
    return Suggestion(made.text, article.article_id, article.language, quote, made.until)


def seen(sources: Iterable[Source]) -> Seen:
    """Return the passages of an answer or a search, whatever their order."""
    return frozenset((source.chunk_id, source.snippet) for source in sources)


class Suggestions:
    """The suggestions of the generation that is served; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: tuple[Suggestion, ...] = ()

    def replace(self, suggestions: Iterable[Suggestion]) -> None:
        """Replace all suggestions; those of the articles to be shown first come first."""
        with self._lock:
            self._all = tuple(suggestions)

    def add(self, suggestion: Suggestion) -> bool:
        """Add a suggestion behind the others, unless its question is there; return whether it was added."""
        with self._lock:
            is_new = all(suggestion.question != each.question for each in self._all)
            self._all = (*self._all, suggestion) if is_new else self._all
        return is_new

    def all(self) -> tuple[Suggestion, ...]:
        """Return all suggestions."""
        with self._lock:
            return self._all

    def of(self, today: date, article_ids: Collection[str] | None = None, limit: int = 100) -> list[Suggestion]:
        """Return suggestions that may be shown on a day: one of each article, then a second of each, and so on.

        Those of `article_ids` only, if that is given.
        """
        by_article: dict[str, list[Suggestion]] = {}
        for each in self.all():
            is_wanted = article_ids is None or each.article_id in article_ids
            if is_wanted and (each.until is None or each.until >= today):
                by_article.setdefault(each.article_id, []).append(each)
        return [each for turn in zip_longest(*by_article.values()) for each in turn if each][:limit]

    def next_to(self, asked: Sequence[str], citations: Sequence[Citation], today: date) -> tuple[str, ...]:
        """Return questions about the cited articles that are neither asked before nor answered by a quote."""
        known = [frozenset(words(text)) for text in asked]
        found: list[str] = []
        for each in self.of(today, {citation.article_id for citation in citations}):
            terms = frozenset(words(each.question))
            is_new = all(len(terms & other) < _ALIKE * len(terms | other) for other in known)
            if is_new and not any(_is_quoted(each, citation) for citation in citations):
                found.append(each.question)
                known.append(terms)
        return tuple(found[:NEXT])


def _is_quoted(suggestion: Suggestion, citation: Citation) -> bool:
    quote = Span(citation.start_char_index, citation.end_char_index)
    return suggestion.article_id == citation.article_id and overlap(quote, suggestion.sentence)


def overlap(one: Span, other: Span) -> bool:
    """Return whether two spans have a code point in common."""
    return one.start < other.end and other.start < one.end
