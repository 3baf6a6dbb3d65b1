"""Quoting: what a person sees stays, what opens a fence or cannot be seen goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.quoting import new_fence, quoted, quoted_line


def test_fences_are_new_each_time() -> None:
    """No two requests share the code of their fences."""
    assert len({new_fence() for _ in range(100)}) == 100


@given(parts=st.lists(st.one_of(st.just("f3nc3"), st.just("f3n"), st.just("c3"), st.text(max_size=5)), max_size=12))
def test_quoted_text_never_holds_the_fence(parts: list[str]) -> None:
    """However a text is put together, neither the fence nor the opening of a control token is left in it."""
    text = quoted("".join(parts), "f3nc3")
    assert "f3nc3" not in text
    assert "<|" not in text


@given(text=st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=60))
def test_quoted_text_keeps_what_a_person_sees(text: str) -> None:
    """Letters, digits, punctuation and spaces come through as they are."""
    assert quoted(text, new_fence()) == text


def test_unseen_characters_are_removed() -> None:
    """Controls, zero-width spaces, direction overrides and tag characters are removed; joiners and lines stay."""
    hidden = "\x00\x1b\u200b\u202e\u2066\ufeff\U000e0041"
    assert quoted(f"a{hidden}b\n\tc\u200dd\r\n", "f3nc3") == "ab\n\tc\u200dd\n"


@pytest.mark.parametrize("brk", ["\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_every_line_break_is_one(brk: str) -> None:
    """However a line is broken, its words stay apart."""
    assert quoted(f"one{brk}two", "f3nc3") == "one\ntwo"


@given(text=st.text(max_size=60))
def test_quoted_line_is_one_line(text: str) -> None:
    """A title stays on one line, whatever breaks lines in it."""
    assert len(quoted_line(text, "f3nc3").splitlines()) <= 1


def test_empty_fence_is_refused() -> None:
    """Without a fence nothing can be quoted."""
    with pytest.raises(ValueError, match="fence is empty"):
        quoted("text", "")
