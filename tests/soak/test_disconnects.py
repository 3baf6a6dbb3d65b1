"""Callers who leave at any moment leave nothing behind: no task, thread, slot, pin, connection or open file."""

import asyncio
import random
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from service.api.protocol import ConnectionLimits
from service.records import Usage
from tests.scripted_llm import Hang, Reply, Request, ScriptedLLM, keys_in
from tests.soak.service import Served, app_on, served
from tests.soak.test_attacks import LONG
from tests.soak.wire import asked, connected, is_alive, is_ready, posted

CALLERS = 500 if LONG else 48
AT_ONCE = 8
QUESTION = "What did the ferry cost?"
REQUESTS = (
    asked(QUESTION, stream=True, citations="markers"),
    asked(QUESTION, citations="markers"),
    asked(QUESTION, messages=[{"role": "user", "content": "Is there a ferry?"}], stream=True),
    posted(
        "/v1/chat/completions",
        b'{"model": "dateline", "stream": true, "messages": [{"role": "user", "content": "What did the ferry cost?"}]}',
    ),
)
POOLS = ("question", "search", "reading", "storing")
MODEL = "process_request"
FILES = Path("/proc/self/fd")
SETTLED_S = 60.0
"""How long the last of it may take; a test that waits this long has failed."""


def begun(request: Request) -> Reply:
    """Return a reply that says a sentence and then nothing until its caller leaves."""
    if "<passage" not in str(request["messages"]):
        return Reply([QUESTION])
    return Reply([f"It cost four million [{keys_in(request)[0]}]. Then ", "it ", Hang()])


class Left(NamedTuple):
    """The resources of the callers of a service; once they have left, they are as before."""

    tasks: int
    slots: int
    pins: int
    connections: int
    files: int


def left(service: Served, model: ScriptedLLM) -> Left:
    """Return what is held now."""
    state = service.app.state.service
    return Left(
        len(asyncio.all_tasks(service.loop)),
        state.limits.questions.taken,
        state.pipeline.library._current.readers,
        model.open_connections,
        len(list(FILES.iterdir())) if FILES.exists() else 0,
    )


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, ScriptedLLM, list[Usage]]]:
    """Return a service whose model never ends a reply, and the usage that it reports."""
    spent: list[Usage] = []
    with ScriptedLLM(begun) as model:
        access: dict[str, Any] = {"llm_model": "m", "openai_api_key": "unused", "openai_base_url": model.url}
        app = app_on(tmp_path_factory.mktemp("soak"), span_reader=False, llm_deadline_s=600, **access)
        state = app.state.service
        state.pipeline = replace(state.pipeline, spent=lambda _, usage: spent.append(usage))
        with served(app, ConnectionLimits()) as service:
            yield service, model, spent


def leave(port: int, request: bytes, moment: random.Random) -> None:
    """Send a request and leave it: after a while, or after some bytes; by closing, or by a reset."""
    with connected(port) as connection:
        if moment.random() < 0.5:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(request[: moment.choice([len(request), len(request), moment.randrange(len(request))])])
        if moment.random() < 0.5:
            time.sleep(moment.random() * 0.1)
        else:
            connection.settimeout(moment.random())
            try:
                connection.recv(moment.choice([1, 4096]))
            except TimeoutError:
                return


def test_callers_who_leave_leave_nothing_behind(asking: tuple[Served, ScriptedLLM, list[Usage]]) -> None:
    """For any request and any moment of leaving; the model's calls end as well, and are counted."""
    service, model, spent = asking
    moments = random.Random(1)
    assert is_ready(service.port)  # a caller who leaves early does not open the index
    leave(service.port, REQUESTS[0], moments)
    before, threads = _settled(service, model, None), _threads()
    with ThreadPoolExecutor(AT_ONCE) as callers:
        for number in range(CALLERS):
            callers.submit(leave, service.port, REQUESTS[number % len(REQUESTS)], random.Random(number))
    after = _settled(service, model, before)

    assert _is_within(after, before), f"{before} became {after}"
    assert _threads() <= threads
    assert is_alive(service.port)
    assert len(spent) >= len([each for each in model.requests if "<passage" in str(each.body)]) > 0
    assert all(usage.input_tokens > 0 for usage in spent)


def _threads() -> set[str]:
    """Return the threads that belong to no pool, which has a limit, and not to the model, whose threads end later."""
    return {each.name for each in threading.enumerate() if not each.name.startswith(POOLS) and MODEL not in each.name}


def _is_within(now: Left, wanted: Left) -> bool:
    """Return whether nothing is more; files of earlier tests may be closed meanwhile."""
    return all(held <= limit for held, limit in zip(now, wanted, strict=True))


def _settled(service: Served, model: ScriptedLLM, wanted: Left | None) -> Left:
    """Return what is held once that is what is wanted, or once no slot, pin or call of the model is."""
    until = time.monotonic() + SETTLED_S
    while time.monotonic() < until:
        now = left(service, model)
        if _is_within(now, wanted) if wanted else now[1:4] == (0, 0, 0):
            return now
        time.sleep(0.02)
    return left(service, model)
