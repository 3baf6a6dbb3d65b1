"""The description of the API: requests that are made from it get the replies that it describes."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.api.access import NEEDS
from tests.described_api import DescribedApi, described_api

EXAMPLES = 5
"""Requests to each operation, valid ones and invalid ones each; `python -m tests.soak schema` sends more."""


@pytest.fixture(scope="module", params=[True, False], ids=["anonymous", "keys"])
def api(
    request: pytest.FixtureRequest, sample_data: Path, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DescribedApi]:
    """A service where callers need no key, and one where they do."""
    data = shutil.copytree(sample_data, tmp_path_factory.mktemp("described") / "data")
    with described_api(data, models, allow_anonymous=request.param) as api:
        yield api


def test_every_reply_is_as_described(api: DescribedApi) -> None:
    """Its status, its type, its fields; an invalid request is refused, and nothing fails inside."""
    for operation in api.operations:
        api.check(operation, EXAMPLES, derandomize=True)

    assert api.statuses["POST /v1/ask"] >= {200, 422}
    assert api.statuses["PUT /v1/articles/{article_id}"] >= {401, 422}
    assert api.statuses["GET /v1/articles/{article_id}"] >= {200}


def test_operations_say_whether_they_need_a_key(api: DescribedApi) -> None:
    """As the service is set now; pushes and metrics always need one."""
    app: Any = api.client.app
    is_open = not app.state.service.access.needs_keys
    described = app.openapi()["paths"]

    assert described["/v1/ask"]["post"]["security"] == [{"HTTPBearer": []}, *([{}] if is_open else [])]
    assert described["/metrics"]["get"]["security"] == [{"HTTPBearer": []}]
    assert {*described["/v1/ask"]["post"]["responses"]} >= {
        "200",
        "400",
        "401",
        "403",
        "413",
        "415",
        "422",
        "429",
        "503",
    }
    assert "422" not in described["/v1/responses"]["post"]["responses"]


def test_a_method_that_a_path_does_not_take_names_those_that_it_takes(api: DescribedApi) -> None:
    """In the header Allow."""
    taken = {method for route in NEEDS for method, _, path in [route.partition(" ")] if path == "/v1/articles/{id}"}
    reply = api.client.post("/v1/articles/some", json={}, headers={"Authorization": f"Bearer {api.key}"})

    assert reply.status_code == 405
    assert {*reply.headers["allow"].split(", ")} == {"HEAD", *taken}
