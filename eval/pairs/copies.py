"""The pairs that tell a copy of an article from another article, made from the stories in this folder.

`python -m eval.pairs.copies` writes them to standard output as JSONL.
"""

import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
LABELS = ("copy", "distinct")
Entry = dict[str, Any]
"""One entry of a file of stories."""

PAPERS = ("Merrow Post", "Tollan Herald", "Saltcote Gazette", "Lowmoor Chronicle", "Fellgate Times", "Harne Observer")
SHARES = (0.3, 0.45, 0.6, 0.75, 0.9)
"""The shares of the words that a trimmed copy keeps."""

AMERICAN = {
    "archaeolog": "archeolog",
    "Archaeolog": "Archeolog",
    "centre": "center",
    "cheque": "check",
    "colour": "color",
    "favour": "favor",
    "grey": "gray",
    "harbour": "harbor",
    "litre": "liter",
    "mould": "mold",
    "metre": "meter",
    "neighbour": "neighbor",
    "organis": "organiz",
    "programme": "program",
    "sceptical": "skeptical",
    "theatre": "theater",
    "tonne": "ton",
    "travell": "travel",
    "waggon": "wagon",
}
FOOTER_PAIRS = 6
"""Pairs with a shared footer in each half."""

SERIES_PAIRS = ((0, 1), (2, 3), (0, 2), (1, 3))
HOUR = 5


@dataclass(frozen=True, slots=True)
class Version:
    """An article as one paper published it."""

    title: str
    source: str
    published_at: str
    body: str


@dataclass(frozen=True, slots=True)
class CopyPair:
    """Two articles and whether they are copies of one text; `change` says how they differ."""

    id: str
    split: str
    label: str
    change: str
    a: Version
    b: Version


def copy_pairs() -> list[CopyPair]:
    """Return all pairs, in the order of the hash of their ids."""
    stories, series, releases = (_entries(name) for name in ("stories", "series", "releases"))
    made = [
        *_story_pairs(stories),
        *_footer_pairs([story for story in stories if "language" not in story], _texts("footers")),
        *_series_pairs(series),
        *_release_pairs(releases),
    ]
    return sorted((_turned(pair) for pair in made), key=lambda pair: _digest(pair.id))


