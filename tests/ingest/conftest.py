"""Fixtures for the tests of ingests."""

from collections.abc import Iterator
from typing import Self

import pytest

import ingest.job
from ingest.load import Loader


@pytest.fixture(scope="session", autouse=True)
def shared_child() -> Iterator[None]:
    """Let all ingests of this process share one child that parses files: each start computes for 0.3 s."""
    with Loader() as kept, pytest.MonkeyPatch.context() as patch:

        class Sharing(Loader):
            def __enter__(self) -> Self:
                self._process, self._connection = kept._process, kept._connection
                return self

            def __exit__(self, *_: object) -> None:
                kept._process, kept._connection = self._process, self._connection

        patch.setattr(ingest.job, "Loader", Sharing)
        yield
