"""`dateline` and `python -m dateline`: the commands, and how each kind of trouble ends."""

import sys

import typer

from dateline import ask, doctor, evaluate, feedback, generations, ingest, remove, search, serve
from dateline.trouble import exit_code_of, explain
from index.errors import DatelineError

app = typer.Typer(
    name="dateline",
    help="Answers questions from a newsroom's own articles, with citations that a reader can check.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command(name="ingest")(ingest.ingest)
app.command(name="serve")(serve.serve)
app.command(name="ask")(ask.ask)
app.command(name="search")(search.search)
app.command(name="doctor")(doctor.doctor)
app.command(name="remove")(remove.remove)
app.add_typer(generations.app)
app.add_typer(evaluate.app)
app.add_typer(feedback.app)


def main() -> None:
    """Run the command line; trouble that Dateline knows ends with its message, its hint and its exit code."""
    try:
        app()
    except DatelineError as error:
        sys.stderr.write(f"{explain(error)}\n")
        sys.exit(exit_code_of(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has left; Python would complain again when it flushes stdout.
        sys.stderr.close()
        sys.exit(141)


if __name__ == "__main__":
    main()
