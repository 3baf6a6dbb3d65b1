import json
import re
from pathlib import Path

import pytest

from ingest.load import LoadedArticle
from ingest.load.article import ALIASES, normal_name
from ingest.report import ArticleRejected
from tests.ingest.article_files import article, articles, codes, notices, read, rejection, write

ROOT = Path(__file__).parents[2]


def test_an_object_is_one_article(tmp_path: Path) -> None:
    """A file with one object holds one article, with the id and origin of the file."""
    file = write(tmp_path / "a.json", json.dumps({"text": "Some text.", "title": None, "extra": {"x": [1]}}))
    found = article(file)
    assert (found.article_id, found.origin, found.title) == ("a", file.as_posix(), None)


@pytest.mark.parametrize("wrap", [lambda found: found, lambda found: {"articles": found, "version": 1}])
def test_a_list_is_many_articles(tmp_path: Path, wrap: object) -> None:
    """Articles of a list are numbered from 1 in id and origin, in a plain list or under `articles`."""
    assert callable(wrap)
    records = [{"body": "First."}, {"body": "Second.", "id": 42}, {"body": "Third.", "id": "x:1"}]
    file = write(tmp_path / "a.json", json.dumps(wrap(records)))
    assert [found.article_id for found in articles(file)] == ["a.1", "42", "x:1"]
    assert [found.origin for found in articles(file)] == [f"{file.as_posix()}#{number}" for number in (1, 2, 3)]


def test_an_explicit_id_is_distinguished_from_a_made_one(tmp_path: Path) -> None:
    """`explicit_id` tells whether the id was stated."""
    file = write(tmp_path / "a.json", '[{"body": "One.", "id": "a"}, {"body": "Two.", "id": ""}]')
    assert [item.explicit_id for item in read(file) if isinstance(item, LoadedArticle)] == [True, False]


def test_one_bad_record_does_not_lose_the_others(tmp_path: Path) -> None:
    """Each invalid record is rejected by its number; an invalid field gets a notice; all others are ingested."""
    records: list[object] = [
        {"body": "Good."},
        "a string",
        None,
        {"title": "No text"},
        {"body": ["a", "list"]},
        {"body": "x", "title": {"en": "T"}},
        {"body": "x", "authors": {"name": "A"}, "source": {"name": "S"}},
        {"body": "x", "tags": ["a", ["b"]]},
        {"body": "x", "published_at": "2024-05"},
        {"body": "x", "published_at": {"date": 1}},
        {"body": "x", "id": "a/b"},
        {"body": "x", "id": True},
        {"body": "x", "url": "javascript:alert(1)"},
        {"body": "x", "title": float("nan")},
        {"body": "x", "title": "x" * 3_000},
        {"body": "Good too.", "score": float("inf")},
    ]
    file = write(tmp_path / "a.json", json.dumps(records))
    found = read(file)
    assert codes(found) == ["ok", "bad_json", "bad_json", "empty", "bad_field"] + ["ok"] * 11
    assert [notice.code for notice in notices(file)] == [
        "bad_field", "bad_field", "bad_date", "bad_date", "bad_id", "bad_id", "bad_url", "bad_field", "bad_field"
    ]  # fmt: skip
    for number, item in enumerate(found, start=1):
        assert not isinstance(item, ArticleRejected) or item.origin == f"{file.as_posix()}#{number}"


def test_notices_name_the_field_and_the_value(tmp_path: Path) -> None:
    """A notice quotes the value, shortened if it is long."""
    file = write(
        tmp_path / "a.json", json.dumps([{"body": "x", "published_at": "soon" * 99}, {"body": "x", "id": "ä"}])
    )
    date, identity = notices(file)
    assert date.message.startswith("published_at is 'soonsoon")
    assert len(date.message) < 250
    assert "id is 'ä'" in identity.message
    assert identity.origin == f"{file.as_posix()}#2"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"[]", "empty"),
        (b'{"articles": []}', "empty"),
        (b"{}", "empty"),
        (b'"text"', "bad_json"),
        (b'{"body": "cut', "bad_json"),
        (b"{'body': 'x'}", "bad_json"),
        (b'{"body": "x"} {"body": "y"}', "bad_json"),
        (b"[" * 10_000 + b"]" * 10_000, "bad_json"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "bad_json"),
        (b'{"body": "one", "body": "two"}', "bad_json"),
        (b'{"articles": [{"body": "one"}], "articles": []}', "bad_json"),
        ('{"body": "é"}'.encode("latin-1"), "undecodable"),
    ],
)
def test_a_file_that_is_not_json_with_articles_is_rejected(tmp_path: Path, content: bytes, code: str) -> None:
    """Empty, broken, endlessly nested and ambiguous JSON is rejected by name."""
    assert rejection(write(tmp_path / "a.json", content)).code == code


def test_numbers_are_taken_as_written(tmp_path: Path) -> None:
    """A number may be a title or an id; one of ten thousand digits elsewhere does no harm."""
    found = article(write(tmp_path / "a.json", '{"body": "x", "id": 5, "title": 1984, "n": %s}' % ("9" * 10_000)))
    assert (found.article_id, found.title) == ("5", "1984")


