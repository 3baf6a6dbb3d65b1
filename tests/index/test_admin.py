import shutil
from contextlib import closing
from pathlib import Path

import pytest
from index.retention import list_generations, prune, retire, roll_back, sweep

from index.errors import ConfigurationError, IndexDamaged, IndexNotFound, IngestRunning
from index.generation import Generation, make_current
from index.layout import (
    GENERATIONS,
    LEASE,
    MANIFEST,
    STAGING_PREFIX,
    VECTORS,
    current_name,
    generation_folder,
    generation_names,
)
from index.locks import ingest_lock
from tests.fakes import HashedEmbedder, article, built

KEEP = 3


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with four generations, of one to four articles."""
    data = tmp_path_factory.mktemp("four")
    for count in range(1, 5):
        built(data, [article(f"a{number}", f"Crews left on day {number}.") for number in range(count)])
    return data


@pytest.fixture
def data(four: Path, tmp_path: Path) -> Path:
    return shutil.copytree(four, tmp_path / "data")


def test_generations_are_listed_newest_first(data: Path) -> None:
    """The list has counts, sizes, the current generation and those in use."""
    with closing(Generation(generation_folder(data, generation_names(data)[2]))):
        listed = list_generations(data)
    assert [generation.name for generation in listed] == generation_names(data)
    assert [generation.manifest and generation.manifest.article_count for generation in listed] == [4, 3, 2, 1]
    assert [generation.current for generation in listed] == [True, False, False, False]
    assert [generation.in_use for generation in listed] == [False, False, True, False]
    folder = generation_folder(data, listed[0].name)
    assert listed[0].size == sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_one_whose_manifest_is_lost_is_listed(data: Path) -> None:
    """A generation without a valid manifest is listed."""
    name = generation_names(data)[1]
    (generation_folder(data, name) / MANIFEST).unlink()
    assert [(generation.name, generation.manifest) for generation in list_generations(data)][1] == (name, None)


def test_there_is_a_way_back(data: Path) -> None:
    """A rollback makes a generation current, by its name or a unique prefix."""
    names = generation_names(data)
    assert roll_back(data, names[2]) == current_name(data) == names[2]
    with closing(Generation(generation_folder(data, names[0]))):
        assert roll_back(data, names[0][:-1]) == current_name(data) == names[0]
    assert generation_names(data) == names


@pytest.mark.parametrize(("wanted", "count"), [("1999", 0), ("2", 4), ("", 4)])
def test_a_name_that_is_not_one_generation_is_refused(data: Path, wanted: str, count: int) -> None:
    """The error has the number of matches and the names."""
    before = current_name(data)
    with pytest.raises(ConfigurationError, match=f"{count} generations in .* match") as raised:
        roll_back(data, wanted)
    assert all(name in raised.value.hint for name in generation_names(data))
    assert current_name(data) == before


def test_there_is_no_way_back_to_a_damaged_one(data: Path) -> None:
    """A generation is verified before it is made current."""
    current, *_, oldest = generation_names(data)
    (generation_folder(data, oldest) / VECTORS).write_bytes(b"")
    with pytest.raises(IndexDamaged, match=r"vectors\.npy has changed"):
        roll_back(data, oldest)
    assert current_name(data) == current


def test_pruning_keeps_the_newest_and_the_current(data: Path) -> None:
    """Files of killed runs are removed as well; generations in use are kept."""
    first, second, third, fourth = generation_names(data)
    (data / GENERATIONS / f"{STAGING_PREFIX}123").mkdir()
    roll_back(data, third)
    with closing(Generation(generation_folder(data, second))):
        assert prune(data, 1) == [fourth]
    assert prune(data, 1) == [second]
    assert sorted(path.name for path in (data / GENERATIONS).iterdir()) == [third, first]


def test_nothing_is_changed_while_an_ingest_runs(data: Path) -> None:
    """Rollback and prune raise an error that names the holder of the lock."""
    with ingest_lock(data):
        for change in (lambda: roll_back(data, generation_names(data)[1]), lambda: list(prune(data, 1))):
            with pytest.raises(IngestRunning, match="process"):
                change()
    assert len(generation_names(data)) == 4


def test_an_empty_folder_has_none(tmp_path: Path) -> None:
    """The list is empty, and a rollback is an error."""
    assert list_generations(tmp_path) == []
    with pytest.raises(IndexNotFound):
        roll_back(tmp_path, "2026")


def test_retiring_keeps_the_newest(data: Path) -> None:
    """All generations except the three newest are removed completely."""
    names = generation_names(data)
    assert sorted(retire(data, KEEP)) == sorted(names[KEEP:])
    assert generation_names(data) == names[:KEEP]
    assert len(list((data / GENERATIONS).iterdir())) == KEEP


def test_the_current_generation_is_never_retired(data: Path) -> None:
    """The current generation stays, even if it is old."""
    oldest = generation_names(data)[-1]
    make_current(data, oldest)
    assert oldest not in retire(data, keep=1)
    assert oldest in generation_names(data)


def test_a_generation_that_is_read_waits(data: Path) -> None:
    """A leased generation is kept, and removed by the next run after its release."""
    oldest = generation_names(data)[-1]
    with closing(Generation(data / GENERATIONS / oldest)) as generation:
        assert oldest not in retire(data, KEEP)
        assert generation.dense.nearest(HashedEmbedder().embed_query("crews"), 1, None).tolist() == [0]
    assert retire(data, KEEP) == [oldest]


def test_a_generation_without_its_lease_is_retired(data: Path) -> None:
    """An old generation without its lease file does not stop an ingest."""
    oldest = generation_names(data)[-1]
    (data / GENERATIONS / oldest / LEASE).unlink()
    assert oldest in retire(data, KEEP)


def test_what_a_killed_run_left_is_swept(data: Path) -> None:
    """Staged folders of other runs and partly removed generations are removed; generations stay."""
    names = generation_names(data)
    half = data / GENERATIONS / f"{STAGING_PREFIX}123"
    half.mkdir()
    retiring = shutil.copytree(
        data / GENERATIONS / names[-1], data / GENERATIONS / f"{STAGING_PREFIX}retired-{names[-1]}"
    )
    assert (retiring / MANIFEST).is_file()
    assert generation_names(data) == names
    sweep(data)
    assert sorted(path.name for path in (data / GENERATIONS).iterdir()) == sorted(names)


def test_sweeping_an_empty_folder_does_nothing(tmp_path: Path) -> None:
    """An empty data folder can be swept."""
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []
