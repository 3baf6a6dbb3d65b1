"""The words of a question, in English and German: what it asks, whether it is a follow-up or about the present.

The search text is what is searched and scored: the asking sentences, in the spelling of the articles. A preface or a
sign-off would dilute the question's vector and its terms, and a mistyped word matches nothing. On the fitting set of
`benchmarks/answerability`, a preface of twenty sentences left 1 answer of 200 without this.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import dropwhile, islice
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, TypeAdapter

from index.lexical import LexicalIndex
from index.text import sentence_spans
from service.readers.evidence import GENERAL

Words = Annotated[frozenset[str], BeforeValidator(str.split)]
"""Words, in the file one string with spaces between them."""
Phrases = Annotated[re.Pattern[str], BeforeValidator("|".join)]
"""A pattern, in the file a list of alternatives."""

STANDS_ALONE = 3
"""Words of content with which a sentence is understood without the sentences before it; a name is enough as well."""

LONG_PREFACE = 2
"""Sentences of context that a question may bring; of more, only the last and the names are kept."""

SHORT_REST = 4
"""Words behind the question that belong to it if one of them is a number: "How much was it in May? 2022"."""

MOST_UNKNOWN = 12
"""Unknown words that are looked up, because one takes up to 4 ms in an archive of 100,000 words."""

CERTAIN_LENGTH = 6
"""Letters from which on a capitalised first word is corrected to any word, not only to one like `when`."""

_ASKS = re.compile(r"[?？؟][\s\"'”’»“)\]]*$")
_QUESTION_WORD = re.compile(
    r"(?:(?:and|so|but|by|in|on|at|to|for|from|of|with|und|an|auf|bei|mit|von|für|nach|seit|um|zu) )?(?:the )?"
    r"(?:who|whom|whose|what|why|which|how|(?:when|where)(?= (?:is|are|was|were|do|does|did|has|have|had|can|will)\b)"
    r"|wer|wen|wem|wessen|wann|wo|woher|wohin|warum|wieso|welche[rsmn]?|wie)\b",
    re.IGNORECASE,
)
_OPENS = re.compile(
    rf"{_QUESTION_WORD.pattern}|(?:is|are|was|were|do(?! not)|does|did|has|can)\b"
    r"|.*\b(?:to (?:know|find out|learn)|tell (?:me|us)|let (?:me|us) know|wonder(?:ing)?|wüsste|wissen)\b",
    re.IGNORECASE | re.DOTALL,
)
_BEGINS = re.compile(
    rf"(?<=[.!…])\s+(?={_QUESTION_WORD.pattern}|(?-i:is|are|was|were|do(?! not)|does|did|has|can)\b)", re.IGNORECASE
)
_FIGURE = re.compile(r"\d")
_LEAD = re.compile(r"[^:：?]{1,80}[:：]\s+(?=\S+\s+\S+)")
_INNER_NAME = re.compile(r"(?<=[^\W\d_] )[A-ZÄÖÜ][^\W\d_]{2,}")
_SMALL = re.compile(r"\b[a-zäöüß][^\W\d_]{2,}")
_LETTERS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)*")
_CONTRACTED = re.compile(
    r"\b(?:(do|does|did|is|are|was|were|should|could|would|has|have|had|ca)nt|(what|who|where|when|how|that)s)\b",
    re.IGNORECASE,
)
_SPACED_NUMBER = re.compile(r"(?<![\d.,])\d{1,3}(?:\s\d{3})+(?![\d.,]*\d)")
# The verb, which the span reader takes for the adjective: "the last session ran for 19 hours" of a strike.
_LAST = re.compile(
    r"(\bhow long (?:did|does|do|will|would|can|has|have|had)\b.*)\blast(?=\W*(?:$|(?:in|on|for|at)\b))", re.IGNORECASE
)
_DIGRAPH = re.compile(r"([aou])e", re.IGNORECASE)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "å": "aa", "Å": "Aa"})

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_LAST_PERSON, _BESIDES = frozenset({"her", "him"}), frozenset({"before", "after"})
_PLURALS = frozenset({"they", "their", "them", "theirs"})
_PEOPLE = frozenset({"people", "police", "children", "women", "men"})

_SENTENCE = re.compile(r"(?<=[.?!…])\s+")
_SHORT_IS = re.compile(r"\b(who|what|where|when|how|why|which|it|there|that)'s\b")
_WHO_IS = re.compile(r"(?:(?:who|what) (?:is|are)|(?:who|what)'s|(?:wer|was) (?:ist|sind))\s+([^?]+)\??", re.IGNORECASE)
_DATE = re.compile(
    r"\b1\d{3}s?\b|\b20\d\ds?\b|\b\d{1,2}[./]\s?\d{1,2}\b"
    r"|\b(?:january|february|april|june|july|august|september|october|november|december)\b"
    r"|\b(?:in|since|of|by|until|from|early|mid|late|last|this|next) (?:march|may)\b|\b(?:march|may) \d"
    r"|\d(?:st|nd|rd|th)? (?:of )?(?:march|may)\b"
    r"|\b(?:januar|jänner|februar|märz|mai|juni|juli|oktober|dezember)\b"
)


@dataclass(frozen=True, slots=True)
class Language:
    """The words of a language that show whether a question needs a conversation, and the time that it asks about."""

    finite: Words
    """Verbs and question words that make a fragment a complete question."""
    prepositions: Words
    fillers: Words
    """More words without content of their own."""
    fragment: Phrases
    """Openings of a fragment, which depends on the conversation if it has no finite word."""
    pointing: Phrases
    """Phrases that always depend on the conversation."""
    idle: Phrases
    """Phrases whose "it" refers to nothing: "Is it true that …"."""
    subjects: Words
    """Pronouns that an earlier noun of the question explains."""
    objects: Words
    """Pronouns that an earlier noun explains only across a conjunction: "accept the offer or reject it"."""
    either: Words
    """Pronouns whose place decides which of the two they are."""
    joining: Words
    determiners: Words
    bare: Phrases
    """Words that say too little as the only word of content: "Who won?"."""

    lead: Phrases
    """Words that may come before the question itself: a greeting, "and", "do you know"."""
    questions: Words
    openers: Words
    """Verbs that open a question about the present."""
    present: Words
    other: Words
    """Finite verbs that are not in the present: the first finite verb decides."""
    before_verb: Words
    """Words before a verb that is not the question's own: "the bridge that is …", "the run"."""
    past: Phrases
    now: Phrases
    """Words for the present; a word for the past takes precedence."""
    today: Phrases
    """Words for the day of the question, in any tense."""
    timeless: Phrases
    """Openings that ask for a meaning, a reason or whether a report is true."""

    @property
    def function(self) -> frozenset[str]:
        """All words without content of their own."""
        pronouns = self.subjects | self.objects | self.either
        return self.finite | self.prepositions | self.fillers | self.determiners | self.joining | pronouns


