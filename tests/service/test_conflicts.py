"""Conflicts and developments between articles: which details are compared, and what the values say of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from index.embedding.pair_network import MarkedText, Related
from index.records import Article, Span
from service.conflicts.details import Statement
from service.conflicts.findings import Reports
from service.conflicts.pair_reader import PairReader, Reading, ReadTexts
from service.conflicts.relation import SAME_DAYS, Finding, candidates, compare, pair_of
from service.conflicts.statement import Story
from service.readers.evidence import ScoredSentence
from tests.service.passages import make_passage

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def article(name: str, body: str, *, hours: float = 0, title: str = "The Galt bridge", language: str = "en") -> Article:
    """Return an article that was published some hours after Monday morning."""
    published = MONDAY + timedelta(hours=hours)
    return Article(name, body, "", title=title, source=name, language=language, published_at=published)


def found(one: Article, other: Article, read: ReadTexts, question: str = "") -> list[Finding]:
    """Return the findings on all sentences of two articles, for a question."""
    reading = Reading(read, question, 1000)
    sides = [[Statement(story, span) for span in story.sentences] for story in map(Story, (one, other))]
    return [finding for first, second in product(*sides) for finding in compare(first, second, reading)]


def relates_all(asked: str, one: MarkedText, other: MarkedText) -> Related:
    """Stand for a pair reader that takes any two values for values of one fact."""
    return Related(0.9, 0.1)


@pytest.fixture(scope="module")
def read(models: Path) -> ReadTexts:
    """Return the pair reader."""
    return PairReader(models).read


def relations(
    first: str,
    second: str,
    read: ReadTexts = relates_all,
    *,
    hours: float = 1,
    language: str = "en",
    title: str = "The Galt bridge",
    question: str = "",
) -> set[str]:
    """Return the relations of two texts, the second published some hours later; both orders must agree."""
    one = article("post", first, language=language, title=title)
    other = article("echo", second, hours=hours, language=language, title=title)
    there, back = (
        {finding.relation for finding in found(*pair, read, question)} for pair in ((one, other), (other, one))
    )
    assert there == back
    return set(there)


QUESTIONS = [
    "What did the bridge in Galt cost?",
    "How long is the Galt bridge?",
    "When was the Galt bridge built?",
    "Who was the architect of the Galt bridge?",
    "Is the bridge in Galt open?",
    "Where did the Galt bridge run start?",
]
CONFLICTS = [
    ("The bridge in Galt cost €3.1 million.", "The Galt bridge cost €3.7 million, the council says."),
    ("The bridge at Galt is 58 metres long.", "The Galt bridge over the Ull has a length of 85 metres."),
    ("The Galt bridge was built in 1886.", "The bridge in Galt was built in 1868 by the county."),
    ("The architect Ina Farr designed the Galt bridge.", "The architect Tom Vane designed the Galt bridge."),
    ("The old bridge in Galt is closed on Monday.", "The old bridge in Galt is open on Monday."),
    ("The Galt bridge run started in Aldmoor.", "Runners started in Brack for the Galt bridge run."),
]
AGREEMENTS = [
    (
        "Silver was found below the Galt bridge, the University of Brack announced.",
        "Wilf Leek found the silver in Galt.",
    ),
    ("Silver was found below the Galt bridge, said Ada Orme.", "Wilf Leek found the silver below the Galt bridge."),
    ("About 1,800 people crossed the Galt bridge.", "The Galt bridge was crossed by 1,790 people."),
    ("At least nine people crossed the Galt bridge.", "Twelve people crossed the Galt bridge."),
    ("More than 1,000 people crossed the Galt bridge.", "1,200 people crossed the Galt bridge."),
    ("The Galt bridge is 30 metres high.", "The bridge in Galt is about 98 feet high."),
    ("Half of the steel of the Galt bridge is new.", "50 percent of the steel of the Galt bridge is new."),
    ("The Galt bridge was opened on Monday.", "The Galt bridge was opened on 2 March."),
    ("The mayor of Galt, Ina Farr, crossed the bridge.", "Mayor Farr crossed the bridge in Galt."),
    ("Twelve people crossed the Galt bridge.", "12 people crossed the Galt bridge."),
]
OTHER_DETAILS = [
    ("Nine people were injured on the Galt bridge.", "Two people died on the Galt bridge."),
    ("The Galt bridge was expected to cost €3 million.", "The Galt bridge cost €5 million."),
    ("The Galt bridge cost €3 million per year.", "The Galt bridge cost €40 million in total."),
    ("Galt's mayor, Ina Farr, opened the bridge.", "Brack's mayor, Tom Vane, opened the bridge in Galt."),
    ("Tickets for the Galt bridge are sold from 3 April.", "The Galt bridge opens on 9 May."),
    ("The town of Galt counted 400 people at the bridge.", "The county of Galt counted 9,000 people at the bridge."),
    ("The north bridge in Galt closes on 2 June.", "The south bridge in Galt closes on 9 June."),
    ("The salt museum in Galt opens on 3 June.", "The art museum in Galt opens on 10 June."),
    ("The Galt hall cost €9 million.", "The roof of the Galt hall cost €2 million."),
    ("Anna Leek, 81, won the quilt prize in Galt.", "Ruth Leek, 77, sewed for the quilt prize in Galt."),
    ("Galt counted 12,000 guests in April.", "Galt counted 41,000 guests from January to April."),
    ("A fire in a bakery in Galt hurt two people on Monday.", "A fire in a garage in Galt hurt two on Sunday."),
    (
        "The Galt council approved the budget by 12 votes to 5.",
        "The Galt council rejected the dog park by 9 votes to 8.",
    ),
    ("Trains between Galt and Brack run on Monday.", "Night trains between Galt and Brack do not run on Monday."),
    ("The author Ute Falk was born in Galt.", "Jan Meer, born in Brack, reads with Ute Falk."),
    ("Police have not found the driver of the car that hit the bridge.", "Police found the car that hit the bridge."),
    ("The Galt bridge was closed for five hours.", "The Galt bridge was closed for between two and five hours."),
    ("The new section of the Galt bridge is 31 metres long.", "The whole Galt bridge is 58 metres long."),
    ("The Galt bridge club needs €80,000 for a boat.", "The Galt bridge club has €52,000 for a boat."),
    ("Lang Roth won the Galt run in 1:20:14 hours.", "Ida Voss won the Galt run in 1:08:30 hours."),
]


@pytest.mark.parametrize(("question", "texts"), list(zip(QUESTIONS, CONFLICTS, strict=True)))
def test_values_that_exclude_each_other_conflict(read: ReadTexts, question: str, texts: tuple[str, str]) -> None:
    """Two articles of one day with different values of what is asked conflict, in either order."""
    assert relations(*texts, read, question=question) == {"conflict"}


@pytest.mark.parametrize(("first", "second"), AGREEMENTS)
def test_compatible_values_do_not_conflict(first: str, second: str) -> None:
    """Bounds, rounding, units and dates are compared by what they mean."""
    assert relations(first, second) == set()


@pytest.mark.parametrize(("first", "second"), OTHER_DETAILS)
def test_other_details_do_not_conflict(read: ReadTexts, first: str, second: str) -> None:
    """Values of two things have nothing to compare."""
    assert relations(first, second, read) == set()


@pytest.mark.parametrize(("first", "second"), CONFLICTS)
def test_without_dates_nothing_is_known(first: str, second: str) -> None:
    """An article without a date is not compared."""
    assert not found(replace(article("post", first), published_at=None), article("echo", second), relates_all)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The fire on the Galt bridge began in a garage.", "The fire on the Galt bridge began in an old barn."),
        ("The Galt bridge band plays on the pier.", "The Galt bridge band plays in the parish church."),
    ],
)
def test_places_without_a_name_are_compared(first: str, second: str) -> None:
    """Two nouns of places that each article has alone exclude each other; one place in other words does not."""
    assert relations(first, second) == {"conflict"}
    assert relations(first, f"{second} It is beside the {first.rsplit(maxsplit=1)[-1]}") == set()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The council of Galt adopted the bridge plan.", "The council of Galt vetoed the bridge plan."),
        ("Ina Farr walks over the Galt bridge for nothing.", "Ina Farr pays to walk over the Galt bridge."),
        ("The tug at the Galt bridge was refloated.", "The tug at the Galt bridge has sunk."),
        ("The barn beside the Galt bridge was destroyed.", "The barn beside the Galt bridge is undamaged."),
    ],
)
def test_states_are_compared(first: str, second: str) -> None:
    """Two states of one list that exclude each other conflict if they are of one thing and day."""
    assert relations(first, second) == {"conflict"}


@pytest.mark.parametrize(
    ("first", "second", "slipped"),
    [
        ("The Galt bridge is 48 metres long.", "The bridge in Galt is 84 metres long.", True),
        ("The Galt bridge cost €1.2 million.", "The bridge in Galt cost €12 million.", True),
        ("The Galt bridge was built in 1868.", "The bridge in Galt was built in 1886.", True),
        ("The Galt bridge opens on 12 May.", "The bridge in Galt opens on 21 May.", True),
        ("The Galt bridge is 48 metres long.", "The bridge in Galt is 49 metres long.", False),
        ("The Galt bridge is 5 metres wide.", "The bridge in Galt is 50 metres wide.", False),
        ("The Galt bridge opens on 12 May.", "The bridge in Galt opens on 21 June.", False),
    ],
)
def test_a_value_that_may_be_mistyped_is_surer(first: str, second: str, *, slipped: bool) -> None:
    """A value read as a conflict at .3 is one if the digits are the same in another order, or shifted."""
    assert bool(relations(first, second, lambda *_: Related(0.3, 0.0))) is slipped


def test_two_answers_to_one_question_are_likelier_of_one_fact() -> None:
    """A value that is read as a conflict at .6 is one if both sentences answer the question."""
    one, other = (article(name, CONFLICTS[0][at]) for at, name in enumerate(("post", "echo")))
    first, second = (Statement(Story(each), Story(each).sentences[0]) for each in (one, other))
    for have_answers in (True, False):
        found = compare(first, second, lambda *_: Related(0.6, 0.0), have_answers=have_answers)
        assert bool(found) is have_answers


def test_the_same_sentence_with_another_value_is_surer() -> None:
    """A value read as a conflict at .3 is one if nothing else differs."""
    first, second = "Nine miners left the Galt mine on Monday.", "Seven miners left the Galt mine on Monday."
    assert relations(first, second, lambda *_: Related(0.3, 0.0)) == {"conflict"}
    assert relations(first, second.replace("left", "reached"), lambda *_: Related(0.3, 0.0)) == set()


def test_an_update_does_not_make_another_thing_of_a_thing() -> None:
    """A number that grows a thousandfold is of something else, however likely an update is read."""
    texts = "A ticket for the Galt bridge is €9.", "The insurer of the Galt bridge pays €310,000."
    assert relations(*texts, lambda *_: Related(0.1, 0.8), hours=60) == set()
    assert relations(texts[0], texts[0].replace("9", "11"), lambda *_: Related(0.1, 0.8), hours=60) == {"update"}


def test_a_later_value_with_words_of_change_is_an_update() -> None:
    """A toll that has risen and a schedule that was moved are developments, the newer article the later side."""
    dead = ("At least nine people died on the Galt bridge.", "The number of people who died at Galt has risen to 12.")
    moved = ("The Galt bridge will open on 9 May.", "The opening of the Galt bridge has been moved to 20 June.")
    for first, second in (dead, moved):
        assert relations(first, second, hours=30) == {"update"}
        assert all(
            finding.later.article.article_id == "echo"
            for finding in found(article("post", first), article("echo", second, hours=30), relates_all)
        )


def test_a_count_that_grows_is_unclear() -> None:
    """A higher count of the next hours may be newer or another; it is neither a conflict nor an update."""
    first, second = "Six people were injured at the Galt bridge.", "Nine people were injured at the Galt bridge."
    assert relations(first, second, hours=15) == {"unclear"}
    assert relations(second, first, hours=15) == set()


def test_a_correction_conflicts_whenever_it_comes() -> None:
    """A later article that says that it corrects a report conflicts with it; one that does not is another report."""
    first = "The bridge in Galt is 58 metres long."
    assert relations(first, "We were wrong about the Galt bridge. The bridge is 85 metres long.", hours=24 * 9) == {
        "conflict"
    }
    assert relations(first, "The Galt bridge is 85 metres long.", hours=24 * 9) == set()


def test_german_values_are_compared() -> None:
    """German words, decimal commas and month names have the same meaning."""
    cost = ("Die Brücke in Galt kostete 3,1 Millionen Euro.", "Die Brücke in Galt kostete 3,7 Millionen Euro.")
    same = ("Die Brücke in Galt kostete 310.000 Euro.", "Die Brücke in Galt kostete rund 300.000 Euro.")
    built = ("Die Brücke in Galt wurde 1886 gebaut.", "Die Brücke in Galt wurde im Jahr 1886 gebaut.")
    assert relations(*cost, language="de", title="Brücke in Galt") == {"conflict"}
    assert relations(*same, language="de", title="Brücke in Galt") == set()
    assert relations(*built, language="de", title="Brücke in Galt") == set()


TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(
            [*(text for pair in CONFLICTS + OTHER_DETAILS + AGREEMENTS for text in pair), "12:30", "2–1", "½", "٣ ²"]
        ),
        max_size=3,
    ).map(" ".join),
)


@given(TEXTS, TEXTS, st.floats(0, 200))
@example("1886", "In 0000-00-00 and 31 February 2025 99:99:99.", 0.0)
def test_findings_are_symmetric_and_in_their_texts(first: str, second: str, hours: float) -> None:
    """Any two texts have the same findings in both orders, each on values inside their sentences."""
    one, other = article("post", first), article("echo", second, hours=hours)
    there, back = found(one, other, relates_all), found(other, one, relates_all)
    assert sorted(map(_shown, there)) == sorted(map(_shown, back))
    for finding in there:
        for side, detail in ((finding.earlier, finding.before), (finding.later, finding.after)):
            assert side.span.start <= detail.span.start < detail.span.end <= side.span.end <= len(side.article.body)


def _shown(finding: Finding) -> str:
    return f"{finding.relation} {finding.before.span} {finding.after.span}"


@given(TEXTS)
def test_a_text_has_no_conflict_with_itself(text: str) -> None:
    """The same text in another paper, also with other typography, has no conflict."""
    curly = text.replace("'", "’").replace('"', "”").replace(" ", "\u00a0 ".strip("\u00a0"))
    for copy in (text, curly):
        sentences = found(article("post", text), article("echo", copy), relates_all)
        same = [finding for finding in sentences if _words(finding.earlier) == _words(finding.later)]
        assert not same


def _words(statement: Statement) -> list[str]:
    return [token.lower.replace("’", "'") for token in statement.tokens]


@given(TEXTS, TEXTS)
def test_values_of_two_facts_are_nothing(first: str, second: str) -> None:
    """Values of two facts, by the pair reader, are a finding only if their sentences are else the same."""
    for finding in found(article("post", first), article("echo", second), lambda *_: Related(0.05, 0.05)):
        sides = (finding.earlier, finding.before), (finding.later, finding.after)
        first_words, other_words = (
            [token.lower for at, token in enumerate(each.tokens) if not detail.place[0] <= at < detail.place[1]]
            for each, detail in sides
        )
        assert first_words == other_words


def test_two_details_are_read_once_and_not_without_end() -> None:
    """The pair reader reads at most so many pairs, each once; what it does not read is nothing."""
    first, second = (Story(article(name, CONFLICTS[0][at])) for at, name in enumerate(("post", "echo")))
    texts: list[tuple[str, MarkedText, MarkedText]] = []

    def read(asked: str, one: MarkedText, other: MarkedText) -> Related | None:
        texts.append((asked, one, other))
        return relates_all(asked, one, other)

    one, other = (Statement(story, story.sentences[0]) for story in (first, second))
    pair = pair_of(one, other)
    assert pair
    number = len(list(candidates(pair)))
    for most in (6, 0):
        texts.clear()
        reading = Reading(read, "What did the bridge cost?", most)
        found = [compare(one, other, reading) for _ in range(3)]
        assert bool(found[-1]) is (most == 6)
        assert len(texts) == len(set(texts)) == min(most, number)


def answered(key: str, text: str, answer: str, published: datetime | None = MONDAY) -> ScoredSentence:
    """Return the sentence of an article, with its answer."""
    passage = make_passage(key, text, published_at=published)
    start = text.index(answer)
    return ScoredSentence(passage, Span(0, len(text)), text, 1.0, answer=Span(start, start + len(answer)))


SIGNED = answered("k2f2", "The petition has 14,200 signatures.", "14,200")


def differ(one: ScoredSentence, other: ScoredSentence, question: str = "How many are there?") -> bool:
    """Return whether two answers to a question differ."""
    relation = Reports(question).relation(one, other)
    return relation is not None and relation.relation != "update"


@pytest.mark.parametrize(
    ("text", "answer", "is_other"),
    [
        ("It carried 11,400 signatures on Saturday.", "11,400", True),
        ("About 14,200 signatures were counted.", "14,200", False),
        ("Nineteen signatures were false.", "Nineteen", True),
        ("The march had 3,000 people.", "3,000", False),
        ("The Post counted the signatures.", "The Post", False),
    ],
)
def test_articles_disagree_on_the_number_of_one_thing(text: str, answer: str, *, is_other: bool) -> None:
    """Two answers with different numbers of one thing differ, whichever article comes first."""
    other = answered("k3f2", text, answer)
    assert differ(SIGNED, other) is differ(other, SIGNED) is is_other
    assert not differ(SIGNED, other, "When was it signed?")


def test_amounts_are_compared_by_their_unit() -> None:
    """€3.1 million and €3.7 million differ, €3.1 million and 37 minutes do not."""
    cost = answered("k2f2", "The bridge cost €3.1 million, the office says.", "€3.1 million")
    assert differ(cost, answered("k3f2", "It came to €3.7 million in the end.", "€3.7 million"))
    assert not differ(cost, answered("k3f2", "It took 37 minutes.", "37 minutes"))


def test_a_later_number_is_no_other_answer() -> None:
    """Only answers of the same days differ; without a date nothing is known, and an article agrees with itself."""
    text, number = "It carried 11,400 signatures.", "11,400"
    assert differ(SIGNED, answered("k3f2", text, number, MONDAY + SAME_DAYS))
    assert not differ(SIGNED, answered("k3f2", text, number, MONDAY + SAME_DAYS + timedelta(seconds=1)))
    assert not differ(SIGNED, answered("k3f2", text, number, None))
    assert not differ(SIGNED, answered("k2f2", text, number))
