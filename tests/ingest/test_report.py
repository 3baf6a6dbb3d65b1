import json

from ingest.errors import ArticleRejected
from ingest.report import IngestReport

REJECTED = ArticleRejected("/desk/a.txt", "there is no text", "empty")


def test_the_exit_code_tells_of_rejections() -> None:
    """Rejected articles make it 3, skipped files do not."""
    assert IngestReport(added=3, skipped=["/desk/a.png"]).exit_code == 0
    assert IngestReport(added=3, rejected=[REJECTED]).exit_code == 3


def test_a_report_is_json() -> None:
    """Every count, each rejection with its reason and the rounded time are in it."""
    report = IngestReport(added=1, rejected=[REJECTED], skipped=["/desk/a.png"], generation="g", seconds=1.23456)
    values = json.loads(json.dumps(report.to_dict()))
    assert values == report.to_dict()
    assert values["rejected"] == [{"origin": "/desk/a.txt", "code": "empty", "reason": "there is no text"}]
    assert (values["added"], values["kept"], values["generation"], values["seconds"]) == (1, 0, "g", 1.23)
    assert values["skipped"] == ["/desk/a.png"]
