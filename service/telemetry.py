"""OpenTelemetry spans of requests, retrievals and calls of models; off unless an endpoint is set.

Names and attributes are those of the conventions for HTTP and for generative AI, and `dateline.…` for the
outcome of an answer. No span has a word of a question, a prompt, a reply or an article.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.trace import NoOpTracer, Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from index.embedding import Embedder, Matrix, Vector

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

EXPORT_S = 3
"""How long the collector may take for a batch of spans, in seconds; the end of the service waits for the last one."""

Attributes = Mapping[str, str | int | float | bool | Sequence[str] | None]


class Replied(Protocol):
    """A reply of a language model so far, as its service describes it."""

    id: str | None
    model: str | None
    finish_reason: str | None
    tokens: tuple[int, int] | None
    first_text_s: float | None


class Telemetry:
    """Makes the spans of a service, for a provider of its own; without one it makes none."""

    def __init__(self, provider: "TracerProvider | None" = None) -> None:
        self._provider = provider
        self._tracer: Tracer = provider.get_tracer("dateline", version("dateline")) if provider else NoOpTracer()

    @property
    def is_on(self) -> bool:
        """Whether spans are made."""
        return self._provider is not None

    @contextmanager
    def request(self, method: str, traceparent: str | None) -> Iterator["RequestSpan"]:
        """Make the span of a request, as a child of its caller's span if it names one."""
        if not self.is_on:
            yield RequestSpan(None)
            return
        # The caller's `tracestate` stays out: its words would be exported.
        parent = TraceContextTextMapPropagator().extract({"traceparent": traceparent or ""}, Context())
        with self._made(method, SpanKind.SERVER, {"http.request.method": method}, parent) as span:
            yield RequestSpan(span)

    def retrieval(self, generation: str, embedding_model: str, top_k: int) -> AbstractContextManager[Span]:
        """Make the span of a retrieval."""
        attributes: Attributes = {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": generation,
            "gen_ai.request.model": embedding_model,
            "gen_ai.request.top_k": top_k,
        }
        return self._made("retrieval dateline", SpanKind.INTERNAL, attributes)

    @contextmanager
    def chat(self, model: str, base_url: str, reply: "Replied", *, streams: bool) -> Iterator[None]:
        """Make the span of a call of a language model, which ends with the block; `reply` is what arrived by then."""
        if not self.is_on:
            yield
            return
        address = urlsplit(base_url)
        attributes: Attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": model,
            "gen_ai.request.stream": streams,
            "server.address": address.hostname,
            "server.port": address.port,
        }
        # An asynchronous generator may end in another context than it began in, so the span is not the current one.
        span = self._tracer.start_span(f"chat {model}", kind=SpanKind.CLIENT, attributes=_stated(attributes))
        try:
            yield
        except Exception as error:
            _fail(span, error)
            raise
        finally:
            span.set_attributes(_stated(_attributes_of(reply)))
            span.end()

    def embeddings(self, name: str) -> AbstractContextManager[Span]:
        """Make the span of a call of an embedding model, by its name in the settings."""
        provider, _, model = name.rpartition(":")
        attributes: Attributes = {
            "gen_ai.operation.name": "embeddings",
            "gen_ai.provider.name": provider or "custom",
            "gen_ai.request.model": model,
        }
        return self._made(f"embeddings {model}", SpanKind.CLIENT, attributes)

    def close(self) -> None:
        """Export the last spans and stop; this may take some seconds."""
        if self._provider:
            self._provider.shutdown()

    @contextmanager
    def _made(self, name: str, kind: SpanKind, attributes: Attributes, parent: Context | None = None) -> Iterator[Span]:
        """Make a span, the current one until the block ends; it keeps the code of an error, but not its words."""
        with self._tracer.start_as_current_span(
            name,
            parent,
            kind,
            _stated(attributes),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except Exception as error:
                _fail(span, error)
                raise


OFF = Telemetry()
"""Makes no spans."""


@dataclass(frozen=True, slots=True)
class RequestSpan:
    """The span of a request, if there is one."""

    span: Span | None

    @property
    def trace_id(self) -> str | None:
        """The id under which a collector shows the request."""
        return f"{self.span.get_span_context().trace_id:032x}" if self.span else None

    def end_with(self, method: str, route: str, status: int, error: str | None, outcome: Attributes) -> None:
        """Name the span by its route; state the status of the reply, the code of its error and what the answer is."""
        if self.span is None:
            return
        self.span.update_name(f"{method} {route}")
        reply = {"http.route": route, "http.response.status_code": status or None, "error.type": error}
        self.span.set_attributes(_stated({**reply, **outcome}))
        if status >= 500:
            self.span.set_status(StatusCode.ERROR)


@dataclass(frozen=True, slots=True)
class TracedEmbedder:
    """An embedder whose calls have spans."""

    embedder: Embedder
    telemetry: Telemetry

    @property
    def name(self) -> str:
        """Return the model's name in the settings and the manifest."""
        return self.embedder.name

    @property
    def graph(self) -> str:
        """Return how the model runs."""
        return self.embedder.graph

    @property
    def dimension(self) -> int:
        """Return the dimension of the vectors."""
        return self.embedder.dimension

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of texts, in their order; raises EmbeddingFailed."""
        with self.telemetry.embeddings(self.name):
            return self.embedder.embed_texts(texts)

    def embed_query(self, text: str) -> Vector:
        """Return the vector of a question; raises EmbeddingFailed."""
        with self.telemetry.embeddings(self.name):
            return self.embedder.embed_query(text)

    def close(self) -> None:
        """Close the connections."""
        self.embedder.close()


def exporting_to(endpoint: str | None) -> Telemetry:
    """Return the telemetry that sends spans to a collector by OTLP over gRPC, or that makes none without an endpoint.

    The vendor's own settings say the rest: `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME`.
    """
    if endpoint is None:
        return OFF
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.version": version("dateline")})
    if str(resource.attributes["service.name"]).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "dateline"}))
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_S)))
    return Telemetry(provider)


def _attributes_of(reply: Replied) -> Attributes:
    sent, received = reply.tokens or (None, None)
    return {
        "gen_ai.response.id": reply.id,
        "gen_ai.response.model": reply.model,
        "gen_ai.response.finish_reasons": [reply.finish_reason] if reply.finish_reason else None,
        "gen_ai.response.time_to_first_chunk": reply.first_text_s,
        "gen_ai.usage.input_tokens": sent,
        "gen_ai.usage.output_tokens": received,
    }


def _stated(attributes: Attributes) -> dict[str, str | int | float | bool | Sequence[str]]:
    return {name: value for name, value in attributes.items() if value is not None}


def _fail(span: Span, error: Exception) -> None:
    span.set_attribute("error.type", str(getattr(error, "code", None) or type(error).__name__))
    span.set_status(StatusCode.ERROR)
