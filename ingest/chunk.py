"""Split articles into chunks of complete sentences, with one sentence of overlap, never across a heading."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from index.records import Article, Chunk
from index.text import Sentence, sentence_spans

CHUNK_TOKENS = 200
"""The most WordPieces in a chunk; with its title it stays below the 256 that the local model reads."""

CHUNKER = f"sentences-{CHUNK_TOKENS}-overlap-1@2"
"""The chunker's name in the manifest; change it with the chunker's behaviour."""

LETTERS = 50
"""The mean length of a WordPiece, in letters, above which the tokenizer gave up on a word."""

CountTokens = Callable[[Sequence[str]], list[int]]


class ChunkSpan(NamedTuple):
    """The span of a chunk in the body, in code points, and its length in WordPieces."""

    start: int
    end: int
    tokens: int


class _Piece(NamedTuple):
    """A sentence, or a part of a sentence that is longer than a chunk."""

    start: int
    end: int
    tokens: int
    heading: bool


def chunk_spans(body: str, count: CountTokens, budget: int = CHUNK_TOKENS) -> list[ChunkSpan]:
    """Split a body into spans in order; each begins with a sentence and has at most `budget` tokens."""
    return [span for section in _sections(_pieces(body, _at_least(count), budget)) for span in _packed(section, budget)]


def _at_least(count: CountTokens) -> CountTokens:
    """Correct counts for words of more than a hundred letters, which the tokenizer counts as one piece each."""
    return lambda texts: [
        n if len(text) < LETTERS * max(n, 1) else len(text) // 10 for n, text in zip(count(texts), texts, strict=True)
    ]


def _pieces(body: str, count: CountTokens, budget: int) -> list[_Piece]:
    sentences = sentence_spans(body)
    counts = count([body[sentence.start : sentence.end] for sentence in sentences])
    pieces: list[_Piece] = []
    for sentence, tokens in zip(sentences, counts, strict=True):
        if tokens <= budget:
            pieces.append(_Piece(*sentence[:2], tokens, sentence.heading))
        else:
            pieces.extend(_cut(body, sentence, count, budget))
    return pieces


def _cut(body: str, sentence: Sentence, count: CountTokens, budget: int) -> Iterator[_Piece]:
    """Halve a sentence that is longer than a chunk, at a space if it has one, until each part fits."""
    text = body[sentence.start : sentence.end]
    tokens = count([text])[0]
    if tokens <= budget or len(text) < 2:
        yield _Piece(sentence.start, sentence.end, tokens, heading=False)
        return
    middle = len(text) // 2
    space = text.rfind(" ", 1, middle + 1)
    cut = space if space > 0 else middle
    left, right = text[:cut].rstrip(), text[cut:].lstrip()
    yield from _cut(body, Sentence(sentence.start, sentence.start + len(left)), count, budget)
    yield from _cut(body, Sentence(sentence.end - len(right), sentence.end), count, budget)


def _sections(pieces: Sequence[_Piece]) -> Iterator[list[_Piece]]:
    """Split before each heading; consecutive headings stay together."""
    section: list[_Piece] = []
    for piece in pieces:
        if piece.heading and section and not section[-1].heading:
            yield section
            section = []
        section.append(piece)
    if section:
        yield section


def _packed(section: Sequence[_Piece], budget: int) -> Iterator[ChunkSpan]:
    first = 0
    while first < len(section):
        last, tokens = first, section[first].tokens
        while last + 1 < len(section) and tokens + section[last + 1].tokens <= budget:
            last += 1
            tokens += section[last].tokens
        yield ChunkSpan(section[first].start, section[last].end, tokens)
        if last + 1 == len(section):
            return
        # Repeat the last sentence if it fits in the next chunk with the sentence after it.
        overlaps = last > first and section[last].tokens + section[last + 1].tokens <= budget
        first = last if overlaps else last + 1


def chunks_of(article: Article, count: CountTokens) -> list[Chunk]:
    """Return the chunks of an article in order; `count` maps texts to their numbers of WordPieces."""
    return [
        Chunk(
            chunk_id=f"{article.article_id}#{ordinal}",
            article_id=article.article_id,
            ordinal=ordinal,
            text=article.body[span.start : span.end],
            start_char=span.start,
            end_char=span.end,
            token_count=span.tokens,
        )
        for ordinal, span in enumerate(chunk_spans(article.body, count))
    ]
