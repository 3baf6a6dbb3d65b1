"""The list of sources after an answer, for clients that show no annotations."""

import re

from service.answer import Answer, day
from service.api.compat.annotations import cited_pages

# As `source_list` writes it, at the end of a text.
_LIST = re.compile(r"(?:\A|\n\n)\[[0-9]+\] [^\n]*: https?://\S+(?:\n\[[0-9]+\] [^\n]*: https?://\S+)*\s*\Z")


def source_list(answer: Answer, base: str) -> str:
    """Return an empty line and a line `[1] Title, source, date: address` for each marker; empty without citations."""
    lines = []
    for page in cited_pages(answer, base):
        about = [page.title, page.source.source, day(page.source.published_at)]
        lines.append(f"[{page.marker}] {', '.join(' '.join(each.split()) for each in about if each)}: {page.url}")
    return "\n\n" + "\n".join(lines) if lines else ""


def without_source_list(text: str) -> str:
    """Return an earlier answer without its list: a client sends back the text that it was given."""
    return _LIST.sub("", text)
