"""The reply of a language model: its text from chunks of every shape, whether it is complete, and what answers in it.

`ChatReply` reads the chunks. `ReplyText` leaves out reasoning, control tokens, JSON around the text, and Markdown. The
pieces may be cut anywhere. Text is held back only where what follows decides: from a sign that may be a tag, a line
that may define a footnote, a JSON object, or an opening that sounds like reasoning whose tag is missing.
"""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, NonNegativeInt, ValidationError
from pydantic_core import from_json

from index.text import sentence_spans
from service.errors import ReaderCutOff, ReaderFailed, ReaderRejected

CHARACTERS_A_TOKEN = 8
"""Characters of a reply that a token may have: English has about four, a run of dashes or spaces more."""

LONGEST_NAME = 200
"""The limit of an id or a name that a service sends, in code points."""

_COMPLETE = frozenset({"stop", "eos", "eos_token", "stop_sequence", "end_turn", "complete"})
"""Finish reasons of a complete reply, as text generation servers name them."""
_UNDECIDED = frozenset({None, "tool_calls", "function_call"})
"""Finish reasons that leave open whether the text is complete: its last sign decides."""
_TOO_LONG = frozenset({"length", "max_tokens", "model_length"})
_LAST_SIGN = re.compile(r"""[.!?…。！？"”’»'\])}>*_`|]\s*$""")


class ModelRefused(ReaderFailed):
    """The language model declined to answer."""

    code = "model_refused"


class _Item(BaseModel):
    """An item of a content that is sent as a list; only texts are read, not an item of reasoning."""

    type: str = "text"
    text: str | None = None


class _Part(BaseModel):
    """The text of a reply: a message, or the next piece of it."""

    content: str | list[str | _Item] | None = None
    refusal: str | None = None

    @property
    def text(self) -> str:
        """The text of a content of either form."""
        if not isinstance(self.content, list):
            return self.content or ""
        items = [_Item(text=item) if isinstance(item, str) else item for item in self.content]
        return "".join(item.text or "" for item in items if item.type in {"text", "output_text"})


class _Choice(BaseModel):
    """One reply; only one is ever requested."""

    part: _Part | None = Field(None, validation_alias=AliasChoices("delta", "message"))
    finish_reason: str | None = None


class _Tokens(BaseModel):
    """The token counts of the service; servers that do not count send nothing, an empty object or nulls."""

    prompt_tokens: NonNegativeInt | None = None
    completion_tokens: NonNegativeInt | None = None


def _short(value: object) -> str | None:
    return value[:LONGEST_NAME] if isinstance(value, str) else None


_Name = Annotated[str | None, BeforeValidator(_short)]
"""A name that is only reported: any other value than a text becomes None, and a long text is cut."""


class _Completion(BaseModel):
    """The fields of a completion, or of a chunk of one, that are read: the SDK does not validate its own types."""

    id: _Name = None
    model: _Name = None
    choices: list[_Choice] | None = None
    usage: _Tokens | None = None


