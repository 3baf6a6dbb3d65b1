"""Fixtures shared by all tests: the local model, an index of the sample articles, a pipeline on it."""

import gc
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from index import doctor
from index.errors import IndexDamaged
from index.layout import segment_folder
from index.records import Article
from index.replicas import fetch
from index.segment import faults_of, file_faults, read_record, verify_in_child
from tests.fakes import HashedEmbedder, built, newsroom
from tests.samples import ASKED_AT, embedder_of, ingest_samples, made_once, pipeline_of, settings_for

if TYPE_CHECKING:
    from index.embedding.local import LocalEmbedder
    from service.pipeline import Pipeline
    from service.settings import ServiceSettings

# The duration of an example depends on the machine.
settings.register_profile("dateline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dateline")


PART = 20
"""Tests of a browser that one process runs in turn: a file of them all would be the last thing that a run waits for."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process run each file, so that its fixtures are made once, and each part of a file with a browser."""
    seen: Counter[str] = Counter()
    for item in items:
        file = item.nodeid.partition("::")[0]
        part = seen[file] // PART if "browser" in getattr(item, "fixturenames", ()) else 0
        seen[file] += 1
        item.add_marker(pytest.mark.xdist_group(f"{file}-{part}"))


def pytest_collection_finish() -> None:
    """Exclude the objects that last until the end of the run from garbage collection: 5 % of the processor time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are processors, because the tests of pages mostly wait for a browser."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session", autouse=True)
def verification_here() -> Iterator[None]:
    """Let doctor and replicas verify in this process: a child imports chromadb each time, 1 s of computing."""

    def verify(folder: Path, *, searched: bool = False) -> list[str]:
        try:
            record = read_record(folder)
        except IndexDamaged as error:
            return [str(error.args[0])]
        faults = file_faults(folder, record)
        try:
            return [*faults, *faults_of(folder, record, searched=searched)]
        except Exception as error:  # noqa: BLE001 - what ends the child is a fault
            return [*faults, f"verification ended with 1: {error!r}"]

    with pytest.MonkeyPatch.context() as patch:
        for module in (doctor, fetch):
            patch.setattr(module, "verify_in_child", verify)
        yield


@pytest.fixture
def verification_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verify in a child process, as the product does: a corrupt file may end the process that opens it."""
    for module in (doctor, fetch):
        monkeypatch.setattr(module, "verify_in_child", verify_in_child)


@pytest.fixture(scope="session")
def corpus() -> list[Article]:
    """Return about 1,300 sentences in 220 articles."""
    return newsroom(220)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, corpus: list[Article]) -> Path:
    """Return the folder of a segment with one chunk per sentence of the corpus; tests change copies of it only."""
    data = tmp_path_factory.mktemp("whole")
    return segment_folder(data, built(data, corpus, HashedEmbedder(dimension=16)).segments[0].segment)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the graphs of the networks, shared by all workers."""
    from index.embedding.graph import prepare
    from index.embedding.local import minilm
    from index.embedding.pair_network import pair_network
    from index.embedding.span_network import span_network

    def make(folder: Path) -> None:
        for network in (minilm(), span_network()):
            prepare(folder, network)
        prepare(folder, pair_network(), precision="fp32")

    return made_once(tmp_path_factory, "models", make)


@pytest.fixture(scope="session")
def embedder(models: Path) -> "LocalEmbedder":
    """The local model."""
    return embedder_of(models)


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Path:
    """Return this worker's copy of an index of the sample articles, which are ingested once per run."""
    made = made_once(tmp_path_factory, "samples", lambda data: ingest_samples(data, models))
    return shutil.copytree(made, tmp_path_factory.mktemp("sample") / "data")


@pytest.fixture(scope="session")
def sample_settings(sample_data: Path, models: Path) -> "ServiceSettings":
    """Return offline settings for the sample index, independent of the environment."""
    return settings_for(sample_data, models)


@pytest.fixture(scope="session")
def pipeline(sample_settings: "ServiceSettings") -> "Iterator[Pipeline]":
    """Return the offline pipeline on the sample index, with a fixed day."""
    made = replace(pipeline_of(sample_settings), clock=lambda: ASKED_AT)
    yield made
    made.library.close()
