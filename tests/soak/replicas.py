"""Two replicas behind nginx, with real processes: publishes under load, and every part killed in turn.

Users ask half as many questions as the replicas can answer. No part that is away costs a user a reply, except nginx
itself and a stream whose replica ends.
"""

import http.client
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from service.rates import PAUSE_S
from tests.faults.questions import Client
from tests.soak.arrivals import Arrivals, Inquiry, Latency, arriving, exchange
from tests.soak.deployment import SECOND, Deployment, Kind, deployed
from tests.soak.processes import awaited, found
from tests.soak.whole_replies import Proof, mixed_inquiry

CLIENTS = 8
"""Users who ask one question after another to find out how many can be answered."""

LOOKS, LOOK_S = 5, 2.0

SWITCH_S = 5.0
"""Seconds from the pointer until every replica serves its generation, at most."""

PUBLISHES = 3
REPLIES = 40
"""Replies to users that a state must last for before it is judged."""

PER_MINUTE = 20
QUESTION = {"question": "What did the ferry cost?", "citations": "markers"}


@dataclass(frozen=True, slots=True)
class Phase:
    """An event of a part while users asked, and the errors in their replies."""

    part: str
    seen: str
    waits: Latency
    faults: Sequence[str]

    def __str__(self) -> str:
        return f"{self.part}: {self.seen}\n    {self.waits}; {len(self.faults)} errors {list(self.faults[:2])}"


