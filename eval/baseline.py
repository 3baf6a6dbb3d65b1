"""Baselines: the verdicts that a change is compared with, committed, one a lane; moved only by blessing a run.

A baseline keeps the predictions, not the scores: gold and metrics of today score both sides, so that a change of
gold never looks like a change of the product.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import Field

from eval.errors import GoldInvalid, RunIncomplete
from eval.records import Header, Prediction, Record, Run
from index.records import Article

FILE = "baseline.jsonl"
ACCEPTED = "accepted.json"

_KEPT = ("status", "status_reason", "answer", "citations", "unsupported")
_KEPT_OF_SOURCE = ("id", "marker", "article_id", "start_char_index", "end_char_index")
_KEPT_OF_PARAPHRASE = ("status", "answer")


class Accepted(Record):
    """A loss that is meant, why, and the day from which it counts again."""

    id: str
    reason: str = Field(min_length=10)
    expires: date


class AcceptedList(Record):
    """All losses that are meant."""

    accepted: tuple[Accepted, ...] = ()


def write_run(path: Path, run: Run) -> None:
    """Write a run as JSON Lines: the header, then each prediction by id. The same run gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [run.header, *sorted(run.predictions, key=lambda prediction: prediction.id)]
    path.write_text("".join(f"{line.model_dump_json()}\n" for line in lines), encoding="utf-8")


def read_run(path: Path) -> Run:
    """Read a run; raises GoldInvalid if the file is missing, invalid or cut short."""
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
            f"{path} is cut short: found {len(run.predictions)} of {run.header.questions} answers",
            "Make the run again with `dateline eval run`.",
        )
    return run


def write_baseline(path: Path, run: Run) -> None:
    """Write a run as a baseline: only the parts of each reply that are scored, so that a reviewer can read a diff."""
    predictions = tuple(_scored_parts(prediction) for prediction in run.predictions)
    write_run(path, run.model_copy(update={"predictions": predictions}))


def read_baseline(folder: Path, lane: str, articles: Mapping[str, Article]) -> Run:
    """Read the baseline of a lane, with the text of each passage taken from `articles`.

    Raises RunIncomplete if no run was blessed, GoldInvalid if the file is damaged.
    """
    path = folder / lane / FILE
    if not path.is_file():
        raise RunIncomplete(f"there is no baseline for the lane {lane!r}", "Make one with `dateline eval bless RUN`.")
    run = read_run(path)
    predictions = tuple(_with_snippets(prediction, articles) for prediction in run.predictions)
    return run.model_copy(update={"predictions": predictions})


def _scored_parts(prediction: Prediction) -> Prediction:
    reply = prediction.reply
    if reply is None:
        return prediction
    kept = {name: reply[name] for name in _KEPT}
    kept["sources"] = [{name: source[name] for name in _KEPT_OF_SOURCE} for source in reply["sources"]]
    kept["usage"] = {"llm_calls": reply["usage"]["llm_calls"]}
    kept["versions"] = {"model": reply["versions"]["model"]}
    others = tuple({name: other[name] for name in _KEPT_OF_PARAPHRASE} for other in prediction.paraphrased)
    return prediction.model_copy(update={"reply": kept, "paraphrased": others})


def _with_snippets(prediction: Prediction, articles: Mapping[str, Article]) -> Prediction:
    reply = prediction.reply
    if reply is None:
        return prediction
    sources = [{**source, "snippet": _snippet(source, articles)} for source in reply["sources"]]
    return prediction.model_copy(update={"reply": {**reply, "sources": sources}})


def _snippet(source: Mapping[str, Any], articles: Mapping[str, Article]) -> str:
    article = articles.get(source["article_id"])
    return article.body[source["start_char_index"] : source["end_char_index"]] if article else ""


def read_accepted(folder: Path) -> tuple[Accepted, ...]:
    """Return the accepted losses; empty without a list."""
    path = folder / ACCEPTED
    if not path.is_file():
        return ()
    try:
        return AcceptedList.model_validate_json(path.read_text(encoding="utf-8")).accepted
    except ValueError as error:
        raise GoldInvalid(f"{path} cannot be used: {error}", "An entry has id, reason, expires.") from error
