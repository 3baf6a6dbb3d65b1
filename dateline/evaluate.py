"""`dateline eval …`: score answers against gold questions, and block a merge when they get worse."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.draft import draft
from dateline.trouble import settings_of

if TYPE_CHECKING:
    from eval.questions import GoldSet
    from eval.report import Report
    from eval.run import Measurement

app = typer.Typer(name="eval", help="Did it get better? Gold questions, metrics and the gate.", no_args_is_help=True)
app.command()(draft)

OURS = Path(__file__).parent.parent / "eval"

Gold = Annotated[Path, typer.Option("--gold", help="Folder of the gold set.")]
Baselines = Annotated[
    Path | None, typer.Option("--baselines", help="Folder of the baselines; default `baselines` beside the gold set.")
]
RunFile = Annotated[Path, typer.Argument(help="A run, as `dateline eval run --out` wrote it.")]


@app.command()
def validate(
    gold: Gold = OURS / "gold",
    freeze: Annotated[bool, typer.Option("--freeze", help="Write the hashes of questions and corpus.")] = False,
) -> None:
    """Is the gold set fit for use? Exit 2 naming every fault."""
    from eval import questions

    if freeze:
        questions.freeze(gold)
    found = questions.read_gold(gold)
    typer.echo(f"{len(found.items)} questions on {len(found.articles)} articles are fit for use")


@app.command()
def run(
    out: Annotated[Path, typer.Option("--out", help="Where to keep the run.")] = Path("run.jsonl"),
    gold: Gold = OURS / "gold",
    url: Annotated[str | None, typer.Option("--target", help="Ask the service at this address.")] = None,
    types: Annotated[list[str] | None, typer.Option("--type", help="Only questions of this type.")] = None,
    ids: Annotated[list[str] | None, typer.Option("--id", help="Only this question.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="Only so many questions.")] = None,
) -> None:
    """Ask every gold question and keep the answers."""
    from eval.baseline import write_run
    from eval.questions import read_gold
    from eval.run import Order, run_offline, run_service
    from eval.score import score as score_run
    from eval.summary import outcomes_line
    from index.settings import IndexSettings

    read = read_gold(gold)
    order = Order(types or (), ids or (), limit)
    models = settings_of(IndexSettings).models_folder
    measured = run_service(read, order, url) if url else run_offline(read, order, models)
    write_run(out, measured.run)
    _times_of(out).write_text(json.dumps(measured.latency_ms, indent=1) + "\n", encoding="utf-8")
    typer.echo(f"{len(measured.run.predictions)} answers are in {out}: {outcomes_line(score_run(read, measured.run))}")


@app.command()
def score(run_file: RunFile, gold: Gold = OURS / "gold") -> None:
    """Print the verdicts and figures of a run as JSON."""
    from eval.baseline import read_run
    from eval.questions import read_gold
    from eval.score import score as score_run
    from eval.summary import summarise

    verdicts = score_run(read_gold(gold), read_run(run_file))
    groups = {name: group.model_dump(mode="json") for name, group in summarise(verdicts).items()}
    typer.echo(json.dumps({"verdicts": [v.model_dump(mode="json") for v in verdicts], "summary": groups}))


@app.command()
def compare(run_file: RunFile, gold: Gold = OURS / "gold", baselines: Baselines = None) -> None:
    """Show which questions were lost and won against the baseline."""
    from eval.report.markdown import to_markdown

    typer.echo(to_markdown(_report(gold, run_file, baselines)))


@app.command()
def gate(
    run_file: Annotated[Path | None, typer.Argument(help="A run; without one the offline lane is run now.")] = None,
    gold: Gold = OURS / "gold",
    baselines: Baselines = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="Write a report for a pull request.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page to look at.")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report as JSON.")] = None,
) -> None:
    """May this change be merged? Exit 0 pass, 1 quality, 2 bad gold or usage, 3 incomplete."""
    from eval.report import write_reports

    report = _report(gold, run_file, baselines)
    write_reports(report, markdown=markdown, html=html, junit=junit, json_file=json_file)
    typer.echo(report.decision.verdict)
    for breach in report.decision.breaches[:20]:
        stage = f" [{breach.stage}]" if breach.stage else ""
        typer.echo(f"  {breach.rule}{stage}: {breach.question or ''} {breach.detail}")
    raise typer.Exit(report.decision.exit_code)


@app.command()
def explain(
    question: Annotated[str, typer.Argument(help="The id of a question.")],
    run_file: Annotated[Path | None, typer.Option("--run", help="A run; without one it is asked now.")] = None,
    gold: Gold = OURS / "gold",
) -> None:
    """Tell the whole story of one question."""
    from eval.explain import explained
    from eval.questions import read_gold

    read = read_gold(gold)
    typer.echo(explained(read, question, _measured(read, run_file, (question,)).run))


@app.command()
def bless(
    run_file: RunFile,
    reason: Annotated[str, typer.Option("--reason", help="Why this run is the new measure.")],
    gold: Gold = OURS / "gold",
    baselines: Baselines = None,
) -> None:
    """Make a whole run the baseline of its lane."""
    from eval.baseline import read_run
    from eval.bless import bless_run
    from eval.questions import read_gold

    written = bless_run(read_gold(gold), read_run(run_file), baselines or _beside(gold), reason)
    typer.echo(f"the baseline is {written}")


def _measured(gold: "GoldSet", run_file: Path | None, ids: tuple[str, ...] = ()) -> "Measurement":
    """The run of a file with its times, where they lie beside it; without a file the offline lane, run now."""
    from eval.baseline import read_run
    from eval.run import Measurement, Order, run_offline
    from index.settings import IndexSettings

    if run_file is None:
        return run_offline(gold, Order(ids=ids), settings_of(IndexSettings).models_folder)
    times = _times_of(run_file)
    return Measurement(read_run(run_file), json.loads(times.read_text("utf-8")) if times.is_file() else {})


def _times_of(run_file: Path) -> Path:
    return run_file.with_name(f"{run_file.name.removesuffix('.jsonl')}.times.json")


def _report(gold: Path, run_file: Path | None, baselines: Path | None) -> "Report":
    from eval.questions import read_gold
    from eval.report import make_report

    read = read_gold(gold)
    measured = _measured(read, run_file)
    return make_report(read, measured.run, baselines or _beside(gold), measured.latency_ms)


def _beside(gold: Path) -> Path:
    """The folder of the baselines, where none is named: beside the gold set, as ours is."""
    return gold.absolute().parent / "baselines"
