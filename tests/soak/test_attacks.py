"""Attacks over a socket do no harm: the service answers after each."""

import json
import os
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from service.api.protocol import HEAD_BYTES, PIECES, ConnectionLimits
from tests.soak.service import Served, app_on, served
from tests.soak.wire import asked, connected, head, is_alive, parsed, posted, reply_to, until_closed

LONG = "DATELINE_SOAK" in os.environ
"""Whether to attack with the limits of production, which takes minutes."""

LIMITS = (
    ConnectionLimits() if LONG else ConnectionLimits(head_s=1.5, body_s=2.0, write_s=1.0, connections=24, sockets=40)
)
SLOW = 300 if LONG else 16
ENDLESS = 100_000_000 if LONG else 4_000_000
LIMIT = 1_000_000
FEEDBACK = {"answer_id": "a", "question": "q", "answer": "x" * 15_000, "vote": "up"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with short timeouts."""
    with served(app_on(tmp_path_factory.mktemp("soak")), LIMITS) as service:
        yield service


@pytest.fixture(autouse=True)
def alive(service: Served) -> Iterator[None]:
    """After each attack the service answers."""
    yield
    assert is_alive(service.port)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize("stream", [False, True])
def test_a_chunked_body_that_goes_on_is_refused_at_the_limit(service: Served, stream: bool) -> None:
    """The reply is 413 when the limit is reached, and the question is not processed."""
    question = json.dumps({"question": "What did the ferry cost?", "stream": stream}).encode()
    start = head("POST", "/v1/ask", "Content-Type: application/json", "Transfer-Encoding: chunked")
    with connected(service.port) as connection:
        connection.sendall(start + chunk(question.ljust(999_000)))
        connection.sendall(chunk(b" " * 2_000))
        reply = parsed(until_closed(connection))

    assert reply.status == 413
    assert reply.error["code"] == "too_large"


def test_a_client_that_leaves_a_body_half_way_is_forgotten(service: Served) -> None:
    """Its connection is released, with and without a stream, before and after the limit."""
    start = head("POST", "/v1/ask", "Content-Type: application/json", "Transfer-Encoding: chunked")
    for sent in (b'{"question": "ferry", "stream": true', b'{"question": "ferry", "stream": true}'.ljust(999_999)):
        with connected(service.port) as connection:
            connection.sendall(start + chunk(sent))
        assert is_alive(service.port)


def test_a_client_that_leaves_a_stream_frees_its_slot(service: Served) -> None:
    """After twice as many clients as there are slots, all slots are free and the next question is answered."""
    slots = service.app.state.service.limits.questions
    for _ in range(2 * slots.limit):
        with connected(service.port) as connection:
            connection.sendall(asked("What did the ferry cost?", stream=True))
            connection.recv(1)
    while slots.taken:
        time.sleep(0.01)

    assert reply_to(service.port, asked("What did the ferry cost?")).status == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTT",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        head("POST", "/v1/ask", "Content-Type: application/json", "Content-Length: 900000") + b"{",
        head("POST", "/v1/ask", "Content-Type: application/json", "Transfer-Encoding: chunked") + b"5\r\n{",
    ],
)
def test_a_request_that_does_not_arrive_is_ended(service: Served, sent: bytes) -> None:
    """The reply is 408 in the usual shape, for a head and for a body."""
    reply = reply_to(service.port, sent)

    assert reply.status == 408
    assert reply.error["code"] == "too_slow"
    assert reply.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ", b"x"),
        (head("POST", "/v1/ask", "Content-Type: application/json", "Content-Length: 900000"), b" "),
    ],
)
def test_dripping_buys_no_time(service: Served, start: bytes, piece: bytes) -> None:
    """The limit applies to the complete request, not to each byte."""
    received: list[bytes] = []
    with connected(service.port) as connection:
        connection.sendall(start)
        ended = threading.Event()

        def listen() -> None:
            received.append(until_closed(connection))
            ended.set()

        listening = threading.Thread(target=listen)
        listening.start()
        try:
            while not ended.wait(0.05):
                connection.sendall(piece)
        except OSError:
            pass
        listening.join()

    assert parsed(received[0]).status in (0, 408)


def test_many_slow_requests_stop_no_other(service: Served) -> None:
    """Many connections with half a head or half a body are closed, and others are answered meanwhile."""
    halves = [b"GET / HTT", head("POST", "/v1/ask", "Content-Type: application/json", "Content-Length: 900000") + b"{"]
    with ExitStack() as held:
        slow = [held.enter_context(connected(service.port)) for _ in range(SLOW)]
        for number, connection in enumerate(slow):
            connection.sendall(halves[number % 2])
        assert reply_to(service.port, asked("What did the ferry cost?")).status == 200
        assert {parsed(until_closed(connection)).status for connection in slow} == {408}


def test_a_silent_connection_is_closed_without_a_word(service: Served) -> None:
    """Browsers open connections in advance: they are closed without an error."""
    with connected(service.port) as connection:
        assert until_closed(connection) == b""


def test_a_refusal_does_not_wait_for_a_body_for_ever(service: Served) -> None:
    """A refused request with a slow body is cut off after the time for a body."""
    start = head("POST", "/v1/ask", "Content-Type: text/plain", "Content-Length: 900000")
    start = start.replace(b"Connection: close\r\n", b"")
    with connected(service.port) as connection:
        connection.sendall(start)
        assert parsed(until_closed(connection)).status == 415


@pytest.mark.parametrize(("start", "piece"), [(b"", b"X-Many: y\r\n"), (b"X-Long: ", b"y")])
def test_headers_without_end_are_refused(service: Served, start: bytes, piece: bytes) -> None:
    """The reply is 431 for many and for one long header, before their end."""
    lines = piece * (ENDLESS // len(piece))
    reply = reply_to(service.port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + start, lines)

    assert reply.status in (0, 431)


@pytest.mark.parametrize("size", [HEAD_BYTES + 1, 60_000, 200_000])
def test_headers_over_the_limit_are_refused_in_one_piece_too(service: Served, size: int) -> None:
    """A head that arrives in one piece is measured as well, and the refusal is counted."""
    reply = reply_to(service.port, head("GET", "/healthz", f"X-Long: {'y' * size}"))

    assert reply.status == 431
    assert reply.error["code"] == "headers_too_large"
    assert b'dateline_errors_total{code="headers_too_large"' in service.app.state.service.metrics.exposition()


def test_headers_within_the_limit_are_read(service: Served) -> None:
    """Headers of a usual size, such as a proxy's cookies and tokens, are accepted."""
    assert reply_to(service.port, head("GET", "/healthz", f"X-Long: {'y' * (HEAD_BYTES - 200)}")).status == 200


def test_a_body_in_crumbs_is_refused(service: Served) -> None:
    """A body of too many chunks gets a 413."""
    start = head("POST", "/v1/ask", "Content-Type: application/json", "Transfer-Encoding: chunked")
    reply = reply_to(service.port, start, chunk(b" ") * (PIECES + 1))

    assert reply.status == 413
    assert reply.error["code"] == "too_large"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /v1/ask HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        head("POST", "/v1/ask", "Content-Type: application/json", "Transfer-Encoding: chunked") + b"zz\r\n",
        head("POST", "/v1/ask", "Content-Type: application/json", "Transfer-Encoding: gzip, chunked"),
    ],
    ids=[
        "TLS",
        "no host",
        "two hosts",
        "negative length",
        "two lengths",
        "two kinds of length",
        "no chunk",
        "unknown coding",
    ],
)
def test_what_is_not_http_is_refused_in_the_one_shape(service: Served, sent: bytes) -> None:
    """The reply is 400, and the connection closes."""
    reply = reply_to(service.port, sent)

    assert reply.status == 400
    assert reply.error["code"] == "bad_request"


