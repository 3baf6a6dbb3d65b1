"""Locating a sentence word for word: whole sentences only, at their exact place, whatever repeats around them."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from index.records import Article, Chunk, ScoredChunk
from index.text import sentence_spans
from service.citations.verify import locate, normalised
from service.records import Passage
from tests.service.passages import make_passage

SENTENCES = st.sampled_from([
    "The ferry sails on Monday.",
    "The ferry sails on Monday.",
    "“It rained,” she said.",
    "Dr. Vane left Aldane Inc. at 9.30 a.m. with 1,200 boxes.",
    "Why did it rain?",
    "It did!",
    "It did…",
    "雨が降った。",
    "عادت العبّارة إلى الميناء.",
    "A 👩‍👩‍👧 family and a cafe\u0301 were hit.",
    "No.",
    "The harbour",
    "Then the crew, tired\nand wet, went home.",
])  # fmt: skip
GAPS = st.sampled_from([" ", "  ", "\n", "\n\n", "\u00a0", " \t"])


@st.composite
def passages(draw: st.DrawFn) -> Passage:
    """A passage cut at sentence ends out of an article in which sentences come again and again."""
    body = "".join(part for pair in draw(st.lists(st.tuples(SENTENCES, GAPS), min_size=1, max_size=9)) for part in pair)
    spans = sentence_spans(body)
    first = draw(st.integers(0, len(spans) - 1))
    last = draw(st.integers(first, len(spans) - 1))
    start, end = spans[first].start, spans[last].end
    article = Article("a", body, "/a.txt")
    return Passage("k7f2", ScoredChunk(Chunk("a:0", "a", 0, body[start:end], start, end, 9), 1.0, 0.5, 1.0), article)


@given(passage=passages(), data=st.data())
def test_every_sentence_is_found_where_it_is(passage: Passage, data: st.DataObject) -> None:
    """Each sentence, or two or three in a row, is located exactly, and the quote is the body at its span."""
    text = passage.chunk.text
    spans = sentence_spans(text)
    first = data.draw(st.integers(0, len(spans) - 1))
    last = data.draw(st.integers(first, min(first + 2, len(spans) - 1)))
    sentence = text[spans[first].start : spans[last].end]
    quote = locate(sentence, passage)
    assert quote is not None
    assert passage.article.body[quote.span.start : quote.span.end] == quote.text
    assert passage.chunk.start_char <= quote.span.start < quote.span.end <= passage.chunk.end_char
    assert normalised(quote.text) == normalised(sentence)
    assert (quote.status, quote.score, quote.passage) == ("verified", 1.0, passage)
    assert (quote.method == "exact") == (quote.text == sentence)


@given(passage=passages(), data=st.data())
def test_a_part_of_a_sentence_is_not_found(passage: Passage, data: st.DataObject) -> None:
    """What is no sentence of a passage but stands in one proves nothing."""
    text = passage.chunk.text
    start = data.draw(st.integers(0, len(text)))
    part = text[start : data.draw(st.integers(start, len(text)))]
    spans = sentence_spans(text)
    runs = [text[a.start : b.end] for at, a in enumerate(spans) for b in spans[at : at + 3]]
    assume(normalised(part) not in map(normalised, runs))
    assert locate(part, passage) is None


OTHERWISE_WRITTEN = [
    ("“It rained,” she said.", '"It rained," she said.'),
    ("The captain’s crew left.", "The captain's crew left."),
    ("Fares rose by 3\u00a0percent.", "Fares rose by 3 percent."),
    ("The strike – the third – ended.", "The strike - the third - ended."),
    ("The strike—the third—ended.", "The strike-the third-ended."),
    ("The ferry  sails\non Monday.", "The ferry sails on Monday."),
    ("THE FERRY SAILS ON MONDAY.", "The ferry sails on Monday."),
    ("The ferry sails on Monday.", "The ferry sails on Monday"),
    ("The ferry sails on Monday", "The ferry sails on Monday."),
    ("And then it ended…", "And then it ended..."),
    ("The ﬁre is out.", "The fire is out."),
    ("A cafe\u0301 burnt down.", "A caf\u00e9 burnt down."),
    ("It cost −3 euros.", "It cost -3 euros."),
    ("«Enough», he wrote.", '"Enough", he wrote.'),
]


@pytest.mark.parametrize(("written", "sentence"), OTHERWISE_WRITTEN)
def test_typography_makes_no_difference(written: str, sentence: str) -> None:
    """Quotation marks, dashes, spaces, ligatures, case and the last stop may differ; the quote is as it was printed."""
    passage = make_passage("k7f2", f"It snowed first. {written}")
    quote = locate(sentence, passage)
    assert quote is not None
    assert (quote.text, quote.method, quote.span.start) == (written, "normalised", 17)


WITH_MARKUP = [
    (
        "The **Oyan club** has [80 members](https://oyan.example/c?x=1), says *Vane*.[^1]",
        "The Oyan club has 80 members, says Vane.",
    ),
    ("> The club was founded in `1926`.", "The club was founded in 1926."),
    ("It has nine locks [3] and is long.[1][4]", "It has nine locks and is long."),
    ("It has nine locks [3] and is long.[1][4]", "It has nine locks and is long"),
    ("It has **nine** locks.", "It has **nine** locks"),
    ("It costs ~~40~~ 65 euros.", "It costs 65 euros."),
    (r"It is called \*Oyan\*.", "It is called *Oyan*."),
    ("| Oyan | 212 mm |", "Oyan · 212 mm"),
]


@pytest.mark.parametrize(("written", "sentence"), WITH_MARKUP)
def test_the_words_of_a_sentence_with_markup_are_found(written: str, sentence: str) -> None:
    """A sentence is found by the words that a person reads of it, and quoted as it was written."""
    quote = locate(sentence, make_passage("k7f2", f"It snowed first.\n\n![A pier](pier.png)\n\n{written}"))
    assert quote is not None
    assert (quote.text, quote.method, quote.status) == (written, "normalised", "verified")


NOT_SAID = [
    ("It costs ~~40~~ 65 euros.", "It costs 40 65 euros."),
    ("It has nine locks [3].", "It has nine locks 3."),
    ("![The ferry sank.](a.png)", "The ferry sank."),
    ("It is false that the ferry sank.", "The ferry sank."),
    ("The ferry sank, said a man who was not there.", "The ferry sank."),
    ("Did the ferry sink?", "The ferry sank."),
    ("The ferry sank?", "The ferry sank."),
    ("The ferry sank.", "The ferry sank?"),
    ("“The ferry sank.”", "The ferry sank."),
    ("The ferry did not sink.", "The ferry did sink."),
    ("It cost 3.5 euros.", "It cost 35 euros."),
    ("The ferry sank in May. It was old.", "The ferry sank in May. It was"),
    ("The ferry sank.", ""),
    ("The ferry sank.", " . "),
]


@pytest.mark.parametrize(("written", "sentence"), NOT_SAID)
def test_what_is_not_said_so_is_not_found(written: str, sentence: str) -> None:
    """A clause of a sentence, a question, somebody's words without the quotation marks and nothing are not located."""
    assert locate(sentence, make_passage("k7f2", written)) is None


def test_the_first_of_equal_sentences_is_quoted() -> None:
    """A sentence that a passage says twice is quoted where it stands first."""
    quote = locate("It rained.", make_passage("k7f2", "Rain. It rained. It snowed. It rained."))
    assert quote is not None
    assert quote.span == (6, 16)


def test_more_than_three_sentences_are_not_looked_for() -> None:
    """A draft of four sentences is no sentence."""
    text = "It rained. It snowed. It hailed. It stopped."
    assert locate(text, make_passage("k7f2", text)) is None
    assert locate("It rained. It snowed. It hailed.", make_passage("k7f2", text)) is not None


@given(text=st.text(max_size=40))
@example("İstanbul ﬀ ẞ…")
def test_a_normalised_text_is_normal(text: str) -> None:
    """The form in which sentences are compared is one line without outer white space."""
    found = normalised(text)
    assert found == " ".join(found.split())
