"""The conflicts and developments of an answer: which are shown, in which order, and with which words."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.embedding.pair_network import MarkedText, Related
from index.records import Article, Span
from index.text import sentence_spans
from service.conflicts.findings import Findings, findings
from service.readers.evidence import ScoredSentence
from service.records import Citation, Conflict, Development, Highlight, Passage, Position, Verification
from tests.service.passages import make_passage

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
COST = "What did the Galt bridge cost?"
CHEAP = "The Galt bridge cost €3.1 million, the builders say."
DEAR = "The bridge in Galt cost €3.7 million, the council says."


def report(key: str, text: str, hours: float = 0, copies: Sequence[Article] = ()) -> Passage:
    """Return a passage of an article that was published some hours after Monday morning."""
    published = MONDAY + timedelta(hours=hours)
    passage = make_passage(key, text, title="The Galt bridge", source=f"Paper {key}", published_at=published)
    return Passage(key, passage.chunk, passage.article, 1.0, 0.5, 2.0, tuple(copies))


def cite(passage: Passage, words: str = "") -> Citation:
    """Return a citation of the first sentence of an article, with the place of the answer's words if they are given."""
    body = passage.article.body
    end = sentence_spans(body)[0].end
    start = body.index(words)
    light = Highlight(start, start + len(words)) if words else None
    checked = Verification("verified", "exact", 1.0)
    return Citation("cit_1", 1, "src_1", passage.article.article_id, 0, end, body[:end], 0, end, checked, light)


def found(question: str, cited: Sequence[Citation], *passages: Passage, corrected_by: Sequence[str] = ()) -> Findings:
    """Return the findings for an answer, with every sentence of the passages scored."""
    sentences = [
        ScoredSentence(passage, Span(*span[:2]), passage.article.body[span.start : span.end], 1.0)
        for passage in passages
        for span in sentence_spans(passage.article.body)
    ]
    return findings(question, cited, passages, sentences, corrected_by, relates_all)


def relates_all(asked: str, one: MarkedText, other: MarkedText) -> Related:
    """Stand for a pair reader that takes any two values for values of one fact."""
    return Related(0.9, 0.1)


def test_each_position_has_its_words_source_and_date() -> None:
    """The newest position is first; each has its value and the sentence of its article."""
    cheap, dear = report("k2f2", CHEAP), report("k3f2", DEAR, 20)
    conflict = found(COST, [cite(cheap)], cheap, dear).conflicts[0]
    assert [position.value for position in conflict.positions] == ["€3.7 million", "€3.1 million"]
    assert [position.source for position in conflict.positions] == ["Paper k3f2", "Paper k2f2"]
    assert [position.published_at for position in conflict.positions] == [
        "2026-03-03T05:00:00Z",
        "2026-03-02T09:00:00Z",
    ]
    assert conflict.topic == "cost (bridge, Galt)"


@pytest.mark.parametrize("cited", [(0,), (1,), (0, 1)])
def test_a_conflict_is_found_whichever_side_is_cited(cited: tuple[int, ...]) -> None:
    """A model that tells one side only, or both, gets the same conflict, once."""
    both = report("k2f2", CHEAP), report("k3f2", DEAR, 20)
    conflicts = found(COST, [cite(both[at]) for at in cited], *both).conflicts
    assert [[position.value for position in each.positions] for each in conflicts] == [["€3.7 million", "€3.1 million"]]


def test_only_what_the_answer_is_about_counts() -> None:
    """A value that the question does not ask for, or that is not the answer's, is no conflict of this answer."""
    cheap, dear = report("k2f2", CHEAP), report("k3f2", DEAR, 20)
    assert found("When was the bridge built?", [cite(cheap)], cheap, dear) == Findings()
    assert found(COST, [cite(cheap, "builders")], cheap, dear) == Findings()
    assert found(COST, [cite(cheap, "€3.1 million")], cheap, dear).conflicts
    assert found(COST, [], cheap, dear) == Findings()


