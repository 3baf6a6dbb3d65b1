"""A site on this machine, ingested round by round: the one test of fetching with real connections."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from index.admin import take_down
from index.layout import generation_names
from index.spool import Push, Spool
from ingest.job import Ingest, run
from ingest.load import Loader
from ingest.report import IngestReport, Progress
from ingest.settings import IngestSettings
from ingest.sources import Fetcher, FetchOptions
from ingest.sources.state import FILE, FetchState, forget
from ingest.sources.taken_down import TakenDown, remembered
from ingest.sources.visits import Visits
from ingest.watch import Writer
from tests.fakes import HashedEmbedder, opened
from tests.ingest.sources.site import Served, Site, bomb, page, running_site
from tests.ingest.test_load_feed import rss

SETTINGS = IngestSettings(
    fetch_agent="Dateline/1.0 desk@paper.example", fetch_delay_s=0, fetch_timeout_s=0.4, fetch_limit_mb=1
)
MILL = (
    "The council of Garth voted on Tuesday to reopen the old mill as a library with 9,400 books, after years of delay."
)
FERRY = "The ferry to Skel sails at nine from Monday, the harbour office said, because the new pier is ready for cars."
BRIDGE = "Engineers closed the bridge over the Orm on Friday after they had found cracks in two of its eleven piers."
RULES = "User-agent: *\nDisallow: /private\nSitemap: {}/map.xml\n"


@pytest.fixture
def site() -> Iterator[Site]:
    """A site with robots.txt, a feed of complete texts and teasers, a sitemap, and pages with faults."""
    with running_site() as running:
        url = running.url
        running.paths |= {
            "/robots.txt": Served(RULES.format(running.address), kind="text/plain"),
            "/feed.xml": Served(feed(running), kind="application/rss+xml", etag='"feed-1"'),
            "/ferry": Served(ferry(running, FERRY), etag='"ferry-1"'),
            "/old-bridge": Served(status=301, headers={"Location": "/bridge"}),
            "/bridge": Served(page("Bridge closed", BRIDGE), etag='"bridge-1"'),
            "/map.xml": Served(
                sitemap(
                    url("/old-bridge"),
                    url("/private/a"),
                    url("/slow"),
                    url("/bomb"),
                    url("/cut"),
                    url("/none"),
                    url("/busy"),
                ),
                kind="text/xml",
            ),
            "/slow": Served(answer=drip),
            "/cut": Served(answer=cut),
            "/bomb": Served(bomb(3_000_000), headers={"Content-Encoding": "gzip"}),
            "/busy": Served(status=503, headers={"Retry-After": "3600"}),
        }
        yield running


def feed(site: Site) -> str:
    """A feed with one complete text and one teaser."""
    content = f"<content:encoded><![CDATA[<p>{MILL}</p>]]></content:encoded>"
    return rss(
        f"<title>Mill reopens</title><link>{site.url('/mill?utm_source=rss')}</link>{content}",
        f"<title>Ferry</title><link>{site.url('/ferry')}</link><description>The ferry …</description>",
    )


def ferry(site: Site, text: str) -> str:
    """The page of an article, with a canonical address and the time of its last change."""
    changed = '<meta property="article:modified_time" content="2026-05-02T10:00:00Z">' if text != FERRY else ""
    return page("Ferry to Skel", text, head=f'<link rel="canonical" href="{site.url("/ferry?from=home")}">{changed}')


def sitemap(*urls: str, changed: str = "") -> str:
    """A sitemap."""
    lastmod = f"<lastmod>{changed}</lastmod>" if changed else ""
    entries = "".join(f"<url><loc>{url}</loc>{lastmod}</url>" for url in urls)
    return f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Answer so slowly that no single wait is long, but the reply never ends."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    try:
        while True:
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.02)
    except OSError:
        return


def cut(handler: BaseHTTPRequestHandler) -> None:
    """Promise more bytes than come."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 900\r\n\r\n<html>")


