"""Ingests killed by SIGKILL in every phase, while users ask questions.

The ingest stops itself at an event of its interpreter, continues for a random moment, is stopped again so that its
phase can be read, and is killed.
"""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from index.generation import open_generation
from index.layout import (
    BUILDING,
    CATALOG,
    CHROMA,
    CURRENT,
    GENERATIONS,
    LEXICAL,
    REMOVED,
    SEGMENT,
    SEGMENTS,
    VECTORS,
    current_name,
    generation_names,
)
from index.publishing import named_segments
from index.records import Filters, fingerprint
from index.segment import COLLECTED, faults_of
from service.retrieve import retrieve
from tests.fakes import TOPICS, opened
from tests.faults.newsdesk import WITHOUT_SPAN_READER, Newsdesk, manifest_of
from tests.faults.questions import Archive, Asked, Service, asking, serving
from tests.faults.vectors import embedder


@dataclass(frozen=True, slots=True)
class Aim:
    """A point to stop: before a matching event, the `nth` or a later one, plus up to `moment_s` seconds.

    Events are counted from the start of the ingest, or once it has published.
    """

    event: str
    pattern: str
    moment_s: float = 0.0
    nth: int = 1
    upto: int = 1
    after: Literal["started", "published"] = "started"


EDITIONS = 3
"""Generations before the first kill, as many as are kept, so that every ingest removes one."""

NEW = rf"/{BUILDING}[0-9a-f]{{12}}"
MANIFEST = rf"/{GENERATIONS}/.*\.new "
POINTER = rf"/{CURRENT}\.\d+\.new "
EACH_PHASE: tuple[Aim, ...] = (
    Aim("open", r"/articles/.*\.md", upto=20),
    Aim("sqlite3.connect", f"{NEW}/{CATALOG}", 0.05),
    Aim("open", f"{NEW}/{VECTORS} w"),
    Aim("os.mkdir", f"{NEW}/{CHROMA}"),
    Aim("sqlite3.connect", f"{NEW}/{CHROMA}/"),
    Aim("open", f"{NEW}/{LEXICAL}/", upto=3),
    Aim("open", f"{NEW}/{SEGMENT} w", 0.4),
    Aim("os.rename", f"{NEW} "),
    Aim("open", MANIFEST),
    Aim("os.rename", MANIFEST),
    Aim("open", POINTER),
    Aim("os.rename", POINTER),
    Aim("open", "/data None ", after="published"),
    Aim("open", f"{NEW}/{COLLECTED} w", after="published"),
    Aim("os.rename", MANIFEST, after="published"),
    Aim("shutil.rmtree", f"/{REMOVED}", after="published"),
)
ANYWHERE: tuple[Aim, ...] = (
    Aim("os.rename", f"{NEW} ", after="published"),
    Aim("os.rename", POINTER, after="published"),
    Aim("os.remove", rf"/{GENERATIONS}/.*\.json ", after="published"),
    Aim("shutil.rmtree", f"/{REMOVED}", 0.003),
    Aim("open", r"ingest\.lock", 3.0),
    Aim("sqlite3.connect", f"{NEW}/{CATALOG}", 0.5),
    Aim("os.mkdir", f"{NEW}/{CHROMA}", 1.0),
    Aim("os.mkdir", f"{NEW}/{LEXICAL}"),
    Aim("os.mkdir", f"{NEW}/{CHROMA}", 1.0, after="published"),
    Aim("open", f"{NEW}/{SEGMENT} w", 0.2, after="published"),
    Aim("os.rename", f"/{REMOVED}"),
    Aim("open", r"ingest\.lock", 3.0),
)
PHASES = (
    "starting",
    "reading",
    "embedding",
    "vectors",
    "chroma",
    "lexical",
    "verification",
    "segment closed",
    "manifest half written",
    "manifest written",
    "CURRENT half written",
    "CURRENT replaced",
    "merging",
    "retiring",
)
EACH_EVENT = tuple(aim for aim in EACH_PHASE if not aim.moment_s)
"""The aims that stop at an event and go on for no moment more: they hit the phases in `CERTAIN`."""

