import fcntl
import os
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from index.embedding import Matrix
from index.errors import IndexDamaged, PublishFailed
from index.layout import CHROMA, VECTORS
from index.segment import read_record, stored_files
from index.vectors import (
    PAGE,
    SQLITE,
    VIEW_PREFIX,
    Collection,
    VectorFile,
    are_unit,
    build_collection,
    nearest,
    read_rows,
    sweep_views,
)
from tests.fakes import HashedEmbedder

ROOT = Path(__file__).parents[2]
OTHER_USER = 65534
HNSW_FILES = {"data_level0.bin": 4 + 4 * 32 + 4 * 8 + 8, "length.bin": 4}
"""Files of HNSW, and the bytes that each has for a row of eight dimensions."""

READER = f"""
import os, sys
from contextlib import closing
from pathlib import Path
import numpy as np
from index.generation import open_generation
from index.layout import CHROMA, current_name
from index.vectors import Collection

def search(data):
    with closing(open_generation(data, current_name(data))) as generation:
        generation.open()
        vector = np.array(generation.parts[0].segment.vectors[7])
        with closing(Collection(generation.parts[0].segment.folder / CHROMA)) as collection:
            near = collection.nearest(vector, 3)[0]
        print(generation.nearest(vector, 1, None)[0], near, generation.lexical.scores("ferry").max() > 0)

# Once before, because another user may not be let into the folders that the libraries lie in.
search(Path(sys.argv[1]))
if os.getuid() == 0:
    os.setgroups([])
    os.setgid({OTHER_USER})
    os.setuid({OTHER_USER})
try:
    next(Path(sys.argv[2]).glob("segments/*/catalog.db")).open("r+b")
except PermissionError:
    print("may not write")
search(Path(sys.argv[2]))
"""


def unit_rows(count: int, dimension: int = 8) -> Matrix:
    rows = np.random.default_rng(3).normal(size=(count, dimension)).astype(np.float32)
    scaled: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def views_of(pid: int) -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob(f"{VIEW_PREFIX}{pid}-*"))


@pytest.fixture(scope="module")
def vectors(whole: Path) -> Matrix:
    """Return about 1,300 vectors, some of them near to one another."""
    loaded: Matrix = np.load(whole / VECTORS)
    return loaded


@pytest.fixture(scope="module")
def collection(whole: Path) -> Iterator[Collection]:
    with closing(Collection(whole / CHROMA)) as opened:
        yield opened


@pytest.mark.parametrize("rows", [0, 1, 2, 99, 100, 1001])
def test_any_number_of_rows_is_persisted_once(tmp_path: Path, rows: int) -> None:
    """Every vector is in Chroma's files, its queue is empty, its space is cosine, and its room for more is zeroed."""
    vectors = unit_rows(rows)
    used = [np.full(5_000, 7.25, "f4").tobytes() for _ in range(50)]
    used.clear()
    build_collection(tmp_path / CHROMA, vectors)
    for name, size in HNSW_FILES.items():
        for path in tmp_path.glob(f"{CHROMA}/*/{name}"):
            assert not any(path.read_bytes()[rows * size :]), name
    with closing(Collection(tmp_path / CHROMA)) as collection:
        assert collection.count() == rows
        assert len(collection.nearest(unit_rows(1)[0], 5)) == min(rows, 5)
        assert list(collection.faults(vectors)) == []


