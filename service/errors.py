"""The errors of the service; `service/api/errors.py` has the HTTP status of each."""

from typing import Literal

from index.errors import DatelineError

Blame = Literal["request", "service", "account"]
"""The cause of a failed call of a language model: this request, its service, or the account that asks."""


class QuestionRefused(DatelineError):
    """The request is not valid; `param` names the field to fix."""

    def __init__(self, message: str, param: str | None = None, hint: str = "") -> None:
        super().__init__(message, hint)
        self.param = param


class NoLanguageModel(QuestionRefused):
    """The question asks for a language model, and none is set."""


class ArticleNotFound(DatelineError):
    """No article of the current generation has that id."""


class PushNotFound(DatelineError):
    """No push of that id waits, was rejected or is published."""


class LinkInvalid(DatelineError):
    """The address of an answer is incomplete, or was not signed by this service."""


class Overloaded(DatelineError):
    """The limit of requests of one kind that are answered at once is reached."""


class RateLimited(DatelineError):
    """One client, or all clients together, exceeded a rate; `retry_after_s` is the time until a retry may succeed."""

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class KeyInvalid(DatelineError):
    """The request needs a key, and has none that is known and live."""


class KeyForbidden(DatelineError):
    """The key is valid, and does not have the scope that the request needs."""


class OriginForbidden(DatelineError):
    """The publishable key does not work on pages of this origin, or the request has no origin."""


class PushOff(DatelineError):
    """The service takes no pushes: it has neither a push secret nor keys."""


class KeysUnavailable(DatelineError):
    """The file of keys cannot be read or written."""


class KeysBusy(KeysUnavailable):
    """Another process writes the file of keys."""


class FeedbackUnavailable(DatelineError):
    """The file of feedback cannot be read or written."""


class FeedbackFull(DatelineError):
    """The limit of stored feedback is reached."""


class ReaderFailed(DatelineError):
    """The language model gave no usable reply; `code` and `public` are the answer's warning.

    After a failure that is not to blame on the request, other requests will likely fail as well.
    """

    code = "reader_failed"
    public = "The language model failed."
    blame: Blame = "request"

    def __init__(self, message: str, hint: str = "", blame: Blame | None = None) -> None:
        super().__init__(message, hint)
        self.blame = blame or self.blame


class ReaderTimeout(ReaderFailed):
    """The language model gave no reply within the deadline."""

    code = "reader_timeout"
    blame = "service"
    public = "The language model did not reply in time."


class ReaderRateLimited(ReaderFailed):
    """The language model's service limits the rate, or a quota is used up."""

    code = "reader_rate_limited"
    blame = "service"
    public = "The language model takes no more requests at the moment."


class ReaderUnavailable(ReaderFailed):
    """The language model's service cannot be reached or reports a failure."""

    code = "reader_unavailable"
    blame = "service"
    public = "The language model cannot be reached."


class ReaderRejected(ReaderFailed):
    """The language model's service refuses the request: the key, the model's name or the prompt."""

    code = "reader_rejected"
    public = "The language model refused the request."


class ReaderEmpty(ReaderFailed):
    """The language model's complete reply has no text that answers."""

    code = "reader_empty"
    public = "The language model gave no answer."


class ReaderCutOff(ReaderFailed):
    """The language model began to reply and stopped before the end."""

    code = "reader_cut_off"
    public = "The language model stopped before the end of its reply."
