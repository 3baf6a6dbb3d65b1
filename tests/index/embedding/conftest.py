from pathlib import Path

import pytest

from index.embedding.local import LocalEmbedder


@pytest.fixture(scope="session")
def exact(models: Path) -> LocalEmbedder:
    """Return the local model in single precision."""
    return LocalEmbedder(models, precision="fp32")
