"""Public sets of questions and articles, read from the folder of `--bench`; the repository does not contain them.

A set is a folder with `corpus.jsonl` (id, title, text) and `queries.jsonl` (id, question, answers, relevant,
answerable; some also selected_sentences or history). Only the SQuAD articles that are not held out are used for
fitting.
"""

import hashlib
import json
import random
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from service.records import Message

SQUAD_1 = "squad_v1_dev"
SQUAD_2 = "squad_v2_dev"
CLAPNQ = "clapnq_dev"
RGB = "rgb_en"
MTRAG = "mtrag"
SEED = 20261120


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A text of a set; it becomes an article of an index."""

    id: str
    title: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a set, with its answers.

    `answers` are short alternatives; `sentences` are complete sentences that answer, if the set marks them;
    `relevant` are the ids of the paragraphs with the answer, or of those close to an unanswerable question;
    `history` is the conversation before the question.
    """

    id: str
    text: str
    answers: tuple[str, ...]
    sentences: tuple[str, ...]
    relevant: frozenset[str]
    answerable: bool
    history: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Paragraphs and questions about them."""

    name: str
    paragraphs: tuple[Paragraph, ...]
    questions: tuple[Asked, ...]

    @classmethod
    def read(cls, bench: Path, name: str, *, suffix: str = "") -> "QuestionSet":
        """Read the set in the folder `name`, from `corpus<suffix>.jsonl` and `queries<suffix>.jsonl`."""
        folder = bench / name
        rows = read_lines(folder / f"corpus{suffix}.jsonl")
        paragraphs = tuple(Paragraph(row["id"], row["title"] or None, row["text"]) for row in rows)
        return cls(name + suffix, paragraphs, tuple(map(_asked, read_lines(folder / f"queries{suffix}.jsonl"))))

    def titles(self) -> list[str]:
        """Return the titles in the order of their MD5, which decides which are held out."""
        found = {paragraph.title for paragraph in self.paragraphs if paragraph.title}
        return sorted(found, key=lambda title: int(hashlib.md5(title.encode(), usedforsecurity=False).hexdigest(), 16))

    def about(self, titles: Collection[str], name: str) -> "QuestionSet":
        """Return the paragraphs with these titles and the questions about them."""
        paragraphs = tuple(paragraph for paragraph in self.paragraphs if paragraph.title in titles)
        ids = {paragraph.id for paragraph in paragraphs}
        questions = tuple(question for question in self.questions if question.relevant & ids)
        return QuestionSet(name, paragraphs, questions)

    def sample(self, count: int) -> "QuestionSet":
        """Return up to `count` answerable and `count` unanswerable questions, always the same ones."""
        chosen: list[Asked] = []
        for answerable in (True, False):
            of_kind = [question for question in self.questions if question.answerable == answerable]
            chosen += random.Random(SEED).sample(of_kind, min(count, len(of_kind)))
        return replace(self, questions=tuple(chosen))


def held_out(bench: Path) -> frozenset[str]:
    """Return the held-out SQuAD titles: the first half of `squad_v2_dev` by the MD5 of the title."""
    titles = QuestionSet.read(bench, SQUAD_2).titles()
    return frozenset(titles[: len(titles) // 2])


def squad_2(bench: Path) -> tuple[QuestionSet, QuestionSet]:
    """Return `squad_v2_dev` as two sets without a common article: one to fit on, and the held-out one."""
    whole, held = QuestionSet.read(bench, SQUAD_2), held_out(bench)
    return whole.about(set(whole.titles()) - held, f"{SQUAD_2} to fit"), whole.about(held, f"{SQUAD_2} held out")


def off_topic_sets(questions: QuestionSet) -> list[QuestionSet]:
    """Return off-topic questions: the articles of each half with the questions of the other half."""
    titles = questions.titles()
    halves = [questions.about(titles[side::2], f"{questions.name}, half {side + 1}") for side in (0, 1)]
    return [
        replace(halves[side], name=f"{halves[side].name}, off-topic", questions=tuple(_foreign(halves[1 - side])))
        for side in (0, 1)
    ]


def rejections(bench: Path) -> QuestionSet:
    """Return RGB's negative rejection set: its questions with paragraphs that do not answer them."""
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
        history=tuple(Message(turn["role"], turn["content"]) for turn in row.get("history", ())),
    )


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file of JSON Lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def news_articles(paragraphs: Iterable[Paragraph], count: int, length: int) -> Sequence[str]:
    """Join paragraphs, in their order, to `count` texts of about `length` characters, the length of a news article."""
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
