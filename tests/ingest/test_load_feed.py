from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.load import LoadedArticle
from ingest.report import ArticleRejected
from tests.ingest.article_files import article, articles, codes, notices, read, rejection, write


def rss(*items: str, channel: str = "<title>The Daily</title><link>https://daily.example/</link>") -> str:
    names = 'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    joined = "".join(f"<item>{item}</item>" for item in items)
    return f'<?xml version="1.0"?><rss version="2.0" {names}><channel>{channel}{joined}</channel></rss>'


def test_an_rss_entry_is_an_article(tmp_path: Path) -> None:
    """The full content of an entry is the body, its other elements are fields."""
    text = rss(
        "<title>Plant &amp;amp; port &lt;b&gt;open&lt;/b&gt;</title><link>https://daily.example/plant?a=1&amp;b=2</link>"
        "<guid>https://daily.example/plant</guid><pubDate>Wed, 01 May 2024 10:00:00 +0200</pubDate>"
        "<dc:creator>Ann Bow</dc:creator><dc:creator>Cy Dee</dc:creator><category>Business</category>"
        "<description>A teaser.</description>"
        "<content:encoded><![CDATA[<p>The <b>plant</b> opened.</p><p>So did the port.</p>]]></content:encoded>",
        channel="<title>The Daily</title><language>en-gb</language>",
    )
    found = article(write(tmp_path / "a.rss", text))
    assert found.body == "The plant opened.\n\nSo did the port."
    assert (found.title, found.source, found.language) == ("Plant & port open", "The Daily", "en-gb")
    assert found.url == "https://daily.example/plant?a=1&b=2"
    assert (found.authors, found.tags) == (("Ann Bow", "Cy Dee"), ("Business",))
    assert found.published_at == datetime(2024, 5, 1, 8, tzinfo=UTC)
    assert found.updated_at is None
    assert found.origin == f"{(tmp_path / 'a.rss').as_posix()}#1"


def test_an_atom_entry_is_an_article(tmp_path: Path) -> None:
    """Atom is parsed as RSS is; markup in a plain text is text."""
    text = """<feed xmlns="http://www.w3.org/2005/Atom"><title>The Daily</title>
    <entry><id>tag:daily.example,2024:1</id><title type="html">Plant &lt;i&gt;opens&lt;/i&gt;</title>
    <link href="https://daily.example/1"/><author><name>Ann Bow</name></author><updated>2024-05-02T10:00:00Z</updated>
    <published>2024-05-01T10:00:00Z</published>
    <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>One.</p><p>Two.</p></div></content></entry>
    <entry><title>Second</title><summary type="text">A &lt;b&gt; here</summary></entry></feed>"""
    first, second = articles(write(tmp_path / "a.atom", text))
    assert (first.title, first.body, first.authors) == ("Plant opens", "One.\n\nTwo.", ("Ann Bow",))
    assert (first.published_at, first.updated_at) == tuple(datetime(2024, 5, day, 10, tzinfo=UTC) for day in (1, 2))
    assert (second.article_id, second.body, second.url) == ("a.2", "A <b> here", None)


def test_the_id_of_an_entry_stays_the_same_in_later_copies_of_the_feed(tmp_path: Path) -> None:
    """An id made of a guid or link is explicit, and does not depend on the file or the position in it."""
    old = "<guid isPermaLink='false'>7</guid><description>Old.</description>"
    linked = "<link>https://daily.example/a/b.html?x=1</link><description>Linked.</description>"
    bare = "<title>Bare</title><description>No guid.</description>"
    first = read(write(tmp_path / "monday.xml", rss(old, linked, bare)))
    later = read(write(tmp_path / "tuesday.xml", rss(bare, "<description>New.</description>", linked, old)))
    ids = [(item.article.article_id, item.explicit_id) for item in first if isinstance(item, LoadedArticle)]
    again = [(item.article.article_id, item.explicit_id) for item in later if isinstance(item, LoadedArticle)]
    assert [explicit for _, explicit in ids] == [True, True, False]
    assert (again[3], again[2]) == (ids[0], ids[1])
    assert ids[1][0].startswith("daily-example.a.b-html-x-1-")
    assert ids[2][0] == "monday.3"


