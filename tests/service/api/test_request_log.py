"""The record of a request: one line in the log, without a word of its client."""

import asyncio
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from service.api.access import NEEDS, template_of
from service.api.request_log import METHODS, OTHER, RequestLog
from service.caller import Caller
from service.log import JsonLine, add_request_id
from service.metrics import Metrics
from service.telemetry import OFF

FIELDS = {"time", "level", "logger", "request_id", "message", "method", "route", "status", "duration_s"}
OF_A_KEY, OF_AN_ANSWER, OF_AN_ERROR = {"key_id"}, {"answer_id", "answer_status"}, {"error"}


class Lines(logging.Handler):
    """The lines of a log as objects."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLine())
        self.addFilter(add_request_id)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + "\n"

    @property
    def objects(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The lines of requests."""
    logger, lines = logging.getLogger("dateline.requests"), Lines()
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(lines)
    yield lines
    logger.removeHandler(lines)
    logger.setLevel(level)


def test_a_line_has_the_outcome_and_no_word_of_the_client(client: TestClient, lines: Lines) -> None:
    """An answer has its id and status, an error its code; a monitor that is served has no line."""
    headers = {"X-Request-Id": "req-1", "Authorization": "Bearer zanzibarite", "User-Agent": "zanzibarite"}
    asked = client.post("/v1/ask", json={"question": "Where is the zanzibarite?"}, headers=headers).json()
    client.get("/v1/articles/zanzibarite?zanzibarite", headers=headers)
    client.get("/readyz")
    answered, failed = lines.objects

    assert answered.keys() == FIELDS | OF_AN_ANSWER
    assert (answered["request_id"], answered["answer_id"]) == ("req-1", asked["id"])
    assert (answered["route"], answered["answer_status"]) == ("/v1/ask", asked["status"])
    assert failed.keys() == FIELDS | OF_AN_ERROR
    assert (failed["route"], failed["error"]) == ("/v1/articles/{id}", "article_not_found")
    assert "zanzibarite" not in lines.text.lower()
    assert "testclient" not in lines.text


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    scope["state"]["caller"] = Caller("dl_abcd1234")


def test_a_request_without_a_reply_is_recorded(lines: Lines) -> None:
    """So is one that ends with an exception; the public part of its key is in the line."""

    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise OSError("unexpected")

    async def send(message: Message) -> None: ...

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    metrics = Metrics()
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(RequestLog(_nothing, metrics, OFF, template_of)({**scope}, receive, send))
    with pytest.raises(OSError, match="unexpected"):
        asyncio.run(RequestLog(fail, metrics, OFF, template_of)({**scope}, receive, send))

    assert [line.get("key_id") for line in lines.objects] == ["dl_abcd1234", None]
    assert b'_count{code="none",method="GET",route="/"} 2.0' in metrics.exposition()


@given(
    st.lists(
        st.tuples(
            st.text("GETPOSaé", max_size=6),
            st.text("/av1é%", max_size=9) | st.sampled_from(sorted(NEEDS)).map(lambda each: each.split(" ")[1]),
        ),
        max_size=20,
    )
)
def test_labels_are_bounded(requests: list[tuple[str, str]]) -> None:
    """For any request, the method and the route are those of a fixed list."""
    metrics = Metrics()
    app = RequestLog(_nothing, metrics, OFF, template_of)

    async def send(message: Message) -> None: ...

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    for method, path in requests:
        scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": [], "root_path": ""}
        asyncio.run(app(scope, receive, send))
    found = [sample.labels for family in metrics.registry.collect() for sample in family.samples]

    assert {labels["method"] for labels in found if "method" in labels} <= {*METHODS, OTHER}
    assert {labels["route"] for labels in found if "route" in labels} <= {
        *(each.split(" ")[1] for each in NEEDS),
        OTHER,
    }


def test_a_line_is_one_line() -> None:
    """A message with line breaks and an exception cannot forge another line."""
    error = ValueError("one\ntwo\u2028three")
    record = logging.LogRecord("dateline", logging.ERROR, "", 0, "a\n%s\r", ("b",), (ValueError, error, None))
    add_request_id(record)
    line = JsonLine().format(record)

    assert line.isprintable()
    assert json.loads(line)["message"] == "a\nb\r"
    assert "ValueError" in json.loads(line)["exception"]
