"""Searches while the Chroma server is suspended, down, restarted, or another server."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread
from uuid import UUID

import numpy as np
import pytest
from chromadb.api import ServerAPI
from index.dense import DenseIndex, build_dense
from index.dense.hosted import CollectionRecord, discard_collection
from index.dense.server import QUESTION_S, ChromaServer

from index.embedding import Matrix
from index.errors import ChromaUnavailable, EmbeddingFailed, IndexDamaged
from index.layout import VECTORS
from tests.chroma_server import RunningChroma, free_port

ID = "01234567-89ab-4def-8123-456789abcdef"
VECTORS_OF_THREE: Matrix = np.eye(3, 4, dtype=np.float32)
AT_ONCE = "it did not answer a moment ago"
DRIP_S = 0.1


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningChroma]:
    server = RunningChroma(tmp_path_factory.mktemp("chroma"))
    yield server
    server.kill()


@pytest.fixture
def server(running: RunningChroma) -> Iterator[ChromaServer]:
    """Return a new client with a closed breaker."""
    with closing(ChromaServer(running.url)) as server:
        yield server


@pytest.fixture
def index(server: ChromaServer, tmp_path: Path) -> DenseIndex:
    np.save(tmp_path / VECTORS, VECTORS_OF_THREE)
    build_dense(tmp_path, VECTORS_OF_THREE, server)
    return DenseIndex(tmp_path, server)


def claimed(folder: Path) -> Path:
    """Return a folder whose vectors are on another server."""
    np.save(folder / VECTORS, VECTORS_OF_THREE)
    CollectionRecord(f"dateline-{'0' * 32}", UUID(ID)).write(folder)
    return folder


def failure_of(call: Callable[[], object]) -> str:
    """Return the message of a call that fails."""
    with pytest.raises(ChromaUnavailable) as raised:
        call()
    return str(raised.value)


def timed_out(failure: str) -> bool:
    """Return whether a call ended at its deadline, as the client's own timeout or ours comes first."""
    return f"no answer within {QUESTION_S:g} s" in failure or "Timeout" in failure


def wait_for_recovery(call: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            call()
        except ChromaUnavailable:
            assert time.monotonic() < deadline, "the server was back for 20 s and was never asked"
            time.sleep(0.05)
        else:
            return


def ask(index: DenseIndex) -> int:
    return int(index.nearest(VECTORS_OF_THREE[1], 1)[0])


def test_a_halted_server_fails_in_time_then_at_once_and_is_found_again(
    index: DenseIndex, running: RunningChroma
) -> None:
    """If the server is suspended, questions time out, later ones fail at once; resumed, it is used again."""
    assert ask(index) == 1
    running.halt()
    try:
        with ThreadPoolExecutor(8) as readers:
            failures = list(readers.map(lambda _: failure_of(lambda: ask(index)), range(8)))
        assert all(timed_out(failure) or AT_ONCE in failure for failure in failures), failures
        assert any(timed_out(failure) for failure in failures)
        later = [failure_of(call) for call in (lambda: ask(index), index.count, lambda: list(index.stored()))]
        # The breaker asks again after a second: a test that is held up for so long sees one more timeout.
        assert any(AT_ONCE in failure for failure in later)
    finally:
        running.resume()
    wait_for_recovery(lambda: ask(index))
    assert ask(index) == 1


def test_a_server_that_was_killed_and_started_again_is_found_again(index: DenseIndex, running: RunningChroma) -> None:
    """If the server is down, questions fail at once; restarted, it returns the same rows."""
    running.kill()
    failures = [failure_of(lambda: ask(index)) for _ in range(3)]
    assert not any(timed_out(failure) for failure in failures)
    assert any(AT_ONCE in failure for failure in failures)
    running.start()
    wait_for_recovery(lambda: ask(index))
    assert ask(index) == 1
    assert index.count() == 3


def test_a_server_that_is_down_when_an_index_is_opened(tmp_path: Path) -> None:
    """Opening fails fast and names the server, the cause and the fix; building fails and deletes nothing."""
    url = f"http://127.0.0.1:{free_port()}"
    folder = claimed(tmp_path)
    with closing(ChromaServer(url)) as server:
        with pytest.raises(ChromaUnavailable) as refused:
            DenseIndex(folder, server)
        assert not discard_collection(folder, server)
        with pytest.raises(ChromaUnavailable):
            build_dense(folder, VECTORS_OF_THREE, server)
    assert url in str(refused.value)
    assert "Connection refused" in str(refused.value)
    assert "chroma run" in refused.value.hint


def test_questions_that_are_refused_say_nothing_of_the_server(
    index: DenseIndex, server: ChromaServer, tmp_path: Path
) -> None:
    """An invalid query and a missing collection do not open the breaker."""
    missing = tmp_path / "missing"
    missing.mkdir()
    claimed(missing)
    for _ in range(3):
        with pytest.raises(EmbeddingFailed):
            index.nearest(np.ones(3, "f4"), 1)
        with pytest.raises(IndexDamaged):
            DenseIndex(missing, server)
        assert ask(index) == 1


def test_a_closed_server_is_not_available(index: DenseIndex, server: ChromaServer) -> None:
    """After close() a call raises an error, and closing again has no effect."""
    server.close()
    assert not timed_out(failure_of(index.count))
    server.close()


@contextmanager
def stranger(reply: bytes, drip_s: float = 0.0) -> Iterator[str]:
    """Return the address of a server that answers with these bytes, one at a time if `drips`."""
    over = Event()

    def answer(connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            for part in [reply[place : place + 1] for place in range(len(reply))] if drip_s else [reply]:
                try:
                    connection.sendall(part)
                except OSError:
                    return
                if over.wait(drip_s):
                    return

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(Thread(target=answer, args=(connection,)))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads = [Thread(target=accept, args=(listener,))]
        threads[0].start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()


def http(status: str, body: bytes, content_type: str = "application/json") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


@pytest.mark.parametrize(
    "reply", [http("200 OK", b"7" * 500), b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 500], ids=["body", "head"]
)
def test_a_reply_that_drips_in_ends_with_the_deadline(tmp_path: Path, reply: bytes) -> None:
    """A call to a slow server times out, and its worker ends long before the reply does."""
    with stranger(reply, drip_s=DRIP_S) as url, closing(ChromaServer(url)) as server:
        server.call(lambda _: None)
        assert timed_out(failure_of(lambda: DenseIndex(claimed(tmp_path), server)))
        begun = time.monotonic()
        server._workers.shutdown(wait=True)
        assert time.monotonic() - begun < len(reply) * DRIP_S / 2


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (http("500 Internal Server Error", b'{"error": "InternalError", "message": "disk"}'), "status 500.*disk"),
        (http("502 Bad Gateway", b"<h1>Bad\nGateway</h1>", "text/html"), "status 502: <h1>Bad Gateway</h1>"),
        (http("404 Not Found", b"<h1>Not Found</h1>", "text/html"), "status 404"),
        (http("404 Not Found", b'["error"]'), "status 404"),
        (http("302 Found", b""), "status 302"),
        (http("200 OK", b"<h1>It works!</h1>", "text/html"), "JSONDecodeError"),
        (http("200 OK", b"{}"), "KeyError"),
        (http("200 OK", b"[]"), "TypeError"),
        (b"SSH-2.0-OpenSSH_9.7\r\n", "RemoteProtocolError"),
        (b"", "RemoteProtocolError"),
    ],
)
def test_a_foreign_server_is_not_available(tmp_path: Path, reply: bytes, said: str) -> None:
    """A server error and a reply that is not Chroma's are named, and the next call fails at once."""
    with stranger(reply) as url, closing(ChromaServer(url)) as server:
        with pytest.raises(ChromaUnavailable, match=said):
            DenseIndex(claimed(tmp_path), server)
        with pytest.raises(ChromaUnavailable, match="a moment ago"):
            DenseIndex(claimed(tmp_path), server)


