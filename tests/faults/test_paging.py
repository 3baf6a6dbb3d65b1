"""No command reads or writes all rows in one statement: SQLite refuses more variables than its limit."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import index.embedding
from dateline.__main__ import app
from index.layout import CHROMA, current_name, segment_folder
from tests.fakes import newsroom, opened
from tests.faults.newsdesk import Newsdesk, manifest_of
from tests.faults.vectors import build_embedder

VARIABLES = 600
"""SQLite's own limit is 32,766; a lower one shows the same fault on fewer rows."""

Dateline = Callable[..., dict[str, Any]]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Newsdesk:
    """Return an index with more rows than the variables of a statement."""
    desk = Newsdesk(tmp_path, articles=0)
    for each in newsroom(120):
        front = f"---\ntitle: {each.title}\n---\n"
        sections = (f"## Part {part}\n\n{line}.\n" for part, line in enumerate(each.body.split(". ")))
        (desk.articles / f"{each.article_id}.md").write_text(front + "\n".join(sections), encoding="utf-8")
    connect = sqlite3.connect

    def limited(*arguments: Any, **options: Any) -> sqlite3.Connection:  # noqa: ANN401 - passed on as they are
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, VARIABLES)
        return connection

    monkeypatch.setattr(sqlite3, "connect", limited)
    assert desk.ingest_here().chunk_count > VARIABLES
    return desk


@pytest.fixture
def dateline(desk: Newsdesk, monkeypatch: pytest.MonkeyPatch) -> Dateline:
    """Return a function that runs a command on the index and returns its JSON."""
    environment = {**desk.environment, "CHROMA_URL": ""}
    monkeypatch.setattr(index.embedding, "build_embedder", build_embedder)

    def run(*arguments: str) -> dict[str, Any]:
        done = CliRunner(env=environment).invoke(app, [*arguments, "--data", str(desk.data)])
        assert done.exit_code == 0, (arguments, done.output, done.exception)
        printed: dict[str, Any] = json.loads(done.stdout) if "--json" in arguments else {}
        return printed

    return run


def test_every_command_reads_and_writes_rows_in_pages(desk: Newsdesk, dateline: Dateline) -> None:
    """Doctor, repair, removal, rollback and ingest work with more rows than the variables of a statement."""
    built = manifest_of(desk.data)
    assert dateline("doctor", "--json")["healthy"]

    (segment,) = built.segments
    shutil.rmtree(segment_folder(desk.data, segment.segment) / CHROMA)
    assert dateline("doctor", "--repair", "--json")["healthy"]
    repaired = manifest_of(desk.data)
    assert (repaired.fingerprint, repaired.chunk_count) == (built.fingerprint, built.chunk_count)

    (desk.articles / "news-0000.md").unlink()
    assert dateline("remove", "news-0000", "--json")["complete"]
    left = manifest_of(desk.data)
    assert VARIABLES < left.chunk_count < built.chunk_count
    with opened(desk.data) as generation:
        assert generation.article("news-0000") is None

    dateline("generations", "rollback", left.generation)
    assert current_name(desk.data) == left.generation
    (desk.articles / "late.md").write_text("A late edition was printed.", encoding="utf-8")
    report = dateline("ingest", str(desk.articles), "--json")
    assert (report["added"], report["updated"], report["embedded"]) == (1, 0, 1)

    for file in sorted(desk.articles.iterdir())[::2]:
        file.write_text("A short edition was printed.", encoding="utf-8")
    report = dateline("ingest", str(desk.articles), "--json")
    assert report["updated"] == 60
    assert dateline("doctor", "--json")["healthy"]
