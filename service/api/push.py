"""Pushed articles: a CMS puts, deletes and asks for them under `/v1/articles/…` with the scope ingest."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from fastapi import APIRouter, Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from index.errors import NoWriter
from index.layout import current_name
from index.records import Filters, parse_moment
from index.spool import Push, Spool, has_writer
from service.api.access import CallerOf
from service.api.ask import EXAMPLES, Flag, RequestModel
from service.api.state import ServiceState, State
from service.errors import PushNotFound

router = APIRouter(tags=["push"])

TEXT_BYTES = 5_000_000
"""The limit of an article's text in UTF-8, as for a file."""

HTML_CHARACTERS = 20_000_000
LINE = 2_000
"""The limit of a title, a name or a tag, in code points."""

BATCH = 100
ORIGIN = "push:"
"""Prefix of the origin of a pushed article; its id follows."""

_A_DAY = timedelta(days=1)


def _not_dots(article_id: str) -> str:
    if not article_id.strip("."):
        raise ValueError(f"found {article_id!r}, expected more than dots")
    return article_id


def _web_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable or re.search(r"[\s<>\"\\^`{|}]", url):
        raise ValueError(f"found {url[:80]!r}, expected an http or https address")
    return url


def _date(text: str) -> str:
    try:
        moment = parse_moment(text)
        is_late = moment > datetime.now(UTC) + _A_DAY
    except (ValueError, OverflowError) as error:
        raise ValueError(f"found {text[:80]!r}, expected an ISO 8601 date such as 2026-01-31T08:30:00Z") from error
    if is_late:
        raise ValueError(f"found {text!r}, which is in the future: push the article when it is published")
    return text


Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,200}$"), AfterValidator(_not_dots)]
PushedId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._:-]{1,200}$"), AfterValidator(_not_dots)]
Line = Annotated[str, Field(min_length=1, max_length=LINE)]
Lines = Annotated[tuple[Line, ...], Field(max_length=200)]
Moment = Annotated[str, Field(max_length=80), AfterValidator(_date)]


class ArticleFields(RequestModel):
    """The fields of an article: its text as `body`, or as `html` that becomes plain text."""

    title: Line | None = None
    body: Annotated[str | None, Field(min_length=1, max_length=TEXT_BYTES)] = None
    html: Annotated[str | None, Field(min_length=1, max_length=HTML_CHARACTERS)] = None
    url: Annotated[str | None, Field(max_length=LINE), AfterValidator(lambda url: url and _web_address(url))] = None
    source: Line | None = None
    authors: Lines = ()
    section: Line | None = None
    language: Line | None = None
    tags: Lines = ()
    published_at: Moment | None = None
    updated_at: Moment | None = None

    def check_text(self) -> None:
        """Raise ValueError unless there is one text, with a word, within the limit."""
        if (self.body is None) == (self.html is None):
            found = "neither" if self.body is None else "both"
            raise ValueError(f"found {found} of body and html, expected one of them")
        if self.body is not None and (size := len(self.body.encode(errors="surrogatepass"))) > TEXT_BYTES:
            raise ValueError(f"body: found {size:,} bytes, expected at most {TEXT_BYTES:,}")
        if self.body is not None and not any(char.isalnum() for char in self.body):
            raise ValueError("body: found no word, expected at least one")

    def fields(self) -> dict[str, Any]:
        """Return the fields that are stated."""
        return self.model_dump(exclude_defaults=True, exclude={"id", "delete"})


class PushedArticle(ArticleFields):
    """An article to publish under the id of its address."""

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLES["push"]})

    @model_validator(mode="after")
    def _has_text(self) -> Self:
        self.check_text()
        return self


