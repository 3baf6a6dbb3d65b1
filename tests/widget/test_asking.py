"""Asking in a real browser: what a reader sees of each kind of answer, and what the reader can do."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from service.feedback import FeedbackStore
from tests.widget.browsing import Visit
from tests.widget.replies import BY_QUESTION, DUPLICATES, PROVEN, events
from tests.widget.scripted_service import Refused, Streamed, encoded

PIECES = encoded(events(PROVEN))
LOOKS = {
    "proven": "proven",
    "weak": "weak",
    "withheld": "part",
    "interrupted": "cut",
    "conflict": "proven",
    "stale": "proven",
    "duplicates": "proven",
    "abstained": "none",
}


def test_an_answer_of_the_archive_is_cited_and_its_quote_is_marked_in_the_article(visit: Visit) -> None:
    """From the question to the exact words in the article, without a script of another host."""
    turn = visit.open().ask("When did the Skelhaven library reopen?")
    turn.locator(".marker").first.click()
    words = turn.locator(".quote mark").first.text_content()
    with visit.context.expect_page() as opened:
        turn.locator(".quote-box .outward").first.click()
    mark = opened.value.locator("mark")

    assert "2 May 2026" in (turn.locator(".answer").text_content() or "")
    assert turn.get_attribute("data-look") == "proven"
    assert mark.text_content() == words
    assert mark.evaluate(
        "mark => mark.getBoundingClientRect().top > 0 && mark.getBoundingClientRect().bottom < innerHeight"
    )
    assert (visit.foreign(), visit.errors, visit.violations()) == ([], [], [])


def test_what_the_articles_do_not_cover_is_an_abstention_with_the_closest_articles(visit: Visit) -> None:
    """It has a look of its own, no marker, and links to what comes closest."""
    turn = visit.open().ask("What is the capital of Australia?")

    assert turn.get_attribute("data-look") == "none"
    assert turn.locator(".marker").count() == 0
    assert 1 <= turn.locator(".card").count() <= 3
    assert turn.locator(".sources .label").first.text_content() == "The closest articles"


def test_a_sentence_is_shown_and_its_quote_can_be_opened_while_the_rest_is_on_its_way(visit: Visit) -> None:
    """The first of two sentences is there, with its marker, before the second has come."""
    visit.service.scripts["held"] = Streamed(PIECES, held=4)
    visit.open()
    visit.chat.locator("#question").fill("held")
    visit.chat.locator("#question").press("Enter")
    visit.chat.locator(".marker").click()

    expect(visit.chat.locator(".quote mark")).to_have_text("The ferry strike in Varn Sound is over.")
    assert visit.chat.locator(".answer").text_content() == "The ferry strike in Varn Sound is over 1."
    visit.service.go_on.set()
    expect(visit.chat.locator(".verdict")).to_have_text("Every sentence proven")
    assert visit.chat.locator(".marker").count() == 2


@pytest.mark.parametrize(("question", "look"), LOOKS.items())
def test_each_kind_of_answer_has_a_look_of_its_own(visit: Visit, question: str, look: str) -> None:
    """The status of the reply decides, and the verdict says it in words too."""
    turn = visit.open("/embed").ask(question)

    assert turn.get_attribute("data-look") == look
    assert turn.locator(".verdict").text_content()
    assert visit.errors == []


def test_withheld_sentences_stand_apart_with_their_reasons(visit: Visit) -> None:
    """They are folded away, counted, and never part of the answer."""
    turn = visit.open("/embed").ask("withheld")
    folded = turn.locator(".held").first.is_visible()
    turn.locator(".withheld summary").click()

    assert not folded
    assert turn.locator(".withheld summary").text_content() == "2 sentences were withheld"
    assert turn.locator(".withheld li").all_inner_texts()[0].split("\n") == [
        "The strike lasted 61 days.",
        "a number differs from the source",
    ]
    assert "61" not in (turn.locator(".answer").text_content() or "")


def test_a_disagreement_gives_each_position_with_its_words_and_article(visit: Visit) -> None:
    """Neither side is left out, and each leads to its article."""
    note = visit.open("/embed").ask("conflict").locator(".conflict")

    assert note.locator(".value").all_inner_texts() == ["16 days", "three days"]
    assert note.locator("blockquote").count() == 2
    assert [link.get_attribute("href") for link in note.locator("a").all()] == [
        f"{visit.home}/articles/ferry-ends",
        f"{visit.home}/articles/grain-ship",
    ]


def test_a_warning_about_age_stands_out(visit: Visit) -> None:
    """It is marked as such, the other one is not."""
    lines = visit.open("/embed").ask("stale").locator(".warnings li")

    assert [("stale" in (line.get_attribute("class") or "")) for line in lines.all()] == [True, False]
    assert "25 February 2026" in lines.first.inner_text()


def test_copies_of_a_story_are_told_below_the_one_that_is_cited(visit: Visit) -> None:
    """The card counts them when it is closed and names them when it is open."""
    turn = visit.open("/embed").ask("duplicates")
    turn.locator(".card-head").click()

    assert "Also reported by 2 others" in turn.locator(".card-head").inner_text()
    assert turn.locator(".also li").count() == len(DUPLICATES.sources[0].duplicates)
    assert "Tarnmouth Gazette: Ferries back after 16 days" in turn.locator(".also li").first.inner_text()


def test_a_follow_up_takes_the_conversation_along(visit: Visit) -> None:
    """The service gets the earlier question and answer, oldest first, with the next question."""
    visit.open().ask("proven")
    visit.ask("weak")

    assert visit.service.asked[0]["messages"] == []
    assert visit.service.asked[1]["messages"] == [
        {"role": "user", "content": "proven"},
        {"role": "assistant", "content": PROVEN.answer},
    ]


def test_stopping_leaves_what_has_come_and_ends_the_stream(visit: Visit) -> None:
    """The service notices, the sentence stays, and the focus is where the next question goes."""
    visit.service.scripts["held"] = Streamed(PIECES, held=4)
    visit.open()
    visit.chat.locator("#question").fill("held")
    visit.chat.locator("#question").press("Enter")
    visit.chat.locator(".marker").wait_for()
    visit.chat.locator(".stop").click()
    turn = visit.chat.locator(".turn")

    expect(turn).to_have_attribute("data-look", "stopped")
    assert visit.service.left.wait(5)
    assert "is over" in (turn.locator(".answer").text_content() or "")
    assert visit.page.evaluate("document.querySelector('dateline-chat').shadowRoot.activeElement.id") == "question"


def test_a_connection_that_breaks_half_way_is_told_and_can_be_mended(visit: Visit) -> None:
    """The proven sentence stays, asking again takes the same place, and then the answer is whole."""
    visit.service.scripts["broken"] = Streamed(PIECES[:5], held=4, breaks=True)
    visit.open()
    visit.chat.locator("#question").fill("broken")
    visit.chat.locator("#question").press("Enter")
    visit.chat.locator(".marker").wait_for()
    visit.service.go_on.set()
    turn = visit.chat.locator(".turn")
    expect(turn.locator(".verdict")).to_have_text("The connection broke")

    assert turn.get_attribute("data-look") == "cut"
    assert "is over" in (turn.locator(".answer").text_content() or "")
    visit.service.scripts["broken"] = Streamed(PIECES)
    turn.locator(".retry").click()
    expect(turn.locator(".verdict")).to_have_text("Every sentence proven")
    assert visit.chat.locator(".turn").count() == 1


def test_without_a_network_the_chat_says_so_and_recovers(visit: Visit) -> None:
    """The page was loaded, then the line is gone, then it is back."""
    visit.open()
    visit.context.set_offline(offline=True)
    turn = visit.ask("proven")
    said = turn.locator(".verdict").text_content()
    visit.context.set_offline(offline=False)
    turn.locator(".retry").click()

    assert said == "The archive cannot be reached"
    expect(visit.chat.locator(".verdict")).to_have_text("Every sentence proven")


@pytest.mark.parametrize("piece", [b"", b"data: {half\n\n", b": keep-alive\n\n"])
def test_a_stream_without_its_last_event_is_no_answer(visit: Visit, piece: bytes) -> None:
    """However it ends."""
    visit.service.scripts["endless"] = Streamed([*PIECES[:3], piece])

    assert visit.open("/embed").ask("endless").locator(".verdict").text_content() == "The connection broke"


def test_a_stream_that_falls_silent_is_given_up(visit: Visit) -> None:
    """After as many seconds as the page says."""
    visit.service.scripts["silent"] = Streamed(PIECES, held=4)
    visit.host(
        '<!doctype html><dateline-chat data-timeout="0.3"></dateline-chat><script src="HOME/widget.js"></script>'
    )

    assert visit.ask("silent").locator(".verdict").text_content() == "The connection broke"


@pytest.mark.parametrize(
    ("code", "verdict"), [("overloaded", "Too many questions at once"), ("index_unavailable", "No answer this time")]
)
def test_a_refusal_is_told_before_and_within_a_stream(visit: Visit, code: str, verdict: str) -> None:
    """The service's own words are shown where we have none that are better."""
    error = {"error": {"type": "t", "code": code, "message": "There is no index.", "param": None, "request_id": "r"}}
    visit.service.scripts |= {
        "refused": Refused(503, code, "There is no index."),
        "ended": Streamed([*PIECES[:2], f"event: error\ndata: {json.dumps({'type': 'error', **error})}\n\n".encode()]),
    }
    visit.open("/embed")

    for question in ("refused", "ended"):
        turn = visit.ask(question)
        assert turn.locator(".verdict").text_content() == verdict
        assert ("There is no index." in turn.inner_text()) == (code == "index_unavailable")


