"""Targets: the pipeline in this process, or a service over HTTP. Both give the replies of `/v1/ask`."""

import asyncio
import json
import urllib.request
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any, Protocol

from pydantic import TypeAdapter

from eval.errors import GoldInvalid, RunIncomplete
from eval.gold import GoldSet
from eval.records import GoldItem, Prediction, Turn
from index.errors import DatelineError
from service.answer import Answer, to_json
from service.pipeline import Pipeline
from service.records import Message, Question

TIMEOUT_S = 120.0


class Target(Protocol):
    """A system that answers questions."""

    def ask(self, turns: Sequence[Turn]) -> dict[str, Any]:
        """Return the reply to the last turn; raises DatelineError, OSError, HTTPException or ValueError."""


class PipelineTarget:
    """The pipeline in this process; a run is the same on any day.

    Each question is asked on the day that its gold names, by default on the first day of the year after the newest
    article.
    """

    def __init__(self, pipeline: Pipeline, gold: GoldSet, loop: asyncio.Runner) -> None:
        self._pipeline = pipeline
        self._loop = loop
        dates = [article.published_at for article in gold.articles.values() if article.published_at]
        self._default_day = datetime(max(dates).year + 1 if dates else 2001, 1, 1, tzinfo=UTC)
        self._days = {
            turns: day for item in gold.items if (day := _day_of(item)) for turns in (item.turns, *paraphrases(item))
        }

    def ask(self, turns: Sequence[Turn]) -> dict[str, Any]:
        """Return the reply as the service would send it."""
        day = self._days.get(tuple(turns), self._default_day)
        messages = tuple(Message(turn.role, turn.content) for turn in turns[:-1])
        question = Question(turns[-1].content, messages=messages)
        answer = self._loop.run(replace(self._pipeline, clock=lambda: day).ask(question))
        reply: dict[str, Any] = json.loads(to_json(answer))
        return reply


class HttpTarget:
    """A running service at a URL."""

    def __init__(self, url: str) -> None:
        self._url = f"{url.rstrip('/')}/v1/ask"

    def ask(self, turns: Sequence[Turn]) -> dict[str, Any]:
        """Return the reply of the service; raises OSError, HTTPException, or ValueError if it is not an answer."""
        body = {"question": turns[-1].content, "messages": [turn.model_dump() for turn in turns[:-1]]}
        request = urllib.request.Request(  # noqa: S310 - the user of the command names the address
            self._url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
            content = response.read()
        TypeAdapter(Answer).validate_json(content)
        reply: dict[str, Any] = json.loads(content)
        return reply


def predict(item: GoldItem, target: Target) -> Prediction:
    """Ask a question and its paraphrases; a failure of one is the prediction's error."""
    try:
        reply = reproducible(target.ask(item.turns))
        others = tuple(reproducible(target.ask(turns)) for turns in paraphrases(item))
    except RunIncomplete:
        raise
    except (DatelineError, OSError, HTTPException, ValueError) as error:
        return Prediction(id=item.id, error=f"{type(error).__name__}: {error}")
    return Prediction(id=item.id, reply=reply, paraphrased=others)


def paraphrases(item: GoldItem) -> list[tuple[Turn, ...]]:
    """Return the turns of a question once for each paraphrase, with the paraphrase as the last turn."""
    return [(*item.turns[:-1], Turn(role="user", content=other)) for other in item.paraphrases]


def reproducible(reply: dict[str, Any]) -> dict[str, Any]:
    """Return a reply without the fields that differ from run to run: ids, times and the generation's name."""
    kept = {name: value for name, value in reply.items() if name not in ("id", "created_at", "timings_ms")}
    kept["freshness"] = {name: value for name, value in reply["freshness"].items() if name != "index_updated_at"}
    kept["versions"] = {name: value for name, value in reply["versions"].items() if name != "generation"}
    return kept


def _day_of(item: GoldItem) -> datetime | None:
    try:
        return datetime.fromisoformat(item.asked_at) if item.asked_at else None
    except ValueError as error:
        raise GoldInvalid(f"{item.id}: asked_at is {item.asked_at!r}, expected an ISO 8601 date") from error
