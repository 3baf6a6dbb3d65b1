"""The span reader: the order of sentences and passages, and the answers in them."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from index.records import Span
from service.readers.evidence import Evidence, ScoredSentence
from service.readers.parts import sub_questions
from service.readers.span_reader import UNREAD, SpanReader
from service.records import Passage
from tests.service.passages import make_passage

QUESTION = "How many boats sank?"


@pytest.fixture(scope="session")
def reader(models: Path) -> SpanReader:
    """Return the trained reader."""
    return SpanReader(models)


def evidence_in(*passages: Passage) -> Evidence:
    """Return every sentence of the passages with the same score."""
    sentences = []
    for passage in passages:
        start = 0
        for text in passage.chunk.text.split("\n"):
            sentences.append(ScoredSentence(passage, Span(start, start + len(text)), text, 0.5))
            start += len(text) + 1
    return Evidence(tuple(sentences), 0.6)


HARBOUR = make_passage("k2f2", "The harbour office opened in May.\nNineteen boats sank in the storm.\nIt was cold.")
COUNCIL = make_passage("k3f2", "The council voted on the budget.\nA new clerk was named.")


def test_the_answer_comes_first(reader: SpanReader) -> None:
    """Among sentences with equal evidence the one with the answer is first, and its answer is marked in the body."""
    passages, found = reader.read(QUESTION, (COUNCIL, HARBOUR), evidence_in(COUNCIL, HARBOUR))
    best = found.sentences[0]
    assert best.text == "Nineteen boats sank in the storm."
    assert best.answer is not None
    assert HARBOUR.article.body[best.answer.start : best.answer.end] == "Nineteen"
    assert passages[0] is HARBOUR


def test_the_topic_beside_a_turn_chooses_the_article_only(reader: SpanReader) -> None:
    """With the last turn alone, a sentence that repeats the topic does not come before one that answers the turn."""
    text = "Tansy Orme has won the boat race of Kelm again.\nThe boats were sold for the repair of the pier."
    race, other = make_passage("k2f2", text), make_passage("k3f2", "The boats of Orrin Bay were painted blue.")
    asked, turn = "What happened to the boats (the boat race of Kelm, Tansy Orme)?", "What happened to the boats?"
    first, *rest = evidence_in(race, other).sentences
    evidence = Evidence((replace(first, score=1.3), *rest), 0.7)
    assert reader.read(asked, (race, other), evidence)[1].sentences[0].text == first.text
    assert reader.read(asked, (race, other), evidence, turn)[1].sentences[0].text == rest[0].text


def test_each_part_of_a_question_is_read(reader: SpanReader) -> None:
    """A question of two parts has the best sentence for each of them; a part without an answer has none."""

    def parts(question: str) -> list[str]:
        asked = sub_questions(question)
        _, found = reader.read(question, (COUNCIL, HARBOUR), evidence_in(COUNCIL, HARBOUR), sub_questions=asked)
        assert all(each.evidence.certainty == each.best.score for each in found.parts)
        return [each.best.text for each in found.parts]

    assert parts(QUESTION) == []
    assert parts("When did the harbour office open and how many boats sank?") == [
        "The harbour office opened in May.",
        "Nineteen boats sank in the storm.",
    ]


def test_no_sentence_is_lost_and_answers_are_inside(reader: SpanReader) -> None:
    """Reading changes the order only; each answer is within its sentence, and most sentences have none."""
    given = evidence_in(COUNCIL, HARBOUR)
    passages, found = reader.read(QUESTION, (COUNCIL, HARBOUR), given)
    assert {each.text for each in found.sentences} == {each.text for each in given.sentences}
    assert set(passages) == {COUNCIL, HARBOUR}
    scores = [each.score for each in found.sentences]
    assert scores == sorted(scores, reverse=True)
    answers = [(each.span, each.answer) for each in found.sentences if each.answer]
    assert 1 <= len(answers) < len(found.sentences)
    assert all(span.start <= answer.start < answer.end <= span.end for span, answer in answers)


def test_an_answer_is_found_in_the_body_behind_other_chunks(reader: SpanReader) -> None:
    """The answer of a later chunk has its place in the article's body."""
    text = "Nineteen boats sank in the storm."
    body = f"The harbour office opened in May.\n\n{text}"
    start = body.index(text)
    passage = make_passage("k6f2", body)
    passage = replace(passage, chunk=replace(passage.chunk, text=text, start_char=start))
    sentence = ScoredSentence(passage, Span(start, len(body)), text, 0.5)
    _, found = reader.read(QUESTION, (passage,), Evidence((sentence,), 0.6))
    answer = found.sentences[0].answer
    assert answer is not None
    assert body[answer.start : answer.end] == "Nineteen"


def test_an_answer_is_more_certain_than_none(reader: SpanReader) -> None:
    """Certainty is higher with the answer among the passages than without it."""
    _, with_it = reader.read(QUESTION, (COUNCIL, HARBOUR), evidence_in(COUNCIL, HARBOUR))
    _, without = reader.read(QUESTION, (COUNCIL,), evidence_in(COUNCIL))
    assert with_it.certainty is not None
    assert without.certainty is not None
    assert with_it.certainty > without.certainty


def test_what_was_not_read_comes_last(reader: SpanReader) -> None:
    """Passages beyond those that are read stay, without an answer, after those that were read."""
    many = [make_passage(f"k{number}x2", f"Note {number} is about paper.") for number in range(12)]
    passages, found = reader.read(QUESTION, many, evidence_in(*many))
    assert len(passages) == len(many)
    assert [each.score > UNREAD + 8 for each in found.sentences] == [True] * 8 + [False] * 4
    assert {each.answer for each in found.sentences[8:]} == {None}
    assert found.sentences[-1].score == UNREAD + 8


def test_a_text_beyond_the_limit_is_cut(reader: SpanReader) -> None:
    """A sentence that a chunk has after its first 384 pieces has no answer and causes no error."""
    long = make_passage("k4f2", "word " * 600 + "\nNineteen boats sank.")
    _, found = reader.read(QUESTION, (long,), evidence_in(long))
    assert [each.score > UNREAD + 8 for each in found.sentences] == [True, False]
    assert found.sentences[1].answer is None


def test_half_a_surrogate_pair_is_read(reader: SpanReader) -> None:
    """A character without a UTF-8 form, in the question or the text, shifts no answer."""
    odd = make_passage("k5f2", "\ud83d Nineteen boats sank.")
    _, found = reader.read(f"{QUESTION} \udc00", (odd,), evidence_in(odd))
    answer = found.sentences[0].answer
    assert answer is not None
    assert "Nineteen" in odd.article.body[answer.start : answer.end]


def test_without_evidence_nothing_is_read(reader: SpanReader) -> None:
    """Passages without a sentence have no answer."""
    passages, found = reader.read(QUESTION, (), Evidence((), 0.0))
    assert (tuple(passages), found.sentences) == ((), ())


def test_a_network_that_cannot_be_built_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """If its graph cannot be written, the log says so once and the order stays."""
    (tmp_path / "file").touch()
    reader = SpanReader(tmp_path / "file" / "models")
    given = evidence_in(COUNCIL, HARBOUR)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert reader.read(QUESTION, (COUNCIL, HARBOUR), given) == ((COUNCIL, HARBOUR), given)
    assert [each.name for each in caplog.records].count("service.readers.span_reader") == 1
