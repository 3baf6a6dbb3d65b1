"""The report as Markdown."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.questions import GoldSet
from eval.report import write_reports
from eval.report.markdown import LIMIT, to_markdown
from eval.report.markup import escaped
from tests.eval.report_pieces import (
    ARTICLES,
    BAD,
    COMPASSES,
    GOLD,
    LENGTH,
    NOBODY,
    RISE,
    question,
    reply,
    report_of,
    run_of,
)

WRONG = {RISE: reply("It ended after 9 days.", "ferry-strike")}
SWAPPED = reply("Thieves took 40 compasses from the museum.", "museum-theft", quote="Thieves took 12 compasses")
SILENT = {LENGTH: reply("", "ferry-strike")}


def test_the_first_line_is_the_verdict(tmp_path: Path) -> None:
    """A report begins with the gate's verdict and says below it that no person has validated it."""
    first, _, second, *_ = to_markdown(report_of(tmp_path, run_of(WRONG), run_of())).splitlines()

    assert first.startswith("## ❌ FAIL: critical question: how\\_many-001 is wrong now")
    assert second == "_not validated against people_"


def test_a_run_without_any_difference_passes(tmp_path: Path) -> None:
    """A run that answers as its baseline is told in one line, and no question is listed."""
    told = to_markdown(report_of(tmp_path, run_of(), run_of()))

    assert told.startswith("## ✅ PASS: no verdict differs\n")
    assert "### Lost" not in told
    assert "### Won" not in told


def test_what_was_compared_is_named(tmp_path: Path) -> None:
    """Lane, numbers of questions, reader and short hashes stand in one line; what moved shows both."""
    told = to_markdown(report_of(tmp_path, run_of(reader="llm"), run_of()))
    line = next(line for line in told.splitlines() if line.startswith("**Compared**"))

    assert "lane offline · questions 5, 4 shown · baseline 5 questions" in line
    assert "reader extractive@\u20601 → llm" in line
    assert f"gold {'a1' * 6} · corpus {'c0' * 6} · fingerprint {'f9' * 6}" in line


def test_a_lost_question_tells_its_story(tmp_path: Path) -> None:
    """A lost question shows its stage, what changed in the answer word by word, facts, slips and citations."""
    told = to_markdown(report_of(tmp_path, run_of(WRONG), run_of()))

    assert "### Lost: 1" in told
    assert "correct → <b>wrong</b> · stage: reader · <b>critical</b></summary>" in told
    assert "- before: Crews won a rise of 4.5 percent \\[1\\]." in told
    assert "- now: It ended after 9 days \\[1\\]." in told
    assert "- expected: ✓ stated → ✗ missing: the number 4.5" in told
    assert "- must not be said: ✗ **said**: the length of the strike" in told
    assert "- cites \\[1\\] ferry-strike (verified): “It ended after 9 days.”" in told


def test_what_differs_is_marked_word_by_word(tmp_path: Path) -> None:
    """Of two answers that have most words in common, the words that went and came are marked, and no others."""
    told = to_markdown(report_of(tmp_path, run_of({COMPASSES: SWAPPED}), run_of()))

    assert "- before: Thieves took <del>12</del> compasses from the museum \\[1\\]." in told
    assert "- now: Thieves took <ins>40</ins> compasses from the museum \\[1\\]." in told


def test_lost_questions_come_before_won_ones(tmp_path: Path) -> None:
    """What a change breaks is told before what it mends."""
    told = to_markdown(report_of(tmp_path, run_of(WRONG), run_of(SILENT)))

    assert told.index("### Lost: 1") < told.index(RISE) < told.index("### Won: 1") < told.index("### By type")
    assert "over_refused → <b>correct</b>" in told


def test_an_accepted_loss_is_marked(tmp_path: Path) -> None:
    """A loss that is meant is listed as lost and marked as accepted; one that is not meant is not marked."""
    lost = {**SILENT, COMPASSES: reply("", "museum-theft")}
    summaries = [
        line
        for line in to_markdown(report_of(tmp_path, run_of(lost), run_of(), accepted=[LENGTH])).splitlines()
        if line.startswith("<details><summary><code>")
    ]

    assert [(COMPASSES in line, "accepted" in line) for line in summaries] == [(True, False), (False, True)]


