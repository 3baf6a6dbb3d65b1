"""Interruptions of a stream by the page, the visitor and the network: the chat recovers."""

import json
import socket
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.widget.browsing import Visit
from tests.widget.replies import CHECKED, events
from tests.widget.scripted_service import Streamed, encoded

PIECES = encoded(events(CHECKED))
PAGE = """<!doctype html><html lang="en"><title>H</title><body><main id="one"></main><main id="two" lang="de"></main>
<dateline-chat{0}></dateline-chat><script src="HOME/widget.js"></script></html>"""
MOVES = {
    "moved": "two.append(chat)",
    "taken out and put back": "chat.remove(); two.append(chat)",
    "moved twice": "one.append(chat); two.append(chat)",
}


def streaming(visit: Visit, attributes: str = "") -> Visit:
    """Return a page with the first sentence of an answer, waiting for the next."""
    visit.service.scripts["held"] = Streamed(PIECES, held=4)
    visit.host(PAGE.replace("{0}", attributes))
    visit.page.evaluate("window.chat = document.querySelector('dateline-chat')")
    if "launcher" in attributes:
        visit.chat.locator(".launcher").click()
    visit.chat.locator("#question").fill("held")
    visit.chat.locator("#question").press("Enter")
    visit.chat.locator(".marker").wait_for()
    return visit


@pytest.mark.parametrize("attributes", ["", ' data-mode="launcher"'])
@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES.keys())
def test_an_answer_goes_on_in_a_chat_that_is_moved(visit: Visit, move: str, attributes: str) -> None:
    """The first sentence stays, the rest arrives, and the next question is answered."""
    streaming(visit, attributes).page.evaluate(move)
    expect(visit.chat.locator(".answer")).to_contain_text("is over")
    expect(visit.chat.locator("#question")).to_be_visible()
    visit.service.go_on.set()
    expect(visit.chat.locator(".turn")).to_have_attribute("data-look", "checked")
    following = visit.ask("weak")

    assert following.get_attribute("data-look") == "weak"
    assert visit.errors == []


def test_a_chat_that_is_taken_out_stops_and_can_be_put_back(visit: Visit) -> None:
    """The service sees the client leave, the sentence stays, and the chat works again."""
    streaming(visit).page.evaluate("chat.remove()")
    assert visit.service.left.wait(30)
    visit.page.evaluate("two.append(chat)")
    expect(visit.chat.locator(".turn")).to_have_attribute("data-look", "stopped")

    assert visit.ask("checked").get_attribute("data-look") == "checked"
    assert visit.errors == []


def test_what_the_page_changes_while_an_answer_streams_takes_effect_after_it(visit: Visit) -> None:
    """The answer is completed, then the change is applied."""
    streaming(visit).page.evaluate("chat.dataset.lang = 'de'")
    visit.service.go_on.set()

    expect(visit.chat.locator(".verdict")).to_have_text("Jeder Satz geprüft")


def test_a_new_conversation_may_begin_while_an_answer_streams(visit: Visit) -> None:
    """The old answer is dropped, and the next question is asked at once."""
    streaming(visit).chat.locator(".renew").click()
    turn = visit.ask("weak")

    assert turn.get_attribute("data-look") == "weak"
    assert visit.chat.locator(".turn").count() == 1
    assert visit.chat.locator(".composer .solid").get_attribute("aria-disabled") != "true"
    assert visit.page.evaluate("chat.clear(), chat.ask('checked')") is True


def test_a_page_may_clear_and_ask_at_once(visit: Visit) -> None:
    """It may do so while an answer streams."""
    assert streaming(visit).page.evaluate("chat.clear(), chat.ask('weak')") is True
    expect(visit.chat.locator(".turn")).to_have_attribute("data-look", "weak")
    assert visit.service.left.wait(30)


def test_the_button_is_ready_again_after_a_new_conversation(visit: Visit) -> None:
    """Clearing ends the answer and its timeout."""
    streaming(visit).chat.locator(".renew").click()

    expect(visit.chat.locator(".composer .solid")).not_to_have_attribute("aria-disabled", "true")


