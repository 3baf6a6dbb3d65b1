"""WordPress exports: posts with their fields and texts, and what is not a published post."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.load.wordpress import post_text
from ingest.report import ArticleRejected
from tests.ingest.article_files import article, articles, codes, notices, read, rejection, write

HEAD = """<?xml version="1.0" encoding="{encoding}" ?>
<!-- This file is an export of a site. -->
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:wp="http://wordpress.org/export/1.2/"><channel><title>Ferry Post</title><link>https://ferry.example</link>
<language>en-GB</language><wp:wxr_version>1.2</wp:wxr_version>
<wp:author><wp:author_id>3</wp:author_id><wp:author_login><![CDATA[mlund]]></wp:author_login>
<wp:author_email><![CDATA[m@ferry.example]]></wp:author_email>
<wp:author_display_name><![CDATA[Mara Lund]]></wp:author_display_name></wp:author>
"""
FOOT = "</channel></rss>"


def post(content: str = "<p>Some text.</p>", number: int = 7, stated: Mapping[str, str] | None = None) -> str:
    """Return an item of an export; `stated` replaces its elements of the namespace wp."""
    elements = {
        "post_date_gmt": "2024-05-01 08:30:00",
        "post_modified_gmt": "2024-05-01 08:30:00",
        "status": "publish",
        "post_type": "post",
        "post_password": "",
        **(stated or {}),
    }
    marks = "".join(f"<wp:{name}><![CDATA[{value}]]></wp:{name}>" for name, value in elements.items())
    return f"""<item><title><![CDATA[Ferry {number} &amp; crew]]></title><link>https://ferry.example/{number}/</link>
