import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from index.vector_cache import VectorCache, embedding_key

from index.catalog import Catalog
from index.embedding import Matrix, unit
from index.errors import ConfigurationError, EmbeddingFailed, IndexDamaged, IndexMismatch, IngestRunning
from index.generation import Generation, make_current, read_manifest
from index.layout import (
    CATALOG,
    CURRENT,
    EMBEDDINGS,
    GENERATIONS,
    LEASE,
    LOCK,
    MANIFEST,
    STAGING_PREFIX,
    VECTORS,
    current_name,
)
from index.library import Library
from index.locks import ingest_lock
from index.records import Manifest
from ingest.job import EMBEDDING_BATCH, Ingest, configuration_of, embed_missing, run
from ingest.progress import Progress
from ingest.report import IngestReport
from tests.fakes import HashedEmbedder, newsroom
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
        return read_manifest(self.data / GENERATIONS / (current_name(self.data) or ""))

    def chunks(self) -> list[tuple[str, str]]:
        """Return chunk ids and texts of the current generation, in row order."""
        with closing(Catalog(self.data / GENERATIONS / self.manifest.generation / CATALOG)) as catalog:
            return [(chunk.chunk_id, chunk.text) for chunk, _ in catalog.chunks(range(catalog.chunk_count))]

    def ids(self) -> set[str]:
        return {chunk_id.partition("#")[0] for chunk_id, _ in self.chunks()}

    def vectors(self) -> Matrix:
        loaded: Matrix = np.load(self.data / GENERATIONS / self.manifest.generation / VECTORS)
        return loaded

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
    with closing(Generation(desk.data / GENERATIONS / desk.manifest.generation)) as generation:
        assert generation.manifest.article_count == len(IDS)
        held = generation.catalog.chunks(range(generation.manifest.chunk_count))
        assert all(article.body[chunk.start_char : chunk.end_char] == chunk.text for chunk, article in held)
        for row, (chunk, article) in enumerate(held):
            text = f"{article.title}\n{chunk.text}" if article.title else chunk.text
            assert generation.dense.vectors[row] == pytest.approx(desk.embedder.embed_query(text))
        ferry = generation.catalog.article("ferry")
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

    A run that was cut short just before CURRENT moved is made good by the next, which embeds nothing again.
    """
    before = desk.manifest.generation
    write(desk.articles / "sea/storm.txt", "Snow fell on Tarnmouth instead.")
    write(desk.articles / "city/long.txt", "It was short.")
    assert len([each for each in desk.chunks() if each[0].startswith("long#")]) > 3
    report = desk.ingest()
    assert counts(report) == (0, 2, 4, 0, 0)
    assert len(desk.embedder.texts) == report.embedded == 2
    chunks = dict(desk.chunks())
    assert chunks["storm#0"] == "Snow fell on Tarnmouth instead."
    assert [each for each in chunks if each.startswith("long")] == ["long#0"]
    assert len(desk.vectors()) == len(chunks) == report.chunks == desk.manifest.chunk_count
    with closing(Generation(desk.data / GENERATIONS / desk.manifest.generation)) as generation:
        assert not generation.lexical.scores("roofs").any()
    first = desk.manifest
    make_current(desk.data, before)
    again = desk.ingest()
    assert (again.updated, again.embedded) == (2, 0)
    assert desk.manifest.fingerprint == first.fingerprint != before.rpartition("-")[2]


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
    """Publishing keeps the newest three generations, and removes the files of killed runs."""
    generations = desk.data / GENERATIONS
    before = desk.manifest.generation
    older = [f"2026010{day}T000000000Z-00000000" for day in (1, 2, 3)]
    for name in (*older, f"{STAGING_PREFIX}123"):
        shutil.copytree(generations / before, generations / name)
    write(desk.articles / "sea/new.txt", "A new pier.")
    desk.ingest()
    assert {path.name for path in generations.iterdir()} == {desk.manifest.generation, before, older[-1]}


def test_when_everything_is_gone_the_index_is_empty_and_whole(desk: Desk) -> None:
    """Pruning the last article publishes an empty generation, which can be opened and extended."""
    shutil.rmtree(desk.articles)
    desk.articles.mkdir()
    report = desk.ingest(desk.articles, prune=True)
    assert (report.removed, report.chunks, desk.manifest.article_count) == (6, 0, 0)
    with closing(Library(desk.data, desk.embedder.name)) as library, library.pinned() as generation:
        assert generation.catalog.listed() == []


def test_a_rejected_article_keeps_its_old_one_and_stops_no_other(desk: Desk) -> None:
    """The article of a file that became invalid stays in the index, even with --prune; valid files are ingested."""
    write(desk.articles / "sea/storm.txt", b"\xff\xfe\xff not UTF-8")
    write(desk.articles / "sea/new.txt", "A new pier was opened on Lissay.")
    write(desk.articles / "sea/empty.txt", "")
    report = desk.ingest(prune=True)
    assert (report.added, report.updated, report.removed, report.exit_code) == (1, 0, 0, 3)
    assert sorted(Path(each.origin).name for each in report.rejected) == ["empty.txt", "storm.txt"]
    chunks = dict(desk.chunks())
    assert "Roofs fell in Tarnmouth." in chunks["storm#0"]
    assert chunks["new#0"] == "A new pier was opened on Lissay."


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
    texts = [text for _, text in empty.chunks()]
    assert [text for text in texts if "75 people" in text]
    assert not [text for text in texts if "30 people" in text]


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
    """A dry run creates no generation and no vector cache."""
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


@pytest.mark.parametrize(("field", "value"), [("chunker", "words-100@1"), ("schema", 0)])
def test_an_index_of_another_version_is_a_mismatch(desk: Desk, field: str, value: str | int) -> None:
    """An index of another chunker or schema is not extended; the error states both values."""
    path = desk.data / GENERATIONS / desk.manifest.generation / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["configuration"][field] = value
    path.write_text(json.dumps(manifest))
    with pytest.raises(IndexMismatch, match=rf"its {field} is {value!r}, the settings say (.|\n)*--rebuild"):
        desk.ingest()


def test_a_rebuild_chunks_every_article_again(desk: Desk) -> None:
    """A rebuild with the same settings embeds nothing; with other settings it embeds every article."""
    first = desk.manifest
    same = desk.ingest(desk.articles / "sea", rebuild=True)
    assert (same.unchanged, same.kept, same.embedded, desk.embedder.batches) == (2, 4, 0, 0)
    assert desk.manifest.generation != first.generation
    assert desk.manifest.fingerprint == first.fingerprint
    other = HashedEmbedder("fake:other", dimension=32)
    report = desk.ingest(desk.articles / "sea", embedder=other, language="german", rebuild=True)
    assert report.embedded == len(other.texts) == first.chunk_count
    assert desk.manifest.configuration == configuration_of(other, "german")
    assert desk.vectors().shape == (first.chunk_count, 32)
    assert desk.ids() == IDS


def test_the_order_of_articles_does_not_matter(desk: Desk, tmp_path: Path) -> None:
    """The same articles, ingested folder by folder in reverse, give the same fingerprint and rows."""
    other = Desk(tmp_path)
    for names in (["sea/storm.txt", "briefs.jsonl"], ["sea/ferry.md", "city/vote.txt", "city/long.txt"]):
        other.ingest(*(desk.articles / name for name in names))
    assert other.manifest.fingerprint == desk.manifest.fingerprint
    assert other.chunks() == desk.chunks()
    assert np.array_equal(other.vectors(), desk.vectors())


@pytest.fixture
def long_articles(empty: Desk) -> Desk:
    """Write forty articles of several chunks each: more than one batch."""
    for each in newsroom(40, sentences=30):
        write(empty.articles / f"{each.article_id}.txt", each.body)
    return empty


def test_an_interrupted_ingest_continues_where_it_stopped(long_articles: Desk) -> None:
    """A failed ingest leaves no generation and no staging; the next run embeds only the rest."""
    failing = HashedEmbedder(fails_after=1)
    with pytest.raises(EmbeddingFailed):
        long_articles.ingest(embedder=failing)
    assert current_name(long_articles.data) is None
    assert not list((long_articles.data / GENERATIONS).iterdir())
    report = long_articles.ingest()
    assert failing.texts
    assert not set(failing.texts) & set(long_articles.embedder.texts)
    assert report.embedded == len(long_articles.embedder.texts) == report.chunks - len(failing.texts)


def kill_ingest(desk: Desk, phase: str) -> None:
    """Start an ingest in its own process and kill it with SIGKILL, while it embeds or verifies."""
    command = [sys.executable, "-m", "tests.ingest.interrupted", str(desk.data), str(desk.articles / "sea"), phase]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stalled\n"
        process.kill()
    assert process.returncode == -9


def test_an_ingest_that_is_killed_leaves_the_old_generation(desk: Desk, tmp_path: Path) -> None:
    """An ingest killed while it embeds or verifies changes nothing; the next run gives the result of one run."""
    before = desk.manifest
    for each in newsroom(40, sentences=30):
        write(desk.articles / "sea" / f"{each.article_id}.txt", each.body)
    for phase in ("embedding", "verification"):
        kill_ingest(desk, phase)
        assert desk.manifest == before
        assert desk.ids() == IDS
        assert list((desk.data / GENERATIONS).glob(f"{STAGING_PREFIX}*"))
    report = desk.ingest()
    assert (report.added, report.embedded, report.rejected) == (40, 0, [])
    assert not list((desk.data / GENERATIONS).glob(f"{STAGING_PREFIX}*"))
    undisturbed = Desk(tmp_path)
    undisturbed.articles = desk.articles
    undisturbed.ingest()
    assert desk.manifest.fingerprint == undisturbed.manifest.fingerprint
    assert desk.chunks() == undisturbed.chunks()


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
    assert [path.name for path in (desk.data / GENERATIONS).iterdir()] == [before.generation]
    assert desk.ingest().embedded == 1


def test_a_corrupt_catalogue_is_not_extended(desk: Desk) -> None:
    """Articles are not copied from a catalogue that has changed since it was published."""
    path = desk.data / GENERATIONS / desk.manifest.generation / CATALOG
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM chunk WHERE row = 3")
    write(desk.articles / "sea/new.txt", "A new pier.")
    with pytest.raises(IndexDamaged, match=r"catalog\.db is missing or has changed"):
        desk.ingest()


def test_other_corruption_is_repaired_by_the_next_change(desk: Desk) -> None:
    """A new generation does not use the vectors and Chroma files of the old one, which may be corrupt."""
    folder = desk.data / GENERATIONS / desk.manifest.generation
    (folder / VECTORS).unlink()
    shutil.rmtree(folder / "chroma")
    write(desk.articles / "sea/new.txt", "A new pier.")
    report = desk.ingest()
    assert (report.added, report.embedded) == (1, 1)
    assert desk.ids() == {*IDS, "new"}


def test_a_lost_vector_cache_is_filled_again(desk: Desk) -> None:
    """Without embeddings.db the vectors of unchanged articles come from the generation; only new texts are embedded."""
    (desk.data / EMBEDDINGS).unlink()
    write(desk.articles / "sea/new.txt", "A new pier.")
    assert desk.ingest().embedded == 1
    assert desk.ids() == {*IDS, "new"}


@pytest.mark.parametrize("file", [VECTORS, "chroma/chroma.sqlite3", LEASE])
def test_corruption_is_repaired_by_the_next_ingest(desk: Desk, file: str) -> None:
    """An ingest without changes still replaces a corrupt current generation, and embeds nothing."""
    before = desk.manifest
    (desk.data / GENERATIONS / before.generation / file).unlink()
    report = desk.ingest()
    assert (report.added, report.updated, report.embedded) == (0, 0, 0)
    assert desk.manifest.generation == report.generation != before.generation
    assert desk.manifest.fingerprint == before.fingerprint
    assert desk.ingest().generation is None


def test_an_ingest_continues_from_a_generation_without_current(desk: Desk) -> None:
    """The next ingest continues from a complete generation that CURRENT does not name yet."""
    before = desk.manifest
    (desk.data / CURRENT).unlink()
    report = desk.ingest()
    assert (report.unchanged, report.embedded) == (len(IDS), 0)
    assert desk.manifest.fingerprint == before.fingerprint


def test_missing_vectors_are_reported(desk: Desk) -> None:
    """If vectors of unread articles are missing everywhere, the ingest reports it and publishes nothing."""
    before = desk.manifest
    (desk.data / EMBEDDINGS).unlink()
    (desk.data / GENERATIONS / before.generation / VECTORS).unlink()
    write(desk.articles / "sea/new.txt", "A new pier.")
    with pytest.raises(EmbeddingFailed, match=r"vectors are not in embeddings\.db(.|\n)*--rebuild"):
        desk.ingest()
    assert desk.manifest == before
    assert desk.ingest(rebuild=True).embedded == before.chunk_count


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


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VectorCache]:
    with closing(VectorCache(tmp_path / "embeddings.db", "fake")) as opened:
        yield opened


def test_a_text_is_embedded_once(store: VectorCache) -> None:
    """A text that occurs twice, in one call or in two, is embedded and counted once."""
    embedder = HashedEmbedder()
    assert embed_missing(["Crews left.", "Crews left.", "They came back."], embedder, store) == 2
    assert embedder.batches == 1
    assert embed_missing(["They came back.", "It rained."], embedder, store) == 1
    assert embedder.texts == ["Crews left.", "They came back.", "It rained."]
    key = embedding_key("It rained.")
    assert np.array_equal(np.frombuffer(store.get([key])[key], "f4"), embedder.embed_query("It rained."))


def test_nothing_new_embeds_nothing(store: VectorCache) -> None:
    """The embedder is not called for texts that are stored, or for no texts."""
    embed_missing(["Crews left."], HashedEmbedder(), store)
    embedder = HashedEmbedder()
    assert embed_missing([], embedder, store) == embed_missing(["Crews left."], embedder, store) == 0
    assert embedder.batches == 0


def test_batches_that_are_done_are_kept_when_a_later_one_fails(store: VectorCache) -> None:
    """A failure costs its own batch; the next run embeds the rest."""
    texts = [f"Sentence {number}." for number in range(2 * EMBEDDING_BATCH + 10)]
    with pytest.raises(EmbeddingFailed, match="fails after 2"):
        embed_missing(texts, HashedEmbedder(fails_after=2), store)
    assert embed_missing(texts, HashedEmbedder(), store) == 10
