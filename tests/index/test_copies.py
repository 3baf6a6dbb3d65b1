import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.copies import MOST_RUNS, SHORT, is_copy, sketch_of
from index.text import sentence_spans
from tests.fakes import article, newsroom

STORIES = newsroom(12, sentences=8)


def sentences(body: str) -> list[str]:
    return [body[span.start : span.end] for span in sentence_spans(body)]


@given(number=st.integers(0, 11), seed=st.integers(0, 99))
def test_a_text_is_a_copy_in_any_order_of_its_sentences(number: int, seed: int) -> None:
    story = STORIES[number]
    shuffled = sentences(story.body)
    random.Random(seed).shuffle(shuffled)
    assert is_copy(sketch_of(story), sketch_of(replace(story, title="Another headline", body=" ".join(shuffled))))


@given(number=st.integers(0, 11), kept=st.integers(3, 8))
def test_a_part_of_a_text_is_a_copy_with_a_common_mark(number: int, kept: int) -> None:
    """The marks make it a candidate, and neither text need be given first."""
    one = sketch_of(STORIES[number])
    other = sketch_of(replace(STORIES[number], body=" ".join(sentences(STORIES[number].body)[:kept])))
    assert is_copy(one, other)
    assert is_copy(other, one)
    assert {*one.marks} & {*other.marks}


@given(one=st.integers(0, 11), other=st.integers(0, 11))
def test_stories_of_the_same_topic_are_apart(one: int, other: int) -> None:
    assert is_copy(sketch_of(STORIES[one]), sketch_of(STORIES[other])) == (one == other)


def test_other_numbers_are_another_report() -> None:
    """One number is corrected in the same text; the next report of a series has others in the same places."""
    report = article(body=f"{STORIES[0].body} Nine people were rescued by 14 boats of the guard.")
    corrected = replace(report, body=report.body.replace("14", "3"))
    later = replace(corrected, body=corrected.body.replace("Nine", "Seven"))
    assert is_copy(sketch_of(report), sketch_of(corrected))
    assert not is_copy(sketch_of(report), sketch_of(later))


@given(body=st.text(max_size=40), title=st.sampled_from([None, "Ferry late"]))
def test_any_text_is_a_copy_of_itself(body: str, title: str | None) -> None:
    one = sketch_of(article("one", body, title=title, source="Echo"))
    assert is_copy(one, sketch_of(article("other", body, title=title)))
    assert one.digest == sketch_of(article("other", body, title=title)).digest


def test_a_short_text_needs_its_title() -> None:
    """Many articles say "More to follow." at first."""
    one, other = (article(title=title, body="More to follow.") for title in ("Ferry sinks", "Museum opens"))
    assert not is_copy(sketch_of(one), sketch_of(other))
    long = " ".join(["word"] * SHORT)
    assert is_copy(sketch_of(replace(one, body=long)), sketch_of(replace(other, body=long)))


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_long_texts_are_compared_by_a_sample(share: float) -> None:
    body = " ".join(each.body for each in newsroom(60, sentences=6, seed=3))
    part = body[: int(len(body) * share)]
    one, other = sketch_of(article(body=body)), sketch_of(article(body=part))
    assert len(one.runs) == MOST_RUNS
    assert is_copy(one, other)
    assert not is_copy(one, sketch_of(article(body=" ".join(each.body for each in newsroom(60, seed=9)))))
