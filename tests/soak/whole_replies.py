"""Complete replies: each from one generation, word for word, and within its filters."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from index.layout import generation_names
from index.publishing import read_manifest
from tests.fakes import TOPICS
from tests.faults.newsdesk import SOURCES
from tests.faults.questions import Archive, Quoted
from tests.soak.arrivals import Exchange, Inquiry

TELLING = [word for topic in TOPICS for word in topic.split()]


def mixed_inquiry(number: int) -> Inquiry:
    """Return the nth request: questions and searches in turn, every second one filtered, each about another word."""
    word = TELLING[number % len(TELLING)]
    body: dict[str, object] = {"question": f"What did the {word} cost?"}
    if number % 4 >= 2:
        body["filters"] = {("sources", "exclude_sources")[number % 3 == 0]: [SOURCES[number // 4 % 2]]}
    return Inquiry(("/v1/ask", "/v1/search")[number % 2], body)


class Proof:
    """The contents of every published generation, to compare replies with."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._archive = Archive(data)
        self._made: dict[str, str] = {}

    def keep(self) -> None:
        """Store the contents of the existing generations, for comparison after their removal."""
        self._archive.keep()
        for name in generation_names(self._data):
            self._made[name] = read_manifest(self._data, name).created_at

    def faults(self, exchanges: Iterable[Exchange]) -> Iterator[str]:
        """Yield the errors of replies, a sentence each."""
        for each in exchanges:
            if each.status != 200:
                yield f"{each.inquiry} got {each.status}: {each.reply}"
                continue
            if not self._is_of_one_generation(each):
                yield f"{each.inquiry} got a reply that matches none of the generations: {each.reply}"
            outside = [source for source in each.reply["sources"] if not _lets_through(each.inquiry, source["source"])]
            if outside or (each.inquiry.filters and not each.reply["sources"]):
                yield f"{each.inquiry} got what its filters leave out, or nothing: {each.reply['sources']}"

    def _is_of_one_generation(self, exchange: Exchange) -> bool:
        reply = exchange.reply
        if exchange.inquiry.path == "/v1/ask":
            generation = reply["versions"]["generation"]
            dated = self._made.get(generation) == reply["freshness"]["index_updated_at"]
            return dated and not self._archive.misquoted(set(_quoted(exchange, generation)))
        shown = set(_quoted(exchange, ""))
        return any(
            not self._archive.misquoted({replace(quote, generation=name) for quote in shown}) for name in self._made
        )


def _lets_through(inquiry: Inquiry, source: str | None) -> bool:
    wanted, unwanted = inquiry.filters.get("sources"), inquiry.filters.get("exclude_sources", ())
    return (wanted is None or source in wanted) and source not in unwanted


def _quoted(exchange: Exchange, generation: str) -> Iterator[Quoted]:
    for citation in exchange.reply.get("citations", ()):
        span = citation["start_char_index"], citation["end_char_index"]
        yield Quoted(generation, citation["article_id"], *span, citation["cited_text"])
    for source in exchange.reply["sources"]:
        span = source["start_char_index"], source["end_char_index"]
        yield Quoted(generation, source["article_id"], *span, source["snippet"])
