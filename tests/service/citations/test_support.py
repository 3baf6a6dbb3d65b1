"""Support: the parts of a claim, and the windows of a passage."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.text import sentence_spans
from service.citations.english import english
from service.citations.support import (
    ANTECEDENTS,
    LONGEST_WINDOW,
    Claim,
    Window,
    quoted,
    windows,
    windows_of_quote,
)
from tests.service.passages import make_passage

ARTICLES = Path(__file__).parents[3] / "articles"

SUBJECTS = st.sampled_from(
    ["Mayor Orla Tennick", "The UN", "Fishermen from Aldane", "The Swedish navy", "Everyone", "It"]
)
VERBS = st.sampled_from(["did not open", "approved", "accused Pell Rusk of closing", "said that Galt sold", "lost"])
OBJECTS = st.sampled_from(
    ["the harbour", "12 boats and 30 cars", "€3.4 million", "two thirds of the fleet", "the Courier"]
)
TIMES = st.sampled_from(
    ["", " on 12 June 2024", " last year", " on Monday", " at 9.30 a.m.", " in the 1990s", ", not in May"]
)
SENTENCES = st.tuples(SUBJECTS, VERBS, OBJECTS, TIMES).map(lambda parts: f"{parts[0]} {parts[1]} {parts[2]}{parts[3]}.")


def ordinary(*words: str) -> Callable[[str], bool]:
    """A vocabulary with these ordinary words."""
    return frozenset(words).__contains__


def window_of(text: str) -> Window:
    """Return the first window of a passage."""
    return next(windows(make_passage("k7f2", text), ()))


def test_a_sentence_is_taken_apart() -> None:
    """Dates, numbers and names are not content words; the content words and the figures are wanted."""
    claim = Claim.of("Prices in Aldane rose by 12 percent on 3 May 2024.", ordinary("prices"))
    assert [(date.year, date.month, date.day) for date in claim.dates] == [(2024, 5, 3)]
    assert [(number.value, number.unit) for number in claim.numbers] == [(12, "percent")]
    assert [name.token for name in claim.names] == ["aldane"]
    assert claim.stems == {"price", "rose", "percent"}
    assert claim.wanted == claim.stems | {"12", "3", "2024"}


@given(sentence=SENTENCES)
def test_nothing_speaks_against_a_sentence_in_itself(sentence: str) -> None:
    """A window that is the sentence covers all of it and contradicts nothing of it."""
    claim, window = Claim.of(sentence, ordinary("everyone", "fishermen")), window_of(sentence)
    assert claim.compared_with(window).differences == {}
    assert claim.absent([make_passage("k7f2", sentence)]) is None
    assert claim.is_said_by(window)
    assert claim.coverage(window) == 1


@pytest.mark.parametrize("file", sorted(ARTICLES.glob("[a-z]*.md")), ids=lambda file: file.stem)
def test_an_article_does_not_contradict_itself(file: Path) -> None:
    """Every statement of an article is supported by the window with this statement."""
    body = file.read_text(encoding="utf-8").rpartition("\n---\n")[2]
    for span in sentence_spans(body):
        sentence = body[span.start : span.end]
        if not span.heading and len(sentence_spans(sentence)) == 1:
            assert Claim.of(sentence, ordinary()).compared_with(window_of(sentence)).differences == {}, sentence


@given(sentence=SENTENCES, other=SENTENCES)
def test_coverage_is_a_share(sentence: str, other: str) -> None:
    """The covered share of a sentence is from 0 to 1, and no smaller in a longer window."""
    claim = Claim.of(sentence, ordinary())
    alone, more = window_of(other), window_of(other).joined_with(window_of(sentence))
    assert 0 <= claim.coverage(alone) <= claim.coverage(more) == 1


def test_a_sentence_of_names_and_numbers_is_covered() -> None:
    """A sentence without content words is covered by any window."""
    assert Claim.of("Aldane, 12.", ordinary()).coverage(window_of("Rain.")) == 1


ABSENT = [
    ("The fund paid 3 million euros.", "The fund paid 4 million euros.", "number_not_in_source"),
    ("The fund paid 12 men.", "The fund paid 3 men and 12 percent of the women.", "number_not_in_source"),
    ("The fund paid in May 2024.", "The fund paid in June 2024.", "date_not_in_source"),
    ("The fund paid Tennick.", "The fund paid Rusk.", "name_not_in_source"),
    ("In 2019 the fund paid 3 million.", "In 2019 the fund paid 3,000,000 crowns.", None),
    ("The fund paid for 2024 boats.", "In 2024 the fund paid for boats.", None),
    ("The fund paid a quarter.", "The fund paid 3 million of the 12 million.", None),
    ("The fund paid 9 boats fewer.", "The fund paid 3 boats and then 12 boats.", None),
    ("The Courier named Rusk.", "The paper named Rusk.", None),
    ("The fund did not pay.", "The fund paid.", None),
]


@pytest.mark.parametrize(("sentence", "text", "reason"), ABSENT)
def test_an_absent_fact_has_its_reason(sentence: str, text: str, reason: str | None) -> None:
    """The first number, date or name that the passage lacks is the reason; a title counts for names."""
    passage = make_passage("k7f2", text, title="Inside the Courier")
    assert Claim.of(sentence, ordinary("paper")).absent([passage]) == reason


FACTS = [
    ("Maren Holt said the dam is safe.", "The dam is safe, said Pell Rusk, who met Maren Holt.", {"speaker"}),
    ("Holt accused Rusk.", "Rusk accused Holt.", {"speaker"}),
    ("The fund paid in May.", "The fund paid in June.", {"date"}),
    ("The fund paid 3 million.", "The fund paid 4 million.", set()),
    ("The fund paid Rusk.", "The fund paid Holt.", {"name", "referent"}),
    ("The fund did not pay.", "The fund paid.", set()),
]


@pytest.mark.parametrize(("sentence", "source", "kinds"), FACTS)
def test_facts_that_a_window_lacks_are_differences(sentence: str, source: str, kinds: set[str]) -> None:
    """A window with another date, speaker or name differs in it; a negation and a number do not."""
    found = Claim.of(sentence, ordinary()).compared_with(window_of(source)).differences.keys()
    assert found & {"speaker", "date", "name", "referent"} == kinds


def test_a_pronoun_may_stand_for_a_name() -> None:
    """A name that only the sentences before a window have is not another referent."""
    text = "Mayor Tennick came. She thanked the crews."
    claim, window = Claim.of("Tennick thanked the crews.", ordinary()), window_with(text, 1)
    assert claim.compared_with(window).differences.keys() & {"name", "referent"} == {"name"}


def test_what_is_said_has_its_facts_in_the_window() -> None:
    """The same words are not the same sentence with another number, unit or date."""
    claim = Claim.of("The fund paid 3 million euros on 3 May 2024.", ordinary())
    assert claim.is_said_by(window_of("The fund paid €3m on 3 May 2024."))
    assert not claim.is_said_by(window_of("The fund paid $3m on 3 May 2024."))
    assert not claim.is_said_by(window_of("The fund paid €3m on 3 June 2024."))


QUOTED = "It rained. **Mayor** Tennick opened the *new* harbour, on Monday. She left. The new harbour is empty."


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("opened the new harbour", ["**Mayor** Tennick opened the *new* harbour, on Monday."]),
        ("Opened the new harbour on Monday", ["**Mayor** Tennick opened the *new* harbour, on Monday."]),
        ("on Monday. She left", ["**Mayor** Tennick opened the *new* harbour, on Monday. She left."]),
        ("new harbour", ["**Mayor** Tennick opened the *new* harbour, on Monday.", "The new harbour is empty."]),
        ("opened the old harbour", []),
        ("ened the new harb", []),
        ("rained", []),
        ("", []),
    ],
)
def test_the_words_of_a_quote_are_found(quote: str, found: list[str]) -> None:
    """A quote is found where its passage has its words; the window is the sentences with them."""
    windows_found = windows_of_quote(make_passage("k7f2", QUOTED), quote)
    assert [QUOTED[span.start : span.end] for window in windows_found for _, span in window.spans] == found


def test_quotes_of_two_passages_are_combined() -> None:
    """Two quotes make one window of two passages; an unknown key is ignored."""
    passages = [make_passage("k7f2", "It rained all day."), make_passage("m3p9", "The ferry sank.")]
    (window,) = quoted(passages, [("k7f2", "rained all day"), ("m3p9", "ferry sank"), ("x9x9", "ferry sank")])
    assert window.text == "It rained all day. The ferry sank."
    assert quoted(passages, []) == quoted(passages, [("m3p9", "rained all day")]) == []


SENTENCE_LISTS = st.lists(
    st.sampled_from([
        "The ferry sank.", "It was old.", "Rusk left.", "She wept.", "Boats burnt.", "雨が降った。", "Why?"
    ]),
    min_size=1,
    max_size=7,
)  # fmt: skip
WANTED = st.sets(st.sampled_from(["ferri", "sank", "old", "rusk", "wept", "boat", "burnt"]))


def texts(text: str, *wanted: str) -> list[str]:
    """Return the texts of a passage's windows."""
    return [window.text for window in windows(make_passage("k7f2", text), wanted)]


