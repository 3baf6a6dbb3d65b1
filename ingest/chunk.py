"""Article → chunks: whole sentences up to a budget, one sentence of overlap, never across a heading.

A LlamaIndex NodeParser that sets offsets and source itself: LlamaIndex would look a chunk's text up in
the article, and find the first place of a text that repeats.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from llama_index.core.node_parser import NodeParser
from llama_index.core.schema import BaseNode, Document, NodeRelationship, TextNode
from pydantic import Field

from index.text import Sentence, sentence_spans

CHUNK_TOKENS = 200
"""WordPieces a chunk holds at most; with its title it stays below the 256 that the embedded model reads."""

CHUNKER = f"sentences-{CHUNK_TOKENS}-overlap-1@2"
"""The chunker's name in the manifest; a change of what it does is a change of this."""

LETTERS = 50
"""Characters a piece has on average only where the tokenizer gave up; a tenth of them is then the count."""

CountTokens = Callable[[Sequence[str]], list[int]]


class ChunkSpan(NamedTuple):
    """A chunk's place in the body, in code points, and its length in WordPieces."""

    start: int
    end: int
    tokens: int


class _Piece(NamedTuple):
    """A sentence, or part of one that is longer than a whole chunk."""

    start: int
    end: int
    tokens: int
    heading: bool


def chunk_spans(body: str, count: CountTokens, budget: int = CHUNK_TOKENS) -> list[ChunkSpan]:
    """The chunks of a body in order; each starts where a sentence starts and holds at most `budget` tokens."""
    return [span for section in _sections(_pieces(body, _at_least(count), budget)) for span in _packed(section, budget)]


def _at_least(count: CountTokens) -> CountTokens:
    """Counts that see words of more than a hundred letters, each of which the tokenizer gives up on as one piece."""
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
    """Halve a sentence that no chunk could hold, at a space where there is one, again and again."""
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
    """Split before each heading; headings that follow one another stay together."""
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
        # One sentence again, if the next chunk has room for it beside what follows.
        overlaps = last > first and section[last].tokens + section[last + 1].tokens <= budget
        first = last if overlaps else last + 1


class SentenceChunker(NodeParser):
    """The chunker as a step of a LlamaIndex pipeline; each node's `token_count` is in its metadata."""

    count: Callable[..., Any] = Field(exclude=True, description="Texts to their numbers of WordPieces.")

    def get_nodes_from_documents(
        self,
        documents: Sequence[Document],
        show_progress: bool = False,  # noqa: FBT001, FBT002, ARG002 - the framework's signature
        **_: Any,  # noqa: ANN401 - the framework's signature
    ) -> list[BaseNode]:
        """The chunks of all documents, with offsets and source set here rather than searched for."""
        return [node for document in documents for node in self._nodes(document)]

    def _nodes(self, document: Document) -> Iterator[TextNode]:
        body = document.text
        for ordinal, span in enumerate(chunk_spans(body, self.count)):
            yield TextNode(
                id_=f"{document.node_id}#{ordinal}",
                text=body[span.start : span.end],
                start_char_idx=span.start,
                end_char_idx=span.end,
                metadata={**document.metadata, "ordinal": ordinal, "token_count": span.tokens},
                relationships={NodeRelationship.SOURCE: document.as_related_node_info()},
            )

    def _parse_nodes(self, nodes: Sequence[BaseNode], show_progress: bool = False, **_: Any) -> list[BaseNode]:  # noqa: FBT001, FBT002, ANN401, ARG002
        return self.get_nodes_from_documents([node for node in nodes if isinstance(node, Document)])
