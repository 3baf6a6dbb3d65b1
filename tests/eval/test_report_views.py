"""What all forms of a report share: cases, funnel, abstention, words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.gate import Breach, Decision
from eval.questions import GoldSet
from eval.report import Report
from eval.report.cases import cases, citation_lines
from eval.report.charts import LEFT, WIDTH, funnel_bars, good_dots, served_bars
from eval.report.flow import STEPS, abstention, funnel
from eval.report.html import to_html
from eval.report.junit import to_junit
from eval.report.markdown import to_markdown
from eval.report.tables import by_type, overall
from eval.report.views import decision_shown, errors, most_context, slowest, verdict
from eval.report.words import clip, visible, word_diff
from eval.summary import Mean
from tests.eval.report_pieces import (
    ARTICLES,
    COMPASSES,
    GOLD,
    HIDDEN,
    ITEMS,
    LENGTH,
    NOBODY,
    RISE,
    reply,
    report_of,
    run_of,
)

WORDS = st.lists(st.sampled_from(["a", "b", "c", "<i>", "שלום"]), max_size=12).map(" ".join)
DRIVEL = "The police blame a forged key."
RISEN = "Crews won a rise of 4.5 percent."


def without_words(answer: dict[str, Any]) -> dict[str, Any]:
    """A reply whose passages say nothing."""
    return answer | {"sources": [source | {"snippet": "Nothing."} for source in answer["sources"]]}


@pytest.mark.parametrize("form", [to_markdown, to_html, to_junit])
@pytest.mark.parametrize(
    "hidden",
    ["ConnectionError: no route", reply("", "museum-theft"), reply("It is 12.", "museum-theft", quote="It 12.")],
)
def test_the_holdout_is_never_shown(
    tmp_path: Path, form: Callable[[Report], str], hidden: str | dict[str, Any]
) -> None:
    """A question of the holdout that fails, is lost, breaks an absolute rule or is slowest is named in no report."""
    now = run_of({HIDDEN: hidden, RISE: reply("", "ferry-strike")})
    told = form(report_of(tmp_path, now, run_of(), latency_ms={HIDDEN: 9_000.0, RISE: 5.0}))

    assert HIDDEN not in told.replace("\\", "")
    assert "9,000" not in told
    assert "keys were forged" not in told


def test_errors_of_the_holdout_are_counted(tmp_path: Path) -> None:
    """An error of a shown question is told in full, one of the holdout is counted."""
    report = report_of(tmp_path, run_of({HIDDEN: "ConnectionError", LENGTH: "TimeoutError: 120 s"}), run_of())

    assert errors(report) == ((LENGTH, "TimeoutError: 120 s"), ("holdout", "1 more, which are not shown one by one"))


def test_the_rules_that_a_hidden_question_breaks_stay(tmp_path: Path) -> None:
    """A breach by a question that is not shown loses its name and nothing else."""
    breaches = tuple(Breach(rule="complete", detail="no figure", question=id_, stage="index") for id_ in (HIDDEN, RISE))
    report = report_of(tmp_path, run_of(), run_of()).model_copy(update={"decision": Decision(breaches=breaches)})

    assert decision_shown(report).breaches == (breaches[0].model_copy(update={"question": None}), breaches[1])
    assert verdict(report) == ("INCOMPLETE", "2 × complete (stage: index)")


def test_cases_begin_with_what_was_lost(tmp_path: Path) -> None:
    """Lost ones come first, the accepted last of them; then won, then the same."""
    now = run_of({RISE: reply("", "ferry-strike"), COMPASSES: reply("", "museum-theft")})
    report = report_of(tmp_path, now, run_of({LENGTH: reply("", "ferry-strike")}), accepted=[RISE])

    assert [(case.item.id, case.change, case.accepted) for case in cases(report)] == [
        (COMPASSES, "lost", False),
        (RISE, "lost", True),
        (LENGTH, "won", False),
        (NOBODY, "same", False),
    ]


def test_a_critical_question_comes_before_others(tmp_path: Path) -> None:
    """Of lost questions the critical one is told first, whatever its id."""
    items = tuple(item.model_copy(update={"critical": item.id == COMPASSES}) for item in ITEMS)
    gold = GoldSet(items, ARTICLES, (), GOLD.gold_hash, GOLD.corpus_hash)
    now = run_of({RISE: reply("", "ferry-strike"), COMPASSES: reply("", "museum-theft")}, gold)

    assert [case.item.id for case in cases(report_of(tmp_path, now, run_of({}, gold), gold=gold))][:2] == [
        COMPASSES,
        RISE,
    ]


def test_a_citation_of_what_the_reader_never_saw_is_dangling(tmp_path: Path) -> None:
    """A citation knows its sentence, its quote, and whether its source was shown; a page and a comment say so."""
    answer = reply("It ended after 9 days.", "ferry-strike", quote="It ended")
    unseen = answer | {"citations": [answer["citations"][0] | {"source_id": "src_9"}]}
    report = report_of(tmp_path, run_of({RISE: unseen}), run_of())

    assert [(line.sentence, line.quote, line.dangling) for line in citation_lines(answer)] == [
        ("It ended after 9 days [1].", "It ended", False)
    ]
    assert [line.dangling for line in citation_lines(unseen)] == [True]
    assert "**dangling**" in to_markdown(report)
    assert "✗ dangling" in to_html(report)


def test_a_verdict_as_bad_as_the_one_before_is_neither_lost_nor_won(tmp_path: Path) -> None:
    """From one bad verdict to another is a change, and no loss."""
    wrong, unsupported = reply(DRIVEL, "museum-theft"), reply("It was 12.", "museum-theft", quote=DRIVEL)
    report = report_of(tmp_path, run_of({COMPASSES: unsupported}), run_of({COMPASSES: wrong}))

    assert [case.change for case in cases(report) if case.item.id == COMPASSES] == ["changed"]


@pytest.mark.parametrize(
    ("answer", "reached"),
    [
        (reply(DRIVEL, "museum-theft"), STEPS[:2]),
        (without_words(reply("It ended after 9 days.", "ferry-strike")), STEPS[:3]),
        (reply("It ended after 9 days.", "museum-theft", "ferry-strike"), STEPS[:4]),
        (reply(RISEN, "ferry-strike", quote="It ended after 9 days."), STEPS[:5]),
        (reply(RISEN, "ferry-strike"), STEPS),
    ],
    ids=["not retrieved", "not in context", "not stated", "not borne out", "cited"],
)
def test_the_funnel_counts_how_far_a_question_came(
    tmp_path: Path, answer: dict[str, Any], reached: tuple[str, ...]
) -> None:
    """Of three questions, one is missing from the step that lost it onwards."""
    steps = funnel(report_of(tmp_path, run_of({RISE: answer}), run_of()))

    assert [step.before for step in steps] == [3] * len(STEPS)
    assert [step.now for step in steps] == [3 if step.name in reached else 2 for step in steps]


def test_the_funnel_begins_with_the_index(tmp_path: Path) -> None:
    """A question whose article is not in the corpus is asked and not indexed."""
    gold = GoldSet(ITEMS, {"museum-theft": ARTICLES["museum-theft"]}, (), GOLD.gold_hash, GOLD.corpus_hash)
    silent = {RISE: reply("", "museum-theft"), LENGTH: reply("", "museum-theft")}
    report = report_of(tmp_path, run_of(silent), run_of(silent), gold=gold)

    assert [(step.name, step.now) for step in funnel(report)][:2] == [("asked", 3), ("indexed", 1)]


def test_the_funnel_leaves_errors_out(tmp_path: Path) -> None:
    """A question without a reply is in no step, and an incomplete run is compared with nothing."""
    steps = funnel(report_of(tmp_path, run_of({RISE: "TimeoutError"}), run_of()))

    assert [(step.before, step.now) for step in steps] == [(None, 2)] * len(STEPS)


def test_abstention_tells_silence_from_answers(tmp_path: Path) -> None:
    """Answerable and unanswerable questions are counted by what was said to them, now and before."""
    weak = reply("It ended after 9 days.", "ferry-strike") | {"status": "partial", "status_reason": "weak_evidence"}
    now = {RISE: reply("", "ferry-strike"), LENGTH: weak, NOBODY: reply(DRIVEL, "museum-theft")}
    told = abstention(report_of(tmp_path, run_of(now), run_of()))

    assert [(name, [(cell.said, cell.before, cell.ids) for cell in cells]) for name, cells in told] == [
        ("answerable", [("answered", 3, (COMPASSES,)), ("weak", 0, (LENGTH,)), ("abstained", 0, (RISE,))]),
        ("unanswerable", [("answered", 0, (NOBODY,)), ("weak", 0, ()), ("abstained", 1, ())]),
    ]


def test_figures_are_compared_only_with_those_of_the_same_questions(tmp_path: Path) -> None:
    """A whole run shows how far each mean moved; a subset and an incomplete run show none."""
    silent = {RISE: reply("", "ferry-strike")}
    whole = by_type(report_of(tmp_path / "a", run_of(silent), run_of()))[0]
    part = by_type(report_of(tmp_path / "b", run_of({LENGTH: None}, subset=True), run_of()))[-1]
    broken = by_type(report_of(tmp_path / "c", run_of({LENGTH: "TimeoutError"}), run_of()))[0]

    assert whole.good.delta == pytest.approx(4 / 5 - 5 / 5)
    assert whole.good.better is False
    assert (part.good.before, broken.good.before) == (None, None)


def test_more_of_what_should_be_little_is_no_progress(tmp_path: Path) -> None:
    """A mean that should be low is better where it fell."""
    report = report_of(tmp_path, run_of(), run_of({RISE: reply("", "ferry-strike")}))
    better = {shift.metric: shift.better for shift in overall(report)}

    assert (better["over_refusal"], better["fact_recall"], better["recall@5"]) == (True, True, None)


def test_the_slowest_come_first(tmp_path: Path) -> None:
    """Of the questions shown, the ten that took longest are listed in falling order, and those with most context."""
    report = report_of(tmp_path, run_of(), run_of(), latency_ms={RISE: 5.0, LENGTH: 7.5, HIDDEN: 99.0})

    assert slowest(report) == ((LENGTH, 7.5), (RISE, 5.0))
    assert [spent for _, spent in most_context(report)] == sorted(
        (spent for _, spent in most_context(report)), reverse=True
    )


def test_bars_and_dots_keep_to_their_axis(tmp_path: Path) -> None:
    """A bar is as long as its share of the axis, parts fill their bar, and an interval ends where the axis does."""
    silent: dict[str, dict[str, Any] | str | None] = {RISE: reply("", "ferry-strike"), LENGTH: "TimeoutError"}
    report = report_of(tmp_path, run_of(silent), run_of())
    (bar,) = served_bars(report)
    dots = [dot for dot in good_dots(report) if not LEFT <= dot.low <= dot.x <= dot.high <= LEFT + WIDTH]
    wide = Mean(value=0.9, n=2, low=-0.4, high=1.4)
    group = report.summary["all"].model_copy(update={"means": {"good": wide}})
    clipped = good_dots(report.model_copy(update={"summary": {"all": group}}))[0]

    assert {part.served: part.n for part in bar.segments} == {"well": 3, "silent": 1, "error": 1}
    assert [part.width for part in bar.segments] == pytest.approx([WIDTH * part.n / 5 for part in bar.segments])
    assert [part.x for part in bar.segments] == pytest.approx([LEFT, LEFT + WIDTH * 3 / 5, LEFT + WIDTH * 4 / 5])
    assert [funnel_bar.width for funnel_bar in funnel_bars(report)] == [WIDTH] * 4 + [WIDTH / 2] * 2
    assert (dots, clipped.low, clipped.high) == ([], LEFT, LEFT + WIDTH)


@given(before=WORDS, after=WORDS)
def test_a_word_diff_holds_both_texts(before: str, after: str) -> None:
    """The words that stayed or went are the text before, those that stayed or came the text after."""
    pieces = word_diff(before, after)

    assert " ".join(piece.text for piece in pieces if piece.kind != "added") == before
    assert " ".join(piece.text for piece in pieces if piece.kind != "removed") == after


def test_frequent_words_of_a_long_text_count_as_words() -> None:
    """In an answer of hundreds of words, one word that changed is all that changed."""
    before = " ".join(["the ferry"] * 150 + ["sank"] + ["the ferry"] * 150)

    assert [piece for piece in word_diff(before, before.replace("sank", "sailed")) if piece.kind != "same"] == [
        ("removed", "sank"),
        ("added", "sailed"),
    ]


def test_texts_with_little_in_common_share_no_word() -> None:
    """Where less than a third of the words stayed, all of the one went and all of the other came."""
    assert [piece.kind for piece in word_diff("a b c", "a x y")] == ["same", "removed", "added"]
    assert word_diff("a b c d", "a x y z") == (("removed", "a b c d"), ("added", "a x y z"))


@given(text=st.text(max_size=60))
def test_the_same_text_has_no_difference(text: str) -> None:
    """A text compared with itself is all the same."""
    assert {piece.kind for piece in word_diff(text, text)} <= {"same"}


@given(text=st.text(max_size=200), length=st.integers(1, 100))
def test_a_cut_text_is_a_beginning(text: str, length: int) -> None:
    """A text that is cut is short enough, begins as the text, and says that it is cut."""
    cut = clip(text, length)

    assert len(cut) <= length
    assert cut == text if len(text) <= length else text.startswith(cut[:-1]) and cut.endswith("…")


@given(text=st.text(st.characters()))
def test_nothing_acts_unseen_in_a_visible_text(text: str) -> None:
    """A visible text can be written as UTF-8, holds no control but tab and line feed, and turns no direction."""
    shown = visible(text)

    assert not [char for char in shown.encode().decode() if char < " " and char not in "\t\n"]
    assert not set("\x7f\x9b\u202a\u202e\u2066\u2069") & set(shown)
    assert visible(shown) == shown


def test_writing_from_right_to_left_and_joined_emoji_stay() -> None:
    """Letters of any direction and signs joined into one are text like any other."""
    assert visible("שלום 👩‍🚀 naïve\t\n") == "שלום 👩‍🚀 naïve\t\n"
    assert visible("a\u202eb\x1b") == "a⟨U+202E⟩b⟨U+001B⟩"
