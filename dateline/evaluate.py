"""`dateline eval …`: score answers to gold questions, and block a change that makes them worse."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.options import Data, settings_of

if TYPE_CHECKING:
    from eval.gold import GoldSet
    from eval.records import Run
    from eval.report import Report
    from eval.run import TimedRun

app = typer.Typer(name="eval", help="Score answers to gold questions.", no_args_is_help=True)

OURS = Path(__file__).parent.parent / "eval" / "gold"

MOST_BREACHES = 20
"""Broken rules that `gate` prints."""

MOST_MISSING = 20
"""Questions that `run` names if they were not asked."""

Gold = Annotated[Path, typer.Option("--gold", help="Folder of the gold set: manifest.json and questions/*.jsonl.")]
Baselines = Annotated[
    Path | None, typer.Option("--baselines", help="Folder of the baselines; default: `baselines` beside the gold set.")
]
RunFile = Annotated[Path, typer.Argument(help="A run that `dateline eval run --out` wrote.")]


@app.command()
def validate(
    gold: Gold = OURS,
    freeze: Annotated[
        bool, typer.Option("--freeze", help="Write the hashes of questions and articles to the manifest.")
    ] = False,
) -> None:
    """Check a gold set; exit 2 naming each fault."""
    from eval.gold import freeze_gold, read_gold

    if freeze:
        freeze_gold(gold)
    found = read_gold(gold)
    typer.echo(f"the gold set is valid: {len(found.items)} questions on {len(found.articles)} articles")


@app.command()
def run(
    out: Annotated[Path, typer.Option("--out", help="File for the answers; the times go beside it.")] = Path(
        "run.jsonl"
    ),
    gold: Gold = OURS,
    url: Annotated[
        str | None, typer.Option("--target", help="Address of a running service to ask; default: the offline lane.")
    ] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Only questions of this type; may be repeated.")
    ] = None,
    ids: Annotated[
        list[str] | None, typer.Option("--id", help="Only the question with this id; may be repeated.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="At most this many questions.")] = None,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Ask each question this often.")] = 1,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="Stop before the replies exceed this many tokens.")
    ] = None,
    max_cost_usd: Annotated[
        float | None, typer.Option("--max-cost-usd", min=0, help="Stop before the replies cost more US dollars.")
    ] = None,
) -> None:
    """Ask the gold questions and write the answers to a file.

    The offline lane indexes the articles in a temporary folder and needs no key and no network. A target gets the key
    in DATELINE_EVAL_KEY. A run that is stopped before its end exits with 3.
    """
    from dateline.exit_codes import INCOMPLETE
    from eval.baseline import write_run
    from eval.gold import read_gold
    from eval.run import Live, Selection, run_offline, run_service
    from eval.score import outcomes_line
    from eval.score import score as score_run
    from eval.settings import EvalSettings
    from eval.target import Cap
    from index.errors import ConfigurationError

    if not url and (repeats > 1 or max_tokens is not None or max_cost_usd is not None):
        raise ConfigurationError(
            "--repeats, --max-tokens and --max-cost-usd need --target",
            "The offline lane is free, and its answers are the same each time.",
        )
    read, settings = read_gold(gold), settings_of(EvalSettings)
    selection = Selection(types or (), ids or (), limit)
    if url:
        live = Live(url, settings.eval_key, repeats, Cap(max_tokens, max_cost_usd))
        measured = run_service(read, selection, live)
    else:
        measured = run_offline(read, selection, settings.models_folder)
    write_run(out, measured.run)
    _times_of(out).write_text(json.dumps(measured.latency_ms, indent=1) + "\n", encoding="utf-8")
    outcomes = outcomes_line(score_run(read, measured.run))
    typer.echo(f"{len(measured.run.predictions)} answers written to {out}: {outcomes}")
    if url:
        _print_cost(read, measured.run)
    if measured.run.header.stopped:
        raise typer.Exit(INCOMPLETE)


def _print_cost(gold: "GoldSet", run: "Run") -> None:
    """Print what a run cost, and what it did not ask."""
    from eval.run import missing_of, replies_of
    from eval.target import Cost, cost_of

    typer.echo(f"cost: {sum(map(cost_of, replies_of(run)), Cost())}")
    if run.header.stopped:
        hidden = {item.id for item in gold.items if item.split == "holdout"}
        missing = missing_of(run)
        named = [id_ for id_ in missing if id_ not in hidden][:MOST_MISSING]
        more = f" and {len(missing) - len(named)} more questions" if len(missing) > len(named) else ""
        typer.echo(f"stopped: {run.header.stopped}", err=True)
        typer.echo(f"requests not sent: {sum(missing.values())} ({', '.join(named)}{more})", err=True)


@app.command()
def score(run_file: RunFile, gold: Gold = OURS) -> None:
    """Print the outcomes and figures of a run as JSON."""
    from eval.baseline import read_run
    from eval.gold import read_gold
    from eval.score import score as score_run
    from eval.score import summarise

    grades = score_run(read_gold(gold), read_run(run_file))
    groups = {name: group.model_dump(mode="json") for name, group in summarise(grades).items()}
    typer.echo(json.dumps({"grades": [grade.model_dump(mode="json") for grade in grades], "summary": groups}))


@app.command()
def compare(
    run_file: RunFile,
    gold: Gold = OURS,
    baselines: Baselines = None,
    before: Annotated[
        Path | None, typer.Option("--before", help="An earlier run of the same lane; default: the baseline.")
    ] = None,
) -> None:
    """Compare a run with its baseline or an earlier run, as Markdown."""
    from eval.report_files import to_markdown

    typer.echo(to_markdown(_report(gold, run_file, baselines, before)))


@app.command()
def gate(
    run_file: Annotated[
        Path | None, typer.Argument(help="A run that `dateline eval run` wrote; default: run the offline lane now.")
    ] = None,
    gold: Gold = OURS,
    baselines: Baselines = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write a Markdown report, for the summary of a CI job.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write an HTML page with every question.")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report as JSON.")] = None,
) -> None:
    """Decide whether a change may be merged.

    Compares a run with its baseline. Exit codes: 0 pass, 1 quality, 2 invalid gold set or argument, 3 incomplete.
    """
    from eval.report_files import to_html, to_json, to_junit, to_markdown

    report = _report(gold, run_file, baselines)
    for path, text_of in ((markdown, to_markdown), (html, to_html), (junit, to_junit), (json_file, to_json)):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text_of(report), encoding="utf-8")
    typer.echo(str(report.decision))
    breaches = report.decision.breaches
    for breach in breaches[:MOST_BREACHES]:
        stage = f" [{breach.stage}]" if breach.stage else ""
        question = f"{breach.question} " if breach.question else ""
        typer.echo(f"  {breach.rule}{stage}: {question}{breach.detail}")
    if len(breaches) > MOST_BREACHES:
        typer.echo(f"  and {len(breaches) - MOST_BREACHES} more; --html writes them all")
    if named := next((breach.question for breach in breaches if breach.question), None):
        typer.echo(f"Run `dateline eval explain {named}` to see why.", err=True)
    raise typer.Exit(report.decision.exit_code)


@app.command()
def explain(
    question: Annotated[str, typer.Argument(help="The id of a gold question, such as who-001.")],
    run_file: Annotated[
        Path | None, typer.Option("--run", help="A run that has its answer; default: ask the question now.")
    ] = None,
    gold: Gold = OURS,
) -> None:
    """Explain the outcome of one question.

    Prints what it expects, what was retrieved, answered and cited, and how that was scored.
    """
    from eval.explain import explain as explain_question
    from eval.gold import read_gold

    read = read_gold(gold)
    typer.echo(explain_question(read, question, _measured(read, run_file, (question,)).run))


@app.command()
def bless(
    run_file: RunFile,
    reason: Annotated[str, typer.Option("--reason", help="Why this run replaces the baseline, in a sentence.")],
    gold: Gold = OURS,
    baselines: Baselines = None,
) -> None:
    """Make a complete run the baseline of its lane."""
    from eval.baseline import bless_run, read_run
    from eval.gold import read_gold

    written = bless_run(read_gold(gold), read_run(run_file), _baselines(gold, baselines), reason)
    typer.echo(f"baseline written to {written}")


@app.command()
def draft(
    data: Data = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many questions.")] = 20,
) -> None:
    """Print drafts of gold questions: lines of JSON made from the newest articles of the index.

    Each has the fact and the evidence of an answer that the offline pipeline gave. Read each one before you use it.
    """
    from dateline.ask import opened
    from eval.draft import drafts, to_line

    with opened(data) as pipeline:
        for item in drafts(pipeline, limit):
            typer.echo(to_line(item))


def _measured(gold: "GoldSet", run_file: Path | None, ids: tuple[str, ...] = ()) -> "TimedRun":
    """Return the run in a file with the times beside it; without a file, run the offline lane now."""
    from eval.baseline import read_run
    from eval.run import Selection, TimedRun, run_offline
    from index.settings import IndexSettings

    if run_file is None:
        return run_offline(gold, Selection(ids=ids), settings_of(IndexSettings).models_folder)
    times = _times_of(run_file)
    return TimedRun(read_run(run_file), json.loads(times.read_text("utf-8")) if times.is_file() else {})


def _times_of(run_file: Path) -> Path:
    return run_file.with_name(f"{run_file.name.removesuffix('.jsonl')}.times.json")


def _report(gold: Path, run_file: Path | None, baselines: Path | None, before: Path | None = None) -> "Report":
    from eval.baseline import read_run
    from eval.gold import read_gold
    from eval.report import make_report

    read = read_gold(gold)
    measured = _measured(read, run_file)
    earlier = read_run(before) if before else None
    return make_report(read, measured.run, _baselines(gold, baselines), measured.latency_ms, earlier)


def _baselines(gold: Path, given: Path | None) -> Path:
    return given or gold.absolute().parent / "baselines"
