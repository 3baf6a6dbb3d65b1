"""Chroma's embedding functions and its Python server: none is ever built or imported."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import chromadb
import numpy as np
import pytest
from chromadb.config import Settings
from chromadb.utils.embedding_functions import known_embedding_functions, sparse_known_embedding_functions

from index.chroma_server import ChromaServer
from tests.test_project import ROOT, modules

SEGMENT = "20260101T000000000Z-00000000"
NAMED = {"type": "known", "name": "probe", "config": {"command": "anything"}}
COLLECTION = {
    "id": "6b0f3c1e-7a0d-4c51-9a2e-0d6f6f0c9a11",
    "name": f"dateline-{SEGMENT}",
    "tenant": "default_tenant",
    "database": "default_database",
    "configuration_json": {"hnsw": {"space": "cosine"}, "embedding_function": NAMED},
    "schema": {
        "defaults": {"float_list": {"vector_index": {"enabled": True, "config": {"embedding_function": NAMED}}}},
        "keys": {
            "words": {
                "sparse_vector": {
                    "sparse_vector_index": {
                        "enabled": True,
                        "config": {"embedding_function": NAMED, "source_key": "#document"},
                    }
                }
            }
        },
    },
}
REPLIES: dict[str, Any] = {
    "identity": {"user_id": "", "tenant": "default_tenant", "databases": ["default_database"]},
    "heartbeat": {"nanosecond heartbeat": 1},
    "pre-flight-checks": {"max_batch_size": 100, "supports_base64_encoding": False},
    "default_tenant": {"name": "default_tenant"},
    "default_database": {"id": COLLECTION["id"], "name": "default_database", "tenant": "default_tenant"},
    "count": 3,
    "add": {},
    "query": {"ids": [["2", "0"]], "distances": [[0.1, 0.2]], "include": ["distances"]},
}
"""The server's replies by the last part of the path; any other path gets the collection."""

NEVER = """
import asyncio, importlib, sys
from contextlib import closing
from pathlib import Path

import numpy as np

from eval.gold import read_gold
from eval.records import Turn
from eval.run import PipelineTarget, corpus_pipeline
from index.chroma_server import ChromaServer
from index.errors import ChromaUnavailable
from index.vectors import Collection, build_collection
from tests.eval.small_gold import write_gold
from tests.fakes import HashedEmbedder

folder = Path(sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(name)
build_collection(folder / "chroma", np.eye(4, dtype=np.float32))
with closing(Collection(folder / "chroma")) as collection:
    assert collection.nearest(np.eye(4, dtype=np.float32)[2], 1).tolist() == [2]
try:
    ChromaServer("http://127.0.0.1:1").ping()
except ChromaUnavailable:
    pass
gold = read_gold(write_gold(folder))
with corpus_pipeline(gold, HashedEmbedder(), folder / "models") as pipeline, asyncio.Runner() as loop:
    reply = PipelineTarget(pipeline, gold, loop).ask([Turn(role="user", content=gold.items[0].question)], None)
assert reply["object"] == "answer"
assert "chromadb" in sys.modules
print(*sorted(name for name in sys.modules if name.startswith(("chromadb.app", "chromadb.server"))))
"""


class Probe:
    """An embedding function that records the attempts to build it."""

    built: ClassVar[list[object]] = []

    @staticmethod
    def build_from_config(config: object) -> "Probe":
        Probe.built.append(config)
        raise RuntimeError


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the address of a server whose collections name an embedding function."""
    monkeypatch.setitem(known_embedding_functions, "probe", Probe)
    monkeypatch.setitem(sparse_known_embedding_functions, "probe", Probe)
    monkeypatch.setattr(Probe, "built", [])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Handler(BaseHTTPRequestHandler):
    """A Chroma server's replies, whatever the method."""

    def __getattr__(self, name: str) -> object:
        if name in {"do_GET", "do_POST", "do_DELETE"}:
            return self._reply
        raise AttributeError(name)

    def _reply(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps(REPLIES.get(self.path.rpartition("/")[2].partition("?")[0], COLLECTION)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Do not log."""


def test_no_embedding_function_of_a_server_is_built(hostile: str) -> None:
    """Vectors are stored, counted and searched without the function that the server's replies name."""
    server = ChromaServer(hostile)
    vectors = np.eye(3, dtype=np.float32)
    server.put(SEGMENT, vectors)
    found = server.nearest(SEGMENT, vectors[2], 2)
    assert (server.has(SEGMENT, 3), found is not None and found.tolist(), server.error) == (True, [2, 0], None)
    assert Probe.built == []


@pytest.mark.filterwarnings("ignore:Could not reconstruct")
def test_chromas_own_client_builds_it(hostile: str) -> None:
    """Without our guard the same replies build the function, so that the test above proves something."""
    client = chromadb.HttpClient(
        "127.0.0.1", int(hostile.rpartition(":")[2]), settings=Settings(anonymized_telemetry=False)
    )
    client.create_collection("any", embedding_function=None).add(ids=["0"], embeddings=np.eye(1, 3, dtype=np.float32))
    assert NAMED["config"] in Probe.built


def test_the_python_server_of_chroma_is_never_imported(tmp_path: Path) -> None:
    """All modules, a collection, a server's client, an ingest and a question leave `chromadb.server` alone.

    The known vulnerabilities of chromadb are in that server: `audit.toml` names this test.
    """
    command = [sys.executable, "-c", NEVER, str(tmp_path), *modules()]
    child = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=100)
    assert (child.returncode, child.stdout.strip()) == (0, ""), child.stderr
