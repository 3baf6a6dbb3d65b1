import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.catalog import PAGE, Catalog, CatalogWriter, article_of, article_values, text_key
from index.layout import CATALOG
from index.records import Article, Edit, Filters, Listed, Revision
from tests.fakes import HashedEmbedder, article, configuration, sentence_chunks

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
MADE = configuration(HashedEmbedder())


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    with closing(written(tmp_path_factory.mktemp("small"), ARTICLES)) as opened:
        yield opened


@pytest.fixture(scope="module")
def large(whole: Path) -> Iterator[Catalog]:
    with closing(Catalog(whole / CATALOG)) as opened:
        yield opened


def written(folder: Path, articles: Sequence[Article]) -> Catalog:
    """Return a closed catalogue of these articles, open for reading."""
    writer = CatalogWriter(folder / CATALOG, MADE)
    for each in articles:
        writer.add(each, sentence_chunks(each))
    writer.number_rows()
    writer.close()
    return Catalog(folder / CATALOG)


def texts(catalog: Catalog) -> list[str]:
    return [chunk.text for chunk, _ in catalog.chunks(range(catalog.chunk_count))]


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
    rows = [row for row, is_allowed in enumerate(allowed) if is_allowed]
    assert sorted({found.article_id for _, found in catalog.chunks(rows)}) == expected.split()
    held = [each.article_id for each in ARTICLES for _ in sentence_chunks(each)]
    assert allowed.sum() == sum(article_id in expected.split() for article_id in held)


def test_without_a_filter_every_row_is_allowed(catalog: Catalog) -> None:
    """Empty filters admit every article."""
    assert catalog.allowed_rows(Filters()).all()


@pytest.mark.parametrize("field", ["article_ids", "sources", "authors", "tags", "exclude_sources"])
def test_a_filter_takes_any_number_of_values(catalog: Catalog, field: str) -> None:
    """Forty thousand values, more than SQLite can bind, work like a few."""
    many = replace(Filters(), **{field: tuple(f"name-{number}" for number in range(40_000))})  # type: ignore[arg-type]
    allowed = catalog.allowed_rows(many)
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


def test_the_newest_are_listed_first(catalog: Catalog) -> None:
    """Articles are listed newest first to the fraction of a second, then by id; those without a date come last."""
    assert [article_id for _, article_id, _ in catalog.newest(9)] == ["vote", "Cup", "ferry", "undated"]
    assert [article_id for _, article_id, _ in catalog.newest(2, dead=["vote"])] == ["Cup", "ferry"]
    assert [published for published, _, _ in catalog.newest(9, dead=["ferry", "Cup", "vote"])] == [None]
    assert catalog.newest(0) == []


def test_a_list_has_the_opening_and_the_length_of_a_body(tmp_path: Path) -> None:
    """The opening and the length count code points; the rest of the body is left out."""
    long, short = "Ferry 🚢 é. " * 1_000, "It sails."
    with closing(written(tmp_path, [article("long", long.strip(), title="Ferry"), article("short", short)])) as catalog:
        rows = catalog.article_rows(["long", "short"])
        listed = catalog.listed(list(rows.values()), 12)
    assert listed[rows["long"]] == Listed(article("long", long[:12], title="Ferry"), len(long.strip()))
    assert listed[rows["short"]] == Listed(article("short", short), len(short))


def test_every_article_comes_once_with_its_rows(large: Catalog, corpus: list[Article]) -> None:
    """All articles come in order, each with the rows of its chunks; or only those asked for, in any number."""
    found = list(large.articles())
    assert [each for each, _ in found] == corpus
    assert [row for _, rows in found for row in rows] == list(range(large.chunk_count))
    assert {chunk.article_id for chunk, _ in large.chunks(found[70][1])} == {found[70][0].article_id}
    some = [corpus[70].article_id, corpus[9].article_id, *(f"unknown-{number}" for number in range(40_000))]
    assert list(large.articles(some)) == [found[9], found[70]]
    assert list(large.articles([])) == []
    assert large.article_rows(some).keys() == {corpus[70].article_id, corpus[9].article_id}
    assert large.article_rows([]) == {}


