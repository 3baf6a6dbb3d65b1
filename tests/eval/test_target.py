"""Targets: a service over HTTP, and its failures."""

import json
from typing import Any

import pytest

from eval.records import Turn
from eval.run import predict, reproducible
from eval.target import HttpTarget
from tests.eval.pieces import item, saying
from tests.eval.selftest.replies import Reply as ServiceReply
from tests.http_service import HttpService, Reply

RIGHT = saying("Ines Corrand cut the ribbon.")
ASKED = item(
    turns=[
        {"role": "user", "content": "What is new?"},
        {"role": "assistant", "content": "A pier."},
        {"role": "user", "content": "Who cut the ribbon?"},
    ],
    paraphrases=["By whom was it cut?"],
)


def service(status: int, body: bytes, **headers: str) -> HttpService:
    """Return a service with one reply."""
    return HttpService(lambda _: Reply(status, body, headers))


def test_a_service_is_asked_as_any_client_asks_it() -> None:
    """The last turn is the question, the earlier ones are messages; a paraphrase replaces the question."""
    with service(200, json.dumps(RIGHT).encode()) as running:
        found = predict(ASKED, HttpTarget(running.url))
    earlier = [{"role": "user", "content": "What is new?"}, {"role": "assistant", "content": "A pier."}]
    assert [(posted.path, posted.body) for posted in running.posted] == [
        ("/v1/ask", {"question": "Who cut the ribbon?", "messages": earlier}),
        ("/v1/ask", {"question": "By whom was it cut?", "messages": earlier}),
    ]
    assert (found.error, found.reply, found.paraphrased) == (None, reproducible(RIGHT), (reproducible(RIGHT),))


def test_a_limited_question_is_sent_with_its_moment() -> None:
    """`as_of` is in the request of a question that has it, and only there."""
    with service(200, json.dumps(RIGHT).encode()) as running:
        predict(item(as_of="2025-06-01T00:00:00Z"), HttpTarget(running.url))
    assert [posted.body["as_of"] for posted in running.posted] == ["2025-06-01T00:00:00Z"]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (502, b"<html>Bad Gateway</html>", "HTTPError"),
        (503, b'{"error": {"code": "overloaded"}}', "HTTPError"),
        (200, b"<html>Bad Gateway</html>", "ValidationError"),
        (200, b"", "ValidationError"),
        (200, b"[]", "ValidationError"),
        (200, b'{"object": "answer"}', "ValidationError"),
        (200, json.dumps({**RIGHT, "status": "fine"}).encode(), "ValidationError"),
        (200, json.dumps({**RIGHT, "object": "search"}).encode(), "ValidationError"),
        (
            200,
            json.dumps({**RIGHT, "usage": {**RIGHT["usage"], "llm_calls": float("nan")}}).encode(),
            "ValidationError",
        ),
        (200, json.dumps({**RIGHT, "sources": None}).encode(), "ValidationError"),
        (200, b"\xff\xfe", "ValidationError"),
    ],
)
def test_what_is_no_answer_is_an_error(status: int, body: bytes, kind: str) -> None:
    """A page, a truncated reply or one with an invalid field is an error."""
    with service(status, body) as running:
        found = predict(item(), HttpTarget(running.url))
    assert found.reply is None
    assert found.error is not None
    assert found.error.startswith(kind)


def test_a_reply_that_breaks_off_is_an_error() -> None:
    """A reply shorter than its length is an error."""
    with service(200, json.dumps(RIGHT).encode()[:50], **{"Content-Length": "5000"}) as running:
        found = predict(item(), HttpTarget(running.url))
    assert found.error is not None
    assert "IncompleteRead" in found.error


def test_a_service_that_is_not_there_is_an_error() -> None:
    """A refused connection is an error of the question."""
    with service(200, b"") as running:
        pass
    assert str(predict(item(), HttpTarget(running.url)).error).startswith("URLError")


def test_a_newer_service_may_say_more() -> None:
    """New fields of a reply are ignored."""
    with service(200, json.dumps({**RIGHT, "mood": "good"}).encode()) as running:
        assert HttpTarget(running.url).ask([Turn(role="user", content="Who?")], None)["mood"] == "good"


class _Saying:
    """A target that returns or raises the given items, one after the other."""

    def __init__(self, *replies: ServiceReply | Exception) -> None:
        self._replies = iter(replies)

    def ask(self, turns: object, as_of: str | None) -> dict[str, Any]:
        reply = next(self._replies)
        if isinstance(reply, Exception):
            raise reply
        return reply


def test_a_failed_paraphrase_is_an_error_of_the_question() -> None:
    """A question with a failed paraphrase is an error."""
    found = predict(ASKED, _Saying(RIGHT, TimeoutError("too slow")))
    assert (found.reply, found.error) == (None, "TimeoutError: too slow")


def test_what_differs_from_run_to_run_is_left_out() -> None:
    """Ids, times and the generation's name are removed; the original reply is unchanged."""
    kept = reproducible(RIGHT)
    assert {"id", "created_at", "timings_ms"} & kept.keys() == set()
    assert set(RIGHT) - set(kept) == {"id", "created_at", "timings_ms"}
    assert set(RIGHT["freshness"]) - set(kept["freshness"]) == {"index_updated_at"}
    assert set(RIGHT["versions"]) - set(kept["versions"]) == {"generation"}
    assert (kept["answer"], kept["citations"]) == (RIGHT["answer"], RIGHT["citations"])
    assert "generation" in RIGHT["versions"]