def test_lone_surrogates_are_replaced(tmp_path: Path) -> None:
    """A lone surrogate, which JSON allows and databases do not, becomes the replacement character."""
    found = article(
        write(tmp_path / "a.json", r'{"body": "a \ud83d b \ud83d\ude00", "title": "\udc00 T", "tags": ["\ud800"]}')
    )
    assert (found.body, found.title, found.tags) == ("a \ufffd b 😀", "\ufffd T", ("\ufffd",))


def test_lines_are_articles(tmp_path: Path) -> None:
    """Each line of a .jsonl file is an article; blank lines do not count, and only invalid lines are rejected."""
    lines = [
        b'\xef\xbb\xbf{"body": "First."}',
        b"",
        b'{"body": ',
        b'{"body": "\xe9"}',
        b"\x00" * 9,
        b'{"text": "Last.", "id": "z"}',
    ]
    file = write(tmp_path / "a.jsonl", b"\r\n".join(lines))
    found = read(file)
    assert codes(found) == ["ok", "bad_json", "undecodable", "binary", "ok"]
    assert [item.article_id for item in articles(file)] == ["a.1", "z"]
    assert isinstance(found[1], ArticleRejected)
    assert found[1].origin.endswith("a.jsonl#2")
    assert "line 3" in found[1].reason


def test_a_file_of_blank_lines_is_empty(tmp_path: Path) -> None:
    """A .jsonl file without a single article is rejected, not passed over."""
    assert rejection(write(tmp_path / "a.jsonl", "\n \n")).code == "empty"
    assert rejection(write(tmp_path / "b.jsonl", "")).code == "empty"


def test_an_endless_line_costs_itself_alone(tmp_path: Path) -> None:
    """A line above 20 MB is rejected without being loaded; the lines after it are ingested."""
    file = write(tmp_path / "a.jsonl", b'{"body": "First."}\n' + b"x" * 45_000_000 + b'\n{"body": "Last."}')
    assert codes(read(file)) == ["ok", "too_large", "ok"]


def test_a_text_above_the_limit_costs_itself_alone(tmp_path: Path) -> None:
    """A record of more than 5 MB of text is rejected; a large file of small records is not."""
    lines = ['{"body": "%s"}' % ("word " * length) for length in (1, 1_000_001, 900_000, 900_000)]
    assert codes(read(write(tmp_path / "a.jsonl", "\n".join(lines)))) == ["ok", "too_large", "ok", "ok"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_json_in_other_forms_of_unicode_is_read(tmp_path: Path, encoding: str) -> None:
    """A .json file may be in UTF-16, and a .jsonl file with a byte order mark."""
    text = '{"body": "The café\u2028 is open."}'
    assert article(write(tmp_path / "a.json", text.encode(encoding))).body == "The café\n is open."
    if encoding != "utf-16-le":
        lines = f"{text}\n\n{text}\n".encode(encoding)
        assert [found.body for found in articles(write(tmp_path / "a.jsonl", lines))] == ["The café\n is open."] * 2


@pytest.mark.parametrize(
    ("record", "named"),
    [
        ({"id": 7, "headline": "T", "content": "Text."}, "id, headline, content"),
        ({"response": {"results": []}}, "response"),
        ({"articles": [{"title": "T", "url": "https://a.example/"}]}, "title, url"),
        ({}, "no field"),
        ({f"field{number}": 1 for number in range(1_000)}, "field0, field1"),
    ],
)
def test_an_article_without_text_names_the_fields_that_were_found(
    tmp_path: Path, record: dict[str, object], named: str
) -> None:
    """The reason lists the fields found, shortened if necessary, and the fields expected."""
    found = rejection(write(tmp_path / "a.json", json.dumps(record)))
    assert found.code == "empty"
    assert named in found.reason
    assert "body or text" in found.reason
    assert len(found.reason) < 400


def test_the_names_of_other_programs_are_read(tmp_path: Path) -> None:
    """JSON may use the field names of front matter; a number is not the name of an author."""
    record = {
        "text": "x",
        "headline": "T",
        "Link": "https://a.example/",
        "author": 3,
        "pub_date": "1 May 2024",
        "lang": "de",
    }
    found = article(write(tmp_path / "a.json", json.dumps(record)))
    assert (found.title, found.url, found.authors, found.language) == ("T", "https://a.example/", (), "de")
    assert found.published_at is not None
    assert found.published_at.isoformat() == "2024-05-01T00:00:00+00:00"


def test_the_own_name_of_a_field_counts_first(tmp_path: Path) -> None:
    """A field under Dateline's name has precedence over one under another name."""
    record = {"body": "x", "date": "2024-05-02", "published_at": "2024-05-01", "keywords": ["a"], "tags": ["b"]}
    found = article(write(tmp_path / "a.json", json.dumps(record)))
    assert (found.published_at and found.published_at.day, found.tags) == (1, ("b",))


def test_every_field_that_is_read_is_documented() -> None:
    """The page on articles lists each name of each field."""
    documented = {normal_name(name) for name in re.findall(r"`([^`]+)`", (ROOT / "docs" / "articles.md").read_text())}
    assert {alias for aliases in ALIASES.values() for alias in aliases} <= documented
