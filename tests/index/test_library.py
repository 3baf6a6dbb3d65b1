import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from index import library as libraries
from index import segment as segments
from index.admin import prune, roll_back
from index.errors import DatelineError, IndexDamaged, IndexMismatch, IndexNotFound, IndexUnavailable
from index.generation import Generation, SegmentPool, open_generation
from index.layout import (
    CATALOG,
    CURRENT,
    GENERATIONS,
    SEGMENT,
    VECTORS,
    current_name,
    generation_names,
    is_leased,
    manifest_path,
    segment_folder,
    segment_names,
)
from index.library import Library
from index.publishing import make_current, read_manifest
from index.records import Filters
from index.segment import Segment
from index.vectors import VIEW_PREFIX
from tests.fakes import HashedEmbedder, article, built, configuration, grown

MODEL = HashedEmbedder().name
BASE = article("base", "Every generation has this article.")


def version(number: int) -> list[Any]:
    return [article("a", f"Generation {number} is served.")]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with three generations; the article of each has its number, and the last is current.

    All three have the first segment; the newer ones have another version of the article in a segment of their own.
    """
    data = tmp_path_factory.mktemp("three")
    built(data, [BASE, *version(0)])
    for number in (1, 2):
        grown(data, version(number))
    return data


@pytest.fixture
def data(three: Path, tmp_path: Path) -> Path:
    return shutil.copytree(three, tmp_path / "data")


@pytest.fixture
def library(data: Path) -> Iterator[Library]:
    with closing(Library(data, MODEL)) as opened:
        yield opened


def damage(data: Path, name: str, file: str = CATALOG) -> None:
    """Change a file of the segment that only this generation has."""
    with (segment_folder(data, own_segment(data, name)) / file).open("ab") as opened:
        opened.write(b"\0")


def views() -> int:
    return len(list(Path(tempfile.gettempdir()).glob(f"{VIEW_PREFIX}{os.getpid()}-*")))


def nearest(generation: Generation, question: str) -> str:
    """Return the id of the article with the live chunk that is nearest to a question."""
    rows = generation.nearest(HashedEmbedder().embed_query(question), 1, generation.allowed_rows(Filters()))
    return generation.chunks(rows)[0][1].article_id


def own_segment(data: Path, name: str) -> str:
    return read_manifest(data, name).segments[-1].segment


def body(library: Library) -> str:
    with library.pinned() as generation:
        found = generation.article("a")
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
    assert not is_leased(manifest_path(data, newest))


def test_a_question_keeps_the_generation_it_began_with(library: Library, data: Path) -> None:
    """A pinned generation stays open after the swap, and is closed when its last question ends."""
    newest, middle, _ = generation_names(data)
    lease = manifest_path(data, newest)
    with library.pinned() as outer:
        with library.pinned() as generation:
            make_current(data, middle)
            assert library.refresh()
            assert body(library) == "Generation 1 is served."
            assert generation.article("a") is not None
            assert nearest(generation, "served") == "a"
        assert outer.article("a") is not None
        assert is_leased(lease)
    assert not is_leased(lease)


@pytest.mark.parametrize("file", [CATALOG, VECTORS, "chroma/chroma.sqlite3"])
def test_a_damaged_current_falls_back_to_the_last_good_one(library: Library, data: Path, file: str) -> None:
    """If the current generation is corrupt, the newest valid one is served, and the error names the fault."""
    newest, middle, _ = generation_names(data)
    damage(data, newest, file)
    assert body(library) == "Generation 1 is served."
    assert library.error is not None
    for part in (own_segment(data, newest), f"{file} has changed"):
        assert part in str(library.error)
    damage(data, middle)
    with closing(Library(data, MODEL)) as other:
        assert body(other) == "Generation 0 is served."


def test_a_current_that_is_gone_falls_back_as_well(library: Library, data: Path) -> None:
    """If the current generation is missing, the newest valid one is served."""
    newest = generation_names(data)[0]
    manifest_path(data, newest).unlink()
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
    assert own_segment(data, newest) in str(library.error)
    assert not library.refresh()
    make_current(data, oldest)
    assert library.refresh()
    assert library.error is None
    assert body(library) == "Generation 0 is served."


def test_no_valid_generation_is_damage(library: Library, data: Path) -> None:
    """If no generation is valid, the error is that of the current one: here a segment that all of them have."""
    damage(data, generation_names(data)[-1])
    with pytest.raises(IndexDamaged, match=segment_names(data)[0]), library.pinned():
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
    assert own_segment(data, newest) in str(library.error)


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
    lease = manifest_path(data, generation_names(data)[0])
    with library.pinned() as generation:
        library.close()
        assert generation.article("a") is not None
        assert is_leased(lease)
    assert not is_leased(lease)


def test_threads_ask_while_generations_are_swapped(library: Library, data: Path) -> None:
    """Questions during swaps each get a valid, open generation, and none stays open."""
    before = views()
    names = generation_names(data)
    failures: list[BaseException] = []
    asked: list[str] = []
    done = threading.Event()

    def ask() -> None:
        try:
            while not done.is_set():
                with library.pinned() as generation:
                    assert nearest(generation, "Generation served") == "a"
                    found = generation.article("a")
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


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the ids of the segments that are opened, in order, while a test runs."""
    found: list[str] = []

    class Spied(Segment):
        def __init__(self, folder: Path, *rest: Any, **more: Any) -> None:  # noqa: ANN401 - passed on
            found.append(folder.name)
            super().__init__(folder, *rest, **more)

    monkeypatch.setattr(segments, "Segment", Spied)
    return found


