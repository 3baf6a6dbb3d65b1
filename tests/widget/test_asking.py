"""Asking in a real browser: the display of each kind of answer, and the actions of a visitor."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from service.feedback import FeedbackStore
from tests.widget.browsing import DESKTOP, Visit
from tests.widget.newsroom import BODIES
from tests.widget.replies import ABSTAINED, BY_QUESTION, CHECKED, CONFLICT, DIFFERS, DUPLICATES, events
from tests.widget.scripted_service import Refused, Streamed, encoded

FERRY_SAYS = CONFLICT.conflicts[0].positions[0].quote
FERRY_AT = BODIES["ferry-ends"].index(FERRY_SAYS)
PIECES = encoded(events(CHECKED))
LOOKS = {
    "checked": "checked",
    "weak": "weak",
    "withheld": "part",
    "interrupted": "cut",
    "interrupted differs": "cut",
    "conflict": "conflict",
    "stale": "stale",
    "differs": "differs",
    "quoted": "noted",
    "duplicates": "checked",
    "copied": "checked",
    "differing": "conflict",
    "developed": "noted",
    "abstained": "none",
    "off topic": "none",
}


def test_an_answer_of_the_archive_is_cited_and_its_quote_is_marked_in_the_article(visit: Visit) -> None:
    """The link of a quote leads to its exact words in the article; no script of another host runs."""
    turn = visit.open().ask("When did the Skelhaven library reopen?")
    turn.locator(".marker").first.click()
    words = turn.locator(".quote mark").first.text_content()
    with visit.context.expect_page() as opened:
        turn.locator(".side .outward").last.click()
    mark = opened.value.locator("mark")

    assert "2 May 2026" in (turn.locator(".answer").text_content() or "")
    assert turn.get_attribute("data-look") == "checked"
    assert mark.text_content() == words
    assert mark.evaluate(
        "mark => mark.getBoundingClientRect().top > 0 && mark.getBoundingClientRect().bottom < innerHeight"
    )
    assert (visit.foreign(), visit.errors, visit.violations()) == ([], [], [])


def test_an_abstention_shows_the_articles_that_come_close_and_no_others(visit: Visit) -> None:
    """An abstention has its own style, and no marker, copy button or vote."""
    turn = visit.open("/embed").ask("abstained")

    assert turn.get_attribute("data-look") == "none"
    assert turn.locator(".marker, .copy, .vote").count() == 0
    assert turn.locator(".card").count() == 1
    assert turn.locator(".card-title").inner_text() == ABSTAINED.sources[0].title
    assert turn.locator(".sources > .label").text_content() == "Related articles"


@pytest.mark.parametrize(
    "question", ["What is the capital of Australia?", "Who is the prime minister of France?", "How do I bake bread?"]
)
def test_a_question_that_the_articles_do_not_touch_hints_at_no_article(visit: Visit, question: str) -> None:
    """An abstention shows no unrelated article."""
    turn = visit.open().ask(question)

    assert turn.get_attribute("data-look") == "none"
    expect(turn.locator(".sources")).to_be_hidden()


def test_a_sentence_is_shown_and_its_quote_can_be_opened_while_the_rest_is_on_its_way(visit: Visit) -> None:
    """The first of two sentences is shown with its marker before the second arrives."""
    visit.service.scripts["held"] = Streamed(PIECES, held=4)
    visit.open()
    visit.chat.locator("#question").fill("held")
    visit.chat.locator("#question").press("Enter")
    visit.chat.locator(".marker").click()

    expect(visit.chat.locator(".proof mark")).to_have_text("The ferry strike in Varn Sound is over.")
    assert visit.chat.locator(".sentence").all_text_contents() == ["The ferry strike in Varn Sound is over 1."]
    visit.service.go_on.set()
    expect(visit.chat.locator(".verdict")).to_have_text("Every sentence checked")
    assert visit.chat.locator(".marker").count() == 2
    expect(visit.chat.locator(".proof mark")).to_be_visible()


@pytest.mark.parametrize(("question", "look"), LOOKS.items())
def test_each_kind_of_answer_has_a_look_of_its_own(visit: Visit, question: str, look: str) -> None:
    """The status of the reply decides, and the verdict says it in words too."""
    turn = visit.open("/embed").ask(question)

    assert turn.get_attribute("data-look") == look
    assert turn.locator(".verdict").text_content()
    assert visit.errors == []


def test_withheld_sentences_stand_apart_with_their_reasons(visit: Visit) -> None:
    """They are counted in a closed box, and are not part of the answer."""
    turn = visit.open("/embed").ask("withheld")
    folded = turn.locator(".held").first.is_visible()
    turn.locator(".withheld summary").click()

    assert not folded
    assert turn.locator(".withheld summary").text_content() == "2 sentences left out"
    assert turn.locator(".withheld li").all_inner_texts()[0].split("\n") == [
        "The strike lasted 61 days.",
        "a number is not in the source",
    ]
    assert "61" not in (turn.locator(".answer").text_content() or "")


def test_a_disagreement_gives_each_position_with_its_words_and_article(visit: Visit) -> None:
    """Both sides are shown, each with a link to its quote."""
    note = visit.open("/embed").ask("conflict").locator(".conflict")

    assert note.locator(".value").all_inner_texts() == ["16 days", "three days"]
    assert note.locator("blockquote").count() == 2
    assert note.locator(".tagged .dateline").count() == 0
    assert [link.get_attribute("href") for link in note.locator("a:last-child").all()] == [
        f"{visit.home}/articles/ferry-ends?start={FERRY_AT}&end={FERRY_AT + len(FERRY_SAYS)}#quote",
        f"{visit.home}/articles/grain-ship?start=43&end=75#quote",
    ]


def test_old_reports_are_named_above_the_answer_with_their_date(new_visit: Callable[..., Visit]) -> None:
    """The verdict gives their age once; the other warning has the widget's own text."""
    visit = new_visit(**DESKTOP)
    visit.page.clock.set_fixed_time("2026-11-27T12:00:00Z")
    turn = visit.open("/embed").ask("stale")

    assert turn.locator(".verdict").inner_text() == (
        "Latest report: 25 February 2026, 9 months ago. Things may have changed."
    )
    assert turn.locator(".warnings li").all_inner_texts() == [
        "This question was read on its own. Try naming what you mean."
    ]
    assert turn.locator(".latest").count() == 0


