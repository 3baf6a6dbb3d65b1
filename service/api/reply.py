"""Our records as JSON replies."""

from functools import cache
from typing import Any

from fastapi.responses import Response
from pydantic import TypeAdapter


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def json_reply(record: object) -> Response:
    """A record, written once and not checked again: it is ours."""
    kind: type = type(record)
    return Response(_adapter(kind).dump_json(record), media_type="application/json")
