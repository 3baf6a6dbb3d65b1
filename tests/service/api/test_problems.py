"""Every class of error is told to the caller in its own way."""

import index.errors
import service.errors
from index.errors import DatelineError
from service.api.problems import PROBLEMS, error_body, problem_of


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


def test_an_error_tells_its_hint_and_the_request() -> None:
    """Message and hint are sentences of one line."""
    body = error_body(DatelineError("the index is closed", "Start it again."), "req_1")

    assert body == {
        "error": {
            "type": "server_error",
            "code": "internal",
            "message": "The index is closed. Start it again.",
            "param": None,
            "request_id": "req_1",
        }
    }