<pubDate>Wed, 01 May 2024 08:30:00 +0000</pubDate><dc:creator><![CDATA[mlund]]></dc:creator>
<guid isPermaLink="false">https://ferry.example/?p={number}</guid><description></description>
<content:encoded><![CDATA[{content}]]></content:encoded><excerpt:encoded><![CDATA[A teaser.]]></excerpt:encoded>
{marks}<category domain="category" nicename="harbour"><![CDATA[Harbour]]></category>
<category domain="category" nicename="jobs"><![CDATA[Jobs]]></category>
<category domain="post_tag" nicename="ferry"><![CDATA[ferry]]></category>
<wp:comment><wp:comment_content><![CDATA[First!]]></wp:comment_content></wp:comment></item>"""


def export(*items: str, encoding: str = "UTF-8") -> str:
    return HEAD.format(encoding=encoding) + "".join(items) + FOOT


def test_a_post_is_an_article_with_all_its_fields(tmp_path: Path) -> None:
    """The names of authors, the sections and the dates come from the elements of the export."""
    found = article(write(tmp_path / "a.xml", export(post(stated={"post_modified_gmt": "2024-05-02 09:00:00"}))))
    assert (found.title, found.body, found.source) == ("Ferry 7 & crew", "Some text.", "Ferry Post")
    assert (found.url, found.language) == ("https://ferry.example/7/", "en-GB")
    assert (found.authors, found.section, found.tags) == (("Mara Lund",), "Harbour", ("Jobs", "ferry"))
    assert found.published_at == datetime(2024, 5, 1, 8, 30, tzinfo=UTC)
    assert found.updated_at == datetime(2024, 5, 2, 9, tzinfo=UTC)


def test_a_post_has_the_id_that_it_has_in_the_feed_of_its_site(tmp_path: Path) -> None:
    """An article keeps its id, whether it comes from the export or from the feed."""
    item = "<item><guid>https://ferry.example/?p=7</guid><description>Some text.</description></item>"
    feed = f"<rss version='2.0'><channel><title>T</title><link>https://ferry.example</link>{item}</channel></rss>"
    one, other = (write(tmp_path / name, text) for name, text in (("a.xml", export(post())), ("b.rss", feed)))
    assert article(one).article_id == article(other).article_id


@pytest.mark.parametrize(
    ("stated", "published"),
    [
        ({"post_date_gmt": "0000-00-00 00:00:00"}, datetime(2024, 5, 1, 8, 30, tzinfo=UTC)),
        ({"post_date_gmt": "2024-03-01 23:30:00"}, datetime(2024, 3, 1, 23, 30, tzinfo=UTC)),
        ({"post_date_gmt": "last Tuesday"}, None),
    ],
)
def test_a_date_is_read_or_named(tmp_path: Path, stated: dict[str, str], published: datetime | None) -> None:
    """Dates of the export are in UTC; one that cannot be read stays unknown, and a notice quotes it."""
    file = write(tmp_path / "a.xml", export(post(stated=stated)))
    assert article(file).published_at == published
    assert [stated["post_date_gmt"] in notice.message for notice in notices(file)] == [True] * (published is None)


def test_a_change_before_the_publication_is_not_an_update(tmp_path: Path) -> None:
    """The date of change of a scheduled post is that of its last draft."""
    assert (
        article(write(tmp_path / "a.xml", export(post(stated={"post_modified_gmt": "2024-04-20 08:00:00"})))).updated_at
        is None
    )


@pytest.mark.parametrize(
    "mark",
    [{"status": "draft"}, {"status": "future", "post_date_gmt": "2199-01-02 08:00:00"}, {"post_password": "x"},
     {"post_type": "page"}, {"post_type": "attachment", "status": "inherit"}, {"post_type": "shop_order"},
     {"post_date_gmt": "2199-01-02 08:00:00"}],
    ids=json.dumps,
)  # fmt: skip
def test_only_published_posts_are_taken_in(tmp_path: Path, mark: dict[str, str]) -> None:
    """Items other than published posts are named with their mark, scheduled ones with their date."""
    hidden, public = read(write(tmp_path / "a.xml", export(post(stated=mark), post(number=8))))
    assert codes([hidden, public]) == ["unpublished", "ok"]
    assert isinstance(hidden, ArticleRejected)
    assert "2199-01-02 08:00" in hidden.reason or any(value in hidden.reason for value in mark.values())


def test_a_cut_export_keeps_its_complete_posts(tmp_path: Path) -> None:
    """The post in which a file ends is truncated; one that is not XML ends the reading at its place."""
    text = export(post(), post("<p>This goes on and on.</p>", number=8))
    cut = read(write(tmp_path / "a.xml", text[: text.index("on and on")]))
    assert codes(cut) == ["ok", "truncated"]
    broken = read(
        write(tmp_path / "b.xml", text.replace("A teaser.]]>", "A teaser.]]", 1).replace(FOOT, "</b>" + FOOT))
    )
    assert codes(broken)[-1] == "bad_feed"
    assert isinstance(broken[-1], ArticleRejected)
    assert broken[-1].origin.endswith("b.xml#1")


def test_control_characters_do_not_end_an_export(tmp_path: Path) -> None:
    """Characters that XML forbids are removed: plug-ins write them."""
    file = write(tmp_path / "a.xml", export(post("<p>One\x0b two\x08.</p>"), post(number=8)))
    assert [found.body for found in articles(file)] == ["One two.", "Some text."]


@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-1", "windows-1252", "UTF-16"])
def test_the_encoding_is_that_of_the_declaration(tmp_path: Path, encoding: str) -> None:
    """An export is read in the encoding that it declares, or in UTF-8 if it is that."""
    text = export(post("<p>Fähre nach Sør.</p>"), encoding=encoding)
    assert article(write(tmp_path / "a.xml", text.encode(encoding))).body == "Fähre nach Sør."


def test_a_broken_character_costs_its_post_alone(tmp_path: Path) -> None:
    """A post with bytes of another encoding is rejected; the others are read."""
    text = export(post("<p>Caf\u00e9 opens.</p>"), post("<p>Caf\u00e9 closes.</p>", number=8)).encode()
    found = read(write(tmp_path / "a.xml", text.replace("\u00e9".encode(), b"\xe9", 1)))
    assert codes(found) == ["undecodable", "ok"]


def test_an_export_without_posts_or_with_entities_is_rejected(tmp_path: Path) -> None:
    """Both are rejected as a file."""
    assert rejection(write(tmp_path / "a.xml", export())).code == "empty"
    laugh = export(post()).replace("<rss", '<!DOCTYPE rss [<!ENTITY a "ha">]><rss', 1)
    assert rejection(write(tmp_path / "b.xml", laugh)).code == "bad_feed"


def test_a_feed_that_mentions_exports_is_a_feed(tmp_path: Path) -> None:
    """The root element decides, not a word in a text."""
    item = "<item><description>See wordpress.org/export/1.2 for more.</description></item>"
    feed = f"<rss version='2.0'><channel><title>T</title>{item}</channel></rss>"
    assert codes(read(write(tmp_path / "a.xml", feed))) == ["ok"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (("<!-- wp:paragraph -->\n<p>One.</p>\n<!-- /wp:paragraph -->\n\n<!-- wp:list -->\n<ul><!-- wp:list-item -->"
          "\n<li>A</li>\n<!-- /wp:list-item -->\n<li>B</li></ul>\n<!-- /wp:list -->"), "One.\n\n- A\n- B"),
        (('<!-- wp:quote --><blockquote class="wp-block-quote"><p>We wait.</p><cite>Ida Roy</cite></blockquote>'
          "<!-- /wp:quote --><p>Then it left.</p>"), "We wait.\n\nIda Roy\n\nThen it left."),
        (('<!-- wp:image {"id":4} --><figure><img src="a.jpg" alt="A"/><figcaption>The ferry at dawn</figcaption>'
          "</figure><!-- /wp:image --><p>It left.</p>"), "The ferry at dawn\n\nIt left."),
        ("First.\n\nSecond line,\nthird line.\r\n\r\n<em>Last</em>.", "First.\n\nSecond line,\nthird line.\n\nLast."),
        ('[caption id="attachment_4" align="left"]<img src="a.jpg" /> The ferry at dawn[/caption]\n\nIt left.',
         "The ferry at dawn\n\nIt left."),
        ('Before. [gallery ids="1,2,3"] After.', "Before.\n\nAfter."),
        ("Before.\n\n[embed]https://video.example/1[/embed]\n\nhttps://video.example/2\n\nAfter.", "Before.\n\nAfter."),
        ('[vc_row][vc_column width="1/2"]Inside.[/vc_column][/vc_row]', "Inside."),
        ("[pullquote]It was [sic] a calm day.[/pullquote]\n\nNo [other] words [...] are lost.",
         "It was [sic] a calm day.\n\nNo [other] words [...] are lost."),
        ('[caption caption="By night"]<img src="b.jpg">[/caption]', "By night"),
        ("Fish &amp; chips &#8211; 5 &lt; 6", "Fish & chips – 5 < 6"),
        ('<!-- wp:button {"width":50} --><a>Buy</a><!-- /wp:button --><p>One.</p>', "One."),
        ("<!-- wp:button /--><p>One.</p><!-- wp:button --><a>Buy</a><!-- /wp:button -->", "One."),
        ("<pre>one\ntwo</pre>", "one two"),
    ],
)  # fmt: skip
def test_the_text_of_a_post_is_what_readers_see(content: str, text: str) -> None:
    """Block comments and shortcodes are removed; paragraphs, lists, quotes, captions and an editor's brackets stay."""
    assert post_text(content) == text


@given(
    st.lists(st.sampled_from(["[a]", "[/a]", '[b c="d"]', "[e", "]", "[[gallery]]", "[more]", "word", "\n\n", "<p>"]))
)
def test_no_word_between_shortcodes_is_lost(parts: list[str]) -> None:
    """Each word outside of shortcodes stays, however brackets are nested or broken."""
    assert post_text(" ".join(parts)).split().count("word") == parts.count("word")


@pytest.mark.parametrize("unit", ["<pre ", "<!-- wp:button -->", "<!-- wp:button {", "[a '", "[embed]", "\n", "<a "])
def test_a_broken_post_is_read_in_linear_time(unit: str) -> None:
    """A post of one broken piece, repeated, takes no longer than others; quadratic time would be minutes."""
    assert "word" in post_text(unit * 30_000 + ">]]-->word")
