"""The bounds of a caller: each reply is that of a service whose index has only the articles within them."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi.routing import APIRoute
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from index import segment as segments
from index.errors import DatelineError
from index.publishing import make_current, manifest_of, write_manifest
from index.records import Article, Edit, Filters, Revision, Span
from service.api.access import CallerOf
from service.api.app import create_app
from service.api.errors import problem_of
from service.api.mcp_tools import ToolCall, tools
from service.api.state import State
from service.build import build_pipeline
from service.caller import ANONYMOUS, Caller
from service.keys import FRESH_S, Grant, KeyRing, KeyStore
from service.suggestions import Suggestion
from tests.fakes import HashedEmbedder, article, configuration, segment_of
from tests.samples import settings_for

EMBEDDER = HashedEmbedder()
DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
SUBJECTS = ("pier", "library", "ferry", "market", "bridge")
CORRECTIONS = 30
SYLLABLES = "bar dol fen gim hul jor kev lun mip nox".split()


def article_of(number: int) -> Article:
    """Return an article with a word of its own in title, text and id.

    Each fourth one copies the one before it, and the last six correct the one of their subject and source before them.
    """
    subject, own, cost = SUBJECTS[number % 5], own_word(number), 30 + number // 7
    text = (
        f"The {subject} in Varnholm reopened on {1 + number % 3} March 2026 after repairs, the council said. "
        f"The repairs of the {subject} in Varnholm cost {cost} million crowns. "
        f"Workers found a {own} under the floor of the {subject} and showed it to visitors in the evening."
    )
    title = f"The {own} of the {subject}"
    if number >= CORRECTIONS:
        title = f"Correction: {title}"
        text = (
            f"The repairs of the {subject} in Varnholm cost 14 million crowns, not {30 + (number - 15) // 7} million."
        )
        text = f"{text} Our report on the {own} was wrong."
    elif number % 4 == 3:
        text, title = article_of(number - 1).body, f"{own.capitalize()} and more"
    return article(
        f"{own}-{number}",
        text,
        title=title,
        source=("Courier", "Echo", "Gazette")[number % 3] if number % 7 else None,
        section=(None, "News", "Sport")[number // 3 % 3],
        tags=((), ("repairs",), ("Repairs", "town"))[number // 2 % 3],
        published_at=DAY + timedelta(days=number) if number % 8 else None,
    )


def own_word(number: int) -> str:
    """Return a word that no other article has."""
    return f"{SYLLABLES[number // 10]}{SYLLABLES[number % 10]}ack"


ARTICLES = [article_of(number) for number in range(36)]
HISTORIES = {
    each.article_id: (
        Revision("2026-06-01T00:00:00Z", True, (Edit(f"No {own_word(number)} was found.", each.title or ""),)),
    )
    for number, each in enumerate(ARTICLES)
    if not number % 3
}
BOUNDS: Sequence[tuple[Filters, Callable[[Article], bool]]] = (
    (Filters(sources=("courier",)), lambda each: each.source == "Courier"),
    (Filters(exclude_sources=("Echo", "Gazette")), lambda each: each.source in (None, "Courier")),
    (Filters(sections=("News",), tags=("repairs",)), lambda each: each.section == "News" and bool(each.tags)),
    (
        Filters(published_after=DAY + timedelta(days=20)),
        lambda each: each.published_at is not None and each.published_at >= DAY + timedelta(days=20),
    ),
    (
        Filters(published_before=DAY + timedelta(days=CORRECTIONS)),
        lambda each: each.published_at is not None and each.published_at < DAY + timedelta(days=CORRECTIONS),
    ),
    (Filters(sources=("Another Paper",)), lambda _: False),
)


@dataclass(frozen=True, slots=True)
class Services:
    """A service on all articles, and for each bounds one on the articles within them, which has the same keys."""

    complete: TestClient
    alone: Sequence[TestClient]
    links: Sequence[str]
    store: KeyStore
    headers: dict[Filters, dict[str, str]]

    def keyed(self, bounds: Filters) -> dict[str, str]:
        """Return the header with a key of these bounds."""
        if bounds not in self.headers:
            key, _ = self.store.create(Grant("desk", bounds=bounds))
            self.headers[bounds] = {"Authorization": f"Bearer {key}"}
        return self.headers[bounds]

    def both(self, number: int, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[str, str]:
        """Return the reply of the complete service to a caller with bounds, and of the one without other articles."""
        clients = (self.complete, self.alone[number])
        if method == "TOOL":
            caller = replace(ANONYMOUS, key_id="bound", bounds=BOUNDS[number][0])
            first, second = (result_of(path, body or {}, each, caller) for each in clients)
            return CHANGING.sub("", first), CHANGING.sub("", second)
        headers = {"X-Request-Id": "one", **self.keyed(BOUNDS[number][0])}
        replies = [each.request(method, path, json=body, headers=headers) for each in clients]
        assert replies[0].status_code == replies[1].status_code
        found, alone = (CHANGING.sub("", reply.text) for reply in replies)
        return found, alone


TOOLS = {tool.name: tool for tool in tools()}
NO_ARTICLES = {
    *(("/v1/articles/{article_id}", "PUT"), ("/v1/articles/{article_id}", "DELETE"), ("/v1/articles:batch", "POST")),
    *((f"{api}/models{each}", "GET") for api in ("/v1", "/openwebui/v1") for each in ("", "/{model_id}")),
    *((path, "GET") for path in ("/developers", "/docs", "/embed", "/readyz", "/metrics")),
    *(("/v1/feedback", "POST"),),
}
"""Routes whose replies tell nothing of single articles, or to the CMS only what it sent."""

CALLER = get_args(CallerOf)[1].dependency
CHANGING = re.compile(r'ans_[0-9a-f]{32}|"generation":"[^"]+"|"created":[0-9]+|"timings_ms":\{[^}]*\}|"cached":\w+')
"""The fields that differ in two replies of one service."""


def result_of(tool: str, arguments: Mapping[str, Any], client: TestClient, caller: Caller) -> str:
    """Return the result of a tool of the Model Context Protocol as JSON, or its error."""
    app: Any = client.app
    call = ToolCall(app.state.service, caller, "https://ask.example")
    try:
        given = TOOLS[tool].arguments.validate_python(arguments)
        return json.dumps(asyncio.run(TOOLS[tool].run(call, given)), separators=(",", ":"))
    except DatelineError as error:
        return problem_of(error).message


def own_words(articles: Sequence[Article]) -> set[str]:
    """Return the words of some articles that are the own word of one."""
    text = " ".join(f"{each.article_id} {each.title} {each.body}" for each in articles).casefold()
    return {own_word(number) for number in range(len(ARTICLES)) if own_word(number) in text}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Services]:
    store = KeyStore(tmp_path_factory.mktemp("keys"))

    def start(name: str, articles: Sequence[Article]) -> TestClient:
        data = tmp_path_factory.mktemp(name)
        made = configuration(EMBEDDER)
        parts = [articles[: len(articles) // 2], articles[len(articles) // 2 :]]
        entries = [segment_of(data, part, EMBEDDER, made, HISTORIES) for part in parts if part]
        manifest = manifest_of(data, made, entries, DAY)
        write_manifest(data, manifest)
        make_current(data, manifest.generation)
        given = settings_for(
            data,
            models,
            span_reader=False,
            answer_cache=500,
            signing_secret="one secret of all",
            allow_anonymous=True,
            key_per_minute=0,
        )
        pipeline = replace(build_pipeline(given, EMBEDDER), clock=lambda: DAY + timedelta(days=60))
        client = opened.enter_context(TestClient(create_app(given, pipeline), raise_server_exceptions=False))
        state: Any = client.app
        # All services have the keys of one store, and read it at each request.
        state.state.service.access._keys = KeyRing(store, partial(next, count(step=FRESH_S)))
        for each in articles:
            state.state.service.suggestions.add(Suggestion(f"What of {each.title}?", each.article_id, None, Span(0, 1)))
        return client

    with pytest.MonkeyPatch.context() as patch, ExitStack() as opened:
        patch.setattr(segments, "build_collection", lambda folder, _: folder.mkdir())
        patch.setattr(segments, "faults_of", lambda *_: [])
        complete = start("complete", ARTICLES)
        alone = [start("alone", [*filter(is_within, ARTICLES)]) for _, is_within in BOUNDS]
        asked = [{"question": f"How much did the repairs of the {subject} cost?"} for subject in SUBJECTS]
        answers = [complete.post("/v1/ask", json=body).json() for body in asked]
        yield Services(complete, alone, [each["permalink"] for each in answers if each["permalink"]], store, {})


COST = "How much did the repairs of the {} in Varnholm cost?"
WORDS = st.sampled_from([own_word(number) for number in range(36)])
QUESTIONS = st.one_of(
    st.sampled_from(SUBJECTS).map(COST.format),
    st.sampled_from(SUBJECTS).map(lambda subject: f"When did the {subject} in Varnholm reopen?"),
    st.sampled_from(["repairs", "crowns", "wrong number"]).map(lambda words: f"How many articles mention {words}?"),
    WORDS.map(lambda word: f"Where was the {word} found?"),
    WORDS.map(lambda word: f"Where was the {word[:4]}{word[5]}{word[4]}{word[6:]} found by workers?"),
)
CORRECTED = {"question": COST.format("market"), "filters": {"article_ids": [ARTICLES[18].article_id]}}
"""A question that an article answers which a later one corrects."""

BODIES = st.fixed_dictionaries(
    {"question": QUESTIONS},
    optional={
        "filters": st.sampled_from([{"sources": ["Echo"]}, {"exclude_sources": ["Courier"]}, {"tags": ["town"]}])
        | st.sampled_from([{"article_ids": [each.article_id]} for each in ARTICLES[CORRECTIONS - 15 : 21]]),
        "top_k": st.integers(1, 20),
        "include": st.just(["text"]),
        "as_of": st.sampled_from([None, "2026-03-20"]),
    },
)


def chat_of(body: dict[str, Any]) -> dict[str, Any]:
    """Return the request of a client of OpenAI's API that asks the same."""
    options = {name: value for name, value in body.items() if name not in ("question", "include")}
    messages = [{"role": "user", "content": body["question"]}]
    return {"model": "dateline-with-sources", "messages": messages, "dateline": options}


