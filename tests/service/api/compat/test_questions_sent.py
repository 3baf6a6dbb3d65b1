"""Questions as chat programs and libraries send them, in requests of our own making: each gets a cited answer."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

SENT: list[dict[str, Any]] = json.loads(Path(__file__).with_suffix(".json").with_stem("questions_sent").read_text())
RISE = "wages rise by 4.2 percent"


def cited_text(path: str, body: str) -> tuple[str, int]:
    """Return the text of a reply, and the number of its annotations or sources, from JSON or from events."""
    lines = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: ")]
    events = [json.loads(line) for line in lines if line != "[DONE]"] or [json.loads(body)]
    if path == "/v1/responses":
        (part,) = events[-1].get("response", events[-1])["output"][0]["content"]
        return part["text"], len(part["annotations"])
    parts = [choice.get("message", choice.get("delta")) for event in events for choice in event["choices"]]
    marks = [mark for part in parts for mark in part.get("annotations", ())]
    sources = [event["event"] for event in events if "event" in event]
    return "".join(part.get("content") or "" for part in parts), len(marks) or len(sources)


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent["client"])
def test_a_question_gets_a_cited_answer(client: TestClient, sent: dict[str, Any]) -> None:
    """Other fields change nothing: instructions, sampling, tools, fields of one program alone."""
    reply = client.post(sent["path"], json=sent["request"], headers={"Authorization": "Bearer sk-unused"})
    text, citations = cited_text(sent["path"], reply.text)

    assert reply.status_code == 200, reply.text
    assert RISE in text
    assert citations >= 1
    assert ("http://testserver/articles/" in text) == (sent["request"]["model"] == "dateline-with-sources")
