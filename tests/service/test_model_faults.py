"""The faults of a model's service, one row each: what the user gets, what was asked, and what the breaker learns."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from index.breaker import CircuitBreaker
from service.errors import Blame
from service.readers.chat import FAILURES, PAUSE_S
from service.readers.reply import CHARACTERS_A_TOKEN
from service.records import Usage
from tests.http_service import refusing
from tests.samples import client_of, settings_for
from tests.scripted_llm import Cut, Hang, Pause, Raw, Reply, Request, ScriptedLLM, Step
from tests.service.api.events import read_events
from tests.service.test_llm_answers import ALSO_TRUE, CONTEXT, QUESTION, key_of
from tests.service.test_model_cases import Model, codes, served

SHORT_S = 0.9
"""The deadline of a question in tests of silence, which lasts for 30 s."""

TOKENS = 800
AT_ONCE = {"Retry-After-Ms": "10"}
DRIP: Sequence[Step] = [step for _ in range(60) for step in ("drip ", Pause(0.1))]


@dataclass(frozen=True)
class Fault:
    """A reply of the service, the warning that it gives, the requests that it takes, and what is to blame."""

    reply: Reply
    code: str
    blame: Blame
    requests: int = 1
    vendor: str = ""  # the service's own code, which the log has

    @property
    def is_silent(self) -> bool:
        """Return whether only a deadline ends the reply."""
        return any(isinstance(step, Hang | Pause) for step in self.reply.pieces)

    @property
    def is_refusal(self) -> bool:
        """Return whether the service never accepts the question, and so charges nothing."""
        return self.reply.status != 200 or self.requests > 1


def body(data: bytes, **headers: str) -> Reply:
    """Return a complete reply of these bytes."""
    return Reply([Raw(data)], streams=False, headers={name.replace("_", "-"): value for name, value in headers.items()})


FAULTS = {
    "a hang before the head": Fault(Reply([Hang()], streams=False), "reader_timeout", "service"),
    "a hang before the first text": Fault(Reply([Hang()]), "reader_timeout", "service"),
    "a hang between two pieces": Fault(Reply(["Under the", Hang()]), "reader_timeout", "service"),
    "a drip": Fault(Reply(DRIP), "reader_timeout", "service"),
    "a cut before the head": Fault(Reply([Cut()], streams=False), "reader_unavailable", "service", 2),
    "a cut before the first text": Fault(Reply([Cut()]), "reader_cut_off", "service"),
    "a cut within the stream": Fault(Reply(["Under the", Cut()]), "reader_cut_off", "service"),
    "400": Fault(
        Reply(status=400, code="unsupported_parameter", param="n", message="Unsupported parameter: 'n'."),
        "reader_rejected",
        "request",
        vendor="unsupported_parameter",
    ),
    "401": Fault(Reply(status=401, code="bad_key"), "reader_rejected", "account", vendor="bad_key"),
    "403": Fault(Reply(status=403), "reader_rejected", "service"),
    "404, no such model": Fault(Reply(status=404, code="no_model"), "reader_rejected", "service", vendor="no_model"),
    "408": Fault(Reply(status=408, headers=AT_ONCE), "reader_unavailable", "service", 2),
    "413": Fault(Reply(status=413), "reader_rejected", "request"),
    "429, later": Fault(Reply(status=429, headers={"Retry-After": "0.01"}), "reader_rate_limited", "service", 2),
    "429, much later": Fault(Reply(status=429, headers={"Retry-After": "900"}), "reader_rate_limited", "service"),
    "429, no credit": Fault(Reply(status=429, code="insufficient_quota"), "reader_rate_limited", "account"),
    "500": Fault(Reply(status=500, headers=AT_ONCE), "reader_unavailable", "service", 2),
    "503": Fault(Reply(status=503, code="busy", headers=AT_ONCE), "reader_unavailable", "service", 2, "busy"),
    "invalid JSON": Fault(Reply([Raw(b"data: {not json\n\n")]), "reader_cut_off", "service"),
    "JSON of another shape": Fault(Reply([Raw(b'data: {"choices": 7}\n\n')]), "reader_cut_off", "service"),
    "an empty stream": Fault(Reply(finish=None, usage=None, done=False), "reader_cut_off", "service"),
    "no text": Fault(Reply(), "reader_empty", "request"),
    "no finish reason": Fault(Reply(["Under the"], finish=None), "reader_cut_off", "service"),
    "the limit of tokens": Fault(Reply(["Under the"], finish="length"), "reader_cut_off", "request"),
    "an enormous reply": Fault(Reply(["wages " * 500] * (TOKENS // 50)), "reader_cut_off", "request"),
    "an error event": Fault(
        Reply(error_event={"code": "engine_lost", "message": "x"}), "reader_cut_off", "service", vendor="engine_lost"
    ),
    "a content filter": Fault(Reply(finish="content_filter"), "reader_rejected", "request"),
    "a page": Fault(body(b"<h1>It works!</h1>", Content_Type="text/html"), "reader_cut_off", "service"),
    "a body that is not JSON": Fault(body(b"It works!"), "reader_cut_off", "service"),
}
BROKEN_OFF = (
    "a hang between two pieces", "a drip", "a cut within the stream", "invalid JSON", "JSON of another shape",
    "no finish reason", "the limit of tokens", "an enormous reply", "an error event",
)  # fmt: skip
"""The faults that may also come after the first sentence."""


@dataclass
class Asking:
    """A service with a scripted model, and what its questions cost."""

    client: TestClient
    model: Model
    llm: ScriptedLLM
    spent: list[Usage]

    @property
    def chat(self) -> Any:  # noqa: ANN401 - the model's client, with its breaker
        """Return the client of the model."""
        return self.pipeline.chat

    @property
    def pipeline(self) -> Any:  # noqa: ANN401 - of the application
        """Return the pipeline of the service."""
        app: Any = self.client.app
        return app.state.service.pipeline

    def ask(self) -> dict[str, Any]:
        """Return an answer whose stream ends with it, and whose deltas are its text."""
        events = read_events(self.client.post("/v1/ask", json={"question": QUESTION, "stream": True}).text)
        terminal = [event.name in ("answer.completed", "error") for event in events]
        assert terminal == [False] * (len(events) - 1) + [True]
        answer: dict[str, Any] = events[-1].data
        assert "".join(event.data["text"] for event in events if event.name == "answer.delta") == answer["answer"]
        return answer


@pytest.fixture(scope="module")
def service(sample_data: Path, models: Path) -> Iterator[Asking]:
    """Return a service that reports what its questions cost."""
    model, spent = Model(), list[Usage]()
    with ScriptedLLM(model) as llm, served(sample_data, models, llm) as client:
        state: Any = client.app.state.service  # type: ignore[attr-defined]
        state.pipeline = replace(state.pipeline, spent=lambda _, usage: spent.append(usage))
        yield Asking(client, model, llm, spent)


@pytest.fixture
def asking(service: Asking) -> Asking:
    """Return the service with a closed breaker and nothing asked."""
    service.chat.breaker.reset()
    service.llm.requests.clear()
    service.spent.clear()
    return service


def prepare(asking: Asking, fault: Fault, patch: pytest.MonkeyPatch) -> None:
    """Shorten a silence; count as many failures as leave the fault to open the breaker, unless it does so at once."""
    if fault.is_silent:
        patch.setattr(asking.chat, "_deadline_s", SHORT_S)
    for _ in range(FAILURES - 1 if fault.blame != "account" else 0):
        asking.chat.breaker.fail(PAUSE_S)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_before_the_first_sentence(
    asking: Asking, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The articles are quoted with the warning of the fault; the log has one line, and `/readyz` the code.

    An open breaker does the same at once, without a request.
    """
    fault = FAULTS[name]
    prepare(asking, fault, monkeypatch)
    asking.model.script = lambda _: fault.reply
    began = time.monotonic()
    with caplog.at_level(logging.WARNING, "dateline"):
        answer = asking.ask()
    # A hang lasts 30 s.
    assert not fault.is_silent or time.monotonic() - began < 15
    (line,) = [record.getMessage() for record in caplog.records]
    assert all(part in line for part in (fault.code, fault.vendor, "house-model"))
    assert ("not asked" in line) == (fault.blame != "request")
    assert codes(answer) == [fault.code, "answered_without_model"]
    assert answer["status"] in ("answered", "partial")
    assert answer["status_reason"] != "interrupted"
    assert {citation["verification"]["method"] for citation in answer["citations"]} == {"exact"}
    assert answer["versions"]["reader"].startswith("extractive")
    assert len(asking.llm.requests) == fault.requests
    assert answer["usage"]["llm_calls"] == (0 if fault.is_refusal else 1)
    assert [usage.input_tokens for usage in asking.spent] == [answer["usage"]["input_tokens"]][: not fault.is_refusal]
    assert asking.client.get("/readyz").json()["model_trouble"] == fault.code
    assert asking.chat.breaker.is_open == (fault.blame != "request")
    if fault.blame == "account":
        again = asking.ask()
        assert (codes(again), again["answer"]) == (codes(answer), answer["answer"])
        assert again["usage"]["llm_calls"] == 0
        assert len(asking.llm.requests) == fault.requests


