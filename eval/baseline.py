"""Baselines: the verdicts that a change is compared with, committed, one a lane; moved only by blessing a run.

A baseline keeps the predictions, not the scores: gold and metrics of today score both sides, so that a change of
gold never looks like a change of the product.
"""

import gzip
from datetime import date
from pathlib import Path

from pydantic import Field

from eval.errors import GoldInvalid, RunIncomplete
from eval.records import Record, Run

FILE = "run.json.gz"
ACCEPTED = "accepted.json"


class Accepted(Record):
    """A loss that is meant, why, and the day from which it counts again."""

    id: str
    reason: str = Field(min_length=10)
    expires: date


class AcceptedList(Record):
    """All losses that are meant."""

    accepted: tuple[Accepted, ...] = ()


def write_run(path: Path, run: Run) -> None:
    """Keep a run; the same run gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = gzip.compress(run.model_dump_json().encode(), mtime=0)
    path.write_bytes(packed)


def read_run(path: Path) -> Run:
    """Read a run; raises GoldInvalid where there is none or it is not whole."""
    try:
        return Run.model_validate_json(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, ValueError) as error:
        raise GoldInvalid(f"{path} is no whole run: {error}", "Make one with `dateline eval run`.") from error


def read_baseline(folder: Path, lane: str) -> Run:
    """The baseline of a lane; raises RunIncomplete where none was ever blessed."""
    path = folder / lane / FILE
    if not path.is_file():
        raise RunIncomplete(f"there is no baseline for the lane {lane!r}", "Make one with `dateline eval bless RUN`.")
    return read_run(path)


def read_accepted(folder: Path) -> tuple[Accepted, ...]:
    """The losses that are meant; none where nobody wrote a list."""
    path = folder / ACCEPTED
    if not path.is_file():
        return ()
    try:
        return AcceptedList.model_validate_json(path.read_text(encoding="utf-8")).accepted
    except ValueError as error:
        raise GoldInvalid(f"{path} cannot be used: {error}", "An entry has id, reason, expires.") from error
