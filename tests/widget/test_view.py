"""The newest answer scrolls into view while it arrives, and a sentence with its quote."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, ViewportSize

from tests.widget.browsing import Visit

LAUNCHER = (
    '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Host</title>'
    f"<p>{'The paper of today. ' * 400}</p><script src='HOME/widget.js'></script></html>"
)
INLINE = LAUNCHER.replace("<script", "<dateline-chat></dateline-chat><p>Imprint</p><script")
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
FRAME: ViewportSize = {"width": 440, "height": 640}
MODES = {
    "home": ("/", DESKTOP),
    "home on a phone": ("/", PHONE),
    "launcher": (LAUNCHER, DESKTOP),
    "launcher on a phone": (LAUNCHER, PHONE),
    "inline": (INLINE, DESKTOP),
    "inline on a phone": (INLINE, PHONE),
    "frame": ("/embed", FRAME),
}
QUESTIONS = ("dated", "withheld", "checked", "scripts", "dated")
# The visible part of an element: within the window and the scrolling box, and above the field.
SEEN = """each => {
  const root = each.getRootNode(), log = root.querySelector(".log"), box = each.getBoundingClientRect();
  if (!log) return null;
  const boxed = getComputedStyle(log).overflowY === "auto", around = log.getBoundingClientRect();
  const top = Math.max(0, boxed ? around.top : 0);
  const foot = root.querySelector(".foot").getBoundingClientRect().top;
  const bottom = Math.min(innerHeight, boxed ? around.bottom : innerHeight, foot);
  const seen = Math.max(0, Math.min(box.bottom, bottom) - Math.max(box.top, top));
  return { share: seen / box.height, top: box.top - top, tall: box.height > bottom - top }; }"""

# Heading and field are fixed in a box.
ALL_OF_IT = """panel => {
  const box = (panel.closest("dialog") ?? panel).getBoundingClientRect();
  const boxed = getComputedStyle(panel.querySelector(".log")).overflowY === "auto";
  const top = panel.querySelector(".head").getBoundingClientRect().top;
  const bottom = panel.querySelector(".foot").getBoundingClientRect().bottom;
  return !boxed || (Math.abs(top - box.top) < 3 && Math.abs(bottom - box.bottom) < 3); }"""


def opened(new_visit: Callable[..., Visit], mode: str) -> Visit:
    """Return a visit with the chat open in a mode."""
    place, viewport = MODES[mode]
    visit = new_visit(viewport=viewport)
    if place.startswith("/"):
        return visit.open(place)
    visit.host(place)
    if place == LAUNCHER:
        visit.chat.locator(".launcher").click()
    return visit


def in_view(element: Locator) -> bool:
    """Return whether an element is in view, completely or from its top if it is taller than the view."""
    seen = None
    while seen is None:  # an element that is being replaced is outside the page
        seen = element.evaluate(SEEN)
    return bool(seen["share"] >= 0.95 or (seen["tall"] and -1 <= seen["top"] <= 40))


@pytest.mark.parametrize("mode", MODES)
def test_the_newest_answer_is_in_view_however_many_came_before(new_visit: Callable[..., Visit], mode: str) -> None:
    """After each of five questions, its question, verdict and text are in view when the answer is complete."""
    visit = opened(new_visit, mode)
    out_of_view = []
    for number, question in enumerate(QUESTIONS, 1):
        turn = visit.ask(question)
        for part in (".question", ".verdict", ".answer"):
            if not in_view(turn.locator(part)):
                out_of_view.append((number, part, turn.locator(part).evaluate(SEEN)))

    assert out_of_view == []
    assert visit.chat.locator(".panel").evaluate(ALL_OF_IT)
    assert visit.chat.locator("#question").evaluate(
        "field => field.getBoundingClientRect().bottom <= innerHeight && field.getBoundingClientRect().top >= 0"
    )


@pytest.mark.parametrize("mode", MODES)
def test_a_sentence_and_its_quote_are_seen_together(new_visit: Callable[..., Visit], mode: str) -> None:
    """The quote opens below the sentence, which stays in view, also at the lower or upper edge."""
    visit = opened(new_visit, mode)
    visit.ask("dated")
    turn = visit.ask("scripts")
    apart = []
    for sentence in turn.locator(".sentence").all():
        sentence.locator(".marker").click()
        if not (in_view(sentence) and in_view(turn.locator(".proof mark"))):
            apart.append((sentence.evaluate(SEEN), turn.locator(".proof mark").evaluate(SEEN)))

    assert apart == []
