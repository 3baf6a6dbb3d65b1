"""What a user would pick instead: the stock LlamaIndex pipeline and a minimal service, in an environment of their own.

The first use installs torch and the stock packages (1.8 GB) under the work folder; the product does not import them.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO

from index.embedding.local import WEIGHTS, model_file

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


def stock_environment(work: Path) -> Path:
    """Return the interpreter of the stock environment; create the environment if it is missing."""
    folder = work / "stock-environment"
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists():
        print(f"installing the stock pipeline into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        same = [f"{name}=={metadata.version(name)}" for name in SAME_AS_OURS]
        for wanted in ([f"torch=={TORCH}"], [*STOCK, *same, "sentence-transformers"]):
            subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True, stdout=sys.stderr)
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

    def ingest(self, articles: Path) -> Ingested:
        """Run one round in a new folder."""
        with tempfile.TemporaryDirectory() as folder:
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
