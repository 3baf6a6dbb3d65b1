"""Markdown files: fields from the front matter, the body as written after it."""

import re
from collections.abc import Iterator

from index.markup import readable
from ingest.clean import clean, clean_line
from ingest.load import contents, frontmatter
from ingest.load.fields import Record
from ingest.load.files import ArticleFile
from ingest.load.identity import path_id
from ingest.load.names import with_own_names
from ingest.load.text import title_of

_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_TOP_HEADING = re.compile(r" {0,3}#[ \t]")
_RULE = re.compile(r"\A(?:[-*_][ \t]*){3,}\n\s*")
_HEADING_MARKS = re.compile(r"^#{1,6}(?: |$)| #+$")


def records(file: ArticleFile) -> Iterator[Record]:
    """The one article of a .md file; raises as `contents.text` and `frontmatter.split` do."""
    text = contents.text(file).replace("\r\n", "\n").replace("\r", "\n")
    fields, written = frontmatter.split(text, file.origin)
    body = clean(written)
    fields = with_own_names(fields)
    if fields["title"] is None:
        fields["title"] = _title(body)
    yield Record(file.origin, path_id(file), {**fields, "body": body, "text": None})


def _title(body: str) -> str | None:
    """The first top heading outside code; without one, what a plain text would be called."""
    fence = ""
    for line in body.split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif not fence and _TOP_HEADING.match(line) and (title := _without_marks(clean_line(line))):
            return title
    return _without_marks(title_of(_RULE.sub("", body)) or "") or None


def _without_marks(heading: str) -> str:
    return readable(_HEADING_MARKS.sub("", heading))
