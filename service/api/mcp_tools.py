"""The tools of the Model Context Protocol: search, fetch and ask.

The names, the arguments and the results of search and fetch are those that ChatGPT expects of a source of documents.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, NamedTuple

from pydantic import Field, TypeAdapter, WithJsonSchema

from index.records import Article, Filters, Span
from service.answer import Answer
from service.api.article_text import visible
from service.api.articles import ArticleId, fields_of
from service.api.ask import Moment, Names, QuestionText, RequestModel
from service.api.compat.annotations import UNTITLED, cited_pages
from service.api.links import article_path
from service.api.state import ServiceState
from service.caller import Caller
from service.errors import ArticleNotFound
from service.records import Question, Source

RESULTS = 10
"""The limit of articles that a search finds."""

TEXT = 100_000
"""The limit of an article's text in code points; the rest is cut off."""

_DAY = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}


class ToolCall(NamedTuple):
    """The service that runs a tool, who calls it, and the address of our pages, without a slash at its end."""

    state: ServiceState
    caller: Caller
    base: str


class SearchArguments(RequestModel):
    """The arguments of `search`."""

    query: QuestionText = Field(description="A question or words, in the language of the articles.")


@dataclass(frozen=True, slots=True)
class FoundArticle:
    """An article, the passage of it that fits best, and our page, which marks that passage."""

    id: str
    title: str
    url: str
    text: str
    source: str | None
    published_at: str | None


@dataclass(frozen=True, slots=True)
class FoundArticles:
    """The articles that a search finds, the best first."""

    results: tuple[FoundArticle, ...]


class FetchArguments(RequestModel):
    """The arguments of `fetch`."""

    id: ArticleId = Field(description="The id of an article, as `search` returns it.")


@dataclass(frozen=True, slots=True)
class ArticleMetadata:
    """The metadata of an article; `original_url` is its address at its publisher, and `note` says if text is cut."""

    source: str | None
    authors: tuple[str, ...]
    section: str | None
    language: str | None
    tags: tuple[str, ...]
    published_at: str | None
    updated_at: str | None
    original_url: str | None
    characters: int
    note: str | None = None


@dataclass(frozen=True, slots=True)
class FetchedArticle:
    """An article with its text and our page."""

    id: str
    title: str
    text: str
    url: str
    metadata: ArticleMetadata


class AskArguments(RequestModel):
    """The arguments of `ask`."""

    question: QuestionText = Field(description="A question that can be understood without a conversation.")
    published_after: Annotated[Moment, WithJsonSchema(_DAY)] = Field(
        None, description="Only articles published on this ISO 8601 date or later, such as 2026-01-31."
    )
    published_before: Annotated[Moment, WithJsonSchema(_DAY)] = Field(
        None, description="Only articles published before this ISO 8601 date."
    )
    sources: Names = Field((), description="Only articles of these publishers, by name.")


@dataclass(frozen=True, slots=True)
class CitedLink:
    """Our page that marks the quote of a marker, to cite as a link."""

    marker: int
    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedAnswer(Answer):
    """An answer with a link for each marker."""

    links: tuple[CitedLink, ...]


async def search(call: ToolCall, arguments: SearchArguments) -> FoundArticles:
    """Find articles, each once, with its best passage."""
    question = call.caller.asks(Question(arguments.query, top_k=2 * RESULTS))
    with call.state.limits.questions.acquire():
        found = await call.state.pipeline.search(question)
    return FoundArticles(tuple(_found(source, call.base) for source in _best(found.sources)[:RESULTS]))


async def fetch(call: ToolCall, arguments: FetchArguments) -> FetchedArticle:
    """Return an article; raises ArticleNotFound."""
    state = call.state
    with state.limits.reading.acquire():
        async with state.pipeline.pinned(call.caller.bounds) as generation:
            article = await state.read(generation.article, arguments.id)
    if article is None:
        raise ArticleNotFound(f"no article has the id {arguments.id!r}")
    return fetched(article, call.base)


