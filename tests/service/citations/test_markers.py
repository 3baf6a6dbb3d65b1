"""Markers: the citations of a model in each of its styles, at any split of the stream."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.citations.stream import LONGEST_MARKER, Marker, MarkerParser
from tests.service.citations.pieces import CUTS, KNOWN, REPLIES, pieces_of

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
    "[k7f2,]": Marker(("k7f2",)),
    "[see k7f2]": Marker(("k7f2",)),
    "[doc k7f2]": Marker(("k7f2",)),
    "[Document: k7f2, m3p9]": Marker(("k7f2", "m3p9")),
    "[k7f2 m3p9]": Marker(("k7f2", "m3p9")),
    "[k7f2/m3p9]": Marker(("k7f2", "m3p9")),
    "[k7f2-z4q8]": Marker(("k7f2", "m3p9", "z4q8")),
    "[z4q8–m3p9]": Marker(("z4q8", "m3p9")),
    "[m3p9 to z4q8]": Marker(("m3p9", "z4q8")),
    "[[k7f2]]": Marker(("k7f2",)),
    "[[k7f2], [m3p9]]": Marker(("k7f2", "m3p9")),
    "[[k7f2][m3p9]]": Marker(("k7f2", "m3p9")),
    "［k7f2］": Marker(("k7f2",)),
    "【k7f2†source】": Marker(("k7f2",)),
    "【k7f2†L1-L4】": Marker(("k7f2",)),
    "【4:0†source】": Marker((), ("4",)),
    "(k7f2)": Marker(("k7f2",)),
    "（k7f2）": Marker(("k7f2",)),
    "(k7f2, m3p9)": Marker(("k7f2", "m3p9")),
    "(Source: k7f2)": Marker(("k7f2",)),
    "(Source: [k7f2])": Marker(("k7f2",)),
    "(Sources: [k7f2], [m3p9])": Marker(("k7f2", "m3p9")),
    "([k7f2])": Marker(("k7f2",)),
    "([1])": Marker((), ("1",)),
    "[k7f2](https://tarn.example/a?b=1)": Marker(("k7f2",)),
    "[k7f2](#k7f2)": Marker(("k7f2",)),
    '[k7f2: "It rained."]': Marker(("k7f2",), (), (("k7f2", "It rained."),)),
    '[K7F2 "It rained"]': Marker(("k7f2",), (), (("k7f2", "It rained"),)),
    "[k7f2: “It rained [sic] on “Monday””]": Marker(("k7f2",), (), (("k7f2", "It rained [sic] on “Monday”"),)),
    '[k7f2: "It rained"; m3p9: "It snowed"]': Marker(
        ("k7f2", "m3p9"), (), (("k7f2", "It rained"), ("m3p9", "It snowed"))
    ),
    '[k7f2: "It rained", "all day"]': Marker(("k7f2",), (), (("k7f2", "It rained"), ("k7f2", "all day"))),
    '[k7f2, m3p9: "It rained"]': Marker(("k7f2", "m3p9"), (), (("k7f2", "It rained"), ("m3p9", "It rained"))),
    "[k7f2: It rained]": Marker(("k7f2",), (), (("k7f2", "It rained"),)),
    "[k7f2 | It rained]": Marker(("k7f2",), (), (("k7f2", "It rained"),)),
    '[[k7f2: "It rained"]]': Marker(("k7f2",), (), (("k7f2", "It rained"),)),
    '(k7f2: "It rained")': Marker(("k7f2",), (), (("k7f2", "It rained"),)),
    '[k7f2]("It rained")': Marker(("k7f2",), (), (("k7f2", "It rained"),)),
    '[k7f2] ("It rained")': Marker(("k7f2",), (), (("k7f2", "It rained"),)),
    '[x9x9: "It rained"]': Marker((), ("x9x9",)),
    '[1: "It rained"]': Marker((), ("1",)),
}
OTHER_BRACKETS = [
    "[sic]", "[2024]", "[the mayor]", "[…]", "[]", "[ ]", "[k7f2 says so]", "[and]", "[1.5]",
    "[١]", "[§ 3]", "[k7f2 or m3p9]", "(2024)", "(1)", "(see above)", "[Article 5]", "(x9x9)",
    "[the mayor: no]", "[abcdefghi1]", "]", "[" + "1, " * LONGEST_MARKER + "1]",
]  # fmt: skip

PLAIN = st.text(st.characters(exclude_characters="[]【】［］()（）", exclude_categories=["Cs"]), max_size=12)


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
