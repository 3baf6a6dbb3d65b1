from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import ArticleRejected
from ingest.load import ArticleFile, fields
from ingest.load.fields import LoadedArticle, to_article
from ingest.load.raw_article import ID, RawArticle, guid_id, path_id, slug

HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)
NOW = datetime(2024, 6, 1, tzinfo=UTC)
NAMES = st.text(st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name not in (".", "..")
)


def taken(stated: Mapping[str, object]) -> LoadedArticle:
    """Make the article of these fields."""
    return to_article(RawArticle("origin", "fallback", stated), NOW)


def notices(**stated: object) -> list[tuple[str, str]]:
    """Return the code and the message of each notice about these fields."""
    found = taken({"body": "Text.", **stated})
    assert {notice.origin for notice in found.notices} <= {"origin"}
    return [(notice.code, notice.message) for notice in found.notices]


@given(st.text())
def test_every_slug_is_an_id(text: str) -> None:
    """Any path gives a valid id of at most 200 characters."""
    assert ID.fullmatch(slug(text))
    assert ID.fullmatch(slug(text, ".12345"))
    assert ID.fullmatch(guid_id(text, text))


@given(
    st.from_regex(r"[A-Za-z0-9_-]*[A-Za-z0-9_][A-Za-z0-9_-]*(/[A-Za-z0-9_-]+)?", fullmatch=True).filter(
        lambda s: len(s) < 200
    )
)
def test_a_plain_path_is_its_own_id(path: str) -> None:
    """Letters, digits, underscores and hyphens stay; a folder's separator becomes a full stop."""
    assert slug(path) == path.replace("/", ".")


@given(st.text(HAN, min_size=1), st.text(HAN, min_size=1))
def test_names_in_other_scripts_stay_apart(one: str, other: str) -> None:
    """Two names outside of ASCII give two ids."""
    assert (slug(one) == slug(other)) == (one == other)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("000_5da4c667af5338e2.txt", "000_5da4c667af5338e2"),
        ("2024/05/plant opens (v2).final.md", "2024.05.plant-opens-v2-final"),
        ("Müller über Café.txt", "Muller-uber-Cafe"),
        ("a.b/c.txt", "a-b.c"),
    ],
)
def test_a_path_makes_a_readable_id(path: str, expected: str) -> None:
    """The extension and accents are removed; any other run of characters becomes one hyphen."""
    assert path_id(ArticleFile(Path("/root") / path, Path("/root"))) == expected


def test_a_name_that_is_shown_in_part_keeps_what_makes_it_unique() -> None:
    """Names that differ only in letters outside of ASCII give different ids with a readable part."""
    one, other = slug("日本-2024"), slug("中国-2024")
    assert one != other
    assert one.startswith("2024-")
    assert other.startswith("2024-")


def test_a_name_composed_in_another_way_is_the_same() -> None:
    """An accent written as one character or as two makes the same id."""
    assert slug("caf\u00e9") == slug("cafe\u0301") == "cafe"


@given(st.lists(NAMES, min_size=1, max_size=3), st.integers(1, 10**6))
def test_records_of_a_file_are_numbered(parts: list[str], number: int) -> None:
    """The n-th record of a file has the id of the file with its number, however long the name is."""
    name = "/".join(parts)
    file = ArticleFile(Path("/root") / f"{name * 30}.json", Path("/root"))
    assert path_id(file, number).endswith(f".{number}")
    assert len(path_id(file, number)) <= 200


def test_long_names_that_differ_at_the_end_stay_apart() -> None:
    """An id that had to be cut keeps a hash of what was cut."""
    assert slug("x" * 300 + "a") != slug("x" * 300 + "b")
    assert len(slug("x" * 300, ".12")) == 200


@pytest.mark.parametrize(
    "stated",
    ["2024", "2024-05", "202405", "2024-W18", "2024-02-30", "05/01/2024", "soon", "12:30", "2024-05-01T25:00",
     "2024-05-01T10:00+25:00", "0000-00-00", "0001-01-01", "0001-01-01T00:00+14:00", "1492-10-12", 0, -1, True,
     ["2024"], "9999-12-31T23:00-14:00", float("inf"), {"date": "2024-05-01"}],
)  # fmt: skip
def test_a_date_that_states_no_day_stays_unknown(stated: object) -> None:
    """Incomplete and impossible dates get a notice, and only the date stays unknown."""
    assert taken({"body": "Text.", "published_at": stated}).article.published_at is None
    ((code, message),) = notices(published_at=stated)
    assert (code, repr(stated) in message, message.startswith("published_at ")) == ("bad_date", True, True)


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "/relative", "www.news.example", "http://", "https:///path", "http://[bad", "ftp://a.example/",
     "https://a.example:99999/", "https://a.example/a b", 'https://a.example/"onload="x', "data:text/html,x", "HTTPS",
     "https://bank.example@evil.example/", "https://user:secret@news.example/a", "http://@news.example/"],
)  # fmt: skip
def test_an_address_that_cannot_be_followed_stays_unknown(url: str) -> None:
    """Only http and https addresses with a host and without a user are stored, because they become links."""
    assert taken({"body": "Text.", "url": url}).article.url is None
    ((code, message),) = notices(url=url)
    assert (code, repr(url) in message) == ("bad_url", True)


