"""The report as one HTML page."""

import hashlib
import re
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eval.records import Run
from eval.report.html import to_html
from eval.report.words import visible
from tests.eval.report_pieces import BAD, COMPASSES, LENGTH, NOBODY, RISE, reply, report_of, run_of

VOID = {"meta"}
WRONG = {RISE: reply("It ended after 9 days.", "ferry-strike")}


class Page(HTMLParser):
    """What a browser would see: elements, attributes, texts; elements must close in their order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.inside: dict[str, list[str]] = {}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self.open:
            self.inside.setdefault(self.open[-1], []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of a name."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        """All words."""
        return " ".join(" ".join(self.texts).split())


def page_of(folder: Path, now: Run, before: Run | None = None, *accepted: str) -> Page:
    """The page of a report."""
    return Page(to_html(report_of(folder, now, before, accepted=accepted)))


@pytest.mark.parametrize(
    ("now", "before", "word"),
    [
        (run_of(), run_of(), "PASS"),
        (run_of(WRONG), run_of(), "FAIL"),
        (run_of({RISE: "TimeoutError"}), run_of(), "INCOMPLETE"),
        (run_of(), None, "INCOMPLETE"),
        (run_of(dict.fromkeys((COMPASSES, NOBODY)), subset=True), run_of(), "SUBSET OK"),
    ],
)
def test_the_verdict_is_a_word_at_the_top(tmp_path: Path, now: Run, before: Run | None, word: str) -> None:
    """The heading is the verdict in a word beside its colour, and the title begins with it."""
    page = page_of(tmp_path, now, before)

    assert [name for name, _ in page.elements].count("h1") == 1
    assert page.inside["h1"][-1] == word
    assert page.inside["title"][0].startswith(f"{word}: ")
    assert "not validated against people" in page.text


def test_lost_questions_are_open_and_first(tmp_path: Path) -> None:
    """What was lost is opened, with what went and what came marked; what was won is closed and comes after."""
    page = page_of(tmp_path, run_of(WRONG), run_of({LENGTH: reply("", "ferry-strike")}))
    told = [card for card in page.all("details") if "data-change" in card]

    assert [(card["id"], card["data-change"], "open" in card) for card in told] == [
        (RISE, "lost", True),
        (LENGTH, "won", False),
        (COMPASSES, "same", False),
        (NOBODY, "same", False),
    ]
    assert "✓ stated → ✗ missing : the number 4.5" in page.text
    assert "✗ said : the length of the strike" in page.text


def test_what_differs_is_marked_word_by_word(tmp_path: Path) -> None:
    """Of two answers alike the words that differ are marked; two that share next to nothing are left to be read."""
    alike = reply("Thieves took 40 compasses from the museum.", "museum-theft", quote="Thieves took 12 compasses")
    page = page_of(tmp_path / "a", run_of({COMPASSES: alike}), run_of())
    unlike = page_of(tmp_path / "b", run_of(WRONG), run_of())

    assert (page.inside["del"], page.inside["ins"]) == (["12"], ["40"])
    assert not {"del", "ins"} & unlike.inside.keys()
    assert "Before Crews won a rise of 4.5 percent [1]. Now It ended after 9 days [1]." in unlike.text


def test_an_accepted_loss_says_so(tmp_path: Path) -> None:
    """A loss that is meant carries the word beside it; a page without one does not."""
    silent = run_of({LENGTH: reply("", "ferry-strike")})

    assert "accepted" in page_of(tmp_path / "a", silent, run_of(), LENGTH).inside["span"]
    assert "accepted" not in page_of(tmp_path / "b", silent, run_of()).inside["span"]


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    """Nothing is loaded: every link leads to a place within the page that exists, and no element names a source."""
    page = page_of(tmp_path, run_of(WRONG), run_of())
    places = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    links = [attributes["href"] for _, attributes in page.elements if "href" in attributes]

    assert len(places) == len(set(places))
    assert {str(link).removeprefix("#") for link in links} <= set(places)
    assert not [name for name, attributes in page.elements if {"src", "srcset", "style", "action"} & attributes.keys()]
    assert not {"link", "img", "iframe", "object", "base"} & {name for name, _ in page.elements}
    assert not re.search(r"url\(|@import", page.inside["style"][0])


def test_only_its_own_script_may_run(tmp_path: Path) -> None:
    """The page's policy allows nothing but the style and the script that it holds, by their hashes."""
    html = to_html(report_of(tmp_path, run_of(WRONG), run_of()))
    policy = str(Page(html).all("meta")[1]["content"])
    parts = {tag: html.split(f"<{tag}>")[1].split(f"</{tag}>")[0] for tag in ("style", "script")}
    hashes = {tag: b64encode(hashlib.sha256(text.encode()).digest()).decode() for tag, text in parts.items()}

    assert policy.startswith("default-src 'none';")
    assert f"style-src 'sha256-{hashes['style']}';" in policy
    assert f"script-src 'sha256-{hashes['script']}';" in policy
    assert "unsafe" not in policy


