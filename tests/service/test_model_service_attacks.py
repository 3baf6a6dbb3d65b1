"""A hostile or broken model service: its replies are bounded, and requests go to its address only."""

import asyncio
import gzip
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, closing

import httpx2
import pytest

from index.embedding.openai import OpenAIEmbedder
from index.errors import EmbeddingFailed
from index.response_limit import ERROR_BYTES, ResponseTooLong, limit_response
from service.errors import ReaderCutOff, ReaderFailed, ReaderRejected, ReaderUnavailable
from service.readers.chat import ChatModel, ModelUse
from service.readers.reply import CHARACTERS_A_TOKEN
from service.records import request_id
from tests.http_service import HttpService, refusing
from tests.http_service import Reply as HttpReply
from tests.scripted_llm import Cut, Reply, ScriptedLLM

KEY = "sk-test-not-to-be-shown-123"
TOKENS = 64
PROMPT = "What does the unpublished report say?"


def event(text: str) -> bytes:
    """An event of a stream with a piece of text."""
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode() + b"\n\n"


async def hear(chat: ChatModel) -> tuple[str, ReaderFailed | None]:
    """Return the text of a streamed reply, and its failure."""
    pieces: list[str] = []
    try:
        async with aclosing(chat.stream("Be brief.", PROMPT, ModelUse())) as stream:
            async for piece in stream:
                pieces.append(piece)
    except ReaderFailed as failure:
        return "".join(pieces), failure
    return "".join(pieces), None


class Endless:
    """A service that sends a head, then the same bytes until the client disconnects; then it sets `left`."""

    def __init__(self, head: str, body: bytes) -> None:
        self._head = f"HTTP/1.1 {head}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        self._part = f"{len(body):x}\r\n".encode() + body + b"\r\n"
        self.left = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self._head)
            while True:
                writer.write(self._part)
                await writer.drain()
        except ConnectionError:
            self.left.set()
        finally:
            writer.close()

    @asynccontextmanager
    async def model(self) -> AsyncIterator[ChatModel]:
        """Return a model of this service with a deadline that does not end its calls."""
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        chat = ChatModel("m", KEY, f"http://127.0.0.1:{port}/v1", deadline_s=600, max_output_tokens=TOKENS)
        try:
            yield chat
        finally:
            await chat.aclose()
            server.close()


EVENTS = "200 OK\r\nContent-Type: text/event-stream"
JSON = "200 OK\r\nContent-Type: application/json"
STREAMS: dict[str, tuple[str, bytes, type[ReaderFailed]]] = {
    "brackets": (EVENTS, event("["), ReaderCutOff),
    "many brackets at once": (EVENTS, event("[" * 50_000), ReaderCutOff),
    "words without a stop": (EVENTS, event("word "), ReaderCutOff),
    "many sentences": (EVENTS, event("It rained. "), ReaderCutOff),
    "events without text": (EVENTS, event(""), ReaderCutOff),
    "comments": (EVENTS, b": " + b"x" * 1_000 + b"\n\n", ReaderCutOff),
    "a line without an end": (EVENTS, b"x" * 1_000, ReaderCutOff),
    "an error without an end": ("401 Unauthorized", b"x" * 1_000, ReaderRejected),
    "a redirect without an end": ("307 Moved\r\nLocation: http://127.0.0.1:9/", b"x" * 1_000, ReaderRejected),
}


@pytest.mark.parametrize(("head", "body", "failure"), STREAMS.values(), ids=STREAMS)
def test_an_endless_reply_is_left(head: str, body: bytes, failure: type[ReaderFailed]) -> None:
    """An endless reply is cut off after a bounded text, and the event loop keeps running."""

    async def listen() -> tuple[str, ReaderFailed | None]:
        service = Endless(head, body)
        async with service.model() as chat:
            heard = await hear(chat)
            await service.left.wait()
        return heard

    text, raised = asyncio.run(listen())
    assert type(raised) is failure
    assert len(text) <= TOKENS * CHARACTERS_A_TOKEN


