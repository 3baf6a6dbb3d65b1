import pytest

from index.correcting import LONGEST, corrects_another, is_note, is_titled_correction, notes_of
from tests.fakes import article


@pytest.mark.parametrize(
    "title",
    [
        "Correction: the bridge",
        "Harbour toll: correction",
        "Toll at the harbour: we were wrong",
        "Berichtigung: Der Zoll",
    ],
)
def test_a_title_may_say_that_an_article_is_a_correction(title: str) -> None:
    """A word for a correction begins or ends the title, in English or German."""
    assert is_titled_correction(article("a", "The toll is three crowns.", title=title))
    assert corrects_another(article("a", "The toll is three crowns.", title=title))


@pytest.mark.parametrize("title", ["Correctional officers strike", "A correction of the river's course begins", "Toll"])
def test_another_title_does_not(title: str) -> None:
    """A word that only contains one is not a sign."""
    assert not corrects_another(article("a", "The toll is three crowns.", title=title))


def test_tags_and_text_count_as_well() -> None:
    """A tag, and words about an error in a report; a report without an error is not a sign."""
    assert corrects_another(article("a", "It costs three crowns.", tags=("news", "Correction")))
    assert corrects_another(article("a", "The Courier regrets the error."))
    assert corrects_another(article("a", "Anders als berichtet kostet die Fähre drei Kronen."))
    assert not corrects_another(article("a", "Our report on the ferry won a prize."))
    assert not corrects_another(article("a", "x" * LONGEST + " The Courier regrets the error."))


def test_a_note_has_the_sentence_behind_it() -> None:
    """A note and the next sentence of its paragraph, also behind Markdown; other text has none."""
    note = "*Editor's note: An earlier version of this article gave the wrong toll. It is three crowns.*"
    body = f"The toll has gone up.\n\n{note}\n\nIt rained."
    (span,) = notes_of(body)
    assert body[span.start : span.end] == note
    german = "In einer früheren Fassung stand eine falsche Zahl."
    assert [german[span.start : span.end] for span in notes_of(german)] == [german]
    assert notes_of("The editor's notes were auctioned. A correction followed on Monday.") == []
    assert is_note("_Correction, 3 May 2026:_ The toll is three crowns.")
