"""Output of `dateline ask`: the verdict of each answer, and a date beside each quote."""

import re
import sys
from dataclasses import replace
from typing import Any

import pytest

from dateline.answer_text import answer_lines
from service.answer import Freshness
from service.records import (
    AnswerWarning,
    Conflict,
    Correction,
    Development,
    Duplicate,
    Highlight,
    Position,
    ResolvedDate,
    Scores,
    Support,
    Unsupported,
)
from tests.service.answers import ASKED, TEXT, answer

FRESH = Freshness(None, None, ASKED, "2026-03-31T08:00:00Z")
WITHHELD = (Unsupported("It is free.", "not_in_source"),)
STALE = (AnswerWarning("stale", "Stale warning."),)


def printed(*support: Support, **changes: Any) -> list[str]:  # noqa: ANN401 - the fields of Answer
    """Return the lines between the answer's text and the first quote."""
    lines = answer_lines(answer(*support, freshness=FRESH, **changes))
    assert lines[0] == TEXT
    return lines[1 : next(number for number, line in enumerate(lines) if line.startswith("\n[1]"))]


def test_a_clean_answer_has_no_verdict() -> None:
    """An answer with the verdict `answered` has only the date of the latest report."""
    assert printed() == ["Latest report: 31 March 2026, 8 months ago"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"conflicts": (Conflict("fare", ()),)}, "differ"),
        ({"status": "partial", "status_reason": "interrupted"}, "interrupted"),
        ({"unsupported": WITHHELD}, "could not be verified"),
        ({"warnings": STALE}, "may have changed"),
        ({"status": "partial", "status_reason": "weak_evidence"}, "Closest match"),
    ],
)
def test_each_verdict_is_one_line(changes: dict[str, Any], word: str) -> None:
    """Any other verdict is shown before the quotes."""
    line, _ = printed(**changes)
    assert word in line


def test_a_wording_that_differs_is_not_called_checked() -> None:
    """A partial citation asks the user to compare, also below its quote; no line says that the answer was checked."""
    lines = answer_lines(answer("verified", "partial", freshness=FRESH))
    assert [number for number, line in enumerate(lines) if "compare" in line] == [1, 8]
    interrupted = {"status": "partial", "status_reason": "interrupted"}
    assert "was checked" in printed(**interrupted)[0]
    assert "checked" not in " ".join(printed("verified", "partial", **interrupted))


def test_a_weak_answer_from_old_articles_says_both() -> None:
    """A worse verdict does not hide a warning, and a warning is shown once."""
    weak = {"status": "partial", "status_reason": "weak_evidence"}
    assert len(printed(**weak, warnings=STALE)) == 3
    assert "Stale warning." not in "\n".join(answer_lines(answer(warnings=STALE)))
    assert "note: Stale warning." in answer_lines(answer(warnings=STALE, unsupported=WITHHELD))


def test_an_answer_as_of_a_day_says_so() -> None:
    """The day is named, and the age of the latest report is counted from it."""
    lines = printed(as_of="2026-04-01T23:59:59.999999Z")
    assert "1 April 2026" in lines[0]
    assert lines[1] == "Latest report: 31 March 2026, yesterday"


def test_each_quote_has_its_source_and_date() -> None:
    """Each quote has its date, or `undated`."""
    made = answer()
    dated = [line for line in answer_lines(made) if line.startswith("\n[")]
    assert dated == [
        "\n[1] Pier, part 1 (Harbour Post, 31 March 2026)",
        "\n[2] Pier, part 2 (Harbour Post, 4 December 2025)",
    ]
    bare = replace(made, sources=tuple(replace(each, source=None, published_at=None) for each in made.sources))
    assert [line[-9:] for line in answer_lines(bare) if line.startswith("\n[")] == ["(undated)"] * 2


def test_the_dates_of_a_quote_are_beside_it() -> None:
    """The words of a quote that depend on the day of the article are printed below it, each with its date."""
    made = answer()
    dates = (ResolvedDate("on  Friday", "2025-12-05", 0, 10), ResolvedDate("last month", "2025-11", 12, 22))
    cited = replace(made.citations[0], dates=(*dates, ResolvedDate("last year", "2024", 30, 39)))
    lines = answer_lines(replace(made, citations=(cited, made.citations[1])))
    at = lines.index("    “The pier has reopened.”") + 1
    assert lines[at : at + 3] == [
        "    on Friday [5 December 2025]",
        "    last month [November 2025]",
        "    last year [2024]",
    ]


