"""`make soak`: a minute at twice what the service can answer, then every attack with the limits of production."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.faults.load import use_embedded_model
from tests.faults.newsdesk import Newsdesk
from tests.faults.questions import serving
from tests.soak.overload import overload

REFUSED_MS = 200.0
"""The p99 of refusals that a service must stay under."""


def main() -> int:
    """Print the figures; the exit code is 1 where a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--articles", type=int, default=300)
    parser.add_argument("--only-load", action="store_true")
    given = parser.parse_args()
    sys.stdout.write(f"load average before: {os.getloadavg()}\n")
    with tempfile.TemporaryDirectory() as place:
        desk = Newsdesk(Path(place), articles=given.articles, sentences=12)
        use_embedded_model(desk, Path(place) / "models")
        assert desk.run("ingest", str(desk.articles), "--data", str(desk.data), timeout=900).returncode == 0
        with serving(desk) as service:
            figures = overload(service, given.seconds)
    sys.stdout.write(f"{figures}\n")
    grew = figures.memory_mb[1] - figures.memory_mb[0]
    broken = bool(figures.lost) or figures.refused.p99 > REFUSED_MS or grew > 50
    if given.only_load:
        return int(broken)
    attacks = [sys.executable, "-m", "pytest", "-q", "tests/soak", "-o", "timeout=1800"]
    patient = {**os.environ, "DATELINE_SOAK": "1"}
    return int(broken) or subprocess.run(attacks, env=patient, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
