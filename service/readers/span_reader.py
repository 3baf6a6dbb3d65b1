"""Rank sentences and passages by where a trained network finds the answer in them.

    sentence = its best span above "no answer in this chunk" + 16 e
    passage = its best span above "no answer in this chunk" + 32 fused score
    certainty = the best span of all sentences above "no answer in its chunk" + 16 g

The weights were read off a short list on questions of other sets and are flat from 8 to 24; e and g are those of
`evidence.py`. `benchmarks/quality.py` measures the ranking with and without the network.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import Lock

from index.embedding.graph import Precision
from index.embedding.local import shared_threads
from index.embedding.span_network import AnswerSpan, SpanNetwork
from index.errors import ConfigurationError
from index.records import Span
from service.readers.evidence import Evidence, Part, ScoredSentence
from service.readers.parts import Side, sides
from service.records import Passage

EVIDENCE_WEIGHT = 16.0
FUSED_WEIGHT = 32.0

UNREAD = -30.0
"""The score of a sentence without a span: its chunk was not read, or was cut before it."""

LEAST = -3.0
"""The score above which a span is read as an answer, though below 0 "not in this chunk" is likelier.

Of the sentences with the answer in `benchmarks/stories_dev.jsonl`, 64 % have a span above 0, and 86 % one above -3.
"""

PASSAGES_READ = 8
"""Passages that are scored and read, the best first; to read one takes about 9 ms of one core."""

PASSAGES_READ_AGAIN = 4
"""Passages that are read for each part of a question that has several, the best first."""

LEAST_OF_PART = -2.0
SAME_ANSWER, ELSEWHERE = 6.0, 3.0
"""Least score of a sentence that answers a part, and what it loses if another part has its answer or article.