def test_the_other_outlets_of_a_story_are_named_below_its_quote() -> None:
    """Each once, at most three, without the publisher of the quote."""
    made = answer()
    outlets = ["Echo", "Harbour Post", "Echo", None, "Post", "Mail"]
    copies = tuple(Duplicate(f"copy-{at}", None, outlet, None) for at, outlet in enumerate(outlets))
    sources = (replace(made.sources[0], duplicates=copies), *made.sources[1:])
    also = [line for line in answer_lines(replace(made, sources=sources)) if "reported" in line]
    assert also == ["    Also reported by Echo, copy-3, Post and 1 more"]
    assert not [line for line in answer_lines(made) if "reported" in line]


def test_a_correction_has_its_article_its_day_and_both_sentences() -> None:
    """What is not known is left out; a correction in the article itself has the article's id."""
    own = Correction("pier-1", None, None, None, note="An earlier version named another pier.")
    later = Correction("pier-1", "2026-04-01T08:00:00Z", "It costs 4.", "It costs 5.", corrected_by="pier-3")
    lines = [line for line in answer_lines(answer(corrections=(own, later))) if line.startswith("correction")]
    assert lines == [
        "correction (pier-1): An earlier version named another pier.",
        "correction (pier-3, 1 April 2026): It costs 5.; before: It costs 4.",
    ]


def test_a_quote_is_printed_without_markup() -> None:
    """A quote is shown without Markdown."""
    made = answer()
    quotes = (replace(made.citations[0], cited_text="> The **pier** has [reopened](https://pier.example/a).[2]"),)
    assert "    “The pier has reopened.”" in answer_lines(replace(made, citations=quotes))


PIER = "> In 2016 the **old pier** has 16 berths and [a café](https://pier.example/a).[2]"


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ("16 berths", "16 berths"),
        ("16", "16"),
        ("old pier** has", "old pier has"),
        ("**old pier**", "old pier"),
        ("pier** has 16 berths and [a café", "pier has 16 berths and a café"),
        ("2016 the **old pier**", "2016 the old pier"),
    ],
)
def test_the_answers_words_are_bold_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, words: str, printed: str
) -> None:
    """A pipe, a dumb terminal and a user who wants no colours get no escape codes."""
    first = PIER.rindex(words)
    cited = replace(
        answer().citations[0],
        cited_text=PIER,
        start_char_index=7,
        highlight=Highlight(7 + first, 7 + first + len(words)),
    )
    made = replace(answer(), citations=(cited,))
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    plain = answer_lines(made)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    styled = answer_lines(made)
    parts = re.split(r"\x1b\[[0-9;]+m", "\n".join(styled))

    assert "    “In 2016 the old pier has 16 berths and a café.”" in plain
    assert "".join(parts) == "\n".join(plain)
    assert printed in parts
    assert "    “In " in parts[0]
    for name, setting in (("NO_COLOR", "1"), ("TERM", "dumb")):
        monkeypatch.setenv(name, setting)
        assert answer_lines(made) == plain
        monkeypatch.delenv(name)


def test_an_abstention_names_only_related_articles() -> None:
    """Unrelated articles are not listed beside "We couldn't find this"."""
    near, far = answer().sources
    far = replace(far, scores=Scores(0.1, 0.0))
    refused = answer(status="not_in_sources", status_reason="low_relevance", citations=(), sources=(near, far))
    assert answer_lines(refused)[1:] == ["Related articles: Pier, part 1"]
    assert answer_lines(replace(refused, sources=(far,)))[1:] == []


def test_what_was_left_out_is_shown() -> None:
    """A withheld sentence is listed with its reason."""
    assert answer_lines(answer(unsupported=WITHHELD))[-1] == "left out (not_in_source): It is free."


def test_each_position_is_printed_with_its_article() -> None:
    """A conflict and a development have a line for each position: value, publisher, date, and the quoted sentence."""
    first = Position("4 crowns", "pier-2", "A ticket\ncosts 4 crowns.", "2025-12-04T08:00:00Z", "Harbour Post")
    last = Position("5 crowns", "pier-3", "It costs 5 crowns.", None, "Echo", is_correction=True)
    changes = {"conflicts": (Conflict("fare", (last, first)),), "developments": (Development("price", (first, last)),)}
    lines = answer_lines(answer(freshness=FRESH, **changes))
    assert lines[-6:] == [
        "\nReports differ on fare:",
        "    5 crowns (Echo, undated, correction): “It costs 5 crowns.”",
        "    4 crowns (Harbour Post, 4 December 2025): “A ticket costs 4 crowns.”",
        "\nReports over time on price:",
        "    4 crowns (Harbour Post, 4 December 2025): “A ticket costs 4 crowns.”",
        "    5 crowns (Echo, undated, correction): “It costs 5 crowns.”",
    ]
