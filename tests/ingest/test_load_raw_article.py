from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.load import ArticleFile
from ingest.load.article import ID, guid_id, path_id, slug

HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)
NAMES = st.text(st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name not in (".", "..")
)


@given(st.text())
def test_every_slug_is_an_id(text: str) -> None:
    """Any path gives a valid id of at most 200 characters."""
    assert ID.fullmatch(slug(text))
    assert ID.fullmatch(slug(text, ".12345"))
    assert ID.fullmatch(guid_id(text, text))


@given(
    st.from_regex(r"[A-Za-z0-9_-]*[A-Za-z0-9_][A-Za-z0-9_-]*(/[A-Za-z0-9_-]+)?", fullmatch=True).filter(
        lambda s: len(s) < 200
    )
)
def test_a_plain_path_is_its_own_id(path: str) -> None:
    """Letters, digits, underscores and hyphens stay; a folder's separator becomes a full stop."""
    assert slug(path) == path.replace("/", ".")


@given(st.text(HAN, min_size=1), st.text(HAN, min_size=1))
def test_names_in_other_scripts_stay_apart(one: str, other: str) -> None:
    """Two names outside of ASCII give two ids."""
    assert (slug(one) == slug(other)) == (one == other)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("000_5da4c667af5338e2.txt", "000_5da4c667af5338e2"),
        ("2024/05/plant opens (v2).final.md", "2024.05.plant-opens-v2-final"),
        ("Müller über Café.txt", "Muller-uber-Cafe"),
        ("a.b/c.txt", "a-b.c"),
    ],
)
def test_a_path_makes_a_readable_id(path: str, expected: str) -> None:
    """The extension and accents are removed; any other run of characters becomes one hyphen."""
    assert path_id(ArticleFile(Path("/root") / path, Path("/root"))) == expected


def test_a_name_that_is_shown_in_part_keeps_what_makes_it_unique() -> None:
    """Names that differ only in letters outside of ASCII give different ids with a readable part."""
    one, other = slug("日本-2024"), slug("中国-2024")
    assert one != other
    assert one.startswith("2024-")
    assert other.startswith("2024-")


def test_a_name_composed_in_another_way_is_the_same() -> None:
    """An accent written as one character or as two makes the same id."""
    assert slug("caf\u00e9") == slug("cafe\u0301") == "cafe"


@given(st.lists(NAMES, min_size=1, max_size=3), st.integers(1, 10**6))
def test_records_of_a_file_are_numbered(parts: list[str], number: int) -> None:
    """The n-th record of a file has the id of the file with its number, however long the name is."""
    name = "/".join(parts)
    file = ArticleFile(Path("/root") / f"{name * 30}.json", Path("/root"))
    assert path_id(file, number).endswith(f".{number}")
    assert len(path_id(file, number)) <= 200


def test_long_names_that_differ_at_the_end_stay_apart() -> None:
    """An id that had to be cut keeps a hash of what was cut."""
    assert slug("x" * 300 + "a") != slug("x" * 300 + "b")
    assert len(slug("x" * 300, ".12")) == 200
