"""A hostile or broken model: its text is bounded, and the event loop keeps running."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

import pytest

from index.text import Sentence, sentence_spans
from service.citations.stream import DraftParser
from service.citations.verify import SupportCheck, Thresholds, Verifier
from service.errors import ReaderEmpty
from service.prompts import Prompts
from service.readers.chat import ModelUse
from service.readers.llm import PIECE, Draft, LlmReader
from service.records import LONGEST_SENTENCE, DraftSentence
from tests.fakes import HashedEmbedder
from tests.service.passages import make_passage

KNOWN = ("k7f2",)
MANY = 200_000
ENDLESS: dict[str, str] = {
    "brackets": "[",
    "closed brackets": "[]",
    "open brackets of two kinds": "[【",
    "words without a stop": "word ",
    "one word": "w",
    "many sentences": "It rained on that day. ",
    "abbreviations": "e.g. ",
    "stops": ".",
    "stops apart": ". ",
    "lines": "\n",
    "lists": "- x\n",
    "markers": "[k7f2]",
    "invented markers": "[1]",
    "markers between words": "x [k7f2] ",
    "a marker that stays open": "[k7f2 ",
    "the abstaining line, nearly": "NOT_IN_SOURCE ",
    "CJK stops": "。",
    "quotes that stay open": '[k7f2: "It rained. ',
    "quotes": '[k7f2: "It rained."] ',
    "round brackets": "(",
    "emphasis": "*",
    "words in emphasis": "**x** ",
    "ticks": "`",
    "tags": "<b>",
    "tags that stay open": "<b ",
    "reasoning": "<think>",
    "reasoning without a tag": "Okay, it rained. ",
    "JSON": '{"answer": [',
    "links": "[k7f2](",
}


def endless(text: str) -> str:
    """Repeat a text to the length of a long reply."""
    return (text * (MANY // len(text) + 1))[:MANY]


class Talker:
    """A language model that sends these pieces and never waits."""

    model = "talker"

    def __init__(self, pieces: Sequence[str]) -> None:
        self._pieces = pieces

    async def stream(self, system: str, user: str, use: ModelUse) -> AsyncGenerator[str, None]:
        for piece in self._pieces:
            yield piece

    async def complete(self, system: str, user: str, use: ModelUse) -> str:
        return "".join(self._pieces)

    async def aclose(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("length", [1, MANY])
def test_the_loop_goes_on(text: str, length: int) -> None:
    """The event loop gets a turn for each piece of an endless reply, in letters or in one piece."""
    reply = endless(text)[: MANY if length > 1 else 5 * PIECE]
    turns = 0

    async def heartbeat() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def listen() -> list[DraftSentence]:
        beating = asyncio.create_task(heartbeat())
        pieces = [reply[start : start + length] for start in range(0, len(reply), length)]
        reader = LlmReader(Talker(pieces), Prompts(), prompt_tokens=4_000)
        passages = [make_passage("k7f2", "It rained.")]
        drafts: list[DraftSentence] = []
        with suppress(ReaderEmpty):  # a reply without words
            async for draft in reader.read("Did it rain?", passages, "", ModelUse()):
                drafts += [draft] if isinstance(draft, DraftSentence) else []
        beating.cancel()
        return drafts

    drafts = asyncio.run(listen())
    assert turns >= len(reply) // PIECE
    assert all(len(draft.text) <= LONGEST_SENTENCE for draft in drafts)


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_no_text_is_read_again_and_again(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search for sentences is linear in the length of a reply."""
    read = 0

    def counted(text: str, *, headings: bool = True) -> list[Sentence]:
        nonlocal read
        read += len(text)
        return sentence_spans(text, headings=headings)

    monkeypatch.setattr("service.citations.stream.sentence_spans", counted)
    parser = DraftParser(KNOWN)
    reply = endless(text)[: 3 * LONGEST_SENTENCE]
    for letter in reply:
        for _ in parser.feed(letter):
            pass
        assert len(parser.pending) <= LONGEST_SENTENCE
        assert len(parser._markers) <= LONGEST_SENTENCE
    assert read <= (len(re.findall(r"\w+", reply)) + 1) * LONGEST_SENTENCE


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_little_is_held_back(text: str) -> None:
    """At most one sentence is held back until its end."""

    async def listen() -> None:
        draft = Draft(KNOWN)
        for letter in endless(text)[: 3 * LONGEST_SENTENCE]:
            async for sentence in draft.feed(letter):
                assert len(sentence.text) <= LONGEST_SENTENCE
            assert len(draft._parser.pending) <= LONGEST_SENTENCE

    asyncio.run(listen())


def test_a_sentence_without_an_end_is_withheld() -> None:
    """A sentence that is too long is split into parts that are not shown; the next sentence is processed normally."""
    parser = DraftParser(KNOWN)
    long = "The harbour of Aldane has 60 boats " * 100
    drafts = [*parser.feed(f"{long}. It rained in Galt. And it snowed in Galt."), *parser.finish()]
    assert "".join(draft.text for draft in drafts[:-2]) == f"{long}."
    assert [draft.text for draft in drafts[-2:]] == ["It rained in Galt.", "And it snowed in Galt."]
    assert [draft.complete for draft in drafts] == [False, False, True, True]
    verifier = Verifier(SupportCheck(HashedEmbedder(), Thresholds.read()))
    passages = {"k7f2": make_passage("k7f2", "The harbour of Aldane has 60 boats.")}
    part = DraftSentence(("The harbour of Aldane has 60 boats.", ("k7f2",)), complete=False)
    assert verifier.verify(part, passages, "verified").withheld == "too_long"


@pytest.mark.parametrize("text", ["[[[[", "((((", "...", "A a a a.", "It is, and so it was.", "Not at all."])
def test_text_that_says_nothing_is_withheld(text: str) -> None:
    """A sentence of punctuation and stop words is unsupported."""
    verifier = Verifier(SupportCheck(HashedEmbedder(), Thresholds.read()))
    passages = {"k7f2": make_passage("k7f2", "It is what it is. The harbour of Aldane has 60 boats.")}
    assert verifier.verify(DraftSentence((text, ("k7f2",))), passages, "verified").withheld == "not_in_source"
