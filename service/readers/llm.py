"""The reader that asks a language model: passages into a prompt, its reply into draft sentences."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import pairwise

from index.records import isoformat
from service.citations.stream import DraftParser
from service.errors import ReaderCutOff, ReaderEmpty, ReaderFailed
from service.prompts import Prompts, RenderedPrompt, new_fence, sanitize, sanitize_line
from service.readers.base import Drafted, Reading
from service.readers.budget import fit_passages
from service.readers.chat import Chat, log_failure
from service.readers.chat_reply import ModelRefused
from service.readers.reply_text import ReplyText
from service.records import LONGEST_SENTENCE, Abstained, DraftSentence, Passage, Usage

PROMPT = "answer"

ABSTAIN = "NOT_IN_SOURCES"
"""The reply of a model that abstains, as the prompt asks for it."""

PIECE = 1_000
"""Code points parsed at a time; the event loop gets a turn after each piece."""


class LlmReader:
    """Answers from passages by a language model; the model cites them by key, sentence by sentence.

    `prompt_tokens` bounds the passages in the prompt. `fence` makes the random code of each
    request's fences; a fixed one reproduces a recorded prompt.
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
        self._reasons_first = False

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

    async def read(self, reading: Reading) -> AsyncGenerator[Drafted, None]:
        """Yield the sentences of the reply, or one Abstained; last the Usage of the call.

        Raises ReaderFailed, after the complete sentences before the failure.
        """
        prompt = self._render(reading)
        draft = Draft([passage.key for passage in reading.passages], reasons_first=self._reasons_first)
        usage = Usage()
        try:
            async with aclosing(self._chat.stream(prompt.system, prompt.user)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Usage):
                        usage = piece
                        continue
                    async for sentence in draft.feed(piece):
                        yield sentence
                    if draft.abstained:
                        break
            async for sentence in draft.finish():
                yield sentence
        except ReaderFailed as failure:
            async for sentence in draft.finish(cut_off=True):
                yield sentence
            draft.check(failure)
        self._reasons_first = self._reasons_first or draft.was_reasoning
        if draft.abstained:
            yield Abstained()
            usage = await self._chat.count(prompt.system, prompt.user, draft.received)
        yield usage
        if not draft.abstained and not draft.has_words:
            nothing = ReaderEmpty("The language model's reply has no text that answers.")
            log_failure(self.model, nothing)
            raise nothing

    def _render(self, reading: Reading) -> RenderedPrompt:
        fence = self._fence()
        return self._prompts.render(
            PROMPT,
            fence=fence,
            sentinel=ABSTAIN,
            asked_at=reading.asked_at,
            question=sanitize(reading.question, fence),
            passages=[_prompt_passage(passage, fence) for passage in reading.passages],
        )


@dataclass(frozen=True, slots=True)
class _PromptPassage:
    """A passage in the prompt, every field sanitized."""

    key: str
    title: str
    source: str
    published: str
    text: str


def _prompt_passage(passage: Passage, fence: str) -> _PromptPassage:
    article = passage.article
    published = isoformat(article.published_at)
    return _PromptPassage(
        key=passage.key,
        title=sanitize_line(article.title or "", fence) or "untitled",
        source=sanitize_line(article.source or "", fence) or "unknown",
        published=published[:10] if published else "date unknown",
        text=sanitize(passage.chunk.text, fence),
    )


class Draft:
    """The reply of a model so far, parsed into draft sentences; `keys` are those of the passages."""

    def __init__(self, keys: Sequence[str], *, reasons_first: bool = False) -> None:
        self._keys = keys
        self._text = ReplyText(reasons_first=reasons_first)
        self._watch, self._parser = AbstentionWatch(), DraftParser(keys)
        self._pieces: list[str] = []
        self.was_reasoning = False  # sentences so far were reasoning without an opening tag
        self.has_words = False  # of a sentence

    @property
    def received(self) -> str:
        """All text that was fed."""
        return "".join(self._pieces)

    @property
    def abstained(self) -> bool:
        """True if the first sentence abstains."""
        return self._watch.abstained

    async def feed(self, piece: str) -> AsyncGenerator[DraftSentence, None]:
        """Yield the sentences that this piece completes."""
        self._pieces.append(piece)
        for part in _parts(piece):
            text = self._text.feed(part)
            if self._text.was_reasoning and not self.was_reasoning:
                self.was_reasoning = True
                self._watch, self._parser = AbstentionWatch(), DraftParser(self._keys)
            for sentence in self._parsed(self._watch.feed(text)):
                yield sentence
            await asyncio.sleep(0)

    async def finish(self, *, cut_off: bool = False) -> AsyncGenerator[DraftSentence, None]:
        """Yield the last sentences; only the complete ones of a reply that is cut off."""
        for part in _parts(self._text.finish()):
            for sentence in self._parsed(self._watch.feed(part)):
                yield sentence
            await asyncio.sleep(0)
        for sentence in [*self._parsed(self._watch.finish()), *self._parser.finish(cut_off=cut_off)]:
            self.has_words = self.has_words or bool(sentence.text.strip())
            yield sentence

    def check(self, failure: ReaderFailed) -> None:
        """Raise the failure of the reply, unless it is a refusal before any words: the model abstained."""
        self._watch.check(failure)

    def _parsed(self, text: str) -> list[DraftSentence]:
        sentences = list(self._parser.feed(text))
        self.has_words = self.has_words or any(sentence.text.strip() for sentence in sentences)
        return sentences


