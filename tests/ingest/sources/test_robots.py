from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.robots import Robots, parse_robots

SITE = "https://paper.example"


def test_the_longest_rule_that_matches_decides() -> None:
    robots = parse_robots(
        "User-agent: *\nDisallow: /archive\nAllow: /archive/open\nDisallow: /*.php$\nDisallow:", "Dateline"
    )
    expected = {
        "/": True,
        "/archive/a": False,
        "/archive/open/a": True,
        "/a.php": False,
        "/a.php?x=1": True,
        "/b/a.php": False,
        "/robots.txt": True,
    }
    assert {path: robots.allows(SITE + path) for path in expected} == expected


def test_the_group_of_the_crawler_counts_instead_of_the_group_for_all() -> None:
    text = """Sitemap: https://paper.example/map.xml
    User-agent: other
    User-agent: DATELINE
    Disallow: /private # not for crawlers
    Crawl-delay: 2.5

    User-agent: *
    Disallow: /
    User-agent: dateline
    Disallow: /more"""
    robots = parse_robots(text, "Dateline")
    allowed = [robots.allows(SITE + path) for path in ("/a", "/private/a", "/more")]
    assert (allowed, robots.delay_s, robots.sitemaps) == ([True, False, False], 2.5, ("https://paper.example/map.xml",))
    assert not parse_robots(text, "Another").allows(f"{SITE}/a")


def test_paths_are_compared_in_one_encoding() -> None:
    robots = parse_robots("User-agent: *\nDisallow: /%7Eann/\nDisallow: /käse", "Dateline")
    assert not robots.allows(f"{SITE}/~ann/a")
    assert not robots.allows(f"{SITE}/k%C3%A4se")


@given(st.text(alphabet="ab/*$", max_size=12), st.text(alphabet="ab/", max_size=12))
def test_a_pattern_matches_as_the_regular_expression_of_its_wildcards(pattern: str, path: str) -> None:
    import re

    written = "/" + pattern.replace("$", "") + "$" * pattern.endswith("$")
    parts = ".*".join(map(re.escape, written.removesuffix("$").split("*")))
    expected = re.match(parts + (r"\Z" if written.endswith("$") else ""), f"/{path}") is None
    assert Robots(rules=((written, False),)).allows(f"{SITE}/{path}") is expected


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    parse_robots(text, "Dateline").allows(f"{SITE}/a")
