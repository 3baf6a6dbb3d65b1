"""Replies of a language model for tests, and the positions at which a stream splits them."""

from itertools import pairwise

from hypothesis import strategies as st

from service.citations.stream import DraftParser
from service.records import DraftSentence

KNOWN = ("k7f2", "m3p9", "z4q8")

CUTS = st.lists(st.integers(0, 2_000), max_size=40)

STATEMENTS = st.sampled_from([
    "The ferry sails again on Monday",
    "Dr. Vane of Aldane Inc. met Gen. Holt at 9.30 a.m. in the U.S. consulate",
    "“It rained,” she said. “It did.”",
    "雨が降った。雪も降った",
    "Die Fähre fährt wieder",
    "Костёр погас вчера",
    "عادت العبّارة إلى الميناء",
    "A 👩‍👩‍👧 family and a cafe\u0301 were hit",
    "It rose to 3.4 million",
    "He wrote [sic] and [see above] and [2024]",
    "No",
])  # fmt: skip

BRACKETS = st.sampled_from([
    "[k7f2]", "[M3P9]", "[k7f2, m3p9]", "[k7f2][z4q8]", "【k7f2】", "[x9x9]", "[1]", "[k7f2; 12]", "[ z4q8 ]",
    "[source k7f2]", "[k7f2 and m3p9]", "[sources: k7f2, z4q8]",
])  # fmt: skip

JOINTS = st.sampled_from(
    [" ", ". ", ".", "! ", "? ", "… ", ", ", "\n", ".\n\n", "\n- ", "\n2. ", ". 31. ", " 100. ", "。", ".” ", " [", "]"]
)

REPLIES = st.lists(st.one_of(STATEMENTS, BRACKETS, JOINTS, st.text(max_size=4)), max_size=24).map("".join)
"""Replies with markers before and behind stops, known and unknown, lists, quotations, several scripts."""


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    """Return the text split at these positions, modulo its length."""
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(places)]


def drafts_of(*pieces: str) -> list[DraftSentence]:
    """The draft sentences of a reply that comes in these pieces."""
    parser = DraftParser(KNOWN)
    return [draft for piece in pieces for draft in parser.feed(piece)] + list(parser.finish())
