"""A real `chroma run` server on the loopback interface that tests can suspend, kill and restart."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

START_S = 90.0


class RunningChroma:
    """A `chroma run` process on a folder. It keeps its port and its folder when it is restarted."""

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
        """Suspend the process, and return when it has stopped: it accepts connections and does not answer."""
        self._process_signal(signal.SIGSTOP)
        # The signal goes to one of its threads; until that runs, the others answer.
        os.waitpid(self.pid, os.WUNTRACED)

    def resume(self) -> None:
        """Resume a suspended process."""
        self._process_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill the process, suspended or not, if it still runs."""
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
    """Return a free port of the loopback interface."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
