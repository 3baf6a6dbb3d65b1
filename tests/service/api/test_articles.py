"""The articles, as JSON and as pages."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from index.records import Edit, Revision
from service.api.app import create_app
from service.api.articles import NAMES, Site, article_page
from service.build import build_pipeline
from tests.fakes import HashedEmbedder, article, built
from tests.samples import settings_for


def test_the_list_has_every_article_once_as_json(client: TestClient) -> None:
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
    """Unknown fields are null."""
    article = client.get("/v1/articles/readiness-and-russia").json()

    assert article["object"] == "article"
    assert len(article["body"]) == article["characters"]
    assert article["published_at"] is None


@pytest.mark.parametrize("article_id", ["unknown", "..%2F..%2Fetc", "a%20b", "%00", "x" * 300])
def test_a_missing_article_is_an_error(client: TestClient, article_id: str) -> None:
    """The reply is a 404 or 422 with a request id."""
    reply = client.get(f"/v1/articles/{article_id}")

    assert reply.status_code in (404, 422)
    assert reply.json()["error"]["request_id"]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "offset=-1", "offset=99999999999999999999"])
def test_paging_out_of_range_is_refused(client: TestClient, query: str) -> None:
    """The reply is a 422 that names the parameter."""
    reply = client.get(f"/v1/articles?{query}")

    assert reply.status_code == 422
    assert reply.json()["error"]["param"] == query.partition("=")[0]


def test_a_list_has_the_metadata_of_each_article(client: TestClient) -> None:
    """Each field equals that of the article itself."""
    for listed in client.get("/v1/articles", params={"limit": 200}).json()["articles"]:
        article = client.get(f"/v1/articles/{listed['id']}").json()
        assert listed == {name: article[name] for name in listed}


def test_long_lists_of_authors_and_tags_are_cut(tmp_path: Path) -> None:
    """The list has at most 50 authors and 50 tags of an article."""
    many = tuple(f"name {number}" for number in range(5_000))
    embedder = HashedEmbedder()
    built(tmp_path, [article("a", authors=many, tags=many)], embedder)
    settings = settings_for(tmp_path, tmp_path / "models")
    with TestClient(create_app(settings, build_pipeline(settings, embedder))) as client:
        (listed,) = client.get("/v1/articles").json()["articles"]
        single = client.get("/v1/articles/a").json()

    for reply in (listed, single):
        assert reply["authors"] == reply["tags"] == list(many[:NAMES])


@pytest.mark.parametrize("offset", ["-1", "x", "", "1e3", "99999999999999999999", "0;drop", "٣"])
def test_an_invalid_offset_is_the_beginning_of_the_list(client: TestClient, offset: str) -> None:
    """A link with an invalid span shows the page without a highlight."""
    reply = client.get("/articles", params={"offset": offset})

    assert reply.status_code == 200
    assert "<h1>Articles</h1>" in reply.text
    assert "newest first" in reply.text


def test_the_list_has_every_article_once(client: TestClient) -> None:
    """Newest first, each with a link to its page."""
    listed = [each["id"] for each in client.get("/v1/articles?limit=200").json()["articles"]]
    text = client.get("/articles").text
    places = [text.index(f'href="/articles/{article_id}"') for article_id in listed]

    assert places == sorted(places)
    assert len(places) == len(set(places)) == 18


def test_the_list_links_its_pages(client: TestClient) -> None:
    """A page beyond the end is empty and links back."""
    beyond = client.get("/articles?offset=80").text

    assert "There are no articles on this page" in beyond
    assert 'href="/articles?offset=40"' in beyond
    assert "rel=" + '"next"' not in client.get("/articles").text


def test_a_missing_article_has_a_page(client: TestClient) -> None:
    """The status is 404."""
    reply = client.get("/articles/none", headers={"Accept": "text/html"})

    assert reply.status_code == 404
    assert "No such article" in reply.text
    assert "require-trusted-types-for 'script'" in reply.headers["content-security-policy"]


@given(st.text(max_size=60) | st.just("</script><script>alert(1)</script>"), st.text(max_size=20))
@settings(max_examples=25)
def test_search_engines_get_the_fields_of_an_article_as_data(title: str, author: str) -> None:
    """A block of JSON that no text can end; only what is known is in it."""
    shown = article("a", "One.", title=title or None, authors=(author,), url="https://c.example/a")
    text = bytes(article_page(shown, None, None).body).decode("utf-8", "surrogatepass")
    (block,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', text)
    data = json.loads(block)

    assert (data["@type"], data.get("headline"), data["url"]) == ("NewsArticle", title or None, shown.url)
    assert data["author"] == [{"@type": "Person", "name": author}]
    assert not set("<>&") & set(block)
    assert {"datePublished", "publisher", "inLanguage"} & set(data) == {
        *(["datePublished"] if shown.published_at else []), *(["publisher"] if shown.source else []),
        *(["inLanguage"] if shown.language else []),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("url", "public_url", "expected"),
    [
        ("https://c.example/a", "https://ask.example", "https://c.example/a"),
        ("javascript:alert(1)", "https://ask.example/", "https://ask.example/articles/a"),
        (None, "https://ask.example", "https://ask.example/articles/a"),
        (None, None, "/articles/a"),
    ],
)
def test_the_canonical_address_is_the_publishers(url: str | None, public_url: str | None, expected: str) -> None:
    """Without one it is that of our page."""
    text = bytes(article_page(article("a", "One.", url=url), None, None, site=Site(public_url)).body).decode()

    assert f'<link rel="canonical" href="{expected}">' in text


def test_the_page_of_an_article_names_its_source() -> None:
    """It has title, publisher, date and address of the original; search engines are sent to the original."""
    shown = article("a", "One. Two.", title="T", source="Courier", url="https://c.example/a")
    text = bytes(article_page(shown, "5", "9").body).decode()

    assert '<mark id="quote" tabindex="-1">Two.</mark>' in text
    assert '<meta name="robots" content="noindex">' in text
    assert '<link rel="canonical" href="https://c.example/a">' in text
    assert "Read at <bdi>Courier</bdi>" in text
    assert 'href="/?article=a"' in text
    assert "undated" in text


def test_an_article_without_an_address_is_its_own_original() -> None:
    """Every quote has the same canonical address."""
    text = bytes(article_page(article("a b", "One. Two."), "0", "4").body).decode()

    assert '<link rel="canonical" href="/articles/a%20b">' in text
    assert "Read at" not in text
    assert '<h1 dir="auto">Untitled article</h1>' in text


def test_metadata_of_an_article_is_text() -> None:
    """Tags in it are escaped in the head and in the body of the page."""
    attack = '"><script>alert(1)</script>'
    shown = article(
        "a", attack, title=attack, source=attack, section=attack, language=attack, url=f"javascript:{attack}"
    )
    text = bytes(article_page(shown, None, None).body).decode()

    assert "<script>alert" not in text
    assert "javascript:" not in text


@pytest.mark.parametrize("place", [("0", "99"), ("9", "3"), ("x", "9"), ("-1", "4"), ("1", None)])
def test_a_missing_quote_is_reported(place: tuple[str, str | None]) -> None:
    """Nothing is marked, and the complete article is shown."""
    text = bytes(article_page(article("a", "One. Two."), *place).body).decode()

    assert "<mark" not in text
    assert "may have changed" in text
    assert "One. Two.</p>" in text


@pytest.mark.parametrize(
    ("highlight", "shown"),
    [
        ("9-12", 'Two <b class="highlight">and</b> 3.'),
        ("9-99", "Two and 3."),
        ("0-3", "Two and 3."),
        ("12-9", "Two and 3."),
        ("9", "Two and 3."),
        ("", "Two and 3."),
        ("x-y", "Two and 3."),
    ],
)
def test_the_words_of_the_answer_are_set_apart_in_the_quote(highlight: str, shown: str) -> None:
    """A highlight outside of the quote or without two numbers is ignored."""
    text = bytes(article_page(article("a", "One. Two and 3. Four."), "5", "15", highlight).body).decode()

    assert f'<mark id="quote" tabindex="-1">{shown}</mark>' in text
    assert "may have changed" not in text


def test_an_article_has_its_versions(tmp_path: Path) -> None:
    """The reply has what changed and when; the page has the corrections above the text, escaped."""
    edit = Edit("Nine <b>boats</b> sank.", "Seven <b>boats</b> sank.")
    history = (Revision("2026-05-03T09:00:00Z", is_stated=True, edits=(edit, Edit("", "It rained."))),)
    embedder = HashedEmbedder()
    boats = article("boats", f"{edit.after} It rained.")
    built(tmp_path, [boats], embedder, histories={"boats": history})
    settings = settings_for(tmp_path, tmp_path / "models")
    with TestClient(create_app(settings, build_pipeline(settings, embedder))) as client:
        versions = client.get("/v1/articles/boats").json()["versions"]
        shown = client.get("/articles/boats").text

    assert versions == [json.loads(json.dumps(asdict(each))) for each in history]
    above, _, text = shown.partition('<div class="text">')
    assert "on 3 May 2026" in above
    assert "<del" in above
    assert "Nine &lt;b&gt;boats" in above
    assert "Nine" not in text
    assert "<del" not in bytes(article_page(boats, None, None).body).decode()
