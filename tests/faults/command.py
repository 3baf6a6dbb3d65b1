"""Run a command of Dateline with bags of words as vectors: `python -m tests.faults.command COMMAND…`."""

from dateline.__main__ import main
from tests.faults.vectors import replace_embedder

if __name__ == "__main__":
    replace_embedder()
    main()
