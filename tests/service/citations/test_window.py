"""Windows: every stretch of a passage in which a claim may stand, exact, and with the sentences that it refers to."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from index.text import sentence_spans
from service.citations.english import english
from service.citations.support import ANTECEDENTS, LONGEST_WINDOW, Window, windows
from tests.service.passages import make_passage

SENTENCES = st.lists(
    st.sampled_from([
        "The ferry sank.", "It was old.", "Rusk left.", "She wept.", "Boats burnt.", "雨が降った。", "Why?"
    ]),
    min_size=1,
    max_size=7,
)  # fmt: skip
WANTED = st.sets(st.sampled_from(["ferri", "sank", "old", "rusk", "wept", "boat", "burnt"]))


def texts(text: str, *wanted: str) -> list[str]:
    """The texts of a passage's windows."""
    return [window.text for window in windows(make_passage("k7f2", text), wanted)]


@given(sentences=SENTENCES, wanted=WANTED)
def test_a_window_is_whole_sentences_of_its_passage(sentences: list[str], wanted: set[str]) -> None:
    """A window is one to three sentences in a row, at its exact place, with the terms that stand in it."""
    text = " ".join(sentences)
    starts = [span.start for span in sentence_spans(text)]
    for window in windows(make_passage("k7f2", text), wanted):
        ((passage, span),) = window.spans
        assert passage.chunk.text[span.start : span.end] == window.text
        assert span.start in starts
        assert 1 <= len(sentence_spans(window.text)) <= LONGEST_WINDOW
        assert window.stems == frozenset(english().terms.of(window.text))


@given(sentences=SENTENCES, wanted=WANTED)
def test_every_sentence_is_a_window(sentences: list[str], wanted: set[str]) -> None:
    """Each sentence is a window of its own, the shortest windows first."""
    text = " ".join(sentences)
    found = texts(text, *wanted)
    assert found[: len(sentence_spans(text))] == [text[span.start : span.end] for span in sentence_spans(text)]
    lengths = [len(sentence_spans(window)) for window in found]
    assert lengths == sorted(lengths)


def test_each_sentence_of_a_window_brings_something() -> None:
    """Sentences are taken together only where each has a wanted word that the others have not."""
    text = "The ferry sank. Rusk left. The ferry burnt."
    assert texts(text) == ["The ferry sank.", "Rusk left.", "The ferry burnt."]
    assert texts(text, "sank", "rusk")[3:] == ["The ferry sank. Rusk left."]
    assert texts(text, "sank", "rusk", "burnt")[3:] == [
        "The ferry sank. Rusk left.", "Rusk left. The ferry burnt.", text
    ]  # fmt: skip
    assert texts(text, "ferri")[3:] == []


def window_of(text: str, number: int) -> Window:
    """The window that is a passage's sentence of that number."""
    return list(windows(make_passage("k7f2", text), ()))[number]


def test_what_refers_back_has_the_sentences_before() -> None:
    """A window with a pronoun or a definite noun has up to two sentences before it; another has none."""
    text = "It rained. Mayor Tennick left. Crews wept. She thanked them. Rusk slept."
    assert window_of(text, 3).with_antecedents == "Mayor Tennick left. Crews wept. She thanked them."
    assert window_of(text, 4).with_antecedents == "Rusk slept."
    assert window_of(text, 0).with_antecedents == "It rained."
    assert window_of("Rusk slept. The mayor left.", 1).with_antecedents == "Rusk slept. The mayor left."
    assert ANTECEDENTS == 2


def test_two_windows_are_one_source() -> None:
    """Windows of two passages together have the texts, terms, places and dates of both."""
    issue = datetime(2024, 6, 14, 9, tzinfo=UTC)
    one = next(windows(make_passage("k7f2", "It rained.", published_at=issue), ()))
    two = next(windows(make_passage("m3p9", "The ferry sank."), ()))
    both = one.and_also(two)
    assert both.text == "It rained. The ferry sank."
    assert both.stems == one.stems | two.stems
    assert both.spans == one.spans + two.spans
    assert (one.published, two.published, both.published) == ((date(2024, 6, 14),), (), (date(2024, 6, 14),))


def test_a_passage_without_a_sentence_has_no_window() -> None:
    """White space has no windows."""
    assert texts(" \n ") == []


def test_a_window_has_the_words_that_are_read() -> None:
    """Numbers of notes and of addresses are not stated, and a window keeps the place of what was written."""
    text = "It has [nine locks](https://oyan.example/5) [3].[7] **Vane** built them.[8]"
    found = list(windows(make_passage("k7f2", text), ()))
    assert [window.text for window in found] == ["It has nine locks.", "Vane built them."]
    assert [window.before for window in found] == ["", "It has nine locks."]
    ((_, span),) = found[1].spans
    assert text[span.start : span.end] == "**Vane** built them.[8]"
