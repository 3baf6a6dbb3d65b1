"""The chat model over real HTTP: pieces and usage on success, and one kind of failure for each cause."""

import asyncio
import gc
import inspect
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import ConfigurationError
from service.errors import (
    ReaderCutOff,
    ReaderFailed,
    ReaderRateLimited,
    ReaderRejected,
    ReaderTimeout,
    ReaderUnavailable,
)
from service.prompts import count_tokens
from service.readers.chat import FAILURES, FIRST, SILENCE, ChatModel, ModelUse
from service.readers.reply import ChatReply, ModelRefused
from service.records import Usage
from tests.http_service import refusing
from tests.scripted_llm import Cut, Hang, Pause, Raw, Received, Reply, Script, ScriptedLLM

KEY = "sk-test-not-to-be-shown-123"


class Heard:
    """The result of one call: the pieces, the usage, the failure, and the seconds it took."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.usage = Usage()
        self.failure: ReaderFailed | None = None
        self.seconds = 0.0
        self.requests: list[Received] = []


def hear(replies: Script | Sequence[Script], *, model: str = "house-model", deadline_s: float = 10.0) -> Heard:
    """Stream one reply to its end or its failure."""

    async def call(llm: ScriptedLLM) -> Heard:
        heard = Heard()
        chat = ChatModel(model, KEY, llm.url, deadline_s=deadline_s, max_output_tokens=300)
        # The first count loads a table of tokens; do it before the clock starts.
        count_tokens("", model)
        use = ModelUse()
        began = time.monotonic()
        try:
            async with aclosing(chat.stream("Be brief.", "Say hello.", use)) as stream:
                async for piece in stream:
                    heard.pieces.append(piece)
        except ReaderFailed as failure:
            heard.failure = failure
        heard.seconds = time.monotonic() - began
        heard.requests, heard.usage = llm.requests, use.usage
        assert use.has_failed == (heard.failure is not None)
        await chat.aclose()
        return heard

    with ScriptedLLM(replies) as llm:
        return asyncio.run(call(llm))


def complete(replies: Script | Sequence[Script], *, deadline_s: float = 10.0) -> tuple[str, Usage]:
    """Return one complete reply."""

    async def call(llm: ScriptedLLM) -> tuple[str, Usage]:
        chat = ChatModel("house-model", KEY, llm.url, deadline_s=deadline_s, max_output_tokens=300)
        use = ModelUse()
        try:
            return await chat.complete("Be brief.", "Say hello.", use), use.usage
        finally:
            await chat.aclose()

    with ScriptedLLM(replies) as llm:
        return asyncio.run(call(llm))


def counted(received: str) -> Usage:
    """Return the usage of the one call of a test by our own count."""
    prompt = count_tokens("Be brief.Say hello.", "house-model")
    return Usage(prompt, count_tokens(received, "house-model"), 1, None)


def test_pieces_come_as_they_are_then_usage() -> None:
    """A streamed reply is its pieces in order, then the service's own count of tokens."""
    heard = hear([Reply(["Hello", " ", "world."], usage=(11, 3))])
    assert heard.pieces == ["Hello", " ", "world."]
    assert heard.usage == Usage(11, 3, 1, None)


def test_a_complete_reply_is_the_same() -> None:
    """A reply that is not streamed has the same text and usage."""
    assert complete([Reply(["Hello", " world."], usage=(11, 3))]) == ("Hello world.", Usage(11, 3, 1, None))


