from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from index.generation import Generation
from index.records import Article, Edit, Revision
from service.answer import Answer
from service.corrections import (
    changes_value,
    corrected_warning,
    corrections_of,
    is_correction,
    is_superseded,
    own_corrections,
)
from service.records import Citation, Correction
from tests.fakes import article, built, opened
from tests.service.answers import answer

PUBLISHED = datetime(2026, 5, 1, 8, tzinfo=UTC)
LATER = "2026-05-09T09:00:00Z"
EARLIER, TODAY = "Nine miners were cut off by the rockfall.", "Seven miners were cut off by the rockfall."
MINE = article("mine", f"{TODAY} A drill is on its way.", source="Post", published_at=PUBLISHED)
HISTORY = (Revision(LATER, is_stated=True, edits=(Edit(EARLIER, TODAY),)),)
DEPTH = article("depth", "The gallery lies 310 metres below ground.", source="Post", published_at=PUBLISHED)
CORRECTION = article(
    "correction",
    "The gallery lies 260 metres below ground, not 310 metres.",
    title="Correction: the depth of the gallery",
    source="POST",
    published_at=PUBLISHED + timedelta(days=3),
)
OTHER = article("other", "The chapel is open. The baker has set up an oven in the porch.", source="Post")
TOLD = "An earlier version of this article said that nine miners were cut off; there were seven."


@pytest.fixture(scope="module")
def generation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generation]:
    data = tmp_path_factory.mktemp("corrected")
    built(data, [MINE, DEPTH, CORRECTION, OTHER], histories={"mine": HISTORY})
    with opened(data) as opened_generation:
        yield opened_generation


def cited(source: Article, text: str) -> Citation:
    """Return a citation of these words of an article."""
    made: Answer = answer()
    start = source.body.index(text)
    return replace(
        made.citations[0],
        article_id=source.article_id,
        cited_text=text,
        start_char_index=start,
        end_char_index=start + len(text),
    )


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (EARLIER, TODAY, True),
        ("The mine opens on 2 March.", "The mine opens on 3 March.", True),
        ("Inspector Lucan Pryde closed the mine.", "Inspector Lucan Frost closed the mine.", True),
        ("The mine was insured.", "The mine was not insured.", True),
        ("The mine emploied 164 people.", "The mine employed 164 people.", False),
        ("The mine is closed.", "The mine is closed, the owner said.", False),
        ("The mine near Brindlow is closed.", "Families waited for hours in the chapel on Pit Road.", False),
    ],
)
def test_a_value_is_a_number_a_date_a_name_or_a_negation(before: str, after: str, changed: bool) -> None:
    """Spelling, additions and new sentences are no other values."""
    assert changes_value(Edit(before, after)) is changed


@pytest.mark.parametrize(
    ("before", "after", "changed_at", "corrected"),
    [
        (EARLIER, TODAY, LATER, True),
        ("At least nine miners were hurt.", "Eleven miners were hurt.", LATER, False),
        ("Nine miners were hurt.", "Nine miners are still hurt, now eleven.", LATER, False),
        ("Seven miners were hurt.", "Nine miners were hurt.", "2026-05-02T08:00:00Z", False),
        ("Seven miners were hurt.", "Nine miners were hurt.", LATER, True),
    ],
)
def test_a_count_that_goes_on_is_not_corrected(before: str, after: str, changed_at: str, corrected: bool) -> None:
    """Words of progress, and a higher count in the first two days, are news."""
    edit = Edit(before, after)
    assert is_correction(edit, Revision(changed_at, is_stated=True, edits=(edit,)), MINE) is corrected


def test_an_article_may_say_that_it_was_corrected() -> None:
    """With its note any change but a typo is a correction; the note comes with it."""
    edits = (
        Edit("The owner was warned.", "The owner was told by letter."),
        Edit("It emploied men.", "It employed men."),
    )
    history = (Revision(LATER, is_stated=True, edits=(*edits, Edit("", TOLD))),)
    mine = replace(MINE, body=f"The owner was told by letter. It employed men. {TOLD}")
    assert list(own_corrections(mine, history)) == [
        Correction("mine", LATER, edits[0].before, edits[0].after, note=TOLD)
    ]


