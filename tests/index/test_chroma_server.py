"""A Chroma server with the vectors of the segments: a real `chroma run` that is suspended, killed and started again."""

import logging
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread

import chromadb
import numpy as np
import pytest
from chromadb.api import ClientAPI
from chromadb.config import Settings
from numpy.typing import NDArray

from index import chroma_server, segment
from index.admin import take_down
from index.chroma_server import ChromaServer, server_of
from index.doctor import examine, repair
from index.embedding import Matrix, Vector
from index.errors import ChromaUnavailable, ConfigurationError
from index.generation import SegmentPool, open_generation
from index.layout import CHROMA, REMOVED, SEGMENTS, current_name, generation_names, segment_names
from index.publishing import copy_to, publish
from index.records import Filters
from index.vectors import Collection, build_collection
from tests.chroma_server import RunningChroma
from tests.fakes import HashedEmbedder, article, built, configuration, newsroom, segment_of
from tests.http_service import refusing

ROWS, DIMENSION = 5601, 8
SEGMENT = "20260101T000000000Z-00000000"
DRIP_S = 0.1


def unit_rows(count: int) -> Matrix:
    rows = np.random.default_rng(3).normal(size=(count, DIMENSION)).astype(np.float32)
    scaled: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningChroma]:
    server = RunningChroma(tmp_path_factory.mktemp("chroma"))
    yield server
    server.kill()


@pytest.fixture
def server(running: RunningChroma) -> ChromaServer:
    """Return a new client."""
    return ChromaServer(running.url)


@pytest.fixture
def client(running: RunningChroma) -> ClientAPI:
    """Return Chroma's own client, for what Dateline never does."""
    return chromadb.HttpClient("127.0.0.1", running.port, settings=Settings(anonymized_telemetry=False))


@contextmanager
def halted(running: RunningChroma, pause_s: float = 60.0) -> Iterator[None]:
    """Suspend the server until the block ends, and shorten the deadlines."""
    running.halt()
    try:
        with short_deadlines(pause_s):
            yield
    finally:
        running.resume()


@contextmanager
def short_deadlines(pause_s: float = 60.0) -> Iterator[None]:
    """Shorten the deadlines until the block ends; a server that fails is left alone for `pause_s`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chroma_server, "QUESTION_S", 0.4)
        patch.setattr(chroma_server, "PAGE_S", 0.8)
        patch.setattr(chroma_server, "PAUSE_S", pause_s)
        yield


@pytest.fixture
def approximate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search segments of any size on the server."""
    monkeypatch.setattr(segment, "EXACT_ROWS", 0)


def names(client: ClientAPI) -> set[str]:
    return {each.name for each in client.list_collections()}


