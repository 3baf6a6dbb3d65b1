"""The report of a run in each format."""

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eval.gate import RULES, Breach, Decision
from eval.gold import GoldSet
from eval.records import Run
from eval.report import Report, clip, visible, word_diff
from eval.report_files import MOST, escaped, to_html, to_json, to_junit, to_markdown
from tests.eval.report_pieces import (
    ARTICLES,
    BAD,
    COMPASSES,
    GOLD,
    HIDDEN,
    ITEMS,
    LENGTH,
    NO_ANSWER,
    RISE,
    question,
    reply,
    report_of,
    run_of,
)

WRONG = {RISE: reply("It ended after 9 days.", "ferry-strike")}
SILENT = {LENGTH: reply("", "ferry-strike")}
WORDS = st.lists(st.sampled_from(["a", "b", "c", "<i>", "שלום"]), max_size=12).map(" ".join)


class Page(HTMLParser):
    """A parser for the elements and texts of an HTML page; elements must close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All words, with single spaces."""
        return " ".join(" ".join(self.texts).split())


def suites_of(report: Report) -> dict[str, dict[str, list[str]]]:
    """Return the tags of each test case's results by suite and by name up to the colon."""
    return {
        str(suite.get("name")): {
            str(test.get("name")).split(":")[0]: [part.tag for part in test] for test in suite.iter("testcase")
        }
        for suite in ET.fromstring(to_junit(report))
    }


@pytest.mark.parametrize(
    ("now", "before", "word"),
    [
        (run_of(), run_of(), "PASS"),
        (run_of(WRONG), run_of(), "FAIL"),
        (run_of({RISE: "TimeoutError"}), run_of(), "INCOMPLETE"),
        (run_of(), None, "INCOMPLETE"),
        (run_of(dict.fromkeys((COMPASSES, NO_ANSWER)), subset=True), run_of(), "SUBSET OK"),
    ],
)
def test_every_form_begins_with_the_result(tmp_path: Path, now: Run, before: Run | None, word: str) -> None:
    """The result is the heading of the page and the first line of the Markdown."""
    report = report_of(tmp_path, now, before)
    page = Page(to_html(report))

    assert report.decision.result == word
    assert word in to_markdown(report).splitlines()[0]
    assert [name for name, _ in page.elements].count("h1") == 1
    assert page.text.index(word) < 10
    assert f'name="result" value="{word}: ' in to_junit(report)


@pytest.mark.parametrize("form", [to_markdown, to_html, to_junit])
@pytest.mark.parametrize(
    "hidden",
    ["ConnectionError: no route", reply("", "museum-theft"), reply("It is 12.", "museum-theft", quote="It 12.")],
)
def test_the_holdout_is_never_shown(
    tmp_path: Path, form: Callable[[Report], str], hidden: str | dict[str, Any]
) -> None:
    """No report names a question of the holdout that fails, regresses or breaks an absolute rule."""
    now = run_of({HIDDEN: hidden, RISE: reply("", "ferry-strike")})
    written = form(report_of(tmp_path, now, run_of(), latency_ms={HIDDEN: 9_000.0, RISE: 5.0}))

    assert HIDDEN not in written.replace("\\", "")
    assert "keys were forged" not in written


def test_what_was_compared_is_named(tmp_path: Path) -> None:
    """Each entry of the header is shown; a value that differs from the baseline shows both."""
    compared = report_of(tmp_path, run_of(reader="llm"), run_of()).compared

    assert (compared["lane"], compared["questions"], compared["shown"]) == ("offline", "5", "4 questions")
    assert compared["reader"] == "extractive@1 → llm"
    assert compared["gold"] == "a1" * 8


def test_regressions_come_first(tmp_path: Path) -> None:
    """Regressions come before improvements, an accepted one after the others, and the rest last."""
    now = run_of({RISE: reply("", "ferry-strike"), COMPASSES: reply("", "museum-theft")})
    report = report_of(tmp_path, now, run_of(SILENT), accepted=[RISE])

    assert [(row.item.id, row.change, row.accepted) for row in report.rows] == [
        (COMPASSES, "regressed", False),
        (RISE, "regressed", True),
        (LENGTH, "improved", False),
        (NO_ANSWER, "same", False),
    ]
    written = to_markdown(report)
    assert written.index("### Regressed: 2") < written.index(f"<code>{RISE}") < written.index("### Improved: 1")
    assert written.count("· accepted") == 1


