"""Our pages: templates in, HTML out, under a policy that lets nothing of an article become a script."""

import re
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.responses import HTMLResponse

from service.api.article_text import opening
from service.api.assets import FOLDER, asset_address, digest_of
from service.api.bundle import widget_script
from service.api.web_address import web_address

if TYPE_CHECKING:
    from jinja2 import Environment

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def policy(frame_ancestors: tuple[str, ...] = ("'none'",)) -> dict[str, str]:
    """The headers of a page: no inline script or style, nothing from elsewhere, framed by these alone."""
    directives = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        f"frame-ancestors {' '.join(frame_ancestors)}",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(directives),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def page(name: str, status: int = 200, headers: dict[str, str] | None = None, **values: object) -> HTMLResponse:
    """A page from its template; every value is escaped. `headers` takes the place of the usual policy.

    Browsers keep a page and ask each time whether it is still the same; errors are not kept.
    """
    text = _environment().get_template(f"{name}.html.jinja2").render(widget=widget_script().digest, **values)
    cached = {"Cache-Control": "no-cache", "ETag": f'"{digest_of(text.encode())}"'}
    kept = cached if status == 200 else {"Cache-Control": "no-store"}
    return HTMLResponse(text, status, kept | (policy() if headers is None else headers))


def base_address(request: Request) -> str:
    """Return the address at which readers reach the service, without a slash at its end."""
    return str(request.app.state.public_url or request.base_url).rstrip("/")


def day(moment: datetime | str | None) -> str:
    """The day of a moment in UTC, such as `3 May 2026`; `undated` where it is unknown."""
    if moment is None:
        return "undated"
    known = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{known.day} {known:%B %Y}"


def language_tag(language: str | None) -> str | None:
    """The language if it is a tag that a browser may understand."""
    return language if language and _LANGUAGE.fullmatch(language) else None


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "address": asset_address,
        "day": day,
        "language_tag": language_tag,
        "opening": opening,
        "web_address": web_address,
    }
    return environment
