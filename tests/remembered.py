"""The local networks for tests, with their results remembered: tests ask of the same articles again and again."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from index.embedding import Matrix, Vector
from index.embedding.graph import Precision
from index.embedding.local import DIMENSION, LocalEmbedder
from index.embedding.span_network import AnswerSpan, SpanNetwork
from service.readers.span_reader import SpanReader


class RememberingEmbedder(LocalEmbedder):
    """The local model; computes the vector of a text once, as it depends on the text alone (see `test_local.py`)."""

    def __init__(self, models: Path) -> None:
        super().__init__(models)
        self._known: dict[str, Vector] = {}

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of texts, shape (n, 384); compute the missing ones on the threads of the local model."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(missing, super().embed_texts(missing), strict=True))
        return np.array([self._known[text] for text in texts], np.float32).reshape(-1, DIMENSION)

    def embed_query(self, text: str) -> Vector:
        """Return a copy of the vector of a text."""
        if text not in self._known:
            self._known[text] = super().embed_query(text)
        return self._known[text].copy()


class RememberingReader(SpanReader):
    """The span reader; reads a question with a passage once."""

    @cached_property
    def _network(self) -> SpanNetwork:
        return _RememberingNetwork(self._models, precision=self._precision)


class _RememberingNetwork(SpanNetwork):
    def __init__(self, models: Path, *, precision: Precision) -> None:
        super().__init__(models, precision=precision)
        self._known: dict[tuple[object, ...], list[AnswerSpan | None]] = {}

    def answers(
        self, question: str, title: str, text: str, parts: Sequence[tuple[int, int]]
    ) -> list[AnswerSpan | None]:
        key = (question, title, text, *parts)
        if key not in self._known:
            self._known[key] = super().answers(question, title, text, parts)
        return list(self._known[key])
