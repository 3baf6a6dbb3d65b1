"""The self-test: does the suite itself catch what it should? Fakes whose worth is known, scored and gated.

Everything here is offline and deterministic, on a small gold set of its own. Read `run_selftest` first.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from eval.selftest.bench import Bench
from eval.selftest.checks_answers import ANSWERS
from eval.selftest.checks_citations import CITATIONS
from eval.selftest.checks_gate import GATE
from eval.selftest.checks_injection import INJECTION
from eval.selftest.checks_kept import KEPT
from eval.selftest.checks_nothing import NOTHING
from eval.selftest.checks_retrieval import RETRIEVAL
from eval.selftest.checks_twice import TWICE

Check = Callable[[Bench], Iterator[str]]
"""Yields what is not as it should be; its name and the first line of its docstring are what is printed."""

CHECKS: tuple[Check, ...] = (*ANSWERS, *RETRIEVAL, *CITATIONS, *INJECTION, *NOTHING, *GATE, *KEPT, *TWICE)


def run_selftest(
    models: Path, out: TextIO, *, checks: Sequence[Check] = CHECKS, bench: Bench | None = None
) -> list[str]:
    """The names of the checks that failed; prints a line for each check, and below a failed one what is wrong.

    `models` is the folder of the embedding model's graphs.
    """
    on = bench or Bench(models)
    failed = [name_of(check) for check in checks if not _holds(check, on, out)]
    print(f"{len(checks) - len(failed)} of {len(checks)} checks hold", file=out)
    print("not validated against people", file=out)
    return failed


def name_of(check: Check) -> str:
    """What a check is called."""
    return check.__name__.replace("_", " ")


def _holds(check: Check, bench: Bench, out: TextIO) -> bool:
    complaints = list(check(bench))
    says = (check.__doc__ or "").strip().splitlines()[0]
    print(f"{'FAILED' if complaints else 'ok    '}  {name_of(check)}: {says}", file=out, flush=True)
    for complaint in complaints:
        print(f"          {complaint}", file=out)
    return not complaints