def test_an_endless_plain_reply_is_left() -> None:
    """A reply that is not streamed is bounded as well."""

    async def listen() -> None:
        service = Endless(JSON, b" " * 10_000)
        async with service.model() as chat:
            with pytest.raises(ReaderCutOff):
                await chat.complete("Be brief.", PROMPT, ModelUse())
            await service.left.wait()

    asyncio.run(listen())


def test_the_limit_of_tokens_is_kept_without_the_service() -> None:
    """A reply far beyond the limit is cut off after its first sentences."""
    sentences = [f"It rained on day {number}. " for number in range(3_000)]

    async def listen(llm: ScriptedLLM) -> tuple[str, ReaderFailed | None]:
        chat = ChatModel("m", KEY, llm.url, deadline_s=60, max_output_tokens=TOKENS)
        heard = await hear(chat)
        await chat.aclose()
        return heard

    with ScriptedLLM(Reply(sentences)) as llm:
        text, failure = asyncio.run(listen(llm))
    assert isinstance(failure, ReaderCutOff)
    assert text == "".join(sentences)[: TOKENS * CHARACTERS_A_TOKEN]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    """The prompt goes to the configured address only; a redirect is a rejection."""

    async def call(llm: ScriptedLLM) -> None:
        chat = ChatModel("m", KEY, llm.url, deadline_s=10, max_output_tokens=TOKENS)
        with pytest.raises(ReaderRejected):
            await chat.complete("s", PROMPT, ModelUse())
        await chat.aclose()

    with ScriptedLLM(Reply(["no"])) as other:
        headers = {"Location": f"{other.url}/chat/completions"}
        with ScriptedLLM(Reply(status=status, headers=headers)) as llm:
            asyncio.run(call(llm))
        assert other.requests == []


def test_no_redirect_of_the_embedding_service_is_followed() -> None:
    """The articles go to the configured address only."""
    with HttpService(lambda _: HttpReply(400)) as other:
        moved = HttpReply(307, headers={"Location": f"{other.url}/v1/embeddings"})
        with (
            HttpService(lambda _: moved) as service,
            closing(OpenAIEmbedder("m", base_url=f"{service.url}/v1", retries=0)) as embedder,
            pytest.raises(EmbeddingFailed),
        ):
            embedder.embed_query("unpublished")
        assert service.posted
        assert other.posted == []


