"""Models of every style behind the service: HTTP to the service, the real client, HTTP to a scripted model.

Each case is asked twice, as one reply and as a stream.
"""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.samples import client_of, settings_for
from tests.scripted_llm import Raw, Reply, Request, ScriptedLLM
from tests.service.api.events import read_events
from tests.service.test_llm_answers import CONTEXT, QUESTION, TRUE, key_of

WORDS = "wages rise by 4.2 percent on 1 March 2026"
SAID = f'{TRUE} [{{key}}: "{WORDS}"].'
THOUGHT = "Okay, the reader asks about wages. Wages rise by 4.2 percent on 1 March 2026 [{key}]. I should answer."

Script = Callable[[Request], Reply]


class Model:
    """The script of a model, which each test sets."""

    def __init__(self) -> None:
        self.script: Script = lambda _: Reply()

    def __call__(self, request: Request) -> Reply:
        return self.script(request)


def served(data: Path, models: Path, llm: ScriptedLLM, name: str = "house-model") -> TestClient:
    """Return a client of a service that asks this model, on whatever day the test runs."""
    access = {"llm_model": name, "openai_api_key": "unused", "openai_base_url": llm.url}
    return client_of(settings_for(data, models, stale_after_days=36_500, **access))


@pytest.fixture(scope="module")
def service(sample_data: Path, models: Path) -> Iterator[tuple[TestClient, Model]]:
    """Return a client of a service, and the script of its model."""
    model = Model()
    with ScriptedLLM(model) as llm, served(sample_data, models, llm) as client:
        yield client, model


def ask_model_again(client: TestClient) -> None:
    """Close the circuit breaker, which earlier failures opened."""
    app: Any = client.app
    app.state.service.pipeline.chat.breaker.reset()


def answered(client: TestClient, **question: object) -> dict[str, Any]:
    """Return an answer after comparing it with its stream."""
    body = {"question": QUESTION, **question}
    ask_model_again(client)
    complete: dict[str, Any] = client.post("/v1/ask", json=body).json()
    ask_model_again(client)
    events = read_events(client.post("/v1/ask", json=body | {"stream": True}).text)
    assert [event.name for event in events][-1] == "answer.completed"
    streamed = events[-1].data
    assert "".join(event.data["text"] for event in events if event.name == "answer.delta") == streamed["answer"]
    for field in ("answer", "status", "status_reason", "verdict", "unsupported"):
        assert complete[field] == streamed[field]
    assert codes(complete) == codes(streamed)
    return complete


def codes(answer: dict[str, Any]) -> list[str]:
    """Return the codes of an answer's warnings."""
    return [warning["code"] for warning in answer["warnings"]]


def says(text: str, size: int = 7, **how: object) -> Script:
    """Return a script with this text in pieces; `{key}` is the key of the agreement's passage."""

    def script(request: Request) -> Reply:
        filled = text.replace("{key}", key_of(request, CONTEXT))
        return Reply([filled[start : start + size] for start in range(0, len(filled), size)], **how)  # type: ignore[arg-type]

    return script


def raw(delta: object, finish: str | None = None) -> Raw:
    """Return an event of a stream with this delta."""
    return Raw(
        b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode() + b"\n\n"
    )


# Case 26
EMPTY: dict[str, Script] = {
    "no content": lambda _: Reply(),
    "white space": lambda _: Reply([" ", "\n\n", "\t"]),
    "reasoning content only": lambda _: Reply([raw({"reasoning_content": "Hm."}), raw({"reasoning": "Hm."})]),
    "null content": lambda _: Reply([raw({"content": None})]),
    "parts without text": lambda _: Reply(
        [raw({"content": []}), raw({"content": [{"type": "reasoning", "text": "Hm."}]})]
    ),
    "thoughts only": says("<think>" + THOUGHT + "</think>\n"),
    "thoughts that are cut off": says("<think>" + THOUGHT),
    "an empty answer in JSON": says('{"answer": "", "citations": []}'),
    "an empty tag": says("<answer></answer>"),
    "another reason": lambda _: Reply(finish="eos_token"),
    "no choices": lambda _: Reply([Raw(b'data: {"choices": []}\n\n')]),
}


