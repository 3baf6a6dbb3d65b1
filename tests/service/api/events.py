"""Server-sent events, as a client reads them."""

import json
from typing import Any, NamedTuple


class Received(NamedTuple):
    """One event: its number, its name and its data."""

    id: int
    name: str
    data: dict[str, Any]


def read_events(text: str) -> list[Received]:
    """Return the events of a complete stream without its comments."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            events.append(Received(int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return events
