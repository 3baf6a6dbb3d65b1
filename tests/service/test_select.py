"""Selection: the first so many, under keys that nobody takes for a word or a number."""

import re

from hypothesis import given
from hypothesis import strategies as st

from service.citations.stream import Marker, MarkerParser
from service.select import passage_keys, select
from tests.service.passages import make_passage

KEY = re.compile(r"[b-df-hjkmnp-tvwxz][b-df-hjkmnp-tvwxz2-9]{2}[2-9]")


@given(chunk_ids=st.lists(st.text(max_size=30), max_size=30))
def test_keys_are_short_signs(chunk_ids: list[str]) -> None:
    """A key is a consonant, two consonants or digits, and a digit: no word, no number, no 0, 1, l or o."""
    assert all(KEY.fullmatch(key) for key in passage_keys(chunk_ids))


@given(chunk_ids=st.lists(st.text(max_size=30), max_size=30))
def test_keys_are_read_as_markers(chunk_ids: list[str]) -> None:
    """A key in square brackets is a marker of that key."""
    keys = passage_keys(chunk_ids)
    parser = MarkerParser(keys)
    assert [token for key in keys for token in parser.feed(f"[{key}]")] == [Marker((key,)) for key in keys]


def test_no_two_chunks_share_a_key() -> None:
    """Among 10,000 chunks, whose keys must collide, each has a key of its own, the same every time."""
    chunk_ids = [f"article-{number}:0" for number in range(10_000)]
    keys = passage_keys(chunk_ids)
    assert len(set(keys)) == len(chunk_ids)
    assert len({passage_keys([chunk_id])[0] for chunk_id in chunk_ids}) < len(chunk_ids)
    assert passage_keys(iter(chunk_ids)) == keys


@given(before=st.lists(st.text(max_size=9), max_size=9), after=st.lists(st.text(max_size=9), max_size=9))
def test_what_comes_later_changes_no_key(before: list[str], after: list[str]) -> None:
    """A chunk's key depends on the chunks before it alone."""
    assert passage_keys([*before, *after])[: len(before)] == passage_keys(before)


@given(size=st.integers(0, 12), count=st.integers(0, 15))
def test_the_best_are_passages_in_rank_order(size: int, count: int) -> None:
    """At most so many passages are chosen, the first ones in their order, each with its article."""
    made = [make_passage("x", f"Sentence {number}.") for number in range(size)]
    chosen = select([(passage.scored, passage.article) for passage in made], count)
    assert [(passage.scored, passage.article) for passage in chosen] == [(p.scored, p.article) for p in made][:count]
    assert [passage.key for passage in chosen] == passage_keys(passage.chunk.chunk_id for passage in chosen)
