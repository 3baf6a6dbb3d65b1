"""A browser's page for tests, with its requests, its errors and its policy violations."""

import re
import shutil
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    Request,
    WebError,
)

from tests.widget.scripted_service import ScriptedService

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Programs that can run the tests, the cheapest first: a page in the shell takes a third of the processor time."""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""
DESKTOP = {"color_scheme": "light", "viewport": {"width": 1200, "height": 900}}
TIMEOUT_MS = 30_000
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def chromium() -> str | None:
    """Return the path of a Chromium, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def launched(playwright: Playwright, executable: str) -> Browser:
    """Launch a browser without background requests."""
    return playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)


def watched(browser: Browser, **options: object) -> BrowserContext:
    """Return a new context whose pages collect the violations of their policy; `options` are those of Playwright."""
    context = browser.new_context(**options)  # type: ignore[arg-type]
    context.set_default_timeout(TIMEOUT_MS)
    context.add_init_script(WATCH)
    return context


@dataclass
class Visit:
    """One page, and the service that it visits."""

    context: BrowserContext
    page: Page
    service: ScriptedService
    port: int
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("request", self._add_request)
        self.context.on("console", self._add_message)
        self.context.on("weberror", self._add_error)

    def leave(self) -> None:
        """Close the pages of the visit, and leave its context as it was."""
        self.context.remove_listener("request", self._add_request)
        self.context.remove_listener("console", self._add_message)
        self.context.remove_listener("weberror", self._add_error)
        for page in self.context.pages:
            page.close()
        self.context.set_offline(offline=False)
        self.context.clear_permissions()

    @property
    def home(self) -> str:
        """Return the service's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def elsewhere(self) -> str:
        """Return the address of the same server under another, allowed origin."""
        return f"http://localhost:{self.port}"

    def open(self, path: str = "/") -> "Visit":
        """Go to a page of the service."""
        self.page.goto(self.home + path)
        return self

    def host(self, text: str, headers: dict[str, str] | None = None) -> "Visit":
        """Go to a page of another host; `HOME` in it becomes the service's address, and its script tags get the key."""
        # Without quotation marks, because the tags may be in an attribute.
        if self.service.key:
            text = re.sub("<script(?= src)", f"<script data-key={self.service.key} ", text)
        self.service.pages["/host/page"] = (text.replace("HOME", self.home), headers or {})
        self.page.goto(f"{self.elsewhere}/host/page")
        return self

    @property
    def chat(self) -> Locator:
        """Return the chat element."""
        return self.page.locator("dateline-chat")

    def ask(self, question: str) -> Locator:
        """Type a question, press Enter and wait; return the turn with the answer."""
        self.chat.locator("#question").fill(question)
        self.chat.locator("#question").press("Enter")
        turn = self.chat.locator(".turn").last
        turn.locator(".verdict").wait_for()
        return turn

    def foreign(self) -> list[str]:
        """Return the requests to other hosts than the service."""
        own = {"127.0.0.1", "localhost"}
        return [
            url
            for url in self.requests
            if urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname not in own
        ]

    def violations(self) -> list[str]:
        """Return the violations of a content security policy on the page."""
        found: list[str] = self.page.evaluate("window.violations")
        return found

    def axe(self) -> list[str]:
        """Return axe's violations on the page, in shadow trees as well."""
        self.page.evaluate(AXE_SCRIPT)
        found: dict[str, Any] = self.page.evaluate(
            "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", AXE_TAGS
        )
        return [
            f"{each['id']}: {node['target']} {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]

    def _add_request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _add_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _add_error(self, error: WebError) -> None:
        self.errors.append(str(error.error))
