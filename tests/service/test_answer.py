"""The reply: text, markers and every offset agree; the verdict is the worst finding over every combination."""

import json
import re
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Span
from service.answer import Completed, Composition, event_data, to_json
from service.records import (
    AnswerWarning,
    Citation,
    Conflict,
    DraftSentence,
    Passage,
    Quote,
    StatusReason,
    Support,
    Unsupported,
    Verdict,
)
from tests.service.answers import TEXT, answer
from tests.service.passages import make_passage

PASSAGES = tuple(make_passage(f"p{n}c{n}", f"Zażółć {n} 🎈. The ferry sailed.", title=f"T{n}") for n in range(2, 6))
KEYS = [passage.key for passage in PASSAGES]
BY_KEY = dict(zip(KEYS, PASSAGES, strict=True))

TEXTS = st.one_of(
    st.sampled_from(["It rained", " and snowed", ".", "🎈 e\u0301", "عادت العبّارة", "雨が降った。", "“So,” he", " !"]),
    st.text(st.characters(exclude_characters="[]", exclude_categories=["Cs"]), max_size=6),
)
MARKED = st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True).map(tuple)
PARTS = st.lists(st.one_of(TEXTS, MARKED), min_size=1, max_size=6)


def quote(passage: Passage, start: int = 0, end: int = 11, highlight: Span | None = None) -> Quote:
    """Return a quote of a part of a passage."""
    return Quote(passage, Span(start, end), passage.article.body[start:end], "verified", "exact", 1.0, highlight)


@st.composite
def supported(draw: st.DrawFn) -> tuple[DraftSentence, list[Quote]]:
    """Draw a draft sentence with words, and quotes of some of its cited passages, in that order."""
    parts: list[str | tuple[str, ...]] = list(draw(PARTS))
    draft = DraftSentence(tuple(part for part in [*parts, draw(st.sampled_from(["It ended", "終わり"]))] if part))
    kept = [key for key in draft.keys if draw(st.booleans())]
    return draft, [quote(BY_KEY[key], start) for key in kept for start in range(draw(st.integers(1, 2)))]


ANSWERS = st.lists(supported(), max_size=6)


def composed(answer: list[tuple[DraftSentence, list[Quote]]]) -> tuple[Composition, list[tuple[str, list[Citation]]]]:
    """Return the composition of these sentences, and the additions of each."""
    composition = Composition(PASSAGES)
    return composition, [composition.add(draft, quotes) for draft, quotes in answer]


@given(answer=ANSWERS)
def test_deltas_make_the_text(answer: list[tuple[DraftSentence, list[Quote]]]) -> None:
    """The concatenated deltas equal the text, and the sentences have all the citations."""
    composition, added = composed(answer)
    assert "".join(delta for delta, _ in added) == composition.text
    assert [citation for _, citations in added for citation in citations] == composition.citations
    assert [citation.id for citation in composition.citations] == [
        f"cit_{n}" for n in range(1, len(composition.citations) + 1)
    ]


@given(answer=ANSWERS)
def test_a_citation_spans_its_sentence(answer: list[tuple[DraftSentence, list[Quote]]]) -> None:
    """Each citation spans its complete sentence, with its marker and without outer space."""
    composition, added = composed(answer)
    for delta, citations in added:
        for citation in citations:
            sentence = composition.text[citation.start_index : citation.end_index]
            assert sentence == delta.removeprefix(" ") == sentence.strip()
            assert f"[{citation.marker}]" in sentence
            assert citation.start_index == 0 or composition.text[citation.start_index - 1] == " "


@given(answer=ANSWERS)
def test_markers_count_from_one_by_first_use(answer: list[tuple[DraftSentence, list[Quote]]]) -> None:
    """The markers of the text count from [1] without gaps, and each refers to one passage."""
    composition, _ = composed(answer)
    shown = [int(number) for number in re.findall(r"\[(\d+)\]", composition.text)]
    assert list(dict.fromkeys(shown)) == list(range(1, len(set(shown)) + 1))
    assert {citation.marker for citation in composition.citations} == set(shown)
    articles = {(citation.marker, citation.article_id, citation.source_id) for citation in composition.citations}
    assert len(articles) == len(set(shown))
    assert [(s.marker, s.article_id, s.id) for s in composition.sources() if s.cited] == sorted(
        articles, key=lambda entry: entry[2]
    )


