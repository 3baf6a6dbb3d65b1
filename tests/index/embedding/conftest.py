from pathlib import Path

import pytest

from index.embedding.local import LocalEmbedder


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for graphs, shared by the tests that only read them."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def embedder(models: Path) -> LocalEmbedder:
    return LocalEmbedder(models)


@pytest.fixture(scope="session")
def exact(models: Path) -> LocalEmbedder:
    return LocalEmbedder(models, precision="fp32")