def test_questions_can_be_filtered_by_what_occurs(tmp_path: Path) -> None:
    """There is a choice for change, outcome, type and stage, with the values that the questions have."""
    page = page_of(tmp_path, run_of(WRONG), run_of())
    values = [option["value"] for option in page.all("option")]
    cards = [card for card in page.all("details") if "data-type" in card]

    assert [choice["name"] for choice in page.all("select")] == ["change", "outcome", "type", "stage"]
    for name in ("change", "outcome", "type", "stage"):
        assert {card[f"data-{name}"] for card in cards} <= set(values)


def test_tables_and_charts_can_be_read_aloud(tmp_path: Path) -> None:
    """Every heading of a table says what it heads, and every chart that is no ornament says what it shows."""
    page = page_of(tmp_path, run_of(WRONG), run_of())

    assert {heading.get("scope") for heading in page.all("th")} == {"col", "row"}
    assert all(chart.get("aria-hidden") or chart.get("aria-label") for chart in page.all("svg"))
    assert len([chart for chart in page.all("svg") if chart.get("role") == "img"]) == 3


def test_a_run_that_asked_nothing_still_makes_a_page(tmp_path: Path) -> None:
    """Where nothing was scored the page says so."""
    nothing = run_of(dict.fromkeys((RISE, LENGTH, COMPASSES, NOBODY, "how_many-900")))
    page = page_of(tmp_path, nothing, run_of())

    assert page.inside["h1"][-1] == "INCOMPLETE"
    assert "nothing was scored" in page.text


def test_an_answer_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    """Script, quotes, controls and changes of direction in an answer are seen as text."""
    answer = reply(f"Thieves took {BAD} compasses.", "museum-theft", quote="Thieves took 12 compasses")
    html = to_html(report_of(tmp_path, run_of({COMPASSES: answer}), run_of()))

    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &#34;quoted&#34; &amp; @everyone" in html
    assert not set("\x00\x1b\u202e") & set(html)
    assert "⟨U+202E⟩evil⟨U+202C⟩ שלום 👩‍🚀" in html


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(codec="utf-8") | st.sampled_from("<>&\"'/={}%#-!\n\u202e\x00"), min_size=1, max_size=60)
)
def test_no_answer_changes_the_page(tmp_path: Path, text: str) -> None:
    """Whatever an answer, an article's words or an error hold, the page has the elements that a harmless one has."""
    plain, strange = (_everywhere(tmp_path, words) for words in ("words", text))

    assert [(name, *sorted(attributes)) for name, attributes in strange.elements] == [
        (name, *sorted(attributes)) for name, attributes in plain.elements
    ]
    assert " ".join(visible(f"({text})").split()) in strange.text


def _everywhere(folder: Path, words: str) -> Page:
    """A page with these words in an answer, a quote, a withheld sentence and an error, with nothing to compare."""
    answer = reply(f"({words}).", "museum-theft", quote=f"({words})", withheld=[words])
    return page_of(folder, run_of({COMPASSES: answer, LENGTH: f"OSError: ({words})"}))