def test_equal_numbers_of_two_feeds_are_two_ids(tmp_path: Path) -> None:
    """A guid that is not an address is unique within its feed."""
    item = "<guid>7</guid><description>Text.</description>"
    one = article(write(tmp_path / "a.rss", rss(item)))
    other = article(write(tmp_path / "b.rss", rss(item, channel="<link>https://other.example/</link>")))
    assert one.article_id != other.article_id


@pytest.mark.parametrize(
    ("stated", "moment"),
    [
        ("Wed, 01 May 2024 10:00:00 GMT", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("1 May 2024 10:00 EDT", datetime(2024, 5, 1, 14, tzinfo=UTC)),
        ("Wed, 1 May 24 10:00", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("1 May 2024", datetime(2024, 5, 1, tzinfo=UTC)),
        ("2024-05-01T10:00:00+02:00", datetime(2024, 5, 1, 8, tzinfo=UTC)),
    ],
)
def test_dates_of_feeds_are_read(tmp_path: Path, stated: str, moment: datetime) -> None:
    """RFC 822 and ISO 8601 dates are read; a date without zone is UTC."""
    item = f"<pubDate>{stated}</pubDate><description>Text.</description>"
    assert article(write(tmp_path / "a.rss", rss(item))).published_at == moment


@pytest.mark.parametrize(
    "stated",
    ["yesterday", "2024", "2024-05", "May 2024", "Wed, 32 May 2024 10:00:00 GMT", "Wed, 01 May 2024 10:00:00 IST"],
)
def test_a_date_that_cannot_be_read_stays_unknown(tmp_path: Path, stated: str) -> None:
    """Incomplete, impossible and ambiguous dates get a notice, and the entry is ingested."""
    bad = f"<pubDate>{stated}</pubDate><description>Text.</description>"
    file = write(tmp_path / "a.rss", rss(bad, "<description>Good.</description>"))
    assert [found.published_at for found in articles(file)] == [None, None]
    (notice,) = notices(file)
    assert (notice.code, stated in notice.message) == ("bad_date", True)
    assert notice.origin == f"{file.as_posix()}#1"


def test_one_bad_entry_does_not_lose_the_others(tmp_path: Path) -> None:
    """An entry without text is rejected by its number; an invalid address gets a notice."""
    file = write(
        tmp_path / "a.xml",
        rss(
            "<description>Good.</description>",
            "<title>Empty</title>",
            "<link>/relative</link><description>x</description>",
            "<description>3 &lt; 4 &amp; so on</description>",
        ),
    )
    found = read(file)
    assert codes(found) == ["ok", "empty", "ok", "ok"]
    assert isinstance(found[1], ArticleRejected)
    assert found[1].origin == f"{file.as_posix()}#2"
    assert [notice.code for notice in notices(file)] == ["bad_url"]
    assert articles(file)[2].body == "3 < 4 & so on"


def test_a_feed_that_is_cut_off_keeps_its_whole_entries(tmp_path: Path) -> None:
    """The entry in which a file ends is rejected as truncated, as its text may be half of it."""
    text = rss("<description>First.</description>", "<description>Second, which goes on.</description>")
    found = read(write(tmp_path / "a.rss", text[: text.index("goes on")]))
    assert codes(found) == ["ok", "truncated"]


def test_entities_cannot_make_a_small_feed_large(tmp_path: Path) -> None:
    """A feed that declares entities, such as a billion laughs, is rejected before it is parsed."""
    lines = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10))
    text = rss("<description>&l9;</description>").replace("<rss", f'<!DOCTYPE rss [<!ENTITY l0 "ha">{lines}]><rss', 1)
    assert rejection(write(tmp_path / "a.xml", text)).code == "bad_feed"


