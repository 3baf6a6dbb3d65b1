from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.ingest.article_files import article, notices, rejection, write


def test_front_matter_becomes_fields_and_the_rest_the_body(tmp_path: Path) -> None:
    """Every field of the front matter is read; the body is the text after it."""
    text = """---
id: plant-7
title: "Plant opens: early"
url: https://news.example/plant
source: The Daily
authors: [Ann Bow, Cy Dee]
section: Business
language: no
tags: energy, local , energy
published_at: 2024-05-01
updated_at: 2024-05-01T10:30:00+02:00
mood: unknown fields are ignored
---

# Another title

The plant *opened* on Monday.
"""
    found = article(write(tmp_path / "a.md", text))
    assert found.body == "# Another title\n\nThe plant *opened* on Monday."
    assert (found.article_id, found.title) == ("plant-7", "Plant opens: early")
    assert (found.url, found.source, found.section) == ("https://news.example/plant", "The Daily", "Business")
    assert (found.authors, found.tags, found.language) == (("Ann Bow", "Cy Dee"), ("energy", "local"), "no")
    assert found.published_at == datetime(2024, 5, 1, tzinfo=UTC)
    assert found.updated_at == datetime(2024, 5, 1, 8, 30, tzinfo=UTC)


def test_values_stay_as_written(tmp_path: Path) -> None:
    """Front matter is text: an id keeps its zeros, a title that looks like a number or a truth value stays itself."""
    found = article(write(tmp_path / "a.md", "---\nid: 007\ntitle: 1984\nsection: off\nsource: ~\ntags:\n---\nText."))
    assert (found.article_id, found.title, found.section) == ("007", "1984", "off")
    assert (found.source, found.tags) == (None, ())


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("## Second\n\n# First #\n\nText.", "First"),
        ("```\n# a comment\n```\n\n~~~~\n# another\n~~~\n~~~~\n# Title\nText.", "Title"),
        ("## Only a lower one\n\nText.", "Only a lower one"),
        ("#hashtag opens the text. More.", "#hashtag opens the text."),
        ("Text here. More.\n\n    # code", "Text here."),
        ("Plain heading\n\nText.", "Plain heading"),
        ("---\ntitle:\n---\n# Heading\n\nText.", "Heading"),
        ("---\n---\n# Heading\n\nText.", "Heading"),
        ("# The **pier** of [Oyan](https://oyan.example/a)\n\nText.", "The pier of Oyan"),
        ("> *Oyan* rows. More.", "Oyan rows."),
        ("![The pier](pier.jpg)\n\nText here. More.", "Text here."),
    ],
)
def test_without_a_stated_title_the_first_top_heading_is_the_title(tmp_path: Path, text: str, title: str) -> None:
    """The first top heading outside of code is the title; otherwise the rule of text files applies."""
    found = article(write(tmp_path / "a.md", text))
    assert found.title == title


def test_windows_line_ends_do_not_hide_front_matter(tmp_path: Path) -> None:
    """Front matter is found with any line ends."""
    found = article(write(tmp_path / "a.markdown", "\ufeff---\r\ntitle: T\r\n---\r\nText.\r\nMore."))
    assert (found.title, found.body) == ("T", "Text.\nMore.")


def test_a_line_of_dashes_within_the_text_is_text(tmp_path: Path) -> None:
    """Only dashes in the first line open front matter."""
    text = "Text above.\n\n---\n\ntitle: not a field"
    assert article(write(tmp_path / "a.md", text)).body == text


@pytest.mark.parametrize(
    ("matter", "named"),
    [
        ("---\ntitle: T\n\nText that goes on", "never ends"),
        ('+++\ntitle = "T"\n\nText that goes on', "never ends"),
        ("+++\ntitle = [T\n+++\nText.", "not TOML"),
        ('+++\ntitle = "a"\ntitle = "b"\n+++\nText.', "not TOML"),
        ("+++\na = " + "[" * 5_000 + "\n+++\nText.", "front matter"),
        ('{"title": "T"\n\nText.', "not JSON"),
        ('{"title": "a", "title": "b"}\nText.', "twice"),
        ('{"a": ' + "[" * 100_000 + "\n\nText.", "too deeply"),
    ],
    ids=[
        "unterminated",
        "toml-unterminated",
        "toml-invalid",
        "toml-doubled",
        "toml-deep",
        "json-invalid",
        "json-doubled",
        "json-deep",
    ],
)
def test_broken_front_matter_is_rejected(tmp_path: Path, matter: str, named: str) -> None:
    """Front matter without a readable field is rejected, and never becomes text."""
    found = rejection(write(tmp_path / "a.md", matter))
    assert found.code == "bad_front_matter"
    assert named in found.reason


def test_endless_front_matter_is_not_read(tmp_path: Path) -> None:
    """Front matter above 100,000 characters is rejected before it is parsed."""
    found = rejection(write(tmp_path / "a.md", "---\n" + "a: b\n" * 30_000 + "---\nText."))
    assert found.code == "too_large"


def test_front_matter_without_text_is_empty(tmp_path: Path) -> None:
    """A file of fields alone has no article, even if a field is called body or text."""
    assert rejection(write(tmp_path / "a.md", "---\ntitle: T\nbody: Text.\ntext: Text.\n---\n\n")).code == "empty"


