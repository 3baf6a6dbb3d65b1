"""One service for all tests of the pages, a browser for each file, a page for each test."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.samples import made_once
from tests.widget.browsing import Visit, chromium, launched
from tests.widget.newsroom import indexed
from tests.widget.replies import BY_QUESTION, events
from tests.widget.scripted_service import ScriptedService, Streamed, encoded, running, service_on

TIMEOUT_MS = 30_000
expect.set_options(timeout=TIMEOUT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests that need a Chromium if it is missing."""
    if chromium() is None:
        missing = pytest.mark.skip(reason="no Chromium is installed: apt install chromium")
        for item in items:
            if "visit" in getattr(item, "fixturenames", ()) or "new_visit" in getattr(item, "fixturenames", ()):
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
    """Start the service on loopback; yield it and its port."""
    with running(lambda port: service_on(data, models, port)) as (service, port):
        yield service, port


@pytest.fixture
def new_visit(browser: Browser, served: tuple[ScriptedService, int]) -> Iterator[Callable[..., Visit]]:
    """Yield a function that makes visits; its options are those of a browser context, such as `color_scheme`."""
    service, port = served
    service.scripts = {question: Streamed(encoded(events(reply))) for question, reply in BY_QUESTION.items()}
    service.pages = {}
    service.asked.clear()
    service.left.clear()
    service.go_on.clear()
    visits: list[Visit] = []

    def new(**options: object) -> Visit:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(TIMEOUT_MS)
        visits.append(Visit(context, context.new_page(), service, port))
        return visits[-1]

    yield new
    service.go_on.set()
    for visit in visits:
        visit.context.close()


@pytest.fixture
def visit(new_visit: Callable[..., Visit]) -> Visit:
    """Return a visit on a desktop with the light theme."""
    return new_visit(color_scheme="light", viewport={"width": 1200, "height": 900})
