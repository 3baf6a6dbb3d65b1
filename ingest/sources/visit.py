"""One visit to the given addresses: find out what each serves, and follow listings to their articles."""

from collections import Counter
from collections.abc import Iterable, Iterator

from index.records import isoformat
from ingest.load import LoadedArticle
from ingest.report import ArticleRejected
from ingest.sources import wordpress
from ingest.sources.fetched import Fetched, Gone, Unchanged, origin_of
from ingest.sources.identity import clean_address, is_address, is_front_page, site_of
from ingest.sources.listings import Entry, entries_of, feeds_of, kind_of, sitemap_entries
from ingest.sources.pages import Pages
from ingest.sources.state import Listing
from ingest.sources.web import Reply, Validators

DEPTH = 3
"""How many listings may lead to each other: a front page, an index of sitemaps, a sitemap, and then pages."""

_MAY_CHANGE = frozenset(("unreachable", "status", "refused", "too_large"))
"""The codes of failures after which a listing is read again even if it did not change."""


class Visit:
    """A visit; a `thorough` one also asks for the pages of the index that its listings do not lead to any more."""

    def __init__(self, pages: Pages, *, thorough: bool = False) -> None:
        self._pages = pages
        self._thorough = thorough
        self._reported: set[str] = set()
        self._listings: set[str] = set()

    def articles_at(self, urls: Iterable[str]) -> Iterator[Fetched]:
        """Yield the articles that addresses lead to, and what became of the others."""
        for url in urls:
            yield from self._noted(self._source(url))
        if self._thorough:
            yield from self._noted(self._unlisted())

    def _noted(self, items: Iterable[Fetched]) -> Iterator[Fetched]:
        for item in items:
            self._reported.add(origin_of(item))
            yield item

    def _source(self, url: str, depth: int = 0) -> Iterator[Fetched]:
        """Yield the articles of an address, whatever it serves; one that a listing names must be a listing itself."""
        if url in self._listings:
            return
        listing = self._current_listing(url)
        try:
            validators = listing.validators if listing else self._pages.validators_of(url)
            reply = self._pages.web.fetch(url, validators)
        except ArticleRejected as rejection:
            yield self._pages.failure(url, rejection)
            return
        kind = "page" if reply.not_modified else kind_of(reply)
        if reply.not_modified and listing:
            self._listings.add(url)
            yield from map(Unchanged, listing.articles)
        elif kind in ("feed", "json"):
            yield from self._listed(url, reply.validators, self._feed(reply))
        elif kind == "sitemap":
            yield from self._listed(url, reply.validators, self._sitemap(reply, depth))
        elif depth:
            yield ArticleRejected(url, f"it is a {kind}; expected a feed or a sitemap", "wrong_type")
        elif not reply.not_modified and (is_front_page(url) or is_front_page(reply.url)):
            yield from self._site(url, reply)
        else:
            yield from self._page(url, reply)

    def _page(self, url: str, reply: Reply) -> Iterator[Fetched]:
        """Yield the article of a named page; of one without an article, the articles of the feed that it names."""
        for item in self._pages.articles_of(url, reply, is_named=True):
            feeds = self._feeds(reply) if isinstance(item, ArticleRejected) and item.code == "empty" else []
            if feeds:
                yield from self._source(feeds[0], depth=1)
            else:
                yield item

    def _site(self, url: str, reply: Reply) -> Iterator[Fetched]:
        """Yield the articles of a site by the first that it has: a WordPress interface, a feed, sitemaps."""
        self._listings.add(url)
        api = reply.linked(wordpress.RELATION)
        before = self._current_listing(api) if api and not self._thorough else None
        since = before.since if before else None
        # Some sites name the interface and do not open it to everybody.
        posts = wordpress.opened(self._pages.web, api, since) if api else None
        if api and posts:
            yield from self._listed(api, Validators(), self._posts(api, since, posts), before)
        elif feeds := self._feeds(reply):
            yield from self._source(feeds[0], depth=1)
        elif sitemaps := self._pages.web.sitemaps(reply.url):
            for sitemap in filter(is_address, sitemaps):
                yield from self._source(sitemap, depth=1)
        else:
            yield from self._pages.articles_of(url, reply, is_named=True)

    def _posts(self, api: str, since: str | None, first: Reply) -> Iterator[Fetched]:
        try:
            for reply in wordpress.pages_of_posts(self._pages.web, api, since, first):
                yield from self._feed(reply)
        except ArticleRejected as rejection:
            yield rejection

    def _feeds(self, reply: Reply) -> list[str]:
        """Return the addresses of the feeds that a page names, on its own site."""
        found = self._pages.loader.run(feeds_of, self._pages.file_of(reply, "page"))
        entries = [entry for entry in found if isinstance(entry, Entry)]
        return [entry.url for entry in entries if site_of(entry.url) == site_of(reply.url)]

    def _feed(self, reply: Reply) -> Iterator[Fetched]:
        """Yield the articles of a feed: those of which it has the complete text, and the pages of the others.

        Entries may lead to the site of the feed, or to the one site that most of them lead to: another company may
        serve the feed.
        """
        if reply.body.strip() == b"[]":
            return
        file = self._pages.file_of(reply, kind_of(reply))
        entries = list(self._pages.loader.run(entries_of, file))
        linked = Counter(site_of(entry.url) for entry in entries if isinstance(entry, Entry) and entry.url)
        sites = {site_of(reply.url), *(site for site, _ in linked.most_common(1))}
        for entry in entries:
            if isinstance(entry, ArticleRejected):
                yield entry
            elif entry.url and site_of(entry.url) not in sites:
                yield _of_another_site(entry.url, reply.url)
            elif entry.article is None:
                yield from self._pages.articles_at(entry.url)
            elif isinstance(entry.article, LoadedArticle) and entry.url:
                yield from self._pages.identified(entry.article, clean_address(entry.url))
            else:
                yield entry.article

    def _sitemap(self, reply: Reply, depth: int) -> Iterator[Fetched]:
        """Yield the articles of the pages of a sitemap, and of the sitemaps that an index lists."""
        file = self._pages.file_of(reply, "sitemap")
        for entry in list(self._pages.loader.run(sitemap_entries, file)):
            if isinstance(entry, ArticleRejected):
                yield entry
            elif site_of(entry.url) != site_of(reply.url):
                yield _of_another_site(entry.url, reply.url)
            elif entry.is_listing and depth < DEPTH:
                yield from self._source(entry.url, depth + 1)
            elif not entry.is_listing and not is_front_page(entry.url):
                yield from self._pages.articles_at(entry.url, entry.changed)

    def _listed(
        self, url: str, validators: Validators, items: Iterable[Fetched], before: Listing | None = None
    ) -> Iterator[Fetched]:
        """Pass on what a listing leads to, and remember the listing if nothing failed that may succeed later.

        With `before`, the listing states only what changed since then.
        """
        self._listings.add(url)
        articles = dict(before.articles) if before else {}
        since = before.since if before else None
        unread = set(articles)
        is_complete = True
        for item in items:
            unread.discard(origin_of(item))
            if isinstance(item, LoadedArticle):
                articles[item.article.origin] = item.article.content_hash
                since = max(filter(None, (since, isoformat(item.article.updated_at))), default=None)
            elif isinstance(item, Unchanged):
                articles[item.origin] = self._pages.known.get(item.origin, "")
            elif isinstance(item, ArticleRejected) and item.code in _MAY_CHANGE:
                is_complete = False
            yield item
        yield from map(Unchanged, unread)
        if is_complete:
            self._pages.state.save_listing(url, Listing(validators, articles, since))

    def _current_listing(self, url: str) -> Listing | None:
        """Return what is known of a listing, if the index has its articles as they were then."""
        listing = self._pages.state.listing(url)
        known = self._pages.known
        is_current = listing and all(known.get(origin) == hash_ for origin, hash_ in listing.articles.items())
        return listing if is_current else None

    def _unlisted(self) -> Iterator[Fetched]:
        """Ask for the pages of the index on the sites of the listings that nothing led to in this visit."""
        sites = {site_of(url) for url in self._listings}
        unlisted = [each for each in self._pages.known if is_address(each) and each not in self._reported]
        for origin in sorted(each for each in unlisted if site_of(each) in sites):
            for item in self._pages.articles_at(origin):
                yield item
                moved = isinstance(item, LoadedArticle) and item.article.origin
                if moved and moved != origin:
                    yield Gone(origin, f"it moved to {moved}")


def _of_another_site(url: str, listing: str) -> ArticleRejected:
    reason = f"it is on another site than {listing}: give its address to ingest it"
    return ArticleRejected(url, reason, "other_site")
