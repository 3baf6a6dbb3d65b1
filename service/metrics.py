"""The metrics of a service, as Prometheus reads them at `GET /metrics`.

Labels have few values: a route and not a path, a code and not a message. No label has a word of a question or an
article, a key or an address.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from service.answer import Answer
from service.feedback import Vote
from service.records import Question, Usage
from service.spend import REFUSALS, Refusal

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

REQUEST_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Upper bounds of the buckets of requests in seconds; the last one is the deadline of a language model."""

STEPS = ("standalone", "retrieve", "read", "verify")

STEP_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Described(NamedTuple):
    """The meaning of a metric, and its labels."""

    meaning: str
    labels: tuple[str, ...] = ()


HISTOGRAMS: Mapping[str, Described] = {
    "dateline_http_request_duration_seconds": Described(
        "Time from a request to the end of its reply, streams included.", ("route", "method", "code")
    ),
    "dateline_stage_duration_seconds": Described("Time of each step of an answer.", ("stage",)),
}

COUNTERS: Mapping[str, Described] = {
    "dateline_answers_total": Described("Complete answers.", ("status", "reason", "reader")),
    "dateline_cached_answers_total": Described("Complete answers that were given again from memory."),
    "dateline_answer_warnings_total": Described("Warnings of answers.", ("code",)),
    "dateline_chores_total": Described("Requests of chat programs for themselves, such as for a title.", ("ui",)),
    "dateline_withheld_sentences_total": Described("Sentences of a model that failed the check."),
    "dateline_errors_total": Described("Requests that ended with an error, refusals included.", ("type", "code")),
    "dateline_llm_tokens_total": Described("Tokens of the language model.", ("direction", "model")),
    "dateline_llm_calls_total": Described("Calls that the language model's service accepted.", ("model",)),
    "dateline_llm_cost_usd_total": Described("List price of the calls whose price is known.", ("model",)),
    "dateline_budget_refusals_total": Described(
        "Times that the language model was not asked for a budget.", ("limit",)
    ),
    "dateline_uncounted_questions_total": Described("Questions that no rate counted, as the server of rates failed."),
    "dateline_feedback_votes_total": Described("Votes on answers.", ("vote",)),
}

GAUGES: Mapping[str, str] = {
    "dateline_ready": "1 if questions can be answered, else 0.",
    "dateline_questions_in_flight": "Questions and searches that are being answered.",
    "dateline_questions_limit": "Questions and searches that are answered at once; others are refused.",
    "dateline_index_articles": "Articles of the generation that is served.",
    "dateline_index_chunks": "Chunks of the generation that is served.",
    "dateline_index_updated_timestamp_seconds": "When the generation that is served was published, as a Unix time.",
    "dateline_index_trouble": "1 if the newest generation cannot be served or the Chroma server fails, else 0.",
    "dateline_llm_trouble": "1 if the last reply of the language model failed, else 0; without a model none.",
    "dateline_llm_breaker_open": "1 while the language model is not asked because it failed, else 0.",
    "dateline_budget_tokens_left": "Tokens of the language model that may be used today; without a limit none.",
    "dateline_budget_usd_left": "List price in USD of what may be used of it today; without a limit none.",
    "dateline_spool_articles": "Pushed articles that wait for the writer.",
    "dateline_spool_oldest_timestamp_seconds": "When the push that waits longest was accepted, as a Unix time.",
    "dateline_writer_up": "1 if a live process publishes pushed articles, else 0.",
}
"""The values that are read when the metrics are, with their meaning."""

Readings = Mapping[str, float | None]
"""The value of each gauge, or None where there is none."""