class Trial:
    """Users of a deployment who ask half as many questions as it can answer, and the phases so far."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.proof = Proof(deployment.desk.data)
        self.proof.keep()
        self.phases: list[Phase] = []
        self.capacity = _capacity(deployment.nginx.client)

    def phase(self, part: str, change: Callable[[Deployment, Arrivals], str]) -> None:
        """Change a part while users ask; compare every reply with the generation that it names."""
        # While one of the two services is away, half of what the other one can answer.
        share = 4 if change is service_killed else 2
        with arriving(self.deployment.nginx.client, inquiry, self.capacity / share) as arrivals:
            seen = change(self.deployment, arrivals)
        self.proof.keep()
        faults = list(self.proof.faults(arrivals.exchanges))
        self.phases.append(Phase(part, seen, arrivals.milliseconds(), faults))
        assert not faults, f"{part}: {faults[:3]}"

    def __str__(self) -> str:
        rate = (
            f"capacity {self.capacity:.1f}/s, asked {self.capacity / 2:.1f}/s, of one replica {self.capacity / 4:.1f}/s"
        )
        return "\n".join([rate, *map(str, self.phases)])


def inquiry(number: int) -> Inquiry:
    """Return the nth request, a question or a search; no language model is asked."""
    mixed = mixed_inquiry(number)
    return replace(mixed, body={**mixed.body, "reader": "extractive"}) if mixed.path == "/v1/ask" else mixed


def _capacity(client: Client) -> float:
    """Return the replies a second to clients that wait for each one.

    The best of several measurements: other load on the machine only reduces capacity.
    """
    numbers = count()

    def replies(_: int) -> int:
        ends, replies = time.monotonic() + LOOK_S, 0
        while time.monotonic() < ends:
            replies += exchange(client, inquiry(next(numbers))).status == 200
        return replies

    with ThreadPoolExecutor(CLIENTS) as clients:
        return max(sum(clients.map(replies, range(CLIENTS))) for _ in range(LOOKS)) / LOOK_S


def publishes(deployment: Deployment, arrivals: Arrivals) -> str:
    """Publish three generations; each is served by both replicas in time."""
    seconds = []
    for number in range(1, PUBLISHES + 1):
        _wait_for_generations(deployment, arrivals, number)
        seconds.append(max(deployment.publish()))
    _wait_for_generations(deployment, arrivals, PUBLISHES + 1)
    assert max(seconds) <= SWITCH_S, f"replicas served the new generation {_listed(seconds)} s after its pointer"
    return f"both replicas on the new generation {_listed(seconds)} s after its pointer"


def publisher_killed(deployment: Deployment, arrivals: Arrivals) -> str:
    """Kill `dateline push` within a push: replicas serve on, and the next start completes it."""
    last, blobs = deployment.last_number(), deployment.blobs()
    serving = deployment.served()
    with ThreadPoolExecutor(1) as ingest:
        ingested = ingest.submit(deployment.edit)
        awaited(lambda: deployment.blobs() - blobs, "a blob of the new generation is in the store")
        deployment.pusher.kill()
        ingested.result()
    is_early = deployment.last_number() == last
    _wait_for_replies(arrivals)
    if is_early:
        assert deployment.served() == serving, serving
    deployment.pusher.start()
    seconds = deployment.awaited_generation()
    moment = "before" if is_early else "after"
    return f"killed {moment} the pointer; started again, the generation was served after {seconds:.1f} s"


def store_away(deployment: Deployment, arrivals: Arrivals) -> str:
    """Make the store unreachable: replicas serve on, and what is published meanwhile arrives after its return."""
    last, serving = deployment.last_number(), deployment.served()
    deployment.store_machine.leave()
    deployment.edit()
    _wait_for_replies(arrivals)
    assert deployment.served() == serving, serving
    assert deployment.pusher.runs, deployment.pusher.output()[-2000:]
    assert all(each.puller.runs for each in deployment.replicas)
    deployment.store_machine.come_back()
    seconds = deployment.awaited_generation()
    assert deployment.last_number() > last
    return f"the generation published meanwhile was served {seconds:.1f} s after the store came back"


def service_killed(deployment: Deployment, arrivals: Arrivals) -> str:
    """Kill the service of a replica: nginx sends its questions to the other one."""
    killed, other = deployment.replicas
    killed.service.kill()
    _wait_for_replies(arrivals)
    passed_on = sum(len(addresses) > 1 for addresses in deployment.nginx.passed())
    assert other.generation() is not None
    killed.service.start()
    killed.awaited()
    address, asked = f"127.0.0.1:{killed.port}", len(deployment.nginx.passed())
    awaited(lambda: [address] in deployment.nginx.passed()[asked:], "nginx sends questions to the replica again")
    return f"{passed_on} requests were passed on to the other replica"


def puller_killed(deployment: Deployment, arrivals: Arrivals) -> str:
    """Kill `dateline pull` of a replica: its service serves the old generation until it is started again."""
    killed, other = deployment.replicas
    old = killed.generation()
    killed.puller.kill()
    deployment.publish([other])
    _wait_for_generations(deployment, arrivals, 2)
    _wait_for_replies(arrivals)
    assert killed.generation() == old != other.generation(), deployment.served()
    killed.puller.start()
    seconds = deployment.awaited_generation()
    return f"its service served the old generation; started again, it was on the new one after {seconds:.1f} s"


def corrupt_blob(deployment: Deployment, arrivals: Arrivals) -> str:
    """Change a byte of a blob in the store: replicas refuse it, and follow again after `dateline push --repair`."""
    serving, blobs = deployment.served(), deployment.blobs()
    for replica in deployment.replicas:
        replica.puller.kill()
    last = deployment.last_number()
    deployment.edit()
    awaited(lambda: deployment.last_number() > last, "the store has a new pointer")
    name = deployment.corrupt(deployment.blobs() - blobs)
    for replica in deployment.replicas:
        replica.puller.start()
    awaited(lambda: all(name in each.puller.output() for each in deployment.replicas), f"both replicas refuse {name}")
    _wait_for_replies(arrivals)
    assert deployment.served() == serving, serving
    assert all(each.puller.runs for each in deployment.replicas)
    repaired = deployment.desk.run("push", "--repair", "--data", str(deployment.desk.data))
    assert repaired.returncode == 0, repaired.stderr
    seconds = deployment.awaited_generation()
    return f"refused by both replicas; the generation was served {seconds:.1f} s after the repair"


def streams(deployment: Deployment) -> str:
    """Read a stream through nginx: its first sentence arrives while the model waits with the second."""
    deployment.model.answers.clear()
    with _stream(deployment.nginx.client) as events:
        assert _data_of("answer.delta", events)
        deployment.model.answers.set()
        # A service that got no second sentence in time would have ended the stream without it.
        assert SECOND in _data_of("answer.completed", events)
    return "streams: the first sentence arrived before the model wrote the second"


def in_flight(deployment: Deployment) -> str:
    """Kill a service with questions in flight: nginx asks the other replica, and a stream that has begun ends early."""
    model, client = deployment.model, deployment.nginx.client
    model.answers.clear()
    asked = len(model.askers())
    # nginx gives the next request to the replica with fewer of them, so each replica has one of each kind.
    with ExitStack() as stack, ThreadPoolExecutor(2) as users:
        open_streams = [stack.enter_context(_stream(client)) for _ in range(2)]
        assert all(_data_of("answer.delta", events) for events in open_streams)
        replies = [users.submit(client.request, "POST", "/v1/ask", QUESTION) for _ in range(2)]
        awaited(lambda: len(model.askers()) >= asked + 4, "the model has four questions")
        assert Counter(model.askers()[asked:]) == {each.name: 2 for each in deployment.replicas}
        deployment.replicas[0].service.kill()
        awaited(lambda: len(model.askers()) >= asked + 5, "the model has a question again")
        model.answers.set()
        ends = [SECOND in _data_of("answer.completed", events) for events in open_streams]
        statuses = [reply.result()[0] for reply in replies]
    deployment.replicas[0].service.start()
    deployment.replicas[0].awaited()
    assert statuses == [200, 200], statuses
    assert sorted(ends) == [False, True], ends
    return "in flight: the question on a killed replica was asked again, the stream on it ended early"


def nginx_killed(deployment: Deployment) -> str:
    """Kill nginx: no connection is accepted until it is started again; the replicas answer."""
    deployment.nginx.kill(group=True)
    refused = exchange(deployment.nginx.client, inquiry(0))
    assert refused.status == 0, refused
    for replica in deployment.replicas:
        assert exchange(replica.client, inquiry(0)).status == 200
    deployment.nginx.start()
    awaited(lambda: exchange(deployment.nginx.client, inquiry(0)).status == 200, "nginx passes on questions again")
    return "nginx killed: connections refused, the replicas answered; started again, it passed questions on"


def rates(deployment: Deployment) -> str:
    """Count the searches of one key on both replicas, without and with a server that they share."""
    if deployment.redis is None:
        return "rates: SKIPPED, neither valkey-server nor redis-server is installed (Debian: apt install redis-server)"
    key = deployment.create_key("--name", "app", "--scope", "search", "--per-minute", str(PER_MINUTE))
    awaited(
        lambda: all(each.client.request("GET", "/v1/articles", key=key)[0] == 200 for each in deployment.replicas),
        "both replicas know the key",
    )
    let_by = _searched(deployment, key)
    # At the turn of a minute, the window may let one more pass.
    assert PER_MINUTE <= let_by <= PER_MINUTE + 1, let_by
    deployment.redis.kill()
    uncounted = _searched(deployment, key)
    assert uncounted == 2 * PER_MINUTE, uncounted
    deployment.redis.start()
    began = time.monotonic()
    awaited(lambda: _searched(deployment, key) < 2 * PER_MINUTE, "searches are counted again", PAUSE_S + 60)
    return (
        f"rates: at {PER_MINUTE} a minute, {let_by} of {2 * PER_MINUTE} searches on both replicas passed;"
        f" without the server {uncounted} passed; counted again {time.monotonic() - began:.0f} s after its return"
    )


def _searched(deployment: Deployment, key: str) -> int:
    """Return how many of two minutes' searches pass, half of them on each replica."""
    body = {"question": "ferry"}
    statuses = [
        replica.client.request("POST", "/v1/search", body, key)[0]
        for _ in range(PER_MINUTE)
        for replica in deployment.replicas
    ]
    assert set(statuses) <= {200, 429}, statuses
    return statuses.count(200)


