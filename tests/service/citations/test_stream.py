"""Stream: the split of a model's text changes neither markers nor sentences, and loses nothing."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.citations.stream import LONGEST_MARKER, DraftParser, Marker, MarkerParser, SentenceAssembler
from service.records import DraftSentence
from tests.service.citations.pieces import BRACKETS, CUTS, KNOWN, REPLIES, drafts_of, pieces_of

CITATIONS = {
    "[k7f2]": Marker(("k7f2",)),
    "[K7F2]": Marker(("k7f2",)),
    "[ k7f2 ]": Marker(("k7f2",)),
    "【k7f2】": Marker(("k7f2",)),
    "[k7f2,m3p9]": Marker(("k7f2", "m3p9")),
    "[k7f2; m3p9 & z4q8]": Marker(("k7f2", "m3p9", "z4q8")),
    "[k7f2 and m3p9]": Marker(("k7f2", "m3p9")),
    "[k7f2, and m3p9]": Marker(("k7f2", "m3p9")),
    "[k7f2, k7f2]": Marker(("k7f2",)),
    "[source k7f2]": Marker(("k7f2",)),
    "[Source: k7f2]": Marker(("k7f2",)),
    "[passages k7f2, m3p9]": Marker(("k7f2", "m3p9")),
    "[#k7f2]": Marker(("k7f2",)),
    "[^k7f2]": Marker(("k7f2",)),
    "[1]": Marker((), ("1",)),
    "[1, 12]": Marker((), ("1", "12")),
    "[x9x9]": Marker((), ("x9x9",)),
    "[k7f2, x9x9]": Marker(("k7f2",), ("x9x9",)),
}
OTHER_BRACKETS = [
    "[sic]", "[2024]", "[the mayor]", "[…]", "[]", "[ ]", "[k7f2 says so]", "[see k7f2]", "[k7f2,]", "[and]", "[1.5]",
    "[١]", "[§ 3]", "[k7f2 or m3p9]", "[abcdefghi1]", "]", "[" + "1, " * LONGEST_MARKER + "1]",
]  # fmt: skip

PLAIN = st.text(st.characters(exclude_characters="[]【】", exclude_categories=["Cs"]), max_size=12)


def tokens(text: str, cuts: list[int]) -> tuple[str, list[Marker]]:
    """Return the text of a stream without markers, and its markers."""
    parser = MarkerParser(KNOWN)
    found = [token for piece in pieces_of(text, cuts) for token in parser.feed(piece)] + list(parser.finish())
    return "".join(t for t in found if isinstance(t, str)), [t for t in found if isinstance(t, Marker)]


@pytest.mark.parametrize("bracket", CITATIONS)
@settings(max_examples=20)
@given(before=PLAIN, after=PLAIN, cuts=CUTS)
def test_a_citation_is_a_marker_in_any_company(bracket: str, before: str, after: str, cuts: list[int]) -> None:
    """A citation becomes a marker, in any context and at any split."""
    assert tokens(f"{before}{bracket}{after}", cuts) == (before + after, [CITATIONS[bracket]])


@pytest.mark.parametrize("bracket", OTHER_BRACKETS)
@settings(max_examples=20)
@given(before=PLAIN, after=PLAIN, cuts=CUTS)
def test_any_other_bracket_is_text(bracket: str, before: str, after: str, cuts: list[int]) -> None:
    """A bracket without a known key stays in the text."""
    assert tokens(f"{before}{bracket}{after}", cuts) == (f"{before}{bracket}{after}", [])


@given(parts=st.lists(st.one_of(PLAIN, st.sampled_from([*CITATIONS, *OTHER_BRACKETS])), max_size=12), cuts=CUTS)
def test_text_and_markers_come_out_in_order(parts: list[str], cuts: list[int]) -> None:
    """The citations of any reply are extracted once each, and all other text is kept."""
    text, markers = tokens("".join(parts), cuts)
    assert text == "".join(part for part in parts if part not in CITATIONS)
    assert markers == [CITATIONS[part] for part in parts if part in CITATIONS]


@given(text=REPLIES, cuts=CUTS)
@example(text="[" + "x" * (LONGEST_MARKER - 1) + "] [" + "x" * LONGEST_MARKER + "]", cuts=list(range(200)))
def test_cuts_do_not_change_markers(text: str, cuts: list[int]) -> None:
    """A reply has the same text and markers at any split."""
    assert tokens(text, cuts) == tokens(text, []) == tokens(text, list(range(len(text))))


@given(text=REPLIES, cuts=CUTS)
def test_keys_are_known_and_the_rest_is_reported(text: str, cuts: list[int]) -> None:
    """A marker's keys are those of passages; its invented keys are not."""
    for marker in tokens(text, cuts)[1]:
        assert set(marker.keys) <= set(KNOWN)
        assert not set(marker.invented) & set(KNOWN)
        assert marker.keys or marker.invented


def test_text_before_an_open_bracket_does_not_wait() -> None:
    """Text is held back only from an open bracket on."""
    parser = MarkerParser(KNOWN)
    assert list(parser.feed("It rained [k7")) == ["It rained "]
    assert list(parser.feed("f2] and")) == [Marker(("k7f2",)), " and"]


def test_a_bracket_that_stays_open_is_text() -> None:
    """An open bracket waits for LONGEST_MARKER characters, and for the stream's end at the latest."""
    parser = MarkerParser(KNOWN)
    assert list(parser.feed("[" + "a" * (LONGEST_MARKER - 1))) == []
    assert "".join(map(str, parser.feed("b"))) == "[" + "a" * (LONGEST_MARKER - 1) + "b"
    assert list(parser.feed("[k7f2")) == []
    assert list(parser.finish()) == ["[k7f2"]
    assert list(parser.finish()) == []


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


def test_words_on_either_side_of_a_marker_stay_apart() -> None:
    """Words around a marker keep the space before it; full stops keep none."""
    assert [draft.text for draft in drafts_of("It rained [k7f2]and snowed [m3p9], too.")] == [
        "It rained and snowed, too."
    ]


def test_a_sentence_comes_once_another_has_begun() -> None:
    """A sentence is yielded two words after its full stop, before the stream ends."""
    assembler = SentenceAssembler()
    assert list(assembler.feed("It rained. Then")) == []
    assert list(assembler.feed(Marker(("k7f2",)))) == []
    assert list(assembler.feed(" it snowed.")) == [DraftSentence(("It rained.",))]
    assert list(assembler.finish()) == [DraftSentence(("Then", K, " it snowed."))]
    assert list(assembler.finish()) == []


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
