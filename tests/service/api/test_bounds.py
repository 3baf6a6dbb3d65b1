"""The bounds of a caller: each reply is that of a service whose index has only the articles within them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from index import segment as segments
from index.publishing import make_current, manifest_of, write_manifest
from index.records import Article, Edit, Filters, Revision, Span
from service.api.access import CallerOf
from service.api.app import create_app
from service.build import build_pipeline
from service.caller import ANONYMOUS
from service.suggestions import Suggestion
from tests.fakes import HashedEmbedder, article, configuration, segment_of
from tests.samples import settings_for

EMBEDDER = HashedEmbedder()
DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
SUBJECTS = ("pier", "library", "ferry", "market", "bridge")
SYLLABLES = "bar dol fen gim hul jor kev lun mip nox".split()


def article_of(number: int) -> Article:
    """Return an article with a word of its own in title, text and id; each fourth one copies the one before it."""
    rng = Random(number)
    subject, own = SUBJECTS[number % 5], own_word(number)
    text = (
        f"The {subject} in Varnholm reopened on {1 + number % 3} March 2026 after repairs, the council said. "
        f"The repairs of the {subject} in Varnholm cost {rng.choice([40, 40, 52, 61])} million crowns. "
        f"Workers found a {own} under the floor of the {subject} and showed it to visitors in the evening."
    )
    title = f"The {own} of the {subject}"
    if number % 4 == 3:
        former = article_of(number - 1)
        text, title = former.body, f"{own.capitalize()} and more"
    if number % 6 == 5:
        title, text = f"Correction: {title}", f"{text} We reported a wrong number of crowns. The {own} is real."
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
    (Filters(sources=("Nobody",)), lambda _: False),
)


@dataclass(frozen=True, slots=True)
class Services:
    """A service on all articles, and for each bounds one on the articles within them."""

    complete: TestClient
    alone: Sequence[TestClient]
    links: Sequence[str]

    def both(self, number: int, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[str, str]:
        """Return the reply of the complete service to a caller with bounds, and of the one without other articles."""
        caller = replace(ANONYMOUS, key_id="bound", bounds=BOUNDS[number][0])
        app: Any = self.complete.app
        app.dependency_overrides[CALLER] = lambda: caller
        try:
            replies = [
                each.request(method, path, json=body, headers={"X-Request-Id": "one"})
                for each in (self.complete, self.alone[number])
            ]
        finally:
            app.dependency_overrides.clear()
        assert replies[0].status_code == replies[1].status_code
        found, alone = (CHANGING.sub("", reply.text) for reply in replies)
        return found, alone


CALLER = get_args(CallerOf)[1].dependency
CHANGING = re.compile(r'"(?:id":"ans_\w+|generation":"[^"]+)"|"timings_ms":\{[^}]*\}')
"""What differs in two replies of one service."""


def own_words(articles: Sequence[Article]) -> set[str]:
    """Return the words of some articles that are the own word of one."""
    text = " ".join(f"{each.article_id} {each.title} {each.body}" for each in articles).casefold()
    return {own_word(number) for number in range(len(ARTICLES)) if own_word(number) in text}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Services]:
    def start(name: str, articles: Sequence[Article]) -> TestClient:
        data = tmp_path_factory.mktemp(name)
        made = configuration(EMBEDDER)
        parts = [articles[: len(articles) // 2], articles[len(articles) // 2 :]]
        entries = [segment_of(data, part, EMBEDDER, made, HISTORIES) for part in parts if part]
        manifest = manifest_of(data, made, entries, DAY)
        write_manifest(data, manifest)
        make_current(data, manifest.generation)
        given = settings_for(data, models, span_reader=False, signing_secret="one secret of all")
        pipeline = replace(build_pipeline(given, EMBEDDER), clock=lambda: DAY + timedelta(days=60))
        client = opened.enter_context(TestClient(create_app(given, pipeline), raise_server_exceptions=False))
        for each in articles:
            state: Any = client.app
            state.state.service.suggestions.add(Suggestion(f"What of {each.title}?", each.article_id, None, Span(0, 1)))
        return client

    with pytest.MonkeyPatch.context() as patch, ExitStack() as opened:
        patch.setattr(segments, "build_collection", lambda folder, _: folder.mkdir())
        patch.setattr(segments, "faults_of", lambda *_: [])
        complete = start("complete", ARTICLES)
        alone = [start("alone", [*filter(is_within, ARTICLES)]) for _, is_within in BOUNDS]
        asked = [{"question": f"How much did the repairs of the {subject} cost?"} for subject in SUBJECTS]
        answers = [complete.post("/v1/ask", json=body).json() for body in asked]
        yield Services(complete, alone, [answer["permalink"] for answer in answers if answer["permalink"]])


WORDS = st.sampled_from([own_word(number) for number in range(36)])
QUESTIONS = st.one_of(
    st.sampled_from(SUBJECTS).map(lambda subject: f"How much did the repairs of the {subject} in Varnholm cost?"),
    st.sampled_from(SUBJECTS).map(lambda subject: f"When did the {subject} in Varnholm reopen?"),
    st.sampled_from(["repairs", "crowns", "wrong number"]).map(lambda words: f"How many articles mention {words}?"),
    WORDS.map(lambda word: f"Where was the {word} found?"),
    WORDS.map(lambda word: f"Where was the {word[:4]}{word[5]}{word[4]}{word[6:]} found by workers?"),
)
BODIES = st.fixed_dictionaries(
    {"question": QUESTIONS},
    optional={
        "filters": st.sampled_from([{}, {"sources": ["Echo"]}, {"exclude_sources": ["Courier"]}, {"tags": ["town"]}]),
        "top_k": st.integers(1, 20),
        "as_of": st.sampled_from([None, "2026-03-20"]),
    },
)
PATHS = [
    *("/", "/articles", "/v1/articles?limit=3", "/v1/articles?offset=3", "/v1/suggestions?limit=50"),
    *(f"{path}{each.article_id}" for each in ARTICLES for path in ("/v1/articles/", "/articles/", "/?article=")),
]
REQUESTS = st.one_of(
    st.tuples(st.just("POST"), st.just("/v1/ask"), BODIES, st.booleans()),
    st.tuples(st.just("POST"), st.just("/v1/search"), BODIES),
    st.tuples(st.just("GET"), st.sampled_from(PATHS)),
)


def check(services: Services, number: int, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
    """Fail if the reply to a caller with bounds is not that of an index without other articles, or has words of one."""
    found, alone = services.both(number, method, path, body)
    assert found == alone
    inside, outside = ([each for each in ARTICLES if BOUNDS[number][1](each) is within] for within in (True, False))
    hidden = own_words(outside) - own_words(inside)
    assert len(hidden) > 10
    said = {word for word in hidden if word in found.casefold()}
    assert said <= {word for word in hidden if word in f"{path} {body}"}


@given(number=st.integers(0, len(BOUNDS) - 1), request=REQUESTS)
@settings(max_examples=60)
def test_articles_outside_the_bounds_do_not_exist(services: Services, number: int, request: tuple[Any, ...]) -> None:
    """No reply depends on them: no answer, passage, copy, count, correction, page, suggestion or error."""
    method, path, *body = request
    check(services, number, method, path, {**body[0], "stream": body[1]} if len(body) > 1 else next(iter(body), None))


@pytest.mark.parametrize("number", range(len(BOUNDS)))
def test_a_link_shows_no_quote_of_an_article_outside_the_bounds(services: Services, number: int) -> None:
    """Its quotes are gone, as if the article had been removed."""
    assert len(services.links) == len(SUBJECTS)
    for link in services.links:
        check(services, number, "GET", link)


def test_without_bounds_every_article_exists(services: Services) -> None:
    """The articles of these tests answer and count."""
    for word in ("repairs", "crowns"):
        body = {"question": f"How many articles mention {word}?"}
        assert services.complete.post("/v1/ask", json=body).json()["counted"]["articles"] == len(ARTICLES)
    body = {"question": "How much did the repairs of the pier in Varnholm cost?"}
    assert services.complete.post("/v1/ask", json=body).json()["citations"]
