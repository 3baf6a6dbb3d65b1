"""A generation of several segments, its manifest, and how it becomes current; `test_ranking` compares its scores."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import layout, publishing, segment
from index.errors import EmbeddingFailed, IndexDamaged
from index.generation import MOST_VIEWS, OPENING, Generation, open_generation
from index.layout import (
    CURRENT,
    current_name,
    generation_names,
    is_leased,
    manifest_path,
    segment_names,
    write_synced,
)
from index.publishing import (
    SCHEMA_VERSION,
    entry_of,
    make_current,
    manifest_of,
    publish,
    read_manifest,
    readable_manifests,
    write_manifest,
)
from index.records import Article, Filters, fingerprint
from tests.fakes import HashedEmbedder, article, built, configuration, grown, newsroom, opened

EMBEDDER = HashedEmbedder()
MADE = configuration(EMBEDDER)
ARTICLES = newsroom(12, sentences=3)
HASHES = st.dictionaries(st.text(min_size=1), st.text("0123456789abcdef", min_size=64, max_size=64))


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with three generations of one to three segments.

    In the last one, a changed and a removed article are dead in the first segment.
    """
    data = tmp_path_factory.mktemp("three")
    built(data, ARTICLES[:6])
    grown(data, ARTICLES[6:9])
    grown(
        data, [*ARTICLES[9:], replace(ARTICLES[2], body="The vote was repeated. The mayor stayed away.")], ["news-0004"]
    )
    return data


@pytest.fixture
def data(three: Path, tmp_path: Path) -> Path:
    return shutil.copytree(three, tmp_path / "data")


@pytest.fixture(scope="module")
def generation(three: Path) -> Iterator[Generation]:
    with opened(three) as generation:
        generation.open()
        yield generation


@given(HASHES, st.randoms())
def test_a_fingerprint_depends_on_no_order(hashes: dict[str, str], random: Random) -> None:
    """The same articles have the same fingerprint in any order."""
    shuffled = random.sample(list(hashes.items()), len(hashes))
    assert fingerprint(hashes.items(), MADE) == fingerprint(shuffled, MADE)


@given(HASHES, HASHES)
def test_other_articles_have_another_fingerprint(one: dict[str, str], other: dict[str, str]) -> None:
    """Two sets of articles have the same fingerprint if and only if they are equal."""
    assert (fingerprint(one.items(), MADE) == fingerprint(other.items(), MADE)) == (one == other)


@pytest.mark.parametrize(
    ("field", "value"), [("embedding_model", "other"), ("chunker", "other@2"), ("language", "german"), ("schema", 99)]
)
def test_another_way_of_making_has_another_fingerprint(field: str, value: str | int) -> None:
    """The model, the chunker, the language and the schema are part of the fingerprint; the graph is not."""
    other = replace(MADE, **{field: value})  # type: ignore[arg-type]
    assert fingerprint([("a", "0")], MADE) != fingerprint([("a", "0")], other)
    assert fingerprint([], MADE) == fingerprint([], replace(MADE, embedding_graph="fp32"))


def test_a_manifest_lists_the_segments_and_their_dead(three: Path) -> None:
    """It has the counts of the live articles and chunks, the digest of each segment, and a name that begins with it."""
    manifest = read_manifest(three, current_name(three) or "")
    assert (manifest.article_count, manifest.chunk_count, manifest.configuration) == (11, 32, MADE)
    assert [entry.segment for entry in manifest.segments] == segment_names(three)
    assert [entry.dead for entry in manifest.segments] == [("news-0002", "news-0004"), (), ()]
    assert manifest.segments[0] == entry_of(three, segment_names(three)[0], ["news-0004", "news-0002"])
    assert manifest.configuration.schema == SCHEMA_VERSION
    moment = manifest.created_at.translate(str.maketrans("", "", "-:."))
    assert manifest.generation == f"{moment}-{manifest.digest}"


def test_names_sort_by_time(three: Path) -> None:
    """Generations are listed newest first, by name."""
    manifests = [read_manifest(three, name) for name in generation_names(three)]
    times = [manifest.created_at for manifest in manifests]
    assert times == sorted(times, reverse=True)
    assert [len(manifest.segments) for manifest in manifests] == [3, 2, 1]
    assert readable_manifests(three) == manifests