def test_an_incomplete_run_claims_nothing(tmp_path: Path) -> None:
    """A run with an error lists no lost question, compares no figure, and tells the error."""
    told = to_markdown(report_of(tmp_path, run_of({**WRONG, LENGTH: "TimeoutError: nothing after 120 s"}), run_of()))

    assert told.startswith("## ⚠️ INCOMPLETE: ")
    assert "Nothing is compared question by question" in told
    assert "### Lost" not in told
    assert "was" not in told.partition("**Funnel**")[2].partition("\n\n")[0]
    assert f"| `{LENGTH}` | TimeoutError: nothing after 120 s |" in told


def test_a_subset_never_passes(tmp_path: Path) -> None:
    """A part of the questions is called what it is, and its figures are compared with no figure of all."""
    part = run_of(dict.fromkeys((COMPASSES, NOBODY)), subset=True)
    told = to_markdown(report_of(tmp_path, part, run_of()))

    assert "PASS:" not in told
    assert told.startswith("## 🔸 SUBSET OK: which is no pass")
    assert "(a subset)" in told
    assert "| all | 3 | 100% |" in told


@pytest.mark.parametrize("filling", ["<", "|", "é", "👩‍🚀", "a ", "_ "])
def test_a_report_is_never_longer_than_a_comment(tmp_path: Path, filling: str) -> None:
    """However many questions are lost and whatever their answers hold, 60 KB and 20 lost questions are the most."""
    items = [
        question(f"how_many-{n:03d}", f"{filling * 100} {n}?", "It ended after 9 days.", 9) for n in range(100, 130)
    ]
    gold = GoldSet(tuple(items), ARTICLES, (), "a1", "c0")
    nasty = reply(f"{filling * 900}.", "ferry-strike")
    told = to_markdown(
        report_of(tmp_path, run_of({item.id: nasty for item in items}, gold), run_of({}, gold), gold=gold)
    )

    assert len(told.encode()) <= LIMIT
    assert 1 <= told.count("<details><summary><code>") <= 20
    assert "### Rules broken" in told
    assert "`dateline eval explain how_many-100`" in told


def test_every_lost_question_beyond_twenty_is_counted(tmp_path: Path) -> None:
    """With thirty lost questions twenty are told and ten are counted."""
    items = [question(f"how_many-{n:03d}", f"What of day {n}?", "It ended after 9 days.", 9) for n in range(100, 130)]
    gold = GoldSet(tuple(items), ARTICLES, (), "a1", "c0")
    silent = {item.id: reply("", "ferry-strike") for item in items}
    told = to_markdown(report_of(tmp_path, run_of(silent, gold), run_of({}, gold), gold=gold))

    assert "### Lost: 30" in told
    assert told.count("<details><summary><code>") == 20
    assert "… and 10 more lost" in told


def test_an_answer_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    """Markup, mentions, links, controls and changes of direction in an answer are seen as text."""
    answer = reply(f"Thieves took {BAD} compasses.", "museum-theft", quote="Thieves took 12 compasses")
    told = to_markdown(report_of(tmp_path, run_of({COMPASSES: answer}), run_of()))

    assert "&lt;script&gt;alert('x')&lt;/script&gt;" in told
    assert "<script" not in told
    assert "@everyone" not in told
    assert "http://" not in told
    assert not set("\x00\x1b\u202e") & set(told)
    assert "שלום" in told
    assert "👩‍🚀" in told


@given(text=st.text(st.characters(codec="utf-8") | st.sampled_from("<>&|*_[]`~$@#:/\\\n\u202e"), max_size=80))
def test_escaped_words_hold_no_markup(text: str) -> None:
    """What others wrote is one line in which no character of Markdown or HTML stands by itself, and nobody is named."""
    told = escaped(text, 200)

    assert "\n" not in told
    assert not re.search(r"[<>]|&(?!(amp|lt|gt);)", told)
    assert not re.search(r"(?<!\\)[`*_\[\]|~$]", told.replace("\\\\", ""))
    assert not re.search(r"[@#][\w-]|://", told)


def test_reports_are_written_where_a_path_is_given(tmp_path: Path) -> None:
    """Each form that has a path is written, in a folder that need not exist; the others are not."""
    report = report_of(tmp_path, run_of(), run_of(), gold=GOLD)
    folder = tmp_path / "new" / "reports"
    write_reports(report, markdown=folder / "r.md", html=folder / "r.html")

    assert sorted(path.name for path in folder.iterdir()) == ["r.html", "r.md"]
    assert (folder / "r.md").read_text(encoding="utf-8") == to_markdown(report)
