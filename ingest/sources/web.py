"""Fetch addresses of the web politely and within limits. Read `Web.fetch` first."""

import re
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Self
from urllib.parse import urlsplit

import httpx

from ingest.report import ArticleRejected, FetchCounts, megabytes, short_repr
from ingest.settings import IngestSettings
from ingest.sources.addresses import DEADLINE, AddressRefused, CheckedNetwork, CheckedTransport
from ingest.sources.identity import is_address, joined, without_password
from ingest.sources.robots import Robots, parse_robots

MAX_REDIRECTS = 5
BACKOFF_S = (2.0, 8.0)
"""The pauses before the second and the third attempt at an address, in seconds."""

LONGEST_PAUSE_S = 60.0
"""How long a host may make a run wait: a longer Crawl-delay is cut, a longer Retry-After ends the run for the host."""

FAILURES_IN_A_ROW = 3
"""So many addresses of a host that fail one after the other end the run for it: a dead host costs no hours."""

ROBOTS_LIMIT = 512_000
GONE = frozenset((HTTPStatus.NOT_FOUND, HTTPStatus.GONE))
_RETRIED = frozenset((429, 500, 502, 503, 504))
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_READABLE = re.compile(r"(?:text/(?:html|xml|plain)|application/(?:[\w.+-]*\b(?:xml|json)|pdf|x?-?gzip|octet-stream))?")
_ACCEPT = "text/html, application/xhtml+xml, application/rss+xml, application/atom+xml, application/json, */*;q=0.5"
_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[\w*-]+\s*(?:=\s*(?:\"[^\"]*\"|[^\s\",;]*))?)*)")
_REL = re.compile(r";\s*rel\s*=\s*\"?([^\";]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Validators:
    """The headers of an earlier reply, by which its server can say that nothing changed."""

    etag: str | None = None
    last_modified: str | None = None

    def headers(self) -> dict[str, str]:
        """Return the headers that ask for a reply only if it changed; a value that is not ASCII cannot be sent back."""
        stated = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in stated.items() if value and value.isascii()}


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete reply: `url` is its address after redirects, `headers` have lower-case names, `body` is unpacked."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def not_modified(self) -> bool:
        """Return whether the server says that nothing changed since the reply with the sent validators."""
        return self.status == HTTPStatus.NOT_MODIFIED

    @property
    def validators(self) -> Validators:
        """Return the validators for the next fetch."""
        return Validators(self.headers.get("etag"), self.headers.get("last-modified"))

    @property
    def media_type(self) -> str:
        """Return the stated type without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str | None:
        """Return the stated encoding."""
        found = re.search(r";\s*charset\s*=\s*[\"']?([\w.:-]+)", self.headers.get("content-type", ""), re.IGNORECASE)
        return str(found[1]) if found else None

    def linked(self, relation: str) -> str | None:
        """Return the absolute address of a relation in the Link header."""
        for target, parameters in _LINK.findall(self.headers.get("link", "")):
            rel = _REL.search(parameters)
            if rel and relation in rel[1].split():
                return joined(self.url, str(target))
        return None


@dataclass(slots=True)
class _Host:
    """A host in a run: its rules, the time of the next request, and the reason why it gets no more requests."""

    next_at: float = 0.0
    robots: Robots | None = None
    robots_failure: ArticleRejected | None = None
    failures: int = 0
    closed: str | None = None


class Web:
    """A client that fetches one address at a time; close it to close its connections.

    `sleep` and `clock` are those of the time module, `transport` that of the client; tests replace them.
    """

    def __init__(
        self,
        settings: IngestSettings,
        *,
        allow_private: bool = False,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts = FetchCounts()
        self._settings = settings
        self._sleep = sleep
        self._clock = clock
        self._hosts: dict[str, _Host] = defaultdict(_Host)
        # Neither a proxy nor a .netrc: a proxy would connect to addresses that were not checked.
        self._client = httpx.Client(
            transport=transport or CheckedTransport(CheckedNetwork(allow_private=allow_private)),
            headers={"User-Agent": settings.fetch_agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip"},
            timeout=settings.fetch_timeout_s,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def fetch(self, url: str, validators: Validators | None = None) -> Reply:
        """Fetch an address, following redirects, each checked like the address itself.

        Asks robots.txt first, keeps the delay between two requests to a host, and tries again after a failure that may
        pass. A reply with the status 304 has no body.

        Raises:
            ArticleRejected: The reply is refused or fails; the reason says why, and what to do.
        """
        try:
            reply = self._followed(url, (validators or Validators()).headers())
        except ArticleRejected as rejection:
            if rejection.code == "refused":
                self.counts.refused += 1
            else:
                self.counts.failed += 1
            raise
        if reply.not_modified:
            self.counts.not_modified += 1
        else:
            self.counts.fetched += 1
        return reply

    def sitemaps(self, url: str) -> tuple[str, ...]:
        """Return the sitemaps that the robots.txt of an address's host lists."""
        return self._robots(url, self._hosts[_host_of(url)]).sitemaps

    def _followed(self, url: str, headers: dict[str, str]) -> Reply:
        named = url
        for _ in range(MAX_REDIRECTS + 1):
            _check_url(url, named)
            host = self._hosts[_host_of(url)]
            robots = self._robots(url, host)
            if failure := host.robots_failure:
                is_private = failure.code == "refused"
                reason = failure.reason if is_private else f"the robots.txt of its host was not read: {failure.reason}"
                raise ArticleRejected(named, reason, failure.code)
            if not robots.allows(url):
                raise _refused(named, f"the robots.txt of its host excludes it for {self._settings.fetch_agent}")
            reply = self._attempted(url, named, headers)
            target = reply.headers.get("location")
            if reply.status not in _REDIRECTS or not target:
                return reply
            url = joined(url, target)
        raise _failed(named, f"it leads to more than {MAX_REDIRECTS} redirects: give the final address")

    def _robots(self, url: str, host: _Host) -> Robots:
        """Return the rules of a host, fetched once: without a robots.txt all is allowed, and if it fails, nothing."""
        if host.robots is None:
            address = joined(url, "/robots.txt")
            host.robots = Robots()
            try:
                reply = self._attempted(address, address, {}, ROBOTS_LIMIT)
                for _ in range(MAX_REDIRECTS):
                    if reply.status in _REDIRECTS and (target := reply.headers.get("location")):
                        address = joined(address, target)
                        _check_url(address, address)
                        reply = self._attempted(address, address, {}, ROBOTS_LIMIT)
                text = reply.body.decode("utf-8", "replace") if reply.status == HTTPStatus.OK else ""
                host.robots = parse_robots(text, _product(self._settings.fetch_agent))
            except ArticleRejected as rejection:
                if rejection.code in ("refused", "unreachable"):
                    host.robots_failure = rejection
        return host.robots

    def _attempted(self, url: str, named: str, headers: dict[str, str], limit: int | None = None) -> Reply:
        """Fetch an address without following redirects; try again after failures that may pass."""
        host = self._hosts[_host_of(url)]
        for pause in (*BACKOFF_S, None):
            if host.closed:
                raise _failed(named, host.closed)
            try:
                reply = self._once(url, named, headers, limit or self._settings.fetch_limit_mb * 1_000_000)
            except _Passing as failure:
                if pause is None or failure.wait_s > LONGEST_PAUSE_S:
                    self._note_failure(host, failure)
                    raise _failed(named, failure.reason) from failure
                self._sleep(max(pause, failure.wait_s))
            else:
                host.failures = 0
                return reply
        raise AssertionError("unreachable")  # the last attempt returns or raises

    def _note_failure(self, host: _Host, failure: "_Passing") -> None:
        host.failures += 1
        if failure.wait_s > LONGEST_PAUSE_S:
            host.closed = f"its host asks to wait for {failure.wait_s:.0f} s: run the ingest again later"
        elif host.failures >= FAILURES_IN_A_ROW:
            host.closed = f"its host failed {host.failures} times in a row: run the ingest again later"

    def _once(self, url: str, named: str, headers: dict[str, str], limit: int) -> Reply:
        """Send one request when its host's turn comes, and return the reply.

        Raises _Passing for a failure that may pass, ArticleRejected for any other.
        """
        host = self._hosts[_host_of(url)]
        if (pause := host.next_at - self._clock()) > 0:
            self._sleep(pause)
        seconds = self._settings.fetch_timeout_s
        # The real clock: that of the network, on which the deadline ends operations.
        extensions = {DEADLINE: time.monotonic() + seconds}
        try:
            with self._client.stream("GET", url, headers=headers, extensions=extensions) as response:
                return _reply_of(response, url, named, limit)
        except AddressRefused as refused:
            reason = f"{refused}: give --allow-private if the host is yours and meant"
            raise _refused(named, reason) from refused
        except httpx.TimeoutException as error:
            raise _Passing(f"no complete reply within {seconds:g} s: run the ingest again later") from error
        except httpx.ConnectError as error:
            raise _Passing(f"its host cannot be connected to ({error}): check the address") from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise _failed(named, f"it is not a valid address ({error})") from error
        except (httpx.HTTPError, zlib.error) as error:
            raise _Passing(f"the reply is broken ({error}): run the ingest again later") from error
        finally:
            asked = min(host.robots.delay_s if host.robots else 0.0, LONGEST_PAUSE_S)
            host.next_at = self._clock() + max(self._settings.fetch_delay_s, asked)


class _Passing(Exception):
    """A failure that may pass; `wait_s` is how long the host asks to wait."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_s = wait_s


def _reply_of(response: httpx.Response, url: str, named: str, limit: int) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    status = response.status_code
    if status in _REDIRECTS or status == HTTPStatus.NOT_MODIFIED:
        return Reply(url, status, headers)
    if status in _RETRIED:
        raise _Passing(f"its host replies {_status(status)}: run the ingest again later", _retry_after(headers))
    if status in GONE:
        raise ArticleRejected(named, f"its host replies {_status(status)}", "gone")
    if status != HTTPStatus.OK:
        raise ArticleRejected(named, f"its host replies {_status(status)}: check the address", "status")
    reply = Reply(url, status, headers)
    if not _READABLE.fullmatch(reply.media_type):
        expected = "expected a page, feed, sitemap, JSON or PDF"
        raise ArticleRejected(named, f"it is {short_repr(reply.media_type)}; {expected}", "wrong_type")
    return Reply(url, status, headers, _body_of(response, named, limit))


def _body_of(response: httpx.Response, named: str, limit: int) -> bytes:
    """Return the unpacked body; a few kilobytes may unpack to gigabytes, so that both sizes are limited."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise ArticleRejected(named, f"it is encoded as {short_repr(encoding)}; expected gzip or none", "wrong_type")
    packed = _Unpacker(named, limit) if encoding in ("gzip", "x-gzip", "deflate") else None
    body, received = bytearray(), 0
    for part in response.iter_raw():
        received += len(part)
        body += packed.unpack(part) if packed else part
        if max(received, len(body)) > limit:
            raise _too_large(named, limit)
    if packed and not packed.is_complete:
        raise _Passing("the reply is cut off: run the ingest again later")
    if body.startswith(b"\x1f\x8b"):
        # A file of a sitemap, site.xml.gz, is packed in itself.
        return _Unpacker(named, limit).unpack(bytes(body))
    return bytes(body)


class _Unpacker:
    """Unpacks the parts of a gzip or zlib stream; raises ArticleRejected above the limit, zlib.error if corrupt."""

    def __init__(self, named: str, limit: int) -> None:
        self._named = named
        self._limit = self._left = limit
        # 32: a header of gzip or of zlib.
        self._stream = zlib.decompressobj(32 + zlib.MAX_WBITS)

    @property
    def is_complete(self) -> bool:
        return self._stream.eof

    def unpack(self, part: bytes) -> bytes:
        found = self._stream.decompress(part, self._left + 1)
        self._left -= len(found)
        if self._left < 0:
            raise _too_large(self._named, self._limit)
        return found


def _too_large(named: str, limit: int) -> ArticleRejected:
    reason = f"the reply is larger than {megabytes(limit)} unpacked: raise DATELINE_FETCH_LIMIT_MB, or leave it out"
    return ArticleRejected(named, reason, "too_large")


def _refused(named: str, reason: str) -> ArticleRejected:
    return ArticleRejected(named, reason, "refused")


def _failed(named: str, reason: str) -> ArticleRejected:
    return ArticleRejected(named, reason, "unreachable")


def _check_url(url: str, named: str) -> None:
    """Raise ArticleRejected for an address that a browser would not fetch, or that contains a password."""
    shown = without_password(url)
    led = "" if url == named else f"it leads to {short_repr(shown)}; "
    if not is_address(url):
        raise _refused(without_password(named), f"{led}expected an http or https address")
    if shown != url:
        raise _refused(without_password(named), f"{led}expected an address without user and password")


def _host_of(url: str) -> str:
    return urlsplit(url).netloc.lower()


def _product(agent: str) -> str:
    return agent.partition("/")[0].partition(" ")[0]


def _status(code: int) -> str:
    with suppress(ValueError):
        return f"{code} {HTTPStatus(code).phrase}"
    return str(code)


def _retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds of a Retry-After header, given as a number or as a date; 0 if it has none."""
    stated = headers.get("retry-after", "").strip()
    if stated.isdecimal():
        return float(stated[:9])
    with suppress(ValueError, TypeError):
        at = parsedate_to_datetime(stated)
        return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    return 0.0
