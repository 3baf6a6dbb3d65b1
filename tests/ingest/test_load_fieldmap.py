"""Field maps: `--map` and the paths in entries."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from dateline.__main__ import app
from index.errors import ConfigurationError
from ingest.load import ArticleFile, LoadedArticle, load
from ingest.load.fieldmap import FIELDS, parse_field_map, value_at
from ingest.report import ArticleRejected
from tests.ingest.article_files import codes, write

ENTRY = {
    "headline": {"main": "Dam &amp; lake"},
    "content": {"rendered": "<p>The dam holds.</p><p>The lake is full.</p>", "parts": ["One.", "", "Two."]},
    "dates": {"first": "2024-05-01T08:00:00Z"},
    "people": [{"name": "Ann Bow"}, {"name": None}, {"name": "Cy Dee"}],
    "dc.source": "Lake Post",
    "text": "Not the story.",
}


def found(path: Path, written: str) -> list[LoadedArticle | ArticleRejected]:
    file = ArticleFile(path, path.parent)
    return list(load(replace(file, field_map=parse_field_map(written))))


def test_a_map_says_where_the_fields_are(tmp_path: Path) -> None:
    """Names, numbers and stars lead to values; HTML becomes text; other fields keep their common names."""
    written = (
        "title=headline.main, body=content.rendered,published_at=dates.first,authors=people.*.name,source=dc.source"
    )
    lines = "\n".join(json.dumps({**ENTRY, "lang": "en"}) for _ in range(2))
    for item in found(write(tmp_path / "a.jsonl", lines), written):
        assert isinstance(item, LoadedArticle), item
        one = item.article
        assert (one.title, one.body) == ("Dam & lake", "The dam holds.\n\nThe lake is full.")
        assert (one.authors, one.source, one.language) == (("Ann Bow", "Cy Dee"), "Lake Post", "en")
        assert one.published_at is not None
        assert item.notices == ()


def test_a_map_names_the_list_of_a_file(tmp_path: Path) -> None:
    """`articles` is a path too; without the list the file is rejected with the names that it has."""
    path = write(tmp_path / "a.json", json.dumps({"data": {"stories": [ENTRY, ENTRY]}}))
    assert codes(found(path, "articles=data.stories,body=content.parts.0")) == ["ok", "ok"]
    (refused,) = found(path, "articles=data.posts,body=content")
    assert isinstance(refused, ArticleRejected)
    assert "data.posts" in refused.reason


def test_the_first_path_with_a_value_counts(tmp_path: Path) -> None:
    """A field may have several paths, and a list of texts is a body with paragraphs."""
    path = write(tmp_path / "a.json", json.dumps(ENTRY))
    (one,) = found(path, "body=content.missing,body=content.parts.*")
    assert isinstance(one, LoadedArticle)
    assert one.article.body == "One.\n\nTwo."


def test_a_body_that_is_missing_where_the_map_says_is_not_another_field(tmp_path: Path) -> None:
    """The text of another field is not taken for the story."""
    assert codes(found(write(tmp_path / "a.json", json.dumps(ENTRY)), "body=content.raw")) == ["empty"]


def test_the_marks_of_unpublished_articles_hold_beside_a_map(tmp_path: Path) -> None:
    """A map does not publish drafts."""
    path = write(tmp_path / "a.json", json.dumps([{**ENTRY, "status": "draft"}, ENTRY]))
    assert codes(found(path, "body=content.rendered")) == ["unpublished", "ok"]


def test_the_command_takes_a_map_and_hands_it_to_the_process_that_parses(tmp_path: Path) -> None:
    """A wrong map ends the command before anything is read; a file with a map can be sent to another process."""
    path = write(tmp_path / "a.json", json.dumps(ENTRY))
    for written in ("boby=content.rendered", "body"):
        refused = CliRunner().invoke(app, ["ingest", "--data", str(tmp_path / "data"), "--map", written, str(path)])
        assert isinstance(refused.exception, ConfigurationError)
        assert not (tmp_path / "data").exists()
    file = ArticleFile(path, path.parent, field_map=parse_field_map("body=content.rendered"))
    assert pickle.loads(pickle.dumps(file)) == file


@pytest.mark.parametrize("written", ["", " , ", "headline", "=a", "body=", "headline=title", "boby=text"])
def test_a_wrong_map_says_what_is_expected(written: str) -> None:
    """An unknown field names all fields; any other mistake shows the form."""
    with pytest.raises(ConfigurationError) as refused:
        parse_field_map(written)
    told = " ".join(map(str, (refused.value, refused.value.hint)))
    assert "body=" in told or all(field in told for field in FIELDS)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    ),
    st.text(max_size=8),
)
def test_a_path_leads_to_a_value_or_to_nothing(entry: object, path: str) -> None:
    """No path raises, whatever the entry is; a star gives a list."""
    assert value_at(entry, path) is None or isinstance(entry, dict | list)
    assert isinstance(value_at([entry], "*"), list)
