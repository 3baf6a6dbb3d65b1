import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.load import IN_CHILD, PARSERS, ArticleFile, Limits, LoadedArticle, Loader, child, find, load
from ingest.report import ArticleRejected
from tests.ingest.article_files import codes, write
from tests.ingest.pdf_file import pdf

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 5, 1, tzinfo=UTC)
PAGE = "<html><body><article><p>The weir at Orle opened on Monday, and 40 people came.</p></article></body></html>"
FEED = (
    '<rss version="2.0"><channel><title>Orle</title><item><title>Weir</title><guid>https://orle.example/1</guid>'
    "<description>The weir opened.</description></item><item><title>Empty</title></item></channel></rss>"
)
KINDS: dict[str, str | bytes] = {
    "a.html": PAGE,
    "b.json": '[{"text": "One."}, {"title": "No text"}]',
    "c.jsonl": '{"text": "One.", "published_at": "no date"}\n{\n{"text": "Two."}\n',
    "d.pdf": pdf([["The weir opened on Monday."]]),
    "e.rss": FEED,
    "f.txt": "Plain text.",
    "g.md": "# Title\n\nText.",
    "h.png": b"\x89PNG",
    "i.html": "",
    "j.pdf": b"%PDF-1.4 cut off",
}
ORPHAN = """
import os, signal, sys
from pathlib import Path
from ingest.load import Loader, find
loader = Loader()
for _ in loader.load(find([Path(sys.argv[1])])[0]):
    print(loader._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def bomb(content: bytes) -> bytes:
    """Make a PDF of one page with this content, compressed."""
    plain = pdf([["x"]])
    start, end = plain.index(b"<< /Length"), plain.index(b"\nendstream")
    packed = zlib.compress(content, 9)
    head = b"<< /Filter /FlateDecode /Length %d >>\nstream\n" % len(packed)
    # The table of offsets is wrong now; readers find the objects all the same.
    return plain[:start] + head + packed + plain[end:]


def shown(item: LoadedArticle | ArticleRejected) -> object:
    return (item.origin, item.reason, item.code) if isinstance(item, ArticleRejected) else item


@pytest.fixture(scope="module")
def loader() -> Iterator[Loader]:
    """Return a loader for all tests: starting a child takes longer than most files, and one that ends is replaced."""
    with Loader(NOW) as opened:
        yield opened


def file(path: Path) -> ArticleFile:
    (found,) = find([path])
    return found


def test_a_child_reads_as_this_process_does(tmp_path: Path, loader: Loader) -> None:
    """Every kind of file gives the same articles, notices and rejections in the child as in this process."""
    for name, content in KINDS.items():
        write(tmp_path / name, content)
    files = find([tmp_path])
    assert len(files) == len(KINDS)
    for each in files:
        assert list(map(shown, loader.load(each))) == list(map(shown, load(each, NOW)))


def test_parsers_log_nothing(tmp_path: Path, loader: Loader, capfd: pytest.CaptureFixture[str]) -> None:
    """The messages of parsers about corrupt files do not appear on stderr, as the rejections state the problem."""
    pages: dict[str, str | bytes] = {"a.html": "<html></html>", "b.pdf": pdf([["Text."]])[:-40], "c.rss": FEED[:-40]}
    for name, content in pages.items():
        assert list(loader.load(file(write(tmp_path / name, content))))
    assert capfd.readouterr() == ("", "")


def test_what_needs_a_parser_is_read_by_a_child() -> None:
    """Only plain text and Markdown are loaded in the process of the ingest."""
    assert PARSERS.keys() - IN_CHILD == {".txt", ".md", ".markdown"}
    assert PARSERS.keys() >= IN_CHILD


def test_a_bomb_costs_itself(tmp_path: Path) -> None:
    """A small PDF that takes minutes is rejected within the limit; the other files are ingested."""
    write(tmp_path / "a.html", PAGE)
    small = write(tmp_path / "b.pdf", bomb(b"BT /F1 12 Tf " + b"(x) Tj " * 600_000 + b"ET"))
    write(tmp_path / "c.html", PAGE)
    assert small.stat().st_size < 20_000
    with Loader(NOW, Limits(cpu_s=2)) as loader:
        found = [item for each in find([tmp_path]) for item in loader.load(each)]
    assert codes(found) == ["ok", "too_expensive", "ok"]
    assert str(small) in str(found[1])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("inflate.pdf", bomb(b" " * 150_000_000)),
        ("nested.html", "<div>" * 200_000 + "Deep."),
        ("tables.html", "<table><tr><td>" * 20_000 + "Deep."),
        ("nested.json", "[" * 200_000),
        ("nested.xml", "<rss>" + "<a>" * 100_000),
    ],
)
def test_what_grows_when_it_is_parsed_stops_no_other(
    tmp_path: Path, name: str, content: str | bytes, loader: Loader
) -> None:
    """Files that inflate or nest endlessly are rejected, and the next file is loaded."""
    found = list(loader.load(file(write(tmp_path / name, content))))
    assert all(isinstance(item, ArticleRejected) for item in found)
    assert len(found) == 1
    assert codes(loader.load(file(write(tmp_path / "next.html", PAGE)))) == ["ok"]


def test_waiting_is_bounded(tmp_path: Path) -> None:
    """A child that does not answer in time is killed, and its file is rejected."""
    page = file(write(tmp_path / "a.html", PAGE))
    with Loader(NOW, Limits(wall_s=0.001)) as loader:
        assert codes(loader.load(page)) == ["too_expensive"]
        loader.limits = Limits()
        assert codes(loader.load(page)) == ["ok"]


@pytest.mark.parametrize(
    ("error", "code"),
    [(MemoryError(), "too_expensive"), (KeyError("x"), "unreadable"), (ArticleRejected("a", "b", "empty"), "empty")],
)
def test_a_parser_that_fails_costs_its_file(tmp_path: Path, error: Exception, code: str) -> None:
    """Lack of memory, or an unexpected error of a parser, rejects the file."""

    def fails(*_: object) -> Iterator[LoadedArticle]:
        raise error

    page = file(write(tmp_path / "a.html", PAGE))
    assert codes(child._run(fails, page, NOW, (10**6, 10**9))) == [code]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_child_that_is_killed_is_replaced(tmp_path: Path, number: signal.Signals, loader: Loader) -> None:
    """If a signal ends the child, the articles loaded so far count, and only its current file is rejected."""
    lines = write(tmp_path / "a.jsonl", '{"text": "A longer text than fits in a pipe. %s"}\n' % ("x" * 10_000) * 500)
    found: list[LoadedArticle | ArticleRejected] = []
    for item in loader.load(file(lines)):
        if not found:
            assert loader._process is not None
            loader._process.send_signal(number)
            loader._process.wait()
        found.append(item)
    expected = "too_expensive" if number == signal.SIGKILL else "unreadable"
    assert codes(found)[-1] == expected
    assert set(codes(found)[:-1]) == {"ok"}
    assert codes(loader.load(file(write(tmp_path / "b.html", PAGE)))) == ["ok"]


def test_a_file_that_is_left_half_way_does_not_mix_with_the_next(tmp_path: Path, loader: Loader) -> None:
    """A file that is not loaded to its end leaves nothing for the next file."""
    lines = write(tmp_path / "a.jsonl", '{"text": "One."}\n' * 100)
    reading = loader.load(file(lines))
    next(reading)
    reading.close()  # type: ignore[attr-defined]
    (item,) = loader.load(file(write(tmp_path / "b.html", PAGE)))
    assert isinstance(item, LoadedArticle)
    assert item.article.article_id == "b"


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    """A child does not outlive an ingest that is killed."""
    lines = write(tmp_path / "a.jsonl", '{"text": "%s"}\n' % ("x" * 10_000) * 2000)
    parent = subprocess.run(
        [sys.executable, "-c", ORPHAN, str(lines)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert parent.returncode == -signal.SIGKILL, parent.stderr
    orphan, deadline = int(parent.stdout), time.monotonic() + 30
    while _runs(orphan):
        assert time.monotonic() < deadline, f"{orphan} still runs"
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.mark.parametrize("name", [f"huge{suffix}" for suffix in sorted(PARSERS)])
def test_a_file_above_every_limit_is_rejected(tmp_path: Path, name: str, loader: Loader) -> None:
    """A sparse file of 250 MB of zero bytes is rejected in every format, and the next file is loaded."""
    huge = tmp_path / name
    with huge.open("wb") as stream:
        stream.truncate(250_000_000)
    found = list(loader.load(file(huge)))
    assert [isinstance(item, ArticleRejected) and item.origin.startswith(str(huge)) for item in found] == [True]
    assert codes(loader.load(file(write(tmp_path / "next.html", PAGE)))) == ["ok"]


@pytest.mark.parametrize("suffix", sorted(PARSERS))
def test_files_that_are_gone_or_empty_are_rejected(tmp_path: Path, suffix: str, loader: Loader) -> None:
    """A file that disappears before it is read, and an empty file, are rejected."""
    gone, empty = (file(write(tmp_path / f"{name}{suffix}", "")) for name in ("gone", "empty"))
    gone.path.unlink()
    assert codes(loader.load(gone)) == ["unreadable"]
    assert codes(loader.load(empty)) == ["empty"]


def test_a_folder_that_is_called_like_a_file_is_a_folder(tmp_path: Path, loader: Loader) -> None:
    """A folder named `x.txt` is searched for files."""
    write(tmp_path / "x.txt" / "y.html", PAGE)
    assert codes(loader.load(file(tmp_path))) == ["ok"]
