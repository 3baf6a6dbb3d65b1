import fcntl
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from index.dense import DenseIndex, build_dense, undrained
from index.dense.view import SQLITE, VIEW_PREFIX, private_view, sweep_views

from index.embedding import Matrix
from index.errors import IndexDamaged
from index.generation import file_digests
from index.layout import CHROMA, VECTORS
from tests.fakes import HashedEmbedder
from tests.index.chroma import chroma

ROOT = Path(__file__).parents[2]
OTHER_USER = 65534
READER = f"""
import os, sys
from pathlib import Path
import numpy as np
from index.generation import Generation

def search(folder):
    generation = Generation(folder)
    vector = np.array(generation.dense.vectors[7])
    print(generation.dense.nearest(vector, 3, None)[0], generation.lexical.scores("ferry").max() > 0)
    generation.close()

# Once before, because another user may not be let into the folders that the libraries lie in.
search(Path(sys.argv[1]))
if os.getuid() == 0:
    os.setgroups([])
    os.setgid({OTHER_USER})
    os.setuid({OTHER_USER})
try:
    (Path(sys.argv[2]) / "catalog.db").open("r+b")
except PermissionError:
    print("may not write")
search(Path(sys.argv[2]))
"""

Open = Callable[[Matrix], DenseIndex]


def unit_rows(count: int, dimension: int = 8) -> Matrix:
    rows = np.random.default_rng(3).normal(size=(count, dimension)).astype(np.float32)
    scaled: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def views_of(pid: int) -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob(f"{VIEW_PREFIX}{pid}-*"))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Yield a function that builds a dense index of vectors and opens it until the test ends."""
    indexes: list[DenseIndex] = []

    def open_(vectors: Matrix) -> DenseIndex:
        np.save(tmp_path / VECTORS, vectors)
        build_dense(tmp_path, vectors)
        indexes.append(DenseIndex(tmp_path))
        return indexes[-1]

    yield open_
    for index in indexes:
        index.close()


@pytest.fixture(scope="module")
def dense(whole: Path) -> Iterator[DenseIndex]:
    with closing(DenseIndex(whole)) as index:
        yield index


@pytest.mark.parametrize("rows", [0, 1, 2, 1001])
def test_any_number_of_rows_is_persisted_once_and_whole(opened: Open, tmp_path: Path, rows: int) -> None:
    """For any number, every vector is in Chroma's files, its queue is empty, and its space is cosine."""
    vectors = unit_rows(rows)
    index = opened(vectors)
    assert undrained(tmp_path) == 0
    assert index.count() == rows
    assert index.configuration["space"] == "cosine"
    assert len(index.nearest(unit_rows(1)[0], 5)) == min(rows, 5)
    stored = np.full_like(vectors, np.nan)
    for page, found in index.stored():
        stored[page] = found
    assert stored == pytest.approx(vectors, abs=1e-6)


def test_chroma_finds_nearly_all_that_is_near(dense: DenseIndex) -> None:
    """Chroma finds 99 in 100 of the ten rows nearest by exact scores, and the nearest of all comes first."""
    asked = dense.vectors[::40]
    exact = [set(np.argsort(-(dense.vectors @ vector))[:10].tolist()) for vector in asked]
    found = [dense.nearest(vector, 10) for vector in asked]
    shared = sum(len(want & set(have.tolist())) for want, have in zip(exact, found, strict=True))
    assert shared >= 0.99 * 10 * len(asked)
    best = [float(vector @ dense.vectors[have[0]]) for vector, have in zip(asked, found, strict=True)]
    assert best == pytest.approx([1] * len(asked), abs=1e-5)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 1.0])
def test_allowed_rows_are_ranked_exactly(dense: DenseIndex, share: float) -> None:
    """Among the allowed rows the nearest are found exactly, best first."""
    rng = np.random.default_rng(5)
    allowed = rng.random(len(dense.vectors)) < share
    allowed[11] = True
    question = HashedEmbedder(dimension=16).embed_query("storm damage at the pier")
    expected = sorted(np.flatnonzero(allowed), key=lambda row: -float(dense.vectors[row] @ question))[:20]
    found = dense.nearest(question, 20, allowed)
    assert dense.scores(question, found) == pytest.approx(dense.vectors[expected] @ question)
    assert allowed[found].all()


def test_no_allowed_row_is_no_row(dense: DenseIndex) -> None:
    """If no row is allowed, no row is found."""
    nothing = np.zeros(len(dense.vectors), dtype=bool)
    assert len(dense.nearest(dense.vectors[0], 5, nothing)) == 0


@pytest.mark.parametrize("count", [1, 400, 1300])
def test_scores_are_exact_cosines(dense: DenseIndex, count: int) -> None:
    """Scores are the cosines of the requested rows, in their order."""
    rows = np.random.default_rng(7).permutation(len(dense.vectors))[:count]
    assert dense.scores(dense.vectors[3], rows) == pytest.approx(
        [float(dense.vectors[row] @ dense.vectors[3]) for row in rows], abs=1e-6
    )


def test_searching_writes_to_the_private_view_alone(whole: Path, tmp_path: Path) -> None:
    """Opening and searching leaves every byte of the generation as it was."""
    copy = shutil.copytree(whole, tmp_path / "copy")
    before = file_digests(copy)
    with closing(DenseIndex(copy)) as index:
        index.nearest(index.vectors[0], 5)
    assert file_digests(copy) == before


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
        folder = shutil.copytree(whole, Path(place) / "generation")
        before = file_digests(folder)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        reader = subprocess.run(
            [sys.executable, "-c", READER, str(whole), str(folder)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=60,
            check=False,
        )
        after = file_digests(folder)
        for path in (folder, *folder.rglob("*")):
            path.chmod(path.stat().st_mode | stat.S_IWUSR)
        assert (Path(mine) / "file").exists(), "the view of a living process of another user was swept"
        os.close(held)
    assert reader.stdout.splitlines() == ["7 True", "may not write", "7 True"], reader.stderr
    assert after == before


def test_a_private_view_is_removed_when_the_index_is_closed(whole: Path) -> None:
    """An open index has one private view, named after its process; a closed one has none."""
    before = views_of(os.getpid())
    index = DenseIndex(whole)
    (view,) = views_of(os.getpid()) - before
    assert (view / SQLITE).is_file()
    assert not (view / SQLITE).is_symlink()
    index.close()
    assert not view.exists()


OWNER = """
import sys
from pathlib import Path
from index.dense.view import private_view
print(private_view(Path(sys.argv[1])).folder, flush=True)
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
    np.save(tmp_path / VECTORS, unit_rows(1))
    with pytest.raises(IndexDamaged, match="cannot be opened"):
        private_view(tmp_path / CHROMA)
    (tmp_path / CHROMA).mkdir()
    (tmp_path / CHROMA / SQLITE).touch()
    with pytest.raises(IndexDamaged, match="no valid collection 'chunks'"):
        DenseIndex(tmp_path)
    assert views_of(os.getpid()) == before


def test_rows_that_wait_in_the_queue_are_counted(whole: Path, tmp_path: Path) -> None:
    """Rows that Chroma has not written to its HNSW files are counted."""
    copy = shutil.copytree(whole / CHROMA, tmp_path / CHROMA)
    with chroma(copy) as client:
        collection = client.get_collection("chunks", embedding_function=None)
        collection.add(ids=["1000000", "1000001"], embeddings=unit_rows(2, 16))
    assert undrained(tmp_path) == 2