@contextmanager
def _stream(client: Client) -> Iterator[Iterator[str]]:
    """Ask for a stream; yield its lines until it ends or breaks."""
    with client.asked("POST", "/v1/ask", {**QUESTION, "stream": True}) as reply:
        assert reply.status == 200, reply.read()
        yield _lines(reply)


def _lines(reply: http.client.HTTPResponse) -> Iterator[str]:
    try:
        for line in reply:
            yield line.decode().strip()
    except (OSError, http.client.HTTPException):
        return


def _data_of(event: str, lines: Iterator[str]) -> str:
    """Read on to an event and return its data; empty if the stream ends before it."""
    for line in lines:
        if line == f"event: {event}":
            return next((each for each in lines if each.startswith("data:")), "")
    return ""


def _wait_for_replies(arrivals: Arrivals) -> None:
    """Wait until users have had some more replies."""
    enough = len(arrivals.exchanges) + REPLIES
    awaited(lambda: len(arrivals.exchanges) >= enough, f"{REPLIES} replies arrive")


def _wait_for_generations(deployment: Deployment, arrivals: Arrivals, count: int) -> None:
    """Wait until users have had answers from this many generations."""
    event = f"users get answers from {count} generations"
    awaited(lambda: len(deployment.generations_of(arrivals.exchanges)) >= count, event)


def _listed(seconds: Sequence[float]) -> str:
    return ", ".join(f"{each:.1f}" for each in seconds)


def _soak(place: Path, kind: Kind) -> str:
    if found("nginx") is None:
        return "SKIPPED: nginx is not installed (Debian: apt install nginx-light)"
    with deployed(place, kind) as deployment:
        trial = Trial(deployment)
        try:
            for part, change in PHASES.items():
                trial.phase(part, change)
            told = [change(deployment) for change in (streams, in_flight, nginx_killed, rates)]
        except AssertionError as error:
            raise AssertionError(f"{error}\n{trial}\n{deployment.last_lines()}") from error
        return "\n".join([str(trial), *told])


PHASES: dict[str, Callable[[Deployment, Arrivals], str]] = {
    "three publishes": publishes,
    "push killed": publisher_killed,
    "store away": store_away,
    "service killed": service_killed,
    "pull killed": puller_killed,
    "corrupt blob": corrupt_blob,
}


def soak(place: Path) -> str:
    """Publish and kill with a folder as the store."""
    return _soak(place, "folder")


def soak_s3(place: Path) -> str:
    """Publish and kill with an S3 server as the store."""
    return _soak(place, "s3")
