"""How text is cut: into sentences, sentences into chunks; and the words and normal forms in which it is compared.

Rules, not a model. A full stop ends a sentence unless it belongs to an abbreviation, an initial or a number. A line
that stands alone without a full stop is a heading. A row of a table, an image and a rule of Markdown are one sentence
each. The source's reference marks belong to the sentence before them. Every span is exact, spans do not overlap, and
only white space (which Chinese and Japanese omit) lies between them.

The rules for full stops see only the words beside the stop: a text does not always state its language, and a chunk
must be cut into the same sentences as its article. So an abbreviation that is also a word (English `sun.`, `no.`,
Spanish `art.`) counts only before a number. An ordinal (`14. Mai`, `1. FC`) is recognised by the noun behind it or by
the determiner before it. Any other number before a capital ends the sentence ("He finished 14. Maria won."), because
English ends sentences so, and German seldom writes an ordinal without one of the two.

A chunk is a run of complete sentences, never across a heading, that begins with the last sentence of the one before.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

from index.markup import ATTACHED_MARK, NUMBER_MARK
from index.records import Article, Chunk

CHUNK_TOKENS = 200
"""The most WordPieces in a chunk; with its title it stays below the 256 that the local model reads."""

CHUNKER = f"sentences-{CHUNK_TOKENS}-overlap-1@2"
"""The chunker's name in the manifest; change it with the chunker's behaviour."""

LETTERS = 50
"""The mean length of a WordPiece, in letters, above which the tokenizer gave up on a word."""

Form = Literal["NFC", "NFKC", "NFKD"]
CountTokens = Callable[[Sequence[str]], list[int]]

MOST_MARKS = 30
"""Combining marks kept on one letter, as in the Stream-Safe Text Format of UAX #15; no language writes as many."""

