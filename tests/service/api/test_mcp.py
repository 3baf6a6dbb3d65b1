"""The Model Context Protocol at `/mcp`: its own client over loopback, raw requests, and errors."""

import asyncio
import http.client
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from httpx2 import Response
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request as HttpRequest
from starlette.testclient import TestClient

from index.embedding import Vector
from index.errors import ConfigurationError
from index.records import Filters
from service.api.app import create_app
from service.api.mcp import McpEndpoint, called, unless_stopped
from service.api.mcp_tools import TEXT, FoundArticle, FoundArticles, ToolCall, fetched, tools
from service.api.protocol import ConnectionLimits
from service.api.state import ServiceState
from service.build import build_pipeline
from service.caller import ANONYMOUS, Scope
from service.keys import Grant, KeyStore
from service.settings import ServiceSettings
from tests.fakes import HashedEmbedder, article, built
from tests.samples import client_of, pipeline_of, settings_for
from tests.scripted_llm import Hang, Reply, Request, ScriptedLLM, keys_in
from tests.soak.service import served as running

QUESTION = "When did the Skelhaven library reopen?"
TRUE = "The Skelhaven Library reopened on Saturday, 2 May 2026, five months after Storm Ragna flooded its ground floor"
NEVER = "Why did the Skelhaven library never reopen?"

HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
MODERN = {"MCP-Protocol-Version": "2026-07-28"}
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


@dataclass(frozen=True, slots=True)
class Served:
    """A running service with a scripted language model; `asked` is set once that is asked the endless question."""

    state: ServiceState
    port: int
    llm: ScriptedLLM
    asked: threading.Event

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def send(self, body: object, method: str = "POST", **headers: str) -> tuple[http.client.HTTPResponse, Any]:
        """Send a request; return the reply and its JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        data = body if isinstance(body, str) else json.dumps(body)
        given = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection.request(method, "/mcp", data, given)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        return reply, json.loads(text or "null")


@pytest.fixture(scope="module")
def served(sample_data: Path, models: Path) -> Iterator[Served]:
    """A service on the sample index that speaks the protocol."""
    asked = threading.Event()

    def script(request: Request) -> Reply:
        if NEVER in str(request["messages"]):
            asked.set()
            return Reply([Hang()])
        return Reply([f"{TRUE} [{keys_in(request)[0]}]."])

    with ScriptedLLM(script) as llm:
        model = {"llm_model": "scripted", "openai_api_key": "unused", "openai_base_url": llm.url}
        made = settings_for(sample_data, models, mcp=True, **model)
        app = create_app(made, pipeline_of(made))
        with running(app, ConnectionLimits()) as service:
            yield Served(app.state.service, service.port, llm, asked)


def message(method: str, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


@pytest.mark.parametrize(("mode", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
def test_clients_of_both_eras_search_fetch_and_ask(
    served: Served, mode: Literal["auto", "legacy"], version: str
) -> None:
    """A result is one text with the JSON of its structured content, which the client checks by the tool's schema."""
    from mcp import Client
    from mcp_types import CallToolResult

    def values(result: CallToolResult) -> dict[str, Any]:
        [only] = result.content
        assert not result.is_error
        assert only.type == "text"
        assert json.loads(only.text) == result.structured_content
        return dict(result.structured_content)

    async def session() -> None:
        async with Client(f"{served.base}/mcp", mode=mode) as client:
            assert client.protocol_version == version
            listed = (await client.list_tools()).tools
            assert [tool.name for tool in listed] == ["search", "fetch", "ask"]
            assert [list(tool.input_schema["properties"]) for tool in listed[:2]] == [["query"], ["id"]]
            for tool in listed:
                assert tool.output_schema
                assert tool.output_schema["type"] == "object"
                hints = tool.annotations
                assert hints
                assert (hints.read_only_hint, hints.idempotent_hint) == (True, True)
                assert (hints.destructive_hint, hints.open_world_hint) == (False, False)

            found = values(await client.call_tool("search", {"query": QUESTION}))["results"]
            assert len({each["id"] for each in found}) == len(found)
            assert all(each["url"].startswith(f"{served.base}/articles/{each['id']}") for each in found)
            read = values(await client.call_tool("fetch", {"id": found[0]["id"]}))
            assert {"id", "title", "text", "url", "metadata"} == set(read)
            assert found[0]["text"] in read["text"]
            answer = values(await client.call_tool("ask", {"question": QUESTION, "published_after": "2026-01-01"}))
            assert answer["status"] == "answered"
            assert answer["versions"]["model"] == "scripted"
            [citation] = answer["citations"]
            assert read["text"][citation["start_char_index"] : citation["end_char_index"]] == citation["cited_text"]
            [link] = answer["links"]
            assert link["marker"] == citation["marker"]
            assert all(each.startswith(f"{served.base}/a") for each in (link["url"], answer["permalink"]))

    asyncio.run(session())


