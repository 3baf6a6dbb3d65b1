"""Mounts for one command: whether they are possible here, and a read-only folder."""

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path


@cache
def can_mount() -> bool:
    """Return whether a process may mount a private file system; most containers forbid it."""
    if shutil.which("unshare") is None:
        return False
    attempt = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", tempfile.gettempdir()]
    return subprocess.run(attempt, capture_output=True, check=False).returncode == 0


def read_only(folder: Path) -> list[str]:
    """Return the prefix of a command that runs with a folder mounted read-only."""
    mounting = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    return ["unshare", "-rm", "sh", "-c", mounting, str(folder)]