class BatchItem(ArticleFields):
    """An article of a batch under its id, or with `delete` the id of an article to remove."""

    id: Id
    delete: Flag = False

    @model_validator(mode="after")
    def _has_text_or_is_removed(self) -> Self:
        if not self.delete:
            self.check_text()
        elif self.fields():
            raise ValueError(f"found delete and {next(iter(self.fields()))}, expected the id alone")
        return self

    def push(self) -> Push:
        """Return what is stored."""
        return Push(self.id, None if self.delete else self.fields())


class BatchRequest(RequestModel):
    """Articles to publish or to remove, in order."""

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLES["batch"]})

    articles: Annotated[tuple[BatchItem, ...], Field(min_length=1, max_length=BATCH)]


class PushReply(BaseModel):
    """The state of a push: `pending` until the writer has published or rejected it.

    A delete that is carried out has no state: the article is not found.
    """

    id: str
    state: Literal["pending", "published", "rejected"]
    action: Literal["put", "delete"]
    content_hash: str | None = None
    reason: str | None = None
    object: Literal["push"] = "push"


class BatchReply(BaseModel):
    """The state of each article of a batch, in its order."""

    articles: tuple[PushReply, ...]
    object: Literal["list"] = "list"


@router.put("/v1/articles/{article_id}", status_code=202, summary="Publish an article, or a new version of it")
async def put_article(article_id: PushedId, body: PushedArticle, state: State) -> PushReply:
    """Accept an article; the writer publishes it within seconds. The same article twice is published once."""
    return (await _accept(state, [Push(article_id, body.fields())]))[0]


@router.delete("/v1/articles/{article_id}", status_code=202, summary="Remove an article")
async def delete_article(article_id: PushedId, state: State) -> PushReply:
    """Accept the removal of an article. Kept generations still have it: `dateline remove` erases it."""
    return (await _accept(state, [Push(article_id, None)]))[0]


@router.post("/v1/articles:batch", status_code=202, summary="Publish and remove up to 100 articles")
async def push_batch(body: BatchRequest, state: State) -> BatchReply:
    """Accept all articles of a batch, or none if one of them is not valid."""
    return BatchReply(articles=tuple(await _accept(state, [item.push() for item in body.articles])))


@router.get("/v1/articles/{article_id}/push", summary="Whether a pushed article is published")
async def push_state(article_id: PushedId, state: State, caller: CallerOf) -> PushReply:
    """Return the state of the last push of an article."""
    return await state.store(_state_of, state, caller.bounds, article_id)


async def _accept(state: ServiceState, pushes: list[Push]) -> list[PushReply]:
    data = state.pipeline.library.data
    if not await state.store(has_writer, data):
        raise NoWriter(
            f"no process publishes the spool of {data}",
            "Run `dateline serve --with-writer`, or `dateline ingest --watch` beside the service. A replica has no"
            " writer: send pushes to the publisher.",
        )
    await state.store(Spool(data).accept, pushes)
    return [
        PushReply(id=push.article_id, state="pending", action=push.action, content_hash=push.content_hash)
        for push in pushes
    ]


def _last(spool: Spool, article_id: str) -> PushReply | None:
    """Return the last push of an article that waits for the writer."""
    for entry in reversed(spool.entries()):
        if entry.article_id == article_id:
            return PushReply(id=article_id, state="pending", action=entry.action, content_hash=entry.content_hash)
    return None


def _state_of(state: ServiceState, bounds: Filters, article_id: str) -> PushReply:
    library = state.pipeline.library
    spool = Spool(library.data)
    if waiting := _last(spool, article_id):
        return waiting
    if reason := spool.rejection(article_id):
        return PushReply(id=article_id, state="rejected", action="put", reason=reason)
    if current_name(library.data):
        # An entry leaves the spool once its generation is current, which this service may not have opened yet.
        library.refresh()
        with library.pinned() as generation:
            article = generation.restricted(bounds).article(article_id)
        if article is not None and article.origin == f"{ORIGIN}{article_id}":
            return PushReply(id=article_id, state="published", action="put")
    raise PushNotFound(f"no push of {article_id!r} is known")
