from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core import Document
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.schema import NodeRelationship, TextNode

from index.embedding.local import count_pieces
from index.text import CHUNK_TOKENS, CHUNKER, ChunkSpan, chunk_spans, sentence_spans
from ingest.chunk import SentenceChunker

Count = Callable[[Sequence[str]], list[int]]


def in_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def in_characters(texts: Sequence[str]) -> list[int]:
    return [len(text) for text in texts]


def in_half_characters(texts: Sequence[str]) -> list[int]:
    """Count half characters, so that one character may exceed the budget."""
    return [2 * len(text) for text in texts]


SENTENCES = st.sampled_from(
    [
        "The ferry left.",
        "Few were on it, said the harbour master on Monday.",
        "Why?",
        "Crews of the U.S. ship stayed at No. 5.",
        "“It is over,” he said.",
        "a" * 40,
        "word " * 30 + "end.",
        "渡轮离港。无人受伤。",
        "A heading",
        "## Another heading",
        "- an item",
    ]
)
BODIES = st.lists(st.tuples(SENTENCES, st.sampled_from([" ", "\n", "\n\n", "   "])), max_size=25).map(
    lambda parts: "".join(sentence + space for sentence, space in parts).strip()
)
ANY = BODIES | st.text().map(str.strip)
BUDGETS = st.integers(1, 40)
MEASURES = st.sampled_from([in_words, in_characters, in_half_characters])
REPEATED = "The ferry left at noon. The pier was empty. Few knew why. The harbour master said so."


def texts_of(body: str, spans: Sequence[ChunkSpan]) -> list[str]:
    return [body[span.start : span.end] for span in spans]


@given(ANY, MEASURES, BUDGETS)
def test_chunks_are_slices_in_strictly_rising_order(body: str, count: Count, budget: int) -> None:
    """Every chunk is a slice of the body, not empty or padded, and starts after the start of the previous one."""
    spans = chunk_spans(body, count, budget)
    assert all(0 <= span.start < span.end <= len(body) for span in spans)
    assert all(text == text.strip() for text in texts_of(body, spans))
    assert all(one.start < other.start and one.end < other.end for one, other in pairwise(spans))


@given(ANY, MEASURES, BUDGETS)
def test_no_word_is_lost(body: str, count: Count, budget: int) -> None:
    """Every character except white space is in a chunk."""
    covered = {position for span in chunk_spans(body, count, budget) for position in range(span.start, span.end)}
    assert all(position in covered or char.isspace() for position, char in enumerate(body))


@given(ANY, MEASURES, BUDGETS)
def test_a_sentence_that_fits_is_in_one_chunk(body: str, count: Count, budget: int) -> None:
    """Every sentence within the budget is complete in a chunk."""
    spans = chunk_spans(body, count, budget)
    for sentence in sentence_spans(body):
        if count([body[sentence.start : sentence.end]])[0] <= budget:
            assert any(span.start <= sentence.start and sentence.end <= span.end for span in spans)


@given(ANY, MEASURES, BUDGETS)
def test_the_budget_holds_unless_a_piece_cannot_be_cut(body: str, count: Count, budget: int) -> None:
    """Only a single character may exceed the budget, and no chunk is longer than its stated length."""
    for span, text in ((span, body[span.start : span.end]) for span in chunk_spans(body, count, budget)):
        assert span.tokens <= budget or len(text) == 1
        assert len(text.split()) <= span.tokens


@given(ANY, MEASURES, BUDGETS)
def test_no_chunk_crosses_a_heading(body: str, count: Count, budget: int) -> None:
    """Headings are only at the start of a chunk."""
    sentences = sentence_spans(body)
    for span in chunk_spans(body, count, budget):
        kinds = [each.heading for each in sentences if span.start <= each.start and each.end <= span.end]
        assert kinds == sorted(kinds, reverse=True)


