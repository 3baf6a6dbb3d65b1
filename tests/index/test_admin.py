import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from index.admin import list_generations, prune, roll_back
from index.errors import (
    ChromaUnavailable,
    ConfigurationError,
    IndexDamaged,
    IndexNotFound,
    IngestRunning,
)
from index.layout import (
    BUILDING,
    CURRENT,
    GENERATIONS,
    REMOVED,
    SEGMENTS,
    VECTORS,
    current_name,
    generation_names,
    ingest_lock,
    manifest_path,
    segment_folder,
    segment_names,
)
from index.publishing import MOST_SEGMENTS, STALE_S, make_current, merge, read_manifest, remove_segment, retire, sweep
from tests.fakes import HashedEmbedder, article, built, grown, opened, segment_of

KEEP = 3


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with four generations, of one to four articles in as many segments."""
    data = tmp_path_factory.mktemp("four")
    built(data, [article("a0", "Crews left on day 0.")])
    for number in range(1, 4):
        grown(data, [article(f"a{number}", f"Crews left on day {number}.")])
    return data


@pytest.fixture
def data(four: Path, tmp_path: Path) -> Path:
    return shutil.copytree(four, tmp_path / "data")


def aged(folder: Path, seconds: float) -> Path:
    """Let a folder be that old."""
    os.utime(folder, (time.time() - seconds,) * 2)
    return folder


def test_generations_are_listed_newest_first(data: Path) -> None:
    """The list has counts, sizes, the current generation and those in use."""
    with opened(data, generation_names(data)[2]):
        listed = list_generations(data)
    assert [generation.name for generation in listed] == generation_names(data)
    assert [generation.manifest and generation.manifest.article_count for generation in listed] == [4, 3, 2, 1]
    assert [generation.current for generation in listed] == [True, False, False, False]
    assert [generation.in_use for generation in listed] == [False, False, True, False]
    folders = [segment_folder(data, name) for name in segment_names(data)]
    sizes = [
        sum(file.stat().st_size for file in folder.rglob("*") if file.name != "segment.json" and file.is_file())
        for folder in folders
    ]
    assert [generation.size for generation in listed] == [sum(sizes[:count]) for count in (4, 3, 2, 1)]


def test_a_generation_that_cannot_be_read_is_listed(data: Path) -> None:
    """A generation with a lost segment is refused too; another one that disappears meanwhile raises no error."""
    newest, name, *_ = generation_names(data)
    manifest_path(data, name).write_text("{")
    shutil.rmtree(segment_folder(data, segment_names(data)[-1]))
    listed = {generation.name: generation for generation in list_generations(data)}
    assert listed[name].manifest is None
    assert listed[newest].manifest == read_manifest(data, newest)


def test_a_generation_can_be_made_current_again(data: Path) -> None:
    """A rollback takes a name or a unique prefix; it may go back and forth, also while a generation is read."""
    names = generation_names(data)
    assert roll_back(data, names[2]) == current_name(data) == names[2]
    with opened(data, names[0]):
        assert roll_back(data, names[0][:-1]) == current_name(data) == names[0]
    assert generation_names(data) == names


def test_an_index_goes_on_from_the_generation_it_was_rolled_back_to(data: Path) -> None:
    """The next generation has no article of the later ones."""
    roll_back(data, generation_names(data)[2])
    manifest = grown(data, [article("b", "Crews came back.")])
    with opened(data) as generation:
        assert set(generation.hashes()) == {"a0", "a1", "b"}
    assert generation_names(data)[0] == manifest.generation


@pytest.mark.parametrize(("wanted", "count"), [("1999", 0), ("2", 4), ("", 4)])
def test_a_name_that_is_not_one_generation_is_refused(data: Path, wanted: str, count: int) -> None:
    """The error has the number of matches and the names."""
    before = current_name(data)
    with pytest.raises(ConfigurationError, match=f"{count} generations in .* match") as raised:
        roll_back(data, wanted)
    assert all(name in raised.value.hint for name in generation_names(data))
    assert current_name(data) == before


def test_a_corrupt_generation_is_not_made_current(data: Path) -> None:
    """Every file of a generation is compared with its digest first."""
    current, *_, oldest = generation_names(data)
    vectors = segment_folder(data, segment_names(data)[0]) / VECTORS
    held = vectors.read_bytes()
    vectors.write_bytes(held[:-1] + bytes([held[-1] ^ 1]))
    with pytest.raises(IndexDamaged, match=r"vectors\.npy has changed"):
        roll_back(data, oldest)
    vectors.write_bytes(held)
    manifest_path(data, oldest).write_text("{")
    with pytest.raises(IndexDamaged, match="no readable manifest"):
        roll_back(data, oldest)
    assert current_name(data) == current


def test_pruning_keeps_the_newest_and_the_current(data: Path) -> None:
    """Remains of killed runs are removed as well, however new; generations in use are kept, with their segments."""
    first, second, third, fourth = generation_names(data)
    segments = segment_names(data)
    (data / SEGMENTS / f"{BUILDING}123").mkdir()
    segment_of(data, [article("z", "It was never published.")])
    roll_back(data, third)
    with opened(data, second) as generation:
        assert prune(data, 1) == [fourth]
        assert segment_names(data) == segments
        assert generation.article("a2") is not None
    assert prune(data, 1) == [second]
    assert prune(data, 1) == []
    assert generation_names(data) == [first, third]
    assert sorted(path.name for path in (data / SEGMENTS).iterdir()) == segments
    make_current(data, third)
    manifest_path(data, first).unlink()
    assert prune(data, 1) == []
    assert segment_names(data) == segments[:2]


def test_an_index_whose_current_manifest_is_corrupt_is_not_pruned(data: Path) -> None:
    """Its segments would be removed, from which a repair takes vectors."""
    manifest_path(data, current_name(data) or "").write_text("{")
    segments = segment_names(data)
    with pytest.raises(IndexDamaged, match=r"no readable manifest(.|\n)*--repair"):
        prune(data, 1)
    assert segment_names(data) == segments
    (data / CURRENT).unlink()
    assert len(prune(data, 1)) == 3


@pytest.mark.parametrize(
    "change", [lambda data: roll_back(data, generation_names(data)[1]), lambda data: prune(data, 1)]
)
def test_nothing_is_changed_while_an_ingest_runs(data: Path, change: Callable[[Path], object]) -> None:
    """Rollback and prune raise an error that names the holder of the lock."""
    with ingest_lock(data), pytest.raises(IngestRunning, match="process"):
        change(data)
    assert len(generation_names(data)) == 4


def test_an_empty_folder_has_none(tmp_path: Path) -> None:
    """A list and a rollback are an error; nothing is pruned."""
    for command in (list_generations, lambda data: roll_back(data, "2026")):
        with pytest.raises(IndexNotFound, match="has no index"):
            command(tmp_path)
    assert prune(tmp_path, 1) == []


def test_retiring_keeps_the_newest(data: Path) -> None:
    """All generations but the three newest are removed; their segments are as long as another one names them."""
    names, segments = generation_names(data), segment_names(data)
    assert retire(data, KEEP) == names[KEEP:]
    assert generation_names(data) == names[:KEEP]
    assert segment_names(data) == segments
    manifest = grown(data, removed=["a0", "a1", "a2"])
    assert len(retire(data, 1)) == KEEP
    assert generation_names(data) == [manifest.generation]
    assert segment_names(data) == segments[3:]


def test_the_current_generation_is_never_retired(data: Path) -> None:
    """The current generation stays, even if it is old."""
    oldest = generation_names(data)[-1]
    make_current(data, oldest)
    assert oldest not in retire(data, keep=1)
    assert oldest in generation_names(data)


def test_a_merge_does_not_use_up_what_is_kept(data: Path) -> None:
    """Three different generations are kept; of several with equal articles, only the newest."""
    for number in range(4, MOST_SEGMENTS + 1):
        grown(data, [article(f"a{number}", f"Crews left on day {number}.")])
    names = generation_names(data)
    (merged,) = merge(data)
    removed = retire(data, KEEP)
    assert generation_names(data) == [merged.generation, *names[1:KEEP]]
    assert names[0] in removed


def test_a_generation_that_is_read_waits(data: Path) -> None:
    """A leased generation is kept with its segments, and removed by the next run after its release."""
    grown(data, removed=["a0"])
    oldest = generation_names(data)[-1]
    first = segment_names(data)[0]
    with opened(data, oldest) as generation:
        assert oldest not in retire(data, 1)
        assert generation.nearest(HashedEmbedder().embed_query("crews"), 1, None).tolist() == [0]
        assert first in segment_names(data)
    assert retire(data, 1) == [oldest]
    assert first not in segment_names(data)


def test_the_remains_of_a_killed_run_are_swept_after_a_day(data: Path) -> None:
    """Until then the next run takes their vectors; half-removed segments and temporary files go at once."""
    segments = segment_names(data)
    new, old = (data / SEGMENTS / f"{BUILDING}{name}" for name in ("new", "old"))
    new.mkdir()
    old.mkdir()
    aged(old, STALE_S + 60)
    unnamed = [segment_folder(data, segment_of(data, [article(f"z{n}", "Unpublished.")]).segment) for n in range(2)]
    aged(unnamed[0], STALE_S + 60)
    shutil.copytree(segment_folder(data, segments[0]), data / SEGMENTS / f"{REMOVED}20260101T000000000Z-00000000")
    for temporary in (data / f"{CURRENT}.7.new", data / GENERATIONS / "x.json.7.new"):
        temporary.write_text("half")
    aged(segment_folder(data, segments[0]), STALE_S + 60)
    sweep(data, older_than_s=STALE_S)
    assert {path.name for path in (data / SEGMENTS).iterdir()} == {*segments, new.name, unnamed[1].name}
    assert not list(data.rglob("*.new"))
    sweep(data)
    assert [path.name for path in sorted((data / SEGMENTS).iterdir())] == segments


def test_files_of_others_are_left_alone(data: Path) -> None:
    """Files of a file manager or a backup beside the segments are not segments."""
    others = [data / SEGMENTS / name for name in (".DS_Store", ".nfs0001", "lost+found")]
    others[0].touch()
    others[1].touch()
    others[2].mkdir()
    for path in others:
        aged(path, STALE_S + 60)
    segments = segment_names(data)
    prune(data, 4)
    assert all(path.exists() for path in others)
    assert segment_names(data) == segments
    assert len(segments) == 4


def test_an_index_of_the_first_release_is_named(tmp_path: Path) -> None:
    """A list and a rollback state the command that replaces it."""
    (tmp_path / GENERATIONS / "20260101T000000000Z-00000000").mkdir(parents=True)
    (tmp_path / CURRENT).write_text("20260101T000000000Z-00000000\n")
    for command in (list_generations, lambda data: roll_back(data, "2026")):
        with pytest.raises(IndexNotFound, match=r"first release(.|\n)*--rebuild"):
            command(tmp_path)


def test_an_index_of_the_first_release_is_swept_once_it_is_replaced(data: Path) -> None:
    """Its folders and its file of vectors stay as long as CURRENT names no generation of segments."""
    old, vectors, current = data / GENERATIONS / "20250101T000000000Z-0", data / "embeddings.db", current_name(data)
    old.mkdir()
    vectors.touch()
    (data / "embeddings.db-wal").touch()
    make_current(data, old.name)
    sweep(data)
    assert old.is_dir()
    assert vectors.is_file()
    make_current(data, current or "")
    sweep(data)
    assert not old.exists()
    assert not list(data.glob("embeddings.db*"))


def test_sweeping_an_empty_folder_does_nothing(tmp_path: Path) -> None:
    """An empty data folder can be swept."""
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


class AwayAtFirst:
    """A Chroma server that is away for the first call."""

    def __init__(self) -> None:
        self.removed: list[str] = []
        self._away = True

    def remove(self, segment: str) -> None:
        if self._away:
            self._away = False
            raise ChromaUnavailable("away")
        self.removed.append(segment)


def test_a_segment_is_removed_from_the_server_when_that_is_back(data: Path) -> None:
    """Its files go at once; an empty folder remembers it until the server has removed its vectors."""
    first, *_ = segment_names(data)
    server = AwayAtFirst()
    remove_segment(data, first, server)  # type: ignore[arg-type]
    (folder,) = (data / SEGMENTS).glob(f"{REMOVED}*")
    assert folder.name == f"{REMOVED}{first}"
    assert list(folder.iterdir()) == []
    assert server.removed == []
    sweep(data, server, older_than_s=STALE_S)  # type: ignore[arg-type]
    assert server.removed == [first]
    assert not folder.exists()


def test_a_segment_whose_folder_is_gone_is_removed(data: Path) -> None:
    """A repair removes what an operator has deleted by hand."""
    first, *_ = segment_names(data)
    shutil.rmtree(segment_folder(data, first))
    remove_segment(data, first, None)
    assert not list((data / SEGMENTS).glob(f"{REMOVED}*"))
