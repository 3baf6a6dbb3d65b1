"""The kind of a data file: what it contains decides, not what it is called."""

import json
from pathlib import Path

import pytest

from ingest.load.data import JSON_SUFFIXES, XML_SUFFIXES
from tests.ingest.article_files import articles, codes, read, rejection, write

FEED = "<rss version='2.0'><channel><title>T</title><item><description>Text.</description></item></channel></rss>"
ENTRY = {"body": "Text.", "tags": ["a"]}


@pytest.mark.parametrize("suffix", [*JSON_SUFFIXES, *XML_SUFFIXES])
@pytest.mark.parametrize(
    "content",
    [FEED, f"\n<?xml version='1.0'?>{FEED}",
     *(json.dumps(each, indent=indent) for each in (ENTRY, [ENTRY]) for indent in (None, 1))],
    ids=["feed", "declared feed", "object", "object on lines", "list", "list on lines"],
)  # fmt: skip
def test_a_kind_is_known_by_its_content(tmp_path: Path, suffix: str, content: str) -> None:
    """JSON and XML are read under each other's names, also with a byte order mark or in UTF-16."""
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        file = write(tmp_path / f"a{suffix}", content.strip().encode(encoding))
        assert [found.body for found in articles(file)] == ["Text."]


def test_lines_are_known_by_the_first_two(tmp_path: Path) -> None:
    """JSON Lines is read as that under the name .json; a broken line costs itself."""
    lines = [json.dumps(ENTRY), "", json.dumps({"body": "Other."}), '{"body": ']
    file = write(tmp_path / "a.json", "\n".join(lines))
    assert codes(read(file)) == ["ok", "ok", "bad_json"]
    assert codes(read(write(tmp_path / "b.jsonl", "\n".join(reversed(lines))))) == ["bad_json", "ok", "ok"]


@pytest.mark.parametrize(("suffix", "code"), [(".json", "bad_json"), (".xml", "bad_feed")])
@pytest.mark.parametrize("page", ["<!DOCTYPE html><p>Sign in", "\n<html><body>Sign in</body></html>"])
def test_a_page_in_place_of_data_is_named(tmp_path: Path, page: str, suffix: str, code: str) -> None:
    """The login page of a server is not data, and not an article."""
    found = rejection(write(tmp_path / f"a{suffix}", page))
    assert (found.code, "web page" in found.reason) == (code, True)
