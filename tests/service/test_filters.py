from pathlib import Path

from tests.fakes import HashedEmbedder
from tests.service.filters import EACH_KIND, compared, labelled


def test_every_kind_of_filter_finds_what_an_exact_search_finds(tmp_path: Path) -> None:
    """With each kind of filter the ten best of an exact search are found, and no row outside the filter."""
    kinds = compared(tmp_path, labelled(400, sentences=6), HashedEmbedder(), questions=40)
    assert kinds.keys() == EACH_KIND.keys()
    for name, kind in kinds.items():
        assert kind.recall >= 0.99, f"{name}: {kind}"
        assert kind.outside == 0, f"{name}: {kind}"
        assert 0 < kind.share < 1 or name == "none", f"{name}: {kind}"