def seconds(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def test_the_server_has_and_finds_what_a_folder_has_and_finds(server: ChromaServer, tmp_path: Path) -> None:
    """Vectors of more than one page are stored; their neighbours are those of an embedded collection."""
    vectors = unit_rows(ROWS)
    assert not server.has(SEGMENT, ROWS)
    server.put(SEGMENT, vectors)
    assert server.has(SEGMENT, ROWS)
    assert not server.has(SEGMENT, ROWS - 1)
    build_collection(tmp_path / CHROMA, vectors)
    with closing(Collection(tmp_path / CHROMA)) as embedded:
        for vector in vectors[::560]:
            found = server.nearest(SEGMENT, vector, 10)
            assert found is not None
            assert set(found) == set(embedded.nearest(vector, 10))
            assert found[0] == embedded.nearest(vector, 10)[0]
    server.remove(SEGMENT)
    assert not server.has(SEGMENT, ROWS)
    server.remove(SEGMENT)
    assert server.error is None


def test_what_an_interrupted_run_left_is_replaced(server: ChromaServer, client: ClientAPI) -> None:
    """Half a collection is not the segment's; only collections of Dateline's segments are touched."""
    client.create_collection("theirs", embedding_function=None)
    half = client.create_collection(f"dateline-{SEGMENT}", embedding_function=None)
    half.add(ids=["0", "7"], embeddings=-unit_rows(2))
    assert not server.has(SEGMENT, 3)
    server.put(SEGMENT, unit_rows(3))
    assert server.has(SEGMENT, 3)
    found = server.nearest(SEGMENT, unit_rows(3)[1], 3)
    assert found is not None
    assert found[0] == 1
    server.remove(SEGMENT)
    assert names(client) == {"theirs"}
    client.delete_collection("theirs")


def test_a_segment_without_vectors_is_stored(server: ChromaServer) -> None:
    """An article may have no chunk."""
    server.put(SEGMENT, unit_rows(0))
    assert server.has(SEGMENT, 0)
    server.remove(SEGMENT)


def test_a_missing_or_foreign_collection_is_searched_exactly(
    server: ChromaServer, client: ClientAPI, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the segment; the server itself is not left alone for it."""
    caplog.set_level(logging.WARNING, "dateline")
    vector = unit_rows(1)[0]
    assert server.nearest(SEGMENT, vector, 3) is None
    server.put(SEGMENT, unit_rows(3))
    client.get_collection(f"dateline-{SEGMENT}", embedding_function=None).add(ids=["theirs"], embeddings=vector)
    assert server.nearest(SEGMENT, vector, 4) is None
    assert [f"segment {SEGMENT} is searched exactly" in line for line in caplog.messages] == [True, True]
    assert server.error is None
    server.remove(SEGMENT)


def test_a_suspended_server_costs_one_deadline_and_is_found_again(
    running: RunningChroma, server: ChromaServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Later questions do not wait, writes fail at once with the reason; after a pause the server is asked again.

    The log has one line for a failure, not one for each question.
    """
    caplog.set_level(logging.WARNING, "dateline")
    server.put(SEGMENT, unit_rows(3))
    vector = unit_rows(3)[1]
    with halted(running, pause_s=1.5):
        assert seconds(lambda: server.nearest(SEGMENT, vector, 1)) < 10
        for part in ("no answer within 0.4 s", running.url, "chroma run"):
            assert part in str(server.error)
        (line,) = caplog.messages
        assert line.endswith("no answer within 0.4 s; for 1.5 s, segments are searched exactly")
    until = time.monotonic() + 30
    while (rows := server.nearest(SEGMENT, vector, 1)) is None:
        assert time.monotonic() < until, "the server was back for 30 s and was not asked"
        time.sleep(0.05)
    assert rows.tolist() == [1]
    assert server.error is None
    server.remove(SEGMENT)


def test_a_server_that_failed_is_left_alone(running: RunningChroma, server: ChromaServer) -> None:
    """No call is made in the meantime: questions are answered at once, and writes fail at once with the reason."""
    with halted(running):
        assert server.nearest(SEGMENT, unit_rows(1)[0], 1) is None
    calls: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ChromaServer, "_run", lambda *values: calls.append(values))
        for _ in range(3):
            assert server.nearest(SEGMENT, unit_rows(1)[0], 1) is None
        with pytest.raises(ChromaUnavailable, match=r"no answer within 0\.4 s"):
            server.put(SEGMENT, unit_rows(3))
    assert calls == []


def test_many_questions_at_a_suspended_server_wait_no_longer_than_one(
    running: RunningChroma, server: ChromaServer
) -> None:
    """Each ends at its own deadline."""
    with halted(running), ThreadPoolExecutor(8) as readers:
        took = list(readers.map(lambda _: seconds(lambda: server.nearest(SEGMENT, unit_rows(1)[0], 1)), range(8)))
    assert max(took) < 10


def test_a_server_that_was_killed_and_started_again_is_found_again(
    running: RunningChroma, server: ChromaServer
) -> None:
    """A refused connection fails at once; `ping` asks again without the pause, and the same rows are found."""
    server.put(SEGMENT, unit_rows(3))
    running.kill()
    assert server.nearest(SEGMENT, unit_rows(3)[2], 1) is None
    with pytest.raises(ChromaUnavailable, match="is not available"):
        server.has(SEGMENT, 3)
    with pytest.raises(ChromaUnavailable):
        server.ping()
    running.start()
    server.ping()
    assert server.error is None
    assert server.has(SEGMENT, 3)
    found = server.nearest(SEGMENT, unit_rows(3)[2], 1)
    assert found is not None
    assert found.tolist() == [2]
    server.remove(SEGMENT)


def test_a_server_that_is_down_is_named(tmp_path: Path) -> None:
    """The error has the address, the cause and the fix."""
    with refusing() as url, pytest.raises(ChromaUnavailable, match=f"the Chroma server at {url} is not") as raised:
        ChromaServer(url).ping()
    assert "chroma run" in raised.value.hint
    assert list(tmp_path.iterdir()) == []


@contextmanager
def stranger(reply: bytes, drip_s: float = 0.0) -> Iterator[str]:
    """Return the address of a server that answers with these bytes, one at a time if it drips."""
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
def test_a_reply_that_drips_in_ends_with_the_deadline(reply: bytes) -> None:
    """A call to a slow server ends in time, long before the reply does."""
    with stranger(reply, drip_s=DRIP_S) as url, short_deadlines():
        server = ChromaServer(url)
        assert seconds(lambda: server.nearest(SEGMENT, unit_rows(1)[0], 1)) < len(reply) * DRIP_S / 4
        assert "no answer within 0.4 s" in str(server.error)


@pytest.mark.parametrize(
    "reply",
    [
        http("500 Internal Server Error", b'{"error": "InternalError", "message": "disk"}'),
        http("502 Bad Gateway", b"<h1>Bad\nGateway</h1>", "text/html"),
        http("404 Not Found", b"<h1>Not Found</h1>", "text/html"),
        http("404 Not Found", b'{"error": "NotFoundError", "message": "nothing"}'),
        http("302 Found", b""),
        http("200 OK", b"<h1>It works!</h1>", "text/html"),
        http("200 OK", b"{}"),
        http("200 OK", b"[]"),
        b"SSH-2.0-OpenSSH_9.7\r\n",
        b"",
    ],
    ids=["500", "502", "404", "404 of Chroma", "302", "html", "object", "list", "ssh", "nothing"],
)
def test_a_foreign_server_is_not_available(reply: bytes) -> None:
    """A server error and a reply that is not Chroma's are failures: questions are answered without it."""
    with stranger(reply) as url:
        server = ChromaServer(url)
        with pytest.raises(ChromaUnavailable, match=f"the Chroma server at {url} is not available"):
            server.ping()
        assert server.nearest(SEGMENT, unit_rows(1)[0], 1) is None
        assert server.error is not None


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000",
        "ftp://localhost",
        "http://",
        "http://:8000",
        "http://localhost:port",
        "http://localhost:99999",
        "http://localhost:8000/api/v2",
        "http://localhost?tenant=x",
        "http://[::1",
    ],
)
def test_an_invalid_address_is_refused(url: str) -> None:
    """A URL in another form than http(s)://host[:port] is an error before any request."""
    with pytest.raises(ConfigurationError, match="CHROMA_URL"):
        server_of(url)