def test_a_service_that_accepts_a_question_and_stays_silent_times_out(visit: Visit) -> None:
    """The timeout starts with the question, not with the first byte."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        visit.host(PAGE.replace("{0}", f' data-timeout="0.4" data-api="{address}"'))

        assert visit.ask("anything").locator(".retry").is_visible()


@pytest.mark.parametrize("seconds", ["1e9", "-3", "soon"])
def test_an_invalid_timeout_is_ignored(visit: Visit, seconds: str) -> None:
    """A slow answer arrives."""
    streaming(visit, f' data-timeout="{seconds}"').page.wait_for_timeout(200)
    visit.service.go_on.set()

    expect(visit.chat.locator(".turn")).to_have_attribute("data-look", "checked")


@pytest.mark.parametrize(
    ("body", "type_"),
    [("<h1>Log in to the hotel's network</h1>", "text/html"), ("{}", "application/json"), ("[1]", "application/json")],
)
def test_a_reply_of_another_shape_is_an_error(visit: Visit, body: str, type_: str) -> None:
    """The page of a proxy or a captive network is an error, not an abstention."""
    visit.open("/embed")
    visit.page.route("**/v1/ask", lambda route: route.fulfill(body=body, content_type=type_))
    turn = visit.ask("checked")

    assert turn.get_attribute("data-look") == "trouble"
    assert turn.locator(".retry").is_visible()
    assert visit.errors == []


@pytest.mark.parametrize(
    "event",
    [
        "null",
        "7",
        '{"type": "answer.completed"}',
        json.dumps({"type": "answer.completed", "status": "answered", "answer": "x", "citations": None}),
        json.dumps({"type": "citation.added"}),
        json.dumps({"type": "citation.added", "citation": {"id": "cit_1", "marker": 1, "start_index": 0}}),
        json.dumps(
            {"type": "answer.completed", "status": "answered", "answer": "x [1].", "citations": [{"marker": 1}]}
        ),
        json.dumps({"type": "retrieval.completed", "sources": 5}),
    ],
)
def test_an_event_of_an_unknown_shape_ends_the_turn(visit: Visit, event: str) -> None:
    """The next question is answered."""
    visit.service.scripts["invalid"] = Streamed([*PIECES[:2], f"data: {event}\n\n".encode()])
    visit.open("/embed").ask("invalid")

    assert visit.ask("checked").get_attribute("data-look") == "checked"


def test_a_vote_is_sent_once_however_often_it_is_pressed(visit: Visit) -> None:
    """Further clicks are ignored while a vote is sent."""
    votes: list[str] = []
    turn = visit.open("/embed").ask("checked")
    visit.page.on("request", lambda request: votes.append(request.url) if "/feedback" in request.url else None)
    turn.locator(".vote").first.evaluate("button => { button.click(); button.click(); button.click(); }")
    expect(turn.locator(".thanks")).to_be_visible()

    assert len(votes) == 1


def test_a_long_conversation_stays_within_what_the_service_takes(new_visit: Callable[..., Visit]) -> None:
    """Forty turns with the longest question and long answers are all answered."""
    visit = new_visit().open("/embed")
    turns: list[dict[str, object]] = [
        {
            "question": f"{number} " + "q" * 1_990,
            "state": "done",
            "text": "a" * 5_000,
            "citations": [],
            "sources": [],
            "vote": None,
            "trouble": None,
            "reply": {
                "status": "answered",
                "answer": "a" * 5_000,
                **{name: [] for name in ("citations", "unsupported", "conflicts", "sources", "warnings")},
            },
        }
        for number in range(40)
    ]
    kept = json.dumps({"version": 1, "turns": turns})
    visit.page.evaluate("kept => sessionStorage.setItem(`dateline:${location.origin}/:`, kept)", kept)
    visit.page.reload()
    turn = visit.ask("What did the " + "ferry " * 330)

    assert turn.get_attribute("data-look") in ("weak", "checked", "none")
