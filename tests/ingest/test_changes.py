from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Article
from ingest.changes import Changes
from ingest.load import LoadedArticle
from ingest.report import ArticleRejected, Notice, Withdrawn


def loaded(article_id: str, body: str, origin: str | Path, *, explicit_id: bool = False) -> LoadedArticle:
    return LoadedArticle(Article(article_id, body, str(origin)), explicit_id)


def after(*articles: LoadedArticle) -> Changes:
    """Make the changes since these articles were ingested."""
    held = [each.article for each in articles]
    return Changes(
        {each.article_id: each.content_hash for each in held}, {each.article_id: each.origin for each in held}
    )


def hashes_after(changes: Changes, removed: set[str]) -> dict[str, str]:
    """Return the content hash by id of every article in the index after the ingest."""
    kept = {article_id: hash_ for article_id, hash_ in changes.hashes.items() if article_id not in removed}
    return kept | changes.added | changes.updated


def rejection(origin: str | Path, code: str = "empty") -> ArticleRejected:
    return ArticleRejected(str(origin), "the article has no text", code)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Make three existing files."""
    paths = [tmp_path / "desk" / name for name in ("a.txt", "b.txt", "c.txt")]
    paths[0].parent.mkdir()
    for path in paths:
        path.touch()
    return paths


BODIES = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["one", "two", "three"]))


@given(BODIES, BODIES)
def test_every_article_is_one_of_added_updated_unchanged_or_kept(held: dict[str, str], read: dict[str, str]) -> None:
    """An article is added, updated or unchanged by id and content; only added and updated ones are yielded."""
    changes = after(*(loaded(article_id, body, f"/{article_id}") for article_id, body in held.items()))
    news = list(changes.compare(loaded(article_id, body, f"/{article_id}") for article_id, body in read.items()))
    assert changes.added.keys() == read.keys() - held.keys()
    assert changes.unchanged == {each for each in read.keys() & held.keys() if read[each] == held[each]}
    assert changes.updated.keys() == read.keys() & held.keys() - changes.unchanged
    assert {each.article_id for each in news} == changes.added.keys() | changes.updated.keys()
    now = {article_id: Article(article_id, body, "").content_hash for article_id, body in (held | read).items()}
    assert hashes_after(changes, set()) == now
    assert not changes.rejected


@given(BODIES, BODIES)
def test_what_is_under_the_paths_and_was_not_read_is_gone(held: dict[str, str], read: dict[str, str]) -> None:
    """An article is gone if its origin is under an ingested path and was not read in this run."""
    folders = {article_id: "/desk" if article_id < "e" else "/archive" for article_id in "abcdefgh"}
    changes = after(*(loaded(each, body, f"{folders[each]}/{each}.txt") for each, body in held.items()))
    list(changes.compare(loaded(each, body, f"{folders[each]}/{each}.txt") for each, body in read.items()))
    gone = changes.gone([Path("/desk")])
    assert gone == {each for each in held.keys() - read.keys() if folders[each] == "/desk"}
    assert hashes_after(changes, gone).keys() == (held.keys() | read.keys()) - gone


@pytest.mark.parametrize(
    "path", ["/desk", "/desk/", "/desk/city", "/archive/../desk", "/desk/./city/", "/desk/city/a.txt"]
)
def test_a_path_may_be_written_in_any_way(path: str) -> None:
    """A path with `..`, `.` or a final slash is the same folder or file."""
    assert after(loaded("a", "one", "/desk/city/a.txt")).gone([Path(path)]) == {"a"}


@pytest.mark.parametrize("path", ["/desktop", "/des", "/desk/city/a", "elsewhere"])
def test_a_path_that_only_begins_alike_is_another(path: str) -> None:
    """Ingesting another folder, even one with a similar name, does not remove the article."""
    assert after(loaded("a", "one", "/desk/city/a.txt")).gone([Path(path)]) == set()


def test_a_rejected_file_keeps_its_articles() -> None:
    """The articles of a rejected file, or of a file with a rejected record, are not gone."""
    changes = after(
        loaded("a", "one", "/desk/a.txt"), loaded("b.1", "one", "/desk/b.jsonl#1"), loaded("c", "x", "/desk/c")
    )
    assert list(changes.compare([rejection("/desk/a.txt"), rejection("/desk/b.jsonl#2")])) == []
    assert changes.gone([Path("/desk")]) == {"c"}
    assert [each.origin for each in changes.rejected] == ["/desk/a.txt", "/desk/b.jsonl#2"]


def test_a_folder_that_cannot_be_listed_keeps_its_articles() -> None:
    """Articles in an unreadable folder are not gone; those in a folder with a similar name are."""
    changes = after(loaded("a", "one", "/desk/city/a.txt"), loaded("b", "one", "/desk/city-old/b.txt"))
    list(changes.compare([rejection("/desk/city", "unreadable")]))
    assert changes.gone([Path("/desk")]) == {"b"}


def test_a_file_of_another_kind_is_rejected_only_where_it_was_named() -> None:
    """An unsupported file is skipped in a folder, and rejected if the command names it."""
    changes = Changes({}, {}, named=frozenset(["/desk/named.png"]))
    list(changes.compare([rejection(f"/desk/{name}.png", "unsupported") for name in ("found", "named")]))
    assert [skipped.origin for skipped in changes.skipped] == ["/desk/found.png"]
    assert [each.origin for each in changes.rejected] == ["/desk/named.png"]


def test_an_unpublished_article_is_skipped_and_gone() -> None:
    """An unpublished article is skipped with its name; --prune removes it from the index."""
    changes = after(loaded("a.1", "one", "/desk/a.json#1"), loaded("a.2", "two", "/desk/a.json#2"))
    list(changes.compare([loaded("a.1", "one", "/desk/a.json#1"), rejection("/desk/a.json#2", "unpublished")]))
    assert (changes.rejected, [skipped.origin for skipped in changes.skipped]) == ([], ["/desk/a.json#2"])
    assert changes.gone([Path("/desk")]) == {"a.2"}


def test_notices_of_every_article_that_is_in_are_kept() -> None:
    """The notices of new and unchanged articles are listed; those of rejected ones are not."""
    changes = after(loaded("a", "one", "/desk/a"))
    notice = Notice("bad_date", "/desk/a", "published_at is 'soon'")
    read = [loaded("a", "one", "/desk/a"), loaded("b", "two", "/desk/b"), loaded("b", "three", "/desk/c")]
    list(changes.compare(replace(item, notices=(notice,)) for item in read))
    assert changes.notices == [notice] * 2


def test_two_articles_of_one_path_id_in_a_run_clash() -> None:
    """The first article is ingested; the second is rejected with both origins."""
    changes = after()
    read = [loaded("a", text, f"/desk/{text}") for text in ("one", "two")]
    assert [each.body for each in changes.compare(read)] == ["one"]
    (clash,) = changes.rejected
    assert (clash.origin, clash.code) == ("/desk/two", "clash")
    for part in ("'a'", "/desk/one", "/desk/two"):
        assert part in str(clash)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_stated_id_wins_over_one_made_from_a_path(order: tuple[int, int]) -> None:
    """A stated id has precedence over the same id made from a path, in any order."""
    both = [loaded("a", "stated", "/desk/x.md", explicit_id=True), loaded("a", "path", "/desk/a.txt")]
    changes = after()
    taken = {each.article_id: each for each in changes.compare(both[place] for place in order)}
    assert [each.body for each in taken.values()] == ["stated"]
    assert [(each.origin, each.code) for each in changes.rejected] == [("/desk/a.txt", "clash")]
    assert hashes_after(changes, set()) == {"a": both[0].article.content_hash}


VERSIONS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9)), min_size=1, max_size=8, unique=True)


@given(VERSIONS, st.booleans(), st.sampled_from(["updated_at", "published_at"]), st.randoms())
def test_the_latest_version_of_a_stated_id_counts(
    read: list[tuple[str, int]], held: bool, dated_by: str, random: Random
) -> None:
    """The version with the latest date is ingested, in any order; the others are passed over."""
    versions = [version(article_id, day, dated_by) for article_id, day in read]
    latest = {each.article.article_id: each.article.content_hash for each in sorted(versions, key=day_of)}
    random.shuffle(versions)
    changes = after(*([versions[0]] if held else []))
    staged = {article.article_id: article.content_hash for article in changes.compare(versions)}
    for article_id in changes.withdrawn:
        del staged[article_id]
    assert hashes_after(changes, set()) == latest
    assert staged == changes.added | changes.updated
    assert changes.passed_over == len(read) - len(latest)
    assert not changes.rejected
    assert changes.added.keys() | changes.updated.keys() | changes.unchanged == latest.keys()


@given(st.lists(st.sampled_from("abc"), min_size=1))
def test_of_undated_versions_the_last_one_read_counts(bodies: list[str]) -> None:
    """Without dates the version read last is ingested, even if an earlier version is repeated."""
    changes = after()
    staged = [
        article.body
        for article in changes.compare(
            loaded("a", body, f"/desk/{number}.xml", explicit_id=True) for number, body in enumerate(bodies)
        )
    ]
    assert staged[-1] == bodies[-1]
    assert changes.passed_over == len(set(bodies)) - 1


def test_a_version_with_a_date_wins_over_one_without() -> None:
    """An unknown date is earlier than any date."""
    changes = after()
    undated = loaded("a", "undated", "/desk/z", explicit_id=True)
    assert [each.body for each in changes.compare([version("a", 1, "published_at"), undated])] == ["1"]


def version(article_id: str, day: int, dated_by: str) -> LoadedArticle:
    made = loaded(article_id, str(day), f"/desk/{day}.xml", explicit_id=True)
    date = datetime(2026, 5, 1 + day, tzinfo=UTC)
    article = Article(article_id, str(day), made.article.origin, **{dated_by: date})  # type: ignore[arg-type]
    return replace(made, article=article)


def day_of(version: LoadedArticle) -> int:
    return int(version.article.body)


def test_the_same_article_twice_is_no_clash() -> None:
    """Two copies of one article in a run are one article."""
    changes = after()
    assert len(list(changes.compare([loaded("a", "one", "/desk/one"), loaded("a", "one", "/desk/two")]))) == 1
    assert changes.added.keys() == {"a"}
    assert not changes.rejected


def test_an_id_made_from_a_path_clashes_with_that_of_another_file(files: list[Path]) -> None:
    """An article is rejected if its id, made from its path, belongs to another existing file."""
    changes = after(loaded("a", "one", files[0]))
    assert list(changes.compare([loaded("a", "two", files[1])])) == []
    (clash,) = changes.rejected
    assert clash.code == "clash"
    assert str(files[0]) in clash.reason
    assert changes.gone([files[0].parent]) == {"a"}


def test_a_clash_within_a_file_of_many_names_the_file(files: list[Path]) -> None:
    """Only the file of a record must exist, not the record itself."""
    changes = after(loaded("a", "one", f"{files[0]}#3"))
    list(changes.compare([loaded("a", "two", files[1])]))
    assert f"{files[0]}#3" in changes.rejected[0].reason


def test_an_explicit_id_may_come_from_another_file(files: list[Path]) -> None:
    """An article with a stated id replaces the article with that id from any origin."""
    changes = after(loaded("a", "one", files[0]))
    assert len(list(changes.compare([loaded("a", "two", files[1], explicit_id=True)]))) == 1
    assert changes.updated.keys() == {"a"}


def test_a_file_that_moved_is_the_same_article(files: list[Path]) -> None:
    """If the old file is gone, its article may come from another file, and gets the new origin."""
    held = [loaded("a", "one", files[0]), loaded("b", "one", files[1])]
    changes = after(
        *(replace(each, article=replace(each.article, origin=f"{each.article.origin}.gone")) for each in held)
    )
    list(changes.compare([loaded("a", "two", files[0]), held[1]]))
    assert changes.updated.keys() == {"a", "b"}
    assert not changes.unchanged
    assert not changes.rejected


def test_a_file_named_by_another_folder_keeps_its_id(files: list[Path]) -> None:
    """A file keeps its article's id in any ingested folder; a stated id stays as stated."""
    changes = after(loaded("city.long", "one", files[0]))
    list(changes.compare([loaded("long", "two", files[0])]))
    assert changes.updated.keys() == {"city.long"}
    assert not changes.added


