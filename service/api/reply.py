"""Our records as JSON replies."""

from fastapi.responses import Response

from service.wire import to_json


def json_reply(record: object) -> Response:
    """A record, written once and not checked again: it is ours."""
    return Response(to_json(record), media_type="application/json")
