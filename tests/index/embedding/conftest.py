from pathlib import Path

import pytest

from index.embedding.local import LocalEmbedder


@pytest.fixture(scope="session")
def exact(models: Path) -> LocalEmbedder:
    """Return the local model in single precision."""
    return LocalEmbedder(models, precision="fp32")


@pytest.fixture(scope="session")
def embedder(models: Path) -> LocalEmbedder:
    """Return the local model, which computes each vector again: that equal texts have equal ones is tested here."""
    return LocalEmbedder(models)
