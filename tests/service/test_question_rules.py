"""The questions that rules make from sentences."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.records import Article
from service.question_rules import LONGEST, questions_of

CONTEXT = " Ilsa Marn leads the Kelm Tram Company. The Arn Bridge is old. The tram drivers met the Kelm Tram Company."


def article(text: str, **more: object) -> Article:
    given_: dict[str, object] = {"published_at": datetime(2026, 3, 1, tzinfo=UTC), "language": "en", **more}
    return Article("a", text + CONTEXT, "a.md", **given_)  # type: ignore[arg-type]


def made(text: str, **more: object) -> list[str]:
    """Return the questions that the first sentence of an article gives."""
    return [each.text for each in questions_of(article(text, **more)) if each.sentence.start == 0]


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("The Arn Bridge reopened on Monday, 2 February 2026.", "When did the Arn Bridge reopen?"),
        ("The bridge, a steel arch, closed at 07:30 on 3 May, and buses wait.", "When did the Arn Bridge close?"),
        ("Kelm Rovers won the Arn Cup on Saturday.", "Who won the Arn Cup?"),
        ("The Arn Bridge was closed on Thursday.", "When was the Arn Bridge closed?"),
        ("The Arn Bridge opened on Feb. 2, 2026.", "When did the Arn Bridge open?"),
        ("“We wait,” said Oda Brill, head of Kelm Trams.", "Who is the head of Kelm Trams?"),
        ("Marn takes office on 1 July.", "When does Ilsa Marn take office?"),
        ("A fair in Kelm will be held on 4 April.", "When will the fair in Kelm be held?"),
        ("The Arn Fair was held in Lower Kelm.", "Where was the Arn Fair held?"),
        ("Oda Brill, managing director of Kelm Trams, was ill.", "Who is the managing director of Kelm Trams?"),
        ("Nine of the 40 bays of Kelm Mill are empty, they say.", "How many of the 40 bays of Kelm Mill are empty?"),
        ("The school in Kelm, which has about 57 pupils, is new.", "How many pupils does the school in Kelm have?"),
        ("Kelm Trams laid off 34 of its 90 cooks in May.", "How many of its 90 cooks did Kelm Trams lay off in May?"),
        ("The new bridge over the Arn cost €3.1 million.", "How much did the new bridge over the Arn cost?"),
    ],
)  # fmt: skip
def test_a_fact_gives_a_question_in_its_own_words(sentence: str, question: str) -> None:
    """Short names are written out, appositions left out, and the verb has the form of a question."""
    assert question in made(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "It reopened on 2 February 2026.",
        "She won the Arn Cup on Saturday.",
        "The union closed on 3 May.",
        "The Arn Bridge, which the council which closed it on 3 May bought, is old.",
        "Storm Elva crossed the Arn.",
        "“The Arn Bridge reopened on 2 February,” she said.",
        "Did the Arn Bridge reopen on 2 February 2026?",
        "Two of the miners were taken to Kelm General Hospital.",
        "In the end Kelm Rovers won the match.",
        "The first plan published in May 2025 had 40 turbines.",
        "Kelm Trams invested €38 million in the change.",
    ],
)
def test_an_unclear_sentence_gives_none(sentence: str) -> None:
    """A question would need its article, or would not be English."""
    assert made(sentence) == []


def test_questions_about_what_is_to_come_have_a_last_day() -> None:
    """It is the day that is asked for; without a date of publication it is not known, and neither is the present."""
    sentences = "Marn takes office on 1 July. Marn takes office on 1 January. The Arn Bridge opened on 2 May 2020."
    days = [each.until for each in questions_of(article(sentences))]

    assert days == [date(2026, 7, 1), date(2027, 1, 1), None]
    assert [each.until for each in questions_of(article(sentences, published_at=None))] == [None]
    assert list(questions_of(article(sentences, language="de"))) == []


words = st.sampled_from(
    """The Kelm Arn Bridge Marn reopened closed won was were will on in 3 May 2026 40 of because has had cost €5 the a
    council , and who it is long that Company which trams . : € - 07:30 "quoted" said""".split()
)


@given(st.lists(words, max_size=60).map(" ".join) | st.text(max_size=200))
@settings(max_examples=80)
def test_every_question_can_be_shown(text: str) -> None:
    """It is one short line with a question mark, and its sentence has the words that answer it."""
    body = article(text).body
    for question in questions_of(article(text)):
        sentence = " ".join(body[question.sentence.start : question.sentence.end].split())
        assert question.text.endswith("?")
        assert "\n" not in question.text
        assert len(question.text) <= LONGEST
        assert question.text[0].isupper()
        assert question.answer in sentence
