"""Articles from the web: feeds, sitemaps, sites of WordPress, and pages. Read `articles_from` first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.fetched import Fetched, Gone, Unchanged
from ingest.load import Loader
from ingest.report import FetchCounts
from ingest.settings import IngestSettings
from ingest.sources.pages import Pages
from ingest.sources.state import FetchState
from ingest.sources.visit import Visit
from ingest.sources.web import Web

__all__ = [
    "FetchCounts",
    "FetchOptions",
    "FetchState",
    "Fetched",
    "Fetcher",
    "Gone",
    "Unchanged",
    "articles_from",
]


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """The options of a visit.

    `known` has the content hash of every article of the index by origin; without it, everything is fetched again.
    `sparing` asks for a page the more rarely the longer it did not change.
    `thorough` also asks for the pages of the index that the addresses do not lead to any more. `allow_private` permits
    hosts that are not public. A `loader` that is given stays open; `web` makes another client.
    """

    settings: IngestSettings
    known: Mapping[str, str] = field(default_factory=dict)
    thorough: bool = False
    sparing: bool = False
    allow_private: bool = False
    loader: Loader | None = None
    web: Callable[[], Web] | None = None


def articles_from(
    urls: Sequence[str], state: FetchState, options: FetchOptions, counts: FetchCounts | None = None
) -> Iterator[Fetched]:
    """Yield the articles that addresses lead to: new, changed, unchanged, gone, and rejections with their reason.

    Nothing that a host serves raises. It may be called again, with the hashes of the index as it is then, and fetches
    what changed. It adds to `counts` how many addresses were fetched.
    """
    web = options.web() if options.web else Web(options.settings, allow_private=options.allow_private)
    web.counts = counts or web.counts
    parsing = nullcontext(options.loader) if options.loader else Loader()
    with web, parsing as loader, TemporaryDirectory(prefix="dateline-") as folder:
        pages = Pages(web, loader, Path(folder), state, options.known, state.taken_down, options.sparing)
        yield from Visit(pages, thorough=options.thorough).articles_at(dict.fromkeys(urls))


@dataclass(frozen=True, slots=True)
class Fetcher:
    """The fetches of one run of an ingest: call it with the content hashes of the index by origin."""

    urls: Sequence[str]
    data: Path
    options: FetchOptions
    dry_run: bool = False
    counts: FetchCounts = field(default_factory=FetchCounts)

    def __call__(self, known: Mapping[str, str]) -> Iterator[Fetched]:
        """Yield the articles of the addresses as `articles_from` does."""
        with closing(FetchState(self.data, dry_run=self.dry_run)) as state:
            yield from articles_from(self.urls, state, replace(self.options, known=known), self.counts)