def test_a_reply_that_is_not_streamed_is_shown_as_well(visit: Visit) -> None:
    """A proxy that turns the stream into one reply changes nothing for the reader."""
    visit.open()
    whole = PIECES[-1].decode().partition("data: ")[2]
    visit.page.route("**/v1/ask", lambda route: route.fulfill(body=whole, content_type="application/json"))

    assert visit.ask("proven").get_attribute("data-look") == "proven"


def test_the_conversation_outlives_a_reload_and_ends_when_the_reader_says(visit: Visit) -> None:
    """It is kept in the tab alone; a new conversation forgets it for good."""
    visit.open().ask("proven")
    visit.page.reload()
    kept = visit.chat.locator(".turn").first.inner_text()
    visit.chat.locator(".renew").click()
    visit.page.reload()

    assert "The ferry strike in Varn Sound is over" in kept
    assert visit.chat.locator(".turn").count() == 0
    assert visit.page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]


@pytest.mark.parametrize("spoilt", ["{", "[]", '{"version": 1, "turns": [{"question": 1}, null, 7]}'])
def test_a_spoilt_history_is_no_history(visit: Visit, spoilt: str) -> None:
    """The chat begins anew and works."""
    visit.open()
    visit.page.evaluate("spoilt => sessionStorage.setItem(`dateline:${location.origin}/:`, spoilt)", spoilt)
    visit.page.reload()

    assert visit.chat.locator(".turn").count() == 0
    assert visit.ask("proven").get_attribute("data-look") == "proven"


