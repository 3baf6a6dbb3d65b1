import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.load.page import html_to_text
from tests.ingest.article_files import article, notices, rejection, write

PARAGRAPHS = "".join(
    f"<p>Paragraph {number} says that the <b>minister</b> of <a href='/x'>transport</a> came to the plant on Tuesday,"
    " and that nothing else of note happened there.</p>"
    for number in range(3)
)


def page(head: str = "", body: str = PARAGRAPHS, language: str = "en") -> str:
    return f"<!DOCTYPE html><html lang='{language}'><head>{head}</head><body><article>{body}</article></body></html>"


def linked(**fields: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(fields)}</script>'


def test_the_body_is_the_main_text(tmp_path: Path) -> None:
    """Menus, scripts and footers are left out; paragraphs are separated, and each item and row is a line."""
    body = (
        "<nav><a href='/'>Home</a> <a href='/w'>World</a></nav><article>"
        f"{PARAGRAPHS}<h2>What comes next</h2><ul><li>One item of it</li><li>Another item</li></ul>"
        "<table><tr><td>North</td><td>1</td></tr><tr><td>South</td><td>2</td></tr></table>"
        "<p>He said <q>go on</q> and left.<br>She stayed.</p></article>"
        "<footer>Copyright 2024 The Daily</footer><script>var a = 1</script>"
    )
    found = article(write(tmp_path / "a.html", f"<html><head><title>T</title></head><body>{body}</body></html>"))
    first, *_, last = found.body.split("\n\n")
    expected = "Paragraph 0 says that the minister of transport came to the plant on Tuesday, and that nothing else of"
    assert first == f"{expected} note happened there."
    assert last == "He said “go on” and left.\nShe stayed."
    assert "\n\nWhat comes next\n\n- One item of it\n- Another item\n\nNorth | 1\nSouth | 2\n\n" in found.body
    assert not any(word in found.body for word in ("Home", "Copyright", "var a"))


def test_short_pages_and_pieces_of_pages_are_read(tmp_path: Path) -> None:
    """One sentence is an article, with or without a page around it; what a page does not state is not invented."""
    for text in ("<html><body><p>One sentence.</p></body></html>", "<p>One sentence.</p>", "One sentence."):
        found = article(write(tmp_path / "a.htm", text))
        assert found.body == "One sentence."
        assert (found.title, found.authors, found.published_at, found.source) == (None, (), None, None)


def test_stated_metadata_is_read(tmp_path: Path) -> None:
    """Open Graph, article tags, the canonical link and the language of the page become fields."""
    head = """<title>Plant opens - The Daily</title><link rel="canonical" href="https://daily.example/plant">
    <meta property="og:site_name" content="The Daily"><meta property="article:section" content="Business">
    <meta name="author" content="Ann Bow, Cy Dee"><meta property="article:tag" content="Energy">
    <meta property="article:tag" content="Jobs, pay">
    <meta property="article:published_time" content="2024-05-01T10:00:00+02:00">
    <meta property="article:modified_time" content="2024-05-02">"""
    found = article(write(tmp_path / "a.html", page(head, language="en-GB")))
    assert (found.title, found.source, found.section) == ("Plant opens", "The Daily", "Business")
    assert (found.url, found.language) == ("https://daily.example/plant", "en-GB")
    assert (found.authors, found.tags) == (("Ann Bow", "Cy Dee"), ("Energy", "Jobs, pay"))
    assert found.published_at == datetime(2024, 5, 1, 8, tzinfo=UTC)
    assert found.updated_at == datetime(2024, 5, 2, tzinfo=UTC)