@given(sentences=SENTENCE_LISTS, wanted=WANTED)
def test_a_window_is_whole_sentences_of_its_passage(sentences: list[str], wanted: set[str]) -> None:
    """A window is one to three consecutive sentences, with its exact span and its terms."""
    text = " ".join(sentences)
    starts = [span.start for span in sentence_spans(text)]
    for window in windows(make_passage("k7f2", text), wanted):
        ((passage, span),) = window.spans
        assert passage.chunk.text[span.start : span.end] == window.text
        assert span.start in starts
        assert 1 <= len(sentence_spans(window.text)) <= LONGEST_WINDOW
        assert window.stems == frozenset(english().terms.of(window.text))


@given(sentences=SENTENCE_LISTS, wanted=WANTED)
def test_every_sentence_is_a_window(sentences: list[str], wanted: set[str]) -> None:
    """Each sentence is a window of its own, the shortest windows first."""
    text = " ".join(sentences)
    found = texts(text, *wanted)
    assert found[: len(sentence_spans(text))] == [text[span.start : span.end] for span in sentence_spans(text)]
    lengths = [len(sentence_spans(window)) for window in found]
    assert lengths == sorted(lengths)


def test_each_sentence_of_a_window_brings_something() -> None:
    """Sentences are joined only if each has a wanted word that the others lack."""
    text = "The ferry sank. Rusk left. The ferry burnt."
    assert texts(text) == ["The ferry sank.", "Rusk left.", "The ferry burnt."]
    assert texts(text, "sank", "rusk")[3:] == ["The ferry sank. Rusk left."]
    assert texts(text, "sank", "rusk", "burnt")[3:] == [
        "The ferry sank. Rusk left.", "Rusk left. The ferry burnt.", text
    ]  # fmt: skip
    assert texts(text, "ferri")[3:] == []


