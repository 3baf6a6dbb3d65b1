"""Plain text and Markdown files: the body is the text, after the front matter of Markdown."""

import re
from collections.abc import Iterator

from index.markup import readable
from ingest.load.encodings import read_text
from ingest.load.fields import clean_line
from ingest.load.files import ArticleFile
from ingest.load.frontmatter import split_front_matter
from ingest.load.raw_article import RawArticle, path_id, with_standard_names

TITLE_LENGTH = 120
_TITLE_WORDS = 20
_FINAL_STOP = re.compile(r"[.!?…:;,。！？][\"'”’»)\]]*$")
# The title is in the beginning of a text, however long the text is.
_OPENING = 4_000
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_TOP_HEADING = re.compile(r" {0,3}#[ \t]")
_RULE = re.compile(r"\A(?:[-*_][ \t]*){3,}\n\s*")
_HEADING_MARKS = re.compile(r"^#{1,6}(?: |$)| #+$")


def parse_text(file: ArticleFile) -> Iterator[RawArticle]:
    """Yield the article of a .txt file; raises as `read_text`."""
    yield RawArticle(file.origin, path_id(file), {"body": read_text(file)}, make_title=title_of)


def parse_markdown(file: ArticleFile) -> Iterator[RawArticle]:
    """Yield the article of a .md file; raises as `read_text` and `split_front_matter`."""
    text = read_text(file).replace("\r\n", "\n").replace("\r", "\n")
    fields, body = split_front_matter(text, file.origin)
    stated = {**with_standard_names(fields), "body": body, "text": None}
    yield RawArticle(file.origin, path_id(file), stated, make_title=_markdown_title)


def title_of(body: str) -> str | None:
    """Derive the title of a cleaned text, without markup.

    It is the first line if that looks like a heading: at most 120 characters and 20 words, no final stop, a blank line
    below it and text after that. Otherwise it is the first sentence, cut to 120 characters at a word.
    """
    line, _, rest = body.partition("\n")
    title = readable(line) if rest.startswith("\n") and len(line) <= _OPENING else ""
    if title and _is_heading(title):
        return clean_line(title)
    return _cut(_first_sentence(body[:_OPENING])) or None


def _markdown_title(body: str) -> str | None:
    """Return the first top heading outside of code; without one, the title of a plain text."""
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


def _is_heading(line: str) -> bool:
    bare = line.strip()
    short = len(bare) <= TITLE_LENGTH and len(bare.split()) <= _TITLE_WORDS
    return short and not _FINAL_STOP.search(bare)


def _first_sentence(opening: str) -> str:
    from index.text import sentence_spans

    written = [opening[span.start : span.end] for span in sentence_spans(opening)]
    # The title of a text of markup alone is the markup.
    return next(filter(None, map(clean_line, [*map(readable, written), *written])), "")


def _cut(sentence: str) -> str:
    if len(sentence) <= TITLE_LENGTH:
        return sentence
    kept = sentence[:TITLE_LENGTH]
    on_a_word = kept.rpartition(" ")[0] or kept[:-1]
    return f"{on_a_word.rstrip(' ,;:–—-')}…"