def test_linked_data_of_an_article_is_read(tmp_path: Path) -> None:
    """JSON-LD of an article type is read, in a graph as well, and other types are not."""
    news = {
        "@type": ["NewsArticle"],
        "headline": "Plant opens &amp; closes",
        "author": [{"@type": "Person", "name": "Ann Bow"}, "Cy Dee"],
        "publisher": {"name": "The Daily"},
        "datePublished": "2024-05-01",
        "keywords": "energy, jobs",
    }
    head = linked(**{"@type": "Product", "headline": "Buy"}) + linked(**{"@graph": [{"@type": "WebPage"}, news]})
    found = article(write(tmp_path / "a.html", page(head + "<meta name='author' content='Desk'>")))
    assert (found.title, found.source) == ("Plant opens & closes", "The Daily")
    assert (found.authors, found.tags) == (("Ann Bow", "Cy Dee"), ("energy", "jobs"))
    assert found.published_at == datetime(2024, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize("broken", ["{", "[" * 100_000, '"text"', "null", '{"@type": {"a": 1}, "@graph": 5}', "\x01"])
def test_broken_linked_data_states_nothing(tmp_path: Path, broken: str) -> None:
    """Invalid JSON-LD is ignored, and the rest of the page is read."""
    head = f'<script type="application/ld+json">{broken}</script><meta property="og:title" content="T">'
    assert article(write(tmp_path / "a.html", page(head))).title == "T"


@pytest.mark.parametrize(
    "body",
    [
        f"<h1>T</h1><p>May 1, 2024</p>{PARAGRAPHS}",
        f"<h1>T</h1>{PARAGRAPHS}<p>On <time datetime='1969-07-20'>that day</time> two men walked on the moon.</p>",
        f"<h1>T</h1>{PARAGRAPHS}<ul><li><time datetime='2023-01-01'>Another article</time></li></ul>",
        f"<h1>T</h1><time datetime='2024-05-01'>a</time><time datetime='2024-05-02'>b</time>{PARAGRAPHS}",
        f"<h1>T</h1><time datetime='10:30'>half past ten</time>{PARAGRAPHS}",
        f"<h1>T</h1><time>May 1</time>{PARAGRAPHS}<footer>Copyright 2021</footer>",
    ],
    ids=["in-words", "in-the-text", "in-a-list", "two", "time-of-day", "no-datetime"],
)
def test_a_date_is_never_inferred(tmp_path: Path, body: str) -> None:
    """A date in the text, in the file's name or in one of several unmarked elements is not a publication date."""
    assert article(write(tmp_path / "2019-03-04.html", page(body=body))).published_at is None


@pytest.mark.parametrize(
    "time",
    [
        "<div class='by'><time datetime='2024-05-03'>3 May</time></div>",
        "<time class='entry-date published' datetime='2024-05-03'>3 May</time><time datetime='2020-01-01'>x</time>",
        "<time itemprop='datePublished' datetime='2024-05-03'>3 May</time><time datetime='10:30'>x</time>",
    ],
)
def test_a_time_that_states_the_publication_is_read(tmp_path: Path, time: str) -> None:
    """The only time element outside the text, or the one marked so, is the publication date."""
    assert article(write(tmp_path / "a.html", page(body=time + PARAGRAPHS))).published_at == datetime(
        2024, 5, 3, tzinfo=UTC
    )


def test_an_unreadable_date_is_named_unless_another_is_readable(tmp_path: Path) -> None:
    """An unreadable date gets a notice, unless a second, readable one replaces it."""
    head = "<meta property='article:published_time' content='last Tuesday'>"
    file = write(tmp_path / "a.html", page(head))
    assert article(file).published_at is None
    (notice,) = notices(file)
    assert (notice.code, "last Tuesday" in notice.message) == ("bad_date", True)
    both = head + linked(**{"@type": "Article", "datePublished": "2024-05-01"})
    assert article(write(tmp_path / "a.html", page(both))).published_at == datetime(2024, 5, 1, tzinfo=UTC)


def test_a_page_without_text_is_empty(tmp_path: Path) -> None:
    """A page of scripts and pictures has no article."""
    text = (
        "<html><head><title>T</title></head><body><script>var a = 'text text'</script><img src='a.png'></body></html>"
    )
    assert rejection(write(tmp_path / "a.html", text)).code == "empty"
    assert rejection(write(tmp_path / "b.html", "<html></html>")).code == "empty"
    assert rejection(write(tmp_path / "c.html", "<div>" * 100_000)).code == "empty"


@pytest.mark.parametrize("heading", ["502 Bad Gateway", "404 | Page not found", "Error 503: Service Unavailable"])
def test_the_error_page_of_a_server_is_rejected(tmp_path: Path, heading: str) -> None:
    """The error page of a server is not an article."""
    body = f"<center><h1>{heading}</h1></center><hr><center>nginx</center>"
    text = f"<html><head><title>{heading}</title></head><body>{body}</body></html>"
    found = rejection(write(tmp_path / "a.html", text))
    assert (found.code, heading in found.reason) == ("error_page", True)


def test_an_article_about_an_error_is_an_article(tmp_path: Path) -> None:
    """A long text under a heading about an error is ingested."""
    assert "minister" in article(write(tmp_path / "a.html", page("<title>404 Not Found</title>", PARAGRAPHS * 4))).body


def test_a_page_in_utf8_is_read_as_such_whatever_it_declares(tmp_path: Path) -> None:
    """A copy of a page often keeps the declaration of its original; valid UTF-8 is decoded as UTF-8."""
    text = page("<meta charset='iso-8859-1'><title>Café</title>", "<p>The café is open again.</p>")
    assert article(write(tmp_path / "a.html", text)).body == "The café is open again."


@pytest.mark.parametrize(
    ("declaration", "encoding", "text"),
    [
        ('<meta charset="iso-8859-1">', "cp1252", "Die Brücke bleibt „gesperrt“ – bis Mai."),
        ("<META HTTP-EQUIV=Content-Type CONTENT='text/html; charset=windows-1251'>", "cp1251", "Мост закрыт до мая."),
        ("<!-- <meta charset=utf-8> --><meta charset = latin1 />", "cp1252", "Die Brücke bleibt gesperrt."),
        ('<meta charset="Shift_JIS">', "cp932", "市議会は予算案を可決した。"),
        ('<meta charset="x-sjis">', "cp932", "市議会は予算案を可決した。"),
        ('<meta charset="gb2312">', "gb18030", "市议会通过了预算案。"),
        ('<meta charset="iso-2022-jp">', "iso2022_jp", "市議会は予算案を可決した。"),
        ("", "utf-16", "Die Brücke bleibt gesperrt."),
        ("<meta charset=utf-16>", "utf-16-le", "Die Brücke bleibt gesperrt."),
    ],
)
def test_a_page_is_read_in_the_encoding_it_declares(tmp_path: Path, declaration: str, encoding: str, text: str) -> None:
    """A meta element or a byte order mark names the encoding, by any name that browsers know."""
    content = page(f"{declaration}<title>{text}</title>", f"<p>{text}</p>").encode(encoding)
    found = article(write(tmp_path / "a.html", content))
    assert (found.title, found.body) == (text, text)


def test_an_xhtml_page_is_read_in_the_encoding_of_its_declaration(tmp_path: Path) -> None:
    """Without a meta element, the XML declaration states the encoding."""
    content = f'<?xml version="1.0" encoding="ISO-8859-2"?>{page("", "<p>Rada przyjęła żółty budżet.</p>")}'
    assert article(write(tmp_path / "a.html", content.encode("iso8859-2"))).body == "Rada przyjęła żółty budżet."


@pytest.mark.parametrize(
    "declaration", ["", "<meta charset='nonsense'>", "<meta charset='utf-8'>", "<meta charset=zip>"]
)
def test_a_page_in_an_encoding_it_does_not_declare_is_rejected(tmp_path: Path, declaration: str) -> None:
    """The reason states the first invalid byte and the probable encoding."""
    content = page(declaration, "<p>Die Brücke über den Fluss bleibt gesperrt, schöne Grüße.</p>").encode("cp1252")
    found = rejection(write(tmp_path / "a.html", content))
    assert (found.code, "0xfc" in found.reason, "windows-1252" in found.reason) == ("undecodable", True, True)


def test_bytes_that_windows_leaves_unused_are_left_out(tmp_path: Path) -> None:
    """Browsers decode them as control characters, and the page is ingested."""
    content = page("<meta charset='windows-1252'>", "<p>Die Br\xfccke \x81ist zu.</p>").encode("latin-1")
    assert article(write(tmp_path / "a.html", content)).body == "Die Brücke ist zu."


@pytest.mark.parametrize(
    ("fragment", "text"),
    [
        ("Hello <b>you</b><p>there</p>", "Hello you\n\nthere"),
        (
            "<ul><li><p>one</p></li><li></li><li>two<ul><li>three</li></ul></li></ul>after",
            "- one\n- two\n- three\n\nafter",
        ),
        ("a<br><br><br>b<br/>c", "a\n\nb\nc"),
        ("<p>3 &lt; 4 &amp;\n so on</p><script>x()</script><style>p</style>", "3 < 4 & so on"),
        ("<table><tr><th>a</th><th> b </th></tr>\n<tr><td></td><td>c</td></tr></table>", "a | b\nc"),
        ("<em>very</em>big", "verybig"),
        ("<!-- only a comment -->", ""),
    ],
)
def test_a_piece_of_html_becomes_plain_text(fragment: str, text: str) -> None:
    """Blocks, lines, items and cells are separated as on the page, and no text is lost."""
    assert html_to_text(fragment) == text


SITE = "<meta property='og:site_name' content='The Daily'>"
SECTION = "<meta property='article:section' content='Travel'>"
LINKED = '{"@type": "NewsArticle", "headline": "T", "datePublished": "2024-05-01", "author": {"name": "Ann Bow"}}'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("//<![CDATA[\n", "\n//]]>"),
        ("/*<![CDATA[*/", "/*]]>*/"),
        ("<![CDATA[", "]]>"),
        ("<!--\n", "\n-->"),
        ("\n", ";\n"),
        ("[", "]"),
        ('{"@graph": [{"@type": "WebPage"},', "]}"),
        ('{"@type": "WebPage", "mainEntity": ', "}"),
    ],
)
def test_linked_data_is_read_however_it_is_wrapped(tmp_path: Path, before: str, after: str) -> None:
    """JSON-LD in a section, in a comment, in a list, in a graph or as the subject of a page is read."""
    head = f'<script type="application/ld+json; charset=utf-8">{before}{LINKED}{after}</script>'
    found = article(write(tmp_path / "a.html", page(head)))
    assert (found.authors, found.published_at) == (("Ann Bow",), datetime(2024, 5, 1, tzinfo=UTC))


