"""The tables of fields in `docs/sources.md`, written from the loaders' own tables: `python -m tests.sources_page`."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ingest.load import wxr
from ingest.load.formats import FORMATS, LISTS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "sources.md"
_START, _END = "<!-- fields: written by `make docs` -->\n", "<!-- end of fields -->\n"


def page() -> str:
    """Return the text of `docs/sources.md` with current tables."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_START)
    after = rest.partition(_END)[2]
    return f"{before}{_START}{tables()}{_END}{after}"


def tables() -> str:
    """Return a table of fields for each format."""
    found = ["\n", *_table("WordPress export (WXR)", wxr.FIELDS, wxr.MARKS)]
    for form in FORMATS:
        found += _table(form.name, form.fields, form.marks)
    lists = ", ".join(f"`{path}`" for path in LISTS)
    return "".join([*found, f"A file of JSON is one article, a list, or an object with a list at {lists}.\n"])


def _table(name: str, fields: Mapping[str, tuple[str, ...]], marks: tuple[str, ...]) -> Iterator[str]:
    yield f"### {name}\n\n| field | from, the first with a value |\n|---|---|\n"
    for field, paths in fields.items():
        yield f"| `{field}` | {', '.join(f'`{path}`' for path in paths)} |\n"
    if marks:
        yield f"| is it published? | {', '.join(f'`{mark}`' for mark in marks)} |\n"
    yield "\n"


def described() -> set[str]:
    """Return the names of the formats that the first table of the page lists."""
    text = PAGE.read_text(encoding="utf-8").partition(_START)[0]
    return set(re.findall(r"^\| \*\*(.+?)\*\*", text, re.MULTILINE))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
