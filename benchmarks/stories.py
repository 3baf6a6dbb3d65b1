"""Ask questions as readers ask them: `python -m benchmarks.stories [--set dev|closed] [--work PATH] [--list]`.

Each line of a set is a story: its articles, the oldest first, and the questions about it, most of them in other words
than the articles'. A question has its answers, word for word, each with the number of its article; without answers it
is a near miss. The complete offline pipeline answers, with an index of all articles of the set. A quote is right if it
has the answer of its article.

`stories_dev.jsonl` is held back from training, and may be read and chosen by; `stories_closed.jsonl` is only measured:
nothing is chosen by it. `--list` prints the questions of the first set that are not answered well.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.hits import auroc
from benchmarks.options import workplace
from benchmarks.sets import Paragraph
from benchmarks.table import print_table
from benchmarks.trial import Asker, Reply, article_id, indexed
from eval.records import Record
from index.embedding.local import LocalEmbedder
from service.readers.evidence import ScoredSentence

ROOT = Path(__file__).parent
SETS = {name: ROOT / f"stories_{name}.jsonl" for name in ("dev", "closed")}
SHOWN = 3
READERS = {"without the span reader": False, "with it": True}


class Report(Record):
    """An article of a story."""

    title: str
    text: str


class Words(Record):
    """The words of a story's n-th article, counted from 1, that answer a question."""

    article: int
    text: str


class ReaderQuestion(Record):
    """A question about a story; a follow-up has words of its conversation in brackets behind it.

    `only` if it names a moment or a thing of which no other report of the story tells.
    """

    question: str
    follow_up: bool = False
    only: bool = False
    answers: tuple[Words, ...] = ()


class Story(Record):
    """Reports of one story, the oldest first, and the questions about it.

    Further questions about a story of another file come without its articles.
    """

    name: str
    articles: tuple[Report, ...] = ()
    questions: tuple[ReaderQuestion, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one question was answered: whether the scored sentences, the best first, and the first quote are right."""

    question: ReaderQuestion
    ranked: tuple[bool, ...]
    is_first_right: bool
    status: str
    certainty: float
    answer: str


def main() -> None:
    """Ask all questions with and without the span reader, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--set", choices=SETS, default="closed", help="the set of stories")
    parser.add_argument("--work", type=Path, help="folder for indexes and models; default: a temporary one")
    parser.add_argument("--list", action="store_true", help="print the questions that are not answered well")
    arguments = parser.parse_args()
    stories = read_stories(SETS[arguments.set])
    with workplace(arguments.work) as work:
        data = indexed(paragraphs(stories), LocalEmbedder(work / "models"), work)
        found = {}
        for column, span_reader in READERS.items():
            with Asker(data, work / "models", span_reader=span_reader) as asker:
                found[column] = list(ask_all(stories, asker))
    print_table(("", "n", *READERS), list(rows(found)))
    for outcome in found["with it"] if arguments.list and arguments.set == "dev" else ():
        if outcome.question.answers and not outcome.is_first_right:
            print(f"\n{outcome.question.question}\n  {outcome.status}: {outcome.answer}")
            print(f"  right: {outcome.question.answers[0].text}")


def read_stories(path: Path) -> list[Story]:
    """Return the stories of a file."""
    return [Story.model_validate_json(line) for line in path.read_text(encoding="utf-8").splitlines()]


def paragraphs(stories: Sequence[Story]) -> list[Paragraph]:
    """Return the articles of all stories as the paragraphs of a set."""
    return [
        Paragraph(f"{story.name}/{number}", each.title, each.text)
        for story in stories
        for number, each in enumerate(story.articles, 1)
    ]


def ask_all(stories: Sequence[Story], asker: Asker) -> Iterator[Outcome]:
    """Ask each question of the stories."""
    ids = {each.id: article_id(number) for number, each in enumerate(paragraphs(stories))}
    for story in stories:
        for question in story.questions:
            places = {
                (ids[f"{story.name}/{each.article}"], story.articles[each.article - 1].text.find(each.text), each.text)
                for each in question.answers
            }
            yield outcome_of(question, asker.ask(question.question), places)


def outcome_of(question: ReaderQuestion, reply: Reply, places: set[tuple[str, int, str]]) -> Outcome:
    """Judge one reply by the places of the answers: article, first code point, words."""

    def has_answer(article: str, start: int, end: int) -> bool:
        return any(article == place and start <= at and at + len(text) <= end for place, at, text in places)

    def is_right(sentence: ScoredSentence) -> bool:
        span = sentence.quote or sentence.span
        return has_answer(sentence.passage.article.article_id, span.start, span.end)

    answer, evidence = reply.answer, reply.evidence
    first = answer.citations[:1]
    return Outcome(
        question=question,
        ranked=tuple(map(is_right, evidence.sentences)),
        is_first_right=any(has_answer(each.article_id, each.start_char_index, each.end_char_index) for each in first),
        status=answer.status,
        certainty=evidence.strength if evidence.certainty is None else evidence.certainty,
        answer=answer.answer,
    )


def rows(found: dict[str, list[Outcome]]) -> Iterator[tuple[str | int | float, ...]]:
    """Yield the lines of the table: shares, each with the number of questions."""
    columns = list(found.values())
    kinds = {
        "other than follow-ups": [
            [each for each in of if each.question.answers and not each.question.follow_up] for of in columns
        ],
        "follow-ups": [[each for each in of if each.question.follow_up] for of in columns],
    }
    for name, of in kinds.items():
        yield (
            f"{name}: best sentence right",
            len(of[0]),
            *(share(each.ranked[:1] == (True,) for each in one) for one in of),
        )
        yield (
            f"{name}: one of three right",
            len(of[0]),
            *(share(any(each.ranked[:SHOWN]) for each in one) for one in of),
        )
        yield f"{name}: any scored sentence right", len(of[0]), *(share(any(each.ranked) for each in one) for one in of)
        yield f"{name}: first quote right", len(of[0]), *(share(each.is_first_right for each in one) for one in of)
    answerable = [[each for each in of if each.question.answers] for of in columns]
    missed = [[each for each in of if not each.question.answers] for of in columns]
    called = [[each for each in of if each.status == "answered"] for of in columns]
    yield (
        "answerable: called answered",
        len(answerable[0]),
        *(share(each.status == "answered" for each in of) for of in answerable),
    )
    yield (
        "near misses: called answered",
        len(missed[0]),
        *(share(each.status == "answered" for each in of) for of in missed),
    )
    yield (
        "called answered: first quote right",
        len(called[-1]),
        *(share(each.is_first_right for each in of) for of in called),
    )
    yield (
        "AUROC, answerable against near misses",
        len(columns[0]),
        *(
            auroc([each.certainty for each in some], [each.certainty for each in others])
            for some, others in zip(answerable, missed, strict=True)
        ),
    )


def share(given: Iterator[bool]) -> float:
    """Return the share that is true."""
    listed = list(given)
    return sum(listed) / max(1, len(listed))


if __name__ == "__main__":
    main()