def test_the_dates_are_the_oldest_and_the_newest(catalog: Catalog, tmp_path: Path) -> None:
    """The range of dates ignores dead articles and those without a date; it is None without any date."""
    assert catalog.dates() == ("2026-02-09T12:00:00", "2026-02-09T12:00:00.500000")
    assert catalog.dates(["vote"]) == ("2026-02-09T12:00:00", "2026-02-09T12:00:00")
    with closing(written(tmp_path, [UNDATED])) as undated:
        assert undated.dates() == (None, None)


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
    first, second = catalog.chunks([0, 1])
    assert first[1].article_id == "ferry"
    assert first[1] is second[1]


def test_no_rows_are_no_chunks(catalog: Catalog) -> None:
    """Requesting no rows returns none."""
    assert catalog.chunks([]) == []


def test_all_chunks_are_in_row_order(large: Catalog, corpus: list[Article]) -> None:
    """Rows are in the order in which articles were added, then of offsets."""
    every = list(large.all_chunks())
    assert len(every) == large.chunk_count > 2 * PAGE
    assert [chunk for chunk, _ in every] == [chunk for each in corpus for chunk in sentence_chunks(each)]
    assert every[PAGE : PAGE + 3] == large.chunks(range(PAGE, PAGE + 3))


def test_a_text_is_found_by_its_key(large: Catalog) -> None:
    """The key is that of title and text, half a surrogate pair included; unknown keys are not found."""
    (chunk, each) = large.chunks([77])[0]
    key = text_key(each, chunk)
    assert len(key) == 16
    assert large.rows_of_texts([key, b"unknown"]) == {key: 77}
    assert large.rows_of_texts([]) == {}
    unknown = [f"{number}".encode() for number in range(300_000)]
    assert large.rows_of_texts([*unknown, key, *unknown]) == {key: 77}
    assert text_key(replace(each, title="Other"), chunk) != key
    assert text_key(replace(each, title="\ud800"), chunk) != text_key(replace(each, title="\udfff"), chunk)


def test_the_configuration_is_read_back(catalog: Catalog) -> None:
    """A catalogue has the configuration that it is built with, and is numbered once it is closed."""
    assert catalog.configuration == MADE
    assert catalog.is_numbered


def test_rows_are_numbered_without_gaps(tmp_path: Path) -> None:
    """Discarded articles leave no rows, also if the last row or an id that comes again was theirs."""
    path = tmp_path / CATALOG
    writer = CatalogWriter(path, MADE)
    for each in (FERRY, VOTE, CUP, UNDATED):
        writer.add(each, sentence_chunks(each))
    writer.discard("ferry")
    writer.discard("vote")
    writer.discard("unknown")
    writer.add(replace(FERRY, body="It sailed."), sentence_chunks(replace(FERRY, body="It sailed.")))
    writer.discard("undated")
    assert writer.rows().tolist() == [3, 5]
    assert writer.chunk_count == 6
    writer.commit()
    with closing(Catalog(path, closed=False)) as unfinished:
        assert not unfinished.is_numbered
        assert unfinished.rows_of_texts([text_key(CUP, sentence_chunks(CUP)[0])]).popitem()[1] == 3
    writer.number_rows()
    writer.close()
    with closing(Catalog(path)) as catalog:
        assert texts(catalog) == ["Brakk won.", "It sailed."]
        assert catalog.hashes().keys() == {"Cup", "ferry"}
    held = path.read_bytes()
    for trace in (b"Crews left the ferry", b"Nine voted", b"date is unknown"):
        assert trace not in held, "secure_delete is off"


HISTORY = (
    Revision(
        "2026-05-03T09:00:00Z", is_stated=True, edits=(Edit("Crews left.", "Crews left the ferry."), Edit("", "é"))
    ),
    Revision("2026-05-02T09:00:00Z", is_stated=False, edits=(Edit("Ferry", "Ferry strike", in_title=True),)),
)


