import errno
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import ingest.job
from index.catalog import Catalog
from index.embedding import Matrix, unit
from index.errors import (
    ChromaUnavailable,
    ConfigurationError,
    EmbeddingFailed,
    IndexDamaged,
    IndexMismatch,
    IngestRunning,
)
from index.layout import (
    BUILDING,
    CATALOG,
    CURRENT,
    LOCK,
    SEGMENTS,
    VECTORS,
    current_name,
    generation_names,
    ingest_lock,
    segment_folder,
    segment_names,
    unfinished,
)
from index.library import Library
from index.publishing import MOST_SEGMENTS, make_current, read_manifest
from index.records import Filters, Manifest
from ingest.job import ARTICLES_AT_ONCE, Ingest, configuration_of, run
from ingest.report import IngestReport, Progress
from tests.fakes import HashedEmbedder, newsroom, opened
from tests.ingest.article_files import write

ROOT = Path(__file__).parents[2]
LONG = "\n\n".join(f"The council met for the {number}th time and voted on item {number}." * 4 for number in range(20))
FILES = {
    "city/vote.txt": "The vote\n\nNine councillors voted for the budget. Seven voted against it.",
    "city/long.txt": LONG,
    "sea/ferry.md": "---\ntitle: Ferry strike\nsource: Courier\n---\nCrews left the ferry. The harbour closed.",
    "sea/storm.txt": "A storm hit the coast. Roofs fell in Tarnmouth.",
    "briefs.jsonl": '{"text": "Brakk won the cup."}\n{"id": "brief-two", "text": "Lissay lost."}\n',
}
IDS = {"vote", "long", "ferry", "storm", "briefs.1", "brief-two"}


