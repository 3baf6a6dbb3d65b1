"""Permalinks: what they carry, who can make them, and the check of their quotes."""

import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.layout import REPLICA
from index.records import Article, Edit, Revision, Span
from service.permalink import (
    FILE,
    TOKEN_LENGTH,
    Link,
    LinkedQuote,
    Permalinks,
    SigningKey,
    article_digest,
    digest,
    link_of,
)
from service.recheck import recheck
from service.records import Conflict, Position, Question
from tests.service.answers import answer
from tests.service.passages import make_passage

ASKED = datetime(2026, 6, 20, 12, 0, tzinfo=UTC)
LINKS = Permalinks(SigningKey(Path("unused"), "a secret of the tests"))

moments = st.integers(0, 40_000_000).map(lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
spans = st.tuples(st.integers(0, 5_000_000), st.integers(1, 2_000)).map(lambda pair: Span(pair[0], sum(pair)))
quotes = st.builds(
    LinkedQuote, st.text("abc-:_.9", min_size=1, max_size=40), st.text(max_size=8), spans, st.text(max_size=9)
)
groups = st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=3).map(tuple), max_size=2).map(tuple)
links = st.builds(
    Link, st.text(max_size=300), moments, st.lists(quotes, max_size=5).map(tuple), st.none() | moments, groups
)


@given(links)
@settings(max_examples=30)
def test_a_link_comes_back_as_it_was_made(link: Link) -> None:
    """Every field is kept, for any text."""
    token = LINKS.token(link)

    assert token is not None
    assert LINKS.read(token) == link


@given(links, st.data())
@settings(max_examples=30)
def test_a_changed_link_is_not_read(link: Link, data: st.DataObject) -> None:
    """Neither one changed character, nor a part, nor an addition, nor any other text is read."""
    token = LINKS.token(link) or ""
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("Aa0_-=.~é"))
    wrong = [token[:at], f"{token}{other}", token[:at] + other + token[at + 1 :], data.draw(st.text())]

    assert all(LINKS.read(text) is None for text in wrong if text != token)


def test_a_link_tells_of_conflicts() -> None:
    """A position is that of the quote that has its sentence; one that is not quoted is linked behind the quotes."""
    bodies = ("The pier has reopened.", "A ticket costs 4 crowns. It rains.", "It rains. A ticket costs 5 crowns.")
    articles = [make_passage(f"k{number}f2", body).article for number, body in enumerate(bodies, 1)]
    articles = [replace(each, article_id=f"pier-{number}") for number, each in enumerate(articles, 1)]
    prices = [
        Position("4 crowns", "pier-2", "", None, None, None, 0, 24),
        Position("5", "pier-3", "", None, None, None, 10, 34),
    ]
    away = replace(prices[1], article_id="pier-9")
    conflicts = (Conflict("price", tuple(prices)), Conflict("price", (prices[0], away)), Conflict("price", (away,)))
    link = link_of(Question("?"), answer(conflicts=conflicts), articles)

    assert [(each.article_id, each.digest) for each in link.quotes[2:]] == [
        ("pier-3", digest("A ticket costs 5 crowns."))
    ]
    assert link.conflicts == ((1, 2),)
    assert link_of(Question("?"), answer(citations=(), conflicts=conflicts), articles).conflicts == ()


def test_another_secret_reads_nothing() -> None:
    """A link of one service is not one of another."""
    token = LINKS.token(Link("Who won?", ASKED, ())) or ""

    assert LINKS.read(token)
    assert Permalinks(SigningKey(Path("unused"), "another secret of the tests")).read(token) is None


def test_a_long_link_is_not_made() -> None:
    """An address has a limit; the answer then has no permalink."""
    noise = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(2_000))
    token = LINKS.token(Link(noise, ASKED, ()))

    assert token is None or len(token) <= TOKEN_LENGTH
    assert LINKS.token(Link(noise * 3, ASKED, ())) is None
    assert LINKS.read("A" * (TOKEN_LENGTH + 1)) is None


def test_the_secret_is_made_once_for_its_owner(tmp_path: Path) -> None:
    """Threads and later processes get the same one."""
    with ThreadPoolExecutor(8) as pool:
        tags = set(pool.map(lambda _: SigningKey(tmp_path).tag("test", b"message"), range(16)))

    assert len(tags) == 1
    assert None not in tags
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert SigningKey(tmp_path).tag("other", b"message") not in tags


@pytest.mark.parametrize("content", ["", "no hexadecimal digits", "abcd"])
def test_a_corrupt_secret_signs_nothing(tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture) -> None:
    """The file is not replaced, and the log says so once."""
    (tmp_path / FILE).write_text(content)
    key = SigningKey(tmp_path)

    assert {key.tag("test", b""), key.tag("test", b"")} == {None}
    assert (tmp_path / FILE).read_text() == content
    assert caplog.text.count(FILE) == 1


