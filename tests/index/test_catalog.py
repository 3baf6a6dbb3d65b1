import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.catalog import OPENING, PAGE, Catalog, article_of, article_values
from index.layout import CATALOG
from index.records import Article, Filters, indexed_text, isoformat
from tests.fakes import article, built, sentence_chunks

NOON = datetime(2026, 2, 9, 12, tzinfo=UTC)
FERRY = article(
    "ferry",
    "Crews left the ferry. The harbour closed.",
    title="Ferry strike",
    source="Courier",
    authors=("Nela Forsgate", "Óscar Brisk"),
    section="Transport",
    language="en",
    tags=("ferry", "strike"),
    published_at=NOON,
    updated_at=NOON + timedelta(days=1),
)
VOTE = article("vote", "Nine voted for it.", source="Echo", section="City", published_at=NOON + timedelta(seconds=0.5))
CUP = article("Cup", "Brakk won.", source="ΤΑ ΝΕΑ", authors=("Ada Galt",), tags=("Final",), published_at=NOON)
UNDATED = article("undated", "The date is unknown.", language="FR", tags=("strike",))
ARTICLES = [FERRY, VOTE, CUP, UNDATED]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    opened = Catalog(built(tmp_path_factory.mktemp("small"), ARTICLES) / CATALOG)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def large(whole: Path) -> Iterator[Catalog]:
    opened = Catalog(whole / CATALOG)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(sources=("courier",)), "ferry"),
        (Filters(sources=("COURIER", "echo")), "ferry vote"),
        (Filters(sources=("τα νεα", "echo")), "Cup vote"),
        (Filters(sources=("Couri",)), ""),
        (Filters(exclude_sources=("COURIER",)), "Cup undated vote"),
        (Filters(exclude_sources=("τα νεα",)), "ferry undated vote"),
        (Filters(authors=("nela forsgate",)), "ferry"),
        (Filters(authors=("óSCAR BRISK", "ada galt")), "Cup ferry"),
        (Filters(authors=("Forsgate",)), ""),
        (Filters(sections=("transport",)), "ferry"),
        (Filters(languages=("EN", "fr")), "ferry undated"),
        (Filters(tags=("Strike",)), "ferry undated"),
        (Filters(tags=("final", "ferry")), "Cup ferry"),
        (Filters(article_ids=("ferry", "unknown")), "ferry"),
        (Filters(article_ids=("Ferry", "cup")), ""),
        (Filters(published_after=NOON), "Cup ferry vote"),
        (Filters(published_after=NOON + timedelta(seconds=0.25)), "vote"),
        (Filters(published_before=NOON), ""),
        (Filters(published_before=NOON + timedelta(seconds=0.5)), "Cup ferry"),
        (Filters(published_before=NOON + timedelta(seconds=1)), "Cup ferry vote"),
        (Filters(published_after=NOON, published_before=NOON + timedelta(microseconds=1)), "Cup ferry"),
        (Filters(tags=("strike",), sources=("Courier",)), "ferry"),
        (Filters(tags=("strike",), sources=("Echo",)), ""),
        (Filters(sources=("'; DROP TABLE article; --", '"', "%", "\x00")), ""),
    ],
)
def test_a_filter_lets_its_articles_through(catalog: Catalog, filters: Filters, expected: str) -> None:
    """Values match completely and without case, except ids; each field needs one match; only `after` is inclusive."""
    allowed = catalog.allowed_rows(filters)
    assert allowed is not None
    rows = [row for row, is_allowed in enumerate(allowed) if is_allowed]
    assert sorted({found.article_id for _, found in catalog.chunks(rows)}) == expected.split()
    held = [each.article_id for each in ARTICLES for _ in sentence_chunks(each)]
    assert allowed.sum() == sum(article_id in expected.split() for article_id in held)


def test_no_filter_is_no_mask(catalog: Catalog) -> None:
    """Without a filter the mask is None."""
    assert catalog.allowed_rows(Filters()) is None


@pytest.mark.parametrize("field", ["article_ids", "sources", "authors", "tags", "exclude_sources"])
def test_a_filter_takes_any_number_of_values(catalog: Catalog, field: str) -> None:
    """Forty thousand values, more than SQLite can bind, work like a few."""
    many = replace(Filters(), **{field: tuple(f"name-{number}" for number in range(40_000))})  # type: ignore[arg-type]
    allowed = catalog.allowed_rows(many)
    assert allowed is not None
    assert allowed.any() == (field == "exclude_sources")
    assert allowed.all() == (field == "exclude_sources")


@given(
    st.builds(
        Article,
        article_id=st.text(),
        body=st.text(),
        origin=st.text(),
        title=st.none() | st.text(),
        url=st.none() | st.text(),
        source=st.none() | st.text(),
        authors=st.lists(st.text()).map(tuple),
        tags=st.lists(st.text()).map(tuple),
        published_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    )
)
def test_an_article_comes_back_as_it_went_in(stored: Article) -> None:
    """The values of an article's row are read as the same article, with the same content hash."""
    assert article_of(article_values(stored)) == stored


def test_an_article_is_found_by_its_id(catalog: Catalog) -> None:
    """The article of an id comes with all its metadata; an unknown id is None."""
    assert catalog.article("ferry") == FERRY
    assert catalog.article("Ferry") is None


