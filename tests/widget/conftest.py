"""One service for all tests of the pages, a browser and a context for each file, a page for each test."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.samples import made_once
from tests.widget.browsing import DESKTOP, TIMEOUT_MS, Visit, chromium, launched, watched
from tests.widget.newsroom import indexed
from tests.widget.replies import BY_QUESTION, events
from tests.widget.scripted_service import ScriptedService, Streamed, encoded, running, service_on

expect.set_options(timeout=TIMEOUT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests that need a Chromium if it is missing."""
    if chromium() is None:
        missing = pytest.mark.skip(reason="no Chromium is installed: apt install chromium-headless-shell")
        for item in items:
            if "browser" in getattr(item, "fixturenames", ()):
                item.add_marker(missing)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report at the end which tests were skipped without a Chromium."""
    if chromium() is None:
        terminalreporter.write_line("No Chromium is installed: the tests of pages in a browser were skipped.")


# Not for the session: while Playwright runs, other tests cannot run an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Launch a headless Chromium."""
    with sync_playwright() as playwright:
        browser = launched(playwright, chromium() or "")
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Path:
    """Return this worker's copy of an index of the sample articles and of some that are hard to render."""
    made = made_once(tmp_path_factory, "hard", lambda folder: indexed(folder, models))
    return shutil.copytree(made / "data", tmp_path_factory.mktemp("widget") / "data")


@pytest.fixture(scope="session")
def served(data: Path, models: Path) -> Iterator[tuple[ScriptedService, int]]:
    """Start the service on loopback, with keys; yield it and its port."""
    with running(lambda port: service_on(data, models, port, with_keys=True)) as (service, port):
        yield service, port


@pytest.fixture
def scripted(served: tuple[ScriptedService, int]) -> Iterator[tuple[ScriptedService, int]]:
    """Yield the service with its usual scripts, and its port; no reply is held after the test."""
    service, port = served
    service.scripts = {question: Streamed(encoded(events(reply))) for question, reply in BY_QUESTION.items()}
    service.pages = {}
    service.asked.clear()
    service.left.clear()
    service.go_on.clear()
    yield service, port
    service.go_on.set()


@pytest.fixture
def new_visit(browser: Browser, scripted: tuple[ScriptedService, int]) -> Iterator[Callable[..., Visit]]:
    """Yield a function that makes visits, each in a browser context of its own with these options."""
    service, port = scripted
    visits: list[Visit] = []

    def new(**options: object) -> Visit:
        context = watched(browser, **options)
        visits.append(Visit(context, context.new_page(), service, port))
        return visits[-1]

    yield new
    service.go_on.set()
    for visit in visits:
        visit.context.close()


@pytest.fixture(scope="module")
def desktop(browser: Browser) -> Iterator[BrowserContext]:
    """Yield a browser context that the tests of a file share: starting one takes longer than most of them."""
    context = watched(browser, **DESKTOP)
    yield context
    context.close()


@pytest.fixture
def visit(desktop: BrowserContext, scripted: tuple[ScriptedService, int]) -> Iterator[Visit]:
    """Yield a visit on a desktop with the light theme, in a page of its own.

    The clock of its context cannot be reset: use `new_visit(**DESKTOP)` to set the time.
    """
    service, port = scripted
    visit = Visit(desktop, desktop.new_page(), service, port)
    yield visit
    service.go_on.set()
    visit.leave()
