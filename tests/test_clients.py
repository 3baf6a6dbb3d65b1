"""The example clients of `docs/clients`, against a service on loopback."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from service.pipeline import Pipeline
from tests.samples import ROOT
from tests.widget.scripted_service import running, service_on

CLIENTS = ROOT / "docs" / "clients"
QUESTION = "When did the Skelhaven library reopen?"
QUOTE = "The Skelhaven Library reopened on Saturday, 2 May 2026"


def loaded(name: str) -> ModuleType:
    """Return an example as a module."""
    spec = spec_from_file_location(f"client_{name}", CLIENTS / f"{name}.py")
    assert spec
    assert spec.loader
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def base_url(sample_data: Path, models: Path) -> Iterator[str]:
    """Start a service on the sample articles; yield its address."""
    with running(lambda port: service_on(sample_data, models, port)) as (_, port):
        yield f"http://127.0.0.1:{port}"


def test_python_shows_an_answer_and_its_quotes(
    base_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The text arrives in events and equals the reply's; an error has the service's code."""
    client = loaded("ask")
    events = list(client.stream(QUESTION, base_url, top_k=3))
    monkeypatch.setattr(sys, "argv", ["ask.py", QUESTION, base_url])
    client.main()

    assert events[-1]["answer"] == "".join(each["text"] for each in events if each["type"] == "answer.delta")
    assert len(events[-1]["sources"]) == 3
    assert f"answered\n[1] Library is back, 45 centimetres higher: “{QUOTE}" in capsys.readouterr().out
    with pytest.raises(client.DatelineError) as refused:
        list(client.stream(QUESTION, base_url, top_k=0))
    assert refused.value.code == "invalid_request"


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_javascript_shows_an_answer_and_its_quotes(base_url: str) -> None:
    """The program prints the answer, its status and its quotes; an error ends it with the service's code."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["node", str(CLIENTS / "ask.mjs"), *arguments, base_url]
        environment = {"PATH": os.environ["PATH"]}
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, env=environment)

    done = run(QUESTION)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(QUOTE)
    assert f"answered\n[1] Library is back, 45 centimetres higher: “{QUOTE}" in done.stdout
    assert f"supports: {QUOTE}" in done.stdout
    refused = run("x" * 2_001)
    assert refused.returncode == 1
    assert "invalid_request" in refused.stderr


def test_a_llamaindex_retriever_gives_passages_word_for_word(base_url: str, pipeline: Pipeline) -> None:
    """Each node has the text at its place in the article, by both ways to call it."""
    client = loaded("llamaindex")
    retriever = client.DatelineRetriever(
        client.Dateline(base_url, filters={"sources": ["Varn Sound Courier"]}), top_k=5
    )
    nodes = retriever.retrieve(QUESTION)

    assert len(nodes) == 5
    assert [node.score for node in nodes] == sorted((node.score for node in nodes), reverse=True)
    with pipeline.library.pinned() as generation:
        for node in nodes:
            article = generation.article(node.metadata["article_id"])
            assert article
            assert article.body[node.node.start_char_idx : node.node.end_char_idx] == node.text
            assert article.source == node.metadata["source"] == "Varn Sound Courier"
    assert [node.id_ for node in asyncio.run(retriever.aretrieve(QUESTION))] == [node.id_ for node in nodes]


def test_a_llamaindex_query_engine_gives_cited_answers(base_url: str) -> None:
    """`[n]` is the n-th source node, which has the quote; an error has the service's message."""
    client = loaded("llamaindex")
    engine = client.DatelineQueryEngine(service=client.Dateline(base_url))
    response = engine.query("How did the ferry strike in Varn Sound end, and when did the Skelhaven library reopen?")
    citations: list[dict[str, Any]] = response.metadata["citations"]

    assert citations
    assert response.metadata["status"] in ("answered", "partial")
    for citation in citations:
        assert f"[{citation['marker']}]" in str(response)
        node = response.source_nodes[citation["marker"] - 1]
        assert citation["cited_text"] in node.text
        assert node.metadata["article_id"] == citation["article_id"]
    assert str(asyncio.run(engine.aquery(QUESTION))).startswith(QUOTE)
    with pytest.raises(client.httpx.HTTPStatusError, match="invalid_request"):
        engine.query("x" * 2_001)
