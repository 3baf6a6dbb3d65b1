"""Bags of words as vectors, for commands in separate processes.

They replace the embedder in the process of the command: LlamaIndex, which would load a class by its path, computes for
a second at each start.
"""

from collections.abc import Mapping
from typing import Any

import index.embedding
from index.embedding import Embedder
from index.settings import IndexSettings
from tests.fakes import HashedEmbedder

_build_embedder = index.embedding.build_embedder

BAGS_OF_WORDS = "tests.bags.of.words"
"""The value of `DATELINE_EMBEDDING_MODEL`."""

DIMENSION = 32


def embedder(options: Mapping[str, Any] | None = None) -> HashedEmbedder:
    """Return the embedder of commands with these options: `dimension`."""
    dimension = (options or {}).get("dimension", DIMENSION)
    return HashedEmbedder(f"{BAGS_OF_WORDS}#{dimension}", dimension=dimension)


def build_embedder(settings: IndexSettings, *, load: bool = True) -> Embedder:
    """Return bags of words if the settings name them, and otherwise what Dateline builds."""
    if settings.embedding_model == BAGS_OF_WORDS:
        return embedder(settings.embedding_options)
    return _build_embedder(settings, load=load)


def replace_embedder() -> None:
    """Let the commands of this process, which import the function when they run, embed with bags of words."""
    index.embedding.build_embedder = build_embedder
