"""robots.txt: which addresses of a host its publisher allows to fetch, and how often (RFC 9309).

The standard library's parser is not used: it takes the first rule that matches instead of the longest, and reads `*`
and `$` as ordinary characters, so it would fetch what publishers exclude.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import quote, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules of a host for one crawler; `delay_s` is its Crawl-delay, `sitemaps` the addresses that it lists."""

    rules: tuple[tuple[str, bool], ...] = ()
    delay_s: float = 0.0
    sitemaps: tuple[str, ...] = ()

    def allows(self, url: str) -> bool:
        """Return whether an address may be fetched: the longest matching rule decides; an allowing one wins a tie."""
        parts = urlsplit(url)
        path = _plain(parts.path or "/") + (f"?{_plain(parts.query)}" if parts.query else "")
        matching = [(len(pattern), is_allowed) for pattern, is_allowed in self.rules if _matches(pattern, path)]
        return max(matching, default=(0, True))[1]


def parse_robots(text: str, agent: str) -> Robots:
    """Return the rules of a robots.txt for a crawler by its product name: those of its groups, else those for `*`."""
    fields = list(_fields(text))
    sitemaps = tuple(value for name, value in fields if name == "sitemap")
    groups = list(_groups([field for field in fields if field[0] != "sitemap"]))
    own = [lines for names, lines in groups if agent.lower() in names]
    lines = [line for group in own or [lines for names, lines in groups if "*" in names] for line in group]
    rules = tuple((_plain(value), name == "allow") for name, value in lines if name in ("allow", "disallow") and value)
    delays = [_seconds(value) for name, value in lines if name == "crawl-delay"]
    return Robots(rules, max(delays, default=0.0), sitemaps)


def _fields(text: str) -> Iterator[tuple[str, str]]:
    for line in text.removeprefix("\ufeff").splitlines():
        name, colon, value = line.partition("#")[0].partition(":")
        if colon:
            yield name.strip().lower(), value.strip()


def _groups(fields: list[tuple[str, str]]) -> Iterator[tuple[set[str], list[tuple[str, str]]]]:
    """Yield each group: the names of its crawlers, and its lines."""
    names: set[str] = set()
    for is_name, group in groupby(fields, key=lambda field: field[0] == "user-agent"):
        if is_name:
            names = {value.lower() for _, value in group}
        else:
            yield names, list(group)


def _matches(pattern: str, path: str) -> bool:
    """Return whether a pattern matches the start of a path; `*` is any text, a final `$` the end of the path.

    The parts between `*` are searched one after the other: a regular expression would take exponential time for some.
    """
    first, *others = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    position = len(first)
    for number, part in enumerate(others, start=1):
        is_last = number == len(others)
        if is_last and pattern.endswith("$"):
            return len(path) - len(part) >= position and path.endswith(part)
        position = path.find(part, position)
        if position < 0:
            return False
        position += len(part)
    return not pattern.endswith("$") or position == len(path)


def _plain(text: str) -> str:
    """Return a path or query in one encoding, so that `%7e` equals `~`."""
    return quote(unquote(text), safe="/*$?=&;:@+,!'()~%")


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        return 0.0
    return seconds if 0 < seconds < float("inf") else 0.0
