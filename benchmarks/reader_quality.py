"""Measure the extractive reader end to end: how often it quotes the answer, and abstains without one.

usage: python -m benchmarks.reader_quality --bench PATH [--work PATH] [--questions N]

The sentences are those of the retrieved passages, whether they contain the answer or not. These sets were not used for
fitting: the SQuAD articles are the held-out ones. Off-topic questions belong to one half of the held-out articles
and are asked of the other half. RGB's unanswerable questions are asked of paragraphs without the answer. `target` is
the result of this design when it was chosen, on the same questions and by the same rule.

`right of answered` is the share of `answered` answers with a right quote, at the set's own share of unanswerable
questions; the next column is the same without the check of entities. The last two columns give the number of answers
that this check held back, and the share of right ones among them.
"""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.hits import auroc
from benchmarks.judged import Judged, judge_all, share
from benchmarks.options import parser, workplace
from benchmarks.sets import CLAPNQ, RGB, QuestionSet, off_topic_sets, rejections, squad_2
from benchmarks.table import Cell, print_table
from index.embedding.local import LocalEmbedder
from service.readers.answerability import Calibration
from service.readers.extractive import QUOTED

QUESTIONS = 1000
TARGETS = {"squad_v2 held out": (0.79, 0.91, 0.64), "clapnq_dev": (0.64, 0.87, 0.85), "rgb_en": (0.44, 0.70, 0.69)}
"""Targets for top-1, top-3 and the AUROC of g."""

ANSWERABILITY = ("answered", "weak", "abstain")


def main() -> None:
    """Ask, judge and print."""
    options = parser((__doc__ or "").splitlines()[0])
    options.add_argument(
        "--questions", type=int, default=QUESTIONS, help="largest number of questions of each kind in a set"
    )
    arguments = options.parse_args()
    calibration = Calibration.read()
    with workplace(arguments.work) as work:
        asked = ask_all(arguments.bench, work, arguments.questions)
        off_topic = ask_off_topic(arguments.bench, work, arguments.questions)
    print_selection(asked)
    print_answerability(asked, off_topic, calibration)
    print_held_back(asked, calibration)


def ask_all(bench: Path, work: Path, count: int) -> dict[str, list[Judged]]:
    """Return the judged questions of each set."""
    embedder = LocalEmbedder(work / "models")
    _, held_out = squad_2(bench)
    sets = {
        "squad_v2 held out": [held_out.sample(count)],
        "clapnq_dev": [QuestionSet.read(bench, CLAPNQ).sample(count)],
        "rgb_en": [QuestionSet.read(bench, RGB).sample(count), rejections(bench).sample(count)],
    }
    return {name: judge_all(parts, embedder, work) for name, parts in sets.items()}


def ask_off_topic(bench: Path, work: Path, count: int) -> list[Judged]:
    """Return the judged off-topic questions of the held-out articles."""
    _, held_out = squad_2(bench)
    halves = (half.sample(count // 4) for half in off_topic_sets(held_out))
    return judge_all(halves, LocalEmbedder(work / "models"), work)


def print_selection(asked: dict[str, list[Judged]]) -> None:
    """Print the hit rates of the best sentences and the AUROC of g, each with its target."""
    rows: list[list[Cell]] = []
    for name, judged in asked.items():
        answerable, unanswerable = _split(judged)
        top1, top3 = (share(answerable, (each.found(count) for each in answerable)) for count in (1, QUOTED))
        quoted = share(answerable, (each.answered() for each in answerable))
        separated = auroc([each.strength for each in answerable], [each.strength for each in unanswerable])
        targets = TARGETS[name]
        rows.append([name, len(answerable), top1, targets[0], top3, targets[1], quoted, separated, targets[2]])
    print_table(("set", "n", "top-1", "target", "top-3", "target", "quoted", "AUROC of g", "target"), rows)
    print()


def print_answerability(asked: dict[str, list[Judged]], off_topic: Sequence[Judged], calibration: Calibration) -> None:
    """Print the shares of answered, weak and abstained questions by kind."""
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
    """Print the share of right answers, with and without the check of entities."""
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
