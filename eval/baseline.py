"""Runs and baselines as JSON Lines files. A baseline moves only when a run is blessed.

A baseline keeps predictions, not grades: today's gold and metrics score both sides, so that a change of gold does
not look like a change of the product.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from eval.errors import GoldInvalid, RunIncomplete
from eval.gate import ScoredRun, decide
from eval.gold import GoldSet
from eval.records import Header, Prediction, Run
from eval.score import score
from index.records import Article

FILE = "baseline.jsonl"

NEVER = ("complete", "injection", "dangling citation", "false quote")
"""Rules that no baseline may break."""

_KEPT = ("status", "status_reason", "answer", "citations", "unsupported", "independent_sources")
_KEPT_OF_SOURCE = ("id", "marker", "article_id", "start_char_index", "end_char_index")
_KEPT_OF_PARAPHRASE = ("status", "answer")


def write_run(path: Path, run: Run) -> None:
    """Write the header of a run, then its predictions ordered by id; the same run gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [run.header, *sorted(run.predictions, key=lambda prediction: prediction.id)]
    path.write_text("".join(f"{line.model_dump_json()}\n" for line in lines), encoding="utf-8")


def read_run(path: Path) -> Run:
    """Read a run; raises GoldInvalid if the file is missing, invalid or incomplete."""
    try:
        text = path.read_text(encoding="utf-8")
        first, *others = text.splitlines()
        run = Run(
            header=Header.model_validate_json(first),
            predictions=tuple(Prediction.model_validate_json(line) for line in others),
        )
    except (OSError, ValueError) as error:
        raise GoldInvalid(f"{path} is not a run: {error}", "Make one with `dateline eval run`.") from error
    if len(run.predictions) != run.header.questions or not text.endswith("\n"):
        raise GoldInvalid(
            f"{path} is cut off: it has {len(run.predictions)} of {run.header.questions} answers",
            "Make the run again with `dateline eval run`.",
        )
    return run


def bless_run(gold: GoldSet, run: Run, baselines: Path, reason: str) -> Path:
    """Write a run as the baseline of its lane and return the file.

    Raises RunIncomplete if the run is a subset or breaks one of the rules in `NEVER`.
    """
    if len(reason.strip()) < 10:
        raise GoldInvalid(f"the reason is {reason!r}", "Give a sentence of at least 10 characters.")
    if run.header.subset:
        raise RunIncomplete("the run is a subset", "Bless a run of all questions.")
    scored = ScoredRun(run.header, score(gold, run))
    broken = [breach for breach in decide(gold, scored, scored).breaches if breach.rule in NEVER]
    if broken:
        raise RunIncomplete(f"the run breaks {broken[0].rule}: {broken[0].detail}", "Fix that and run again.")
    path = baselines / run.header.lane / FILE
    write_baseline(path, run)
    note = {"reason": reason.strip(), **run.header.model_dump(mode="json")}
    (path.parent / "header.json").write_text(json.dumps(note, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path


def write_baseline(path: Path, run: Run) -> None:
    """Write the scored parts of a run, without the passages' text, so that a reviewer can read a diff."""
    predictions = tuple(_scored_parts(prediction) for prediction in run.predictions)
    write_run(path, run.model_copy(update={"predictions": predictions}))


def read_baseline(folder: Path, lane: str, articles: Mapping[str, Article]) -> Run | None:
    """Read the baseline of a lane, with the text of each passage from `articles`; None if no run was blessed."""
    path = folder / lane / FILE
    if not path.is_file():
        return None
    run = read_run(path)
    return run.model_copy(update={"predictions": tuple(_with_snippets(each, articles) for each in run.predictions)})


def _scored_parts(prediction: Prediction) -> Prediction:
    reply, repeats = prediction.reply, tuple(map(_scored_parts, prediction.repeats))
    if reply is None:
        return prediction.model_copy(update={"repeats": repeats})
    kept = {name: reply[name] for name in _KEPT if name in reply}
    kept["sources"] = [{name: source[name] for name in _KEPT_OF_SOURCE} for source in reply["sources"]]
    kept["usage"] = {"llm_calls": reply["usage"]["llm_calls"]}
    kept["versions"] = {"model": reply["versions"]["model"]}
    others = tuple({name: other[name] for name in _KEPT_OF_PARAPHRASE} for other in prediction.paraphrased)
    return prediction.model_copy(update={"reply": kept, "paraphrased": others, "repeats": repeats})


def _with_snippets(prediction: Prediction, articles: Mapping[str, Article]) -> Prediction:
    repeats = tuple(_with_snippets(each, articles) for each in prediction.repeats)
    if prediction.reply is None:
        return prediction.model_copy(update={"repeats": repeats})
    bodies = {name: article.body for name, article in articles.items()}
    sources = [
        {**each, "snippet": bodies.get(each["article_id"], "")[each["start_char_index"] : each["end_char_index"]]}
        for each in prediction.reply["sources"]
    ]
    return prediction.model_copy(update={"reply": {**prediction.reply, "sources": sources}, "repeats": repeats})
