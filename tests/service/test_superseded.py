from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Article
from service.compared_text import denies
from service.superseded import asks_earlier, may_correct, superseding

TUESDAY = datetime(2026, 3, 3, 8, tzinfo=UTC)
FRIDAY = TUESDAY + timedelta(days=3)


def report(text: str, *, source: str | None = "Varn Echo", published_at: datetime | None = TUESDAY) -> Article:
    return Article("report", text, "/report.md", title="Barge sinks", source=source, published_at=published_at)


def correction(
    text: str, *, title: str = "Correction: the barge", published_at: datetime = FRIDAY, article_id: str = "correction"
) -> Article:
    return Article(article_id, text, "/correction.md", title=title, source="varn echo", published_at=published_at)


def corrected(claim: str, *others: Article) -> tuple[str, str] | None:
    """Return the sentence that supersedes a claim, and what it corrects."""
    found = superseding(claim, report(claim), others)
    if found is None:
        return None
    assert found.article.body[found.span.start : found.span.end] == found.text
    return found.text, found.kind


CLAIM = "The barge carried 40 tonnes of gravel when it sank at the Corve lock."


@pytest.mark.parametrize(
    ("claim", "text", "kind"),
    [
        (CLAIM, "The barge that sank at the Corve lock carried 14 tonnes of gravel, not 40 tonnes.", "number"),
        (CLAIM, "The barge that sank carried 14 tonnes of gravel. Our report of Tuesday was wrong.", "number"),
        (
            "Six crew members were brought ashore at the Corve lock by the rescue boat.",
            "Eight people were brought ashore by the rescue boat. The number in our first report was wrong.",
            "number",
        ),
        (
            "The lock will open to barges again on 9 March, the canal office said.",
            "The lock opens to barges on 19 March, as the canal office announced. We gave a wrong day on Tuesday.",
            "day",
        ),
        (
            "The captain of the barge had been drinking, the canal office said.",
            "The captain of the barge had not been drinking, contrary to our report of Tuesday.",
            "denial",
        ),
        (
            "The barge belongs to Corin Hale, who bought it in winter.",
            "The barge belongs to Agnes Trow, not to Corin Hale, who sold it in winter.",
            "name",
        ),
        (
            "Der Kahn hatte 40 Tonnen Kies geladen, als er in der Schleuse sank.",
            "Der Kahn hatte 14 Tonnen Kies geladen, nicht 40 Tonnen, als er in der Schleuse sank.",
            "number",
        ),
    ],
)
def test_a_correction_of_the_same_thing(claim: str, text: str, kind: str) -> None:
    """The new value is found by the old one, by an error in the report of that day, or by a denial."""
    found = corrected(claim, correction(text))
    assert found is not None
    assert found[1] == kind


@pytest.mark.parametrize(
    "other",
    [
        correction("The barge that sank carried 40 tonnes of gravel. Our report of Tuesday was wrong on its length."),
        correction("The barge sank at the Corve lock. Our report of Monday was wrong: it carried 14 tonnes of gravel."),
        correction("The mayor paid 14 crowns for gravel. We gave a wrong price on Tuesday."),
        correction("The barge of gravel was 14 metres long at the Corve lock. We gave a wrong length on Tuesday."),
        correction("The barge carried 14 tonnes of gravel.", title="Barge lifted"),
        correction("The barge of gravel sank at the lock. Agnes Trow did not speak with the Corve office."),
        correction("The barge carried 14 tonnes of gravel, not 40 tonnes.", published_at=TUESDAY - timedelta(days=1)),
        correction("The barge carried 14 tonnes of gravel.", published_at=TUESDAY + timedelta(days=200)),
    ],
    ids=[
        "repeats it",
        "another day",
        "another thing",
        "another unit",
        "no correction",
        "another denial",
        "earlier",
        "much later",
    ],
)
def test_no_correction_of_it(other: Article) -> None:
    """In doubt nothing is superseded."""
    assert corrected(CLAIM, other) is None


def test_what_is_counted_may_be_named_before_a_number() -> None:
    """In the same sentence, or in the one before if the claim has a pronoun for it."""
    other = correction("There are 17 otters on the Corve, the laboratory found, not as many as we wrote on 3 March.")
    before = "The otters of the Corve are back."
    for claim, expected in (
        ("The laboratory counted 19 of them on the Corve, it wrote.", "number"),
        ("The laboratory raised its count of otters on the Corve to 19.", "number"),
        ("The laboratory counted 19 on the Corve.", None),
    ):
        found = superseding(claim, report(f"{before} {claim}"), [other])
        assert (found.kind if found else None) == expected


def test_of_several_corrections_the_latest_counts() -> None:
    """A correction may be corrected."""
    first = correction("The barge carried 14 tonnes of gravel, not 40 tonnes.")
    second = correction(
        "The barge carried 16 tonnes of gravel, not 40 tonnes.",
        published_at=FRIDAY + timedelta(days=1),
        article_id="second",
    )
    assert corrected(CLAIM, first, second) == (second.body, "number")


def test_only_the_same_source_corrects_itself() -> None:
    """Another paper's correction concerns its own report; without a source or a date nothing is known."""
    other = correction("The barge carried 14 tonnes of gravel, not 40 tonnes.")
    assert may_correct(report(CLAIM), other)
    assert not may_correct(report(CLAIM, source="Corve Post"), other)
    assert not may_correct(report(CLAIM, source=None), other)
    assert not may_correct(report(CLAIM, published_at=None), other)
    assert not may_correct(other, other)


@given(st.integers(2, 99), st.integers(2, 99), st.sampled_from(["tonnes", "metres", "crowns", "barges"]))
def test_a_value_that_is_repeated_holds(old: int, new: int, unit: str) -> None:
    """A claim is superseded exactly if the correction has another value."""
    claim = f"The canal office counted {old} {unit} at the Corve lock in winter."
    text = f"The canal office counted {new} {unit} at the Corve lock in winter. We printed a wrong figure on Tuesday."
    assert (corrected(claim, correction(text)) is not None) == (old != new)


@pytest.mark.parametrize(
    ("question", "is_earlier"),
    [
        ("How much gravel did the barge carry?", False),
        ("How much gravel did the barge carry on 3 March 2026?", False),
        ("Which load was first reported?", True),
        ("Which load did the office name on 3 March 2026?", True),
        ("Which load did the office name in March 2026?", False),
        ("Welche Ladung wurde ursprünglich genannt?", True),
    ],
)
def test_a_question_may_ask_for_the_earlier_value(question: str, is_earlier: bool) -> None:
    """By its words, or by a word for what was said with a date before the correction."""
    assert asks_earlier(question, TUESDAY, FRIDAY) is is_earlier


def test_a_negation() -> None:
    """Also a contracted one, and a German one."""
    assert denies("The lock wasn't open.")
    assert denies("Niemand wurde verletzt.")
    assert not denies("The lock was open.")
