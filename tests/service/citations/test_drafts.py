"""Drafts: a reader's deltas become sentences, and what is not a delta passes."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given

from service.citations.stream import draft_sentences
from service.errors import ReaderFailed
from service.records import Abstained, Delta, DraftSentence, Usage
from tests.service.citations.pieces import CUTS, KNOWN, REPLIES, drafts_of, pieces_of

Item = Delta | DraftSentence | Abstained | Usage


async def spoken(items: Sequence[Item | ReaderFailed]) -> AsyncIterator[Item]:
    """A reader that says these things, or fails."""
    for item in items:
        if isinstance(item, ReaderFailed):
            raise item
        yield item


def heard(items: Sequence[Item | ReaderFailed]) -> tuple[list[DraftSentence | Abstained | Usage], ReaderFailed | None]:
    """What comes of it, and the error with which it ends."""
    given_out: list[DraftSentence | Abstained | Usage] = []

    async def listen() -> None:
        async for item in draft_sentences(spoken(items), KNOWN):
            given_out.append(item)

    try:
        asyncio.run(listen())
    except ReaderFailed as failure:
        return given_out, failure
    return given_out, None


@given(text=REPLIES, cuts=CUTS)
def test_deltas_become_the_sentences_of_their_text(text: str, cuts: list[int]) -> None:
    """Deltas cut anywhere give the drafts of the whole text."""
    assert heard([Delta(piece) for piece in pieces_of(text, cuts)]) == (drafts_of(text), None)


def test_everything_else_passes() -> None:
    """Whole drafts, abstaining and usage come out as they went in."""
    items: list[Item] = [DraftSentence(("It rained", ("k7f2",), ".")), Abstained(), Usage(1, 2, 1)]
    assert heard(items) == (items, None)


def test_a_failed_reader_keeps_its_whole_sentences() -> None:
    """The sentences that came to their end are given out before the error."""
    failure = ReaderFailed("cut off")
    whole = [DraftSentence(("It rained", ("k7f2",), ".")), DraftSentence(("It snowed", ("m3p9",), "."))]
    assert heard([Delta("It rained [k7f2]. It snowed [m3p9]."), failure]) == (whole, failure)


@pytest.mark.parametrize("cut_off", ["It snowed in the [m3p9]", "It snowed [m3", "It"])
def test_a_failed_reader_loses_its_broken_sentence(cut_off: str) -> None:
    """A sentence that did not come to its end is not given out."""
    failure = ReaderFailed("cut off")
    assert heard([Delta(f"It rained [k7f2]. {cut_off}"), failure]) == (drafts_of("It rained [k7f2]."), failure)
