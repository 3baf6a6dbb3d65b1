"""Visits to addresses of each kind: feeds, sitemaps, WordPress sites, pages; the network is replaced."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import pytest

from ingest.fetched import origin_of
from ingest.load import LoadedArticle, Loader
from ingest.sources import Fetched, FetchOptions, FetchState, Gone, Unchanged, articles_from
from ingest.sources.listings import kind_of
from ingest.sources.pages import Pages
from ingest.sources.state import Lead
from ingest.sources.web import Reply
from tests.ingest.sources.site import page
from tests.ingest.sources.test_web import SETTINGS, SITE, Host, host_of, reply
from tests.ingest.test_load_feed import rss

LONG = (
    "The council of Garth voted on Tuesday to reopen the old mill as a library with 9,400 books, after years of delay. "
)


@dataclass
class Reader:
    """A reader of a host that knows what it read before."""

    host: Host
    state: FetchState
    loader: Loader
    known: dict[str, str] = field(default_factory=dict)

    def visit(self, *urls: str, thorough: bool = False) -> list[Fetched]:
        self.host.asked.clear()
        options = FetchOptions(SETTINGS, dict(self.known), thorough=thorough, loader=self.loader, web=self.host.web)
        found = list(articles_from(urls, self.state, options))
        self.known |= {
            each.article.origin: each.article.content_hash for each in found if isinstance(each, LoadedArticle)
        }
        return found


@pytest.fixture
def reading(tmp_path: Path, loader: Loader) -> Iterator[Callable[[Host], Reader]]:
    """Return a function that makes the reader of a host."""
    with closing(FetchState(tmp_path)) as state:
        yield lambda host: Reader(host, state, loader)


def told(found: list[Fetched]) -> list[tuple[str, str]]:
    """Return what became of each address, without the site."""
    outcomes: dict[type, str] = {LoadedArticle: "article", Unchanged: "unchanged", Gone: "gone"}
    return [(outcomes.get(type(each), getattr(each, "code", "")), origin_of(each).replace(SITE, "")) for each in found]


def post(number: int, modified: str = "2026-05-01T10:00:00") -> dict[str, object]:
    """Return a post as the REST interface of WordPress gives it."""
    return {
        "id": number,
        "date_gmt": "2026-05-01T10:00:00",
        "modified_gmt": modified,
        "link": f"{SITE}/post-{number}/",
        "title": {"rendered": f"Post {number}"},
        "content": {"rendered": f"<p>{LONG}</p>", "protected": False},
        "status": "publish",
        "type": "post",
    }


def posts(*found: dict[str, object], pages: int = 1) -> Callable[[], httpx.Response]:
    body = json.dumps(found).encode()
    return lambda: reply(body, content_type="application/json", X_WP_TotalPages=str(pages))


def test_a_wordpress_site_is_read_by_its_interface_and_then_only_what_changed(
    reading: Callable[[Host], Reader],
) -> None:
    first, second = ({"page": number, "query": f"per_page=100&page={number}&orderby=id&order=asc"} for number in (1, 2))
    tail = "&_embed=author%2Cwp%3Aterm"
    api = "/wp-json/wp/v2/posts?"
    link = f'<{SITE}/wp-json/>; rel="https://api.w.org/"'
    host = host_of(
        {
            "/": lambda: reply(page("The Daily", LONG).encode(), link=link),
            f"{api}{first['query']}{tail}": posts(post(1), post(2), pages=2),
            f"{api}{second['query']}{tail}": posts(post(3, "2026-05-03T10:00:00"), pages=2),
            f"{api}{first['query']}{tail}&modified_after=2026-05-02T10%3A00%3A00%2B00%3A00": posts(
                post(2, "2026-05-04T10:00:00")
            ),
        }
    )
    reader = reading(host)
    assert told(reader.visit(SITE)) == [("article", f"/post-{number}/") for number in (1, 2, 3)]
    found = reader.visit(SITE)
    assert sorted(told(found)) == [("article", "/post-2/"), ("unchanged", "/post-1/"), ("unchanged", "/post-3/")]
    assert len(host.pages()) == 2
    (changed,) = (each.article for each in found if isinstance(each, LoadedArticle))
    assert changed.updated_at
    assert (changed.title, changed.url) == ("Post 2", f"{SITE}/post-2/")
    assert changed.updated_at.isoformat() == "2026-05-04T10:00:00+00:00"


def test_a_closed_interface_leads_to_the_feed(reading: Callable[[Host], Reader]) -> None:
    link = f'<{SITE}/wp-json/>; rel="https://api.w.org/"'
    head = '<link rel="alternate" type="application/rss+xml" href="/feed/">'
    content = f"<content:encoded>{LONG}</content:encoded>"
    host = host_of(
        {
            "/": lambda: reply(page("The Daily", LONG, head=head).encode(), link=link),
            "/feed/": lambda: reply(rss(f"<link>{SITE}/a</link>{content}").encode()),
        }
    )
    assert told(reading(host).visit(SITE)) == [("article", "/a")]


def test_an_index_of_sitemaps_leads_to_pages(reading: Callable[[Host], Reader]) -> None:
    """Not to itself, to front pages, or to other sites; an entry of which `lastmod` is the same is not asked for."""
    sitemaps = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in (f"{SITE}/1.xml", "/index.xml"))
    index = f"<sitemapindex>{sitemaps}</sitemapindex>"
    urls = "".join(
        f"<url><loc>{url}</loc><lastmod>2026</lastmod></url>"
        for url in (f"{SITE}/", f"{SITE}/a", "https://other.example/b")
    )
    host = host_of(
        {
            "/index.xml": lambda: reply(index.encode()),
            "/1.xml": lambda: reply(f"<urlset><!-- news -->{urls}</urlset>".encode()),
            "/a": lambda: reply(page("A", LONG).encode()),
        }
    )
    reader = reading(host)
    assert told(reader.visit(f"{SITE}/index.xml")) == [("article", "/a"), ("other_site", "https://other.example/b")]
    assert host.pages() == ["/index.xml", "/1.xml", "/a"]
    assert ("unchanged", "/a") in told(reader.visit(f"{SITE}/index.xml"))
    assert host.pages() == ["/index.xml", "/1.xml"]


@pytest.mark.parametrize(
    "body", [b'<!DOCTYPE urlset [<!ENTITY a "b">]><urlset>&a;</urlset>', b"<urlset><url>", b"<urlset/>"]
)
def test_a_corrupt_or_hostile_sitemap_is_one_line(body: bytes, reading: Callable[[Host], Reader]) -> None:
    host = host_of({"/map.xml": lambda: reply(body)})
    assert told(reading(host).visit(f"{SITE}/map.xml")) in ([("bad_feed", "/map.xml")], [])


def test_a_json_feed_has_complete_texts_and_teasers(reading: Callable[[Host], Reader]) -> None:
    items = [
        {"id": "1", "url": f"{SITE}/a", "content_text": LONG},
        {"id": "2", "url": f"{SITE}/b", "summary": "The ferry", "title": "Ferry"},
    ]
    feed = json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "The Daily", "items": items}).encode()
    host = host_of(
        {
            "/feed.json": lambda: reply(feed, content_type="application/feed+json"),
            "/b": lambda: reply(page("Ferry", LONG).encode()),
        }
    )
    assert told(reading(host).visit(f"{SITE}/feed.json")) == [("article", "/a"), ("article", "/b")]


def test_a_feed_leads_to_the_one_site_that_its_entries_are_on(reading: Callable[[Host], Reader]) -> None:
    """Another company may serve the feed; single entries of other sites are skipped, and no page is read twice."""
    entries = [f"<link>{SITE}/{path}</link><description>Short.</description>" for path in ("a", "a?utm_source=x", "b")]
    entries.append("<link>https://partner.example/c</link><description>Short.</description>")
    host = host_of(
        {
            "/feed": lambda: reply(rss(*entries).encode()),
            "/a": lambda: reply(page("A", LONG).encode()),
            "/b": lambda: reply(b"<html><body></body></html>"),
        }
    )
    found = reading(host).visit("https://feeds.example/feed")
    assert told(found) == [("article", "/a"), ("empty", "/b"), ("other_site", "https://partner.example/c")]
    assert host.pages() == ["/feed", "/a", "/b"]


def test_a_page_without_a_date_has_that_of_its_listing(reading: Callable[[Host], Reader]) -> None:
    """It stays when no listing names the page any more; the date of the page itself has precedence."""
    news = "<news:news xmlns:news='urn:news'><news:publication_date>2026-05-01</news:publication_date></news:news>"
    own = '<meta property="article:published_time" content="2026-04-01T10:00:00Z">'
    feed = [f"<link>{SITE}/{path}</link><pubDate>Sat, 02 May 2026 10:00:00 GMT</pubDate>" for path in ("fed", "own")]
    host = host_of(
        {
            "/feed": lambda: reply(rss(*feed).encode()),
            "/map": lambda: reply(f"<urlset><url><loc>{SITE}/mapped</loc>{news}</url></urlset>".encode()),
            "/mapped": lambda: reply(page("Mapped", LONG).encode()),
            "/fed": lambda: reply(page("Fed", LONG).encode()),
            "/own": lambda: reply(page("Own", LONG, head=own).encode()),
        }
    )
    reader = reading(host)
    found = reader.visit(f"{SITE}/feed", f"{SITE}/map", f"{SITE}/fed")
    dates = [each.article.published_at for each in found if isinstance(each, LoadedArticle)]
    assert [f"{date:%d %b}" for date in dates if date] == ["02 May", "01 Apr", "01 May"]
    host.paths["/feed"] = lambda: reply(rss(f"<link>{SITE}/own</link>").encode())
    before = dict(reader.known)
    assert len(reader.visit(f"{SITE}/feed", thorough=True)) == len(before) == 3
    assert reader.known == before


def test_a_page_without_an_article_leads_to_its_feed(reading: Callable[[Host], Reader]) -> None:
    feed_link = '<link rel="alternate" type="application/rss+xml" href="/feed">'
    host = host_of(
        {
            "/news": lambda: reply(f"<html><head>{feed_link}</head><body></body></html>".encode()),
            "/story": lambda: reply(page("Story", LONG, head=feed_link).encode()),
            "/feed": lambda: reply(rss(f"<link>{SITE}/a</link><content:encoded>{LONG}</content:encoded>").encode()),
        }
    )
    reader = reading(host)
    assert told(reader.visit(f"{SITE}/story")) == [("article", "/story")]
    assert told(reader.visit(f"{SITE}/news")) == [("article", "/a")]


def test_a_thorough_visit_asks_for_what_is_not_listed_any_more(reading: Callable[[Host], Reader]) -> None:
    """One page is gone, one moved, one is as it was; another site is not asked."""
    content = f"<content:encoded>{LONG}</content:encoded>"
    host = host_of(
        {
            "/feed": lambda: reply(rss(f"<link>{SITE}/a</link>{content}").encode()),
            "/moved": lambda: reply(b"", 301, location="/now"),
            "/now": lambda: reply(page("Now", LONG).encode()),
            "/same": lambda: reply(page("Same", LONG).encode()),
        }
    )
    reader = reading(host)
    reader.known = {f"{SITE}/{path}": "?" for path in ("gone", "moved", "same")} | {
        "https://other.example/x": "?",
        "/a.txt": "?",
    }
    assert told(reader.visit(f"{SITE}/feed")) == [("article", "/a")]
    assert told(reader.visit(f"{SITE}/feed", thorough=True))[1:] == [
        ("gone", "/gone"),
        ("article", "/now"),
        ("gone", "/moved"),
        ("article", "/same"),
    ]


def test_a_sparing_visit_asks_the_more_rarely_the_longer_a_page_did_not_change(tmp_path: Path, loader: Loader) -> None:
    """It asks after an eighth of the time since a page changed, at most after a day; at once if its entry changed."""
    month = 30 * 86_400
    host = host_of({"/a": lambda: reply(page("A", LONG).encode())})
    known: dict[str, str] = {}
    asked = []
    visits = [
        (0, None),
        (80, None),
        (85, None),
        (92, None),
        (month, None),
        (month + 80_000, None),
        (month + 86_400, None),
    ]
    with closing(FetchState(tmp_path)) as state:
        for seconds, changed in (*visits, (month + 86_401, "an entry that changed")):
            at = partial(float, 1_000_000 + seconds)
            pages = Pages(host.web(), loader, tmp_path, state, known, state.taken_down, is_sparing=True, clock=at)
            before = len(host.pages())
            for each in pages.articles_at(Lead(f"{SITE}/a", changed)):
                assert isinstance(each, LoadedArticle | Unchanged)
                known |= {each.article.origin: each.article.content_hash} if isinstance(each, LoadedArticle) else {}
            asked.append(len(host.pages()) > before)
    assert asked == [True, True, False, True, True, False, True, True]


def test_the_encoding_of_the_header_counts(reading: Callable[[Host], Reader]) -> None:
    body = page("Käse", LONG + "Zwölf Käse.").encode("latin-1")
    host = host_of({"/a": lambda: reply(body, content_type="text/html; charset=ISO-8859-1")})
    (found,) = reading(host).visit(f"{SITE}/a")
    assert isinstance(found, LoadedArticle)
    assert "Zwölf Käse." in found.article.body


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xef\xbb\xbf<?xml version='1.0'?><!-- c --><rss version='2.0'>", "feed"),
        (b'<feed xmlns="http://www.w3.org/2005/Atom">', "feed"),
        (b"<rdf:RDF>", "feed"),
        ("<urlset>".encode("utf-16"), "sitemap"),
        (b"<sitemapindex>", "sitemap"),
        (b"<!DOCTYPE html><html><body>the <rss> element", "page"),
        (b" \n[{", "json"),
        (b"%PDF-1.7", "pdf"),
        (b"plain words", "page"),
        (b"", "page"),
    ],
)
def test_a_reply_is_what_its_first_bytes_say(body: bytes, kind: str) -> None:
    assert kind_of(Reply(SITE, 200, {"content-type": "text/html"}, body)) == kind


def test_a_teaser_without_a_page_is_named_and_not_ingested(reading: Callable[[Host], Reader]) -> None:
    """A teaser is never the story; a link that no reader can open leads nowhere."""
    entries = [
        f"<link>{link}</link><guid>{link}</guid><description>Short.</description>"
        for link in ("javascript:1", "file:///a")
    ]
    found = reading(host_of({"/feed": lambda: reply(rss(*entries).encode())})).visit(f"{SITE}/feed")
    assert [getattr(each, "code", "article") for each in found] == ["empty", "empty"]


def test_sitemaps_that_lead_too_far_and_links_that_are_invalid_are_named(reading: Callable[[Host], Reader]) -> None:
    """One that lists itself is read once, without a line."""

    def index(*addresses: str) -> Callable[[], httpx.Response]:
        listed = "".join(f"<sitemap><loc>{each}</loc></sitemap>" for each in addresses)
        return lambda: reply(f"<sitemapindex>{listed}</sitemapindex>".encode())

    host = host_of({f"/{at}": index(f"{SITE}/{at}", f"{SITE}/{at + 1}") for at in range(5)})
    host.paths["/0"] = index(f"{SITE}/0", f"{SITE}/1", "http://[::1")
    found = told(reading(host).visit(f"{SITE}/0"))
    assert found == [("too_deep", "/4"), ("refused", "/0")]


def test_a_page_that_left_a_sitemap_is_asked_for_once(reading: Callable[[Host], Reader]) -> None:
    """It is gone, or it is still there and unchanged."""

    def sitemap(*paths: str) -> Callable[[], httpx.Response]:
        listed = "".join(f"<url><loc>{SITE}/{path}</loc></url>" for path in paths)
        return lambda: reply(f"<urlset>{listed}</urlset>".encode())

    text = page("Mill", LONG).encode()
    host = host_of({f"/{name}": lambda: reply(text) for name in ("a", "b", "c")})
    host.paths["/map"] = sitemap("a", "b", "c")
    reader = reading(host)
    assert len(reader.visit(f"{SITE}/map")) == 3
    host.paths["/map"] = sitemap("a")
    host.paths["/b"] = lambda: reply(b"", 410)
    assert ("gone", "/b") in told(reader.visit(f"{SITE}/map"))
    assert "/c" in host.pages()
    reader.visit(f"{SITE}/map")
    assert host.pages() == ["/map", "/a"]
