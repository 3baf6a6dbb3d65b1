"""The widget on host pages: neither affects the other, also on a hostile page."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.widget.browsing import Visit
from tests.widget.replies import CHECKED

SCRIPT = '<script src="HOME/widget.js" data-title="Ask our archive" defer></script>'
GLOBAL_CSS = """<style>
* { all: unset !important; display: none !important; color: red !important; background: lime !important;
    font: 7px cursive !important; transform: rotate(9deg) !important; filter: blur(3px) !important;
    position: static !important; direction: rtl !important; opacity: .1 !important }
dateline-chat, dateline-chat * { visibility: hidden !important; pointer-events: none !important;
    width: 1px !important; height: 1px !important; overflow: hidden !important }
html { font-size: 3px !important } button, dialog, textarea { display: none !important }
html, body, p { display: block !important; }
</style>"""
POLLUTION = """<script>
Array.prototype.extra = function () { throw new Error("extra") };
Object.prototype.enumerable = "extra";
Array.from = function (given) { return String(given).split("") };
Object.prototype.text = Object.prototype.on = "extra";
Element.prototype.show = function () { throw new Error("show") };
window.$ = window.make = window.home = window.icon = () => { throw new Error("a global") };
</script>"""
ODD_BASE = '<base href="https://elsewhere.example/x/">'
ODD_BODY = '<body style="transform: rotate(0); contain: paint; height: 9px">'
LOOKS = """each => {
  const style = getComputedStyle(each), dialog = each.getRootNode().querySelector("dialog");
  return [style.color, style.fontSize, style.direction, style.visibility, dialog.getBoundingClientRect().width]; }"""
AROUND = """() => [Object.keys(window).length, getComputedStyle(p).cssText, document.head.outerHTML,
  document.activeElement.id, document.styleSheets.length, document.adoptedStyleSheets.length]"""
PLACED = """() => [...document.querySelectorAll("dateline-chat")]
  .map((each) => `${each.parentNode.tagName} ${each.getAttribute("data-mode")}`)"""
LISTEN = """() => { window.heard = []; window.chat = document.querySelector("dateline-chat");
  const listener = ({ type, detail }) => heard.push([type.slice(9), detail.reply?.status ?? detail.question ?? null]);
  for (const name of ["open", "ask", "answer", "end", "close"]) addEventListener(`dateline:${name}`, listener); }"""
POLICY = {
    "Content-Security-Policy": "default-src 'none'; script-src HOME; connect-src HOME;"
    " require-trusted-types-for 'script'; trusted-types 'none'"
}


@pytest.mark.parametrize(
    "page",
    [
        f'<!doctype html><html lang="en"><title>H</title><body>{GLOBAL_CSS}<p>Host</p>{SCRIPT}</html>',
        f'<html lang="en"><title>Quirks</title><body>{GLOBAL_CSS}<p>Host{SCRIPT}',
        f'<!doctype html><html lang="en"><title>H</title>{POLLUTION}<body><p>Host</p>{SCRIPT}</html>',
        f'<!doctype html><html lang="en">{ODD_BASE}<title>H</title><body><p>Host</p>{SCRIPT}</html>',
        f'<!doctype html><html lang="en" style="transform: scale(1)">{ODD_BODY}<p>Host</p>{SCRIPT}',
    ],
    ids=["global style", "quirks mode", "polluted prototypes", "base address", "transformed body"],
)
def test_a_hostile_page_changes_nothing_that_matters(visit: Visit, page: str) -> None:
    """The launcher is in its corner; the chat opens, answers and highlights the quote, in its usual style."""
    visit.host(page)
    launcher = visit.chat.locator(".launcher")
    box = launcher.bounding_box() or {"x": 0.0, "y": 0.0, "width": 0.0, "height": 0.0}
    launcher.click()
    turn = visit.ask("checked")
    turn.locator(".marker").first.click()
    looks = turn.locator(".answer").evaluate(LOOKS)

    assert (box["x"] + box["width"], box["y"] + box["height"]) == (1180, 880)
    assert looks == ["rgb(27, 27, 27)", "17.92px", "ltr", "visible", 440]
    assert turn.locator(".quote mark").first.inner_text() == CHECKED.citations[0].cited_text
    assert visit.service.asked[-1]["messages"] == []
    assert visit.service.asked[-1]["stream"] is True
    assert visit.errors == []


def test_a_page_that_enforces_trusted_types_needs_two_lines_of_policy(visit: Visit) -> None:
    """`script-src` and `connect-src` with the service's address; no style, no image, no exception."""
    headers = {name: value.replace("HOME", visit.home) for name, value in POLICY.items()}
    visit.host(f'<!doctype html><html lang="en"><title>H</title><body><p>Host</p>{SCRIPT}</html>', headers)
    visit.chat.locator(".launcher").click()
    turn = visit.ask("conflict")
    turn.locator(".vote").last.click()

    assert turn.get_attribute("data-look") == "conflict"
    assert (visit.violations(), visit.errors) == ([], [])


