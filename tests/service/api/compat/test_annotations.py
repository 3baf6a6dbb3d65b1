"""Annotations and the list of sources of an answer."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from service.answer import Answer
from service.api.compat.annotations import annotations, cited_pages
from service.api.compat.source_list import source_list, without_source_list
from service.records import Citation, Source, Verification
from tests.service.answers import TEXT, answer

BASE = "https://ask.news.example"
CHECKED = Verification("verified", "exact", 1.0)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """Return an answer of sentences that have markers, of few articles and quotes, and numbers in brackets."""
    sources = answer().sources
    text = ""
    citations: list[Citation] = []
    numbers: dict[int, int] = {}
    for said in draw(st.lists(st.text(max_size=12), min_size=1, max_size=6)):
        used = draw(st.lists(st.integers(1, 4), max_size=3, unique=True))
        marks = [numbers.setdefault(each, len(numbers) + 1) for each in used]
        sentence = f"{said} [99] {''.join(f'[{mark}]' for mark in marks)}."
        start = len(text) + bool(text)
        text += f" {sentence}" if text else sentence
        for each, mark in zip(used, marks, strict=True):
            place = draw(st.integers(0, 1))
            citations.append(
                Citation(
                    f"cit_{len(citations)}", mark, f"src_{each}", "pier-1", start, len(text), "Quote", place, place + 5,
                    CHECKED,
                )
            )  # fmt: skip
    listed = tuple(replace(sources[0], id=f"src_{number}") for number in range(1, 5))
    return replace(answer(), answer=text, citations=tuple(citations), sources=listed)


def _addresses(made: Answer) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for note in annotations(made, BASE):
        found.setdefault(made.answer[note.start_index : note.end_index], set()).add(note.url)
    return found


@given(answers())
def test_annotations_select_exactly_the_markers(made: Answer) -> None:
    """Every cited marker has one, in the order of the text."""
    notes = annotations(made, BASE)
    places = [(note.start_index, note.end_index) for note in notes]
    marked = [made.answer[start:end] for start, end in places]

    assert places == sorted(places)
    assert {f"[{citation.marker}]" for citation in made.citations} == set(marked)
    assert len(marked) == len({(each.start_index, each.marker) for each in made.citations})


@given(answers())
def test_a_marker_has_one_address_of_its_own(made: Answer) -> None:
    """In order of first use they are the numbers that clients show."""
    found = _addresses(made)

    assert all(len(urls) == 1 for urls in found.values())
    assert len(set().union(*found.values())) == len(found)
    assert list(found) == [f"[{page.marker}]" for page in cited_pages(made, BASE)]


def test_an_address_leads_to_the_quote_on_our_page() -> None:
    """It is absolute, and its title is a text also for an article without one."""
    made = answer()
    untitled: tuple[Source, ...] = tuple(replace(source, title=None) for source in made.sources)
    notes = annotations(replace(made, sources=untitled), BASE)

    assert [TEXT[note.start_index : note.end_index] for note in notes] == ["[1]", "[2]"]
    assert notes[0].url == f"{BASE}/articles/pier-1?start=0&end=30#quote"
    assert [note.title for note in notes] == ["Untitled article"] * 2
    assert annotations(made, BASE)[1].title == "Pier, part 2"


@given(answers())
def test_a_list_of_sources_has_a_line_for_each_marker(made: Answer) -> None:
    """It can be told from the answer again."""
    listed = source_list(made, BASE)

    assert len(listed.split("\n")[2:]) == len(cited_pages(made, BASE))
    if listed:
        assert without_source_list(f"The answer [1].{listed}") == "The answer [1]."


def test_a_list_of_sources_names_title_source_and_day() -> None:
    """An abstention has none."""
    first = (
        "[1] Pier, part 1, Harbour Post, 31 March 2026: https://ask.news.example/articles/pier-1?start=0&end=30#quote"
    )

    assert source_list(answer(), BASE).split("\n")[:3] == ["", "", first]
    assert source_list(replace(answer(), citations=(), sources=()), BASE) == ""
