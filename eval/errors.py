"""What can go wrong with an evaluation, by exit code.

DatelineError
├── GoldInvalid                  the gold set, a file or an argument cannot be used (2)
├── RunIncomplete                not everything was measured, so nothing is claimed (3)
└── RecordingStale               a recorded call does not fit what is asked now (4)
"""

from index.errors import DatelineError


class GoldInvalid(DatelineError):
    """The gold set, a file or an argument cannot be used as it is."""


class RunIncomplete(DatelineError):
    """Not everything was measured."""


class RecordingStale(DatelineError):
    """A call to the language model was never recorded as it is made now."""
