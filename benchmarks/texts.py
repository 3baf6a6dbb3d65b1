"""The articles and questions of a speed benchmark: invented ones, or sentences and questions of the public sets."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Protocol

from benchmarks import synthetic
from benchmarks.sets import RGB, SEED, SQUAD_1, QuestionSet
from index.text import sentence_spans

ARTICLE_SENTENCES = 24
"""Sentences of an article, about six chunks."""


class Texts(Protocol):
    """Articles and questions, the same ones in every run; another seed yields others."""

    @property
    def name(self) -> str:
        """Return a name for folders and commands."""

    def bodies(self, count: int, seed: int = 0) -> Iterator[str]:
        """Yield the bodies of articles."""

    def questions(self, count: int, seed: int = 0) -> Sequence[str]:
        """Return questions."""


@dataclass(frozen=True, slots=True)
class Invented:
    """Articles of invented words."""

    name: str = "invented"

    def bodies(self, count: int, seed: int = 0) -> Iterator[str]:
        return synthetic.bodies(count, seed)

    def questions(self, count: int, seed: int = 0) -> Sequence[str]:
        return list(synthetic.questions(count, seed))


@dataclass(frozen=True, slots=True)
class Public:
    """Articles of real sentences, those of SQuAD and RGB: first in their order, then shuffled and repeated."""

    bench: Path
    name: str = "public"

    def bodies(self, count: int, seed: int = 0) -> Iterator[str]:
        texts = [paragraph.text for name in (SQUAD_1, RGB) for paragraph in self._set(name).paragraphs]
        sentences = [text[span.start : span.end] for text in texts for span in sentence_spans(text)]
        return islice(_articles(sentences, seed), count)

    def questions(self, count: int, seed: int = 0) -> Sequence[str]:
        asked = [each.text for each in self._set(SQUAD_1).questions]
        random.Random(SEED + seed).shuffle(asked)
        return list(islice(cycle(asked), count))

    def _set(self, name: str) -> QuestionSet:
        return QuestionSet.read(self.bench, name)


INVENTED = Invented()


def texts_of(bench: Path | None) -> Texts:
    """Return the texts of the public sets, or invented ones without their folder."""
    return Public(bench) if bench else INVENTED


def write_articles(file: Path, bodies: Iterator[str]) -> None:
    """Write articles as JSON Lines."""
    with file.open("w", encoding="utf-8") as lines:
        for number, body in enumerate(bodies):
            lines.write(json.dumps({"id": f"a{number}", "title": f"Article {number}", "body": body}) + "\n")


def _articles(sentences: list[str], seed: int) -> Iterator[str]:
    shuffled = random.Random(SEED + seed)
    if seed:
        shuffled.shuffle(sentences)
    while True:
        for start in range(0, len(sentences), ARTICLE_SENTENCES):
            yield " ".join(sentences[start : start + ARTICLE_SENTENCES])
        shuffled.shuffle(sentences)