@given(
    st.lists(
        st.sampled_from(["<!-- <a> -->", "<!---->", "<?x <a>?>", "\n", " ", "<!-- <!DOCTYPE rss> -->"]), max_size=4
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_hides_the_entities_of_a_feed(tmp_path: Path, before: list[str]) -> None:
    """Comments and instructions before the document type do not hide what it declares."""
    declared = f"{''.join(before)}<!DOCTYPE rss {(before and 'SYSTEM') or ''} [<!ENTITY a 'ha'>]><rss"
    text = rss("<description>&a;</description>").replace("<rss", declared, 1)
    assert rejection(write(tmp_path / "a.xml", text)).code == "bad_feed"


def test_a_document_type_without_entities_is_read(tmp_path: Path) -> None:
    """A DOCTYPE without entities is allowed; an article may be about entities."""
    text = rss("<description>Caf&eacute; &lt;!DOCTYPE x [&lt;!ENTITY a 'b'&gt;]&gt; here.</description>")
    text = text.replace("<rss", '<!DOCTYPE rss PUBLIC "-//N//DTD RSS [0.91]//EN" "http://my.example/rss.dtd"><rss', 1)
    (found,) = articles(write(tmp_path / "a.xml", text))
    assert found.body == "Café <!DOCTYPE x [<!ENTITY a 'b'>]> here."


@pytest.mark.parametrize("prolog", ["<!--" * 200_000, "<?x " * 200_000, " " * 1_000_000, "<!DOCTYPE " + '"' * 300_001])
def test_an_endless_prolog_is_read_quickly(tmp_path: Path, prolog: str) -> None:
    """A long prolog takes linear time."""
    assert rejection(write(tmp_path / "a.xml", prolog)).code == "bad_feed"


def test_a_feed_reads_no_other_file(tmp_path: Path) -> None:
    """An external document type is neither fetched nor followed."""
    secret = write(tmp_path / "secret.dtd", '<!ENTITY s "secret">')
    text = rss("<description>Text &s; here.</description>")
    text = text.replace("<rss", f'<!DOCTYPE rss SYSTEM "{secret.as_uri()}"><rss', 1)
    assert all("secret" not in found.body for found in articles(write(tmp_path / "a.xml", text)))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b" \n", "bad_feed"),
        (b"\x00", "bad_feed"),
        (b"<html><body>Not a feed.</body></html>", "bad_feed"),
        (b"<urlset><url><loc>https://daily.example/</loc></url></urlset>", "bad_feed"),
        (b"https://daily.example/feed", "bad_feed"),
        (b"<rss version='2.0'><channel><title>T</title></channel></rss>", "empty"),
        (b"<rss version='2.0'><channel><item><title>&#xD800;</title></item>", "bad_feed"),
        (b"<rss version='2.0'><channel><item><title>&#99999999999999999999;</title></item>", "bad_feed"),
        ("<rss version='2.0'><channel><item><title>é</title></item></channel></rss>".encode("latin-1"), "undecodable"),
    ],
)
def test_a_file_that_is_no_feed_is_rejected(tmp_path: Path, content: bytes, code: str) -> None:
    """XML of another kind, a feed without entries and broken text are rejected by name; an address is not fetched."""
    assert rejection(write(tmp_path / "a.xml", content)).code == code


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("ISO-8859-1", "cp1252"), ("windows-1250", "cp1250"), ("utf-16", "utf-16"), ("", "utf-16-be")],
)
def test_a_feed_is_read_in_the_encoding_it_declares(tmp_path: Path, declared: str, encoding: str) -> None:
    """The XML declaration or a byte order mark names the encoding."""
    text = rss("<title>Schöne Grüße</title><description>„Ja“ – sagte er.</description>")
    text = text.replace('"1.0"', f'"1.0" encoding="{declared}"' if declared else '"1.0"', 1)
    found = article(write(tmp_path / "a.rss", text.encode(encoding)))
    assert (found.title, found.body) == ("Schöne Grüße", "„Ja“ – sagte er.")


def test_feeds_are_read_as_utf8_whatever_they_declare(tmp_path: Path) -> None:
    """The encoding a feed declares does not garble text that is UTF-8."""
    text = rss("<description>The café &#8212; open.</description>").replace('"1.0"', '"1.0" encoding="ISO-8859-1"', 1)
    assert article(write(tmp_path / "a.xml", text)).body == "The café — open."
