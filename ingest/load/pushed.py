"""Pushed articles: the spool's JSON files, each with the fields of one article."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from index.spool import SpoolEntry
from ingest.load.article import RawArticle
from ingest.load.files import ArticleFile, read_text
from ingest.load.page import html_to_text
from ingest.report import ArticleRejected

ORIGIN = "push:"
"""Prefix of the origin of a pushed article; its id follows."""

PUSHED_FILE_LIMIT = 60_000_000


@dataclass(frozen=True, slots=True)
class PushedFile(ArticleFile):
    """The file of a pushed article in the spool."""

    article_id: str = ""

    @property
    def origin(self) -> str:
        """The origin of the article; its file is removed once it is published."""
        return f"{ORIGIN}{self.article_id}"


def pushed_file(entry: SpoolEntry) -> PushedFile:
    """Return the file of an entry of the spool."""
    return PushedFile(entry.path, entry.path.parent, article_id=entry.article_id)


def is_plain_push(file: PushedFile) -> bool:
    """Return whether a pushed article has a plain text, which needs no parser."""
    try:
        return "html" not in json.loads(read_text(file, PUSHED_FILE_LIMIT))
    except (OSError, ArticleRejected):
        return True


def parse_pushed(file: ArticleFile) -> Iterator[RawArticle]:
    """Yield the article of a file of the spool; raises as `read_text`."""
    fields = json.loads(read_text(file, PUSHED_FILE_LIMIT))
    if (html := fields.pop("html", None)) is not None:
        fields["body"] = html_to_text(html)
    # The service has refused a date in the future.
    yield RawArticle(file.origin, fields["id"], fields, public=True)
