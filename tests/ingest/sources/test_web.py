"""Fetching: redirects, limits, retries, politeness; the network is replaced."""

import gzip
import ssl
from collections.abc import Callable, Iterator
from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.report import ArticleRejected
from ingest.settings import IngestSettings
from ingest.sources.addresses import CheckedNetwork, CheckedTransport
from ingest.sources.identity import without_password
from ingest.sources.web import BACKOFF_S, Reply, Validators, Web
from tests.ingest.sources.test_addresses import PUBLIC, Wire

SITE = "https://paper.example"
TLS = ssl.create_default_context()
SETTINGS = IngestSettings(fetch_agent="Dateline/1.0 desk@paper.example", fetch_delay_s=1, fetch_limit_mb=1)


class Stream(httpx.SyncByteStream):
    """A body in pieces, as a network gives it."""

    def __init__(self, *parts: bytes) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts


def reply(body: bytes = b"<html>", status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers={"content-type": "text/html"} | named, stream=Stream(body))


class Host:
    """A host with one reply, or a list of replies, by path; it notes what it is asked, and when."""

    def __init__(self, **paths: object) -> None:
        self.paths: dict[str, object] = {"/robots.txt": lambda: reply(status=404)}
        self.asked: list[tuple[str, float]] = []
        self.requests: list[httpx.Request] = []
        self.now = 100.0

    def handle(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        self.asked.append((path, self.now))
        self.requests.append(request)
        found = self.paths.get(path, lambda: reply(status=404))
        made = found.pop(0) if isinstance(found, list) else found
        assert callable(made)
        result = made()
        if isinstance(result, Exception):
            raise result
        assert isinstance(result, httpx.Response)
        return result

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def web(self, settings: IngestSettings = SETTINGS) -> Web:
        return Web(settings, transport=httpx.MockTransport(self.handle), sleep=self.sleep, clock=lambda: self.now)

    def pages(self) -> list[str]:
        return [path for path, _ in self.asked if path != "/robots.txt"]


def host_of(paths: dict[str, Callable[[], object] | list[Callable[[], object]]]) -> Host:
    host = Host()
    host.paths |= paths
    return host


def client_at(network: CheckedNetwork) -> Web:
    return Web(SETTINGS, transport=CheckedTransport(network, TLS), sleep=lambda _: None)


def code_of(web: Web, url: str) -> str:
    with pytest.raises(ArticleRejected) as caught:
        web.fetch(url)
    assert caught.value.origin == without_password(url)
    return caught.value.code


def to(target: str, status: int = 302) -> Callable[[], httpx.Response]:
    return lambda: reply(b"", status, location=target)


def test_a_reply_is_the_body_with_the_address_after_redirects() -> None:
    body = gzip.compress(b"<html>text")
    host = host_of({"/a": to("/b"), "/b": lambda: reply(body, content_encoding="gzip", etag='"1"')})
    with host.web() as web:
        found = web.fetch(f"{SITE}/a")
        assert (found.url, found.body, found.validators) == (f"{SITE}/b", b"<html>text", Validators('"1"'))
        assert (web.counts.fetched, web.counts.failed) == (1, 0)
    assert {request.headers["user-agent"] for request in host.requests} == {SETTINGS.fetch_agent}


def test_validators_are_sent_and_a_304_is_no_failure() -> None:
    host = host_of({"/a": lambda: reply(b"", 304)})
    with host.web() as web:
        assert web.fetch(f"{SITE}/a", Validators('"1"', "Wed, 01 May 2024 10:00:00 GMT")).not_modified
        assert web.counts.not_modified == 1
    sent = host.requests[-1].headers
    assert (sent["if-none-match"], sent["if-modified-since"]) == ('"1"', "Wed, 01 May 2024 10:00:00 GMT")


def test_validators_that_cannot_be_sent_back_are_left_out() -> None:
    headers = [(b"etag", b'"\xe9"'), (b"last-modified", b"M\xe4r")]
    host = host_of({"/a": lambda: httpx.Response(200, headers=headers, stream=Stream(b"<html>"))})
    with host.web() as web:
        stated = web.fetch(f"{SITE}/a").validators
        assert stated == Validators('"é"', "Mär")
        assert web.fetch(f"{SITE}/a", stated).status == 200
    assert {"if-none-match", "if-modified-since"}.isdisjoint(host.requests[-1].headers)


def test_a_failure_of_robots_txt_is_named() -> None:
    host = host_of({"/robots.txt": lambda: reply(status=500), "/a": reply})
    with host.web() as web, pytest.raises(ArticleRejected, match=r"robots\.txt") as caught:
        web.fetch(f"{SITE}/a")
    assert (caught.value.code, host.pages()) == ("unreachable", [])


def test_redirects_end() -> None:
    host = host_of({"/a": to("/a")})
    with host.web() as web:
        assert code_of(web, f"{SITE}/a") == "unreachable"
    assert len(host.pages()) == 6


@pytest.mark.parametrize(
    "target", ["ftp://paper.example/a", "file:///etc/passwd", "https://a:b@paper.example/", "//[", "http://x:99999/"]
)
def test_a_redirect_leads_only_to_valid_addresses(target: str) -> None:
    with host_of({"/a": to(target)}).web() as web:
        assert code_of(web, f"{SITE}/a") == "refused"
        assert web.counts.refused == 1


@pytest.mark.parametrize(
    "url", ["ftp://paper.example/a", "https:///a", "https://ann:secret@paper.example/", "javascript:1"]
)
def test_an_invalid_address_is_refused_without_a_request(url: str) -> None:
    host = Host()
    with host.web() as web:
        assert code_of(web, url) == "refused"
    assert host.asked == []


def test_a_refusal_does_not_repeat_a_password() -> None:
    """Messages end in logs; the host stays readable."""
    with Host().web() as web, pytest.raises(ArticleRejected) as refused:
        web.fetch("https://ann:p@ss/word@paper.example/a")
    assert "p@ss" not in str(refused.value)
    with Host().web() as web, pytest.raises(ArticleRejected) as refused:
        web.fetch("https://ann:secret@paper.example/a")
    assert refused.value.origin == "https://***@paper.example/a"


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "[::1]", "2130706433", "0x7f.1", "[::ffff:7f00:1]", "[fe80::1]"]
)
def test_a_redirect_to_a_private_host_is_refused(host: str) -> None:
    """The address of each hop is checked when it is connected to."""
    moved = f"HTTP/1.1 302 Found\r\nLocation: http://{host}/secret\r\nContent-Length: 0\r\n\r\n".encode()

    def resolve(name: str, port: int) -> list[str]:
        return {"paper.example": [PUBLIC], "localhost": ["127.0.0.1"]}.get(name, [name])

    wire = Wire(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", moved)
    transport = CheckedTransport(CheckedNetwork(resolve=resolve, network=wire))
    with Web(SETTINGS, transport=transport, sleep=lambda _: None) as web:
        assert code_of(web, "http://paper.example/a") == "refused"
    assert {address for address, _ in wire.dialled} == {PUBLIC}


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("ab.:@[]17é。%\ud800")), max_size=20))
def test_any_host_is_reached_or_named(host: str) -> None:
    """A feed may state anything as a link."""

    def resolve(name: str, port: int) -> list[str]:
        if not all(0 < len(label) < 64 for label in name.split(".")):
            raise OSError("no such name")
        return [PUBLIC]

    with client_at(CheckedNetwork(resolve=resolve, network=Wire(dead=frozenset([PUBLIC])))) as web:
        assert code_of(web, f"http://{host}/a") in ("refused", "unreachable")


