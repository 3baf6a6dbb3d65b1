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
from pathlib import Path
from threading import Lock

from index.embedding.graph import Precision
from index.embedding.local import shared_threads
from index.embedding.span_network import AnswerSpan, SpanNetwork
from index.errors import ConfigurationError
from index.records import Span
from service.readers.evidence import Evidence, ScoredSentence
from service.records import Passage

EVIDENCE_WEIGHT = 16.0
FUSED_WEIGHT = 32.0

UNREAD = -30.0
"""The score of a sentence without a span: its chunk was not read, or was cut before it."""

PASSAGES_READ = 8
"""Passages that are scored and read, the best first; to read one takes about 9 ms of one core."""

DIGITS = 4
"""Scores are rounded before they rank."""

_logger = logging.getLogger(__name__)


class SpanReader:
    """Reads passages with a network that is loaded at the first question; safe to share between threads.

    If the network cannot be loaded, the log says why and nothing is read.
    """

    def __init__(self, models: Path, *, precision: Precision = "int8") -> None:
        self._models: Path | None = models
        self._precision: Precision = precision
        self._network: SpanNetwork | None = None
        self._lock = Lock()

    def read(
        self, question: str, passages: Sequence[Passage], evidence: Evidence
    ) -> tuple[Sequence[Passage], Evidence]:
        """Return the passages and the evidence in their new order, the evidence with answers and certainty."""
        with self._lock:
            if self._network is None and self._models:
                self._load(self._models)
        network = self._network
        if network is None:
            return passages, evidence
        sentences: dict[str, list[ScoredSentence]] = {passage.key: [] for passage in passages}
        for sentence in evidence.sentences:
            sentences[sentence.passage.key].append(sentence)

        def answers(passage: Passage) -> list[AnswerSpan | None]:
            chunk, title = passage.chunk, passage.article.title or ""
            places = [
                (each.span.start - chunk.start_char, each.span.end - chunk.start_char)
                for each in sentences[passage.key]
            ]
            return network.answers(question, title, chunk.text, [*places, (0, len(chunk.text))])

        ranked: list[ScoredSentence] = []
        order = {passage.key: UNREAD + FUSED_WEIGHT * passage.score for passage in passages}
        certainty = UNREAD
        for passage, (*found, best) in zip(
            passages, shared_threads().map(answers, passages[:PASSAGES_READ]), strict=False
        ):
            order[passage.key] = round((best.score if best else UNREAD) + FUSED_WEIGHT * passage.score, DIGITS)
            for sentence, answer in zip(sentences.pop(passage.key), found, strict=True):
                score = answer.score if answer else UNREAD
                certainty = max(certainty, score)
                start = passage.chunk.start_char
                ranked.append(
                    replace(
                        sentence,
                        score=round(score + EVIDENCE_WEIGHT * sentence.score, DIGITS),
                        # Below 0 no answer is likelier: on SQuAD 14 % of 147 such spans are right, 57 % of 180 above.
                        answer=Span(start + answer.start, start + answer.end) if answer and score > 0 else None,
                    )
                )
        ranked += [
            replace(sentence, score=round(UNREAD + EVIDENCE_WEIGHT * sentence.score, DIGITS))
            for unread in sentences.values()
            for sentence in unread
        ]
        ranked.sort(key=lambda each: (-each.score, each.passage.article.article_id, each.span))
        highest, certainty = certainty, round(certainty + EVIDENCE_WEIGHT * evidence.strength, DIGITS)
        if evidence.complete and highest < 0:
            # Of a bare name or number the network finds no answer, and ranks worse than the words.
            return passages, replace(evidence, certainty=certainty)
        return (
            tuple(sorted(passages, key=lambda passage: -order[passage.key])),
            replace(evidence, sentences=tuple(ranked), certainty=certainty),
        )

    def _load(self, models: Path) -> None:
        self._models = None
        try:
            self._network = SpanNetwork(models, precision=self._precision)
        except ConfigurationError as error:
            _logger.warning("The span reader is off, quotes are ranked without it: %s", error)
