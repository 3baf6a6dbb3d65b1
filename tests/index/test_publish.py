import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.catalog import Catalog
from index.errors import PublishFailed
from index.generation import Generation, make_current, new_staging, publish, read_manifest, write_manifest
from index.layout import CATALOG, CURRENT, GENERATIONS, LEASE, STAGING_PREFIX, current_name, generation_names
from index.records import fingerprint
from tests.fakes import HashedEmbedder, article, built, configuration

MADE = configuration(HashedEmbedder())
HASHES = st.dictionaries(st.text(min_size=1), st.text("0123456789abcdef", min_size=64, max_size=64))


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with five generations of one article each."""
    data = tmp_path_factory.mktemp("five")
    for number in range(5):
        built(data, [article("a", f"Crews left on day {number}.")])
    return data


@pytest.fixture
def data(five: Path, tmp_path: Path) -> Path:
    return shutil.copytree(five, tmp_path / "data")


@pytest.fixture
def staged(data: Path) -> Path:
    """Return the newest generation as a staged one."""
    newest = generation_names(data)[0]
    return (data / GENERATIONS / newest).rename(new_staging(data))


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
    """The model, the chunker, the language and the schema are part of the fingerprint."""
    other = replace(MADE, **{field: value})  # type: ignore[arg-type]
    assert fingerprint([("a", "0")], MADE) != fingerprint([("a", "0")], other)


def test_the_way_a_model_is_run_is_no_part_of_the_fingerprint() -> None:
    """Two graphs of one model have the same fingerprint."""
    assert fingerprint([], MADE) == fingerprint([], replace(MADE, embedding_graph="fp32"))


def test_a_manifest_says_what_the_folder_holds(data: Path) -> None:
    """The manifest has counts, digests and a name that begins with its time."""
    folder = data / GENERATIONS / generation_names(data)[0]
    manifest = read_manifest(folder)
    assert (manifest.article_count, manifest.chunk_count, manifest.configuration) == (1, 1, MADE)
    assert (
        manifest.generation
        == f"{manifest.created_at.translate(str.maketrans('', '', '-:.'))}-{manifest.fingerprint[:8]}"
    )
    assert (folder / LEASE).is_file()


def test_names_sort_by_time(data: Path) -> None:
    """Generations are listed newest first, by name."""
    times = [read_manifest(data / GENERATIONS / name).created_at for name in generation_names(data)]
    assert times == sorted(times, reverse=True)
    assert len(times) == 5


def test_a_published_generation_is_current_and_can_be_opened(data: Path, staged: Path) -> None:
    """A valid staged folder is moved to its place, CURRENT names it, and the staging folder is removed."""
    with closing(Catalog(staged / CATALOG)) as catalog:
        manifest = write_manifest(staged, MADE, catalog.hashes(), 1)
    publish(data, staged, manifest)
    assert current_name(data) == manifest.generation
    assert not staged.exists()
    with closing(Generation(data / GENERATIONS / manifest.generation)) as generation:
        assert generation.manifest == manifest


def test_a_damaged_generation_is_not_published(data: Path, staged: Path) -> None:
    """A staged folder that fails verification stays, and the old generation is current."""
    before = current_name(data), generation_names(data)
    manifest = write_manifest(staged, MADE, {"a": "0", "b": "0"}, 1)
    with pytest.raises(PublishFailed, match="has 1 articles, the manifest states 2") as raised:
        publish(data, staged, manifest)
    assert "is unchanged" in raised.value.hint
    assert (current_name(data), generation_names(data)) == before


def test_current_is_replaced_whole(tmp_path: Path) -> None:
    """CURRENT has one name and a line end, without a temporary file beside it."""
    for name in ("one", "another"):
        make_current(tmp_path, name)
        assert (tmp_path / CURRENT).read_text() == f"{name}\n"
        assert current_name(tmp_path) == name
    assert [path.name for path in tmp_path.iterdir()] == [CURRENT]


def test_no_current_is_none(tmp_path: Path) -> None:
    """A missing or empty CURRENT returns None."""
    assert current_name(tmp_path) is None
    (tmp_path / CURRENT).write_text("\n")
    assert current_name(tmp_path) is None
    assert generation_names(tmp_path) == []


def test_each_process_stages_in_a_folder_of_its_own(tmp_path: Path) -> None:
    """Staged folders have unique names, also in one process: processes in containers share ids."""
    first, second = new_staging(tmp_path), new_staging(tmp_path)
    assert first != second
    assert first.name.startswith(STAGING_PREFIX)
