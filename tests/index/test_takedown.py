import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest
from index.vector_cache import embedding_key, vector_cache_of

from index.doctor import examine
from index.errors import ConfigurationError, IndexNotFound
from index.generation import Generation, read_manifest
from index.layout import EMBEDDINGS, current_name, generation_folder, generation_names
from index.takedown import take_down
from tests.fakes import HashedEmbedder, article, built

SECRET = "Quentin Varga lives at 9 Mill Lane."
SHARED = "The ferry left the harbour."
KEPT = article("kept", f"{SHARED} All were saved.")
FIRST = article("gone", f"{SHARED} {SECRET} An older wording of it.")
SECOND = article("gone", f"{SHARED} {SECRET}")


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return generations without the article, with its first version, and with its second, current version."""
    data = tmp_path_factory.mktemp("three")
    for articles in ([KEPT], [KEPT, FIRST], [KEPT, SECOND]):
        built(data, articles)
    return data


@pytest.fixture
def data(three: Path, tmp_path: Path) -> Path:
    return shutil.copytree(three, tmp_path / "data")


def contents(data: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(data.rglob("*")) if file.is_file())


@pytest.fixture
def reader(data: Path) -> Iterator[Generation]:
    with closing(Generation(generation_folder(data, current_name(data) or ""))) as generation:
        yield generation


def test_nothing_of_the_article_is_left(data: Path) -> None:
    """The data folder contains no text, id or vector of any version."""
    held = contents(data)
    vector = HashedEmbedder().embed_query(SECRET).tobytes()
    assert SECRET.encode() in held
    assert b"An older wording" in held
    assert vector in held
    takedown = take_down(data, ["gone"])
    assert takedown.complete
    held = contents(data)
    for trace in (SECRET.encode(), b"Quentin", b"Varga", b"varga", b"An older wording", b'"gone"', vector):
        assert trace not in held, trace
    assert takedown.origins == {"gone": SECOND.origin}


def test_what_others_say_too_stays(data: Path) -> None:
    """Other articles are found in a valid index; a sentence that they share keeps its vector."""
    takedown = take_down(data, ["gone"])
    assert takedown.generation == current_name(data)
    assert all(finding.whole for finding in examine(data))
    folder = generation_folder(data, takedown.generation or "")
    with closing(Generation(folder)) as generation:
        assert generation.catalog.hashes() == {"kept": KEPT.content_hash}
    with closing(vector_cache_of(data / EMBEDDINGS, read_manifest(folder).configuration)) as store:
        assert store.get([embedding_key(SHARED)])
        assert not store.get([embedding_key(SECRET)])
    assert takedown.removed_vectors == 2


def test_only_generations_that_hold_it_are_removed(data: Path) -> None:
    """A rollback to a generation without the article is possible."""
    without, *_ = sorted(generation_names(data))
    takedown = take_down(data, ["gone"])
    assert generation_names(data) == [takedown.generation, without]
    assert len(takedown.removed_generations) == 2


def test_it_waits_for_a_service_to_go_over(data: Path, reader: Generation) -> None:
    """A generation in use is removed when it is released."""
    letting_go = Timer(0.5, reader.close)
    letting_go.start()
    takedown = take_down(data, ["gone"])
    letting_go.join()
    assert takedown.complete
    assert SECRET.encode() not in contents(data)


def test_it_is_not_complete_while_it_is_read(data: Path, reader: Generation) -> None:
    """A generation still in use is named; a second takedown completes it."""
    takedown = take_down(data, ["gone"], patience_s=0.1)
    assert not takedown.complete
    assert takedown.waiting == (reader.name,)
    reader.close()
    again = take_down(data, ["gone"])
    assert again.complete
    assert again.generation is None
    assert SECRET.encode() not in contents(data)


def test_an_article_that_is_nowhere_is_refused(data: Path) -> None:
    """An unknown id is an error that names it, and nothing is removed."""
    before = generation_names(data)
    with pytest.raises(ConfigurationError, match="'nowhere'; nothing was removed"):
        take_down(data, ["gone", "nowhere"])
    assert generation_names(data) == before


def test_a_generation_that_cannot_be_read_is_removed(data: Path) -> None:
    """A generation that cannot be read is removed."""
    oldest = min(generation_names(data))
    (generation_folder(data, oldest) / "catalog.db").write_bytes(b"who knows")
    takedown = take_down(data, ["gone"])
    assert takedown.complete
    assert oldest in takedown.removed_generations


def test_the_last_article_can_be_taken_down(tmp_path: Path) -> None:
    """An index without articles is valid."""
    built(tmp_path, [SECOND])
    assert take_down(tmp_path, ["gone"]).complete
    assert all(finding.whole for finding in examine(tmp_path))


def test_without_an_index_there_is_nothing_to_take_down(tmp_path: Path) -> None:
    """An empty folder raises IndexNotFound."""
    with pytest.raises(IndexNotFound):
        take_down(tmp_path, ["gone"])
