"""What a reader gives out → whole sentences with the passages that they cite."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Collection, Iterator

from service.citations.markers import MarkerParser
from service.citations.sentences import SentenceAssembler
from service.errors import ReaderFailed
from service.records import Abstained, Delta, DraftSentence, Usage

PIECE = 1_000
"""Code points taken apart at a time; the event loop gets a turn after each piece."""

_ENDS = (".", "!", "?", "…", '"', "”", "»", "。", "！", "？")


async def draft_sentences(
    drafted: AsyncIterable[Delta | DraftSentence | Abstained | Usage], keys: Collection[str]
) -> AsyncGenerator[DraftSentence | Abstained | Usage, None]:
    """Deltas assembled into sentences; everything else passes.

    Where the reader fails half-way, its last sentence is given out before the error only if it came to its end.
    """
    parser, assembler = MarkerParser(keys), SentenceAssembler()
    try:
        async for item in drafted:
            if not isinstance(item, Delta):
                yield item
                continue
            for piece in _pieces(item.text):
                for token in parser.feed(piece):
                    for sentence in assembler.feed(token):
                        yield sentence
                await asyncio.sleep(0)
    except ReaderFailed:
        for sentence in _rest(parser, assembler):
            if sentence.text.endswith(_ENDS):
                yield sentence
        raise
    for sentence in _rest(parser, assembler):
        yield sentence


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))


def _rest(parser: MarkerParser, assembler: SentenceAssembler) -> list[DraftSentence]:
    sentences = [sentence for token in parser.finish() for sentence in assembler.feed(token)]
    return sentences + list(assembler.finish())
