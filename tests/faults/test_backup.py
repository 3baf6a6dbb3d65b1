"""The steps of docs/operations.md: copy the index, lose the data folder, restore it."""

import subprocess
from contextlib import closing
from pathlib import Path
from shutil import rmtree

from index.admin import roll_back
from index.doctor import examine
from index.layout import current_name
from index.library import Library
from index.records import Filters
from tests.faults.newsdesk import Newsdesk, manifest_of
from tests.faults.vectors import embedder

COPY = """
set -eu
mkdir -p backup
cp -a data/CURRENT data/generations data/segments backup/
"""
RESTORE = """
set -eu
mkdir -p data
cp -a backup/segments backup/generations data/
"""


def test_a_restored_copy_serves_and_goes_on(tmp_path: Path) -> None:
    """A running service keeps answering; a rollback serves the copy, and an ingest embeds only new texts."""
    desk = Newsdesk(tmp_path, articles=12)
    before = desk.ingest_here()
    question = embedder().embed_query("What did the storm cost?")
    with closing(Library(desk.data, embedder().name)) as running:
        with running.pinned() as generation:
            bodies = [each.body for each in generation.articles()]
        subprocess.run(["sh", "-c", COPY], cwd=tmp_path, check=True)
        assert all(finding.whole for finding in examine(tmp_path / "backup"))
        rmtree(desk.data)
        with running.pinned() as generation:
            assert [each.body for each in generation.articles()] == bodies
            assert len(generation.nearest(question, 3, generation.allowed_rows(Filters()))) == 3
    subprocess.run(["sh", "-c", RESTORE], cwd=tmp_path, check=True)
    assert roll_back(desk.data, before.generation) == current_name(desk.data) == before.generation
    with closing(Library(desk.data, embedder().name)) as started, started.pinned() as generation:
        assert generation.manifest == before
        assert [each.body for each in generation.articles()] == bodies
    (desk.articles / "late.md").write_text("A late edition was printed.", encoding="utf-8")
    report = desk.report_here()
    assert (report.added, report.updated, report.embedded) == (1, 0, 1)
    assert manifest_of(desk.data).article_count == before.article_count + 1