@pytest.mark.parametrize(
    ("now", "lang", "said"),
    [
        ("2026-02-25T23:59:00Z", "en", "Latest report: 25 February 2026, today"),
        ("2026-02-26T00:01:00Z", "en", "Latest report: 25 February 2026, yesterday"),
        ("2026-03-18T12:00:00Z", "en", "Latest report: 25 February 2026, 3 weeks ago"),
        ("2026-11-27T12:00:00Z", "de", "Letzter Bericht: 25. Februar 2026, vor 9 Monaten"),
        ("2029-01-05T12:00:00Z", "ar", "أحدث تقرير: 25 فبراير 2026، قبل 3 سنوات"),
    ],
)
def test_the_newest_report_is_dated_in_the_language_of_the_reader(
    new_visit: Callable[..., Visit], now: str, lang: str, said: str
) -> None:
    """The date is that of the newest cited article; the age uses the visitor's clock."""
    visit = new_visit(**DESKTOP)
    visit.page.clock.set_fixed_time(now)
    latest = visit.open(f"/embed?lang={lang}").ask("dated").locator(".latest").inner_text()

    assert "".join(each for each in latest if each not in "\u200e\u200f\u061c") == said


def test_each_sentence_is_below_the_date_and_name_of_its_article(visit: Visit) -> None:
    """Consecutive sentences of one article share a line; a missing date is stated, the newest of several marked."""
    visit.open("/embed")

    assert visit.ask("dated").locator(".dateline").all_inner_texts() == [
        "25 February 2026 · Varn Sound Courier latest",
        "5 December 2025 · Tarnmouth Gazette",
        "25 February 2026 · Varn Sound Courier latest",
    ]
    assert visit.ask("same").locator(".dateline").all_inner_texts() == ["25 February 2026 · Varn Sound Courier"]
    assert visit.ask("checked").locator(".dateline").all_inner_texts()[1] == "undated"


