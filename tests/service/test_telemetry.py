"""Spans of a service: what they are called, how they nest, and what they never have."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient

from service.api.app import create_app
from service.build import build_pipeline
from service.settings import ServiceSettings
from service.telemetry import OFF, Telemetry, exporting_to
from tests.samples import embedder_of, settings_for
from tests.scripted_llm import Reply, ScriptedLLM

QUESTION = "How much do wages rise under the ferry agreement of Sound Line?"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = f"00-{TRACE}-{PARENT}-01"
MODEL = "house-model"


class Spans:
    """The spans that a telemetry made."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.telemetry = Telemetry(provider)

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.all if span.name == name]

    @property
    def all(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()


@contextmanager
def traced(settings: ServiceSettings, llm: ScriptedLLM) -> Iterator[tuple[TestClient, Spans]]:
    """Yield a client of a service with a model, and the spans that it makes."""
    spans = Spans()
    given = {"llm_model": MODEL, "openai_base_url": llm.url, "span_reader": False}
    made = settings_for(settings.data, settings.models_folder, **given)
    pipeline = build_pipeline(made, embedder_of(made.models_folder), telemetry=spans.telemetry)
    with TestClient(create_app(made, pipeline)) as client:
        yield client, spans


def id_of(span: ReadableSpan) -> int:
    """Return the id of a span."""
    return int(span.context.span_id) if span.context else 0


def attribute(span: ReadableSpan, name: str) -> object:
    """Return an attribute of a span, or None."""
    return (span.attributes or {}).get(name)


def test_an_answer_is_one_trace(sample_settings: ServiceSettings) -> None:
    """The retrieval, its embedding and the call of the model are inside the request, and it in its caller's span."""
    with (
        ScriptedLLM(Reply(("Wages are 4 euros.",), usage=(120, 4))) as llm,
        traced(sample_settings, llm) as (client, spans),
    ):
        client.get("/readyz")
        reply = client.post("/v1/ask", json={"question": QUESTION, "stream": True}, headers={"traceparent": CALLER})
    assert "no_verified_support" in reply.text
    (request,), (retrieval,), (chat,) = map(spans.named, ("POST /v1/ask", "retrieval dateline", f"chat {MODEL}"))
    embeddings = spans.named("embeddings all-MiniLM-L6-v2")

    assert {f"{span.context.trace_id:032x}" for span in spans.all if span.context} == {TRACE}
    assert request.parent
    assert f"{request.parent.span_id:016x}" == PARENT
    assert {span.parent.span_id for span in (retrieval, chat) if span.parent} == {id_of(request)}
    assert id_of(retrieval) in {span.parent.span_id for span in embeddings if span.parent}
    assert attribute(request, "dateline.status_reason") == "no_verified_support"
    assert attribute(request, "http.route") == "/v1/ask"
    assert attribute(retrieval, "gen_ai.request.top_k") == 8
    assert attribute(chat, "gen_ai.usage.input_tokens") == 120
    assert attribute(chat, "gen_ai.response.finish_reasons") == ("stop",)
    assert attribute(chat, "server.address") == "127.0.0.1"
    assert attribute(chat, "error.type") is None


def test_a_failure_of_the_model_is_a_code(sample_settings: ServiceSettings) -> None:
    """The span has the code of the failure and no word of the service; the request succeeded."""
    refusal = Reply(status=400, message="zanzibarite")
    with ScriptedLLM(refusal) as llm, traced(sample_settings, llm) as (client, spans):
        reply = client.post("/v1/ask", json={"question": QUESTION})
    (chat,), (request,) = spans.named(f"chat {MODEL}"), spans.named("POST /v1/ask")

    assert (attribute(chat, "error.type"), chat.status.is_ok) == ("reader_rejected", False)
    assert attribute(request, "error.type") is None
    assert attribute(request, "dateline.answer.id") == reply.json()["id"]
    written = " ".join(span.to_json() for span in spans.all).lower()
    assert {word for word in ("zanzibarite", "wages", "ferry", "sound line") if word in written} == set()


def test_without_an_endpoint_there_are_no_spans() -> None:
    """The service takes no time for them, and a line of the log has no id of a trace."""
    assert exporting_to(None) is OFF
    with OFF.request("GET", CALLER) as span, OFF.retrieval("generation", "model", 8):
        span.end_with("GET", "/", 200, None, {})
        assert span.trace_id is None


@given(st.text(max_size=60) | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", fullmatch=True))
def test_any_header_of_a_caller_is_read(traceparent: str) -> None:
    """A valid one is followed, any other one begins a new trace."""
    spans = Spans()
    with spans.telemetry.request("GET", traceparent) as span:
        followed = span.trace_id
    begun = [made.parent is None for made in spans.all]

    assert all(begun) or f"-{followed}-" in traceparent


@pytest.mark.parametrize("address", ["localhost:4317", "ftp://127.0.0.1", "http://a b"])
def test_an_invalid_endpoint_is_refused(address: str) -> None:
    """The message names the value."""
    with pytest.raises(ValueError, match=address):
        settings_for(Path("data"), Path("models"), otlp_endpoint=address)
