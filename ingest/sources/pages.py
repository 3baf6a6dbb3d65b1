"""Pages of articles: fetch one only if it changed, parse it, and give its article the canonical address."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ingest.load import ArticleFile, LoadedArticle, Loader
from ingest.report import ArticleRejected
from ingest.sources.fetched import Fetched, Gone, Unchanged
from ingest.sources.identity import article_id_of, canonical_address, clean_address
from ingest.sources.listings import EXTENSIONS, Kind, kind_of
from ingest.sources.state import FetchState, Page
from ingest.sources.taken_down import TakenDown
from ingest.sources.web import Reply, Validators, Web


@dataclass(slots=True)
class Pages:
    """The pages of a visit, each read once; `known` has the content hashes of the index by origin.

    Fetched bytes are parsed as files in `folder`.
    """

    web: Web
    loader: Loader
    folder: Path
    state: FetchState
    known: Mapping[str, str]
    taken_down: TakenDown
    _asked: set[str] = field(default_factory=set)

    def articles_at(self, url: str, changed: str | None = None) -> Iterator[Fetched]:
        """Yield the article of a page, or the reason why it has none; nothing if this visit has read the page.

        The page is not fetched if its sitemap states the same time of change as in the last run.
        """
        address = clean_address(url)
        if address in self._asked:
            return
        page = self.unchanged_page(url)
        if page and changed and page.changed == changed:
            self._asked.add(address)
            self.web.counts.not_modified += 1
            yield Unchanged(page.origin)
            return
        try:
            reply = self.web.fetch(url, page.validators if page else None)
        except ArticleRejected as rejection:
            self._asked.add(address)
            yield self.failure(url, rejection)
            return
        yield from self.articles_of(url, reply, changed)

    def articles_of(
        self, url: str, reply: Reply, changed: str | None = None, *, is_named: bool = False
    ) -> Iterator[Fetched]:
        """Yield the article of a page that was fetched; a user who names the page reverses its takedown."""
        address = clean_address(url)
        self._asked.add(address)
        if reply.not_modified:
            page = self.unchanged_page(url)
            yield Unchanged(page.origin if page else address)
            return
        kind = kind_of(reply)
        if kind not in ("page", "pdf"):
            yield ArticleRejected(url, f"it is a {kind}; expected the page of an article", "wrong_type")
            return
        for item in list(self.loader.load(self.file_of(reply, kind))):
            if isinstance(item, ArticleRejected):
                yield ArticleRejected(url, item.reason, item.code)
                continue
            canonical = canonical_address(reply.url, item.article.url)
            self._asked.add(canonical)
            for taken in self.identified(item, canonical, is_named=is_named):
                if isinstance(taken, LoadedArticle):
                    row = Page(reply.validators, changed, canonical, taken.article.content_hash)
                    for each in {address, clean_address(reply.url)}:
                        self.state.save_page(each, row)
                yield taken

    def identified(self, item: LoadedArticle, address: str, *, is_named: bool = False) -> Iterator[Fetched]:
        """Yield an article under its canonical address; skip one that was taken down."""
        article_id = article_id_of(address)
        self._asked.add(address)
        if article_id in self.taken_down:
            if not is_named:
                reason = "it was taken down: to ingest it again, give the address of its page"
                yield ArticleRejected(address, reason, "taken_down")
                return
            self.taken_down.discard([article_id])
        article = replace(item.article, article_id=article_id, origin=address, url=address)
        yield LoadedArticle(article, explicit_id=True, notices=item.notices)

    def failure(self, url: str, rejection: ArticleRejected) -> ArticleRejected | Gone:
        """Return what a failed fetch means: a page that no longer exists, if the index has its article."""
        page = self.state.page(clean_address(url))
        origin = page.origin if page else clean_address(url)
        return Gone(origin, rejection.reason) if rejection.code == "gone" and origin in self.known else rejection

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
