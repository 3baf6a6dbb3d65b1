from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.catalog import Catalog
from index.dense import undrained
from index.errors import EmbeddingFailed
from index.generation import Generation
from index.layout import CATALOG, VECTORS
from index.lexical import LexicalIndex
from index.records import Article, indexed_text
from index.staging import Staging
from index.vector_cache import VectorCache, embedding_key
from index.verification import faults_of
from tests.fakes import HashedEmbedder, article, built, configuration, newsroom, sentence_chunks, stage

EMBEDDER = HashedEmbedder()
ARTICLES = newsroom(12)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VectorCache]:
    with closing(VectorCache(tmp_path / "embeddings.db", "fake")) as opened:
        yield opened


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    with closing(Staging(tmp_path / "staging")) as opened:
        yield opened


def rows_of(folder: Path) -> list[tuple[str, str]]:
    """Return the chunk ids and texts of a folder, in row order."""
    with closing(Catalog(folder / CATALOG)) as catalog:
        return [(chunk.chunk_id, chunk.text) for chunk, _ in catalog.chunks(range(catalog.chunk_count))]


def rows_expected(articles: list[Article]) -> list[tuple[str, str]]:
    in_order = sorted(articles, key=lambda each: each.article_id)
    return [(chunk.chunk_id, chunk.text) for each in in_order for chunk in sentence_chunks(each)]


def test_everything_in_a_staged_folder_has_the_rows_of_the_catalogue(staging: Staging, store: VectorCache) -> None:
    """Vectors, lexical index and Chroma have a row for each chunk, in the order of ids and offsets."""
    stage(staging, ARTICLES, store, EMBEDDER)
    count = staging.finish(store, configuration(EMBEDDER))
    expected = rows_expected(ARTICLES)
    assert rows_of(staging.folder) == expected
    titles = {each.article_id: each.title for each in ARTICLES}
    texts = [indexed_text(titles[chunk_id.partition("#")[0]], text) for chunk_id, text in expected]
    assert np.array_equal(np.load(staging.folder / VECTORS), EMBEDDER.embed_texts(texts))
    assert LexicalIndex(staging.folder / "lexical").row_count == count == len(expected)
    assert undrained(staging.folder) == 0


def test_rows_do_not_depend_on_the_order_of_the_articles(tmp_path: Path, store: VectorCache) -> None:
    """The same articles in another order give the same rows and the same vectors."""
    folders = []
    for number, articles in enumerate((ARTICLES, ARTICLES[::-1])):
        with closing(Staging(tmp_path / str(number))) as staging:
            stage(staging, articles, store, EMBEDDER)
            staging.finish(store, configuration(EMBEDDER))
        folders.append(tmp_path / str(number))
    assert rows_of(folders[0]) == rows_of(folders[1])
    assert (folders[0] / VECTORS).read_bytes() == (folders[1] / VECTORS).read_bytes()


def test_articles_wait_in_the_order_of_their_ids_until_they_are_chunked(staging: Staging) -> None:
    """The pending characters shrink as articles are chunked."""
    bodies = {"c": "See.", "a": "Go now.", "b": "Ünïcode"}
    for article_id, body in bodies.items():
        staging.add(article(article_id, body))
    assert staging.pending_characters() == 18
    first = staging.pending(2)
    assert [each.article_id for each in first] == ["a", "b"]
    staging.chunked(first, [])
    assert [each.article_id for each in staging.pending(2)] == ["c"]
    assert staging.pending_characters() == 4


def test_kept_articles_bring_their_chunks_along(tmp_path: Path, staging: Staging) -> None:
    """Articles kept from an earlier generation are not pending, and keep their chunks and vectors."""
    old = built(tmp_path / "data", ARTICLES, EMBEDDER)
    staging.keep(old / CATALOG, [each.article_id for each in ARTICLES[:8]])
    assert staging.pending(100) == []
    with closing(VectorCache(tmp_path / "data" / "embeddings.db", "fake:hashed|exact")) as held:
        staging.finish(held, configuration(EMBEDDER))
    kept = rows_expected(ARTICLES[:8])
    assert rows_of(staging.folder) == kept
    assert np.array_equal(np.load(staging.folder / VECTORS), np.load(old / VECTORS)[: len(kept)])


def test_kept_changed_and_new_articles_make_one_whole_generation(tmp_path: Path) -> None:
    """A changed article has only its new chunks."""
    old = built(tmp_path / "data", ARTICLES[:10], EMBEDDER)
    changed = replace(ARTICLES[3], body="All of it was rewritten.")
    new = [ARTICLES[0], changed, *ARTICLES[5:]]
    with (
        closing(VectorCache(tmp_path / "data" / "embeddings.db", "fake:hashed|exact")) as store,
        closing(Staging(tmp_path / "staging")) as staging,
    ):
        staging.keep(old / CATALOG, [each.article_id for each in new if each in ARTICLES[:10]])
        stage(staging, [changed, *ARTICLES[10:]], store, EMBEDDER)
        staging.finish(store, configuration(EMBEDDER))
    assert rows_of(staging.folder) == rows_expected(new)


def test_renewed_articles_are_to_be_chunked_again(tmp_path: Path, staging: Staging) -> None:
    """Articles copied for a rebuild have no chunks and are pending."""
    old = built(tmp_path / "data", ARTICLES, EMBEDDER)
    staging.renew(old / CATALOG, [each.article_id for each in ARTICLES[2:5]])
    assert staging.pending(100) == ARTICLES[2:5]


def test_any_number_of_articles_is_kept(tmp_path: Path, staging: Staging) -> None:
    """Forty thousand ids, most of them unknown, keep the known articles."""
    old = built(tmp_path / "data", ARTICLES, EMBEDDER)
    staging.renew(old / CATALOG, [f"news-{number:04}" for number in range(40_000)])
    assert len(staging.pending(100)) == len(ARTICLES)


def test_a_vector_that_was_never_embedded_is_missed(staging: Staging, store: VectorCache) -> None:
    """A staged folder with a chunk without a vector cannot be finished."""
    each = ARTICLES[0]
    staging.add(each)
    staging.chunked([each], [(chunk, embedding_key(chunk.text)) for chunk in sentence_chunks(each)])
    with pytest.raises(EmbeddingFailed, match="6 of 6 vectors"):
        staging.finish(store, configuration(EMBEDDER))


@pytest.mark.parametrize("bodies", [[], ["…"], ["the of and"], ["Crews left."], ["Crews left.", "Crews left."]])
def test_very_small_generations_are_whole(tmp_path: Path, bodies: list[str]) -> None:
    """An index without articles or words, of stop words, or of one or two equal rows passes verification."""
    folder = built(tmp_path, [article(str(number), body) for number, body in enumerate(bodies)])
    assert faults_of(folder) == []
    with closing(Generation(folder)) as generation:
        question = EMBEDDER.embed_query("the crews")
        assert sorted(generation.dense.nearest(question, 5, None)) == list(range(len(bodies)))
        assert len(generation.lexical.scores("the crews")) == len(bodies)
