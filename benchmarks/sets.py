"""Public sets of questions over articles, read from the folder that `--bench` names; none of their text is kept here.

A set is a folder with `corpus.jsonl` (id, title, text) and `queries.jsonl` (id, question, answers, relevant,
answerable; some also selected_sentences). What is fitted is fitted on the SQuAD articles that are not held out.
"""

import hashlib
import json
import random
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

SQUAD_1 = "squad_v1_dev"
SQUAD_2 = "squad_v2_dev"
CLAPNQ = "clapnq_dev"
RGB = "rgb_en"
SEED = 20261120


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One text of a set, which becomes one article of an index."""

    id: str
    title: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a set with what is known of its answer.

    `answers` are short strings, any of which will do; `sentences` are whole ones that answer, where the set marks
    them; `relevant` are the ids of the paragraphs that hold the answer, or that an unanswerable question is near to.
    """

    id: str
    text: str
    answers: tuple[str, ...]
    sentences: tuple[str, ...]
    relevant: frozenset[str]
    answerable: bool


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Paragraphs and the questions that are asked of them."""

    name: str
    paragraphs: tuple[Paragraph, ...]
    questions: tuple[Asked, ...]

    @classmethod
    def read(cls, bench: Path, name: str, *, suffix: str = "") -> "QuestionSet":
        """The set in the folder `name`; with a suffix, from `corpus<suffix>.jsonl` and `queries<suffix>.jsonl`."""
        folder = bench / name
        rows = _lines(folder / f"corpus{suffix}.jsonl")
        paragraphs = tuple(Paragraph(row["id"], row["title"] or None, row["text"]) for row in rows)
        return cls(name + suffix, paragraphs, tuple(map(_asked, _lines(folder / f"queries{suffix}.jsonl"))))

    def titles(self) -> list[str]:
        """The titles, in the order that decides which are held out."""
        found = {paragraph.title for paragraph in self.paragraphs if paragraph.title}
        return sorted(found, key=lambda title: int(hashlib.md5(title.encode(), usedforsecurity=False).hexdigest(), 16))

    def about(self, titles: Collection[str], name: str) -> "QuestionSet":
        """The paragraphs under these titles and the questions that belong to them."""
        paragraphs = tuple(paragraph for paragraph in self.paragraphs if paragraph.title in titles)
        ids = {paragraph.id for paragraph in paragraphs}
        questions = tuple(question for question in self.questions if question.relevant & ids)
        return QuestionSet(name, paragraphs, questions)

    def sample(self, count: int) -> "QuestionSet":
        """At most so many answerable and as many unanswerable questions, the same ones every time."""
        chosen: list[Asked] = []
        for answerable in (True, False):
            of_kind = [question for question in self.questions if question.answerable == answerable]
            chosen += random.Random(SEED).sample(of_kind, min(count, len(of_kind)))
        return replace(self, questions=tuple(chosen))


def held_out(bench: Path) -> frozenset[str]:
    """The SQuAD titles on which nothing is fitted: the first half of `squad_v2_dev` by the MD5 of the title."""
    titles = QuestionSet.read(bench, SQUAD_2).titles()
    return frozenset(titles[: len(titles) // 2])


def squad_2(bench: Path) -> tuple[QuestionSet, QuestionSet]:
    """`squad_v2_dev` in two sets that share no article: the one to fit on, and the held-out one to report on."""
    whole, held = QuestionSet.read(bench, SQUAD_2), held_out(bench)
    return whole.about(set(whole.titles()) - held, f"{SQUAD_2} to fit"), whole.about(held, f"{SQUAD_2} held out")


def strangers(questions: QuestionSet) -> list[QuestionSet]:
    """Off-topic questions: each half of the articles, asked what belongs to the other half and is not in it."""
    titles = questions.titles()
    halves = [questions.about(titles[side::2], f"{questions.name}, half {side + 1}") for side in (0, 1)]
    return [
        replace(halves[side], name=f"{halves[side].name}, off-topic", questions=tuple(_foreign(halves[1 - side])))
        for side in (0, 1)
    ]


def rejections(bench: Path) -> QuestionSet:
    """RGB's negative rejection: its questions, asked of the paragraphs that do not answer them."""
    return QuestionSet.read(bench, RGB, suffix="_negative")


def _foreign(questions: QuestionSet) -> Iterator[Asked]:
    return (replace(q, answers=(), sentences=(), relevant=frozenset(), answerable=False) for q in questions.questions)


def _asked(row: dict[str, Any]) -> Asked:
    return Asked(
        id=str(row["id"]),
        text=row["question"],
        answers=tuple(row["answers"]),
        sentences=tuple(sentence for marked in row.get("selected_sentences", ()) for sentence in marked),
        relevant=frozenset(row["relevant"]),
        answerable=row["answerable"],
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def news_articles(paragraphs: Iterable[Paragraph], count: int, length: int) -> Sequence[str]:
    """Texts of about `length` characters, as long as a news article, put together from paragraphs in their order."""
    articles: list[str] = []
    gathered: list[str] = []
    for paragraph in paragraphs:
        gathered.append(paragraph.text.strip())
        if sum(map(len, gathered)) >= length:
            articles.append("\n\n".join(gathered))
            gathered = []
        if len(articles) == count:
            break
    return articles
