"""The abstention line: found in any split, form or position; other text is unchanged."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.readers.abstention import ABSTAIN, AbstentionWatch

FORMS = st.sampled_from(
    [ABSTAIN, "not_in_sources", "Not_In_Sources", "NOT-IN-SOURCES", r"NOT\_IN\_SOURCES", "NOT IN SOURCES"]
)
WRAPPED = st.sampled_from(
    ["{}", '"{}"', "{}.", "**{}**", "`{}`", "[k7f2] {}", "{} [k7f2].", "\n{}\n", "{}: they say nothing.", "“{}”."]
)
SENTENCES = [
    "Kim inspected five plants in one week [k7f2].",
    "Dr. Vane said: “It rained.” [a1b2] ",
    "The bill was 3.4 million crowns. [k7f2][a1b2]",
    "Es ist nicht in den Quellen [c3d4]!",
    "雨が降った。[k7f2]",
    "Not in sources of water but in wells did they find it [k7f2].",
]
TALK = st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=4).map(" ".join)


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    """Return the text split at the given positions."""
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(places)]


def watched(text: str, cuts: list[int]) -> tuple[str, bool]:
    """Return the text that is passed on, and whether the model abstained."""
    watch = AbstentionWatch()
    passed = "".join(watch.feed(piece) for piece in pieces_of(text, cuts)) + watch.finish()
    return passed, watch.abstained


CUTS = st.lists(st.integers(0, 400), max_size=30)


@given(text=st.one_of(TALK, st.text(max_size=80)), cuts=CUTS)
def test_other_text_comes_out_as_it_went_in(text: str, cuts: list[int]) -> None:
    """A reply without the line is passed on unchanged at any split."""
    assert watched(text, cuts) == (text, False)


@given(form=FORMS, wrapped=WRAPPED, after=st.one_of(st.just(""), TALK), cuts=CUTS)
def test_line_at_the_beginning_is_abstaining(form: str, wrapped: str, after: str, cuts: list[int]) -> None:
    """If the line comes first, in any form and with any text after it, the model abstains and no text is passed on."""
    assert watched(f"{wrapped.format(form)} {after}", cuts) == ("", True)


@given(before=st.sampled_from(SENTENCES[:4]), form=FORMS, wrapped=WRAPPED, cuts=CUTS)
def test_line_after_text_is_dropped(before: str, form: str, wrapped: str, cuts: list[int]) -> None:
    """If the line is in a later sentence, that sentence is dropped and those before it are kept."""
    before = before.strip()
    passed, abstained = watched(f"{before} {wrapped.removeprefix('[k7f2] ').format(form)}", cuts)
    assert not abstained
    assert passed.startswith(before)
    assert "sources" not in passed[len(before) :].lower()


@given(cuts=CUTS)
def test_sentences_around_the_line_pass(cuts: list[int]) -> None:
    """A sentence that contains the line is dropped; its neighbours and their markers are kept."""
    text = "The bridge closed. [k7f2] The rest is NOT_IN_SOURCES [a1b2]. The ferry sails [c3d4]."
    assert watched(text, cuts) == ("The bridge closed. [k7f2] The ferry sails [c3d4].", False)


def test_whole_sentences_pass_before_the_end() -> None:
    """A sentence is passed on when the next one begins."""
    watch = AbstentionWatch()
    assert watch.feed("The bridge closed [k7f2]. ") == ""
    assert watch.feed("The f") == "The bridge closed [k7f2]. "


@pytest.mark.parametrize("cut", range(len(ABSTAIN)))
def test_a_part_of_the_line_is_not_the_line(cut: int) -> None:
    """A reply that ends within the line is text."""
    assert watched(ABSTAIN[:cut], []) == (ABSTAIN[:cut], False)