def response_of(body: dict[str, Any]) -> dict[str, Any]:
    """Return the request of a client of OpenAI's Responses API that asks the same."""
    chat = chat_of(body)
    return {"model": chat["model"], "input": chat["messages"], "dateline": chat["dateline"]}


PATHS = [
    *("/", "/articles", "/v1/articles?limit=3", "/v1/articles?offset=3", "/v1/suggestions?limit=50"),
    *(f"{path}{each.article_id}" for each in ARTICLES for path in ("/v1/articles/", "/articles/", "/?article=")),
]
EARLIER = [{"role": "user", "content": COST.format("pier")}, {"role": "assistant", "content": "Forty."}]
MORE = st.sampled_from([{"stream": True}, {"include": ["trace"]}, {"messages": EARLIER}])
REQUESTS = st.one_of(
    st.tuples(st.just("POST"), st.just("/v1/ask"), BODIES, MORE),
    st.tuples(st.just("POST"), st.just("/v1/search"), BODIES),
    st.tuples(
        st.just("POST"),
        st.sampled_from(["/v1/chat/completions", "/openwebui/v1/chat/completions"]),
        BODIES.map(chat_of),
        st.sampled_from([{}, {"stream": True}]),
    ),
    st.tuples(
        st.just("POST"), st.just("/v1/responses"), BODIES.map(response_of), st.sampled_from([{}, {"stream": True}])
    ),
    st.tuples(st.just("GET"), st.sampled_from(PATHS)),
    st.tuples(st.just("TOOL"), st.just("ask"), st.fixed_dictionaries({"question": QUESTIONS})),
    st.tuples(st.just("TOOL"), st.just("search"), st.fixed_dictionaries({"query": QUESTIONS})),
    st.tuples(st.just("TOOL"), st.just("fetch"), st.fixed_dictionaries({"id": st.sampled_from([*HISTORIES])})),
)


