"""Run a command that goes on until a signal asks it to stop."""

import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from threading import Event, Thread
from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from index.replicas.pull import PullReport
    from index.replicas.push import PushReport
    from index.settings import LogFormat

ReportT = TypeVar("ReportT", "PushReport", "PullReport")


def run_until_stopped(
    work: Callable[[], None], logger: str, begun: str, at_end: Callable[[], object] | None = None
) -> None:
    """Run work that may be killed at any point, until SIGTERM or SIGINT; raise what it raises.

    Logs what has `begun` once a signal stops it with exit code 0. `at_end` is called after a signal, while the work
    still runs. The work runs in a thread of its own: a request to a server that does not answer delays no signal.
    """
    ended, raised = Event(), list[BaseException]()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again below
            raised.append(error)
        finally:
            ended.set()

    def stop(*_: object) -> None:
        if at_end is not None:
            at_end()
        logging.getLogger(logger).info("stopped")
        sys.stdout.flush()
        sys.stderr.flush()
        # No thread is waited for.
        os._exit(0)

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)
    logging.getLogger(logger).info("%s", begun)
    Thread(target=run, daemon=True).start()
    ended.wait()
    raise raised[0]


def follow(
    look: "Callable[[], ReportT | None]",
    every_s: float,
    log_format: "LogFormat",
    summary: "Callable[[ReportT], str]",
    *,
    what: str,
    json_: bool,
    at_end: "Callable[[], object] | None" = None,
) -> None:
    """Look again and again until a signal; log each report with news, or print it as a line of JSON."""
    from index.replicas.follow import Follower
    from service.log import start_log

    start_log(log_format)
    logger = logging.getLogger("dateline.replicas")

    def look_once() -> None:
        report = look()
        if report is None or not report.is_new:
            return
        if json_:
            typer.echo(json.dumps(asdict(report)))
        else:
            logger.info("%s", summary(report))

    run_until_stopped(Follower(look_once, every_s).run, logger.name, f"following {what}", at_end)