def test_a_copy_of_an_article_is_the_same_article(files: list[Path]) -> None:
    """The same text with the same id in another file is not a clash."""
    changes = after(loaded("a", "one", files[0]))
    list(changes.compare([loaded("a", "one", files[1])]))
    assert changes.unchanged == {"a"}
    assert not changes.rejected


def moved(changes: Changes, *held: LoadedArticle, paths: Sequence[Path] = ()) -> dict[str, str]:
    moves = changes.move(paths, {each.article.article_id: each.article for each in held}.get)
    return {new: move.article_id for new, move in moves.items()}


NAMES = st.permutations(["a", "b", "c", "d"])


@given(NAMES, st.integers(0, 4))
def test_a_renamed_file_is_the_same_article(names: list[str], kept: int) -> None:
    """Renamed files are moves: no article is added, and every id stays."""
    old = [loaded(name, f"Text of {name}.", f"/nowhere/{name}.txt") for name in names]
    changes = after(*old)
    new = [
        replace(each, article=replace(each.article, article_id=f"new-{each.article.body[8]}")) for each in old[kept:]
    ]
    new = [replace(each, article=replace(each.article, origin=f"/nowhere/{each.article.article_id}")) for each in new]
    list(changes.compare([*new, *old[:kept]]))
    assert moved(changes, *old) == {f"new-{name}": name for name in names[kept:]}
    assert not changes.added
    assert changes.moved == changes.updated.keys() == set(names[kept:])
    assert hashes_after(changes, set()) == changes.hashes
    assert changes.gone([Path("/nowhere")]) == set()


