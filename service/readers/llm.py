"""The reader that asks a language model: passages into a prompt, its reply into draft sentences."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

from index.records import isoformat
from service.citations.stream import DraftParser
from service.errors import ReaderCutOff, ReaderEmpty, ReaderFailed
from service.prompts import Prompts, RenderedPrompt, fit_passages, new_fence, sanitize, sanitize_line
from service.readers.chat import Chat, ModelUse, log_failure
from service.readers.reply import ModelRefused, ReplyText
from service.records import Abstained, Drafted, DraftSentence, Passage

PROMPT = "answer"

ABSTAIN = "NOT_IN_SOURCES"
"""The reply of a model that abstains, as the prompt asks for it."""

PIECE = 1_000
"""Code points parsed at a time; the event loop gets a turn after each piece."""

_STOP = re.compile(r"""[.!?…]["'”’»)]*(?=\s|$)""")
# Models change the case, or separate the words.
_ABSTENTION = re.compile(r"(?i:not[_-]in[_-]sources)|NOT IN SOURCES")
_ABSTAINS = re.compile(rf"\W*(?:{_ABSTENTION.pattern})")


class LlmReader:
    """Answers from passages by a language model; the model cites them by key, sentence by sentence.

    `prompt_tokens` bounds the passages in the prompt. `fence` makes the random code of each request's fences; a fixed
    one reproduces a recorded prompt. `trouble` is the code of the failure of the last reply, or None.
    """

    name = "llm@1"

    def __init__(
        self, chat: Chat, prompts: Prompts, *, prompt_tokens: int, fence: Callable[[], str] = new_fence
    ) -> None:
        self._chat = chat
        self._prompts = prompts
        self._prompt_tokens = prompt_tokens
        self._fence = fence
        self.trouble: str | None = None
        self._reasons_first = False  # of the last reply: a model's template is the same for each question

    @property
    def model(self) -> str:
        """The model's name as its service knows it."""
        return self._chat.model

    @property
    def prompt(self) -> str:
        """The digest of the prompt, such as `answer@3f2a91c0`."""
        return self._prompts.digest(PROMPT)

    async def fit(self, passages: Sequence[Passage]) -> tuple[Passage, ...]:
        """Return the leading passages that are within the budget of tokens."""
        return await asyncio.to_thread(fit_passages, passages, self._prompt_tokens, self.model)

    async def read(
        self, question: str, passages: Sequence[Passage], asked_at: str, use: ModelUse
    ) -> AsyncGenerator[Drafted, None]:
        """Yield the sentences of the reply, or one Abstained. `asked_at` is an ISO date; `use` gets the call.

        Raises ReaderFailed, after the complete sentences before the failure.
        """
        prompt = self._render(question, passages, asked_at)
        draft = Draft([passage.key for passage in passages], reasons_first=self._reasons_first)
        try:
            async with aclosing(self._chat.stream(prompt.system, prompt.user, use)) as pieces:
                async for piece in pieces:
                    async for sentence in draft.feed(piece):
                        yield sentence
                    if draft.abstained:
                        break
            async for sentence in draft.finish():
                yield sentence
        except ReaderFailed as failure:
            async for sentence in draft.finish(cut_off=True):
                yield sentence
            self.trouble = failure.code
            draft.check(failure)
        self.trouble = None
        self._reasons_first = draft.text.thoughts.reasons_first
        if draft.abstained:
            yield Abstained()
        elif not draft.has_words:
            nothing = ReaderEmpty("The language model's reply has no text that answers.")
            log_failure(self.model, nothing)
            use.has_failed = True
            self.trouble = nothing.code
            raise nothing

    def _render(self, question: str, passages: Sequence[Passage], asked_at: str) -> RenderedPrompt:
        fence = self._fence()
        return self._prompts.render(
            PROMPT,
            fence=fence,
            sentinel=ABSTAIN,
            asked_at=asked_at,
            question=sanitize(question, fence),
            passages=[_prompt_passage(passage, fence) for passage in passages],
        )


