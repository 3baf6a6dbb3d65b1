"""Statements: the sentences of passages that can be quoted, and the quote of each.

A quote is the sentence itself, with the neighbours without which its words would not be clear: the rest of a quotation
that begins or ends in another sentence, the speaker of a quotation, and the sentence before an opening pronoun.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from index.markup import readable
from index.records import Span
from index.text import Sentence, sentence_spans
from service.records import Passage

LONGEST_QUOTE = 3
"""Sentences of a quote at most: the verification compares windows of this length."""

PARAGRAPH = 2_000
"""Code points before a chunk in which its first paragraph may begin."""


class Statement(NamedTuple):
    """A sentence that can be quoted: as written, without markup, with both neighbours, and the span of its quote."""

    passage: Passage
    span: Span
    text: str
    words: str
    around: str
    quote: Span


_WORD = re.compile(r"[^\W_]")
_COMMENT = re.compile(r"<!--(?:(?!-->)[\s\S]){0,2000}-->")
_TABLE_RULE = re.compile(r"\|(?:[ \t]*:?-+:?[ \t]*\|)+")
_REFERENCE = re.compile(r"\s*(?:\[[^\[\]\s]{1,32}\]:\s|\[\d{1,3}\]\s+[^\W\d_a-z]|[↑^]\s)")
_QUESTION = re.compile(r"[?？؟][\s\"'”’»“)\]*_]*$")
_CREDIT = re.compile(
    r"(?:photo(?:graph)?|image|picture|caption|credit|illustration|graphic|video)s?(?: (?:by|credit|courtesy))?\s?[:/|]"
    r"|(?:published|updated|posted|last (?:updated|modified)|read (?:more|also|next)|also read|related|sign up"
    r"|subscribe|click here|follow us|advertisement)\b[^.!?]{0,80}$"
    r"|(?:©|copyright|all rights reserved)|(?-i:By(?: (?:and|of|for|[A-Z][\w.’'-]*),?){1,9})\.?$"
    r"|.*[(/|]\s?(?:getty images|afp|reuters|ap photo|ap|epa|shutterstock)\s?\)?\.?$",
    re.IGNORECASE,
)
"""A byline, the credit of a picture, a line about the page."""


def statements_of(passages: Sequence[Passage]) -> list[Statement]:
    """Return the statements of the passages, each text of an article once.

    Not a statement: a heading, a question, a byline, a sentence without a word (an image, a rule), an entry of a list
    of references, the head of a table, a line that introduces a list with a colon, a sentence cut by a comment, an
    instruction to a model, a part of a quotation that is too long to be quoted with its marks.
    """
    found: dict[tuple[str, str], Statement] = {}
    for passage in passages:
        text, offset = passage.chunk.text, passage.chunk.start_char
        spans = sentence_spans(text)
        said = [readable(text[span.start : span.end]) for span in spans]
        hidden = [
            (begin - offset, end - offset)
            for begin, end in instructions_in(passage.article.body, offset, offset + len(text))
        ]
        comments = [comment.span() for comment in _COMMENT.finditer(text)]
        is_prose = [
            not span.heading
            and bool(_WORD.search(words))
            and not (at + 1 < len(spans) and _TABLE_RULE.fullmatch(text, *spans[at + 1][:2]))
            and not _REFERENCE.match(text, span.start, span.end)
            and not _CREDIT.match(words)
            and not any(begin < span.end and span.start < end for begin, end in hidden)
            and not any(
                begin < span.end and span.start < end and not span.start <= begin < end <= span.end
                for begin, end in comments
            )
            for at, (span, words) in enumerate(zip(spans, said, strict=True))
        ]
        is_open = _open_quotations(passage, spans, said)
        for at, span in enumerate(spans):
            if not is_prose[at] or said[at].endswith((":", "：")) or _QUESTION.search(said[at]):
                continue
            quoted = _quoted(said, is_prose, is_open, at)
            if quoted is not None:
                first, last = quoted
                quote = Span(offset + spans[first].start, offset + spans[last].end)
                around = text[spans[max(0, at - 1)].start : spans[min(at + 1, len(spans) - 1)].end]
                sentence, place = text[span.start : span.end], Span(offset + span.start, offset + span.end)
                statement = Statement(passage, place, sentence, said[at], readable(around), quote)
                found.setdefault((passage.article.article_id, sentence), statement)
    return list(found.values())


_MARK = re.compile(r"[“”„«»\"]")
_QUOTATION = re.compile(r"[\"“][^\"“”„]*[\"”]|„[^\"“”„]*[\"”“]|«[^«»]*»|»[^«»]*«")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_SAYS = re.compile(
    r"\b(?:sa(?:id|ys)|t(?:old|ells)|add(?:ed|s)|wr(?:ote|ites)|ask(?:ed|s)|call(?:ed|s)|argue[ds]|recall(?:ed|s)"
    r"|explain(?:ed|s)|warn(?:ed|s)|joke[ds]|insist(?:ed|s)|according)\b|:\W*$"
)
_CALENDAR = (
    "(?:January|February|March|April|May|June|July|August|September|October|November|December"
    "|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)"
)
_POINTING = re.compile(
    r"\W*(?:(?i:and|but|so|yet|then|still|later|also|however|instead|meanwhile|now),? )?"
    r"(?i:(?:he|she|they|his|her|their|its|him|them"
    r"|it(?! (?:took|takes|will take|rained|snowed|hailed)\b|(?:['’]s| (?:is|was|will be|would be|remains))(?: not)?"
    r" (?:un)?(?:clear|known|likely|possible|impossible|hard|difficult|easy|necessary|important)\b)"
    r"|(?:this|these|that|those)(?! (?:\w+ )?(?:mornings?|afternoon|evening|nights?|days?|weeks?|weekend|months?"
    r"|years?|seasons?|spring|summer|autumn|fall|winter|who)\b)"
    r"|(?:each|both|neither|some|most|others|another|all)(?= (?:is|are|was|were|ha[sd]|have|will|would|of them)\b)"
    r"|the (?:latter|former|pair|duo|two))(?![\w-]))"
    rf"|\W*[A-Z](?:[^A-Z,]|\b{_CALENDAR}\b){{0,60}}, (?:he|she|they|it)\b"
)
"""An opening pronoun, also behind a conjunction or an introduction without a name; not of the weather or of time."""


def _open_quotations(passage: Passage, spans: Sequence[Sentence], said: Sequence[str]) -> list[tuple[bool, bool]]:
    """Return for each sentence of a passage whether a quotation is open at its start and at its end.

    A paragraph begins outside of quotations: a quotation of several paragraphs has an opening mark in each.
    """
    body, offset = passage.article.body, passage.chunk.start_char
    before = body[max(0, offset - PARAGRAPH, body.rfind("\n\n", 0, offset)) : offset]
    found: list[tuple[bool, bool]] = []
    is_open, end = False, 0
    for at, words in enumerate([before, *said]):
        if at > 1 and passage.chunk.text.count("\n", end, spans[at - 1].start) > 1:
            is_open = False
        was_open = is_open
        for mark in _MARK.findall(words):
            is_open = mark == "„" or (mark != "”" and not is_open)
        found.append((was_open, is_open))
        end = spans[at - 1].end if at else 0
    return found[1:]


def _quoted(
    said: Sequence[str], is_prose: Sequence[bool], is_open: Sequence[tuple[bool, bool]], at: int
) -> tuple[int, int] | None:
    """Return the first and the last sentence to quote with the sentence `at`; None if a quotation would stay open."""
    first = last = at
    found, reached = None, 0
    while True:
        step = 0
        if is_open[first][0]:
            step = -1
        elif is_open[last][1]:
            step = 1
        else:
            outside = _QUOTATION.sub(" ", " ".join(said[first : last + 1]))
            if _MARK.search(outside):
                return found
            is_named = bool(_LETTERS.search(outside))
            is_clear = is_named and not _POINTING.match(outside)
            if is_clear or 1 + is_named > reached:
                found, reached = (first, last), 1 + is_named
            if is_clear:
                return found
            has_speaker_behind = last + 1 < len(said) and bool(_SAYS.search(said[last + 1]))
            step = 1 if not is_named and has_speaker_behind and not _SAYS.search(said[max(0, first - 1)]) else -1
        following = first - 1 if step < 0 else last + 1
        if last - first + 1 == LONGEST_QUOTE or not 0 <= following < len(said) or not is_prose[following]:
            return found
        if found == (first, last) and _QUESTION.search(said[following]):
            return found
        first, last = min(first, following), max(last, following)


_MODEL = (
    r"(?:language models?|llms?|chat ?bots?|chat assistants?|automatic readers?"
    r"|ai (?:assistants?|models?|systems?|readers?|agents?))"
)
_SALUTATION = (
    r"(?:dear|attention|(?:notes?|notice|instructions?) to|(?:message|reminder|remark|hint|fact[ -]check) (?:to|for))"
)
_CLAUSE = r"(?: (?:that|which|who|reading|of|on|in) [^.!?\n:,]{1,40}| \([^()\n]{1,40}\))?"
_ADDRESS = re.compile(
    rf"(?:^|(?<=[.!?]\s)|(?<=\n))[^\w\n]{{0,20}}{_SALUTATION}\W+(?:any |all |the |every )?{_MODEL}{_CLAUSE}[:,]"
    rf"|\byou(?: are|['’]re)(?: now)?(?: an?| the)?(?: helpful)? (?:{_MODEL}|assistant(?= and\b|[.,;:]| without\b))"
    r"|\bassistant instructions:",
    re.IGNORECASE,
)
_CONTROL_TOKEN = re.compile(
    r"</?(?:system|assistant|instructions?|prompt)\b[^<>\n]{0,80}>|\[/?(?:INST|SYSTEM)\]|<\|"
    r'|\bSYSTEM (?:MESSAGE|PROMPT):|"role"\s*:\s*"(?:system|assistant)"'
)
_OPENING, _CLOSING = re.compile("[“«„]"), re.compile("[”»]")


def instructions_in(text: str, start: int, end: int) -> list[Span]:
    """Return the instructions to a language model that reach into `text[start:end]`, to the end of their paragraph.

    Only words that address nothing but a machine begin one: a salutation, a role in the second person, the tags and
    tokens of chat prompts. News uses the verbs of such instructions every day, and reported speech is news. A heuristic
    for plain cases: a language model is protected by its prompt and by the verification of its sentences.
    """
    found: list[Span] = []
    begin = max(0, start - PARAGRAPH, text.rfind("\n\n", 0, start))
    for pattern in (_ADDRESS, _CONTROL_TOKEN):
        for match in pattern.finditer(text, begin, end):
            at = match.start()
            before = text[max(0, at - PARAGRAPH, text.rfind("\n\n", 0, at)) : at + 1]
            if pattern is _ADDRESS and _is_in_quotation(before):
                continue
            closing = text.find("\n\n", match.end(), end)
            found.append(Span(at, end if closing < 0 else closing))
    return [span for span in found if span.end > start]


def _is_in_quotation(before: str) -> bool:
    return before.count('"') % 2 == 1 or len(_OPENING.findall(before)) > len(_CLOSING.findall(before))
