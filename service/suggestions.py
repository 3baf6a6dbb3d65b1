"""Suggestions: questions that the articles are known to answer, because the pipeline has answered them.

They are made in the background after a swap, from the newest articles, within a budget: read `SuggestionMaker.run`
first. It has a thread and an event loop of its own, waits while questions are answered, and stops within one question
of its own. Rules make the questions, or a language model in one call for each article. Each is then answered by the
pipeline without the model, so that the check costs no tokens and does not vary.
"""

import asyncio
import logging
import re
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from itertools import zip_longest

from index.errors import DatelineError
from index.markup import readable
from index.records import Article, Span
from index.text import words
from service.answer import Answer
from service.errors import ReaderFailed
from service.pipeline import Pipeline
from service.prompts import RenderedPrompt, sanitize, sanitize_line
from service.question_rules import LONGEST, MadeQuestion, questions_of
from service.readers.chat import Chat, ModelUse
from service.readers.reply import answering_text
from service.records import NO_ACCOUNT, Citation, Question, Source

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


ARTICLES = 200
"""The newest articles that questions are made from; the rules find one in a quarter of them."""

OF_AN_ARTICLE = 4
"""The limit of suggestions of one article."""

BUDGET_S = 60.0
"""The limit of a generation's work in seconds, without the waits."""

MODEL_CALLS = 10
"""The limit of calls of the language model for a generation."""

PROMPT = "questions"
PROMPT_CHARACTERS = 8_000
WAIT_S = 0.05

logger = logging.getLogger("dateline")