@settings(max_examples=40)
@given(cuts=st.lists(st.integers(0, 2_000), max_size=30))
def test_bytes_may_be_split_anywhere(cuts: list[int]) -> None:
    """A stream that is split inside its events, its markers and its characters has the same text."""
    pieces = ["Søren ", "sagte: „Gut“ ", "【k7f2】. ", "雨が降った。", "🌧️", '[k7f2: "é"]']
    deltas = [{"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]} for piece in pieces]
    sent = b"".join(b"data: " + json.dumps(delta, ensure_ascii=False).encode() + b"\n\n" for delta in deltas)
    places = sorted({0, len(sent), *(cut % len(sent) for cut in cuts)})
    heard = hear([Reply([Raw(sent[start:end]) for start, end in pairwise(places)])])
    assert heard.failure is None
    assert heard.pieces == pieces


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["Rain \ud83c", "\udf27 fell."], "Rain \U0001f327 fell."),
        (["Rain \ud83c", "", "\udf27"], "Rain \U0001f327"),
        (["Rain \ud83c", " fell \udf27."], "Rain \ufffd fell \ufffd."),
        (["Rain \ud83c"], "Rain "),
    ],
)
def test_halves_of_a_character_are_joined(pieces: list[str], text: str) -> None:
    """A character outside the basic plane may be split between two pieces; a half alone is not text."""
    deltas = [{"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]} for piece in pieces]
    heard = hear([Reply([Raw(b"data: " + json.dumps(delta).encode() + b"\n\n") for delta in deltas])])
    assert "".join(heard.pieces) == text


def test_pieces_come_at_once() -> None:
    """The first piece is there before the service has written the second."""

    async def first_piece(llm: ScriptedLLM) -> str:
        chat = ChatModel("m", KEY, llm.url, deadline_s=10, max_output_tokens=300)
        async with aclosing(chat.stream("s", "u", ModelUse())) as stream:
            piece = await anext(stream)
        await chat.aclose()
        return piece

    with ScriptedLLM([Reply(["first", Hang(), "second"])]) as llm:
        assert asyncio.run(first_piece(llm)) == "first"


@pytest.mark.parametrize("call", [lambda reply: hear([reply]).usage, lambda reply: complete([reply])[1]])
def test_usage_is_counted_where_the_service_does_not(call: Callable[[Reply], Usage]) -> None:
    """Without the counts of a service the usage is our own count."""
    usage = call(Reply(["Hello", " world."], usage=None))
    assert usage == counted("Hello world.")


@pytest.mark.parametrize(
    ("model", "limit", "temperature"),
    [
        ("gpt-4.1-mini", "max_tokens", True),
        ("qwen3:8b", "max_tokens", True),
        ("gpt-oss-20b", "max_tokens", True),
        ("o4-mini", "max_completion_tokens", False),
        ("openai/gpt-6-luna", "max_completion_tokens", False),
    ],
)
def test_request_fits_the_model(model: str, limit: str, temperature: bool) -> None:
    """The model's name goes out as given; a reasoning model gets the newer limit and no temperature."""
    request = hear(Reply(["ok"]), model=model).requests[0]
    assert request.path == "/v1/chat/completions"
    assert request.body.pop("model") == model
    assert request.body.pop("messages") == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Say hello."},
    ]
    assert request.body.pop(limit) == 300
    assert request.body.pop("temperature", None) == (0 if temperature else None)
    assert request.body == {"stream": True, "stream_options": {"include_usage": True}}
    assert request.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("base_url", [None, "https://api.openai.com/v1", "https://news.openai.azure.com/openai/v1"])
def test_openai_gets_the_newer_limit(base_url: str | None) -> None:
    """OpenAI's own services get the newer name of the limit."""
    chat = ChatModel("gpt-4.1", KEY, base_url, deadline_s=1, max_output_tokens=300)
    assert "max_completion_tokens" in chat._request("s", "u")


def test_lone_surrogates_do_not_break_the_request() -> None:
    """A text with half a surrogate pair is sent with that half replaced."""

    async def call(llm: ScriptedLLM) -> None:
        chat = ChatModel("m", KEY, llm.url, deadline_s=10, max_output_tokens=300)
        await chat.complete("s", "broken \ud83d emoji", ModelUse())
        await chat.aclose()

    with ScriptedLLM(Reply(["ok"])) as llm:
        asyncio.run(call(llm))
        assert llm.requests[0].body["messages"][1]["content"] == "broken ? emoji"


def test_service_without_a_key_gets_a_placeholder() -> None:
    """A service without a key gets a placeholder."""

    async def call(llm: ScriptedLLM) -> None:
        chat = ChatModel("m", None, llm.url, deadline_s=10, max_output_tokens=300)
        await chat.complete("s", "u", ModelUse())
        await chat.aclose()

    with ScriptedLLM(Reply(["ok"])) as llm:
        asyncio.run(call(llm))
        assert llm.requests[0].headers["authorization"] == "Bearer unused"


@pytest.mark.parametrize(
    ("status", "kind", "attempts"),
    [
        (400, ReaderRejected, 1),
        (401, ReaderRejected, 1),
        (403, ReaderRejected, 1),
        (404, ReaderRejected, 1),
        (413, ReaderRejected, 1),
        (422, ReaderRejected, 1),
        (304, ReaderRejected, 1),
        (408, ReaderUnavailable, 2),
        (409, ReaderUnavailable, 2),
        (429, ReaderRateLimited, 2),
        (500, ReaderUnavailable, 2),
        (503, ReaderUnavailable, 2),
        (529, ReaderUnavailable, 2),
    ],
)
def test_status_has_its_failure(status: int, kind: type[ReaderFailed], attempts: int) -> None:
    """Each HTTP status becomes one kind of failure; a temporary one is retried once."""
    heard = hear([Reply(status=status, headers={"Retry-After-Ms": "10"})] * 3)
    assert type(heard.failure) is kind
    assert str(status) in str(heard.failure)
    assert len(heard.requests) == attempts


def test_second_attempt_may_succeed() -> None:
    """A service that fails once and then answers is a success."""
    heard = hear([Reply(status=500, headers={"Retry-After-Ms": "10"}), Reply(["ok"])])
    assert heard.pieces == ["ok"]


def test_retry_after_is_respected() -> None:
    """The second attempt waits as long as the service asks."""
    heard = hear([Reply(status=429, headers={"Retry-After": "0.4"}), Reply(["ok"])])
    assert heard.pieces == ["ok"]
    assert heard.seconds >= 0.4


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=429, headers={"Retry-After": "90"}),
        Reply(status=429, code="insufficient_quota"),
    ],
)
def test_a_retry_that_cannot_succeed_is_not_made(reply: Reply) -> None:
    """A used-up quota is not retried, nor a service that asks to wait beyond the deadline."""
    heard = hear([reply, Reply(["ok"])], deadline_s=5)
    assert type(heard.failure) is ReaderRateLimited
    assert len(heard.requests) == 1


