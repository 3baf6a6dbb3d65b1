from pathlib import Path

import pytest
from hypothesis import settings

from index.records import Article
from tests.fakes import HashedEmbedder, built, newsroom

# How long an example takes says more about the machine than about the code.
settings.register_profile("dateline", deadline=None)
settings.load_profile("dateline")


@pytest.fixture(scope="session")
def corpus() -> list[Article]:
    """Some 1,300 sentences in 220 articles."""
    return newsroom(220)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, corpus: list[Article]) -> Path:
    """The folder of a generation with one row a sentence of the corpus; tests damage copies of it only."""
    return built(tmp_path_factory.mktemp("whole"), corpus, HashedEmbedder(dimension=16))
