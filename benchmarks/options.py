"""Options that the benchmarks share."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def parser(description: str, *, bench: bool | None = True) -> argparse.ArgumentParser:
    """Return a parser with `--work` (folder that is kept between runs) and `--bench` (folder of the public sets).

    `bench` says whether a run needs the public sets; with None, it may have invented articles in their place.
    """
    made = argparse.ArgumentParser(description=description)
    if bench is not False:
        made.add_argument("--bench", type=Path, required=bench is True, help="folder of the public question sets")
    made.add_argument("--work", type=Path, help="folder for indexes and models; default: a temporary one")
    return made


@contextmanager
def workplace(work: Path | None) -> Iterator[Path]:
    """Yield the given folder, or a temporary one."""
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
        yield work.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="dateline-benchmark-") as folder:
        yield Path(folder)