Set by hand on twenty questions of two parts about the sample articles.
"""

DIGITS = 4
"""Scores are rounded before they rank."""

_logger = logging.getLogger(__name__)


class SpanReader:
    """Reads passages with a network that is loaded at the first question; safe to share between threads.

    If the network cannot be loaded, the log says why and nothing is read.
    """

    def __init__(self, models: Path, *, precision: Precision = "int8") -> None:
        self._models = models
        self._precision: Precision = precision
        self._lock = Lock()

    def read(
        self,
        question: str,
        passages: Sequence[Passage],
        evidence: Evidence,
        turn: str = "",
        sub_questions: Sequence[str] = (),
    ) -> tuple[Sequence[Passage], Evidence]:
        """Return the passages and the evidence in their new order, the evidence with answers and certainty.

        With the last `turn` of a conversation, the words beside it in the question only choose the article. The
        `sub_questions` are what the question asks for, if that is several things.
        """
        with self._lock:
            network = self._network
        if network is None:
            return passages, evidence
        order, ranked, highest = _ranked(network, question, passages[:PASSAGES_READ], evidence)
        certainty = round(highest + EVIDENCE_WEIGHT * evidence.strength, DIGITS)
        if evidence.complete and highest < 0:
            # The network finds no answer to a bare name or number; then the words rank better.
            by_words = [replace(each, score=round(EVIDENCE_WEIGHT * each.score, DIGITS)) for each in evidence.sentences]
            return passages, replace(evidence, sentences=tuple(by_words), certainty=certainty)
        best_first = sorted(passages, key=lambda each: -order.get(each.key, UNREAD + FUSED_WEIGHT * each.score))
        ranked += [
            replace(sentence, score=round(UNREAD + EVIDENCE_WEIGHT * sentence.score, DIGITS))
            for sentence in evidence.sentences
            if sentence.passage.key not in order
        ]
        ranked.sort(key=_rank)
        if turn and ranked:
            ranked = _by_turn(network, turn, passages[:PASSAGES_READ], ranked, evidence)
        parts: list[Part] = []
        for text in sub_questions:
            if part := _of_part(network, text, best_first[:PASSAGES_READ_AGAIN], evidence, parts):
                parts.append(part)
        read = [_of_side(network, side, best_first, evidence) for side in sides(question)]
        measured = [each for each in read if each]
        if len(measured) > 1 and not _overlap(*(each.best for each in measured)):
            parts += measured
            certainty = max(certainty, round(min(each.best.score for each in measured), DIGITS))
        elif measured and not parts:
            parts += measured[:1]
        found = replace(evidence, sentences=tuple(ranked), certainty=certainty, parts=tuple(parts))
        return tuple(best_first), found

    @cached_property
    def _network(self) -> SpanNetwork | None:
        try:
            return SpanNetwork(self._models, precision=self._precision)
        except ConfigurationError as error:
            _logger.warning("The span reader is off, quotes are ranked without it: %s", error)
            return None


def _ranked(
    network: SpanNetwork, question: str, passages: Sequence[Passage], evidence: Evidence
) -> tuple[dict[str, float], list[ScoredSentence], float]:
    """Return the score of each passage by key, its sentences with their answers, and the score of the best answer."""
    sentences: dict[str, list[ScoredSentence]] = {passage.key: [] for passage in passages}
    for sentence in evidence.sentences:
        if sentence.passage.key in sentences:
            sentences[sentence.passage.key].append(sentence)

    def answers(passage: Passage) -> list[AnswerSpan | None]:
        chunk, title = passage.chunk, passage.article.title or ""
        places = [
            (each.span.start - chunk.start_char, each.span.end - chunk.start_char) for each in sentences[passage.key]
        ]
        return network.answers(question, title, chunk.text, [*places, (0, len(chunk.text))])

    order: dict[str, float] = {}
    ranked: list[ScoredSentence] = []
    certainty = UNREAD
    for passage, (*found, best) in zip(passages, shared_threads().map(answers, passages), strict=True):
        order[passage.key] = round((best.score if best else UNREAD) + FUSED_WEIGHT * passage.score, DIGITS)
        for sentence, answer in zip(sentences[passage.key], found, strict=True):
            score = answer.score if answer else UNREAD
            certainty = max(certainty, score)
            start = passage.chunk.start_char
            ranked.append(
                replace(
                    sentence,
                    score=round(score + EVIDENCE_WEIGHT * sentence.score, DIGITS),
                    answer=Span(start + answer.start, start + answer.end) if answer and score > LEAST else None,
                )
            )
    return order, ranked, certainty


def _rank(sentence: ScoredSentence) -> tuple[float, str, Span]:
    return -sentence.score, sentence.passage.article.article_id, sentence.span


def _by_turn(
    network: SpanNetwork, turn: str, passages: Sequence[Passage], ranked: list[ScoredSentence], evidence: Evidence
) -> list[ScoredSentence]:
    """Return the sentences ranked, those of the best article by how well they answer the last turn alone.

    The topic beside a turn chooses the article, but a sentence that repeats the topic does not answer the turn.
    """
    own = [passage for passage in passages if passage.article == ranked[0].passage.article]
    _, read, _ = _ranked(network, turn, own, evidence)
    best = max(read, key=lambda each: each.score, default=None)
    if best is None or best.answer is None:
        return ranked
    raised, keys = ranked[0].score - best.score, {passage.key for passage in own}
    read = [replace(each, score=round(each.score + raised, DIGITS)) for each in read]
    return sorted([*read, *(each for each in ranked if each.passage.key not in keys)], key=_rank)


def _of_part(
    network: SpanNetwork, text: str, passages: Sequence[Passage], evidence: Evidence, before: Sequence[Part]
) -> Part | None:
    """Return a part of a question with its sentences, given the parts before it; None without an answer."""
    _, answers, _ = _ranked(network, text, passages, evidence)
    answers = [replace(each, score=_fitness(each, [part.best for part in before])) for each in answers]
    return _part(text, answers, evidence)


def _of_side(network: SpanNetwork, side: Side, passages: Sequence[Passage], evidence: Evidence) -> Part | None:
    """Return one side of a comparison with the sentences that measure it; None if no passage that names it has any."""
    near = [each.passage.key for each in evidence.sentences if side.is_in(each.passage, each.text)]
    named = [passage for passage in passages if passage.key in near][:PASSAGES_READ_AGAIN]
    _, answers, _ = _ranked(network, side.undated, named, evidence)
    return _part(
        side.question, [each for each in answers if each.answer and side.is_in(each.passage, each.text)], evidence
    )


def _part(text: str, answers: Sequence[ScoredSentence], evidence: Evidence) -> Part | None:
    """Return a part of a question with its sentences, the best first, if one answers it."""
    ranked = tuple(sorted(answers, key=_rank))
    if not ranked or ranked[0].score < LEAST_OF_PART:
        return None
    return Part(text, replace(evidence, sentences=ranked, certainty=ranked[0].score, latest=None))


def _overlap(one: ScoredSentence, other: ScoredSentence) -> bool:
    """Return whether two sentences are of the same words."""
    is_same = one.passage.article.article_id == other.passage.article.article_id
    return is_same and one.span.start < other.span.end and other.span.start < one.span.end


def _fitness(sentence: ScoredSentence, parts: Sequence[ScoredSentence]) -> float:
    """Return how well a sentence answers a part of a question, given the answers to the parts before it.

    A part seldom has the answer of another part, and seldom goes on about another article.
    """
    body = sentence.passage.article.body
    is_elsewhere = bool(parts) and sentence.passage.article.article_id != parts[-1].passage.article.article_id
    is_same = any(
        each.passage.article.body[slice(*each.answer)] == body[slice(*sentence.answer)]
        if each.answer and sentence.answer
        else each.text == sentence.text
        for each in parts
    )
    return sentence.score - SAME_ANSWER * is_same - ELSEWHERE * is_elsewhere