def test_the_page_around_it_stays_as_it_was(visit: Visit) -> None:
    """The page keeps its globals, styles, key events, head and focus."""
    page = f'<!doctype html><html lang="en"><title>H</title><p id="p">Host</p><input id="own" autofocus>{SCRIPT}</html>'
    visit.host(page.replace(SCRIPT, ""))
    expect(visit.page.locator("#own")).to_be_focused()
    before = visit.page.evaluate(AROUND)
    visit.host(page)
    visit.chat.locator(".launcher").wait_for()
    expect(visit.page.locator("#own")).to_be_focused()

    assert visit.page.evaluate(AROUND) == before


def test_a_page_of_another_origin_is_answered_only_if_it_is_allowed(visit: Visit) -> None:
    """The same page under another name gets an error, and says so."""
    page = '<!doctype html><html lang="en"><dateline-chat></dateline-chat><script src="HOME/widget.js"></script>'
    allowed = visit.host(page).ask("checked").get_attribute("data-look")
    visit.page.goto(f"http://other.localhost:{visit.port}/host/page")
    refused = visit.ask("checked")

    assert allowed == "checked"
    assert refused.locator(".verdict").inner_text() == "Not set up for this site"
    assert "not been enabled" in refused.locator(".why").inner_text()


def test_only_allowed_pages_can_frame_the_chat(visit: Visit) -> None:
    """`frame-ancestors` names the same origins."""
    page = '<!doctype html><html lang="en"><iframe src="HOME/embed?title=Framed" width="400" height="600"></iframe>'
    framed = visit.host(page).page.frame_locator("iframe").locator(".title")
    expect(framed).to_have_text("Framed")
    visit.page.goto(f"http://other.localhost:{visit.port}/host/page")
    visit.page.wait_for_timeout(300)

    assert visit.page.frames[1].locator("dateline-chat").count() == 0


def test_the_script_places_one_chat_where_the_page_says(visit: Visit) -> None:
    """A launcher by default, in place with `inline`, nothing with `none` or beside an element; twice is once."""
    head = '<!doctype html><html lang="en"><body><main id="m">'
    for tags, expected in (
        (SCRIPT, ["BODY launcher"]),
        (SCRIPT + SCRIPT, ["BODY launcher"]),
        ('<script src="HOME/widget.js" data-mode="inline"></script>', ["MAIN inline"]),
        ('<script src="HOME/widget.js" data-mode="none"></script>', []),
        ("<dateline-chat></dateline-chat>" + SCRIPT, ["MAIN null"]),
    ):
        visit.host(f"{head}{tags}</main></body></html>")
        visit.page.wait_for_function("customElements.get('dateline-chat') !== undefined")
        assert visit.page.evaluate(PLACED) == expected


def test_a_page_steers_the_chat_and_hears_of_it(visit: Visit) -> None:
    """The methods open, ask, clear and close emit events; attributes take effect at once; moving keeps the state."""
    visit.host(f'<!doctype html><html lang="en"><body><p>Host</p><div id="other"></div>{SCRIPT}</html>')
    visit.page.evaluate(LISTEN)
    assert visit.page.evaluate("chat.ask('  ')") is False
    assert visit.page.evaluate("chat.ask('checked')") is True
    visit.chat.locator(".verdict").wait_for()
    visit.page.evaluate("chat.dataset.lang = 'de'")
    german = visit.chat.locator(".verdict").inner_text()
    visit.page.evaluate("chat.open()")
    visit.page.evaluate("chat.close()")
    visit.page.evaluate("document.getElementById('other').append(chat)")
    kept = visit.chat.locator(".turn").count()
    visit.page.evaluate("chat.clear()")

    assert german == "Jeder Satz geprüft"
    assert (kept, visit.chat.locator(".turn").count()) == (1, 0)
    assert [name for name, _ in visit.page.evaluate("heard")][:3] == ["open", "ask", "answer"]
    assert ["answer", "answered"] in visit.page.evaluate("heard")
    assert "close" in [name for name, _ in visit.page.evaluate("heard")]


