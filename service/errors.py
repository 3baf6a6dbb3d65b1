"""What can go wrong with a question, split by who can act.

DatelineError
├── QuestionRefused              the request cannot be served as it is: the caller (HTTP 422)
├── ArticleNotFound              no article has that id: the caller (HTTP 404)
├── Overloaded                   too much at once: the caller, later (HTTP 503)
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


class ArticleNotFound(DatelineError):
    """No article of the current generation has that id."""


class Overloaded(DatelineError):
    """More questions are being answered than the service takes on at once."""


class FeedbackUnavailable(DatelineError):
    """The file of feedback cannot be read or written."""


class FeedbackFull(DatelineError):
    """As much feedback is stored as the setting allows; what is there is kept."""


class ReaderFailed(DatelineError):
    """The language model gave no usable reply; `code` goes into the answer's warning."""

    code = "reader_failed"


class ReaderTimeout(ReaderFailed):
    """The language model gave no reply within the deadline."""

    code = "reader_timeout"


class ReaderRateLimited(ReaderFailed):
    """The language model's service asks to slow down, or a quota is used up."""

    code = "reader_rate_limited"


class ReaderUnavailable(ReaderFailed):
    """The language model's service cannot be reached or says that it failed."""

    code = "reader_unavailable"


class ReaderRejected(ReaderFailed):
    """The language model's service refuses the request: the key, the model's name or the prompt."""

    code = "reader_rejected"


class ReaderCutOff(ReaderFailed):
    """The language model began to reply and stopped before the end."""

    code = "reader_cut_off"
