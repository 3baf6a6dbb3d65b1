"""Checks that the offline lane is repeatable: two processes with other hash seeds and time zones, no network."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.eval.selftest.bench import Bench, unless

ROOT = Path(__file__).parents[3]
WORLDS = ({"PYTHONHASHSEED": "1", "TZ": "UTC"}, {"PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo"})


def same_bytes(bench: Bench) -> Iterator[str]:
    """Two processes with other hash seeds and time zones give the same bytes, without a network or a key."""
    command = [sys.executable, "-m", "tests.eval.selftest.once", str(bench.models)]
    keys = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "DATELINE_LLM_MODEL")
    kept = {name: value for name, value in os.environ.items() if name not in keys}
    running = [
        subprocess.Popen(command, env={**kept, **world}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
        for world in WORLDS
    ]
    outputs = [process.communicate() for process in running]
    for process, (_, trouble) in zip(running, outputs, strict=True):
        yield from unless(process.returncode == 0, f"ends with {process.returncode}: {trouble.decode()[-400:]}")
    first, second = (said for said, _ in outputs)
    yield from unless(first == second, "the bytes differ")
    yield from unless(len(first) > 1000, f"only {len(first)} bytes were written")


TWICE = (same_bytes,)
