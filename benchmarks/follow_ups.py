"""Measure follow-ups offline: recall and nDCG at 5 of the last turn, of the standalone question, and of all turns.

usage: python -m benchmarks.follow_ups --bench PATH [--work PATH] [--show N]

The questions of `mtrag` with earlier turns and with relevant paragraphs. Each way to ask is retrieved as the product
does; differences to the last turn are paired, with a bootstrap interval. No rule was fitted on this set: the rules were
fitted on the conversations in `tests/service/conversations.json`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.hits import figure_of
from benchmarks.options import parser, workplace
from benchmarks.retrieval_quality import ranking_measures
from benchmarks.sets import MTRAG, Asked, QuestionSet
from benchmarks.table import Cell, print_table
from benchmarks.trial import Trial, trial
from index.embedding.local import LocalEmbedder
from service.prompts import Prompts
from service.records import Question
from service.retrieve import CANDIDATES
from service.standalone import standalone_question

AT = 5
Measures = NDArray[np.float64]
"""nDCG and recall of each question, shape (n, 2)."""


def main() -> None:
    """Retrieve for each way to ask, and print the measures."""
    options = parser(__doc__)
    options.add_argument("--show", type=int, default=0, help="print this many questions in their standalone form")
    arguments = options.parse_args()
    read = QuestionSet.read(arguments.bench, MTRAG)
    asked = [question for question in read.questions if question.history and question.relevant]
    with workplace(arguments.work) as work, trial(read.paragraphs, LocalEmbedder(work / "models"), work) as opened:
        alone = [_standalone(question, opened) for question in asked]
        changed = [text != question.text for text, question in zip(alone, asked, strict=True)]
        ways = {
            "last turn": [question.text for question in asked],
            "standalone question": alone,
            "all turns of the user": [_joined(question, ("user",)) for question in asked],
            "all turns": [_joined(question, ("user", "assistant")) for question in asked],
        }
        measured = {name: _measures(asked, texts, opened) for name, texts in ways.items()}
    _print(f"{MTRAG}, {len(asked)} questions", measured, [True] * len(asked))
    _print(f"of these, {sum(changed)} with another standalone question", measured, changed)
    for question, text in list(zip(asked, alone, strict=True))[: arguments.show]:
        print(f"{question.text}\n  {text}")


def _standalone(question: Asked, opened: Trial) -> str:
    coverage = opened.generation.lexical.coverage
    told = Question(question.text, messages=question.history)
    return asyncio.run(standalone_question(told, None, Prompts(), coverage=coverage)).text


def _joined(question: Asked, roles: Sequence[str]) -> str:
    return " ".join([*(turn.content for turn in question.history if turn.role in roles), question.text])


def _measures(asked: Sequence[Asked], texts: Sequence[str], opened: Trial) -> Measures:
    """Return nDCG and recall of each question, asked with its text."""
    found = []
    for question, text in zip(asked, texts, strict=True):
        passages = opened.retrieve(replace(question, text=text), count=CANDIDATES).passages
        ranking = list(dict.fromkeys(opened.paragraph_id(passage.chunk.article_id) for passage in passages))
        found.append(ranking_measures(ranking, question.relevant, AT)[:2])
    return np.array(found)


def _print(title: str, measured: dict[str, Measures], which: Sequence[bool]) -> None:
    """Print a row for each way to ask, with the differences to the first one."""
    first = next(iter(measured.values()))[which]
    head = (title, f"nDCG@{AT}", f"recall@{AT}", "difference of recall", "low", "high")
    rows: list[list[Cell]] = []
    for name, each in measured.items():
        values = each[which]
        gained = figure_of(list(values[:, 1] - first[:, 1]))
        interval = [gained.value, gained.low, gained.high] if gained else [None] * 3
        rows.append([name, *map(float, values.mean(axis=0)), *interval])
    print_table(head, rows)
    print()


if __name__ == "__main__":
    main()