def test_a_sentence_in_other_words_than_its_quote_says_so(visit: Visit) -> None:
    """It is marked above the answer, at its marker and at its quote; a verified sentence is not."""
    turn = visit.open("/embed").ask("differs")
    names = [marker.get_attribute("aria-label") or "" for marker in turn.locator(".marker").all()]
    turn.locator(".marker").nth(1).click()

    assert turn.locator(".verdict").inner_text() == "Wording differs: compare with the quote"
    assert turn.locator(".said").nth(0).locator(".beside").count() == 0
    assert ["Wording differs" in name for name in names] == [False, True]
    expect(turn.locator(".proof .compare")).to_have_text("Wording differs: compare.")
    turn.locator(".marker").first.click()
    expect(turn.locator(".proof .compare")).to_have_count(0)


def test_the_quote_stands_below_a_sentence_in_other_words(visit: Visit) -> None:
    """It is shown at once, with the answer's words; the quote of its marker takes its place."""
    turn = visit.open("/embed").ask("differs")
    beside = turn.locator(".beside")

    expect(beside).to_have_count(1)
    assert beside.locator(".quote").inner_text() == DIFFERS.citations[1].cited_text
    assert beside.locator("b").inner_text() == "at anchor off Tarnmouth"
    turn.locator(".marker").nth(1).click()
    expect(beside).to_be_hidden()
    turn.locator(".marker").nth(1).click()
    expect(beside).to_be_visible()


def test_an_interrupted_answer_in_other_words_is_not_called_checked(visit: Visit) -> None:
    """The verdict says that it is incomplete, and asks to compare."""
    visit.open("/embed")

    assert "was checked" in visit.ask("interrupted").locator(".verdict").inner_text()
    verdict = visit.ask("interrupted differs").locator(".verdict").inner_text()
    assert ("Incomplete" in verdict, "compare" in verdict, "checked" in verdict) == (True, True, False)


def test_only_an_answer_that_is_checked_throughout_gets_the_tick(visit: Visit) -> None:
    """Every sentence is verified, and the answer has no warning."""
    visit.open("/embed")
    ticked = {
        question
        for question in LOOKS
        if visit.ask(question).locator(".verdict").inner_text() == "Every sentence checked"
    }

    assert ticked == {"checked", "duplicates", "copied"}


def test_one_article_is_one_card(visit: Visit) -> None:
    """The card has all markers and quotes, and counts as one article."""
    turn = visit.open("/embed").ask("markdown")
    turn.locator(".card-head").click()

    assert turn.locator(".card").count() == 1
    assert turn.locator(".number").all_inner_texts() == ["1", "2"]
    assert turn.locator(".card .quote").count() == 2
    assert "One article." in visit.chat.locator("[role=status] p").last.text_content()  # type: ignore[operator]


def test_markers_of_different_quotes_have_different_names(visit: Visit) -> None:
    """Two quotes of one passage have different names too."""
    turn = visit.open("/embed").ask("same")
    names = {marker.get_attribute("aria-label") for marker in turn.locator(".marker").all()}

    assert len(names) == turn.locator(".marker").count() == 2


def test_markdown_in_a_quote_is_shown_as_what_it_means(visit: Visit) -> None:
    """Emphasis, the text of a link and raised note numbers are shown; no Markdown sign is left."""
    turn = visit.open("/embed").ask("markdown")
    turn.locator(".marker").first.click()
    quote = turn.locator(".proof .quote")

    assert "".join(turn.locator(".sentence").all_text_contents()) == (
        "The Old Lamp will be lit again on 3 March 2026, she said 1. The warden of the Old Lamp spoke on Friday 2."
    )
    assert quote.locator("mark").text_content() == "The Old Lamp will be lit again on 3 March 2026, she said [2]."
    assert quote.locator("mark strong").text_content() == "Old Lamp"
    assert quote.locator("em").text_content() == "Old Lamp"
    assert quote.locator("code").text_content() == "plan.txt"
    assert (quote.text_content() or "").startswith("What was asked\n\nThe warden")
    assert (quote.text_content() or "").endswith("See the plan and plan.txt.\n\nIt is time.")