def test_a_swap_opens_only_the_new_segments(library: Library, data: Path, opened: list[str]) -> None:
    """The segments that both generations have are the same objects, and are not read again."""
    segments = segment_names(data)
    with library.pinned() as before:
        assert opened == [segments[0], segments[2]]
        grown(data, [article("b", "One more article.")])
        del opened[:]
        assert library.refresh()
        with library.pinned() as after:
            assert opened == [segment_names(data)[-1]]
            assert [part.segment for part in after.parts[:2]] == [part.segment for part in before.parts]
            assert (before.article("b"), len(before.hashes())) == (None, 2)
            assert len(after.hashes()) == 3
    assert body(library) == "Generation 2 is served."


def test_a_segment_is_closed_with_its_last_user(library: Library, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment that two generations share stays open until neither is used; one of only the old one is closed."""
    closed: list[str] = []
    close = Segment.close

    def spy(segment: Segment) -> None:
        closed.append(segment.id)
        close(segment)

    monkeypatch.setattr(Segment, "close", spy)
    first, second, third = segment_names(data)
    _, middle, _ = generation_names(data)
    with library.pinned() as old:
        make_current(data, middle)
        library.refresh()
        assert closed == []
        assert old.article("a") is not None
    assert closed == [third]
    with library.pinned() as generation:
        assert generation.article("base") == BASE
        assert nearest(generation, "served") == "a"
    library.close()
    assert closed == [third, second, first]


def test_a_pool_gives_one_segment_to_all_until_the_last_gives_it_back(data: Path) -> None:
    """After the last user the segment is closed, and the next one opens it again."""
    pool = SegmentPool(data)
    names = generation_names(data)
    one, two = open_generation(data, names[0], pool), open_generation(data, names[1], pool)
    shared = one.parts[0].segment
    assert two.parts[0].segment is shared
    one.close()
    assert shared.catalog.article("base") == BASE
    with closing(open_generation(data, names[2], pool)) as three:
        assert three.parts[0].segment is shared
    two.close()
    with closing(open_generation(data, names[0], pool)) as again:
        assert again.parts[0].segment is not shared


def test_a_generation_that_cannot_be_opened_gives_its_segments_back(data: Path) -> None:
    """If one segment is corrupt, those before it are closed, and the lease is released."""
    newest = generation_names(data)[0]
    pool = SegmentPool(data)
    damage(data, newest)
    with pytest.raises(IndexDamaged, match="has changed"):
        open_generation(data, newest, pool)
    assert not is_leased(manifest_path(data, newest))
    assert pool._open == {}


def test_a_segment_other_than_the_one_that_was_published_is_not_opened(data: Path) -> None:
    """The manifest has the digest of each segment's record, which has those of its files."""
    newest, middle, _ = generation_names(data)
    mine, other = (segment_folder(data, own_segment(data, name)) for name in (newest, middle))
    shutil.rmtree(mine)
    with pytest.raises(IndexDamaged, match=rf"segment {mine.name} cannot be read: .*segment\.json"):
        open_generation(data, newest)
    shutil.copytree(other, mine)
    with pytest.raises(IndexDamaged, match=rf"segment {mine.name} is corrupt: segment\.json has changed"):
        open_generation(data, newest)


def test_a_publish_and_a_prune_between_reading_current_and_opening(
    library: Library, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the generation that CURRENT named is gone when it is opened, the one that CURRENT names now is opened."""
    steps: list[Callable[[], object]] = [
        lambda: (grown(data, version(3)), prune(data, 1)),
        lambda: (grown(data, version(4)), prune(data, 1)),
    ]

    def then_publish(folder: Path) -> str | None:
        name = current_name(folder)
        # A service of other tests in this process looks for generations of its own in the background.
        if steps and folder == data:
            steps.pop(0)()
        return name

    monkeypatch.setattr(libraries, "current_name", then_publish)
    assert body(library) == "Generation 4 is served."
    assert library.error is None
    assert generation_names(data) == [current_name(data)]


def test_a_prune_leaves_what_is_served(library: Library, data: Path) -> None:
    """A generation that a question reads keeps its manifest and its segments until the question ends."""
    newest, middle, oldest = generation_names(data)
    with library.pinned() as generation:
        roll_back(data, oldest)
        assert prune(data, 1) == [middle]
        assert library.refresh()
        assert generation.article("base") == BASE
        assert nearest(generation, "served") == "a"
        assert body(library) == "Generation 0 is served."
    assert newest in generation_names(data)
    assert prune(data, 1) == []
    grown(data, version(5))
    assert prune(data, 1) == [newest]
    assert body(library) == "Generation 0 is served."


def test_a_rollback_is_served_without_opening_the_index_again(library: Library, data: Path, opened: list[str]) -> None:
    """An operator rolls back while questions run: they end on the old generation, later ones begin on the other."""
    newest, middle, _ = generation_names(data)
    with library.pinned() as before:
        del opened[:]
        assert roll_back(data, middle) == middle
        assert before.name == newest
        del opened[:]
        assert library.refresh()
        assert opened == [own_segment(data, middle)]
        assert body(library) == "Generation 1 is served."
        assert nearest(before, "served") == "a"
    roll_back(data, newest)
    assert library.refresh()
    assert body(library) == "Generation 2 is served."
    assert library.error is None


@pytest.mark.parametrize("graph", ["", "int8", "int8-reduced"])
def test_the_graph_of_the_index_is_served(tmp_path: Path, graph: str) -> None:
    """An index in 8 bits is asked in 8 bits, reduced or not; without a setting, in whichever it has."""
    built(tmp_path, [BASE, *version(0)], HashedEmbedder(graph="int8"))
    with closing(Library(tmp_path, MODEL, embedding_graph=graph)) as library:
        assert body(library) == "Generation 0 is served."


def test_an_index_of_another_graph_is_a_mismatch(data: Path) -> None:
    """The error names the graph of the index, the one of the settings, and the fix."""
    built(data, [BASE], HashedEmbedder(graph="int8"))
    with closing(Library(data, MODEL, embedding_graph="fp32")) as library:
        with pytest.raises(IndexMismatch) as raised, library.pinned():
            pass
        for part in ("int8", "fp32", "--rebuild"):
            assert part in str(raised.value)


def test_an_index_of_the_first_release_is_refused(tmp_path: Path) -> None:
    """The error has the command that replaces it; after a rebuild its folder does no harm."""
    old = tmp_path / GENERATIONS / "20260101T000000000Z-00000000"
    old.mkdir(parents=True)
    (tmp_path / CURRENT).write_text(f"{old.name}\n")
    with closing(Library(tmp_path, MODEL)) as library:
        with pytest.raises(IndexNotFound, match="index of the first release") as raised, library.pinned():
            pass
        assert "dateline ingest --rebuild PATH" in raised.value.hint
        built(tmp_path, [BASE, *version(0)], made=configuration(HashedEmbedder()))
        assert body(library) == "Generation 0 is served."


def test_a_failure_is_repeated_without_reading_the_index_again(
    library: Library, data: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a second, later questions get the same error; a new CURRENT is opened at once."""
    for name in generation_names(data):
        damage(data, name)
    failures: list[DatelineError] = []
    for _ in range(3):
        with pytest.raises(IndexDamaged) as raised, library.pinned():
            pass
        failures.append(raised.value)
        if len(failures) == 1:
            assert opened
            del opened[:]
    assert opened == []
    assert failures[1] is failures[2] is failures[0]
    monkeypatch.setattr(libraries, "RETRY_S", 0.0)
    with pytest.raises(IndexDamaged), library.pinned():
        pass
    assert opened
    monkeypatch.undo()
    built(data, [BASE, *version(7)])
    assert body(library) == "Generation 7 is served."


def test_a_generation_without_a_record_in_a_segment_is_corrupt(data: Path) -> None:
    """A lost segment.json is a fault of the segment, which is named."""
    newest = generation_names(data)[0]
    (segment_folder(data, own_segment(data, newest)) / SEGMENT).unlink()
    with pytest.raises(IndexDamaged, match=own_segment(data, newest)):
        open_generation(data, newest)