class SuggestionMaker:
    """Keeps the suggestions of a pipeline's current generation; at most `limit` of them.

    `is_busy` tells whether questions are being answered.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        suggestions: Suggestions,
        limit: int,
        is_busy: Callable[[], bool],
        budget_s: float = BUDGET_S,
    ) -> None:
        self._pipeline = pipeline
        self._suggestions = suggestions
        self._limit = limit
        self._is_busy = is_busy
        self._budget_s = budget_s
        self._made: dict[str, tuple[MadeQuestion, ...]] = {}
        self._results: dict[str, dict[str, Check]] = {}  # both by the content hash of an article
        self._swapped = threading.Event()
        self._stopped = threading.Event()
        self._calls: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; call it on the event loop of the language model's connections."""
        if self._limit:
            self._pipeline = replace(self._pipeline, finish=None)
            self._calls = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self.run, name="suggestions", daemon=True)
            self._thread.start()

    def renew(self) -> None:
        """Make suggestions for the generation that is served from now on."""
        self._swapped.set()

    async def stop(self) -> None:
        """Stop, and wait until the question that is being checked is answered."""
        self._stopped.set()
        self._swapped.set()
        if self._thread:
            await asyncio.to_thread(self._thread.join)

    def run(self) -> None:
        """Make suggestions after each swap until stopped; an error ends those of one generation only."""
        with asyncio.Runner() as loop:
            while self._swapped.wait() and not self._stopped.is_set():
                self._swapped.clear()
                try:
                    self.make(loop)
                except Ended as end:
                    logger.debug("suggestions: %s", end)
                except DatelineError as error:
                    logger.info("no more suggestions for this generation: %s", error)
                except Exception:
                    logger.exception("no more suggestions for this generation")

    def make(self, loop: asyncio.Runner) -> None:
        """Make the suggestions of the current generation; raises Ended if they are not complete."""
        # An answer may have changed, so what is not checked again is not suggested.
        self._suggestions.replace(())
        budget = _Budget(self._budget_s, MODEL_CALLS)
        newest = self._newest()
        for kept in (self._made, self._results):
            for hash_ in kept.keys() - set(newest.values()):
                del kept[hash_]
        count = 0
        for article_id in newest:
            article, found = self._article(article_id), 0
            if article is None or count == self._limit:
                continue
            for made in self._questions_of(article, budget):
                if found == OF_AN_ARTICLE or count == self._limit:
                    break
                self._wait(budget)
                with budget.spent():
                    suggestion = loop.run(self._checked(made, article))
                if suggestion and self._suggestions.add(suggestion):
                    found, count = found + 1, count + 1

    def _newest(self) -> dict[str, str]:
        """Return the ids of the newest articles with their content hashes."""
        with self._pipeline.library.pinned() as generation:
            hashes = generation.hashes()
            ids = [listed.article.article_id for listed in generation.listed(0, ARTICLES, 0)]
            return {article_id: hashes[article_id] for article_id in ids}

    def _article(self, article_id: str) -> Article | None:
        with self._pipeline.library.pinned() as generation:
            return generation.article(article_id)

    async def _checked(self, made: MadeQuestion, article: Article) -> Suggestion | None:
        """Return the suggestion of a question, if the pipeline answers it from its article.

        An answer from passages that a search still finds is not computed again.
        """
        if made.until and made.until < self._pipeline.clock().date():
            return None
        results = self._results.setdefault(article.content_hash, {})
        former = results.get(made.text)
        if former and seen((await self._pipeline.search(Question(made.text))).sources) == former.seen:
            return former.suggestion
        answer = await self._pipeline.ask(Question(made.text, reader="extractive"))
        results[made.text] = Check(seen(answer.sources), checked(made, article, answer))
        return results[made.text].suggestion

    def _questions_of(self, article: Article, budget: "_Budget") -> Sequence[MadeQuestion]:
        """Return an article's questions, of the language model if there is one, else of the rules."""
        hash_ = article.content_hash
        if hash_ not in self._made:
            self._wait(budget)
            by_model = self._by_model(article, budget)
            with budget.spent():
                self._made[hash_] = by_model or tuple(questions_of(article))
        return self._made[hash_]

    def _by_model(self, article: Article, budget: "_Budget") -> tuple[MadeQuestion, ...]:
        """Return the questions of the language model; none without one, if it fails, or without calls left."""
        chat, code = self._pipeline.chat, self._pipeline.fence()
        if chat is None or self._calls is None or not budget.calls:
            return ()
        budget.calls -= 1
        prompt = self._pipeline.prompts.render(
            PROMPT,
            fence=code,
            title=sanitize_line(article.title or "", code),
            text=sanitize(readable(article.body[:PROMPT_CHARACTERS]), code),
        )
        # The connections of the model belong to the event loop of the service.
        call = asyncio.run_coroutine_threadsafe(self._asked(chat, prompt), self._calls)
        while not call.done():
            if self._stopped.wait(WAIT_S):
                call.cancel()
                raise Ended("the service stops")
        try:
            reply = call.result()
        except ReaderFailed:
            return ()
        safety = self._pipeline.verifier.safety
        return tuple(made for made in parsed(reply) if not safety.is_unsafe(made.text, article.body))

    async def _asked(self, chat: Chat, prompt: RenderedPrompt) -> str:
        budget, use = self._pipeline.budget, ModelUse()
        if budget and not await budget.allows(NO_ACCOUNT):
            raise ReaderFailed("the budget of the language model is used up")
        try:
            return await chat.complete(prompt.system, prompt.user, use)
        finally:
            if self._pipeline.spent:
                self._pipeline.spent(None, use.usage)

    def _wait(self, budget: "_Budget") -> None:
        """Wait while questions are answered; raises Ended once stopped, swapped, or out of budget."""
        while self._is_busy() and not self._swapped.is_set():
            self._stopped.wait(WAIT_S)
        if self._swapped.is_set() or self._stopped.is_set():
            raise Ended("there is another generation, or the service stops")
        if budget.seconds <= 0:
            raise Ended("the budget is used up")


class Ended(Exception):
    """The suggestions of this generation are not complete."""


@dataclass(slots=True)
class _Budget:
    """The seconds of work and the calls of a language model that are left."""

    seconds: float
    calls: int

    @contextmanager
    def spent(self) -> Iterator[None]:
        """Count the time of the block."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds -= time.monotonic() - began


def parsed(reply: str) -> Iterator[MadeQuestion]:
    """Yield the questions of a model's reply: the lines that are one question each."""
    for line in answering_text(reply).splitlines()[: 2 * OF_AN_ARTICLE]:
        text = re.sub(r"^\W*(?:\d{1,2}[.)]\s+|[-*•]\s+)?", "", line).strip(' "“”*')
        if 10 <= len(text) <= LONGEST and text.endswith("?") and text.count("?") == 1:
            yield MadeQuestion(text, Span(0, 0), "")