@pytest.mark.parametrize(
    ("reply", "share"),
    [
        (Reply([Hang()]), FIRST),
        (Reply(["Hello", Hang()]), SILENCE),
        (Reply([step for _ in range(50) for step in ("drip ", Pause(0.05))]), 1),
        (Reply(status=503, headers={"Retry-After": "60"}), FIRST),
    ],
)
def test_deadline_bounds_the_whole_call(reply: Reply, share: float) -> None:
    """Silence, a hang after the first words, a slow stream and a slow retry end at their shares of the deadline."""
    heard = hear([reply, reply], deadline_s=0.6)
    assert type(heard.failure) is ReaderTimeout
    # A hang lasts 30 s.
    assert 0.9 * share * 0.6 < heard.seconds < 15


def test_thinking_is_no_silence() -> None:
    """Before its first text a model has longer for its next event than after it."""
    thought = json.dumps({"choices": [{"index": 0, "delta": {"reasoning_content": "Hm."}}]}).encode()
    heard = hear([Reply([Raw(b"data: " + thought + b"\n\n"), Pause(1.1 * SILENCE * 3.0), "Hello."])], deadline_s=3.0)
    assert (heard.pieces, heard.failure) == (["Hello."], None)


def test_the_calls_of_a_request_share_its_deadline() -> None:
    """A call ends when those before it have left no time, and is not made after that; the breaker learns nothing."""

    async def call(llm: ScriptedLLM) -> list[ModelUse]:
        chat, now = (
            ChatModel("m", KEY, llm.url, deadline_s=600, max_output_tokens=300),
            asyncio.get_running_loop().time(),
        )
        uses = [ModelUse(until=now + 0.3), *(ModelUse(until=now - 1) for _ in range(FAILURES))]
        for use in uses:
            with pytest.raises(ReaderTimeout):
                await chat.complete("s", "u", use)
        assert not chat.breaker.is_open
        await chat.aclose()
        return uses

    with ScriptedLLM(Reply([Hang()])) as llm:
        uses = asyncio.run(call(llm))
        assert len(llm.requests) <= 1
    assert [use.usage.llm_calls for use in uses] == [1] + [0] * FAILURES
    assert all(use.has_failed for use in uses)


def test_unreachable_service_is_unavailable() -> None:
    """A port without a listener is an unavailable service."""

    async def call(url: str) -> None:
        chat = ChatModel("m", KEY, f"{url}/v1", deadline_s=10, max_output_tokens=300)
        try:
            await chat.complete("s", "u", ModelUse())
        finally:
            await chat.aclose()

    with refusing() as url, pytest.raises(ReaderUnavailable, match="connection"):
        asyncio.run(call(url))