def test_a_full_disk_fails_the_publish(tmp_path: Path) -> None:
    """The error says that the index is unchanged, and what to check."""
    ample = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, ample[1]))
    try:
        with pytest.raises(PublishFailed, match="Chroma could not write") as raised:
            build_collection(tmp_path / CHROMA, unit_rows(1000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, ample)
    assert "is unchanged" in raised.value.hint
    assert "free space" in raised.value.hint


def test_chroma_finds_nearly_all_that_is_near(collection: Collection, vectors: Matrix) -> None:
    """Chroma finds 99 in 100 of the ten rows nearest by exact scores, and the nearest of all comes first."""
    asked = vectors[::40]
    exact = [set(np.argsort(-(vectors @ vector))[:10].tolist()) for vector in asked]
    found = [collection.nearest(vector, 10) for vector in asked]
    shared = sum(len(want & set(have.tolist())) for want, have in zip(exact, found, strict=True))
    assert shared >= 0.99 * 10 * len(asked)
    best = [float(vector @ vectors[have[0]]) for vector, have in zip(asked, found, strict=True)]
    assert best == pytest.approx([1] * len(asked), abs=1e-5)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 1.0, None])
def test_the_nearest_allowed_rows_are_found(vectors: Matrix, share: float | None) -> None:
    """The exact search finds the nearest rows among those allowed, with their cosines."""
    allowed = np.random.default_rng(5).random(len(vectors)) < (share or 1)
    allowed[11] = True
    question = HashedEmbedder(dimension=16).embed_query("storm damage at the pier")
    best = sorted((float(vectors[row] @ question) for row in np.flatnonzero(allowed)), reverse=True)[:20]
    rows, scores = nearest(vectors, question, 20, None if share is None else allowed)
    assert sorted(scores.tolist(), reverse=True)[: len(best)] == pytest.approx(best)
    assert vectors[rows] @ question == pytest.approx(scores)
    assert allowed[rows].all()
    assert len(rows) >= len(best)


def test_rows_as_near_as_the_last_are_found_as_well() -> None:
    """Equal vectors are not cut apart: in single precision their scores may differ in the last bits."""
    rows, scores = nearest(np.repeat(unit_rows(40), 5, axis=0), unit_rows(40)[3], 7)
    assert {15, 16, 17, 18, 19} <= set(rows.tolist())
    assert len(rows) == 10
    assert len({round(float(score), 5) for score in scores}) == 2


@pytest.mark.parametrize("count", [1, 5, 100])
def test_no_allowed_row_is_no_row(vectors: Matrix, count: int) -> None:
    """If no row is allowed, or there is none, no row is found."""
    assert len(nearest(vectors, vectors[0], count, np.zeros(len(vectors), dtype=bool))[0]) == 0
    assert len(nearest(vectors[:0], vectors[0], count, None)[0]) == 0


def test_vectors_are_collected_and_written_in_order(tmp_path: Path) -> None:
    """Flushed rows can be read; the given rows are written as a file of numpy, page by page."""
    vectors, path = unit_rows(2 * PAGE + 3), tmp_path / "collected"
    file = VectorFile(path, 8)
    assert read_rows(path, 8).shape == (0, 8)
    for start in range(0, len(vectors), 1000):
        file.append(vectors[start : start + 1000])
    file.append(vectors[:0])
    file.flush()
    assert np.array_equal(read_rows(path, 8), vectors)
    rows = np.delete(np.arange(len(vectors)), [0, 7, PAGE])
    file.save(tmp_path / VECTORS, rows)
    saved = np.load(tmp_path / VECTORS, mmap_mode="r")
    assert saved.dtype == np.float32
    assert np.array_equal(saved, vectors[rows])
    file.remove()
    assert not path.exists()


def test_only_finite_vectors_of_length_one_are_unit() -> None:
    """A length within a ten-thousandth of 1 counts as 1."""
    one = unit_rows(1)
    rows = np.vstack([one, one * 1.00005, one * 1.001, np.full((1, 8), np.nan), np.zeros((1, 8))])
    assert are_unit(rows.astype(np.float32)).tolist() == [True, True, False, False, False]


def test_searching_writes_to_the_private_view_alone(whole: Path, tmp_path: Path) -> None:
    """Opening and searching leaves every byte of the segment as it was."""
    copy = shutil.copytree(whole, tmp_path / "copy")
    with closing(Collection(copy / CHROMA)) as collection:
        collection.nearest(np.load(copy / VECTORS)[0], 5)
    assert stored_files(copy) == read_record(whole).files