@pytest.mark.parametrize("url", ["https://news.example/ä?q=1&r=(2)#x", "HTTP://News.Example:8080", "", None])
def test_an_address_of_the_web_is_taken(url: str | None) -> None:
    """Any address that a browser can follow is stored unchanged."""
    assert notices(url=url) == []


@pytest.mark.parametrize("identity", ["ä", "...", "..", ".", 1.5, True, ["a"], {"a": 1}])
def test_an_id_that_cannot_be_used_is_made_from_the_place(identity: object) -> None:
    """An id that is not a text, or is only dots, gets a notice; the article gets an id from its path."""
    found = taken({"body": "Text.", "id": identity})
    assert (found.explicit_id, found.article.article_id == "fallback") == (identity == "ä", identity != "ä")
    ((code, message),) = notices(id=identity)
    assert (code, repr(identity) in message) == ("bad_id", True)


@pytest.mark.parametrize("identity", ["a b", "a/b", "world/2024/jun/03/river", "urn:x/1?a=b", "ä", "x" * 201])
def test_an_id_that_does_not_fit_becomes_one_that_does(identity: str) -> None:
    """An invalid id gives a valid one, the same in every file, and a notice with both."""
    raw = RawArticle("origin", "fallback", {"body": "Text.", "id": identity})
    one, again = (to_article(each, NOW) for each in (raw, replace(raw, origin="elsewhere", fallback_id="other")))
    assert (one.article.article_id, one.explicit_id) == (again.article.article_id, True)
    assert ID.fullmatch(one.article.article_id)
    ((code, message),) = notices(id=identity)
    assert (code, one.article.article_id in message) == ("bad_id", True)


@given(st.text(st.sampled_from("./a%"), min_size=1, max_size=6))
def test_no_id_leads_a_browser_elsewhere(identity: str) -> None:
    """No stated id ends up as dots alone or with a slash in it."""
    made = taken({"body": "Text.", "id": identity}).article.article_id
    assert made.strip(".")
    assert "/" not in made


def test_lists_are_cleaned() -> None:
    """Authors and tags are a list or a text with commas; white space and duplicates are removed."""
    stated = {"body": "Text.", "authors": [" Ann  Bow", None, "Ann Bow", 7, ""], "tags": "b, a ,,b"}
    article = taken(stated).article
    assert (article.authors, article.tags) == (("Ann Bow", "7"), ("b", "a"))


def test_the_body_wins_over_the_text() -> None:
    """`body` has precedence over `text` unless it is empty."""
    both = taken({"body": "One.", "text": "Two."})
    empty = taken({"body": "", "text": "Two."})
    assert (both.article.body, empty.article.body) == ("One.", "Two.")


@pytest.mark.parametrize(("name", "characters"), [("title", 40_001), ("tags", 40_001), ("body", 20_000_001)])
def test_a_field_that_is_far_too_long_is_not_cleaned(
    name: str, characters: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line of more than 40,000 characters or a text of more than 20 million is refused before it is cleaned."""
    cleaned: list[int] = []

    def spy(text: str) -> str:
        cleaned.append(len(text))
        return text

    monkeypatch.setattr(fields, "clean", spy)
    monkeypatch.setattr(fields, "clean_line", spy)
    raw = RawArticle("origin", "fallback", {"body": "Text.", name: "a" * characters})
    if name == "body":
        with pytest.raises(ArticleRejected) as refused:
            to_article(raw, NOW)
        assert refused.value.code == "too_large"
    else:
        assert [notice.code for notice in to_article(raw, NOW).notices] == ["bad_field"]
    assert max(cleaned, default=0) < 40_000


@pytest.mark.parametrize("mark", ["\u202e", "\u202d", "\u2066", "\u2069", "\u2062", "\u3164", "\U000e0041", "\ufff9"])
def test_marks_that_disguise_text_leave_titles_and_names(mark: str) -> None:
    """Direction marks and invisible characters are removed from titles and names; the body keeps them."""
    text = f"Ann{mark} Bow"
    found = taken({"body": text, "title": text, "source": text, "section": text, "authors": [text], "tags": [text]})
    article = found.article
    assert {article.title, article.source, article.section, *article.authors, *article.tags} == {"Ann Bow"}
    assert article.body == text


def test_marks_that_scripts_are_written_with_stay() -> None:
    """Joiners, and the marks that place a stop in Arabic or Hebrew, stay in a title."""
    title = "می\u200cخواهم! \u200f(ב)\u200e \u2764\ufe0f\u200d\U0001f525"
    assert taken({"body": "Text.", "title": title}).article.title == title
