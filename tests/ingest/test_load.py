import subprocess
import sys
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.load import ArticleFile, LoadedArticle, load
from ingest.report import ArticleRejected
from tests.ingest.article_files import codes, read, write
from tests.ingest.pdf_file import pdf

EXTENSIONS = ("txt", "md", "markdown", "html", "htm", "json", "jsonl", "pdf", "rss", "xml", "atom")
PIECES = st.sampled_from(
    [b"---\n", b"title: ", b"[", b"{", b'"body": "x"', b"}", b"<html>", b"<p>", b"<rss version='2.0'><channel>",
     b"<item>", b"<description>", b"&lt;p&gt;", b"</", b"<!DOCTYPE x [", b"<![CDATA[", b"%PDF-1.4\n", b"\xff", b"\x00",
     b"\n", b"text "]
)  # fmt: skip


def test_everything_good_is_in_and_everything_bad_is_named(tmp_path: Path) -> None:
    """A run over a folder of all kinds of files ingests the valid ones and reports each invalid one."""
    write(tmp_path / "a.txt", "Some text.")
    write(tmp_path / "b.md", "---\ntitle: T\n---\nSome text.")
    write(tmp_path / "c.html", "<html><body><p>Some text.</p></body></html>")
    write(tmp_path / "d.json", '{"body": "Some text."}')
    write(tmp_path / "e.jsonl", '{"body": "Some text."}\n{')
    write(tmp_path / "f.pdf", pdf([["Some text."]]))
    write(
        tmp_path / "g.rss",
        "<rss version='2.0'><channel><item><description>Some text.</description></item></channel></rss>",
    )
    write(tmp_path / "h.txt", "")
    write(tmp_path / "i.md", "---\nsource: Gazette\n---\nSome text.")
    write(tmp_path / "j.jpg", b"\xff\xd8\xff")
    found = read(tmp_path)
    assert codes(found) == ["ok"] * 5 + ["bad_json", "ok", "ok", "empty", "ok", "unsupported"]
    assert {item.article.body for item in found if isinstance(item, LoadedArticle)} == {"Some text."}
    assert all(item.reason in str(item) for item in found if isinstance(item, ArticleRejected))


def test_a_file_that_vanishes_is_rejected(tmp_path: Path) -> None:
    """A file that disappears before it is read is rejected, and does not stop the run."""
    assert codes(load(ArticleFile(tmp_path / "gone.txt", tmp_path))) == ["unreadable"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(EXTENSIONS), st.lists(PIECES | st.binary(max_size=8), max_size=12).map(b"".join))
def test_no_content_raises(tmp_path: Path, extension: str, content: bytes) -> None:
    """Loading any content gives at least one article or rejection, and all can be stored."""
    found = list(load(ArticleFile(write(tmp_path / f"a.{extension}", content), tmp_path)))
    assert found
    for item in found:
        text = item.article.body if isinstance(item, LoadedArticle) else item.reason
        assert text.strip()
        assert text.encode()


MARKDOWN = """
import sys
from pathlib import Path
from index.lexical import stop_word_list
from ingest.changes import Changes
from ingest.load import Loader, find
stop_word_list("english")
with Loader() as loader:
    list(Changes({}, {}).compare(item for file in find([Path(sys.argv[1])]) for item in loader.load(file)))
print(*sorted({module.partition(".")[0] for module in sys.modules}))
"""
VENDORS = {"babel", "bm25s", "charset_normalizer", "chromadb", "feedparser", "httpx", "llama_index", "lxml",
           "onnxruntime", "pypdf", "trafilatura"}  # fmt: skip


def test_loading_markdown_imports_no_other_parser(tmp_path: Path) -> None:
    """The libraries of other formats and of the index are imported only when used, so that an ingest starts quickly."""
    file = write(tmp_path / "a.md", "---\ntitle: Trams\ndate: 2024-05-01\n---\nThe depot holds 45 trams.")
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", MARKDOWN, str(file)], cwd=root, capture_output=True, text=True, check=True
    )
    assert "yaml" in ran.stdout.split()
    assert VENDORS.isdisjoint(ran.stdout.split())
