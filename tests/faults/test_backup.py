"""The steps of docs/operations.md: copy a generation, lose the data folder, restore it."""

import subprocess
from contextlib import closing
from pathlib import Path
from shutil import rmtree

from index.retention import roll_back

from index.layout import EMBEDDINGS, current_name
from index.library import Library
from tests.faults.newsdesk import Newsdesk, manifest_of
from tests.faults.vectors import embedder

COPY = """
set -eu
name=$(cat data/CURRENT)
mkdir -p backup/generations
cp -a "data/generations/$name" backup/generations/
"""
RESTORE = """
set -eu
mkdir -p data/generations
cp -a backup/generations/* data/generations/
"""


def test_a_restored_copy_serves_and_goes_on(tmp_path: Path) -> None:
    """A running service keeps answering; a rollback serves the copy, and an ingest embeds only new texts.

    The vector cache is not part of the backup: the vectors are restored from the generation.
    """
    desk = Newsdesk(tmp_path, articles=12)
    before = desk.ingest_here()
    with closing(Library(desk.data, embedder().name)) as running:
        with running.pinned() as generation:
            bodies = [each.body for each in generation.catalog.every_article()]
        subprocess.run(["sh", "-c", COPY], cwd=tmp_path, check=True)
        rmtree(desk.data)
        with running.pinned() as generation:
            assert [each.body for each in generation.catalog.every_article()] == bodies
            assert len(generation.dense.nearest(embedder().embed_query("What did the storm cost?"), 3, None)) == 3
    subprocess.run(["sh", "-c", RESTORE], cwd=tmp_path, check=True)
    assert roll_back(desk.data, before.generation) == current_name(desk.data) == before.generation
    assert not (desk.data / EMBEDDINGS).exists()
    with closing(Library(desk.data, embedder().name)) as started, started.pinned() as generation:
        assert generation.manifest == before
        assert [each.body for each in generation.catalog.every_article()] == bodies
    (desk.articles / "late.md").write_text("A late edition was printed.", encoding="utf-8")
    report = desk.report_here()
    assert (report.added, report.updated, report.embedded) == (1, 0, 1)
    assert manifest_of(desk.data).article_count == before.article_count + 1
