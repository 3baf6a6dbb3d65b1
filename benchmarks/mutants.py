"""Does a test fail when the evaluation is changed anywhere? `python -m benchmarks.mutants [FILE…]` says so.

Each comparison, `and`, `or`, `not` and number of the files below is changed alone, in a copy of the tree, and the
tests of that file are run until the first one fails. A mutant that no test notices is printed; exit 1 if there is one.
"""

import ast
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
TESTS = {
    "eval/compare.py": "compare score",
    "eval/gate.py": "gate limits",
    "eval/matching.py": "matching",
    "eval/metrics/abstention.py": "abstention",
    "eval/metrics/citations.py": "citation_metrics",
    "eval/metrics/cost.py": "cost",
    "eval/metrics/facts.py": "facts",
    "eval/metrics/retrieval.py": "retrieval_metrics",
    "eval/metrics/robustness.py": "robustness",
    "eval/score.py": "score",
    "eval/summary.py": "summary",
}
SWAPPED: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Lt: ("<=", ">="),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
    ast.And: ("or",),
    ast.Or: ("and",),
}


SAME = {("eval/metrics/retrieval.py", "1", "2")}
"""Changes that change nothing: any gain, the same for all, gives the same nDCG."""


class Mutant(NamedTuple):
    """One change of a file: what stands between two places, and what takes its place."""

    file: str
    line: int
    start: int
    end: int
    text: str


def mutants_of(file: str) -> Iterator[Mutant]:
    """Every change of a file, in the order of the syntax tree."""
    source = Source(file)
    tree = ast.parse(source.text)
    skipped = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.Call) and _sizes(node) for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) not in skipped:
            yield from _changes(node, source)


class Source:
    """A file, and where its lines begin, in bytes."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.text = (ROOT / file).read_text(encoding="utf-8")
        self._lines = [0]
        for line in self.text.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line.encode()))

    def start(self, node: ast.expr) -> int:
        """Where an expression begins."""
        return self._lines[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr) -> int:
        """Where an expression ends."""
        return self._lines[(node.end_lineno or 1) - 1] + (node.end_col_offset or 0)

    def between(self, left: ast.expr, right: ast.expr, text: str) -> Mutant:
        """A change of the operator between two expressions."""
        return Mutant(self.file, right.lineno, self.end(left), self.start(right), f" {text} ")


def _changes(node: ast.AST, source: Source) -> Iterator[Mutant]:
    if isinstance(node, ast.Compare):
        for left, operator, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            yield from (source.between(left, right, text) for text in SWAPPED[type(operator)])
    elif isinstance(node, ast.BoolOp):
        for left, right in pairwise(node.values):
            yield from (source.between(left, right, text) for text in SWAPPED[type(node.op)])
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        start = source.start(node)
        yield Mutant(source.file, node.lineno, start, start + len("not "), "")
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        other = node.value + (1 if isinstance(node.value, int) else 0.01)
        yield Mutant(source.file, node.lineno, source.start(node), source.end(node), repr(other))


def _sizes(call: ast.Call) -> bool:
    """Whether a call only says how large a cache is: no answer depends on it."""
    return any(keyword.arg == "maxsize" for keyword in call.keywords)


def mutated(mutant: Mutant) -> bytes:
    """The file with the change; brackets that stood between the two sides stay."""
    source = (ROOT / mutant.file).read_bytes()
    between = source[mutant.start : mutant.end].decode()
    brackets = [between[: len(between) - len(between.lstrip(") \n"))], between[len(between.rstrip("( \n")) :]]
    text = brackets[0] + mutant.text + brackets[1] if mutant.text.startswith(" ") else mutant.text
    return source[: mutant.start] + text.encode() + source[mutant.end :]


def wording(mutant: Mutant) -> tuple[str, str]:
    """What stood there, and what takes its place."""
    source = (ROOT / mutant.file).read_bytes()
    return source[mutant.start : mutant.end].decode().strip(), mutant.text.strip() or "nothing"


def survives(mutant: Mutant) -> bool:
    """Whether the tests of the file pass with the change, in a process forked from this one."""
    path = Path.cwd() / mutant.file
    whole = path.read_bytes()
    path.write_bytes(mutated(mutant))
    try:
        return passes(mutant.file)
    finally:
        path.write_bytes(whole)


def passes(file: str) -> bool:
    """Whether the tests of a file pass in the tree that this process works in."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(_tested(file))
        finally:
            os._exit(70)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _tested(file: str) -> int:
    import pytest

    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    tests = [f"tests/eval/test_{name}.py" for name in TESTS[file].split()]
    return int(pytest.main(["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-o", "timeout=60", *tests]))


def _work_in_a_copy(folder: str) -> None:
    """Make a tree whose `eval` and `tests` are its own, and work there."""
    copy = Path(tempfile.mkdtemp(dir=folder))
    for name in ("eval", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("articles", "dateline", "index", "ingest", "prompts", "service", "pyproject.toml"):
        (copy / name).symlink_to(ROOT / name)
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    sys.dont_write_bytecode = True


def _warm_up() -> None:
    """Import what every child needs, but nothing of `eval`."""
    import hypothesis
    import ir_measures
    import pytest

    import service.pipeline

    assert all((hypothesis, ir_measures, pytest, service.pipeline))


def main(files: list[str]) -> int:
    """Try all mutants of the files in two trees at once."""
    _warm_up()
    named = files or list(TESTS)
    mutants = [mutant for file in named for mutant in mutants_of(file) if (file, *wording(mutant)) not in SAME]
    with tempfile.TemporaryDirectory() as folder, get_context("fork").Pool(2, _work_in_a_copy, (folder,)) as pool:
        if not all(pool.map(passes, named)):
            print("The tests fail on the files as they are: mend that first.")
            return 2
        survived = pool.map(survives, mutants, chunksize=1)
    survivors = [mutant for mutant, alive in zip(mutants, survived, strict=True) if alive]
    for mutant in survivors:
        line = (ROOT / mutant.file).read_text(encoding="utf-8").splitlines()[mutant.line - 1].strip()
        print(f"{mutant.file}:{mutant.line}: {' → '.join(wording(mutant))}: {line}")
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} mutants are noticed by a test")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