@pytest.mark.parametrize(
    "reply",
    [
        Reply([Cut()]),
        Reply(["Hello", Cut()]),
        Reply(["Hello"], finish=None),
        Reply(["Hello"], finish=None, done=False),
        Reply(["Hello"], finish="length"),
        Reply(["Hello"], finish="abort"),
        Reply(["Hello"], error_event={"message": f"key {KEY}", "code": "server_error"}),
        Reply(["Hello", Raw(b"data: {broken\n\n")]),
        Reply(["Hello", Raw(b"data: \xff\xfe\n\n")]),
        Reply(["Hello", Raw(b"data: " + b"[" * 100_000 + b"\n\n")]),
        Reply(["Hello", Raw(b'data: {"choices": 7}\n\n')]),
        Reply(["Hello", Raw(b"data: null\n\n")]),
        Reply(["Hello", Raw(b'data: {"_fields_set": 1, "choices": []}\n\n')]),
        Reply(["Hello", Raw(b'data: "text"\n\n')]),
    ],
)
def test_stream_that_stops_early_is_cut_off(reply: Reply) -> None:
    """A stream that ends early or turns invalid is cut off, after the text that had arrived."""
    heard = hear([replace(reply, usage=None)])
    assert type(heard.failure) is ReaderCutOff
    assert heard.pieces == [piece for piece in reply.pieces if isinstance(piece, str)]
    assert heard.usage == counted("".join(heard.pieces))
    assert len(heard.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [Reply(["Hello"], finish="length"), Reply([Raw(b"{broken")]), Reply([Raw(b"[]")]), Reply(["Hello"], finish=None)],
)
def test_an_invalid_complete_reply_is_cut_off(reply: Reply) -> None:
    """A reply that is not streamed is cut off for the same reasons."""
    with pytest.raises(ReaderCutOff):
        complete([reply])


@pytest.mark.parametrize("end", [Cut(), Hang(), Raw(b"data: {broken\n\n")])
def test_a_break_after_the_last_word_is_not_a_failure(end: Cut | Hang | Raw) -> None:
    """A stream that breaks after the finish reason lacks only the token count."""
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    heard = hear([Reply(["Hello", Raw(b"data: " + json.dumps(last).encode() + b"\n\n"), end])], deadline_s=0.5)
    assert heard.failure is None
    assert heard.usage == counted("Hello")


def test_refusal_is_its_own_failure() -> None:
    """A refusal of the model is a separate failure, streamed or not."""
    reply = Reply(refusal="I would rather not.")
    heard = hear([reply])
    assert type(heard.failure) is ModelRefused
    assert heard.failure.code == "model_refused"
    with pytest.raises(ModelRefused):
        complete([reply])


@pytest.mark.parametrize(("pieces", "kind"), [([], ReaderRejected), ([" "], ReaderRejected), (["I"], ReaderCutOff)])
def test_a_filter_is_not_a_refusal_of_the_model(pieces: list[str], kind: type[ReaderFailed]) -> None:
    """A reply that a content filter ends is cut off; one that it prevents is rejected."""
    reply = Reply(pieces, finish="content_filter")
    assert type(hear([reply]).failure) is kind
    with pytest.raises(kind):
        complete([reply])


@pytest.mark.parametrize("finish", [None, "stop", "STOP", "eos", "eos_token", "end_turn", "tool_calls"])
@pytest.mark.parametrize("text", ["Hello.", "Hello [k7f2]", "“Hello.”", '{"answer": "Hello"}'])
def test_a_whole_text_is_complete(finish: str | None, text: str) -> None:
    """A text with its last sign is complete for each finish reason that does not deny it."""
    heard = hear([Reply([text], finish=finish)])
    assert heard.failure is None
    assert heard.pieces == [text]
    assert complete([Reply([text], finish=finish)])[0] == text


