"""Many near-duplicate chunks: they are published with a notice, other chunks are found, corruption is detected."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from index.catalog import Catalog
from index.errors import PublishFailed
from index.generation import Generation, file_digests, new_staging, publish, read_manifest
from index.layout import CATALOG, MANIFEST, VECTORS, current_name, generation_folder
from index.records import Article
from index.verification import Searches, articles_with_near_duplicates, faults_of, verify
from tests.fakes import HashedEmbedder, article, built, newsroom

GOOD = newsroom(10)
LINES = 300
ROWS: dict[str, Callable[[int], str]] = {
    "filler": lambda _: "Word word word word word word word.",
    "log": lambda number: f"At {number} the pump station reports level ok and flow ok and power ok and door shut.",
    "table": lambda number: (
        f"Runner {number} Harbour Club finished the town race in the open class on time {number % 7}."
    ),
}


def crowd(kind: str) -> list[Article]:
    """Return ordinary articles, and between them by id one of many near-duplicate sentences."""
    return [*GOOD, article("news-0005-odd", " ".join(ROWS[kind](number) for number in range(LINES)))]


def staged(data: Path, articles: list[Article]) -> Path:
    """Return a generation of these articles before its verification."""
    folder = built(data, articles, HashedEmbedder(dimension=32))
    (data / "CURRENT").unlink()
    return folder.rename(new_staging(data))


@pytest.fixture(scope="module", params=ROWS)
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a published generation with many near-duplicates."""
    data = tmp_path_factory.mktemp("crowd")
    folder = staged(data, crowd(request.param))
    publish(data, folder, read_manifest(folder))
    return generation_folder(data, current_name(data) or "")


@pytest.fixture
def generation(published: Path) -> Iterator[Generation]:
    with closing(Generation(published)) as opened:
        yield opened


def test_a_crowd_is_published_and_searched_exactly(published: Path) -> None:
    """Near-duplicates are not corruption: the generation is current and valid, with exact search."""
    assert read_manifest(published).search == "exact"
    assert faults_of(published) == []


def test_every_chunk_beside_a_crowd_is_found(generation: Generation) -> None:
    """The nearest rows to any vector are those of the highest exact scores, also where HNSW misses them."""
    vectors = np.array(generation.dense.vectors)
    for asked in vectors:
        found = generation.dense.nearest(asked, 5, None)
        assert vectors[found] @ asked == pytest.approx(np.sort(vectors @ asked)[::-1][:5], abs=1e-5)


def test_the_articles_of_a_crowd_are_named(published: Path) -> None:
    """Only the article of near-duplicate chunks is named."""
    assert [each.article_id for each in articles_with_near_duplicates(published)] == ["news-0005-odd"]


def test_ordinary_articles_are_searched_through_chroma(tmp_path: Path) -> None:
    """Without near-duplicates the manifest leaves the search to Chroma."""
    folder = staged(tmp_path, newsroom(60))
    assert publish(tmp_path, folder, read_manifest(folder)).search == "chroma"


@pytest.mark.parametrize("kind", ROWS)
def test_wrong_vectors_in_a_crowd_are_damage(tmp_path: Path, kind: str) -> None:
    """Vectors that differ from Chroma's, or are not finite, stop the publish, also with near-duplicates."""
    whole = staged(tmp_path, crowd(kind))
    with closing(Catalog(whole / CATALOG)) as catalog:
        last = catalog.chunk_count - 1
    right = np.load(whole / VECTORS)
    swapped, not_finite = right.copy(), right.copy()
    swapped[[0, last]] = right[[last, 0]]
    not_finite[3, 5] = np.nan
    for number, wrong in enumerate((swapped, not_finite)):
        folder = shutil.copytree(whole, whole.with_name(f"{whole.name}-{number}"))
        np.save(folder / VECTORS, wrong)
        manifest = json.loads((folder / MANIFEST).read_text()) | {"files": file_digests(folder)}
        (folder / MANIFEST).write_text(json.dumps(manifest))
        with pytest.raises(PublishFailed, match="vectors"):
            publish(tmp_path, folder, read_manifest(folder))
    assert current_name(tmp_path) is None


def test_all_chunks_of_one_vector_are_no_damage(tmp_path: Path) -> None:
    """If a model gives every text the same vector, each chunk finds an equal one."""
    same = [article(f"a{number}", "The ferry left the harbour. " * 20) for number in range(30)]
    result = verify(staged(tmp_path, same))
    assert (result.faults, result.searches.missed) == ([], 0)


@pytest.mark.parametrize(
    ("searches", "exact"),
    [
        (Searches(rows=1000, asked=1000), False),
        (Searches(rows=1000, asked=1000, missed=1), False),
        (Searches(rows=1000, asked=1000, missed=1, hidden=1), True),
        (Searches(rows=1000, asked=1000, crowded=1), True),
        (Searches(rows=1000, asked=1000, missed=3), True),
        (Searches(rows=10**6, asked=500, missed=1, hidden=1, crowded=9), False),
        (Searches(rows=10**6, asked=500, missed=2, hidden=2), True),
    ],
)
def test_when_exact_search_is_better(searches: Searches, exact: bool) -> None:
    """A small index uses exact search if one chunk is missed, a large one if more than 2 in 1,000 are."""
    assert searches.exact_is_better == exact
