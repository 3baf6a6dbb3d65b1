import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.load import article as fields
from ingest.load.article import ID, LoadedArticle, RawArticle, clean, clean_line, to_article
from ingest.report import ArticleRejected

NASTY = st.text(
    st.sampled_from(
        "a é e\u0301\r\n\t \u00a0\u2003\u3000\u00ad\u200b\u200c\u200d\u2060\ufeff\x00\x07\x85\u2028\ud800\udfff."
    )
)
ANY = st.text(st.characters()) | st.text(st.characters(categories=("Cs", "Cc", "Cf", "Zs", "Zl", "Mn"))) | NASTY
WORDS = st.text(st.characters(categories=("Ll", "Lu", "Nd", "Po", "Sc")), min_size=1)
LINES = st.lists(WORDS, min_size=1).map(" ".join)
ORDINARY = st.builds(str.join, st.sampled_from(["\n", "\n\n", "\n\n\n"]), st.lists(LINES, min_size=1))
NOW = datetime(2024, 6, 1, tzinfo=UTC)


def taken(stated: Mapping[str, object]) -> LoadedArticle:
    """Make the article of these fields."""
    return to_article(RawArticle("origin", "fallback", stated), NOW)


def notices(**stated: object) -> list[tuple[str, str]]:
    """Return the code and the message of each notice about these fields."""
    found = taken({"body": "Text.", **stated})
    assert {notice.origin for notice in found.notices} <= {"origin"}
    return [(notice.code, notice.message) for notice in found.notices]


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


@given(ANY)
def test_cleaning_is_idempotent(text: str) -> None:
    """Cleaning a cleaned text changes nothing."""
    assert clean(clean(text)) == clean(text)


@given(ANY)
def test_cleaned_text_can_be_stored(text: str) -> None:
    """A cleaned text is UTF-8, normalised, and contains no control characters except line end and tab."""
    cleaned = clean(text)
    assert cleaned.encode().decode() == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not re.search(r"[^\S \n\t]|[\x00-\x08\x0b-\x1f\x7f-\x9f]", cleaned)


@given(ANY)
def test_cleaned_text_has_no_loose_white_space(text: str) -> None:
    """A cleaned text does not begin or end with white space, and its lines do not end with it."""
    cleaned = clean(text)
    assert cleaned == cleaned.strip()
    assert not re.search(r"[ \t]\n|\n{4}", cleaned)


@given(ORDINARY)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    """The body of an ordinary text is the text without its outer white space."""
    assert clean(f"\n{text}\n") == unicodedata.normalize("NFC", text)


@given(ANY)
def test_a_cleaned_line_is_one_line(text: str) -> None:
    """A cleaned line has only single spaces as white space, and cleaning it again changes nothing."""
    line = clean_line(text)
    assert line.split(" ") == (line.split() or [""])
    assert clean_line(line) == line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("end.\fNext", "end.\nNext"),
        ("a\u00a0b\u2009c", "a b c"),
        ("inter\u00adnational\u200b", "international"),
        ("👩\u200d👩\u200d👧 می\u200cخواهم", "👩\u200d👩\u200d👧 می\u200cخواهم"),
        ("cafe\u0301", "café"),
        ("a\n\n\nb", "a\n\n\nb"),
        ("a\n \n\t\n \nb", "a\n\nb"),
        ("  a\tb \n c  ", "a\tb\n c"),
        ("lone \ud83d here", "lone \ufffd here"),
        ("bell\x07 nul\x00", "bell nul"),
    ],
)
def test_each_rule_of_cleaning(text: str, expected: str) -> None:
    """Line ends, spaces, invisible characters and blank lines are cleaned; joiners stay."""
    assert clean(text) == expected


def test_long_runs_of_spaces_are_cleaned_quickly() -> None:
    """A million spaces inside a line take no longer than a million letters."""
    assert clean("x" + " " * 1_000_000 + "y").endswith("y")
