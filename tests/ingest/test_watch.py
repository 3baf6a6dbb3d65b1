"""The writer: rounds over paths, pushed articles, and what an error or a kill in between leaves."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from index import spool
from index.admin import take_down
from index.errors import ConfigurationError, IngestRunning
from index.layout import REPLICA, generation_names, ingest_lock
from index.records import Article
from index.spool import Push, Spool, has_writer, writer_lock
from ingest import watch
from ingest.job import Ingest, run
from ingest.load import ArticleFile, LoadedArticle, Loader
from ingest.report import ArticleRejected, Progress
from ingest.watch import POLL_S, Writer
from tests.fakes import HashedEmbedder, opened
from tests.ingest.article_files import write

ROOT = Path(__file__).parents[2]
EVERY_S = 60.0


class Stopped(BaseException):
    """The end of a test, where a signal would stop the writer."""


@dataclass
class Desk:
    """A data folder, a folder of articles, and a writer whose clock a test turns."""

    data: Path
    articles: Path
    embedder: HashedEmbedder = field(default_factory=HashedEmbedder)
    now: float = 0.0

    def writer(self, *paths: Path, prune: bool = False) -> Writer:
        """Return a writer of this data folder."""
        order = Ingest(paths, self.data, "english", prune=prune)
        return Writer(order, self.embedder, EVERY_S, clock=lambda: self.now)

    def push(self, article_id: str, text: str | None) -> None:
        """Accept a push; None deletes."""
        Spool(self.data).accept([Push(article_id, None if text is None else {"body": text})])

    def write(self, name: str, text: str) -> None:
        """Write an article file that is old enough to be trusted."""
        os.utime(write(self.articles / name, text), (1_700_000_000 + self.now, 1_700_000_000 + self.now))

    def article(self, article_id: str) -> Article | None:
        """Return an article of the current generation."""
        with opened(self.data) as generation:
            return generation.article(article_id)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk without articles."""
    return Desk(tmp_path / "data", tmp_path / "articles")


def test_pushed_articles_are_published_without_a_round(desk: Desk) -> None:
    """The last push of an id counts, HTML becomes text, and the spool is empty then."""
    writer = desk.writer()
    desk.push("bridge", "The bridge is open.")
    desk.push("ferry", "The ferry sails.")
    desk.push("bridge", None)
    desk.push("bridge", None)
    Spool(desk.data).accept([Push("bridge", {"html": "<p>The bridge <b>closes</b>.</p><p>Nobody knows why.</p>"})])
    desk.push("ferry", None)

    writer.step()

    found = desk.article("bridge")
    assert found is not None
    assert (found.body, found.origin) == ("The bridge closes.\n\nNobody knows why.", "push:bridge")
    assert desk.article("ferry") is None
    assert Spool(desk.data).entries() == []
    assert len(generation_names(desk.data)) == 1


def test_a_pushed_article_is_updated_and_removed(desk: Desk) -> None:
    """Its history stays with it; the same content is published once."""
    writer = desk.writer()
    for text in ("The bridge is open.", "The bridge is open.", "The bridge is closed."):
        desk.push("bridge", text)
        writer.step()
    with opened(desk.data) as generation:
        assert len(generation.histories(["bridge"])["bridge"]) == 1
    desk.push("bridge", None)
    writer.step()

    assert desk.article("bridge") is None
    assert len(generation_names(desk.data)) == 3


