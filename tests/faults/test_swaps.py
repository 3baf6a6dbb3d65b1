from pathlib import Path

from tests.faults.newsdesk import Newsdesk
from tests.faults.swaps import swapped


def test_swaps_leave_nothing_behind(tmp_path: Path) -> None:
    """Swapped under load, the service answers each question from one generation, and keeps no more than before."""
    figures = swapped(Newsdesk(tmp_path, articles=60), warm_up=6, swaps=15, rollbacks=1, per_second=15)
    assert not figures.faults, figures.faults[:3]
    assert figures.answered_from == 3
    assert figures.after.files <= figures.before.files, str(figures)
    assert figures.after.views == figures.before.views == 1
    assert figures.after.generations == figures.before.generations
    assert figures.after.memory <= figures.before.memory * 1.15, str(figures)
