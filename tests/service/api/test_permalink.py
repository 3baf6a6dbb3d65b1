"""The page of an answer: `/a/…`."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from index.records import Span
from service.api.pages import shown, text_fragment, written
from service.permalink import PATH, Permalinks, SigningKey
from service.pipeline import Pipeline
from service.recheck import CheckedQuote
from service.settings import ServiceSettings
from tests.samples import client_of, settings_for

QUESTION = "When did the Skelhaven library reopen?"
SECRET = "a secret of the tests"


@pytest.fixture(scope="module")
def signing(sample_settings: ServiceSettings) -> Iterator[TestClient]:
    """A client of a service with a given secret and a public address."""
    more = {"signing_secret": SECRET, "public_url": "https://ask.news.example", "allow_indexing": True}
    with client_of(settings_for(sample_settings.data, sample_settings.models_folder, **more)) as client:
        yield client


def test_a_cited_answer_has_a_permalink(client: TestClient, sample_settings: ServiceSettings) -> None:
    """Its page shows the question and each quote, in JSON and as the last event of a stream; nothing else has one."""
    answer = client.post("/v1/ask", json={"question": QUESTION}).json()
    page = client.get(answer["permalink"])

    assert answer["permalink"].startswith(PATH)
    assert page.status_code == 200
    assert QUESTION in page.text
    assert "The quote is still there." in page.text
    for citation in answer["citations"]:
        assert citation["cited_text"] in page.text
        assert f"start={citation['start_char_index']}&amp;end={citation['end_char_index']}#quote" in page.text
    assert '"permalink":"/a/' in client.post("/v1/ask", json={"question": QUESTION, "stream": True}).text
    for body in ({"question": "Who won the chess world cup on Mars?"}, {"question": QUESTION, "citations": "off"}):
        assert client.post("/v1/ask", json=body).json()["permalink"] is None
    assert sample_settings.data.joinpath("links.key").exists()


def test_the_page_of_an_answer_tells_that_reports_differed(
    client: TestClient, sample_settings: ServiceSettings
) -> None:
    """It names the quotes to compare by their numbers; without a conflict it says nothing of one."""
    plain = client.post("/v1/ask", json={"question": QUESTION}).json()["permalink"]
    links = Permalinks(SigningKey(sample_settings.data))
    link = links.read(plain.removeprefix(PATH))
    assert link is not None
    token = links.token(replace(link, quotes=link.quotes * 3, conflicts=((0, 2), (0, 1, 2))))

    page = client.get(f"{PATH}{token}").text
    assert "Reports differed: compare quotes 1 and 3." in page
    assert "Reports differed: compare quotes 1, 2 and 3." in page
    assert [f"Quote {number}<" in page for number in (1, 3, 4)] == [True, True, False]
    assert "Reports differed" not in client.get(plain).text


def test_the_page_of_an_answer_is_kept_from_search_engines(client: TestClient) -> None:
    """It has no script and no claim of authorship, and a browser validates it at each visit."""
    page = client.get(client.post("/v1/ask", json={"question": QUESTION}).json()["permalink"])

    assert '<meta name="robots" content="noindex">' in page.text
    assert "<script" not in page.text
    assert page.headers["cache-control"] == "no-cache"
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_the_question_can_be_asked_again(client: TestClient) -> None:
    """The home page offers the question of a signed link, and no other text."""
    page = client.get(client.post("/v1/ask", json={"question": QUESTION}).json()["permalink"]).text
    again = re.search(r'href="(/\?again=[^"]+)"', page)

    assert again
    assert f'data-questions="[&#34;{QUESTION}&#34;]"' in client.get(again[1]).text
    assert "data-questions" not in client.get("/", params={"again": QUESTION}).text


@pytest.mark.parametrize("token", ["", "a", "A" * 100, "A" * 15_000, "%00%ff", "a/b", "é" * 40])
def test_another_address_is_not_found(client: TestClient, token: str) -> None:
    """It is a page for people, and never an error of the service."""
    assert client.get(f"{PATH}{token}", headers={"Accept": "text/html"}).status_code == 404


def test_links_of_a_public_service_are_absolute(signing: TestClient) -> None:
    """A given secret signs them."""
    address = signing.post("/v1/ask", json={"question": QUESTION}).json()["permalink"]

    assert address.startswith(f"https://ask.news.example{PATH}")
    assert Permalinks(SigningKey(Path("unused"), SECRET)).read(address.rpartition("/")[2])


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_text_fragment_has_the_words_of_a_quote(quote: str) -> None:
    """It keeps what is before it, and separates only its two ends by a comma."""
    address = text_fragment("https://news.example/a?b=c", quote)
    fragment = address.removeprefix("https://news.example/a?b=c#:~:text=")
    first, *last = [unquote(part).split() for part in fragment.split(",")]

    assert "-" not in fragment
    if quote.split():
        assert quote.split()[: len(first)] == first
        assert not last or quote.split()[-len(last[0]) :] == last[0]
    else:
        assert address == "https://news.example/a?b=c"


def test_pages_are_indexed_only_if_the_settings_allow_it(client: TestClient, signing: TestClient) -> None:
    """Pages of answers never are, nor are errors and the page to embed."""
    noindex = '<meta name="robots" content="noindex">'
    answer = signing.post("/v1/ask", json={"question": QUESTION}).json()["permalink"]
    pages = ("/", "/articles", "/articles/ferry-strike-ends", "/developers", "/docs")

    assert all(client.get(path).text.count(noindex) == 1 for path in (*pages, "/embed"))
    assert all(noindex not in signing.get(path).text for path in pages)
    for path in (answer, "/embed", f"{PATH}wrong"):
        assert signing.get(path, headers={"Accept": "text/html"}).text.count(noindex) == 1


@pytest.mark.parametrize(
    ("stated", "words"), [("2025-12-04", "4 December 2025"), ("2025-12", "December 2025"), ("2025", "2025")]
)
def test_a_resolved_date_is_written_in_words(stated: str, words: str) -> None:
    """It is a day, a month or a year."""
    assert written(stated) == words


def test_the_date_of_a_quote_is_beside_it(pipeline: Pipeline) -> None:
    """Words that depend on the article's day are explained, never changed."""
    with pipeline.library.pinned() as generation:
        article = generation.article("lissay-seabird-count")
    assert article
    text = next(line for line in article.body.splitlines() if "on Friday" in line)
    quote = CheckedQuote("present", article, Span(start := article.body.index(text), start + len(text)), text)

    assert shown(quote).dates == (("on Friday", "12 June 2026"),)
    assert shown(replace(quote, state="changed", span=None, text="")).dates == ()
