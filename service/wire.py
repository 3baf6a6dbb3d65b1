"""Our records as JSON: replies, and the data of events."""

from functools import cache
from typing import Any

from pydantic import TypeAdapter

from service.answer import Completed, Event


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def to_json(record: object) -> str:
    """A record as one JSON object."""
    kind: type = type(record)
    return _adapter(kind).dump_json(record).decode()


def event_data(event: Event) -> dict[str, Any]:
    """An event's data as JSON values, `type` among them; that of the last one is the whole reply."""
    kind: type = type(event)
    data: dict[str, Any] = _adapter(kind).dump_python(event, mode="json")
    return {"type": data.pop("type"), **(data["answer"] if isinstance(event, Completed) else data)}
