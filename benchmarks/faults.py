"""Check that the tests catch known faults: `python -m benchmarks.faults [--id ID]… [--area AREA]…`.

Each line of `faults.jsonl` describes a wrong behaviour and has the edit that causes it and the tests that should fail.
The tests run in a copy of the tracked files, first without a fault, then with one fault at a time. Exit 1 if a fault
is not caught; exit 2 if the text of an edit does not occur exactly once, or if tests fail without a fault.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.sets import read_lines

ROOT = Path(__file__).parent.parent
FAULTS = Path(__file__).with_name("faults.jsonl")
PYTEST = (sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-o", "timeout=300", "--tb=line")

Fault = dict[str, Any]


@contextmanager
def copied_tree() -> Iterator[Path]:
    """Copy the tracked files, as they are now, into a temporary folder; remove it at the end."""
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)
    with tempfile.TemporaryDirectory(prefix="dateline-faults-") as folder:
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, Path(folder) / name)
        yield Path(folder)


@contextmanager
def injected(fault: Fault, tree: Path) -> Iterator[None]:
    """Apply the edit of a fault to a tree until the block ends."""
    path, whole = tree / fault["file"], (tree / fault["file"]).read_text(encoding="utf-8")
    path.write_text(faulty(fault, whole), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(whole, encoding="utf-8")


def faulty(fault: Fault, source: str) -> str:
    """Return a source with the edit of a fault; raises ValueError unless its text occurs exactly once."""
    count = source.count(fault["find"])
    if count != 1:
        raise ValueError(
            f"{fault['id']}: its text occurs {count} times in {fault['file']}, expected once; update `find`"
        )
    return source.replace(fault["find"], fault["replace"])


def run_tests(tests: Sequence[str], tree: Path) -> bool:
    """Return whether tests pass in a tree; raises ValueError if they cannot run."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("DATELINE_", "OPENAI_"))}
    environment["PYTHONPATH"] = str(tree)
    done = subprocess.run([*PYTEST, *tests], cwd=tree, env=environment, check=False, capture_output=True, text=True)
    if done.returncode > 1:  # 1: a test failed; above: pytest could not run, or was interrupted
        raise ValueError(f"pytest exited with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    return done.returncode == 0


def results_of(faults: Sequence[Fault]) -> dict[str, bool]:
    """Try faults one after another, print each result and return by id whether it was caught."""
    results: dict[str, bool] = {}
    for fault in faults:
        faulty(fault, (ROOT / fault["file"]).read_text(encoding="utf-8"))
    with copied_tree() as tree:
        if not run_tests(sorted({test for fault in faults for test in fault["tests"]}), tree):
            raise ValueError("the tests of these faults fail without a fault; run them with pytest")
        for fault in faults:
            with injected(fault, tree):
                caught = results[fault["id"]] = not run_tests(fault["tests"], tree)
            print(f"{'caught' if caught else 'NOT CAUGHT':<10}  {fault['id']:<12}  {fault['fault']}", flush=True)
    return results


def main() -> int:
    """Try the chosen faults, all by default."""
    options = argparse.ArgumentParser(description="Try known faults against the tests that should catch them.")
    for name in ("--id", "--area"):
        options.add_argument(name, action="append", default=[], help="try these faults only; may be repeated")
    options.add_argument("--record", action="store_true", help="write each result into the list")
    given = options.parse_args()
    faults: list[Fault] = read_lines(FAULTS)
    every = not (given.id or given.area)
    chosen = [each for each in faults if every or each["id"] in given.id or each["area"] in given.area]
    if not chosen:
        options.error("no fault has this id or area")
    try:
        results = results_of(chosen)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if given.record:
        known = [each | {"caught": results.get(each["id"], each.get("caught"))} for each in faults]
        FAULTS.write_text("".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in known), encoding="utf-8")
    print(f"{sum(results.values())} of {len(results)} faults are caught")
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
