"""`dateline embed`: its output, exit codes and signals."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dateline.__main__ import app
from dateline.exit_codes import exit_code_of
from index.embedding.local import LocalEmbedder
from index.errors import DatelineError
from tests.ingest.article_files import write

Dateline = Callable[..., tuple[int, str]]


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    for number in range(6):
        write(tmp_path / f"articles/{number}.txt", f"Report {number}\n\nThe council met for the {number}th time.")
    return tmp_path / "articles"


@pytest.fixture
def dateline(tmp_path: Path, models: Path) -> Dateline:
    """Run a command on a job and a data folder as `main` does; return its exit code and output."""
    environment = {"CHROMA_URL": "", "DATELINE_MODELS": str(models), "DATELINE_DATA": str(tmp_path / "data")}

    def run(*arguments: object) -> tuple[int, str]:
        given = [*map(str, arguments), "--job", str(tmp_path / "job")]
        result = CliRunner(env=environment).invoke(app, ["embed", *given])
        if isinstance(result.exception, DatelineError):
            return exit_code_of(result.exception), result.output + str(result.exception)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout

    return run


def test_a_job_is_planned_embedded_and_taken_in(dateline: Dateline, articles: Path) -> None:
    """Each command names the next one; a job that is not complete is refused with 3 and can be completed."""
    assert dateline("work")[0] == 2
    assert dateline("plan", "https://paper.example/feed.xml")[0] == 2
    code, printed = dateline("plan", articles, "--texts", 2)
    assert code == 0
    assert "dateline embed work" in printed
    code, printed = dateline("take-in", articles)
    assert code == 3
    assert "3 of the 3 shards" in printed
    assert dateline("work", "--worker", "3/2")[0] == 2
    code, printed = dateline("work", "--worker", "1/2", "--json")
    assert (code, json.loads(printed)) == (0, {"embedded": 2, "left": 1, "shards": 3})
    assert "without vectors: 1 of 3" in dateline("work", "--worker", "1/2")[1]
    code, printed = dateline("work")
    assert code == 0
    assert "dateline embed take-in" in printed
    code, printed = dateline("take-in", articles, "--json")
    assert (code, json.loads(printed)["embedded"], json.loads(printed)["chunks"]) == (0, 0, 6)
    assert "no text to embed" in dateline("plan", articles)[1]


def test_a_worker_that_gets_sigterm_ends_with_143(
    dateline: Dateline, articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shards that it has embedded stay, and the handler of the caller is restored."""
    dateline("plan", articles, "--texts", 2)
    embed = LocalEmbedder.embed_texts
    calls: Iterator[int] = iter(range(9))

    def interrupted(embedder: LocalEmbedder, texts: list[str]) -> object:
        if next(calls) == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return embed(embedder, texts)

    monkeypatch.setattr(LocalEmbedder, "embed_texts", interrupted)
    before = signal.getsignal(signal.SIGTERM)
    assert dateline("work")[0] == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before
    assert len(list((tmp_path / "job/vectors").iterdir())) == 1
    assert dateline("work", "--json")[1] == '{"embedded": 2, "left": 0, "shards": 3}\n'


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_ray_is_not_needed_unless_it_is_asked_for(dateline: Dateline, articles: Path) -> None:
    dateline("plan", articles)
    code, printed = dateline("work", "--ray", "local")
    assert code == 2
    assert "make install-ray" in printed