@pytest.mark.parametrize("finish", ["length", "MAX_TOKENS", "abort", "error"])
def test_a_text_that_was_ended_is_cut_off(finish: str) -> None:
    """A finish reason that denies the end of a reply is believed, whatever the text ends with."""
    assert type(hear([Reply(["Hello."], finish=finish)]).failure) is ReaderCutOff


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": "Hello "}, {"type": "text", "text": "world."}],
        [{"type": "thinking", "thinking": [{"text": "Hm."}]}, {"type": "output_text", "text": "Hello world."}],
        ["Hello ", "world."],
        [{"type": "reasoning", "text": "Hm."}, {"text": "Hello world."}, {"type": "image_url", "image_url": {}}],
    ],
)
def test_a_content_of_parts_is_their_text(content: list[object]) -> None:
    """A content that is a list of parts is read as its texts, without reasoning."""
    chunk = {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": None}]}
    assert hear([Reply([Raw(b"data: " + json.dumps(chunk).encode() + b"\n\n")])]).pieces == ["Hello world."]
    whole = {"choices": [{"index": 0, "message": {"content": content}, "finish_reason": "stop"}]}
    assert complete([Reply([Raw(json.dumps(whole).encode())])])[0] == "Hello world."


OPENAI_LIMIT = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
)
OPENAI_TEMPERATURE = "Unsupported value: 'temperature' does not support 0 with this model."
REFUSALS: dict[str, tuple[list[Reply], dict[str, object]]] = {
    "OpenAI": (
        [Reply(status=400, message=OPENAI_LIMIT, code="unsupported_parameter", param="max_tokens")],
        {"max_completion_tokens": 300},
    ),
    "one after the other": (
        [
            Reply(status=400, message=OPENAI_LIMIT, param="max_tokens"),
            Reply(status=400, message=OPENAI_TEMPERATURE, code="unsupported_value", param="temperature"),
        ],
        {"max_completion_tokens": 300},
    ),
    "without param": ([Reply(status=400, message=OPENAI_LIMIT)], {"max_completion_tokens": 300, "temperature": 0}),
    "only 1": ([Reply(status=400, message="invalid temperature: only 1 is allowed")], {"max_tokens": 300}),
    "both at once": (
        [Reply(status=422, message="Extra inputs are not permitted: max_tokens, temperature")],
        {"max_completion_tokens": 300},
    ),
}


@pytest.mark.parametrize("refusals", REFUSALS)
def test_a_refused_parameter_is_left_out(refusals: str, caplog: pytest.LogCaptureFixture) -> None:
    """The request is repeated as its service asks, and so are later ones of the process; the log says so once."""
    replies, expected = REFUSALS[refusals]

    async def call(llm: ScriptedLLM) -> None:
        chat = ChatModel("my-o1-deploy", KEY, llm.url, deadline_s=10, max_output_tokens=300)
        assert [await anext(chat.stream("s", "u", ModelUse())), await chat.complete("s", "u", ModelUse())] == [
            "ok",
            "ok",
        ]
        await chat.aclose()

    with caplog.at_level("INFO", "dateline"), ScriptedLLM([*replies, Reply(["ok"]), Reply(["ok"])]) as llm:
        asyncio.run(call(llm))
    assert len(llm.requests) == len(replies) + 2
    for request in llm.requests[-2:]:
        names = {"max_tokens", "max_completion_tokens", "temperature"}
        assert {name: value for name, value in request.body.items() if name in names} == expected
    assert len([record for record in caplog.records if record.name == "dateline"]) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=400, message="System role not supported"),
        Reply(status=400, message="Unsupported value: 'messages[0].role'", param="messages[0].role"),
    ],
)
def test_without_a_system_role_there_is_one_message(reply: Reply) -> None:
    """A service without a system role gets the instructions at the start of the user's message."""
    requests = hear([reply, Reply(["ok"])]).requests
    assert requests[-1].body["messages"] == [{"role": "user", "content": "Be brief.\n\nSay hello."}]


def test_stream_options_may_be_refused() -> None:
    """A service that does not know how to count in a stream is asked without it, and the tokens are counted here."""
    heard = hear([Reply(status=400, message="Unrecognized request argument: stream_options"), Reply(["ok"])])
    assert "stream_options" not in heard.requests[-1].body
    assert heard.usage.llm_calls == 1


@pytest.mark.parametrize(
    "refusal",
    [
        Reply(status=400, message="Unsupported value: 'stream' does not support true with this model.", param="stream"),
        Reply(status=422, message="Streaming is not supported by this model."),
    ],
)
def test_streaming_may_be_refused(refusal: Reply) -> None:
    """A service that does not stream is asked for a complete reply, which is one piece."""
    heard = hear([refusal, Reply(["Hello", " world."], usage=(11, 3))])
    assert heard.requests[-1].body.keys() & {"stream", "stream_options"} == set()
    assert (heard.pieces, heard.usage) == (["Hello world."], Usage(11, 3, 1, None))


