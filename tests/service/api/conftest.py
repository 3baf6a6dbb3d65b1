from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from service.settings import ServiceSettings
from tests.samples import client_of


@pytest.fixture(scope="module")
def client(sample_settings: ServiceSettings) -> Iterator[TestClient]:
    """A client of a service on the sample index."""
    with client_of(sample_settings) as client:
        yield client