def _parts(text: str) -> list[str]:
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


# Models change the case, escape the underscores as Markdown, or separate the words.
_ABSTENTION = re.compile(r"(?i:not\\?[_-]in\\?[_-]sources)|NOT IN SOURCES")

# The end of a sentence: its stop, closing quotes and trailing [markers], then something visible. It decides how much
# text is held back, never which text is shown.
_BRACKETS = re.compile(r"[\[【\]】]")
_BRACKET = r"[\[【][^\[\]【】]*+(?:[\[【][^\[\]【】]*+[\]】][^\[\]【】]*+)*"
_MARKERS = rf"(?:\s*{_BRACKET}[\]】])*"
_STOP = rf"""[.!?…]["'”’»)]*{_MARKERS}\s+"""
_WIDE_STOP = rf"""[。！？]["”」』）]*{_MARKERS}\s*(?!["”」』）])"""
_LINE_BREAK = r"(?<=\S)[ \t]*\n\s*"
_END = re.compile(rf"(?:{_STOP}|{_WIDE_STOP}|{_LINE_BREAK})(?=[^\s\[【])")


class AbstentionWatch:
    """A filter of a stream that removes sentences with ABSTAIN in them; it passes a sentence on once it is complete.

    In the first sentence it means that the model abstains: `abstained` becomes true and nothing more passes.
    `has_passed` is true once any words have passed. Text without the end of a sentence is held back up to
    LONGEST_SENTENCE.
    """

    def __init__(self) -> None:
        self.abstained = False
        self.has_passed = False
        self._held = ""

    def feed(self, piece: str) -> str:
        """Add the next piece; return the text that passes, which may be empty."""
        self._held += piece
        ends = [match.end() for match in _END.finditer(self._held)]
        text = self._release(list(_outside_brackets(self._held, ends)))
        if len(self._held) > LONGEST_SENTENCE:
            text += self._release([len(self._held)])
        # Without waiting for the end of the sentence: the explanation after it is not needed.
        self.abstained = self.abstained or (not self.has_passed and bool(_ABSTENTION.search(self._held)))
        return text

    def finish(self) -> str:
        """Return the rest of the text at the end of the stream."""
        return self._release([len(self._held)])

    def check(self, failure: ReaderFailed) -> None:
        """Raise the failure of the stream, unless it is a refusal before any words: the model abstained."""
        if not isinstance(failure, ModelRefused):
            raise failure
        if self.has_passed:
            raise ReaderCutOff("The language model declined to continue its reply.") from failure
        self.abstained = True

    def _release(self, ends: list[int]) -> str:
        """Return the sentences up to each end, without those that abstain."""
        passed = []
        for start, end in pairwise([0, *ends]):
            sentence = self._held[start:end]
            if self.abstained or _ABSTENTION.search(sentence):
                self.abstained = self.abstained or not self.has_passed
            else:
                self.has_passed = self.has_passed or bool(sentence.strip())
                passed.append(sentence)
        self._held = self._held[ends[-1] :] if ends else self._held
        return "".join(passed)


def _outside_brackets(text: str, ends: list[int]) -> Iterator[int]:
    """Yield the ends that are not in a bracket: the quote in a marker has ends of its own."""
    depth = start = 0
    for end in ends:
        for sign in _BRACKETS.findall(text, start, end):
            depth = depth + 1 if sign in "[【" else max(0, depth - 1)
        start = end
        if depth == 0:
            yield end