def test_a_client_of_2025_needs_no_session(served: Served) -> None:
    """The version that it names is answered; each request stands alone."""
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}
    reply, begun = served.send(message("initialize", **client))
    assert begun["result"]["protocolVersion"] == "2025-06-18"
    assert begun["result"]["capabilities"].keys() == {"tools"}
    assert reply.getheader("Mcp-Session-Id") is None
    old = {"MCP-Protocol-Version": "2025-06-18"}
    assert served.send({"jsonrpc": "2.0", "method": "notifications/initialized"}, **old)[0].status == 202
    assert len(served.send(message("tools/list"), **old)[1]["result"]["tools"]) == 3
    found = served.send(message("tools/call", name="search", arguments={"query": QUESTION}), **old)[1]["result"]
    assert found["structuredContent"]["results"]


@pytest.mark.parametrize(
    ("method", "headers", "status", "code"),
    [
        ("POST", {"Origin": "https://elsewhere.example"}, 403, "origin_not_allowed"),
        ("POST", {"Origin": "null"}, 403, "origin_not_allowed"),
        ("POST", {"Host": "elsewhere.example"}, 421, "host_not_allowed"),
        ("POST", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        ("GET", {}, 405, "method_not_allowed"),
        ("DELETE", {}, 405, "method_not_allowed"),
        ("POST", MODERN, 400, -32020),
    ],
)
def test_a_request_that_the_protocol_forbids_is_refused(
    served: Served, method: str, headers: dict[str, str], status: int, code: object
) -> None:
    """Foreign pages and hosts, other methods, and requests without the headers of their version."""
    reply, body = served.send(message("tools/list", _meta=META), method, **headers)
    assert (reply.status, body["error"]["code"]) == (status, code)
    assert reply.getheader("X-Request-Id")
    assert reply.getheader("Allow") == ("POST" if status == 405 else None)


def test_pages_of_this_service_may_ask(served: Served) -> None:
    """So may programs, which send no origin."""
    assert served.send(message("ping"), Origin=served.base)[1]["result"] == {}


@pytest.mark.parametrize(
    ("body", "code"),
    [("{", -32700), ("[" * 1000, -32700), ("[]", -32600), ("{}", -32600), ('{"jsonrpc": "2.0", "id": 1}', -32600)],
)
@pytest.mark.parametrize("headers", [{}, MODERN], ids=["2025", "2026"])
def test_a_body_that_is_no_message_is_an_error_of_the_protocol(
    served: Served, body: str, code: int, headers: dict[str, str]
) -> None:
    """Its text has no words of the parser."""
    reply, error = served.send(body, **headers)
    assert (reply.status, error["error"]["code"], error["id"]) == (400, code, None)
    assert "pydantic" not in json.dumps(error)


def call(served: Served, tool: str, **arguments: object) -> tuple[bool, str]:
    """Call a tool; return whether it failed, and its text."""
    _, reply = served.send(message("tools/call", name=tool, arguments=arguments))
    [only] = reply["result"]["content"]
    assert ("structuredContent" in reply["result"]) is not reply["result"]["isError"]
    return reply["result"]["isError"], only["text"]


@pytest.mark.parametrize(
    ("tool", "arguments", "begins"),
    [
        ("search", {}, "query: "),
        ("search", {"query": " "}, "query: "),
        ("search", {"query": "a" * 2_001}, "query: "),
        ("search", {"query": "a", "top_k": 3}, "top_k: "),
        ("fetch", {"id": "../a"}, "id: "),
        ("fetch", {"id": "unknown"}, "No article"),
        ("ask", {"question": "a", "published_after": "soon"}, "published_after: "),
        ("ask", {"question": "a", "sources": [1]}, "sources.0: "),
    ],
)
def test_a_call_that_is_not_valid_tells_the_model_why(
    served: Served, tool: str, arguments: dict[str, object], begins: str
) -> None:
    """The result is an error that a model can read; the request was valid."""
    failed, text = call(served, tool, **arguments)
    assert failed
    assert text.startswith(begins)


def test_an_unknown_tool_is_an_error_of_the_protocol(served: Served) -> None:
    assert served.send(message("tools/call", name="publish", arguments={}))[1]["error"]["code"] == -32602


class Broken(HashedEmbedder):
    """An embedder that fails with a text that is not for clients."""

    def embed_query(self, text: str) -> Vector:
        raise RuntimeError("secret detail")


def test_an_error_inside_shows_its_public_message(
    served: Served, tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an index, with all slots taken, and after an unexpected error, whose request id is given."""
    limits = served.state.limits.questions
    monkeypatch.setattr(limits, "taken", limits.limit)
    assert call(served, "ask", question=QUESTION) == (
        True,
        "Too many requests are being answered. Ask again in a second.",
    )
    assert len(served.send(message("tools/list"))[1]["result"]["tools"]) == 3
    monkeypatch.undo()

    whole = served.state.pipeline
    monkeypatch.setattr(served.state, "pipeline", replace(whole, embedder=Broken()))
    failed, text = call(served, "search", query=QUESTION)
    assert failed
    assert "req_" in text
    assert "secret" not in text

    monkeypatch.setattr(served.state, "pipeline", pipeline_of(settings_for(tmp_path, models)))
    for tool, arguments in (("search", {"query": "a"}), ("fetch", {"id": "a"}), ("ask", {"question": "a"})):
        assert call(served, tool, **arguments) == (True, "There are no articles to search yet.")
    assert limits.taken == 0


@pytest.mark.parametrize("era", [{}, {**MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "ask"}], ids=["2025", "2026"])
def test_a_client_that_leaves_stops_the_model(served: Served, era: dict[str, str]) -> None:
    """The call to the model ends with the connection of the client."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    asked = message("tools/call", name="ask", arguments={"question": NEVER}, _meta=META if era else {})
    connection.request("POST", "/mcp", json.dumps(asked), {**HEADERS, **era})
    assert served.asked.wait(30)
    connection.close()
    assert served.llm.wait_for_leaver(30)
    assert call(served, "search", query=QUESTION)[0] is False


def test_a_call_ends_when_the_service_stops() -> None:
    """Its caller gets a message in place of a broken connection; a result that is there is given."""

    async def story() -> tuple[str | None, str | None, bool]:
        stopping, is_cancelled = asyncio.Event(), False

        async def work() -> str:
            nonlocal is_cancelled
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                is_cancelled = True
                raise
            return "never"

        asyncio.get_running_loop().call_later(0.01, stopping.set)
        ended = await unless_stopped(work(), stopping)
        return ended, await unless_stopped(asyncio.sleep(0, "done"), asyncio.Event()), is_cancelled

    assert asyncio.run(story()) == (None, "done", True)


SEARCH = tools()[0]
TEXTS = st.text(max_size=40)
FOUND = st.builds(FoundArticle, TEXTS, TEXTS, TEXTS, TEXTS, st.none() | TEXTS, st.none() | TEXTS)


@given(st.lists(FOUND, max_size=3))
@settings(max_examples=25)
def test_the_text_of_a_result_is_its_structured_content(found: list[FoundArticle]) -> None:
    """For any words in it."""
    from mcp_types import CallToolRequestParams

    async def search(_: ToolCall, __: object) -> FoundArticles:
        return FoundArticles(tuple(found))

    service = SimpleNamespace(public_url="https://ask.example", stopping=asyncio.Event())
    state = SimpleNamespace(state=SimpleNamespace(service=service))
    request = HttpRequest({"type": "http", "app": state, "headers": [], "state": {"caller": ANONYMOUS}})
    params = CallToolRequestParams(name="search", arguments={"query": "a"})
    result = asyncio.run(called(SEARCH._replace(function=search), params, request))
    [only] = result.content
    assert only.type == "text"
    assert json.loads(only.text) == result.structured_content == {"results": [vars_of(each) for each in found]}


def vars_of(found: FoundArticle) -> dict[str, object]:
    return {name: getattr(found, name) for name in FoundArticle.__slots__}


@pytest.mark.parametrize("more", [0, 1])
def test_a_long_article_is_cut_and_says_so(more: int) -> None:
    """Its first 100,000 code points are given."""
    result = fetched(article(body="é" * (TEXT + more)), "https://ask.example")
    assert len(result.text) == TEXT
    assert result.metadata.characters == TEXT + more
    assert (result.metadata.note is None) is (more == 0)
    assert result.url == "https://ask.example/articles/a"


def test_a_key_is_needed_and_bound_as_for_a_question(tmp_path: Path, models: Path) -> None:
    """Without one a request is refused; with one, only its articles exist."""
    embedder = HashedEmbedder()
    text = "The ferry left the harbour of Kelm at nine."
    built(tmp_path, [article(name, f"{text} {name}.", source=name) for name in ("Courier", "Echo")], embedder)
    store = KeyStore(tmp_path)
    bound, _ = store.create(Grant("Courier desk", bounds=Filters(sources=("Courier",))))
    other, _ = store.create(Grant("Search only", scopes=frozenset[Scope](["search"])))
    made = settings_for(tmp_path, models, mcp=True, span_reader=False)

    with TestClient(create_app(made, build_pipeline(made, embedder))) as client:

        def sent(tool: str, key: str | None, **arguments: str) -> Response:
            headers = HEADERS | ({"Authorization": f"Bearer {key}"} if key else {})
            return client.post("/mcp", json=message("tools/call", name=tool, arguments=arguments), headers=headers)

        assert [sent("search", key, query="ferry").status_code for key in (None, other, bound)] == [401, 403, 200]
        found = sent("search", bound, query="When did the ferry leave Kelm?").json()["result"]["structuredContent"]
        assert [each["id"] for each in found["results"]] == ["Courier"]
        read = [sent("fetch", bound, id=name).json()["result"]["isError"] for name in ("Courier", "Echo")]
        assert read == [False, True]


def test_the_protocol_is_off_unless_it_is_switched_on(sample_settings: ServiceSettings) -> None:
    with client_of(sample_settings) as client:
        assert client.post("/mcp", json=message("ping")).status_code == 404


def test_a_missing_package_is_named_with_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    with pytest.raises(ConfigurationError, match="make install-all"):
        McpEndpoint(None, tuple)
