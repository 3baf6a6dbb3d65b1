"""`GET /v1/articles` and `GET /v1/articles/{id}`."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.articles import NAMES
from service.build import build_pipeline
from tests.fakes import HashedEmbedder, article, built
from tests.service.conftest import settings_for


def test_pages_hold_every_article_once(client: TestClient) -> None:
    """Newest first, unknown dates last, until `next_offset` is null."""
    found: list[dict[str, object]] = []
    offset: int | None = 0
    while offset is not None:
        page = client.get("/v1/articles", params={"limit": 5, "offset": offset}).json()
        found += page["articles"]
        offset = page["next_offset"]

    assert len(found) == page["total"] == len({article["id"] for article in found})
    dates = [str(article["published_at"]) for article in found if article["published_at"]]
    assert dates == sorted(dates, reverse=True)
    assert all("body" not in article for article in found)


def test_an_article_has_its_text_and_metadata(client: TestClient) -> None:
    """What is unknown is null."""
    article = client.get("/v1/articles/readiness-and-russia").json()

    assert article["object"] == "article"
    assert len(article["body"]) == article["characters"]
    assert article["published_at"] is None


@pytest.mark.parametrize("article_id", ["nobody", "..%2F..%2Fetc", "a%20b", "%00", "x" * 300])
def test_an_article_that_is_not_there_is_not_found_or_refused(client: TestClient, article_id: str) -> None:
    """404 or 422 in the one shape."""
    reply = client.get(f"/v1/articles/{article_id}")

    assert reply.status_code in (404, 422)
    assert reply.json()["error"]["request_id"]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "offset=-1", "offset=99999999999999999999"])
def test_paging_out_of_range_is_refused(client: TestClient, query: str) -> None:
    """422, and the parameter is named."""
    reply = client.get(f"/v1/articles?{query}")

    assert reply.status_code == 422
    assert reply.json()["error"]["param"] == query.partition("=")[0]


def test_a_list_says_how_long_each_article_is(client: TestClient) -> None:
    """As the article itself does."""
    for listed in client.get("/v1/articles", params={"limit": 200}).json()["articles"]:
        article = client.get(f"/v1/articles/{listed['id']}").json()
        assert listed == {name: article[name] for name in listed}


def test_authors_and_tags_beyond_measure_are_cut(tmp_path: Path) -> None:
    """An article with thousands of either makes no reply long."""
    many = tuple(f"name {number}" for number in range(5_000))
    embedder = HashedEmbedder()
    built(tmp_path, [article("a", authors=many, tags=many)], embedder)
    settings = settings_for(tmp_path, tmp_path / "models")
    with TestClient(create_app(settings, build_pipeline(settings, embedder))) as client:
        (listed,) = client.get("/v1/articles").json()["articles"]
        single = client.get("/v1/articles/a").json()

    for reply in (listed, single):
        assert reply["authors"] == reply["tags"] == list(many[:NAMES])
