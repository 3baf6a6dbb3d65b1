"""Metrics: what Prometheus reads, and what never becomes a label."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from service.api.metrics import read_gauges
from service.metrics import GAUGES, Metrics, counting_usage
from service.records import Question, Unsupported, Usage
from tests.service.answers import answer

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]

SECRET = "zanzibarite"
"""A word that no route, code or article has."""


def series_of(exposition: bytes) -> Series:
    """Return the value of each series, by its name and labels; raises ValueError if Prometheus could not read it."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition.decode())
        for sample in family.samples
    }


def value(series: Series, name: str, **labels: str) -> float:
    """Return the sum of all series of this name that have these labels."""
    return sum(found for (each, of), found in series.items() if each == name and labels.items() <= dict(of).items())


def read(client: TestClient) -> Series:
    """Return the series of a service, as its route would."""
    return series_of(client.app.state.service.metrics.exposition())  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def used(client: TestClient) -> Series:
    """The series of a service after one request of each kind, with a secret word wherever a client may write."""
    asked = {"question": f"When did the {SECRET} ferry strike end?"}
    headers = {"X-Request-Id": SECRET, "Authorization": f"Bearer {SECRET}", "User-Agent": SECRET}
    client.post("/v1/ask", json=asked, headers=headers)
    client.post("/v1/ask", json=asked | {"stream": True}, headers=headers)
    client.post("/v1/ask", json={SECRET: SECRET}, headers=headers)
    client.get(f"/v1/articles/{SECRET}", headers=headers)
    client.get(f"/{SECRET}?{SECRET}={SECRET}", headers=headers)
    client.request(SECRET.upper(), "/v1/ask", headers=headers)
    client.head("/v1/articles", headers=headers)
    client.get("/v1/articles", headers=headers | {"Host": f"{SECRET}.example"})
    vote = {"answer_id": SECRET, "question": SECRET, "answer": SECRET, "vote": "up", "comment": SECRET}
    assert client.post("/v1/feedback", json=vote, headers=headers).status_code == 201
    return read(client)


def test_requests_are_counted_by_route_method_and_status(used: Series) -> None:
    """The route is its template; a path without a route and an unknown method are `other`."""
    name = "dateline_http_request_duration_seconds_count"

    assert value(used, name, route="/v1/ask", method="POST", code="200") == 2
    assert value(used, name, route="/v1/ask", method="POST", code="422") == 1
    assert value(used, name, route="/v1/ask", method="other", code="405") == 1
    assert value(used, name, route="/v1/articles/{id}", code="404") == 1
    assert value(used, name, route="/v1/articles", method="HEAD", code="200") == 1
    assert value(used, name, route="other", code="404") == 1
    assert value(used, name, route="/v1/articles", code="421") == 1


def test_answers_steps_errors_and_votes_are_counted(used: Series) -> None:
    """A streamed answer counts like any other."""
    assert value(used, "dateline_answers_total") == 2
    assert value(used, "dateline_stage_duration_seconds_count", stage="retrieve") == 2
    assert value(used, "dateline_errors_total", type="invalid_request_error", code="invalid_request") == 1
    assert value(used, "dateline_errors_total", code="article_not_found") == 1
    assert value(used, "dateline_feedback_votes_total", vote="up") == 1


def test_gauges_are_read_with_the_metrics(used: Series, client: TestClient) -> None:
    """Each gauge has a value if there is what it measures: this service has no language model and no push."""
    found = {name for name, _ in used}

    assert value(used, "dateline_index_articles") == 18
    assert value(used, "dateline_ready") == 1
    of_model = {"dateline_llm_trouble", "dateline_llm_breaker_open"}
    of_model |= {"dateline_budget_tokens_left", "dateline_budget_usd_left"}
    assert GAUGES.keys() - found == of_model | {"dateline_spool_oldest_timestamp_seconds"}
    assert read_gauges(client.app.state.service).keys() == GAUGES.keys()  # type: ignore[attr-defined]


def test_no_word_of_a_client_becomes_a_label(used: Series) -> None:
    """No question, path, id, key, host or header is in the metrics."""
    assert SECRET not in str(used).lower()
    assert {name for _, labels in used for name, _ in labels} <= {
        *("route", "method", "code", "le", "status", "reason", "reader", "stage", "type", "vote", "limit")
    }


def test_the_metrics_need_a_key(client: TestClient) -> None:
    """A caller without the scope metrics reads nothing, on loopback too."""
    assert client.get("/metrics").status_code == 401


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.none() | st.floats(0, 9))))
def test_usage_adds_up(calls: list[tuple[int, int, float | None]]) -> None:
    """The tokens of all calls are counted, and the function that was set before is called for each."""
    passed_on: list[Usage] = []
    metrics = Metrics()
    count = counting_usage(metrics, "some-model", lambda _, usage: passed_on.append(usage))
    for sent, received, cost in calls:
        count(Question("anything"), Usage(sent, received, 1, cost))
    series = series_of(metrics.exposition())

    assert len(passed_on) == value(series, "dateline_llm_calls_total", model="some-model") == len(calls)
    assert value(series, "dateline_llm_tokens_total", direction="input") == sum(each[0] for each in calls)
    assert value(series, "dateline_llm_tokens_total", direction="output") == sum(each[1] for each in calls)
    assert value(series, "dateline_llm_cost_usd_total") == pytest.approx(sum(each[2] or 0 for each in calls))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3))))
def test_a_kept_answer_counts_as_an_answer_without_steps(given_again: list[tuple[bool, int]]) -> None:
    """Each answer is counted with what it withheld; only one that was composed has times of its steps."""
    metrics = Metrics()
    for cached, withheld in given_again:
        metrics.count_answer(answer(cached=cached, unsupported=(Unsupported("Gulls sing.", "no_support"),) * withheld))
    series = series_of(metrics.exposition())
    kept = sum(cached for cached, _ in given_again)

    assert value(series, "dateline_answers_total", status="answered") == len(given_again)
    assert value(series, "dateline_cached_answers_total") == kept
    assert value(series, "dateline_stage_duration_seconds_count", stage="read") == len(given_again) - kept
    assert value(series, "dateline_withheld_sentences_total") == sum(withheld for _, withheld in given_again)


def test_a_price_that_is_not_known_is_missing() -> None:
    """A metric of 0 dollars would say that a model of one's own is free."""
    metrics = Metrics()
    metrics.count_usage("own-model", Usage(5, 5, 1, None))

    assert "dateline_llm_cost_usd_total" not in {name for name, _ in series_of(metrics.exposition())}