def test_pages_run_from_the_newest_to_the_undated(catalog: Catalog) -> None:
    """Articles are listed newest first to the fraction of a second, then by id; those without a date come last."""
    assert [each.article.article_id for each in catalog.listed()] == ["vote", "Cup", "ferry", "undated"]
    assert [each.article.article_id for each in catalog.listed(offset=1, limit=2)] == ["Cup", "ferry"]
    assert catalog.listed(offset=4) == []


def test_a_list_has_the_opening_and_the_length_of_a_body(tmp_path: Path) -> None:
    """The opening and the length count code points; the rest of the body is left out."""
    body = "Ferry 🚢 é. " * 1_000
    folder = built(tmp_path, [article("long", body.strip()), article("short", "It sails.")])
    with closing(Catalog(folder / CATALOG)) as catalog:
        listed = catalog.listed()
    assert [each.characters for each in listed] == [len(body.strip()), len("It sails.")]
    assert listed[0].article.body == body[:OPENING]


def test_pages_cut_a_list_without_loss(large: Catalog, corpus: list[Article]) -> None:
    """Page after page lists every article once."""
    listed = [each.article.article_id for offset in range(0, len(corpus), 7) for each in large.listed(offset, 7)]
    assert sorted(listed) == [each.article_id for each in corpus]
    assert sorted(large.every_article(), key=lambda each: each.article_id) == corpus


@pytest.mark.parametrize(("offset", "limit", "opening"), [(0, 40, 12), (3, 5, 1), (0, 1, 0), (10_000, 5, 9)])
def test_headlines_are_the_articles_of_a_page_with_the_start_of_their_bodies(
    large: Catalog, offset: int, limit: int, opening: int
) -> None:
    """The same articles in the same order, without their whole bodies."""
    articles = [large.article(each.article.article_id) for each in large.listed(offset, limit)]
    headlines = large.headlines(offset, limit, opening)

    assert [(each.article_id, each.opening, each.published_at) for each in headlines] == [
        (each.article_id, each.body[:opening], isoformat(each.published_at)) for each in articles if each
    ]


def test_a_title_is_found_by_the_id_of_its_article(catalog: Catalog) -> None:
    """The title is empty if the article has none, and None if the article is missing."""
    assert catalog.title_of("ferry") == "Ferry strike"
    assert catalog.title_of("vote") == ""
    assert catalog.title_of("none") is None


def test_the_dates_are_the_oldest_and_the_newest(catalog: Catalog, tmp_path: Path) -> None:
    """The range of dates ignores articles without a date, and is None without any date."""
    assert catalog.dates() == ("2026-02-09T12:00:00Z", "2026-02-09T12:00:00.500000Z")
    undated = Catalog(built(tmp_path, [UNDATED]) / CATALOG)
    assert undated.dates() == (None, None)
    undated.close()


def test_hashes_and_origins_are_those_of_the_articles(catalog: Catalog) -> None:
    """The catalogue has the hash and the origin of every article."""
    assert catalog.hashes() == {each.article_id: each.content_hash for each in ARTICLES}
    assert catalog.origins() == {each.article_id: each.origin for each in ARTICLES}


def test_chunks_come_in_the_order_asked_for(large: Catalog) -> None:
    """Rows can be requested in any order, repeatedly, and in any number; each is a slice of its article."""
    rows = [*range(large.chunk_count - 1, -1, -1), 5, 5]
    assert len(rows) > 2 * PAGE
    held = large.chunks(rows)
    assert [chunk.chunk_id for chunk, _ in held[:-2]] == [chunk.chunk_id for chunk, _ in large.chunks(rows[-3::-1])][
        ::-1
    ]
    assert held[-1] == held[-2] == held[large.chunk_count - 6]
    assert all(each.body[chunk.start_char : chunk.end_char] == chunk.text != "" for chunk, each in held)
    assert all(chunk.chunk_id == f"{each.article_id}#{chunk.ordinal}" for chunk, each in held)


def test_an_article_met_twice_is_one_object(catalog: Catalog) -> None:
    """Two chunks of an article share the same object."""
    first, second = catalog.chunks([1, 2])
    assert first[1].article_id == "ferry"
    assert first[1] is second[1]


def test_no_rows_are_no_chunks(catalog: Catalog) -> None:
    """Requesting no rows returns none."""
    assert catalog.chunks([]) == []


def test_titles_and_texts_come_in_row_order(large: Catalog, corpus: list[Article]) -> None:
    """Rows are in the order of article ids, then of offsets."""
    expected = [(each.title, chunk.text) for each in corpus for chunk in sentence_chunks(each)]
    assert list(large.titles_and_texts()) == expected
    assert len(list(large.embedding_keys())) == len({indexed_text(*pair) for pair in expected}) == len(expected)


def test_threads_read_side_by_side(large: Catalog) -> None:
    """Concurrent reads return the same as a single one."""
    rows = list(range(0, large.chunk_count, 3))
    expected = large.chunks(rows)
    agreed: list[bool] = []

    def read() -> None:
        agreed.extend(large.chunks(rows) == expected for _ in range(5))

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert agreed == [True] * 30
