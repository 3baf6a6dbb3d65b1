"""The exit code of each error. `eval` has a table of its own: 0 pass, 1 quality, 2 usage, 3 incomplete."""

from eval.errors import GoldInvalid, RunIncomplete
from index.errors import ConfigurationError, DatelineError, IndexNotFound, IngestRunning, PublisherConflict
from ingest.errors import JobIncomplete
from service.errors import QuestionRefused

FAILED = 1
USAGE = 2
INCOMPLETE = 3
CONFLICT = 4

EXIT_CODES: dict[type, int] = {
    ConfigurationError: USAGE,
    IndexNotFound: USAGE,
    QuestionRefused: USAGE,
    GoldInvalid: USAGE,
    RunIncomplete: INCOMPLETE,
    JobIncomplete: INCOMPLETE,
    IngestRunning: CONFLICT,
    PublisherConflict: CONFLICT,
}


def exit_code_of(error: DatelineError) -> int:
    """Return the code of the nearest class in `EXIT_CODES`, 1 if none of them fits."""
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), FAILED)
