"""A real `chroma run` server on the loopback interface, which a test may halt, kill and start again."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

START_S = 30.0


class RunningChroma:
    """`chroma run` on a folder; it keeps its port and its folder when it is killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server does not run"
        return self._process.pid

    def start(self) -> None:
        """Start the server and wait until it answers."""
        chroma = Path(sys.executable).with_name("chroma")
        command = [str(chroma), "run", "--path", str(self.folder), "--host", "127.0.0.1", "--port", str(self.port)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + START_S
        while not self._answers():
            ended = self._process.poll()
            if ended is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError(f"chroma run on port {self.port} does not answer; it ended with {ended}")
            time.sleep(0.05)

    def halt(self) -> None:
        """Stop the process where it is: connections are taken, and nothing is ever answered."""
        self._process_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a halted process run on."""
        self._process_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the process at once, halted or not; harmless where it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _process_signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "the server does not run"
        self._process.send_signal(number)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/v2/heartbeat", timeout=1, trust_env=False).is_success
        except httpx.HTTPError:
            return False


def free_port() -> int:
    """A port of the loopback interface that nothing listens on just now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