class ChatReply:
    """The reply so far; `tokens` are the service's counts of input and output, None until it sends them.

    `id` and `model` are the service's own, None if it sends none; the first text came after `first_text_s` seconds.
    Only the beginning of a reply longer than `max_tokens` is stored.
    """

    def __init__(self, max_tokens: int) -> None:
        self.tokens: tuple[int, int] | None = None
        self._left = max_tokens * CHARACTERS_A_TOKEN
        self._pieces: list[str] = []
        self._half = ""
        self.finish_reason: str | None = None
        self.id: str | None = None
        self.model: str | None = None
        self.first_text_s: float | None = None
        self._began = time.perf_counter()
        self.is_accepted = False  # by the service, which then charges for it
        self.has_text = False

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self._pieces)

    def add(self, received: object) -> str:
        """Add a chunk or a complete reply and return its text, which may be empty.

        Raises ModelRefused for a refusal, ReaderCutOff for anything but a chat completion.
        """
        try:
            completion = _Completion.model_validate(received, from_attributes=True)
        except ValidationError:
            # Without its cause, which would repeat what the service sent.
            raise ReaderCutOff(
                "The language model's service sent an invalid chat completion.", blame="service"
            ) from None
        self.id, self.model = self.id or completion.id, self.model or completion.model
        usage = completion.usage
        if usage and usage.prompt_tokens is not None and usage.completion_tokens is not None:
            self.tokens = (usage.prompt_tokens, usage.completion_tokens)
        if not completion.choices:
            return ""
        choice = completion.choices[0]
        part = choice.part or _Part()
        if part.refusal:
            raise ModelRefused("The language model declined to answer.")
        self.finish_reason = choice.finish_reason or self.finish_reason
        content = self._joined(part.text)
        text = content[: max(0, self._left)]
        self._left -= len(content)
        self._pieces.append(text)
        self.has_text = self.has_text or bool(text)
        if text and self.first_text_s is None:
            self.first_text_s = time.perf_counter() - self._began
        return text

    def _joined(self, content: str) -> str:
        """Return a text with the first half of a character that the last one ended with, without such a half."""
        content = self._half + content
        self._half = content[-1:] if "\ud800" <= content[-1:] <= "\udbff" else ""
        return content.removesuffix(self._half).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def check_length(self) -> None:
        """Raise ReaderCutOff for a reply that is longer than requested."""
        if self._left < 0:
            raise ReaderCutOff("The language model's reply went on beyond the limit of its length.")

    def check_finish(self) -> None:
        """Raise ReaderCutOff for an incomplete reply, ReaderRejected for one that a filter prevented."""
        self.check_length()
        reason = self.finish_reason.lower() if self.finish_reason else None
        if reason in _COMPLETE or (reason in _UNDECIDED and _LAST_SIGN.search(self.text)):
            return
        if reason == "content_filter":
            kind = ReaderCutOff if self.text.strip() else ReaderRejected
            raise kind("A filter on the language model's service ended the reply.")
        if reason in _TOO_LONG:
            raise ReaderCutOff(
                "The language model's reply reached the limit of its length.", "Raise the limit of output tokens."
            )
        if reason is None:
            raise ReaderCutOff("The language model's reply stopped before its end.", blame="service")
        raise ReaderCutOff(f"The language model's service ended the reply before its end{shown_code(reason)}.")


def shown_code(code: object) -> str:
    """Return a vendor's error code in brackets, or nothing if it may be something else."""
    # A vendor's error code may be shown; its message may not, because services echo keys and prompts in it.
    return f" ({code})" if code and re.fullmatch(r"[A-Za-z_.]{1,60}|\d{1,6}", str(code)) else ""


_THOUGHT = r"think|thinking|thought|thoughts|reason|reasoning|analysis|reflection|scratchpad"
_SIGN = re.compile(
    # Tags around reasoning, of several models; around an answer; headers of channels; other control tokens.
    rf"(?P<opens><(?:seed:)?(?:{_THOUGHT})(?:\s[^<>]*)?>|\[THINK\]|◁think▷|<\|(?:begin_of_thought|START_THINKING)\|>)"
    rf"|(?P<closes></(?:seed:)?(?:{_THOUGHT})\s*>|\[/THINK\]|◁/think▷|<\|(?:end_of_thought|END_THINKING)\|>)"
    r"|(?P<header><\|(?:start|channel)\|>)|(?P<message><\|message\|>)"
    r"|(?P<token><\|[^|<>\s]{1,40}\|>|</?(?:answer|final_answer|final|response|output)\s*>)",
    re.IGNORECASE,
)
_SIGN_BEGUN = re.compile(r"<[^<>\n]{0,80}|\[/?T?H?I?N?K?|◁[^▷\n]{0,10}")
_LONGEST_SIGN = 82

_REASONING = (
    "okay", "ok,", "ok ", "ok.", "alright", "all right", "hmm", "wait,", "let me", "let's", "let us", "we need",
    "we have", "we are", "we should", "we must", "i need", "i should", "i'll", "i will", "first, i", "first, let",
    "so, the user", "so the user", "so the question", "so we", "the user", "user asks", "the question asks",
    "looking at", "thinking", "analysis", "here's a thinking", "here is my",
)  # fmt: skip
"""How reasoning begins in replies that lack the opening tag, as chat templates write it into the prompt."""
_UNTAGGED_END = "assistantfinal"
"""The end of reasoning of a server that drops control tokens and keeps their names."""

_FENCE = re.compile(r"\s*(?:```\w*\s*)?")
_TEXTS = (
    "answer", "final_answer", "response", "text", "sentence", "sentences", "statement", "statements", "claims", "claim",
    "content", "output", "result", "reply", "message",
)  # fmt: skip
_CITED = ("key", "keys", "citations", "citation", "sources", "source", "passages", "passage", "references")
_QUOTED = ("quote", "quotes", "words", "evidence")

