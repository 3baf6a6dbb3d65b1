"""Stream: the split of a model's text changes neither sentences nor their markers and quotes, and loses nothing."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.citations.stream import DraftParser, Marker, MarkerParser
from service.records import DraftSentence
from tests.service.citations.pieces import BRACKETS, CUTS, KNOWN, REPLIES, drafts_of, pieces_of

K, M, Z = ("k7f2",), ("m3p9",), ("z4q8",)

DRAFTS: dict[str, list[tuple[str | tuple[str, ...], ...]]] = {
    "It rained [k7f2].": [("It rained", K, ".")],
    "It rained. [k7f2]": [("It rained", K, ".")],
    "It rained.[k7f2] It snowed [m3p9].": [("It rained", K, "."), ("It snowed", M, ".")],
    "It rained.[k7f2]It snowed.[m3p9]": [("It rained", K, "."), ("It snowed", M, ".")],
    "It rained.[k7f2]“It snowed.”[m3p9]": [("It rained", K, "."), ("“It snowed.”", M)],
    "It rained [k7f2] and snowed [m3p9].": [("It rained", K, " and snowed", M, ".")],
    "It rained [k7f2][m3p9]!": [("It rained", K, M, "!")],
    "It rained [k7f2] [m3p9] all day.": [("It rained", K, M, " all day.")],
    "It rained [k7f2, m3p9]…": [("It rained", ("k7f2", "m3p9"), "…")],
    "[k7f2] It rained. It snowed [m3p9].": [(K, "It rained."), ("It snowed", M, ".")],
    "It rained\n[k7f2]\nIt snowed [m3p9].": [("It rained", K), ("It snowed", M, ".")],
    "“It rained.” [k7f2] He left [m3p9].": [("“It rained.”", K), ("He left", M, ".")],
    "Dr. [k7f2] Vane left the U.S. [m3p9] in May.": [("Dr.", K, " Vane left the U.S.", M, " in May.")],
    "雨が降った。[k7f2]雪も降った。[m3p9]": [("雨が降った。", K), ("雪も降った。", M)],
    "雨が降った[k7f2]。雪も降った[m3p9]。": [("雨が降った", K, "。"), ("雪も降った", M, "。")],
    "- It rained [k7f2].\n- [m3p9] It snowed.": [("It rained", K, "."), (M, "It snowed.")],
    "1. It rained [k7f2].\n2. It snowed [m3p9].": [("It rained", K, "."), ("It snowed", M, ".")],
    "1) It rained [k7f2]\n2) It snowed [m3p9]": [("It rained", K), ("It snowed", M)],
    "## Weather\n\n* It rained [k7f2]\n\nIt snowed.": [("Weather",), ("It rained", K), ("It snowed.",)],
    "It rose to 3. Then it fell [k7f2].": [("It rose to 3.",), ("Then it fell", K, ".")],
    "It rained [": [("It rained [",)],
    "It rained [k7f2": [("It rained [k7f2",)],
    "It rained [sic] [k7f2].": [("It rained [sic]", K, ".")],
    "[k7f2]": [(K,)],
    " \n ": [],
    "": [],
}

SECRETS = [
    "a zebra", "the zebra sat. It was a zebra [sic] of 3.4 kg", "“zebra”, he said", "zebra's\nzebra",
    "zebra " * 60 + "zebra"
]  # fmt: skip
"""Words that are only in quotes."""
STYLES = [
    '[{}: "{}"]',
    "[{}: “{}”]",
    '[{} "{}"]',
    "[{} | „{}“]",
    '[[{}: "{}"]]',
    "[{}: {}]",
    '[{}]("{}")',
    '【{}: "{}"】',
]
BROKEN = ['[k7f2: "{}', '[k7f2: "{}"', "[k7f2: {}", '[k7f2: "{} [m3p9]', '[k7f2, m3p9: "' + "zebra " * 200 + '{}"]']

WORDS = st.text(st.characters(categories=["L", "Mn", "So"]), min_size=1, max_size=5)
LISTLESS = st.lists(
    st.one_of(WORDS, BRACKETS, st.sampled_from([" ", ". ", "! ", "\n", "。", ", ", " “", "” ", "[sic]", " [", "3.4"])),
    max_size=24,
).map("".join)


@pytest.mark.parametrize("text", DRAFTS)
def test_a_reply_has_these_sentences(text: str) -> None:
    """Each marker stays in its sentence, before the full stop; signs of lists and headings go."""
    assert [draft.parts for draft in drafts_of(text)] == DRAFTS[text]


@given(text=REPLIES, cuts=CUTS)
@example(text="A b. 3. Foo bar baz. 4. Qux quux [k7f2].", cuts=[])
@example(text="Acme Inc. Onward went it. Acme Inc. On it went.", cuts=[])
@example(text="雨。」次の日[k7f2]。あ い", cuts=[])
def test_cuts_do_not_change_sentences(text: str, cuts: list[int]) -> None:
    """The drafts are the same at any split."""
    assert drafts_of(*pieces_of(text, cuts)) == drafts_of(text) == drafts_of(*text)


@given(text=LISTLESS, cuts=CUTS)
def test_nothing_is_lost(text: str, cuts: list[int]) -> None:
    """The drafts contain every character of the text, in order, except white space and markers."""
    parser = MarkerParser(KNOWN)
    tokens = [*parser.feed(text), *parser.finish()]
    written = "".join(token for token in tokens if isinstance(token, str))
    drafted = "".join(draft.text for draft in drafts_of(*pieces_of(text, cuts)))
    assert re.sub(r"\s", "", drafted) == re.sub(r"\s", "", written)


@given(text=REPLIES, cuts=CUTS)
def test_markers_are_all_there_in_order(text: str, cuts: list[int]) -> None:
    """Each cited key and each invented one is in one draft, in the order of the text."""
    parser = MarkerParser(KNOWN)
    markers = [token for token in [*parser.feed(text), *parser.finish()] if isinstance(token, Marker)]
    drafts = drafts_of(*pieces_of(text, cuts))
    keys = [part for draft in drafts for part in draft.parts if not isinstance(part, str)]
    assert keys == [marker.keys for marker in markers if marker.keys]
    assert [key for draft in drafts for key in draft.invented] == [key for m in markers for key in m.invented]


@given(text=REPLIES)
def test_no_marker_is_in_the_text(text: str) -> None:
    """The text of a sentence has no citation, known or invented, and no outer white space."""
    for draft in drafts_of(text):
        assert not [token for token in MarkerParser(KNOWN).feed(draft.text) if isinstance(token, Marker)]
        assert draft.text == draft.text.strip()
        assert all(draft.parts)


QUOTED = st.lists(
    st.tuples(
        st.sampled_from(["The ferry sails", "Dr. Vane of Aldane Inc. met Holt", "“It rained,” she said", "雪も降った"]),
        st.lists(st.tuples(st.sampled_from(KNOWN), st.sampled_from(SECRETS)), max_size=2),
    ),
    min_size=1,
    max_size=5,
)


@given(written=QUOTED, style=st.sampled_from(STYLES), cuts=CUTS)
def test_each_sentence_has_its_quotes(
    written: list[tuple[str, list[tuple[str, str]]]], style: str, cuts: list[int]
) -> None:
    """At any split a sentence has the words that are quoted for it, and its text does not contain them."""
    text = " ".join(f"{said} {''.join(style.format(key, words) for key, words in quotes)}." for said, quotes in written)
    drafts = drafts_of(*pieces_of(text, cuts))
    assert [quote for draft in drafts for quote in draft.quotes] == [q for _, quotes in written for q in quotes]
    assert all(key in draft.keys for draft in drafts for key, _ in draft.quotes)
    assert not [draft for draft in drafts if "zebra" in draft.text]


@given(said=st.sampled_from(SECRETS), open_=st.sampled_from(BROKEN), after=REPLIES, cuts=CUTS)
def test_no_broken_quote_is_text(said: str, open_: str, after: str, cuts: list[int]) -> None:
    """A quote that is cut off, too long or without its end is not text either."""
    text = f"It rained {open_.format(said)}\n{after}"
    drafts = drafts_of(*pieces_of(text, cuts))
    assert drafts == drafts_of(text)
    assert not [draft for draft in drafts if "zebra" in draft.text]
    assert drafts[0].keys[0] == "k7f2"


def test_words_on_either_side_of_a_marker_stay_apart() -> None:
    """Words around a marker keep the space before it; full stops keep none."""
    assert [draft.text for draft in drafts_of("It rained [k7f2]and snowed [m3p9], too.")] == [
        "It rained and snowed, too."
    ]


def test_a_sentence_comes_once_another_has_begun() -> None:
    """A sentence is yielded two words after its full stop, before the stream ends."""
    parser = DraftParser(KNOWN)
    assert list(parser.feed("It rained. Then")) == []
    assert list(parser.feed("[k7f2]")) == []
    assert list(parser.feed(" it snowed.")) == [DraftSentence(("It rained.",))]
    assert list(parser.finish()) == [DraftSentence(("Then", K, " it snowed."))]
    assert list(parser.finish()) == []


def test_a_cut_off_text_keeps_its_complete_sentences() -> None:
    """The last sentence of a text that is cut off counts where it has its full stop."""
    parser = DraftParser(KNOWN)
    drafts = [*parser.feed("It rained [k7f2]. It snowed [m3p9]."), *parser.finish(cut_off=True)]
    assert drafts == [DraftSentence(("It rained", ("k7f2",), ".")), DraftSentence(("It snowed", ("m3p9",), "."))]


@pytest.mark.parametrize("cut_off", ["It snowed in the [m3p9]", "It snowed [m3", "It"])
def test_a_cut_off_text_loses_its_incomplete_sentence(cut_off: str) -> None:
    """A sentence without its end is dropped."""
    parser = DraftParser(KNOWN)
    drafts = [*parser.feed(f"It rained [k7f2]. {cut_off}"), *parser.finish(cut_off=True)]
    assert drafts == drafts_of("It rained [k7f2].")