def test_a_body_above_the_limit_is_refused_packed_or_not() -> None:
    big = bytes(3_000_000)
    host = host_of(
        {
            "/plain": lambda: reply(big),
            "/bomb": lambda: reply(gzip.compress(big), content_encoding="gzip"),
            "/file.gz": lambda: reply(gzip.compress(big), content_type="application/gzip"),
            "/twice": lambda: reply(gzip.compress(gzip.compress(big)), content_encoding="gzip"),
        }
    )
    with host.web() as web:
        assert {code_of(web, SITE + path) for path in ("/plain", "/bomb", "/file.gz", "/twice")} == {"too_large"}


def test_only_readable_types_and_encodings_are_read() -> None:
    host = host_of(
        {
            "/image": lambda: reply(content_type="image/jpeg"),
            "/brotli": lambda: reply(content_encoding="br"),
            "/feed": lambda: reply(b"<rss>", content_type="application/rss+xml; charset=ISO-8859-1"),
        }
    )
    with host.web() as web:
        assert {code_of(web, f"{SITE}/image"), code_of(web, f"{SITE}/brotli")} == {"wrong_type"}
        assert web.fetch(f"{SITE}/feed").charset == "ISO-8859-1"


def test_a_failure_that_may_pass_is_tried_again() -> None:
    cut = gzip.compress(b"<html>text")[:-4]
    host = host_of({"/a": [lambda: reply(status=503), lambda: reply(cut, content_encoding="gzip"), reply]})
    with host.web() as web:
        assert web.fetch(f"{SITE}/a").status == 200
    times = [when for path, when in host.asked if path == "/a"]
    assert [later - earlier for earlier, later in pairwise(times)] == list(BACKOFF_S)


