"""Chroma's own client, to do to a copy of a generation what Dateline never does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import chromadb
from chromadb.api.client import Client
from chromadb.config import Settings


@contextmanager
def chroma(folder: Path) -> Iterator[Client]:
    """A Chroma folder opened for writing until the block ends."""
    client = cast("Client", chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False)))
    try:
        yield client
    finally:
        client.close()
