"""The list of articles and the page of one, as they leave the server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.archive import article_page
from service.api.templates import day
from service.api.web_address import web_address
from service.build import build_pipeline
from service.settings import ServiceSettings
from tests.fakes import article
from tests.service.conftest import settings_for


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://a.example/b?c=1", True),
        ("HTTP://a.example", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//a.example", False),
        ("https:///x", False),
        ("http://[", False),
        (None, False),
    ],
)
def test_only_an_address_of_the_web_is_linked(url: str | None, kept: bool) -> None:
    """Whatever an index may hold."""
    assert web_address(url) == (url if kept else None)


def test_a_day_is_told_in_words() -> None:
    """In UTC, and an unknown one as such."""
    assert day("2026-05-03T09:00:00Z") == "3 May 2026"
    assert day(None) == "undated"


def test_the_list_has_every_article_once(client: TestClient) -> None:
    """Newest first, each with a link to its page."""
    listed = [each["id"] for each in client.get("/v1/articles?limit=200").json()["articles"]]
    text = client.get("/articles").text
    places = [text.index(f'href="/articles/{article_id}"') for article_id in listed]

    assert places == sorted(places)
    assert len(places) == len(set(places)) == 18


def test_the_list_turns_its_pages(client: TestClient) -> None:
    """Beyond the end it says that nothing is there, and leads back."""
    beyond = client.get("/articles?offset=80").text

    assert "There are no articles on this page" in beyond
    assert 'href="/articles?offset=40"' in beyond
    assert "rel=" + '"next"' not in client.get("/articles").text


def test_an_article_that_is_not_there_is_a_page_that_says_so(client: TestClient) -> None:
    """With the status of a page that is not found."""
    reply = client.get("/articles/none", headers={"Accept": "text/html"})

    assert reply.status_code == 404
    assert "No such article" in reply.text
    assert "require-trusted-types-for 'script'" in reply.headers["content-security-policy"]


def test_an_article_is_named_where_it_is_quoted() -> None:
    """Title, publisher, date and address of the original; search engines are sent to the original."""
    shown = article("a", "One. Two.", title="T", source="Courier", url="https://c.example/a")
    text = bytes(article_page(shown, "5", "9").body).decode()

    assert '<mark id="quote" tabindex="-1">Two.</mark>' in text
    assert '<meta name="robots" content="noindex">' in text
    assert '<link rel="canonical" href="https://c.example/a">' in text
    assert "Read at <bdi>Courier</bdi>" in text
    assert 'href="/?article=a"' in text
    assert "undated" in text


def test_an_article_without_an_original_is_its_own_address() -> None:
    """However many quotes lead into it."""
    text = bytes(article_page(article("a b", "One. Two."), "0", "4").body).decode()

    assert '<link rel="canonical" href="/articles/a%20b">' in text
    assert "Read at" not in text
    assert '<h1 dir="auto">Untitled article</h1>' in text


def test_metadata_of_an_article_is_text() -> None:
    """In the head and in the body of its page."""
    attack = '"><script>alert(1)</script>'
    shown = article(
        "a", attack, title=attack, source=attack, section=attack, language=attack, url=f"javascript:{attack}"
    )
    text = bytes(article_page(shown, None, None).body).decode()

    assert "<script>alert" not in text
    assert "javascript:" not in text


@pytest.mark.parametrize("place", [("0", "99"), ("9", "3"), ("x", "9"), ("-1", "4"), ("1", None)])
def test_a_quote_that_is_not_there_is_said_to_be_moved(place: tuple[str, str | None]) -> None:
    """Nothing is marked, and the whole article is shown."""
    text = bytes(article_page(article("a", "One. Two."), *place).body).decode()

    assert "<mark" not in text
    assert "may have changed" in text
    assert "One. Two.</p>" in text


def test_the_home_page_says_what_there_is_to_ask(client: TestClient) -> None:
    """How many articles, their dates, the latest to read; nothing that only an operator needs, and no suggestions."""
    text = client.get("/").text

    assert "18 articles, 27 November 2025 to 12 June 2026. " in text
    assert "No AI writes it." in text
    assert text.count("<h3 ") == 4
    assert 'href="/articles/lissay-seabird-count"' in text
    assert "data-questions" not in text
    for hidden in (client.get("/readyz").json()["generation"], "curl", "DATELINE_", "proven"):
        assert hidden not in text


def test_one_article_can_be_asked(client: TestClient) -> None:
    """Only that one answers; an id that is not there is ignored."""
    about = client.get("/?article=ferry-strike-ends").text

    assert 'data-filters="{&#34;article_ids&#34;: [&#34;ferry-strike-ends&#34;]}"' in about
    assert "You are asking about one article: " in about
    for other in ("none", '"><script>', "a" * 5_000):
        assert "data-filters" not in client.get("/", params={"article": other}).text


def test_developers_are_shown_how_to_ask(client: TestClient) -> None:
    """From a program, and by a script tag; settings are for the operator's documentation."""
    text = client.get("/developers").text

    assert "curl -s http://testserver/v1/ask" in text
    assert "http://testserver/widget.js" in text
    assert "DATELINE_" not in text


@pytest.fixture
def empty(tmp_path: Path, sample_settings: ServiceSettings) -> Iterator[TestClient]:
    """A client of a service whose data folder is empty."""
    settings = settings_for(tmp_path / "unmade", sample_settings.models_folder)
    with TestClient(create_app(settings, build_pipeline(settings)), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/articles", "/articles/a", "/?article=a"])
def test_readers_are_told_of_a_missing_index_in_words_for_readers(
    empty: TestClient, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Paths, settings and commands go to the log."""
    text = empty.get(path, headers={"Accept": "text/html"}).text

    assert "No articles have been added yet." in text
    for hidden in ("unmade", "`", "dateline ingest", "DATELINE_"):
        assert hidden not in text
    assert "dateline ingest" in caplog.text