@given(answer=ANSWERS)
def test_markers_without_a_quote_vanish(answer: list[tuple[DraftSentence, list[Quote]]]) -> None:
    """A sentence has one marker for each citation of a quoted passage, and all its words."""
    composition, added = composed(answer)
    numbers = {source.article_id: source.marker for source in composition.sources()}
    for (draft, quotes), (delta, _) in zip(answer, added, strict=True):
        kept = {quoted.passage.key for quoted in quotes}
        wanted = [key for part in draft.parts if not isinstance(part, str) for key in part if key in kept]
        assert [int(n) for n in re.findall(r"\[(\d+)\]", delta)] == [numbers[f"article-{key}"] for key in wanted]
        words = re.sub(r"\s", "", re.sub(r"\[\d+\]", "", delta))
        assert words == re.sub(r"\s", "", draft.text)


@given(answer=ANSWERS)
def test_a_citation_is_the_place_in_the_article(answer: list[tuple[DraftSentence, list[Quote]]]) -> None:
    """The body's code points from start to end equal the cited text, in any script."""
    composition, _ = composed(answer)
    bodies = {passage.article.article_id: passage.article.body for passage in PASSAGES}
    for citation in composition.citations:
        body = bodies[citation.article_id]
        assert body[citation.start_char_index : citation.end_char_index] == citation.cited_text
        assert (citation.verification.status, citation.verification.method) == ("verified", "exact")


def test_a_highlight_is_in_the_reply() -> None:
    """A citation gives the place of the answer's words in the body, or null."""
    draft = DraftSentence(("It rained", (KEYS[0], KEYS[1]), "."))
    quotes = [quote(PASSAGES[0], highlight=Span(7, 10)), quote(PASSAGES[1])]
    made = replace(answer(), citations=tuple(Composition(PASSAGES).add(draft, quotes)[1]))
    assert [citation["highlight"] for citation in json.loads(to_json(made))["citations"]] == [
        {"start_char_index": 7, "end_char_index": 10},
        None,
    ]


RENDERED = [
    (("It rained", (KEYS[0],), "."), [KEYS[0]], "It rained [1]."),
    (("It rained", (KEYS[1], KEYS[0]), "."), [KEYS[1], KEYS[0]], "It rained [1][2]."),
    (("It rained", (KEYS[1],), (KEYS[0],), "."), [KEYS[1], KEYS[0]], "It rained [1][2]."),
    (("It rained", (KEYS[1],), " all day", (KEYS[0],), "."), [KEYS[0]], "It rained all day [1]."),
    (("It rained", (KEYS[0], KEYS[1]), "."), [KEYS[1]], "It rained [1]."),
    (((KEYS[0],), "It rained."), [KEYS[0]], "[1]It rained."),
    (("It rained", (KEYS[0],), "."), [], "It rained."),
    (("It rained", (KEYS[0],), " and rained", (KEYS[0],), "."), [KEYS[0]], "It rained [1] and rained [1]."),
]


@pytest.mark.parametrize(("parts", "kept", "shown"), RENDERED)
def test_markers_stand_where_they_stood(parts: tuple[str | tuple[str, ...], ...], kept: list[str], shown: str) -> None:
    """A marker keeps its position, after a space; adjacent markers have no space between them."""
    assert composed([(DraftSentence(parts), [quote(BY_KEY[key]) for key in kept])])[0].text == shown


def test_sources_are_all_passages() -> None:
    """Every passage is a source with its span, scores and dates; only a cited one has a marker."""
    composition, _ = composed([(DraftSentence(("It rained", (KEYS[2],), ".")), [quote(PASSAGES[2])])])
    sources = composition.sources()
    assert [source.id for source in sources] == ["src_1", "src_2", "src_3", "src_4"]
    assert [source.marker for source in sources] == [None, None, 1, None]
    assert [source.cited for source in sources] == [False, False, True, False]
    for source, passage in zip(sources, PASSAGES, strict=True):
        assert passage.article.body[source.start_char_index : source.end_char_index] == source.snippet
        assert (source.score, source.scores.dense, source.scores.lexical) == (1.0, 0.5, 2.0)
        assert (source.title, source.published_at) == (passage.article.title, None)


BRACKETED = st.lists(
    st.one_of(
        st.sampled_from(["[", "]", "2", "12", "[2]", " [", "[2–5]", "x", " ", "【3】", "[note 4]", ", 5"]), MARKED
    ),
    max_size=9,
)