def test_streams_in_one_pipeline_are_answered_in_turn(service: Served) -> None:
    """Each is complete before the next begins, and the last one closes the connection."""
    one = asked("Who opened the bridge?", stream=True)
    with connected(service.port) as connection:
        connection.sendall(3 * one.replace(b"Connection: close\r\n", b"") + one)
        received = until_closed(connection)

    names = re.findall(rb"^event: (answer\.started|answer\.completed)", received, re.MULTILINE)
    assert names == 4 * [b"answer.started", b"answer.completed"]
    assert received.count(b"HTTP/1.1 200") == 4


def test_an_upgrade_is_not_taken(service: Served) -> None:
    """An upgrade to a web socket is ignored."""
    upgrade = ("Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13")
    start = head("GET", "/healthz", *upgrade).replace(b"Connection: close", b"Connection: Upgrade, close")

    assert reply_to(service.port, start).status == 200


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("127.0.0.1", "/v1/articles", 200),
        ("LOCALHOST.:1234", "/v1/articles", 200),
        ("[::1]:80", "/v1/articles", 200),
        ("evil.example", "/v1/articles", 421),
        ("127.0.0.1.evil.example", "/v1/articles", 421),
        ("127.0.0.1@evil.example", "/v1/articles", 421),
        ("192.0.2.1", "/v1/articles", 421),
        ("", "/v1/articles", 421),
        ("evil.example", "/healthz", 200),
        ("evil.example", "/readyz", 200),
        ("127.0.0.1", "http://evil.example/v1/articles", 421),
        ("127.0.0.1", "http://evil.example@127.0.0.1/v1/articles", 421),
        ("evil.example", "http://127.0.0.1/v1/articles", 200),
    ],
)
def test_a_name_that_points_here_is_not_answered(service: Served, host: str, path: str, status: int) -> None:
    """DNS rebinding gets a 421; an absolute URL in the request line takes precedence over `Host`."""
    reply = reply_to(service.port, head("GET", path, host=host))

    assert reply.status == status
    if status == 421:
        assert reply.error["code"] == "host_not_allowed"