def test_a_password_is_refused_and_not_repeated() -> None:
    """An address with a user or a password is an error, and the message omits them."""
    with pytest.raises(ConfigurationError) as refused:
        ChromaServer("http://me:secret@localhost:8000")
    assert "secret" not in str(refused.value)
    assert "password" in str(refused.value)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://localhost:8000/", ("localhost", 8000, False)),
        ("https://chroma.internal", ("chroma.internal", 443, True)),
        ("http://chroma.internal", ("chroma.internal", 80, False)),
        ("http://[::1]:9000", ("::1", 9000, False)),
    ],
)
def test_addresses(url: str, address: tuple[str, int, bool]) -> None:
    """Host names and IP addresses are valid, with a port or the scheme's default; no request is made."""
    server = ChromaServer(url)
    assert (server._host, server._port, server._ssl) == address
    assert server.url == url


def test_without_a_setting_there_is_no_server() -> None:
    """Chroma is embedded then."""
    assert server_of(None) is None
    assert server_of("") is None


EMBEDDER = HashedEmbedder()
GONE = article("gone", "Quentin Varga lives at 9 Mill Lane.")


@pytest.fixture
def data(tmp_path: Path, server: ChromaServer) -> Iterator[Path]:
    """Return an index of two segments, which are on the server as well."""
    built(tmp_path, newsroom(6), EMBEDDER)
    segment_of(tmp_path, [GONE])
    with closing(open_generation(tmp_path, current_name(tmp_path) or "")) as generation:
        first = [part.entry for part in generation.parts]
    publish(tmp_path, configuration(EMBEDDER), [*first, segment_of(tmp_path, [GONE])], server)
    yield tmp_path
    again = ChromaServer(server.url)
    for name in segment_names(tmp_path):
        again.remove(name)


