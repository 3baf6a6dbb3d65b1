"""The words of one sentence of an article, and what stands around it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from index.records import Article, Span
from index.text import sentence_spans
from service.citations.english import english
from service.conflicts.lexicon import CALENDAR, Lexicon, Table, lexicons, listed

GERMAN_WORDS = 5
"""Common German words at the beginning of a text that is not German, at most."""

_TOKEN = re.compile(
    r"\d+(?:[.,:]\d+)*(?:[–-]\d+(?![\w–-]))?|[^\W\d_]+(?:['’-][^\W\d_]+)*|[€$£%]|[^\w\s]",
)
_GERMAN = re.compile(r"\b(?:der|die|das|und|ist|wurde|nicht|mit|eine?[mnrs]?|auf|im|am)\b")
_POSSESSIVE = re.compile(r"['’]s?$")
_BARE = frozenset("in aus bei nach von".split())
_SENTENCE_ENDS = frozenset('.!?:;“”"„»«(')
_CLAUSE_ENDS = frozenset([*",;:()—–", "and", "but", "und", "aber"])


class Token(NamedTuple):
    """A word or sign of a sentence, its place in the body, its form, and whether it is part of a name.

    The form is the concept that `lexicon.json` lists, or the stem; a stop word, a number and a sign have none.
    """

    text: str
    lower: str
    start: int
    end: int
    form: str
    is_name: bool


@dataclass(frozen=True)
class Story:
    """An article, read once for all of its sentences."""

    article: Article

    @cached_property
    def lexicon(self) -> Lexicon:
        """The words of the article's language; its text decides if the article does not say."""
        language = (self.article.language or "").casefold()[:2]
        if language not in lexicons():
            language = "de" if len(_GERMAN.findall(self.article.body[:600])) > GERMAN_WORDS else "en"
        return lexicons()[language]

    @cached_property
    def sentences(self) -> list[Span]:
        """The sentences of the body."""
        return [Span(*each[:2]) for each in sentence_spans(self.article.body)]

    @cached_property
    def title(self) -> list[Token]:
        """The words of the title; their places are places in the title."""
        title = self.article.title or ""
        return tokens(title, Span(0, len(title)), self.lexicon)

    def sentence(self, number: int) -> list[Token]:
        """Return the words of a sentence; empty if there is not such a sentence."""
        if not 0 <= number < len(self.sentences):
            return []
        return tokens(self.article.body, self.sentences[number], self.lexicon)


@dataclass(frozen=True)
class Sentence:
    """A sentence of an article with what stands around it."""

    story: Story
    span: Span

    @property
    def article(self) -> Article:
        """The article."""
        return self.story.article

    @property
    def lexicon(self) -> Lexicon:
        """The words of the article's language."""
        return self.story.lexicon

    @cached_property
    def tokens(self) -> list[Token]:
        """The words and signs of the sentence."""
        return tokens(self.article.body, self.span, self.lexicon)

    @cached_property
    def number(self) -> int:
        """The place of the sentence among those of the article."""
        return next((at for at, each in enumerate(self.story.sentences) if each.end > self.span.start), 0)

    @cached_property
    def neighbourhood(self) -> Span:
        """The place of the sentence with its neighbours."""
        near = self.story.sentences[max(0, self.number - 1) : self.number + 2]
        return Span(min([self.span.start, *(each.start for each in near)]), max(self.span.end, *(s.end for s in near)))

    @cached_property
    def context(self) -> frozenset[str]:
        """The forms of the title, of the first sentence, and of the sentence with its neighbours."""
        return frozenset(token.form for token in (*self.tokens, *self._around) if token.form)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names near this sentence."""
        return frozenset(token.form for token in (*self.tokens, *self._around) if token.form and token.is_name)

    @cached_property
    def is_updated(self) -> bool:
        """Whether words say that a value has changed, or may change."""
        return any(True for _ in found_in(self.tokens, self.lexicon.updates))

    @cached_property
    def is_correction(self) -> bool:
        """Whether words near the sentence say that it corrects an earlier report."""
        return any(True for _ in found_in((*self.tokens, *self._around), self.lexicon.corrections))

    @cached_property
    def _around(self) -> list[Token]:
        numbers = sorted({0, self.number - 1, self.number + 1} - {self.number})
        return [*self.story.title, *(token for number in numbers for token in self.story.sentence(number))]

    def clause(self, first: int, last: int) -> range:
        """Return the numbers of the tokens of the part of the sentence that some tokens are in.

        A name or number between commas belongs to the part before it: `its mayor, Ina Farr, opened`.
        """
        start, end = self._part(first, -1, -1) + 1, self._part(last, len(self.tokens), 1)
        if start and not any(self.tokens[at].form for at in (*range(start, first), *range(last, end))):
            start = self._part(start - 1, -1, -1) + 1
        return range(start, end)

    def _part(self, at: int, end: int, step: int) -> int:
        """Return the first token before or behind a place that ends a part of the sentence, else `end`."""
        found = self.tokens
        for place in range(at + min(step, 0), end, step):
            is_listed = 0 < place < len(found) - 1 and found[place - 1].is_name and found[place + 1].is_name
            if found[place].lower in _CLAUSE_ENDS and not is_listed:
                return place
        return end


def tokens(body: str, span: Span, lexicon: Lexicon) -> list[Token]:
    """Return the words and signs of a span of a body."""
    found = list(_TOKEN.finditer(body, *span))
    lower = [each.group().casefold() for each in found]
    forms = [""] * len(found)
    for at, word in enumerate(lower):
        if word[0].isalpha():
            plain = _POSSESSIVE.sub("", word)
            forms[at] = "" if plain in lexicon.ignored else lexicon.form(plain)
    for at, end, name in listed(lower, lexicon.concepts):
        forms[at:end] = [name] * (end - at)
    capital = [each.group()[0].isupper() for each in found]
    noun = [each and word not in lexicon.terms.stop_words for each, word in zip(capital, lower, strict=True)]
    result = []
    for at, each in enumerate(found):
        starts = at == 0 or lower[at - 1] in _SENTENCE_ENDS
        is_name = (
            capital[at]
            and lower[at] not in lexicon.terms.stop_words
            and lower[at] not in lexicon.words.months
            and lower[at] not in english().titles
            and _POSSESSIVE.sub("", lower[at]) not in CALENDAR
            and (not starts or (at + 1 < len(found) and capital[at + 1]) or _is_owner(lower[at], lexicon))
            and (lexicon.is_english or _is_german_name(lower, noun, at))
        )
        result.append(Token(each.group(), lower[at], each.start(), each.end(), forms[at], is_name))
    return result


def _is_owner(word: str, lexicon: Lexicon) -> bool:
    """Return whether the first word of a sentence is a name: `Harne's mayor`, not `Today's mayor`."""
    plain = _POSSESSIVE.sub("", word)
    return lexicon.is_english and plain != word and plain not in lexicon.ignored | lexicon.terms.stop_words


def _is_german_name(lower: Sequence[str], noun: Sequence[bool], at: int) -> bool:
    """Return whether a noun is a name: behind a preposition without an article, or beside another noun."""
    is_behind = at > 0 and (lower[at - 1] in _BARE or noun[at - 1])
    return is_behind or (at + 1 < len(noun) and noun[at + 1])


def found_in(found: Sequence[Token], table: Table) -> Iterator[tuple[int, str]]:
    """Yield the places of listed phrases among words, with the name of their list."""
    lower = [token.lower for token in found]
    for at, end, name in listed(lower, table):
        # `more than 30` is a bound, `for the first time` no scope.
        if lower[end : end + 1] not in (["than"], ["time"]):
            yield at, name