def window_with(text: str, number: int) -> Window:
    """Return the window of a passage's n-th sentence."""
    return list(windows(make_passage("k7f2", text), ()))[number]


def test_what_refers_back_has_the_sentences_before() -> None:
    """A window with a pronoun or a definite noun has up to two sentences of context; others have none."""
    text = "It rained. Mayor Tennick left. Crews wept. She thanked them. Rusk slept."
    assert window_with(text, 3).with_antecedents == "Mayor Tennick left. Crews wept. She thanked them."
    assert window_with(text, 4).with_antecedents == "Rusk slept."
    assert window_with(text, 0).with_antecedents == "It rained."
    assert window_with("Rusk slept. The mayor left.", 1).with_antecedents == "Rusk slept. The mayor left."
    assert ANTECEDENTS == 2


def test_two_windows_are_one_source() -> None:
    """Joined windows of two passages have the texts, terms, spans and dates of both."""
    issue = datetime(2024, 6, 14, 9, tzinfo=UTC)
    one = next(windows(make_passage("k7f2", "It rained.", published_at=issue), ()))
    two = next(windows(make_passage("m3p9", "The ferry sank."), ()))
    both = one.joined_with(two)
    assert both.text == "It rained. The ferry sank."
    assert both.stems == one.stems | two.stems
    assert both.spans == one.spans + two.spans
    assert (one.published, two.published, both.published) == ((date(2024, 6, 14),), (), (date(2024, 6, 14),))


def test_a_passage_without_a_sentence_has_no_window() -> None:
    """White space has no windows."""
    assert texts(" \n ") == []


def test_a_window_has_the_words_that_are_read() -> None:
    """Numbers of notes and addresses are not stated, and a window keeps its span in the article."""
    text = "It has [nine locks](https://oyan.example/5) [3].[7] **Vane** built them.[8]"
    found = list(windows(make_passage("k7f2", text), ()))
    assert [window.text for window in found] == ["It has nine locks.", "Vane built them."]
    assert [window.before for window in found] == ["", "It has nine locks."]
    ((_, span),) = found[1].spans
    assert text[span.start : span.end] == "**Vane** built them.[8]"