def test_linked_data_names_things_by_their_address(tmp_path: Path) -> None:
    """An author or publisher that is given by address is looked up in the same graph."""
    news = {
        "@type": "NewsArticle",
        "headline": "T",
        "author": [{"@id": "#ann"}, {"@id": "#x"}],
        "publisher": {"@id": "#d"},
    }
    people = [{"@id": "#ann", "@type": "Person", "name": "Ann Bow"}, {"@id": "#d", "name": "The Daily"}]
    found = article(write(tmp_path / "a.html", page(linked(**{"@graph": [news, *people]}))))
    assert (found.authors, found.source) == (("Ann Bow",), "The Daily")


@pytest.mark.parametrize(
    "meta",
    ["name='date'", "name='DC.date'", "name='dcterms.date'", "name='prism.publicationDate'", "name='publishdate'",
     "name='pubdate'", "name='sailthru.date'", "name='publish-date'", "property='article:published'",
     "itemprop='datePublished'", "name='citation_publication_date'", "name='x' itemprop='datePublished'"],
)  # fmt: skip
def test_dates_of_meta_elements_are_read(tmp_path: Path, meta: str) -> None:
    """The names that publishers give to the date of publication are known, in any notation of the date."""
    for stated in ("2024-05-01", "Wed, 01 May 2024 00:00:00 GMT", "2024/5/1 0:00", "1 May 2024"):
        found = article(write(tmp_path / "a.html", page(f"<meta {meta} content='{stated}'>")))
        assert found.published_at == datetime(2024, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", ["last-modified", "dateModified", "og:updated_time", "DC.modified"])
def test_dates_of_change_in_meta_elements_are_read(tmp_path: Path, name: str) -> None:
    """The common names of the date of the last change are known."""
    found = article(write(tmp_path / "a.html", page(f"<meta name='{name}' content='2024-05-02'>")))
    assert found.updated_at == datetime(2024, 5, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (linked(**{"@type": "Article", "name": "Mill Canal", "headline": "waterway near Tarn"}), "<h1>Mill Canal</h1>"),
        ("<title>Mill Canal - The Daily</title>", "<h1><a href='/'>The Daily</a></h1><h2>Mill Canal</h2>"),
        ("<title>The Daily: Mill Canal</title>", "<h1 class='site-title'>The Daily</h1><h2>Mill Canal</h2>"),
        ("<title>Mill Canal | Tarn Society</title>", "<h1>Tarn Society</h1><h2>Mill Canal</h2>"),
        (f"<title>Mill Canal – Travel – The Daily</title>{SITE}{SECTION}", "<h1>Travel</h1>"),
        (f"<meta property='og:title' content='Mill Canal | The Daily'>{SITE}", ""),
        ("<meta property='og:title' content='mill-canal-2024'>", "<h1>Mill Canal</h1>"),
        ("<title>The Daily</title>", "<h1>Mill Canal</h1>"),
        ("<title>The Daily | Mill Canal</title>", "<h1>Mill Canal</h1>"),
        ("<title>Mill Canal</title>" + linked(**{"@type": "WebSite", "name": "News"}), "<h1>News</h1>"),
    ],
    ids=["encyclopedia", "home-link", "site-class", "site-last", "section", "social", "slug", "site-only", "site-first",
         "linked-site"],
)  # fmt: skip
def test_the_title_is_the_article_and_not_the_site(tmp_path: Path, head: str, body: str) -> None:
    """The name of a site or a section is not a title, wherever the page states it."""
    assert article(write(tmp_path / "a.html", page(head, body + PARAGRAPHS))).title == "Mill Canal"


def test_a_section_above_a_longer_title_is_not_the_title(tmp_path: Path) -> None:
    """A heading of a few words that has nothing in common with the title of the page is its section."""
    head = "<title>Ministry informs clubs of the new rules</title>"
    assert article(write(tmp_path / "a.html", page(head, f"<h1>Latest</h1>{PARAGRAPHS}"))).title == (
        "Ministry informs clubs of the new rules"
    )


def test_a_page_that_only_names_its_site_is_called_so(tmp_path: Path) -> None:
    """The name of the site is the title if the page states no other."""
    head = "<title>The Daily</title><meta property='og:site_name' content='The Daily'>"
    assert article(write(tmp_path / "a.html", page(head))).title == "The Daily"
