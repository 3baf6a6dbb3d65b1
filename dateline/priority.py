"""What a command leaves to the service that answers beside it."""

import os
from pathlib import Path

from index.layout import LEASE, generation_folder, generation_names
from index.lease import unleased

NICENESS = 10


def stand_aside(data: Path) -> None:
    """Leave a processor to those who read this data folder, and come after others on the rest; alone, take all.

    For the calling thread and all that it starts from now on, so before any work begins.
    """
    if all(unleased(generation_folder(data, name) / LEASE) for name in generation_names(data)):
        return
    os.nice(NICENESS)
    # Niceness counts within a session or a container only, and a service is in another.
    if hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, usable[1:] or usable)
