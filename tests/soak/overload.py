"""Twice as many questions as a service can answer: the waits of refused ones, and lost ones."""

import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fakes import TOPICS
from tests.faults.newsdesk import Newsdesk
from tests.faults.questions import Service, serving
from tests.soak.arrivals import Latency, latency
from tests.soak.load import use_embedded_model
from tests.soak.wire import Reply, asked, parsed

CLIENTS = 8
"""Clients who ask one question after another to find out how many can be answered."""

LOOKS = 5
REFUSED_MS = 200.0
"""The p99 of refusals that a service must stay under."""

SECONDS = 600.0

GROWTH = 1.1
"""The limit of memory at the end, as a multiple of that after the first quarter."""

_WORDS = [word for topic in TOPICS for word in topic.split()]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its reply; `seconds` from the moment it was due, or else sent."""

    seconds: float
    reply: Reply


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of an overload; rates are per second, memory is in MB after the first quarter and at the end."""

    capacity: float
    offered: float
    answered: Latency
    refused: Latency
    lost: Sequence[str]
    memory_mb: tuple[int, int]

    def __str__(self) -> str:
        return (
            f"capacity {self.capacity:.1f}/s, offered {self.offered:.1f}/s\n"
            f"answered: {self.answered}\nrefused:  {self.refused}\n"
            f"lost: {len(self.lost)} {list(self.lost[:3])}\n"
            f"memory: {self.memory_mb[0]} MB after a quarter, {self.memory_mb[1]} MB at the end"
        )


def overload(service: Service, seconds: float, warm_up_s: float = 10.0, times: float = 2.0) -> Figures:
    """Measure the capacity of a service, and ask a multiple of it for some seconds."""
    return asyncio.run(_overload(service, seconds, warm_up_s, times))


async def _overload(service: Service, seconds: float, warm_up_s: float, times: float) -> Figures:
    # The best of several measurements: other load on the machine only reduces capacity.
    capacity = max([await _closed(service.port, warm_up_s / LOOKS) for _ in range(LOOKS)]) / (warm_up_s / LOOKS)
    offered = max(1.0, times * capacity)
    memory: list[int] = []
    loop = asyncio.get_running_loop()
    loop.call_later(seconds / 4, lambda: memory.append(_memory_mb(service.process.pid)))
    exchanges = await _open(service.port, offered, seconds)
    memory.append(_memory_mb(service.process.pid))
    answered = [each.seconds for each in exchanges if each.reply.status == 200]
    refused = [each.seconds for each in exchanges if _is_refusal(each.reply)]
    lost = [str(each.reply)[:300] for each in exchanges if not _is_refusal(each.reply) and not _is_answer(each.reply)]
    return Figures(capacity, offered, latency(answered), latency(refused), lost, (memory[0], memory[-1]))


async def _closed(port: int, seconds: float) -> int:
    """Return the number of questions answered within some seconds, by clients that wait for each reply."""
    ends, numbers, answers = time.monotonic() + seconds, itertools.count(), 0

    async def ask() -> None:
        nonlocal answers
        while time.monotonic() < ends:
            exchange = await _exchange(port, next(numbers))
            answers += exchange.reply.status == 200

    await asyncio.gather(*(ask() for _ in range(CLIENTS)))
    return answers


async def _open(port: int, per_second: float, seconds: float) -> list[Exchange]:
    """Ask at this rate, independent of the replies; every third question asks for a stream."""
    began, asking = time.monotonic(), []
    for number in range(round(per_second * seconds)):
        due = began + number / per_second
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        asking.append(asyncio.create_task(_exchange(port, number, stream=number % 3 == 0)))
    return list(await asyncio.gather(*asking))


async def _exchange(port: int, number: int, *, stream: bool = False) -> Exchange:
    began = time.monotonic()
    received = b""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(asked(f"What did the {_WORDS[number % len(_WORDS)]} cost?", stream=stream))
        received = await reader.read()
        writer.close()
    except OSError as error:
        received = f"HTTP/1.1 000 {error}\r\n\r\n".encode()
    return Exchange(time.monotonic() - began, parsed(received))


def _is_refusal(reply: Reply) -> bool:
    return reply.status == 503 and reply.headers.get("retry-after") == "1" and reply.error["code"] == "overloaded"


def _is_answer(reply: Reply) -> bool:
    if reply.status != 200:
        return False
    if reply.headers["content-type"].startswith("text/event-stream"):
        return b"event: answer.completed" in reply.body
    return bool(json.loads(reply.body)["answer"])


def _memory_mb(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) // 1024


def soak(place: Path) -> Figures:
    """Ask twice as many questions as a service can answer for ten minutes."""
    desk = Newsdesk(place, articles=300, sentences=12)
    use_embedded_model(desk, place / "models")
    assert desk.run("ingest", str(desk.articles), "--data", str(desk.data), timeout=900).returncode == 0
    with serving(desk) as service:
        figures = overload(service, SECONDS)
    assert not figures.lost, figures
    assert figures.refused.p99 <= REFUSED_MS, figures
    assert figures.memory_mb[1] <= GROWTH * figures.memory_mb[0], figures
    return figures
