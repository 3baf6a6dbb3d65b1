"""`dateline` and `python -m dateline`: run a command, and exit with the code of its error."""

import sys

import typer

from dateline import (
    ask,
    doctor,
    embed,
    evaluate,
    feedback,
    generations,
    ingest,
    keys,
    pull,
    push,
    remove,
    replicas,
    serve,
)
from dateline.exit_codes import exit_code_of
from index.errors import DatelineError

app = typer.Typer(
    name="dateline",
    help="Answer questions from a newsroom's own articles, with citations that can be checked.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS = (ingest.ingest, serve.serve, ask.ask, ask.search, doctor.doctor, remove.remove, push.push, pull.pull)
for command in COMMANDS:
    app.command()(command)
for group in (generations.app, evaluate.app, feedback.app, keys.app, embed.app, replicas.app):
    app.add_typer(group)


def main() -> None:
    """Run the command line; an error of Dateline prints its message and hint and exits with its code."""
    try:
        app()
    except DatelineError as error:
        sys.stderr.write(f"dateline: {error}\n")
        sys.exit(exit_code_of(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of stdout has closed it; closing stderr keeps Python from reporting that again at exit.
        sys.stderr.close()
        sys.exit(141)


if __name__ == "__main__":
    main()