@cache
def languages() -> dict[str, Language]:
    """Return the words of English and German, by the name of the language."""
    file = Path(__file__).with_suffix(".json")
    return TypeAdapter(dict[str, Language]).validate_json(file.read_bytes())


@cache
def _empty_words() -> frozenset[str]:
    """Return the words that have no content of their own, and those of any question."""
    return frozenset(GENERAL.split()).union(*(language.function for language in languages().values()))


def search_text(question: str, lexical: LexicalIndex) -> str:
    """Return the text to search a generation by; most questions are their own."""
    text = _SPACED_NUMBER.sub(lambda number: _joined(number.group(), lexical), asking(question))
    text = _CONTRACTED.sub(_with_apostrophe, text)
    return _LAST.sub(r"\1go on", text if lexical.has(text) else _respelled(text, lexical))


def capitalised(question: str, texts: Iterable[str]) -> str:
    """Return a question in small letters with capitals where texts write a word inside a sentence only with one."""
    if any(letter.isupper() for letter in question[1:]):
        return question
    text = "\n".join(texts)
    named = {name.casefold() for name in _INNER_NAME.findall(text)} - set(_SMALL.findall(text))
    return _SMALL.sub(lambda word: word[0].capitalize() if word[0] in named else word[0], question)


def _respelled(text: str, lexical: LexicalIndex) -> str:
    """Return a text with its mistyped words as the articles spell them."""
    found = list(_LETTERS.finditer(text))
    # Capitals throughout distinguish no name.
    capitals = len(found) >= STANDS_ALONE and all(word.group()[0].isupper() for word in found[1:])
    parts, end = [], 0
    for word in islice((word for word in found if not lexical.has(word.group())), MOST_UNKNOWN):
        parts += [text[end : word.start()], _spelled(word, lexical, capitals=capitals)]
        end = word.end()
    return "".join([*parts, text[end:]])


