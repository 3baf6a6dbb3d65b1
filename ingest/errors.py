"""Rejections and notices: problems of one article that do not stop an ingest."""

from dataclasses import dataclass

from index.errors import DatelineError

_LONGEST_VALUE = 80


class ArticleRejected(DatelineError):
    """An article, or a file, that was not ingested.

    `origin` is its path, with `#n` for the n-th article of a file. `reason` is a sentence with the value found. `code`
    is one of `empty`, `undecodable`, `binary`, `too_large`, `too_expensive`, `bad_field`, `bad_json`,
    `bad_front_matter`, `bad_pdf`, `bad_feed`, `encrypted`, `error_page`, `truncated`, `unsupported`, `unreadable`,
    `link_outside`, `clash` and, for an article that its export marks as not public, `unpublished`.
    """

    def __init__(self, origin: str, reason: str, code: str) -> None:
        super().__init__(f"{origin}: {reason}")
        self.origin = origin
        self.reason = reason
        self.code = code

    def __reduce__(self) -> tuple[type["ArticleRejected"], tuple[str, str, str]]:
        """Pickle with all arguments; an exception is otherwise rebuilt from its message alone."""
        return ArticleRejected, (self.origin, self.reason, self.code)


@dataclass(frozen=True, slots=True)
class Notice:
    """A remark about an ingested article, mostly an optional field that cannot be read and stays unknown.

    `origin` is as in ArticleRejected, `message` contains the field and its value, and `code` is one of `bad_date`,
    `bad_id`, `bad_url`, `bad_field`, `unknown_status`.
    """

    code: str
    origin: str
    message: str


def short_repr(value: object) -> str:
    """Return the repr of a value for a message: on one line, at most 80 characters."""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def megabytes(size: int) -> str:
    """Format a size in bytes as megabytes."""
    return f"{size / 1_000_000:g} MB"
