"""The words of one sentence of an article, and what stands around it: what it is about, its roles, its language."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from index.records import Article, Span
from index.text import sentence_spans
from service.conflicts.lexicon import CALENDAR, Lexicon, Table, lexicons, listed

NEAR = 6
"""Words before a value that may say of what it is; behind it, half as many."""

SCOPED = 8
"""Words before and behind a value that may limit it, within its part of the sentence."""

_TOKEN = re.compile(
    r"\d+(?:[.,:]\d+)*(?:[–-]\d+(?![\w–-]))?|[^\W\d_]+(?:['’-][^\W\d_]+)*|[€$£%]|[^\w\s]",
)
_GERMAN = re.compile(r"\b(?:der|die|das|und|ist|wurde|nicht|mit|eine?[mnrs]?|auf|im|am)\b")
_POSSESSIVE = re.compile(r"['’]s?$")
_BARE = frozenset("in aus bei nach von".split())
_SENTENCE_ENDS = frozenset('.!?:;“”"„»«(')
_ARTICLES = frozenset("the a an its their der die das dem den des".split())
_STOPS = frozenset(",;:()—–")


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
        """Return the words of a sentence; none if there is no such sentence."""
        if not 0 <= number < len(self.sentences):
            return []
        return tokens(self.article.body, self.sentences[number], self.lexicon)


GERMAN_WORDS = 5
"""Common German words at the beginning of a text that is not German, at most."""


@dataclass(frozen=True)
class Sentence:
    """A sentence of an article with what stands around it."""

    story: Story
    span: Span

    @property
    def article(self) -> Article:
        """The article."""
        return self.story.article

    @cached_property
    def lexicon(self) -> Lexicon:
        """The words of the article's language."""
        return self.story.lexicon

    @cached_property
    def tokens(self) -> list[Token]:
        """The words and signs of the sentence."""
        return tokens(self.article.body, self.span, self.lexicon)

    def scopes(self, start: int, end: int) -> frozenset[str]:
        """Return what limits the value at some tokens, in its part of the sentence: planned, women, per year."""
        first = next((at + 1 for at in range(start - 1, -1, -1) if self.tokens[at].text in _STOPS), 0)
        last = next((at for at in range(end, len(self.tokens)) if self.tokens[at].text in _STOPS), len(self.tokens))
        near = self.tokens[max(first, start - SCOPED) : min(last, end + SCOPED)]
        return frozenset(name for _, name in found_in(near, self.lexicon.scopes))

    @cached_property
    def previous(self) -> frozenset[str]:
        """The forms of the sentence before, if this one begins with a pronoun; else nothing."""
        if not any(token.lower in self.lexicon.words.pronouns for token in self.tokens[:2]):
            return frozenset()
        return frozenset(token.form for token in self.story.sentence(self._number - 1) if token.form)

    @cached_property
    def _number(self) -> int:
        """The place of the sentence among those of the article."""
        return next((at for at, each in enumerate(self.story.sentences) if each.end > self.span.start), 0)

    @cached_property
    def roles(self) -> frozenset[str]:
        """What became of the people who are counted: dead, injured, missing."""
        return frozenset(name for _, name in found_in(self.tokens, self.lexicon.roles))

    @cached_property
    def forms(self) -> frozenset[str]:
        """The forms of the sentence's words that are not names."""
        return frozenset(token.form for token in self.tokens if token.form and not token.is_name)

    @cached_property
    def around(self) -> list[Token]:
        """The words of the title, of the first sentence, and of the sentence with its neighbours."""
        numbers = sorted({0, self._number - 1, self._number + 1} - {self._number})
        return [*self.story.title, *(token for number in numbers for token in self.story.sentence(number))]

    @cached_property
    def context(self) -> frozenset[str]:
        """The forms of what the article is about near this sentence."""
        return frozenset(token.form for token in (*self.tokens, *self.around) if token.form)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names near this sentence."""
        return frozenset(token.form for token in (*self.tokens, *self.around) if token.form and token.is_name)

    @cached_property
    def subjects(self) -> frozenset[str]:
        """The forms of what the sentence may be about: its words without the names of places."""
        found, near = self.tokens, self.lexicon.words.near
        return self.previous.union(
            token.form
            for at, token in enumerate(found)
            if token.form and not (token.is_name and at and found[at - 1].lower in near)
        )

    @cached_property
    def modifiers(self) -> dict[str, frozenset[str]]:
        """What stands before a word that is not a name: `salt` before `museum`, `tower` before `of the church`."""
        found, words = self.tokens, self.lexicon.words
        modifiers: dict[str, set[str]] = {}
        for at, token in enumerate(found):
            if not token.form or token.is_name or not at:
                continue
            before = at - 1
            if found[before].form:
                modifiers.setdefault(token.form, set()).add(found[before].form)
            while before > 0 and found[before].is_name:
                before -= 1
            # Without an article the name is what stands behind the preposition: `the hall of Galt opened`.
            has_article = found[before].lower in _ARTICLES
            before -= has_article
            if has_article and before > 0 and found[before].lower in words.parts and found[before - 1].form:
                modifiers.setdefault(f"of {token.form}", set()).add(found[before - 1].form)
        return {form: frozenset(found) for form, found in modifiers.items()}

    @cached_property
    def named(self) -> frozenset[str]:
        """The names of the sentence."""
        return frozenset(token.form for token in self.tokens if token.form and token.is_name)

    @cached_property
    def is_doubtful(self) -> bool:
        """Whether the sentence leaves open what it speaks of."""
        return any(True for _ in found_in(self.tokens, self.lexicon.doubts))

    @cached_property
    def is_updated(self) -> bool:
        """Whether words say that a value has changed, or may change."""
        return any(True for _ in found_in(self.tokens, self.lexicon.updates))

    @cached_property
    def is_remaining(self) -> bool:
        """Whether words say that a count was another one before."""
        return any(True for _ in found_in(self.tokens, self.lexicon.remaining))

    @cached_property
    def is_moved(self) -> bool:
        """Whether words say that something has another date than before."""
        return any(True for _ in found_in(self.tokens, self.lexicon.moves))

    @cached_property
    def is_correction(self) -> bool:
        """Whether words near the sentence say that it corrects an earlier report."""
        return any(True for _ in found_in((*self.tokens, *self.around), self.lexicon.corrections))


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
            and lower[at] not in lexicon.words.titles
            and lower[at] not in lexicon.words.months
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


def window(found: Sequence[Token], start: int, end: int, *, before: int = NEAR) -> frozenset[str]:
    """Return the forms of the words near some tokens that are not names."""
    near = [*found[max(0, start - before) : start], *found[end : end + NEAR // 2]]
    return frozenset(token.form for token in near if token.form and not token.is_name)
