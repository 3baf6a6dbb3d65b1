from pathlib import Path

from tests.faults.load import Course, load
from tests.faults.newsdesk import Newsdesk


def test_ingests_that_publish_disturb_no_question(tmp_path: Path) -> None:
    """While ingests publish, every reply is whole, of one generation, within its filters; news is soon cited."""
    desk = Newsdesk(tmp_path, articles=250)
    desk.ingest_here()
    figures = load(desk, Course(warm_up_s=0, quiet_s=1, busy_s=5, publishes=2, fresh=10, per_second=20))
    assert not figures.faults, figures.faults[:3]
    assert figures.busy.count > 100
    assert max(each.answerable_s for each in figures.publishes) <= 10, str(figures)
