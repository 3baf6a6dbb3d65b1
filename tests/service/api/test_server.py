"""The process: `dateline serve` listens, answers, and ends cleanly on SIGTERM."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found: int = free.getsockname()[1]
        return found


@pytest.fixture
def server(sample_data: Path, models: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A service in a process of its own, ready."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATELINE_", "OPENAI_"))}
    command = [sys.executable, "-m", "dateline", "serve", "--data", str(sample_data), "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**kept, "DATELINE_MODELS": str(models)}, stderr=subprocess.DEVNULL
    )
    _wait_until_ready(port)
    yield process
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
    for _ in range(150):
        try:
            if _get(port, "GET", "/readyz")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("the service was not ready within 15 seconds")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_service_with_exit_code_0(
    server: subprocess.Popen[bytes], port: int, sent: signal.Signals
) -> None:
    """It answers over real HTTP, and then ends within its grace."""
    status, content = _get(port, "POST", "/v1/ask", {"question": "Why was the Ostle Bridge closed?"})
    server.send_signal(sent)

    assert status == 200
    assert json.loads(content)["citations"]
    assert server.wait(timeout=10) == 0


def test_an_address_that_others_reach_is_refused_unless_it_is_meant(sample_data: Path) -> None:
    """Exit 2, naming the setting."""
    command = [sys.executable, "-m", "dateline", "serve", "--data", str(sample_data), "--host", "0.0.0.0"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATELINE_", "OPENAI_"))}
    done = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 2
    assert "DATELINE_ALLOW_ANONYMOUS" in done.stderr
    assert "Traceback" not in done.stderr
