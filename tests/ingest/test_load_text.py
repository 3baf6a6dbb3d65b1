import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.load.article import clean
from ingest.load.text import TITLE_LENGTH, title_of
from tests.ingest.article_files import article, rejection, write


def test_the_body_is_the_text_of_the_file(tmp_path: Path) -> None:
    """The body of a text file is its text with the title line; other fields are unknown."""
    text = "Plant opens early\n\nThe plant opened on Monday. It had been due in May.\n\n“Good,” said the mayor."
    found = article(write(tmp_path / "000_5da4c667af5338e2.txt", text))
    assert found.body == text
    assert found.title == "Plant opens early"
    assert found.article_id == "000_5da4c667af5338e2"
    assert found.origin == (tmp_path / "000_5da4c667af5338e2.txt").as_posix()
    assert (found.url, found.source, found.authors, found.published_at) == (None, None, (), None)


def test_line_ends_and_byte_order_mark_are_taken_away(tmp_path: Path) -> None:
    """Windows line ends give the same body as others."""
    found = article(write(tmp_path / "a.txt", b"\xef\xbb\xbfOne line.\r\nAnother.\r\n"))
    assert found.body == "One line.\nAnother."


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("Short heading\n\nText after it.", "Short heading"),
        ("Short heading\nText after it. More.", "Short heading Text after it."),
        ("A sentence.\n\nText after it.", "A sentence."),
        ("Is it a heading?\n\nText after it.", "Is it a heading?"),
        ("Only a line", "Only a line"),
        ("By the way:\n\nText after it.", "By the way:"),
        ("one " * 21 + "\n\nText after it.", ("one " * 21).strip()),
        ("Dr. Smith came at 3.5 km. He left.", "Dr. Smith came at 3.5 km."),
        ("The *Oyan* sails[1]\n\nText after it.", "The Oyan sails"),
        ("The **Oyan** sails.[1] Text after it.", "The Oyan sails."),
        ("* * *", "* * *"),
    ],
)
def test_the_title_is_a_heading_or_the_first_sentence(body: str, title: str) -> None:
    """The first line is the title if it looks like a heading with text below it; else the first sentence is."""
    assert title_of(clean(body)) == title


def test_a_long_first_sentence_is_cut_on_a_word() -> None:
    """A title has at most 120 characters; a cut one ends at a word, with an ellipsis."""
    body = "Officials " + "said again and again that it is so " * 10 + "indeed."
    title = title_of(body)
    assert title is not None
    assert len(title) <= TITLE_LENGTH
    assert title.endswith("…")
    assert body.startswith(title[:-1] + " ")


@given(st.text(min_size=1).map(clean).filter(bool))
def test_every_text_has_a_title(body: str) -> None:
    """A text that is not empty has a title of one line and at most 120 characters."""
    title = title_of(body)
    assert title
    assert len(title) <= TITLE_LENGTH
    assert "\n" not in title


@pytest.mark.parametrize(
    ("content", "code", "named"),
    [
        (b"", "empty", "empty"),
        (b" \n\t\xc2\xa0\xef\xbb\xbf", "empty", "empty"),
        (b"... --- !!!", "empty", "at least one word"),
        ("café".encode("latin-1"), "undecodable", "byte 3 (0xe9)"),
        ("Мост закрыт до мая, сообщила администрация.".encode("cp1251"), "undecodable", "windows-1251"),
        ("“Café” is — closed.".encode("cp1252"), "undecodable", "looks like windows-1252"),
        ("Some text.".encode("utf-16")[:-1], "undecodable", "utf_16"),
        (b"some\x00text" * 9, "binary", "byte 4"),
        (gzip.compress(b"Some text.", mtime=0), "binary", "NUL"),
        (b"word " * 1_100_000, "too_large", "5 MB"),
        (b"x" * 20_000_001, "too_large", "20 MB"),
    ],
    ids=[
        "empty",
        "blank",
        "no-words",
        "latin-1",
        "windows-1251",
        "windows-1252",
        "utf-16",
        "nul",
        "gzip",
        "long-text",
        "large-file",
    ],
)
def test_a_file_that_is_no_article_is_rejected_by_name(tmp_path: Path, content: bytes, code: str, named: str) -> None:
    """An empty, binary, wrongly encoded or oversized file is rejected with its name and what was found."""
    file = write(tmp_path / "bad.txt", content)
    found = rejection(file)
    assert (found.code, found.origin) == (code, file.as_posix())
    assert named in found.reason
    assert file.as_posix() in str(found)


def test_blank_padding_does_not_make_a_text_too_large(tmp_path: Path) -> None:
    """The limit of 5 MB counts the text that is stored."""
    assert article(write(tmp_path / "a.txt", "Some text." + " \n" * 3_000_000)).body == "Some text."


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_with_or_without_a_mark_is_read(tmp_path: Path, encoding: str) -> None:
    """UTF-16 is detected by its byte order mark or by its zero bytes."""
    text = "The café in Tarn is open again — at last."
    assert article(write(tmp_path / "a.txt", text.encode(encoding))).body == text
    assert article(write(tmp_path / "b.txt", ("\ufeff" + text).encode(encoding))).body == text


@pytest.mark.parametrize("at", [0, 7, 41])
def test_a_stray_zero_byte_costs_itself(tmp_path: Path, at: int) -> None:
    """A NUL in the text is removed, and the text is ingested."""
    text = "The café in Tarn is open again — at last.".encode()
    assert article(write(tmp_path / "a.txt", text[:at] + b"\0" + text[at:])).body == text.decode()
