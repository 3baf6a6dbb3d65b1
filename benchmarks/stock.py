"""The alternatives: the stock LlamaIndex pipeline and a minimal service, in an environment of their own.

The first use installs torch and the stock packages (1.8 GB) under the work folder; the product does not import them.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO

import numpy as np

from benchmarks.servers import Server, free_port, served
from index.embedding.local import WEIGHTS, model_file
from index.generation import open_generation
from index.layout import current_name

STOCK_NAME = "stock LlamaIndex over Chroma"
TORCH = "2.13.0"
"""Installed first with this version: the other packages would install gigabytes of CUDA."""

STOCK = ("llama-index-embeddings-huggingface==0.8.0", "llama-index-vector-stores-chroma==0.6.0")
SAME_AS_OURS = ("llama-index-core", "chromadb", "fastapi", "uvicorn")
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False", "TQDM_DISABLE": "1"}


@dataclass(frozen=True, slots=True)
class Ingested:
    """The result of one round of one side."""

    chunks: int
    characters: int
    seconds: float


def stock_environment(work: Path) -> Path | None:
    """Return the interpreter of the stock environment; install it if it is missing, None if that fails."""
    folder = work / "stock-environment"
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists():
        print(f"installing the stock pipeline into {folder}", file=sys.stderr)
        same = [f"{name}=={metadata.version(name)}" for name in SAME_AS_OURS]
        try:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            for wanted in ([f"torch=={TORCH}"], [*STOCK, *same, "sentence-transformers"]):
                subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True, stdout=sys.stderr)
        except subprocess.CalledProcessError:
            print("the stock packages cannot be installed; Dateline is measured alone", file=sys.stderr)
            return None
        done.touch()
    return python


def stock_command(python: Path) -> list[str]:
    """Return the command that starts the stock side."""
    return [str(python), str(Path(__file__).with_name("stock_ingest.py")), str(model_file(WEIGHTS).parent)]


class StockIngest:
    """The stock pipeline in a separate process."""

    def __init__(self, orders: IO[str], reports: IO[str]) -> None:
        self._orders = orders
        self._reports = reports
        self._report()

    def ingest(self, articles: Path, collection: Path | None = None) -> Ingested:
        """Ingest a file into the Chroma folder of a collection, or into a new one."""
        with tempfile.TemporaryDirectory() as new:
            folder = str(collection or new)
            self._orders.write(json.dumps({"articles": str(articles), "folder": folder}) + "\n")
            self._orders.flush()
            done = self._report()
        return Ingested(int(done["chunks"]), int(done["characters"]), done["seconds"])

    def _report(self) -> dict[str, float]:
        line = self._reports.readline()
        if not line:
            raise RuntimeError("the stock process has ended; see its messages on stderr")
        report: dict[str, float] = json.loads(line)
        return report


@contextmanager
def stock_ingest(python: Path) -> Iterator[StockIngest]:
    """Start the stock side with its model loaded, and stop it at the end of the block."""
    with subprocess.Popen(
        stock_command(python), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **OFFLINE}
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        yield StockIngest(child.stdin, child.stdout)
        child.stdin.close()


@contextmanager
def stock_service(python: Path, data: Path, work: Path, *, with_our_runtime: bool = False) -> Iterator[Server]:
    """Run the minimal service on the chunks and vectors of an index; its questions are embedded as told."""
    chunks, port = chunks_of(data), free_port()
    script, model = Path(__file__).with_name("stock_search.py"), model_file(WEIGHTS).parent
    command, settings = [str(python), str(script)], dict(OFFLINE)
    ours: list[str] = []
    if with_our_runtime:
        command[0], model, ours = sys.executable, work / "models", ["--ours"]
        settings["PYTHONPATH"] = os.pathsep.join([str(Path.cwd()), str(_packages(python))])
    command += [str(chunks), str(collection_of(data)), str(port), str(model), *ours]
    with served(command, port, settings, lambda server: server.post("/search", "Is it ready?") == 200) as server:
        yield server


def collection_of(data: Path) -> Path:
    """Return the folder of the Chroma collection in which the minimal service has the chunks of an index."""
    return data.with_name("stock-chroma")


def chunks_of(data: Path) -> Path:
    """Return a file of JSON Lines with the chunks of an index and their vectors; write it if it is missing."""
    file = data.with_name("chunks.jsonl")
    if file.exists():
        return file
    unfinished = file.with_suffix(".new")
    with closing(open_generation(data, current_name(data) or "")) as generation, unfinished.open("w") as lines:
        for part in generation.parts:
            rows = part.first + np.arange(part.segment.record.chunk_count)
            for (chunk, article), vector in zip(generation.chunks(rows), part.segment.vectors, strict=True):
                about = {"title": article.title or "", "article_id": article.article_id, "vector": vector.tolist()}
                lines.write(json.dumps({"id": chunk.chunk_id, "text": chunk.text, **about}) + "\n")
    unfinished.replace(file)
    return file


def _packages(python: Path) -> Path:
    command = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
