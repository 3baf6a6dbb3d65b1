"""The number of another measure or thing does not answer: the reader quotes the asked one or abstains."""

from dataclasses import replace

import pytest

from index.records import Span
from service.readers.answerability import Calibration
from service.readers.evidence import Evidence, ScoredSentence
from service.readers.extractive import quoted
from service.readers.measures import has_other_unit, is_age, is_difference, is_of_another, lacks_role, may_be_of_another
from service.readers.quantities import quantities_asked, quantities_of
from tests.service.passages import make_passage

BODY = (
    "The Sorrel Bridge is 210 metres long and stands on nine piers. Drivers may go at 30 kilometres an hour on it."
    " The town adopted a budget of €131 million on Monday. It leaves a shortfall of €3.8 million, the treasurer said."
    " Lorcan Tew won the cup of the town. Iwan Strake headed in the only goal. The museum has 45,000 visitors."
)
ARTICLE = make_passage("k1", BODY, title="News of the town")


def sentence(answer: str, score: float = 20.0) -> ScoredSentence:
    """Return the sentence of the article with an answer."""
    at = BODY.index(answer)
    start, end = BODY.rfind(". ", 0, at) + 2 if ". " in BODY[:at] else 0, BODY.index(". ", at) + 1
    return ScoredSentence(ARTICLE, Span(start, end), BODY[start:end], score, answer=Span(at, at + len(answer)))


LONG, BUDGET, GAP = sentence("210 metres"), sentence("€131 million"), sentence("€3.8 million", 9.0)
WON, SCORED = sentence("Lorcan Tew", 18.0), sentence("Iwan Strake", 15.0)


@pytest.mark.parametrize(
    ("question", "answer", "is_other"),
    [
        ("How long is the Sorrel Bridge?", "210 metres", False),
        ("How wide is the Sorrel Bridge?", "210 metres", True),
        ("What is the height of the Sorrel Bridge?", "210 metres", True),
        ("How tall is the Sorrel Bridge?", "nine", True),
        ("How high is the Sorrel Bridge?", "30 kilometres", True),
        ("How high is the Sorrel Bridge?", "nine", True),
        ("How high is the hole in the budget?", "€131 million", True),
        ("How large is the hole in the budget?", "€3.8 million", False),
        ("How large is the budget of the town?", "€131 million", False),
        ("What is the shortfall in the budget?", "€3.8 million", False),
        ("What is the population of the town?", "€131 million", True),
        ("How many piers does it have?", "nine", False),
        ("How heavy is the Sorrel Bridge?", "€131 million", True),
        ("How heavy is the Sorrel Bridge?", "210 metres", True),
        ("How much does the bridge weigh?", "nine", True),
        ("What did the bridge cost?", "€131 million", False),
        ("What did the bridge cost?", "210 metres", False),
        ("How fast may one drive there?", "30 kilometres an hour", False),
        ("How many piers does it have?", "210 metres", False),
        ("How many metres does it measure?", "210 metres", False),
        ("What did they spend the money of the town on?", "210 metres", False),
    ],
)
def test_a_number_is_of_what_is_asked(question: str, answer: str, *, is_other: bool) -> None:
    """The word beside a number says of what it is; "how high" may ask for an amount."""
    assert is_of_another(question, sentence(answer)) is is_other


def of(text: str, answer: str, title: str = "News") -> ScoredSentence:
    """Return a sentence that is an article, with an answer."""
    at = text.index(answer)
    whole = Span(0, len(text))
    return ScoredSentence(make_passage("k2", text, title=title), whole, text, 20.0, answer=Span(at, at + len(answer)))


@pytest.mark.parametrize(
    ("amount", "quantities"),
    [
        ("210 metres", "length"),
        ("a 24-metre mast", "length"),
        ("10 to 12 cm", "length"),
        ("1.4 m above", "length"),
        ("1.4m people", "count"),
        ("62 square kilometres", "area"),
        ("14 million cubic metres", "volume"),
        ("ten thousand tonnes", "weight"),
        ("30 pounds", "weight money"),
        ("£3 million", "money"),
        ("€3.60", "money"),
        ("84 km/h", "speed"),
        ("151 kilometres per hour", "speed"),
        ("minus 21.4 degrees", "temperature"),
        ("six-month-old", "time"),
        ("12 percent", "share"),
        ("Seven miners", "count"),
        ("the first day", ""),
        ("oak", ""),
    ],
)
def test_a_unit_says_what_an_amount_measures(amount: str, quantities: str) -> None:
    """A number without a unit is a count."""
    assert quantities_of(f"It is {amount}.", Span(6, 6 + len(amount))) == set(quantities.split())


def test_a_question_for_a_number_of_units_asks_for_their_quantity() -> None:
    """A word may come before the unit; things are counted."""
    assert quantities_asked("more hours does it take?") == {"time"}
    assert quantities_asked("square metres of land?") == {"area"}
    assert not quantities_asked("people came?")


def test_a_difference_is_no_measure() -> None:
    """How much too high a figure was, or by how much a thing grew, is not how high it is; the question may ask that."""
    high, warm = (
        of("The reading was 20 centimetres too high.", "20 centimetres"),
        of("It was 2 °C warmer than ever.", "2 °C"),
    )
    grown = of("The pier is made longer by 30 metres.", "30 metres")
    assert is_difference("How high was the flood?", high)
    assert is_difference("How warm was the bay?", warm)
    assert is_difference("How long is the pier?", grown)
    assert not is_difference("How much warmer was the bay?", warm)
    assert not is_difference("How much did the pier grow?", grown)
    assert not is_difference("How high was the flood?", of("The flood was 4 metres high.", "4 metres"))
    said = "The pier will cost €23 million, less than was estimated."
    assert not is_difference("How much will the pier cost?", of(said, "€23 million"))
    assert not is_difference("How many came?", of("More than 100 people came.", "More than 100"))
    level = of("The flood rose to 4 metres.", "4 metres")
    assert list(quoted("How high was the flood?", Evidence((high, replace(level, score=15.0)), 0.7, 16.0))) == [
        replace(level, score=15.0)
    ]


