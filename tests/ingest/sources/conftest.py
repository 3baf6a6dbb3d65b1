"""Fixtures for the tests of fetching."""

from collections.abc import Iterator

import pytest

from ingest.load import Loader


@pytest.fixture(scope="session", autouse=True)
def parsers() -> None:
    """Import trafilatura before courlan, which it uses: a warning of urllib3 is silenced only while courlan starts."""
    import trafilatura

    assert trafilatura


@pytest.fixture(scope="module")
def loader() -> Iterator[Loader]:
    """Return a loader with one child for all tests: its start takes longer than a test."""
    with Loader() as running:
        yield running
