import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from index.embedding import Matrix
from index.embedding.graph import LARGEST, TEXTS, Graph, Network, prepare
from index.embedding.local import LocalEmbedder, load_session, minilm
from index.embedding.network import write_network
from index.errors import ConfigurationError

AS_NOBODY = """
import os, sys
from pathlib import Path
from index.embedding.graph import prepare
from index.embedding.local import minilm
from index.embedding.local import load_session
import numpy, onnxruntime
if os.geteuid() == 0:
    os.setuid(65534)
try:
    graph = prepare(Path(sys.argv[1]), minilm(), precision="fp32")
except Exception as error:
    print(type(error).__name__, error)
else:
    ids = numpy.array([[101, 102]])
    rows = load_session(graph.path).run(["vectors"], {"input_ids": ids})
    print(graph.kind, len(rows[0][0]), os.access(graph.path.parent, os.W_OK))
"""
"""Prepare the graph as a user who may write nothing, root having loaded what such a user may not read."""

AT_ONCE = """
import sys, time
from pathlib import Path
from index.embedding.graph import Network, prepare
models = Path(sys.argv[1])

def write(target, largest):
    while len(list(models.glob(".building-*"))) < 2 and not (models / "tiny-fp32.onnx").exists():
        time.sleep(0.01)
    target.write_bytes(b"graph")

print(prepare(models, Network("tiny", write, None), precision="fp32").path)
"""
"""Prepare a graph that is not built before another process has begun to build it too."""


def tiny(**cosines: float) -> Network:
    """Return a network whose graphs are a few bytes, with these cosines to float32; its builds compute nothing."""
    of_kind = {LARGEST[kind.replace("_", "-")]: cosine for kind, cosine in cosines.items()}  # type: ignore[index]

    def write(target: Path, largest: int | None) -> None:
        target.write_text(f"{largest or 0} is the largest integer".ljust(10_000), encoding="utf-8")

    def outputs(graph: Path, texts: Sequence[str]) -> Matrix:
        cosine = of_kind.get(int(graph.read_text(encoding="utf-8").split()[0]), 1.0)
        rows = [[1.0, 0.0]] * (len(texts) - 1) + [[cosine, (1 - cosine**2) ** 0.5]]
        return np.array(rows, np.float32)

    return Network("tiny", write, outputs)


@pytest.fixture(scope="session")
def whole(models: Path, exact: LocalEmbedder) -> Graph:
    """Return a folder with a float32 graph, the fastest kind to build."""
    graph = prepare(models, minilm(), precision="fp32")
    assert graph.kind == exact.graph
    return graph


@pytest.fixture
def built(tmp_path: Path) -> Graph:
    """Return a float32 graph of the tiny network with its record."""
    return prepare(tmp_path, tiny(), precision="fp32")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that every user may enter, unlike pytest's own."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "models")
        path.mkdir()
        path.parent.chmod(0o755)
        yield path


def record_of(graph: Graph) -> Path:
    return graph.path.with_suffix(".json")