class Desk:
    """A data folder that ingests addresses."""

    def __init__(self, data: Path, loader: Loader) -> None:
        self.data = data
        self.loader = loader
        self.embedder = HashedEmbedder()

    def ingest(self, *urls: str, prune: bool = False, allow_private: bool = True) -> IngestReport:
        fetcher = Fetcher(urls, self.data, replace(self.options(), thorough=prune, allow_private=allow_private))
        report = run(Ingest((), self.data, "english", prune=prune, fetch=fetcher), self.embedder, Progress(quiet=True))
        report.fetches = fetcher.counts
        return report

    def options(self) -> FetchOptions:
        return FetchOptions(SETTINGS, allow_private=True, loader=self.loader)

    def count(self) -> int:
        with opened(self.data) as generation:
            return len(generation.hashes())

    def bodies(self) -> dict[str, str]:
        """Return the body of every article by the path of its address."""
        with opened(self.data) as generation:
            return {
                (each.url or "").partition("127.0.0.1")[2].partition("/")[2]: each.body
                for each in generation.articles()
            }

    def id_of(self, path: str) -> str:
        with opened(self.data) as generation:
            return next(each.article_id for each in generation.articles() if (each.url or "").endswith(path))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loader: Loader) -> Desk:
    """A desk without articles, which does not pause between two attempts."""
    monkeypatch.setattr("ingest.sources.web.BACKOFF_S", (0.0, 0.0))
    return Desk(tmp_path, loader)


def codes(report: IngestReport) -> list[str]:
    return sorted(item.code for item in (*report.rejected, *report.skipped))


def test_a_site_is_ingested_round_by_round(site: Site, desk: Desk) -> None:
    """Three rounds: all that the site has, faults included; nothing new; a changed and a removed article."""
    named = (site.url("/feed.xml"), site.url("/map.xml"))
    first = desk.ingest(*named)
    assert sorted(desk.bodies()) == ["bridge", "ferry?from=home", "mill"]
    assert MILL in desk.bodies()["mill"]
    assert (first.added, codes(first)) == (
        3,
        ["gone", "refused", "too_large", "unreachable", "unreachable", "unreachable"],
    )
    assert all(site.address in item.origin for item in first.rejected)
    assert site.agents == {SETTINGS.fetch_agent}
    assert site.asked["/private/a"] == 0

    # Faults are no reason to ask for pages that did not change.
    site.paths["/map.xml"] = Served(sitemap(site.url("/bridge")), kind="text/xml")
    before = site.asked.copy()
    second = desk.ingest(*named)
    assert (second.added, second.unchanged, second.generation, codes(second)) == (0, 3, None, [])
    assert (site.asked - before).keys() == {"/robots.txt", "/feed.xml", "/map.xml", "/bridge", "/ferry"}
    assert second.fetches
    assert (second.fetches.fetched, second.fetches.not_modified) == (1, 3)

    # The feed does not say that the page of its teaser changed.
    site.paths["/ferry"] = Served(ferry(site, f"{FERRY} It costs four crowns."), etag='"ferry-2"')
    site.paths["/bridge"] = Served(status=410)
    third = desk.ingest(*named)
    assert (third.updated, third.removed, codes(third)) == (1, 0, [])
    assert [notice.code for notice in third.notices] == ["page_gone"]
    assert "four crowns" in desk.bodies()["ferry?from=home"]
    with opened(desk.data) as generation:
        changed = generation.article(desk.id_of("/ferry?from=home"))
        assert changed
        assert changed.updated_at
    assert "bridge" in desk.bodies()

    assert desk.ingest(*named, prune=True).removed == 1
    assert "bridge" not in desk.bodies()


def test_private_hosts_are_refused_unless_meant(site: Site, desk: Desk) -> None:
    report = desk.ingest(site.url("/feed.xml"), site.url("/ferry"), allow_private=False)
    assert (codes(report), site.asked) == (["refused", "refused"], {})


