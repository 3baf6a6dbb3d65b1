"""The service: without an index, with a new one, and as a process."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from index.embedding.local import LocalEmbedder
from ingest.job import Ingest, run
from ingest.report import Progress
from service.api.templates import NO_ARTICLES
from service.settings import ServiceSettings
from tests.samples import client_of, settings_for
from tests.scripted_llm import Hang, ScriptedLLM
from tests.service.test_llm_answers import ALSO_TRUE, QUESTION
from tests.service.test_llm_answers import reply as said

ROOT = Path(__file__).parents[3]
CHAT = {"model": "dateline", "messages": [{"role": "user", "content": QUESTION}]}


def ingest(folder: Path, data: Path, embedder: LocalEmbedder) -> None:
    run(Ingest((folder,), data, "english"), embedder, Progress(quiet=True))


@pytest.fixture
def bare(tmp_path: Path, models: Path) -> Iterator[tuple[TestClient, Path]]:
    """A service without an index, and its data folder."""
    data = tmp_path / "data"
    settings = settings_for(data, models, poll_s=0.05)
    with client_of(settings) as client:
        yield client, data


def test_without_an_index_the_service_is_alive_but_not_ready(
    bare: tuple[TestClient, Path], caplog: pytest.LogCaptureFixture
) -> None:
    """A question gets a 503; the folder and the command are in the log only."""
    client, data = bare

    assert client.get("/healthz").status_code == 200
    for reply in (
        client.get("/readyz"),
        client.post("/v1/ask", json={"question": "anything"}),
        client.get("/v1/articles"),
    ):
        assert reply.status_code == 503
        assert reply.json()["error"]["code"] == "index_unavailable"
        assert "dateline ingest" not in reply.text
        assert str(data) not in reply.text
    assert "dateline ingest" in caplog.text
    assert str(data) in caplog.text


def test_a_service_that_stops_is_not_ready(sample_settings: ServiceSettings) -> None:
    """`/readyz` is a 503 while `/healthz` is a 200."""
    with client_of(sample_settings) as client:
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["index_age"] >= 0) == (200, True)
        client.app.state.service.stopping.set()  # type: ignore[attr-defined]
        reply = client.get("/readyz")
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "shutting_down")
        assert client.get("/healthz").status_code == 200


def test_without_an_index_the_pages_say_so(bare: tuple[TestClient, Path]) -> None:
    """The home page says that there are no articles; pages of articles have status 503 and a message."""
    client, _ = bare
    home, *others = [client.get(path, headers={"Accept": "text/html"}) for path in ("/", "/articles", "/articles/a")]

    assert home.status_code == 200
    assert NO_ARTICLES in home.text
    for page in others:
        assert page.status_code == 503
        assert "There are no articles to show" in page.text


def test_a_new_generation_is_served_without_a_restart(
    bare: tuple[TestClient, Path], tmp_path: Path, embedder: LocalEmbedder
) -> None:
    """The first ingest makes the service ready; the next one replaces the text, which only a correction repeats."""
    client, data = bare
    articles = tmp_path / "articles"
    articles.mkdir()
    (articles / "harbour.txt").write_text("The harbour of Skelmore opened on 4 May 2025. It cost 12 million euros.\n")
    ingest(articles, data, embedder)
    first = _ready(client, None)
    (articles / "harbour.txt").write_text("The harbour of Skelmore opened on 9 June 2025. It cost 15 million euros.\n")
    ingest(articles, data, embedder)
    _ready(client, first)
    answer = client.post("/v1/ask", json={"question": "When did the harbour of Skelmore open?"}).json()

    assert "9 June 2025" in answer["answer"]
    assert "4 May 2025" not in str(answer | {"corrections": []})
    assert "4 May 2025" in answer["corrections"][0]["before"]


def _ready(client: TestClient, but_not: str | None) -> str:
    """Return the generation that the service is ready with, once it is not the given one."""
    import time

    for _ in range(1200):
        reply = client.get("/readyz")
        if reply.status_code == 200 and reply.json()["generation"] != but_not:
            return str(reply.json()["generation"])
        time.sleep(0.05)
    raise AssertionError("the new generation was not picked up within a minute")


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found: int = free.getsockname()[1]
        return found


@contextmanager
def serving(data: Path, models: Path, port: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a service in its own process until the block ends; it is ready."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATELINE_", "OPENAI_"))}
    command = [sys.executable, "-m", "dateline", "serve", "--data", str(data), "--port", str(port)]
    environment = {**kept, "DATELINE_MODELS": str(models), **environment}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(port)
        yield process
    finally:
        process.kill()
        process.wait()


def _get(port: int, method: str, path: str, body: object = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    return reply.status, content


def _wait_until_ready(port: int) -> None:
    for _ in range(600):
        try:
            if _get(port, "GET", "/readyz")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("the service was not ready within a minute")


def test_a_signal_ends_the_service_with_exit_code_0(sample_data: Path, models: Path, port: int) -> None:
    """The service answers over HTTP, and ends within its grace period."""
    with serving(sample_data, models, port) as server:
        status, content = _get(port, "POST", "/v1/ask", {"question": "Why was the Ostle Bridge closed?"})
        server.send_signal(signal.SIGINT)

        assert status == 200
        assert json.loads(content)["citations"]
        assert server.wait(timeout=60) == 0


def opened(port: int, number: int) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """Return a connection, and its stream that has said its first sentence, of either API."""
    native, chat = ("/v1/ask", {"question": QUESTION}), ("/v1/chat/completions", CHAT)
    path, body = chat if number % 2 else native
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, json.dumps({**body, "stream": True}), {"Content-Type": "application/json"})
    stream, seen = connection.getresponse(), ""
    while ALSO_TRUE not in (line := stream.readline().decode()):
        assert line, f"the stream ended before its first sentence: {seen}"
        seen += line
    return connection, stream


def test_a_stopping_service_ends_20_open_streams(sample_data: Path, models: Path, port: int) -> None:
    """It is not ready at once; each stream has an error as its last event, and the exit code is 0.

    The model would be silent for much longer.
    """
    with ScriptedLLM(said(f"{ALSO_TRUE} [{{key}}]. Then the ", Hang())) as llm:
        settings = {"DATELINE_LLM_MODEL": "dateline-test", "OPENAI_BASE_URL": llm.url, "DATELINE_LLM_DEADLINE_S": "600"}
        with serving(
            sample_data, models, port, DATELINE_MAX_QUESTIONS="20", DATELINE_SUGGESTIONS="0", **settings
        ) as server:
            with ThreadPoolExecutor(20) as callers:
                streams = list(callers.map(lambda number: opened(port, number), range(20)))
            server.send_signal(signal.SIGTERM)
            until = time.monotonic() + 60
            while _is_ready(port):
                assert time.monotonic() < until, "the service was ready for a minute after its signal"
                time.sleep(0.05)
            rests = [stream.read().decode() for _, stream in streams]
            assert server.wait(timeout=60) == 0
    for connection, _ in streams:
        connection.close()
    last = [json.loads(rest.rstrip().rpartition("data: ")[2]) for rest in rests]
    assert [event["error"]["code"] for event in last] == ["shutting_down"] * 20


def _is_ready(port: int) -> bool:
    try:
        return _get(port, "GET", "/readyz")[0] == 200
    except OSError:
        return False


def test_a_public_address_needs_the_setting(sample_data: Path) -> None:
    """The command exits with 2 and names the setting."""
    command = [sys.executable, "-m", "dateline", "serve", "--data", str(sample_data), "--host", "0.0.0.0"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATELINE_", "OPENAI_"))}
    done = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 2
    assert "DATELINE_ALLOW_ANONYMOUS" in done.stderr
    assert "Traceback" not in done.stderr
