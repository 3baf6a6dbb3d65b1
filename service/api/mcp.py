"""The Model Context Protocol at `/mcp`: one JSON reply for each request, without sessions.

Clients of 2026-07-28 and those of earlier versions, which begin with `initialize`, are served alike.
"""

import asyncio
import json
import logging
from asyncio import Event
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from index.errors import ConfigurationError
from service.api.access import own_origins
from service.api.errors import (
    INTERNAL,
    INVALID,
    NOT_JSON,
    STOPPING,
    Problem,
    fault_message,
    logged_problem,
    problem_reply,
)
from service.api.event_stream import cancel
from service.api.links import base_address
from service.api.mcp_tools import Tool, ToolCall, tools
from service.api.middleware import BODY_BYTES, ORIGIN_NOT_ALLOWED, received_again
from service.api.request_log import note_error
from service.api.state import ServiceState
from service.records import request_id

if TYPE_CHECKING:
    from mcp.server import Server, ServerRequestContext
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from mcp_types import CallToolRequestParams, CallToolResult, ListToolsResult, PaginatedRequestParams

T = TypeVar("T")

PATH = "/mcp"

LIST_MS = 3_600_000
"""Milliseconds that a client may keep the list of tools."""

INSTRUCTIONS = (
    "The articles of a newsroom. `ask` answers a question with quotes that were checked word for word; `search` and"
    " `fetch` find and read articles."
)

_ONLY_POST = Problem(405, INVALID, "method_not_allowed", "This address takes POST only.")

logger = logging.getLogger("dateline")


class McpEndpoint:
    """The application behind `/mcp`; it answers while the block of `running` runs.

    Hosts are checked before it, for every path. `origins` returns those whose pages may ask.
    """

    def __init__(self, public_url: str | None, origins: Callable[[], Collection[str]]) -> None:
        self._public_url = public_url
        self._origins = origins
        self.route = Route(PATH, self)
        self._server = _server()
        self._manager: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer requests until the block ends."""
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        self._manager = StreamableHTTPSessionManager(
            self._server, json_response=True, stateless=True, max_request_body_size=BODY_BYTES
        )
        async with self._manager.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        headers = Headers(scope=scope)
        if scope["method"] != "POST":
            await problem_reply(_ONLY_POST, {"Allow": "POST"})(scope, receive, send)
        elif not self._is_allowed(headers.get("Origin"), headers.get("Host", "")):
            logger.info("%r may not ask at %s", headers["Origin"][:200], PATH)
            await problem_reply(ORIGIN_NOT_ALLOWED)(scope, receive, send)
        else:
            assert self._manager is not None, "requests arrive while the service runs"
            message = await receive()
            if fault := _fault(message.get("body", b"")):
                await JSONResponse(fault, 400)(scope, receive, send)
            else:
                await self._manager.handle_request(scope, received_again(message, receive), send)

    def _is_allowed(self, origin: str | None, host: str) -> bool:
        """Return whether a program sends a request, or a page of this service or of an allowed origin."""
        return origin is None or origin in own_origins(self._public_url, host) or origin in self._origins()


def _server() -> "Server[Any]":
    """Return the server with our tools; raises ConfigurationError if its package is not installed."""
    try:
        from mcp.server import Server
        from mcp.server.caching import CacheHint
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "DATELINE_MCP is 1, but the package mcp is not installed",
            "Install it with `make install-all`, or unset DATELINE_MCP.",
        ) from error
    served = {tool.name: tool for tool in tools()}
    listed = _listed(served.values())
    schemas = {tool.name: tool.input_schema for tool in listed.tools}

    async def list_tools(_: "ServerRequestContext[Any]", __: "PaginatedRequestParams | None") -> "ListToolsResult":
        return listed

    async def call_tool(context: "ServerRequestContext[Any]", params: "CallToolRequestParams") -> "CallToolResult":
        assert isinstance(context.request, Request), "every message comes by HTTP"
        return await called(served.get(params.name), params, context.request)

    hint = CacheHint(LIST_MS, "public")
    return Server(
        "dateline",
        title="Dateline",
        version=version("dateline"),
        instructions=INSTRUCTIONS,
        cache_hints={"tools/list": hint, "server/discover": hint},
        get_tool_input_schema=schemas.get,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _listed(served: Collection[Tool]) -> "ListToolsResult":
    """Return the list of tools; all of them only read, which spares a client's users a confirmation."""
    from mcp_types import ListToolsResult, ToolAnnotations
    from mcp_types import Tool as ListedTool

    hints = ToolAnnotations(read_only_hint=True, idempotent_hint=True, destructive_hint=False, open_world_hint=False)
    return ListToolsResult(
        tools=[
            ListedTool(
                name=tool.name,
                title=tool.title,
                description=tool.description,
                input_schema=tool.arguments.json_schema(),
                output_schema=tool.result.json_schema(mode="serialization"),
                annotations=hints,
            )
            for tool in served
        ]
    )


async def called(tool: Tool | None, params: "CallToolRequestParams", request: Request) -> "CallToolResult":
    """Return the result of a tool as JSON in one text and as JSON values, or the message of its error."""
    from mcp.shared.exceptions import MCPError
    from mcp_types import INVALID_PARAMS, CallToolResult, TextContent

    if tool is None:
        raise MCPError(INVALID_PARAMS, f"Unknown tool: {params.name[:80]!r}")
    state: ServiceState = request.app.state.service
    call = ToolCall(state, request.state.caller, base_address(request, state))
    try:
        given = tool.arguments.validate_python(params.arguments or {})
    except ValidationError as error:
        fault = error.errors()[0]
        message = fault_message(".".join(map(str, fault["loc"])), fault)
        return _failed(Problem(422, INVALID, "invalid_request", message))
    try:
        values = await unless_stopped(tool.run(call, given), state.stopping)
    except Exception as error:  # noqa: BLE001 - becomes a message, and is logged there
        return _failed(logged_problem(error))
    if values is None:
        return _failed(STOPPING)
    text = TextContent(type="text", text=json.dumps(values, ensure_ascii=False))
    return CallToolResult(content=[text], structured_content=values)


def _failed(problem: Problem) -> "CallToolResult":
    """Return the message of a problem, with the id of the request if that is asked for."""
    from mcp_types import CallToolResult, TextContent

    note_error(problem.type, problem.code)
    text = f"{problem.message} It is {request_id.get()}." if problem is INTERNAL else problem.message
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)


def _fault(body: bytes) -> dict[str, Any] | None:
    """Return the error of a body that is not a JSON-RPC message; the package's own has the words of its parser."""
    from mcp_types import INVALID_REQUEST, PARSE_ERROR, jsonrpc_message_adapter

    try:
        jsonrpc_message_adapter.validate_json(body, by_name=False)
    except ValidationError as error:
        code, message = INVALID_REQUEST, "The body is not one JSON-RPC message."
        if error.errors()[0]["type"] == "json_invalid":
            code, message = PARSE_ERROR, NOT_JSON.message
        return {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    return None


async def unless_stopped(work: Coroutine[Any, Any, T], stopping: Event) -> T | None:
    """Return the result of some work; cancel it and return None if the service stops before."""
    running = asyncio.create_task(work)
    stopped = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait((running, stopped), return_when=asyncio.FIRST_COMPLETED)
        return running.result() if running.done() else None
    finally:
        await cancel(running, stopped)