def _with_apostrophe(word: re.Match[str]) -> str:
    return f"{word[1]}n't" if word[1] else f"{word[2]}'s"


def _joined(number: str, lexical: LexicalIndex) -> str:
    joined = "".join(number.split())
    return joined if lexical.has(joined) else number


def _spelled(found: re.Match[str], lexical: LexicalIndex, *, capitals: bool) -> str:
    """Return a word that no chunk has as the articles write it, or as it is.

    An absent name is not corrected, because a question about an unknown person has no answer. Only the digraphs of
    umlauts are typed for one another.
    """
    word = found.group()
    for variant in (_DIGRAPH.sub(r"\1", word), word.translate(_UMLAUTS)):
        if variant != word and lexical.has(variant):
            return variant
    is_first = not _LETTERS.search(found.string, 0, found.start())
    if not word.isalpha() or not (word.islower() or capitals or is_first):
        return word
    near = lexical.spelling.corrected(word)
    if near is None or (word[0].isupper() and not capitals and len(word) < CERTAIN_LENGTH and lexical.terms.of(near)):
        return word
    return near.upper() if word.isupper() else near.capitalize() if word[0].isupper() else near


def asking(question: str) -> str:
    """Return the sentences of a question that ask, with the sentences or names before them if they need these."""
    spans = sentence_spans(question, headings=False)
    # A question typed in small letters is in the span of the sentence before it.
    sentences = [part for span in spans for part in _BEGINS.split(question[span.start : span.end])]
    if len(sentences) == 1 and not _LEAD.match(question):
        return question
    sentences = [_without_lead(sentence) for sentence in sentences]
    asks = _asking_places(sentences)
    if not asks:
        return question
    asked, before, after = " ".join(sentences[at] for at in asks), sentences[: asks[0]], sentences[asks[-1] + 1 :]
    rest = " ".join(after)
    if _FIGURE.search(rest) and len(rest.split()) <= SHORT_REST:
        asked = f"{asked} {rest}"
    elif not before and not _NAME.search(asked) and len(_content(asked)) < STANDS_ALONE and is_follow_up(asked):
        before = after[:LONG_PREFACE]  # "When did it open? I mean the library."
    return " ".join([*_context(before, asked), asked])


def _asking_places(sentences: Sequence[str]) -> list[int]:
    """Return the places of the sentences that ask: with a question mark, or opening as questions and requests do."""
    marked = [at for at, sentence in enumerate(sentences) if _ASKS.search(sentence)]
    # "Can you help me?" before the question is a part of the preface.
    marked = list(dropwhile(lambda at: not _content(sentences[at]), marked))
    opens = _QUESTION_WORD if marked else _OPENS
    return sorted({*marked, *(at for at, sentence in enumerate(sentences) if opens.match(sentence))})


def _context(before: Sequence[str], asked: str) -> list[str]:
    """Return what a question needs of the sentences before it: nothing, all, or their names and the last of them."""
    names = dict.fromkeys(name for sentence in before for name in _NAME.findall(sentence))
    is_long = len(before) > LONG_PREFACE
    enough = STANDS_ALONE + (bool(names) and not is_long)  # a short context with a name may say what it is about
    stands_alone = len(_content(asked)) >= enough or _NAME.search(asked) is not None
    if stands_alone and not is_follow_up(asked):
        return []
    if not is_long:
        return list(before)
    return [", ".join(names) + "."] * bool(names) + list(before[-1:]) * (not stands_alone)


def _content(text: str) -> list[str]:
    return [word for word in _LETTERS.findall(text.casefold()) if word not in _empty_words()]


def _without_lead(sentence: str) -> str:
    """Return a sentence without the words before its colon, if they only announce the question."""
    lead = _LEAD.match(sentence)
    return sentence[lead.end() :] if lead and not _content(lead.group()) else sentence


