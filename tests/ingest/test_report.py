import json
from contextlib import closing
from pathlib import Path

import pytest

from index.generation import Generation
from index.layout import current_name, generation_folder
from ingest.errors import ArticleRejected, Notice
from ingest.job import Ingest, run
from ingest.progress import Progress
from ingest.report import IngestReport, nearly_equal
from tests.fakes import HashedEmbedder, article, built, newsroom
from tests.ingest.article_files import write

REJECTED = ArticleRejected("/desk/a.txt", "the article has no text", "empty")
SKIPPED = ArticleRejected("/desk/a.png", "files ending in .png are not read", "unsupported")
NOTICE = Notice("bad_date", "/desk/b.md", "published_at is 'soon'")
LINES = " ".join(f"Line {number} of the register is empty and closed and signed." for number in range(250))


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


@pytest.mark.parametrize("name", ["before.txt", "zz-after.txt"])
def test_a_repetitive_file_stops_no_other(tmp_path: Path, name: str) -> None:
    """A repetitive file is published with a notice, and does not hide another article."""
    odd = write(tmp_path / "in" / name, "Dam height\n\n" + "lorem " * 60_000)
    write(tmp_path / "in" / "choir.txt", "Choir\n\nThe choir of Orle sang for 300 listeners on Sunday.")
    embedder = HashedEmbedder()
    report = run(Ingest((tmp_path / "in",), tmp_path / "data", "english"), embedder, Progress(quiet=True))
    assert (report.added, report.exit_code) == (2, 0)
    assert [(notice.code, notice.origin) for notice in report.notices] == [("nearly_equal", str(odd))]
    with closing(Generation(generation_folder(tmp_path / "data", current_name(tmp_path / "data") or ""))) as generation:
        (row,) = generation.dense.nearest(embedder.embed_query("How many listeners heard the choir of Orle?"), 1, None)
        ((_, found),) = generation.catalog.chunks([int(row)])
    assert found.article_id == "choir"


@pytest.mark.parametrize("count", [1, 3, 9])
def test_a_notice_names_some_and_counts_the_rest(tmp_path: Path, count: int) -> None:
    """The notice names up to five articles by origin, and counts the others."""
    odd = [article(f"odd-{number}", LINES) for number in range(count)]
    notice = nearly_equal(built(tmp_path, [*newsroom(20), *odd], HashedEmbedder(dimension=32)))
    named = {notice.origin, *(each.origin for each in odd if each.origin in notice.message)}
    assert len(named) == min(count, 5)
    assert named <= {each.origin for each in odd}
    assert (f"{count - 5} more" in notice.message) == (count > 5)


def test_without_a_cause_the_generation_is_named(tmp_path: Path) -> None:
    """Without near-duplicates, the notice names the generation."""
    folder = built(tmp_path, newsroom(5), HashedEmbedder(dimension=32))
    assert nearly_equal(folder).origin == str(folder)
