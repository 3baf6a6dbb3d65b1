"""The identity of a fetched article."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.load.article import ID
from ingest.sources.identity import article_id_of, canonical_address, clean_address, is_address, site_of

PAGE = "https://www.paper.co.uk/2026/05/library"


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (None, PAGE),
        ("https://paper.co.uk/library?utm_medium=feed&page=2#top", "https://paper.co.uk/library?page=2"),
        ("https://elsewhere.co.uk/library", PAGE),
        ("https://www.paper.co.uk/", PAGE),
    ],
)
def test_a_page_may_state_its_address_within_its_site(stated: str | None, expected: str) -> None:
    """Some sites state the front page everywhere, and some another site: then all pages would be one article."""
    assert canonical_address(f"{PAGE}?utm_source=x#top", stated) == expected


def test_an_id_is_made_of_the_address_without_its_scheme() -> None:
    assert article_id_of("http://paper.example/a") == article_id_of("https://paper.example/a")
    assert article_id_of("https://paper.example/a-b") != article_id_of("https://paper.example/a?b")


@given(st.text(max_size=60), st.text(alphabet="ab=&%?/#.é ", max_size=60))
def test_any_address_has_a_valid_id_and_is_cleaned_once(path: str, query: str) -> None:
    url = f"https://paper.example/{path}?{query}"
    cleaned = clean_address(url)
    assert ID.fullmatch(article_id_of(cleaned))
    assert clean_address(cleaned) == cleaned
    assert site_of(cleaned) == "paper.example"
    assert not re.search(r"[\s<>\"\\^`{|}]", cleaned)


@given(
    st.text(alphabet=st.one_of(st.characters(), st.sampled_from("ab.:@[]17é。%\ud800")), max_size=20),
    st.text(max_size=9),
)
def test_an_address_of_any_host_has_an_identity(host: str, path: str) -> None:
    url = f"http://{host}/{path}"
    if is_address(url):
        assert ID.fullmatch(article_id_of(canonical_address(url, clean_address(url))))


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_not(text: str) -> None:
    assert is_address(text) in (True, False)
    assert not is_address(f"/{text}")
