"""The feedback store: stored fields, limits, and deletion."""

import json
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from service.answer import to_json
from service.errors import FeedbackFull, FeedbackUnavailable
from service.feedback import FILE, CitedWords, Feedback, FeedbackStore

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
feedbacks = st.builds(
    Feedback,
    answer_id=words,
    question=words,
    answer=words,
    vote=st.sampled_from(["up", "down"]),
    citations=st.tuples(st.builds(CitedWords, words, words, st.none() | st.integers(0, 2**31))),
    reasons=st.sampled_from([(), ("outdated",), ("incomplete", "other")]),
    comment=words,
)


def feedback(comment: str = "") -> Feedback:
    return Feedback("ans_1", "What did the lamp cost?", "48,000 crowns [1].", "down", comment=comment)


@given(st.lists(feedbacks, max_size=4))
@how(max_examples=15)
def test_what_is_stored_comes_back_whole_and_in_order(given_: Sequence[Feedback]) -> None:
    """Every field is kept, and entries come oldest first, each with an id of its own."""
    with TemporaryDirectory() as folder:
        store = FeedbackStore(Path(folder), 10)
        ids = [store.add(each) for each in given_]
        entries = FeedbackStore(Path(folder), 10).entries()

    assert [entry.feedback for entry in entries] == list(given_)
    assert [entry.id for entry in entries] == ids
    assert len(set(ids)) == len(ids)


def test_an_entry_is_one_line_of_json(tmp_path: Path) -> None:
    """An export has the id, the time in UTC and the feedback."""
    store = FeedbackStore(tmp_path, 10)
    store.add(feedback("line\nbreak \u2028"))
    line = to_json(store.entries()[0])
    entry = json.loads(line)

    assert "\n" not in line
    assert set(entry) == {"id", "created_at", "feedback"}
    assert entry["created_at"].endswith("Z")
    assert entry["feedback"]["comment"] == "line\nbreak \u2028"


def test_reading_makes_no_file(tmp_path: Path) -> None:
    """Without feedback, the list is empty and the file is not created."""
    store = FeedbackStore(tmp_path, 10)

    assert store.entries() == []
    assert not store.delete("fb_1")
    assert not (tmp_path / FILE).exists()


def test_all_entries_on_an_answer_are_deleted_by_its_id(tmp_path: Path) -> None:
    """Entries on other answers stay."""
    store = FeedbackStore(tmp_path, 10)
    for answer_id in ("ans_1", "ans_2", "ans_1"):
        store.add(replace(feedback(), answer_id=answer_id))

    assert store.delete_answer("ans_1") == 2
    assert store.delete_answer("ans_1") == 0
    assert [entry.feedback.answer_id for entry in store.entries()] == ["ans_2"]


def test_entries_of_an_age_are_deleted(tmp_path: Path) -> None:
    """Newer ones stay; a store without a file gets none."""
    store = FeedbackStore(tmp_path, 10)
    assert store.delete_older(timedelta(0)) == 0
    assert not (tmp_path / FILE).exists()
    store.add(feedback())

    assert store.delete_older(timedelta(days=1)) == 0
    assert store.delete_older(timedelta(0)) == 1
    assert store.entries() == []


def test_an_entry_of_an_earlier_version_is_read_without_its_conversation(tmp_path: Path) -> None:
    """Entries stored the conversation before the question once; it is neither exported nor an error."""
    store = FeedbackStore(tmp_path, 10)
    store.add(feedback())
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        (entry,) = connection.execute("SELECT entry FROM feedback").fetchone()
        old = json.loads(entry) | {"messages": [{"role": "user", "content": "earlier words"}]}
        connection.execute("UPDATE feedback SET entry = ?", (json.dumps(old),))

    assert "earlier words" not in to_json(store.entries()[0])


def test_a_deleted_entry_is_in_no_file(tmp_path: Path) -> None:
    """Its words are overwritten in the database and in its log; the other entries stay."""
    store = FeedbackStore(tmp_path, 10)
    kept, gone = store.add(feedback("stays here")), store.add(feedback("unmistakable words"))

    assert store.delete(gone)
    assert not store.delete(gone)
    assert [entry.id for entry in store.entries()] == [kept]
    held = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"stays here" in held
    assert b"unmistakable words" not in held


def test_the_limit_holds_for_concurrent_entries(tmp_path: Path) -> None:
    """The limit applies across threads; the oldest entries stay, and a deletion makes room."""
    store = FeedbackStore(tmp_path, 5)

    def stored(number: int) -> bool:
        try:
            store.add(feedback(str(number)))
        except FeedbackFull:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(stored, range(12)))

    assert sum(results) == len(store.entries()) == 5
    store.delete(store.entries()[0].id)
    assert stored(99)


def test_two_processes_may_create_the_file_at_once(tmp_path: Path) -> None:
    """Concurrent first entries wait for each other, and all are stored."""
    with ThreadPoolExecutor(8) as threads:
        for attempt in range(40):
            (tmp_path / str(attempt)).mkdir()
            store = FeedbackStore(tmp_path / str(attempt), 20)
            assert len(set(threads.map(lambda number, to=store: to.add(feedback(str(number))), range(8)))) == 8


def test_a_limit_of_zero_takes_nothing(tmp_path: Path) -> None:
    """A limit of 0 refuses all feedback."""
    with pytest.raises(FeedbackFull, match="limit is 0"):
        FeedbackStore(tmp_path, 0).add(feedback())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The folder is a file, the file is a folder, or the file is not a database."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder" / FILE).mkdir(parents=True)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / FILE).write_bytes(b"no database" * 500)

    for data in ("file", "folder", "damaged"):
        with pytest.raises(FeedbackUnavailable, match=FILE):
            FeedbackStore(tmp_path / data, 10).add(feedback())


def test_a_folder_that_is_gone_is_not_made(tmp_path: Path) -> None:
    """After the data folder is deleted, feedback does not create it again."""
    gone = tmp_path / "gone"
    with pytest.raises(FeedbackUnavailable):
        FeedbackStore(gone, 10).add(feedback())

    assert not gone.exists()


def test_the_file_grows_no_larger_than_its_limit(tmp_path: Path) -> None:
    """Stored entries stay, and deleted ones make room."""
    limit = 200_000
    store = FeedbackStore(tmp_path, 1_000, file_bytes=limit)
    ids: list[str] = []

    def fill() -> None:
        ids.extend(store.add(feedback("x" * 5_000 + str(number))) for number in range(1_000))

    with pytest.raises(FeedbackFull, match="200,000 bytes"):
        fill()
    ids = [entry.id for entry in store.entries()]

    assert len(ids) > 10
    assert (tmp_path / FILE).stat().st_size <= limit
    for id_ in ids[:4]:
        store.delete(id_)
    assert store.add(feedback("x" * 5_000))