def test_a_critical_question_comes_before_others(tmp_path: Path) -> None:
    """A critical regression comes first, whatever its id."""
    items = tuple(item.model_copy(update={"critical": item.id == COMPASSES}) for item in ITEMS)
    gold = GoldSet(items, ARTICLES, (), GOLD.gold_hash, GOLD.corpus_hash)
    now = run_of({RISE: reply("", "ferry-strike"), COMPASSES: reply("", "museum-theft")}, gold)

    assert report_of(tmp_path, now, run_of({}, gold), gold=gold).rows[0].item.id == COMPASSES


def test_a_regression_is_explained(tmp_path: Path) -> None:
    """A regression shows its stage, both answers, the facts, the forbidden statements and the citations."""
    report = report_of(tmp_path, run_of(WRONG), run_of())
    written, page = to_markdown(report), Page(to_html(report)).text

    assert "correct → <b>wrong</b> · stage: reader · <b>critical</b></summary>" in written
    assert "- now: <ins>It ended after 9 days \\[1\\].</ins>" in written
    assert "- expected: the number 4.5: **stated → not stated**" in written
    assert "- forbidden: the length of the strike: **not stated → stated**" in written
    assert "- cites \\[1\\] ferry-strike (verified): “It ended after 9 days.”" in written
    assert "✗ the number 4.5" in page
    assert "✗ stated, forbidden: the length of the strike" in page


def test_support_is_shown_in_the_words_of_users(tmp_path: Path) -> None:
    """A partial citation asks to compare, and a withheld sentence is listed as withheld."""
    answer = reply("It ended after 9 days.", "ferry-strike", withheld=["It rose by 5."])
    answer["citations"][0]["verification"]["status"] = "partial"
    report = report_of(tmp_path, run_of({RISE: answer}), run_of())
    written, page = to_markdown(report), Page(to_html(report)).text

    assert "ferry-strike (wording differs: compare): “It ended" in written
    assert "- withheld (number_not_in_source): It rose by 5." in written
    assert "(wording differs: compare)" in page
    assert "Withheld (number_not_in_source): It rose by 5." in page


def test_two_alike_answers_are_compared_by_word(tmp_path: Path) -> None:
    """Only the words that differ are marked."""
    swapped = reply("Thieves took 40 compasses from the museum.", "museum-theft", quote="Thieves took 12 compasses")
    written = to_markdown(report_of(tmp_path, run_of({COMPASSES: swapped}), run_of()))

    assert "- before: Thieves took <del>12</del> compasses from the museum \\[1\\]." in written
    assert "- now: Thieves took <ins>40</ins> compasses from the museum \\[1\\]." in written


def test_a_citation_of_an_unseen_source_dangles(tmp_path: Path) -> None:
    """A citation of an unknown source is marked in the page and in the Markdown."""
    answer = reply("It ended after 9 days.", "ferry-strike", quote="It ended")
    unseen = answer | {"citations": [answer["citations"][0] | {"source_id": "src_9"}]}
    report = report_of(tmp_path, run_of({RISE: unseen}), run_of())

    assert "**dangling**" in to_markdown(report)
    assert ", dangling)" in Page(to_html(report)).text


def test_an_incomplete_run_compares_nothing(tmp_path: Path) -> None:
    """A run with an error lists no regression, compares no figure, and names the error."""
    report = report_of(tmp_path, run_of({**WRONG, LENGTH: "TimeoutError: nothing after 120 s"}), run_of())
    written = to_markdown(report)

    assert "### Regressed" not in written
    assert all(figure.before is None for figure in report.overall())
    assert f"| `{LENGTH}` | TimeoutError: nothing after 120 s |" in written


