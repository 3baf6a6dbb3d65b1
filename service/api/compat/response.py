"""A cited answer as a response of OpenAI's Responses API, complete or as its events.

A stream is, in this order: the response as it begins, its message and the message's part, one event for each sentence,
one for each annotation, the end of text, part and message, and the complete response. Open WebUI reads annotations in
the end of the message only, so they are repeated there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from service.answer import Answer, AnswerDelta, Completed, Event, Started, as_json
from service.api.compat.annotations import annotations
from service.api.compat.completion import ReplyForm, seconds
from service.api.compat.details import AnswerDetails, details
from service.api.event_stream import to_line
from service.records import Usage

Progress = Literal["in_progress", "completed", "incomplete", "failed"]


@dataclass(frozen=True, slots=True)
class UrlCitation:
    """A marker in the text: `text[start_index:end_index]` is `[n]`, and `url` the page of its quote."""

    start_index: int
    end_index: int
    url: str
    title: str
    type: Literal["url_citation"] = "url_citation"


@dataclass(frozen=True, slots=True)
class OutputText:
    """The text of a message with its annotations."""

    text: str
    annotations: tuple[UrlCitation, ...] = ()
    logprobs: tuple[()] = ()
    type: Literal["output_text"] = "output_text"


@dataclass(frozen=True, slots=True)
class OutputMessage:
    """The answer."""

    id: str
    content: tuple[OutputText, ...]
    status: Progress
    role: Literal["assistant"] = "assistant"
    type: Literal["message"] = "message"


@dataclass(frozen=True, slots=True)
class InputTokensDetails:
    """Parts of the tokens that were sent to a language model, which are not known."""

    cached_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True)
class OutputTokensDetails:
    """Parts of the tokens that a language model wrote, which are not known."""

    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ResponseUsage:
    """Tokens of the language model; 0 if sentences are quoted."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: InputTokensDetails = InputTokensDetails()
    output_tokens_details: OutputTokensDetails = OutputTokensDetails()


@dataclass(frozen=True, slots=True)
class IncompleteDetails:
    """The reason of an answer that the language model did not finish."""

    reason: Literal["max_output_tokens"] = "max_output_tokens"


@dataclass(frozen=True, slots=True)
class ResponseError:
    """The error that ended a response; `code` is the nearest of those that clients know."""

    message: str
    code: Literal["server_error"] = "server_error"


@dataclass(frozen=True, slots=True)
class ResponseReply:
    """A cited answer with the fields of OpenAI, and with those of the native answer in `dateline`.

    Nothing is stored, so that no later request can name it.
    """

    id: str
    created_at: int
    model: str
    status: Progress
    output: tuple[OutputMessage, ...] = ()
    usage: ResponseUsage | None = None
    error: ResponseError | None = None
    incomplete_details: IncompleteDetails | None = None
    dateline: AnswerDetails | None = None
    instructions: None = None
    metadata: dict[str, str] = field(default_factory=dict)
    parallel_tool_calls: bool = False
    tool_choice: Literal["none"] = "none"
    tools: tuple[()] = ()
    store: bool = False
    previous_response_id: None = None
    object: Literal["response"] = "response"


def response(answer: Answer, form: ReplyForm) -> ResponseReply:
    """Return an answer as a response."""
    is_cut = answer.status_reason == "interrupted"
    status: Progress = "incomplete" if is_cut else "completed"
    cited = tuple(
        UrlCitation(each.start_index, each.end_index, each.url, each.title) for each in annotations(answer, form.base)
    )
    text = OutputText(answer.answer + form.text_after(answer), cited)
    return ResponseReply(
        id=_response_id(answer.id),
        created_at=seconds(answer.created_at),
        model=form.model,
        status=status,
        output=(OutputMessage(_message_id(answer.id), (text,), status),),
        usage=_usage(answer.usage),
        incomplete_details=IncompleteDetails() if is_cut else None,
        dateline=details(answer, form.warnings),
    )


@dataclass(slots=True)
class ResponseEvents:
    """Writes the events of an answer as those of a response."""

    form: ReplyForm
    _number: int = 0
    _begun: ResponseReply = field(default_factory=lambda: ResponseReply("", 0, "", "in_progress"))
    _message: OutputMessage = field(default_factory=lambda: OutputMessage("", (), "in_progress"))

    def event(self, event: Event) -> str:
        """Return the text of the next event."""
        match event:
            case Started():
                self._begun = ResponseReply(
                    _response_id(event.id), seconds(event.created_at), self.form.model, "in_progress"
                )
                self._message = OutputMessage(_message_id(event.id), (), "in_progress")
                return "".join(self._beginning())
            case AnswerDelta():
                return self._delta(event.text)
            case Completed():
                return "".join(self._ending(event.answer))
        return ""

    def error(self, body: dict[str, object]) -> str:
        """Return the error that ends the stream; `dateline` has it in the shape that every error has."""
        error: Any = body["error"]
        failed = as_json(self._begun) | {
            "status": "failed",
            "error": as_json(ResponseError(str(error["message"]))),
            "dateline": body,
        }
        return self._write("response.failed", response=failed)

    def _beginning(self) -> Iterator[str]:
        begun = as_json(self._begun)
        yield self._write("response.created", response=begun)
        yield self._write("response.in_progress", response=begun)
        yield self._write("response.output_item.added", output_index=0, item=as_json(self._message))
        yield self._of_part("response.content_part.added", part=as_json(OutputText("")))

    def _delta(self, text: str) -> str:
        return self._of_part("response.output_text.delta", delta=text, logprobs=[])

    def _ending(self, answer: Answer) -> Iterator[str]:
        reply = response(answer, self.form)
        (message,) = reply.output
        (part,) = message.content
        if after := self.form.text_after(answer):
            yield self._delta(after)
        for number, citation in enumerate(part.annotations):
            yield self._of_part(
                "response.output_text.annotation.added", annotation_index=number, annotation=as_json(citation)
            )
        yield self._of_part("response.output_text.done", text=part.text, logprobs=[])
        yield self._of_part("response.content_part.done", part=as_json(part))
        yield self._write("response.output_item.done", output_index=0, item=as_json(message))
        yield self._write(f"response.{reply.status}", response=as_json(reply))

    def _of_part(self, name: str, **data: object) -> str:
        """Return an event about the only part of the only message."""
        return self._write(name, item_id=self._message.id, output_index=0, content_index=0, **data)

    def _write(self, name: str, **data: object) -> str:
        text = f"event: {name}\ndata: {to_line({'type': name, 'sequence_number': self._number, **data})}\n\n"
        self._number += 1
        return text


def _response_id(answer_id: str) -> str:
    return f"resp_{answer_id}"


def _message_id(answer_id: str) -> str:
    return f"msg_{answer_id}"


def _usage(usage: Usage) -> ResponseUsage:
    given, gave = usage.input_tokens, usage.output_tokens
    return ResponseUsage(given, gave, given + gave)