def replies(status: int, part: bytes, parts: int, read: list[int]) -> httpx2.MockTransport:
    """A service that sends `count` parts; `read` gets one entry for each part that is read."""

    class Body(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(parts):
                read.append(len(part))
                yield part

    return httpx2.MockTransport(lambda request: httpx2.Response(status, stream=Body()))


@pytest.mark.parametrize(("status", "length"), [(200, 5_000), (404, ERROR_BYTES), (307, ERROR_BYTES)])
def test_a_body_is_read_to_its_bound(status: int, length: int) -> None:
    """A reply above its bound raises; an error or redirect keeps its first bytes; the rest is not read."""
    read: list[int] = []
    transport = replies(status, b"x" * 1_000, 10_000, read)
    hooks = {"response": [lambda response: limit_response(response, 5_000)]}
    with httpx2.Client(transport=transport, event_hooks=hooks) as client:
        if status == 200:
            with pytest.raises(ResponseTooLong):
                client.get("http://model.example/")
        else:
            assert client.get("http://model.example/").content == b"x" * length
    assert sum(read) <= length + 1_000


def test_a_body_within_its_bound_is_whole() -> None:
    """A reply of exactly the largest size is read completely."""
    hooks = {"response": [lambda response: limit_response(response, 5_000)]}
    with httpx2.Client(transport=replies(200, b"x" * 1_000, 5, []), event_hooks=hooks) as client:
        assert client.get("http://model.example/").content == b"x" * 5_000


def test_nothing_is_decompressed() -> None:
    """Requests ask for plain bytes, and a compressed reply is cut off without being decompressed."""
    bomb = gzip.compress(b" " * 10_000_000)

    async def call(url: str) -> None:
        chat = ChatModel("m", KEY, url, deadline_s=10, max_output_tokens=TOKENS)
        with pytest.raises(ReaderCutOff):
            await chat.complete("s", "u", ModelUse())
        await chat.aclose()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"accept-encoding: identity\r\n" in head.lower()
        writer.write(
            f"HTTP/1.1 {JSON}\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode() + bomb
        )
        await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        await call(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        server.close()

    asyncio.run(run())


LOGGED: dict[str, tuple[Reply, tuple[str, ...]]] = {
    "status": (Reply(status=401, code="invalid_api_key", message=KEY), ("reader_rejected", "401", "invalid_api_key")),
    "quota": (Reply(status=429, code="insufficient_quota", message=PROMPT), ("429", "insufficient_quota")),
    "broken": (Reply([Cut()]), ("reader_cut_off",)),
    "error event": (Reply(["x"], error_event={"code": "server_error", "message": PROMPT}), ("server_error",)),
    "too long": (Reply(["x" * TOKENS * 9]), ("reader_cut_off", "limit")),
}


@pytest.mark.parametrize(("reply", "said"), LOGGED.values(), ids=LOGGED)
@pytest.mark.parametrize("known", ["req_17", ""])
def test_a_failing_call_leaves_one_line(
    caplog: pytest.LogCaptureFixture, reply: Reply, said: tuple[str, ...], known: str
) -> None:
    """The log has one line: the request, the model, the kind of failure and the service's code; no key, no prompt."""

    async def call(llm: ScriptedLLM) -> None:
        request_id.set(known)
        chat = ChatModel("house-model", KEY, llm.url, deadline_s=10, max_output_tokens=TOKENS)
        assert (await hear(chat))[1] is not None
        await chat.aclose()

    with caplog.at_level(logging.WARNING, "dateline"), ScriptedLLM(reply) as llm:
        asyncio.run(call(llm))
    (record,) = [record for record in caplog.records if record.name == "dateline"]
    line = record.getMessage()
    for part in (*said, "house-model", known or "unknown"):
        assert part in line
    assert "\n" not in line
    assert KEY not in line
    assert PROMPT not in line


def test_an_unreachable_service_leaves_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """The log names an unreachable service by its model."""

    async def call(url: str) -> None:
        chat = ChatModel("house-model", KEY, f"{url}/v1", deadline_s=10, max_output_tokens=TOKENS)
        with pytest.raises(ReaderUnavailable):
            await chat.complete("s", "u", ModelUse())
        await chat.aclose()

    with caplog.at_level(logging.WARNING, "dateline"), refusing() as url:
        asyncio.run(call(url))
    assert len([record for record in caplog.records if record.name == "dateline"]) == 1


STARTED = """
import asyncio, sys
from service.build import build_chat
from service.readers.chat import ModelUse
from service.settings import ServiceSettings
from tests.scripted_llm import Reply, ScriptedLLM

async def ask(chat):
    return [piece async for piece in chat.stream("s", "u", ModelUse())]

with ScriptedLLM(Reply(["Hello."], usage=None)) as llm:
    chat = build_chat(ServiceSettings(_env_file=None, llm_model="m", openai_api_key="k", openai_base_url=llm.url))
    before = set(sys.modules)
    assert asyncio.run(ask(chat))[0] == "Hello."
    print({name.partition(".")[0] for name in set(sys.modules) - before} & {"openai", "httpx2", "tiktoken"})
"""


def test_the_first_question_loads_no_vendor() -> None:
    """With a model configured, the start loads its client and its table of tokens."""
    done = subprocess.run([sys.executable, "-c", STARTED], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "set()"