CERTAIN = frozenset(PHASES) - {"starting"}


@dataclass(frozen=True, slots=True)
class Before:
    """The data folder before an ingest."""

    current: str | None
    generations: frozenset[str]
    segments: frozenset[str]

    @classmethod
    def of(cls, data: Path) -> "Before":
        """Return the state of a data folder."""
        names = frozenset(path.name for path in (data / SEGMENTS).iterdir())
        return cls(current_name(data), frozenset(generation_names(data)), names)


@dataclass(slots=True)
class Figures:
    """The results of the kills."""

    phases: Counter[str] = field(default_factory=Counter)
    ended_before: int = 0
    reruns: int = 0
    published_by_killed: int = 0
    asked: Asked = field(default_factory=Asked)
    seconds: float = 0.0

    @property
    def kills(self) -> int:
        return sum(self.phases.values())

    def __str__(self) -> str:
        histogram = "\n".join(f"  {self.phases[phase]:4}  {phase}" for phase in PHASES)
        return (
            f"{self.kills} kills, {self.ended_before} ingests ended before theirs, {self.seconds:.0f} s; by phase:\n"
            f"{histogram}\n"
            f"{self.published_by_killed} of the killed had published; {self.reruns} reruns, each with the"
            f" fingerprint and the answers of a fresh folder\n"
            f"{self.asked.answers} answers, {self.asked.cited} with citations, from {len(self.asked.generations)}"
            f" generations, {len(self.asked.quotes)} different quotes; {len(self.asked.failures)} failures"
        )


