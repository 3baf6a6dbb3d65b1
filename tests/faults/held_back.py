"""A command as a user whom permissions hold back: `python -m tests.faults.held_back COMMAND…`.

Root gives up being root once everything is imported, for another user may not be let into the folders that the
libraries lie in.
"""

import os

import chromadb

import ingest.job
import service.api.app
from dateline.__main__ import main
from index.dense import DenseIndex
from tests.faults.vectors import WordVectors

NOBODY = 65534
IMPORTED = (chromadb, ingest.job, service.api.app, DenseIndex, WordVectors)

if __name__ == "__main__":
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    main()
