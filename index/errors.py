"""Errors of the index, by who can act on them.

DatelineError                    every error of Dateline; `hint` says what to do
├── ConfigurationError           an invalid setting or argument: the caller of the command
│   └── IndexMismatch            the index was built with other settings
├── IndexUnavailable             no index can answer: the operator of the ingest
│   ├── IndexNotFound            the folder has no published generation
│   ├── IndexDamaged             a generation is corrupt
│   └── ChromaUnavailable        the Chroma server with the vectors does not answer: its operator
├── IngestRunning                another ingest holds the lock: wait for it
├── PublishFailed                the new generation did not pass verification, or could not be written
├── NoWriter                     no process publishes pushed articles: the operator of the writer
├── SpoolFull                    too many pushed articles wait for the writer: the operator of the writer
├── StoreUnavailable             an object store does not answer or refuses a request: its operator
├── StoreDamaged                 an object in a store is missing or corrupt: the operator of the publisher
├── ArticleTakenDown             a generation has an article that was taken down: the operator of the publisher
├── PublisherConflict            another publisher uses the store: the operators of both
└── EmbeddingFailed              the embedding model gave no valid vector
"""


class DatelineError(Exception):
    """An error of Dateline: a message with the value found, and a hint what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}\n  {self.hint}" if self.hint else message


class ConfigurationError(DatelineError):
    """A setting or an argument is invalid."""


class IndexMismatch(ConfigurationError):
    """The index on disk was built with other settings than the current ones."""


class IndexUnavailable(DatelineError):
    """No index can answer."""


class IndexNotFound(IndexUnavailable):
    """The data folder has no published generation."""


class IndexDamaged(IndexUnavailable):
    """A generation is corrupt."""


class ChromaUnavailable(IndexUnavailable):
    """The Chroma server does not answer as it should; the next question tries again."""


class IngestRunning(DatelineError):
    """Another ingest holds the lock of this data folder."""


class PublishFailed(DatelineError):
    """The new generation was not published; the current one is unchanged."""


class NoWriter(DatelineError):
    """No live process publishes pushed articles."""


class SpoolFull(DatelineError):
    """Too many pushed articles wait for the writer."""


class StoreUnavailable(DatelineError):
    """An object store does not answer, or refuses a request."""


class StoreDamaged(DatelineError):
    """An object in a store is missing, corrupt, or of another version of Dateline."""


class ArticleTakenDown(DatelineError):
    """A generation has an article that was taken down; it is not published."""


class PublisherConflict(DatelineError):
    """Another publisher has published to the store."""


class EmbeddingFailed(DatelineError):
    """The embedding model gave no valid vector."""


def reason_of(error: Exception) -> str:
    """Return the message of an error without the path of the file, which the caller names."""
    return getattr(error, "strerror", None) or str(error)
