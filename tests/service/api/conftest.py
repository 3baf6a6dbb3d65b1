"""The HTTP application around the offline pipeline, without a network."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.build import build_pipeline
from service.settings import ServiceSettings


def client_of(settings: ServiceSettings) -> TestClient:
    """Return a client of a service; an error inside becomes a reply, as over HTTP."""
    return TestClient(create_app(settings, build_pipeline(settings)), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client(sample_settings: ServiceSettings) -> Iterator[TestClient]:
    """A client of a service on the sample index."""
    with client_of(sample_settings) as client:
        yield client
