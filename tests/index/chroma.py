"""Chroma's own client, for changes to a copy of a generation that Dateline never makes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import chromadb
from chromadb.api.client import Client
from chromadb.config import Settings


@contextmanager
def chroma(folder: Path) -> Iterator[Client]:
    """Open a Chroma folder for writing until the block ends."""
    client = cast("Client", chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False)))
    try:
        yield client
    finally:
        client.close()
