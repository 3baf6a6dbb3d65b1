"""The HTTP application around the offline pipeline, without a network."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.build import build_pipeline
from service.settings import ServiceSettings


@pytest.fixture(scope="module")
def client(sample_settings: ServiceSettings) -> Iterator[TestClient]:
    """A client of a service on the sample index; an error inside becomes a reply, as over HTTP."""
    app = create_app(sample_settings, build_pipeline(sample_settings))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
