import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.embedding.wordpiece import WordPieces

uncut = WordPieces()
cut = WordPieces(limit=256)
texts = st.text(st.characters(categories=["L", "N", "P", "Z", "S", "Cs"]), max_size=200)


@given(st.lists(texts, max_size=5))
def test_the_count_is_what_the_model_reads_without_its_two_marks(several: list[str]) -> None:
    """A text's count is the number of its pieces without [CLS] and [SEP], whatever it is counted with."""
    assert uncut.count(several) == [len(uncut.ids(text)) - 2 for text in several]


@given(texts, texts)
def test_counts_of_parts_add_up(one: str, other: str) -> None:
    """Two texts with a space between have as many pieces as both together."""
    assert uncut.count([f"{one} {other}"]) == [sum(uncut.count([one, other]))]


@pytest.mark.parametrize("words", [1, 126, 127, 200, 254, 255, 1000])
def test_a_text_is_neither_padded_nor_cut_before_256(words: int) -> None:
    """A text is not padded, nor cut at 128; one of more than 254 pieces is cut to 256 with its marks."""
    text = "ferry " * words
    assert uncut.count([text]) == [words]
    assert len(uncut.ids(text)) == words + 2
    assert len(cut.ids(text)) == min(words + 2, 256)
    assert (cut.ids(text)[0], cut.ids(text)[-1]) == (101, 102)


def test_half_a_surrogate_pair_is_counted_rather_than_refused() -> None:
    """Half a surrogate pair, which has no UTF-8 form, counts as one replacement sign."""
    assert uncut.ids("storm \ud83d warning") == uncut.ids("storm ? warning")