def test_quotes_titles_and_quoted_sentences_name_their_language(visit: Visit) -> None:
    """A German page reads English articles with an English voice."""
    turn = visit.open("/embed?lang=de").ask("scripts")
    turn.locator(".marker").nth(1).click()
    languages = [each.get_attribute("lang") for each in turn.locator(".sentence, .card-title, .quote").all()]

    assert visit.chat.locator(".root").get_attribute("lang") == "de"
    assert {"en", "ar", "he"} == set(languages)


def test_a_quote_opens_and_closes_at_its_marker(visit: Visit) -> None:
    """The button states whether it is open; another button closes the first quote, and Escape returns the focus."""
    turn = visit.open("/embed").ask("checked")
    first, second = turn.locator(".marker").all()
    first.click()
    controlled = first.get_attribute("aria-controls")
    opened = (first.get_attribute("aria-expanded"), turn.locator(f"#{controlled}").count())
    second.click()
    moved = (
        first.get_attribute("aria-expanded"),
        second.get_attribute("aria-expanded"),
        turn.locator(".proof").count(),
    )
    second.click()

    assert opened == ("true", 1)
    assert moved == ("false", "true", 1)
    assert (second.get_attribute("aria-expanded"), turn.locator(".proof").count()) == ("false", 0)
    first.click()
    visit.page.keyboard.press("Escape")
    assert turn.locator(".proof").count() == 0
    expect(first).to_be_focused()


def test_a_publisher_is_linked_at_the_words_that_are_quoted(visit: Visit) -> None:
    """Browsers with text fragments scroll to it; for others the link is that of the article."""
    turn = visit.open("/embed").ask("checked")
    turn.locator(".marker").first.click()
    link, copy = turn.locator(".proof a").all()

    assert "Read at Varn Sound Courier" in link.inner_text()
    assert link.get_attribute("href") == (
        "https://courier.example/ferry-ends#:~:text=The%20ferry%20strike%20in%20Varn%20Sound%20is%20over."
    )
    assert copy.get_attribute("href") == f"{visit.home}/articles/ferry-ends?start=0&end=39#quote"


def test_copies_of_a_story_are_listed_below_the_cited_one(visit: Visit) -> None:
    """The card counts them when it is closed and names them when it is open."""
    turn = visit.open("/embed").ask("duplicates")
    turn.locator(".card-head").click()

    assert "Also reported by 2 other outlets" in turn.locator(".card-head").inner_text()
    assert turn.locator(".also li").count() == len(DUPLICATES.sources[0].duplicates)
    assert "Tarnmouth Gazette: Ferries back after 16 days" in turn.locator(".also li").first.inner_text()


def test_a_follow_up_takes_the_conversation_along(visit: Visit) -> None:
    """The service gets the earlier question and answer, oldest first, with the next question."""
    visit.open().ask("checked")
    visit.ask("weak")

    assert visit.service.asked[0]["messages"] == []
    assert visit.service.asked[1]["messages"] == [
        {"role": "user", "content": "checked"},
        {"role": "assistant", "content": CHECKED.answer},
    ]


def test_stopping_leaves_what_has_come_and_ends_the_stream(visit: Visit) -> None:
    """The service sees the client leave, the sentence stays, and the focus moves to the field."""
    visit.service.scripts["held"] = Streamed(PIECES, held=4)
    visit.open()
    visit.chat.locator("#question").fill("held")
    visit.chat.locator("#question").press("Enter")
    visit.chat.locator(".marker").wait_for()
    visit.chat.locator(".stop").click()
    turn = visit.chat.locator(".turn")

    expect(turn).to_have_attribute("data-look", "stopped")
    assert visit.service.left.wait(30)
    assert "is over" in (turn.locator(".answer").text_content() or "")
    visit.page.wait_for_function("document.querySelector('dateline-chat').shadowRoot.activeElement?.id === 'question'")


