"""The citations of an answer as annotations: the place of each marker in the text, and the page of its quote."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.records import Span
from service.answer import Answer
from service.api.article_text import visible
from service.api.links import article_path
from service.records import Citation, Source

UNTITLED = "Untitled article"

_MARKER = re.compile(r"\[([1-9][0-9]{0,3})\]")


@dataclass(frozen=True, slots=True)
class CitedPage:
    """A marker of an answer with its only address: the page of its article, which marks the first quote.

    `quotes` are the words of all its citations.
    """

    marker: int
    url: str
    title: str
    source: Source
    quotes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Annotation:
    """An occurrence of a marker: `answer[start_index:end_index]` is `[n]`. Code points, half-open."""

    start_index: int
    end_index: int
    url: str
    title: str


def cited_pages(answer: Answer, base: str) -> tuple[CitedPage, ...]:
    """Return the page of each marker, in order of first use; `base` is the address of the service, without a slash.

    Open WebUI groups citations by address and numbers the groups by first use. So a marker has one address, also if it
    has several quotes, and no two markers have the same.
    """
    cited: dict[int, list[Citation]] = {}
    for citation in answer.citations:
        cited.setdefault(citation.marker, []).append(citation)
    sources = {source.id: source for source in answer.sources}
    pages: dict[str, CitedPage] = {}
    for marker, citations in cited.items():
        url, source = _address(citations[0], base, pages), sources[citations[0].source_id]
        quotes = tuple(dict.fromkeys(citation.cited_text for citation in citations))
        pages[url] = CitedPage(marker, url, visible(source.title or "") or UNTITLED, source, quotes)
    return tuple(pages.values())


def annotations(answer: Answer, base: str) -> tuple[Annotation, ...]:
    """Return an annotation for each occurrence of a marker, in the order of the text."""
    pages = {page.marker: page for page in cited_pages(answer, base)}
    return tuple(
        Annotation(found.start(), found.end(), pages[marker].url, pages[marker].title)
        for found in _MARKER.finditer(answer.answer)
        if _is_cited(marker := int(found[1]), Span(*found.span()), answer.citations)
    )


def _address(citation: Citation, base: str, taken: dict[str, CitedPage]) -> str:
    """Return the address of a quote; chunks overlap, so that two markers may quote the same sentence."""
    path = article_path(citation.article_id, Span(citation.start_char_index, citation.end_char_index))
    url = f"{base}{path}"
    return f"{base}{path.replace('#', f'&marker={citation.marker}#')}" if url in taken else url


def _is_cited(marker: int, place: Span, citations: Sequence[Citation]) -> bool:
    """Return whether brackets with a number are a marker: a sentence that the article quotes may have some as well."""
    return any(
        citation.marker == marker and citation.start_index <= place.start and place.end <= citation.end_index
        for citation in citations
    )
