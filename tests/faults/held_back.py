"""Run a command as a user without permissions: `python -m tests.faults.held_back COMMAND…`.

Root drops its privileges after the imports, because another user may not be able to read the libraries.
"""

import os

import chromadb

import ingest.job
import service.api.app
from dateline.__main__ import main
from tests.faults.vectors import replace_embedder

UNPRIVILEGED = 65534
IMPORTED = (chromadb, ingest.job, service.api.app)

if __name__ == "__main__":
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(UNPRIVILEGED)
        os.setuid(UNPRIVILEGED)
    replace_embedder()
    main()
