import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.catalog import Catalog, CatalogWriter
from index.copies import MOST_RUNS, SHORT, Compared, count_copies, is_copy, sketch_of, stories_of
from index.records import Article
from index.text import sentence_spans
from tests.fakes import HashedEmbedder, article, configuration, newsroom

STORIES = newsroom(12, sentences=8)


def sentences(body: str) -> list[str]:
    return [body[span.start : span.end] for span in sentence_spans(body)]


@given(number=st.integers(0, 11), seed=st.integers(0, 99))
def test_a_text_is_a_copy_in_any_order_of_its_sentences(number: int, seed: int) -> None:
    story = STORIES[number]
    shuffled = sentences(story.body)
    random.Random(seed).shuffle(shuffled)
    assert is_copy(sketch_of(story), sketch_of(replace(story, title="Another headline", body=" ".join(shuffled))))


@given(number=st.integers(0, 11), kept=st.integers(3, 8))
def test_a_part_of_a_text_is_a_copy_with_a_common_mark(number: int, kept: int) -> None:
    """The marks make it a candidate, and neither text need be given first."""
    one = sketch_of(STORIES[number])
    other = sketch_of(replace(STORIES[number], body=" ".join(sentences(STORIES[number].body)[:kept])))
    assert is_copy(one, other)
    assert is_copy(other, one)
    assert {*one.marks} & {*other.marks}


@given(one=st.integers(0, 11), other=st.integers(0, 11))
def test_stories_of_the_same_topic_are_apart(one: int, other: int) -> None:
    assert is_copy(sketch_of(STORIES[one]), sketch_of(STORIES[other])) == (one == other)


def test_other_numbers_are_another_report() -> None:
    """One number is corrected in the same text; the next report of a series has others in the same places."""
    report = article(body=f"{STORIES[0].body} Nine people were rescued by 14 boats of the guard.")
    corrected = replace(report, body=report.body.replace("14", "3"))
    later = replace(corrected, body=corrected.body.replace("Nine", "Seven"))
    assert is_copy(sketch_of(report), sketch_of(corrected))
    assert not is_copy(sketch_of(report), sketch_of(later))


@given(body=st.text(max_size=40), title=st.sampled_from([None, "Ferry late"]))
def test_any_text_is_a_copy_of_itself(body: str, title: str | None) -> None:
    one = sketch_of(article("one", body, title=title, source="Echo"))
    assert is_copy(one, sketch_of(article("other", body, title=title)))
    assert one.digest == sketch_of(article("other", body, title=title)).digest


def test_a_short_text_needs_its_title() -> None:
    """Many articles say "More to follow." at first."""
    one, other = (article(title=title, body="More to follow.") for title in ("Ferry sinks", "Museum opens"))
    assert not is_copy(sketch_of(one), sketch_of(other))
    long = " ".join(["word"] * SHORT)
    assert is_copy(sketch_of(replace(one, body=long)), sketch_of(replace(other, body=long)))


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_long_texts_are_compared_by_a_sample(share: float) -> None:
    body = " ".join(each.body for each in newsroom(60, sentences=6, seed=3))
    part = body[: int(len(body) * share)]
    one, other = sketch_of(article(body=body)), sketch_of(article(body=part))
    assert len(one.runs) == MOST_RUNS
    assert is_copy(one, other)
    assert not is_copy(one, sketch_of(article(body=" ".join(each.body for each in newsroom(60, seed=9)))))


WIRE, STORM, BUDGET = newsroom(3, sentences=8)
MADE = configuration(HashedEmbedder())
files = count()


def versions(story: Article) -> list[Article]:
    """Return a story and copies of it: a new headline, trimmed twice, in another order, and a later report."""
    parts = sentences(story.body)
    return [
        replace(story, title="New headline", article_id=f"{story.article_id}-headline", url="https://echo.example/1"),
        replace(story, body=" ".join(parts[:5]), article_id=f"{story.article_id}-opening"),
        replace(story, body=" ".join(parts[3:]), article_id=f"{story.article_id}-end"),
        replace(story, body=" ".join(reversed(parts)), article_id=f"{story.article_id}-reversed"),
        replace(story, body=f"{story.body} By then 7 were found.", article_id=f"{story.article_id}-later"),
        story,
    ]


ALL = [version for story in (WIRE, STORM, BUDGET) for version in versions(story)]


@contextmanager
def written(folder: Path, segments: Sequence[Sequence[Article]]) -> Iterator[list[Catalog]]:
    """Write the articles of each segment into a catalogue, and open them."""
    with ExitStack() as opened:
        catalogs: list[Catalog] = []
        for articles in segments:
            path = folder / f"{next(files)}.db"
            with closing(CatalogWriter(path, MADE)) as writer:
                for each in articles:
                    writer.add(each, [])
                writer.number_rows()
            catalogs.append(opened.enter_context(closing(Catalog(path))))
        yield catalogs


