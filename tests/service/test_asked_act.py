"""Questions about an act of people: what a person said, who does it, and whether it was done."""

from datetime import UTC, datetime

import pytest

from index.records import Span
from service.readers.answerability import Calibration
from service.readers.evidence import Evidence, ScoredSentence
from service.readers.extractive import quoted
from tests.service.passages import answering, make_passage

SPEECH = [
    ("The pump is late, Ines Farr of Galt said on Friday.", "Ines Farr", 20.0),
    ("Farr asked all guests with a voucher to wait.", None, 9.0),
    ("A voucher costs 9 crowns.", None, 8.0),
]
VERDICT = [
    ("A ferry with twelve people sank off Galt on Friday.", "A ferry", 20.0),
    ("Nobody will be fined.", None, 4.0),
]


def test_what_somebody_said_is_what_the_question_names() -> None:
    """A report of it is quoted, and not the sentence that has only the speaker; without one the quote is weak."""
    question, calibration = "What did Ines Farr say to guests with vouchers?", Calibration.read()
    assert [each.text for each in quoted(question, answering(*SPEECH))] == [SPEECH[1][0]]
    assert calibration.answerability(question, answering(*SPEECH)) == "answered"
    assert calibration.judge(question, answering(SPEECH[0])).doubts == ("other_kind",)
    for asked in ("What did Ines Farr say?", "What did Ines Farr of Galt say about the pump?"):
        assert quoted(asked, answering(*SPEECH))[0].text == SPEECH[0][0]
        assert calibration.answerability(asked, answering(SPEECH[0])) == "answered"


@pytest.mark.parametrize("question", ["Which captain was fined after the accident off Galt?", "Who was fined in Galt?"])
def test_an_act_that_nobody_did_is_denied(question: str) -> None:
    """The denial is quoted if no sentence tells of the act, and its article has the names of the question."""
    assert [each.text for each in quoted(question, answering(*VERDICT))] == [VERDICT[1][0]]
    told = ("A captain was fined 90 crowns.", "A captain", 3.0)
    assert VERDICT[1][0] not in [each.text for each in quoted(question, answering(*VERDICT, told))]
    part = ("Nobody else will be fined.", None, 4.0)
    assert part[0] not in [each.text for each in quoted(question, answering(VERDICT[0], part))]
    elsewhere = question.replace("Galt", "Brisk")
    assert VERDICT[1][0] not in [each.text for each in quoted(elsewhere, answering(*VERDICT))]


@pytest.mark.parametrize("question", ["How many people died in Galt?", "How many did the storm in Galt kill?"])
def test_the_injured_are_not_the_dead(question: str) -> None:
    """A sentence on deaths is quoted before a count of others; alone, one of people who came to no harm is weak."""
    hurt, none, nine = "Nine people were hurt in Galt.", "No one was killed.", "Nine people died in Galt."
    ill = "Nine people in Galt have measles."
    assert quoted(question, answering((hurt, "Nine", 20.0), (none, None, 2.0)))[0].text == none
    assert Calibration.read().judge(question, answering((ill, "Nine", 20.0))).doubts == ("other_kind",)
    assert Calibration.read().answerability(question, answering((nine, "Nine", 20.0))) == "answered"
    assert quoted("How many were hurt in Galt?", answering((hurt, "Nine", 20.0), (none, None, 2.0)))[0].text == hurt


def test_the_number_of_deaths_is_the_last_one() -> None:
    """The report by which it has risen is quoted if it is of the same story and later, whatever its words."""
    first, toll = "The storm killed six people on the Galt road.", "The number of deaths has risen to seven."

    def told(title: str, day: int) -> list[str]:
        one = make_passage("k1f2", first, title="Storm in Galt", published_at=datetime(2026, 3, 2, tzinfo=UTC))
        other = make_passage("k2f2", toll, title=title, published_at=datetime(2026, 3, day, tzinfo=UTC))
        found = (
            ScoredSentence(one, Span(0, len(first)), first, 20.0, answer=Span(17, 27)),
            ScoredSentence(other, Span(0, len(toll)), toll, 1.0),
        )
        evidence = Evidence(found, 0.9, 20.0, latest="figure")
        return [each.text for each in quoted("How many people did the storm in Galt kill?", evidence)]

    assert told("The storm of Galt", 9) == [toll]
    assert told("The storm of Galt", 1) == [first]
    assert told("The storm of Brisk", 9) == [first]


def test_who_does_something_may_have_a_noun() -> None:
    """Who does something is named by a noun of the verb, if the best sentence has neither word."""
    found = answering(
        ("The old lock in Galt has a new gate.", "Galt", 20.0),
        ("The keeper of the lock, Ines Farr, paints.", None, 4.0),
    )
    assert [each.text for each in quoted("Who keeps the lock in Galt?", found)] == [found.sentences[1].text]
    for question in ("Who keeps the map in Galt?", "Who keeps the lock in Brisk?", "Who has the lock in Galt?"):
        assert found.sentences[1] not in quoted(question, found)


def test_what_is_said_of_another_person_answers() -> None:
    """A sentence with every word of the question and another name is quoted, if the best one lacks a word."""
    found = answering(
        ("Iwan Strake, a member of the harbour board, is ill.", "Iwan Strake", 20.0),
        ("Ines Farr leads the harbour board.", None, 4.0),
    )
    assert [each.text for each in quoted("Does Iwan Strake lead the harbour board?", found)] == [
        found.sentences[1].text
    ]
    for question in ("Does Ines Farr lead the harbour board?", "Does Iwan Strake lead the school board?"):
        assert quoted(question, found)[0] == found.sentences[0]


def test_whether_it_was_something_is_answered_by_what_is_said_of_it() -> None:
    """The sentences about the asked cause are quoted, and not the one about the event alone."""
    found = answering(
        ("A shed in Galt burned down on Friday.", "A shed", 20.0), ("Police found no petrol in the ashes.", None, 4.0)
    )
    assert [each.text for each in quoted("Was it petrol that burned down the shed in Galt?", found)] == [
        found.sentences[1].text
    ]
    assert found.sentences[1] not in quoted("Was it petrol that burned down the shed in Brisk?", found)


@pytest.mark.parametrize(
    ("text", "answer", "doubts"),
    [
        ("Nine maps were stolen from the hall in Galt.", "Nine maps", ("other_kind",)),
        ("Nine maps were stolen from the hall in Galt by Ines Farr.", "Ines Farr", ()),
        ("Ines Farr of Galt stole nine maps.", "Ines Farr", ()),
    ],
)
def test_who_did_it_is_not_said_by_what_was_done(text: str, answer: str, doubts: tuple[str, ...]) -> None:
    """A sentence in the passive without "by" does not name the one who is asked for."""
    found = answering((text, answer, 20.0))
    assert Calibration.read().judge("Who stole the maps in Galt?", found).doubts == doubts


@pytest.mark.parametrize(
    ("text", "doubts"),
    [
        ("Galt will choose Mill Lane in October.", ("state_is_to_come",)),
        ("Galt chose Mill Lane in October.", ()),
        ("Galt chose Mill Lane and will buy it in October.", ()),
    ],
)
def test_a_plan_does_not_tell_what_has_been_done(text: str, doubts: tuple[str, ...]) -> None:
    """A quote that only says what will be done makes the answer to what has been done weak."""
    calibration, found = Calibration.read(), answering((text, "Mill Lane", 20.0))
    assert calibration.judge("Which site has Galt chosen?", found).doubts == doubts
    assert calibration.judge("Which site did Galt choose?", found).doubts == doubts
    assert calibration.judge("Which site will Galt choose?", found).doubts == ()
