"""Pages of articles: fetch one only if it changed, parse it, and give its article the canonical address."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from index.records import Article, parse_moment
from ingest.fetched import Fetched, Gone, Unchanged
from ingest.load import ArticleFile, LoadedArticle, Loader
from ingest.report import ArticleRejected
from ingest.sources.identity import article_id_of, canonical_address, clean_address
from ingest.sources.listings import EXTENSIONS, Kind, kind_of
from ingest.sources.state import FetchState, Lead, Page
from ingest.sources.taken_down import TakenDown
from ingest.sources.web import Reply, Validators, Web

_SHARE_OF_QUIET = 1 / 8
_LONGEST_REST_S = 86_400
"""After eight quiet minutes a page is asked for each minute, after eight hours each hour, after eight days daily."""


@dataclass(slots=True)
class Pages:
    """The pages of a visit, each read once; `known` has the content hashes of the index by origin.

    Fetched bytes are parsed as files in `folder`. If it `is_sparing`, a page is asked for the more rarely the longer it
    did not change; a user who names the page still gets it.
    """

    web: Web
    loader: Loader
    folder: Path
    state: FetchState
    known: Mapping[str, str]
    taken_down: TakenDown
    is_sparing: bool = False
    clock: Callable[[], float] = time.time
    _asked: set[str] = field(default_factory=set)

    def articles_at(self, lead: Lead) -> Iterator[Fetched]:
        """Yield the article of a page, or the reason why it has none; nothing if this visit has read the page.

        The page is not fetched if its sitemap states the same time of change as in the last run, or if the article was
        taken down.
        """
        address = clean_address(lead.url)
        if self.was_read(lead.url):
            return
        if article_id_of(address) in self.taken_down:
            yield _taken_down(address)
            return
        page = self.unchanged_page(lead.url)
        if page and page.changed == lead.changed and (lead.vouches or self._is_fresh(page)):
            self._asked.add(address)
            self.web.counts.not_modified += 1
            yield Unchanged(page.origin)
            return
        try:
            reply = self.web.fetch(lead.url, page.validators if page else None)
        except ArticleRejected as rejection:
            self._asked.add(address)
            yield self.failure(lead.url, rejection)
            return
        yield from self.articles_of(lead, reply)

    def was_read(self, url: str) -> bool:
        """Return whether this visit has read a page; one that was taken down may be read again."""
        address = clean_address(url)
        return address in self._asked and article_id_of(address) not in self.taken_down

    def articles_of(self, lead: Lead, reply: Reply, *, is_named: bool = False) -> Iterator[Fetched]:
        """Yield the article of a page that was fetched; a user who names the page reverses its takedown."""
        address = clean_address(lead.url)
        self._asked.add(address)
        if reply.not_modified:
            page = self.unchanged_page(lead.url)
            if page:
                self.state.save_page(address, replace(page, changed=lead.changed, asked=self.clock()))
            yield Unchanged(page.origin if page else address)
            return
        kind = kind_of(reply)
        if kind not in ("page", "pdf"):
            yield ArticleRejected(lead.url, f"it is a {kind}; expected the page of an article", "wrong_type")
            return
        for item in list(self.loader.load(self.file_of(reply, kind))):
            if isinstance(item, ArticleRejected):
                yield ArticleRejected(lead.url, item.reason, item.code)
                continue
            canonical = canonical_address(reply.url, item.article.url)
            known = self.state.page(canonical)
            published = lead.published or (known.published if known else None)
            for taken in self.identified(_dated(item, published), canonical, is_named=is_named):
                if isinstance(taken, LoadedArticle):
                    row = replace(self._row(reply, lead.changed, taken.article), published=published)
                    # The validators belong to the address that was fetched.
                    self.state.save_page(canonical, replace(row, validators=Validators()))
                    for fetched in (address, clean_address(reply.url)):
                        self.state.save_page(fetched, row)
                yield taken

    def identified(self, item: LoadedArticle, address: str, *, is_named: bool = False) -> Iterator[Fetched]:
        """Yield an article under its canonical address; skip one that was taken down."""
        article_id = article_id_of(address)
        self._asked.add(address)
        if article_id in self.taken_down:
            if not is_named:
                yield _taken_down(address)
                return
            self.taken_down.discard([article_id])
        article = replace(item.article, article_id=article_id, origin=address, url=address)
        yield LoadedArticle(article, explicit_id=True, notices=item.notices)

    def _row(self, reply: Reply, changed: str | None, article: Article) -> Page:
        now = self.clock()
        known = self.state.page(article.origin)
        dated = known.dated if known and known.content_hash == article.content_hash else now
        return Page(reply.validators, changed, article.origin, article.content_hash, dated, now)

    def _is_fresh(self, page: Page) -> bool:
        """Return whether a page need not be asked for again: what did not change for long will rarely change now."""
        now = self.clock()
        return self.is_sparing and now - page.asked < min((now - page.dated) * _SHARE_OF_QUIET, _LONGEST_REST_S)

    def failure(self, url: str, rejection: ArticleRejected) -> ArticleRejected | Gone:
        """Return what a failed fetch means: a page that no longer exists, if the index has its article."""
        page = self.state.page(clean_address(url))
        origin = page.origin if page else clean_address(url)
        if rejection.code != "gone":
            return rejection
        if origin in self.known:
            return Gone(origin, rejection.reason)
        return ArticleRejected(url, f"{rejection.reason}: correct what leads to it", "gone")

    def unchanged_page(self, url: str) -> Page | None:
        """Return what is known of a page, if the index has its article as it was then."""
        page = self.state.page(clean_address(url))
        return page if page and self.known.get(page.origin) == page.content_hash else None

    def validators_of(self, url: str) -> Validators | None:
        """Return the validators of a page, if the index has its article as it was then."""
        page = self.unchanged_page(url)
        return page.validators if page else None

    def file_of(self, reply: Reply, kind: Kind) -> ArticleFile:
        """Write a reply to a file that a Loader can read; the next reply replaces it."""
        path = self.folder / f"fetched{EXTENSIONS[kind]}"
        path.write_bytes(reply.body)
        return ArticleFile(path, self.folder, address=reply.url, charset=reply.charset)


def _taken_down(address: str) -> ArticleRejected:
    reason = "it was taken down: to ingest it again, give the address of its page"
    return ArticleRejected(address, reason, "taken_down")


def _dated(item: LoadedArticle, published: str | None) -> LoadedArticle:
    """Return an article with the date that a listing states of it, if its page states none."""
    if published is None or item.article.published_at is not None:
        return item
    return replace(item, article=replace(item.article, published_at=parse_moment(published)))