def test_a_published_generation_is_current(data: Path) -> None:
    """CURRENT names it; a segment whose articles are all dead is left out."""
    entries = list(read_manifest(data, current_name(data) or "").segments)
    entries[1] = replace(entries[1], dead=tuple(each.article_id for each in ARTICLES[6:9]))
    manifest = publish(data, MADE, entries)
    assert current_name(data) == manifest.generation == generation_names(data)[0]
    assert manifest.segments == (entries[0], entries[2])
    with opened(data) as generation:
        assert generation.manifest == manifest
        assert len(generation.hashes()) == manifest.article_count == 8


def test_current_names_no_generation_that_is_not_written(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifest is in place before CURRENT names it: a kill between them leaves the old generation."""
    before = current_name(data)
    written: list[bool] = []
    monkeypatch.setattr(
        publishing, "make_current", lambda folder, name: written.append(manifest_path(folder, name).is_file())
    )
    publish(data, MADE, read_manifest(data, before or "").segments[:1])
    assert written == [True]
    assert current_name(data) == before


def test_a_manifest_of_an_earlier_moment_keeps_its_place(data: Path) -> None:
    """A takedown writes older generations again, with their time; writing one twice gives the same name."""
    manifest = read_manifest(data, generation_names(data)[1])
    moment = datetime.fromisoformat(manifest.created_at)
    again = manifest_of(data, MADE, manifest.segments[:1], moment)
    assert again == manifest_of(data, MADE, manifest.segments[:1], moment)
    assert again != manifest_of(data, MADE, manifest.segments[:1], moment + timedelta(seconds=1))
    write_manifest(data, again)
    assert generation_names(data).index(again.generation) in (1, 2)
    assert again.created_at == manifest.created_at


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_an_invalid_manifest_is_corrupt(data: Path, text: str) -> None:
    """The error names the generation and the repair; the others can be read."""
    name, *others = generation_names(data)
    manifest_path(data, name).write_text(text)
    with pytest.raises(IndexDamaged, match=rf"generation {name} has no readable manifest(.|\n)*--repair"):
        read_manifest(data, name)
    assert [manifest.generation for manifest in readable_manifests(data)] == others
    with pytest.raises(IndexDamaged, match=name):
        open_generation(data, name)
    assert not is_leased(manifest_path(data, name))


def test_a_changed_manifest_is_corrupt(data: Path) -> None:
    """A list of dead articles without one of them would bring it back: the name has the digest of everything else."""
    name, other, _ = generation_names(data)
    text = manifest_path(data, name).read_text()
    assert '"news-0004"' in text
    manifest_path(data, name).write_text(text.replace(',\n        "news-0004"', ""))
    with pytest.raises(IndexDamaged, match=f"the manifest of generation {name} has changed"):
        read_manifest(data, name)
    manifest_path(data, name).write_text(manifest_path(data, other).read_text())
    with pytest.raises(IndexDamaged, match=f"the manifest of generation {name} has changed"):
        read_manifest(data, name)


def test_a_generation_that_is_gone_is_corrupt(data: Path) -> None:
    """It may have been removed since its name was read."""
    with pytest.raises(IndexDamaged, match="generation 2000 cannot be opened"):
        open_generation(data, "2000")
    with pytest.raises(IndexDamaged, match="generation 2000 has no readable manifest"):
        read_manifest(data, "2000")


def test_an_open_generation_is_leased(data: Path) -> None:
    """Its segments are not removed until it is closed."""
    name = current_name(data) or ""
    with opened(data):
        assert is_leased(manifest_path(data, name))
    assert not is_leased(manifest_path(data, name))


def test_current_is_replaced_at_once(tmp_path: Path) -> None:
    """CURRENT has one name and a line end, without a temporary file beside it."""
    for name in ("one", "another"):
        make_current(tmp_path, name)
        assert (tmp_path / CURRENT).read_text() == f"{name}\n"
        assert current_name(tmp_path) == name
    assert [path.name for path in tmp_path.iterdir()] == [CURRENT]


def test_no_current_is_none(tmp_path: Path) -> None:
    """A missing or empty CURRENT returns None; bytes that are not text are a name that no generation has."""
    assert current_name(tmp_path) is None
    (tmp_path / CURRENT).write_text("\n")
    assert current_name(tmp_path) is None
    (tmp_path / CURRENT).write_bytes(b"\xff\xfe\n")
    assert current_name(tmp_path) == "��"
    assert generation_names(tmp_path) == segment_names(tmp_path) == []


def test_a_file_is_synced_before_it_replaces_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers see the old text or the new one, also after a loss of power: the folder is synced last."""
    synced: list[tuple[Path, str]] = []
    monkeypatch.setattr(layout, "sync", lambda path: synced.append((path, (tmp_path / "file").read_text())))
    flushed: list[int] = []
    monkeypatch.setattr("os.fsync", flushed.append)
    write_synced(tmp_path / "file", "new")
    assert len(flushed) == 1
    assert synced == [(tmp_path, "new")]


def test_the_rows_of_the_segments_are_numbered_through(generation: Generation) -> None:
    """The first row of a segment follows the last one of the segment before it; dead rows keep their numbers."""
    assert [part.first for part in generation.parts] == [0, 18, 27]
    assert [part.rows for part in generation.parts] == [slice(0, 18), slice(18, 27), slice(27, 38)]
    alive = generation.allowed_rows(Filters())
    assert alive is not None
    assert np.flatnonzero(~alive).tolist() == [6, 7, 8, 12, 13, 14]
    assert [part.alive is None for part in generation.parts] == [False, True, True]
    assert list(generation.parts[0].texts(~alive[:18])) == [
        chunk.text for chunk, _ in generation.chunks(np.array([6, 7, 8, 12, 13, 14]))
    ]
    assert list(generation.parts[1].texts(~alive[18:27])) == []


def test_without_a_filter_and_without_the_dead_every_row_is_allowed(three: Path) -> None:
    """None needs no mask; a filter has one."""
    with opened(three, generation_names(three)[1]) as generation:
        assert generation.allowed_rows(Filters()) is None
        allowed = generation.allowed_rows(Filters(article_ids=("news-0007",)))
        assert allowed is not None
        assert np.flatnonzero(allowed).tolist() == [21, 22, 23]


def test_chunks_of_all_segments_come_in_the_order_asked_for(generation: Generation) -> None:
    """Rows of any segment can be asked for, repeatedly; the ids of their chunks come without their bodies."""
    rows = np.array([37, 0, 20, 19, 0, 36])
    found = generation.chunks(rows)
    assert [chunk.chunk_id for chunk, _ in found] == [outlet.chunk_id for outlet in generation.outlets(rows)]
    assert [each.article_id for _, each in found] == [
        "news-0002",
        "news-0000",
        "news-0006",
        "news-0006",
        "news-0000",
        "news-0002",
    ]
    assert found[0][0].text == "The mayor stayed away."
    assert found[1] == found[4]
    nothing = np.empty(0, dtype=np.int64)
    assert (generation.chunks(nothing), generation.outlets(nothing)) == ([], [])
    assert generation.cosines(EMBEDDER.embed_query("ferry"), nothing).tolist() == []


def test_only_the_live_version_of_an_article_is_found(generation: Generation) -> None:
    """A dead article is not listed, counted or returned, whatever segment it is in."""
    changed = generation.article("news-0002")
    assert changed is not None
    assert changed.body == "The vote was repeated. The mayor stayed away."
    assert generation.article("news-0004") is None
    assert generation.article("unknown") is None
    ids = {each.article_id for each in ARTICLES} - {"news-0004"}
    assert generation.hashes().keys() == generation.origins().keys() == ids
    assert {each.article_id for each in generation.articles()} == ids
    assert {each.article.article_id for each in generation.listed(0, 99)} == ids
    assert generation.hashes()["news-0002"] == changed.content_hash


def test_a_list_is_cut_into_pages_without_loss(generation: Generation) -> None:
    """Page after page, over all segments: the newest first, those without a date last; each with its opening."""
    listed = generation.listed(0, 99)
    pages = [each for offset in range(0, 15, 2) for each in generation.listed(offset, 2)]
    assert pages == listed
    dates = [each.article.published_at for each in listed if each.article.published_at]
    assert dates == sorted(dates, reverse=True)
    assert [each.article.published_at for each in listed[len(dates) :]] == [None] * (11 - len(dates))
    assert all(len(each.article.body) == min(OPENING, each.characters) for each in listed)
    assert [each.article.body for each in generation.listed(0, 3, 4)] == [each.article.body[:4] for each in listed[:3]]
    assert generation.listed(99, 5) == generation.listed(0, 0) == []


def test_dates_are_those_of_live_articles(tmp_path: Path) -> None:
    """The oldest and the newest to the fraction of a second, over all segments; None if no article has a date."""
    noon = datetime.fromisoformat("2026-02-09T12:00:00Z")

    def dated(article_id: str, moment: datetime | None) -> Article:
        return article(article_id, "It is dated.", published_at=moment)

    built(tmp_path, [dated("a", noon), dated("b", None), dated("old", noon - timedelta(days=9))])
    grown(tmp_path, [dated("c", noon + timedelta(seconds=0.5))], removed=["old"])
    with opened(tmp_path) as generation:
        assert generation.dates() == ("2026-02-09T12:00:00Z", "2026-02-09T12:00:00.500000Z")
    grown(tmp_path, removed=["a", "c"])
    with opened(tmp_path) as generation:
        assert generation.dates() == (None, None)


@pytest.mark.parametrize("vector", [np.ones(63, "f4"), np.ones((1, 64), "f4"), np.ones(0, "f4")])
def test_a_question_of_another_dimension_is_refused(generation: Generation, vector: np.ndarray) -> None:
    """The error has both dimensions and the setting to check, filtered or not."""
    for allowed in (None, np.ones(38, dtype=bool)):
        with pytest.raises(EmbeddingFailed, match="the index has 64 dimensions") as raised:
            generation.nearest(vector, 1, allowed)
        assert "DATELINE_EMBEDDING_MODEL" in raised.value.hint


def test_an_index_without_articles_is_searched(tmp_path: Path) -> None:
    """It has no segment, and finds nothing."""
    built(tmp_path, [])
    with opened(tmp_path) as generation:
        generation.open()
        assert generation.nearest(EMBEDDER.embed_query("ferry"), 5, generation.allowed_rows(Filters())).tolist() == []
        assert generation.lexical.scores("ferry").tolist() == []
        assert (generation.listed(0, 5), generation.dates(), generation.hashes()) == ([], (None, None), {})
        assert list(generation.articles()) == []
        filtered = generation.allowed_rows(Filters(sources=("Echo",)))
        assert filtered is not None
        assert filtered.tolist() == []


def test_every_segment_is_searched_through_chroma_if_it_is_large(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows that the collections of all segments find are ranked together; dead rows are left out."""
    monkeypatch.setattr(segment, "EXACT_ROWS", 0)
    with opened(three) as generation:
        generation.open()
        assert all(part.segment.collection is not None for part in generation.parts)
        alive = generation.allowed_rows(Filters())
        assert alive is not None
        every = np.arange(38)
        for question in ("ferry strike", "the mayor and the vote", "storm"):
            vector = EMBEDDER.embed_query(question)
            scores = np.where(alive, generation.cosines(vector, every), -1)
            found = generation.nearest(vector, 6, alive)
            assert alive[found].all()
            assert np.sort(scores[found])[::-1][:6] == pytest.approx(np.sort(scores)[::-1][:6], abs=1e-6)


def test_opening_and_searching_writes_nothing(three: Path) -> None:
    """The data folder may be read-only."""
    before = {path: path.stat().st_mtime_ns for path in three.rglob("*")}
    with opened(three) as generation:
        generation.open()
        generation.nearest(EMBEDDER.embed_query("ferry"), 5, None)
    assert {path: path.stat().st_mtime_ns for path in three.rglob("*")} == before


def test_a_generation_keeps_the_views_used_last(three: Path) -> None:
    """A view that is not kept any more can be used on, and is computed again when it is wanted."""
    with opened(three) as generation:
        first = generation.restricted(Filters(article_ids=("news-0007",)))
        for number in range(MOST_VIEWS):
            generation.restricted(Filters(article_ids=("news-0007", f"none-{number}")))
        again = generation.restricted(Filters(article_ids=("news-0007",)))

        assert again is not first
        assert list(first.articles()) == list(again.articles()) == [ARTICLES[7]]
        last = Filters(article_ids=("news-0007", f"none-{MOST_VIEWS - 1}"))
        assert generation.restricted(last) is generation.restricted(last)
        assert len(first.parts) == 1
