import shutil
from pathlib import Path

import pytest

from index.errors import IndexNotFound
from index.health import Finding, examine
from index.layout import CATALOG, CURRENT, EMBEDDINGS, GENERATIONS, STAGING_PREFIX, generation_names
from tests.fakes import article, built


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with one generation."""
    data = tmp_path_factory.mktemp("one")
    built(data, [article("a", "Crews left. They came back.")])
    return data


@pytest.fixture
def data(one: Path, tmp_path: Path) -> Path:
    return shutil.copytree(one, tmp_path / "data")


def wrong(findings: list[Finding]) -> dict[str, str]:
    return {finding.what: finding.detail for finding in findings if not finding.whole}


def test_a_whole_index_is_described(data: Path) -> None:
    """Valid parts are listed with their counts, and files of killed runs are mentioned."""
    (data / GENERATIONS / f"{STAGING_PREFIX}123").mkdir()
    findings = examine(data)
    (name,) = generation_names(data)
    assert wrong(findings) == {}
    details = {finding.what: finding.detail for finding in findings}
    assert details[CURRENT] == f"names {name}"
    assert details[f"generation {name}"].startswith("1 articles, 2 chunks, fingerprint ")
    assert details[EMBEDDINGS] == "2 vectors"
    assert "the next ingest sweeps it" in details[f"{STAGING_PREFIX}123"]


def test_everything_wrong_is_named(data: Path) -> None:
    """A corrupt generation, an invalid CURRENT and an unreadable vector cache are findings."""
    (name,) = generation_names(data)
    with (data / GENERATIONS / name / CATALOG).open("ab") as file:
        file.write(b"\0")
    (data / CURRENT).write_text("20000101T000000000Z-00000000\n")
    (data / EMBEDDINGS).write_bytes(b"no database at all" * 100)
    found = wrong(examine(data))
    assert found[f"generation {name}"] == "catalog.db has changed"
    assert "20000101T000000000Z-00000000" in found[CURRENT]
    assert found[EMBEDDINGS].startswith("cannot be read")


def test_what_is_missing_is_named(data: Path) -> None:
    """A missing CURRENT and a missing vector cache are findings with their effects."""
    (data / CURRENT).unlink()
    (data / EMBEDDINGS).unlink()
    found = wrong(examine(data))
    assert found == {
        CURRENT: "is missing, though there are 1 generations",
        EMBEDDINGS: "is missing: `dateline doctor --repair` makes it anew",
    }


def test_a_current_without_its_generation_is_damage(data: Path) -> None:
    """CURRENT without any generation is a finding, not a missing index."""
    shutil.rmtree(data / GENERATIONS)
    assert "which is not in" in wrong(examine(data))[CURRENT]


def test_no_index_is_not_found(tmp_path: Path) -> None:
    """An empty or missing folder raises IndexNotFound with the command to create an index."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(IndexNotFound, match=r"there is no index(.|\n)*dateline ingest"):
            examine(folder)
