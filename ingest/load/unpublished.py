"""Marks by which an export says that an article is not published; such an article never enters an index."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from ingest.load.contents import shown
from ingest.load.dates import moment_of
from ingest.load.names import Unreadable, plain

_STATUS = (
    "status", "poststatus", "pubstatus", "publishstatus", "publishingstatus", "publicationstatus", "contentstatus",
    "workflowstate", "workflowstatus", "wpstatus",
)  # fmt: skip
_VISIBILITY = ("visibility",)
# ninjs has usable, withheld and canceled; WordPress has publish, and plug-ins add words of their own for the rest.
_ONLY_PUBLISHED = ("pubstatus", "wpstatus")
# Types in a WordPress export that are not posts, pages or types of a newsroom's own.
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
    "draft",
    "isdraft",
    "private",
    "isprivate",
    "unpublished",
    "deleted",
    "isdeleted",
    "trashed",
    "appdraft",
)
_SET_WHEN_PUBLISHED = ("published", "ispublished", "publish", "public", "ispublic")
_PASSWORDS = ("postpassword", "password", "wppostpassword")
_EMBARGOES = (
    "embargo", "embargoed", "embargodate", "embargodatetime", "embargotime", "embargoenddate", "embargoends",
    "embargountil", "embargoeduntil",
)  # fmt: skip
_SCHEDULES = ("publishat", "publishon", "scheduledat", "scheduledfor")
_MARKS = frozenset((*_STATUS, *_VISIBILITY, *_SET_WHEN_UNPUBLISHED, *_PASSWORDS, *_EMBARGOES, *_SCHEDULES, "publish"))
_TRUE, _FALSE = frozenset(("true", "yes", "on", "1")), frozenset(("false", "no", "off", "0"))
_A_DAY = timedelta(days=1)


def mark_of_unpublished(fields: Mapping[str, object], now: datetime, *, public: bool) -> str | None:
    """Return why an article is unpublished at a time, for people to read; None if it is published.

    A file that is `public` shows that its articles are: a date of publication in the future is a mistake there, and
    elsewhere the day for which the article is scheduled.
    """
    for name, value in fields.items():
        if value is not None and value != "" and _is_mark(plain(name), value, now):
            return f"{name} is {shown(value)}"
    published = _moment(fields.get("published_at"))
    if published and published > now + _A_DAY and not public:
        return f"it is scheduled for {published:%Y-%m-%d %H:%M} UTC"
    return None


def unknown_statuses(fields: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """The statuses, by name, that are known neither as published nor as unpublished."""
    for name, value in fields.items():
        if plain(name) in _STATUS + _VISIBILITY and _word(value) and _word(value) not in _PUBLISHED | _UNPUBLISHED:
            yield name, value


def _is_mark(name: str, value: object, now: datetime) -> bool:
    word = _word(value)
    if isinstance(value, Unreadable):
        return name in _MARKS
    if name in _STATUS + _VISIBILITY:
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
    """Whether an embargo is on; one whose end cannot be read is."""
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
    """A status as words are compared, also where it is an object with a name."""
    stated = value.get("name") if isinstance(value, Mapping) else value
    return re.sub(r"[\W_]", "", str(stated)).casefold() if isinstance(stated, str | bool | int) else ""
