import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from index.dense.view import VIEW_PREFIX

from index.errors import IndexDamaged
from index.generation import Generation, check_catalog, file_digests, read_manifest
from index.layout import CATALOG, LEASE, MANIFEST
from index.locks import is_leased
from index.records import Filters
from tests.fakes import HashedEmbedder

EMBEDDER = HashedEmbedder(dimension=16)


@pytest.fixture(scope="module")
def generation(whole: Path) -> Iterator[Generation]:
    with closing(Generation(whole)) as opened:
        yield opened


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "copy")


def views() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob(f"{VIEW_PREFIX}{os.getpid()}-*"))


def test_a_generation_is_named_by_its_manifest(generation: Generation, whole: Path) -> None:
    """The name of a generation is that of its folder."""
    assert generation.name == whole.name == read_manifest(whole).generation


def test_without_a_filter_chroma_searches_all_rows(generation: Generation) -> None:
    """The first row found for a stored vector is its own."""
    assert generation.dense.nearest(np.array(generation.dense.vectors[77]), 5, None)[0] == 77


def test_a_filtered_search_is_exact_and_stays_within_the_filter(generation: Generation) -> None:
    """With a filter the best allowed rows are found, in the order of their exact scores."""
    allowed = generation.catalog.allowed_rows(Filters(sources=("courier",)))
    assert allowed is not None
    question = EMBEDDER.embed_query("the storm and the harbour")
    found = generation.dense.nearest(question, 10, allowed)
    exact = generation.dense.scores(question, np.flatnonzero(allowed))
    assert generation.dense.scores(question, found) == pytest.approx(np.sort(exact)[::-1][:10])
    assert {article.source for _, article in generation.catalog.chunks(found.tolist())} == {"Courier"}


def test_an_open_generation_holds_its_lease(copy: Path) -> None:
    """An open generation cannot be removed; a closed one can."""
    with closing(Generation(copy)):
        assert is_leased(copy / LEASE)
    assert not is_leased(copy / LEASE)


@pytest.mark.parametrize("name", ["catalog.db", "vectors.npy", "chroma/chroma.sqlite3", "lexical/rows.npy"])
def test_a_changed_file_is_named_before_anything_is_opened(copy: Path, name: str) -> None:
    """A changed or missing file makes a generation corrupt, and the error names the file."""
    before = views()
    with (copy / name).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(IndexDamaged, match=f"{name} has changed"):
        Generation(copy)
    (copy / name).unlink()
    with pytest.raises(IndexDamaged, match=f"{name} is missing"):
        Generation(copy)
    assert views() == before
    assert not is_leased(copy / LEASE)


def test_a_file_too_many_is_named(copy: Path) -> None:
    """An added file makes a generation corrupt."""
    (copy / "chroma" / "extra.bin").touch()
    with pytest.raises(IndexDamaged, match=r"chroma/extra\.bin was not published"):
        Generation(copy)


@pytest.mark.parametrize("name", [MANIFEST, LEASE])
def test_a_generation_without_manifest_or_lease_is_damaged(copy: Path, name: str) -> None:
    """A generation without its manifest or its lease file is not opened."""
    (copy / name).unlink()
    with pytest.raises(IndexDamaged, match=r"no readable manifest|cannot be opened: .*lease"):
        Generation(copy)


def test_a_generation_that_disagrees_with_itself_leaves_nothing_open(copy: Path) -> None:
    """A generation with different numbers of rows is closed again, without a view or a lease."""
    before = views()
    manifest = (copy / MANIFEST).read_text()
    (copy / MANIFEST).write_text(manifest.replace('"chunk_count": 1320', '"chunk_count": 1319'))
    with pytest.raises(IndexDamaged, match=r"numbers of chunks disagree: \{'manifest': 1319, 'catalogue': 1320"):
        Generation(copy)
    assert views() == before
    assert not is_leased(copy / LEASE)


def test_the_digests_are_those_of_all_files_but_manifest_and_lease(copy: Path) -> None:
    """Each file has a digest by its path, and neither the manifest nor the lease has one."""
    digests = file_digests(copy)
    files = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert digests.keys() == files - {MANIFEST, LEASE}
    assert digests == read_manifest(copy).files
    (copy / LEASE).write_text("held")
    assert file_digests(copy) == digests


def test_the_catalogue_can_be_checked_alone(copy: Path) -> None:
    """A changed catalogue is corrupt, also if other files are."""
    manifest = read_manifest(copy)
    (copy / "vectors.npy").unlink()
    check_catalog(copy, manifest)
    with (copy / CATALOG).open("r+b") as file:
        file.seek(5000)
        file.write(b"\xff\xff")
    with pytest.raises(IndexDamaged, match=r"catalog\.db is missing or has changed"):
        check_catalog(copy, manifest)
    (copy / CATALOG).unlink()
    with pytest.raises(IndexDamaged, match=r"catalog\.db is missing"):
        check_catalog(copy, manifest)
