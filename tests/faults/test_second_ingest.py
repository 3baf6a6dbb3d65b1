import os
import signal
from pathlib import Path

from index.layout import BUILDING
from tests.faults.newsdesk import Newsdesk, manifest_of

BEFORE_PUBLISHING = ("os.rename", BUILDING, "1", "started")


def test_a_second_ingest_ends_and_names_the_first(tmp_path: Path) -> None:
    """While one ingest is stopped, another exits with 4 and names its process; the first then publishes."""
    desk = Newsdesk(tmp_path, articles=12)
    command = ("ingest", str(desk.articles), "--data", str(desk.data))
    with desk.start(*command, module=("tests.faults.stopping", *BEFORE_PUBLISHING)) as first:
        os.waitpid(first.pid, os.WUNTRACED)
        try:
            # It exits although the first holds the lock: it does not wait.
            second = desk.run(*command)
        finally:
            os.kill(first.pid, signal.SIGCONT)
        _, error = first.communicate(timeout=100)
    assert second.returncode == 4
    assert f"process {first.pid} " in second.stderr
    assert first.returncode == 0, error
    assert manifest_of(desk.data).article_count == 12
    assert desk.left_behind() == []