def test_a_push_that_is_no_article_is_kept_with_its_reason(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """It does not come back each round, and a good push of the same id clears it."""
    writer = desk.writer()
    Spool(desk.data).accept([Push("empty", {"html": "<p> </p>"})])
    desk.push("ferry", "The ferry sails.")
    with caplog.at_level(logging.WARNING, "dateline.writer"):
        writer.step()
        writer.step()

    assert Spool(desk.data).entries() == []
    assert Spool(desk.data).rejection("empty")
    assert [record.args[0] for record in caplog.records if isinstance(record.args, tuple)] == ["push:empty"]
    assert desk.article("ferry") is not None

    desk.push("empty", "Now it has a text.")
    writer.step()
    assert Spool(desk.data).rejection("empty") is None


def test_three_rounds_with_an_error_in_the_second(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The failed round is tried again, later each time; nothing published is lost."""
    writer = desk.writer(desk.articles)
    desk.write("ferry.txt", "The ferry sails at nine.")
    with caplog.at_level(logging.INFO, "dateline.writer"):
        writer.step()
        desk.write("storm.txt", "A storm hit the coast.")
        desk.embedder.fails_after = desk.embedder.batches
        for desk.now in (EVERY_S, EVERY_S + 0.5, EVERY_S + 1, EVERY_S + 2):
            writer.step()
        assert desk.article("ferry") is not None
        desk.embedder.fails_after = None
        desk.now = EVERY_S + 3.5
        writer.step()

    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING", "WARNING", "INFO"]
    assert desk.article("storm") is not None


def test_a_missing_folder_delays_no_push(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    writer = desk.writer(desk.articles)
    desk.push("bridge", "The bridge is open.")
    for now in (0.0, 0.5, 1.0, 2.9):
        desk.now = now
        writer.step()
    assert desk.article("bridge") is not None
    assert Spool(desk.data).entries() == []
    # Pushes that succeed do not shorten the pauses between the looks.
    assert sum(record.levelno == logging.WARNING for record in caplog.records) == 2

    desk.write("ferry.md", "---\nid: ferry\n---\nThe ferry sails.")
    desk.now = 3.0
    writer.step()
    assert desk.article("ferry") is not None


def test_an_unreadable_spool_delays_the_writer(desk: Desk) -> None:
    """The writer ended with a traceback when the disk refused its spool."""
    writer = desk.writer()
    desk.data.mkdir()
    folder = Spool(desk.data).folder
    folder.write_text("not a folder")
    writer.step()
    folder.unlink()
    desk.push("bridge", "The bridge is open.")
    desk.now = 1.0
    writer.step()
    assert desk.article("bridge") is not None


def test_a_round_reads_only_what_changed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """With prune, a file that was not read again is not gone, and one that is gone is removed."""
    monkeypatch.setattr(watch, "SETTLED_NS", 0)
    writer = desk.writer(desk.articles, prune=True)
    for name in ("ferry", "storm", "vote"):
        desk.write(f"{name}.txt", f"The {name} was in the news.")
    writer.step()

    read: list[str] = []
    load = Loader.load

    def recorded(loader: Loader, file: ArticleFile) -> Iterator[LoadedArticle | ArticleRejected]:
        read.append(file.path.name)
        return load(loader, file)

    monkeypatch.setattr(Loader, "load", recorded)
    desk.now = 100.0
    desk.write("storm.txt", "The storm is over.")
    (desk.articles / "vote.txt").unlink()
    writer.step()

    assert read == ["storm.txt"]
    assert desk.article("ferry") is not None
    assert desk.article("vote") is None
    assert getattr(desk.article("storm"), "body", None) == "The storm is over."


def test_a_file_is_read_again_when_an_embargo_in_it_ends(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that did not change is not read, until the date from which its article may be published."""
    monkeypatch.setattr(watch, "SETTLED_NS", 0)
    records = [{"body": "The vote.", "embargoed": f"{year}-01-02T08:00:00Z"} for year in (2199, 2100)]
    desk.write("wire.json", json.dumps(records))
    writer = desk.writer(desk.articles)
    read: list[str] = []
    load = Loader.load

    def recorded(loader: Loader, file: ArticleFile) -> Iterator[LoadedArticle | ArticleRejected]:
        read.append(file.path.name)
        return load(loader, file)

    monkeypatch.setattr(Loader, "load", recorded)
    for year, times in ((2099, 1), (2099, 1), (2101, 2)):
        writer.today = partial(datetime, year, 6, 1, tzinfo=UTC)
        writer.step()
        desk.now += 100
        assert len(read) == times


def test_a_file_is_read_again_after_another_command_changed_the_index(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the article of an unchanged file would stay missing until the writer starts again."""
    monkeypatch.setattr(watch, "SETTLED_NS", 0)
    writer = desk.writer(desk.articles)
    desk.write("ferry.txt", "The ferry sails at nine.")
    desk.write("storm.txt", "A storm hit the coast.")
    writer.step()
    take_down(desk.data, ["ferry"], patience_s=0)
    desk.now = EVERY_S
    writer.step()

    assert desk.article("ferry") is not None


def test_a_running_ingest_only_delays_the_writer(desk: Desk) -> None:
    """The push stays in the spool."""
    writer = desk.writer()
    desk.push("ferry", "The ferry sails.")
    with ingest_lock(desk.data):
        writer.step()
    assert len(Spool(desk.data).entries()) == 1
    desk.now = 1.0
    writer.step()

    assert Spool(desk.data).entries() == []


def test_a_takedown_also_empties_the_spool(desk: Desk) -> None:
    """A push that was not published yet must not bring the article back, nor may its words stay on the disk."""
    run(Ingest((write(desk.articles / "ferry.txt", "The ferry sails."),), desk.data, "english"), desk.embedder, quiet())
    desk.push("ferry", "The ferry sails at secretfive.")
    desk.push("vote", "The vote is over.")
    Spool(desk.data).reject("ferry", "0" * 16, "found 'secretfive'")

    taken = take_down(desk.data, ["ferry"], patience_s=0)

    assert taken.complete
    left = [path for path in desk.data.rglob("*") if path.is_file() and b"secretfive" in path.read_bytes()]
    assert left == []
    assert [entry.article_id for entry in Spool(desk.data).entries()] == ["vote"]


def test_a_writer_lives_until_it_is_stopped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one is refused meanwhile; a stop between two looks leaves the lock free."""
    monkeypatch.setattr(spool, "PATIENCE_S", 0.0)
    seen: list[bool] = []

    def sleep(seconds: float) -> None:
        assert seconds == POLL_S
        seen.append(has_writer(desk.data))
        raise Stopped

    desk.data.mkdir()
    writer = desk.writer()
    writer.sleep = sleep
    with pytest.raises(Stopped):
        writer.run()
    assert seen == [True]
    with writer_lock(desk.data), pytest.raises(IngestRunning):
        writer.run()


def test_a_replica_has_no_writer(desk: Desk) -> None:
    """It would accept pushes that are never published."""
    desk.data.mkdir()
    (desk.data / REPLICA).touch()
    with pytest.raises(ConfigurationError):
        desk.writer().run()
    assert not has_writer(desk.data)


@pytest.mark.parametrize("phase", ["current", "published"])
def test_a_push_survives_a_kill_of_the_writer(desk: Desk, phase: str) -> None:
    """Killed before its generation is current, or after that and before the spool is cleared."""
    desk.push("ferry", "The ferry sails.")
    command = [sys.executable, "-m", "tests.ingest.interrupted", str(desk.data), "-", phase]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"stalled\n"
        process.kill()
    assert len(Spool(desk.data).entries()) == 1

    desk.writer().step()

    assert desk.article("ferry") is not None
    assert Spool(desk.data).entries() == []
    with opened(desk.data) as generation:
        assert generation.manifest.article_count == 1


def quiet() -> Progress:
    return Progress(quiet=True)
