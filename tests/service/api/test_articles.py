"""`GET /v1/articles` and `GET /v1/articles/{id}`."""

import pytest
from starlette.testclient import TestClient


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
