"""A site of a newspaper on this machine, for the tests of fetching."""

import gzip
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(slots=True)
class Served:
    """The reply of the site at a path; with an `etag`, 304 to a client that has it."""

    body: str | bytes = b""
    status: int = 200
    kind: str = "text/html; charset=utf-8"
    etag: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Callable[[BaseHTTPRequestHandler], None] | None = None


@dataclass(slots=True)
class Site:
    """A running site: its address, what it serves by path, and how often each path was asked for."""

    address: str
    paths: dict[str, Served] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    agents: set[str] = field(default_factory=set)

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"{self.address}{path}"


@contextmanager
def running_site() -> Iterator[Site]:
    """Run a site without paths on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.asked[self.path] += 1
            site.agents.add(self.headers.get("User-Agent", ""))
            served = site.paths.get(self.path, Served(status=404))
            if served.answer:
                self.close_connection = True
                served.answer(self)
                return
            body = served.body.encode() if isinstance(served.body, str) else served.body
            is_known = served.etag is not None and self.headers.get("If-None-Match") == served.etag
            self.send_response(304 if is_known else served.status)
            if served.etag:
                self.send_header("ETag", served.etag)
            for name, value in served.headers.items():
                self.send_header(name, value)
            if not is_known:
                self.send_header("Content-Type", served.kind)
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if not is_known:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Write no log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site = Site(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def page(title: str, *paragraphs: str, head: str = "") -> str:
    """Return the page of an article."""
    text = "".join(f"<p>{each}</p>" for each in paragraphs)
    return (
        f'<!DOCTYPE html><html lang="en"><head><title>{title}</title>{head}</head>'
        f"<body><nav><a href='/'>Home</a></nav><article><h1>{title}</h1>{text}</article></body></html>"
    )


def bomb(size: int) -> bytes:
    """Return a few bytes that unpack to this size."""
    return gzip.compress(bytes(size))