async def ask(call: ToolCall, arguments: AskArguments) -> LinkedAnswer:
    """Answer a question as `/v1/ask` does, with links."""
    filters = Filters(
        sources=arguments.sources,
        published_after=arguments.published_after,
        published_before=arguments.published_before,
    )
    question = call.caller.asks(Question(arguments.question, filters=filters))
    with call.state.limits.questions.acquire():
        answer = await call.state.pipeline.ask(question)
    given = {field.name: getattr(answer, field.name) for field in fields(Answer) if field.init}
    if answer.permalink and answer.permalink.startswith("/"):
        given["permalink"] = f"{call.base}{answer.permalink}"
    links = (CitedLink(page.marker, page.title, page.url) for page in cited_pages(answer, call.base))
    return LinkedAnswer(**given, links=tuple(links))


class Tool(NamedTuple):
    """A tool: its description for clients, the types of its arguments and its result, and the function that runs it."""

    name: str
    title: str
    description: str
    arguments: TypeAdapter[Any]
    result: TypeAdapter[Any]
    function: Callable[[ToolCall, Any], Awaitable[Any]]

    async def run(self, call: ToolCall, arguments: RequestModel) -> dict[str, Any]:
        """Return the result for valid arguments, as JSON values."""
        values: dict[str, Any] = self.result.dump_python(await self.function(call, arguments), mode="json")
        return values


def tools() -> tuple[Tool, ...]:
    """Return the tools in the order in which clients list them; makes their schemas, which takes some milliseconds."""
    return (
        Tool(
            "search",
            "Search the articles",
            "Find articles of the newsroom by meaning and by words. Returns up to 10 articles with id, title, url and"
            " the passage that fits best. Use `fetch` for the complete text of one of them.",
            TypeAdapter(SearchArguments),
            TypeAdapter(FoundArticles),
            search,
        ),
        Tool(
            "fetch",
            "Read an article",
            "Return the text of one article by the id that `search` returned. Cite it by its url.",
            TypeAdapter(FetchArguments),
            TypeAdapter(FetchedArticle),
            fetch,
        ),
        Tool(
            "ask",
            "Ask for a cited answer",
            "Answer a question from the newsroom's articles. Each sentence of `answer` has markers such as [1], whose"
            " quotes were checked word for word; `links` has the address of each marker. Keep the sentences and their"
            " links as they are. If `status` is not_in_sources, the articles do not answer.",
            TypeAdapter(AskArguments),
            TypeAdapter(LinkedAnswer),
            ask,
        ),
    )


def fetched(article: Article, base: str) -> FetchedArticle:
    """Return an article as a result: a text that is too long is cut, and says so."""
    length = len(article.body)
    known = fields_of(article, length)
    metadata = {field.name: known[field.name] for field in fields(ArticleMetadata) if field.name in known}
    note = f"The text is cut: these are the first {TEXT:,} of {length:,} characters." if length > TEXT else None
    return FetchedArticle(
        id=article.article_id,
        title=_title(article.title),
        text=article.body[:TEXT],
        url=f"{base}{article_path(article.article_id)}",
        metadata=ArticleMetadata(**metadata, original_url=article.url, note=note),
    )


def _best(sources: Sequence[Source]) -> list[Source]:
    """Return the best passage of each article."""
    best: dict[str, Source] = {}
    for source in sources:
        best.setdefault(source.article_id, source)
    return list(best.values())


def _found(source: Source, base: str) -> FoundArticle:
    path = article_path(source.article_id, Span(source.start_char_index, source.end_char_index))
    title, url = _title(source.title), f"{base}{path}"
    return FoundArticle(source.article_id, title, url, source.snippet, source.source, source.published_at)


def _title(title: str | None) -> str:
    """Return a title without Markdown; clients need one."""
    return visible(title or "") or UNTITLED
