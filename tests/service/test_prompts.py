"""The prompts: strict variables, digests, and sanitized text between fences."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, meta

from index.errors import ConfigurationError
from service.prompts import Prompts, new_fence, sanitize, sanitize_line

HOUSE = Path(__file__).parents[2] / "prompts"


def write_pair(folder: Path, name: str, system: str, user: str) -> None:
    (folder / f"{name}.system.jinja2").write_text(system, encoding="utf-8")
    (folder / f"{name}.user.jinja2").write_text(user, encoding="utf-8")


def test_both_halves_are_rendered(tmp_path: Path) -> None:
    """Both files of a pair get the same variables, without escaping."""
    write_pair(tmp_path, "greet", "Be {{ mood }}.\n", "Say <b>{{ word }}</b> & be {{ mood }}.\n")
    rendered = Prompts(tmp_path).render("greet", mood="kind", word="it's")
    assert (rendered.system, rendered.user) == ("Be kind.", "Say <b>it's</b> & be kind.")


def test_missing_variable_is_named(tmp_path: Path) -> None:
    """A variable that is not given is an error that names it."""
    write_pair(tmp_path, "greet", "Be kind.", "Say {{ word }}.")
    with pytest.raises(ConfigurationError, match="'word'"):
        Prompts(tmp_path).render("greet", wrod=2)


def test_missing_field_is_named(tmp_path: Path) -> None:
    """A field that an object lacks is an error, not an empty place."""
    write_pair(tmp_path, "greet", "Be kind.", "{% for it in things %}{{ it.title }}{% endfor %}")
    with pytest.raises(ConfigurationError, match="title"):
        Prompts(tmp_path).render("greet", things=[{"name": "x"}])


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("{% for %}", "does not parse"),
        ("{% include 'other.jinja2' %}", "does not render"),
        ("{{ ''.__class__.__mro__ }}", "does not render"),
    ],
)
def test_unfit_template_is_refused(tmp_path: Path, user: str, said: str) -> None:
    """A template that does not parse, includes another file or uses Python internals is invalid."""
    write_pair(tmp_path, "greet", "Be kind.", user)
    with pytest.raises(ConfigurationError, match=said):
        Prompts(tmp_path).render("greet")


@pytest.mark.parametrize(("there", "missing"), [("system", "user"), ("user", "system")])
def test_half_a_pair_is_refused(tmp_path: Path, there: str, missing: str) -> None:
    """An incomplete pair is an error at start-up that names the missing file."""
    (tmp_path / f"greet.{there}.jinja2").write_text("Be kind.", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"greet\.{missing}\.jinja2"):
        Prompts(tmp_path)


def test_folder_without_prompts_is_refused(tmp_path: Path) -> None:
    """A folder without prompts is an error that names its path."""
    with pytest.raises(ConfigurationError, match=re.escape(str(tmp_path))):
        Prompts(tmp_path)


HALF = st.text("ab \n", max_size=4)


@given(pairs=st.lists(st.tuples(HALF, HALF), min_size=2, max_size=6, unique=True))
def test_digest_follows_the_bytes(tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]) -> None:
    """Two pairs of files have the same digest if and only if both files have the same bytes."""
    folder = tmp_path_factory.mktemp("prompts")
    digests = set()
    for system, user in pairs:
        write_pair(folder, "p", system, user)
        digest = Prompts(folder).digest("p")
        assert re.fullmatch(r"p@[0-9a-f]{8}", digest)
        assert digest == Prompts(folder).digest("p")
        digests.add(digest)
    assert len(digests) == len(pairs)


def test_readme_names_every_prompt_and_variable() -> None:
    """The README lists exactly the prompts that exist, with exactly the variables they use."""
    rows = re.findall(r"^\| `(\w+)` \|[^|]+\| ([^|]+) \|", (HOUSE / "README.md").read_text("utf-8"), re.MULTILINE)
    documented = {name: set(re.findall(r"`(\w+)`", variables)) for name, variables in rows}
    used: dict[str, set[str]] = {}
    for path in HOUSE.glob("*.jinja2"):
        half = Environment(autoescape=True).parse(path.read_text("utf-8"))
        used.setdefault(path.name.split(".")[0], set()).update(meta.find_undeclared_variables(half))
    assert documented == used


def test_fences_are_new_each_time() -> None:
    """No two requests share the code of their fences."""
    assert len({new_fence() for _ in range(100)}) == 100


@given(parts=st.lists(st.one_of(st.just("f3nc3"), st.just("f3n"), st.just("c3"), st.text(max_size=5)), max_size=12))
def test_sanitized_text_never_has_the_fence(parts: list[str]) -> None:
    """A sanitized text contains neither the fence nor the opening of a control token."""
    text = sanitize("".join(parts), "f3nc3")
    assert "f3nc3" not in text
    assert "<|" not in text


@given(text=st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=60))
def test_sanitized_text_keeps_what_a_person_sees(text: str) -> None:
    """Letters, digits, punctuation and spaces are unchanged."""
    assert sanitize(text, new_fence()) == text


def test_unseen_characters_are_removed() -> None:
    """Controls, zero-width spaces, direction overrides and tag characters are removed; joiners and lines stay."""
    hidden = "\x00\x1b\u200b\u202e\u2066\ufeff\U000e0041"
    assert sanitize(f"a{hidden}b\n\tc\u200dd\r\n", "f3nc3") == "ab\n\tc\u200dd\n"


@pytest.mark.parametrize("brk", ["\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_every_line_break_is_one(brk: str) -> None:
    """Any kind of line break keeps words apart."""
    assert sanitize(f"one{brk}two", "f3nc3") == "one\ntwo"


@given(text=st.text(max_size=60))
def test_a_sanitized_line_is_one_line(text: str) -> None:
    """A title is one line, whatever line breaks it has."""
    assert len(sanitize_line(text, "f3nc3").splitlines()) <= 1
