"""Counts of articles, as a sentence of the answer."""

import pytest

from service.readers.catalogue import ArticleCount


@pytest.mark.parametrize(
    ("articles", "stories", "total", "statement"),
    [
        (0, 0, 18, "None of the 18 articles has the words “ferry”."),
        (1, 1, 18, "One of the 18 articles has the words “ferry”."),
        (3, 2, 1_200, "3 of the 1,200 articles have the words “ferry”, or 2 without copies."),
        (1, 1, 1, "The only article has the words “ferry”."),
        (0, 0, 1, "The only article does not have the words “ferry”."),
    ],
)
def test_a_count_is_a_sentence(articles: int, stories: int, total: int, statement: str) -> None:
    """The verb agrees, copies are named, and one article is not "one of the 1"."""
    assert ArticleCount("ferry", articles, stories, total).statement == statement
