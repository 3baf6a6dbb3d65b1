"""Options that the benchmarks share."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def parser(doc: str | None, *, bench: bool | None = True, figures: bool = False) -> argparse.ArgumentParser:
    """Return a parser for a program with this docstring, with `--work` (folder that is kept between runs).

    `bench` says whether a run needs `--bench` (folder of the public sets); with None, it may have invented articles in
    their place. With `figures` there is `--json` (file for the figures).
    """
    made = argparse.ArgumentParser(description=first_line(doc))
    if bench is not False:
        made.add_argument("--bench", type=Path, required=bench is True, help="folder of the public question sets")
    if figures:
        made.add_argument("--json", type=Path, help="write the figures into this file")
    made.add_argument("--work", type=Path, help="folder for indexes and models; default: a temporary one")
    return made


def first_line(doc: str | None) -> str:
    """Return the first line of a docstring."""
    return (doc or "").partition("\n")[0]


@contextmanager
def workplace(work: Path | None) -> Iterator[Path]:
    """Yield the given folder, or a temporary one."""
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
        yield work.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="dateline-benchmark-") as folder:
        yield Path(folder)
