"""The highlight of a citation: the answer's words inside the quote, in the offsets of the article's body."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Article, Chunk, Span
from index.text import sentence_spans
from ingest.load.article import clean
from service.citations.verify import Check, SupportCheck, Thresholds, Verifier
from service.records import DraftSentence, Passage
from tests.fakes import HashedEmbedder
from tests.service.passages import make_passage

VERIFIER = Verifier(SupportCheck(HashedEmbedder(), Thresholds.read()))
BEFORE = "It snowed first. "
SENTENCE = "The old harbour of Aldane opened again on 3 May 2024."

SENTENCES = st.lists(
    st.sampled_from([
        "The ferry sails on Monday.",
        "The **Old Lamp** was lit on *3 March* [2].",
        "Le cafe\u0301 a ferme\u0301 en 2024.",
        "عادت العبّارة إلى الميناء.",
        "A 👩‍👩‍👧 family and 12 others left.",
        "“It rained,” she said.",
    ]),
    min_size=1,
    max_size=5,
)  # fmt: skip
PLACES = st.integers(-5, 400)


def passage_of(text: str) -> Passage:
    """Return the passage with all sentences of an article but the first."""
    body = clean(f"{BEFORE}{text}")
    article = Article("a", body, "/a.txt")
    return Passage("k7f2", Chunk("a:0", "a", 17, body[17:], 17, len(body), 9), article, 1.0, 0.5, 1.0)


def check_of(passage: Passage, sentence: str, words: str = "", answer: Span | None = None) -> Check:
    """Return the check of a sentence that cites a passage."""
    quotes = (("k7f2", words),) if words else ()
    draft = DraftSentence((sentence, ("k7f2",)), quotes=quotes, answer=answer)
    return VERIFIER.verify(draft, {"k7f2": passage}, "verified")


def words_of(check: Check) -> list[str | None]:
    """Return the highlighted words of each quote, None for a quote without any."""
    return [
        quote.passage.article.body[quote.highlight.start : quote.highlight.end] if quote.highlight else None
        for quote in check.quotes
    ]


@given(sentences=SENTENCES, start=PLACES, end=PLACES, data=st.data())
def test_a_readers_span_is_kept_only_inside_the_quote(
    sentences: list[str], start: int, end: int, data: st.DataObject
) -> None:
    """A span that a reader states is the highlight, with complete words, if it is inside the quote and has a word."""
    passage = passage_of(" ".join(sentences))
    at = data.draw(st.sampled_from(sentence_spans(passage.chunk.text)))
    (quote,) = check_of(passage, passage.chunk.text[at.start : at.end], answer=Span(start, end)).quotes
    body, place = passage.article.body, quote.highlight
    if place is None:
        outside = body[quote.span.start : start] + body[end : quote.span.end]
        is_part = quote.span.start <= start < end <= quote.span.end and re.search(r"[^\W_]", body[start:end])
        assert not is_part or len(re.findall(r"\w+", outside)) <= 2
        return
    assert quote.span.start <= place.start <= start < end <= place.end <= quote.span.end
    assert not re.search(r"[^\W_]\s", body[place.start : start] + body[end : place.end])
    for edge in place:
        assert not re.fullmatch(r"\w\w", body[max(quote.span.start, edge - 1) : min(quote.span.end, edge + 1)])


@pytest.mark.parametrize(
    ("text", "span", "shown"),
    [
        ("It has a capacity of 420 megawatts now.", "420 megawat", "420 megawatts"),
        ("It rose by 4.2 percent, to 12,500.", "4", "4.2"),
        ("It rose by 4.2 percent, to 12,500.", "500", "12,500"),
        ("It left at 9:30, they said.", "30", "9:30"),
        ("It is Marsh's boat.", "Marsh", "Marsh"),
        ("船は月曜日に出た。", "月曜日", "月曜日"),
        ("It is over, he said.", ", ", None),
    ],
)
def test_a_highlight_has_complete_words_and_numbers(text: str, span: str, shown: str | None) -> None:
    """It grows to the ends of the words that it touches, and not at all in scripts without spaces."""
    passage = passage_of(text)
    start = passage.article.body.index(span, 17)
    assert words_of(check_of(passage, text, answer=Span(start, start + len(span)))) == [shown]


@given(sentences=SENTENCES, data=st.data())
def test_a_models_words_are_marked_where_they_are(sentences: list[str], data: st.DataObject) -> None:
    """The words of a model's quote are highlighted in the body, whatever the markup, script and case between them."""
    passage = passage_of(" ".join(sentences))
    at = data.draw(st.sampled_from(sentence_spans(passage.chunk.text)))
    sentence = passage.chunk.text[at.start : at.end]
    words = re.findall(r"\w+", sentence)
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    (shown,) = words_of(check_of(passage, sentence, " ".join(words[first : last + 1]).upper()))
    is_long = len("".join(words[first : last + 1])) >= 8
    if is_long and last - first + 1 < len(words):
        assert shown is not None
        assert re.findall(r"\w+", shown) == words[first : last + 1]
        assert shown in sentence
    else:
        assert shown is None


def test_the_models_words_stand_in_a_quote_of_whole_sentences() -> None:
    """The quote grows to the sentence, the highlight keeps to the words of the model."""
    passage = passage_of(SENTENCE)
    check = check_of(passage, "The old harbour of Aldane opened again.", "opened again on 3 May")
    assert [quote.text for quote in check.quotes] == [SENTENCE]
    assert words_of(check) == ["opened again on 3 May"]


@pytest.mark.parametrize("words", ["", "opened in June of last year", "on 3", SENTENCE, SENTENCE.upper().rstrip(".")])
def test_without_a_place_of_its_own_nothing_is_marked(words: str) -> None:
    """No words, words of another text, words too short to be found, and the complete quote have no highlight."""
    assert words_of(check_of(passage_of(SENTENCE), SENTENCE, words)) == [None]


def test_the_readers_span_goes_before_a_quote() -> None:
    """A span that the reader states is exact, the words of a quote may stand twice."""
    passage = passage_of(SENTENCE)
    start = passage.article.body.index("3 May")
    assert words_of(check_of(passage, SENTENCE, "opened again", Span(start, start + 10))) == ["3 May 2024"]


def test_each_citation_has_the_words_of_its_own_passage() -> None:
    """A sentence with two markers has the quote of each passage marked, and one without a quote is not."""
    passages = {
        "k7f2": make_passage("k7f2", "The ferry sails to Lissay on Monday."),
        "m3p9": make_passage("m3p9", "The harbour of Lissay has 60 berths."),
    }
    draft = DraftSentence(
        ("The ferry sails to Lissay on Monday, and the harbour of Lissay has 60 berths", ("k7f2", "m3p9"), "."),
        quotes=(("k7f2", "to Lissay on Monday"), ("m3p9", "has 60 berths")),
    )
    assert words_of(VERIFIER.verify(draft, passages, "verified")) == ["to Lissay on Monday", "has 60 berths"]


@pytest.mark.parametrize("mode", ["verified", "markers"])
def test_an_unsupported_sentence_has_no_highlight(mode: str) -> None:
    """A withheld sentence has no quote, and one that is shown unverified has its passage without a highlight."""
    draft = DraftSentence(("The old harbour opened in 1911", ("k7f2",), "."), quotes=(("k7f2", "opened again on"),))
    check = VERIFIER.verify(draft, {"k7f2": passage_of(SENTENCE)}, mode)  # type: ignore[arg-type]
    assert (bool(check.withheld), words_of(check)) == ((True, []) if mode == "verified" else (False, [None]))
