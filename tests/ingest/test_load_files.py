import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from index.errors import ConfigurationError
from ingest.load import ArticleFile, find
from ingest.report import ArticleRejected
from tests.ingest.article_files import articles, codes, read, rejection, write


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """Make a folder that every user may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Act as a user without special permissions, even if root runs the tests."""
    before = os.geteuid()
    os.seteuid(before or 65534)
    try:
        yield
    finally:
        os.seteuid(before)


def names(files: list[ArticleFile], folder: Path) -> list[str]:
    return [file.path.relative_to(folder).as_posix() for file in files]


def test_files_are_found_in_folders_in_order(tmp_path: Path) -> None:
    """Every file below a folder is found, sorted by path, with the folder as its root."""
    for name in ("b.txt", "a/z.md", "a/b/c.txt", "c.json"):
        write(tmp_path / name, "x")
    found = find([tmp_path])
    assert names(found, tmp_path) == ["a/b/c.txt", "a/z.md", "b.txt", "c.json"]
    assert {file.root for file in found} == {tmp_path}


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    """An empty folder gives no files and no rejections."""
    assert find([tmp_path]) == []


def test_hidden_files_and_folders_are_skipped(tmp_path: Path) -> None:
    """A hidden file or folder is skipped inside a folder, and read if it is given as a path."""
    hidden = write(tmp_path / ".draft.txt", "A draft.")
    write(tmp_path / ".git" / "x.txt", "x")
    assert find([tmp_path]) == []
    assert names(find([hidden]), tmp_path) == [".draft.txt"]


def test_a_named_file_has_its_own_folder_as_root(tmp_path: Path) -> None:
    """The id of a file that is given as a path is its name."""
    file = write(tmp_path / "sub" / "a.txt", "Some text.")
    assert [found.article_id for found in articles(file)] == ["a"]
    assert [found.article_id for found in articles(tmp_path)] == ["sub.a"]


def test_a_file_named_twice_is_found_once(tmp_path: Path) -> None:
    """A file given in several ways is found once, with the outermost folder as its root."""
    file = write(tmp_path / "sub" / "a.txt", "x")
    dotted = tmp_path / "sub" / ".." / "sub" / "a.txt"
    for paths in ([file, tmp_path, tmp_path / "sub", dotted], [dotted, tmp_path / "sub", tmp_path, file, file]):
        assert find(paths) == [ArticleFile(file, tmp_path)]


def test_a_relative_path_becomes_absolute(tmp_path: Path) -> None:
    """An origin is an absolute path however the file was named."""
    file = write(tmp_path / "a.txt", "Some text.")
    relative = Path(os.path.relpath(file))
    assert [found.origin for found in articles(relative)] == [file.as_posix()]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    """Folders that link to each other are read once each, by their real paths."""
    write(tmp_path / "a" / "x.txt", "x")
    write(tmp_path / "b" / "y.txt", "y")
    (tmp_path / "a" / "0-up").symlink_to("..")
    (tmp_path / "a" / "to-b").symlink_to("../b")
    (tmp_path / "b" / "to-a").symlink_to("../a")
    assert names(find([tmp_path]), tmp_path) == ["a/x.txt", "b/y.txt"]


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """Make a folder with links to a file, a folder, a missing path and a hidden file outside of it."""
    write(tmp_path / "elsewhere" / "x.txt", "Private text.")
    write(tmp_path / "root" / "sub" / "a.txt", "Some text.")
    for name, target in {
        "file.txt": "elsewhere/x.txt",
        "sub/folder": "elsewhere",
        "gone.txt": "nowhere",
        ".hidden.txt": "elsewhere/x.txt",
    }.items():
        (tmp_path / "root" / name).symlink_to(tmp_path / target)
    # A chain of links within the folder ends outside all the same.
    (tmp_path / "root" / "chain.txt").symlink_to("file.txt")
    return tmp_path / "root"


def test_links_that_lead_out_are_rejected_by_name(linked: Path) -> None:
    """A link to a file or folder outside is rejected with its target, and never read."""
    found = {str(item.origin): item for item in read(linked) if isinstance(item, ArticleRejected)}
    assert {Path(origin).relative_to(linked).as_posix(): item.code for origin, item in found.items()} == dict.fromkeys(
        ("chain.txt", "file.txt", "gone.txt", "sub/folder"), "link_outside"
    )
    assert str(linked.parent / "elsewhere/x.txt") in found[f"{linked}/chain.txt"].reason
    assert [article.body for article in articles(linked / "sub/a.txt")] == ["Some text."]


