"""Ghost: posts of an export or of its API, and the text of its two editors, Lexical and Mobiledoc."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from html import escape
from typing import Any

from ingest.load.export import SITE, Entry, Export, Format, no_article
from ingest.load.fieldmap import value_at
from ingest.load.page import html_to_text
from ingest.report import ArticleRejected

_BLOCKS = {"paragraph": "p", "quote": "blockquote", "aside": "blockquote", "list": "ul", "listitem": "li"}
_SECTIONS = {"p": "p", "blockquote": "blockquote", "aside": "blockquote", "pull-quote": "blockquote"}
# The text of a card, in Lexical and in Mobiledoc; the text of buttons, embeds and calls to subscribe is not news.
_HTML_CARDS = ("html", "callout", "toggle", "image", "gallery", "video", "audio", "markdown", "card-markdown", "header")
_CARD_TEXTS = ("heading", "calloutText", "html", "markdown", "content", "caption")


def _prepared(entry: Entry, export: Export) -> Entry:
    """Resolve the authors and tags of a post, and convert its editor's format to text."""
    posts = _Links(export)
    authors = entry.get("authors") or posts.of("posts_authors", "author_id", "users", entry.get("id"))
    if not authors:
        authors = posts.named("users", entry.get("author_id") or entry.get("author"))
    tags = entry.get("tags") or posts.of("posts_tags", "tag_id", "tags", entry.get("id"))
    # Internal tags, such as #newsletter, are for the theme of the site.
    shown = [tag for tag in _objects(tags) if not str(tag.get("name")).startswith("#")]
    site, slug = export.get(SITE), entry.get("slug")
    # An export has no address of its site; by default a post is at its slug.
    address = f"{str(site).rstrip('/')}/{slug}/" if site and slug and not entry.get("url") else entry.get("url")
    prepared = {
        **entry,
        "url": address,
        "authors": authors,
        "primary_tag": shown[0] if shown else None,
        "tags": shown[1:],
    }
    if not str(entry.get("html") or "").strip():
        prepared |= {"lexical": _text(entry, "lexical", _lexical), "mobiledoc": _text(entry, "mobiledoc", _mobiledoc)}
    return prepared


def _is_hidden(entry: Entry, origin: str) -> ArticleRejected | None:
    status, kind = entry.get("status"), entry.get("type")
    # The message about a draft or a scheduled post has its date; `sent` is a newsletter without a page.
    if status not in (None, "", "published", "draft", "scheduled"):
        return no_article(origin, f"status is {status!r}")
    if kind not in (None, "", "post"):
        return no_article(origin, f"type is {kind!r}")
    if str(entry.get("page") or "0").lower() not in ("0", "false"):
        return no_article(origin, f"page is {entry['page']!r}")
    return None


GHOST = Format(
    "Ghost",
    (("slug", "html"), ("slug", "lexical"), ("slug", "mobiledoc")),
    fields={
        "id": ("uuid", "id"),
        "title": ("title",),
        "body": ("html", "lexical", "mobiledoc", "plaintext"),
        "url": ("canonical_url", "url"),
        "authors": ("authors.*.name",),
        "section": ("primary_tag.name",),
        "tags": ("tags.*.name",),
        "language": ("locale",),
        "published_at": ("published_at",),
        "updated_at": ("updated_at",),
    },
    marks=("status", "visibility", "type"),
    prepare=_prepared,
    refuse=_is_hidden,
)


class _Links:
    """The tables of an export that connect posts with authors and tags."""

    def __init__(self, export: Export) -> None:
        data = value_at(export, "db.0.data") or export.get("data") or export
        self._data: Mapping[str, Any] = data if isinstance(data, Mapping) else {}

    def of(self, table: str, key: str, named: str, post_id: object) -> list[Entry]:
        """Return the objects of `named` that a table connects with a post, in their order."""
        rows = [row for row in _objects(self._data.get(table)) if post_id and row.get("post_id") == post_id]
        rows.sort(key=lambda row: _number(row.get("sort_order")))
        return [found for row in rows for found in self.named(named, row.get(key))]

    def named(self, table: str, key: object) -> list[Entry]:
        """Return the object of a table with an id, in a list."""
        return [row for row in _objects(self._data.get(table)) if key and row.get("id") == key][:1]


def _number(stated: object) -> float:
    with suppress(TypeError, ValueError):
        return float(str(stated))
    return 0.0


def _objects(value: object) -> list[Entry]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _text(entry: Entry, name: str, html: Callable[[Mapping[str, Any]], Iterator[str]]) -> str:
    """Return the text of a field that contains an editor's document as JSON; empty if it is another."""
    with suppress(ValueError, RecursionError, TypeError, AttributeError, LookupError):
        return html_to_text("".join(html(json.loads(str(entry.get(name) or "{}"), parse_int=str))))
    return ""


def _lexical(document: Mapping[str, Any]) -> Iterator[str]:
    yield from _nodes(document.get("root") or {})


def _nodes(node: Mapping[str, Any]) -> Iterator[str]:
    kind = str(node.get("type") or "").removeprefix("extended-")
    if isinstance(node.get("text"), str):
        yield escape(node["text"])
    elif kind == "linebreak":
        yield "<br>"
    elif kind in _HTML_CARDS:
        yield from _card(node)
    tag = _BLOCKS.get(kind) or ("h2" if kind.endswith("heading") else "")
    yield f"<{tag}>" if tag else ""
    for child in _objects(node.get("children")):
        yield from _nodes(child)
    yield f"</{tag}>" if tag else ""


def _card(card: Mapping[str, Any]) -> Iterator[str]:
    for name in _CARD_TEXTS:
        if isinstance(card.get(name), str) and card[name]:
            # A line of Markdown is a line.
            written = card[name].replace("\n", "<br>") if name == "markdown" else card[name]
            yield f"<div>{written}</div>"


def _mobiledoc(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the sections of a document as HTML: [1, tag, markers], [3, list tag, items], [10, card]."""
    cards = document.get("cards") or []
    atoms = document.get("atoms") or []
    for kind, *section in document.get("sections") or []:
        if kind == "1":
            tag = _SECTIONS.get(section[0], "h2")
            yield f"<{tag}>{_markers(section[1], atoms)}</{tag}>"
        elif kind == "3":
            items = "".join(f"<li>{_markers(item, atoms)}</li>" for item in section[1])
            yield f"<ul>{items}</ul>"
        elif kind == "10":
            name, payload = cards[int(section[0])][:2]
            if name in _HTML_CARDS:
                yield from _card(payload)


def _markers(markers: list[Any], atoms: list[Any]) -> str:
    """Return the text of markers: [0, opened, closed, text], [1, opened, closed, atom]."""
    return "".join(
        escape(value) if kind == "0" else "<br>" if atoms[int(value)][0] == "soft-return" else ""
        for kind, _, _, value in markers
    )
