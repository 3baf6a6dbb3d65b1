"""Plain text files: the body is the text of the file."""

import re
from collections.abc import Iterator

from index.markup import readable
from ingest.clean import clean, clean_line
from ingest.load import contents
from ingest.load.fields import Record
from ingest.load.files import ArticleFile
from ingest.load.identity import path_id

TITLE_LENGTH = 120
_TITLE_WORDS = 20
_FINAL_STOP = re.compile(r"[.!?…:;,。！？][\"'”’»)\]]*$")
# A title is sought at the start only, however long the text is.
_OPENING = 4_000


def records(file: ArticleFile) -> Iterator[Record]:
    """The one article of a .txt file; raises as `contents.text` does."""
    body = clean(contents.text(file))
    yield Record(file.origin, path_id(file), {"body": body, "title": title_of(body)})


def title_of(body: str) -> str | None:
    """Return the title of a cleaned text that states none, without markup.

    The first line, if it looks like a heading: at most 120 characters and 20 words, no final stop, a
    blank line below it and text after that. Else the first sentence, cut to 120 characters on a word.
    """
    line, _, rest = body.partition("\n")
    title = readable(line) if rest.startswith("\n") and len(line) <= _OPENING else ""
    if title and _is_heading(title):
        return clean_line(title)
    return _cut(_first_sentence(body[:_OPENING])) or None


def _is_heading(line: str) -> bool:
    bare = line.strip()
    short = len(bare) <= TITLE_LENGTH and len(bare.split()) <= _TITLE_WORDS
    return short and not _FINAL_STOP.search(bare)


def _first_sentence(opening: str) -> str:
    from index.text import sentence_spans

    written = [opening[span.start : span.end] for span in sentence_spans(opening)]
    # A text of signs alone is called by its signs.
    return next(filter(None, map(clean_line, [*map(readable, written), *written])), "")


def _cut(sentence: str) -> str:
    if len(sentence) <= TITLE_LENGTH:
        return sentence
    kept = sentence[:TITLE_LENGTH]
    on_a_word = kept.rpartition(" ")[0] or kept[:-1]
    return f"{on_a_word.rstrip(' ,;:–—-')}…"
