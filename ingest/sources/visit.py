"""One visit to the given addresses: find out what each serves, and follow listings to their articles."""

from collections import Counter
from collections.abc import Iterable, Iterator

from index.records import isoformat
from ingest.fetched import Fetched, Gone, Unchanged, origin_of
from ingest.load import LoadedArticle
from ingest.report import ArticleRejected
from ingest.sources import wordpress
from ingest.sources.identity import clean_address, is_address, is_front_page, site_of
from ingest.sources.listings import Entry, entries_of, feeds_of, kind_of, sitemap_entries
from ingest.sources.pages import Pages
from ingest.sources.state import Lead, Listing
from ingest.sources.web import Reply, Validators

DEPTH = 3
"""How many listings may lead to each other: a front page, an index of sitemaps, a sitemap, and then pages."""


UNLISTED = "unlisted"
"""Stands for the change of a page that left its listing."""


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
        if url in self._listings or self._pages.was_read(url):
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
            yield from self._led(listing.leads, depth)
        elif kind in ("feed", "json"):
            read = Listing(reply.validators)
            yield from self._listed(url, read, self._feed(reply, read))
        elif kind == "sitemap":
            read = Listing(reply.validators)
            yield from self._listed(url, read, self._sitemap(reply, read, depth))
        elif depth:
            yield ArticleRejected(url, f"it is a {kind}; expected a feed or a sitemap", "wrong_type")
        elif not reply.not_modified and (is_front_page(url) or is_front_page(reply.url)):
            yield from self._site(url, reply)
        else:
            yield from self._page(url, reply)

    def _page(self, url: str, reply: Reply) -> Iterator[Fetched]:
        """Yield the article of a named page; of one without an article, the articles of the feed that it names."""
        for item in self._pages.articles_of(Lead(url), reply, is_named=True):
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
            yield from self._posts(api, posts, before)
        elif feeds := self._feeds(reply):
            yield from self._source(feeds[0], depth=1)
        elif sitemaps := self._pages.web.sitemaps(reply.url):
            for sitemap in filter(is_address, sitemaps):
                yield from self._source(sitemap, depth=1)
        else:
            yield from self._pages.articles_of(Lead(url), reply, is_named=True)

    def _posts(self, api: str, first: Reply, before: Listing | None) -> Iterator[Fetched]:
        """Yield the posts of a WordPress site; those that did not change since `before` are unchanged."""
        read = Listing(Validators(), dict(before.articles) if before else {}, since=before.since if before else None)
        unread = set(read.articles)
        try:
            for reply in wordpress.pages_of_posts(self._pages.web, api, read.since, first):
                for item in self._feed(reply, read):
                    unread.discard(origin_of(item))
                    yield item
        except ArticleRejected as rejection:
            yield rejection
        else:
            yield from self._listed(api, read, map(Unchanged, unread))

    def _feeds(self, reply: Reply) -> list[str]:
        """Return the addresses of the feeds that a page names, on its own site."""
        found = self._pages.loader.run(feeds_of, self._pages.file_of(reply, "page"))
        entries = [entry for entry in found if isinstance(entry, Entry)]
        return [entry.url for entry in entries if site_of(entry.url) == site_of(reply.url)]

    def _feed(self, reply: Reply, read: Listing) -> Iterator[Fetched]:
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
                yield from self._led([Lead(clean_address(entry.url), entry.changed, entry.published)], 0, read)
            else:
                yield from self._own(entry, read)

    def _own(self, entry: Entry, read: Listing) -> Iterator[Fetched]:
        """Yield the article of an entry with the complete text, and note it in the listing."""
        item = entry.article
        found = (
            self._pages.identified(item, clean_address(entry.url))
            if isinstance(item, LoadedArticle) and entry.url
            else [item]
        )
        for each in found:
            if isinstance(each, LoadedArticle):
                article = each.article
                read.articles[article.origin] = article.content_hash
                read.since = max(filter(None, (read.since, isoformat(article.updated_at))), default=None)
            if each is not None:
                yield each

    def _sitemap(self, reply: Reply, read: Listing, depth: int) -> Iterator[Fetched]:
        """Yield the articles of the pages of a sitemap, and of the sitemaps that an index lists."""
        file = self._pages.file_of(reply, "sitemap")
        for entry in list(self._pages.loader.run(sitemap_entries, file)):
            if isinstance(entry, ArticleRejected):
                yield entry
            elif site_of(entry.url) != site_of(reply.url):
                yield _of_another_site(entry.url, reply.url)
            elif entry.is_listing or not is_front_page(entry.url):
                address, vouches = clean_address(entry.url), entry.changed is not None
                lead = Lead(address, entry.changed, entry.published, entry.is_listing, vouches)
                yield from self._led([lead], depth, read)

    def _led(self, leads: Iterable[Lead], depth: int, read: Listing | None = None) -> Iterator[Fetched]:
        """Follow the leads of a listing; note those in `read`, but not what was taken down."""
        for lead in leads:
            is_taken_down = False
            if lead.is_listing and depth >= DEPTH and lead.url not in self._listings:
                found: Iterator[Fetched] = iter((_too_deep(lead.url),))
            elif lead.is_listing:
                found = self._source(lead.url, depth + 1)
            else:
                found = self._pages.articles_at(lead)
            for item in found:
                is_taken_down |= isinstance(item, ArticleRejected) and item.code == "taken_down"
                yield item
            if read and not (is_taken_down and not lead.is_listing):
                read.leads.append(lead)

    def _listed(self, url: str, read: Listing, items: Iterable[Fetched]) -> Iterator[Fetched]:
        """Pass on what a listing leads to, and remember the listing at its end."""
        self._listings.add(url)
        before = self._pages.state.listing(url)
        yield from items
        yield from self._left(before.leads if before else (), read.leads)
        self._pages.state.save_listing(url, read)

    def _left(self, before: Iterable[Lead], now: Iterable[Lead]) -> Iterator[Fetched]:
        """Ask once for each page of the index that left a listing: it may be gone."""
        listed = {lead.url for lead in now}
        for lead in before:
            page = self._pages.state.page(lead.url)
            is_open = page and page.origin in self._pages.known and page.origin not in self._reported
            if lead.url not in listed and is_open:
                yield from self._pages.articles_at(Lead(lead.url, changed=UNLISTED))

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
            for item in self._pages.articles_at(Lead(origin)):
                yield item
                moved = isinstance(item, LoadedArticle) and item.article.origin
                if moved and moved != origin:
                    yield Gone(origin, f"it moved to {moved}")


def _too_deep(url: str) -> ArticleRejected:
    reason = f"more than {DEPTH} sitemaps lead to each other before it: give its address to ingest it"
    return ArticleRejected(url, reason, "too_deep")


def _of_another_site(url: str, listing: str) -> ArticleRejected:
    reason = f"it is on another site than {listing}: give its address to ingest it"
    return ArticleRejected(url, reason, "other_site")