def test_an_article_that_was_taken_down_does_not_come_back(site: Site, desk: Desk) -> None:
    """The feed does not bring it back, changed or not, with or without a state; its own address does."""
    desk.ingest(site.url("/feed.xml"), site.url("/bridge"))
    taken = desk.id_of("/ferry?from=home")
    with remembered(desk.data, [taken]):
        origins = take_down(desk.data, [taken], patience_s=0).origins
    forget(desk.data, origins.values())
    assert not any(b"ferry" in file.read_bytes() for file in (desk.data / FILE, desk.data / "taken-down.txt"))
    for _ in range(2):
        report = desk.ingest(site.url("/feed.xml"))
        assert (report.added, report.rejected, codes(report)) == (
            0,
            [],
            ["taken_down"] if site.asked["/feed.xml"] < 3 else [],
        )
        assert sorted(desk.bodies()) == ["bridge", "mill"]
        assert b"ferry" not in (desk.data / FILE).read_bytes()
    (desk.data / FILE).unlink()
    desk.ingest(site.url("/feed.xml"))
    assert sorted(desk.bodies()) == ["bridge", "mill"]
    assert desk.ingest(site.url("/ferry")).added == 1
    assert taken not in TakenDown(desk.data)


def test_a_front_page_leads_to_its_feed_or_to_its_sitemaps(site: Site, desk: Desk) -> None:
    front = page("The Daily", "News.", head='<link rel="alternate" type="application/rss+xml" href="feed.xml">')
    site.paths["/"] = Served(front)
    desk.ingest(site.address)
    assert sorted(desk.bodies()) == ["ferry?from=home", "mill"]
    site.paths["/"] = Served(page("The Daily", "News."))
    site.paths["/map.xml"] = Served(sitemap(site.url("/bridge"), changed="2026-05-01"), kind="text/xml")
    assert desk.ingest(site.url("/")).added == 1
    assert desk.ingest(site.url("/")).unchanged == 1
    assert site.asked["/bridge"] == 1


def test_a_writer_watches_a_site_and_publishes_pushes_between(
    site: Site, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Rounds of a watch: each publishes what changed, and only that; a takedown during a visit holds."""
    now, tasks = [0.0], list[Callable[[], None]]()
    fetcher = Fetcher([site.url("/feed.xml"), site.url("/bridge"), site.url("/none")], desk.data, desk.options())
    visits = Visits(fetcher, start_task=tasks.append, clock=lambda: now[0])
    writer = Writer(Ingest((), desk.data, "english"), desk.embedder, 60, visits, clock=lambda: now[0])

    def round_() -> None:
        now[0] += 61
        writer.step()
        tasks.pop()()
        writer.step()

    writer.step()
    Spool(desk.data).accept([Push("pushed", {"body": "The mayor of Garth resigned on Sunday."})])
    writer.step()
    assert desk.count() == 1, "a push does not wait for a visit"
    tasks.pop()()
    writer.step()
    assert desk.count() == 4
    generations = len(generation_names(desk.data))

    round_()
    assert len(generation_names(desk.data)) == generations
    assert [record.args[0] for record in caplog.records if isinstance(record.args, tuple)] == [site.url("/none")]
    site.paths["/bridge"] = Served(page("Bridge open", f"{BRIDGE} It opened again."), etag='"bridge-2"')
    round_()
    assert "opened again" in desk.bodies()["bridge"]

    site.paths["/bridge"].etag = '"bridge-3"'
    site.paths["/bridge"].body = page("Bridge open", f"{BRIDGE} It opened again, twice.")
    now[0] += 61
    writer.step()
    tasks.pop()()
    taken = desk.id_of("/bridge")
    with remembered(desk.data, [taken]):
        take_down(desk.data, [taken], patience_s=0)
    writer.step()
    assert "bridge" not in desk.bodies()


def test_the_state_is_a_cache(site: Site, desk: Desk) -> None:
    """Without it, or with a corrupt one, articles are fetched again and found unchanged."""
    desk.ingest(site.url("/feed.xml"))
    (desk.data / FILE).write_bytes(b"no database" * 100)
    report = desk.ingest(site.url("/feed.xml"))
    assert (report.added, report.unchanged, site.asked["/ferry"]) == (0, 2, 2)
    with closing(FetchState(desk.data)) as state:
        assert state.page(site.url("/ferry"))