_CITING_TAGS = "sup|sub|small|cite|ref|source"  # around citations; a sentence with other HTML is unsafe
_MARKUP = re.compile(
    r"(?P<gone>^[ \t]*\[\^[^\]\n]{1,40}\]:[^\n]*(?:\n|\Z)|^[ \t]*>[ \t]+|^```\w*[ \t]*$|`+|~~"
    # Runs of asterisks and underscores that touch words; not those of `5 * 3`, `f***` or `snake_case`.
    r"|(?<![*\d])\*\*(?!\*)|(?<!\*)\*\*(?![*\d])|(?<![*\w])\*{1,3}(?=[^\s*])|(?<=[^\s*])\*(?![*\w])"
    r"|(?<=[^\s*]{2})\*{3}(?![*\w])|(?<!\w)_{1,3}(?=\w)|(?<=[^\W_])_{1,3}(?!\w)|(?<=[.!?…)\]\"”’])_{1,3}(?!\w)"
    r"|\\(?=[\[\]()#<>!.-]))|\\(?P<sign>[*_`~])"
    rf"|<(?P<tag>{_CITING_TAGS})\b[^<>]{{0,100}}>\s*(?P<key>[a-z](?=[a-z0-9]*\d)[a-z0-9]{{1,7}})\s*</(?P=tag)>"
    rf"|</?(?:{_CITING_TAGS})(?:\s[^<>]{{0,200}})?/?>",
    re.IGNORECASE | re.MULTILINE,
)
_SIGNS = "*_~`\\"
_LONGEST_TAG = 220
_TAG_BEGUN = re.compile(
    rf"<(?:[a-z/][^<>\n]*)?|<(?:{_CITING_TAGS})\b[^<>\n]*>[^<>\n]{{0,20}}(?:<[^<>\n]{{0,10}})?",
    re.IGNORECASE,
)
_NOTE_BEGUN = re.compile(r"[ \t]*(?:\[(?:\^[^\n]*)?|>[ \t]*|`{1,3}\w*[ \t]*)?")


class ReplyText:
    """A filter of a reply; `reasons_first` is for a model that is known to begin with reasoning and no opening tag.

    Such a model's reply passes at the end if no closing tag comes.
    """

    def __init__(self, *, reasons_first: bool = False) -> None:
        self.thoughts = WithoutThoughts(reasons_first=reasons_first)
        self._json = _WithoutJson()
        self._markup = _WithoutMarkup()

    def feed(self, piece: str, *, last: bool = False) -> str:
        """Return the text that is certain after this piece; all of the rest with the last one."""
        text = self._json.feed(self.thoughts.feed(piece, last=last), last=last)
        return self._markup.feed(text, last=last)


def answering_text(reply: str) -> str:
    """Return the text of a complete reply that answers."""
    return ReplyText().feed(reply, last=True)


class WithoutThoughts:
    """A filter of reasoning in tags and channels, and of control tokens.

    `reasons_first` becomes true if a closing tag comes without its opening one, and `was_reasoning` if text had passed
    before it: the caller drops what it can.
    """

    def __init__(self, *, reasons_first: bool) -> None:
        self.was_reasoning = self.reasons_first = False
        self._held = ""
        self._opening: str | None = ""  # the text so far while it may be reasoning without a tag
        self._waits = reasons_first
        self._is_hidden = False
        self._header: str | None = None

    def feed(self, piece: str, *, last: bool) -> str:
        """Return the text that is certain after this piece; all of the rest with the last one."""
        text = self._held + piece
        begun = len(text) if last else next(_begun(_SIGN_BEGUN, text, "<[◁", _LONGEST_SIGN), len(text))
        self._held = text[begun:]
        shown = self._shown(text[:begun])
        if not last:
            return shown
        opening, self._opening = self._opening or "", None
        return opening + shown

    def _shown(self, text: str) -> str:
        """Return the text without signs and what they hide."""
        shown, start = "", 0
        for sign in _SIGN.finditer(text):
            shown += self._visible(text[start : sign.start()])
            start = sign.end()
            if self._turn(sign):
                shown = ""
        return shown + self._visible(text[start:])

    def _turn(self, sign: re.Match[str]) -> bool:
        """Change the state at a sign; return whether all text before it was reasoning."""
        if sign["header"]:
            self._header = f"{self._header or ''}{sign.group()}"
        elif sign["message"]:
            header, self._header = (self._header or "").lower(), None
            self._is_hidden = "channel" in header and "final" not in header
        elif sign["opens"]:
            self._is_hidden = True
        elif sign["closes"]:
            is_tagged, self._is_hidden, self._waits = self._is_hidden, False, False
            if not is_tagged:
                self.reasons_first = True
                self.was_reasoning = self.was_reasoning or self._opening is None
                self._opening = ""
                return True
        return False

    def _visible(self, text: str) -> str:
        """Return the text unless it is hidden, held back while it may be reasoning without a tag."""
        if self._header is not None:
            self._header += text[:100]
            return ""
        if self._is_hidden or not text:
            return ""
        if self._opening is None:
            return text
        self._opening += text
        begun = self._opening.lstrip().lower()
        self._waits = self._waits or begun.startswith(_REASONING)
        if self._waits and _UNTAGGED_END in self._opening:
            self._opening, self._waits = self._opening.partition(_UNTAGGED_END)[2], False
            begun = self._opening.lstrip().lower()
        if self._waits or any(opening.startswith(begun) for opening in _REASONING):
            return ""
        text, self._opening = self._opening, None
        return text


