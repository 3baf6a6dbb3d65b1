"""What a reader gives out → whole sentences with the passages that they cite."""

from collections.abc import AsyncGenerator, AsyncIterable, Collection

from service.citations.markers import MarkerParser
from service.citations.sentences import SentenceAssembler
from service.errors import ReaderFailed
from service.records import Abstained, Delta, DraftSentence, Usage

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
            for token in parser.feed(item.text):
                for sentence in assembler.feed(token):
                    yield sentence
    except ReaderFailed:
        for sentence in _rest(parser, assembler):
            if sentence.text.endswith(_ENDS):
                yield sentence
        raise
    for sentence in _rest(parser, assembler):
        yield sentence


def _rest(parser: MarkerParser, assembler: SentenceAssembler) -> list[DraftSentence]:
    sentences = [sentence for token in parser.finish() for sentence in assembler.feed(token)]
    return sentences + list(assembler.finish())
