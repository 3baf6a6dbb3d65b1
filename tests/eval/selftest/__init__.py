"""Checks of the evaluation suite: fakes with known outcomes are scored and gated on a small gold set.

Everything here is offline and deterministic. `tests/eval/test_selftest.py` runs the checks.
"""

from collections.abc import Callable, Iterator

from tests.eval.selftest.bench import Bench
from tests.eval.selftest.checks_answers import ANSWERS
from tests.eval.selftest.checks_citations import CITATIONS
from tests.eval.selftest.checks_gate import GATE
from tests.eval.selftest.checks_injection import INJECTION
from tests.eval.selftest.checks_kept import KEPT
from tests.eval.selftest.checks_nothing import NOTHING
from tests.eval.selftest.checks_retrieval import RETRIEVAL
from tests.eval.selftest.checks_twice import TWICE

Check = Callable[[Bench], Iterator[str]]
"""Yields each complaint; a check that holds yields nothing."""

CHECKS: tuple[Check, ...] = (*ANSWERS, *RETRIEVAL, *CITATIONS, *INJECTION, *NOTHING, *GATE, *KEPT, *TWICE)
