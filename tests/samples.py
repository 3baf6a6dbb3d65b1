"""An index of the sample articles, settings for a service on it, and folders shared by all workers of a run."""

import fcntl
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from index.embedding.local import LocalEmbedder
    from service.pipeline import Pipeline
    from service.readers.span_reader import SpanReader
    from service.settings import ServiceSettings

ROOT = Path(__file__).parent.parent
ARTICLES = ROOT / "articles"
ASKED_AT = datetime(2026, 6, 20, 12, tzinfo=UTC)
"""When the tests ask: a week after the newest sample article, on whatever day they run."""


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder of this test run; the first worker that needs it makes it, the others wait."""
    place = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    folder = place / name
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = place / f"{name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
    return folder


@cache
def embedder_of(models: Path) -> "LocalEmbedder":
    """Return the local model, loaded once for all tests: each load takes a fifth of a second."""
    from tests.remembered import RememberingEmbedder

    return RememberingEmbedder(models)


@cache
def reader_of(models: Path) -> "SpanReader":
    """Return the span reader of the local model, loaded once for all tests."""
    from tests.remembered import RememberingReader

    return RememberingReader(models, precision="fp32" if embedder_of(models).graph == "fp32" else "int8")


def ingest_samples(data: Path, models: Path, *more: Path) -> None:
    """Ingest the sample articles, and those in other folders, with the local model."""
    from ingest.job import Ingest, run
    from ingest.report import Progress

    run(Ingest((ARTICLES, *more), data, "english"), embedder_of(models), Progress(quiet=True))


def settings_for(data: Path, models: Path, **more: object) -> "ServiceSettings":
    """Return settings that take nothing from the environment or a `.env` file."""
    from service.settings import ServiceSettings

    # The host that starlette's test client asks for.
    given = {"allowed_hosts": "testserver", "llm_model": None, "openai_api_key": None, "openai_base_url": None}
    # Making suggestions would compute beside the tests; tests change a model between two equal questions.
    # A budget would write into an index that tests share.
    switched_off = dict.fromkeys(("suggestions", "answer_cache", "tokens_per_day", "key_tokens_per_day"), 0)
    given_or_asked: dict[str, object] = {**given, **switched_off, **more}
    settings: ServiceSettings = cast("Any", ServiceSettings)(_env_file=None, data=data, models=models, **given_or_asked)
    return settings


def pipeline_of(settings: "ServiceSettings") -> "Pipeline":
    """Return the pipeline of settings, with the shared local model and span reader."""
    from service.build import build_pipeline

    made = build_pipeline(settings, embedder_of(settings.models_folder))
    return replace(made, span_reader=reader_of(settings.models_folder)) if made.span_reader else made


def client_of(settings: "ServiceSettings") -> "TestClient":
    """Return a client of a service; an error inside becomes a reply, as over HTTP."""
    from starlette.testclient import TestClient

    from service.api.app import create_app

    return TestClient(create_app(settings, pipeline_of(settings)), raise_server_exceptions=False)
