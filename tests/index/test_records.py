from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import (
    Article,
    Configuration,
    Manifest,
    SegmentEntry,
    SegmentRecord,
    StoredFile,
    indexed_text,
    isoformat,
    parse_as_of,
)
from tests.fakes import article

ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES)  # noqa: DTZ001
WHOLE = article(
    title="Ferry strike",
    url="https://courier.example/strike",
    source="Courier",
    authors=("Nela Forsgate",),
    section="Transport",
    language="en",
    tags=("ferry",),
    published_at=datetime(2026, 2, 9, 7, 30, tzinfo=UTC),
    updated_at=datetime(2026, 2, 10, tzinfo=UTC),
)
MANIFEST = Manifest(
    generation="20260209T073000000Z-abcdef01",
    configuration=Configuration("fake:hashed", "exact", 64, "sentence@1", "english", "none", 1),
    article_count=2,
    chunk_count=5,
    created_at="2026-02-09T07:30:00.000Z",
    fingerprint="abcdef01",
    segments=(SegmentEntry("20260209T072900000Z-01234567", "00" * 32, ("a", "b")),),
)
RECORD = SegmentRecord(
    segment="20260209T072900000Z-01234567",
    configuration=MANIFEST.configuration,
    article_count=2,
    chunk_count=5,
    created_at="2026-02-09T07:29:00.000Z",
    files={"catalog.db": StoredFile(4096, "00" * 32)},
)


@given(MOMENTS)
def test_a_moment_is_written_in_utc_and_read_back(moment: datetime) -> None:
    """A date is ISO 8601 with a Z, for any zone, and is read as the same moment."""
    written = isoformat(moment)
    assert written is not None
    assert written.endswith("Z")
    assert datetime.fromisoformat(written) == moment


def test_an_unknown_moment_stays_unknown() -> None:
    """None is None."""
    assert isoformat(None) is None


def test_the_title_comes_before_the_indexed_text() -> None:
    """Title and text are indexed on separate lines; without a title, only the text."""
    assert indexed_text("Ferry strike", "Crews left.") == "Ferry strike\nCrews left."
    assert indexed_text(None, "Crews left.") == indexed_text("", "Crews left.") == "Crews left."


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("article_id", "b"),
        ("body", "Other."),
        ("title", None),
        ("url", None),
        ("source", "Echo"),
        ("authors", ()),
        ("authors", ("Nela", "Forsgate")),
        ("section", None),
        ("language", "fr"),
        ("tags", ("ferry", "strike")),
        ("published_at", None),
        ("updated_at", datetime(2026, 2, 10, 1, tzinfo=UTC)),
    ],
)
def test_every_field_a_reader_sees_changes_the_content_hash(field: str, value: object) -> None:
    """Any difference in text or metadata changes the content hash."""
    assert replace(WHOLE, **{field: value}).content_hash != WHOLE.content_hash  # type: ignore[arg-type]


def test_an_article_that_moved_or_tells_its_time_in_another_zone_is_the_same() -> None:
    """Neither the origin nor the zone of a date is part of the content hash."""
    east = timezone(timedelta(hours=3))
    moved = replace(WHOLE, origin="/elsewhere.txt", published_at=datetime(2026, 2, 9, 10, 30, tzinfo=east))
    assert moved.content_hash == WHOLE.content_hash


@given(st.text(), st.text())
def test_title_and_body_are_not_confused(title: str, body: str) -> None:
    """Moving text between fields changes the hash; any text, also half a surrogate pair, has one."""
    one, other = (Article("a", body, "", title=title), Article("a", title, "", title=body))
    assert (one.content_hash == other.content_hash) == (title == body)
    assert Article("a", "\ud800", "").content_hash != Article("a", "\udfff", "").content_hash


@pytest.mark.parametrize("record", [MANIFEST, RECORD])
def test_a_description_is_read_as_it_was_written(record: Manifest | SegmentRecord) -> None:
    """Manifest and segment record survive JSON."""
    assert type(record).from_json(record.to_json()) == record
    assert record.to_json().endswith("}\n")


@pytest.mark.parametrize(
    ("record", "field"),
    [*((MANIFEST, name) for name in sorted(asdict(MANIFEST))), *((RECORD, name) for name in sorted(asdict(RECORD)))],
)
def test_a_description_with_another_field_is_not_read(record: Manifest | SegmentRecord, field: str) -> None:
    """An unknown field is a ValueError that names it; so is a missing one, but for `search`, which has a default."""
    lines = record.to_json().replace(f'"{field}"', f'"not_{field}"', 1)
    with pytest.raises(ValueError, match=f"not_{field}"):
        type(record).from_json(lines)


@pytest.mark.parametrize("broken", ["", "{", "[]", "null", MANIFEST.to_json()[:-10]])
def test_other_text_is_not_read(broken: str) -> None:
    """Other JSON, or half a description, is a ValueError."""
    with pytest.raises(ValueError, match="Manifest"):
        Manifest.from_json(broken)
    with pytest.raises(ValueError, match="SegmentRecord"):
        SegmentRecord.from_json(broken)


def test_a_number_written_as_text_is_not_read() -> None:
    """A field of the wrong type is an error, not converted."""
    with pytest.raises(ValueError, match="chunk_count"):
        Manifest.from_json(MANIFEST.to_json().replace('"chunk_count": 5', '"chunk_count": "5"'))
    with pytest.raises(ValueError, match="size"):
        SegmentRecord.from_json(RECORD.to_json().replace("4096", "4096.5"))
    with pytest.raises(ValueError, match="dimension"):
        Configuration.from_json('{"dimension": "64"}')


@pytest.mark.parametrize("field", sorted(asdict(MANIFEST)))
def test_the_digest_of_a_manifest_is_that_of_all_but_its_name(field: str) -> None:
    """Any other field, a dead article included, changes the digest."""
    values = {"configuration": replace(MANIFEST.configuration, dimension=3), "segments": (), "generation": "x"}
    other = replace(MANIFEST, **{field: values.get(field, 7)})  # type: ignore[arg-type]
    assert (other.digest == MANIFEST.digest) == (field == "generation")
    entry = replace(MANIFEST.segments[0], dead=("a",))
    assert replace(MANIFEST, segments=(entry,)).digest != MANIFEST.digest


@given(moment=MOMENTS)
def test_a_day_stands_for_its_end(moment: datetime) -> None:
    """A day without a time is its last moment in UTC; a moment is itself."""
    assert parse_as_of(moment.isoformat()) == moment
    end = parse_as_of(moment.date().isoformat())
    assert (end.date(), end.tzinfo) == (moment.date(), UTC)
    assert (end + timedelta(microseconds=1)).date() > moment.date()