def test_a_broken_connection_is_shown_and_the_question_can_be_asked_again(visit: Visit) -> None:
    """The checked sentence stays; asking again replaces the turn with the complete answer."""
    visit.service.scripts["broken"] = Streamed(PIECES[:5], held=4, breaks=True)
    visit.open()
    visit.chat.locator("#question").fill("broken")
    visit.chat.locator("#question").press("Enter")
    visit.chat.locator(".marker").wait_for()
    visit.service.go_on.set()
    turn = visit.chat.locator(".turn")
    expect(turn.locator(".verdict")).to_have_text("Connection lost")

    assert turn.get_attribute("data-look") == "cut"
    assert "is over" in (turn.locator(".answer").text_content() or "")
    visit.service.scripts["broken"] = Streamed(PIECES)
    turn.locator(".retry").click()
    expect(turn.locator(".verdict")).to_have_text("Every sentence checked")
    assert visit.chat.locator(".turn").count() == 1


def test_without_a_network_the_chat_says_so_and_recovers(visit: Visit) -> None:
    """The page loads, the network fails, then it returns."""
    visit.open()
    visit.context.set_offline(offline=True)
    turn = visit.ask("checked")
    said = turn.locator(".verdict").text_content()
    visit.context.set_offline(offline=False)
    turn.locator(".retry").click()

    assert said == "Can’t reach the archive"
    expect(visit.chat.locator(".verdict")).to_have_text("Every sentence checked")


@pytest.mark.parametrize("piece", [b"", b"data: {half\n\n", b": keep-alive\n\n"])
def test_a_stream_without_its_last_event_is_no_answer(visit: Visit, piece: bytes) -> None:
    """A clean end and a partial event have the same effect."""
    visit.service.scripts["endless"] = Streamed([*PIECES[:3], piece])

    assert visit.open("/embed").ask("endless").locator(".verdict").text_content() == "Connection lost"


def test_a_stream_that_falls_silent_times_out(visit: Visit) -> None:
    """It fails after the page's timeout."""
    visit.service.scripts["silent"] = Streamed(PIECES, held=4)
    visit.host(
        '<!doctype html><dateline-chat data-timeout="0.3"></dateline-chat><script src="HOME/widget.js"></script>'
    )

    assert visit.ask("silent").locator(".verdict").text_content() == "Connection lost"


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("overloaded", "Busy right now"),
        ("index_unavailable", "The archive is not ready"),
        ("invalid_request", "This question could not be read"),
        ("embedding_failed", "Something went wrong"),
        ("constructor", "Something went wrong"),
    ],
)
def test_an_error_is_shown_in_the_words_for_its_code(visit: Visit, code: str, verdict: str) -> None:
    """Before a stream and within one, the service's message goes to the console only."""
    said = "No index in /srv/data. Run `serve --x`."
    error = {"error": {"type": "t", "code": code, "message": said, "param": None, "request_id": "req_7"}}
    console: list[str] = []
    visit.page.on("console", lambda message: console.append(message.text) if message.type == "warning" else None)
    visit.service.scripts |= {
        "refused": Refused(503, code, said),
        "ended": Streamed([*PIECES[:2], f"event: error\ndata: {json.dumps({'type': 'error', **error})}\n\n".encode()]),
    }
    visit.open("/embed")

    for question in ("refused", "ended"):
        turn = visit.ask(question)
        assert turn.locator(".verdict").text_content() == verdict
        assert "/srv" not in turn.inner_text()
    assert [said in each for each in console] == [True, True]
    assert "req_7" in console[1]


def test_a_reply_that_is_not_streamed_is_shown_as_well(visit: Visit) -> None:
    """A stream that a proxy buffers into one reply is shown correctly."""
    visit.open()
    whole = PIECES[-1].decode().partition("data: ")[2]
    visit.page.route("**/v1/ask", lambda route: route.fulfill(body=whole, content_type="application/json"))

    assert visit.ask("checked").get_attribute("data-look") == "checked"