def is_follow_up(question: str) -> bool:
    """Return whether a question needs an earlier message: it has a pronoun, an ellipsis, or no content word."""
    language, _, words = _read(question)
    plain = " ".join(words)
    content = [word for word in words if word not in language.function]
    is_clause = not language.finite.isdisjoint(words)
    return (
        not content
        or language.pointing.search(plain) is not None
        or (language.fragment.match(plain) is not None and not is_clause)
        or (is_clause and len(content) == 1 and language.bare.fullmatch(content[0]) is not None)
        or bool(unexplained(question))
    )


def unexplained(question: str) -> list[re.Match[str]]:
    """Return the pronouns of a question that refer to an earlier message, because their noun is not before them."""
    language, found, words = _read(question)
    written = [word.group() for word in found]
    idle = language.idle.search(" ".join(words)) is not None
    pronouns = language.subjects | language.objects | language.either
    return [
        found[place]
        for place, word in enumerate(words)
        if word in pronouns and not (idle and word in {"it", "es"}) and _is_unexplained(place, written, words, language)
    ]


def _read(question: str) -> tuple[Language, list[re.Match[str]], list[str]]:
    """Return the language of a question, and its words as written and in small letters."""
    found = list(_WORD.finditer(question))
    words = [word.group().lower().replace("’", "'") for word in found]
    return max(languages().values(), key=lambda each: sum(word in each.function for word in words)), found, words


def _is_unexplained(place: int, written: list[str], words: list[str], language: Language) -> bool:
    noun = _noun_before(place, written, words, language)
    if noun is None or (words[place] in _LAST_PERSON and place == len(words) - 1 and words[place - 1] in _BESIDES):
        return True  # "Who did the job before her?"
    # "How many books did it lose?": the noun is what the question asks for, unless a clause comes first.
    is_asked = words[place - 1] in language.finite - language.questions and words[0] in language.questions
    return (is_asked or _is_object(place, words, language)) and language.joining.isdisjoint(words[noun:place])


def _is_object(place: int, words: list[str], language: Language) -> bool:
    """Return whether a pronoun is an object: by its form, at the end of the question or after a preposition."""
    if words[place] not in language.either:
        return words[place] in language.objects
    last = place == len(words) - 1
    if words[place] == "her":
        return last or words[place + 1] in language.function
    return last or words[place - 1] in language.prepositions


def _noun_before(place: int, written: list[str], words: list[str], language: Language) -> int | None:
    """Return the first word that a pronoun may refer to: a name, or a noun after its determiner."""
    for noun in range(1, place):
        if words[noun] in language.function:
            continue
        before = words[noun - 1]
        if before not in language.function and noun > 1:
            before = words[noun - 2]  # "the new mayor"
        plural = words[noun].endswith("s") or words[noun] in _PEOPLE
        if written[noun][0].isupper() or before in language.determiners or (plural and words[place] in _PLURALS):
            return noun
    return None


def asks_about_present(question: str) -> bool:
    """Return whether a question asks for a state of the present: "Is the bridge open?", "Who is the mayor?".

    A question with a date, a word for the past or an unknown form is not about the present.
    """
    text = " ".join(question.replace("’", "'").split())
    plain = _SHORT_IS.sub(r"\1 is", text.lower())
    if _DATE.search(plain):
        return False
    named = _WHO_IS.fullmatch(text)
    if named and all(word[0].isupper() and "'s" not in word for word in named[1].split()):
        return False  # "Who is Benedikt Orlo?" asks about a name, and not for who holds an office.
    known = languages().values()
    return any(_is_present(sentence, language) for sentence in _SENTENCE.split(plain) for language in known)


def _is_present(sentence: str, language: Language) -> bool:
    if language.today.search(sentence):
        return True
    asked = language.lead.sub("", sentence)
    if language.past.search(asked) or language.timeless.search(asked):
        return False
    if language.now.search(asked):
        return True
    words = _WORD.findall(asked)
    if not words or words[0] in language.openers:
        return bool(words)
    # "At what time …": the question word may come second.
    if not language.questions & set(words[:2]):
        return False
    finite = language.present | language.other
    first = next((place for place, word in enumerate(words) if word in finite), 0)
    return words[first] in language.present and (first < 2 or words[first - 1] not in language.before_verb)