def test_yaml_tags_make_nothing(tmp_path: Path) -> None:
    """A tag in front matter neither makes an object nor fails: its value is text."""
    matter = "---\ntitle: !!python/name:os.system x\nsection: !!timestamp soon\n---\nText."
    found = article(write(tmp_path / "a.md", matter))
    assert (found.title, found.section) == ("x", "soon")


JEKYLL = """---
title: Trams
date: 2024-05-02 09:30:00 +0200
author: Ada Finch
categories: [transport, local]
tags:
  - trams
---
"""
ASTRO = """---
Title: Trams
pubDate: "Thu May 02 2024 09:30 GMT+2"
author: {name: Ada Finch}
category: transport
tags: trams, local
---
"""
TOML = """+++
title = "Trams"
date = 2024-05-02T09:30:00+02:00
authors = ["Ada Finch"]
categories = ["transport"]
keywords = ["trams", "local"]
draft = false
+++
"""
JSON = """{
  "title": "Trams", "publishDate": "2024-05-02T07:30:00Z", "author": [{"name": "Ada Finch"}],
  "section": "transport", "tags": "trams,local"
}
"""
WORDS = """---
headline: Trams
published: 2 May 2024 07:30
author: Ada Finch
categories: transport,trams,local
---
"""


@pytest.mark.parametrize("matter", [JEKYLL, ASTRO.replace("\n", "\r\n"), TOML, JSON, WORDS])
def test_front_matter_of_other_programs_is_read(tmp_path: Path, matter: str) -> None:
    """YAML, TOML and JSON are parsed, with the field names of common programs."""
    found = article(write(tmp_path / "a.md", f"{matter}The depot holds 45 trams."))
    assert (found.title, found.body, found.section) == ("Trams", "The depot holds 45 trams.", "transport")
    assert (found.authors, set(found.tags)) == (("Ada Finch",), {"trams", "local"})
    assert found.published_at == datetime(2024, 5, 2, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value"),
    [("date", "soon"), ("pubDate", "04/05/2024"), ("lastmod", "2024-05"), ("updated", "in May"), ("modified", "0")],
)
def test_a_date_of_front_matter_that_cannot_be_read_is_named(tmp_path: Path, name: str, value: str) -> None:
    """Only the date stays unknown, and a notice quotes its value."""
    file = write(tmp_path / "a.md", f"---\n{name}: {value}\n---\nText.")
    assert article(file).body == "Text."
    assert [(notice.code, repr(value) in notice.message) for notice in notices(file)] == [("bad_date", True)]


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nTrams in Tarn\n\nThe depot holds 48 trams.\n\n---\n\nEnd note.",
        "---\nTrams in Tarn\n---\nThe depot holds 48 trams.",
        "---\n- one\n- two\n---\nText.",
        "---\n\nTrams: a history\n\n---\n\nText.",
        "---\n\nOnly one rule.",
        "---\n\n[Trams](https://tarn.example/ in Tarn: the history\n\n---\n\nText.",
        "+++\nPlus signs.\n+++\nText.",
        "+++\nPlus signs.",
        "{% include tram.html %}\nText.",
    ],
)
def test_a_rule_above_the_text_is_text(tmp_path: Path, text: str) -> None:
    """Dashes without fields below them are a thematic break: everything is body, and the title has no dashes."""
    found = article(write(tmp_path / "a.md", text))
    assert found.body == text
    assert found.title
    assert not found.title.startswith("---")


def test_a_blank_line_above_known_fields_does_not_hide_them(tmp_path: Path) -> None:
    """Known fields are read below a blank line as well."""
    found = article(write(tmp_path / "a.md", "---\n\ntitle: T\nmood: calm\n---\nText."))
    assert (found.title, found.body) == ("T", "Text.")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("section: [T", "bad_field"),
        ("section: one\nsection: two", "bad_field"),
        ("author: {name: Ann, name: Bo}", "bad_field"),
        ("tags: &a [x, *a]", "bad_field"),
        ("section: " + "[" * 5_000, "bad_field"),
        ("date: {", "bad_date"),
        ("author: 'Ann", "bad_field"),
    ],
    ids=["invalid", "doubled", "doubled-within", "alias", "deep", "date", "quote"],
)
def test_a_field_of_front_matter_that_cannot_be_read_costs_itself(tmp_path: Path, line: str, code: str) -> None:
    """Invalid YAML is parsed field by field: only the invalid field is lost, and a notice names it."""
    file = write(tmp_path / "a.md", f"---\nsource: The Daily\n{line}\ntitle: T\n---\nText.")
    found = article(file)
    assert (found.title, found.source, found.body) == ("T", "The Daily", "Text.")
    assert (found.section, found.published_at, found.authors) == (None, None, ())
    assert [notice.code for notice in notices(file)] == [code]


def test_a_colon_in_a_title_is_a_part_of_it(tmp_path: Path) -> None:
    """An unquoted colon, the most common mistake in front matter, is accepted."""
    found = article(write(tmp_path / "a.md", "---\ntitle: Mayor: trams stay\ntags: [a, b]\n---\nText."))
    assert (found.title, found.tags) == ("Mayor: trams stay", ("a", "b"))


@pytest.mark.parametrize("line", ["draft: [true", "status: 'draft", "draft: true\ndraft: false", "embargo: {"])
def test_a_mark_of_unpublished_that_cannot_be_read_holds_the_article_back(tmp_path: Path, line: str) -> None:
    """An article with an unreadable mark is not ingested."""
    assert rejection(write(tmp_path / "a.md", f"---\ntitle: T\n{line}\n---\nText.")).code == "unpublished"
