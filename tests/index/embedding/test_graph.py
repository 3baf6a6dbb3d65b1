import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from index.embedding.graph import Graph, prepare
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


@pytest.fixture(scope="session")
def whole(models: Path, exact: LocalEmbedder) -> Graph:
    """Return a folder with a float32 graph, the fastest kind to build."""
    graph = prepare(models, minilm(), precision="fp32")
    assert graph.kind == exact.graph
    return graph


@pytest.fixture
def copied(tmp_path: Path, whole: Graph) -> Graph:
    """Return a copy of a valid float32 graph with its record."""
    shutil.copy(record_of(whole), tmp_path)
    return whole._replace(path=Path(shutil.copy(whole.path, tmp_path)))


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


def test_a_graph_is_made_once(copied: Graph) -> None:
    """A folder with the graph is used without writing to it."""
    before = {path.name: path.stat().st_mtime_ns for path in copied.path.parent.iterdir()}
    assert prepare(copied.path.parent, minilm(), precision="fp32") == copied
    assert {path.name: path.stat().st_mtime_ns for path in copied.path.parent.iterdir()} == before


def test_the_record_says_what_was_measured(models: Path, embedder: LocalEmbedder) -> None:
    """The record beside the graph has its kind and the smallest measured cosine."""
    graph = prepare(models, minilm())
    (path,) = models.glob("all-MiniLM*-int8.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    assert (record["file"], record["kind"], record["min_cosine"]) == (graph.path.name, graph.kind, graph.cosine)
    assert graph.kind == embedder.graph
    assert 0.98 <= graph.cosine < 1


def _cut(graph: Graph) -> None:
    os.truncate(graph.path, 1_000_000)


def _flip(graph: Graph) -> None:
    with graph.path.open("r+b") as file:
        file.seek(50_000_000)
        byte = file.read(1)[0]
        file.seek(50_000_000)
        file.write(bytes([byte ^ 255]))


def _remove(graph: Graph) -> None:
    graph.path.unlink()


def _cut_record(graph: Graph) -> None:
    os.truncate(record_of(graph), 20)


@pytest.mark.parametrize("damage", [_cut, _flip, _remove, _cut_record])
def test_a_damaged_graph_is_built_again(copied: Graph, whole: Graph, damage: Callable[[Graph], None]) -> None:
    """A truncated, changed or missing graph, or one without a valid record, is rebuilt to the same bytes."""
    damage(copied)
    assert prepare(copied.path.parent, minilm(), precision="fp32") == copied
    assert copied.path.read_bytes() == whole.path.read_bytes()
    assert record_of(copied).read_bytes() == record_of(whole).read_bytes()
    assert len(list(copied.path.parent.iterdir())) == 2


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


def test_two_processes_may_make_the_graph_at_once(tmp_path: Path, whole: Graph) -> None:
    """Two processes that start on an empty folder both get the graph, and leave only it and its record."""
    script = "import sys, pathlib, index.embedding.graph as graph\nfrom index.embedding.local import minilm\n"
    script += "print(graph.prepare(pathlib.Path(sys.argv[1]), minilm(), precision='fp32').path)"
    processes = [run(script, tmp_path) for _ in range(2)]
    assert [output(process) for process in processes] == [str(tmp_path / whole.path.name)] * 2
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([whole.path.name, record_of(whole).name])
    assert prepare(tmp_path, minilm(), precision="fp32").path.read_bytes() == whole.path.read_bytes()


def test_what_a_killed_process_left_is_swept(copied: Graph) -> None:
    """Building a graph removes the folders of builds killed over an hour ago, not those of running ones."""
    killed, running = (copied.path.parent / f".building-{name}" for name in ("killed", "running"))
    for folder in (killed, running):
        folder.mkdir()
    os.utime(killed, (time.time() - 4000, time.time() - 4000))
    copied.path.unlink()
    prepare(copied.path.parent, minilm(), precision="fp32")
    assert (killed.exists(), running.exists()) == (False, True)


def test_integers_too_coarse_are_not_used(tmp_path: Path, models: Path) -> None:
    """If int8 is not close enough, int8-reduced or float32 is used; if no integer graph is, float32."""
    asked = prepare(models, minilm()).cosine + 1e-6
    finer = prepare(tmp_path / "finer", minilm(), close_enough=asked)
    assert finer.kind in {"int8-reduced", "fp32"}
    assert finer.cosine >= asked
    assert prepare(tmp_path / "exact", minilm(), close_enough=1.01).kind == "fp32"


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
