"""Stores that fail: at one operation, as a process that is killed there, or as a store that goes away."""

from collections.abc import Callable, Iterator
from pathlib import Path

from index.replicas.store import Store, StoredObject


class Killed(BaseException):
    """The process ends here."""


class Steps:
    """Counts the steps of a run and raises an error at one of them; `after` lets that step happen first."""

    def __init__(self, at: int, error: BaseException, *, after: bool = False) -> None:
        self._left = at
        self._error = error
        self._after = after

    def take(self, step: Callable[..., object], *arguments: object, **options: object) -> object:
        """Take a step."""
        self._left -= 1
        if self._left == 0 and not self._after:
            raise self._error
        result = step(*arguments, **options)
        if self._left == 0:
            raise self._error
        return result

    def counted(self, step: Callable[..., object]) -> Callable[..., object]:
        """Return a function that is a step."""
        return lambda *arguments, **options: self.take(step, *arguments, **options)


class FailingStore(Store):
    """Another store, each operation of which is a step."""

    def __init__(self, store: Store, steps: Steps) -> None:
        self.url = store.url
        self._store = store
        self._steps = steps

    def create(self, name: str, content: bytes | Path) -> bool:
        return bool(self._steps.take(self._store.create, name, content))

    def replace(self, name: str, content: bytes | Path) -> None:
        self._steps.take(self._store.replace, name, content)

    def read(self, name: str) -> bytes | None:
        return self._steps.take(self._store.read, name)  # type: ignore[return-value]

    def size(self, name: str) -> int | None:
        return self._steps.take(self._store.size, name)  # type: ignore[return-value]

    def pieces(self, name: str) -> Iterator[bytes]:
        yield from self._steps.take(lambda: list(self._store.pieces(name)))  # type: ignore[misc]

    def names(self, prefix: str, after: str = "") -> Iterator[str]:
        yield from self._steps.take(lambda: list(self._store.names(prefix, after)))  # type: ignore[misc]

    def listed(self, prefix: str) -> Iterator[StoredObject]:
        yield from self._steps.take(lambda: list(self._store.listed(prefix)))  # type: ignore[misc]

    def remove(self, name: str) -> None:
        self._steps.take(self._store.remove, name)


class LaxStore(Store):
    """A store that replaces an object which it should only create."""

    def create(self, name: str, content: bytes | Path) -> bool:
        self.replace(name, content)
        return True
