"""The templates of every page, and the files that pages load: styles, a script, an icon and the widget.

The widget's script is made of the ES modules of `service/widget`, joined into one classic script, and so is that of the
explanation of answers, which only some pages load.
"""

import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi.responses import HTMLResponse

from index.errors import DatelineError, IndexNotFound
from service.answer import day
from service.api.article_text import opening, render, web_address

if TYPE_CHECKING:
    from jinja2 import Environment

WIDGET = Path(__file__).resolve().parents[1] / "widget"
SCRIPTS = {"widget.js": (WIDGET, "chat.js"), "explanation.js": (WIDGET / "explanation", "explanation.js")}
"""The folder and the entry module of each script that pages of any origin may load."""

FOLDER = Path(__file__).parent / "page"

NO_ARTICLES = "No articles have been added yet."
NOT_NOW = "The articles cannot be read at the moment. Please try again later."

_IMPORT = re.compile(
    r'^import (?:\{ [\w, ]+ \}|(?P<style>\w+)) from "\./(?P<file>[\w.-]+)"(?: with \{ type: "css" \})?;\n', re.MULTILINE
)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) \w)", re.MULTILINE)
_UNKNOWN = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_NAME = re.compile(r"^(?:async )?(?:function\*?|class|const|let) (\w+)", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?:/\*\*.*?\*/|//[^\n]*)\n|/\*\* @type .*?\*/ ?", re.MULTILINE | re.DOTALL)
_INDENT = re.compile(r"^\s+", re.MULTILINE)
_STYLE_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_STYLE_SPACE = re.compile(r"\s*([{};,]|$)\s*")
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def join_modules(folder: Path, entry: str) -> str:
    """Return an entry module after the modules that it imports, in one scope, without comments and indentation.

    Imported style sheets become constructed ones. A text in a module must not go over several lines. Raises ValueError
    for other forms of import and export than the widget's, and for a name that two modules define.
    """
    done: dict[str, str] = {}
    names: dict[str, str] = {}
    _add(folder, entry, done, names)
    return '(() => {\n"use strict";\n' + "".join(done.values()) + "})();\n"


def _add(folder: Path, name: str, done: dict[str, str], names: dict[str, str]) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    for needed in _IMPORT.finditer(text):
        if needed["style"]:
            done[needed["file"]] = _style(needed["style"], folder / needed["file"])
        elif needed["file"] not in done:
            _add(folder, needed["file"], done, names)
    code = _EXPORT.sub("", _IMPORT.sub("", _COMMENT.sub("", text)))
    if unknown := _UNKNOWN.search(code):
        raise ValueError(
            f'{name}: found {unknown[0]!r}, expected `import {{ a, b }} from "./file.js";` on one line, or `export`'
            " before a function, a class or a const"
        )
    for found in _NAME.finditer(code):
        if (other := names.setdefault(found[1], name)) != name:
            raise ValueError(f"{other} and {name} both define {found[1]!r}; rename one of them")
    done[name] = _INDENT.sub("", code)


def _style(variable: str, file: Path) -> str:
    rules = _STYLE_SPACE.sub(r"\1", _STYLE_COMMENT.sub("", file.read_text(encoding="utf-8")))
    return (
        f"const {variable} = new CSSStyleSheet();\n{variable}.replaceSync({json.dumps(rules, ensure_ascii=False)});\n"
    )


def policy(frame_ancestors: tuple[str, ...] = ("'none'",)) -> dict[str, str]:
    """Return the headers of a page: it loads only files of this service, and only `frame_ancestors` may frame it."""
    return {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " img-src 'self'; base-uri 'none'; form-action 'none';"
        f" frame-ancestors {' '.join(frame_ancestors)}; require-trusted-types-for 'script'; trusted-types 'none'",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def page(name: str, status: int = 200, headers: dict[str, str] | None = None, **values: object) -> HTMLResponse:
    """Return a page from its template, with every value escaped; `headers` replaces the usual policy.

    Browsers cache a page and validate it each time; an error is not cached. Search engines may index it only with
    `indexed=True`.
    """
    text = _environment().get_template(f"{name}.html.jinja2").render(values)
    cached = {"Cache-Control": "no-cache", "ETag": f'"{_digest(text.encode())}"'}
    return HTMLResponse(
        text, status, (cached if status == 200 else {"Cache-Control": "no-store"}) | (headers or policy())
    )


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent; `digest` is the start of the SHA-256 of its bytes."""

    plain: bytes
    gzipped: bytes
    digest: str
    media_type: str


@cache
def page_asset(name: str) -> Asset:
    """Return a file that pages load: a script of modules, or a file of the pages' folder."""
    plain = join_modules(*SCRIPTS[name]).encode() if name in SCRIPTS else (FOLDER / name).read_bytes()
    return Asset(plain, gzip.compress(plain, mtime=0), _digest(plain), _TYPES[Path(name).suffix])


def accepts(header: str, value: str) -> bool:
    """Return whether a header such as `Accept` names a value, with a quality above 0; a wildcard names none."""
    named = re.compile(rf"{value}\s*(?:;\s*q=(?:1(?:\.0*)?|0\.0*[1-9]\d*))?", re.IGNORECASE)
    return any(named.fullmatch(each.strip()) for each in header.split(","))


def user_notice(error: DatelineError) -> str:
    """Return the text for users if the articles cannot be read."""
    return NO_ARTICLES if isinstance(error, IndexNotFound) else NOT_NOW


def language_tag(language: str | None) -> str | None:
    """Return a language if it is a tag that a browser may understand."""
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
        "address": lambda name: f"/{name}?v={page_asset(name).digest}",
        "day": day,
        "json": partial(json.dumps, ensure_ascii=False),
        "language_tag": language_tag,
        "markdown": lambda text: render(text).html,
        "opening": opening,
        "web_address": web_address,
    }
    return environment


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
