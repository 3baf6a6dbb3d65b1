"""Prepare training examples from our own stories: articles, and questions as readers ask them.

usage: python -m training.questions --out FILE [--work PATH] FILE ...

Each line of a given file is a story: its articles and the questions about it, each with its answers, word for word, and
the number of the article that has them; a question without answers is a near miss. A line without articles has further
questions about a story of an earlier file. The written lines are those of `training/data.py`, with the name of the file
as the set of a question: the chunks with the answers, and those that hybrid retrieval over all stories ranks best. Left
out are a chunk of another place that contains an answer as a string, because it may answer the question, and other
reports of the story, which may have an older value of the answer; if the question is of one report `only`, they come
first among the chunks without the answer.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.options import workplace
from benchmarks.sets import Asked
from benchmarks.stories import Story, paragraphs, read_stories
from benchmarks.trial import Trial, article_id, trial
from index.embedding.local import LocalEmbedder
from index.records import Filters
from service.records import Passage
from training.data import NEGATIVES, RETRIEVED, plain


def main() -> None:
    """Index the articles of all stories, retrieve for each question, and write the examples."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", help="files of stories")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--work", type=Path, help="folder for indexes and models; default: a temporary one")
    arguments = parser.parse_args()
    sets = read_sets(arguments.files)
    stories = {story.name: story for asked in sets.values() for story in asked}
    reports = paragraphs(list(stories.values()))
    with (
        workplace(arguments.work) as work,
        trial(reports, LocalEmbedder(work / "models"), work) as index,
        arguments.out.open("w", encoding="utf-8") as out,
    ):
        ids = {each.id: article_id(number) for number, each in enumerate(reports)}
        for name, asked in sets.items():
            for row in examples(asked, ids, index):
                out.write(json.dumps({"set": name, **row}, ensure_ascii=False) + "\n")


def read_sets(files: Sequence[Path]) -> dict[str, list[Story]]:
    """Return the stories of each file by its name; further questions get the articles of their story."""
    known: dict[str, Story] = {}
    sets: dict[str, list[Story]] = {}
    for file in files:
        for story in read_stories(file):
            whole = known.setdefault(story.name, story)
            sets.setdefault(file.stem, []).append(story.model_copy(update={"articles": whole.articles}))
    return sets


def examples(stories: Sequence[Story], ids: dict[str, str], index: Trial) -> Iterator[dict[str, Any]]:
    """Yield each question of the stories with its chunks, given the ids of articles; none without one of an answer."""
    for story in stories:
        own = {number: ids[f"{story.name}/{number}"] for number in range(1, len(story.articles) + 1)}
        for question in story.questions:
            answers = {own[each.article]: each.text for each in question.answers}
            reports = frozenset(own.values()) - answers.keys() if answers else frozenset[str]()
            chunks = list(chunks_of(question.question, answers, reports, index, only=question.only))
            if question.answers and not any(chunk["spans"] for chunk in chunks):
                continue
            yield {"question": question.question, "answerable": bool(answers), "chunks": chunks}


def chunks_of(
    question: str, answers: dict[str, str], reports: frozenset[str], index: Trial, *, only: bool
) -> Iterator[dict[str, Any]]:
    """Yield the chunks with an answer, found or not, and the best of the others.

    The other `reports` of the story may have an older value of the answer: they are left out, or, if the question is of
    one report `only`, come before the chunks of other stories.
    """
    found = sorted(retrieved(question, Filters(), index), key=lambda each: each.article.article_id not in reports)
    own = retrieved(question, Filters(article_ids=tuple(answers)), index) if answers else ()
    strings, others = [plain(text) for text in answers.values()], 0
    for passage in {each.key: each for each in (*own, *found)}.values():
        if passage.article.article_id in reports and not only:
            continue
        answer, chunk = answers.get(passage.article.article_id), passage.chunk
        at = passage.article.body.find(answer) - chunk.start_char if answer else -1
        has_answer = answer is not None and at >= 0 and at + len(answer) <= len(chunk.text)
        text = plain(chunk.text)
        if not has_answer and (others >= NEGATIVES or any(f" {string} " in f" {text} " for string in strings)):
            continue
        others += not has_answer
        spans = [[at, at + len(answer)]] if answer and has_answer else []
        yield {"title": passage.article.title or "", "text": chunk.text, "spans": spans}


def retrieved(question: str, filters: Filters, index: Trial) -> tuple[Passage, ...]:
    """Return the passages for a question, the best first."""
    return index.retrieve(
        Asked("", question, (), (), frozenset(), answerable=True), count=RETRIEVED, filters=filters
    ).passages


if __name__ == "__main__":
    main()
