"""Formats of JSON that other systems write: how an entry of each is recognised, and where it states its fields.

Ghost and ninjs have modules of their own; an entry of any other shape needs `body` or `text`, or a field map.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ingest.load.article import RawArticle, normal_name
from ingest.load.export import Entry, Export, Format, byline_names, global_id, no_article
from ingest.load.fieldmap import mapped_fields, value_at
from ingest.load.ghost import GHOST
from ingest.load.ninjs import NINJS
from ingest.load.wordpress import NOT_ARTICLES
from ingest.report import ArticleRejected, Notice, short_repr

PARTIAL = "partial"
"""The tag of an article whose file has only the beginning of its text."""

# Only the beginning of a story: NewsAPI cuts the content after 200 characters.
_CUT = re.compile(r"(?<!\s)\s*(?:(?:…|\.\.\.)\s*)?\[\+\d[\d,]* chars?\]\s*\Z")
_DIGITS = 10
_SCHEME = re.compile(r"\Ahttps?://", re.IGNORECASE)
_JSON_FEED = "https://jsonfeed.org/version/"
_NOT_STORIES = frozenset(map(normal_name, NOT_ARTICLES))


def _wordpress(entry: Entry, _: Export) -> Entry:
    """Resolve the embedded terms of a post; without `_embed` the post has only their numbers."""
    terms: dict[str, list[object]] = {}
    for group in _lists(value_at(entry, "_embedded.wp:term")):
        for term in filter(None, map(_object, _lists(group))):
            terms.setdefault(str(term.get("taxonomy")), []).append(term)
    categories = [term for term in terms.get("category", ()) if value_at(term, "slug") != "uncategorized"]
    protected = value_at(entry, "content.protected") is True
    return {
        **entry,
        "category": categories[:1],
        "post_tag": [*categories[1:], *terms.get("post_tag", ())],
        "password": protected or entry.get("password") or None,
    }


def _is_no_post(entry: Entry, origin: str) -> ArticleRejected | None:
    kind = normal_name(str(entry.get("type") or ""))
    return no_article(origin, f"type is {entry['type']!r}") if kind in _NOT_STORIES else None


def _guardian(entry: Entry, _: Export) -> Entry:
    """Divide the tags by type, and the byline into names."""
    tags = [tag for tag in map(_object, _lists(entry.get("tags"))) if tag]
    return {
        **entry,
        "contributors": [tag for tag in tags if tag.get("type") == "contributor"],
        "tags": [tag for tag in tags if tag.get("type") in ("keyword", None)],
        "fields": {**_object(entry.get("fields")), "byline": byline_names(value_at(entry, "fields.byline"))},
    }


def _has_no_guardian_body(entry: Entry, origin: str) -> ArticleRejected | None:
    if any(value_at(entry, path) for path in GUARDIAN.fields["body"]):
        return None
    reason = "it has no fields.body or fields.bodyText: fetch it with show-fields=body,byline,lastModified"
    return ArticleRejected(origin, reason, "empty")


def _json_feed(entry: Entry, export: Export) -> Entry:
    """Add what the feed states for all its items."""
    authors = entry.get("authors") or entry.get("author") or export.get("authors") or export.get("author")
    return {
        **entry,
        "id": entry.get("id") or entry.get("url"),
        "authors": _lists(authors) or [authors],
        "feed": {"title": export.get("title"), "home_page_url": export.get("home_page_url")},
        "language": entry.get("language") or export.get("language"),
    }


def _newsapi(entry: Entry, _: Export) -> Entry:
    content = entry.get("content")
    if not isinstance(content, str) or not _CUT.search(content):
        return entry
    return {**entry, "content": _whole_sentences(_CUT.sub("…", content)), "tags": [PARTIAL]}


def _whole_sentences(text: str) -> str:
    """Return a text without the sentence in which it is cut, unless it has no other."""
    from index.text import sentence_spans

    spans = list(sentence_spans(text))
    return text[: spans[-2].end] if len(spans) > 1 else text


def _cut_notice(entry: Entry, origin: str) -> tuple[Notice, ...]:
    """Return a notice if NewsAPI cut the text of an article."""
    cut = _CUT.search(str(entry.get("content") or ""))
    if not cut:
        return ()
    problem = f"the rest is not in the file, and the article gets the tag {PARTIAL!r}; ingest its url for all of it"
    return (Notice("partial", origin, f"content ends with {short_repr(cut[0].strip(' …'))}; {problem}"),)


WORDPRESS = Format(
    "WordPress REST",
    (("title", "content", "link"), ("title", "content", "dategmt")),
    fields={
        "id": ("guid.rendered", "link", "id"),
        "title": ("title.rendered",),
        "body": ("content.rendered",),
        "url": ("link",),
        "authors": ("_embedded.author.*.name",),
        "section": ("category.0.name",),
        "tags": ("post_tag.*.name",),
        "language": ("lang",),
        "published_at": ("date_gmt",),
        "updated_at": ("modified_gmt",),
    },
    needs=("content.rendered",),
    marks=("status", "password", "content.protected", "type"),
    prepare=_wordpress,
    refuse=_is_no_post,
)
GUARDIAN = Format(
    "Guardian",
    (("webtitle", "weburl"), ("webtitle", "webpublicationdate")),
    fields={
        "id": ("webUrl", "id"),
        "title": ("webTitle", "fields.headline"),
        "body": ("fields.body", "fields.bodyText", "blocks.body.*.bodyHtml", "blocks.body.*.bodyTextSummary"),
        "url": ("webUrl",),
        "source": ("fields.publication",),
        "authors": ("contributors.*.webTitle", "fields.byline"),
        "section": ("sectionName",),
        "tags": ("tags.*.webTitle",),
        "language": ("fields.lang",),
        "published_at": ("webPublicationDate",),
        "updated_at": ("fields.lastModified",),
    },
    prepare=_guardian,
    refuse=_has_no_guardian_body,
    public=True,
)
NEWSAPI = Format(
    "NewsAPI",
    (("source", "publishedat", "content", "urltoimage"), ("source", "publishedat", "content", "description")),
    fields={
        "id": ("url",),
        "title": ("title",),
        "body": ("content",),
        "url": ("url",),
        "source": ("source.name",),
        "authors": ("author",),
        "tags": ("tags",),
        "published_at": ("publishedAt",),
    },
    prepare=_newsapi,
    notices=_cut_notice,
    public=True,
    # The page of an article has all its text, under the id of the address.
    id_prefix="newsapi:",
)
JSON_FEED = Format(
    "JSON Feed",
    (("contenthtml",), ("contenttext",), ("datepublished", "url", "summary")),
    fields={
        "id": ("id",),
        "title": ("title",),
        "body": ("content_html", "content_text"),
        "url": ("url",),
        "source": ("feed.title",),
        "authors": ("authors.*.name",),
        "tags": ("tags",),
        "language": ("language",),
        "published_at": ("date_published",),
        "updated_at": ("date_modified",),
    },
    prepare=_json_feed,
    public=True,
)
FORMATS = (GHOST, NINJS, WORDPRESS, GUARDIAN, JSON_FEED, NEWSAPI)
"""The formats, the most distinct first."""

LISTS = (
    "articles",
    "response.results",
    "response.content",
    "db.0.data.posts",
    "data.posts",
    "posts",
    "items",
    "_items",
)
"""Paths to the list of articles in an export."""

_normal_name = lru_cache(maxsize=4_096)(normal_name)


def format_of(entry: Entry, export: Export | None = None) -> Format | None:
    """Return the format of an entry; None if it is none of these, or has a `body` or `text` of its own.

    An item of a JSON Feed may have nothing that items always have.
    """
    if str((export or {}).get("version")).startswith(_JSON_FEED):
        return JSON_FEED
    if isinstance(entry.get("body"), str) or isinstance(entry.get("text"), str):
        return None
    names = {_normal_name(name) for name in entry}
    return next((each for each in FORMATS if each.fits(entry, names)), None)


def list_in(found: Mapping[str, Any]) -> list[object] | None:
    """Return the list of articles in an export; None if the object is itself an article, or has no such list."""
    if isinstance(found.get("body"), str) or isinstance(found.get("text"), str):
        return None
    for path in LISTS:
        items = value_at(found, path)
        if isinstance(items, list):
            return items
        if isinstance(items, Mapping) and path == "response.content":
            return [items]
    return None


def version_of(entry: object) -> int:
    """Return the number of a version, so that the versions of one date are read in their order; 0 if it has none."""
    stated = entry.get("version") if isinstance(entry, Mapping) and "uri" in entry else None
    return int(stated) if isinstance(stated, str) and stated.isdecimal() and len(stated) < _DIGITS else 0


def raw_article(form: Format, entry: Entry, export: Export, origin: str, fallback_id: str) -> RawArticle:
    """Return the fields of an entry of a format.

    Raises:
        ArticleRejected: The entry is not an article, or has no text.
    """
    if rejection := form.refuse(entry, origin):
        raise rejection
    prepared = form.prepare(entry, export)
    fields = mapped_fields(prepared, form.fields)
    marks = {name: value_at(prepared, name) for name in form.marks}
    scope = str(value_at(prepared, "feed.home_page_url") or fields.get("source") or "")
    stated = fields.get("id")
    if form.id_prefix and isinstance(stated, str):
        stated = f"{form.id_prefix}{_SCHEME.sub('', stated)}"
    identity = global_id(stated, scope)
    return RawArticle(
        origin,
        fallback_id,
        {**fields, **marks, "id": identity},
        form.public,
        notices=form.notices(entry, origin),
        text_at=form.fields["body"],
    )


def _lists(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
