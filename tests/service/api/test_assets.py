"""What pages load, and the pages themselves, as caches keep them."""

import gzip
import re

import pytest
from starlette.testclient import TestClient

from service.api.assets import page_asset

PAGES = ("/", "/articles", "/articles/ferry-strike-ends?start=0&end=9", "/embed", "/developers")


@pytest.mark.parametrize("name", ["page.css", "page.js", "icon.svg"])
def test_a_file_is_kept_for_good_by_its_digest_alone(client: TestClient, name: str) -> None:
    """Otherwise it is asked for again within minutes; either way it is sent zipped to those who take it."""
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
def test_what_has_not_changed_is_not_sent_again(client: TestClient, path: str) -> None:
    """Its tag is enough, and the answer keeps the policy."""
    whole = client.get(path)
    again = client.get(path, headers={"If-None-Match": whole.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-security-policy"] == whole.headers["content-security-policy"]
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    assert "no-cache" in whole.headers["cache-control"] or "max-age" in whole.headers["cache-control"]


def test_browsers_and_search_engines_find_what_they_ask_every_site_for(client: TestClient) -> None:
    """An icon, and which addresses are not for robots; article pages say that they are not to be listed."""
    assert client.get("/favicon.ico").headers["content-type"] == "image/svg+xml"
    assert client.get("/robots.txt").text == "User-agent: *\nDisallow: /v1/\n"
    for path in ("/articles", "/articles/ferry-strike-ends"):
        assert '<meta name="robots" content="noindex">' in client.get(path).text
    assert '<meta name="description"' in client.get("/").text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_gives_up_what_it_does_not_need(client: TestClient, path: str) -> None:
    """No camera, no place, no window that opened it."""
    headers = client.get(path).headers

    assert "camera=()" in headers["permissions-policy"]
    assert headers["cross-origin-opener-policy"] == "same-origin"
