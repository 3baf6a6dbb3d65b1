import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import EmbeddingFailed, IndexDamaged
from index.vector_cache import PAGE, VectorCache, embedding_key, embedding_model_id
from tests.fakes import HashedEmbedder

EMBEDDER = HashedEmbedder(dimension=8)
TEXTS = [f"sentence {number}" for number in range(2 * PAGE + 3)]
KEYS = [embedding_key(text) for text in TEXTS]
VECTORS = EMBEDDER.embed_texts(TEXTS)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VectorCache]:
    with closing(VectorCache(tmp_path / "embeddings.db", "fake")) as opened:
        yield opened


@given(st.text(), st.text())
def test_a_text_has_a_key_of_its_own(one: str, other: str) -> None:
    """Two texts have the same key of 32 bytes if and only if they are equal."""
    assert (embedding_key(one) == embedding_key(other)) == (one == other)
    assert len(embedding_key(one)) == 32


def test_vectors_come_back_as_they_were_put(store: VectorCache) -> None:
    """Vectors are found bit for bit, more than a page at once; other keys are absent."""
    store.put(KEYS[:-1], VECTORS[:-1])
    found = store.get(KEYS)
    assert found.keys() == set(KEYS[:-1])
    assert b"".join(found[key] for key in KEYS[:-1]) == VECTORS[:-1].tobytes()


def test_pages_give_the_vectors_in_the_order_of_the_keys(store: VectorCache) -> None:
    """Vectors are in the order of the keys, with repeats, one page in memory at a time."""
    store.put(KEYS, VECTORS)
    wanted = [*reversed(range(len(KEYS))), 7, 7]
    pages = list(store.pages((KEYS[number] for number in wanted), 8))
    assert max(len(page) for page in pages) == PAGE
    assert np.array_equal(np.concatenate(pages), VECTORS[wanted])
    assert list(store.pages(iter([]), 8)) == []


def test_a_missing_vector_is_counted(store: VectorCache) -> None:
    """A key without a vector is an error with the number of missing ones and the fix."""
    store.put(KEYS[:3], VECTORS[:3])
    with pytest.raises(EmbeddingFailed, match=r"2 of 5 vectors are not in embeddings\.db") as raised:
        list(store.pages(iter(KEYS[:5]), 8))
    assert "--rebuild" in str(raised.value)


def test_a_key_keeps_its_first_vector(store: VectorCache) -> None:
    """Putting a vector again changes nothing."""
    store.put(KEYS[:1], VECTORS[:1])
    store.put(KEYS[:1], VECTORS[1:2])
    assert store.get(KEYS[:1])[KEYS[0]] == VECTORS[0].tobytes()


def test_models_do_not_share_vectors(tmp_path: Path) -> None:
    """The same text has a vector for each model, and models do not share vectors."""
    path = tmp_path / "deeper" / "embeddings.db"
    with closing(VectorCache(path, "one")) as one, closing(VectorCache(path, "other")) as other:
        one.put(KEYS[:1], VECTORS[:1])
        assert other.get(KEYS[:1]) == {}
        other.put(KEYS[:1], VECTORS[1:2])
        assert one.get(KEYS[:1]) != other.get(KEYS[:1])


def test_what_was_put_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    """Every stored vector is on disk at once, before the cache is closed."""
    path = tmp_path / "embeddings.db"
    with closing(VectorCache(path, "fake")) as first:
        first.put(KEYS[:2], VECTORS[:2])
        with closing(VectorCache(path, "fake")) as second:
            assert len(second.get(KEYS)) == 2


def test_a_batch_is_put_whole_or_not_at_all(store: VectorCache) -> None:
    """A batch that fails halfway stores nothing."""
    with pytest.raises(ValueError, match="shorter"):
        store.put(KEYS[:3], VECTORS[:2])
    assert store.get(KEYS[:3]) == {}


def test_the_store_is_one_plain_file_once_closed(tmp_path: Path) -> None:
    """Closing leaves no journal, so a copy of the file is complete."""
    with closing(VectorCache(tmp_path / "embeddings.db", "fake")) as opened:
        opened.put(KEYS[:1], VECTORS[:1])
    assert [path.name for path in tmp_path.iterdir()] == ["embeddings.db"]
    with closing(sqlite3.connect(tmp_path / "embeddings.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_another_file_is_damaged(tmp_path: Path) -> None:
    """A file that is not a vector cache is an error with its name and the fix."""
    (tmp_path / "embeddings.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(IndexDamaged, match=r"embeddings\.db cannot be read(.|\n)*--repair"):
        VectorCache(tmp_path / "embeddings.db", "fake")


def test_a_model_run_in_another_way_is_another_model() -> None:
    """Vectors are stored by the model's name and graph."""
    embedders = [HashedEmbedder("a", "int8"), HashedEmbedder("a", "fp32"), HashedEmbedder("b", "int8")]
    assert len({embedding_model_id(embedder) for embedder in embedders}) == 3
