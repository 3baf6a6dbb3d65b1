"""Count the files, functions and changes of file of one question and one article: `python -m benchmarks.trace`.

The question is warm, offline and sent over HTTP within this process to a service that keeps no answers. The article is
the only new one of an ingest; child processes are not counted. Only the product's own Python is counted.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import httpx

from index.embedding import build_embedder
from ingest.job import Ingest
from ingest.job import run as ingest
from ingest.report import Progress
from service.api.app import create_app
from service.build import build_pipeline
from service.settings import ServiceSettings

ROOT = Path(__file__).parent.parent
PACKAGES = ("dateline", "eval", "index", "ingest", "service")
QUESTION = {"question": "When did the Skelhaven library reopen?"}


@dataclass(slots=True)
class Tracer:
    """A profiler hook that records the product's functions in all threads while `on`."""

    on: bool = False
    functions: set[CodeType] = field(default_factory=set)
    changes: int = 0
    _last: str = ""
    _ours: dict[str, bool] = field(default_factory=dict)

    def install(self) -> None:
        """Install the hook in this thread and in every thread that starts later."""
        threading.setprofile(self.hook)
        sys.setprofile(self.hook)

    def hook(self, frame: FrameType, event: str, _: object) -> None:
        """Record one event of the interpreter; a comprehension belongs to its function."""
        if not self.on or event not in ("call", "return"):
            return
        file = frame.f_code.co_filename
        if file not in self._ours:
            path = Path(file)
            self._ours[file] = path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in PACKAGES
        if self._ours[file]:
            if not frame.f_code.co_name.startswith("<"):
                self.functions.add(frame.f_code)
            self.changes += file != self._last
            self._last = file

    def take(self) -> dict[str, Any]:
        """Return the counts and reset them."""
        crossed: dict[str, list[str]] = {}
        for code in sorted(self.functions, key=lambda code: (code.co_filename, code.co_firstlineno)):
            crossed.setdefault(str(Path(code.co_filename).relative_to(ROOT)), []).append(code.co_qualname)
        counted = {
            "files": len(crossed),
            "functions": len(self.functions),
            "changes": self.changes,
            "crossed": crossed,
        }
        self.functions, self.changes, self._last = set(), 0, ""
        return counted


def main() -> None:
    """Trace an article and a question, and print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--files", action="store_true", help="name the files and functions")
    arguments = parser.parse_args()
    tracer = Tracer()
    tracer.install()
    with tempfile.TemporaryDirectory(prefix="dateline-trace-") as folder:
        settings = ServiceSettings(data=Path(folder), answer_cache=0, _env_file=None)
        found = {"article": _article(tracer, settings), "question": asyncio.run(_question(tracer, settings))}
    sys.setprofile(None)
    if arguments.json:
        print(json.dumps(found, indent=1))
        return
    for name, counted in found.items():
        print(
            f"{name}: {counted['files']} files, {counted['functions']} functions, {counted['changes']} changes of file"
        )
        if arguments.files:
            for file, functions in counted["crossed"].items():
                print(f"  {file} ({len(functions)}): {', '.join(functions)}")


def _article(tracer: Tracer, settings: ServiceSettings) -> dict[str, Any]:
    """Ingest all sample articles except the last, then trace the ingest that adds it."""
    embedder = build_embedder(settings)
    *known, new = sorted((ROOT / "articles").glob("*.md"))
    job = {"data": settings.data, "language": settings.language}
    ingest(Ingest(tuple(known), **job), embedder, Progress(quiet=True))  # type: ignore[arg-type]
    tracer.on = True
    ingest(Ingest((new,), **job), embedder, Progress(quiet=True))  # type: ignore[arg-type]
    tracer.on = False
    return tracer.take()


async def _question(tracer: Tracer, settings: ServiceSettings) -> dict[str, Any]:
    """Ask twice over HTTP and trace the second time."""
    app = create_app(settings, build_pipeline(settings))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000") as client,
    ):
        (await client.post("/v1/ask", json=QUESTION)).raise_for_status()
        tracer.on = True
        reply = await client.post("/v1/ask", json=QUESTION)
        tracer.on = False
        reply.raise_for_status()
    return tracer.take()


if __name__ == "__main__":
    main()
