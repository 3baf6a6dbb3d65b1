"""The spool: what was accepted last is what the writer finds, whatever happens in between."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import spool as module
from index.errors import IngestRunning, SpoolFull
from index.spool import Push, Spool, has_writer, writer_lock

IDS = st.sampled_from(["a", "b", "A", "x" * 200])
TEXTS = st.sampled_from(["The bridge is open.", "The bridge is closed.", "Die Brücke ist zu."])
PUSHES = st.builds(Push, IDS, st.one_of(st.none(), st.fixed_dictionaries({"body": TEXTS})))
STEPS = st.lists(st.one_of(PUSHES, st.just("publish"), st.just("crash")), max_size=12)


def stored(spool: Spool) -> dict[str, str]:
    """Return the content hash of the last entry of each article."""
    return {entry.article_id: entry.content_hash for entry in spool.entries()}


@settings(max_examples=60)
@given(steps=STEPS)
def test_the_last_push_of_each_article_waits_until_it_is_published(steps: list[Any]) -> None:
    """A crash is a spool opened again, with a half-written file in it; publishing removes what was there."""
    with TemporaryDirectory() as folder:
        spool = Spool(Path(folder))
        waiting: dict[str, str] = {}
        for step in steps:
            if step == "publish":
                spool.remove(spool.entries())
                waiting.clear()
            elif step == "crash":
                spool.accept([])
                (spool.folder / "000000000099.new").write_text("{", encoding="utf-8")
                spool = Spool(Path(folder))
            else:
                spool.accept([step])
                waiting[step.article_id] = step.content_hash
        assert stored(spool) == waiting
        assert [entry.number for entry in spool.entries()] == sorted(entry.number for entry in spool.entries())


def test_the_same_push_twice_is_one_entry(tmp_path: Path) -> None:
    """The order of its fields does not matter; another push in between makes it new."""
    spool = Spool(tmp_path)
    push, again = Push("a", {"body": "x", "title": "y"}), Push("a", {"title": "y", "body": "x"})
    other = Push("a", {"body": "z"})

    assert spool.accept([push, again]) == [True, False]
    assert spool.accept([other, push]) == [True, True]
    assert len(spool.entries()) == 3


def test_a_push_that_is_accepted_while_others_are_published_stays(tmp_path: Path) -> None:
    """The writer removes what it read, and nothing else."""
    spool = Spool(tmp_path)
    spool.accept([Push("a", {"body": "old"})])
    read = spool.entries()
    spool.accept([Push("a", {"body": "new"})])
    spool.remove(read)

    assert stored(spool) == {"a": Push("a", {"body": "new"}).content_hash}


def test_a_full_spool_takes_all_of_a_batch_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Earlier entries stay."""
    spool = Spool(tmp_path)
    monkeypatch.setattr(module, "MOST_ENTRIES", 2)
    spool.accept([Push("a", {"body": "x"})])

    with pytest.raises(SpoolFull):
        spool.accept([Push("b", {"body": "x"}), Push("c", {"body": "x"})])

    assert list(stored(spool)) == ["a"]


def test_a_reason_is_kept_until_it_is_forgotten_and_the_oldest_go_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reasons do not fill the disk."""
    spool = Spool(tmp_path)
    monkeypatch.setattr(module, "MOST_REJECTED", 2)
    for article_id in ("a", "b", "c"):
        spool.reject(article_id, "0" * 16, f"{article_id} has no text")

    assert (spool.rejection("a"), spool.rejection("c")) == (None, "c has no text")
    spool.forget(["c"])
    assert spool.rejection("c") is None


def test_only_one_writer_lives_and_services_see_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that ended is none, although its lock file stays."""
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)

    assert not has_writer(tmp_path)
    with writer_lock(tmp_path):
        assert has_writer(tmp_path)
        with pytest.raises(IngestRunning), writer_lock(tmp_path):
            pass
    assert not has_writer(tmp_path)
