"""`audit.toml` and the judgement of a report of pip-audit."""

import ast
import re
from datetime import date, timedelta

import pytest

from tests.audit import IGNORED, LOCK, LONGEST, ROOT, Ignored, faults_of, read_ignored

TODAY = date(2026, 12, 1)
ENTRIES = read_ignored(IGNORED.read_text(encoding="utf-8"))
ENTRY = Ignored("GHSA-1", ("CVE-1",), "paper", "Never printed on.", "tests/x.py::test_x", TODAY, TODAY + LONGEST)


def package(name: str, *found: str, aliases: tuple[str, ...] = ()) -> dict[str, object]:
    """Return a package of a report with these vulnerabilities."""
    vulns = [{"id": id_, "aliases": list(aliases), "fix_versions": [], "description": ""} for id_ in found]
    return {"name": name, "version": "1.0", "vulns": vulns}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_an_ignored_vulnerability_has_a_reason_a_term_and_a_proof(entry: Ignored) -> None:
    """Its package is locked, its reason is a sentence, it expires within half a year, and its test exists."""
    file, _, name = entry.test.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert re.search(rf"^{re.escape(entry.package)}==", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    assert timedelta(0) < entry.expires - entry.added <= LONGEST
    assert len(entry.reason) > 30
    assert entry.reason.endswith(".")
    assert re.fullmatch(r"GHSA(-[0-9a-z]{4}){3}|PYSEC-\d{4}-\d+", entry.id)


def test_no_vulnerability_is_ignored_twice() -> None:
    """Each id and alias is in one entry."""
    names = [name for entry in ENTRIES for name in (entry.id, *entry.aliases)]
    assert len(names) == len(set(names)) > 0


@pytest.mark.parametrize(
    ("packages", "today", "faults"),
    [
        ([package("ink")], TODAY, 0),
        ([package("ink", "GHSA-9")], TODAY, 1),
        ([package("paper", "GHSA-1")], TODAY, 0),
        ([package("paper", "PYSEC-1", aliases=("CVE-1",))], TODAY, 0),
        ([package("paper", "GHSA-1", "GHSA-2")], TODAY, 1),
        ([package("ink", "GHSA-1")], TODAY, 1),
        ([package("ink")], TODAY + LONGEST, 1),
        ([package("paper", "GHSA-1")], TODAY + LONGEST, 1),
        ([package("ink"), {"name": "paper", "skip_reason": "not found"}], TODAY, 1),
        ([], TODAY, 1),
    ],
)
def test_a_fault_is_what_is_not_ignored_now(packages: list[dict[str, object]], today: date, faults: int) -> None:
    """An unknown vulnerability, an expired entry, and a package that was not audited are each a fault."""
    assert len(list(faults_of({"dependencies": packages}, [ENTRY], today))) == faults


def test_an_entry_needs_each_field() -> None:
    """One without a reason or an expiry is refused."""
    for missing in ("reason", "expires", "test"):
        lines = [line for line in IGNORED.read_text(encoding="utf-8").splitlines() if not line.startswith(missing)]
        with pytest.raises(TypeError, match=missing):
            read_ignored("\n".join(lines))
