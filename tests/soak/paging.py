"""An index with more rows than the variables of an SQL statement: every command works on it.

SQLite takes 32,766 variables in a statement, Chroma some thousand rows in a call. tests/faults/test_paging.py lowers
the limit of SQLite instead.
"""

import json
import os
import random
import time
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree, rmtree

from index.layout import CHROMA, GENERATIONS, SEGMENTS, segment_folder
from index.vectors import SQLITE
from tests.fakes import TOPICS, opened, sentence
from tests.faults.newsdesk import SOURCES, Newsdesk, manifest_of

ROWS = 33_000
TAKEN_DOWN = "paper-1"


@dataclass(frozen=True, slots=True)
class Step:
    """A command on the index: seconds, and the peak memory of its largest process in MB."""

    name: str
    seconds: float
    memory: float

    def __str__(self) -> str:
        return f"{self.name:28} {self.seconds:6.1f} s  {self.memory:6.0f} MB"


class Paging:
    """Run each command on one large index; raises AssertionError if one fails."""

    def __init__(self, desk: Newsdesk, place: Path) -> None:
        self.desk = desk
        self.data = desk.data
        self.place = place
        self.steps: list[Step] = []

    def ingested(self, articles: int, sections: int) -> None:
        """Ingest the articles; they have more chunks than one statement has variables."""
        write_papers(self.desk.articles, articles, sections)
        said = json.loads(self._run("ingest", str(self.desk.articles), "--json"))
        assert said["chunks"] > ROWS, said
        assert said["embedded"] > ROWS, said

    def examined(self) -> None:
        """Run doctor; every part is valid."""
        said = json.loads(self._run("doctor", "--json"))
        assert said["healthy"], said

    def repaired(self) -> None:
        """Corrupt Chroma's files; --repair rewrites their segment without embedding."""
        before = manifest_of(self.data)
        with (segment_folder(self.data, before.segments[0].segment) / CHROMA / SQLITE).open("r+b") as file:
            file.truncate(4096)
        said = json.loads(self._run("doctor", "--repair", "--json"))
        assert said["healthy"], said
        after = manifest_of(self.data)
        assert after.generation != before.generation
        assert (after.fingerprint, after.chunk_count) == (before.fingerprint, before.chunk_count)

    def taken_down(self) -> None:
        """Remove an article; all others stay, with their chunks."""
        before = manifest_of(self.data)
        gone = _chunks_of(self.data, TAKEN_DOWN)
        said = json.loads(self._run("remove", TAKEN_DOWN, "--json"))
        assert said["complete"], said
        assert manifest_of(self.data).chunk_count == before.chunk_count - gone > ROWS
        assert not _chunks_of(self.data, TAKEN_DOWN)

    def restored(self) -> None:
        """Copy the index, delete the data folder, restore segments and manifests and roll back to the generation."""
        before = manifest_of(self.data)
        began = time.monotonic()
        backup = copytree(self.data, self.place / "backup")
        rmtree(self.data)
        for name in (GENERATIONS, SEGMENTS):
            copytree(backup / name, self.data / name)
        self.steps.append(Step("copy, wipe, put back", time.monotonic() - began, 0))
        self._run("generations", "rollback", before.generation)
        assert manifest_of(self.data) == before

    def gone_on(self) -> None:
        """Ingest one more article: nothing else is embedded."""
        write_papers(self.desk.articles, 1, 1, beginning="late")
        (self.desk.articles / f"{TAKEN_DOWN}.md").unlink(missing_ok=True)
        said = json.loads(self._run("ingest", str(self.desk.articles), "--json"))
        assert (said["added"], said["updated"], said["embedded"]) == (1, 0, 1), said

    def _run(self, *arguments: str) -> str:
        began = time.monotonic()
        with self.desk.start(*arguments, "--data", str(self.data)) as process:
            # The output of a command fits into its pipes; wait4() returns its memory.
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out, err = process.communicate()
        assert process.returncode == 0, (arguments, out, err)
        named = " ".join(argument for argument in arguments[:2] if "/" not in argument and "Z-" not in argument)
        self.steps.append(Step(named, time.monotonic() - began, usage.ru_maxrss / 1024))
        return out


def write_papers(folder: Path, count: int, sections: int, *, beginning: str = "paper", seed: int = 1) -> None:
    """Write articles with sections of a heading and a sentence, one chunk each, some sources in turn."""
    rng = random.Random(f"{beginning}{seed}")
    for number in range(1, count + 1):
        topic = TOPICS[number % len(TOPICS)]
        lines = (f"## Part {part}\n\n{sentence(rng, topic)}\n" for part in range(sections))
        front = f"---\nsource: {SOURCES[number % 2]}\n---\n"
        (folder / f"{beginning}-{number}.md").write_text(front + "\n".join(lines), encoding="utf-8")


def _chunks_of(data: Path, article_id: str) -> int:
    with opened(data) as generation:
        catalogs = [part.segment.catalog for part in generation.parts if article_id not in part.entry.dead]
        return sum(len(catalog.rows_of_articles([article_id])) for catalog in catalogs)


def soak(place: Path) -> str:
    """Ingest 37,500 sections, and run each command on the index."""
    paging = Paging(Newsdesk(place, articles=0, options={"dimension": 16}), place)
    paging.ingested(articles=250, sections=150)
    for step in (paging.examined, paging.repaired, paging.taken_down, paging.restored, paging.gone_on):
        step()
    return "\n".join(map(str, paging.steps))
