"""Each class of error has a status, a code and a public sentence."""

import re

import pytest

import index.errors
import service.errors
from index.errors import DatelineError, IndexDamaged, IndexUnavailable
from service.api.problems import PROBLEMS, error_body, problem_of, public_message
from service.errors import ReaderFailed

OPERATOR = re.compile(r"/|`|[A-Z]{2,}_|dateline|openai|chroma|sqlite|http", re.IGNORECASE)
"""What belongs to the log: paths, commands, settings, vendors."""


def subclasses(kind: type[DatelineError]) -> set[type[DatelineError]]:
    return {kind, *(below for child in kind.__subclasses__() for below in subclasses(child))}


def test_every_error_class_is_mapped() -> None:
    """Each class of the two trees has a problem of its own or of a class right above it that is not the root."""
    ours = {
        kind
        for kind in subclasses(DatelineError)
        if kind.__module__ in (index.errors.__name__, service.errors.__name__)
    }

    assert len(ours) > 15
    for kind in ours - {DatelineError}:
        assert problem_of(kind("found")) != PROBLEMS[DatelineError], kind


def test_an_error_says_its_code_and_the_request(caplog: pytest.LogCaptureFixture) -> None:
    """The reply has the public sentence of the code; the error's own words and its hint are logged."""
    body = error_body(IndexDamaged("the catalogue in /srv/secret is cut", "Run `dateline doctor`."), "req_1")

    assert body == {
        "error": {
            "type": "service_unavailable_error",
            "code": "index_unavailable",
            "message": PROBLEMS[IndexUnavailable].message,
            "param": None,
            "request_id": "req_1",
        }
    }
    for part in ("/srv/secret", "dateline doctor"):
        assert part in caplog.text


def test_a_public_message_is_a_sentence_without_operator_text() -> None:
    """No path, setting, command or vendor in any of them."""
    messages = [problem.message for problem in PROBLEMS.values()]
    messages += [kind.public for kind in subclasses(ReaderFailed) if issubclass(kind, ReaderFailed)]

    for message in messages:
        assert message
        assert not OPERATOR.search(message), message


def test_an_unexpected_error_says_nothing_of_itself() -> None:
    """Whatever went wrong, a page shows the sentence for internal errors."""
    assert public_message(RuntimeError("/srv/secret")) == PROBLEMS[DatelineError].message