class Metrics:
    """The metrics of one service, in a registry of its own; safe to share between threads.

    The errors of `known_errors`, each a type and a code, are 0 from the start: Prometheus sees no rise from nothing.
    """

    def __init__(self, known_errors: Iterable[tuple[str, str]] = ()) -> None:
        # One more series for each counter and histogram, of little use; the vendor has only one switch for all.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        requests, stages = HISTOGRAMS.items()
        self._requests, self._stages = (
            Histogram(name, *described, buckets=buckets, registry=registry)
            for (name, described), buckets in ((requests, REQUEST_S), (stages, STEP_S))
        )
        self._counters = {name: Counter(name, *described, registry=registry) for name, described in COUNTERS.items()}
        for kind, code in known_errors:
            self._add("dateline_errors_total", kind, code, amount=0)
        for refusal in REFUSALS:
            self._add("dateline_budget_refusals_total", refusal, amount=0)

    def read_gauges_by(self, read: Callable[[], Readings]) -> None:
        """Read the gauges by a function, each time that the metrics are read; call this once."""
        self.registry.register(_Gauges(read))

    def count_request(self, route: str, method: str, code: str, seconds: float) -> None:
        """Count a request by the template of its route and the status of its reply."""
        self._requests.labels(route, method, code).observe(seconds)

    def count_error(self, kind: str, code: str) -> None:
        """Count an error by the `type` and the `code` of its reply."""
        self._add("dateline_errors_total", kind, code)

    def count_answer(self, answer: Answer) -> None:
        """Count a complete answer, its steps, its warnings and what it withheld."""
        reason, spent = answer.status_reason or "none", answer.timings_ms
        self._add("dateline_answers_total", answer.status, reason, answer.versions.reader)
        self._add("dateline_withheld_sentences_total", amount=len(answer.unsupported))
        for warning in answer.warnings:
            self._add("dateline_answer_warnings_total", warning.code)
        if answer.cached:
            self._add("dateline_cached_answers_total")
            return
        for step in STEPS:
            self._stages.labels(step).observe(getattr(spent, step) / 1000)

    def count_usage(self, model: str, usage: Usage) -> None:
        """Count what calls of the language model used."""
        self._add("dateline_llm_tokens_total", "input", model, amount=usage.input_tokens)
        self._add("dateline_llm_tokens_total", "output", model, amount=usage.output_tokens)
        self._add("dateline_llm_calls_total", model, amount=usage.llm_calls)
        if usage.cost_usd is not None:
            self._add("dateline_llm_cost_usd_total", model, amount=usage.cost_usd)

    def count_budget_refusal(self, refusal: Refusal) -> None:
        """Count that the language model was not asked, by the limit that was reached."""
        self._add("dateline_budget_refusals_total", refusal)

    def count_rate_failure(self) -> None:
        """Count a question that no rate counted."""
        self._add("dateline_uncounted_questions_total")

    def count_chore(self, ui: str) -> None:
        """Count a chore by the name of its chat program in our table."""
        self._add("dateline_chores_total", ui)

    def count_vote(self, vote: Vote) -> None:
        """Count feedback."""
        self._add("dateline_feedback_votes_total", vote)

    def _add(self, name: str, *labels: str, amount: float = 1) -> None:
        counter = self._counters[name]
        (counter.labels(*labels) if labels else counter).inc(amount)

    def exposition(self) -> bytes:
        """Return all metrics in the text format of Prometheus; reads files."""
        return generate_latest(self.registry)


Spent = Callable[[Question | None, Usage], None]


def counting_usage(metrics: Metrics, model: str, *others: Spent | None) -> Spent:
    """Return a function that counts what a language model used, after it calls the others."""

    def count(question: Question | None, usage: Usage) -> None:
        for other in others:
            if other:
                other(question, usage)
        metrics.count_usage(model, usage)

    return count


class _Gauges(Collector):
    """The gauges, read when the metrics are."""

    def __init__(self, read: Callable[[], Readings]) -> None:
        self._read = read

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges without values."""
        for name, meaning in GAUGES.items():
            yield GaugeMetricFamily(name, meaning)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges that have a value."""
        readings = self._read()
        for gauge in self.describe():
            value = readings[gauge.name]
            if value is not None:
                gauge.add_metric([], value)
                yield gauge
