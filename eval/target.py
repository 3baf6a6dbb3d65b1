"""Targets: what is asked. The pipeline in this process, or a service over HTTP; the same replies."""

import json
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from typing import Any, Protocol

from pydantic import TypeAdapter

from eval.errors import RunIncomplete
from eval.records import GoldItem, Prediction, Turn
from index.errors import DatelineError
from service.answer import Answer, to_json
from service.pipeline import Pipeline
from service.records import Message, Question

TIMEOUT_S = 120.0


class Target(Protocol):
    """Something that answers questions with the replies of `/v1/ask`."""

    def ask(self, turns: Sequence[Turn]) -> dict[str, Any]:
        """The reply to the last turn; raises DatelineError or OSError."""


async def asked(pipeline: Pipeline, turns: Sequence[Turn]) -> dict[str, Any]:
    """What a pipeline replies to the last turn."""
    messages = tuple(Message(turn.role, turn.content) for turn in turns[:-1])
    answer = await pipeline.ask(Question(turns[-1].content, messages=messages))
    reply: dict[str, Any] = json.loads(to_json(answer))
    return reply


class OverHttp:
    """A service that runs elsewhere."""

    def __init__(self, url: str) -> None:
        self._url = f"{url.rstrip('/')}/v1/ask"

    def ask(self, turns: Sequence[Turn]) -> dict[str, Any]:
        """The reply of the service; raises OSError, HTTPException, or ValueError where it is no whole answer."""
        body = {"question": turns[-1].content, "messages": [turn.model_dump() for turn in turns[:-1]]}
        request = urllib.request.Request(  # noqa: S310 - the address is what the person who runs this gave
            self._url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:  # noqa: S310
            body_of_reply = reply.read()
        TypeAdapter(Answer).validate_json(body_of_reply)
        answer: dict[str, Any] = json.loads(body_of_reply)
        return answer


def predict(item: GoldItem, target: Target) -> Prediction:
    """Ask a question and its paraphrases; what fails is an error, neither right nor wrong."""
    try:
        reply = lasting(target.ask(item.turns))
        others = tuple(lasting(target.ask(turns)) for turns in paraphrases(item))
    except RunIncomplete:
        raise
    except (DatelineError, OSError, HTTPException, ValueError) as error:
        return Prediction(id=item.id, error=f"{type(error).__name__}: {error}")
    return Prediction(id=item.id, reply=reply, paraphrased=others)


def paraphrases(item: GoldItem) -> list[tuple[Turn, ...]]:
    """The conversation of a question with each of its paraphrases in its place."""
    return [(*item.turns[:-1], Turn(role="user", content=other)) for other in item.paraphrases]


def lasting(reply: dict[str, Any]) -> dict[str, Any]:
    """A reply without what differs from run to run: ids, times, the name of the generation."""
    kept = {name: value for name, value in reply.items() if name not in ("id", "created_at", "timings_ms")}
    kept["freshness"] = {name: value for name, value in reply["freshness"].items() if name != "index_updated_at"}
    kept["versions"] = {name: value for name, value in reply["versions"].items() if name != "generation"}
    return kept
