"""What can go wrong with the index, split by who can act.

DatelineError                    anything Dateline says about itself; `hint` is what to do next
├── ConfigurationError           a setting or an argument: whoever started the command
│   └── IndexMismatch            the index was built with other settings than these
├── IndexUnavailable             there is nothing to answer from: whoever runs the ingest
│   ├── IndexNotFound            no generation was ever published in this folder
│   ├── IndexDamaged             a generation is there but not whole
│   └── ChromaUnavailable        the Chroma server that holds the vectors does not answer: whoever runs it
├── IngestRunning                another ingest holds the lock: wait for it
├── PublishFailed                the new generation did not pass verification, or could not be written
└── EmbeddingFailed              the embedding model gave no usable vector
"""


class DatelineError(Exception):
    """Anything Dateline says about itself: a message that names what was found, and a hint what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}\n  {self.hint}" if self.hint else message


class ConfigurationError(DatelineError):
    """A setting or an argument is not usable as it is."""


class IndexMismatch(ConfigurationError):
    """The index on disk was built with other settings than the ones in force."""


class IndexUnavailable(DatelineError):
    """There is no index that could answer."""


class IndexNotFound(IndexUnavailable):
    """No generation was ever published in the data folder."""


class IndexDamaged(IndexUnavailable):
    """A generation is there, but it is not whole."""


class ChromaUnavailable(IndexUnavailable):
    """The Chroma server does not answer as it should; the next question asks it again."""


class IngestRunning(DatelineError):
    """Another ingest holds the lock of this data folder."""


class PublishFailed(DatelineError):
    """The new generation was not published; the old one serves on."""


class EmbeddingFailed(DatelineError):
    """The embedding model gave no usable vector."""
