"""The errors of an evaluation.

DatelineError
├── GoldInvalid      the gold set, a file or an argument cannot be used (exit code 2)
└── RunIncomplete    not everything was measured; nothing is decided (exit code 3)
"""

from index.errors import DatelineError


class GoldInvalid(DatelineError):
    """An invalid gold set, file or argument."""


class RunIncomplete(DatelineError):
    """A run in which not everything was measured."""
