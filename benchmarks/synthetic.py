"""Made-up articles and vectors, the same from the same seed: for indexes larger than anybody wants to embed.

Vectors come in clusters, as those of real texts do: each is a mixture of two centres with noise, of length 1.
"""

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.embedding import Matrix, Vector
from index.errors import EmbeddingFailed

SEED = 20261120
NOISE = 0.35
"""Length of the noise beside a mixture of length 1: neighbours then have cosines such as real chunks have."""

SYLLABLES = "ba be co da de di fa ga ha in ka ko la le li ma me mi na ne no or pa pe ra re ri sa se so ta te ti va"
VOCABULARY = 20_000
SENTENCES = 34
SENTENCE_WORDS = (8, 22)


class SyntheticEmbedder:
    """Vectors that depend on the text alone and cost nothing to make."""

    name = "synthetic"
    graph = "none"

    def __init__(self, centres: Matrix) -> None:
        self._centres = centres
        self.dimension = centres.shape[1]

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        """The vectors of texts, shape (n, dimension)."""
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> Vector:
        """The vector of one text."""
        generator = np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]))
        centres = self._centres[generator.integers(len(self._centres), size=2)]
        weight = generator.uniform(0.3, 1)
        mixture = _unit(np.array([weight, 1 - weight], np.float32) @ centres)
        noise = _unit(generator.standard_normal((self.dimension,)))
        return _unit(mixture + NOISE * noise)

    def close(self) -> None:
        """Nothing is held that needs closing."""


class NoEmbedder:
    """Has the name of the synthetic one and refuses to embed: what works with it embeds nothing."""

    name = SyntheticEmbedder.name
    graph = SyntheticEmbedder.graph

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        """Raises EmbeddingFailed."""
        raise EmbeddingFailed(f"{len(texts)} texts were to be embedded, expected none")

    def embed_query(self, text: str) -> Vector:
        """Raises EmbeddingFailed."""
        raise EmbeddingFailed(f"a text of {len(text)} characters was to be embedded, expected none")

    def close(self) -> None:
        """Nothing is held that needs closing."""


def random_centres(count: int, dimension: int) -> Matrix:
    """Centres that lie anywhere, shape (count, dimension)."""
    generator = np.random.default_rng(SEED)
    return np.stack([_unit(row) for row in generator.standard_normal((count, dimension))])


def write_articles(file: Path, count: int) -> None:
    """So many articles of made-up words as JSON Lines; the same words are frequent in all of them."""
    with file.open("w", encoding="utf-8") as lines:
        for number, body in enumerate(bodies(count)):
            lines.write(json.dumps({"id": f"made-up-{number}", "title": f"Article {number}", "body": body}) + "\n")


def bodies(count: int) -> Iterator[str]:
    """The bodies of so many articles, about as long as a long news article."""
    generator = random.Random(SEED)
    syllables = SYLLABLES.split()
    words = ["".join(generator.choices(syllables, k=generator.randint(1, 4))) for _ in range(VOCABULARY)]
    weights = np.cumsum(1 / np.arange(1, VOCABULARY + 1)).tolist()
    for _ in range(count):
        sentences = (
            generator.choices(words, cum_weights=weights, k=generator.randint(*SENTENCE_WORDS))
            for _ in range(SENTENCES)
        )
        yield " ".join(f"{' '.join(sentence).capitalize()}." for sentence in sentences)


def _unit(vector: NDArray[np.floating[Any]]) -> Vector:
    unit: Vector = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit
