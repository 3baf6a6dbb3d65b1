"""Makes suggestions in the background: after a swap, from the newest articles, within a budget.

Read `SuggestionMaker.run` first. It has a thread and an event loop of its own, waits while questions are answered, and
stops within one question of its own. Rules make the questions, or a language model in one call for each article. Each
is then answered by the pipeline without the model, so that the check costs no tokens and does not vary.
"""

import asyncio
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from index.errors import DatelineError
from index.markup import readable
from index.records import Article, Span
from service.errors import ReaderFailed
from service.pipeline import Pipeline
from service.prompts import sanitize, sanitize_line
from service.question_rules import LONGEST, MadeQuestion, questions_of
from service.readers.reply_text import answering_text
from service.records import Question
from service.suggestions import Check, Suggestion, Suggestions, checked, seen

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
        call = asyncio.run_coroutine_threadsafe(chat.complete(prompt.system, prompt.user), self._calls)
        while not call.done():
            if self._stopped.wait(WAIT_S):
                call.cancel()
                raise Ended("the service stops")
        try:
            reply, _ = call.result()
        except ReaderFailed:
            return ()
        safety = self._pipeline.verifier.safety
        return tuple(made for made in parsed(reply) if not safety.is_unsafe(made.text, article.body))

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