@given(parts=BRACKETED, kept=st.sets(st.sampled_from(KEYS)))
def test_a_number_in_brackets_is_always_a_marker(parts: list[str | tuple[str, ...]], kept: set[str]) -> None:
    """Numbers in brackets are the markers of quotes, whatever other brackets a sentence has."""
    draft = DraftSentence(("It rained", *parts))
    composition = Composition(PASSAGES)
    text, citations = composition.add(draft, [quote(BY_KEY[key]) for key in draft.keys if key in kept])
    rendered = [key for part in parts if not isinstance(part, str) for key in part if key in kept]
    assert len(re.findall(r"\[\d{1,3}\]", text)) == len(rendered)
    assert {int(number) for number in re.findall(r"\[(\d{1,3})\]", text)} == {cited.marker for cited in citations}


@pytest.mark.parametrize("mark", ["[2]", " [2]", "[2][3]", "[2, 5]", "[2–5]", "[ 2 ]", "【2】"])
def test_numbered_marks_of_a_source_are_left_out(mark: str) -> None:
    """A reference mark of an article is not a marker of the answer."""
    composition = Composition(PASSAGES)
    composition.add(DraftSentence((f"It rained{mark} and snowed", ("p2c2",), ".")), [quote(PASSAGES[0])])
    assert composition.text == "It rained and snowed [1]."


SCALE: tuple[Verdict, ...] = ("conflict", "interrupted", "withheld", "stale", "weak", "answered")
STALE = AnswerWarning("stale", "Old.")
OTHER = AnswerWarning("answered_without_model", "Quoted.")
REASONS: tuple[StatusReason | None, ...] = (None, "weak_evidence", "unsupported_withheld", "interrupted")
SUPPORT: tuple[Support, ...] = ("verified", "partial", "unverified")
PAIRS = tuple(product(SUPPORT, repeat=2))
ABSTENTIONS: tuple[StatusReason, ...] = (
    "no_articles",
    "outside_filters",
    "low_relevance",
    "no_verified_support",
    "model_abstained",
)


def test_the_worst_that_is_true_is_the_verdict() -> None:
    """A verdict applies if its cause is present and no cause of a worse verdict is."""
    given = set()
    flags = product((False, True), repeat=4)
    for reason, (conflicting, withheld, stale, warned), (one, two) in product(REASONS, flags, PAIRS):
        made = answer(
            one,
            two,
            status="partial" if reason else "answered",
            status_reason=reason,
            conflicts=(Conflict("fare", ()),) * conflicting,
            unsupported=(Unsupported("It is free.", "not_in_source"),) * withheld,
            warnings=(STALE,) * stale + (OTHER,) * warned,
        )
        causes = {
            "conflict": conflicting,
            "interrupted": reason == "interrupted",
            "withheld": withheld or reason == "unsupported_withheld",
            "stale": stale,
            "weak": reason == "weak_evidence" or "unverified" in (one, two),
            "answered": True,
        }
        assert made.verdict == next(verdict for verdict in SCALE if causes[verdict])
        given.add(made.verdict)
    assert given == set(SCALE)


@pytest.mark.parametrize("reason", ABSTENTIONS)
def test_an_abstention_has_no_verdict(reason: StatusReason) -> None:
    """An abstention has the verdict `none`, with any withheld sentences and warnings."""
    bare = answer(status="not_in_sources", status_reason=reason, answer="Not found.", citations=())
    assert bare.verdict == "none"
    assert (
        replace(bare, unsupported=(Unsupported("It is free.", "not_in_source"),), warnings=(STALE,)).verdict == "none"
    )


@pytest.mark.parametrize("kept", [(), (0,), (1,)])
def test_a_sentence_without_a_citation_is_not_answered(kept: tuple[int, ...]) -> None:
    """A sentence without a citation was not checked, so the answer is weak."""
    whole = answer()
    assert whole.verdict == "answered"
    assert replace(whole, citations=tuple(whole.citations[each] for each in kept)).verdict == "weak"


def test_two_citations_of_one_sentence_are_one_sentence_checked() -> None:
    """The order of citations and repeated citations of a sentence do not change the verdict."""
    whole = answer()
    assert replace(whole, citations=(*reversed(whole.citations), *whole.citations)).verdict == "answered"
    assert whole.answer == TEXT


def test_the_verdict_goes_over_the_wire() -> None:
    """JSON and the last event of a stream have the verdict."""
    assert '"verdict":"answered"' in to_json(answer())
    assert event_data(Completed(answer(warnings=(STALE,))))["verdict"] == "stale"
