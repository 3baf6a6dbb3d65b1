"""Pushes while the writer is killed again and again: in the end the index has what was accepted last."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from index.generation import open_generation
from index.layout import current_name
from index.spool import Push, Spool, has_writer
from tests.fakes import newsroom

IDS = 30
PUSHES = 400
KILLS = 25
SEED = 5
PATIENCE_S = 60.0


def soak(place: Path) -> str:
    """Push 400 articles and removals, and kill the writer with SIGKILL 25 times meanwhile."""
    rng = random.Random(SEED)
    data, spool = place / "data", Spool(place / "data")
    data.mkdir()
    texts = [article.body for article in newsroom(PUSHES, sentences=3)]
    expected: dict[str, str | None] = {}
    writer, killed = _writer(data), 0
    try:
        for number, text in enumerate(texts):
            push = Push(f"a{rng.randrange(IDS)}", None if rng.random() < 0.2 else {"body": text})
            spool.accept([push])
            expected[push.article_id] = None if push.fields is None else text
            time.sleep(rng.random() * 0.05)
            if number % (PUSHES // KILLS) == 0:
                # Start-up, publishing and idling are all hit.
                time.sleep(rng.random() * 3)
                writer.send_signal(signal.SIGKILL)
                writer.wait()
                writer, killed = _writer(data), killed + 1
        deadline = time.monotonic() + PATIENCE_S
        while spool.entries() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not spool.entries(), "pushes are left in the spool"
        assert has_writer(data)
        writer.send_signal(signal.SIGTERM)
        assert writer.wait(PATIENCE_S) == 0
    finally:
        writer.kill()
        writer.wait()
    generation = open_generation(data, current_name(data) or "")
    try:
        found = {article.article_id: article.body for article in generation.articles()}
    finally:
        generation.close()
    assert found == {each: text for each, text in expected.items() if text is not None}
    assert (
        subprocess.run([*_dateline(), "doctor", "--data", str(data)], check=False, capture_output=True).returncode == 0
    )
    return f"{PUSHES} pushes, {killed} kills: {len(found)} articles, as they were pushed last"


def _dateline() -> list[str]:
    return [sys.executable, "-m", "dateline"]


def _writer(data: Path) -> "subprocess.Popen[bytes]":
    """Start a writer of the data folder, with the local model."""
    environment = {**os.environ, "DATELINE_MODELS": str(data.parent / "models")}
    command = [*_dateline(), "ingest", "--watch", "--data", str(data)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
