from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Article
from ingest.changes import Changes
from ingest.errors import ArticleRejected, Notice
from ingest.load import LoadedArticle


def loaded(article_id: str, body: str, origin: str | Path, *, explicit_id: bool = False) -> LoadedArticle:
    return LoadedArticle(Article(article_id, body, str(origin)), explicit_id)


def after(*articles: LoadedArticle) -> Changes:
    """The changes since these articles were taken in."""
    held = [each.article for each in articles]
    return Changes(
        {each.article_id: each.content_hash for each in held}, {each.article_id: each.origin for each in held}
    )


def rejection(origin: str | Path, code: str = "empty") -> ArticleRejected:
    return ArticleRejected(str(origin), "there is no text", code)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three files that are there."""
    paths = [tmp_path / "desk" / name for name in ("a.txt", "b.txt", "c.txt")]
    paths[0].parent.mkdir()
    for path in paths:
        path.touch()
    return paths


BODIES = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["one", "two", "three"]))


@given(BODIES, BODIES)
def test_every_article_is_one_of_added_updated_unchanged_or_kept(held: dict[str, str], read: dict[str, str]) -> None:
    """What is read is added, updated or unchanged by id and content; the rest stays; only news is yielded."""
    changes = after(*(loaded(article_id, body, f"/{article_id}") for article_id, body in held.items()))
    news = list(changes.compare(loaded(article_id, body, f"/{article_id}") for article_id, body in read.items()))
    assert changes.added.keys() == read.keys() - held.keys()
    assert changes.unchanged == {each for each in read.keys() & held.keys() if read[each] == held[each]}
    assert changes.updated.keys() == read.keys() & held.keys() - changes.unchanged
    assert {each.article_id for each in news} == changes.added.keys() | changes.updated.keys()
    now = {article_id: Article(article_id, body, "").content_hash for article_id, body in (held | read).items()}
    assert changes.hashes_after(set()) == now
    assert not changes.rejected


@given(BODIES, BODIES)
def test_what_is_under_the_paths_and_was_not_read_is_gone(held: dict[str, str], read: dict[str, str]) -> None:
    """Gone is what lies under a path that was ingested and was not read in this run, and nothing else."""
    folders = {article_id: "/desk" if article_id < "e" else "/archive" for article_id in "abcdefgh"}
    changes = after(*(loaded(each, body, f"{folders[each]}/{each}.txt") for each, body in held.items()))
    list(changes.compare(loaded(each, body, f"{folders[each]}/{each}.txt") for each, body in read.items()))
    gone = changes.gone([Path("/desk")])
    assert gone == {each for each in held.keys() - read.keys() if folders[each] == "/desk"}
    assert changes.hashes_after(gone).keys() == (held.keys() | read.keys()) - gone


@pytest.mark.parametrize(
    "path", ["/desk", "/desk/", "/desk/city", "/archive/../desk", "/desk/./city/", "/desk/city/a.txt"]
)
def test_a_path_may_be_written_in_any_way(path: str) -> None:
    """A folder or file is the same with a step back, a step in place or a final slash in its path."""
    assert after(loaded("a", "one", "/desk/city/a.txt")).gone([Path(path)]) == {"a"}


@pytest.mark.parametrize("path", ["/desktop", "/des", "/desk/city/a", "elsewhere"])
def test_a_path_that_only_begins_alike_is_another(path: str) -> None:
    """Neither a folder whose name begins alike nor any other holds the article."""
    assert after(loaded("a", "one", "/desk/city/a.txt")).gone([Path(path)]) == set()


def test_a_rejected_file_keeps_its_articles() -> None:
    """A file that was rejected, or one record of it, is not gone with the articles it had."""
    changes = after(
        loaded("a", "one", "/desk/a.txt"), loaded("b.1", "one", "/desk/b.jsonl#1"), loaded("c", "x", "/desk/c")
    )
    assert list(changes.compare([rejection("/desk/a.txt"), rejection("/desk/b.jsonl#2")])) == []
    assert changes.gone([Path("/desk")]) == {"c"}
    assert [each.origin for each in changes.rejected] == ["/desk/a.txt", "/desk/b.jsonl#2"]


def test_a_folder_that_cannot_be_listed_keeps_its_articles() -> None:
    """What lies in a folder that could not be read is not gone; a folder of a like name is no part of it."""
    changes = after(loaded("a", "one", "/desk/city/a.txt"), loaded("b", "one", "/desk/city-old/b.txt"))
    list(changes.compare([rejection("/desk/city", "unreadable")]))
    assert changes.gone([Path("/desk")]) == {"b"}


def test_a_file_of_another_kind_is_rejected_only_where_it_was_named() -> None:
    """A file that holds no articles is skipped in a folder, and rejected where it was named itself."""
    changes = Changes({}, {}, named=frozenset(["/desk/named.png"]))
    list(changes.compare([rejection(f"/desk/{name}.png", "unsupported") for name in ("found", "named")]))
    assert [skipped.origin for skipped in changes.skipped] == ["/desk/found.png"]
    assert [each.origin for each in changes.rejected] == ["/desk/named.png"]


def test_an_unpublished_article_is_skipped_and_gone() -> None:
    """An article whose export withdrew it is skipped by name; where the index has it, a pruning ingest removes it."""
    changes = after(loaded("a.1", "one", "/desk/a.json#1"), loaded("a.2", "two", "/desk/a.json#2"))
    list(changes.compare([loaded("a.1", "one", "/desk/a.json#1"), rejection("/desk/a.json#2", "unpublished")]))
    assert (changes.rejected, [skipped.origin for skipped in changes.skipped]) == ([], ["/desk/a.json#2"])
    assert changes.gone([Path("/desk")]) == {"a.2"}


def test_notices_of_every_article_that_is_in_are_kept() -> None:
    """New or unchanged, an article's notices are listed; those of a rejected one are not."""
    changes = after(loaded("a", "one", "/desk/a"))
    notice = Notice("bad_date", "/desk/a", "published_at is 'soon'")
    read = [loaded("a", "one", "/desk/a"), loaded("b", "two", "/desk/b"), loaded("b", "three", "/desk/c")]
    list(changes.compare(replace(item, notices=(notice,)) for item in read))
    assert changes.notices == [notice] * 2


