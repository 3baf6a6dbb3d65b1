"""The open generation of a service, swapped when CURRENT names another.

A question pins the generation it began with, so that it never mixes two; a replaced generation is closed when its last
question ends. Generations share their open segments, so that a swap costs what changed. If the current generation is
corrupt, the newest valid one is served, and the library keeps the error.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from index.chroma_server import ChromaServer
from index.errors import DatelineError, IndexDamaged, IndexMismatch, IndexNotFound, IndexUnavailable
from index.generation import Generation, SegmentPool, open_generation
from index.layout import CURRENT, current_name, generation_names, is_of_first_release, no_index
from index.publishing import read_manifest

RETRY_S = 1.0
"""How long a failure to open the index is repeated to questions before the index is opened again, in seconds."""


@dataclass(slots=True)
class OpenGeneration:
    """An open generation and the number of its readers; `wanted` is the name that CURRENT had."""

    generation: Generation
    wanted: str
    readers: int = 0
    replaced: bool = False


class Library:
    """The generations of one data folder; safe to share between threads.

    A generation of another model than `embedding_model` is not opened, nor one of another graph, if that is given.
    `error` says why the generation that CURRENT names is not served; None if it is.
    """

    def __init__(
        self, data: Path, embedding_model: str, server: ChromaServer | None = None, embedding_graph: str = ""
    ) -> None:
        self.data = data
        self._embedding_model = embedding_model
        self._embedding_graph = embedding_graph
        self._pool = SegmentPool(data, server)
        self.server = server
        self._closed = False
        self._lock = threading.Lock()
        self._swap = threading.Lock()
        self._current: OpenGeneration | None = None
        self._failed: tuple[float, str, DatelineError | None] = (0.0, "", None)
        self.error: DatelineError | None = None

    @property
    def served(self) -> str | None:
        """Return the name of the generation that questions get now, None if it is not open."""
        current = self._current
        return current.generation.name if current else None

    def close(self) -> None:
        """Close the current generation; running questions finish on it, and later ones raise IndexUnavailable."""
        with self._swap:
            self._closed = True
            self._replace(None)

    def pin(self) -> OpenGeneration | None:
        """Keep the open generation open until `unpin`; None if `open` must be called first."""
        with self._lock:
            if self._current is not None:
                self._current.readers += 1
            return self._current

    def unpin(self, pin: OpenGeneration) -> bool:
        """End a pin; return whether the generation was replaced and this was its last pin: the caller closes it."""
        with self._lock:
            pin.readers -= 1
            return pin.replaced and not pin.readers

    @contextmanager
    def pinned(self) -> Iterator[Generation]:
        """Pin the current generation until the block ends; open it first if needed."""
        while (pin := self.pin()) is None:
            self.open()
        try:
            yield pin.generation
        finally:
            if self.unpin(pin):
                pin.generation.close()

    def open(self) -> None:
        """Open the current generation for a question, unless that has just failed.

        Raises IndexUnavailable if the library is closed, and what refresh() raises. Never call it on an event loop: it
        reads every byte of a generation, and may wait for a Chroma server.
        """
        if self._closed:
            raise IndexUnavailable("the index is closed", "Start the service again.")
        if self._current is not None:
            return
        when, wanted, error = self._failed
        # To find the fault again would take as long as to open the index.
        if error is not None and time.monotonic() - when < RETRY_S and wanted == (current_name(self.data) or ""):
            raise error
        self.refresh()

    def refresh(self) -> bool:
        """Open the generation that CURRENT names if it is not open yet; return whether the generation changed.

        Raises IndexNotFound, IndexDamaged or IndexMismatch if no generation can be served. If one is open and a newer
        one fails, the open one is served on, and `error` has the failure.
        """
        with self._swap:
            if self._closed:
                return False
            wanted = current_name(self.data) or ""
            current = self._current
            if current is not None and current.wanted == wanted:
                if current.generation.name == wanted:
                    self.error = None
                return False
            try:
                generation = self._open(wanted)
            except (IndexUnavailable, IndexMismatch) as error:
                self.error = error
                if current is None:
                    self._failed = (time.monotonic(), wanted, error)
                    raise
                return False
            if current is not None and current.generation.name == generation.name:
                generation.close()
                current.wanted = wanted
                return False
            self._replace(OpenGeneration(generation, wanted))
            return True

    def _open(self, wanted: str) -> Generation:
        """Open the wanted generation, or else the newest valid one; sets `error`."""
        self.error = None
        try:
            return self._generation(wanted)
        except (IndexDamaged, IndexNotFound) as error:
            newer = current_name(self.data) or ""
            if newer != wanted:
                # A publish, and the removal of what it replaced, came between.
                return self._open(newer)
            self.error = error
            for name in generation_names(self.data):
                if name == wanted:
                    continue
                try:
                    return self._generation(name)
                except (IndexUnavailable, IndexMismatch):
                    continue
            raise

    def _generation(self, name: str) -> Generation:
        if not name or is_of_first_release(self.data):
            if generation_names(self.data):
                raise IndexDamaged(f"{CURRENT} is missing or empty in {self.data}", "Run `dateline doctor --repair`.")
            raise no_index(self.data)
        built_with = read_manifest(self.data, name).configuration
        if built_with.embedding_model != self._embedding_model:
            raise IndexMismatch(
                f"the index was built with the model {built_with.embedding_model!r},"
                f" the settings name {self._embedding_model!r}",
                "Set DATELINE_EMBEDDING_MODEL back, or rebuild the index with `dateline ingest --rebuild PATH`.",
            )
        # An index in 8 bits is asked in 8 bits, reduced or not, as this machine's processor needs it.
        if self._embedding_graph and (built_with.embedding_graph == "fp32") != (self._embedding_graph == "fp32"):
            raise IndexMismatch(
                f"the index was built with the graph {built_with.embedding_graph!r},"
                f" the settings name {self._embedding_graph!r}",
                "Set DATELINE_EMBEDDING_GRAPH back, or rebuild the index with `dateline ingest --rebuild PATH`.",
            )
        generation = open_generation(self.data, name, self._pool)
        try:
            generation.open()
        except DatelineError:
            generation.close()
            raise
        return generation

    def _replace(self, new: OpenGeneration | None) -> None:
        with self._lock:
            old, self._current = self._current, new
            idle = old is not None and not old.readers
            if old is not None:
                old.replaced = True
        if old is not None and idle:
            old.generation.close()
