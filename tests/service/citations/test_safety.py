"""Safe text: links, markup and hidden characters need the same text in the quote."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.citations.verify import EXCERPT, Safety

UNSAFE = {
    "link": "The library reopened (see https://evil.example/login).",
    "link in capitals": "The library reopened: HTTPS://EVIL.EXAMPLE.",
    "link of another scheme": "The library reopened, ftp://evil.example/x.",
    "link of wide letters": "The library reopened：ｈｔｔｐｓ：／／ｅｖｉｌ．ｅｘａｍｐｌｅ.",
    "bare host": "Tickets are sold at library-tickets.example from Monday.",
    "host with path": "Tickets are sold at evil.example/login from Monday.",
    "www": "The library reopened, says www.evil.example.",
    "mail address": "Write to desk@evil.example for a ticket.",
    "Markdown link": "[Brisk Library](evil) reopened in May.",
    "Markdown image": "The library reopened in May ![x](y).",
    "HTML image": "The library reopened in May <img src=x onerror=y>.",
    "HTML comment": "The library reopened <!-- in May --> in June.",
    "closing tag": "The library reopened in May </div>.",
    "override": "The library reopened on \u202e2 May 2026\u202c.",
    "isolate": "The library reopened on \u2067 2 May 2026 \u2069.",
    "mark of direction": "The library\u200f reopened in May.",
    "zero-width space": "The li\u200bbrary reopened in May.",
    "zero-width joiner in Latin": "The li\u200dbrary reopened in May.",
    "zero-width non-joiner in Latin": "The li\u200cbrary reopened in May.",
    "joiner between a letter and a space": "در می\u200c خواهد.",
    "two joiners": "می\u200c\u200cخواهد.",
    "byte order mark": "The library reopened\ufeff in May.",
    "word joiner": "The library\u2060 reopened in May.",
    "soft hyphen": "The li\u00adbrary reopened in May.",
    "tags": "The library reopened in May\U000e0069\U000e0067\U000e006e.",
    "tags behind a flag, unclosed": "The team won \U0001f3f4\U000e0067\U000e0062 today.",
    "selector of a variant": "The library\ufe0e reopened in May.",
    "hidden selectors": "The library\U000e0101 reopened in May.",
    "filler": "The library\u3164 reopened in May.",
    "blank of Braille": "The library\u2800 reopened in May.",
    "line separator": "The library reopened.\u2028It closed.",
    "control": "The library\x08 reopened in May.",
    "escape": "The library\x1b[31m reopened in May.",
    "private use": "The library\ue000 reopened in May.",
    "interlinear": "The library\ufff9 reopened in May.",
    "grapheme joiner": "The li\u034fbrary reopened in May.",
}

SAFE = {
    "plain": "The library reopened on 2 May 2026; it cost 3.4m euros (12% more), e.g. for i.e. Dr. Vane’s U.S. roof.",
    "quotation": "“It rained,” she said… at 9.30 a.m. – and/or 5:30, 141 km/h, 1:0, p.m.",
    "comparison": "Fewer than 3 < 4 boats sank & 2 > 1 & A<3.",
    "brackets": "He wrote [sic] and (see above) and [2024] (again).",
    "space missing": "It rained.Then it snowed.",
    "Persian": "او می\u200cخواهد نامه\u200cها را بخواند.",
    "Hindi": "क्\u200dष और क्\u200cष अलग हैं।",
    "Sinhala": "ශ්\u200dරී ලංකාව",
    "Thai with breaks": "ภาษา\u200bไทย",
    "Khmer with breaks": "ភាសា\u200bខ្មែរ",
    "family": "The \U0001f468\u200d\U0001f469\u200d\U0001f467 won \u2764\ufe0f \U0001f44d\U0001f3fd 1\ufe0f\u20e3.",
    "doctor of a skin tone": "\U0001f469\U0001f3fd\u200d\u2695\ufe0f wrote.",
    "rainbow": "\U0001f3f3\ufe0f\u200d\U0001f308 flew.",
    "Wales": "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f won.",
    "variant of a Japanese name": "葛\U000e0100城市",
    "Hebrew points": "שָׁלוֹם",
    "several lines": "It rained.\n\tIt snowed.\r\n",
}


@pytest.mark.parametrize("text", UNSAFE.values(), ids=UNSAFE)
def test_what_a_reader_does_not_see_or_could_follow_is_unsafe(text: str) -> None:
    """Links, markup, overrides and invisible characters are unsafe, unless the quoted text has the same word."""
    assert Safety().is_unsafe(text)
    assert Safety().is_unsafe(text, "The library reopened in May.")
    assert not Safety().is_unsafe(
        text.replace("ｈｔｔｐｓ：／／ｅｖｉｌ．ｅｘａｍｐｌｅ", "x"), f"As reported: {text} More."
    )


@pytest.mark.parametrize("text", SAFE.values(), ids=SAFE)
def test_what_scripts_and_pictures_need_is_safe(text: str) -> None:
    """Ordinary text of any script is safe, including joiners in words and emoji."""
    assert not Safety().is_unsafe(text)
    assert Safety().excerpt(text) == " ".join(text.split())


def test_another_address_than_the_quoted_one_is_unsafe() -> None:
    """An address in a quote allows this address only."""
    quoted = "Details are at https://town.example/lock and on the board."
    assert not Safety().is_unsafe("See https://town.example/lock.", quoted)
    assert Safety().is_unsafe("See https://evil.example/lock.", quoted)
    assert Safety().is_unsafe("See [the board](https://town.example/lock).", quoted)


KEY = "sk-Test-0123-4567-abcd"


@pytest.mark.parametrize("said", [KEY, KEY.lower(), f"x{KEY}y", " ".join(KEY), KEY.replace("-", "\u200b")])
def test_a_key_is_never_shown(said: str) -> None:
    """A text with a configured key, in any spacing, is unsafe, quoted or not, and is not repeated."""
    safety = Safety(("", KEY))
    assert safety.is_unsafe(f"The key is {said}.", f"The key is {said}.")
    assert safety.excerpt(f"The key is {said}.") == "…"


def test_a_short_key_is_no_secret() -> None:
    """A key that could be an ordinary word is not searched for."""
    assert not Safety(("unused",)).is_unsafe("The unused quay was sold.")


@given(text=st.text(max_size=400))
def test_an_excerpt_is_safe_and_bounded(text: str) -> None:
    """The excerpt of a withheld text is short and safe; that of a safe text has its own words."""
    shown = Safety((KEY,)).excerpt(text)
    assert len(shown) <= EXCERPT
    assert not Safety((KEY,)).is_unsafe(shown)
    assert all(unicodedata.category(char) not in ("Cc", "Co", "Cs") for char in shown)


@pytest.mark.parametrize("text", UNSAFE.values(), ids=UNSAFE)
@given(before=st.text(max_size=350), after=st.text(max_size=20))
def test_an_excerpt_of_unsafe_text_is_safe(text: str, before: str, after: str) -> None:
    """An excerpt has no links and no hidden characters."""
    shown = Safety().excerpt(f"{before}{text}{after}")
    assert not Safety().is_unsafe(shown)
    assert "evil" not in shown or "://" not in shown
