"""A model that quotes an article truly and says something else: what is shown as verified is true.

`model_lies.json` has the lies, by kind. Each is checked against its complete article, with its true quote and with
quotes that support nothing.
"""

import json
from pathlib import Path

import pytest

from index.records import Article, Chunk
from service.pipeline import Pipeline
from service.records import DraftSentence, Passage, Support

KEY = "k7f2"
QUESTION = "What happened in Varn Sound?"

_LISTS = json.loads(Path(__file__).with_name("model_lies.json").read_text(encoding="utf-8"))
LIES = [(kind, *lie) for kind, lies in _LISTS.items() if kind != "comment" for lie in lies]

TRUTHS = [
    ("budget-shortfall-corrected", "Total spending does not change."),
    ("council-approves-2026-budget", "21 of the 37 members voted in favour, 14 voted against and two abstained."),
    ("ferry-strike-ends", "Benedikt Orlo, a retired judge, led the talks."),
    ("ferry-strike-ends", "The company will refund 2,870 tickets by 15 March, Outhwaite said."),
    ("kelder-salmon-ruling", "Salmon prices rose by 8 percent between October and January."),
    ("lissay-seabird-count", "The number of occupied burrows rose to 1,940 from 1,830 last year."),
    ("maritime-museum-theft", "The museum has offered a reward of €15,000."),
    ("skelhaven-library-reopens", "The Skelhaven Library reopened on 2 May 2026."),
    ("skelhaven-library-reopens", "Insurance covered €520,000."),
    ("storm-ragna", "Nobody was killed."),
    ("tarnmouth-mayor-election", "The 47-year-old marine engineer won the run-off with 5,238 votes, or 53.2 percent."),
    ("wind-farm-consultation", "Electricity could flow from 2031."),
]


@pytest.fixture(scope="module")
def articles(pipeline: Pipeline) -> dict[str, Article]:
    """Return the sample articles by name."""
    with pipeline.library.pinned() as generation:
        return {article.article_id: article for article in generation.articles()}


def support(pipeline: Pipeline, article: Article, said: str, *quotes: str) -> Support:
    """Return the support of a sentence that cites an article with these quotes; `unverified` if it is withheld."""
    body = article.body
    passage = Passage(KEY, Chunk("c", article.article_id, 0, body, 0, len(body), len(body.split())), article, 1, 1, 1)
    draft = DraftSentence((said, (KEY,)), quotes=tuple((KEY, quote) for quote in quotes))
    check = pipeline.verifier.verify(draft, {KEY: passage}, "verified")
    return "unverified" if check.withheld else check.quotes[0].status


@pytest.mark.parametrize(
    ("kind", "name", "quote", "said"),
    LIES,
)
def test_a_lie_is_not_verified(
    pipeline: Pipeline, articles: dict[str, Article], kind: str, name: str, quote: str, said: str
) -> None:
    """A lie in the words of its article is partial or withheld, whatever is quoted for it."""
    article = articles[name]
    assert quote in article.body.replace("*", ""), kind
    first, last = quote.split(maxsplit=1)[0], quote.rsplit(maxsplit=1)[-1]
    useless = (f"{quote[:12]} … {quote[-12:]}", first, last, QUESTION, said)
    assert support(pipeline, article, said, quote) != "verified"
    assert support(pipeline, article, said, *useless) != "verified"


@pytest.mark.parametrize(("name", "said"), TRUTHS)
def test_a_truth_is_verified(pipeline: Pipeline, articles: dict[str, Article], name: str, said: str) -> None:
    """A sentence that only leaves out details of its article is verified."""
    assert support(pipeline, articles[name], said, said) == "verified"


def test_no_truth_of_another_article_is_verified(pipeline: Pipeline, articles: dict[str, Article]) -> None:
    """A true sentence that cites another article is not verified."""
    for name, said in TRUTHS:
        other = next(article for article in articles.values() if article.article_id != name)
        assert support(pipeline, other, said, other.body[:60]) != "verified"


def test_each_kind_has_lies() -> None:
    """The list has at least sixty lies, of at least ten kinds."""
    assert len(LIES) >= 60
    assert len({kind for kind, *_ in LIES}) >= 10