@pytest.mark.parametrize(("finish", "failure"), [("stop", None), ("length", ReaderCutOff)])
def test_a_complete_reply_to_a_stream_is_read(finish: str, failure: type[ReaderFailed] | None) -> None:
    """A service that answers a request for a stream with a complete reply is read as one piece."""
    heard = hear([Reply(["Hello", " world."], finish=finish, usage=(11, 3), streams=False)])
    assert heard.pieces == ["Hello world."]
    assert type(heard.failure) is (failure or type(None))


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 8192 tokens; reduce the prompt or max_tokens. Unsupported.",
        "max_tokens is too large: 900. This model supports at most 512 completion tokens.",
        "scripted failure",
    ],
)
def test_another_refusal_is_not_repeated(message: str) -> None:
    """A request that is too long, or refused for another reason, is a failure at once."""
    heard = hear([Reply(status=400, message=message), Reply(["ok"])])
    assert type(heard.failure) is ReaderRejected
    assert len(heard.requests) == 1


def test_a_service_that_refuses_everything_ends() -> None:
    """Each part is left out once; a service that refuses both names of the limit is a failure."""
    heard = hear(
        [Reply(status=400, message=f"unknown parameter {name}") for name in ("max_tokens", "max_completion_tokens")] * 2
    )
    assert isinstance(heard.failure, ReaderRejected)
    assert len(heard.requests) == 3


def test_refusal_that_ends_the_reply_is_a_refusal() -> None:
    """A refusal in the chunk that ends the reply is a refusal."""
    last = {"choices": [{"index": 0, "delta": {"refusal": "No."}, "finish_reason": "stop"}]}
    heard = hear([Reply([Raw(b"data: " + json.dumps(last).encode() + b"\n\n")])])
    assert type(heard.failure) is ModelRefused


def test_comments_and_unknown_fields_are_ignored() -> None:
    """Comments and unknown fields change nothing."""
    odd = (
        b": keep-alive\n\nevent: extra\nodd line\n" + b'data: {"x_service": {"id": 1}, "choices": [], "usage": {}}\n\n'
    )
    heard = hear([Reply(["Hello", Raw(odd), " world."], usage=(5, 2))])
    assert heard.pieces == ["Hello", " world."]
    assert heard.usage == Usage(5, 2, 1, None)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=401, message=f"Incorrect API key provided: {KEY}", code=KEY),
        Reply(status=500, message=KEY, code=KEY),
        Reply(["Hello"], error_event={"message": KEY, "code": KEY}),
        Reply(["Hello", Raw(f"data: {KEY}\n\n".encode())]),
        Reply(["Hello", Raw(f'data: {{"choices": "{KEY}"}}\n\n'.encode())]),
    ],
)
def test_the_words_of_a_service_are_not_repeated(reply: Reply) -> None:
    """If a service echoes the key, the failure, its cause and its context do not contain it."""
    failure = hear([reply, reply]).failure
    assert failure is not None
    shown: BaseException | None = failure
    while shown is not None:
        assert KEY not in str(shown)
        assert KEY not in repr(shown)
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)


@pytest.mark.parametrize("leave", ["close", "cancel"])
def test_leaving_early_closes_the_connection(leave: str) -> None:
    """The connection closes within a second once the consumer stops or is cancelled; what was received counts."""

    async def call(llm: ScriptedLLM) -> None:
        chat = ChatModel("m", KEY, llm.url, deadline_s=20, max_output_tokens=300)
        started, use = asyncio.Event(), ModelUse()

        async def consume() -> None:
            async with aclosing(chat.stream("Be brief.", "Say hello.", use)) as stream:
                async for _ in stream:
                    started.set()
                    if leave == "close":
                        break

        task = asyncio.create_task(consume())
        await started.wait()
        if leave == "cancel":
            task.cancel()
        await asyncio.wait([task])
        assert await asyncio.to_thread(llm.wait_for_leaver, 1.0)
        assert use.usage == counted("first")
        await chat.aclose()

    with ScriptedLLM([Reply(["first", Hang()])]) as llm:
        asyncio.run(call(llm))