_FIRST_MARK, _END_OF_MARKS = 0x300, 0x20000
_MAY_BE_LONG = re.compile(f"[{chr(_FIRST_MARK)}-{chr(_END_OF_MARKS - 1)}]{{{MOST_MARKS + 1}}}")
_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|\d+(?:[.,]\d+)*|[^\W_]+(?:['’][^\W_]+)*")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_DOTTED_I = "i\u0307"  # lower case of the first letter of İzmir
_ACCENTS = re.compile("[\u0300-\u036f'’]")  # marks of Latin, Greek and Cyrillic: in other scripts marks make the word
_PLAIN_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)

HEADING_LENGTH = 100
QUESTION_HEADING_WORDS = 8
ABBREVIATION_LENGTH = 40
"""Characters before a full stop that decide whether it ends the sentence."""

# Signs between a stop and the space behind it: closing signs, reference marks, the target of a link. German
# closes with “ and «.
_CLOSING = r"[\"'”’»“‘«›‹)\]*_]"
_AFTER_STOP = rf"(?:(?:{ATTACHED_MARK}|(?<=\])\([^\s()]{{0,300}}\)){_CLOSING}*+)*+"
# Possessive, so that a run of stops is matched once: a row of leaders may have any length.
_END = re.compile(
    rf"(?<![.!?…؟۔।॥])(?P<stop>[.!?…؟۔।॥]++)(?P<close>{_CLOSING}*+){_AFTER_STOP}(?:[ \t]{{1,3}}{NUMBER_MARK})*+(?=\s)"
    rf"|(?P<cjk>[。！？]+[」』”’）]*)(?:{NUMBER_MARK})*+"
)
_BLANK = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
_MARKDOWN_HEADING = re.compile(r"#{1,6}\s+\S")
_UNDERLINE = re.compile(r" {0,3}(?:={3,}|-{3,})[ \t]*")
_LIST_ITEM = re.compile(r"\s*(?:(?:[-*+•–]|\d{1,3}[.)]|\[\^[^\[\]\s]{1,32}\]:)\s+\S|\[\d{1,3}\]:?\s+[^\W\d_a-z])")
# Rows of a table, images, fences of code and rules.
_WHOLE_LINE = re.compile(
    r"\s*(?:\|.*\||(?:!\[[^\[\]]*\]\([^()]*\)\s*)+|(?:`{3}|~{3}).*|<!--.*-->|[-*_=]{3,}|(?:[-*_][ \t]+){2,}[-*_])\s*"
)
_OPENING = "\"'“‘«([*_¿¡"
_TERMINAL = re.compile(rf"[.!?…:;,。！？؟۔।॥]{_CLOSING}*{_AFTER_STOP}(?:[ \t]{{1,3}}{NUMBER_MARK})*$")

# The lists of words, each by language. An abbreviation of `may_end` ends a sentence only before a word of `starters`;
# one of `before_number` counts only before a number, because most are words that may end a sentence. `months` are those
# of languages whose ordinals have a full stop; `shared_months` are also English.
_LISTS: dict[str, dict[str, str]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
_NEVER_END, _MAY_END, _BEFORE_NUMBER, _STARTERS, _MONTHS, _SHARED_MONTHS, _ORDINAL_NOUNS = (
    frozenset(" ".join(_LISTS[name].values()).split())
    for name in "never_end may_end before_number starters months shared_months ordinal_nouns".split()
)
_INITIALS = re.compile(r"(?:\w\.)+\w")
_SPACED = re.compile(r"(?:^|\s)[^\W\d_]\.\s[^\W\d_]{1,3}$")  # p. ex., t. ex., f. eks.
_WORD_BEFORE = re.compile(r"[^\s(\[\"'“‘„«—–/]+$")
_NUMBER = re.compile(r"(?:[\d.]+-)?(?P<number>\d{1,3}|[IVX]{2,6})")

_DETERMINED = re.compile(
    r"(?:^|[\s(„“\"»])(?:(?<!\bI )am|zum|vom|im|beim|ab|seit|der|die|das|den|dem|det|eine?[mnrs]?|zur|ins|diese[mnrs]?"
    r"|jede[mnrs]?|(?:sein|ihr|unser)e?[mnrs]?|\d{1,3}\.(?:,| und| oder| bis| og| eller)?)\s+\S+$",
    re.IGNORECASE,
)
_GENITIVE = re.compile(r"\bdes\s+\S+$", re.IGNORECASE)
_LISTED = re.compile(r"(?:[,;(–—-]|\bbis)\s*\S+$", re.IGNORECASE)
_DAY_AND_MONTH = re.compile(r"\b\d{1,2}\.\s+\d{1,2}$")


class Sentence(NamedTuple):
    """A half-open span of code points, and whether it is a heading rather than a statement."""

    start: int
    end: int
    heading: bool = False


class ChunkSpan(NamedTuple):
    """The span of a chunk in the body, in code points, and its length in WordPieces."""

    start: int
    end: int
    tokens: int


class _Piece(NamedTuple):
    """A sentence, or a part of a sentence that is longer than a chunk."""

    start: int
    end: int
    tokens: int
    heading: bool


_Kind = Literal["prose", "heading", "line"]
"""How a block is cut: prose into sentences, a heading and a line that is one sentence not at all."""


def sentence_spans(text: str, *, headings: bool = True) -> list[Sentence]:
    """Return the sentences and headings of a text, in order, without the white space around them.

    Without `headings` a line that stands alone is a sentence like any other: text that is still arriving has none.
    """
    spans: list[Sentence] = []
    edges = [0, *(edge for blank in _BLANK.finditer(text) for edge in blank.span()), len(text)]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if headings:
            for block in _blocks(text, start, end, last=end == len(text)):
                spans += _sentences(text, *block)
        else:
            spans += _sentences(text, start, end, "prose")
    return spans


def _blocks(text: str, start: int, end: int, *, last: bool) -> Iterator[tuple[int, int, _Kind]]:
    """Cut a paragraph at lines that are a heading, a list item or one sentence; other line ends are soft wraps."""
    lines = [(start + line.start(), start + line.end()) for line in re.finditer(r"[^\n]+", text[start:end])]
    longest = max((stop - begin for begin, stop in lines), default=0)
    block_start: int | None = None
    for number, (begin, stop) in enumerate(lines):
        following = text[slice(*lines[number + 1])] if number + 1 < len(lines) else None
        more = following is not None or not last
        whole = _WHOLE_LINE.fullmatch(text, begin, stop) is not None
        alone = len(lines) == 1
        if whole or _is_heading(text[begin:stop], following, longest, alone=alone, more=more):
            if block_start is not None:
                yield block_start, begin, "prose"
            yield begin, stop, "line" if whole else "heading"
            block_start = None
        elif block_start is None:
            block_start = begin
        elif _LIST_ITEM.match(text, begin, stop):
            yield block_start, begin, "prose"
            block_start = begin
    if block_start is not None:
        yield block_start, end, "prose"


def _is_heading(line: str, following: str | None, longest: int, *, alone: bool, more: bool) -> bool:
    bare = line.strip()
    if _MARKDOWN_HEADING.match(bare):
        return True
    if not more or not bare or len(bare) > HEADING_LENGTH or _LIST_ITEM.match(bare):
        return False
    if alone:
        is_question = bare.endswith("?") and len(bare.split()) <= QUESTION_HEADING_WORDS
        return is_question or not _TERMINAL.search(bare)
    # In a paragraph only a line far shorter than its neighbours can be a heading: wrapped lines are about as long.
    if following is not None and _UNDERLINE.fullmatch(following):
        return not _TERMINAL.search(bare)
    starts_new = following is not None and following.lstrip()[:1].isupper()
    return starts_new and len(bare) < 0.6 * longest and not _TERMINAL.search(bare)


def _sentences(text: str, start: int, end: int, kind: _Kind) -> Iterator[Sentence]:
    """Cut a block into sentences and strip their white space."""
    edges = [start]
    if kind == "prose":
        marker = _LIST_ITEM.match(text, start, end)
        for found in _END.finditer(text, marker.end() - 1 if marker else start, end):
            if found.end() < end and _ends_sentence(text, found, edges[-1]):
                edges.append(found.end())
    for begin, stop in pairwise([*edges, end]):
        rest = text[begin:stop].lstrip()
        if rest:
            first = stop - len(rest)
            yield Sentence(first, first + len(rest.rstrip()), kind == "heading")


def _ends_sentence(text: str, found: re.Match[str], sentence_start: int) -> bool:
    if found["cjk"]:
        return True
    rest = text[found.end() : found.end() + 40].lstrip()
    bare = rest.lstrip(_OPENING)
    following = re.match(r"\w*", bare)
    next_word = following.group() if following else ""
    if not next_word or next_word[0].islower():
        return not next_word and bool(rest) and not found["close"]
    if found["stop"] != "." or found["close"].strip("*_"):
        return True
    before = max(sentence_start, found.start() - ABBREVIATION_LENGTH)
    return _full_stop_ends(text[before : found.start()], next_word)


def _full_stop_ends(before: str, next_word: str) -> bool:
    """Return whether a single full stop ends the sentence `before` (or its last characters) before `next_word`.

    `next_word` does not begin with a small letter.
    """
    match = _WORD_BEFORE.search(before)
    if match is None:
        return True
    word = match.group().strip("*_\\")
    if number := _NUMBER.fullmatch(word):
        return not _is_ordinal(before.strip("*_\\ "), number["number"], next_word.lower())
    # A word in capitals is a name, such as the ET of "6 p.m. ET".
    starts = next_word.lower() in _STARTERS and not (len(next_word) > 1 and next_word.isupper())
    if _SPACED.search(before) and word.islower():
        return starts
    return not _is_abbreviation(word.rpartition("-")[2], next_word, starts=starts)


def _is_abbreviation(written: str, next_word: str, *, starts: bool) -> bool:
    """Return whether the word before a full stop is an abbreviation; `starts` if the next word starts sentences."""
    word, numbered = written.lower(), next_word[0].isdigit()
    if len(word) == 1:
        return word.isalpha()
    if word in _NEVER_END:
        # ING is a bank and Ing. a title; in a text in capitals they look alike.
        return numbered or not written.isupper() or next_word.isupper() or "." in word
    if word in _MAY_END or word.endswith("str") or _INITIALS.fullmatch(word):
        return numbered or not starts
    coded = len(next_word) == 1 and not starts  # No. F-2014
    return ((numbered or coded) and word in _BEFORE_NUMBER) or written == "MM"


def _is_ordinal(before: str, number: str, following: str) -> bool:
    if before == number:
        return True  # a number alone is not a sentence
    is_day = number.isdecimal() and 1 <= int(number) <= 31
    if following.isdecimal():
        return is_day and (int(following) <= 12 or (len(following) == 4 and bool(_DAY_AND_MONTH.search(before))))
    if following in _ORDINAL_NOUNS or (is_day and following in _MONTHS):
        return True
    if following in _STARTERS:
        return False
    if is_day and following in _SHARED_MONTHS and _LISTED.search(before):
        return True
    return bool(_DETERMINED.search(before)) or (following.endswith("s") and bool(_GENITIVE.search(before)))


def chunks_of(article: Article, count: CountTokens) -> list[Chunk]:
    """Return the chunks of an article in order; `count` maps texts to their numbers of WordPieces."""
    return [
        Chunk(
            chunk_id=f"{article.article_id}#{ordinal}",
            article_id=article.article_id,
            ordinal=ordinal,
            text=article.body[span.start : span.end],
            start_char=span.start,
            end_char=span.end,
            token_count=span.tokens,
        )
        for ordinal, span in enumerate(chunk_spans(article.body, count))
    ]


def chunk_spans(body: str, count: CountTokens, budget: int = CHUNK_TOKENS) -> list[ChunkSpan]:
    """Split a body into spans in order; each begins with a sentence and has at most `budget` tokens."""
    return [span for section in _sections(_pieces(body, _at_least(count), budget)) for span in _packed(section, budget)]


def _at_least(count: CountTokens) -> CountTokens:
    """Correct counts for words of more than a hundred letters, which the tokenizer counts as one piece each."""
    return lambda texts: [
        n if len(text) < LETTERS * max(n, 1) else len(text) // 10 for n, text in zip(count(texts), texts, strict=True)
    ]


def _pieces(body: str, count: CountTokens, budget: int) -> list[_Piece]:
    sentences = sentence_spans(body)
    counts = count([body[sentence.start : sentence.end] for sentence in sentences])
    pieces: list[_Piece] = []
    for sentence, tokens in zip(sentences, counts, strict=True):
        if tokens <= budget:
            pieces.append(_Piece(*sentence[:2], tokens, sentence.heading))
        else:
            pieces.extend(_cut(body, sentence, count, budget))
    return pieces


def _cut(body: str, sentence: Sentence, count: CountTokens, budget: int) -> Iterator[_Piece]:
    """Halve a sentence that is longer than a chunk, at a space if it has one, until each part fits."""
    text = body[sentence.start : sentence.end]
    tokens = count([text])[0]
    if tokens <= budget or len(text) < 2:
        yield _Piece(sentence.start, sentence.end, tokens, heading=False)
        return
    middle = len(text) // 2
    space = text.rfind(" ", 1, middle + 1)
    cut = space if space > 0 else middle
    left, right = text[:cut].rstrip(), text[cut:].lstrip()
    yield from _cut(body, Sentence(sentence.start, sentence.start + len(left)), count, budget)
    yield from _cut(body, Sentence(sentence.end - len(right), sentence.end), count, budget)


def _sections(pieces: Sequence[_Piece]) -> Iterator[list[_Piece]]:
    """Split before each heading; consecutive headings stay together."""
    section: list[_Piece] = []
    for piece in pieces:
        if piece.heading and section and not section[-1].heading:
            yield section
            section = []
        section.append(piece)
    if section:
        yield section


def _packed(section: Sequence[_Piece], budget: int) -> Iterator[ChunkSpan]:
    first = 0
    while first < len(section):
        last, tokens = first, section[first].tokens
        while last + 1 < len(section) and tokens + section[last + 1].tokens <= budget:
            last += 1
            tokens += section[last].tokens
        yield ChunkSpan(section[first].start, section[last].end, tokens)
        if last + 1 == len(section):
            return
        # Repeat the last sentence if it fits in the next chunk with the sentence after it.
        overlaps = last > first and section[last].tokens + section[last + 1].tokens <= budget
        first = last if overlaps else last + 1


def normal_form(form: Form, text: str) -> str:
    """Return a text in a normalisation form, with at most MOST_MARKS combining marks in a row.

    The only caller of `unicodedata.normalize`: sorting a run of marks takes quadratic time, hours for the largest
    article (issue 9), so a run is cut first.
    """
    if text.isascii():
        return text
    # Some marks become two when they are normalised.
    return _with_few_marks(unicodedata.normalize(form, _with_few_marks(text)))


def _with_few_marks(text: str) -> str:
    """Return a text with at most MOST_MARKS combining marks in a row."""
    # The range of the marks is searched forty times faster than the marks, and few texts need more.
    return _long_runs().sub(r"\1", text) if _MAY_BE_LONG.search(text) else text


def without_accents(text: str) -> str:
    """Return a text in NFKD without its combining marks."""
    return "".join(char for char in normal_form("NFKD", text) if not unicodedata.combining(char))


def folded(word: str) -> str:
    """Return a word in lower case as it is typed without accents, apostrophes and letters of other keyboards."""
    if word.isascii() and "'" not in word:
        return word
    return _ACCENTS.sub("", normal_form("NFKD", word)).translate(_PLAIN_LETTERS)


def words(text: str) -> list[str]:
    """Return the words of a text in lower case: possessives cut, abbreviations and numbers in one form."""
    found: list[str] = []
    for word in _WORD.findall(normal_form("NFKC", text).casefold().replace(_DOTTED_I, "i")):
        if word[0].isdigit():
            found.append(_THOUSANDS.sub("", word))
        elif "." in word:
            found.append(word.replace(".", ""))
        else:
            found.append(word.replace("’", "'").removesuffix("'s"))
    return found


@cache
def _long_runs() -> re.Pattern[str]:
    # Some letters, such as U+FF9E, are not marks but begin with one in NFKD.
    marks = "".join(
        char
        for char in map(chr, range(_FIRST_MARK, _END_OF_MARKS))
        if unicodedata.combining(unicodedata.normalize("NFKD", char)[0])
    )
    return re.compile(f"([{marks}]{{{MOST_MARKS}}})[{marks}]+")
