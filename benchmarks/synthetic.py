"""Synthetic articles and vectors for large indexes, reproducible by their seed.

Vectors are clustered like those of real texts: each is a noisy mixture of two centres, of length 1.
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.embedding import Embedder, Matrix, Vector

SEED = 20261120
CENTRES = 1500
NOISE = 0.35
"""Length of the noise relative to the mixture: neighbours then have the cosines of real chunks."""

SYLLABLES = "ba be co da de di fa ga ha in ka ko la le li ma me mi na ne no or pa pe ra re ri sa se so ta te ti va"
VOCABULARY = 20_000
SENTENCES = 24
SENTENCE_WORDS = (8, 22)
STOP_WORDS = 100
"""The most frequent words, which no question has: real questions are searched without their stop words."""

QUESTION_WORDS = 8


class SyntheticEmbedder:
    """An embedder whose vectors are computed from a hash of the text.

    With another embedder's name and graph, that one can add articles to the index.
    """

    def __init__(self, centres: Matrix, name: str = "synthetic", graph: str = "none") -> None:
        self.name = name
        self.graph = graph
        self._centres = centres
        self.dimension = centres.shape[1]

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of texts, shape (n, dimension)."""
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> Vector:
        """Return the vector of one text."""
        generator = np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]))
        centres = self._centres[generator.integers(len(self._centres), size=2)]
        weight = generator.uniform(0.3, 1)
        mixture = _unit(np.array([weight, 1 - weight], np.float32) @ centres)
        noise = _unit(generator.standard_normal((self.dimension,)))
        return _unit(mixture + NOISE * noise)

    def close(self) -> None:
        """Do nothing: the embedder has no resources."""


class TimedEmbedder:
    """An embedder of fake vectors that takes the time of a real one for a question."""

    def __init__(self, fake: SyntheticEmbedder, real: Embedder) -> None:
        self.name, self.graph, self.dimension = fake.name, fake.graph, fake.dimension
        self.embed_texts = fake.embed_texts
        self._fake = fake
        self._real = real

    def embed_query(self, text: str) -> Vector:
        """Return the fake vector of a text."""
        self._real.embed_query(text)
        return self._fake.embed_query(text)

    def close(self) -> None:
        """Close the real embedder."""
        self._real.close()


def random_centres(count: int, dimension: int) -> Matrix:
    """Return random centres, shape (count, dimension)."""
    generator = np.random.default_rng(SEED)
    return np.stack([_unit(row) for row in generator.standard_normal((count, dimension))])


def clustered(count: int, dimension: int) -> Matrix:
    """Return vectors distributed like those of the embedder, shape (count, dimension)."""
    centres = random_centres(CENTRES, dimension)
    generator = np.random.default_rng(SEED)
    first, second = generator.integers(CENTRES, size=(2, count))
    weights = generator.uniform(0.3, 1, size=(count, 1)).astype(np.float32)
    mixtures = weights * centres[first] + (1 - weights) * centres[second]
    noise = generator.standard_normal((count, dimension), dtype=np.float32)
    rows: Matrix = mixtures / np.linalg.norm(mixtures, axis=1, keepdims=True)
    rows += NOISE * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def bodies(count: int, seed: int = 0) -> Iterator[str]:
    """Yield the bodies of `count` articles, each about six chunks long; another seed yields others."""
    words, generator = vocabulary(), random.Random(SEED + seed)
    weights = np.cumsum(1 / np.arange(1, VOCABULARY + 1)).tolist()
    for _ in range(count):
        sentences = (
            generator.choices(words, cum_weights=weights, k=generator.randint(*SENTENCE_WORDS))
            for _ in range(SENTENCES)
        )
        yield " ".join(f"{' '.join(sentence).capitalize()}." for sentence in sentences)


def questions(count: int, seed: int = 0) -> Iterator[str]:
    """Yield questions of the words of invented articles, none of which is one of the most frequent."""
    frequent = set(vocabulary()[:STOP_WORDS])
    for body in bodies(count, seed):
        asked = (word for word in body.lower().replace(".", "").split() if word not in frequent)
        yield " ".join(islice(asked, QUESTION_WORDS)) + "?"


def vocabulary() -> list[str]:
    """Return invented words, the most frequent ones first."""
    generator = random.Random(SEED)
    syllables = SYLLABLES.split()
    return ["".join(generator.choices(syllables, k=generator.randint(1, 4))) for _ in range(VOCABULARY)]


def _unit(vector: NDArray[np.floating[Any]]) -> Vector:
    unit: Vector = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit
