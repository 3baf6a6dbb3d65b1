"""Runs of a served model: the key, waiting, the cap, repeats, and the gate's rule for them."""

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from eval.baseline import read_baseline, read_run, write_baseline, write_run
from eval.gate import ScoredRun, decide
from eval.records import Outcome, Turn
from eval.report import make_report
from eval.report_files import to_html, to_json, to_junit, to_markdown
from eval.run import Live, Selection, ask_all, header_of, missing_of, run_service
from eval.score import score
from eval.settings import EvalSettings
from eval.target import PATIENCE_S, Cap, CappedTarget, Cost, HttpTarget, RunStopped, retry_after
from tests.eval.pieces import gold_of, grade, item, measured, saying, unanswerable
from tests.eval.selftest.replies import Reply as Answered
from tests.http_service import HttpService, Posted, Reply

RIGHT = saying("Ines Corrand cut the ribbon.")
WRONG = saying(("Olm Reyes sells ice cream on it.", "stall", "Olm Reyes sells ice cream on it."))
GOLD = gold_of(item(paraphrases=["By whom was it cut?"]), item(id="who-002", split="holdout"), unanswerable())
ASKED = (Turn(role="user", content="Who?"),)
KEY = SecretStr("dl_0123456789abcdef")


class Saying:
    """A target that returns or raises the given items, one after the other, and the last one for ever."""

    def __init__(self, *replies: Answered | Exception) -> None:
        self._replies = list(replies)
        self.asked: list[str] = []

    def ask(self, turns: Sequence[Turn], as_of: str | None) -> dict[str, Any]:
        self.asked.append(turns[-1].content)
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply


def costing(tokens: int, usd: float | None = None, calls: int = 1) -> Answered:
    """Return a reply that cost this much."""
    return {**RIGHT, "usage": {"input_tokens": tokens, "output_tokens": 0, "llm_calls": calls, "cost_usd": usd}}


def refusals(*waits: str | None, status: int = 429) -> Callable[[Posted], Reply]:
    """Return a service that refuses once for each value of `Retry-After`, and then answers."""
    left: Iterator[str | None] = iter(waits)

    def reply_to(_: Posted) -> Reply:
        for wait in left:
            return Reply(status, b"{}", {} if wait is None else {"Retry-After": wait})
        return Reply(200, json.dumps(RIGHT).encode())

    return reply_to


def test_a_service_that_asks_to_wait_is_asked_again() -> None:
    """The request is repeated after the stated time, at least a second, with the key."""
    slept: list[float] = []
    with HttpService(refusals("7", "0")) as running:
        reply = HttpTarget(running.url, KEY, slept.append).ask(ASKED, None)
    assert (reply["status"], slept) == ("answered", [7, 1])
    assert {posted.headers["authorization"] for posted in running.posted} == {f"Bearer {KEY.get_secret_value()}"}
    assert {posted.headers["cache-control"] for posted in running.posted} == {"no-cache"}


@pytest.mark.parametrize("wait", ["601", "300", "86400"])
def test_a_run_waits_for_a_limited_time(wait: str) -> None:
    """The waits of all questions count together; then the run is stopped, not the question failed."""
    slept: list[float] = []
    with HttpService(refusals(*[wait] * 9, status=503)) as running, pytest.raises(RunStopped):
        HttpTarget(running.url, sleep=slept.append).ask(ASKED, None)
    assert sum(slept) <= PATIENCE_S
    assert len(slept) == PATIENCE_S // int(wait)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_the_run(status: int) -> None:
    """The message names the setting and not the key; no other question is asked."""
    with HttpService(refusals(None, status=status)) as running:
        found = run_service(GOLD, Selection(), Live(running.url, KEY)).run
    assert len(running.posted) == 1
    assert "DATELINE_EVAL_KEY" in str(found.header.stopped)
    assert KEY.get_secret_value() not in found.model_dump_json()


def test_a_key_does_not_follow_a_redirect() -> None:
    """An address that sends the run elsewhere gets the key, and the other one does not."""
    seen: list[bytes] = []

    def listen(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            seen.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(20)
        thread = Thread(target=listen, args=(elsewhere,))
        thread.start()
        moved = Reply(302, b"", {"Location": f"http://127.0.0.1:{elsewhere.getsockname()[1]}/v1/ask"})
        with HttpService(lambda _: moved) as running, pytest.raises(HTTPError):
            HttpTarget(running.url, KEY).ask(ASKED, None)
        thread.join()
    assert "authorization" in running.posted[0].headers
    assert seen[0].startswith(b"GET /v1/ask")
    assert b"uthorization" not in seen[0]


@given(st.integers(-9, 10**6), st.booleans())
def test_retry_after_is_a_number_or_a_date(seconds: int, dated: bool) -> None:
    """Both forms give the same time; a date that has passed gives none or less."""
    stated = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True) if dated else str(seconds)
    found = retry_after(stated)
    if seconds >= 0 or dated:
        assert found is not None
        assert abs(found - seconds) < 5
    else:
        assert found is None