def test_words_that_are_still_there_were_not_corrected() -> None:
    """An edit counts while its new words are in the article, and its old ones are not."""
    assert list(own_corrections(MINE, HISTORY)) == [Correction("mine", LATER, EARLIER, TODAY)]
    assert list(own_corrections(replace(MINE, body="It rained."), HISTORY)) == []
    assert list(own_corrections(replace(MINE, body=f"{TODAY} {EARLIER}"), HISTORY)) == []
    unstated = (replace(HISTORY[0], is_stated=False),)
    assert [each.corrected_at for each in own_corrections(MINE, unstated)] == [None]


def test_a_correction_shows_with_the_sentence_that_it_touches(generation: Generation) -> None:
    """Another sentence of the same article has none."""
    assert corrections_of([cited(MINE, TODAY)], [MINE], generation) == (Correction("mine", LATER, EARLIER, TODAY),)
    assert corrections_of([cited(MINE, "A drill is on its way.")], [MINE], generation) == ()
    assert corrections_of([cited(OTHER, "The chapel is open.")], [OTHER, CORRECTION], generation) == ()


@pytest.mark.parametrize("articles", [[DEPTH], [DEPTH, CORRECTION], [CORRECTION, OTHER, DEPTH]])
def test_a_later_correction_is_found_though_it_is_no_passage(generation: Generation, articles: list[Article]) -> None:
    """It is looked up among the correcting articles of the source; after `as_of` it is not seen."""
    citations = [cited(DEPTH, DEPTH.body)]
    (found,) = corrections_of(citations, articles, generation)
    assert found == Correction("depth", "2026-05-04T08:00:00Z", DEPTH.body, CORRECTION.body, corrected_by="correction")
    assert corrections_of(citations, articles, generation, as_of=PUBLISHED + timedelta(days=1)) == ()


def test_a_value_is_superseded_unless_its_correction_is_cited(generation: Generation) -> None:
    """A question about the earlier value is not answered worse."""
    citations = [cited(DEPTH, DEPTH.body)]
    found = corrections_of(citations, [DEPTH], generation)
    assert is_superseded("How deep is the gallery?", found, citations, [DEPTH])
    assert not is_superseded("Which depth was first reported?", found, citations, [DEPTH])
    assert not is_superseded("How deep is it?", found, [*citations, cited(CORRECTION, CORRECTION.body)], [DEPTH])
    assert not is_superseded("How many?", [Correction("mine", LATER, EARLIER, TODAY)], citations, [MINE])


def test_a_note_without_a_history_counts_for_the_sentence_that_it_is_about(generation: Generation) -> None:
    """Common words and a number of the quote; the day is the one that the note states, else `updated_at`."""
    body = f"{TODAY} A drill is on its way.\n\n{TOLD}"
    mine = replace(MINE, article_id="noted", body=body, updated_at=PUBLISHED + timedelta(days=2))
    touched = corrections_of([cited(mine, TODAY)], [mine], generation)
    assert touched == (Correction("noted", "2026-05-03T08:00:00Z", None, None, note=TOLD),)
    assert corrections_of([cited(mine, "A drill is on its way.")], [mine], generation) == ()
    assert corrections_of([cited(mine, TOLD)], [mine], generation) == ()
    dated = replace(mine, body=f"{TODAY}\n\nCorrection, 4 May 2026: {TOLD}")
    assert [each.corrected_at for each in corrections_of([cited(dated, TODAY)], [dated], generation)] == ["2026-05-04"]


def test_the_warning_says_when() -> None:
    """One warning, with the day if it is known."""
    assert corrected_warning(()) is None
    for correction in (
        Correction("mine", LATER, EARLIER, TODAY),
        Correction("mine", LATER, EARLIER, TODAY, note=TOLD),
        Correction("depth", LATER, "a", "b", corrected_by="c"),
    ):
        warning = corrected_warning((correction,))
        assert warning is not None
        assert warning.code == "corrected"
        assert "9 May 2026" in warning.message
        unknown = corrected_warning((replace(correction, corrected_at=None),))
        assert unknown is not None
        assert "2026" not in unknown.message


def test_a_generation_knows_its_correcting_articles(generation: Generation, tmp_path: Path) -> None:
    """Those of the same source that are later; a removed one is not."""
    rows = generation.correcting_rows(DEPTH)
    assert [each.article_id for _, each in generation.chunks(rows)] == ["correction"]
    for other in (CORRECTION, replace(DEPTH, source="Echo"), replace(DEPTH, source=None)):
        assert not len(generation.correcting_rows(other))
    built(tmp_path, [DEPTH])
    with opened(tmp_path) as without:
        assert not len(without.correcting_rows(DEPTH))
