"""Recordings: what a language model replied to each call of an evaluation, kept to be played again without it.

A file is JSON Lines: what all of its calls were made with, then one recorded call a line, sorted by key. A key is
the SHA-256 of what was asked; neither prompts nor headers nor keys of a service are in the file.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from eval.errors import GoldInvalid, RunIncomplete
from eval.records import Record
from service.records import Usage

CallKind = Literal["stream", "complete"]
Finish = Literal["stop", "refused", "cut_off", "left"]

RECORD = "Make one with `dateline eval record --gold DIR --out FILE`; it takes a language model's key."


class MadeWith(Record):
    """What every call of a recording was made with, and what decides which passages a prompt has room for."""

    model: str
    max_output_tokens: int
    prompt_tokens: int


class RecordedCall(Record):
    """One call: its text, how it finished, and what it used.

    `stop` is a natural end, `refused` a refusal, `cut_off` an end before the end, `left` that the caller had heard
    enough. `usage` is None where nobody asked for it.
    """

    key: str
    call: CallKind
    finish: Finish
    text: str
    usage: Usage | None = None


@dataclass(slots=True)
class Recording:
    """The calls of one model by their keys."""

    made_with: MadeWith
    calls: dict[str, RecordedCall] = field(default_factory=dict)

    def key(self, call: CallKind, system: str, user: str) -> str:
        """The key under which such a call is kept."""
        asked = {
            "call": call,
            "model": self.made_with.model,
            "max_output_tokens": self.made_with.max_output_tokens,
            "system": system,
            "user": user,
        }
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def read_recording(path: Path) -> Recording:
    """Read a file, or all `.jsonl` files of a folder, which must have been made alike.

    Raises RunIncomplete where there is none, GoldInvalid where one cannot be used.
    """
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path] if path.is_file() else []
    if not files:
        raise RunIncomplete(f"there is no recording in {path}", RECORD)
    first, *others = map(_read, files)
    for file, other in zip(files[1:], others, strict=True):
        if other.made_with != first.made_with:
            raise GoldInvalid(
                f"{file.name} was recorded with {_named(other.made_with)}, {files[0].name} with "
                f"{_named(first.made_with)}",
                "A lane replays one model: keep the others in a folder of their own.",
            )
        first.calls.update(other.calls)
    return first


def write_recording(path: Path, recording: Recording) -> None:
    """Write a file; the same calls give the same bytes."""
    calls = (recording.calls[key] for key in sorted(recording.calls))
    lines = [
        _line(recording.made_with.model_dump(mode="json")),
        *(_line(call.model_dump(mode="json")) for call in calls),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _read(file: Path) -> Recording:
    number = 1
    try:
        header, *lines = file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        recording = Recording(MadeWith.model_validate_json(header))
        for number, line in enumerate(lines, 2):  # noqa: B007 - the error names it
            call = RecordedCall.model_validate_json(line)
            recording.calls[call.key] = call
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "the line"
        raise GoldInvalid(f"{file.name}, line {number}: {where}: {fault['msg']}", RECORD) from error
    except (OSError, ValueError) as error:
        raise GoldInvalid(f"{file} is no recording: {error}", RECORD) from error
    return recording


def _line(values: Mapping[str, object]) -> str:
    return json.dumps(values, sort_keys=True, ensure_ascii=False)


def _named(made_with: MadeWith) -> str:
    return ", ".join(f"{name} {value}" for name, value in made_with.model_dump().items())


def without_cut_off(calls: Iterable[RecordedCall]) -> dict[str, RecordedCall]:
    """The calls worth keeping: one that was cut off may come to its end next time."""
    return {call.key: call for call in calls if call.finish != "cut_off"}