@pytest.mark.parametrize("explicit_id", [True, False])
def test_two_articles_of_one_id_in_a_run_clash(explicit_id: bool) -> None:
    """The second of them is rejected, both origins are named, and the first is taken in, whether its id is explicit."""
    changes = after()
    read = [loaded("a", text, f"/desk/{text}", explicit_id=explicit_id) for text in ("one", "two")]
    assert [each.body for each in changes.compare(read)] == ["one"]
    (clash,) = changes.rejected
    assert (clash.origin, clash.code) == ("/desk/two", "clash")
    for part in ("'a'", "/desk/one", "/desk/two"):
        assert part in str(clash)


def test_the_same_article_twice_is_no_clash() -> None:
    """Two copies of one article in a run are one article."""
    changes = after()
    assert len(list(changes.compare([loaded("a", "one", "/desk/one"), loaded("a", "one", "/desk/two")]))) == 1
    assert changes.added.keys() == {"a"}
    assert not changes.rejected


def test_an_id_made_from_a_path_clashes_with_that_of_another_file(files: list[Path]) -> None:
    """An article whose id was made from its path is rejected where another file that exists holds the id."""
    changes = after(loaded("a", "one", files[0]))
    assert list(changes.compare([loaded("a", "two", files[1])])) == []
    (clash,) = changes.rejected
    assert clash.code == "clash"
    assert str(files[0]) in clash.reason
    assert changes.gone([files[0].parent]) == {"a"}


def test_a_clash_within_a_file_of_many_names_the_file(files: list[Path]) -> None:
    """The file of a record is the one that must exist, not the record."""
    changes = after(loaded("a", "one", f"{files[0]}#3"))
    list(changes.compare([loaded("a", "two", files[1])]))
    assert f"{files[0]}#3" in changes.rejected[0].reason


def test_an_explicit_id_may_come_from_another_file(files: list[Path]) -> None:
    """An article that states its id replaces the one that had it, wherever that came from."""
    changes = after(loaded("a", "one", files[0]))
    assert len(list(changes.compare([loaded("a", "two", files[1], explicit_id=True)]))) == 1
    assert changes.updated.keys() == {"a"}


def test_a_file_that_moved_is_the_same_article(files: list[Path]) -> None:
    """Where the old file is gone, the article of its id may come from another, and the index learns from which."""
    held = [loaded("a", "one", files[0]), loaded("b", "one", files[1])]
    changes = after(
        *(replace(each, article=replace(each.article, origin=f"{each.article.origin}.gone")) for each in held)
    )
    list(changes.compare([loaded("a", "two", files[0]), held[1]]))
    assert changes.updated.keys() == {"a", "b"}
    assert not changes.unchanged
    assert not changes.rejected


def test_a_file_named_by_another_folder_keeps_its_id(files: list[Path]) -> None:
    """One file is one article, whichever folder it was found through; an explicit id stands as it is."""
    changes = after(loaded("city.long", "one", files[0]))
    list(changes.compare([loaded("long", "two", files[0])]))
    assert changes.updated.keys() == {"city.long"}
    assert not changes.added


def test_a_copy_of_an_article_is_the_same_article(files: list[Path]) -> None:
    """The same text under the same id in another file is no clash."""
    changes = after(loaded("a", "one", files[0]))
    list(changes.compare([loaded("a", "one", files[1])]))
    assert changes.unchanged == {"a"}
    assert not changes.rejected