def test_the_conversation_outlives_a_reload_and_ends_when_the_reader_says(visit: Visit) -> None:
    """Only the tab stores it; a new conversation deletes it."""
    visit.open().ask("checked")
    visit.page.reload()
    kept = visit.chat.locator(".turn").first.inner_text()
    visit.chat.locator(".renew").click()
    visit.page.reload()

    assert "The ferry strike in Varn Sound is over" in kept
    assert visit.chat.locator(".turn").count() == 0
    assert visit.page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]


@pytest.mark.parametrize("stored", ["{", "[]", '{"version": 1, "turns": [{"question": 1}, null, 7]}'])
def test_an_invalid_history_is_ignored(visit: Visit, stored: str) -> None:
    """The chat starts empty and works."""
    visit.open()
    visit.page.evaluate("stored => sessionStorage.setItem(`dateline:${location.origin}/:`, stored)", stored)
    visit.page.reload()

    assert visit.chat.locator(".turn").count() == 0
    assert visit.ask("checked").get_attribute("data-look") == "checked"


def test_an_answer_is_copied_with_its_sources(visit: Visit) -> None:
    """The copy has the text, then each source with its quotes and their addresses."""
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    turn = visit.open().ask("checked")
    turn.locator(".copy").click()
    expect(turn.locator(".copy")).to_have_text("Copied")
    copied = visit.page.evaluate("navigator.clipboard.readText()")

    assert copied.startswith(f"checked\n\n{CHECKED.answer}\n\n[1] ")
    assert copied.endswith(f"Answer from 127.0.0.1:{visit.port}, 20 November 2026")
    assert "[1] Boats sail again as crews and Sound Line sign a deal, Varn Sound Courier, 25 February 2026" in copied
    assert "“The ferry strike in Varn Sound is over.”" in copied
    assert f"{visit.home}/articles/ferry-ends?start=0&end=39#quote" in copied


def test_what_is_copied_reads_well_and_names_each_passage_once(visit: Visit) -> None:
    """It contains no Markdown, two quotes of one passage share a number, and a quote to compare says so."""
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.open("/embed")
    copied = []
    for question in ("markdown", "same", "differs"):
        visit.ask(question).locator(".copy").click()
        expect(visit.chat.locator(".turn").last.locator(".copy")).to_have_text("Copied")
        copied.append(visit.page.evaluate("navigator.clipboard.readText()"))

    assert "*" not in copied[0]
    assert "“The Old Lamp will be lit again on 3 March 2026, she said [2].”" in copied[0]
    assert copied[1].count("\n[1] ") == 1
    assert "“🏮🏮 Three thousand lanterns”" in copied[1]
    assert "“No one was hurt 😀.”" in copied[1]
    assert "The ferry strike in Varn Sound is over.”\n" in copied[2]
    assert "“A grain ship lies at anchor off Tarnmouth.” Wording differs: compare.\n" in copied[2]


def test_the_button_says_copied_for_a_while_only(new_visit: Callable[..., Visit]) -> None:
    """Then its first label returns."""
    visit = new_visit(**DESKTOP)
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.page.clock.install()
    turn = visit.open("/embed").ask("checked")
    turn.locator(".copy").click()
    expect(turn.locator(".copy")).to_have_text("Copied")
    visit.page.clock.fast_forward(5_000)

    expect(turn.locator(".copy")).to_have_text("Copy with sources")


def test_a_vote_is_stored_with_what_is_wrong(visit: Visit, data: Path) -> None:
    """The reasons and the comment are sent, and the buttons disappear."""
    turn = visit.open().ask("checked")
    turn.locator(".vote").nth(1).click()
    turn.get_by_label("Out of date").check()
    turn.locator(".comment textarea").fill("It has sailed. 🚢")
    turn.locator(".complaint .solid").click()
    expect(turn.locator(".thanks")).to_contain_text("Your feedback has been sent.")
    (stored,) = [each for each in FeedbackStore(data, 10).entries() if each.feedback.comment]

    assert (stored.feedback.vote, stored.feedback.reasons) == ("down", ("outdated",))
    assert stored.feedback.comment == "It has sailed. 🚢"
    assert stored.id in turn.locator(".thanks").inner_text()
    assert stored.feedback.citations[0].cited_text == "The ferry strike in Varn Sound is over."
    assert turn.locator(".vote").count() == 0