def lower_half(names: Sequence[str]) -> set[str]:
    """Return the half of the names with the lower SHA-256; the larger half if their number is odd."""
    return set(sorted(names, key=_digest)[: (len(names) + 1) // 2])


def _entries(name: str) -> list[Entry]:
    """Read a file of stories; each entry gains its `split`."""
    entries: list[Entry] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    opened = lower_half([entry["id"] for entry in entries])
    return [{**entry, "split": "open" if entry["id"] in opened else "closed"} for entry in entries]


def _texts(name: str) -> list[str]:
    """Read a file of texts."""
    texts: list[str] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return [" ".join(text.split()) for text in texts]


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _turned(pair: CopyPair) -> CopyPair:
    """Swap the articles of every other pair, so that the order says nothing."""
    return replace(pair, a=pair.b, b=pair.a) if int(_digest(pair.id)[-1], 16) % 2 else pair


def _version(entry: Entry, source: str = "", days: int = 0) -> Version:
    """Return an entry as its paper published it, or as another paper did `days` later."""
    day = datetime.fromisoformat(str(entry["date"])).replace(hour=HOUR + 3 * bool(source), tzinfo=UTC)
    published = (day + timedelta(days=days)).isoformat().replace("+00:00", "Z")
    return Version(entry["title"], source or entry["source"], published, entry["body"].strip())


def _story_pairs(stories: Sequence[Entry]) -> Iterator[CopyPair]:
    """Yield the pairs of each story: its copies, the same event by another reporter, and the report of the next day."""
    for number, story in enumerate(stories):
        base = _version(story)
        for change, first, second in _copies(number, story, base):
            yield CopyPair(f"{story['id']}-{change}", story["split"], "copy", change, first, second)
        for field, change in (("retold", "same_event"), ("next", "update")):
            if field in story:
                other = _version({"date": story["date"], **story[field]})
                other = replace(other, body="\n\n".join([other.body, *_background(story, field)]))
                yield CopyPair(f"{story['id']}-{change}", story["split"], "distinct", change, base, other)


def _background(story: Entry, field: str) -> list[str]:
    """Return the paragraphs of the story that the later report repeats."""
    paragraphs = story["body"].strip().split("\n\n")
    return [paragraphs[number] for number in story[field].get("background", ())]


def _copies(number: int, story: Entry, base: Version) -> Iterator[tuple[str, Version, Version]]:
    """Yield the changes of a story and its two versions: those with words of its own, and some by its number."""
    papers = [paper for paper in PAPERS if paper != base.source]
    other = _version(story, papers[number % len(papers)], number % 2)
    share = SHARES[number // 3 % len(SHARES)]
    due: list[tuple[str, bool, Callable[[], Version]]] = [
        ("light_rewrite", "rewrite" in story, lambda: _rewritten(story, other)),
        ("inserted_local_paragraph", "local" in story, lambda: _with_local_paragraph(story, other)),
        ("one_value", "value" in story, lambda: _with_other_value(story, other)),
        ("new_headline", "headline" in story, lambda: replace(other, title=story["headline"])),
        ("trimmed", number % 3 == 0, lambda: _trimmed(other, share)),
        ("reordered", number % 5 == 1, lambda: _reordered(other)),
        ("verbatim", number % 12 == 4, lambda: other),
        ("agency_line", number % 8 == 5, lambda: _with_agency_line(other)),
        ("respelled", number % 8 == 7, lambda: _respelled(other)),
    ]
    for change, is_due, made in due:
        if is_due:
            yield change, base, made()
    if number % 5 == 2:
        last = _version(story, papers[(number + 1) % len(papers)], 1)
        cut = replace(_trimmed(other, 0.75), title=story.get("headline", base.title))
        yield "several", _with_agency_line(cut), _respelled(_rewritten(story, last))


def _rewritten(story: Entry, version: Version) -> Version:
    body = version.body
    for before, after in story.get("rewrite", ()):
        body = _replaced(body, before, after)
    return replace(version, body=body)


def _with_local_paragraph(story: Entry, version: Version) -> Version:
    first, second, *rest = version.body.split("\n\n")
    return replace(version, body="\n\n".join([first, second, story["local"].strip(), *rest]))


def _with_other_value(story: Entry, version: Version) -> Version:
    before, after = story["value"]
    return replace(version, body=_replaced(version.body, before, after))


def _trimmed(version: Version, share: float) -> Version:
    """Keep sentences from the beginning until they have this share of the words; at least the last one goes."""
    ends = [found.end() for found in re.finditer(r'[.!?]["“]?(?=\s|$)', version.body)]
    words = len(version.body.split())
    for end in ends[:-1]:
        if len(version.body[:end].split()) >= share * words:
            return replace(version, body=version.body[:end])
    return replace(version, body=version.body[: ends[-2]])


def _reordered(version: Version) -> Version:
    """Keep the first paragraph; move the next two to the end."""
    first, second, third, *rest = version.body.split("\n\n")
    return replace(version, body="\n\n".join([first, *rest, second, third]))


def _with_agency_line(version: Version) -> Version:
    """Add the line that papers put around the texts of an agency."""
    return replace(version, body=f"By our correspondent (IPS)\n\n{version.body} © Inland Press Service")


def _respelled(version: Version) -> Version:
    """Change the spelling from British to American, straight quotation marks to curly ones, and € to a word."""
    body = version.body
    for british, american in AMERICAN.items():
        body = body.replace(british, american)
    body = re.sub(r"€([\d.,]*\d(?: million)?)", r"\1 euros", body)
    body = re.sub(r'"([^"]+)"', "“\\1”", body).replace("'", "’").replace("„", "»").replace(" — ", " - ")
    return replace(version, body=body)


def _replaced(text: str, before: str, after: str) -> str:
    """Replace words that must occur once."""
    if text.count(before) != 1:
        raise ValueError(f"{before!r} occurs {text.count(before)} times in the story; it must occur once.")
    return text.replace(before, after)


def _footer_pairs(stories: Sequence[Entry], footers: Sequence[str]) -> Iterator[CopyPair]:
    """Yield different stories of one paper with one footer; every other pair has only their first two paragraphs."""
    for split in ("open", "closed"):
        half = [story for story in stories if story["split"] == split]
        for number in range(FOOTER_PAIRS):
            pair = half[2 * number : 2 * number + 2]
            first, second = (_with_footer(story, number, footers[number % len(footers)]) for story in pair)
            name = "-".join(story["id"] for story in pair)
            yield CopyPair(f"{name}-footer", split, "distinct", "boilerplate_only", first, second)


def _with_footer(story: Entry, number: int, footer: str) -> Version:
    version = _version(story, PAPERS[number % len(PAPERS)])
    paragraphs = version.body.split("\n\n")[: 2 if number % 2 else None]
    return replace(version, body="\n\n".join([*paragraphs, footer]))


def _series_pairs(series: Sequence[Entry]) -> Iterator[CopyPair]:
    """Yield pairs of articles that were made from one template with other values."""
    for entry in series:
        versions = [_filled(entry, values) for values in entry["each"]]
        for first, second in SERIES_PAIRS:
            name = f"{entry['id']}-{first + 1}-{second + 1}"
            yield CopyPair(name, entry["split"], "distinct", "same_series", versions[first], versions[second])


def _filled(entry: Entry, values: Entry) -> Version:
    filled = {name: entry[name].format_map(values) for name in ("title", "body")}
    return _version({**entry, **filled, "date": values["date"]})


def _release_pairs(releases: Sequence[Entry]) -> Iterator[CopyPair]:
    """Yield different stories that quote one press release."""
    for entry in releases:
        stories = [{**entry[side], "date": entry["date"]} for side in "ab"]
        quote = entry["quote"].strip()
        a, b = (_version({**story, "body": story["body"].format(quote=quote)}) for story in stories)
        yield CopyPair(f"{entry['id']}-release", entry["split"], "distinct", "same_release", a, b)


def main() -> None:
    """Write all pairs to standard output, one JSON object a line."""
    for pair in copy_pairs():
        sys.stdout.write(json.dumps(asdict(pair), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