def test_figures_are_compared_only_with_those_of_the_same_questions(tmp_path: Path) -> None:
    """A complete run shows the change of each mean; a subset does not."""
    whole = report_of(tmp_path / "a", run_of({RISE: reply("", "ferry-strike")}), run_of()).by_type()["all"][0]
    part = report_of(tmp_path / "b", run_of({LENGTH: None}, subset=True), run_of()).by_type()["how_many"][0]

    assert whole is not None
    assert whole.change == pytest.approx(4 / 5 - 5 / 5)
    assert part is not None
    assert part.before is None


def test_long_lists_are_cut_and_counted(tmp_path: Path) -> None:
    """Twenty of thirty regressions are shown and ten are counted."""
    items = [question(f"how_many-{n:03d}", f"What of day {n}?", "It ended after 9 days.", 9) for n in range(100, 130)]
    gold = GoldSet(tuple(items), ARTICLES, (), "a1", "c0")
    silent = {item.id: reply("", "ferry-strike") for item in items}
    written = to_markdown(report_of(tmp_path, run_of(silent, gold), run_of({}, gold), gold=gold))

    assert "### Regressed: 30" in written
    assert written.count("<summary><code>") == MOST
    assert "… and 10 more regressed" in written


def test_junit_has_a_suite_for_the_gate_and_for_each_type(tmp_path: Path) -> None:
    """The suite of the gate has a case for each rule, that of a type a case for each question that may be shown."""
    suites = suites_of(report_of(tmp_path, run_of(), run_of()))

    assert list(suites) == ["gate", "how_many", "unanswerable"]
    assert suites["gate"] == {rule: [] for rule in RULES}
    assert suites["how_many"] == {RISE: [], LENGTH: [], COMPASSES: []}


def test_junit_fails_what_the_gate_blames(tmp_path: Path) -> None:
    """A regression and its rules fail; a rule that holds does not."""
    suites = suites_of(report_of(tmp_path, run_of(WRONG), run_of()))

    assert suites["how_many"][RISE] == ["failure", "system-out"]
    assert (suites["gate"]["critical question"], suites["gate"]["regression"]) == (["failure"], ["failure"])
    assert suites["gate"]["injection"] == []


def test_junit_skips_what_was_bad_before_or_is_accepted(tmp_path: Path) -> None:
    """A question that was already bad, or whose regression is accepted, is skipped."""
    known = suites_of(report_of(tmp_path / "a", run_of(SILENT), run_of(SILENT)))
    meant = suites_of(report_of(tmp_path / "b", run_of(SILENT), run_of(), accepted=[LENGTH]))

    assert known["how_many"][LENGTH] == meant["how_many"][LENGTH] == ["skipped"]


def test_junit_counts_an_error_as_an_error(tmp_path: Path) -> None:
    """A question without a reply and the rule `complete` are errors, and the other rules are skipped."""
    suites = suites_of(report_of(tmp_path, run_of({**WRONG, LENGTH: "TimeoutError: 120 s"}), run_of()))

    assert suites["how_many"][LENGTH] == ["error"]
    assert suites["gate"] == {rule: ["error"] if rule == "complete" else ["skipped"] for rule in RULES}


def test_a_breach_of_the_holdout_fails_its_rule(tmp_path: Path) -> None:
    """The holdout has one case."""
    report = report_of(tmp_path, run_of({HIDDEN: reply("", "museum-theft")}), run_of())

    assert suites_of(report)["gate"]["holdout"] == ["failure"]


def test_the_page_loads_nothing_and_runs_nothing(tmp_path: Path) -> None:
    """No element names a source, a link or a script."""
    page = Page(to_html(report_of(tmp_path, run_of(WRONG), run_of())))

    assert not {"link", "img", "iframe", "object", "base", "script"} & {name for name, _ in page.elements}
    assert not [name for name, found in page.elements if {"src", "srcset", "href", "action"} & found.keys()]


