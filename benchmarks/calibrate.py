"""Fit the thresholds of `service/readers/calibration.json`, and check them on questions that they were not fitted on.

usage: python -m benchmarks.calibrate --bench PATH [--work PATH] [--questions N] [--reuse] [--write]

There are three kinds of questions: answerable ones; near misses, written to look answerable; and off-topic ones (all
questions about one half of the SQuAD articles, with an index of the other half). Answerable questions and near misses
are SQuAD 2.0's about the articles that are not held out, and ours about the sample and gold articles
(`answerability/`), which count as much as SQuAD's. With the span reader, SQuAD's are about the three articles that it
was not trained on, and there is a third set, which counts the same: questions as readers ask them, about stories that
it was not trained on (`stories_dev.jsonl`). Its certainty, and without it the strength g of the evidence, give the
thresholds:

- abstain, on strength: the highest that 95 % of the answerable questions reach.
- certain_abstain: the highest certainty of off-topic questions but for one in a hundred. A question is not answered if
  it stays below both.
- answered, and certain_answered with the span reader: the lowest at which 77 % of the answers are right, with one half
  answerable questions, one quarter near misses and one quarter off-topic ones; missing entities hold an answer back.
- off_topic, on strength: the highest that all but one answerable question in a thousand reach. Below it, no language
  model is asked and the span reader does not read; above it, the model may abstain.

The rates in the file are those of the fitted thresholds on the same questions, and those of cross-validation: five
times, the thresholds (`abstain` apart) are fitted without a fifth of the stories and SQuAD articles and applied to that
fifth. It takes 5 to 6 minutes of one core, half of them with the span reader. After new weights, `--reuse` takes the
answers without it from the last run in `--work`. `--write` writes the file.
"""

import json
import pickle
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.judged import Judged, judged
from benchmarks.options import parser, workplace
from benchmarks.sets import SEED, Asked, QuestionSet, off_topic_sets, read_lines, squad_2
from benchmarks.stories import SETS, Story, Words, paragraphs, read_stories
from benchmarks.trial import Asker, indexed, ingest
from index.embedding.local import LocalEmbedder
from index.text import sentence_spans
from service.readers.answerability import CALIBRATION, Answerability, Calibration
from training import data as training

PAIRS = Path(__file__).parent / "answerability" / "pairs.jsonl"
ROOT = Path(__file__).parents[1]
ARTICLES = (ROOT / "articles", ROOT / "eval" / "gold" / "corpus")

QUESTIONS, OFF_TOPIC = 3_100, 400
"""SQuAD questions that are asked at most: of each kind, and off-topic ones; others take time and change little."""

REACH_ABSTAIN = 0.95
OFF_TOPIC_BELOW = 0.99
RIGHT_OF_ANSWERED = 0.77
REACH_OFF_TOPIC = 0.999
STEP, CERTAINTY_STEP = 0.005, 0.1
DIGITS = 3
FOLDS = 5
KINDS = {"answerable": 0.5, "near_misses": 0.25, "off_topic": 0.25}
OPEN = Calibration(*[-100.0] * 5)
"""Thresholds that every question reaches: only missing entities hold an answer back."""

LEVELS: tuple[Answerability, ...] = ("answered", "weak", "abstain")
COMMAND = "python -m benchmarks.calibrate --bench PATH --work PATH --write"


@dataclass(frozen=True, slots=True)
class Case:
    """A judged question, its set, its kind, its score (g or certainty), and its story, which no fold splits."""

    set_name: str
    kind: str
    story: str
    score: float
    judged: Judged

    def level(self, fitted: "Fitted") -> Answerability:
        """Return the label of the answer by fitted thresholds."""
        result = self.judged
        is_certain = result.certainty is not None and result.certainty >= fitted.certain_abstain
        is_certain = is_certain and result.status != "partial"  # an entity is missing
        is_kept = result.strength >= fitted.abstain or is_certain or result.complete
        if result.status == "not_in_sources" or not is_kept:
            return "abstain"
        return "weak" if self.score < fitted.answered or result.status == "partial" else "answered"


class Fitted(NamedTuple):
    """Thresholds: on strength, on certainty, and on the score that decides whether an answer is weak."""

    abstain: float
    certain_abstain: float
    answered: float