def run(script: str, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def output(process: "subprocess.Popen[str]") -> str:
    return process.communicate(timeout=60)[0].strip()


def test_a_graph_is_made_once(tmp_path: Path, built: Graph) -> None:
    """A folder with the graph is used without writing to it."""
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert prepare(tmp_path, tiny(), precision="fp32") == built
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_the_record_says_what_was_measured(models: Path, embedder: LocalEmbedder) -> None:
    """The record beside the graph has its kind and the smallest measured cosine."""
    graph = prepare(models, minilm())
    (path,) = models.glob("all-MiniLM*-int8.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    assert (record["file"], record["kind"], record["min_cosine"]) == (graph.path.name, graph.kind, graph.cosine)
    assert graph.kind == embedder.graph
    assert 0.98 <= graph.cosine < 1


def _cut(graph: Graph) -> None:
    os.truncate(graph.path, 1_000)


def _flip(graph: Graph) -> None:
    with graph.path.open("r+b") as file:
        file.seek(5_000)
        byte = file.read(1)[0]
        file.seek(5_000)
        file.write(bytes([byte ^ 255]))


def _remove(graph: Graph) -> None:
    graph.path.unlink()


def _cut_record(graph: Graph) -> None:
    os.truncate(record_of(graph), 20)


@pytest.mark.parametrize("damage", [_cut, _flip, _remove, _cut_record])
def test_a_damaged_graph_is_built_again(tmp_path: Path, built: Graph, damage: Callable[[Graph], None]) -> None:
    """A truncated, changed or missing graph, or one without a valid record, is rebuilt to the same bytes."""
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    damage(built)
    assert prepare(tmp_path, tiny(), precision="fp32") == built
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_local_model_is_written_to_the_same_bytes(tmp_path: Path, whole: Graph) -> None:
    """The weights of the package give the same graph each time."""
    minilm().write(tmp_path / "again.onnx", None)
    assert (tmp_path / "again.onnx").read_bytes() == whole.path.read_bytes()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """An invalid folder is an error with its path and the setting for it."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError) as raised:
        prepare(tmp_path / "file" / "models", minilm())
    assert str(tmp_path / "file" / "models") in str(raised.value)
    assert "DATELINE_MODELS" in str(raised.value)


def test_a_read_only_folder_with_the_graph_is_used(open_folder: Path, whole: Graph) -> None:
    """A user without write permission can use a folder with the graph."""
    shutil.copy(whole.path, open_folder)
    shutil.copy(record_of(whole), open_folder)
    open_folder.chmod(0o555)
    assert output(run(AS_NOBODY, open_folder)) == "fp32 384 False"


def test_a_read_only_folder_without_the_graph_is_refused(open_folder: Path) -> None:
    """For a user without write permission, a folder without the graph is an error that names the setting."""
    open_folder.chmod(0o555)
    said = output(run(AS_NOBODY, open_folder))
    assert said.startswith(f"ConfigurationError {open_folder} has no valid graph")
    assert "DATELINE_MODELS" in said
    assert list(open_folder.iterdir()) == []


def test_a_damaged_graph_in_a_read_only_folder_is_refused(open_folder: Path, whole: Graph) -> None:
    """A corrupt graph that cannot be replaced is an error with its name."""
    shutil.copy(record_of(whole), open_folder)
    os.truncate(shutil.copy(whole.path, open_folder), 1_000_000)
    open_folder.chmod(0o555)
    assert f"({whole.path.name} is corrupt)" in output(run(AS_NOBODY, open_folder))


def test_two_processes_may_make_the_graph_at_once(tmp_path: Path) -> None:
    """Two processes that build in an empty folder at once both get the graph, and leave only it and its record."""
    processes = [run(AT_ONCE, tmp_path) for _ in range(2)]
    assert [output(process) for process in processes] == [str(tmp_path / "tiny-fp32.onnx")] * 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny-fp32.json", "tiny-fp32.onnx"]
    assert prepare(tmp_path, tiny(), precision="fp32").path.read_bytes() == b"graph"


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    """Building a graph removes the folders of builds killed over an hour ago, not those of running ones."""
    killed, running = (tmp_path / f".building-{name}" for name in ("killed", "running"))
    for folder in (killed, running):
        folder.mkdir()
    os.utime(killed, (time.time() - 4000, time.time() - 4000))
    prepare(tmp_path, tiny(), precision="fp32")
    assert (killed.exists(), running.exists()) == (False, True)


@pytest.mark.parametrize(
    ("int8", "reduced", "kind", "cosine"),
    [
        (0.99, 0.999, "int8", 0.99),
        (0.98, 0.98, "int8", 0.98),
        (0.97, 0.99, "int8-reduced", 0.99),
        (0.97, 0.97, "fp32", 1.0),
    ],
)
def test_integers_too_coarse_are_not_used(
    tmp_path: Path, int8: float, reduced: float, kind: str, cosine: float
) -> None:
    """The first graph of int8, int8-reduced and float32 whose smallest cosine is close enough is used."""
    graph = prepare(tmp_path, tiny(int8=int8, int8_reduced=reduced), close_enough=0.98 - 1e-6)
    assert (graph.kind, graph.path.name) == (kind, f"tiny-{kind}.onnx")
    assert graph.cosine == pytest.approx(cosine)
    assert prepare(tmp_path, tiny()) == graph


def test_reduced_integers_are_close_to_float32(tmp_path: Path, whole: Graph) -> None:
    """The graph for processors that overflow on large integers gives nearly the vectors of float32."""
    network, texts = minilm(), TEXTS.read_text(encoding="utf-8").splitlines()[:8]
    network.write(tmp_path / "reduced.onnx", LARGEST["int8-reduced"])
    assert network.outputs
    expected, found = network.outputs(whole.path, texts), network.outputs(tmp_path / "reduced.onnx", texts)
    assert (expected * found).sum(axis=1).min() > 0.97


def test_a_graph_the_runtime_refuses_is_named(tmp_path: Path) -> None:
    """A file that is not a graph is an error with its path."""
    (tmp_path / "graph.onnx").write_bytes(b"no graph")
    with pytest.raises(ConfigurationError, match=r"does not run .*graph\.onnx"):
        load_session(tmp_path / "graph.onnx")


def test_weights_that_are_none_are_named(tmp_path: Path) -> None:
    """An unreadable weights file is an error with its path and the command that restores it."""
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ConfigurationError) as raised:
        write_network(tmp_path / "model.safetensors", tmp_path / "graph.onnx")
    assert str(tmp_path / "model.safetensors") in str(raised.value)
    assert "requirements.lock" in str(raised.value)
    assert not (tmp_path / "graph.onnx").exists()