def test_hostile_words_are_shown_as_text(tmp_path: Path) -> None:
    """Markup, mentions, links, control characters and bidirectional overrides in an answer are inert."""
    answer = reply(f"Thieves took {BAD} compasses.", "museum-theft", quote="Thieves took 12 compasses")
    report = report_of(tmp_path, run_of({COMPASSES: answer}), run_of())
    markdown, html = to_markdown(report), to_html(report)

    assert [part for part in ("<script", "@everyone", "http://") if part in markdown] == []
    assert "<script" not in html
    assert not set("\x00\x1b\u202e") & {*markdown, *html}
    assert "שלום" in markdown


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(codec="utf-8") | st.sampled_from("<>&\"'/={}%#-!\n\u202e\x00"), min_size=1, max_size=60)
)
def test_no_answer_changes_the_shape_of_a_report(tmp_path: Path, text: str) -> None:
    """For any answer, quote or error, the page has the same elements and the XML can be read."""
    reports = []
    for words in ("words", text):
        answer = reply(f"({words}).", "museum-theft", quote=f"({words})", withheld=[words])
        reports.append(report_of(tmp_path, run_of({COMPASSES: answer, LENGTH: f"OSError: ({words})"})))
    plain, strange = (Page(to_html(report)) for report in reports)

    assert [(name, *sorted(found)) for name, found in strange.elements] == [
        (name, *sorted(found)) for name, found in plain.elements
    ]
    assert " ".join(visible(f"({text})").split()) in strange.text
    assert suites_of(reports[1])["how_many"][LENGTH] == ["error"]


@given(text=st.text(st.characters(codec="utf-8") | st.sampled_from("<>&|*_[]`~$@#:/\\\n\u202e"), max_size=80))
def test_escaped_text_has_no_markup(text: str) -> None:
    """Escaped text is one line without active Markdown or HTML."""
    written = escaped(text, 200)
    bare = written.replace("\\\\", "")

    assert "\n" not in written
    assert not set("<>") & set(written)
    assert not [at for at, char in enumerate(bare) if char in "`*_[]|~$" and (at == 0 or bare[at - 1] != "\\")]
    assert "://" not in written


def test_a_report_as_json_is_complete(tmp_path: Path) -> None:
    """A report is read back from its JSON as it was."""
    report = report_of(tmp_path, run_of(), run_of(), gold=GOLD)

    assert Report.model_validate_json(to_json(report)) == report


def test_breaches_without_a_question_are_shown(tmp_path: Path) -> None:
    """A rule that is not broken by a single question has its own row."""
    decision = Decision(breaches=(Breach(rule="floor", detail="recall@5 is 0.5"),))
    report = report_of(tmp_path, run_of(), run_of()).model_copy(update={"decision": decision})

    assert "| floor |  |  | recall@" in to_markdown(report)
    assert suites_of(report)["gate"]["floor"] == ["failure"]


@given(before=WORDS, after=WORDS)
def test_a_word_diff_contains_both_texts(before: str, after: str) -> None:
    """`same` and `removed` are the text before, `same` and `added` the text after."""
    pieces = word_diff(before, after)

    assert " ".join(piece.text for piece in pieces if piece.kind != "added") == before
    assert " ".join(piece.text for piece in pieces if piece.kind != "removed") == after


def test_one_changed_word_of_a_long_text_is_found() -> None:
    """In an answer of hundreds of words, one changed word is the only difference."""
    before = " ".join(["the ferry"] * 150 + ["sank"] + ["the ferry"] * 150)

    assert [piece for piece in word_diff(before, before.replace("sank", "sailed")) if piece.kind != "same"] == [
        ("removed", "sank"),
        ("added", "sailed"),
    ]


@given(text=st.text(max_size=200), length=st.integers(1, 100))
def test_a_cut_text_is_a_beginning(text: str, length: int) -> None:
    """A cut text is short enough, begins as the text, and ends with an ellipsis."""
    cut = clip(text, length)

    assert len(cut) <= length
    assert cut == text if len(text) <= length else text.startswith(cut[:-1]) and cut.endswith("…")


@given(text=st.text(st.characters()))
def test_a_visible_text_hides_nothing(text: str) -> None:
    """A visible text can be encoded, and contains no control character but tab and line feed."""
    shown = visible(text)

    assert not [char for char in shown.encode().decode() if char < " " and char not in "\t\n"]
    assert not set("\x7f\x9b\u202a\u202e\u2066\u2069") & set(shown)
    assert visible(shown) == shown
