"""ninjs, the IPTC's news in JSON: versions 1.x with one body and headline, 2.x and 3.x with lists of them."""

from collections.abc import Mapping

from ingest.load.export import Entry, Export, Format, byline_names, no_article
from ingest.load.fieldmap import value_at
from ingest.report import ArticleRejected

# Bodies and headlines that are not those of the story.
_SHORT = ("abstract", "alert", "caption", "leadin", "preview", "seo", "short", "sms", "summary", "teaser")
_STORIES = frozenset(("", "text", "composite"))


def _prepared(entry: Entry, _: Export) -> Entry:
    """Choose the body and the headline of the story, and divide the byline into names."""
    return {
        **entry,
        "bodies": _of_story(value_at(entry, "bodies"), by_length=True),
        "headlines": _of_story(value_at(entry, "headlines")),
        "byline": byline_names(value_at(entry, "byline")),
        "by": byline_names(value_at(entry, "by")),
    }


def _of_story(stated: object, *, by_length: bool = False) -> list[Entry]:
    """Return the texts of a list, the one of the story first: the main one, HTML before plain text."""
    items = [item for item in stated if isinstance(item, Mapping)] if isinstance(stated, list) else []
    texts = [item for item in items if isinstance(value_at(item, "value"), str) and value_at(item, "value")]

    def rank(item: Entry) -> tuple[bool, bool, bool, int]:
        role = str(value_at(item, "role") or "").casefold()
        is_html = "html" in str(value_at(item, "contenttype") or role).casefold()
        length = len(str(value_at(item, "value"))) if by_length else 0
        return any(word in role for word in _SHORT), not is_html, role not in ("", "main"), -length

    ranked = sorted(texts, key=rank)
    return [item for item in ranked if not rank(item)[0]] if by_length else ranked


def _is_no_story(entry: Entry, origin: str) -> ArticleRejected | None:
    kind = str(value_at(entry, "type") or "")
    if kind.casefold() not in _STORIES:
        return no_article(origin, f"type is {kind!r}")
    # A message that takes an item down has no text.
    is_usable = value_at(entry, "pubstatus") in (None, "usable")
    if is_usable and value_at(entry, "representationtype") == "partial":
        reason = "representationtype is 'partial', so it has only a part of the text: fetch the full item"
        return ArticleRejected(origin, reason, "partial")
    return None


NINJS = Format(
    "ninjs",
    tuple(
        ("uri", name)
        for name in ("pubstatus", "versioncreated", "bodies", "headlines", "bodyhtml", "bodyxhtml", "bodytext")
    ),
    fields={
        "id": ("uri",),
        "title": ("headlines.0.value", "headline"),
        "body": ("bodies.0.value", "body_html", "body_xhtml", "body_text"),
        "url": ("url",),
        "source": ("infosources.0.name", "infosource.0.name", "source", "copyrightholder"),
        "authors": ("authors.*.name", "bylines.*.value", "byline", "by"),
        "section": ("service.0.name",),
        "tags": ("subjects.*.name", "subject.*.name", "keywords"),
        "language": ("language",),
        "published_at": ("firstcreated", "contentcreated", "versioncreated"),
        "updated_at": ("versioncreated",),
    },
    marks=("pubstatus", "embargoed", "type", "representationtype"),
    prepare=_prepared,
    refuse=_is_no_story,
)