def test_an_answer_is_copied_with_its_sources(visit: Visit) -> None:
    """The text, then each source with the words and where they stand."""
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    turn = visit.open().ask("proven")
    turn.locator(".copy").click()
    expect(turn.locator(".copy")).to_have_text("Copied")
    copied = visit.page.evaluate("navigator.clipboard.readText()")

    assert copied.startswith(PROVEN.answer)
    assert "[1] Boats sail again as crews and Sound Line sign a deal, Varn Sound Courier, 25 February 2026" in copied
    assert "“The ferry strike in Varn Sound is over.”" in copied
    assert f"{visit.home}/articles/ferry-ends?start=0&end=39#quote" in copied


def test_a_vote_is_stored_with_what_is_wrong(visit: Visit, data: Path) -> None:
    """The reader's reasons and words arrive, and the buttons are gone."""
    turn = visit.open().ask("proven")
    turn.locator(".vote").nth(1).click()
    turn.get_by_label("It is out of date").check()
    turn.locator(".comment textarea").fill("It has sailed. 🚢")
    turn.locator(".complaint .solid").click()
    expect(turn.locator(".thanks")).to_have_text("Thank you. That is stored.")
    (stored,) = [each for each in FeedbackStore(data, 10).entries() if each.feedback.comment]

    assert (stored.feedback.vote, stored.feedback.reasons) == ("down", ("outdated",))
    assert stored.feedback.comment == "It has sailed. 🚢"
    assert stored.feedback.citations[0].cited_text == "The ferry strike in Varn Sound is over."
    assert turn.locator(".vote").count() == 0


def test_a_vote_that_cannot_be_stored_can_be_given_again(visit: Visit) -> None:
    """The reader is told, and the buttons stay."""
    turn = visit.open().ask("proven")
    visit.page.route("**/v1/feedback", lambda route: route.fulfill(status=507, body="{}"))
    turn.locator(".vote").first.click()
    expect(turn.locator(".not-stored")).to_be_visible()
    visit.page.unroute("**/v1/feedback")
    turn.locator(".vote").first.click()

    expect(turn.locator(".thanks")).to_be_visible()


def test_a_suggested_question_is_asked_at_a_click(visit: Visit) -> None:
    """The demo page suggests the newest headlines; asking one is answered."""
    visit.open()
    headline = visit.chat.locator(".suggestion").first.inner_text()
    visit.chat.locator(".suggestion").first.click()
    visit.chat.locator(".verdict").wait_for()

    assert visit.service.asked[-1]["question"] == headline
    assert visit.chat.locator(".turn").get_attribute("data-look") in ("proven", "weak")
    assert visit.chat.locator(".welcome").is_hidden()


def test_asking_twice_at_once_asks_once(visit: Visit) -> None:
    """While an answer is on its way, a further question stays in the field."""
    visit.service.scripts["held"] = Streamed(PIECES, held=4)
    visit.open()
    field = visit.chat.locator("#question")
    for question in ("held", "weak"):
        field.fill(question)
        field.press("Enter")
    visit.service.go_on.set()
    visit.chat.locator(".verdict").wait_for()

    assert [asked["question"] for asked in visit.service.asked] == ["held"]
    assert field.input_value() == "weak"


def test_dark_mode_follows_the_reader_unless_the_page_decides(new_visit: Callable[..., Visit]) -> None:
    """The paper is dark by preference or by attribute, in text that stays readable."""
    paper = (
        "getComputedStyle(document.querySelector('dateline-chat').shadowRoot.querySelector('.panel')).backgroundColor"
    )
    dark = new_visit(color_scheme="dark").open()
    light = new_visit(color_scheme="dark").open("/embed?theme=light")

    assert dark.page.evaluate(paper) == "rgb(23, 23, 26)"
    assert light.page.evaluate(paper) == "rgb(253, 252, 249)"


def test_every_kind_of_reply_is_exercised() -> None:
    """No fixture reply is left without a look to check."""
    assert set(BY_QUESTION) - set(LOOKS) == {"scripts", "same"}