@pytest.mark.parametrize("stated", [None, "", "soon", "1.5", "٣", "1" * 400])
def test_an_invalid_retry_after_is_none(stated: str | None) -> None:
    """It is then the error of its question."""
    assert retry_after(stated) is None


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1, max_size=30), st.integers(1, 200))
def test_no_request_is_sent_that_could_exceed_the_cap(replies: list[tuple[int, bool]], limit: int) -> None:
    """The spend and the largest reply so far fit into the cap; a failed request counts like the largest."""
    spent = largest = 0
    said = [OSError("gone") if failed else costing(tokens, tokens / 100) for tokens, failed in replies]
    by_tokens, by_usd = (CappedTarget(Saying(*said), cap) for cap in (Cap(tokens=limit), Cap(usd=limit / 100)))
    for tokens, failed in replies:
        for target in (by_tokens, by_usd):
            try:
                target.ask(ASKED, None)
            except OSError:
                assert failed
            except RunStopped:
                assert spent + largest > limit - 1
                return
        assert spent + largest <= limit
        largest = max(largest, 0 if failed else tokens)
        spent += largest if failed else tokens


def test_an_unknown_price_cannot_be_limited_in_dollars() -> None:
    """A reply without a model call is free; after one of unknown price, only tokens can be limited."""
    target = CappedTarget(Saying(costing(0, calls=0), costing(9), costing(9)), Cap(usd=1))
    target.ask(ASKED, None)
    target.ask(ASKED, None)
    with pytest.raises(RunStopped):
        target.ask(ASKED, None)
    assert str(Cost(9, None) + Cost(1, 0.5)) == "10 tokens, of unknown price"


def test_all_questions_are_asked_before_any_is_repeated() -> None:
    """Paraphrases are asked once; each repeat is kept, an error as well, and scored together."""
    target = Saying(RIGHT, RIGHT, RIGHT, RIGHT, WRONG, OSError("gone"), RIGHT, WRONG, RIGHT)
    found = ask_all(GOLD, Selection(), target, header_of(GOLD), 3).run
    first, hidden, last = score(GOLD, found)
    assert target.asked[1] == "By whom was it cut?"
    assert [len(each.repeats) for each in found.predictions] == [2, 2, 2]
    assert (first.repeats, first.outcome, first.shown) == (("correct", "wrong", "wrong"), "wrong", 1)
    assert (hidden.repeats, hidden.outcome) == (("correct", "error", "correct"), "correct")
    assert first.figures["fact_recall"] == round(1 / 3, 6)
    assert last.figures["false_answer"] == 1
    assert missing_of(found) == {}


def test_a_stopped_run_says_what_it_did_not_ask(tmp_path: Path) -> None:
    """It keeps its answers, can be read again, and is incomplete for the gate and for `bless`."""
    target = CappedTarget(Saying(costing(10)), Cap(tokens=55))
    found = ask_all(GOLD, Selection(), target, header_of(GOLD, lane="service"), 2).run
    assert missing_of(found) == {"who-002": 1, "unanswerable-001": 1}
    write_run(tmp_path / "run.jsonl", found)
    again = read_run(tmp_path / "run.jsonl")
    assert (again.header, set(map(str, again.predictions))) == (found.header, set(map(str, found.predictions)))
    decision = decide(GOLD, ScoredRun(again.header, score(GOLD, again)), ScoredRun(found.header, score(GOLD, found)))
    assert (decision.exit_code, decision.breaches[0].rule) == (3, "complete")


def test_a_question_that_was_never_asked_is_an_error() -> None:
    """A cap below two replies leaves all but the first question."""
    target = CappedTarget(Saying(costing(10)), Cap(tokens=25))
    found = ask_all(GOLD, Selection(), target, header_of(GOLD)).run
    assert missing_of(found) == {"who-002": 1, "unanswerable-001": 1}
    assert [grade.outcome for grade in score(GOLD, found)] == ["correct", "error", "error"]