def check(services: Services, number: int, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
    """Fail if the reply to a caller with bounds is not that of an index without other articles, or has words of one."""
    found, alone = services.both(number, method, path, body)
    assert found == alone
    assert hidden_words(BOUNDS[number][1])
    assert said_of_others(found, BOUNDS[number][1]) <= own_words_of(f"{path} {body}")


def hidden_words(is_within: Callable[[Article], bool]) -> set[str]:
    """Return the words that only articles outside have."""
    inside, outside = ([each for each in ARTICLES if is_within(each) is within] for within in (True, False))
    return own_words(outside) - own_words(inside)


def said_of_others(reply: str, is_within: Callable[[Article], bool]) -> set[str]:
    """Return the words of a reply that only articles outside have."""
    return hidden_words(is_within) & own_words_of(reply)


def own_words_of(text: str) -> set[str]:
    """Return the own words of articles in a text."""
    return {own_word(number) for number in range(len(ARTICLES)) if own_word(number) in text.casefold()}


def admits(bounds: Filters, each: Article) -> bool:
    """Return whether an article is within bounds, by the words of the description of filters."""
    of = {
        "sources": (each.source,),
        "sections": (each.section,),
        "tags": each.tags,
        "article_ids": (each.article_id,),
    }
    has_values = all(
        not (wanted := {value.casefold() for value in getattr(bounds, name)})
        or wanted & {value.casefold() for value in values if value}
        for name, values in of.items()
    )
    excluded = {source.casefold() for source in bounds.exclude_sources}
    after, before, at = bounds.published_after, bounds.published_before, each.published_at
    is_in_time = (after is None or (at is not None and at >= after)) and (
        before is None or (at is not None and at < before)
    )
    return has_values and (each.source or "").casefold() not in excluded and is_in_time


WIDE = [
    ("POST", "/v1/search", {"question": "repairs in Varnholm", "top_k": 100, "include": ["text"]}),
    ("POST", "/v1/ask", {"question": COST.format("pier"), "top_k": 20, "include": ["text", "trace"], "stream": True}),
]
"""Requests that nearly every article could appear in."""


def some(*values: str) -> st.SearchStrategy[tuple[str, ...]]:
    """Return a strategy for a condition that often has no value, in any case of letters."""
    return st.just(()) | st.lists(st.sampled_from([*values, *map(str.upper, values)]), max_size=2).map(tuple)


ANY_BOUNDS = st.builds(
    Filters,
    sources=some("Courier", "Echo", "Gazette", "Another Paper"),
    exclude_sources=some("Courier", "Echo"),
    sections=some("News", "Sport"),
    tags=some("repairs", "town"),
    article_ids=st.just(()) | st.lists(st.sampled_from([each.article_id for each in ARTICLES]), max_size=9).map(tuple),
    published_after=st.none() | st.integers(0, 36).map(lambda days: DAY + timedelta(days=days)),
    published_before=st.none() | st.integers(0, 36).map(lambda days: DAY + timedelta(days=days)),
)


@example(number=4, request=("POST", "/v1/ask", CORRECTED))
@given(number=st.integers(0, len(BOUNDS) - 1), request=REQUESTS)
@settings(max_examples=75)
def test_articles_outside_the_bounds_do_not_exist(services: Services, number: int, request: tuple[Any, ...]) -> None:
    """No reply depends on them: no answer, passage, copy, count, correction, page, suggestion or error."""
    method, path, *body = request
    check(services, number, method, path, {**body[0], **body[1]} if len(body) > 1 else next(iter(body), None))


@pytest.mark.parametrize("number", range(len(BOUNDS)))
def test_a_link_shows_no_quote_of_an_article_outside_the_bounds(services: Services, number: int) -> None:
    """Its quotes are gone, as if the article had been removed."""
    assert len(services.links) == len(SUBJECTS)
    for link in services.links:
        check(services, number, "GET", link)


def test_callers_with_other_bounds_share_no_answer(services: Services) -> None:
    """An answer that is kept is given again within the same bounds only."""
    body = {"question": COST.format("market")}
    for path in ("/v1/ask", "/v1/search"):
        services.complete.post(path, json=body)
        for number in range(len(BOUNDS)):
            check(services, number, "POST", path, body)


@given(bounds=ANY_BOUNDS, requests=st.lists(REQUESTS.filter(lambda each: each[0] != "TOOL"), max_size=4))
@settings(max_examples=25)
def test_no_reply_to_a_key_has_a_word_of_an_article_outside_its_bounds(
    services: Services, bounds: Filters, requests: list[tuple[Any, ...]]
) -> None:
    """With any bounds of the key: in no answer, stream, trace, list, page, link or suggestion."""
    is_within = partial(admits, bounds)
    links = [("GET", link) for link in services.links]
    lists = [("GET", "/v1/articles?limit=200"), ("GET", "/articles"), ("GET", "/v1/suggestions?limit=100")]
    for method, path, *bodies in [*requests, *WIDE, *lists, *links]:
        body = {name: value for each in bodies for name, value in each.items()} or None
        reply = services.complete.request(method, path, json=body, headers=services.keyed(bounds))
        asked = "" if path in services.links else f"{path} {body}"
        assert said_of_others(reply.text, is_within) <= own_words_of(asked)
    listed = services.complete.get("/v1/articles?limit=200", headers=services.keyed(bounds)).json()["articles"]
    assert {each["id"] for each in listed} == {each.article_id for each in ARTICLES if is_within(each)}


def test_without_bounds_every_article_exists(services: Services) -> None:
    """The articles of these tests answer, count and correct one another."""
    for word in ("repairs", "crowns"):
        body = {"question": f"How many articles mention {word}?"}
        assert services.complete.post("/v1/ask", json=body).json()["counted"]["articles"] == len(ARTICLES)
    answer = services.complete.post("/v1/ask", json=CORRECTED).json()
    assert [each["corrected_by"] for each in answer["corrections"]] == [ARTICLES[33].article_id]


def api_routes(routes: Sequence[Any]) -> Iterator[APIRoute]:
    """Yield the routes of an application and of the routers that it includes."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif router := getattr(route, "original_router", None):
            yield from api_routes(router.routes)


def test_each_route_that_reads_articles_knows_its_caller(services: Services) -> None:
    """All others that use the state of the service are listed here: a new route must not forget the bounds."""
    app: Any = services.complete.app
    dependants = {
        (route.path, method): {each.call for each in route.dependant.dependencies}
        for route in api_routes(app.routes)
        for method in route.methods or ()
    }
    state = get_args(State)[1].dependency
    without = {place for place, calls in dependants.items() if state in calls and CALLER not in calls}
    assert without <= NO_ARTICLES
    assert {path for path, _ in dependants} >= {"/v1/ask", "/v1/chat/completions", "/a/{token:path}"}
