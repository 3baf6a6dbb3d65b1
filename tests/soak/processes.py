"""Programs in processes of their own, which are killed and started again, and what they run on."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from tests.faults.newsdesk import ROOT
from tests.faults.questions import Client, free_port

PATIENCE_S = 60.0
"""How long an event may take; a soak that waits this long is broken."""

LOOK_S = 0.05
"""Seconds between two looks for an event."""

NGINX_EXAMPLE = ROOT / "docs" / "examples" / "nginx.conf"

Found = TypeVar("Found")


def awaited(look: Callable[[], Found | None], event: str, patience_s: float = PATIENCE_S) -> Found:
    """Look until something is found, and return it; an AssertionError names the event that did not happen."""
    deadline = time.monotonic() + patience_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"{event}: it did not happen within {patience_s:.0f} s"
        time.sleep(LOOK_S)
    return found


class Program:
    """A command as the leader of a process group; its output is appended to `log`."""

    def __init__(
        self, log: Path, command: Sequence[str], environment: Mapping[str, str], user: str | None = None
    ) -> None:
        self.log = log
        self._command, self._environment, self._user = command, environment, user
        self._process: subprocess.Popen[bytes] | None = None
        self._beginning = 0
        self.start()

    def start(self) -> None:
        """Start the command, which does not run."""
        assert self._process is None, f"{self._command} runs"
        with self.log.open("ab") as log:
            self._beginning = log.tell()
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                user=self._user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def runs(self) -> bool:
        """Return whether the process has not ended."""
        return self._process is not None and self._process.poll() is None

    def kill(self, *, group: bool = False) -> None:
        """Kill the process, or its group, with SIGKILL."""
        self._end(signal.SIGKILL, group=group)

    def stop(self) -> None:
        """End the process with SIGTERM, and kill what is left of its group."""
        if self._process is None:
            return
        group = self._process.pid
        self._end(signal.SIGTERM, group=False)
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            return

    def output(self) -> str:
        """Return the output since the last start."""
        return self.log.read_bytes()[self._beginning :].decode("utf-8", "replace")

    def _end(self, number: int, *, group: bool) -> None:
        assert self._process is not None, f"{self._command} does not run"
        if self._process.poll() is None:
            os.kill(-self._process.pid if group else self._process.pid, number)
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"{self._command} did not end within {PATIENCE_S:.0f} s") from None
        finally:
            self._process = None


class Nginx(Program):
    """nginx without privileges on a free port, with one site; `place` is a new folder for all its files."""

    def __init__(self, place: Path, site: Callable[[int], str]) -> None:
        place.mkdir()
        port = free_port()
        self.client, self.port, self._access = Client(port), port, place / "access.log"
        (place / "site.conf").write_text(site(port), encoding="utf-8")
        temporary = "\n".join(
            f"    {name}_temp_path {place / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (place / "nginx.conf").write_text(
            f"daemon off;\nworker_processes 2;\npid {place / 'pid'};\nerror_log {place / 'error.log'};\nevents {{}}\n"
            f"http {{\n{temporary}\n    log_format replies '$request_method $uri $status $upstream_addr';\n"
            f"    access_log {self._access} replies;\n    include {place / 'site.conf'};\n}}\n",
            encoding="utf-8",
        )
        user = _give_away(place) if os.geteuid() == 0 else None
        command = [found("nginx") or "nginx", "-e", str(place / "error.log"), "-c", str(place / "nginx.conf")]
        checked = subprocess.run([*command, "-t"], check=False, capture_output=True, text=True, user=user)
        assert checked.returncode == 0, checked.stderr
        super().__init__(place / "output.log", command, os.environ, user)
        awaited(lambda: is_listening(port), "nginx accepts connections")

    def passed(self) -> list[list[str]]:
        """Return the addresses that each request was sent to, one after another."""
        lines = self._access.read_text(encoding="utf-8").splitlines()
        return [line.split(" ", 3)[3].replace(" ", "").split(",") for line in lines]


def balancer(place: Path, replicas: Sequence[int]) -> Nginx:
    """Start nginx with the configuration of docs/examples in front of replicas on these two ports."""
    example = NGINX_EXAMPLE.read_text(encoding="utf-8")
    # No articles are pushed: no service of the publisher listens.
    names = {f"replica{number}:8000": port for number, port in enumerate(replicas, 1)} | {"publisher:8000": free_port()}

    def site(port: int) -> str:
        text = example
        addresses = {name: f"127.0.0.1:{at}" for name, at in names.items()}
        for old, new in {**addresses, "listen 8080;": f"listen 127.0.0.1:{port};"}.items():
            assert text.count(old) == 1, f"{NGINX_EXAMPLE} has no {old}"
            text = text.replace(old, new)
        return text

    return Nginx(place, site)


def found(*commands: str) -> str | None:
    """Return the path of the first of these commands that is installed."""
    path = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
    return next(filter(None, (shutil.which(command, path=path) for command in commands)), None)


def is_listening(port: int) -> bool:
    """Return whether a program accepts connections on this port."""
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def _give_away(place: Path) -> str:
    """Give a folder to a user without privileges; return the user's name."""
    user = pwd.getpwnam("nobody")
    for path in (place, *place.iterdir()):
        os.chown(path, user.pw_uid, user.pw_gid)
    # The temporary folder of a program is closed to others.
    place.parent.chmod(0o711)
    return user.pw_name
