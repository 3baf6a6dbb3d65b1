"""How trouble ends: the exit code of each kind, and what is written of it."""

from typing import Any, TypeVar, cast

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from eval.errors import GoldInvalid, RunIncomplete
from index.errors import ConfigurationError, DatelineError, IndexNotFound, IngestRunning
from service.errors import QuestionRefused

SettingsT = TypeVar("SettingsT", bound=BaseSettings)

WRONG = 1
USAGE = 2
INCOMPLETE = 3
RUNNING = 4

EXIT_CODES: dict[type, int] = {
    ConfigurationError: USAGE,
    IndexNotFound: USAGE,
    QuestionRefused: USAGE,
    IngestRunning: RUNNING,
    GoldInvalid: USAGE,
    RunIncomplete: INCOMPLETE,
}
"""What whoever started a command can tell from its exit code; of `eval`, the table of the contract."""


def exit_code_of(error: DatelineError) -> int:
    """The code of the nearest class in `EXIT_CODES`; 1 where none says otherwise."""
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), WRONG)


def explain(error: DatelineError) -> str:
    """The message and the hint, for stderr."""
    return f"dateline: {error}"


def settings_of(kind: type[SettingsT], **given: object) -> SettingsT:
    """Settings from the environment, `.env` and what was given (None: not given).

    What is wrong with them becomes a ConfigurationError naming each.
    """
    try:
        settings: SettingsT = cast("Any", kind)(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, item['loc'])) or 'settings'}: {item['msg']}" for item in error.errors()]
        raise ConfigurationError(
            f"the settings are not usable: {'; '.join(faults)}", "Each setting is described in docs/settings.md."
        ) from error
    return settings
