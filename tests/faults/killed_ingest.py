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
from dataclasses import dataclass, field
from pathlib import Path

from index.generation import file_digests
from index.layout import (
    CHROMA,
    CURRENT,
    EMBEDDINGS,
    GENERATIONS,
    LEXICAL,
    MANIFEST,
    STAGING_PREFIX,
    VECTORS,
    current_name,
    generation_folder,
    generation_names,
)
from index.settings import IndexSettings
from index.verification import faults_of
from tests.faults.newsdesk import Newsdesk, manifest_of
from tests.faults.questions import Archive, Asked, Service, asking, serving


@dataclass(frozen=True, slots=True)
class Aim:
    """A point to stop: before a matching event, the `nth` or a later one, plus up to `moment_s` seconds."""

    event: str
    pattern: str
    moment_s: float = 0.0
    nth: int = 1
    upto: int = 1


KEEP = IndexSettings.model_fields["keep_generations"].default
STAGED = rf"/{STAGING_PREFIX}[0-9a-f]{{12}}"
EACH_PHASE: tuple[Aim, ...] = (
    Aim("open", r"/articles/.*\.md", upto=20),
    Aim("sqlite3.connect", EMBEDDINGS, 0.05),
    Aim("open", f"{STAGED}/{VECTORS}", nth=2),
    Aim("sqlite3.connect", f"{STAGED}/{CHROMA}/"),
    Aim("open", f"{STAGED}/{LEXICAL}/", upto=3),
    Aim("open", f"{STAGED}/{MANIFEST}"),
    Aim("subprocess.Popen", r"index\.verification", 0.4),
    Aim("os.rename", STAGED),
    Aim("open", rf"/{CURRENT}\.\d+"),
    Aim("os.rename", rf"/{CURRENT}\.\d+"),
    Aim("open", "/data None "),
    Aim("os.rename", f"{STAGING_PREFIX}retired"),
    Aim("shutil.rmtree", f"{STAGING_PREFIX}retired"),
)
ANYWHERE: tuple[Aim, ...] = (
    Aim("shutil.rmtree", f"{STAGING_PREFIX}retired", 0.003),
    Aim("open", r"ingest\.lock", 3.0),
    Aim("sqlite3.connect", EMBEDDINGS, 0.5),
    Aim("os.mkdir", f"{STAGED}/{CHROMA}", 1.0),
    Aim("os.mkdir", f"{STAGED}/{LEXICAL}"),
    Aim("subprocess.Popen", r"index\.verification", 1.2),
    Aim("os.rename", f"{STAGING_PREFIX}retired"),
    Aim("shutil.rmtree", STAGED, 0.003),
    Aim("open", r"ingest\.lock", 3.0),
)
PHASES = (
    "starting",
    "reading",
    "chunking and embedding",
    "vectors",
    "chroma",
    "lexical",
    "manifest",
    "verification",
    "before the rename",
    "renamed",
    "CURRENT half written",
    "CURRENT replaced",
    "retiring",
)
EACH_EVENT = tuple(aim for aim in EACH_PHASE if not aim.moment_s)
"""The aims that stop at an event and go on for no moment more: they hit the phases in `CERTAIN`."""

CERTAIN = frozenset(PHASES) - {"starting", "chunking and embedding", "verification"}


@dataclass(slots=True)
class Figures:
    """The results of the kills."""

    phases: Counter[str] = field(default_factory=Counter)
    ended_before: int = 0
    reruns: int = 0
    published_by_killed: int = 0
    half_pointers: int = 0
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
            f"{self.published_by_killed} of the killed had published; {self.reruns} reruns, each of the fingerprint"
            f" that a fresh folder gives\n"
            f"{self.half_pointers} half-written CURRENT files left after the last rerun\n"
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
        self._verified: tuple[str, dict[str, str]] | None = None
        self._scratch = 0

    def kill(self, aim: Aim) -> None:
        """Change articles, kill their ingest at the point, and verify the current generation."""
        self.desk.change(len(self.desk.names) // 4)
        before = current_name(self.desk.data)
        phase = self._killed(aim, before)
        if phase is None:
            self.figures.ended_before += 1
        else:
            self.figures.phases[phase] += 1
            self.figures.published_by_killed += current_name(self.desk.data) != before
        self._see_that_current_is_whole()

    def rerun(self, service: Service) -> None:
        """Ingest without a kill: the index equals that of a new folder, and no temporary file is left."""
        done = self.desk.ingest()
        assert done.returncode == 0, done.stderr
        self.figures.reruns += 1
        self._see_that_current_is_whole()
        self._scratch += 1
        fresh = self.desk.ingest_here(self.desk.data.with_name(f"fresh-{self._scratch}"))
        found = manifest_of(self.desk.data)
        assert (found.fingerprint, found.chunk_count) == (fresh.fingerprint, fresh.chunk_count)
        self._see_that_nothing_is_left(service)
        self.figures.half_pointers = len(list(self.desk.data.glob(f"{CURRENT}.*")))

    def check_answers(self, asked: Asked) -> None:
        """Assert that every question was answered from one generation, quoted word for word."""
        self._archive.keep()
        self.figures.asked = asked
        assert not asked.failures, asked.failures[:3]
        assert asked.cited
        assert not self._archive.misquoted(asked.quotes)

    def _killed(self, aim: Aim, before: str | None) -> str | None:
        """Kill an ingest at the point; return its phase, or None if it ended before."""
        nth = str(self._random.randint(aim.nth, max(aim.nth, aim.upto)))
        command = ("ingest", str(self.desk.articles), "--data", str(self.desk.data))
        with self.desk.start(*command, module=("tests.faults.stopping", aim.event, aim.pattern, nth)) as process:
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
        folder = generation_folder(self.desk.data, name or "")
        state = folder.name, file_digests(folder)
        if state != self._verified:
            assert faults_of(folder) == []
            self._verified = state

    def _see_that_nothing_is_left(self, service: Service) -> None:
        # The verification of a killed ingest lives on for a moment, then removes its view.
        deadline = time.monotonic() + 10
        while left := self.desk.left_behind([service.process.pid]):
            assert time.monotonic() < deadline, left
            time.sleep(0.05)


def phase_of(data: Path, pid: int, before: str | None) -> str:
    """Return the phase of a stopped ingest, from the data folder and its open files."""
    generations = data / GENERATIONS
    if current_name(data) != before:
        retiring = next(generations.glob(f"{STAGING_PREFIX}retired-*"), None)
        return "retiring" if retiring else "CURRENT replaced"
    if list(data.glob(f"{CURRENT}.{pid}")):
        return "CURRENT half written"
    if before is not None and generation_names(data)[:1] != [before]:
        return "renamed"
    staged = next(generations.glob(f"{STAGING_PREFIX}*"), generations)
    if (staged / MANIFEST).is_file() and (staged / MANIFEST).stat().st_size:
        return _phase_of_verification(pid, staged)
    for name, phase in ((LEXICAL, "lexical"), (CHROMA, "chroma"), (VECTORS, "vectors")):
        if (staged / name).exists():
            return "manifest" if (staged / "lease").exists() else phase
    if any(EMBEDDINGS in file for file in _open_files(pid)):
        return "chunking and embedding"
    return "reading" if any(file.endswith("ingest.lock") for file in _open_files(pid)) else "starting"


def _phase_of_verification(pid: int, staged: Path) -> str:
    if Path(f"/proc/{pid}/task/{pid}/children").read_text():
        return "verification"
    # Between the manifest and the rename, only the verification has a child.
    return "before the rename"


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
    desk.ingest_here()
    desk.copy_generation(KEEP)  # so that a generation is removed
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
