"""Pictures of every state, light and dark, desktop and phone: `python -m tests.widget.screenshots OUT`."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from index.embedding.local import LocalEmbedder
from ingest.job import Ingest, run
from ingest.progress import Progress
from service.api.app import create_app
from service.build import build_pipeline
from tests.service.conftest import ARTICLES, settings_for
from tests.widget.browsing import Visit, chromium, launched
from tests.widget.newsroom import write_articles
from tests.widget.replies import BY_QUESTION, events
from tests.widget.scripted_service import Refused, ScriptedService, Streamed, encoded, running

SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 740}}
HOST = """<!doctype html><html lang="LANG"><meta name="viewport" content="width=device-width"><title>The Courier</title>
<body><h1>The Varn Sound Courier</h1><p>Ferries sail again, and the kittiwakes are back on their cliffs.</p>
<script src="HOME/widget.js" data-title="TITLE" data-theme="THEME" defer></script></body></html>"""


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
        for scheme in ("light", "dark"):
            for size in SIZES:
                _shoot(browser, service, port, out, scheme, size)
        browser.close()


@contextmanager
def _served(folder: Path) -> Iterator[tuple[ScriptedService, int]]:
    write_articles(folder)
    data, models = folder / "data", folder / "models"
    run(Ingest((ARTICLES, folder / "hard.jsonl"), data, "english"), LocalEmbedder(models), Progress(quiet=True))

    def build(port: int) -> ScriptedService:
        settings = settings_for(data, models, allowed_origins=f"http://localhost:{port}")
        return ScriptedService(create_app(settings, build_pipeline(settings)), settings.allowed_origins)

    with running(build) as (service, port):
        yield service, port


def _shoot(browser: Browser, service: ScriptedService, port: int, out: Path, scheme: str, size: str) -> None:
    context = browser.new_context(color_scheme=scheme, viewport=SIZES[size])  # type: ignore[arg-type]
    visit = Visit(context, context.new_page(), service, port)

    def keep(name: str, *, full: bool = False) -> None:
        visit.page.wait_for_timeout(400)
        visit.page.screenshot(path=out / f"{name}-{size}-{scheme}.png", full_page=full)

    _pages(visit, keep)
    _states(visit, keep)
    _launcher(visit, keep, scheme)
    context.close()


def _pages(visit: Visit, keep) -> None:  # type: ignore[no-untyped-def]
    visit.open()
    keep("demo", full=True)
    visit.open("/articles")
    keep("articles")
    visit.open("/articles/emoji-parade?start=52&end=90")
    keep("article")
    visit.open("/articles/arabic-port?start=33&end=80")
    keep("article-rtl")


def _states(visit: Visit, keep) -> None:  # type: ignore[no-untyped-def]
    service = visit.service
    service.scripts = {question: Streamed(encoded(events(reply))) for question, reply in BY_QUESTION.items()}
    pieces = encoded(events(BY_QUESTION["proven"]))
    service.scripts |= {
        "working": Streamed(pieces, held=4),
        "lost": Streamed(pieces[:5], held=4, breaks=True),
        "overloaded": Refused(503, "overloaded", "32 questions are being answered, which is the limit."),
        "failed": Refused(500, "internal", "Something went wrong here; the log has more."),
    }
    for state in (*BY_QUESTION, "lost", "overloaded", "failed"):
        visit.open("/embed")
        visit.page.evaluate("sessionStorage.clear()")
        visit.page.reload()
        service.go_on.set()
        turn = visit.ask(state)
        if turn.locator(".withheld summary").count():
            turn.locator(".withheld summary").click()
        if turn.locator(".marker").count():
            turn.locator(".marker").first.click()
        elif turn.locator(".card-head").count():
            turn.locator(".card-head").first.click()
        keep(state)
        if state == "proven":
            turn.locator(".vote").last.click()
            keep("complaint")
    visit.open("/embed")
    visit.page.evaluate("sessionStorage.clear()")
    visit.page.reload()
    service.go_on.clear()
    visit.chat.locator("#question").fill("working")
    visit.chat.locator("#question").press("Enter")
    visit.chat.locator(".marker").wait_for()
    keep("working")
    visit.chat.locator(".stop").click()
    keep("stopped")


def _launcher(visit: Visit, keep, scheme: str) -> None:  # type: ignore[no-untyped-def]
    for language, title in (("en", "Ask our archive"), ("ar", "اسأل أرشيفنا")):
        page = HOST.replace("LANG", language).replace("TITLE", title).replace("THEME", scheme)
        visit.host(page)
        visit.page.evaluate("sessionStorage.clear()")
        visit.page.reload()
        keep(f"launcher-{language}")
        visit.chat.locator(".launcher").click()
        keep(f"dialog-empty-{language}")
        visit.ask("scripts" if language == "ar" else "proven")
        visit.chat.locator(".marker").first.click()
        keep(f"dialog-{language}")


if __name__ == "__main__":
    main()
