"""The reader that asks a language model: passages into a prompt, its reply into deltas, abstaining or usage."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from index.records import isoformat
from service.errors import ReaderCutOff, ReaderFailed
from service.prompts import Prompts, RenderedPrompt, new_fence, sanitize, sanitize_line
from service.readers.abstention import ABSTAIN, AbstentionWatch
from service.readers.base import Drafted, Reading
from service.readers.budget import fit_passages
from service.readers.chat import Chat, ModelRefused
from service.records import Abstained, Delta, Passage, Usage

PROMPT = "answer"


@dataclass(frozen=True, slots=True)
class _ShownPassage:
    """A passage as the prompt shows it, every field fit to stand inside a fence."""

    key: str
    title: str
    source: str
    published: str
    text: str


class LlmReader:
    """Answers from passages by a language model; the model cites them by key, sentence by sentence.

    `prompt_tokens` bounds the passages in the prompt. `fence` makes the code of each request's fences; it is
    random, and fixed only where a recorded prompt must come out the same again.
    """

    name = "llm@1"
    quotes_only = False

    def __init__(
        self, chat: Chat, prompts: Prompts, *, prompt_tokens: int, fence: Callable[[], str] = new_fence
    ) -> None:
        self._chat = chat
        self._prompts = prompts
        self._prompt_tokens = prompt_tokens
        self._fence = fence

    @property
    def model(self) -> str:
        """The model's name as its service knows it."""
        return self._chat.model

    @property
    def prompt(self) -> str:
        """The digest of the prompt, such as `answer@3f2a91c0`."""
        return self._prompts.digest(PROMPT)

    async def fit(self, passages: Sequence[Passage]) -> tuple[Passage, ...]:
        """The leading passages that the model will be shown; the rest is over the budget."""
        return await asyncio.to_thread(fit_passages, passages, self._prompt_tokens, self.model)

    async def read(self, reading: Reading) -> AsyncGenerator[Drafted, None]:
        """The reply as deltas, or one Abstained; last the Usage of the call.

        Without passages the model is not called. Raises ReaderFailed; what was said before has then been passed on.
        """
        if not reading.passages:
            yield Abstained()
            return
        prompt = self._render(reading, await self.fit(reading.passages))
        watch = AbstentionWatch()
        try:
            async with aclosing(self._hear(prompt, watch)) as heard:
                async for item in heard:
                    yield item
        except ModelRefused as refusal:
            if watch.spoke:
                raise ReaderCutOff("The language model declined to go on with its reply.") from refusal
            watch.abstained = True
        if watch.abstained:
            yield Abstained()
            yield await self._chat.count(prompt.system, prompt.user, watch.heard)

    async def _hear(self, prompt: RenderedPrompt, watch: AbstentionWatch) -> AsyncGenerator[Delta | Usage, None]:
        """The model's text as far as it may go on, even where its reply then fails, and the Usage of a whole one."""
        try:
            async with aclosing(self._chat.stream(prompt.system, prompt.user)) as pieces:
                async for piece in pieces:
                    text = watch.finish() if isinstance(piece, Usage) else watch.feed(piece)
                    if text:
                        yield Delta(text)
                    if watch.abstained:
                        return
                    if isinstance(piece, Usage):
                        yield piece
        except ReaderFailed:
            if text := watch.finish():
                yield Delta(text)
            raise

    def _render(self, reading: Reading, passages: Sequence[Passage]) -> RenderedPrompt:
        fence = self._fence()
        return self._prompts.render(
            PROMPT,
            fence=fence,
            sentinel=ABSTAIN,
            asked_at=reading.asked_at,
            question=sanitize(reading.question, fence),
            passages=[_shown(passage, fence) for passage in passages],
        )


def _shown(passage: Passage, fence: str) -> _ShownPassage:
    article = passage.article
    published = isoformat(article.published_at)
    return _ShownPassage(
        key=passage.key,
        title=sanitize_line(article.title or "", fence) or "untitled",
        source=sanitize_line(article.source or "", fence) or "unknown",
        published=published[:10] if published else "date unknown",
        text=sanitize(passage.chunk.text, fence),
    )