def test_a_copy_of_a_file_that_is_still_there_is_another_article(files: list[Path]) -> None:
    """Equal content is a move only if the first file is gone, or is under the paths and was not read."""
    first, copy = loaded("a", "one", files[0]), loaded("b", "one", files[1])
    changes = after(first)
    list(changes.compare([copy]))
    assert moved(changes, first) == {}
    assert changes.added.keys() == {"b"}
    assert moved(changes, first, paths=[files[0]]) == {"b": "a"}


def test_a_changed_file_under_another_name_is_another_article() -> None:
    """A renamed file with another text is not a move; nor is a renamed file that was rejected in this run."""
    held = loaded("a", "one", "/nowhere/a.txt")
    changes = after(held)
    list(changes.compare([loaded("b", "two", "/nowhere/b.txt")]))
    assert moved(changes, held) == {}
    rejected = after(held)
    list(rejected.compare([rejection("/nowhere/a.txt"), loaded("b", "one", "/nowhere/b.txt")]))
    assert moved(rejected, held) == {}


def test_a_place_that_may_not_be_looked_at_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """An inaccessible file is not a move, and does not stop the run."""
    held = loaded("a", "one", "/closed/a.txt")
    changes = after(held)

    def refuse(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "stat", refuse)
    list(changes.compare([loaded("b", "one", "/desk/b.txt"), loaded("a", "two", "/desk/a.txt")]))
    assert moved(changes, held) == {}
    assert [each.code for each in changes.rejected] == ["clash"]


