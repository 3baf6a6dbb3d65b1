"""What can go wrong with an evaluation, by exit code.

DatelineError
├── GoldInvalid                  the gold set, a file or an argument cannot be used (2)
└── RunIncomplete                not everything was measured, so nothing is claimed (3)
"""

from index.errors import DatelineError


class GoldInvalid(DatelineError):
    """The gold set, a file or an argument cannot be used as it is."""


class RunIncomplete(DatelineError):
    """Not everything was measured."""
