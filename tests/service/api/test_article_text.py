"""An article's body as HTML: the stored text is shown, and a quote is highlighted exactly."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Span
from service.api.article_text import opening, render, web_address

BLOCKS = {"p", "h2", "h3", "h4", "h5", "h6", "blockquote"}
INLINE = {"em", "strong", "code", "span", "a", "mark", "b"}


class Read(HTMLParser):
    """The text, marked text and links that a browser reads; a tag that closes out of order is an error."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = self.marked = self.highlighted = ""
        self.marks: list[str] = []
        self.links: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in BLOCKS | INLINE
        if tag in BLOCKS:
            assert self.open == (["blockquote"] if tag == "p" and self.open else [])
        assert tag not in INLINE or self.open
        self.open.append(tag)
        self.tags.append(tag)
        if tag == "mark":
            self.marks.append("")
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "mark" in self.open:
            self.marked += data
            self.marks[-1] += data
        if "b" in self.open:
            assert "mark" in self.open
            self.highlighted += data


MARKUP = [
    "*",
    "**",
    "***",
    "_",
    "__",
    "`",
    "[",
    "]",
    "](https://a.example/b)",
    "](x",
    "![",
    "# ",
    "### ",
    "> ",
    ">",
    "- ",
]
HOSTILE = [
    "<b>",
    "</p>",
    "<!--",
    "&lt;",
    "&",
    '"',
    "'",
    "</mark>",
    "<script>",
    "](javascript:alert(1))",
    "\\",
    "\u202e",
    "\r",
]
PLAIN = [
    "a",
    "word",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\n \n",
    "🎉",
    "👩‍👩‍👧",
    "של",
    "中",
    "[^1]",
    "[2]",
    "https://b.example/_c_",
]
BODY = st.lists(st.sampled_from(MARKUP + HOSTILE + PLAIN), max_size=30).map("".join)
CUTS = st.tuples(st.integers(0, 90), st.integers(0, 90))


def cut(body: str, cuts: tuple[int, int]) -> Span:
    start, end = sorted(min(each, len(body)) for each in cuts)
    return Span(start, end)


@given(body=BODY, cuts=CUTS, inner=CUTS)
def test_no_body_breaks_the_html(body: str, cuts: tuple[int, int], inner: tuple[int, int]) -> None:
    """Elements nest, tags of the body are text, links are web addresses, and the mark changes only itself."""
    read = Read(render(body, cut(body, cuts), cut(body, inner)).html)

    assert all(link.startswith(("https://", "http://")) for link in read.links)
    assert read.text == Read(render(body).html).text
    assert len(read.marks) <= len([tag for tag in read.tags if tag in BLOCKS - {"blockquote"}])


@given(words=st.lists(st.sampled_from([*PLAIN, *HOSTILE[:9]]), max_size=30), cuts=CUTS)
def test_a_body_without_markdown_is_shown_as_it_is(words: list[str], cuts: tuple[int, int]) -> None:
    """Its text is the body without the white space around it; the marks are the quote without gaps between blocks."""
    body = re.sub(r"\[\^1\]|\\|^ {0,3}[>#]|<https?", "", "".join(words), flags=re.MULTILINE)
    quote = cut(body, cuts)
    read = Read(render(body, quote).html)

    assert read.text == body[: len(read.text)]
    assert body[len(read.text) :].strip() == ""
    assert "".join(read.marked.split()) == "".join(body[quote.start : quote.end].split())


LETTERS = [chr(0x430 + n) for n in range(32)] + [chr(0x4E00 + n) for n in range(60)]
"""Letters with and without case; each is used once, so that it identifies its position."""


@st.composite
def marked_up(draw: st.DrawFn) -> str:
    """Draw a body in which no letter occurs twice."""
    letters = draw(st.permutations(LETTERS))
    pieces = draw(st.lists(st.sampled_from([*MARKUP, " ", "\n", "\n\n", ". "]), min_size=1, max_size=40))
    return "".join(f"{piece}{''.join(letters[2 * n : 2 * n + 2])}" for n, piece in enumerate(pieces))


