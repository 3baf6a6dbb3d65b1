"""Hostile articles and answers: they run no script, contact no other host and violate no policy."""

from collections.abc import Callable
from dataclasses import replace
from html import escape
from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from service.answer import Answer
from service.records import AnswerWarning, Conflict, Duplicate, Position, Unsupported
from tests.widget.browsing import Visit
from tests.widget.replies import CONFLICT, FERRY, events
from tests.widget.scripted_service import Refused, Streamed, encoded

PACK = (
    "<script>window.hacked=1</script>",
    "<img src=https://evil.example/x.png onerror=window.hacked=1>",
    "<svg/onload=window.hacked=1>",
    '"><iframe srcdoc="<script>parent.hacked=1</script>"></iframe>',
    "'-window.hacked=1-' \" onmouseover=window.hacked=1 autofocus onfocus=window.hacked=1 x=\"",
    "<style>@import url(https://evil.example/x.css);</style><link rel=stylesheet href=https://evil.example/y.css>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=window.hacked=1&gt;">',
    "</p></article></textarea></title><base href=https://evil.example/>",
    "<meta http-equiv=refresh content=0;url=https://evil.example>",
    "[click](javascript:window.hacked=1) ![](https://evil.example/leak.png)",
    "{{constructor.constructor('window.hacked=1')()}}",
    "\u202e\u0000\u2028<a href=javascript:window.hacked=1>x</a>",
)
READ = {PACK[9]: "click "}
"""The visible text of payloads in Markdown: the text of a link, without the link."""
ADDRESSES = (
    "javascript:window.hacked=1",
    " java\nscript:window.hacked=1",
    "JaVaScRiPt://x/%0awindow.hacked=1",
    "data:text/html,<script>opener.hacked=1</script>",
    "vbscript:x",
    "blob:https://evil.example/1",
    "file:///etc/passwd",
    "//evil.example",
    "https://",
    "",
)
INSERTED = (
    "script, img, iframe, object, embed, link, style, base, meta, form:not(.composer):not(.complaint), video, math"
)


def attacking(payload: str, url: str) -> Answer:
    """Return an answer with the payload in every text field."""
    sources = tuple(
        replace(source, title=payload, source=payload, url=url, duplicates=(Duplicate(payload, payload, payload, url),))
        for source in CONFLICT.sources
    )
    position = Position(payload, FERRY, payload, payload)
    return replace(
        CONFLICT,
        answer=f"{CONFLICT.answer} {payload}",
        sources=sources,
        unsupported=(Unsupported(payload, payload),),
        conflicts=(Conflict(payload, (position, replace(position, article_id=payload))),),
        warnings=(AnswerWarning(payload, payload),),
    )


def unharmed(visit: Visit, pages: list[Page]) -> None:
    """Assert that no script ran, no other host was contacted, and no part of the payload became an element."""
    assert [page.evaluate("window.hacked ?? null") for page in pages] == [None] * len(pages)
    assert visit.foreign() == []
    assert visit.violations() == []
    assert visit.chat.locator(INSERTED).count() == 0


def test_an_attack_in_every_field_of_an_answer_is_shown_as_text(visit: Visit) -> None:
    """The payload stays text when streamed, opened and shown again from the history."""
    visit.open("/embed")
    for number, payload in enumerate(PACK):
        visit.service.scripts[f"attack {number}"] = Streamed(
            encoded(events(attacking(payload, "javascript:window.hacked=1")))
        )
        turn = visit.ask(f"attack {number}")
        for each in turn.locator("summary, .card-head").all():
            each.click()
        shown = turn.locator(".answer").evaluate("answer => answer.textContent")
        assert shown.endswith(READ.get(payload, payload))
        assert turn.locator(".held").evaluate("held => held.textContent") == READ.get(payload, payload)
        unharmed(visit, [visit.page])
    visit.page.reload()
    visit.chat.locator(".verdict").last.wait_for()

    assert visit.chat.locator(".turn").count() == len(PACK)
    unharmed(visit, [visit.page])


def test_only_addresses_of_the_web_become_links(visit: Visit) -> None:
    """Without a valid address, every link leads to the service's own articles."""
    visit.open("/embed")
    for number, address in enumerate(ADDRESSES):
        visit.service.scripts[f"attack {number}"] = Streamed(encoded(events(attacking("x", address))))
        visit.ask(f"attack {number}")
    links = visit.chat.locator(".turn a").all()

    assert links
    for link in links:
        assert link.evaluate("link => link.href").startswith(f"{visit.home}/articles/")
        assert link.get_attribute("rel") == "noopener noreferrer nofollow"
        assert link.get_attribute("target") == "_blank"
    unharmed(visit, [visit.page])


def test_an_attack_in_an_error_is_not_shown(visit: Visit) -> None:
    """Neither code nor message is shown, only the widget's text."""
    visit.open("/embed")
    for number, payload in enumerate(PACK):
        visit.service.scripts[f"attack {number}"] = Refused(500, payload, payload)
        turn = visit.ask(f"attack {number}")
        assert payload not in turn.evaluate("turn => turn.textContent")

    unharmed(visit, [visit.page])


def test_an_attacking_article_is_shown_as_text_on_our_pages(visit: Visit) -> None:
    """The payload in title, source, language, address and body is text on the demo, the list and the page."""
    for path in ("/", "/articles", "/articles/attack", "/articles/attack?start=0&end=60", "/articles/%3Cscript%3E"):
        visit.open(path)
        assert visit.page.evaluate("window.hacked ?? null") is None
        assert visit.page.evaluate("document.querySelectorAll('main :is(script, img, iframe, svg)').length") == 0
        assert visit.violations() == []
    visit.open("/articles/attack")

    assert visit.foreign() == []
    assert visit.page.locator("main a[href^=javascript]").count() == 0
    assert "<script>" in (visit.page.locator("h1").text_content() or "")


def test_an_attack_in_the_address_of_the_frame_is_text(visit: Visit) -> None:
    """Title, language, theme and questions are escaped, and shown in the chat."""
    attack = '"><script>window.hacked=1</script><img src=x onerror=window.hacked=1>'
    query = urlencode(dict.fromkeys(("title", "intro", "lang", "theme", "questions"), attack))
    page = f'<!doctype html><html lang="en"><iframe src="HOME/embed?{escape(query)}" width="400" height="600"></iframe>'
    visit.host(page)

    framed = visit.page.frame_locator("iframe")
    expect(framed.locator(".title")).to_have_text(attack)
    assert framed.locator("dateline-chat").locator(INSERTED).count() == 0
    assert [frame.evaluate("window.hacked ?? null") for frame in visit.page.frames] == [None, None]
    assert visit.foreign() == []


def test_an_attack_is_text_on_a_page_without_any_policy(new_visit: Callable[..., Visit]) -> None:
    """The chat keeps the payload from running without a policy."""
    visit = new_visit().host(
        '<!doctype html><html lang="en"><dateline-chat></dateline-chat><script src="HOME/widget.js"></script>'
    )
    attack = " ".join(PACK)
    visit.service.scripts["attack"] = Streamed(encoded(events(attacking(attack, "javascript:window.hacked=1"))))
    visit.ask("attack")
    visit.page.wait_for_timeout(200)

    unharmed(visit, [visit.page])
