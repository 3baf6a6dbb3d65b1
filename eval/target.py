"""Targets: what a run asks. `HttpTarget` is a running service, `CappedTarget` ends a run before it costs too much.

A service that asks to wait (429 or 503 with `Retry-After`) is asked again after that time, until the run has waited
for `PATIENCE_S` in all.
"""

import json
import re
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.error import HTTPError

from pydantic import SecretStr, TypeAdapter

from eval.records import Turn
from service.answer import Answer

TIMEOUT_S = 120.0

PATIENCE_S = 600.0
"""Seconds that a run waits in all because the service asks it to."""

SHORTEST_WAIT_S = 1.0

_SECONDS = re.compile("[0-9]{1,9}")


class RunStopped(Exception):
    """The rest of a run cannot or must not be asked; the message says why."""


class Target(Protocol):
    """A system that answers questions with the replies of `/v1/ask`."""

    def ask(self, turns: Sequence[Turn], as_of: str | None) -> dict[str, Any]:
        """Return the reply to the last turn, limited to articles up to a moment.

        Raises DatelineError, OSError, HTTPException or ValueError; RunStopped if no further question may be asked.
        """


class HttpTarget:
    """A running service at a URL; a key is sent to that address only, also when it redirects."""

    def __init__(self, url: str, key: SecretStr | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        self._url = f"{url.rstrip('/')}/v1/ask"
        self._key = key
        self._sleep = sleep
        self._patience_s = PATIENCE_S

    def ask(self, turns: Sequence[Turn], as_of: str | None) -> dict[str, Any]:
        """Return the reply of the service; raises OSError, HTTPException, or ValueError if it is not an answer."""
        limit = {"as_of": as_of} if as_of else {}
        body = {"question": turns[-1].content, "messages": [turn.model_dump() for turn in turns[:-1]], **limit}
        # A kept answer would make repeats equal.
        headers = {"Content-Type": "application/json", "Cache-Control": "no-cache"}
        request = urllib.request.Request(self._url, json.dumps(body).encode(), headers)  # noqa: S310 - the user of the command names the address
        if self._key is not None:
            request.add_unredirected_header("Authorization", f"Bearer {self._key.get_secret_value()}")
        content = self._content(request)
        TypeAdapter(Answer).validate_json(content)
        reply: dict[str, Any] = json.loads(content)
        return reply

    def _content(self, request: urllib.request.Request) -> bytes:
        while True:
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
                    content: bytes = response.read()
                    return content
            except HTTPError as error:
                error.close()
                self._wait(self._pause_of(error))

    def _pause_of(self, error: HTTPError) -> float:
        """Return the seconds after which a refused request may be sent again; raises the error, or RunStopped."""
        if error.code in (401, 403):
            raise RunStopped(
                f"the service refuses the key with {error.code}: set DATELINE_EVAL_KEY to a key that may ask"
            ) from error
        seconds = retry_after(error.headers.get("Retry-After")) if error.code in (429, 503) else None
        if seconds is None:
            raise error
        return max(seconds, SHORTEST_WAIT_S)

    def _wait(self, seconds: float) -> None:
        if seconds > self._patience_s:
            raise RunStopped(
                f"the service asks to wait {seconds:.0f} s, and a run waits {self._patience_s:.0f} s more at most"
            )
        self._patience_s -= seconds
        self._sleep(seconds)


def retry_after(stated: str | None) -> float | None:
    """Return the seconds that a header `Retry-After` asks for, as a number or until a date; None if it is invalid."""
    if stated is None:
        return None
    if _SECONDS.fullmatch(stated):
        return float(stated)
    try:
        moment = parsedate_to_datetime(stated)
    except ValueError:
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


@dataclass(frozen=True, slots=True)
class Cost:
    """Tokens, and US dollars; `usd` is None if the price of the model is unknown."""

    tokens: int = 0
    usd: float | None = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        usd = None if self.usd is None or other.usd is None else self.usd + other.usd
        return Cost(self.tokens + other.tokens, usd)

    def __str__(self) -> str:
        return f"{self.tokens:,} tokens, " + ("of unknown price" if self.usd is None else f"{self.usd:.4f} USD")


def cost_of(reply: Mapping[str, Any]) -> Cost:
    """Return what a reply cost, by its `usage`; a reply without a model call is free."""
    usage = reply["usage"]
    usd = usage["cost_usd"] if usage["llm_calls"] else 0.0
    return Cost(usage["input_tokens"] + usage["output_tokens"], usd)


@dataclass(frozen=True, slots=True)
class Cap:
    """The most that a run may cost; None means no limit."""

    tokens: int | None = None
    usd: float | None = None


NO_CAP = Cap()


class CappedTarget:
    """A target that is asked as long as the next reply, if it is as large as the largest so far, stays within a cap.

    Nothing is known about the first reply, so it is always asked. A failed request counts like the largest reply: the
    model may have been called.
    """

    def __init__(self, target: Target, cap: Cap) -> None:
        self._target = target
        self._cap = cap
        self._spent = Cost()
        self._largest = Cost()

    def ask(self, turns: Sequence[Turn], as_of: str | None) -> dict[str, Any]:
        """Return the reply of the target; raises RunStopped if it could cost more than is left."""
        self._check()
        cost = self._largest
        try:
            reply = self._target.ask(turns, as_of)
            cost = cost_of(reply)
        except RunStopped:
            cost = Cost()
            raise
        finally:
            self._spent += cost
            self._largest = Cost(max(self._largest.tokens, cost.tokens), max(self._largest.usd or 0, cost.usd or 0))
        return reply

    def _check(self) -> None:
        after, cap = self._spent + self._largest, self._cap
        if cap.tokens is not None and after.tokens > cap.tokens:
            raise RunStopped(f"the next reply could exceed the limit of {cap.tokens:,} tokens (so far: {self._spent})")
        if cap.usd is None:
            return
        if after.usd is None:
            raise RunStopped("the service does not know the price of its model: limit the tokens instead")
        if after.usd > cap.usd:
            raise RunStopped(f"the next reply could exceed the limit of {cap.usd:g} USD (so far: {self._spent})")