@given(body=marked_up(), cuts=CUTS, inner=CUTS)
def test_any_quote_is_marked_exactly_inside_markup_and_across_paragraphs(
    body: str, cuts: tuple[int, int], inner: tuple[int, int]
) -> None:
    """The marked letters are those of the span, in order; only addresses of links and pictures are hidden.

    The answer's words are set apart as far as they are in the quote.
    """
    quote, highlight = cut(body, cuts), cut(body, inner)
    rendered = render(body, quote, highlight)
    read = Read(rendered.html)
    letters = [letter for letter in body if letter in LETTERS]

    assert [letter for letter in read.text if letter in LETTERS] == [each for each in letters if each in read.text]
    expected = [letter for letter in body[quote.start : quote.end] if letter in LETTERS and letter in read.text]
    assert [letter for letter in read.marked if letter in LETTERS] == expected
    inside = body[max(quote.start, highlight.start) : max(0, min(quote.end, highlight.end))]
    assert [letter for letter in read.highlighted if letter in LETTERS] == [each for each in inside if each in expected]
    assert rendered.marked == (read.marks != [])


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("The *Orla* sailed.", '<p dir="auto">The <em>Orla</em> sailed.</p>'),
        ("**Q:** Who? _She_ __did__.", '<p dir="auto"><strong>Q:</strong> Who? <em>She</em> <strong>did</strong>.</p>'),
        ("***Both***", '<p dir="auto"><strong><em>Both</em></strong></p>'),
        ("5*3*2, a_b_c, 4 * 5 * 6 (*) f*** x (*)", '<p dir="auto">5*3*2, a_b_c, 4 * 5 * 6 (*) f*** x (*)</p>'),
        ("**a *b** c*", '<p dir="auto"><strong>a *b</strong> c*</p>'),
        ("`a*b*` \\*c\\*", '<p dir="auto"><code>a*b*</code> *c*</p>'),
        ("![A quay](quay.jpg)", '<p dir="auto"><span class="picture">A quay</span></p>'),
        ("[here](javascript:alert(1)) [there](/x)", '<p dir="auto">here there</p>'),
        (
            "[*a*](https://a.example/(c)&d)",
            '<p dir="auto"><a href="https://a.example/(c)&amp;d" rel="noopener noreferrer nofollow"><em>a</em></a></p>',
        ),
        ("So it is.[^2]", '<p dir="auto">So it is.<span class="ref">[2]</span></p>'),
        ("https://a.example/_b_/ x", '<p dir="auto">https://a.example/_b_/ x</p>'),
        ("> One\n> two", '<blockquote dir="auto"><p>One\ntwo</p></blockquote>'),
        ("- one\n- two", '<p dir="auto">- one\n- two</p>'),
        ("#hash", '<p dir="auto">#hash</p>'),
        ("### A\nb\n## C", '<h2 dir="auto">A</h2>\n<p dir="auto">b</p>\n<h2 dir="auto">C</h2>'),
        ("中文*重*中", '<p dir="auto">中文<em>重</em>中</p>'),
        ("a\r<", '<p dir="auto">a&#13;&lt;</p>'),
    ],
)
def test_markdown_is_rendered(body: str, shown: str) -> None:
    """Text that only resembles Markdown is unchanged."""
    assert render(body).html == shown


def test_a_quote_may_cross_markup_and_paragraphs() -> None:
    """Each paragraph has one mark; the first has the id, and elements are split at its ends."""
    body = "The *new bridge* opens.\n\n> It **will** last."
    rendered = render(body, Span(body.index("bridge"), body.index(" last")))

    assert rendered.html == (
        '<p dir="auto">The <em>new </em><mark id="quote" tabindex="-1"><em>bridge</em> opens.</mark></p>\n\n'
        '<blockquote dir="auto"><p><mark>It <strong>will</strong></mark> last.</p></blockquote>'
    )


def test_the_lines_of_a_column_flow_and_those_of_an_author_stay() -> None:
    """Text that is wrapped at 72 characters flows; a poem and a list keep their lines."""
    column = "\n".join(["word " * 14 + "so"] * 3)

    assert render(column).html == f'<p dir="auto" class="flow">{column}</p>'
    for kept in ("A short line\nand another", "- " + column, column.replace("word", "1", 1), "one\n" + "word " * 15):
        assert 'class="flow"' not in render(kept).html


@pytest.mark.parametrize("span", [Span(5, 6), Span(30, 40)])
def test_a_quote_without_a_visible_character_is_not_marked(span: Span) -> None:
    """White space between paragraphs and offsets beyond the end have no mark."""
    assert not render("Ends.\n\nBegins.", span).marked


def test_an_opening_has_the_words_alone() -> None:
    """Headings and Markdown are left out, and the cut is between words."""
    assert opening("# Title\n\nThe *Orla* sailed\nat [noon](https://a.example).") == "The Orla sailed at noon."
    assert opening("A title\n\nAnd a text.", "A title") == "And a text."
    assert opening("A title", "A title") == "A title"
    assert opening("word " * 100, limit=22) == "word word word word …"


@pytest.mark.parametrize(
    "unit",
    [
        "word and more ",
        "*a* ",
        "*a ",
        "[x](",
        "[",
        "`",
        "_",
        ">",
        "> a\n",
        "# a\n",
        "[x](a(b)",
        "# ",
        "a\n",
        "\n",
        "<https://a",
    ],
)
def test_rendering_takes_linear_time(unit: str) -> None:
    """400,000 characters on one line or on many take at most a second or two; a quadratic scan would take minutes."""
    body = (unit * 400_000)[:400_000]
    begun = time.process_time()
    render(body, Span(5, 399_000))

    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://a.example/b?c=1", True),
        ("HTTP://a.example", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//a.example", False),
        ("https:///x", False),
        ("http://[", False),
        (None, False),
    ],
)
def test_only_a_web_address_is_linked(url: str | None, kept: bool) -> None:
    """An index may contain any address."""
    assert web_address(url) == (url if kept else None)