def test_a_vote_sends_only_what_the_notice_says(visit: Visit) -> None:
    """A vote sends question, answer and quotes, not the conversation. The notice is shown before the vote."""
    visit.open("/embed").ask("weak")
    turn = visit.ask("checked")
    notice = turn.locator(".vote-note").inner_text()
    with visit.page.expect_request("**/v1/feedback") as sent:
        turn.locator(".vote").first.click()
    body = json.loads(sent.value.post_data or "")

    assert notice == "Your question, this answer and your comments go to the newsroom."
    assert set(body) == {"answer_id", "question", "answer", "citations", "vote", "reasons", "comment"}
    assert "weak" not in (sent.value.post_data or "")


def test_the_form_for_what_went_wrong_opens_and_closes_at_its_button(visit: Visit) -> None:
    """The button states it, and the focus returns to it."""
    turn = visit.open("/embed").ask("checked")
    no = turn.locator(".vote").nth(1)
    closed = no.get_attribute("aria-expanded")
    no.click()
    opened = (no.get_attribute("aria-expanded"), turn.locator(f"#{no.get_attribute('aria-controls')}").count())
    visit.page.keyboard.press("Escape")

    assert (closed, opened) == ("false", ("true", 1))
    assert (no.get_attribute("aria-expanded"), no.get_attribute("aria-controls")) == ("false", None)
    expect(no).to_be_focused()


def test_a_question_that_is_too_long_is_kept_whole_and_not_asked(visit: Visit) -> None:
    """A pasted text is not cut; the widget says by how many code points to shorten it."""
    field = visit.open("/embed").chat.locator("#question")
    field.fill("🚢" * 2_003)
    field.press("Enter")

    assert visit.service.asked == []
    assert field.input_value() == "🚢" * 2_003
    expect(visit.chat.locator("#limit")).to_have_text("3 characters too many. Please shorten your question.")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("checked")
    expect(visit.chat.locator("#limit")).to_be_hidden()


def test_a_vote_that_cannot_be_stored_can_be_given_again(visit: Visit) -> None:
    """The widget says so, and the buttons stay."""
    turn = visit.open().ask("checked")
    visit.page.route("**/v1/feedback", lambda route: route.fulfill(status=507, body="{}"))
    turn.locator(".vote").first.click()
    expect(turn.locator(".not-stored")).to_be_visible()
    visit.page.unroute("**/v1/feedback")
    turn.locator(".vote").first.click()

    expect(turn.locator(".thanks")).to_be_visible()


def test_a_suggested_question_is_asked_at_a_click(visit: Visit) -> None:
    """The suggestions disappear."""
    visit.open("/embed?questions=checked|weak").chat.locator(".suggestion").first.click()
    visit.chat.locator(".verdict").wait_for()

    assert visit.service.asked[-1]["question"] == "checked"
    assert visit.chat.locator(".turn").get_attribute("data-look") == "checked"
    assert visit.chat.locator(".welcome").is_hidden()


def test_asking_twice_at_once_asks_once(visit: Visit) -> None:
    """While an answer arrives, a further question stays in the field."""
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
    """The preference or the attribute makes the background dark; the text stays readable."""
    paper = (
        "getComputedStyle(document.querySelector('dateline-chat').shadowRoot.querySelector('.panel')).backgroundColor"
    )
    dark = new_visit(color_scheme="dark").open()
    light = new_visit(color_scheme="dark").open("/embed?theme=light")

    assert dark.page.evaluate(paper) == "rgb(23, 23, 26)"
    assert light.page.evaluate(paper) == "rgb(253, 252, 249)"


def test_every_kind_of_reply_is_exercised() -> None:
    """Each scripted reply has an expected display."""
    assert set(BY_QUESTION) - set(LOOKS) == {"scripts", "same", "dated", "markdown"}