class Attack:
    """Kills at one desk while its service answers; raises AssertionError for the first error."""

    def __init__(self, desk: Newsdesk, seed: int) -> None:
        self.desk = desk
        self.figures = Figures()
        self._random = random.Random(seed)
        self._archive = Archive(desk.data)
        self._verified: set[str] = set()
        self._scratch = 0

    def kill(self, aim: Aim) -> None:
        """Change articles, kill their ingest at the point, and verify the current generation."""
        self.desk.change(len(self.desk.names) // 4)
        before = Before.of(self.desk.data)
        phase = self._killed(aim, before)
        if phase is None:
            self.figures.ended_before += 1
        else:
            self.figures.phases[phase] += 1
            self.figures.published_by_killed += current_name(self.desk.data) != before.current
        self._see_that_current_is_whole()

    def rerun(self, service: Service) -> None:
        """Ingest without a kill: the index answers as that of a new folder; after a prune no temporary file is left."""
        done = self.desk.ingest()
        assert done.returncode == 0, done.stderr
        self.figures.reruns += 1
        self._see_that_current_is_whole()
        self._scratch += 1
        fresh = self.desk.ingest_here(self.desk.data.with_name(f"fresh-{self._scratch}"))
        found = manifest_of(self.desk.data)
        assert (found.fingerprint, found.chunk_count) == (fresh.fingerprint, fresh.chunk_count)
        assert answers_of(self.desk.data) == answers_of(self.desk.data.with_name(f"fresh-{self._scratch}"))
        done = self.desk.run("generations", "prune", "--data", str(self.desk.data))
        assert done.returncode == 0, done.stderr
        assert self.desk.left_behind([service.process.pid]) == []

    def check_answers(self, asked: Asked) -> None:
        """Assert that every question was answered from one generation, quoted word for word."""
        self._archive.keep()
        self.figures.asked = asked
        assert not asked.failures, asked.failures[:3]
        assert asked.cited
        assert not self._archive.misquoted(asked.quotes)

    def _killed(self, aim: Aim, before: Before) -> str | None:
        """Kill an ingest at the point; return its phase, or None if it ended before."""
        nth = str(self._random.randint(aim.nth, max(aim.nth, aim.upto)))
        command = ("ingest", str(self.desk.articles), "--data", str(self.desk.data))
        with self.desk.start(
            *command, module=("tests.faults.stopping", aim.event, aim.pattern, nth, aim.after)
        ) as process:
            if not _stopped(process):
                assert process.returncode == 0, process.communicate()
                return None
            if aim.moment_s:
                os.kill(process.pid, signal.SIGCONT)
                time.sleep(self._random.uniform(0, aim.moment_s))
                os.kill(process.pid, signal.SIGSTOP)
                if not _stopped(process):
                    return None
            phase = phase_of(self.desk.data, process.pid, before)
            # An operator kills one process, the end of a container kills all of them.
            (os.killpg if self._random.random() < 0.5 else os.kill)(process.pid, signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        return phase

    def _see_that_current_is_whole(self) -> None:
        self._archive.keep()
        name = current_name(self.desk.data)
        assert name in generation_names(self.desk.data)
        with closing(open_generation(self.desk.data, name or "")) as generation:
            manifest = generation.manifest
            assert fingerprint(generation.hashes().items(), manifest.configuration) == manifest.fingerprint
            for segment in (part.segment for part in generation.parts if part.segment.id not in self._verified):
                assert faults_of(segment.folder, segment.record) == []
                self._verified.add(segment.id)


def answers_of(data: Path) -> list[list[tuple[str, float]]]:
    """Return the chunks that questions on each topic find in an index, with their scores."""
    with opened(data) as generation, closing(embedder()) as model:
        found = [retrieve(generation, model, words, filters=Filters(), mode="hybrid", count=20) for words in TOPICS]
    return [[(passage.chunk.chunk_id, passage.score) for passage in each.passages] for each in found]


def phase_of(data: Path, pid: int, before: Before) -> str:
    """Return the phase of a stopped ingest, from the data folder and its open files."""
    segments = [path for path in (data / SEGMENTS).iterdir() if path.name not in before.segments]
    building = next((path for path in segments if path.name.startswith(BUILDING)), None)
    half = bool(list((data / GENERATIONS).glob(f"*.{pid}.new")))
    pointer = bool(list(data.glob(f"{CURRENT}.{pid}.new")))
    if current_name(data) != before.current:
        if not before.generations <= set(generation_names(data)) or list((data / SEGMENTS).glob(f"{REMOVED}*")):
            return "retiring"
        unnamed = {path.name for path in segments} - named_segments(data)
        newer = len(set(generation_names(data)) - before.generations) > 1
        return "merging" if unnamed or half or pointer or newer else "CURRENT replaced"
    if pointer:
        return "CURRENT half written"
    if set(generation_names(data)) > before.generations:
        return "manifest written"
    if half:
        return "manifest half written"
    if building is not None:
        return _phase_of_building(building)
    if segments:
        return "segment closed"
    return "reading" if any(file.endswith("ingest.lock") for file in _open_files(pid)) else "starting"


def _phase_of_building(folder: Path) -> str:
    parts = ((SEGMENT, "verification"), (LEXICAL, "lexical"), (CHROMA, "chroma"), (VECTORS, "vectors"))
    return next((phase for name, phase in parts if (folder / name).exists()), "embedding")


def _open_files(pid: int) -> list[str]:
    return [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]


def _stopped(process: subprocess.Popen[str]) -> bool:
    """Wait until the process is stopped; return False if it ended."""
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return True
    process.returncode = os.waitstatus_to_exitcode(status)
    return False


def killed_ingests(place: Path, aims: Sequence[Aim], *, articles: int, every: int, seed: int) -> Figures:
    """Kill an ingest at each point in turn, and rerun it after every `every` kills, while users ask."""
    started = time.monotonic()
    desk = Newsdesk(place, articles=articles, seed=seed)
    desk.environment |= WITHOUT_SPAN_READER
    for _ in range(EDITIONS):
        desk.change(1)
        desk.ingest_here()
    attack = Attack(desk, seed)
    with serving(desk) as service, asking(service, pause_s=0.1) as asked:
        for number, aim in enumerate(aims, start=1):
            attack.kill(aim)
            if number % every == 0 or number == len(aims):
                attack.rerun(service)
        assert service.process.poll() is None
    attack.check_answers(asked)
    attack.figures.seconds = time.monotonic() - started
    return attack.figures