def test_nothing_that_a_server_names_is_made(tmp_path: Path) -> None:
    """The embedding function in a server's reply is not instantiated."""
    function = '{"type": "known", "name": "no such function", "config": {}}'
    named = f'{{"hnsw": {{"space": "cosine"}}, "embedding_function": {function}}}'
    model = f'{{"id": "{ID}", "name": "n", "tenant": "t", "database": "d", "configuration_json": {named}}}'
    with stranger(http("200 OK", model.encode())) as url, closing(ChromaServer(url)) as server:
        index = DenseIndex(claimed(tmp_path), server)
        assert index.configuration == {"space": "cosine"}


PROXIED = """
import sys
from index.dense.server import ChromaServer
server = ChromaServer(sys.argv[1])
print(server.call(lambda api: api.heartbeat()) > 0)
server.close()
"""


def test_proxies_of_the_environment_are_passed_by(running: RunningChroma) -> None:
    """Proxies of the environment are not used."""
    proxy = f"http://127.0.0.1:{free_port()}"
    child = subprocess.run(
        [sys.executable, "-c", PROXIED, running.url],
        env={"HTTP_PROXY": proxy, "http_proxy": proxy, "ALL_PROXY": proxy, "PATH": ""},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert child.stdout == "True\n", child.stderr


def test_a_call_that_is_late_takes_no_other_down(running: RunningChroma, server: ChromaServer) -> None:
    """A timeout of one call does not affect another."""
    server.ping()
    begun, ended = Event(), Event()

    def heartbeat(api: ServerAPI) -> int:
        begun.set()
        return api.heartbeat()

    running.halt()
    try:
        with ThreadPoolExecutor(1) as patient:
            answered = patient.submit(server.call, heartbeat, 60.0)
            assert begun.wait(60)
            # Not a request, because its own timeout could come first.
            with pytest.raises(ChromaUnavailable, match=r"no answer within 0\.1 s"):
                server.call(lambda api: ended.wait(), 0.1)
            running.resume()
            assert answered.result() > 0
    finally:
        ended.set()
        running.resume()
    server.ping()