def ids_of(
    folder: Path,
    segments: Sequence[Sequence[Article]],
    dead: Sequence[set[str]] | None = None,
    known: Compared | None = None,
) -> list[tuple[str, ...]]:
    """Return the ids of the stories of articles in one catalogue each segment."""
    with written(folder, segments) as catalogs:
        found = stories_of(catalogs, dead or [set() for _ in segments], {} if known is None else known)
        return sorted(found.ids())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stories")


@settings(max_examples=40)
@given(
    chosen=st.permutations(ALL).flatmap(lambda each: st.integers(0, len(each)).map(lambda size: each[:size])),
    cuts=st.lists(st.integers(0, len(ALL)), max_size=4).map(sorted),
)
def test_stories_are_the_same_in_any_segments(folder: Path, chosen: list[Article], cuts: list[int]) -> None:
    """Order and segments of the articles, and dead versions among them, change nothing."""
    bounds = [0, *cuts, len(ALL)]
    segments = [chosen[start:end] for start, end in pairwise(bounds)]
    dead: list[set[str]] = [set() for _ in segments]
    if len(segments) > 1:
        segments[0] = [*segments[0], *(replace(each, body="An older text.") for each in segments[-1])]
        dead[0] = {each.article_id for each in segments[-1]}
    known: Compared = {}
    expected = ids_of(folder, [sorted(chosen, key=lambda each: each.article_id)])
    assert ids_of(folder, segments, dead, known) == expected
    assert ids_of(folder, segments, dead, known) == expected


def test_copies_of_a_story_are_grouped(folder: Path) -> None:
    """The fullest version comes first, of equal ones that with an address; a later report is the fullest here."""
    assert [(story[0], {*story[1:]}) for story in ids_of(folder, [ALL])] == [
        (f"{first}-later", {first, f"{first}-headline", f"{first}-opening", f"{first}-end", f"{first}-reversed"})
        for first in sorted(each.article_id for each in (WIRE, STORM, BUDGET))
    ]
    assert ids_of(folder, [[WIRE, STORM, BUDGET]]) == []


def test_the_best_version_is_followed_by_the_next(folder: Path) -> None:
    """The fullest, with an address, the earliest, by id, undated ones last; trimmed ones come after all of these."""
    early = replace(WIRE, article_id="z-early", published_at=datetime(2024, 1, 1, tzinfo=UTC))
    left = [*versions(WIRE), early, replace(WIRE, article_id="a-undated", published_at=None)]
    (story,) = ids_of(folder, [left])
    id_ = WIRE.article_id
    first = (f"{id_}-later", f"{id_}-headline")
    assert story[:6] in (
        (*first, "z-early", id_, f"{id_}-reversed", "a-undated"),
        (*first, "z-early", "a-undated", id_, f"{id_}-reversed"),
    )
    for gone in range(1, 6):
        remaining = [each for each in left if each.article_id not in story[:gone]]
        assert ids_of(folder, [remaining]) == [story[gone:]]


@settings(max_examples=30)
@given(texts=st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=4, unique=True))
def test_equal_texts_are_one_story(folder: Path, texts: list[str]) -> None:
    articles = [
        article(f"{number}-{source}", text, source=source) for number, text in enumerate(texts) for source in "ab"
    ]
    grouped = {id_: story for story in ids_of(folder, [articles[::2], articles[1::2]]) for id_ in story}
    for number in range(len(texts)):
        assert f"{number}-b" in grouped[f"{number}-a"]


@given(
    number=st.integers(0, len(ALL)),
    order=st.permutations(ALL),
    hidden=st.sets(st.sampled_from([a.article_id for a in ALL])),
)
@settings(max_examples=20)
def test_copies_are_counted_as_they_are_grouped(
    folder: Path, number: int, order: list[Article], hidden: set[str]
) -> None:
    """If a story is new, all but one of its articles are copies; if it is known, every new one is."""
    new = {each.article_id for each in order[:number]} - hidden
    with written(folder, [order[number:], order[:number]]) as catalogs:
        stories = stories_of(catalogs, [hidden, hidden], {}).ids()
        expected = sum(len(new.intersection(story)) - (new >= {*story}) for story in stories)
        assert count_copies(catalogs, [hidden, hidden], new) == expected


def test_likeness_is_not_chained(folder: Path) -> None:
    """Each member is a copy of the best version; the copy of a copy may be another story."""
    parts = sentences(WIRE.body)
    first, second = newsroom(2, sentences=20, seed=5)
    chain = [
        replace(
            first, article_id=f"chain-{at}", body=" ".join([*parts[at : at + 5], *sentences(second.body)[at : at + 2]])
        )
        for at in range(3)
    ]
    for story in ids_of(folder, [chain]):
        assert len(story) < 3
