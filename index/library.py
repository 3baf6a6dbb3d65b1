"""What a service holds of the index: the current generation, swapped when CURRENT names another.

A question pins the generation it began with, so that none mixes two; the old one is closed when its
last question ends. A damaged generation is passed over for the last good one, and the library says so.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from index.dense.server import ChromaServer
from index.errors import DatelineError, IndexDamaged, IndexMismatch, IndexNotFound, IndexUnavailable
from index.generation import Generation, read_manifest
from index.layout import CURRENT, current_name, generation_folder, generation_names

RETRY_S = 1.0
"""How long a question is told what the last one was, where there is nothing to open."""


@dataclass(slots=True)
class Held:
    """An open generation and how many questions are using it; `wanted` is what CURRENT said."""

    generation: Generation
    wanted: str
    readers: int = 0
    replaced: bool = False


class Library:
    """The generations of one data folder; safe to share between threads.

    A generation of another embedding model than `embedding_model` is no use to this process, and is not opened.
    """

    def __init__(self, data: Path, embedding_model: str, server: ChromaServer | None = None) -> None:
        self.data = data
        self._embedding_model = embedding_model
        self._server = server
        self._closed = False
        self._lock = threading.Lock()
        self._swap = threading.Lock()
        self._held: Held | None = None
        self._failed: tuple[float, str, DatelineError | None] = (0.0, "", None)
        self.trouble: DatelineError | None = None

    def close(self) -> None:
        """Let go of the current generation for good; questions still running finish on it."""
        with self._swap:
            self._closed = True
            self._replace(None)

    @property
    def is_open(self) -> bool:
        """Whether there is a generation to pin without opening one first."""
        return self._held is not None

    def open(self) -> None:
        """Open the current generation unless one is open; raises what refresh() raises where there is nothing to serve.

        It reads every byte of a generation, and may wait for a Chroma server: nothing for an event loop.
        """
        if self._held is None and not self._closed:
            self._try_again()

    @contextmanager
    def pinned(self) -> Iterator[Generation]:
        """The generation that a question is answered from, kept open until the block ends."""
        held = self.pin()
        try:
            yield held.generation
        finally:
            if self.unpin(held):
                held.generation.close()

    def pin(self) -> "Held":
        """Keep the current generation open until `unpin`; opens one where none is open."""
        self.open()
        with self._lock:
            held = self._held
            if held is None:
                raise IndexUnavailable("the index is closed", "Start the service again.")
            held.readers += 1
            return held

    def unpin(self, held: "Held") -> bool:
        """End a pin; True where the generation was replaced and nothing else pins it: close it, off an event loop."""
        with self._lock:
            held.readers -= 1
            return held.replaced and not held.readers

    def _try_again(self) -> None:
        """Open the index for a question, unless that has just failed: to find damage out costs as much as to open."""
        when, wanted, error = self._failed
        if error is not None and time.monotonic() - when < RETRY_S and wanted == (current_name(self.data) or ""):
            raise error
        self.refresh()

    def refresh(self) -> bool:
        """Open what CURRENT names if it is not open yet; True where the generation changed.

        Raises IndexNotFound, IndexDamaged or IndexMismatch only where there is nothing to serve at all; with an open
        generation, trouble with a newer one is kept in `trouble` and the open one serves on.
        """
        with self._swap:
            if self._closed:
                return False
            wanted = current_name(self.data) or ""
            if self._held is not None and self._held.wanted == wanted:
                if self._held.generation.name == wanted:
                    self.trouble = None
                return False
            try:
                generation = self._open(wanted)
            except (IndexUnavailable, IndexMismatch) as error:
                self.trouble = error
                if self._held is None:
                    self._failed = (time.monotonic(), wanted, error)
                    raise
                return False
            return self._take(generation, wanted)

    def _take(self, generation: Generation, wanted: str) -> bool:
        held = self._held
        if held is not None and held.generation.name == generation.name:
            generation.close()
            held.wanted = wanted
            return False
        self._replace(Held(generation, wanted))
        return True

    def _open(self, wanted: str) -> Generation:
        self.trouble = None
        try:
            if not wanted:
                raise self._nothing_named()
            return self._generation(wanted)
        except (IndexDamaged, IndexNotFound) as error:
            self.trouble = error
            return self._last_good(wanted, error)

    def _nothing_named(self) -> IndexUnavailable:
        if generation_names(self.data):
            return IndexDamaged(f"{CURRENT} is missing or empty in {self.data}", "Run `dateline doctor --repair`.")
        return IndexNotFound(f"there is no index in {self.data}", "Make one with `dateline ingest PATH`.")

    def _last_good(self, wanted: str, first: IndexUnavailable) -> Generation:
        for name in generation_names(self.data):
            if name == wanted:
                continue
            try:
                return self._generation(name)
            except (IndexUnavailable, IndexMismatch):
                continue
        raise first

    def _generation(self, name: str) -> Generation:
        folder = generation_folder(self.data, name)
        built_with = read_manifest(folder).configuration.embedding_model
        if built_with != self._embedding_model:
            raise IndexMismatch(
                f"the index was made with the model {built_with!r}, the settings say {self._embedding_model!r}",
                "Set DATELINE_EMBEDDING_MODEL back, or make the index anew with `dateline ingest --rebuild PATH`.",
            )
        return Generation(folder, self._server)

    def _replace(self, new: Held | None) -> None:
        with self._lock:
            old, self._held = self._held, new
            idle = old is not None and not old.readers
            if old is not None:
                old.replaced = True
        if old is not None and idle:
            old.generation.close()