def test_a_reply_that_is_left_is_ended_at_once() -> None:
    """Its iterators do not wait for the garbage collector."""

    def unfinished() -> int:
        return sum(inspect.isasyncgen(each) and each.ag_frame is not None for each in gc.get_objects())

    async def call(llm: ScriptedLLM) -> tuple[int, int]:
        chat = ChatModel("m", KEY, llm.url, deadline_s=20, max_output_tokens=300)
        before = unfinished()
        async with aclosing(chat.stream("s", "u", ModelUse())) as stream:
            await anext(stream)
        await chat.aclose()
        for _ in range(20):
            await asyncio.sleep(0)
        return before, unfinished()

    gc.collect()
    gc.disable()
    try:
        with ScriptedLLM([Reply(["first", "second", Hang()])]) as llm:
            before, after = asyncio.run(call(llm))
    finally:
        gc.enable()
    assert after <= before


def test_connection_is_used_again() -> None:
    """A model works after a failed and an abandoned call."""

    async def call(llm: ScriptedLLM) -> list[str]:
        chat = ChatModel("m", KEY, llm.url, deadline_s=10, max_output_tokens=300)
        texts = []
        for _ in range(4):
            try:
                texts.append(await chat.complete("s", "u", ModelUse()))
            except ReaderFailed as failure:
                texts.append(failure.code)
        await chat.aclose()
        return texts

    with ScriptedLLM([Reply(["one"]), Reply(status=400), Reply([Cut()]), Reply([Cut()]), Reply(["two"])]) as llm:
        assert asyncio.run(call(llm)) == ["one", "reader_rejected", "reader_unavailable", "two"]


JUNK = st.one_of(
    st.binary(max_size=60),
    st.builds(lambda data: b"data: " + data + b"\n\n", st.binary(max_size=60)),
    st.builds(
        lambda data: b"data: " + json.dumps(data).encode() + b"\n\n",
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["choices", "delta", "content", "usage", "finish_reason", "error", "x"]), inner
                )
            ),
        ),
    ),
)


@settings(max_examples=60, deadline=None)
@given(junk=st.lists(JUNK, max_size=4))
def test_any_bytes_give_a_reply_or_our_failure(junk: list[bytes]) -> None:
    """No bytes in a stream raise anything but a ReaderFailed."""
    heard = hear([Reply(["Hello", *map(Raw, junk)])], deadline_s=2)
    assert heard.pieces[:1] == ["Hello"]
    assert heard.usage.llm_calls == 1


@given(
    data=st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["choices", "delta", "message", "content", "refusal", "usage", "finish_reason"]), inner
            )
        ),
    )
)
def test_any_json_is_a_reply_or_a_failure(data: object) -> None:
    """Every JSON value is a reply or one of our failures."""
    taken: object
    try:
        taken = ChatReply(300).add(data)
    except ReaderFailed as failure:
        taken = failure
    assert isinstance(taken, str | ReaderCutOff | ModelRefused)


@pytest.mark.parametrize(
    ("api_key", "base_url", "said"),
    [
        (None, None, "neither a key nor the address"),
        ("", "", "neither a key nor the address"),
        (f"{KEY}\n", None, "OPENAI_API_KEY"),
        ("schlüssel", None, "OPENAI_API_KEY"),
        (KEY, "localhost:8080", "OPENAI_BASE_URL"),
        (KEY, "ftp://localhost/v1", "OPENAI_BASE_URL"),
        (KEY, "http://[broken/v1", "OPENAI_BASE_URL"),
        (KEY, "http://host:99999/v1", "OPENAI_BASE_URL"),
        (KEY, "http://xn--\u00ad.example/v1", "OPENAI_BASE_URL"),
        (KEY, "http:///v1", "OPENAI_BASE_URL"),
    ],
)
def test_unusable_access_is_refused_at_once(api_key: str | None, base_url: str | None, said: str) -> None:
    """Invalid access settings raise an error before the first question, without the key."""
    with pytest.raises(ConfigurationError, match=said) as refused:
        ChatModel("m", api_key, base_url, deadline_s=1, max_output_tokens=300)
    assert KEY not in str(refused.value)


def test_importing_loads_no_vendor() -> None:
    """Importing the chat model loads neither openai nor its HTTP client."""
    code = (
        "import sys, service.readers.llm, service.standalone; print({'openai', 'httpx2', 'jinja2'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "set()"
