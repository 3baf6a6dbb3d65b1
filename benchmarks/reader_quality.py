"""The extractive reader end to end: does it quote the answer, and does it know when it does not?

usage: python -m benchmarks.reader_quality --bench PATH [--work PATH] [--questions N]

Sentences come from what retrieval finds, never from the paragraph that holds the answer. Nothing is fitted on any of
these sets: the SQuAD articles are the held-out ones. Off-topic questions are those of one half of the held-out
articles, asked of the other half; RGB's unanswerable questions are its own, asked of the paragraphs that do not hold
the answer. `bar` is what a reader of this design reached when it was chosen, on the same questions and rule.

`right of answered` is the share of `answered` answers in which a quote holds the answer, at the set's own share of
unanswerable questions; the next column is the same without the check of names, years and numbers, and the last two
say how many answers that check held back, and how many of those held the answer.
"""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.hits import auroc
from benchmarks.judged import Judged, judge_all, share
from benchmarks.options import parser, workplace
from benchmarks.sets import CLAPNQ, RGB, QuestionSet, rejections, squad_2, strangers
from benchmarks.table import Cell, print_table
from index.embedding.local import LocalEmbedder
from service.readers.extractive import QUOTED, Calibration

QUESTIONS = 1000
BARS = {"squad_v2 held out": (0.79, 0.91, 0.64), "clapnq_dev": (0.64, 0.87, 0.85), "rgb_en": (0.44, 0.70, 0.69)}
"""Top-1, top-3 and AUROC of g that are to be reached."""

ANSWERABILITY = ("answered", "weak", "abstain")


def main() -> None:
    """Ask, judge and print."""
    options = parser((__doc__ or "").splitlines()[0])
    options.add_argument("--questions", type=int, default=QUESTIONS, help="questions of a kind at most, from each set")
    arguments = options.parse_args()
    calibration = Calibration.read()
    with workplace(arguments.work) as work:
        asked = ask_all(arguments.bench, work, arguments.questions)
        off_topic = ask_off_topic(arguments.bench, work, arguments.questions)
    print_selection(asked)
    print_answerability(asked, off_topic, calibration)
    print_held_back(asked, calibration)


def ask_all(bench: Path, work: Path, count: int) -> dict[str, list[Judged]]:
    """The judged questions of each set."""
    embedder = LocalEmbedder(work / "models")
    _, held_out = squad_2(bench)
    sets = {
        "squad_v2 held out": [held_out.sample(count)],
        "clapnq_dev": [QuestionSet.read(bench, CLAPNQ).sample(count)],
        "rgb_en": [QuestionSet.read(bench, RGB).sample(count), rejections(bench).sample(count)],
    }
    return {name: judge_all(parts, embedder, work) for name, parts in sets.items()}


def ask_off_topic(bench: Path, work: Path, count: int) -> list[Judged]:
    """The judged off-topic questions of the held-out articles."""
    _, held_out = squad_2(bench)
    halves = (half.sample(count // 4) for half in strangers(held_out))
    return judge_all(halves, LocalEmbedder(work / "models"), work)


def print_selection(asked: dict[str, list[Judged]]) -> None:
    """Hit rates of the best sentences, and how well g separates, each with its bar."""
    rows: list[list[Cell]] = []
    for name, judged in asked.items():
        answerable, unanswerable = _split(judged)
        top1, top3 = (share(answerable, (each.found(count) for each in answerable)) for count in (1, QUOTED))
        quoted = share(answerable, (each.answered() for each in answerable))
        separated = auroc([each.strength for each in answerable], [each.strength for each in unanswerable])
        bars = BARS[name]
        rows.append([name, len(answerable), top1, bars[0], top3, bars[1], quoted, separated, bars[2]])
    print_table(("set", "n", "top-1", "bar", "top-3", "bar", "quoted", "AUROC of g", "bar"), rows)
    print()


def print_answerability(asked: dict[str, list[Judged]], off_topic: Sequence[Judged], calibration: Calibration) -> None:
    """What questions of each kind end as."""
    rows: list[list[Cell]] = []
    for name, judged in asked.items():
        answerable, unanswerable = _split(judged)
        rows.append(_answerability(f"{name}, answerable", answerable, calibration))
        rows.append(_answerability(f"{name}, near miss", unanswerable, calibration))
    rows.append(_answerability("squad_v2 held out, off-topic", off_topic, calibration))
    print_table(("questions", "n", *ANSWERABILITY), rows)
    print()


def _answerability(name: str, judged: Sequence[Judged], calibration: Calibration) -> list[Cell]:
    shares = (share(judged, (each.answerability(calibration) == level for each in judged)) for level in ANSWERABILITY)
    return [name, len(judged), *shares]


def print_held_back(asked: dict[str, list[Judged]], calibration: Calibration) -> None:
    """How right answers are, with and without the check of entities."""
    rows: list[list[Cell]] = []
    for name, judged in asked.items():
        strong = [each for each in judged if each.strength >= calibration.answered]
        given = [each for each in strong if not each.held_back]
        held_back = [each for each in strong if each.held_back]
        rights = [share(part, (each.answered() for each in part)) for part in (given, strong, held_back)]
        rows.append([name, len(given), rights[0], rights[1], len(held_back), rights[2]])
    print_table(("set", "answered", "right of answered", "unchecked", "held back", "of these right"), rows)


def _split(judged: Sequence[Judged]) -> tuple[list[Judged], list[Judged]]:
    return [each for each in judged if each.answerable], [each for each in judged if not each.answerable]


if __name__ == "__main__":
    main()
