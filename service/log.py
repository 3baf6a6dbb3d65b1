"""The lines of the log, as text for people or as JSON for programs; they contain no question and no answer."""

import json
import logging
from datetime import UTC, datetime

from index.records import isoformat
from index.settings import LogFormat
from service.records import request_id

TEXT = "%(asctime)s %(levelname)s %(name)s [%(request_id)s]: %(message)s"
VERBOSE = ("httpx", "httpx2", "httpcore", "chromadb", "mcp", "openai")
"""Loggers that write a line for each call."""


def start_log(form: LogFormat) -> None:
    """Write the log of this process to stderr, a line for each event, with the id of the request that it is about."""
    handler = logging.StreamHandler()
    handler.addFilter(add_request_id)
    handler.setFormatter(JsonLine() if form == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in VERBOSE:
        logging.getLogger(name).setLevel(logging.WARNING)


class JsonLine(logging.Formatter):
    """Formats a record as a JSON object on one line; what a record has in `fields` are its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": isoformat(datetime.fromtimestamp(record.created, UTC), "milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", "-"),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def add_request_id(record: logging.LogRecord) -> bool:
    """Give a log record the id of the request that it is about."""
    record.request_id = request_id.get() or "-"
    return True