def test_an_age_is_no_count() -> None:
    """A bare number between commas behind a name is an age; one that is not behind a name may be a count."""

    def told(text: str, answer: str) -> ScoredSentence:
        start = text.index(answer)
        return ScoredSentence(
            make_passage("k3", text), Span(0, len(text)), text, 9.0, answer=Span(start, start + len(answer))
        )

    age = told("The board chose Ada Orme, 51, on Monday.", "51")
    assert is_age("How many officers are there?", age)
    assert not is_age("How old is Ada Orme?", age)
    assert not is_age("How many officers are there?", told("There are officers, 51, in Galt.", "51"))


def test_an_unclear_measure_makes_an_answer_weak() -> None:
    """Months are an age only with a word for it, percent a size only of a share, and the thing must be named."""
    assert may_be_of_another("How old is the pier?", of("Work on the pier took 14 months.", "14 months"))
    assert not may_be_of_another("How old is the pier?", of("The pier was built in 1904.", "1904"))
    assert not may_be_of_another("How old is Iwan Strake?", of("Iwan Strake, 41, was the captain.", "41"))
    assert may_be_of_another("How big is the lake?", of("The lake is at 72 percent.", "72 percent"))
    assert not may_be_of_another("How big is the majority?", of("The majority is 72 percent.", "72 percent"))
    assert not is_of_another("How big is the mast?", of("The mast has a height of 60 metres.", "60 metres"))
    assert may_be_of_another("How many tonnes are on the pier?", of("There are 900 boxes on the pier.", "900"))
    assert not may_be_of_another("How many boxes are on the pier?", of("There are 900 boxes on the pier.", "900"))
    assert may_be_of_another("How tall is the mast?", of("The chimney is 60 metres tall.", "60 metres"))
    assert (
        Calibration.read().answerability(
            "How old is the pier?", Evidence((of("Work on the pier took 14 months.", "14 months"),), 0.7, 20.0)
        )
        == "weak"
    )


def test_the_measure_of_another_thing_of_the_kind_is_none() -> None:
    """A bridge is not taken for another one; a captain with a title is the captain."""
    text = "Boats wait at the bridge. The Sorrel Bridge is 210 metres long."
    assert is_of_another("How long is the Tansy Bridge?", of(text, "210 metres"))
    assert not is_of_another("How long is the Sorrel Bridge?", of(text, "210 metres"))
    assert not is_of_another("How old is Iwan Strake?", of("Captain Strake is 41 years old.", "41 years"))


def test_a_sentence_with_two_measures_is_weak_if_the_other_is_marked() -> None:
    """The weight is in the quote, though the reader marked the length."""
    text = "The fish was 2 metres long and weighed 39 kilograms."
    marked = of(text, "2 metres")
    assert not is_of_another("How heavy was the fish?", marked)
    assert may_be_of_another("How heavy was the fish?", marked)
    assert not may_be_of_another("How heavy was the fish?", of(text, "39 kilograms"))


def test_another_unit_is_weak_where_the_measure_is_open() -> None:
    """A cost, a duration or a count may be said in other words; units of another quantity make it weak."""
    for question in ("What did the pier cost?", "How many men built the pier?"):
        other = of("The pier is 60 metres long.", "60 metres")
        assert has_other_unit(question, other)
        assert may_be_of_another(question, other)
        assert not is_of_another(question, other)
    assert not has_other_unit("What did the pier cost?", of("It came to €3 million.", "€3 million"))
    assert not has_other_unit("How many men built the pier?", of("In all 40 men built it.", "40"))


def test_a_heavy_defeat_has_no_weight() -> None:
    """The number of a figurative measure may be of anything."""
    assert not is_of_another("How heavy was the defeat?", of("They lost by 40 votes after 3 hours.", "40 votes"))
    assert is_of_another("How heavy was the bell?", of("The bell rang for 3 hours.", "3 hours"))


def test_the_amount_that_is_asked_for_is_quoted() -> None:
    """The hole is quoted and not the budget, however well that one scores; the budget is if it is asked for."""
    found = Evidence((BUDGET, GAP), 0.7, 16.0)
    assert [each.text for each in quoted("How large is the hole in the budget?", found)] == [GAP.text]
    assert quoted("How large is the budget?", found)[0] == BUDGET


def test_another_measure_alone_is_no_answer() -> None:
    """There is nothing to quote: the service abstains, however certain the reader is."""
    found = Evidence((LONG,), 0.7, 20.0)
    assert Calibration.read().answerability("How wide is the Sorrel Bridge?", found) == "abstain"
    assert Calibration.read().answerability("How long is the Sorrel Bridge?", found) == "answered"


def test_a_sentence_with_the_words_that_ask_comes_first() -> None:
    """The goal is asked for and not the cup; a far lower score is too low."""
    question = "Who scored the goal?"
    assert [each.text for each in quoted(question, Evidence((WON, SCORED), 0.7, 16.0))] == [SCORED.text]
    assert quoted(question, Evidence((WON, replace(SCORED, score=1.0)), 0.7, 16.0))[0] == WON


def test_an_article_without_the_role_has_no_holder_of_it() -> None:
    """If no answer is found and the role is not named, the people of an article do not count."""
    unread = replace(WON, answer=None)
    assert lacks_role("Who was the referee of the final?", unread)
    assert not lacks_role("Who is the treasurer of the town?", unread)
    assert not lacks_role("Who was the referee of the final?", WON)
