"""A cited answer as a chat completion of OpenAI's API, complete or in chunks.

A stream is, in this order: a chunk with the role, one for each sentence, one with all annotations that finishes, the
usage if it is wanted, and `[DONE]`. LobeChat reads annotations only in the chunk that finishes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from service.answer import Answer, AnswerDelta, Completed, Event, Started, as_json
from service.api.compat.annotations import Annotation, annotations, cited_pages
from service.api.compat.details import AnswerDetails, details
from service.api.compat.source_list import source_list
from service.api.event_stream import to_line
from service.records import AnswerWarning

DONE = "data: [DONE]\n\n"

FinishReason = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True, slots=True)
class ChatAnnotation:
    """A marker in the text: `content[start_index:end_index]` is `[n]`, and `url` the page of its quote."""

    url_citation: Annotation
    type: Literal["url_citation"] = "url_citation"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """The answer's text. An abstention is an ordinary text: chat programs show a refusal as a violation."""

    content: str
    annotations: tuple[ChatAnnotation, ...]
    refusal: None = None
    role: Literal["assistant"] = "assistant"


@dataclass(frozen=True, slots=True)
class ChatChoice:
    """The only choice; `finish_reason` is `length` if the model was cut off."""

    message: ChatMessage
    finish_reason: FinishReason
    index: int = 0
    logprobs: None = None


@dataclass(frozen=True, slots=True)
class ChatUsage:
    """Tokens of the language model; 0 if sentences are quoted."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ChatCompletion:
    """A cited answer with the fields of OpenAI, and with those of the native answer in `dateline`."""

    id: str
    created: int
    model: str
    choices: tuple[ChatChoice, ...]
    usage: ChatUsage
    dateline: AnswerDetails
    object: Literal["chat.completion"] = "chat.completion"


@dataclass(frozen=True, slots=True)
class ReplyForm:
    """The form of a reply as the request wants it: the model's name, the address of our pages, and what is added.

    `warnings` are about the request.
    """

    model: str
    base: str
    has_source_list: bool = False
    has_usage: bool = False
    warnings: tuple[AnswerWarning, ...] = ()

    def text_after(self, answer: Answer) -> str:
        """Return the text that follows the answer."""
        return source_list(answer, self.base) if self.has_source_list else ""


def completion(answer: Answer, form: ReplyForm) -> ChatCompletion:
    """Return an answer as a chat completion."""
    message = ChatMessage(answer.answer + form.text_after(answer), _annotations(answer, form))
    return ChatCompletion(
        id=completion_id(answer.id),
        created=seconds(answer.created_at),
        model=form.model,
        choices=(ChatChoice(message, _finish_reason(answer)),),
        usage=_usage(answer),
        dateline=details(answer, form.warnings),
    )


@dataclass(frozen=True, slots=True)
class ChunkHead:
    """The fields that all chunks of a stream have."""

    id: str
    created: int
    model: str

    def chunk(self, delta: dict[str, Any], finish_reason: FinishReason | None = None, **more: object) -> str:
        """Return a chunk that adds to the message."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self.without_choice(choices=[choice], **more)

    def role(self) -> str:
        """Return the first chunk."""
        return self.chunk({"role": "assistant", "content": "", "refusal": None})

    def without_choice(self, **more: object) -> str:
        """Return a chunk that adds nothing to the message."""
        head = {"id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model}
        return data_line({**head, "choices": [], **more})


@dataclass(slots=True)
class ChatChunks:
    """Writes the events of an answer as chunks of a chat completion."""

    form: ReplyForm
    _head: ChunkHead = field(default_factory=lambda: ChunkHead("", 0, ""))

    def event(self, event: Event) -> str:
        """Return the chunks of the next event."""
        match event:
            case Started():
                self._head = ChunkHead(completion_id(event.id), seconds(event.created_at), self.form.model)
                return self._head.role()
            case AnswerDelta():
                return self._head.chunk({"content": event.text})
            case Completed():
                return "".join(self._ending(event.answer))
        return ""

    def error(self, body: dict[str, object]) -> str:
        """Return the error that ends the stream."""
        return data_line(body)

    def _ending(self, answer: Answer) -> Iterator[str]:
        head, form = self._head, self.form
        if after := form.text_after(answer):
            yield head.chunk({"content": after})
        yield from self._sources(answer)
        yield head.chunk(self._citing(answer), _finish_reason(answer), dateline=as_json(details(answer, form.warnings)))
        if form.has_usage:
            yield head.without_choice(usage=as_json(_usage(answer)))
        yield DONE

    def _sources(self, answer: Answer) -> Iterator[str]:  # noqa: ARG002 - of Open WebUI
        """Yield chunks about the sources before the last one of the message."""
        yield from ()

    def _citing(self, answer: Answer) -> dict[str, Any]:
        """Return the part of the message with its annotations, if it has any."""
        found = _annotations(answer, self.form)
        return {"annotations": [as_json(each) for each in found]} if found else {}


@dataclass(slots=True)
class OpenWebUiChunks(ChatChunks):
    """Writes chunks for Open WebUI, which passes `event` to its page as it is and shows the quote of each source.

    There are no annotations: it would list each source twice.
    """

    def _sources(self, answer: Answer) -> Iterator[str]:
        for page in cited_pages(answer, self.form.base):
            about = {"source": page.url, "name": page.title, "url": page.url}
            source = {
                "source": {"id": page.url, "name": page.title, "url": page.url},
                "document": list(page.quotes),
                "metadata": [about for _ in page.quotes],
            }
            yield self._head.without_choice(event={"type": "source", "data": source})

    def _citing(self, answer: Answer) -> dict[str, Any]:  # noqa: ARG002 - the sources are sent before
        return {}


def completion_id(of: str) -> str:
    """Return the id of the completion of an answer, or of another thing with an id."""
    return f"chatcmpl-{of}"


def seconds(moment: str) -> int:
    """Return a moment of ISO 8601 in seconds since 1970."""
    return int(datetime.fromisoformat(moment).timestamp())


def data_line(data: object) -> str:
    """Return one event without a name: clients of this endpoint know no names."""
    return f"data: {to_line(data)}\n\n"


def _annotations(answer: Answer, form: ReplyForm) -> tuple[ChatAnnotation, ...]:
    return tuple(ChatAnnotation(each) for each in annotations(answer, form.base))


def _finish_reason(answer: Answer) -> FinishReason:
    return "length" if answer.status_reason == "interrupted" else "stop"


def _usage(answer: Answer) -> ChatUsage:
    given, gave = answer.usage.input_tokens, answer.usage.output_tokens
    return ChatUsage(given, gave, given + gave)
