from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Article, Edit, Revision
from ingest.changes import LONGEST_EDIT, MOST_COMPARED, MOST_EDITS, bounded, edits_between, revised

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PUBLISHED = datetime(2026, 5, 1, tzinfo=UTC)
LATER = datetime(2026, 5, 3, 9, tzinfo=UTC)
ROCK = Article(
    "rock",
    "Nine miners were cut off by a fall of rock. Nobody is hurt. A drill is on its way.",
    "/articles/rock.md",
    title="Miners cut off",
    published_at=PUBLISHED,
)
SENTENCES = [f"{name} opened the {thing}." for name in ("Vane", "Holt", "Brisk") for thing in ("gate", "fair", "inn")]
bodies = st.lists(st.sampled_from(SENTENCES), max_size=12).map(" ".join)


def test_a_changed_sentence_is_kept_with_its_time() -> None:
    """An edit has the sentence as it was and as it is, and the `updated_at` of the new version."""
    new = replace(ROCK, body=ROCK.body.replace("Nine", "Seven"), updated_at=LATER)
    (revision,) = revised(new, ROCK, (), NOW)
    assert revision == Revision(
        "2026-05-03T09:00:00Z",
        is_stated=True,
        edits=(
            Edit(
                "Nine miners were cut off by a fall of rock.",
                "Seven miners were cut off by a fall of rock.",
            ),
        ),
    )


@pytest.mark.parametrize("updated", [None, PUBLISHED - timedelta(days=1), PUBLISHED])
def test_without_a_later_date_the_time_of_ingest_counts(updated: datetime | None) -> None:
    """A version that states no later date than the one before is marked."""
    new = replace(ROCK, body="Nobody is hurt.", updated_at=updated)
    (revision,) = revised(new, ROCK, (), NOW)
    assert (revision.changed_at, revision.is_stated) == ("2026-06-01T12:00:00Z", False)


def test_a_removed_a_new_and_a_moved_sentence() -> None:
    """A removed sentence has an empty text after, a new one before; a sentence that moved is not an edit."""
    new = replace(ROCK, body="A drill is on its way. Nine miners were cut off by a fall of rock. Soup came at six.")
    assert edits_between(ROCK, new) == (Edit("Nobody is hurt.", ""), Edit("", "Soup came at six."))


def test_metadata_is_not_a_revision() -> None:
    """Only title and body count; the history stays as it was."""
    history = (Revision("2026-05-02T00:00:00Z", is_stated=True, edits=(Edit("a", "b"),)),)
    new = replace(ROCK, section="Accidents", tags=("mine",), updated_at=LATER, body=ROCK.body.replace(" ", "\n"))
    assert revised(new, ROCK, history, NOW) == history
    assert revised(ROCK, None, (), NOW) == ()
    titled = revised(replace(ROCK, title="Miners freed"), ROCK, history, NOW)
    assert titled[0].edits == (Edit("Miners cut off", "Miners freed", in_title=True),)
    assert titled[1:] == history


@given(bodies, bodies)
def test_edits_are_what_one_version_has_and_the_other_lacks(old: str, new: str) -> None:
    """Every sentence that is only in one version is in an edit, and no other one is."""
    edits = edits_between(replace(ROCK, body=old), replace(ROCK, body=new))
    was, stays = ({f"{each}." for each in body.split(".") if each} for body in (old, new))
    was, stays = ({each.strip() for each in group} for group in (was, stays))
    assert {each.before for each in edits if each.before} == was - stays
    assert {each.after for each in edits if each.after} == stays - was


@given(st.lists(st.integers(0, 30), max_size=8))
def test_a_history_is_bounded(sizes: list[int]) -> None:
    """The newest edits are kept, in order."""
    history = [
        Revision(f"2026-05-{30 - at}", is_stated=True, edits=tuple(Edit(f"{at}.{n}", "") for n in range(size)))
        for at, size in enumerate(sizes)
    ]
    everything = [edit for each in history for edit in each.edits]
    assert [edit for each in bounded(history) for edit in each.edits] == everything[:MOST_EDITS]


def test_a_large_article_is_compared_in_linear_time() -> None:
    """Above the limit sentences are looked up; an endless sentence is cut."""
    body = " ".join(f"Item {number} was passed." for number in range(MOST_COMPARED + 1))
    assert edits_between(replace(ROCK, body=body), replace(ROCK, body=f"{body} It ended.")) == (Edit("", "It ended."),)
    (edit,) = edits_between(replace(ROCK, body=""), replace(ROCK, body="x" * 3000))
    assert len(edit.after) == LONGEST_EDIT + 1