def test_links_are_followed_where_that_is_asked_for(linked: Path) -> None:
    """With `follow_links` linked files are read once, and a broken link is rejected."""
    found = find([linked], follow_links=True)
    assert names(found, linked) == ["chain.txt", "gone.txt", "sub/a.txt"]
    assert [item.leads_to for item in found] == [None, None, None]


def test_links_between_named_folders_are_followed(linked: Path) -> None:
    """A link into another given folder is not rejected; its target is read once."""
    found = find([linked, linked.parent / "elsewhere"])
    assert [file.path.name for file in found if file.leads_to is None] == ["x.txt", "a.txt"]
    assert [file.path.name for file in found if file.leads_to is not None] == ["gone.txt"]


@pytest.mark.parametrize("target", ["root", "elsewhere/x.txt"])
def test_a_path_that_is_itself_a_link_is_followed(linked: Path, target: str) -> None:
    """A link given as a path is read under its own name; its target is the boundary."""
    link = linked.parent / "latest.txt"
    link.symlink_to(linked.parent / target)
    read_ = [file for file in find([link]) if file.leads_to is None]
    assert [file.path.is_relative_to(link) for file in read_] == [True]


def test_a_file_counts_before_the_link_to_it(tmp_path: Path) -> None:
    """A file and a link to it are one article, with the id of the file."""
    write(tmp_path / "z.txt", "Some text.")
    (tmp_path / "a.txt").symlink_to("z.txt")
    assert [found.article_id for found in articles(tmp_path)] == ["z"]


def test_a_path_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    """A missing path stops the ingest at once, and the error names it."""
    missing = tmp_path / "missing"
    with pytest.raises(ConfigurationError, match="missing"):
        find([tmp_path, missing])


def test_what_is_no_regular_file_is_rejected_without_waiting(tmp_path: Path) -> None:
    """Pipes, sockets, links to devices and broken links are rejected, and never read."""
    os.mkfifo(tmp_path / "pipe.txt")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero.txt").symlink_to("/dev/zero")
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    (tmp_path / "gone.txt").symlink_to("nowhere.txt")
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(tmp_path)
        try:
            server.bind("socket.txt")
        finally:
            os.chdir(here)
        assert codes(read(tmp_path)) == ["unreadable"] * 5 + ["link_outside"]


def test_files_of_other_kinds_are_named(tmp_path: Path) -> None:
    """A file whose extension is not known is rejected as unsupported, in a folder as when named."""
    image = write(tmp_path / "photo.png", b"\x89PNG\r\n")
    write(tmp_path / "README", "x")
    assert codes(read(tmp_path)) == ["unsupported", "unsupported"]
    assert ".png" in rejection(image).reason
    assert "without an extension" in rejection(tmp_path / "README").reason


def test_extensions_are_read_in_any_case(tmp_path: Path) -> None:
    """An extension in capitals is the same extension."""
    write(tmp_path / "A.TXT", "Some text.")
    assert codes(read(tmp_path)) == ["ok"]


def test_what_may_not_be_read_is_rejected_by_name(public_folder: Path) -> None:
    """A file or a folder without permission is rejected as unreadable; the others are ingested."""
    write(public_folder / "good.txt", "Some text.")
    write(public_folder / "locked.txt", "x").chmod(0)
    write(public_folder / "closed" / "x.txt", "x").parent.chmod(0)
    write(public_folder / "listed-only" / "y.txt", "y").parent.chmod(0o444)
    with ordinary_user():
        found = read(public_folder)
    for folder in ("closed", "listed-only"):
        (public_folder / folder).chmod(0o755)
    assert codes(found) == ["unreadable", "ok", "unreadable", "unreadable"]
    assert str(found[0]).startswith((public_folder / "closed").as_posix())


def test_a_path_that_may_not_be_looked_at_is_refused(public_folder: Path) -> None:
    """A path below an inaccessible folder stops the ingest, and the error names it."""
    inside = write(public_folder / "closed" / "x.txt", "x")
    inside.parent.chmod(0)
    with ordinary_user(), pytest.raises(ConfigurationError, match=r"x\.txt"):
        find([inside])
    inside.parent.chmod(0o755)


def test_a_name_that_is_not_utf8_is_rejected(tmp_path: Path) -> None:
    """A file whose name cannot be stored is rejected, with its name escaped."""
    write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")), "Some text.")
    write(tmp_path / "two\nlines.txt", "Some text.")
    found = read(tmp_path)
    assert codes(found) == ["unreadable", "unreadable"]
    assert all(str(item).isprintable() and str(item).encode() for item in found)
