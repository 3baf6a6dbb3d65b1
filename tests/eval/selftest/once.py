"""Run the offline lane on a few questions of the self-test, without a network, and write the run to stdout.

Called as `python -m tests.eval.selftest.once MODELS`, twice, by the check that both say the same.
"""

import sys
from pathlib import Path

from eval.gold import read_gold
from eval.run import Selection, run_offline
from eval.score import score
from tests.eval.selftest.bench import GOLD

ASKED = ("conflict-001", "follow_up-002", "how_many-001", "injection-001", "unanswerable-002", "when-001", "who-001")


def main(models: Path) -> None:
    """Run and score; write both."""
    sys.addaudithook(_offline)
    gold = read_gold(GOLD)
    run = run_offline(gold, Selection(ids=ASKED), models).run
    sys.stdout.write(run.model_dump_json() + "\n")
    sys.stdout.writelines(grade.model_dump_json() + "\n" for grade in score(gold, run))


def _offline(event: str, _: object) -> None:
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise OSError(f"{event}: the offline lane must not use the network")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