@pytest.mark.parametrize("name", BROKEN_OFF)
def test_a_fault_after_the_first_sentence(asking: Asking, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence stays, the answer says that it is not complete, and the call is not repeated but counted."""
    fault = FAULTS[name]
    prepare(asking, fault, monkeypatch)

    def script(request: Request) -> Reply:
        return replace(fault.reply, pieces=[f"{ALSO_TRUE} [{key_of(request, CONTEXT)}]. Then ", *fault.reply.pieces])

    asking.model.script = script
    answer = asking.ask()
    assert (answer["status"], answer["status_reason"], answer["verdict"]) == ("partial", "interrupted", "interrupted")
    assert answer["answer"].startswith(f"{ALSO_TRUE} [1].")
    assert codes(answer) == [fault.code]
    assert len(asking.llm.requests) == 1
    (usage,) = asking.spent
    assert usage.llm_calls == answer["usage"]["llm_calls"] == 1
    assert usage.output_tokens == answer["usage"]["output_tokens"] > 0
    assert asking.chat.breaker.is_open == (fault.blame == "service")


def test_the_enormous_reply_is_over_the_limit() -> None:
    """The row tests what it says."""
    pieces = [step for step in FAULTS["an enormous reply"].reply.pieces if isinstance(step, str)]
    assert len("".join(pieces)) > TOKENS * CHARACTERS_A_TOKEN


def test_a_refused_connection(sample_data: Path, models: Path) -> None:
    """The articles are quoted; after the last failure that the breaker bears, the model is not asked."""
    with refusing() as url:
        access = {"llm_model": "m", "openai_api_key": "unused", "openai_base_url": f"{url}/v1"}
        with client_of(settings_for(sample_data, models, stale_after_days=36_500, **access)) as client:
            asked = [client.post("/v1/ask", json={"question": QUESTION}).json() for _ in range(FAILURES + 1)]
            assert client.get("/readyz").json()["model_trouble"] == "reader_unavailable"
            app: Any = client.app
            assert app.state.service.pipeline.chat.breaker.is_open
    assert {tuple(codes(answer)) for answer in asked} == {("reader_unavailable", "answered_without_model")}


def test_one_question_probes_a_service_that_is_back(asking: Asking) -> None:
    """After the pause it gets the model's answer, and so do all from then on."""
    now = 0.0
    breaker = asking.chat.breaker
    asking.chat.breaker = CircuitBreaker(FAILURES, lambda: now)
    asking.model.script = lambda _: FAULTS["401"].reply
    assert codes(asking.ask()) == ["reader_rejected", "answered_without_model"]
    asking.model.script = lambda request: Reply([f"{ALSO_TRUE} [{key_of(request, CONTEXT)}]."])
    now = PAUSE_S - 1
    assert codes(asking.ask()) == ["reader_rejected", "answered_without_model"]
    now = PAUSE_S
    assert [codes(asking.ask()) for _ in range(2)] == [[], []]
    assert asking.client.get("/readyz").json()["model_trouble"] is None
    assert len(asking.llm.requests) == 3
    asking.chat.breaker = breaker