@pytest.mark.parametrize("case", EMPTY)
def test_an_empty_reply_is_replaced_by_quotes(
    service: tuple[TestClient, Model], case: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A reply without words is a failure: the answer has quotes and warnings, and the log one line for each call."""
    client, model = service
    model.script = EMPTY[case]
    with caplog.at_level(logging.WARNING, "dateline"):
        answer = answered(client)
    assert answer["status"] in ("answered", "partial")
    assert codes(answer) == ["reader_empty", "answered_without_model"]
    assert answer["unsupported"] == []
    assert answer["versions"]["reader"].startswith("extractive")
    assert [record.getMessage().count("reader_empty") for record in caplog.records] == [1, 1]
    assert client.get("/readyz").json()["model_trouble"] == "reader_empty"


# Case 27
THINKING = {
    "think": "<think>\n" + THOUGHT + "\n\n" + THOUGHT + "\n</think>\n\n",
    "on one line": "<think>Okay.</think>",
    "with a quote": "<think>I need this.\n" + SAID + "</think>",
    "thinking": "<thinking>" + THOUGHT + "</thinking>",
    "upper case": "<THINK>" + THOUGHT + "</THINK>\n",
    "empty": "<think>\n\n</think>\n\n",
    "square brackets": "[THINK]" + THOUGHT + "[/THINK]",
    "triangles": "◁think▷" + THOUGHT + "◁/think▷",
    "no opening tag": THOUGHT + "\n</think>\n\n",
    "seed": "<seed:think>" + THOUGHT + "</seed:think>",
    "channels": "<|channel|>analysis<|message|>" + THOUGHT + "<|end|><|start|>assistant<|channel|>final<|message|>",
    "the sentinel in thoughts": "<think>Is it NOT_IN_SOURCES? No.</think>",
}


@pytest.mark.parametrize("case", THINKING)
def test_nothing_of_reasoning_is_said(service: tuple[TestClient, Model], case: str) -> None:
    """Reasoning before an answer is not said, not listed as withheld, and does not count."""
    client, model = service
    model.script = says(THINKING[case] + SAID)
    answer = answered(client)
    assert (answer["answer"], answer["status"], answer["verdict"]) == (f"{TRUE} [1].", "answered", "answered")
    assert (answer["unsupported"], codes(answer)) == ([], [])
    assert client.get("/readyz").json()["model_trouble"] is None


@pytest.mark.parametrize("case", THINKING)
@pytest.mark.parametrize("sentinel", ["NOT_IN_SOURCES", "**not_in_sources**.", "NOT\\_IN\\_SOURCES: nothing fits."])
def test_a_sentinel_after_reasoning_abstains(service: tuple[TestClient, Model], case: str, sentinel: str) -> None:
    """A sentinel after reasoning is an abstention."""
    client, model = service
    model.script = says(THINKING[case] + sentinel)
    answer = answered(client)
    assert (answer["status"], answer["status_reason"]) == ("not_in_sources", "model_abstained")
    assert (answer["unsupported"], codes(answer), answer["citations"]) == ([], [], [])


# Case 29
WRAPPED = {
    "double": "{said} [[{key}]].",
    "bold": "{said} **[{key}]**.",
    "raised": "{said}<sup>[{key}]</sup>.",
    "JSON": '{{"answer": "{said} [{key}]."}}',
    "bold sentence": "**{said}** [{key}].",
    "double and bold": "{said} **[[{key}]]**.",
    "raised without brackets": "{said}<sup>{key}</sup>.",
    "raised and bold": "{said} <sup>**[{key}]**</sup>.",
    "JSON in a fence": '```json\n{{"answer": "{said} [{key}].", "confidence": 0.9}}\n```',
    "JSON with an escape": '{{"answer": "**{said}** [{key}]."}}'.replace("**", "\\u002a\\u002a"),
    "bold in part": "Under the **agreement**, {rest} [{key}].",
    "bold and slanted": "***{said}*** [{key}].",
    "in code": "{said} `[{key}]`.",
    "cite": "{said} <cite>{key}</cite>.",
    "a link": "{said} [[{key}]](https://tarn.example/a).",
    "wide and double": "{said}【【{key}】】.",
    "an answer's tag": "<answer>{said} [{key}].</answer>",
    "a quote of Markdown": "> {said} [{key}].",
    "a heading's stars": "**Answer:**\n\n{said} [{key}].",
}


@pytest.mark.parametrize("case", WRAPPED)
def test_a_wrapped_marker_is_a_marker(service: tuple[TestClient, Model], case: str) -> None:
    """The text is clean, with one marker."""
    client, model = service
    text = WRAPPED[case].replace("{said}", TRUE).replace("{rest}", TRUE.removeprefix("Under the agreement, "))
    model.script = says(text.replace("{{", "{").replace("}}", "}"))
    answer = answered(client)
    assert (answer["answer"], answer["status"]) == (f"{TRUE} [1].", "answered")
    assert [citation["verification"]["status"] for citation in answer["citations"]] == ["verified"]


ODD = raw({}, "stop").data.replace(b"data: ", b"event: message\nid: 7\ndata: ")
STREAMS: dict[str, Script] = {
    "without an end": says(SAID, done=False),
    "without a reason": says(SAID, finish=None),
    "without a count": says(SAID, usage=None),
    "of a text generation server": says(SAID, finish="eos_token"),
    "with calls of tools": says(SAID, finish="tool_calls"),
    "not a stream": says(SAID, streams=False),
    "begun by a chunk without choices": lambda request: Reply(
        [Raw(b'data: {"choices": [], "prompt_filter_results": []}\n\n'), *says(SAID)(request).pieces]
    ),
    "with comments": lambda request: Reply(
        [Raw(b": ping\n\n"), *says(SAID)(request).pieces, Raw(b": ping\n\n"), Raw(ODD)]
    ),
    "with parts": lambda request: Reply(
        [raw({"content": [{"type": "text", "text": piece}]}) for piece in says(SAID)(request).pieces]
    ),
    "with reasoning beside it": lambda request: Reply(
        [raw({"reasoning_content": THOUGHT}), raw({"reasoning": THOUGHT}), *says(SAID)(request).pieces]
    ),
}


@pytest.mark.parametrize("case", STREAMS)
def test_a_stream_of_any_shape_is_read(service: tuple[TestClient, Model], case: str) -> None:
    """A complete text is answered without a warning, whatever else its server sends or leaves out."""
    client, model = service
    model.script = STREAMS[case]
    answer = answered(client)
    assert (answer["answer"], answer["status"], codes(answer)) == (f"{TRUE} [1].", "answered", [])


# Case 31
def refusal(param: str, message: str, code: str = "unsupported_parameter") -> Reply:
    """Return the refusal of a parameter."""
    return Reply(status=400, code=code, param=param, message=message)


GATEWAY: dict[str, tuple[Callable[[Request], bool], Reply]] = {
    "limit": (
        lambda request: "max_tokens" in request,
        refusal("max_tokens", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
    ),
    "temperature": (
        lambda request: "temperature" in request,
        refusal("temperature", "Unsupported parameter: 'temperature' is not supported with this model."),
    ),
    "system": (
        lambda request: request["messages"][0]["role"] == "system",
        refusal("messages[0].role", "'system' is not supported with this model.", "unsupported_value"),
    ),
    "stream options": (
        lambda request: "stream_options" in request,
        Reply(status=400, message="Unrecognized request argument supplied: stream_options"),
    ),
    "stream": (
        lambda request: "stream" in request,
        refusal("stream", "Unsupported value: 'stream' does not support true with this model.", "unsupported_value"),
    ),
    "validation": (
        lambda request: bool({"max_tokens", "temperature"} & request.keys()),
        Reply(status=422, body={"detail": [
            {"type": "extra_forbidden", "loc": ["body", "max_tokens"], "msg": "Extra inputs are not permitted"},
            {"type": "extra_forbidden", "loc": ["body", "temperature"], "msg": "Extra inputs are not permitted"},
        ]}),
    ),
    "vLLM": (
        lambda request: "temperature" in request,
        Reply(status=400, body={
            "object": "error", "type": "BadRequestError", "code": 400, "param": None,
            "message": "temperature is not supported for this model",
        }),
    ),
}  # fmt: skip

GATEWAYS = {
    "limit and temperature": ("my-o1-deploy", ["limit", "temperature"], 1),
    "both, another name": ("prod-reasoner", ["limit", "temperature"], 1),
    "both, a name without a dash": ("o4mini", ["limit", "temperature"], 1),
    "temperature": ("house-model", ["temperature"], 1),
    "limit": ("house-model", ["limit"], 1),
    "system role": ("my-o1-deploy", ["system"], 1),
    "stream options": ("house-model", ["stream options"], 1),
    "stream": ("my-o1-deploy", ["stream"], 1),
    "a validation": ("prod-reasoner", ["validation"], 1),
    "another server": ("house-model", ["vLLM"], 1),
    "everything": ("prod-reasoner", ["limit", "temperature", "system", "stream options", "stream"], 4),
}


@pytest.mark.parametrize("case", GATEWAYS)
def test_a_refused_parameter_is_left_out_from_then_on(
    sample_data: Path, models: Path, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each refusal costs one retry of the first question; later ones are asked once, and the log says so once."""
    name, refuses, retries = GATEWAYS[case]

    def gateway(request: Request) -> Reply:
        for key in refuses:
            is_refused, reply = GATEWAY[key]
            if is_refused(request):
                return reply
        is_rewrite = CONTEXT not in request["messages"][-1]["content"]
        return Reply([QUESTION]) if is_rewrite else says(SAID)(request)

    with (
        caplog.at_level(logging.INFO, "dateline"),
        ScriptedLLM(gateway) as llm,
        served(sample_data, models, llm, name) as client,
    ):
        caplog.clear()
        answer = answered(client)
        assert len(llm.requests) == 2 + retries
        follow_up = {"question": "And by how much?", "messages": [{"role": "user", "content": "What of the wages?"}]}
        asked = client.post("/v1/ask", json=follow_up).json()
        assert len(llm.requests) == 2 + retries + 2
        assert client.get("/readyz").json()["model_trouble"] is None
    assert (answer["answer"], answer["status"], codes(answer)) == (f"{TRUE} [1].", "answered", [])
    assert asked["usage"]["llm_calls"] == 2
    (line,) = [record.getMessage() for record in caplog.records if "left out" in record.getMessage()]
    assert name in line
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