def main() -> None:
    """Fit and print the thresholds; write them with `--write`."""
    options = parser(__doc__)
    options.add_argument("--write", action="store_true", help="write the fitted thresholds")
    options.add_argument("--reuse", action="store_true", help="reuse the answers without the span reader in --work")
    options.add_argument("--questions", type=int, default=QUESTIONS, help="SQuAD questions of each kind, at most")
    arguments = options.parse_args()
    with workplace(arguments.work) as work:
        kept = work / "by_strength.pickle"
        if not arguments.reuse:
            kept.write_bytes(pickle.dumps(ask_all(arguments.bench, work, arguments.questions, span_reader=False)))
        by_strength: list[Case] = pickle.loads(kept.read_bytes())
        by_certainty = ask_all(arguments.bench, work, arguments.questions, span_reader=True)
    record = described(by_strength, by_certainty)
    print(json.dumps(record, indent=2))
    if arguments.write:
        CALIBRATION.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def ask_all(bench: Path, work: Path, count: int, *, span_reader: bool) -> list[Case]:
    """Ask the questions of all kinds, with the span reader only those that it was not trained on."""
    embedder = LocalEmbedder(work / "models")
    to_fit = squad_2(bench)[0]
    titles = {paragraph.id: paragraph.title or "" for paragraph in to_fit.paragraphs}
    own = replace(to_fit, questions=to_fit.about(validation_titles(to_fit), "").questions) if span_reader else to_fit
    score_of = attrgetter("score" if span_reader else "strength")
    cases: list[Case] = []
    for questions in (own.sample(count), *(half.sample(min(count, OFF_TOPIC) // 2) for half in off_topic_sets(to_fit))):
        data = indexed(questions.paragraphs, embedder, work)
        with Asker(data, work / "models", span_reader=span_reader, calibration=OPEN) as asker:
            for question in questions.questions:
                kind = "answerable" if question.answerable else "near_misses" if question.relevant else "off_topic"
                story = titles.get(min(question.relevant, default=""), question.id)
                result = judged(question, asker.ask(question.text))
                cases.append(Case("squad", kind, story, score_of(result), result))
    cases += ask_pairs(work, embedder, span_reader=span_reader)
    return [*cases, *ask_stories(work, embedder)] if span_reader else cases


def validation_titles(to_fit: QuestionSet) -> set[str]:
    """Return the titles of the SQuAD articles that the span reader was not trained on, as `training/data.py` does."""
    return set(random.Random(training.SEED).sample(sorted(to_fit.titles()), training.VALIDATION_TITLES))


def ask_pairs(work: Path, embedder: LocalEmbedder, *, span_reader: bool) -> Iterator[Case]:
    """Yield our own questions about the sample and gold articles."""
    data = work / "answerability"
    data.mkdir(parents=True, exist_ok=True)
    ingest(ARTICLES, data, embedder)
    score_of = attrgetter("score" if span_reader else "strength")
    with Asker(data, work / "models", span_reader=span_reader, calibration=OPEN) as asker:
        for row in read_lines(PAIRS):
            answers = (row["answer"],) if "answer" in row else ()
            question = Asked(row["id"], row["question"], answers, (), frozenset(), bool(answers))
            kind = "answerable" if answers else "near_misses"
            result = judged(question, asker.ask(question.text))
            yield Case("pairs", kind, _story(row["article_id"]), score_of(result), result)


def ask_stories(work: Path, embedder: LocalEmbedder) -> Iterator[Case]:
    """Yield the held-back questions as readers ask them; a quote is right if it is the sentence with the answer."""
    stories = read_stories(SETS["dev"])
    data = indexed(paragraphs(stories), embedder, work)
    with Asker(data, work / "models", calibration=OPEN) as asker:
        for story in stories:
            for question in story.questions:
                sentences = tuple(sentence_with(story, each) for each in question.answers)
                asked = Asked("", question.question, (), sentences, frozenset(), bool(sentences))
                result = judged(asked, asker.ask(asked.text))
                kind = "answerable" if sentences else "near_misses"
                yield Case("stories", kind, story.name, result.score, result)


def sentence_with(story: Story, answer: Words) -> str:
    """Return the sentence of an article that has the words of an answer."""
    text = story.articles[answer.article - 1].text
    at = text.index(answer.text)
    spans = [
        each for each in sentence_spans(text, headings=False) if each.start < at + len(answer.text) and at < each.end
    ]
    return text[spans[0].start : spans[-1].end]


def _story(article: str) -> str:
    """Return the story of an article: the first two words of its id; two articles on the budget are one story."""
    if article in ("budget-shortfall-corrected", "council-approves-2026-budget"):
        return "budget"
    return "-".join(article.split("-")[:2])


def fit(cases: Sequence[Case], abstain: float, step: float) -> Fitted:
    """Return the thresholds by the rules above, with `abstain` given."""
    off_topic = np.quantile([case.score for case in cases if case.kind == "off_topic"], OFF_TOPIC_BELOW)
    certain_abstain = round(float(np.ceil(off_topic / step) * step), DIGITS)
    scores = np.array([case.score for case in cases]) / step
    for answered in (step * np.arange(np.floor(scores.min()), scores.max() + 2)).round(DIGITS):
        fitted = Fitted(abstain, certain_abstain, float(answered))
        if right_of_answered(cases, [case.level(fitted) for case in cases]) >= RIGHT_OF_ANSWERED:
            return fitted
    raise AssertionError("nothing is answered above the highest score")


def reached(cases: Sequence[Case], part: float, step: float) -> float:
    """Return the highest multiple of `step` that this part of the questions reaches; each set counts the same."""
    scores = np.array([case.score for case in cases])
    order = np.argsort(scores)
    below = np.cumsum(_weights(cases)[order])
    at = order[np.searchsorted(below, (1 - part) * below[-1], side="right")]
    return round(float(np.floor(scores[at] / step) * step), DIGITS)


def _weights(cases: Sequence[Case]) -> NDArray[np.float64]:
    """Return a weight for each case, so that the sets of a kind count the same."""
    sizes = Counter((case.set_name, case.kind) for case in cases)
    return np.array([1 / sizes[case.set_name, case.kind] for case in cases])


def right_of_answered(cases: Sequence[Case], levels: Sequence[Answerability]) -> float:
    """Return the share of right answers, with the shares of each kind of question as in `KINDS`."""
    sets = Counter(kind for kind, _ in {(case.kind, case.set_name) for case in cases})
    parts = np.array([KINDS[case.kind] / sets[case.kind] for case in cases]) * _weights(cases)
    answered = np.array([level == "answered" for level in levels])
    right = np.array([case.judged.is_right for case in cases])
    given = float(parts[answered].sum())
    return float(parts[answered & right].sum()) / given if given else 1.0


def cross_validated(cases: Sequence[Case], abstain: float, step: float) -> list[Answerability]:
    """Return the label of each case by thresholds that were fitted without its fold."""
    stories = sorted({case.story for case in cases})
    random.Random(SEED).shuffle(stories)
    folds = {story: number % FOLDS for number, story in enumerate(stories)}
    fitted = [fit([case for case in cases if folds[case.story] != fold], abstain, step) for fold in range(FOLDS)]
    return [case.level(fitted[folds[case.story]]) for case in cases]


def described(by_strength: Sequence[Case], by_certainty: Sequence[Case]) -> dict[str, Any]:
    """Return the fitted thresholds, the questions that they were fitted on, and the rates there."""
    answerable = [case for case in by_strength if case.kind == "answerable"]
    abstain = reached(answerable, REACH_ABSTAIN, STEP)
    strength, certainty = fit(by_strength, abstain, STEP), fit(by_certainty, abstain, CERTAINTY_STEP)
    seen = "the articles that are not held out; benchmarks/answerability"
    unseen = "the three articles that the span reader was not trained on; benchmarks/answerability, stories_dev.jsonl"
    return {
        "abstain": abstain,
        "answered": strength.answered,
        "off_topic": reached(answerable, REACH_OFF_TOPIC, STEP),
        "certain_abstain": certainty.certain_abstain,
        "certain_answered": certainty.answered,
        **_described(by_certainty, certainty, CERTAINTY_STEP, unseen),
        "without_span_reader": _described(by_strength, strength, STEP, seen),
        "command": COMMAND,
    }


def _described(cases: Sequence[Case], fitted: Fitted, step: float, articles: str) -> dict[str, Any]:
    return {
        "set": f"squad_v2_dev, {articles}",
        "n": dict(Counter(f"{case.set_name}_{case.kind}" for case in cases)),
        "rates": rates(cases, [case.level(fitted) for case in cases]),
        "cross_validated": rates(cases, cross_validated(cases, fitted.abstain, step)),
    }


def rates(cases: Sequence[Case], levels: Sequence[Answerability]) -> dict[str, Any]:
    """Return the shares of each label by kind, where sets count the same, and by set; and those of right answers."""
    given, right = np.array(levels), np.array([case.judged.is_right for case in cases])
    names, kinds = (np.array([getattr(case, part) for case in cases]) for part in ("set_name", "kind"))
    weights = _weights(cases)

    def share(true: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
        return round(float(weights[true & among].sum() / max(1e-9, weights[among].sum())), 3)

    found: dict[str, Any] = {kind: {level: share(given == level, kinds == kind) for level in LEVELS} for kind in KINDS}
    for name, kind in sorted({(case.set_name, case.kind) for case in cases}):
        asked = (names == name) & (kinds == kind)
        found[f"{name}_{kind}"] = {level: share(given == level, asked) for level in LEVELS}
        if kind == "answerable":
            found[f"{name}_right_of_answered"] = share(right, asked & (given == "answered"))
            found[f"{name}_right_ones_answered"] = share(given == "answered", asked & right)
    return found | {"right_of_answered": round(right_of_answered(cases, levels), 3)}


if __name__ == "__main__":
    main()
