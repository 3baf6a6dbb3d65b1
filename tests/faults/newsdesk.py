"""A folder of articles and its index, with Dateline's commands as a user runs them."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from index.chroma_server import ChromaServer
from index.layout import current_name, segment_names, unfinished
from index.publishing import named_segments, read_manifest
from index.records import Manifest
from ingest.job import Ingest, run
from ingest.report import IngestReport, Progress
from tests.fakes import TOPICS, sentence
from tests.faults.vectors import BAGS_OF_WORDS, embedder

ROOT = Path(__file__).parents[2]
SOURCES = ("Courier", "Echo")

WITHOUT_SPAN_READER = {"DATELINE_SPAN_READER": "false"}
"""Settings of a service whose answers are counted, not judged: to read the passages is most of the computing."""


def environment(temporary: Path) -> dict[str, str]:
    """Return a command's environment: the fake embedder and a temporary folder, without the developer's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATELINE_", "OPENAI_"))}
    return {
        **kept,
        "DATELINE_EMBEDDING_MODEL": BAGS_OF_WORDS,
        "DATELINE_POLL_S": "0.2",
        "DATELINE_ANSWER_CACHE": "0",
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(temporary),
    }


class Newsdesk:
    """A newsroom: `articles` on some topics, `data` for the index, `temporary` for private views, in one folder.

    `change` rewrites articles, so that an ingest publishes; it is reproducible by the seed. `options` are those of
    the fake embedder; commands are those of `module`, after the command `prefix` if it is set.
    """

    def __init__(
        self,
        place: Path,
        articles: int = 240,
        sentences: int = 6,
        seed: int = 1,
        options: Mapping[str, object] | None = None,
    ) -> None:
        self.articles = place / "articles"
        self.data = place / "data"
        self.temporary = place / "tmp"
        for folder in (self.articles, self.temporary):
            folder.mkdir(parents=True)
        self.options: dict[str, object] = dict(options or {})
        self.environment = {**environment(self.temporary), "DATELINE_EMBEDDING_OPTIONS": json.dumps(self.options)}
        self.prefix: list[str] = []
        self.module: Sequence[str] = ("tests.faults.command",)
        self._random = random.Random(seed)
        self._sentences = sentences
        self._editions = 0
        self.names = [f"news-{number:05}" for number in range(articles)]
        self._write(range(articles))

    def change(self, count: int, first: int = 0) -> None:
        """Rewrite `count` random articles from number `first` on."""
        self._write(self._random.sample(range(first, len(self.names)), count))

    def start(self, *arguments: str, module: Sequence[str] = ()) -> subprocess.Popen[str]:
        """Start a command as the leader of a new process group; read its output by waiting for it."""
        return subprocess.Popen(
            [*self.prefix, sys.executable, "-m", *(module or self.module), *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, timeout: float = 100) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def ingest(self) -> subprocess.CompletedProcess[str]:
        """Run `dateline ingest` of all articles to its end."""
        return self.run("ingest", str(self.articles), "--data", str(self.data), "--json")

    def ingest_here(self, data: Path | None = None, server: ChromaServer | None = None) -> Manifest:
        """Ingest all articles in this process, into `data` or the desk's own folder; return the manifest."""
        self.report_here(data, server)
        return manifest_of(data or self.data)

    def report_here(self, data: Path | None = None, server: ChromaServer | None = None) -> IngestReport:
        """Ingest as `ingest_here` does; return the report."""
        order = Ingest((self.articles,), data or self.data, "english", server=server)
        return run(order, embedder(self.options), Progress(quiet=True))

    def left_behind(self, serving: Collection[int] = (), data: Path | None = None) -> list[str]:
        """Return segments that no generation names, half-written files and views of other processes than `serving`."""
        index = data or self.data
        segments = [*(path.name for path in unfinished(index)), *(set(segment_names(index)) - named_segments(index))]
        half = [path.name for path in index.rglob("*.new")]
        owners = tuple(f"dateline-chroma-{pid}-" for pid in serving)
        views = [path.name for path in self.temporary.iterdir() if not path.name.startswith(owners)]
        return [*segments, *half, *views]

    def _write(self, numbers: Sequence[int]) -> None:
        self._editions += 1
        for number in numbers:
            topic = TOPICS[number % len(TOPICS)]
            lines = " ".join(sentence(self._random, topic) for _ in range(self._sentences))
            front = f"---\ntitle: {topic.split()[0].title()} report {number}\nsource: {SOURCES[number % 2]}\n---\n"
            body = f"{front}Edition {self._editions} of the {topic.split()[0]} report was printed. {lines}\n"
            (self.articles / f"{self.names[number]}.md").write_text(body, encoding="utf-8")


def manifest_of(data: Path) -> Manifest:
    """Return the manifest of the current generation."""
    return read_manifest(data, current_name(data) or "none")