def _prompt_passage(passage: Passage, fence: str) -> dict[str, str]:
    """Return the fields of a passage in the prompt, sanitized."""
    article = passage.article
    published = isoformat(article.published_at)
    return {
        "key": passage.key,
        "title": sanitize_line(article.title or "", fence) or "untitled",
        "source": sanitize_line(article.source or "", fence) or "unknown",
        "published": published[:10] if published else "date unknown",
        "text": sanitize(passage.chunk.text, fence),
    }


class Draft:
    """The reply of a model so far, parsed into draft sentences; `keys` are those of the passages.

    A sentence is yielded once two words follow its end. A sentence with ABSTAIN in it is dropped; if it
    is the first one, the model abstains and nothing more is yielded.
    """

    def __init__(self, keys: Sequence[str], *, reasons_first: bool = False) -> None:
        self._keys = keys
        self.text = ReplyText(reasons_first=reasons_first)
        self._parser = DraftParser(keys)
        self._has_text = self._is_answering = False
        self._is_restarted = False
        self.abstained = False
        self.has_words = False  # of a sentence

    async def feed(self, piece: str) -> AsyncGenerator[DraftSentence, None]:
        """Yield the sentences that this piece completes."""
        for part in _parts(piece):
            for sentence in self._parsed(self.text.feed(part)):
                yield sentence
            await asyncio.sleep(0)

    async def finish(self, *, cut_off: bool = False) -> AsyncGenerator[DraftSentence, None]:
        """Yield the last sentences; only the complete ones of a reply that is cut off."""
        for part in _parts(self.text.feed("", last=True)):
            for sentence in self._parsed(part):
                yield sentence
            await asyncio.sleep(0)
        for sentence in self._answering(self._parser.finish(cut_off=cut_off)):
            yield sentence

    def check(self, failure: ReaderFailed) -> None:
        """Raise the failure of the reply, unless it is a refusal before any words: the model abstained."""
        if not isinstance(failure, ModelRefused):
            raise failure
        if self._has_text:
            raise ReaderCutOff("The language model declined to continue its reply.") from failure
        self.abstained = True

    def _parsed(self, text: str) -> Iterator[DraftSentence]:
        """Yield the sentences that a text completes; a text after reasoning that passed as an answer starts again."""
        if self.text.thoughts.was_reasoning and not self._is_restarted:
            self._is_restarted, self._parser = True, DraftParser(self._keys)
            self._has_text = self._is_answering = False
        self._has_text = self._has_text or bool(text.strip())
        yield from self._answering(self._parser.feed(text))
        # The explanation after the sentinel is not needed.
        self.abstained = self.abstained or (not self._is_answering and bool(_ABSTAINS.match(self._parser.pending)))

    def _answering(self, sentences: Iterable[DraftSentence]) -> Iterator[DraftSentence]:
        """Yield the sentences without those that abstain."""
        for sentence in sentences:
            abstention = _ABSTENTION.search(sentence.text)
            answering = _until(sentence, abstention.start()) if abstention else sentence
            if answering.text.strip() and not self.abstained:
                self._is_answering = self.has_words = True
            self.abstained = self.abstained or bool(abstention and not self._is_answering)
            if not self.abstained and (answering.text.strip() or not abstention):
                yield answering


def _parts(text: str) -> list[str]:
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def _until(sentence: DraftSentence, end: int) -> DraftSentence:
    """Return the complete sentences in a draft before a place: the sentinel in small letters begins none of its own."""
    left = max((stop.end() for stop in _STOP.finditer(sentence.text, 0, end)), default=0)
    parts: list[str | tuple[str, ...]] = []
    for part in sentence.parts:
        if left >= 0:
            parts.append(part[:left] if isinstance(part, str) else part)
            left -= len(part) if isinstance(part, str) else 0
    return replace(sentence, parts=tuple(parts))
