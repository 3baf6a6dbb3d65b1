"""Real parts, made once: the embedded model, and the sample articles as an index."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from index.embedding.local import LocalEmbedder
from ingest.job import Ingest, run
from ingest.progress import Progress
from service.build import build_pipeline
from service.pipeline import Pipeline
from service.settings import ServiceSettings

ARTICLES = Path(__file__).parents[2] / "articles"
ASKED_AT = datetime(2026, 6, 20, 12, tzinfo=UTC)
"""When the tests ask: a week after the newest sample article, on whatever day they run."""


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the embedded model's graph."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def embedder(models: Path) -> LocalEmbedder:
    """The embedded model."""
    return LocalEmbedder(models)


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory: pytest.TempPathFactory, embedder: LocalEmbedder) -> Path:
    """The data folder of an index of the sample articles."""
    data = tmp_path_factory.mktemp("sample") / "data"
    run(Ingest((ARTICLES,), data, "english"), embedder, Progress(quiet=True))
    return data


@pytest.fixture(scope="session")
def sample_settings(sample_data: Path, models: Path) -> ServiceSettings:
    """Settings for the sample index, offline, whatever the environment says."""
    return settings_for(sample_data, models)


@pytest.fixture(scope="session")
def pipeline(sample_settings: ServiceSettings) -> Iterator[Pipeline]:
    """The offline pipeline on the sample index, asked on a fixed day."""
    built = replace(build_pipeline(sample_settings), clock=lambda: ASKED_AT)
    yield built
    built.library.close()


def settings_for(data: Path, models: Path, **more: object) -> ServiceSettings:
    """Settings that take nothing from the environment or a `.env` file."""
    # The host that starlette's test client asks for.
    given = {"allowed_hosts": "testserver", "llm_model": None, "openai_api_key": None, "openai_base_url": None, **more}
    settings: ServiceSettings = cast("Any", ServiceSettings)(_env_file=None, data=data, models=models, **given)
    return settings
