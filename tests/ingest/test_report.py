import json

from ingest.report import ArticleRejected, IngestReport, Notice

REJECTED = ArticleRejected("/desk/a.txt", "the article has no text", "empty")
SKIPPED = ArticleRejected("/desk/a.png", "files ending in .png are not read", "unsupported")
NOTICE = Notice("bad_date", "/desk/b.md", "published_at is 'soon'")


def test_the_exit_code_tells_of_rejections() -> None:
    """Rejected articles make it 3; skipped files and notices do not."""
    assert IngestReport(added=3, skipped=[SKIPPED], notices=[NOTICE]).exit_code == 0
    assert IngestReport(added=3, rejected=[REJECTED]).exit_code == 3


def test_a_report_is_json() -> None:
    """The JSON contains every count, rejection, skipped file and notice, and the rounded time."""
    report = IngestReport(1, rejected=[REJECTED], skipped=[SKIPPED], notices=[NOTICE], generation="g", seconds=1.23456)
    values = json.loads(json.dumps(report.to_dict()))
    assert values == report.to_dict()
    assert values["rejected"] == [{"origin": "/desk/a.txt", "code": "empty", "reason": "the article has no text"}]
    assert (values["added"], values["kept"], values["generation"], values["seconds"]) == (1, 0, "g", 1.23)
    assert values["skipped"] == [
        {"origin": "/desk/a.png", "code": "unsupported", "reason": "files ending in .png are not read"}
    ]
    assert values["notices"] == [{"code": "bad_date", "origin": "/desk/b.md", "message": "published_at is 'soon'"}]
