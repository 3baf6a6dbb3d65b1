"""Plain text: markup is removed, and text without markup is unchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.markup import readable

PLAIN = st.text(st.characters(exclude_characters="*_`~[]<>#|\\&⁰¹²³⁴⁵⁶⁷⁸⁹-+=•"))
WORDS = st.text(st.sampled_from("aBé雨 ,.’"), min_size=1, max_size=12).filter(
    lambda words: words[0].isalpha() and words == words.strip()
)
SIGNS = st.text(st.sampled_from('*_`~[]()!<>#|\\& \nab1."“”-^²'), max_size=60)


@given(text=PLAIN)
def test_a_text_without_markup_comes_back_unchanged(text: str) -> None:
    """A text without markup characters is unchanged, including white space."""
    assert readable(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "5 * 3 * 2 is 30, 2*3*4 is 24",
        "the fields snake_case_name, __init__ and _private",
        "C# and #oyan, #1 in the charts",
        "in [2024] prices [sic], [1,200] of them",
        "f*** off, s**t and **** you",
        "He got an A* and two B*s",
        "price* and tax*",
        "x < 5 and y > 4, I <3 Oyan",
        "~50 or ~60 boats, ~~ what",
        "R&D, AT&T; and B&Q",
        "A | B, and |x|",
        "https://oyan.example/_a_/b*c*d?_e_=*f*",
        "@_name_ and \\o/ at C:\\Boats\\new",
        "I [he] said the minister[s] left",
        "“[we] go,” he said",
        "12 m² and 3 km³, 5 kilometres²",
        "Vane [Otto](born 1850) said",
        "1. FC Oyan",
        "– No, she said",
        "`Hello' he said, `bye'",
        "L*a*b, A*B and 3*",
        "(*) “*” _ `",
    ],
)
def test_prose_with_the_same_signs_comes_back_unchanged(text: str) -> None:
    """Markup characters alone, inside words or in addresses are text."""
    assert readable(text) == text


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("The **Oyan rowing club** has *80* members.", "The Oyan rowing club has 80 members."),
        ("***Very*** good, **_both_**, _**both**_ and __Oyan rows__.", "Very good, both, both and Oyan rows."),
        ("(*Oyan*) “*Tirrick*’s captain”", "(Oyan) “Tirrick’s captain”"),
        ("渡轮**没有**离港。", "渡轮没有离港。"),
        ("It has [80 *members*](https://oyan.example/club_a?x=1).", "It has 80 members."),
        ('See [the list](list.html "All of them") or [Oyan](https://x.example/a_(b)).', "See the list or Oyan."),
        ("See <https://oyan.example/a_b_c>.", "See https://oyan.example/a_b_c."),
        ('![The pier](pier.jpg "The pier")', ""),
        ("The flag ![red](red.png) flew.", "The flag flew."),
        ("[![alt](a.png)](https://oyan.example) Boats", "Boats"),
        ("Run `make *all*` in `1926`.", "Run make *all* in 1926."),
        ("> The club was\n> founded *early*.", "The club was\nfounded early."),
        ("## The *club*", "The club"),
        ("- [x] the pier", "the pier"),
        ("* the pier", "the pier"),
        ("The pier\n========", "The pier"),
        ("| Oyan | **212 mm** |", "Oyan · 212 mm"),
        ("| town | rain |\n|---|:--:|\n| Oyan | 212 mm |", "town · rain\nOyan · 212 mm"),
        ("| Oyan |  | — | 3 |", "Oyan · 3"),
        ("```python", ""),
        ("---", ""),
        ("* * *", ""),
        ("> - the *pier*", "the pier"),
        (r"Not \*this\*, 1\. FC and snake\_case", "Not *this*, 1. FC and snake_case"),
        ("H<sub>2</sub>O <b>boils</b> &amp; cools<br>down", "H2O boils & cools down"),
        ("It sank <!-- ask him --> at noon.", "It sank at noon."),
        ("It costs ~~40~~ 65 euros.", "It costs 65 euros."),
        ("It rained.\n\n[^1]: Talk with O. Vane.", "It rained.\n\nTalk with O. Vane."),
    ],
)
def test_markup_is_left_out(written: str, words: str) -> None:
    """Each kind of markup is reduced to its visible words."""
    assert readable(written) == words


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("It has nine locks [3] and is long.[1][4]", "It has nine locks and is long."),
        ("Otto Vane.[2, 5] built it.[^1][^b]", "Otto Vane. built it."),
        ("It ended.[citation needed]", "It ended."),
        ("It ended.[note 3] It began,[a] he said.[b]", "It ended. It began, he said."),
        ("It ended.² The canal¹ was “long”.³", "It ended. The canal was “long”."),
        ('He said "no".[4]', 'He said "no".'),
        ("[11] Vane left [ 12 ] early.", "Vane left early."),
    ],
)
def test_reference_marks_of_the_source_are_left_out(written: str, words: str) -> None:
    """Reference marks are removed."""
    assert readable(written) == words


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("“We sold [12] houses,” he said.[3]", "“We sold (12) houses,” he said."),
        ('"[12] houses," he said [3].', '"(12) houses," he said.'),
        ("„Wir haben [12] Boote“, sagte er [3].", "„Wir haben (12) Boote“, sagte er."),
        ("[12] people left.", "(12) people left."),
    ],
)
def test_a_number_that_an_editor_put_into_a_quotation_stays(written: str, words: str) -> None:
    """In a quotation, a number in brackets is text; it gets round brackets so that it is not a marker."""
    assert readable(written) == words


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("*He left.", "He left."),
        ("She stayed.*", "She stayed."),
        ("**“He left.”**", "“He left.”"),
        ("She stayed.”**", "She stayed.”"),
        ("It rained.](https://oyan.example/z)", "It rained."),
    ],
)
def test_emphasis_that_goes_on_in_the_next_sentence_leaves_no_sign(written: str, words: str) -> None:
    """A sentence from longer emphasis or a link has neither its opening nor its closing sign."""
    assert readable(written) == words


@given(parts=st.lists(st.tuples(st.sampled_from(["", "*", "**", "_", "***"]), WORDS), min_size=1, max_size=6))
def test_emphasis_around_words_changes_none_of_them(parts: list[tuple[str, str]]) -> None:
    """Emphasis keeps the words and spaces around it."""
    marked = " ".join(f"{sign}{words}{sign}" for sign, words in parts)
    assert readable(f"x {marked} x") == f"x {' '.join(words for _, words in parts)} x"


@given(text=SIGNS | st.text())
def test_nothing_is_made_up(text: str) -> None:
    """The words of the text stay in order; no number of up to three digits stays in square brackets."""
    words = readable(text)
    rest = iter(text)
    assert all(letter in rest for letter in words if letter.isalnum())
    assert not any(f"[{number}]" in words for number in range(12) if f"`[{number}]`" not in text and "\\" not in text)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "part",
    ["*", "*a ", "*a _", "“*a", "[", "[a](", "](x/", "`", "`a ", "<!--", "<b ", "| ", "|-", "> ", "-- ", "~~a ", "[1] ",
     "a[1", "\\", "_a", '![a](x.y "', "¹", "(", " ", "*a* ", '"[1] ', "&amp"],
)  # fmt: skip
def test_the_time_grows_with_the_length_alone(part: str) -> None:
    """A long text of markup characters takes linear time."""
    text = part * (60_000 // len(part))
    assert len(readable(f"{text}x*")) <= len(text) + 2
