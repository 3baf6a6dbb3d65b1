"""Take pictures of every state, light and dark, desktop and phone: `python -m tests.widget.screenshots OUT`."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Locator, ViewportSize, sync_playwright

from tests.widget.browsing import Visit, chromium, launched
from tests.widget.newsroom import indexed
from tests.widget.replies import BY_QUESTION, events
from tests.widget.scripted_service import Refused, Scripted, ScriptedService, Streamed, encoded, running, service_on

SIZES: dict[str, ViewportSize] = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 740}}
QUESTIONS = {
    "checked": "Is the ferry strike over, and which ship waits?",
    "weak": "What did the ferry strike cost?",
    "withheld": "How long did the ferry strike last?",
    "interrupted": "How did the ferry strike end?",
    "stale": "Do the ferries sail today?",
    "differs": "Where does the grain ship wait?",
    "interrupted differs": "Where does the grain ship wait now?",
    "quoted": "Is the strike over, and does the ship wait?",
    "dated": "What is known of the strike and of the ship?",
    "markdown": "When will the Old Lamp be lit?",
    "duplicates": "What ended the ferry strike?",
    "copied": "What was reported in February?",
    "differing": "How long were there no ferries?",
    "developed": "What became of the ferries?",
    "abstained": "What does a ticket to Lissay cost?",
    "off topic": "What is the capital of Australia?",
    "scripts": "What happened at the pier, the port and the railway?",
    "same": "Was anyone hurt at the parade?",
    "working": "Is the ferry strike over by now?",
    "lost": "When does the next ferry sail?",
    "overloaded": "Who signed the agreement?",
    "failed": "Where was the agreement signed?",
}
"""The question of each state; `differing` stands for `conflict`."""
PICTURED = tuple(state for state in BY_QUESTION if state in QUESTIONS)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
HOST = """<!doctype html><html lang="LANG"><meta name="viewport" content="width=device-width"><title>The Courier</title>
<body><h1>The Varn Sound Courier</h1><p>Ferries sail again, and the kittiwakes are back on their cliffs.</p>
<script src="HOME/widget.js" data-title="TITLE" data-theme="THEME" data-questions="Is the ferry strike over?|Who won?"
defer></script></body></html>"""


@dataclass(frozen=True, slots=True)
class Camera:
    """A folder for the pictures of one visit."""

    visit: Visit
    folder: Path
    suffix: str

    def keep(self, name: str, *, full: bool = False) -> None:
        """Save a picture of the page."""
        self.visit.page.wait_for_timeout(400)
        self.visit.page.screenshot(path=self.folder / f"{name}-{self.suffix}.png", full_page=full)


def main() -> None:
    """Take the pictures."""
    if len(sys.argv) != 2 or chromium() is None:
        sys.exit("usage: python -m tests.widget.screenshots OUT, where a Chromium is installed")
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        service, port = stack.enter_context(_served(folder))
        browser = launched(stack.enter_context(sync_playwright()), chromium() or "")
        for scheme in SCHEMES:
            for size in SIZES:
                _shoot(browser, service, port, out, scheme, size)
        browser.close()


@contextmanager
def _served(folder: Path) -> Iterator[tuple[ScriptedService, int]]:
    data = indexed(folder, folder / "models")
    with running(lambda port: service_on(data, folder / "models", port)) as (service, port):
        yield service, port


def _shoot(
    browser: Browser, service: ScriptedService, port: int, out: Path, scheme: Literal["light", "dark"], size: str
) -> None:
    context = browser.new_context(color_scheme=scheme, viewport=SIZES[size])
    visit = Visit(context, context.new_page(), service, port)
    camera = Camera(visit, out, f"{size}-{scheme}")
    pieces = encoded(events(BY_QUESTION["checked"]))
    scripts: dict[str, Scripted] = {state: Streamed(encoded(events(BY_QUESTION[state]))) for state in PICTURED}
    scripts |= {
        "working": Streamed(pieces, held=4),
        "lost": Streamed(pieces[:5], held=4, breaks=True),
        "overloaded": Refused(503, "overloaded", "Too many questions at once."),
        "failed": Refused(500, "internal", "Internal error."),
    }
    service.scripts = {QUESTIONS[state]: script for state, script in scripts.items()}
    _pages(camera)
    _states(camera)
    _waiting(camera)
    _launcher(camera, scheme)
    context.close()


def _pages(camera: Camera) -> None:
    visit = camera.visit
    visit.open()
    camera.keep("home", full=True)
    visit.ask("When did the Skelhaven library reopen?").locator(".marker").first.click()
    camera.keep("home-answer")
    for state in ("differing", "developed"):
        _fresh(visit, "/")
        visit.ask(QUESTIONS[state]).locator(".marker").last.click()
        camera.keep(f"home-{state}")
    visit.page.emulate_media(media="print")
    camera.keep("print", full=True)
    visit.page.emulate_media(media="screen")
    visit.open("/articles/ferry-ends?start=0&end=39&highlight=31-38")
    camera.keep("article")
    visit.open("/articles/arabic-port?start=43&end=90&highlight=79-90")
    camera.keep("article-rtl")
    visit.open("/articles")
    camera.keep("articles")


def _states(camera: Camera) -> None:
    for state in (*PICTURED, "overloaded", "failed"):
        _fresh(camera.visit, "/embed")
        turn = camera.visit.ask(QUESTIONS[state])
        _unfold(turn)
        camera.keep(state.replace(" ", "-"))
        if state == "checked":
            turn.locator(".vote").last.click()
            camera.keep("complaint")


def _unfold(turn: Locator) -> None:
    """Open the first element of each kind that opens."""
    if turn.locator(".withheld summary").count():
        turn.locator(".withheld summary").click()
    if turn.locator(".marker").count():
        turn.locator(".marker").first.click()
    elif turn.locator(".card-head").count():
        turn.locator(".card-head").first.click()


def _waiting(camera: Camera) -> None:
    visit = camera.visit
    for state in ("working", "lost"):
        visit.service.go_on.clear()
        _fresh(visit, "/embed")
        visit.chat.locator("#question").fill(QUESTIONS[state])
        visit.chat.locator("#question").press("Enter")
        visit.chat.locator(".marker").wait_for()
        if state == "working":
            camera.keep("working")
            visit.chat.locator(".stop").click()
        visit.service.go_on.set()
        visit.chat.locator(".verdict").wait_for()
        camera.keep("stopped" if state == "working" else "lost")


def _launcher(camera: Camera, scheme: str) -> None:
    visit = camera.visit
    for language, title in (("en", "Ask our archive"), ("de", "Fragen Sie unser Archiv"), ("ar", "اسأل أرشيفنا")):
        visit.host(HOST.replace("LANG", language).replace("TITLE", title).replace("THEME", scheme))
        visit.page.evaluate("sessionStorage.clear()")
        visit.page.reload()
        camera.keep(f"launcher-{language}")
        visit.chat.locator(".launcher").click()
        camera.keep(f"dialog-empty-{language}")
        visit.ask(QUESTIONS["scripts" if language == "ar" else "checked"]).locator(".marker").first.click()
        camera.keep(f"dialog-{language}")


def _fresh(visit: Visit, path: str) -> None:
    visit.open(path)
    visit.page.evaluate("sessionStorage.clear()")
    visit.page.reload()


if __name__ == "__main__":
    main()
