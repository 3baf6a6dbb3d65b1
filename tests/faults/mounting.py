"""File systems of one command's own: whether they can be had here, and a folder that it cannot write."""

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path


@cache
def can_mount() -> bool:
    """Whether a process may mount a file system that no other sees; most containers forbid it."""
    if shutil.which("unshare") is None:
        return False
    attempt = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", tempfile.gettempdir()]
    return subprocess.run(attempt, capture_output=True, check=False).returncode == 0


def read_only(folder: Path) -> list[str]:
    """What to put before a command to run it with a folder mounted read-only."""
    mounting = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    return ["unshare", "-rm", "sh", "-c", mounting, str(folder)]