def test_a_user_who_may_not_write_can_search(whole: Path) -> None:
    """A process without write permission opens and searches a generation, and its bytes stay the same."""
    # Outside pytest's folders, which only their owner may enter.
    with (
        tempfile.TemporaryDirectory() as place,
        tempfile.TemporaryDirectory(prefix=f"{VIEW_PREFIX}{os.getpid()}-") as mine,
    ):
        (Path(mine) / "file").touch()
        Path(mine).chmod(0o777)
        held = os.open(mine, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        Path(place).chmod(0o755)
        data = whole.parents[1]
        folder = shutil.copytree(data, Path(place) / "data")
        before = stored_files(folder)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        reader = subprocess.run(
            [sys.executable, "-c", READER, str(data), str(folder)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=60,
            check=False,
        )
        after = stored_files(folder)
        for path in (folder, *folder.rglob("*")):
            path.chmod(path.stat().st_mode | stat.S_IWUSR)
        assert (Path(mine) / "file").exists(), "the view of a living process of another user was swept"
        os.close(held)
    assert reader.stdout.splitlines() == ["7 7 True", "may not write", "7 7 True"], reader.stderr
    assert after == before


def test_a_private_view_is_removed_when_the_collection_is_closed(whole: Path) -> None:
    """An open collection has one private view, named after its process; a closed one has none."""
    before = views_of(os.getpid())
    collection = Collection(whole / CHROMA)
    (view,) = views_of(os.getpid()) - before
    assert (view / SQLITE).is_file()
    assert not (view / SQLITE).is_symlink()
    collection.close()
    assert not view.exists()


OWNER = """
import sys
from pathlib import Path
from index.vectors import _private_view
with _private_view(Path(sys.argv[1])) as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_views_that_no_process_has_open_are_swept(whole: Path) -> None:
    """A view is removed after its process has ended, whatever its process id; other folders stay."""
    place = Path(tempfile.gettempdir())
    with (
        subprocess.Popen(
            [sys.executable, "-c", OWNER, str(whole / CHROMA)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        ) as owner,
        tempfile.TemporaryDirectory(prefix="other-", dir=place) as other,
    ):
        assert owner.stdout is not None
        view = Path(owner.stdout.readline().strip())
        # With the id of a process that does not exist here, such as one of another container.
        elsewhere = view.rename(view.with_name(f"{VIEW_PREFIX}{2**22 + 1}-elsewhere"))
        sweep_views()
        assert (elsewhere / SQLITE).is_file()
        owner.kill()
        owner.wait()
        # A stale view with the id of a running process.
        stale = elsewhere.rename(place / f"{VIEW_PREFIX}{os.getpid()}-stale")
        sweep_views()
        assert not stale.exists()
        assert Path(other).is_dir()


def test_a_link_that_is_called_like_a_view_is_left_alone(tmp_path: Path) -> None:
    """The target of a link in the shared temporary folder is not removed."""
    (tmp_path / "target").mkdir()
    link = Path(tempfile.gettempdir()) / f"{VIEW_PREFIX}{os.getpid()}-link"
    link.symlink_to(tmp_path / "target")
    try:
        sweep_views()
        assert (tmp_path / "target").is_dir()
    finally:
        link.unlink()


def test_a_folder_that_is_no_chroma_is_damaged_and_leaves_no_view(tmp_path: Path) -> None:
    """A missing folder, and one without the collection, raise IndexDamaged and leave no view."""
    before = views_of(os.getpid())
    with pytest.raises(IndexDamaged, match="cannot be opened"):
        Collection(tmp_path / CHROMA)
    (tmp_path / CHROMA).mkdir()
    (tmp_path / CHROMA / SQLITE).touch()
    with pytest.raises(IndexDamaged, match="no valid collection 'chunks'"):
        Collection(tmp_path / CHROMA)
    assert views_of(os.getpid()) == before