def test_a_name_conflicts_only_if_it_answers_about_as_well() -> None:
    """Who did something else is an unlikely answer; an unlikely cost is another cost."""

    def differ(question: str, first: str, second: str, score: float) -> bool:
        one, other = report("k2f2", first), report("k3f2", second, 20)
        sentences = [
            ScoredSentence(passage, Span(0, len(text)), text, value, answer=Span(0, len(text)))
            for passage, text, value in ((one, first, 20.0), (other, second, score))
        ]
        return bool(findings(question, [cite(one)], (one, other), sentences, (), relates_all).conflicts)

    who = "Who opened the Galt bridge?"
    first, second = "Ada Orme opened the Galt bridge on Monday.", "Iwan Strake opened the bridge in Galt on Monday."
    assert differ(who, first, second, 16.0)
    assert not differ(who, first, second, 14.0)
    assert differ(COST, CHEAP, DEAR, 14.0)


def test_the_same_number_of_another_one_is_not_a_conflict() -> None:
    """Both articles must have the names of the question, in the text or the title."""
    cheap, other = report("k2f2", CHEAP), report("k3f2", DEAR.replace(" in Galt", ""), 20)
    other = replace(other, article=replace(other.article, title="The Farrow bridge"))
    assert found(COST, [cite(cheap)], cheap, other) == Findings()
    titled = replace(other, article=replace(other.article, title="The bridges of Galt and Farrow"))
    assert found(COST, [cite(cheap)], cheap, titled).conflicts


def test_copies_are_one_position() -> None:
    """An article is not compared with a copy of it, and one story alone has nothing to compare."""
    dear = report("k3f2", DEAR, 20)
    cheap = report("k2f2", CHEAP, copies=[dear.article])
    other = report("k4f2", "Walkers like the Galt bridge.", 20)
    assert found(COST, [cite(cheap)], cheap, dear, other) == Findings()
    assert found(COST, [cite(cheap)], cheap) == Findings()


def test_a_correction_is_first_until_it_is_cited() -> None:
    """A correction that the answer does not cite conflicts; one that it cites or reports is told of elsewhere."""
    cheap = report("k2f2", CHEAP)
    dear = report("k3f2", f"We were wrong about the bridge. {DEAR}", 90)
    later = report("k4f2", "The Galt bridge cost €5.2 million, the walkers say.", 1)
    positions = found(COST, [cite(cheap)], cheap, dear, later).conflicts[0].positions
    assert [position.is_correction for position in positions] == [True, False, False]
    assert positions[0].value == "€3.7 million"
    both = [cite(cheap), cite(dear)]
    assert not found(COST, both, cheap, dear).conflicts
    assert not found(COST, [cite(cheap)], cheap, dear, corrected_by=[dear.article.article_id]).conflicts


def test_a_development_ends_with_the_value_that_holds() -> None:
    """A value that has changed is shown oldest first and is no conflict."""
    first = report("k2f2", "At least nine people died on the Galt bridge.")
    last = report("k3f2", "The number of people who died at Galt has risen to 12.", 30)
    shown = found("How many people died at Galt?", [cite(last)], first, last)
    assert not shown.conflicts
    assert [position.value for position in shown.developments[0].positions] == ["nine", "12"]


TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from([CHEAP, DEAR, "Nine died.", "12 died.", "It is closed.", "It is not closed.", "\n\n"]),
        max_size=4,
    ).map(" ".join),
)


@given(st.lists(TEXTS, min_size=2, max_size=3), st.integers(0, 300), st.booleans())
def test_every_quote_is_in_its_article(texts: list[str], hours: int, whole: bool) -> None:
    """Of any texts, each quote is in the body at its place, each value in its quote, and each topic has words."""
    passages = [report(f"k{at}f2", text, at * hours) for at, text in enumerate(texts)]
    spans = [(passage, *span[:2]) for passage in passages for span in sentence_spans(passage.article.body)]
    checked = Verification("verified", "exact", 1.0)
    cited = [
        Citation("c", 1, "s", each.article.article_id, 0, 1, each.article.body[start:end], start, end, checked)
        for each, start, end in (spans if whole else spans[:1])
    ]
    bodies = {passage.article.article_id: passage.article.body for passage in passages}
    for question in (COST, "Is it open?"):
        shown = found(question, cited, *passages)
        groups: list[Conflict | Development] = [*shown.conflicts, *shown.developments]
        for group in groups:
            assert group.topic.strip()
            assert len({position.article_id for position in group.positions}) > 1
            assert all(_is_in(position, bodies[position.article_id]) for position in group.positions)


def _is_in(position: Position, body: str) -> bool:
    return (
        body[position.start_char_index : position.end_char_index] == position.quote and position.value in position.quote
    )
