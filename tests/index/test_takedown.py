import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Timer

import pytest

from index.admin import take_down
from index.copies import sketch_of
from index.doctor import examine
from index.errors import ConfigurationError, IndexDamaged, IndexNotFound
from index.generation import Generation, open_generation
from index.layout import (
    BUILDING,
    CATALOG,
    LOCK,
    SEGMENTS,
    current_name,
    generation_names,
    segment_folder,
    segment_names,
)
from index.records import Article, Edit, Revision
from tests.fakes import HashedEmbedder, article, built, grown, opened, segment_of

SECRET = "Quentin Varga lives at 9 Mill Lane."
SHARED = "The ferry left the harbour."
KEPT = article("kept", f"{SHARED} All were saved.")
LATER = article("later", "The storm broke the pier.")
FIRST = article("gone-to-court", f"{SHARED} {SECRET} An older wording of it.", title="Varga and the xylophone")
SECOND = replace(FIRST, body=f"{SHARED} {SECRET}")
HISTORY = {
    "gone-to-court": (
        Revision("2026-05-03T09:00:00Z", is_stated=True, edits=(Edit("He plays the kazoo in März.", ""),)),
    )
}
TRACES = (
    SECRET.encode(),
    b"Quentin",
    b"Varga",
    b"varga",
    b"xylophon",
    b"An older wording",
    b"kazoo in M\xc3\xa4rz",
    b"2026-05-03",
    b"gone-to-court",
    HashedEmbedder().embed_query(f"{SECOND.title}\n{SECRET}").tobytes(),
    SECOND.content_hash.encode(),
    sketch_of(SECOND).runs.tobytes(),
    sketch_of(SECOND).marks.tobytes(),
)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return generations without the article, with its first version, and with its second, current version.

    The second and third have two and three segments; the first version is dead in the third. Only the history of the
    second version has the kazoo, which an earlier version had.
    """
    data = tmp_path_factory.mktemp("three")
    built(data, [KEPT])
    grown(data, [FIRST])
    grown(data, [SECOND, LATER], histories=HISTORY)
    return data


@pytest.fixture
def data(three: Path, tmp_path: Path) -> Path:
    return shutil.copytree(three, tmp_path / "data")


@pytest.fixture
def reader(data: Path) -> Iterator[Generation]:
    with opened(data) as generation:
        yield generation


def traces(data: Path) -> dict[bytes, list[str]]:
    """Return the files that have each trace of the article, in their bytes or in their names."""
    files = {
        path.relative_to(data).as_posix(): path.read_bytes() if path.is_file() else b"" for path in data.rglob("*")
    }
    found = {
        trace: [name for name, held in files.items() if trace in held or trace in name.encode()] for trace in TRACES
    }
    return {trace: names for trace, names in found.items() if names}


def listed(data: Path) -> set[str]:
    """Return all files but the lock."""
    return {path.relative_to(data).as_posix() for path in data.rglob("*")} - {LOCK}


def articles_of(data: Path, name: str | None = None) -> list[Article]:
    with opened(data, name) as generation:
        return sorted(generation.articles(), key=lambda each: each.article_id)


def test_no_trace_of_the_article_is_left(data: Path) -> None:
    """No file has its text, id, hash, rare word or vector, of any version, also in what a killed run left."""
    killed = segment_folder(data, segment_names(data)[1])
    shutil.copytree(killed, data / SEGMENTS / f"{BUILDING}123")
    segment_of(data, [FIRST], histories=HISTORY)
    assert set(traces(data)) == set(TRACES)

    takedown = take_down(data, ["gone-to-court"])
    assert traces(data) == {}
    assert takedown.complete
    assert takedown.origins == {"gone-to-court": SECOND.origin}
    assert (takedown.rewritten_segments, takedown.removed_chunks) == (2, 5)


def test_every_other_article_stays_in_every_generation(data: Path) -> None:
    """Generations keep their other articles and their order in time, so that a rollback is possible."""
    before = [replace_none(articles_of(data, name)) for name in generation_names(data)]
    takedown = take_down(data, ["gone-to-court"])
    assert takedown.generation == current_name(data) == generation_names(data)[0]
    assert [articles_of(data, name) for name in generation_names(data)] == before
    assert all(finding.whole for finding in examine(data))
    with opened(data) as generation:
        assert generation.nearest(HashedEmbedder().embed_query("storm at the pier"), 1, None).tolist() == [2]
        assert not generation.lexical.scores("Varga").any()
        assert not generation.lexical.has("xylophone")


def replace_none(articles: list[Article]) -> list[Article]:
    return [each for each in articles if each.article_id != "gone-to-court"]


def test_segments_and_generations_without_it_are_not_touched(data: Path) -> None:
    """A segment that never had the article keeps its id, and a generation of such segments its name."""
    oldest, first = generation_names(data)[-1], segment_names(data)[0]
    take_down(data, ["gone-to-court"])
    assert generation_names(data)[-1] == oldest
    assert segment_names(data)[0] == first
    assert len(segment_names(data)) == 2


def test_a_dead_article_can_be_taken_down(data: Path) -> None:
    """An article that the current generation no longer has is removed from the older ones, and from its segments."""
    grown(data, removed=["gone-to-court"])
    takedown = take_down(data, ["gone-to-court"])
    assert takedown.complete
    assert traces(data) == {}
    assert articles_of(data) == [KEPT, LATER]


def test_it_waits_for_a_service_to_open_the_new_generation(data: Path, reader: Generation) -> None:
    """A generation in use is removed when it is released."""
    release = Timer(0.5, reader.close)
    release.start()
    takedown = take_down(data, ["gone-to-court"])
    release.join()
    assert takedown.complete
    assert traces(data) == {}


def test_it_is_not_complete_while_it_is_read(data: Path, reader: Generation) -> None:
    """A generation still in use is named, with the segments that it needs; a second takedown completes it."""
    takedown = take_down(data, ["gone-to-court"], patience_s=0.1)
    assert not takedown.complete
    assert reader.name in takedown.waiting
    assert reader.article("gone-to-court") == SECOND
    assert reader.chunks(reader.nearest(HashedEmbedder().embed_query(SECRET), 1, None))[0][1] == SECOND
    assert replace_none(articles_of(data)) == articles_of(data)
    reader.close()
    again = take_down(data, ["gone-to-court"])
    assert again.complete
    assert again.generation is None
    assert traces(data) == {}


def test_an_unknown_article_is_refused(data: Path) -> None:
    """An unknown id is an error that names it; nothing is removed, and nothing is left of the attempt."""
    before = listed(data)
    with pytest.raises(ConfigurationError, match="'nowhere'; nothing was removed"):
        take_down(data, ["gone-to-court", "nowhere"])
    assert listed(data) == before


def test_a_corrupt_segment_of_an_older_generation_is_removed(data: Path) -> None:
    """An unreadable segment may have the article: it is removed if only older generations need it."""
    grown(data, removed=["kept"])
    (segment_folder(data, segment_names(data)[0]) / CATALOG).write_bytes(b"corrupt")
    takedown = take_down(data, ["gone-to-court"])
    assert takedown.complete
    assert traces(data) == {}
    assert articles_of(data) == [LATER]
    assert all(finding.whole for finding in examine(data))


def test_a_corrupt_segment_of_the_current_generation_is_not_removed(data: Path) -> None:
    """The doctor repairs it first: a takedown loses no other article."""
    before = listed(data)
    (segment_folder(data, segment_names(data)[0]) / CATALOG).write_bytes(b"corrupt")
    with pytest.raises(IndexDamaged, match=r"catalog\.db has changed"):
        take_down(data, ["gone-to-court"])
    assert listed(data) == before


def test_an_older_generation_whose_manifest_is_corrupt_is_removed(data: Path) -> None:
    """Its segments may have the article as well."""
    name = generation_names(data)[1]
    (data / "generations" / f"{name}.json").write_text("{")
    takedown = take_down(data, ["gone-to-court"])
    assert takedown.complete
    assert name not in generation_names(data)
    assert traces(data) == {}


def test_the_last_article_can_be_taken_down(tmp_path: Path) -> None:
    """An index without articles is valid, and articles can be added to it."""
    built(tmp_path, [SECOND])
    assert take_down(tmp_path, ["gone-to-court"]).complete
    assert traces(tmp_path) == {}
    assert segment_names(tmp_path) == []
    assert all(finding.whole for finding in examine(tmp_path))
    grown(tmp_path, [KEPT])
    assert articles_of(tmp_path) == [KEPT]


def test_without_an_index_there_is_nothing_to_take_down(tmp_path: Path) -> None:
    """An empty folder raises IndexNotFound."""
    with pytest.raises(IndexNotFound):
        take_down(tmp_path, ["gone-to-court"])


def test_a_rollback_after_a_takedown_does_not_bring_the_article_back(data: Path) -> None:
    """The rewritten older generations open, and none has the article."""
    take_down(data, ["gone-to-court"])
    for name in generation_names(data):
        with closing(open_generation(data, name)) as generation:
            assert generation.article("gone-to-court") is None
            assert "gone-to-court" not in generation.hashes()
            assert generation.manifest.article_count == len(generation.hashes())