class _WithoutJson:
    """A filter that turns a reply in JSON into its text; other replies pass.

    A reply in JSON passes at its end only: which fields are its text is known when all of them are. Its sentences do
    not stream.
    """

    def __init__(self) -> None:
        self._held: str | None = ""

    def feed(self, piece: str, *, last: bool) -> str:
        if self._held is None:
            return piece
        self._held += piece
        begun = _FENCE.sub("", self._held, count=1)
        may_be_json = begun.startswith("{") or re.match(r"\[\s*(?:[{\"]|$)", begun) or not begun.strip("` \n")
        if may_be_json and not last:
            return ""
        text, self._held = self._held, None
        if not may_be_json:
            return text
        try:
            return _said(from_json(begun.rstrip("`\n ").replace("\n", " "), allow_partial="trailing-strings")) or ""
        except ValueError:
            return text


def _said(value: object) -> str | None:
    """Return the text of a reply in JSON with its citations as markers, or None where it has none."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(said for item in value if (said := _said(item)))
    if not isinstance(value, Mapping):
        return None
    text = next((said for name in _TEXTS if name in value and (said := _said(value[name])) is not None), None)
    markers = "".join(_markers(value))
    if not text or not markers or "[" in text:
        return text
    return " ".join(f"{text[span.start : span.end]} {markers}" for span in sentence_spans(text, headings=False))


def _markers(value: Mapping[str, object]) -> Iterator[str]:
    """Yield a marker for each key that an object in JSON cites, with the words that it quotes."""
    quote = next((value[name] for name in _QUOTED if isinstance(value.get(name), str)), None)
    cited = next((value[name] for name in _CITED if value.get(name)), None)
    for item in cited if isinstance(cited, list) else [cited]:
        if isinstance(item, str):
            yield f'[{item}: "{quote}"]' if quote else f"[{item.strip('[]')}]"
        elif isinstance(item, Mapping):
            yield from _markers({"quote": quote, **item})


class _WithoutMarkup:
    """A filter of Markdown's emphasis, code, quotes and footnotes, of escapes, and of tags around citations."""

    def __init__(self) -> None:
        self._held = ""
        self._before = "\n"

    def feed(self, piece: str, *, last: bool) -> str:
        text = self._held + piece
        end = len(text) if last else min(_held_from(text, self._before), len(text))
        self._held = text[end:]
        # The characters before and behind the text decide what a sign means.
        text, start, end = self._before + text, len(self._before), len(self._before) + end
        plain = []
        for found in _MARKUP.finditer(text, start):
            if found.start() >= end:
                break
            plain += [text[start : found.start()], f"[{found['key']}]" if found["key"] else found["sign"] or ""]
            start = found.end()
        self._before = text[max(0, end - 2) : end]
        return "".join([*plain, text[start:end]])


def _held_from(text: str, before: str) -> int:
    """Return the start of what the text after this one may still turn into markup."""
    run = len(text.rstrip(_SIGNS))
    places = [run if len(text) - run <= _LONGEST_TAG else len(text)]
    places += _begun(_TAG_BEGUN, text, "<", _LONGEST_TAG)
    line = text.rfind("\n") + 1
    if (line or before.endswith("\n")) and _NOTE_BEGUN.fullmatch(text, line):
        places.append(line)
    return min(places)


def _begun(pattern: re.Pattern[str], text: str, signs: str, longest: int) -> Iterator[int]:
    """Yield where a pattern may have begun at the end of a text: the first such place of the last characters."""
    for place in range(max(0, len(text) - longest), len(text)):
        if text[place] in signs and pattern.fullmatch(text, place):
            yield place
            return
