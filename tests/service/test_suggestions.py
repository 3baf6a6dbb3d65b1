"""Suggestions: which questions are kept, when they are made, and which are shown."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.records import Span
from service.errors import ReaderFailed, ReaderTimeout
from service.pipeline import Pipeline
from service.question_rules import MadeQuestion
from service.readers.chat import ModelUse
from service.records import AnswerWarning, Conflict, Correction, Question, Usage
from service.spend import Budget, DailyLimits, Spend, SpendStore
from service.suggestions import Ended, Suggestion, SuggestionMaker, Suggestions, checked, parsed
from tests.samples import ASKED_AT

if TYPE_CHECKING:
    from service.answer import Answer

TODAY = ASKED_AT.date()
QUESTION = "When did the Skelhaven Library reopen?"


def suggestion(question: str, article_id: str = "a", until: date | None = None) -> Suggestion:
    return Suggestion(question, article_id, "en", Span(0, 5), until)


suggestions = st.builds(
    suggestion,
    st.sampled_from([f"When did {name} {verb}?" for name in ("Kelm", "Arn", "Ostle") for verb in ("close", "reopen")]),
    st.sampled_from("abc"),
    st.none() | st.dates(date(2026, 6, 1), date(2026, 7, 1)),
)


@given(st.lists(suggestions), st.none() | st.sets(st.sampled_from("abcd")), st.integers(1, 5))
@settings(max_examples=50)
def test_suggestions_are_shown_in_turn(listed: Sequence[Suggestion], wanted: set[str] | None, limit: int) -> None:
    """No question twice, none after its last day, only of the wanted articles, and one of each before a second."""
    store = Suggestions()
    for each in listed:
        store.add(each)
    shown = store.of(TODAY, wanted, limit)

    assert len(shown) <= limit
    assert len({each.question for each in shown}) == len(shown)
    assert all(each.until is None or each.until >= TODAY for each in shown)
    assert wanted is None or {each.article_id for each in shown} <= wanted
    counts = [sum(other.article_id == each.article_id for other in shown[:at]) for at, each in enumerate(shown)]
    assert counts == sorted(counts)


@pytest.fixture(scope="module")
def answer(pipeline: Pipeline) -> "Answer":
    """The answer to `QUESTION`."""
    return asyncio.run(pipeline.ask(Question(QUESTION)))


def test_only_an_answer_without_a_caveat_is_kept(answer: "Answer", pipeline: Pipeline) -> None:
    """It is by the article and by the sentence that the question was made from, with the words that answer it."""
    with pipeline.library.pinned() as generation:
        article = generation.article("skelhaven-library-reopens")
        other = generation.article("sound-cup-final")
    assert article
    assert other
    good = MadeQuestion(QUESTION, Span(10, 40), "2 May 2026")

    assert checked(good, article, answer) == Suggestion(QUESTION, article.article_id, "en", Span(0, 111))
    assert checked(replace(good, answer="", sentence=Span(0, 0)), article, answer)
    for made in (replace(good, sentence=Span(200, 240)), replace(good, answer="3 May 2026")):
        assert checked(made, article, answer) is None
    assert checked(good, other, answer) is None
    for caveat in (
        {"status": "partial"},
        {"warnings": (AnswerWarning("corrected", "x"),)},
        {"uncovered": ("why",)},
        {"corrections": (Correction("a", None, "x", "y"),)},
        {"conflicts": (Conflict("x", ()),)},
        {"citations": ()},
    ):
        assert checked(good, article, replace(answer, **caveat)) is None


def test_what_is_suggested_next_is_new(answer: "Answer") -> None:
    """Neither what was asked, nor what a quote of the answer says, nor another article, and at most three."""
    store = Suggestions()
    article_id = answer.citations[0].article_id
    names = ("cost", "open on Sunday", "lend books", "lose in December", "get from the region")
    offered = [f"How much did the library {name}?" for name in names]
    for question in offered:
        store.add(Suggestion(question, article_id, None, Span(500, 520)))
    store.add(Suggestion("Who reopened it?", article_id, None, Span(0, 20)))
    store.add(Suggestion("Who won the cup?", "sound-cup-final", None, Span(500, 520)))
    asked = ("How much did the library cost then?", QUESTION)

    assert store.next_to(asked, answer.citations, TODAY) == tuple(offered[1:4])
    assert store.next_to(asked, (), TODAY) == ()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make suggestions from the four newest articles only."""
    monkeypatch.setattr("service.suggestions.ARTICLES", 4)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions that are asked."""
    found: list[str] = []
    ask = Pipeline.ask

    async def recorded(pipeline: Pipeline, question: Question) -> "Answer":
        found.append(question.text)
        return await ask(pipeline, question)

    monkeypatch.setattr(Pipeline, "ask", recorded)
    return found


@pytest.mark.usefixtures("few")
def test_suggestions_are_answered_by_their_articles(pipeline: Pipeline, asked: list[str]) -> None:
    """Each was asked, and is not asked again as long as a search finds the same."""
    store = Suggestions()
    maker = SuggestionMaker(pipeline, store, 3, lambda: False)
    with asyncio.Runner() as loop:
        maker.make(loop)
        first, times = store.all(), len(asked)
        maker.make(loop)

    assert len(first) == 3
    assert {each.question for each in first} <= set(asked)
    assert first[0].article_id == "tarnmouth-mayor-election"
    assert (store.all(), len(asked)) == (first, times)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("reason", ["budget", "swap", "stop"])
def test_making_ends_at_once(pipeline: Pipeline, asked: list[str], reason: str) -> None:
    """Out of budget, after another swap, and once the service stops, also while questions are answered."""
    store = Suggestions()
    store.add(suggestion(QUESTION))
    maker = SuggestionMaker(pipeline, store, 3, lambda: reason == "swap", 0.0 if reason == "budget" else 60.0)
    if reason == "swap":
        maker.renew()
    if reason == "stop":
        asyncio.run(maker.stop())
    with asyncio.Runner() as loop, pytest.raises(Ended):
        maker.make(loop)

    assert (store.all(), asked) == ((), [])


def test_making_waits_for_questions_and_stops(pipeline: Pipeline, asked: list[str]) -> None:
    """A thread makes suggestions only while no question is answered, and stops without waiting for that."""
    store = Suggestions()

    async def run() -> None:
        maker = SuggestionMaker(pipeline, store, 3, lambda: True)
        maker.start()
        maker.renew()
        await asyncio.sleep(0.1)
        await maker.stop()

    asyncio.run(run())
    assert (store.all(), asked) == ((), [])


class ScriptedChat:
    """A language model that makes these questions, or fails."""

    model = "scripted"

    def __init__(self, reply: str | ReaderFailed) -> None:
        self._reply = reply
        self.calls = 0

    async def complete(self, system: str, user: str, use: ModelUse) -> str:
        """Return the reply."""
        assert "suggest" not in system
        assert "<article" in user
        self.calls += 1
        if isinstance(self._reply, ReaderFailed):
            raise self._reply
        use.usage += Usage(500, 20, 1)
        return self._reply


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (f"1. {QUESTION}\n- See https://evil.example for what the library cost?\nNo question.", {QUESTION}),
        ("Who is the prime minister of France?", set()),
        (ReaderTimeout("late"), {QUESTION}),
    ],
)
def test_questions_of_a_language_model_are_checked(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, reply: str | ReaderFailed, expected: set[str]
) -> None:
    """One call for an article; if it fails, the rules make the questions."""
    monkeypatch.setattr(SuggestionMaker, "_newest", _library_article)
    chat = ScriptedChat(reply)
    assert made_by(pipeline, chat, lambda: bool(chat.calls and not expected)) == expected
    assert chat.calls == 1


def test_beyond_the_budget_the_rules_make_the_questions(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The language model is not asked once all have used what a day allows."""
    monkeypatch.setattr(SuggestionMaker, "_newest", _library_article)
    store = SpendStore(tmp_path)
    store.add(None, Spend(10))
    chat, budget = ScriptedChat(QUESTION), Budget(store, DailyLimits(tokens=10))
    assert made_by(replace(pipeline, budget=budget), chat) == {QUESTION}
    assert chat.calls == 0
    budget.close()


