"""Does a test fail when a comparison or a constant of the evaluation is changed? `python -m benchmarks.mutants [FILE…]`

Each comparison, `and`, `or`, `not` and number of the files below is changed alone, in a copy of the tree, and the
tests of that file are run until the first one fails. A mutant that no test notices is printed; exit 1 if there is one.
"""

import ast
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
TESTS = {
    "eval/compare.py": "compare",
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


class Mutant(NamedTuple):
    """One change of a file: what stands between two places, and what takes its place."""

    file: str
    line: int
    start: int
    end: int
    text: str


def mutants_of(file: str) -> Iterator[Mutant]:
    """Every change of a file, in the order of the syntax tree."""
    source = (ROOT / file).read_text(encoding="utf-8")
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    tree = ast.parse(source)
    skipped = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.Call) and _sizes(node) for part in ast.walk(node)
    }

    def between(left: ast.expr, right: ast.expr) -> tuple[int, int]:
        return starts[(left.end_lineno or 1) - 1] + (left.end_col_offset or 0), starts[
            right.lineno - 1
        ] + right.col_offset

    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Compare):
            for left, operator, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
                for text in SWAPPED[type(operator)]:
                    yield Mutant(file, right.lineno, *between(left, right), f" {text} ")
        elif isinstance(node, ast.BoolOp):
            for left, right in zip(node.values, node.values[1:], strict=False):
                yield Mutant(file, right.lineno, *between(left, right), f" {SWAPPED[type(node.op)][0]} ")
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            start = starts[node.lineno - 1] + node.col_offset
            yield Mutant(file, node.lineno, start, start + len("not "), "")
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[(node.end_lineno or 1) - 1] + (node.end_col_offset or 0)
            other = node.value + (1 if isinstance(node.value, int) else 0.01)
            yield Mutant(file, node.lineno, start, end, repr(other))


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


def survives(mutant: Mutant, copy: Path) -> bool:
    """Whether the tests of the file pass with the change, in a process forked from this one."""
    path = copy / mutant.file
    whole = path.read_bytes()
    path.write_bytes(mutated(mutant))
    try:
        child = os.fork()
        if child == 0:
            os._exit(_tested(mutant.file, copy))
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        path.write_bytes(whole)


def _tested(file: str, copy: Path) -> int:
    import pytest

    os.chdir(copy)
    sys.path.insert(0, str(copy))
    sys.dont_write_bytecode = True
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    tests = [f"tests/eval/test_{name}.py" for name in TESTS[file].split()]
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-o", "timeout=60", *tests]))


def _copied(folder: Path) -> Path:
    """A tree whose `eval` and `tests` are its own."""
    for name in ("eval", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("articles", "dateline", "index", "ingest", "prompts", "service", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def _warm_up() -> None:
    """Import what every child needs, but nothing of `eval`."""
    import hypothesis
    import ir_measures
    import pytest
    import scipy.stats

    import service.pipeline

    assert all((hypothesis, ir_measures, pytest, scipy.stats, service.pipeline))


def main(files: list[str]) -> int:
    """Try all mutants of the files on two copies at once."""
    _warm_up()
    mutants = [mutant for file in files or TESTS for mutant in mutants_of(file)]
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        copies = [_copied(Path(first)), _copied(Path(second))]
        halves = [mutants[0::2], mutants[1::2]]
        with ThreadPoolExecutor(2) as threads:
            found = threads.map(
                lambda half: [m for m in half[0] if survives(m, half[1])], zip(halves, copies, strict=True)
            )
            survivors = sorted(mutant for half in found for mutant in half)
    for mutant in survivors:
        line = (ROOT / mutant.file).read_text(encoding="utf-8").splitlines()[mutant.line - 1].strip()
        old = (ROOT / mutant.file).read_bytes()[mutant.start : mutant.end].decode().strip()
        print(f"{mutant.file}:{mutant.line}: {old} → {mutant.text.strip() or 'nothing'}: {line}")
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} mutants are noticed by a test")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