def test_a_reader_who_does_not_read_is_cut_off(service: Served) -> None:
    """If a client does not read a reply, the connection is closed after the limit."""
    script = head("GET", "/widget.js").replace(b"Connection: close\r\n", b"")
    whole = int(reply_to(service.port, head("HEAD", "/widget.js")).headers["content-length"])
    service.forget_lost()
    with connected(service.port, receive_buffer=4096) as connection:
        connection.sendall(script * 100)
        service.lost.get(timeout=90)

        assert len(until_closed(connection)) < 100 * whole


def test_connections_above_the_limit_get_a_503(service: Served) -> None:
    """Above the limit the reply is 503 with `Retry-After`, except for health checks; then connections are closed."""
    service.forget_lost()
    with ExitStack() as held:
        for _ in range(LIMITS.connections):
            held.enter_context(connected(service.port)).sendall(head("GET", "/healthz")[:-2])
        refused = reply_to(service.port, head("GET", "/v1/articles"))

        assert is_alive(service.port)
        assert refused.status == 503
        assert refused.error["code"] == "overloaded"
        assert refused.headers["retry-after"] == "1"
    for _ in range(LIMITS.connections):
        service.lost.get(timeout=30)


def test_a_burst_of_feedback_delays_no_question(service: Served) -> None:
    """A client may send twenty at once; others get 429 with `Retry-After`, and questions are answered meanwhile."""
    body = json.dumps(FEEDBACK).encode()
    with ThreadPoolExecutor(8) as clients:
        sending = [clients.submit(reply_to, service.port, posted("/v1/feedback", body)) for _ in range(60)]
        answers = [reply_to(service.port, asked("What did the ferry cost?")) for _ in range(5)]
        replies = [each.result() for each in sending]

    assert [answer.status for answer in answers] == [200] * 5
    assert {reply.status for reply in replies} <= {201, 429, 503}
    limited = [reply for reply in replies if reply.status == 429]
    assert len(limited) >= 30
    assert {reply.error["code"] for reply in limited} == {"rate_limit_exceeded"}
    assert all(1 <= int(reply.headers["retry-after"]) <= 3 for reply in limited)
