"""The answer as readers see it: the claim beside its proof, and what differs, changed or was corrected."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Route, ViewportSize, expect

from tests.widget.browsing import Visit
from tests.widget.newsroom import BODIES
from tests.widget.replies import COPIED, DATED, DEVELOPED, DIFFERING

WIDE: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
FOCUSED = "document.querySelector('dateline-chat').shadowRoot.activeElement"
# Whether an element is inside the window and above the field.
SEEN = """each => {
  const box = each.getBoundingClientRect(), foot = each.getRootNode().querySelector(".foot").getBoundingClientRect();
  return box.top >= 0 && box.bottom <= foot.top && box.left >= 0 && box.right <= innerWidth; }"""


@pytest.fixture
def wide(new_visit: Callable[..., Visit]) -> Visit:
    """Return a visit of the page on a wide screen."""
    return new_visit(viewport=WIDE, reduced_motion="reduce").open("/")


def box(element: Locator) -> dict[str, float]:
    """Return the place of an element in the window."""
    found = element.bounding_box()
    assert found is not None
    left, top = found["x"], found["y"]
    return {"x": left, "y": top, "right": left + found["width"], "bottom": top + found["height"]}


def test_the_claim_and_its_proof_are_side_by_side(wide: Visit) -> None:
    """The first proof is open at once. Each later one is seen with its sentence, in the paragraph of its article."""
    turn = wide.ask("dated")
    side, proof = turn.locator(".side"), turn.locator(".proof")
    for number, (citation, source) in enumerate(zip(DATED.citations, (0, 1, 0), strict=True), 1):
        if number > 1:
            turn.locator(".next").first.click()
        sentence, mark = turn.locator(".sentence.active"), proof.locator("mark")

        expect(side.locator(".steps .label")).to_have_text(f"Proof {number} of 3")
        assert mark.inner_text() == citation.cited_text
        assert sentence.locator(".marker").get_attribute("data-citation") == citation.id
        assert proof.locator(".card-title").inner_text() == DATED.sources[source].title
        assert sentence.evaluate(SEEN)
        assert mark.evaluate(SEEN)
        assert box(sentence)["right"] <= box(side)["x"]
        assert box(side)["x"] <= box(mark)["x"]
        assert box(proof)["y"] <= box(sentence)["bottom"]
    assert side.locator(".next").get_attribute("aria-disabled") == "true"
    assert turn.locator(".tag").all_inner_texts() == ["latest", "latest"]
    assert (wide.errors, wide.violations()) == ([], [])


def test_the_article_completes_the_paragraph_and_nothing_jumps(new_visit: Callable[..., Visit]) -> None:
    """The passage is shown until the article arrives, and stays if it does not; the quote does not move."""
    visit = new_visit(viewport=WIDE).open("/")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visit.page.route("**/v1/articles/*", hold)
    turn = visit.ask("checked")
    mark = turn.locator(".side mark")
    before = (box(mark), turn.locator(".side .about").inner_text())
    body = {"id": "ferry-ends", "body": BODIES["ferry-ends"], "authors": ["Petra Lindqvane"]}
    visit.page.wait_for_timeout(100)
    held[0].fulfill(json=body)
    expect(turn.locator(".side .about")).to_have_text(f"{before[1]} · Petra Lindqvane")

    assert box(mark) == before[0]
    turn.locator(".next").click()
    visit.page.wait_for_timeout(100)
    held[1].abort()
    expect(turn.locator(".side .quote")).to_have_text(BODIES["grain-ship"])
    expect(mark).to_have_text("The ship has waited since Monday")


def test_on_a_phone_the_quote_is_below_its_sentence(new_visit: Callable[..., Visit]) -> None:
    """Both are in view, the rail is kept, and the page asks for no article."""
    visit = new_visit(viewport=PHONE).open("/")
    turn = visit.ask("dated")
    expect(turn.locator(".proof")).to_have_count(0)
    turn.locator(".marker").nth(1).click()
    sentence, quote = turn.locator(".sentence").nth(1), turn.locator(".proof mark")

    assert box(sentence)["bottom"] <= box(quote)["y"]
    assert box(quote)["bottom"] - box(sentence)["y"] < 300
    assert sentence.evaluate(SEEN)
    assert quote.evaluate(SEEN)
    assert turn.locator(".entry").count() == 3
    assert not any("/v1/articles" in url for url in visit.requests)
    visit.page.set_viewport_size(WIDE)
    expect(turn.locator(".side mark")).to_have_text(DATED.citations[1].cited_text)
    visit.page.set_viewport_size(PHONE)
    expect(turn.locator(".said .proof mark")).to_have_text(DATED.citations[1].cited_text)
    assert visit.errors == []


def test_a_conflict_shows_both_values_and_is_walked_through_by_keyboard(wide: Visit) -> None:
    """Both values have quote, source and date, the correction first; what limits the answer is copied with it.

    Arrow keys lead from proof to proof, on markers and in the proof; Escape leads back; Tab leads to both values.
    """
    turn = wide.ask("differing")
    positions = turn.locator(".conflict .position")

    assert positions.locator(".value").all_inner_texts() == ["16 days", "since Monday"]
    assert positions.locator(".dateline").all_inner_texts() == [
        "25 February 2026 · Varn Sound Courier correction",
        "5 December 2025 · Tarnmouth Gazette",
    ]
    assert box(positions.nth(0))["y"] == box(positions.nth(1))["y"]
    assert turn.locator(".facts").inner_text() == "2 independent sources"
    assert turn.locator(".uncovered").inner_text() == "Not covered: what it cost; who paid"
    wide.context.grant_permissions(["clipboard-read", "clipboard-write"])
    turn.locator(".copy").click()
    expect(turn.locator(".copy")).to_have_text("Copied")
    copied = wide.page.evaluate("navigator.clipboard.readText()").split("\n\n")
    both = "16 days (Varn Sound Courier, 25 February 2026); since Monday (Tarnmouth Gazette, 5 December 2025)"
    assert copied[2] == "2 independent sources"
    assert copied[3] == f"Reports differ on days without ferries: {both}"
    assert copied[4] == "Not covered: what it cost; who paid"

    keys = wide.page.keyboard
    while wide.page.evaluate(f"{FOCUSED}.className") != "marker" or turn.locator(".marker").first.evaluate(
        "each => each !== each.getRootNode().activeElement"
    ):
        keys.press("Shift+Tab")
    keys.press("ArrowRight")
    expect(turn.locator(".marker").nth(1)).to_be_focused()
    expect(turn.locator(".side mark")).to_have_text(DIFFERING.citations[1].cited_text)
    keys.press("Enter")
    expect(turn.locator(".side .quote-box")).to_be_focused()
    keys.press("ArrowLeft")
    expect(turn.locator(".side mark")).to_have_text(DIFFERING.citations[0].cited_text)
    expect(turn.locator(".side .quote-box")).to_be_focused()
    keys.press("Escape")
    expect(turn.locator(".marker").first).to_be_focused()
    reached = []
    for _ in range(6):
        keys.press("Tab")
        reached.append(wide.page.evaluate(f"{FOCUSED}.closest('.position')?.querySelector('.value').textContent"))

    assert list(dict.fromkeys(each for each in reached if each)) == ["16 days", "since Monday"]
    assert wide.axe() == []


@pytest.mark.parametrize("viewport", [WIDE, PHONE])
@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
def test_the_field_hides_nothing_that_has_the_focus(
    new_visit: Callable[..., Visit], viewport: ViewportSize, key: str
) -> None:
    """From the first marker to the field, and back, what the keyboard reaches is above the field."""
    visit = new_visit(viewport=viewport, reduced_motion="reduce").open("/")
    turn = visit.ask("differing")
    (turn.locator(".marker").first if key == "Tab" else visit.chat.locator("#question")).focus()
    reached = 0
    while reached < 40:
        visit.page.keyboard.press(key)
        place, seen, name = visit.page.evaluate(
            f"""(seen => {{
              const each = {FOCUSED}, place = each?.closest(".reply, .foot, .side")?.className;
              return [place, each && seen(each), each?.outerHTML]; }})({SEEN})"""
        )
        if place == "reply":
            assert seen, f"hidden: {name}"
        elif reached > 1 and place != "side":
            break
        reached += 1
    assert 8 < reached < 40


def test_a_story_is_told_in_time(wide: Visit) -> None:
    """Developments from old to new, corrections under their sentence, and date words with their date, not copied."""
    turn = wide.ask("developed")
    times = turn.locator(".development .position")
    sentence = turn.locator(".sentence").nth(1)

    assert turn.locator(".verdict").inner_text() == "An article that this answer quotes was corrected"
    assert turn.locator(".warnings").count() == 0
    assert times.locator(".value").all_inner_texts() == ["at anchor", "16 days", "over"]
    assert times.locator(".tag").all_inner_texts() == ["correction · latest"]
    assert [entry.locator(".corrected").inner_text().partition("\n")[0] for entry in turn.locator(".entry").all()] == [
        "Corrected: The name of the union was wrong.",
        "Corrected on 3 May 2026: Monday; before: Tuesday · Read the correction",
    ]
    assert "since Monday\u00a0[1 December] for a berth" in (sentence.text_content() or "")
    turn.locator(".marker").nth(1).click()
    quote = turn.locator(".side .quote")
    assert "".join(quote.locator("mark").all_text_contents()) == DEVELOPED.citations[1].cited_text
    assert quote.locator(".when").inner_text() == "\u00a0[1 December]"
    selected = quote.evaluate(
        """quote => { const chosen = getSelection(); chosen.selectAllChildren(quote); return chosen.toString(); }"""
    )
    assert selected.replace("\n", " ") == BODIES["grain-ship"]


def test_copies_dates_and_the_next_step_are_offered(wide: Visit) -> None:
    """Copies count as one source and are folded; the answer says its day and window; its link and next questions."""
    wide.context.grant_permissions(["clipboard-read", "clipboard-write"])
    turn = wide.ask("copied")
    turn.locator(".card-head").click()
    turn.locator(".also summary").click()

    assert turn.locator(".facts").inner_text() == (
        "One independent source · As known on 1 March 2026 · Only articles from 1 February 2026 to 28 February 2026"
    )
    assert turn.locator(".also li").count() == len(COPIED.sources[0].duplicates)
    assert turn.locator(".also details li").first.is_visible()
    assert turn.locator(".side .copies").inner_text() == "Also reported by: Paper 1, Paper 2, Paper 3, 20 more"
    turn.locator(".actions .link").click()
    expect(turn.locator(".actions .link")).to_have_text("Copied")
    assert wide.page.evaluate("navigator.clipboard.readText()") == f"{wide.home}{COPIED.permalink}"
    assert wide.axe() == []
    turn.locator(".next .suggestion").first.click()
    wide.chat.locator(".turn").nth(1).locator(".verdict").wait_for()
    assert wide.service.asked[-1]["question"] == "checked"


@pytest.mark.parametrize(("lang", "dir_"), [("de", "ltr"), ("ar", "rtl")])
def test_in_other_languages_the_sides_and_the_words_follow(
    new_visit: Callable[..., Visit], lang: str, dir_: str
) -> None:
    """The proof is at the end of the line, arrows follow the direction, and each part has the language it is in."""
    visit = new_visit(viewport=WIDE, color_scheme="dark").host(
        f'<!doctype html><html lang="{lang}" dir="{dir_}"><title>Host</title><main><h1>Host</h1>'
        '<dateline-chat></dateline-chat></main><script src="HOME/widget.js"></script>'
    )
    turn = visit.ask("developed")
    side, answer = box(turn.locator(".side")), box(turn.locator(".answer"))

    assert (side["x"] > answer["right"]) == (dir_ == "ltr")
    turn.locator(".marker").first.focus()
    visit.page.keyboard.press("ArrowRight" if dir_ == "ltr" else "ArrowLeft")
    expect(turn.locator(".marker").nth(1)).to_be_focused()
    assert turn.locator(".sentence, .quote, .card-title, .value, .corrected span > bdi").evaluate_all(
        "all => [...new Set(all.map((each) => each.closest('[lang]').lang))]"
    ) == ["en"]
    assert turn.locator(".side .quote-box > div").evaluate("each => getComputedStyle(each).direction") == "ltr"
    assert turn.locator(".verdict, .tag, .when, .steps, .note-title").evaluate_all(
        "all => [...new Set(all.map((each) => each.closest('[lang]').lang))]"
    ) == [lang]
    assert lang == "de" or visit.axe() == []
