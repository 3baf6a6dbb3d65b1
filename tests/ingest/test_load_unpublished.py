import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.load import ArticleFile, LoadedArticle, load
from ingest.report import ArticleRejected
from tests.ingest.article_files import codes, write

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
PUBLIC = [
    {},
    {"status": "publish"},
    {"status": "Published", "visibility": "public"},
    {"pubStatus": "usable"},
    {"draft": False, "published": True},
    {"draft": "no", "password": "", "embargo": None},
    {"published": "2024-05-01"},
    {"embargoed": "2024-06-01T11:59:00Z"},
    {"embargo": False},
    {"publish_at": "2024-05-30"},
    {"published_at": "2024-06-02T08:00:00Z"},
    {"status": {"name": "Live"}},
    {"status": "1"},
]
HIDDEN = [
    {"status": "draft"},
    {"status": "Pending Review"},
    {"status": "auto-draft"},
    {"status": "private"},
    {"status": "future"},
    {"status": "scheduled"},
    {"status": "trash"},
    {"status": {"name": "Draft"}},
    {"status": 0},
    {"pubStatus": "canceled"},
    {"pubStatus": "withheld"},
    {"pubstatus": "a word of its own"},
    {"visibility": "private"},
    {"post_password": "secret"},
    {"draft": True},
    {"isDraft": "true"},
    {"published": False},
    {"publish": "no"},
    {"embargoed": True},
    {"embargo": "2024-06-01T12:01:00Z"},
    {"embargo_until": "Tuesday at noon"},
    {"embargoDate": "1 July 2024"},
    {"publish_at": "2024-06-01T12:30:00Z"},
    {"published_at": "2024-07-01"},
    {"date": "1 July 2024"},
]


def found(path: Path) -> list[LoadedArticle | ArticleRejected]:
    return list(load(ArticleFile(path, path.parent), NOW))


@pytest.mark.parametrize("stated", PUBLIC, ids=json.dumps)
def test_what_is_published_is_taken_in(tmp_path: Path, stated: dict[str, object]) -> None:
    """An article without a mark, or with a mark of publication, is ingested without a notice."""
    (item,) = found(write(tmp_path / "a.json", json.dumps({"body": "Text.", **stated})))
    assert isinstance(item, LoadedArticle), item
    assert item.notices == ()


@pytest.mark.parametrize("stated", HIDDEN, ids=json.dumps)
def test_what_is_not_published_stays_out(tmp_path: Path, stated: dict[str, object]) -> None:
    """A draft, private, withdrawn, scheduled or embargoed article is rejected with its mark; others are ingested."""
    records = [{"body": "Text.", **stated}, {"body": "Public."}]
    file = write(tmp_path / "a.json", json.dumps(records))
    hidden, public = found(file)
    assert isinstance(hidden, ArticleRejected)
    assert (hidden.code, hidden.origin) == ("unpublished", f"{file.as_posix()}#1")
    assert next(iter(stated)) in hidden.reason or "scheduled for" in hidden.reason
    assert isinstance(public, LoadedArticle)


@pytest.mark.parametrize("stated", HIDDEN, ids=json.dumps)
def test_front_matter_marks_drafts_as_json_does(tmp_path: Path, stated: dict[str, object]) -> None:
    """The same marks in front matter reject an article."""
    file = write(tmp_path / "a.md", f"---\n{json.dumps(stated)}\n---\nText.")
    assert codes(found(file)) == ["unpublished"]


def test_an_unknown_status_is_named(tmp_path: Path) -> None:
    """An article with an unknown status is ingested with a notice."""
    (item,) = found(write(tmp_path / "a.json", json.dumps({"body": "Text.", "status": "archived"})))
    assert isinstance(item, LoadedArticle)
    assert [(notice.code, "archived" in notice.message) for notice in item.notices] == [("unknown_status", True)]


def export(*items: str, prefix: str = "wp") -> str:
    names = f'xmlns:{prefix}="http://wordpress.org/export/1.2/"'
    joined = "".join(f"<item>{item}<description>Text.</description></item>" for item in items)
    return f'<rss version="2.0" {names}><channel><title>Mill Post</title>{joined}</channel></rss>'


@pytest.mark.parametrize("prefix", ["wp", "export"])
@pytest.mark.parametrize(
    "mark",
    ["status>draft", "status>private", "status>pending", "status>future", "status>trash", "status>auto-draft",
     "status>inherit", "status>pitch", "post_type>attachment", "post_type>nav_menu_item", "post_type>revision",
     "post_password>secret"],
)  # fmt: skip
def test_only_published_posts_of_a_wordpress_export_are_taken_in(tmp_path: Path, prefix: str, mark: str) -> None:
    """Drafts, private and trashed posts, attachments and menus are rejected with their marks; others are ingested."""
    name, value = mark.split(">")
    marked = f"<{prefix}:{name}><![CDATA[{value}]]></{prefix}:{name}>"
    public = f"<{prefix}:status>publish</{prefix}:status><{prefix}:post_type>story</{prefix}:post_type>"
    hidden, *others = found(write(tmp_path / "a.xml", export(marked, public, "", prefix=prefix)))
    assert codes(others) == ["ok", "ok"]
    assert isinstance(hidden, ArticleRejected)
    assert (hidden.code, value in hidden.reason) == ("unpublished", True)


@pytest.mark.parametrize("address", ["http://www.w3.org/2007/app", "http://purl.org/atom/app#"])
def test_drafts_of_an_atom_export_stay_out(tmp_path: Path, address: str) -> None:
    """An entry under app:control with a draft mark is not published."""
    entries = "".join(
        f"<entry><title>T</title><summary>Text.</summary><a:control><a:draft>{mark}</a:draft></a:control></entry>"
        for mark in ("yes", "no")
    )
    text = f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:a="{address}"><title>T</title>{entries}</feed>'
    assert codes(found(write(tmp_path / "a.atom", text))) == ["unpublished", "ok"]


def test_a_date_in_the_future_is_a_mistake_where_readers_see_the_article(tmp_path: Path) -> None:
    """In a feed or a page a future date gets a notice, and the article is ingested."""
    item = "<item><pubDate>1 Jul 2024</pubDate><description>Text.</description></item>"
    feed = f"<rss version='2.0'><channel><title>T</title>{item}</channel></rss>"
    page = "<html><head><meta name='date' content='2042-01-01'></head><body><p>Some text.</p></body></html>"
    for public in (*found(write(tmp_path / "a.rss", feed)), *found(write(tmp_path / "a.html", page))):
        assert isinstance(public, LoadedArticle)
        assert public.article.published_at is None
        assert [notice.code for notice in public.notices] == ["bad_date"]
