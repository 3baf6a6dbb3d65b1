"""Suggested questions in the API, in answers and on the home page."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from index.records import Span
from service.suggestions import Suggestion, Suggestions

LIBRARY = "skelhaven-library-reopens"


@pytest.fixture
def suggestions(client: TestClient) -> Iterator[Suggestions]:
    """The suggestions of the service: two of the library's article, one of another."""
    store: Suggestions = client.app.state.service.suggestions  # type: ignore[attr-defined]
    for question, article in (
        ("How much did the Skelhaven Library's repair cost?", LIBRARY),
        ("How many books were soaked in <December>?", LIBRARY),
        ("Who won the Sound Cup?", "sound-cup-final"),
    ):
        store.add(Suggestion(question, article, "en", Span(500, 520)))
    yield store
    store.replace(())


@pytest.mark.usefixtures("suggestions")
def test_suggestions_can_be_listed(client: TestClient) -> None:
    """One of each article first; those of some articles, and not more than the limit."""
    every = client.get("/v1/suggestions").json()
    some = client.get("/v1/suggestions", params={"article_ids": [LIBRARY, "none"], "limit": 1}).json()

    assert every["object"] == "list"
    assert [each["article_id"] for each in every["suggestions"]] == [LIBRARY, "sound-cup-final", LIBRARY]
    assert {frozenset(each) for each in every["suggestions"]} == {frozenset({"question", "article_id", "language"})}
    assert some["suggestions"] == every["suggestions"][:1]
    assert client.get("/v1/suggestions", params={"limit": 0}).status_code == 422


def test_an_answer_suggests_questions_about_its_articles(client: TestClient, suggestions: Suggestions) -> None:
    """None if there are none, and none for an answer as of a moment."""
    body = {"question": "When did the Skelhaven library reopen?"}
    offered = client.post("/v1/ask", json=body).json()["ask_next"]
    assert client.post("/v1/ask", json={**body, "as_of": "2026-06-01"}).json()["ask_next"] == []
    suggestions.replace(())

    assert len(offered) == 2
    assert "Who won the Sound Cup?" not in offered
    assert client.post("/v1/ask", json=body).json()["ask_next"] == []


@pytest.mark.usefixtures("suggestions")
def test_the_home_page_offers_suggestions(client: TestClient) -> None:
    """Those about the article that is asked, if one is."""
    assert "Who won the Sound Cup?" in client.get("/").text
    about = client.get("/", params={"article": LIBRARY}).text
    assert "Who won the Sound Cup?" not in about
    assert "repair cost" in about
    assert "<December>" not in about
