"""The list of articles and the page of one, as they leave the server."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from service.api.archive import _shown
from service.api.templates import day, exact, page, web_address
from tests.fakes import article


class Read(HTMLParser):
    """What a browser reads of an article's page: its text, and what of it is marked."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.inside = self.marking = False
        self.text = self.marked = ""
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.inside |= ("class", "text") in attrs
        self.marking |= tag == "mark"

    def handle_endtag(self, tag: str) -> None:
        self.inside &= tag != "div"
        self.marking &= tag != "mark"

    def handle_data(self, data: str) -> None:
        self.text += data if self.inside else ""
        self.marked += data if self.marking else ""


FRAGMENTS = ["<b>", "</div>", "<!--", "&lt;", "&", '"', "\n", "🎉", "👩‍👩‍👧", "\u202e", "של", "ا", "a", " ", "</mark>"]
BODY = st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=20).map("".join)


@given(body=BODY, cut=st.tuples(st.integers(0, 80), st.integers(0, 80)))
def test_any_span_of_any_body_is_marked_exactly(body: str, cut: tuple[int, int]) -> None:
    """By code points, whatever the text holds; the text around it is whole."""
    start, end = sorted(min(each, len(body)) for each in cut)
    shown = article("a", body)
    read = Read(bytes(page("article", article=shown, shown=_shown(shown, str(start), str(end))).body).decode())

    assert read.text == body
    assert read.marked == body[start:end]
    assert ("mark" in read.tags) == (start < end)


def test_a_carriage_return_stays_one() -> None:
    """A browser would make a line feed of a bare one."""
    assert str(exact("a\r\nb<")) == "a&#13;\nb&lt;"


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
    assert day(None) == "date unknown"


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
    reply = client.get("/articles/none")

    assert reply.status_code == 404
    assert "No such article" in reply.text
    assert "require-trusted-types-for 'script'" in reply.headers["content-security-policy"]


def test_the_demo_says_what_the_service_knows(client: TestClient) -> None:
    """Articles, dates, generation, and that no language model is asked."""
    text = client.get("/").text

    assert "18 articles, published from 27 November 2025 to 12 June 2026" in text
    assert client.get("/readyz").json()["generation"] in text
    assert "no language model is asked" in text
    assert "curl -s http://testserver/v1/ask" in text
