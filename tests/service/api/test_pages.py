"""The pages, the files they load, and the caching of both."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.answer import day
from service.api.templates import WIDGET, page_asset
from service.settings import ServiceSettings
from tests.samples import client_of, settings_for

PAGES = ("/", "/articles", "/articles/ferry-strike-ends?start=0&end=9", "/embed", "/developers")
LIMIT = 36_000
"""The limit of the compressed script in bytes."""


def test_a_day_is_written_in_words() -> None:
    """It is the day in UTC, or `undated`."""
    assert day("2026-05-03T09:00:00Z") == "3 May 2026"
    assert day(None) == "undated"


def test_the_home_page_describes_the_archive(client: TestClient) -> None:
    """It has the number of articles, their dates and the latest ones; no operator text and no suggestions."""
    text = client.get("/").text

    assert "18 articles, 27 November 2025 to 12 June 2026. " in text
    assert "No AI writes it." in text
    assert text.count("<h3 ") == 4
    assert 'href="/articles/lissay-seabird-count"' in text
    assert "data-questions" not in text
    for hidden in (client.get("/readyz").json()["generation"], "curl", "DATELINE_", "proven"):
        assert hidden not in text


def test_one_article_can_be_asked(client: TestClient) -> None:
    """Only that one answers; an unknown id is ignored."""
    about = client.get("/?article=ferry-strike-ends").text

    assert 'data-filters="{&#34;article_ids&#34;: [&#34;ferry-strike-ends&#34;]}"' in about
    assert "You are asking about one article: " in about
    for other in ("none", '"><script>', "a" * 5_000):
        assert "data-filters" not in client.get("/", params={"article": other}).text


def test_developers_are_shown_how_to_ask(client: TestClient) -> None:
    """The page shows the API and the script tag, and no settings."""
    text = client.get("/developers").text

    assert "curl -s http://testserver/v1/ask" in text
    assert "http://testserver/widget.js" in text
    assert "DATELINE_" not in text


@pytest.fixture
def empty(tmp_path: Path, sample_settings: ServiceSettings) -> Iterator[TestClient]:
    """A client of a service whose data folder is empty."""
    settings = settings_for(tmp_path / "unmade", sample_settings.models_folder)
    with client_of(settings) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/articles", "/articles/a", "/?article=a"])
def test_a_missing_index_has_a_text_for_users(empty: TestClient, path: str, caplog: pytest.LogCaptureFixture) -> None:
    """Paths, settings and commands go to the log."""
    text = empty.get(path, headers={"Accept": "text/html"}).text

    assert "No articles have been added yet." in text
    for hidden in ("unmade", "`", "dateline ingest", "DATELINE_"):
        assert hidden not in text
    assert "dateline ingest" in caplog.text


@pytest.mark.parametrize("name", ["page.css", "page.js", "icon.svg"])
def test_a_file_is_immutable_by_its_digest_alone(client: TestClient, name: str) -> None:
    """Otherwise caches validate it within minutes; it is compressed for callers that take gzip."""
    asset = page_asset(name)
    zipped = client.get(f"/{name}?v={asset.digest}", headers={"Accept-Encoding": "gzip"})
    plain = client.get(f"/{name}", headers={"Accept-Encoding": "identity"})

    assert "immutable" in zipped.headers["cache-control"]
    assert "immutable" not in plain.headers["cache-control"]
    assert zipped.content == plain.content == gzip.decompress(asset.gzipped)
    assert "content-encoding" not in plain.headers
    assert int(zipped.headers["content-length"]) == len(asset.gzipped)


@pytest.mark.parametrize("path", PAGES)
def test_every_address_of_a_file_in_a_page_has_its_digest(client: TestClient, path: str) -> None:
    """A page of one release never gets the style of another."""
    for address in re.findall(r'(?:src|href)="/([\w.]+\.(?:css|js|svg)(?:\?[^"]*)?)"', client.get(path).text):
        name, _, version = address.partition("?v=")
        assert "immutable" in client.get(f"/{address}").headers["cache-control"], name
        assert version


@pytest.mark.parametrize("path", [*PAGES, "/page.css", "/icon.svg", "/favicon.ico"])
def test_an_unchanged_page_is_not_sent_again(client: TestClient, path: str) -> None:
    """A 304 keeps the policy."""
    whole = client.get(path)
    again = client.get(path, headers={"If-None-Match": whole.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-security-policy"] == whole.headers["content-security-policy"]
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    assert "no-cache" in whole.headers["cache-control"] or "max-age" in whole.headers["cache-control"]


def test_the_icon_and_the_robots_file_exist(client: TestClient) -> None:
    """Article pages are not to be indexed."""
    assert client.get("/favicon.ico").headers["content-type"] == "image/svg+xml"
    assert client.get("/robots.txt").text == "User-agent: *\nDisallow: /v1/\n"
    for path in ("/articles", "/articles/ferry-strike-ends"):
        assert '<meta name="robots" content="noindex">' in client.get(path).text
    assert '<meta name="description"' in client.get("/").text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_gives_up_permissions(client: TestClient, path: str) -> None:
    """It has no camera and no access to the window that opened it."""
    headers = client.get(path).headers

    assert "camera=()" in headers["permissions-policy"]
    assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize(
    "path", ["/", "/embed", "/articles", "/articles/sound-cup-final", "/page.js", "/page.css", "/icon.svg"]
)
def test_a_page_has_a_strict_policy(client: TestClient, path: str) -> None:
    """It allows no script, style or request of another origin, and no inline script."""
    reply = client.get(path)

    assert reply.status_code == 200
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
    assert "<script>" not in reply.text
    assert " style=" not in reply.text
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(("destination", "shown"), [("document", False), ("iframe", True)])
def test_a_link_cannot_put_words_on_the_page_to_embed(client: TestClient, destination: str, shown: bool) -> None:
    """Title and intro of the address are shown in a frame only, which the allowed origins alone may make."""
    address = "/embed?title=We%20are%20closed&intro=Write%20to%20us"
    text = client.get(address, headers={"Sec-Fetch-Dest": destination}).text

    assert ("We are closed" in text, "Write to us" in text) == (shown, shown)


def test_a_long_title_of_the_frame_is_cut(client: TestClient) -> None:
    """The chat is shown."""
    reply = client.get("/embed", params={"title": "a" * 2_100})

    assert reply.status_code == 200
    assert "dateline-chat" in reply.text


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [("gzip", True), ("br, GZIP;q=0.5", True), ("gzip; q=0", False), ("gzip;q=0.000, br", False), ("x-gzipped", False)],
)
def test_the_script_is_compressed_for_callers_that_take_gzip(client: TestClient, accepted: str, zipped: bool) -> None:
    """`q=0` refuses it, and names have no case."""
    reply = client.get("/widget.js", headers={"Accept-Encoding": accepted})

    assert ("content-encoding" in reply.headers) == zipped


def test_the_script_is_small(client: TestClient) -> None:
    """Compressed it is under 36 kB."""
    reply = client.get("/widget.js", headers={"Accept-Encoding": "gzip"})

    assert reply.headers["content-encoding"] == "gzip"
    assert int(reply.headers["content-length"]) == len(page_asset("widget.js").gzipped) < LIMIT
    assert reply.headers["content-type"] == "text/javascript; charset=utf-8"


def test_the_script_is_the_same_compressed_and_plain(client: TestClient) -> None:
    """Caches keep the two apart."""
    plain = client.get("/widget.js", headers={"Accept-Encoding": "identity"})

    assert "content-encoding" not in plain.headers
    assert plain.content == gzip.decompress(page_asset("widget.js").gzipped) == client.get("/widget.js").content
    assert {"Accept-Encoding", "Origin"} <= set(re.split(", ?", plain.headers["vary"]))


def test_the_script_is_immutable_by_its_digest_alone(client: TestClient) -> None:
    """Without a digest or with an old one, caches validate it within minutes."""
    digest = page_asset("widget.js").digest

    assert "immutable" in client.get(f"/widget.js?v={digest}").headers["cache-control"]
    for path in ("/widget.js", "/widget.js?v=old"):
        assert "immutable" not in client.get(path).headers["cache-control"]
    assert f"/widget.js?v={digest}" in client.get("/").text


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_an_unchanged_script_is_not_sent_again(client: TestClient, encoding: str) -> None:
    """Its tag may be one of several, and marked as weak by a proxy."""
    tag = client.get("/widget.js", headers={"Accept-Encoding": encoding}).headers["etag"]
    for given in (tag, f'"other", W/{tag}'):
        reply = client.get("/widget.js", headers={"Accept-Encoding": encoding, "If-None-Match": given})
        assert (reply.status_code, reply.content) == (304, b"")
    assert client.get("/widget.js", headers={"If-None-Match": '"other"'}).status_code == 200


def test_isolated_pages_may_load_the_script(client: TestClient) -> None:
    """`Cross-Origin-Resource-Policy` allows it, and the type is not sniffed."""
    headers = client.get("/widget.js").headers

    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["x-content-type-options"] == "nosniff"


def test_only_its_own_origin_may_frame_the_chat_by_default(client: TestClient) -> None:
    """No other origin is allowed in these settings."""
    reply = client.get("/embed?title=A%20%26%20B&lang=de&theme=dark")
    policy = reply.headers["content-security-policy"]

    assert "frame-ancestors 'self';" in policy
    assert "unsafe" not in policy
    assert '<html lang="de" dir="ltr">' in reply.text
    assert 'data-title="A &amp; B"' in reply.text
    assert "x-frame-options" not in reply.headers


@pytest.mark.parametrize(
    ("asked", "lang", "direction", "strings"),
    [
        ("", "en", "ltr", "en"),
        ("de-AT", "de-AT", "ltr", "de"),
        ("ar", "ar", "rtl", "ar"),
        ("tlh", "en", "ltr", "en"),
        ('"><script>', "en", "ltr", "en"),
    ],
)
def test_the_frame_has_a_title_in_its_language(
    client: TestClient, asked: str, lang: str, direction: str, strings: str
) -> None:
    """The title is the widget's; direction and text without JavaScript follow the language."""
    text = client.get("/embed", params={"lang": asked}).text
    title = re.search(r'^  title: "(.*)",$', (WIDGET / f"strings-{strings}.js").read_text("utf-8"), re.MULTILINE)

    assert title is not None
    assert f'<html lang="{lang}" dir="{direction}">' in text
    assert f"<title>{title[1]}</title>" in text
    assert 'href="/articles"' in text