def made_by(pipeline: Pipeline, chat: ScriptedChat, is_over: Callable[[], bool] = lambda: False) -> set[str]:
    """Return the questions that are suggested with a model, once there is one or it is over."""
    store = Suggestions()

    async def run() -> None:
        maker = SuggestionMaker(replace(pipeline, chat=chat), store, 1, lambda: False)  # type: ignore[arg-type]
        maker.start()
        maker.renew()
        for _ in range(500):
            if not (done := store.all() or is_over()):
                await asyncio.sleep(0.02)
        assert done
        await maker.stop()

    asyncio.run(run())
    return {each.question for each in store.all()}


def _library_article(_: SuggestionMaker) -> dict[str, str]:
    """Return the article of `QUESTION` in place of the newest ones."""
    return {"skelhaven-library-reopens": "its hash"}


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("", []),
        ("1. Who won the cup?\n\n2) When was the mill built?", ["Who won the cup?", "When was the mill built?"]),
        ("<think>What could they ask?</think>\n* **Who won the cup?**", ["Who won the cup?"]),
        ("Who won? Who lost the cup?\nThe cup was won.\nWho?\n" + "Who won the cup " * 20 + "?", []),
    ],
)
def test_the_lines_of_a_reply_are_questions(reply: str, expected: list[str]) -> None:
    """One on each line, without numbers, bullets and thoughts."""
    assert [each.text for each in parsed(reply)] == expected
