"""JSON of other systems: each format in its own shape, with what it does not publish."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.load import ArticleFile, LoadedArticle, load
from ingest.load.article import to_article
from ingest.load.export import byline_names
from ingest.load.formats import FORMATS, PARTIAL, format_of, raw_article
from ingest.report import ArticleRejected
from tests.ingest.article_files import article, articles, codes, notices, read, rejection, write

MAY = datetime(2024, 5, 1, 8, tzinfo=UTC)
TEXT = "<p>The mill &amp; the weir closed.</p><blockquote><p>We tried.</p></blockquote>"
PLAIN = "The mill & the weir closed.\n\nWe tried."
UUID = "3f0f6f4e-5d0e-4c55-9d0b-8a1f3d2c7b10"

GHOST: dict[str, Any] = {
    "id": "665b00000000000000000001", "uuid": UUID, "title": "Mill closes", "slug": "mill", "html": TEXT,
    "status": "published", "visibility": "public", "type": "post", "published_at": "2024-05-01T08:00:00.000Z",
    "updated_at": "2024-05-02T08:00:00.000Z", "canonical_url": "https://weir.example/mill/", "locale": None,
}  # fmt: skip
NINJS_1: dict[str, Any] = {
    "uri": "urn:weir:20240501:mill-001", "type": "text", "headline": "Mill closes", "body_text": "Short.",
    "body_xhtml": TEXT, "byline": "By Ann Bow and Cy Dee", "pubstatus": "usable", "language": "en",
    "firstcreated": "2024-05-01T10:00:00+02:00", "versioncreated": "2024-05-02T08:00:00Z", "version": "1",
    "subject": [{"name": "Industry"}], "infosource": [{"name": "Weir Wire"}],
}  # fmt: skip
NINJS_3: dict[str, Any] = {
    "uri": "urn:weir:20240501:mill-001", "type": "text", "by": "By Ann Bow and Cy Dee", "pubStatus": "usable",
    "headlines": [{"role": "seo", "value": "Mill shut: all you need"}, {"role": "main", "value": "Mill closes"}],
    "bodies": [{"role": "summary", "value": "A summary that is much longer than the story itself, to be chosen never."},
               {"role": "main", "contentType": "text/plain", "value": "Short."},
               {"role": "main", "contentType": "text/html", "value": TEXT}],
    "language": "en", "firstCreated": "2024-05-01T10:00:00+02:00", "versionCreated": "2024-05-02T08:00:00Z",
    "subjects": [{"name": "Industry"}], "infoSources": [{"name": "Weir Wire"}],
}  # fmt: skip
WORDPRESS: dict[str, Any] = {
    "id": 12, "date": "2024-05-01T10:00:00", "date_gmt": "2024-05-01T08:00:00", "modified_gmt": "2024-05-02T08:00:00",
    "guid": {"rendered": "https://weir.example/?p=12"}, "link": "https://weir.example/mill/", "slug": "mill",
    "status": "publish", "type": "post", "title": {"rendered": "Mill &#8216;closes&#8217;"},
    "content": {"rendered": TEXT, "protected": False}, "excerpt": {"rendered": "x"}, "author": 3,
    "_embedded": {"author": [{"name": "Ann Bow"}], "wp:term": [
        [{"taxonomy": "category", "name": "Industry", "slug": "industry"}],
        [{"taxonomy": "post_tag", "name": "mill", "slug": "mill"}]]},
}  # fmt: skip
GUARDIAN: dict[str, Any] = {
    "id": "weir/2024/may/01/mill", "type": "article", "sectionName": "Industry", "webTitle": "Mill closes",
    "webUrl": "https://weir.example/mill", "webPublicationDate": "2024-05-01T08:00:00Z",
    "fields": {"body": TEXT, "byline": "Ann Bow in Weir", "lastModified": "2024-05-02T08:00:00Z", "trailText": "x"},
    "tags": [{"type": "contributor", "webTitle": "Ann Bow"}, {"type": "keyword", "webTitle": "mill"},
             {"type": "tone", "webTitle": "News"}],
}  # fmt: skip
NEWSAPI: dict[str, Any] = {
    "source": {"id": None, "name": "Weir Post"}, "author": "Ann Bow", "title": "Mill closes", "urlToImage": None,
    "description": "A teaser.", "url": "https://weir.example/mill", "publishedAt": "2024-05-01T08:00:00Z",
    "content": "The mill closed. It has 40 work… [+1,843 chars]",
}  # fmt: skip
FEED_ITEM: dict[str, Any] = {
    "id": "https://weir.example/mill", "url": "https://weir.example/mill", "title": "Mill closes", "tags": ["mill"],
    "content_html": TEXT, "summary": "A teaser.", "date_published": "2024-05-01T10:00:00+02:00",
    "date_modified": "2024-05-02T08:00:00Z",
}  # fmt: skip
FEED: dict[str, Any] = {
    "version": "https://jsonfeed.org/version/1.1", "title": "Weir Post", "language": "en-GB",
    "home_page_url": "https://weir.example/", "authors": [{"name": "Ann Bow"}], "items": [FEED_ITEM],
}  # fmt: skip


def ghost_export(*posts: dict[str, Any]) -> dict[str, Any]:
    """Return an export whose first post has two authors and three tags."""
    first = posts[0]["id"]
    return {"db": [{"meta": {"version": "5.82.0"}, "data": {
        "posts": list(posts),
        "users": [{"id": "u1", "name": "Ann Bow", "email": "ann@weir.example"}, {"id": "u2", "name": "Cy Dee"}],
        "tags": [{"id": "t1", "name": "mill"}, {"id": "t2", "name": "Industry"}, {"id": "t3", "name": "#newsletter"}],
        "posts_authors": [{"post_id": first, "author_id": "u2", "sort_order": 1},
                          {"post_id": first, "author_id": "u1", "sort_order": 0}],
        "posts_tags": [{"post_id": first, "tag_id": tag, "sort_order": order}
                       for order, tag in enumerate(("t3", "t2", "t1"))],
    }}]}  # fmt: skip


def file_of(folder: Path, found: object, name: str = "a.json") -> Path:
    return write(folder / name, json.dumps(found))


@pytest.mark.parametrize(
    ("found", "stated"),
    [
        (ghost_export(GHOST), {"article_id": UUID, "section": "Industry", "authors": ("Ann Bow", "Cy Dee"),
                               "tags": ("mill",), "url": "https://weir.example/mill/"}),
        (NINJS_1, {"article_id": "urn:weir:20240501:mill-001", "authors": ("Ann Bow", "Cy Dee"), "language": "en",
                   "tags": ("Industry",), "source": "Weir Wire"}),
        (NINJS_3, {"article_id": "urn:weir:20240501:mill-001", "authors": ("Ann Bow", "Cy Dee"), "language": "en",
                   "tags": ("Industry",), "source": "Weir Wire"}),
        ([WORDPRESS], {"title": "Mill ‘closes’", "authors": ("Ann Bow",), "section": "Industry", "tags": ("mill",),
                       "url": "https://weir.example/mill/"}),
        ({"response": {"status": "ok", "results": [GUARDIAN]}},
         {"authors": ("Ann Bow",), "section": "Industry", "tags": ("mill",), "url": "https://weir.example/mill"}),
        ({"response": {"status": "ok", "content": GUARDIAN}}, {"section": "Industry"}),
        (FEED, {"source": "Weir Post", "authors": ("Ann Bow",), "language": "en-GB", "tags": ("mill",)}),
    ],
    ids=["ghost", "ninjs 1", "ninjs 3", "wordpress", "guardian", "guardian item", "json feed"],
)  # fmt: skip
def test_a_format_is_read_with_all_its_fields(tmp_path: Path, found: object, stated: dict[str, object]) -> None:
    """An article has its text with paragraphs, its dates in UTC, and what the export states elsewhere."""
    file = file_of(tmp_path, found)
    (one,) = articles(file)
    assert (one.body, one.published_at, one.updated_at) == (PLAIN, MAY, MAY.replace(day=2))
    assert {"title": "Mill closes", **stated} == {name: getattr(one, name) for name in {"title": "", **stated}}
    assert notices(file) == []


@pytest.mark.parametrize(
    "entry",
    [GHOST, NINJS_1, NINJS_3, WORDPRESS, GUARDIAN, FEED_ITEM, NEWSAPI],
    ids=lambda entry: getattr(format_of(entry), "name", ""),
)
def test_a_format_is_known_by_its_content(tmp_path: Path, entry: dict[str, Any]) -> None:
    """An entry is one article with one id: alone, in a list, in a line, under whatever name of the file."""
    as_lines = json.dumps(entry)
    files = [
        file_of(tmp_path, entry, "ghost.json"),
        file_of(tmp_path, [entry], "b.json"),
        write(tmp_path / "c.jsonl", as_lines),
        write(tmp_path / "d.json", f"{as_lines}\n{as_lines}\n"),
    ]
    assert len({article.article_id for file in files for article in articles(file)}) == 1


@pytest.mark.parametrize(
    ("entry", "change", "code"),
    [
        (GHOST, {"status": "draft"}, "unpublished"),
        (GHOST, {"status": "scheduled", "published_at": "2199-01-02T08:00:00Z"}, "unpublished"),
        (GHOST, {"status": "sent"}, "unpublished"),
        (GHOST, {"type": "page"}, "unpublished"),
        (GHOST, {"page": 1}, "unpublished"),
        (GHOST, {"html": None}, "empty"),
        (NINJS_1, {"pubstatus": "withheld"}, "unpublished"),
        (NINJS_3, {"pubStatus": "canceled"}, "unpublished"),
        (NINJS_3, {"embargoed": "2199-01-02T08:00:00Z"}, "unpublished"),
        (NINJS_3, {"embargoed": "2024-05-01T09:00:00Z"}, "ok"),
        (NINJS_3, {"embargoed": "noon"}, "unpublished"),
        (NINJS_3, {"type": "picture"}, "unpublished"),
        (NINJS_3, {"representationType": "partial"}, "partial"),
        (NINJS_3, {"pubStatus": "canceled", "representationType": "partial", "bodies": []}, "unpublished"),
        (NINJS_1, {"body_text": None, "body_xhtml": None}, "empty"),
        (WORDPRESS, {"status": "private"}, "unpublished"),
        (WORDPRESS, {"content": {"rendered": "", "protected": True}}, "unpublished"),
        (WORDPRESS, {"type": "page"}, "unpublished"),
        (GUARDIAN, {"fields": {"trailText": "Only a teaser."}}, "empty"),
        (GUARDIAN, {"webPublicationDate": None}, "ok"),
        (FEED_ITEM, {"content_html": None}, "empty"),
        (FEED_ITEM, {"date_published": 20240501, "tags": None, "title": None}, "ok"),
        (NEWSAPI, {"content": None}, "empty"),
        (NEWSAPI, {"content": "A whole text."}, "ok"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) and len(value) < 4 else "",
)
def test_only_whole_and_published_articles_are_taken_in(
    tmp_path: Path, entry: dict[str, Any], change: dict[str, Any], code: str
) -> None:
    """Items that are not articles, not published or only teasers are named with their mark; the others are read."""
    first, second = read(file_of(tmp_path, [{**entry, **change}, {**entry, "id": "9", "uuid": None}]))
    assert codes([first, second]) == [code, "ok"]
    if code == "unpublished":
        assert isinstance(first, ArticleRejected)
        name, value = next(iter(change.items()))
        assert str(value) in first.reason or name in first.reason or "password" in first.reason
        assert "2199" not in str(change) or "2199-01-02" in first.reason


def test_a_text_that_newsapi_cut_is_marked(tmp_path: Path) -> None:
    """The article has a tag, a notice with the mark, and no half sentence; its id is not that of the page."""
    file = file_of(tmp_path, {"status": "ok", "articles": [NEWSAPI, {**NEWSAPI, "content": "One half… [+9 chars]"}]})
    cut, half = articles(file)
    assert (cut.body, cut.tags, half.body) == ("The mill closed.", (PARTIAL,), "One half…")
    assert [notice.code for notice in notices(file)] == ["partial"] * 2
    assert "1,843" in notices(file)[0].message
    assert cut.url == NEWSAPI["url"]
    assert cut.article_id != article(file_of(tmp_path, FEED_ITEM, "b.json")).article_id


LEXICAL = {"root": {"type": "root", "children": [
    {"type": "extended-heading", "tag": "h2", "children": [{"type": "extended-text", "text": "Why"}]},
    {"type": "paragraph", "children": [{"type": "extended-text", "text": "The mill < weir "},
                                       {"type": "link", "children": [{"type": "text", "text": "closed"}]},
                                       {"type": "linebreak"}, {"type": "text", "text": "today."}]},
    {"type": "list", "children": [{"type": "listitem", "children": [{"type": "text", "text": word}]} for word in "AB"]},
    {"type": "image", "src": "a.jpg", "caption": "<i>The mill</i> by night"},
    {"type": "callout", "calloutText": "Call us."}, {"type": "button", "buttonText": "Subscribe"},
    {"type": "html", "html": "<p>From a card.</p>"}]}}  # fmt: skip
MOBILEDOC = {"version": "0.3.1", "atoms": [["soft-return", "", {}]], "markups": [["em"]],
             "cards": [["image", {"src": "a.jpg", "caption": "By night"}], ["html", {"html": "<p>From a card.</p>"}],
                       ["button", {"buttonText": "Subscribe"}]],
             "sections": [[1, "h2", [[0, [], 0, "Why"]]], [1, "p", [[0, [0], 1, "It "], [0, [], 0, "< weir"],
                          [1, [], 0, 0], [0, [], 0, "closed."]]], [3, "ul", [[[0, [], 0, "A"]], [[0, [], 0, "B"]]]],
                          [10, 0], [10, 1], [10, 2]]}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "document", "text"),
    [
        ("lexical", LEXICAL,
         "Why\n\nThe mill < weir closed\ntoday.\n\n- A\n- B\n\nThe mill by night\n\nCall us.\n\nFrom a card."),
        ("mobiledoc", MOBILEDOC, "Why\n\nIt < weir\nclosed.\n\n- A\n- B\n\nBy night\n\nFrom a card."),
    ],
)  # fmt: skip
def test_a_ghost_post_without_html_is_read_from_its_editor(
    tmp_path: Path, name: str, document: object, text: str
) -> None:
    """Paragraphs, headings, lists, captions and cards of text stay; buttons are not the story."""
    assert article(file_of(tmp_path, {**GHOST, "html": None, name: json.dumps(document)})).body == text


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["p", "root", "10", "paragraph"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["root", "children", "type", "text", "sections", "cards", "value", "name", "rendered"]),
        inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.sampled_from([GHOST, NINJS_3, WORDPRESS, GUARDIAN, NEWSAPI, FEED_ITEM]), st.data())
def test_no_value_in_a_known_shape_is_a_crash(entry: dict[str, Any], data: st.DataObject) -> None:
    """An entry of any format with arbitrary values is an article or a rejection."""
    names = data.draw(st.lists(st.sampled_from(sorted(entry)), min_size=1, max_size=3))
    broken: dict[str, Any] = {**entry, **{name: data.draw(VALUES) for name in names}, "lexical": data.draw(VALUES)}
    if form := format_of(broken):
        with suppress(ArticleRejected):
            to_article(raw_article(form, broken, {"data": data.draw(VALUES)}, "o", "f"), MAY.replace(day=9))


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("By Ann Bow and Cy Dee, Weir", ["Ann Bow", "Cy Dee", "Weir"]),
        ("Von Mara Lund, wnn", ["Mara Lund", "wnn"]),
        ("Von Lund", ["Von Lund"]),
        ("Rui Costa e Silva", ["Rui Costa e Silva"]),
        ("by reporters", ["reporters"]),
        ("", []),
        (7, []),
    ],
)
def test_a_byline_is_names(byline: object, names: list[str]) -> None:
    """The word before the names and the words between them are not names; parts of surnames are."""
    assert byline_names(byline) == names


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_ghost_post_has_an_address_if_the_command_says_where_its_site_is(tmp_path: Path, name: str) -> None:
    """A post is at its slug, unless it states its own address."""
    entries = [{**GHOST, "canonical_url": None}, {**GHOST, "uuid": None}]
    path = write(tmp_path / name, "\n".join(map(json.dumps, entries)))
    for site, first in ((None, None), ("https://weir.example/", "https://weir.example/mill/")):
        found = list(load(ArticleFile(path, tmp_path, site=site)))
        urls = [item.article.url for item in found if isinstance(item, LoadedArticle)]
        assert urls == [first, GHOST["canonical_url"]]


def test_later_versions_and_duplicates_share_an_id(tmp_path: Path) -> None:
    """The versions of an article in one export have one id, and the dates that decide which counts."""
    later = {**NINJS_1, "body_xhtml": "<p>Reopened.</p>", "versioncreated": "2024-05-03T08:00:00Z"}
    first, second = articles(file_of(tmp_path, [later, NINJS_1]))
    assert first.article_id == second.article_id
    assert [one.updated_at for one in (first, second)] == [MAY.replace(day=3), MAY.replace(day=2)]


def test_a_plain_article_is_of_no_format() -> None:
    """An entry with a body or a text is read by its names, also with the names of a format beside it."""
    for entry in (GHOST, NINJS_1, WORDPRESS, GUARDIAN, NEWSAPI, FEED_ITEM):
        assert format_of(entry) in FORMATS
        assert format_of({**entry, "body": "Text."}) is None


def test_records_of_unknown_shape_are_one_rejection_with_a_map(tmp_path: Path) -> None:
    """The reason names the fields that were found and a map that reads them."""
    entries = [{"hed": "T", "story": {"parts": ["A long text of many words."]}, "pub_date": "2024-05-01"}] * 3
    found = rejection(file_of(tmp_path, {"stories": entries}))
    assert found.code == "empty"
    assert "--map articles=stories,body=story.parts.*,published_at=pub_date" in found.reason
    listed = rejection(file_of(tmp_path, entries, "b.json"))
    assert "none of its 3 entries" in listed.reason
    assert "hed, story, pub_date" in listed.reason
