"""A data folder that may not be written: `python -m tests.faults.read_only` prints what each command says of it."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from index.generation import file_digests
from tests.faults.mounting import can_mount, read_only
from tests.faults.newsdesk import Newsdesk
from tests.faults.questions import Service

HELD_BACK = ("tests.faults.held_back",)


@contextmanager
def read_only_desk(articles: int) -> Iterator[Newsdesk]:
    """A desk with an index and articles changed since, whose commands cannot write to its data folder.

    The folder is mounted read-only for them where that can be done; else they are run by a user who has no permission.
    """
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        desk = Newsdesk(place / "desk", articles=articles)
        desk.ingest_here()
        desk.change(articles // 2)
        if can_mount():
            desk.prefix = read_only(desk.data)
            yield desk
            return
        _permit(place, "a=rX,u+w")
        desk.temporary.chmod(0o777)
        _permit(desk.data, "a=rX")
        desk.module = HELD_BACK
        try:
            yield desk
        finally:
            _permit(desk.data, "u+w")


def ask(desk: Newsdesk) -> tuple[dict[str, object], int]:
    """What a service started on the folder answers, and its exit code."""
    service = Service(desk)
    try:
        service.ready()
        status, answer = service.request("POST", "/v1/ask", {"question": "What did the storm cost?"})
        assert status == 200, answer
    finally:
        code = service.stop()
    return answer, code


def _permit(folder: Path, mode: str) -> None:
    subprocess.run(["chmod", "-R", mode, str(folder)], check=True)


def main() -> None:
    """Ingest, doctor, ask and serve where nothing may be written."""
    with read_only_desk(articles=300) as desk:
        before = file_digests(desk.data)
        commands: Sequence[Sequence[str]] = (
            ("ingest", str(desk.articles)),
            ("ingest", str(desk.articles), "--dry-run"),
            ("doctor",),
            ("ask", "What did the storm cost?"),
        )
        for command in commands:
            done = desk.run(*command, "--data", str(desk.data))
            said = (done.stderr or done.stdout).strip()
            sys.stdout.write(f"{' '.join(command)}: exit {done.returncode}: {said[:600]}\n")
        answer, code = ask(desk)
        sys.stdout.write(f"serve: {answer['status']}: {answer['answer']} (ended with {code})\n")
        sys.stdout.write(f"index unchanged: {file_digests(desk.data) == before}\n")


if __name__ == "__main__":
    main()