def test_a_host_says_how_long_to_wait() -> None:
    host = host_of({"/a": [lambda: reply(status=429, retry_after="30"), reply]})
    with host.web() as web:
        web.fetch(f"{SITE}/a")
    assert host.asked[-1][1] - host.asked[-2][1] == 30


def test_a_host_that_asks_to_wait_long_is_left_alone() -> None:
    host = host_of({"/a": lambda: reply(status=429, retry_after="3600"), "/b": reply})
    with host.web() as web:
        assert [code_of(web, f"{SITE}/a"), code_of(web, f"{SITE}/b")] == ["unreachable"] * 2
    assert host.pages() == ["/a"]


def test_a_dead_host_does_not_cost_hours() -> None:
    host = host_of({f"/{number}": lambda: httpx.ReadTimeout("slow") for number in range(50)})
    with host.web() as web:
        assert {code_of(web, f"{SITE}/{number}") for number in range(50)} == {"unreachable"}
    assert len(host.pages()) == 9


@pytest.mark.parametrize(
    ("status", "code"), [(404, "gone"), (410, "gone"), (403, "status"), (451, "status"), (999, "status")]
)
def test_another_status_is_named(status: int, code: str) -> None:
    with host_of({"/a": lambda: reply(status=status)}).web() as web:
        assert code_of(web, f"{SITE}/a") == code


def test_robots_txt_is_asked_first_and_once() -> None:
    rules = b"User-agent: dateline\nDisallow: /private\nCrawl-delay: 5\nSitemap: https://paper.example/map.xml"
    host = host_of({"/robots.txt": lambda: reply(rules), "/a": reply, "/b": reply, "/c": to("/private")})
    with host.web() as web:
        for path in ("/a", "/b"):
            web.fetch(SITE + path)
        assert [code_of(web, f"{SITE}/private/x"), code_of(web, f"{SITE}/c")] == ["refused", "refused"]
        assert web.sitemaps(f"{SITE}/a") == ("https://paper.example/map.xml",)
    assert [path for path, _ in host.asked] == ["/robots.txt", "/a", "/b", "/c"]
    times = [when for _, when in host.asked]
    assert [later - earlier for earlier, later in pairwise(times)] == [1, 5, 5]


@pytest.mark.parametrize(
    ("served", "code"),
    [
        (lambda: reply(status=403), "ok"),
        (lambda: reply(status=410), "ok"),
        (lambda: reply(status=500), "unreachable"),
        (lambda: httpx.ReadTimeout("slow"), "unreachable"),
    ],
)
def test_without_robots_txt_all_is_allowed_and_if_it_fails_nothing(served: Callable[[], object], code: str) -> None:
    with host_of({"/robots.txt": served, "/a": reply}).web() as web:
        found = "ok" if code == "ok" and web.fetch(f"{SITE}/a") else code_of(web, f"{SITE}/a")
    assert found == code


def test_the_link_header_names_relations() -> None:
    stated = '</style.css>; rel=preload; as=style, <https://paper.example/wp-json/>; rel="https://api.w.org/"'
    found = Reply(f"{SITE}/a", 200, {"link": stated})
    assert found.linked("https://api.w.org/") == f"{SITE}/wp-json/"
    assert found.linked("preload") == f"{SITE}/style.css"
    assert found.linked("next") is None
