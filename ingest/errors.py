"""What can go wrong with one article while the rest of the run goes on."""

from dataclasses import dataclass

from index.errors import DatelineError


class ArticleRejected(DatelineError):
    """One article, or one whole file, was not taken in; the rest is.

    `origin` is where it lies (a path, with `#n` for the n-th record of a file), `reason` a sentence
    that names what was found, and `code` one word to count by: `empty`, `undecodable`, `binary`,
    `too_large`, `too_expensive`, `bad_field`, `bad_json`, `bad_front_matter`, `bad_pdf`, `bad_feed`, `encrypted`,
    `error_page`, `truncated`, `unsupported`, `unreadable`, `link_outside`, `clash`; `unpublished` where its export
    says that it is not public.
    """

    def __init__(self, origin: str, reason: str, code: str) -> None:
        super().__init__(f"{origin}: {reason}")
        self.origin = origin
        self.reason = reason
        self.code = code

    def __reduce__(self) -> tuple[type["ArticleRejected"], tuple[str, str, str]]:
        """Travel between processes: an exception is made again from its message alone."""
        return ArticleRejected, (self.origin, self.reason, self.code)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about an article that was taken in: mostly an optional field that cannot be read and stays unknown.

    `origin` is as in ArticleRejected, `message` names the field and the value found, and `code` is one word to
    count by: `bad_date`, `bad_id`, `bad_url`, `bad_field`, `unknown_status`.
    """

    code: str
    origin: str
    message: str
