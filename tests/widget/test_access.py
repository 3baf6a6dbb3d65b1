"""Accessibility: keyboard, screen reader, small screens, zoom, dark mode, reduced motion."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.widget.browsing import DESKTOP, Visit
from tests.widget.replies import BY_QUESTION, CHECKED, events
from tests.widget.scripted_service import Refused, Streamed, encoded

HOST = (
    '<!doctype html><html lang="en"><title>Host</title><main><h1>Host</h1><button id="before">Before</button></main>'
    '<script src="HOME/widget.js" data-title="Ask our archive" data-questions="checked|weak"></script></html>'
)
FOCUSED = "document.querySelector('dateline-chat').shadowRoot.activeElement"
STATES = [*(each for each in BY_QUESTION if each not in ("copied", "differing")), "failed", "held"]
"""The others are variants of `duplicates` and `conflict`; `test_answer_page` checks them on a wide screen."""


def unfolded(visit: Visit) -> None:
    """Open everything that can be opened."""
    for each in visit.chat.locator("summary, .card-head").all():
        if each.get_attribute("aria-expanded") != "true":
            each.click()
    if visit.chat.locator(".vote").count():
        visit.chat.locator(".vote").last.click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_in_any_state(new_visit: Callable[..., Visit], scheme: str) -> None:
    """WCAG 2.2 AA and its best practices, with every card, note and form open."""
    visit = new_visit(color_scheme=scheme, reduced_motion="reduce")
    visit.service.scripts |= {
        "failed": Refused(503, "index_unavailable", "The index is missing."),
        "held": Streamed(encoded(events(CHECKED)), held=4),
    }
    found = {}
    visit.open("/embed")
    for state in STATES:
        visit.page.evaluate("sessionStorage.clear()")
        visit.page.reload()
        visit.chat.locator("#question").fill(state)
        visit.chat.locator("#question").press("Enter")
        visit.chat.locator(".marker" if state == "held" else ".verdict").first.wait_for()
        unfolded(visit)
        if wrong := visit.axe():
            found[state] = wrong

    assert found == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?article=ferry-ends",
        "/articles",
        "/articles/ferry-ends?start=0&end=39",
        "/articles/ferry-strike-begins?start=0&end=900",
        "/articles/arabic-port",
        "/articles/none",
        "/developers",
    ],
)
def test_axe_finds_nothing_wrong_on_our_pages(new_visit: Callable[..., Visit], path: str, scheme: str) -> None:
    """Home, list, article at a quote, right-to-left article, missing article, and pages for developers."""
    assert new_visit(color_scheme=scheme).open(path).axe() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_axe_finds_nothing_wrong_with_the_launcher_and_its_dialog(
    new_visit: Callable[..., Visit], scheme: str, language: str
) -> None:
    """Closed and open, in both directions of writing."""
    visit = new_visit(color_scheme=scheme, reduced_motion="reduce").host(
        HOST.replace('lang="en"', f'lang="{language}"')
    )
    closed = visit.axe()
    visit.chat.locator(".launcher").click()

    assert (closed, visit.axe()) == ([], [])
    visit.ask("scripts").locator(".marker").first.click()
    assert visit.axe() == []


def test_a_question_is_asked_and_its_quote_read_by_keyboard_alone(visit: Visit) -> None:
    """Tab to the launcher, Enter, type, Enter, back to the marker, Enter, Escape to the marker, Escape to the page."""
    visit.host(HOST)
    keys = visit.page.keyboard
    visit.page.locator("#before").focus()
    keys.press("Tab")
    keys.press("Enter")
    expect(visit.chat.get_by_role("dialog")).to_have_accessible_name("Ask our archive")
    keys.type("checked")
    keys.press("Enter")
    visit.chat.locator(".verdict").wait_for()
    while visit.page.evaluate(f"{FOCUSED}.className") != "marker":
        keys.press("Shift+Tab")
    keys.press("Enter")
    opened = visit.page.evaluate(f"{FOCUSED}.dataset.citation")
    keys.press("Escape")
    visit.page.wait_for_function(f"{FOCUSED}?.className === 'marker'")
    back = visit.page.evaluate(f"{FOCUSED}.dataset.citation")
    keys.press("Escape")

    assert back == opened
    expect(visit.chat.get_by_role("dialog")).to_have_count(0)
    visit.page.wait_for_function(f"{FOCUSED}?.className === 'launcher'")


@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
def test_the_focus_stays_in_the_dialog_and_is_always_seen(visit: Visit, key: str) -> None:
    """Forwards and backwards; each stop has an outline."""
    visit.host(HOST).chat.locator(".launcher").click()
    visit.ask("checked")
    stops = []
    for _ in range(24):
        visit.page.keyboard.press(key)
        inside = f"{FOCUSED}?.closest('dialog') ? getComputedStyle({FOCUSED}).outlineStyle : 'outside'"
        stops.append((visit.page.evaluate(f"{FOCUSED}?.className"), visit.page.evaluate(inside)))

    assert {outline for _, outline in stops} == {"solid"}
    assert len({name for name, _ in stops}) > 6


@pytest.mark.parametrize("beside", [False, True])
def test_closing_gives_the_focus_back_to_the_launcher(visit: Visit, beside: bool) -> None:
    """By the button, and by a click beside the dialog."""
    visit.host(HOST).chat.locator(".launcher").click()
    visit.page.wait_for_function(f"{FOCUSED}?.id === 'question'")
    if beside:
        visit.page.mouse.click(10, 10)
    else:
        visit.chat.locator(".close").click()

    visit.page.wait_for_function(f"{FOCUSED}?.className === 'launcher'")


def test_whole_sentences_are_announced_once_and_nothing_else_is_live(new_visit: Callable[..., Visit]) -> None:
    """A stream of single letters is still two sentences to a screen reader, without their markers."""
    letters = [
        f'event: answer.delta\ndata: {{"type":"answer.delta","text":"{each}"}}\n\n'.encode() for each in CHECKED.answer
    ]
    pieces = encoded(events(CHECKED))
    visit = new_visit(**DESKTOP)
    visit.service.scripts["letters"] = Streamed([*pieces[:2], *letters, pieces[-1]])
    visit.page.clock.set_fixed_time("2026-11-27T12:00:00Z")
    visit.open("/embed").page.evaluate(_HEAR)
    visit.ask("letters")

    assert visit.page.evaluate("window.heard") == [
        "Searching the articles…",
        "The ferry strike in Varn Sound is over.",
        "The ship has waited since Monday.",
        "Every sentence checked. Latest report: 25 February 2026, 9 months ago. Answer complete. 2 articles.",
    ]
    # By default a status is read completely at each change.
    assert visit.chat.locator("[aria-live]").get_attribute("aria-atomic") == "false"
    assert visit.chat.locator("[aria-live], [role=alert], [role=log], [role=status], output").count() == 1


_LATEST = "Latest report: 25 February 2026, 9 months ago"
_LEFT_OUT = "2 sentences left out."
_HEAR = """() => { window.heard = [];
  const live = document.querySelector("dateline-chat").shadowRoot.querySelector("[aria-live]");
  const take = (change) => change.addedNodes.forEach((node) => heard.push(node.textContent));
  const whole = { childList: true, subtree: true, characterData: true };
  new MutationObserver((changes) => changes.forEach(take)).observe(live, whole); }"""


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (
            "conflict",
            f"Reports differ. {_LATEST}. Reports differ on days without ferries. Answer complete. One article.",
        ),
        (
            "withheld",
            f"Partial answer: the rest could not be verified. {_LATEST}. {_LEFT_OUT} Answer complete. One article.",
        ),
        (
            "stale",
            "Latest report: 25 February 2026, 9 months ago. Things may have changed. Answer complete. One article.",
        ),
        ("abstained", "No answer in our articles. We couldn’t find this in our articles. One related article."),
        ("off topic", "No answer in our articles. We couldn’t find this in our articles."),
    ],
)
def test_the_last_announcement_says_what_sighted_readers_see(
    new_visit: Callable[..., Visit], question: str, said: str
) -> None:
    """Verdict, date, differences, withheld sentences and the number of articles: each once."""
    visit = new_visit(**DESKTOP)
    visit.page.clock.set_fixed_time("2026-11-27T12:00:00Z")
    visit.open("/embed").page.evaluate(_HEAR)
    visit.ask(question)
    heard = visit.page.evaluate("window.heard")

    assert heard[-1] == said
    assert len(heard) == len(set(heard))
    assert len(heard) == (2 if BY_QUESTION[question].status == "not_in_sources" else 3)


@pytest.mark.parametrize(("path", "stops"), [("/", False), ("/embed", True)])
def test_the_conversation_is_a_stop_for_the_keyboard_where_it_scrolls(visit: Visit, path: str, stops: bool) -> None:
    """If the page scrolls, it is not a scroll region."""
    assert (visit.open(path).chat.locator(".log").get_attribute("tabindex") == "0") == stops


def test_lists_stay_lists_without_their_signs(visit: Visit) -> None:
    """Some browsers do not expose a list without bullets as a list unless it has the role."""
    visit.open("/embed?questions=a|b").ask("conflict")
    lists = visit.chat.locator("ul, ol").all()

    assert lists
    assert {each.get_attribute("role") for each in lists} == {"list"}


def test_a_quote_is_distinct_without_colours(new_visit: Callable[..., Visit]) -> None:
    """A line of two pixels marks it; with forced colours the background marks the open marker."""
    visit = new_visit().open("/embed")
    visit.ask("checked").locator(".marker").first.click()
    mark = visit.chat.locator(".proof mark").evaluate(
        "mark => [getComputedStyle(mark).textDecorationLine, getComputedStyle(mark).textDecorationThickness]"
    )
    forced = new_visit(forced_colors="active").open("/embed")
    turn = forced.ask("checked")
    turn.locator(".marker").first.click()
    grounds = [
        marker.evaluate("marker => getComputedStyle(marker).backgroundColor")
        for marker in turn.locator(".marker").all()
    ]

    assert mark == ["underline", "2px"]
    assert grounds[0] != grounds[1]


def test_on_paper_every_quote_is_shown_and_no_button(visit: Visit) -> None:
    """In print the launcher is hidden on other pages; a conversation is shown with the addresses of its quotes."""
    visit.host(HOST).chat.locator(".launcher").wait_for()
    visit.page.emulate_media(media="print")
    expect(visit.chat.locator(".launcher")).to_be_hidden()
    visit.page.emulate_media(media="screen")
    turn = visit.open("/").ask("checked")
    turn.locator(".marker").first.click()
    visit.page.emulate_media(media="print")

    assert turn.locator(".card .quote mark").all_inner_texts() == [each.cited_text for each in CHECKED.citations]
    assert turn.locator(".card .outward").evaluate_all(
        "links => links.map((link) => getComputedStyle(link, '::after').content.match(/<(.*)>/u)[1])"
    ) == [
        "https://courier.example/ferry-ends",
        f"{visit.home}/articles/ferry-ends?start=0&end=39#quote",
        f"{visit.home}/articles/grain-ship?start=43&end=75#quote",
    ]
    chosen, other = (
        marker.evaluate("marker => ((style) => [style.color, style.backgroundColor])(getComputedStyle(marker))")
        for marker in turn.locator(".marker").all()[:2]
    )
    assert chosen == other, "browsers leave out the background of the chosen marker, and a light number would vanish"
    assert not turn.locator(".side").is_visible()
    assert not turn.locator(".copy").is_visible()
    assert not visit.chat.locator("#question").is_visible()


def test_a_card_in_another_script_stays_together(visit: Visit) -> None:
    """On a right-to-left page, an English title, its date and its source begin at the same side."""
    turn = visit.open("/embed?lang=ar").ask("checked")
    lefts = turn.locator(".card").first.evaluate(
        """card => [...card.querySelectorAll(".card-title, .about")].map((each) => {
        const range = document.createRange();
        range.selectNodeContents(each);
        return range.getBoundingClientRect().left; })"""
    )

    assert max(lefts) - min(lefts) < 2


@pytest.mark.parametrize("path", ["/", "/embed", "/articles", "/articles/emoji-parade?start=3&end=9", "/developers"])
@pytest.mark.parametrize("width", [320, 640])
def test_nothing_is_cut_off_on_a_narrow_screen(new_visit: Callable[..., Visit], path: str, width: int) -> None:
    """At 320 pixels, and at 1280 with 200 % zoom, the page does not scroll sideways, and the chat fits."""
    visit = new_visit(viewport={"width": width, "height": 512}, device_scale_factor=1280 / width).open(path)
    if visit.chat.count():
        visit.ask("conflict")
        unfolded(visit)

    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    assert visit.page.evaluate(_TOO_WIDE) == []


_TOO_WIDE = """() => {
  const inside = document.querySelector("dateline-chat")?.shadowRoot.querySelectorAll("*") ?? [];
  return [...document.querySelectorAll("body *"), ...inside]
    .filter((each) => !each.closest(".unseen, .skip") && each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => each.outerHTML.slice(0, 80)); }"""


def test_large_letters_are_not_cut_off(visit: Visit) -> None:
    """At twice the font size, every label is complete and the field is not covered."""
    visit.page.set_viewport_size({"width": 400, "height": 700})
    visit.open("/embed").page.add_style_tag(url="/page.css")
    visit.ask("checked")
    visit.page.evaluate(
        "document.querySelector('dateline-chat').shadowRoot.querySelector('.root').style.fontSize = '2em'"
    )

    assert visit.page.evaluate(_TOO_WIDE) == []
    assert visit.chat.locator(".composer .solid").is_visible()


def test_every_target_is_large_enough(visit: Visit) -> None:
    """Targets have at least 24 by 24 pixels, also markers in the text."""
    visit.open()
    visit.ask("duplicates")
    unfolded(visit)
    small = [
        (each.evaluate("each => each.outerHTML.slice(0, 90)"), box)
        for each in visit.chat.locator("a, button, summary, label.choice, textarea").all()
        if each.is_visible() and (box := each.bounding_box()) and (box["width"] < 24 or box["height"] < 24)
    ]

    assert small == []


def test_nothing_moves_for_readers_who_want_no_motion(new_visit: Callable[..., Visit]) -> None:
    """The answer, the progress and the dialog do not move; with motion allowed, they do."""
    moving = {}
    for motion in ("reduce", "no-preference"):
        visit = new_visit(reduced_motion=motion)
        visit.service.scripts["held"] = Streamed(encoded(events(CHECKED)), held=4)
        visit.open("/embed")
        visit.chat.locator("#question").fill("held")
        visit.chat.locator("#question").press("Enter")
        visit.chat.locator(".marker").wait_for()
        moving[motion] = visit.page.evaluate(
            "document.querySelector('dateline-chat').shadowRoot.getAnimations().length > 0"
        )

    assert moving == {"reduce": False, "no-preference": True}


@pytest.mark.parametrize(
    ("language", "direction", "ask"), [("de-AT", "ltr", "Fragen"), ("ar", "rtl", "اسأل"), ("tlh", "ltr", "Ask")]
)
def test_the_chat_speaks_the_language_of_its_page(visit: Visit, language: str, direction: str, ask: str) -> None:
    """The direction follows the language; for an unknown language the texts are English and marked as such."""
    visit.host(
        f'<!doctype html><html lang="{language}"><dateline-chat></dateline-chat><script src="HOME/widget.js"></script>'
    )
    root = visit.chat.locator(".root")

    assert root.get_attribute("dir") == direction
    assert visit.chat.locator(".composer .solid").inner_text() == ask
    assert root.get_attribute("lang") == ("en" if language == "tlh" else language)


def test_a_page_can_bring_its_own_words(visit: Visit) -> None:
    """The page's texts replace the widget's, the rest stays; invalid JSON is ignored."""
    visit.host(
        """<!doctype html><html lang="en"><dateline-chat data-strings='{"ask": "Go"}'></dateline-chat>
        <dateline-chat id="invalid" data-strings="{"></dateline-chat><script src="HOME/widget.js"></script>"""
    )

    assert visit.page.locator("dateline-chat .composer .solid").all_inner_texts() == ["Go", "Ask"]
    assert re.search("Every sentence is checked", visit.page.locator(".fine-print").first.inner_text())


def test_what_has_been_read_does_not_appear_again(new_visit: Callable[..., Visit]) -> None:
    """With motion allowed, a sentence fades in once, when it arrives."""
    visit = new_visit(reduced_motion="no-preference").open("/embed")
    turn = visit.ask("checked")
    moving = "sentence => getComputedStyle(sentence).animationName"

    assert turn.locator(".sentence").first.evaluate(moving) == "none"
