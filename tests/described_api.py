"""Requests made from the description of the API, valid and invalid ones, and whether each reply is as described."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, CheckContext, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks
from starlette.testclient import TestClient

from index.spool import writer_lock
from service.api.app import create_app
from service.api.description import FOR_OPENAI
from service.caller import SCOPES
from service.keys import Grant, KeyStore
from tests.samples import pipeline_of, settings_for

Operation = APIOperation[Any, Any, Any, Any]
Sent = Case[Any]
KNOWN = {"model_id": "dateline", "article_id": "ferry-strike-ends"}
EDGES_OF_TIME = ("0001-01-01", "9999-12-31")
"""Days that are not in the calendar in UTC, which a schema cannot state."""

PUSHES = "push"
"""The tag of operations on pushed articles."""


def every_status_is_described(_: CheckContext, response: Response, case: Sent) -> None:
    """Fail for a status that only `default` describes."""
    described = [status for status in case.operation.responses.status_codes if status != "default"]
    assert str(response.status_code) in described, f"{response.status_code} is not among {described}"


CHECKS: list[Any] = [
    not_a_server_error,
    every_status_is_described,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]


@dataclass(frozen=True, slots=True)
class DescribedApi:
    """A service, with a key for every scope; `statuses` are those that were answered, by operation."""

    client: TestClient
    key: str
    statuses: dict[str, set[int]] = field(default_factory=dict)

    @property
    def operations(self) -> list[Operation]:
        """The operations of the description."""
        app: Any = self.client.app
        described = deepcopy(app.openapi())
        for path in described["paths"].values():
            for operation in path.values():
                # Each request is sent with a key and without one.
                operation.pop("security", None)
        found: Iterator[Any] = schemathesis.openapi.from_dict(described).get_all_operations()
        return [result.ok() for result in found]

    def check(self, operation: Operation, examples: int, *, derandomize: bool) -> None:
        """Fail if a reply to this many valid and invalid requests is not as described."""
        self.statuses[operation.label] = set()
        for mode in GenerationMode:
            run = settings(
                max_examples=examples,
                derandomize=derandomize,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate, Phase.shrink],
            )

            def send_case(case: Sent, mode: GenerationMode = mode) -> None:
                self._send(case, is_valid=mode is GenerationMode.POSITIVE)

            try:
                _given(operation.as_strategy(generation_mode=mode), send_case, run)
            except Unsatisfiable:
                # Without parameters and a body no request is invalid.
                assert mode is GenerationMode.NEGATIVE

    def _send(self, case: Sent, *, is_valid: bool) -> None:
        """Send a request without a key and with one; its model, and its id if it is valid, are known."""
        if isinstance(case.body, dict) and isinstance(case.body.get("model"), str):
            case.body["model"] = KNOWN["model_id"]
        if is_valid and isinstance(case.body, dict) and case.body.get("reader") == "llm":
            # No language model answers here.
            case.body["reader"] = "auto"
        # Spaces at the ends of texts are cut before they are validated.
        assume(_stripped(case.body) == case.body)
        assume(not any(day in str(case.body) for day in EDGES_OF_TIME))
        if is_valid and case.path_parameters:
            case.path_parameters.update({name: KNOWN[name] for name in case.path_parameters})
        tags = case.operation.tags or []
        wanted = [
            *CHECKS,
            *([checks.positive_data_acceptance] if is_valid and not {FOR_OPENAI, PUSHES} & {*tags} else []),
        ]
        app: Any = self.client.app
        for headers in ({}, {"Authorization": f"Bearer {self.key}"}):
            sent = case.as_transport_kwargs(base_url="http://testserver", headers=headers)
            sent = {name: value for name, value in sent.items() if value is not None and name != "cookies"}
            if isinstance(sent.get("data"), bytes | str):
                sent["content"] = sent.pop("data")
            reply = self.client.request(**sent)
            for rate in (app.state.service.limits.feedback_of_all, app.state.service.limits.feedback_of_a_client):
                rate._levels.clear()
            self.statuses[case.operation.label].add(reply.status_code)
            case.validate_response(cast("Any", reply), checks=wanted)


def _stripped(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value whose texts have no spaces at their ends."""
    if isinstance(value, dict):
        return {name: _stripped(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_stripped(each) for each in value]
    return value.strip() if isinstance(value, str) else value


def _given(strategy: Any, function: Callable[[Sent], None], run: settings) -> None:  # noqa: ANN401 - as typed there
    """Run a function with the values of a strategy."""

    @run
    @given(strategy)
    def test(case: Sent) -> None:
        function(case)

    test()


@contextmanager
def described_api(data: Path, models: Path, **more: object) -> Iterator[DescribedApi]:
    """Serve an index of the sample articles, beside the lock of a writer, so that pushes are accepted."""
    key, _ = KeyStore(data).create(Grant("every scope", frozenset(SCOPES)))
    given_ = settings_for(data, models, span_reader=False, key_per_minute=0, **more)
    app = create_app(given_, pipeline_of(given_))
    with writer_lock(data), TestClient(app, raise_server_exceptions=False) as client:
        yield DescribedApi(client, key)
