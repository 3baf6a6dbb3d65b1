import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from index.dense.view import VIEW_PREFIX

from index.errors import IndexDamaged, IndexMismatch, IndexNotFound, IndexUnavailable
from index.generation import make_current
from index.layout import CATALOG, CURRENT, GENERATIONS, LEASE, VECTORS, generation_names
from index.library import Library
from index.locks import is_leased
from tests.fakes import HashedEmbedder, article, built

MODEL = HashedEmbedder().name


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with three generations; the article of each has its number, and the last is current."""
    data = tmp_path_factory.mktemp("three")
    for number in range(3):
        built(data, [article("a", f"Generation {number} is served.")])
    return data


@pytest.fixture
def data(three: Path, tmp_path: Path) -> Path:
    return shutil.copytree(three, tmp_path / "data")


@pytest.fixture
def library(data: Path) -> Iterator[Library]:
    with closing(Library(data, MODEL)) as opened:
        yield opened


def damage(data: Path, name: str, file: str = CATALOG) -> None:
    with (data / GENERATIONS / name / file).open("ab") as opened:
        opened.write(b"\0")


def views() -> int:
    return len(list(Path(tempfile.gettempdir()).glob(f"{VIEW_PREFIX}{os.getpid()}-*")))


def body(library: Library) -> str:
    with library.pinned() as generation:
        found = generation.catalog.article("a")
        assert found is not None
        return found.body


def test_the_current_generation_is_served(library: Library, data: Path) -> None:
    """The current generation is opened at the first question, and stays open for the next."""
    assert body(library) == "Generation 2 is served."
    with library.pinned() as first, library.pinned() as second:
        assert first is second
        assert first.name == generation_names(data)[0]
    assert library.error is None


def test_a_new_current_is_taken_up(library: Library, data: Path) -> None:
    """When CURRENT changes, refresh() opens the new generation, returns True and closes the old one."""
    newest, middle, _ = generation_names(data)
    body(library)
    assert not library.refresh()
    make_current(data, middle)
    assert body(library) == "Generation 2 is served."
    assert library.refresh()
    assert body(library) == "Generation 1 is served."
    assert not is_leased(data / GENERATIONS / newest / LEASE)


def test_a_question_keeps_the_generation_it_began_with(library: Library, data: Path) -> None:
    """A pinned generation stays open after the swap, and is closed when its last question ends."""
    newest, middle, _ = generation_names(data)
    lease = data / GENERATIONS / newest / LEASE
    with library.pinned() as outer:
        with library.pinned() as generation:
            make_current(data, middle)
            assert library.refresh()
            assert body(library) == "Generation 1 is served."
            assert generation.catalog.article("a") is not None
            assert generation.dense.nearest(HashedEmbedder().embed_query("served"), 1, None).tolist() == [0]
        assert outer.catalog.article("a") is not None
        assert is_leased(lease)
    assert not is_leased(lease)


@pytest.mark.parametrize("file", [CATALOG, VECTORS, "chroma/chroma.sqlite3"])
def test_a_damaged_current_falls_back_to_the_last_good_one(library: Library, data: Path, file: str) -> None:
    """If the current generation is corrupt, the newest valid one is served, and the error names the fault."""
    newest, middle, _ = generation_names(data)
    damage(data, newest, file)
    assert body(library) == "Generation 1 is served."
    assert library.error is not None
    for part in (newest, f"{file} has changed"):
        assert part in str(library.error)
    damage(data, middle)
    with closing(Library(data, MODEL)) as other:
        assert body(other) == "Generation 0 is served."


def test_a_current_that_is_gone_falls_back_as_well(library: Library, data: Path) -> None:
    """If the current generation is missing, the newest valid one is served."""
    newest = generation_names(data)[0]
    shutil.rmtree(data / GENERATIONS / newest)
    assert body(library) == "Generation 1 is served."
    assert newest in str(library.error)


def test_a_damaged_new_generation_does_not_replace_a_good_one(library: Library, data: Path) -> None:
    """If CURRENT names a corrupt generation, the open one stays; a valid one clears the error."""
    newest, middle, oldest = generation_names(data)
    make_current(data, middle)
    assert body(library) == "Generation 1 is served."
    damage(data, newest)
    make_current(data, newest)
    assert not library.refresh()
    assert body(library) == "Generation 1 is served."
    assert newest in str(library.error)
    assert not library.refresh()
    make_current(data, oldest)
    assert library.refresh()
    assert library.error is None
    assert body(library) == "Generation 0 is served."


def test_no_valid_generation_is_damage(library: Library, data: Path) -> None:
    """If no generation is valid, the error is that of the current one."""
    for name in generation_names(data):
        damage(data, name)
    with pytest.raises(IndexDamaged, match=generation_names(data)[0]), library.pinned():
        pass


def test_no_generation_at_all_is_not_found(tmp_path: Path) -> None:
    """A folder without an index is an error with the command to create one; a new index is then opened."""
    with closing(Library(tmp_path, MODEL)) as library:
        with pytest.raises(IndexNotFound, match="has no index") as raised, library.pinned():
            pass
        assert "dateline ingest" in raised.value.hint
        built(tmp_path, [article("a", "It is here.")])
        assert body(library) == "It is here."


def test_a_generation_of_another_model_is_a_mismatch(data: Path) -> None:
    """The error names the model of the index, the one of the settings, and the fix."""
    with closing(Library(data, "local:other")) as library:
        with pytest.raises(IndexMismatch) as raised, library.pinned():
            pass
        for part in (MODEL, "local:other", "--rebuild"):
            assert part in str(raised.value)
        assert library.error is raised.value


def test_a_new_generation_of_another_model_is_not_served(library: Library, data: Path) -> None:
    """The open generation stays if the new one has another model."""
    before = generation_names(data)[0]
    body(library)
    built(data, [article("a", "Another model made this.")], HashedEmbedder("fake:other"))
    assert not library.refresh()
    assert body(library) == "Generation 2 is served."
    assert "fake:other" in str(library.error)
    make_current(data, before)
    assert not library.refresh()
    assert library.error is None


def test_falling_back_passes_over_generations_of_another_model(library: Library, data: Path) -> None:
    """A corrupt current generation is replaced by the last valid one of the same model."""
    newest = generation_names(data)[0]
    built(data, [article("a", "Another model made this.")], HashedEmbedder("fake:other"))
    make_current(data, newest)
    damage(data, newest)
    assert body(library) == "Generation 1 is served."
    assert newest in str(library.error)


def test_a_missing_current_is_an_error_and_the_service_goes_on(library: Library, data: Path) -> None:
    """Without CURRENT, the open or the last valid generation is served, and the error is kept."""
    body(library)
    (data / CURRENT).unlink()
    assert not library.refresh()
    assert body(library) == "Generation 2 is served."
    assert "CURRENT is missing or empty" in str(library.error)
    with closing(Library(data, MODEL)) as started:
        assert body(started) == "Generation 2 is served."
        assert "CURRENT is missing or empty" in str(started.error)


def test_closing_lets_running_questions_finish(data: Path) -> None:
    """A library that is closed while a question runs closes its generation after it."""
    library = Library(data, MODEL)
    lease = data / GENERATIONS / generation_names(data)[0] / LEASE
    with library.pinned() as generation:
        library.close()
        assert generation.catalog.article("a") is not None
        assert is_leased(lease)
    assert not is_leased(lease)


def test_threads_ask_while_generations_are_swapped(library: Library, data: Path) -> None:
    """Questions during swaps each get a valid, open generation, and none stays open."""
    before = views()
    names = generation_names(data)
    question = HashedEmbedder().embed_query("served")
    failures: list[BaseException] = []
    asked: list[str] = []
    done = threading.Event()

    def ask() -> None:
        try:
            while not done.is_set():
                with library.pinned() as generation:
                    assert generation.dense.nearest(question, 1, None).tolist() == [0]
                    found = generation.catalog.article("a")
                    assert found is not None
                    assert generation.name == names[2 - int(found.body.split()[1])]
                    asked.append(generation.name)
        except (AssertionError, IndexUnavailable, OSError, ValueError) as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(15):
        make_current(data, names[number % 3])
        library.refresh()
    done.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert set(asked) == set(names)
    library.close()
    assert views() == before