def test_colours_and_letters_are_set_by_custom_properties(visit: Visit) -> None:
    """The page's style sets properties and parts."""
    visit.host(
        '<!doctype html><html lang="en">'
        "<style>dateline-chat { --dateline-paper: rgb(1, 2, 3); --dateline-accent: rgb(4, 5, 6) }</style>"
        '<dateline-chat></dateline-chat><script src="HOME/widget.js"></script>'
    )
    colour = "each => getComputedStyle(each).backgroundColor"

    assert visit.chat.locator(".panel").evaluate(colour) == "rgb(1, 2, 3)"
    assert visit.chat.locator(".composer .solid").evaluate(colour) == "rgb(4, 5, 6)"


def test_filters_of_the_page_go_with_every_question(visit: Visit) -> None:
    """Filters are JSON in the shape of the API."""
    visit.host(
        """<!doctype html><html lang="en"><dateline-chat data-filters='{"sources": ["Tarnmouth Gazette"]}'>
        <ul><li>What of the birds?</li></ul></dateline-chat><script src="HOME/widget.js" defer></script>"""
    )
    visit.chat.locator(".suggestion").click()
    visit.chat.locator(".verdict").wait_for()

    assert visit.service.asked[-1]["question"] == "What of the birds?"
    assert visit.service.asked[-1]["filters"] == {"sources": ["Tarnmouth Gazette"]}


def test_without_storage_the_chat_works_and_forgets(new_visit: Callable[..., Visit]) -> None:
    """Without storage, in a sandboxed frame, the chat works."""
    visit = new_visit()
    visit.context.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('no', 'SecurityError') } })"
    )

    assert visit.open().ask("checked").get_attribute("data-look") == "checked"
    assert visit.errors == []


def test_a_page_that_is_rewritten_gets_its_chat_again(visit: Visit) -> None:
    """Its body is replaced and the script run again, or it calls `document.write`."""
    page = f'<!doctype html><html lang="en"><body><p>Host</p>{SCRIPT}</html>'
    visit.host(page)
    visit.chat.locator(".launcher").wait_for()
    for again in (
        """() => { document.body.replaceChildren(); const script = document.createElement("script");
            script.dataset.key = "KEY"; script.src = "HOME/widget.js"; document.head.append(script); }""",
        """() => { document.open();
            document.write('<p>New</p><script src="HOME/widget.js" data-key="KEY"><' + '/script>');
            document.close(); }""",
    ):
        visit.page.evaluate(again.replace("HOME", visit.home).replace("KEY", visit.service.key))
        expect(visit.chat.locator(".launcher")).to_have_count(1)
        visit.chat.locator(".launcher").click()
        assert visit.ask("checked").get_attribute("data-look") == "checked"
    assert visit.errors == []


@pytest.mark.parametrize(
    ("sandbox", "verdict"),
    [("", "Every sentence checked"), ('sandbox="allow-scripts"', "Not set up for this site")],
)
def test_a_frame_without_an_address_shows_the_chat(visit: Visit, sandbox: str, verdict: str) -> None:
    """The chat works in a frame of the same origin; in one without an origin it shows an error."""
    inner = "<dateline-chat></dateline-chat><script src='HOME/widget.js'></script>"
    visit.host(
        f'<!doctype html><html lang="en"><iframe {sandbox} srcdoc="{inner}" width="400" height="600"></iframe></html>'
    )
    framed = visit.page.frame_locator("iframe")
    framed.locator("#question").fill("checked")
    framed.locator("#question").press("Enter")

    expect(framed.locator(".verdict")).to_have_text(verdict)
    framed.locator("#question").fill("weak")
    framed.locator(".composer .solid").click()
    expect(framed.locator(".turn")).to_have_count(2)