@given(BODIES, st.integers(0, 30))
def test_one_sentence_is_said_again_where_it_fits(body: str, more: int) -> None:
    """A chunk repeats the last sentence of the previous one if the next sentence fits with it."""
    sentences = sentence_spans(body)
    tokens = in_words([body[each.start : each.end] for each in sentences])
    numbers = {each.start: number for number, each in enumerate(sentences)}
    budget = max(tokens, default=1) + more
    for one, other in pairwise(chunk_spans(body, in_words, budget)):
        following = next(number for number, each in enumerate(sentences) if each.start >= one.end)
        last = following - 1
        new_section = sentences[following].heading and not sentences[last].heading
        fits = tokens[last] + tokens[following] <= budget and one.start < sentences[last].start
        assert numbers[other.start] == (last if fits and not new_section else following)


def test_chunks_are_filled_as_far_as_the_budget_goes() -> None:
    """Chunks contain sentences up to the budget, repeat the last one, and start again at a heading."""
    body = f"Harbour\n\n{REPEATED}\n\nCouncil\n\nIt voted."
    assert texts_of(body, chunk_spans(body, in_words, 12)) == [
        "Harbour\n\nThe ferry left at noon. The pier was empty.",
        "The pier was empty. Few knew why. The harbour master said so.",
        "Council\n\nIt voted.",
    ]


def test_a_sentence_above_the_budget_is_cut_between_words() -> None:
    """A sentence above the budget is cut at spaces, and its pieces fill chunks as sentences do."""
    body = f"It was said that {'ferry after ferry left and ' * 20}passengers came. It ended."
    spans = chunk_spans(body, in_words, 30)
    assert all(f" {body} "[span.start] == f" {body} "[span.end + 1] == " " for span in spans)
    assert all(15 <= len(text.split()) <= 30 for text in texts_of(body, spans)[:-1])
    assert spans[-1].end == len(body)


def test_an_empty_body_has_no_chunks() -> None:
    """An empty body, or one of white space, has no chunks."""
    assert chunk_spans("", in_words) == chunk_spans(" \n\n ", in_words) == []


def test_the_wordpieces_of_a_chunk_are_those_of_its_text() -> None:
    """The length of a chunk is the number of WordPieces of its text, and within the budget in the chunker's name."""
    body = "\n\n".join(f"{REPEATED} It cost $1,{number:03} in the U.S.; Óscar paid." for number in range(30))
    spans = chunk_spans(body, count_pieces)
    assert [span.tokens for span in spans] == count_pieces(texts_of(body, spans))
    assert max(span.tokens for span in spans) in range(CHUNK_TOKENS - 30, CHUNK_TOKENS + 1)
    assert str(CHUNK_TOKENS) in CHUNKER


@pytest.mark.parametrize("times", [1, 3])
def test_repeated_paragraphs_keep_their_places_in_a_pipeline(times: int) -> None:
    """A repeated paragraph has a chunk at each of its places, also through LlamaIndex's own pipeline."""
    body = "\n\n".join([REPEATED] * times)
    documents = [Document(id_=name, text=body, metadata={"title": "Ferry"}) for name in ("a", "b")]
    # A quarter of a chunk for each sentence: a chunk is a paragraph long.
    chunker = SentenceChunker(count=lambda texts: [CHUNK_TOKENS // 4] * len(texts))
    nodes = IngestionPipeline(transformations=[chunker], disable_cache=True).run(documents=documents)
    expected = chunk_spans(body, chunker.count)
    assert len(expected) == {1: 1, 3: 4}[times]
    for name in ("a", "b"):
        held = [node for node in nodes if isinstance(node, TextNode) and node.ref_doc_id == name]
        places = [(node.start_char_idx, node.end_char_idx, node.metadata["token_count"]) for node in held]
        assert places == [tuple(span) for span in expected]
        assert all(body[node.start_char_idx : node.end_char_idx] == node.text for node in held)
        assert [node.metadata["ordinal"] for node in held] == list(range(len(expected)))
        assert [node.id_ for node in held] == [f"{name}#{ordinal}" for ordinal in range(len(expected))]
        assert all(NodeRelationship.SOURCE in node.relationships and node.metadata["title"] == "Ferry" for node in held)
