"""Run a command that goes on until a signal asks it to stop."""

import logging
import os
import signal
import sys
from collections.abc import Callable
from threading import Event, Thread


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