def test_a_replica_makes_no_secret_of_its_own(tmp_path: Path) -> None:
    """No other replica could open its links."""
    (tmp_path / REPLICA).touch()
    assert SigningKey(tmp_path).tag("test", b"") is None
    assert not (tmp_path / FILE).exists()
    assert SigningKey(tmp_path, "the secret of all replicas").tag("test", b"")


def test_without_a_folder_nothing_is_signed(tmp_path: Path) -> None:
    """The folder is not made: it would look like an index."""
    assert SigningKey(tmp_path / "missing").tag("test", b"") is None
    assert not (tmp_path / "missing").exists()


sentences = st.lists(
    st.integers(1, 10**9).map("On day {} boats came to the quay.".format), min_size=1, max_size=8, unique=True
)


def linked(article: Article, span: Span) -> LinkedQuote:
    return LinkedQuote(article.article_id, article_digest(article), span, digest(article.body[span.start : span.end]))


def checked_in(quote: LinkedQuote, *articles: Article) -> tuple[str, bool]:
    """Return the state of a quote in these articles, and whether its article changed; the text is the quote's."""
    (found,) = recheck(Link("Who?", ASKED, (quote,)), {each.article_id: each for each in articles}.get).quotes
    if found.state == "present":
        assert found.article
        assert found.span
        assert found.article.body[found.span.start : found.span.end] == found.text
        assert digest(found.text) == quote.digest
    else:
        assert (found.span, found.text) == (None, "")
    return found.state, found.is_changed


@given(sentences, sentences, st.data())
@settings(max_examples=30)
def test_a_quote_is_found_wherever_it_is(body: Sequence[str], before: Sequence[str], data: st.DataObject) -> None:
    """It is present if its words are in the article, also behind other sentences; the article is then changed."""
    article = Article("a", " ".join(body), "a.md")
    sentence = data.draw(st.sampled_from(body))
    start = article.body.index(sentence)
    quote = linked(article, Span(start, start + len(sentence)))
    longer = replace(article, body=f"{' '.join(before)} {article.body}")
    without = replace(article, body=longer.body.replace(sentence, "It was removed."))

    assert checked_in(quote, article) == ("present", False)
    assert checked_in(quote, longer) == ("present", True)
    assert checked_in(quote, without) == ("changed", True)
    assert checked_in(quote) == ("gone", False)


@given(sentences, st.data())
@settings(max_examples=30)
def test_a_changed_quote_is_shown_with_its_change(body: Sequence[str], data: st.DataObject) -> None:
    """Its former words come from the kept versions, also for a quote of several sentences; a link has none of them."""
    first = data.draw(st.integers(0, len(body) - 1))
    last = data.draw(st.integers(first, len(body) - 1))
    at = data.draw(st.integers(first, last))
    article = Article("a", " ".join(body), "a.md")
    text = " ".join(body[first : last + 1])
    quote = linked(article, Span(article.body.index(text), article.body.index(text) + len(text)))
    edit = Edit(body[at], "No boat came to the quay on that day.")
    now = replace(article, body=article.body.replace(edit.before, edit.after))
    link = Link("Who?", ASKED, (quote,))
    (kept,) = recheck(link, {"a": now}.get, {"a": [Revision("2026-07-01T00:00:00Z", True, (edit,))]}).quotes
    (lost,) = recheck(link, {"a": now}.get).quotes

    assert (kept.state, kept.edits, kept.text) == ("changed", (edit,), text)
    assert (lost.state, lost.edits, lost.text) == ("changed", (), "")


def test_a_change_elsewhere_in_the_article_is_shown_once() -> None:
    """It is shown with the first quote of the article, if it is later than the answer."""
    article = Article("a", "One boat came. Two boats left. It rained.", "a.md")
    link = Link("Who?", ASKED, (linked(article, Span(0, 14)), linked(article, Span(15, 30))))
    now = replace(article, body=article.body.replace("It rained.", "It snowed."))
    edit = Edit("It rained.", "It snowed.")
    late, early = (Revision(day, True, (edit,)) for day in ("2026-07-01T00:00:00Z", "2026-01-01T00:00:00Z"))

    assert [each.edits for each in recheck(link, {"a": now}.get, {"a": [late]}).quotes] == [(edit,), ()]
    assert [each.edits for each in recheck(link, {"a": now}.get, {"a": [early]}).quotes] == [(), ()]
    assert [each.edits for each in recheck(link, {"a": article}.get, {"a": [late]}).quotes] == [(), ()]
    assert recheck(link, {"a": now}.get).changed_articles == 1
