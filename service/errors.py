"""What can go wrong with a question, split by who can act.

DatelineError
├── QuestionRefused              the request cannot be served as it is: the caller (HTTP 422)
│   └── NoLanguageModel          it asks for a language model, and none is set: the caller (HTTP 422)
├── ArticleNotFound              no article has that id: the caller (HTTP 404)
├── Overloaded                   too much at once: the caller, later (HTTP 503)
├── RateLimited                  too often in a short time: the caller, later (HTTP 429)
├── FeedbackUnavailable          feedback cannot be stored or read: whoever runs the service (HTTP 503)
├── FeedbackFull                 no room for more feedback: whoever runs the service (HTTP 507)
└── ReaderFailed                 the language model gave no usable reply; the pipeline answers without it
    ├── ReaderTimeout            no reply within the deadline
    ├── ReaderRateLimited        the model's service asks to slow down, or a quota is used up
    ├── ReaderUnavailable        it cannot be reached, or says that it failed
    ├── ReaderRejected           it refuses the request: key, model name, prompt too long
    └── ReaderCutOff             it began to reply and stopped before the end
"""

from index.errors import DatelineError


class QuestionRefused(DatelineError):
    """The request cannot be served as it is; `param` names the field to mend."""

    def __init__(self, message: str, param: str | None = None, hint: str = "") -> None:
        super().__init__(message, hint)
        self.param = param


class NoLanguageModel(QuestionRefused):
    """The question asks for a language model, and none is set."""


class ArticleNotFound(DatelineError):
    """No article of the current generation has that id."""


class Overloaded(DatelineError):
    """More requests of one kind are being answered than the service takes on at once."""


class RateLimited(DatelineError):
    """A client, or all of them together, sent too much in a short time; `retry_after_s` says when to try again."""

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class FeedbackUnavailable(DatelineError):
    """The file of feedback cannot be read or written."""


class FeedbackFull(DatelineError):
    """As much feedback is stored as the setting allows; what is there is kept."""


class ReaderFailed(DatelineError):
    """The language model gave no usable reply; `code` and `public` go into the answer's warning."""

    code = "reader_failed"
    public = "The language model failed."


class ReaderTimeout(ReaderFailed):
    """The language model gave no reply within the deadline."""

    code = "reader_timeout"
    public = "The language model did not reply in time."


class ReaderRateLimited(ReaderFailed):
    """The language model's service asks to slow down, or a quota is used up."""

    code = "reader_rate_limited"
    public = "The language model takes no more requests at the moment."


class ReaderUnavailable(ReaderFailed):
    """The language model's service cannot be reached or says that it failed."""

    code = "reader_unavailable"
    public = "The language model cannot be reached."


class ReaderRejected(ReaderFailed):
    """The language model's service refuses the request: the key, the model's name or the prompt."""

    code = "reader_rejected"
    public = "The language model refused the request."


class ReaderCutOff(ReaderFailed):
    """The language model began to reply and stopped before the end."""

    code = "reader_cut_off"
    public = "The language model stopped before the end of its reply."
