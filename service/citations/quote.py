"""Locating a sentence word for word in a passage."""

import re

from index.markup import readable
from index.records import Span
from index.text import sentence_spans
from index.unicode import normal_form
from service.records import Method, Passage, Quote

_PLAIN = str.maketrans({
    "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-",
    "‑": "-", "−": "-", "\u00a0": " ", "…": "...",
})  # fmt: skip


def locate(sentence: str, passage: Passage) -> Quote | None:
    """Return the whole sentences of a passage that are this sentence, exactly or but for typography and markup.

    Typography is case, white space and punctuation; markup is what `readable` leaves out. Whole sentences only: a part
    of one may say the opposite of it.
    """
    text = passage.chunk.text
    wanted = {normalised(sentence), normalised(readable(sentence))} - {""}
    # An image or a rule beside a sentence is no part of its quote.
    spans = [span for span in sentence_spans(text) if normalised(readable(text[span.start : span.end]))]
    for first, begin in enumerate(spans):
        for end in spans[first : first + 3]:
            found = text[begin.start : end.end]
            if normalised(found) in wanted or normalised(readable(found)) in wanted:
                method: Method = "exact" if sentence.strip() == found else "normalised"
                return _quote(passage, Span(begin.start, end.end), method)
    return None


def normalised(text: str) -> str:
    """A text in the form in which sentences are compared: NFKC, plain quotes and dashes, one case, single spaces."""
    plain = normal_form("NFKC", text.translate(_PLAIN)).casefold()
    return re.sub(r"\s+", " ", plain).strip().rstrip(".!…").rstrip()


def _quote(passage: Passage, span: Span, method: Method) -> Quote:
    start, end = passage.chunk.start_char + span.start, passage.chunk.start_char + span.end
    return Quote(passage, Span(start, end), passage.article.body[start:end], "verified", method, 1.0)