def test_an_article_has_its_history_in_every_copy(tmp_path: Path) -> None:
    """A copy of a catalogue has the revisions of the articles that it copies."""
    (tmp_path / "one").mkdir()
    one = CatalogWriter(tmp_path / "one" / CATALOG, MADE)
    one.add(CUP, sentence_chunks(CUP))
    one.add(FERRY, sentence_chunks(FERRY), HISTORY)
    one.add(VOTE, sentence_chunks(VOTE), HISTORY[1:])
    one.number_rows()
    one.close()
    writer = CatalogWriter(tmp_path / CATALOG, MADE)
    writer.add(UNDATED, sentence_chunks(UNDATED), HISTORY)
    writer.copy(tmp_path / "one" / CATALOG, ["vote"])
    writer.discard("unknown")
    writer.number_rows()
    writer.close()
    with closing(Catalog(tmp_path / CATALOG)) as catalog:
        assert catalog.histories(["ferry", "Cup", "vote", "undated"]) == {
            "ferry": HISTORY,
            "undated": HISTORY,
        }
        assert catalog.histories([]) == {}


def test_a_discarded_article_leaves_no_history(tmp_path: Path) -> None:
    """Its revisions are erased from the file."""
    path = tmp_path / CATALOG
    writer = CatalogWriter(path, MADE)
    writer.add(FERRY, sentence_chunks(FERRY), HISTORY)
    writer.discard("ferry")
    writer.add(FERRY, sentence_chunks(FERRY))
    writer.number_rows()
    writer.close()
    with closing(Catalog(path)) as catalog:
        assert catalog.histories(["ferry"]) == {}
    assert b"Crews left." not in path.read_bytes()


def test_catalogues_are_copied_one_after_the_other(tmp_path: Path) -> None:
    """A copy has the live articles of each, with chunks that follow one another; it returns their old rows."""
    for name, articles in (("one", [FERRY, VOTE]), ("two", [CUP, UNDATED])):
        (tmp_path / name).mkdir()
        written(tmp_path / name, articles).close()
    writer = CatalogWriter(tmp_path / CATALOG, MADE)
    writer.add(replace(VOTE, body="Ten voted."), sentence_chunks(replace(VOTE, body="Ten voted.")))
    assert writer.copy(tmp_path / "one" / CATALOG, ["vote", "unknown"]).tolist() == [0, 1]
    assert writer.copy(tmp_path / "two" / CATALOG, []).tolist() == [0, 1]
    assert writer.copy(tmp_path / "two" / CATALOG, ["Cup", "undated"]).tolist() == []
    assert writer.chunk_count == 5
    writer.number_rows()
    writer.close()
    with closing(Catalog(tmp_path / CATALOG)) as catalog:
        assert texts(catalog) == [
            "Ten voted.",
            "Crews left the ferry.",
            "The harbour closed.",
            "Brakk won.",
            "The date is unknown.",
        ]
        assert [catalog.article(each.article_id) for each in (FERRY, CUP, UNDATED)] == [FERRY, CUP, UNDATED]
        assert [*catalog.rows_of_texts([text_key(FERRY, sentence_chunks(FERRY)[0])]).values()] == [1]


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


def test_a_catalogue_closes_after_its_readers(tmp_path: Path) -> None:
    """Closing waits for a read on another thread: SQLite crashes otherwise."""
    catalog = written(tmp_path, ARTICLES)
    reading, go_on = threading.Event(), threading.Event()

    def pause() -> int:
        reading.set()
        go_on.wait()
        return 1

    catalog._connection.create_function("pause", 0, pause)
    reader = threading.Thread(target=catalog._rows, args=("SELECT pause()",))
    reader.start()
    reading.wait()
    closer = threading.Thread(target=catalog.close)
    closer.start()
    closer.join(0.05)
    assert closer.is_alive()
    go_on.set()
    closer.join()
    reader.join()
