import re
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import unicode
from index.unicode import MARKS, Form, normal_form, without_accents

ROOT = Path(unicode.__file__).parent.parent
FORMS: tuple[Form, ...] = ("NFC", "NFKC", "NFKD")
MARK = st.sampled_from("\u0301\u0323\u0344\u0f73\uff9e\u0345\u3099")
RUNS = st.builds(lambda marks, times: "".join(marks) * times, st.lists(MARK, min_size=1), st.integers(1, 200))
ANY = st.lists(RUNS | st.text(max_size=5), max_size=5).map("".join)


def begins_with_mark(char: str) -> bool:
    return unicodedata.combining(unicodedata.normalize("NFKD", char)[0]) != 0


def longest_run(text: str) -> int:
    runs = re.findall("1+", "".join("01"[begins_with_mark(char)] for char in text))
    return max(map(len, runs), default=0)


@pytest.mark.parametrize("form", FORMS)
@given(text=ANY)
def test_no_long_run_of_marks_is_normalised(form: Form, text: str) -> None:
    """No text that reaches `unicodedata.normalize` has more than 30 combining marks in a row, and no result has."""
    passed: list[str] = []
    real = unicodedata.normalize

    def spy(form: Form, text: str) -> str:
        passed.append(text)
        return real(form, text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unicodedata, "normalize", spy)
        result = normal_form(form, text)
    assert max(map(longest_run, passed), default=0) <= MARKS
    assert longest_run(result) <= MARKS


@pytest.mark.parametrize("form", FORMS)
@given(text=ANY)
def test_normalised_text_stays_as_it_is(form: Form, text: str) -> None:
    """The result is in the form asked for, and normalising it again changes nothing."""
    result = normal_form(form, text)
    assert unicodedata.is_normalized(form, result)
    assert normal_form(form, result) == result


@pytest.mark.parametrize("form", FORMS)
@given(text=st.text())
def test_text_with_few_marks_is_what_the_standard_says(form: Form, text: str) -> None:
    """Where no letter has more than ten marks, the result is that of the standard library."""
    if longest_run(text) <= 10:
        assert normal_form(form, text) == unicodedata.normalize(form, text)


def test_every_mark_is_known() -> None:
    """Every code point that can begin with a combining mark lies in the range that is looked at."""
    marks = [code for code in range(sys.maxunicode + 1) if begins_with_mark(chr(code))]
    assert min(marks) >= unicode._FIRST
    assert max(marks) < unicode._END


def test_accents_go() -> None:
    """Letters stay and their accents go, however they are written."""
    assert without_accents("Évora e\u0301 Ła\u0328ka") == "Evora e Łaka"


def test_nothing_else_normalises() -> None:
    """No other module of the product calls `unicodedata.normalize`, so that the bound holds everywhere."""
    packages = ("index", "ingest", "service", "eval", "dateline")
    callers = [
        path.relative_to(ROOT).as_posix()
        for package in packages
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"unicodedata\.(is_)?normalize|from unicodedata import", path.read_text(encoding="utf-8"))
    ]
    assert callers == ["index/unicode.py"]