def test_the_focus_goes_back_to_what_opened_the_dialog(visit: Visit) -> None:
    """A button of the page gets the focus back too."""
    visit.host(f"""<!doctype html><html lang="en"><body><button id="own">Ask</button>{SCRIPT}</html>""")
    visit.chat.locator(".launcher").wait_for()
    visit.page.evaluate("void (own.onclick = () => document.querySelector('dateline-chat').open())")
    visit.page.locator("#own").focus()
    visit.page.keyboard.press("Enter")
    visit.chat.locator("#question").wait_for()
    visit.page.keyboard.press("Escape")
    expect(visit.chat.locator("dialog")).to_be_hidden()

    assert visit.page.evaluate("document.activeElement.id") == "own"


def test_a_change_of_the_page_loses_neither_the_draft_nor_the_open_dialog(visit: Visit) -> None:
    """The focus and the draft stay."""
    visit.host(f'<!doctype html><html lang="en"><body><p>Host</p>{SCRIPT}</html>')
    visit.chat.locator(".launcher").click()
    visit.chat.locator("#question").fill("Half a quest")
    visit.page.evaluate("document.querySelector('dateline-chat').dataset.lang = 'de'")
    visit.page.keyboard.type("ion")

    assert visit.chat.locator("#question").input_value() == "Half a question"
    expect(visit.chat.locator(".composer .solid")).to_have_text("Fragen")


def test_invalid_words_and_levels_are_ignored(visit: Visit) -> None:
    """Only strings replace texts, and the level of a heading is an integer."""
    visit.host(
        """<!doctype html><html lang="en"><dateline-chat data-level="1.4" data-strings='{"ask": 7, "title": null}'>
        </dateline-chat><script src="HOME/widget.js"></script>"""
    )

    assert visit.chat.locator(".composer .solid").inner_text() == "Ask"
    assert visit.chat.locator("h1.title").inner_text() == "Ask the archive"
    assert visit.errors == []


def test_elements_without_an_id_have_a_conversation_each(visit: Visit) -> None:
    """After a reload, each finds its own by the order on the page."""
    visit.host(
        """<!doctype html><html lang="en"><dateline-chat></dateline-chat><dateline-chat></dateline-chat>
        <script src="HOME/widget.js"></script>"""
    )
    second = visit.page.locator("dateline-chat").nth(1)
    second.locator("#question").fill("checked")
    second.locator("#question").press("Enter")
    second.locator(".verdict").wait_for()
    visit.page.reload()
    second.locator(".verdict").wait_for()

    assert [chat.locator(".turn").count() for chat in visit.page.locator("dateline-chat").all()] == [0, 1]


def test_attributes_that_change_later_take_effect(visit: Visit) -> None:
    """Filters apply from the next question on; another service has another conversation, and the first is kept."""
    visit.host('<!doctype html><html lang="en"><dateline-chat></dateline-chat><script src="HOME/widget.js"></script>')
    visit.ask("checked")
    chat = visit.chat
    chat.evaluate("""chat => (chat.dataset.filters = '{"sources": ["Tarnmouth Gazette"]}')""")
    visit.ask("weak")
    asked = visit.service.asked[-1]
    chat.evaluate("(chat, home) => (chat.dataset.api = `${home}/elsewhere/`)", visit.home)
    elsewhere = chat.locator(".turn").count()
    chat.evaluate("chat => delete chat.dataset.api")

    assert asked["filters"] == {"sources": ["Tarnmouth Gazette"]}
    assert asked["messages"][0]["content"] == "checked"
    assert (elsewhere, chat.locator(".turn").count()) == (0, 2)


def test_the_page_beside_the_dialog_stays_readable(visit: Visit) -> None:
    """The page behind the dialog stays readable: the backdrop is transparent."""
    visit.host(f'<!doctype html><html lang="en"><body><p>Host</p>{SCRIPT}</html>').chat.locator(".launcher").click()
    ground = visit.chat.locator("dialog").evaluate("each => getComputedStyle(each, '::backdrop').backgroundColor")

    assert ground == "rgba(0, 0, 0, 0)"


def test_the_letters_follow_the_page_where_it_asks_for_that(visit: Visit) -> None:
    """One property sets the font size."""
    visit.host(
        '<!doctype html><html lang="en" style="font-size: 24px"><style>dateline-chat { --dateline-size: 1rem }</style>'
        '<dateline-chat></dateline-chat><script src="HOME/widget.js"></script>'
    )

    assert visit.chat.locator(".root").evaluate("root => getComputedStyle(root).fontSize") == "24px"