def found(data: Path, server: ChromaServer | None, question: str = "Quentin Varga") -> str:
    """Return the id of the article that is nearest to a question."""
    with closing(open_generation(data, current_name(data) or "", SegmentPool(data, server))) as generation:
        generation.open()
        rows = generation.nearest(EMBEDDER.embed_query(question), 1, generation.allowed_rows(Filters()))
        return generation.chunks(rows)[0][1].article_id


def stored(data: Path, client: ClientAPI) -> set[str]:
    """Return the segments of an index that are on the server."""
    named = names(client)
    return {name for name in segment_names(data) if f"dateline-{name}" in named}


@pytest.mark.usefixtures("approximate")
def test_a_published_index_is_searched_on_the_server(
    data: Path, server: ChromaServer, client: ClientAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The segments of a generation are copied to the server before it is published, each once."""
    with closing(open_generation(data, current_name(data) or "")) as generation:
        assert stored(data, client) == {part.segment.id for part in generation.parts}
        assert copy_to(server, data, generation.manifest) == []
    asked: list[str] = []
    search = ChromaServer.nearest

    def spy(chroma: ChromaServer, name: str, vector: Vector, count: int) -> NDArray[np.int64] | None:
        asked.append(name)
        return search(chroma, name, vector, count)

    monkeypatch.setattr(ChromaServer, "nearest", spy)
    assert found(data, server) == "gone"
    assert set(asked) == stored(data, client)


@pytest.mark.usefixtures("approximate")
def test_while_the_server_is_away_search_is_exact_and_nothing_is_published(
    data: Path, running: RunningChroma, server: ChromaServer
) -> None:
    """Questions are answered from the data folder; a publish fails before anything is current."""
    before = generation_names(data), current_name(data)
    with halted(running):
        assert found(data, server) == "gone"
        assert server.error is not None
        with pytest.raises(ChromaUnavailable):
            publish(data, configuration(EMBEDDER), [segment_of(data, [article("new", "It is new.")])], server)
        (finding,) = [each for each in examine(data, ChromaServer(running.url)) if not each.whole]
        assert finding.what == f"Chroma server {running.url}"
        assert "no answer within" in finding.detail
    assert (generation_names(data), current_name(data)) == before


def test_the_doctor_copies_what_the_server_lacks(data: Path, server: ChromaServer, client: ClientAPI) -> None:
    """A server that lost a collection, or has another number of rows, gets the vectors again."""
    first = min(stored(data, client))
    assert [each.detail for each in examine(data, server) if each.what.startswith("Chroma server")] == [
        "has the vectors of every segment"
    ]
    client.delete_collection(f"dateline-{first}")
    (finding,) = [each for each in examine(data, server) if not each.whole]
    assert finding.detail == f"lacks the vectors of {first}, which are searched exactly"
    assert list(repair(data, lambda: EMBEDDER, server)) == [f"segment {first} was copied to the Chroma server"]
    assert all(each.whole for each in examine(data, server))


def test_a_takedown_removes_the_vectors_from_the_server(
    data: Path, running: RunningChroma, server: ChromaServer, client: ClientAPI
) -> None:
    """It is complete only when the server has removed them; while that is away, the segment is remembered."""
    before = stored(data, client)
    shutil.rmtree(data / SEGMENTS / min(set(segment_names(data)) - before))
    (gone,) = before - {min(before)}
    client.delete_collection(f"dateline-{min(before)}")
    with halted(running), pytest.raises(ChromaUnavailable):
        take_down(data, ["gone"], server)
    assert gone in stored(data, client)
    server.ping()
    takedown = take_down(data, ["gone"], server)
    assert takedown.complete
    assert f"dateline-{gone}" not in names(client)
    assert not list((data / SEGMENTS).glob(f"{REMOVED}*"))
    assert min(before) in stored(data, client)
