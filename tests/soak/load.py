"""Questions while ingests publish: no reply is wrong, and new articles are cited soon."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from index.layout import CURRENT
from tests.faults.newsdesk import Newsdesk
from tests.faults.questions import Service, serving
from tests.soak.arrivals import Arrivals, Inquiry, Latency, arriving
from tests.soak.whole_replies import Proof, mixed_inquiry


@dataclass(frozen=True, slots=True)
class Course:
    """The load: seconds of warm-up, quiet and busy, publishes in the busy part, new articles in each."""

    warm_up_s: float
    quiet_s: float
    busy_s: float
    publishes: int
    fresh: int
    per_second: float


@dataclass(frozen=True, slots=True)
class Publish:
    """An ingest under load: its duration, and the time from its publish to the first citation of its articles."""

    seconds: float
    answerable_s: float


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of the load."""

    quiet: Latency
    busy: Latency
    publishes: Sequence[Publish]
    faults: Sequence[str]

    def __str__(self) -> str:
        publishes = "\n".join(
            f"  ingest of {each.seconds:.1f} s, its articles cited {each.answerable_s:.1f} s after publish"
            for each in self.publishes
        )
        ratio = self.busy.p99 / self.quiet.p99
        return (
            f"quiet: {self.quiet}\nbusy:  {self.busy}\np99 busy / quiet: {ratio:.2f}\n{publishes}\n"
            f"{len(self.faults)} errors, mixed generations or rows outside of filters {list(self.faults[:3])}"
        )


def use_embedded_model(desk: Newsdesk, models: Path) -> None:
    """Let a desk's commands use the local model and the default interval of polls."""
    for name in ("DATELINE_EMBEDDING_OPTIONS", "DATELINE_POLL_S"):
        del desk.environment[name]
    desk.environment |= {"DATELINE_EMBEDDING_MODEL": "local", "DATELINE_MODELS": str(models)}


def write_news(desk: Newsdesk, edition: int, count: int) -> str:
    """Write `count` new articles; return a word that only they have."""
    word = f"zeppelin{edition}"
    for number in range(count):
        front = f"---\ntitle: The {word} over the harbour\nsource: Courier\n---\n"
        body = f"{front}The {word} of pier {number} cost {edition}{number:04} crowns. Its captain saw the storm.\n"
        (desk.articles / f"fresh-{edition}-{number}.md").write_text(body, encoding="utf-8")
    return word


def load(desk: Newsdesk, course: Course) -> Figures:
    """Ask the service of a desk, first without other load, then while ingests publish."""
    proof = Proof(desk.data)
    proof.keep()
    with serving(desk) as service:
        _asked_for(service, course.warm_up_s, course.per_second)
        quiet = _asked_for(service, course.quiet_s, course.per_second)
        with arriving(service, mixed_inquiry, course.per_second) as busy:
            publishes = list(_published(desk, service, proof, course))
        assert service.process.poll() is None
    faults = [*proof.faults(quiet.exchanges), *proof.faults(busy.exchanges)]
    return Figures(quiet.milliseconds(), busy.milliseconds(), publishes, faults)


def _asked_for(service: Service, seconds: float, per_second: float) -> Arrivals:
    with arriving(service, mixed_inquiry, per_second) as arrivals:
        time.sleep(seconds)
    return arrivals


def _published(desk: Newsdesk, service: Service, proof: Proof, course: Course) -> list[Publish]:
    began, publishes = time.monotonic(), []
    for edition in range(1, course.publishes + 1):
        publishes.append(_publish(desk, service, proof, edition, course.fresh))
        time.sleep(max(0.0, began + edition * course.busy_s / course.publishes - time.monotonic()))
    return publishes


def _publish(desk: Newsdesk, service: Service, proof: Proof, edition: int, count: int) -> Publish:
    """Ingest new articles and changed ones, and wait until a new one is cited."""
    word = write_news(desk, edition, count)
    desk.change(count)
    done = desk.ingest()
    assert done.returncode == 0, done.stderr
    proof.keep()
    published = (desk.data / CURRENT).stat().st_mtime
    inquiry = Inquiry("/v1/ask", {"question": f"What did the {word} of pier 0 cost?"})
    while not _cites(service, inquiry, f"fresh-{edition}-"):
        assert time.time() < published + 30, f"nothing cites {word}"
        time.sleep(0.05)
    return Publish(json.loads(done.stdout)["seconds"], time.time() - published)


def _cites(service: Service, inquiry: Inquiry, beginning: str) -> bool:
    status, reply = service.request("POST", inquiry.path, inquiry.body)
    assert status == 200, reply
    return any(citation["article_id"].startswith(beginning) for citation in reply["citations"])


def soak(place: Path) -> Figures:
    """Ask 20 questions per second, for two minutes without an ingest and five minutes with five ingests."""
    desk = Newsdesk(place, articles=1500, sentences=20)
    use_embedded_model(desk, place / "models")
    assert desk.run("ingest", str(desk.articles), "--data", str(desk.data), timeout=900).returncode == 0
    course = Course(warm_up_s=10, quiet_s=120, busy_s=300, publishes=5, fresh=50, per_second=20)
    figures = load(desk, course)
    assert not figures.faults, figures
    assert max(each.answerable_s for each in figures.publishes) <= 10, figures
    return figures