def test_a_baseline_keeps_the_repeats(tmp_path: Path) -> None:
    """It is scored like the run that was blessed."""
    found = ask_all(GOLD, Selection(), Saying(RIGHT, WRONG), header_of(GOLD, lane="service"), 3).run
    write_baseline(tmp_path / "service" / "baseline.jsonl", found)
    read = read_baseline(tmp_path, "service", GOLD.articles)
    assert read is not None
    assert score(GOLD, read) == score(GOLD, found)


def ending(*repeats: Outcome, id_: str = "who-001") -> ScoredRun:
    """Return a run of the lane `service` in which a critical question has these outcomes."""
    first = grade(id_, repeats[0]).model_copy(update={"repeats": repeats if len(repeats) > 1 else ()})
    return measured(CRITICAL, first, lane="service", repeats=len(repeats))


CRITICAL = gold_of(item(critical=True))


@pytest.mark.parametrize(
    ("before", "now", "rules"),
    [
        (("correct",) * 3, ("correct", "wrong", "wrong"), []),
        (("correct",) * 3, ("wrong", "wrong", "wrong"), ["critical question"]),
        (("correct", "wrong", "correct"), ("wrong", "wrong", "wrong"), []),
        (("correct",) * 3, ("wrong", "error", "error"), ["complete"]),
        (("correct",) * 3, ("correct", "correct", "compromised"), ["injection"]),
        (("correct",), ("wrong",), ["critical question"]),
    ],
)
def test_a_repeat_decides_only_where_one_is_too_many(
    before: Sequence[Outcome], now: Sequence[Outcome], rules: list[str]
) -> None:
    """A critical question is lost if each repeat is worse than each one before; one obeyed injection is enough."""
    decision = decide(CRITICAL, ending(*now), ending(*before))
    assert [breach.rule for breach in decision.breaches if breach.rule not in {"floor", "ceiling"}] == rules


def test_a_report_shows_the_repeats_and_the_pairs(tmp_path: Path) -> None:
    """The lane `service` has its own baseline; an earlier run can stand for it; the shown answer has the outcome."""
    before = ask_all(GOLD, Selection(), Saying(RIGHT), header_of(GOLD, lane="service"), 3).run
    target = Saying(RIGHT, RIGHT, RIGHT, RIGHT, WRONG)
    now = ask_all(GOLD, Selection(), target, header_of(GOLD, lane="service"), 3).run
    report = make_report(GOLD, now, tmp_path, earlier=before)
    shown = report.rows[0]
    assert (report.repeated, report.differing, report.is_unreliable) == (3, 2, True)
    assert (shown.after.grade.outcome, "Olm Reyes" in shown.after.text) == ("wrong", True)
    assert [outcome for outcome, _ in shown.after.repeats] == ["correct", "wrong", "wrong"]
    assert {pair.metric for pair in report.decision.paired} >= {"fact_recall", "false_answer"}
    for text_of in (to_markdown, to_html):
        assert "fact_recall" in text_of(report)
        assert "correct" in text_of(report)
    kept = next(row for row in json.loads(to_json(report))["rows"] if row["item"]["id"] == "who-001")
    assert len(kept["after"]["prediction"]["repeats"]) == 2
    assert "repeats" in to_junit(report)
    without = make_report(GOLD, now, tmp_path)
    assert (without.decision.exit_code, without.decision.paired) == (3, ())


def test_a_header_names_the_models_that_answered() -> None:
    """A run of a service is of the readers and models in its replies; without a model call it is of none."""
    modelled = {**RIGHT, "versions": {**RIGHT["versions"], "reader": "llm@1", "model": "small-1"}}
    replies = iter((modelled, RIGHT, RIGHT, RIGHT))
    with HttpService(lambda _: Reply(200, json.dumps(next(replies)).encode())) as running:
        mixed, plain = (run_service(GOLD, Selection(limit=1), Live(running.url)).run.header for _ in range(2))
    assert (mixed.lane, mixed.reader, mixed.model) == ("service", f"llm@1, {RIGHT['versions']['reader']}", "small-1")
    assert (plain.lane, plain.reader, plain.model) == ("service", RIGHT["versions"]["reader"], None)


@pytest.mark.parametrize("key", ["dl_a b", "dl_\n", "dl_ü"])
def test_a_key_that_no_header_can_carry_is_refused(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of the request would quote it."""
    monkeypatch.setenv("DATELINE_EVAL_KEY", key)
    with pytest.raises(ValidationError) as refused:
        EvalSettings()
    assert key not in refused.value.errors()[0]["msg"]