class Desk:
    """A folder of articles and its index, at the same path in all tests, so that origins stay valid."""

    def __init__(self, place: Path) -> None:
        self.articles = place / "articles"
        self.data = place / "data"
        self.embedder = HashedEmbedder()

    def ingest(
        self,
        *paths: Path,
        embedder: HashedEmbedder | None = None,
        language: str = "english",
        prune: bool = False,
        rebuild: bool = False,
        dry_run: bool = False,
    ) -> IngestReport:
        """Ingest these paths, or everything in the folder of articles."""
        where = paths or tuple(self.articles.iterdir())
        order = Ingest(where, self.data, language, prune=prune, rebuild=rebuild, dry_run=dry_run)
        return run(order, embedder or self.embedder, Progress(quiet=True))

    @property
    def manifest(self) -> Manifest:
        return read_manifest(self.data, current_name(self.data) or "")

    def chunks(self) -> dict[str, tuple[str, bytes]]:
        """Return the text and the vector of every chunk of the current generation, by its id."""
        with opened(self.data) as generation:
            allowed = generation.allowed_rows(Filters())
            count = sum(part.segment.record.chunk_count for part in generation.parts)
            rows = np.arange(count) if allowed is None else np.flatnonzero(allowed)
            vectors = np.concatenate([np.asarray(part.segment.vectors) for part in generation.parts])[rows]
            found = [chunk for chunk, _ in generation.chunks(rows)]
            return {chunk.chunk_id: (chunk.text, v.tobytes()) for chunk, v in zip(found, vectors, strict=True)}

    def texts(self) -> dict[str, str]:
        """Return the text of every chunk of the current generation, by its id."""
        return {chunk_id: text for chunk_id, (text, _) in self.chunks().items()}

    def ids(self) -> set[str]:
        return {chunk_id.partition("#")[0] for chunk_id in self.chunks()}

    def segment(self) -> Path:
        """Return the folder of the newest segment of the current generation."""
        return segment_folder(self.data, self.manifest.segments[-1].segment)

    def state(self) -> dict[str, bytes]:
        """Return the bytes of every file of the index except the lock."""
        files = (path for path in self.data.rglob("*") if path.is_file() and path.name != LOCK)
        return {path.relative_to(self.data).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ingest the articles once in `place`, and move them aside to `pristine`."""
    kept = tmp_path_factory.mktemp("desk")
    desk = Desk(kept / "place")
    for name, content in FILES.items():
        write(desk.articles / name, content)
    report = desk.ingest()
    assert (report.added, report.embedded, report.exit_code) == (6, len(desk.chunks()), 0)
    (kept / "place").rename(kept / "pristine")
    return kept


@pytest.fixture
def desk(pristine: Path) -> Iterator[Desk]:
    """Copy the articles and their index as they were right after the ingest."""
    place = shutil.copytree(pristine / "pristine", pristine / "place")
    yield Desk(place)
    shutil.rmtree(place)


@pytest.fixture
def empty(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def counts(report: IngestReport) -> tuple[int, int, int, int, int]:
    return report.added, report.updated, report.unchanged, report.removed, report.kept


def codes(report: IngestReport) -> list[str]:
    return [each.code for each in report.rejected]


def test_an_ingest_makes_a_whole_generation(desk: Desk) -> None:
    """Every article is in the generation with exact offsets, and is found by its words and by its vector."""
    assert desk.ids() == IDS
    with opened(desk.data) as generation:
        assert generation.manifest.article_count == len(IDS)
        rows = np.arange(generation.manifest.chunk_count)
        held = generation.chunks(rows)
        assert all(article.body[chunk.start_char : chunk.end_char] == chunk.text for chunk, article in held)
        for row, (chunk, article) in enumerate(held):
            vector = desk.embedder.embed_query(f"{article.title}\n{chunk.text}" if article.title else chunk.text)
            assert generation.cosines(vector, rows[row : row + 1]) == pytest.approx(1)
        ferry = generation.article("ferry")
        assert ferry is not None
        assert (ferry.title, ferry.source) == ("Ferry strike", "Courier")
        best = int(np.argmax(generation.lexical.scores("Courier ferry strike")))
        assert held[best][1] == ferry


def test_unchanged_articles_embed_nothing_and_publish_nothing(desk: Desk) -> None:
    """A second ingest of the same articles does not embed, publish or change a file."""
    before = desk.state()
    report = desk.ingest()
    assert counts(report) == (0, 0, 6, 0, 0)
    assert (report.generation, report.embedded, desk.embedder.batches, report.exit_code) == (None, 0, 0, 0)
    assert desk.state() == before


def test_a_changed_article_leaves_no_old_chunk(desk: Desk) -> None:
    """Changed and shortened articles have only their new chunks, in catalogue, vectors and words.

    They are one new segment; after a rollback the next run takes its vectors and embeds nothing again.
    """
    before = desk.manifest
    write(desk.articles / "sea/storm.txt", "Snow fell on Tarnmouth instead.")
    write(desk.articles / "city/long.txt", "It was short.")
    assert len([each for each in desk.chunks() if each.startswith("long#")]) > 3
    report = desk.ingest()
    assert counts(report) == (0, 2, 4, 0, 0)
    assert len(desk.embedder.texts) == report.embedded == 2
    texts = desk.texts()
    assert texts["storm#0"] == "Snow fell on Tarnmouth instead."
    assert [each for each in texts if each.startswith("long")] == ["long#0"]
    assert len(texts) == report.chunks == desk.manifest.chunk_count
    with opened(desk.data) as generation:
        assert not generation.lexical.scores("roofs").any()
    first = desk.manifest
    make_current(desk.data, before.generation)
    again = desk.ingest()
    assert (again.updated, again.embedded) == (2, 0)
    assert desk.manifest.fingerprint == first.fingerprint != before.fingerprint


def test_one_new_article_is_one_new_segment(desk: Desk) -> None:
    """The segments of unchanged articles are those of the old generation, with the same digests."""
    (old,) = desk.manifest.segments
    write(desk.articles / "sea/new.txt", "A new pier.")
    assert desk.ingest().added == 1
    kept, added = desk.manifest.segments
    assert kept == old
    with closing(Catalog(segment_folder(desk.data, added.segment) / CATALOG)) as catalog:
        assert list(catalog.hashes()) == ["new"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), ChromaUnavailable("it is away")])
def test_a_merge_that_fails_is_a_notice(desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The articles are published by then: the report has a notice, and the exit code is 0."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(ingest.job, "merge", fail)
    write(desk.articles / "sea/new.txt", "A new pier.")
    report = desk.ingest()
    assert (report.added, report.exit_code, report.generation) == (1, 0, desk.manifest.generation)
    ((code, message),) = [(notice.code, notice.message) for notice in report.notices]
    assert code == "not_merged"
    assert message.startswith("the articles are published, but ")
    assert str(error) in message
    assert "new" in desk.ids()


def test_an_article_is_alive_in_one_segment(desk: Desk) -> None:
    """Replaced and removed articles are dead in the segments before."""
    write(desk.articles / "sea/storm.txt", "Snow fell on Tarnmouth instead.")
    desk.ingest()
    (desk.articles / "briefs.jsonl").unlink()
    desk.ingest(desk.articles, prune=True)
    assert [entry.dead for entry in desk.manifest.segments] == [("brief-two", "briefs.1", "storm"), ()]


def test_a_generation_has_few_segments(desk: Desk) -> None:
    """After many small ingests, a generation has few segments; merges embed nothing and keep the fingerprint."""
    for number in range(MOST_SEGMENTS + 3):
        write(desk.articles / "sea/new.txt", f"Pier {number} was opened.")
        report = desk.ingest()
        assert (counts(report)[:2], report.embedded) == (((0, 1) if number else (1, 0)), 1)
        assert len(desk.manifest.segments) <= MOST_SEGMENTS
        assert desk.texts()["new#0"] == f"Pier {number} was opened."
    fresh = desk.manifest
    desk.ingest(rebuild=True)
    assert len(desk.manifest.segments) == 1
    assert desk.manifest.fingerprint == fresh.fingerprint


def test_a_changed_article_keeps_what_changed(desk: Desk) -> None:
    """Its history goes on with the article: to a new file, through other changes, and through a rebuild."""
    storm = desk.articles / "sea" / "storm.txt"
    first, second, third = (f"A storm hit the coast. {each} fell in Tarnmouth." for each in ("Roofs", "Trees", "Walls"))
    write(storm, second)
    desk.ingest()
    write(storm, third)
    desk.ingest()
    storm.rename(desk.articles / "gale.txt")
    assert desk.ingest().moved == 1
    desk.ingest(rebuild=True)
    with opened(desk.data) as generation:
        histories = generation.histories(generation.hashes())
    said = [[edit.before for edit in each.edits] for each in histories.pop("storm")]
    assert histories == {}
    assert said == [["Trees fell in Tarnmouth."], ["Roofs fell in Tarnmouth."]]
    assert first.endswith("Roofs fell in Tarnmouth.")


def test_pruning_removes_what_is_gone_under_the_paths(desk: Desk) -> None:
    """Only --prune removes articles, and only those that are gone under the paths."""
    (desk.articles / "city/vote.txt").unlink()
    (desk.articles / "sea/storm.txt").unlink()
    write(desk.articles / "briefs.jsonl", FILES["briefs.jsonl"].splitlines()[0])
    before = desk.manifest
    assert counts(desk.ingest()) == (0, 0, 3, 0, 3)
    assert desk.manifest == before
    report = desk.ingest(desk.articles / "sea/../city", desk.articles / "briefs.jsonl", prune=True)
    assert counts(report) == (0, 0, 2, 2, 2)
    assert report.embedded == 0
    assert desk.ids() == IDS - {"vote", "brief-two"}


def test_old_generations_are_retired_and_orphans_swept(desk: Desk) -> None:
    """Publishing keeps the newest three generations, and removes what runs left that were killed a day ago."""
    before = desk.manifest
    for number in range(4):
        write(desk.articles / "sea/new.txt", f"Pier {number} was opened.")
        desk.ingest()
    kept = generation_names(desk.data)
    assert len(kept) == 3
    assert before.generation not in kept
    recent, old = (desk.data / SEGMENTS / f"{BUILDING}{name}" for name in ("recent", "old"))
    unnamed = segment_folder(desk.data, "20260101T000000000Z-00000000")
    for folder in (recent, old, unnamed):
        folder.mkdir()
    for folder in (old, unnamed):
        os.utime(folder, times=(0, 0))
    write(desk.articles / "sea/new.txt", "The pier was closed.")
    desk.ingest()
    named = {entry.segment for name in generation_names(desk.data) for entry in read_manifest(desk.data, name).segments}
    assert unfinished(desk.data) == [recent]
    assert set(segment_names(desk.data)) == named


def test_when_everything_is_gone_the_index_is_empty_and_whole(desk: Desk) -> None:
    """Pruning the last article publishes an empty generation, which can be opened and extended."""
    shutil.rmtree(desk.articles)
    desk.articles.mkdir()
    report = desk.ingest(desk.articles, prune=True)
    assert (report.removed, report.chunks, desk.manifest.article_count) == (6, 0, 0)
    with closing(Library(desk.data, desk.embedder.name)) as library, library.pinned() as generation:
        assert generation.listed(0, 10) == []


def test_a_rejected_article_keeps_its_old_one_and_stops_no_other(desk: Desk) -> None:
    """The article of a file that became invalid stays in the index, even with --prune; valid files are ingested."""
    write(desk.articles / "sea/storm.txt", b"\xff\xfe\xff not UTF-8")
    write(desk.articles / "sea/new.txt", "A new pier was opened on Lissay.")
    write(desk.articles / "sea/empty.txt", "")
    report = desk.ingest(prune=True)
    assert (report.added, report.updated, report.removed, report.exit_code) == (1, 0, 0, 3)
    assert sorted(Path(each.origin).name for each in report.rejected) == ["empty.txt", "storm.txt"]
    texts = desk.texts()
    assert "Roofs fell in Tarnmouth." in texts["storm#0"]
    assert texts["new#0"] == "A new pier was opened on Lissay."


def test_where_all_is_rejected_nothing_is_published(empty: Desk) -> None:
    """A folder of invalid files publishes nothing, and each file is reported."""
    for name in ("one.txt", "two.txt"):
        write(empty.articles / name, "")
    report = empty.ingest()
    assert (report.generation, report.exit_code, codes(report)) == (None, 3, ["empty", "empty"])
    assert current_name(empty.data) is None
    assert empty.embedder.batches == 0


def test_clashing_ids_are_named(desk: Desk, tmp_path: Path) -> None:
    """The same id from two files is rejected, in one run or two, unless it is stated or the old file is gone."""
    other = tmp_path / "other"
    write(other / "storm.txt", "Another storm altogether.")
    within = desk.ingest(desk.articles / "sea", other, dry_run=True)
    across = desk.ingest(other, dry_run=True)
    for report in (within, across):
        assert codes(report) == ["clash"]
        for part in ("'storm'", str(desk.articles / "sea/storm.txt"), str(other / "storm.txt")):
            assert part in str(report.rejected[0])
    write(other / "storm.md", "---\nid: storm\n---\nAnother storm altogether.")
    (other / "storm.txt").unlink()
    assert counts(desk.ingest(other, dry_run=True)) == (0, 1, 0, 0, 5)
    write(other / "storm.txt", "Another storm altogether.")
    (other / "storm.md").unlink()
    (desk.articles / "sea/storm.txt").unlink()
    moved = desk.ingest(other, dry_run=True)
    assert (moved.updated, moved.moved, moved.rejected) == (1, 0, [])


def feed(jobs: int, extra: str) -> str:
    items = [(1, f"The Orle yard closes and {jobs} people lose their jobs."), (2, extra)]
    entries = "".join(
        f"<item><guid>https://orle.example/{number}</guid><title>Item {number}</title>"
        f"<description>{text}</description></item>"
        for number, text in items
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Orle</title>{entries}</channel></rss>'


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_later_copies_of_a_feed_correct_earlier_ones(empty: Desk, order: tuple[int, int]) -> None:
    """The entry of the later copy of a feed is ingested, whatever the names of the files."""
    paths = [
        write(empty.articles / "2026-05-01.xml", feed(30, "Snow fell.")),
        write(empty.articles / "2026-05-02.xml", feed(75, "Snow fell.")),
    ]
    for expected in ((2, 0, 0, 0, 0), (0, 0, 2, 0, 0)):
        report = empty.ingest(*(paths[place] for place in order))
        assert (counts(report), report.passed_over, report.exit_code) == (expected, 1, 0)
    texts = empty.texts().values()
    assert [text for text in texts if "75 people" in text]
    assert not [text for text in texts if "30 people" in text]


def test_copies_of_other_articles_are_counted(empty: Desk) -> None:
    """The first of equal articles in one run is not a copy; a later copy of a known article is one."""
    story = newsroom(1, sentences=8)[0].body
    together = [write(empty.articles / f"{name}.txt", f"{name}\n\n{story}") for name in ("Echo", "Courier", "Post")]
    assert empty.ingest(*together).copies == 2
    assert empty.ingest(write(empty.articles / "Times.txt", f"Late\n\n{story}")).copies == 1
    report = empty.ingest(write(empty.articles / "Other.txt", "Other\n\nThe museum opens late on Fridays."))
    assert (report.copies, report.to_dict()["copies"]) == (0, 0)


def test_a_renamed_file_keeps_its_article(desk: Desk) -> None:
    """A renamed file is the same article: its id stays, and nothing is embedded."""
    (desk.articles / "city/vote.txt").rename(desk.articles / "city/the-vote.txt")
    before = desk.chunks()
    report = desk.ingest()
    assert (counts(report), report.moved, report.embedded) == ((0, 0, 5, 0, 0), 1, 0)
    assert desk.chunks() == before
    again = desk.ingest(prune=True)
    assert (counts(again), again.moved, again.generation) == ((0, 0, 6, 0, 0), 0, None)


def test_a_dry_run_writes_nothing(desk: Desk) -> None:
    """A dry run reports the changes, and changes no file of the index."""
    before = desk.state()
    write(desk.articles / "sea/new.txt", "A new pier.")
    write(desk.articles / "sea/storm.txt", "Calm seas.")
    (desk.articles / "city/vote.txt").unlink()
    report = desk.ingest(prune=True, dry_run=True)
    assert counts(report) == (1, 1, 4, 1, 0)
    assert (report.dry_run, report.generation, report.embedded, desk.embedder.batches) == (True, None, 0, 0)
    assert desk.state() == before


def test_a_dry_run_before_the_first_ingest_writes_nothing(empty: Desk) -> None:
    """A dry run creates no generation and no segment."""
    write(empty.articles / "a.txt", "Crews left.")
    assert empty.ingest(dry_run=True).added == 1
    assert empty.state() == {}


@pytest.mark.parametrize(
    ("embedder", "language", "said"),
    [
        (HashedEmbedder("fake:other"), "english", ["embedding_model", "'fake:hashed'", "'fake:other'"]),
        (HashedEmbedder(graph="fp32"), "english", ["embedding_graph", "'exact'", "'fp32'"]),
        (HashedEmbedder(), "german", ["language", "'english'", "'german'", "STOPWORDS_GERMAN"]),
    ],
)
def test_other_settings_are_a_mismatch(desk: Desk, embedder: HashedEmbedder, language: str, said: list[str]) -> None:
    """The error states the difference, both values and the fix, and the index stays unchanged."""
    before = desk.state()
    with pytest.raises(IndexMismatch) as raised:
        desk.ingest(embedder=embedder, language=language)
    for part in (*said, "--rebuild", "--data"):
        assert part in str(raised.value)
    assert desk.state() == before


@pytest.mark.parametrize(("field", "value"), [("CHUNKER", "words-100@1"), ("SCHEMA_VERSION", 99)])
def test_an_index_of_another_version_is_a_mismatch(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, field: str, value: str | int
) -> None:
    """An index of another chunker or schema is not extended; the error states both values."""
    monkeypatch.setattr(ingest.job, field, value)
    with pytest.raises(IndexMismatch, match=rf"its \w+ is .*, the settings say {value!r}(.|\n)*--rebuild"):
        desk.ingest()


def test_a_rebuild_embeds_every_article_again(desk: Desk) -> None:
    """A rebuild embeds every article, also those that it did not read; with other settings as well."""
    first = desk.manifest
    same = desk.ingest(desk.articles / "sea", rebuild=True)
    assert (same.unchanged, same.kept, same.embedded) == (2, 4, first.chunk_count)
    assert desk.manifest.generation != first.generation
    assert desk.manifest.fingerprint == first.fingerprint
    other = HashedEmbedder("fake:other", dimension=32)
    report = desk.ingest(desk.articles / "sea", embedder=other, language="german", rebuild=True)
    assert report.embedded == len(other.texts) == first.chunk_count
    assert desk.manifest.configuration == configuration_of(other, "german")
    assert desk.ids() == IDS
    with opened(desk.data) as generation:
        assert generation.parts[0].segment.vectors.shape == (first.chunk_count, 32)


def test_the_order_of_articles_does_not_matter(desk: Desk, tmp_path: Path) -> None:
    """The same articles, ingested folder by folder in reverse, give the same fingerprint, chunks and vectors."""
    other = Desk(tmp_path)
    for names in (["sea/storm.txt", "briefs.jsonl"], ["sea/ferry.md", "city/vote.txt", "city/long.txt"]):
        other.ingest(*(desk.articles / name for name in names))
    assert len(other.manifest.segments) == 2
    assert other.manifest.fingerprint == desk.manifest.fingerprint
    assert other.chunks() == desk.chunks()


@pytest.fixture
def long_articles(empty: Desk) -> Desk:
    """Write more articles than are embedded together, of several chunks each."""
    for each in newsroom(ARTICLES_AT_ONCE + 8, sentences=30):
        write(empty.articles / f"{each.article_id}.txt", each.body)
    return empty


def test_an_interrupted_ingest_continues_where_it_stopped(long_articles: Desk) -> None:
    """A failed ingest publishes nothing; the next run embeds only the rest, and removes what the first one left."""
    failing = HashedEmbedder(fails_after=1)
    with pytest.raises(EmbeddingFailed):
        long_articles.ingest(embedder=failing)
    assert (current_name(long_articles.data), generation_names(long_articles.data)) == (None, [])
    report = long_articles.ingest()
    assert failing.texts
    assert not set(failing.texts) & set(long_articles.embedder.texts)
    assert report.embedded == len(long_articles.embedder.texts) == report.chunks - len(failing.texts)
    assert unfinished(long_articles.data) == []


def kill_ingest(desk: Desk, phase: str) -> None:
    """Start an ingest in its own process and kill it with SIGKILL when it has come to a phase."""
    command = [sys.executable, "-m", "tests.ingest.interrupted", str(desk.data), str(desk.articles / "sea"), phase]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stalled\n"
        process.kill()
    assert process.returncode == -9


def test_an_ingest_that_is_killed_leaves_the_old_generation(desk: Desk, tmp_path: Path) -> None:
    """An ingest that is killed changes nothing; the next run gives the result of one run, and embeds no text again."""
    before, published = desk.manifest, generation_names(desk.data)
    for each in newsroom(ARTICLES_AT_ONCE + 8, sentences=30):
        write(desk.articles / "sea" / f"{each.article_id}.txt", each.body)
    for phase in ("embedding", "verification"):
        kill_ingest(desk, phase)
        assert desk.manifest == before
        assert generation_names(desk.data) == published
        assert desk.ids() == IDS
        assert unfinished(desk.data)
    report = desk.ingest()
    assert (report.added, report.embedded, report.rejected) == (ARTICLES_AT_ONCE + 8, 0, [])
    assert unfinished(desk.data) == []
    undisturbed = Desk(tmp_path)
    undisturbed.articles = desk.articles
    undisturbed.ingest()
    assert desk.manifest.fingerprint == undisturbed.manifest.fingerprint
    assert desk.chunks() == undisturbed.chunks()


@pytest.mark.parametrize("phase", ["manifest", "current", "merge"])
def test_a_kill_after_the_segment_is_closed_costs_no_embedding(desk: Desk, phase: str) -> None:
    """Killed before the manifest, before CURRENT or in a merge, an ingest leaves a generation that is complete."""
    for number in range(1, MOST_SEGMENTS):
        write(desk.articles / f"sea/pier-{number}.txt", f"Pier {number} was opened.")
        desk.ingest(desk.articles / "sea")
    before = desk.manifest
    write(desk.articles / "sea/new.txt", "The pier was closed.")
    kill_ingest(desk, phase)
    assert (desk.manifest == before) == (phase != "merge")
    assert desk.ids() - IDS - {"new"} == {f"pier-{number}" for number in range(1, MOST_SEGMENTS)}
    assert ("new" in desk.ids()) == (phase == "merge")
    embedded = len(desk.embedder.texts)
    desk.ingest()
    assert len(desk.embedder.texts) == embedded
    assert desk.texts()["new#0"] == "The pier was closed."
    assert unfinished(desk.data) == []
    write(desk.articles / "sea/last.txt", "The ferry was sold.")
    desk.ingest()
    assert len(desk.manifest.segments) <= MOST_SEGMENTS


def test_a_second_ingest_ends_at_once(desk: Desk) -> None:
    """A second ingest ends at once, names the process that holds the lock, and changes nothing."""
    before = desk.state()
    with ingest_lock(desk.data), pytest.raises(IngestRunning, match=f"process {os.getpid()} "):
        desk.ingest()
    assert desk.state() == before


def test_invalid_vectors_are_not_stored(desk: Desk) -> None:
    """Invalid vectors stop the ingest; the old generation stays, and the next ingest embeds the texts again."""

    class Broken(HashedEmbedder):
        def embed_texts(self, texts: Sequence[str]) -> Matrix:
            return unit(super().embed_texts(texts) * np.float32(np.nan), len(texts))

    before = desk.manifest
    write(desk.articles / "sea/new.txt", "A new pier.")
    with pytest.raises(EmbeddingFailed, match="a vector of length nan for text 1 of 1"):
        desk.ingest(embedder=Broken())
    assert desk.manifest == before
    assert generation_names(desk.data) == [before.generation]
    assert desk.ingest().embedded == 1


@pytest.mark.parametrize("file", [CATALOG, VECTORS, "chroma/chroma.sqlite3", "lexical/rows.npy"])
def test_a_corrupt_index_is_not_extended(desk: Desk, file: str) -> None:
    """A lost file of the current generation is named with the command that repairs it; nothing is published."""
    (desk.segment() / file).unlink()
    write(desk.articles / "sea/new.txt", "A new pier.")
    before = desk.state()
    with pytest.raises(IndexDamaged, match=rf"{re.escape(file)} is missing(.|\n)*dateline doctor"):
        desk.ingest()
    assert desk.state() == before


def test_an_ingest_continues_from_a_generation_without_current(desk: Desk) -> None:
    """The next ingest continues from a complete generation that CURRENT does not name yet."""
    before = desk.manifest
    (desk.data / CURRENT).unlink()
    report = desk.ingest()
    assert (report.unchanged, report.embedded) == (len(IDS), 0)
    assert desk.manifest.fingerprint == before.fingerprint


def test_a_missing_path_is_reported(desk: Desk) -> None:
    """A missing path is an invalid argument, and nothing is pruned."""
    with pytest.raises(ConfigurationError, match="nowhere"):
        desk.ingest(desk.articles, desk.articles / "nowhere", prune=True)


def test_title_and_text_of_a_chunk_are_embedded(empty: Desk) -> None:
    """Each chunk is embedded with the title of its article, and without its other metadata."""
    embedder = HashedEmbedder()
    write(empty.articles / "a.md", "---\ntitle: Strike\nsource: Courier\n---\nCrews left.")
    write(empty.articles / "b.json", '{"text": "They came back."}')
    empty.ingest(embedder=embedder)
    assert embedder.texts == ["Strike\nCrews left.", "They came back."]


def test_equal_texts_are_embedded_once(empty: Desk) -> None:
    """A text that several articles have is embedded once, and one that the index has not at all."""
    for name in ("a", "b"):
        write(empty.articles / f"{name}.json", '{"text": "Crews left."}')
    assert empty.ingest().embedded == 1
    write(empty.articles / "c.json", '{"text": "Crews left."}')
    report = empty.ingest()
    assert (report.added, report.embedded, report.chunks) == (1, 0, 3)