def takedown(day: int | None, origin: str = "/desk/takedown.json") -> ArticleRejected:
    date = datetime(2026, 5, 1 + day, tzinfo=UTC) if day else None
    return ArticleRejected(origin, "it is not published", "unpublished", Withdrawn("a", date))


@pytest.mark.parametrize("is_held", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_latest_version_counts_also_if_it_takes_the_article_down(seed: int, *, is_held: bool) -> None:
    """In any order of reading, an article is out after a later takedown, and in after a later version."""
    for last in (2, 4):
        changes = after(version("a", 1, "updated_at")) if is_held else Changes({}, {})
        read: list[LoadedArticle | ArticleRejected] = [version("a", day, "updated_at") for day in (2, last)]
        read.append(takedown(3))
        Random(seed).shuffle(read)
        yielded = {each.article_id for each in changes.compare(read)}
        is_in = bool((changes.added.keys() | changes.updated.keys()) & yielded - changes.withdrawn)
        assert (is_in, changes.taken_down) == (last == 4, {"a"} if is_held and last == 2 else set())
        assert [each.code for each in changes.skipped] == ["unpublished"]


def test_a_takedown_without_a_date_counts_for_what_was_read_before_it() -> None:
    """Without dates, the later one read counts; the summary names the command that erases the article."""
    changes = after(version("a", 1, "updated_at"))
    list(changes.compare([takedown(None)]))
    assert changes.taken_down == {"a"}
    assert "dateline remove a`" in changes.skipped[0].reason
