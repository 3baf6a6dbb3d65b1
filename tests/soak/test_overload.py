from pathlib import Path

from tests.faults.load import use_embedded_model
from tests.faults.newsdesk import Newsdesk
from tests.faults.questions import serving
from tests.soak.overload import overload


def test_what_is_too_much_is_refused_at_once(tmp_path: Path) -> None:
    """Over capacity the rest is refused quickly, and what was accepted is answered; `make soak` has a minute of it."""
    desk = Newsdesk(tmp_path, articles=60, sentences=12)
    use_embedded_model(desk, tmp_path / "models")
    assert desk.run("ingest", str(desk.articles), "--data", str(desk.data)).returncode == 0
    with serving(desk) as service:
        figures = overload(service, seconds=4, warm_up_s=4, times=3)

    assert not figures.lost
    assert figures.refused.count > 20, str(figures)
    assert figures.refused.p50 < min(200, figures.answered.p50), str(figures)
