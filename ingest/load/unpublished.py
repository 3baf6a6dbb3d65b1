"""Find the marks of unpublished articles in an export; an unpublished article never enters an index."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from ingest.errors import short_repr
from ingest.load.dates import moment_of
from ingest.load.raw_article import Unreadable, normal_name

_STATUSES = (
    "status", "poststatus", "pubstatus", "publishstatus", "publishingstatus", "publicationstatus", "contentstatus",
    "workflowstate", "workflowstatus", "wpstatus", "visibility",
)  # fmt: skip
# ninjs defines usable, withheld and canceled; WordPress defines publish, and its plug-ins add any other words.
_ONLY_PUBLISHED = ("pubstatus", "wpstatus")
# Types of a WordPress export other than posts, pages and a newsroom's own types.
_TYPE = "wpposttype"
_NOT_ARTICLES = frozenset(
    "acffield acffieldgroup attachment customcss customizechangeset navmenuitem oembedcache revision userrequest"
    " wpblock wpfontface wpfontfamily wpglobalstyles wpnavigation wptemplate wptemplatepart".split()
)
_UNPUBLISHED = frozenset(
    "draft autodraft private pending pendingreview review inreview underreview needsreview future scheduled trash"
    " trashed deleted removed inherit revision embargo embargoed withheld canceled cancelled kill killed spike"
    " spiked withdrawn unpublished notpublished hidden hold onhold held inprogress wip workinprogress idea pitch"
    " assigned submitted rejected offline inactive disabled internal confidential password passwordprotected"
    " protected restricted unlisted 0 false no".split()
)  # fmt: skip
_PUBLISHED = frozenset(
    "publish published usable public live active approved final online visible current released posted ok open free"
    " members subscribers paid tiers sent 1 true yes".split()
)
_SET_WHEN_UNPUBLISHED = (
    "draft", "isdraft", "private", "isprivate", "unpublished", "deleted", "isdeleted", "trashed", "appdraft",
)  # fmt: skip
_SET_WHEN_PUBLISHED = ("published", "ispublished", "publish", "public", "ispublic")
_PASSWORDS = ("postpassword", "password", "wppostpassword")
_EMBARGOES = (
    "embargo", "embargoed", "embargodate", "embargodatetime", "embargotime", "embargoenddate", "embargoends",
    "embargountil", "embargoeduntil",
)  # fmt: skip
_SCHEDULES = ("publishat", "publishon", "scheduledat", "scheduledfor")
_MARKS = frozenset((*_STATUSES, *_SET_WHEN_UNPUBLISHED, *_PASSWORDS, *_EMBARGOES, *_SCHEDULES, "publish"))
_TRUE, _FALSE = frozenset(("true", "yes", "on", "1")), frozenset(("false", "no", "off", "0"))
_A_DAY = timedelta(days=1)


def mark_of_unpublished(fields: Mapping[str, object], now: datetime, *, public: bool) -> str | None:
    """Return why an article is unpublished at a time, for a message; None if it is published.

    In a `public` file, a publication date in the future is a mistake; in any other, the article is scheduled for it.
    """
    for name, value in fields.items():
        if value is not None and value != "" and _is_mark(normal_name(name), value, now):
            return f"{name} is {short_repr(value)}"
    published = _moment(fields.get("published_at"))
    if published and published > now + _A_DAY and not public:
        return f"it is scheduled for {published:%Y-%m-%d %H:%M} UTC"
    return None


def unknown_statuses(fields: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield the name and value of each status that is known neither as published nor as unpublished."""
    for name, value in fields.items():
        word = _word(value)
        if normal_name(name) in _STATUSES and word and word not in _PUBLISHED | _UNPUBLISHED:
            yield name, value


def _is_mark(name: str, value: object, now: datetime) -> bool:
    word = _word(value)
    if isinstance(value, Unreadable):
        return name in _MARKS
    if name in _STATUSES:
        return word in _UNPUBLISHED or (name in _ONLY_PUBLISHED and word not in _PUBLISHED)
    if name == _TYPE:
        return word in _NOT_ARTICLES
    if name in _SCHEDULES:
        until = _moment(value)
        return until is not None and until > now
    return (
        (name in _SET_WHEN_UNPUBLISHED and word in _TRUE)
        or (name in _SET_WHEN_PUBLISHED and word in _FALSE)
        or (name in _PASSWORDS and value is not False)
        or (name in _EMBARGOES and _is_embargoed(value, now))
    )


def _is_embargoed(value: object, now: datetime) -> bool:
    """Return whether an embargo is in force; one with an unreadable end is."""
    if _word(value) in _TRUE | _FALSE:
        return _word(value) in _TRUE
    until = _moment(value)
    return until is None or until > now


def _moment(value: object) -> datetime | None:
    try:
        return moment_of(value)
    except ValueError:
        return None


def _word(value: object) -> str:
    """Return a status without case and punctuation; of an object, its name."""
    stated = value.get("name") if isinstance(value, Mapping) else value
    return re.sub(r"[\W_]", "", str(stated)).casefold() if isinstance(stated, str | bool | int) else ""
