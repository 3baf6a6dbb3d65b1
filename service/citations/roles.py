"""Who says it, and who does what to whom: whether claim and source give a statement to the same name."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from index.text import sentence_spans
from service.citations.english import english, stem
from service.citations.names import Name, find_names, plain, with_plain_phrases

FAR = 90
"""Characters between a name and the verb that it may still be the subject of."""

REACH = 6
"""Words on either side of one that may be its subject or object."""

LEADING = 3
"""Content words that may stand before a clause's subject: `Council leader Orla Tennick`."""

_PASSIVE = re.compile(r"\b(?:is|are|was|were|be|been|being)\b.*\bby\b", re.IGNORECASE)
_BE = frozenset("is are was were be been being".split())
_CLAUSE = re.compile(r"[,;:.!?—–()]|\b(?:but|while|although|though|whereas)\b")

_FROM_TO = re.compile(r"\bfrom\s+[A-Z][\w'’. -]*?\s+to\s+[A-Z]")
_ACCORDING = re.compile(r"\baccording to\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


class Attribution(NamedTuple):
    """A statement's speaker: the plain tokens of the name, or of the noun phrase that stands for it."""

    names: frozenset[str]
    verb: str


def find_speakers(text: str) -> list[Attribution]:
    """Who is said to say something: the name before a reporting verb, or behind it, or behind `according to`."""
    text = with_plain_phrases(text)
    names = find_names(text, _starter)
    found = [
        _around(text, match, names) for match in _WORD.finditer(text) if match.group().lower() in english().reporting
    ]
    found += [_behind(match.end(), names, "according") for match in _ACCORDING.finditer(text)]
    return [attribution for attribution in found if attribution is not None]


def other_speaker(claim: str, source: str) -> str | None:
    """The speaker whom a claim names and the source does not, where the source names another; or None."""
    stated = find_speakers(source)
    if not stated:
        return None
    for attribution in find_speakers(claim):
        if not any(attribution.names & other.names for other in stated):
            return " ".join(sorted(attribution.names))
    return None


def swapped_roles(claim: str, source: str) -> str | None:
    """The word that a claim has between the same two sides as the source, but the other way round; or None."""
    stated = list(_relations(source))
    for word, left, right in _relations(claim):
        for other_word, other_left, other_right in stated:
            crossed = left & other_right and right & other_left
            if word == other_word and crossed and not left & other_left and not right & other_right:
                return word
    return _other_order(claim, source)


def other_subject(claim: str, source: str) -> str | None:
    """The name that a claim makes the subject of words which the source says of another name; or None."""
    claim, source = with_plain_phrases(claim), with_plain_phrases(source)
    sentences = [source[sentence.start : sentence.end] for sentence in sentence_spans(source)]
    for subject, predicate in _subjects(claim):
        told = [_told_of(word, subject, sentences) for word in predicate]
        against = told.count(False)
        if against and against >= told.count(True):
            return " ".join(sorted(subject))
    return None


def _subjects(claim: str) -> Iterator[tuple[frozenset[str], list[str]]]:
    """Each name that begins a clause, with the content stems that follow before the next name."""
    for clause in _CLAUSE.split(claim):
        names = find_names(clause, _starter)
        if not names or _PASSIVE.search(clause):
            continue
        run = [name for name in names if name.run == names[0].run]
        following = next((name.start for name in names if name.run != names[0].run), len(clause))
        start = run[-1].start + len(run[-1].token)
        if len(english().terms.of(clause[: run[0].start])) <= LEADING:
            yield _tokens(run), english().terms.of(clause[start:following])


def _told_of(word: str, subject: frozenset[str], sentences: Sequence[str]) -> bool | None:
    """Whether a source says a word of a name; None where it says it of nobody, twice, or in the passive."""
    places = [(text, match) for text in sentences for match in _WORD.finditer(text) if _stem(match) == word]
    if len(places) != 1:
        return None
    text, match = places[0]
    before, behind = text[: match.start()], text[match.end() :]
    named = {name.token for name in find_names(before, _starter) if name.telling}
    if not named or re.match(r"(?:\W+\w+){0,5}?\W+by\b", behind):
        return None
    near = re.match(r"(?:\W+\w+){1,3}", behind)
    beside = {name.token for name in find_names(near.group(), _starter)} if near else set()
    return bool(subject & (named | beside))


def _stem(match: re.Match[str]) -> str:
    return stem(plain(match.group()), english().terms)


def _relations(text: str) -> Iterator[tuple[str, frozenset[str], frozenset[str]]]:
    """Each content word with those that stand before and behind it in its clause; a passive is turned round."""
    for clause in _CLAUSE.split(with_plain_phrases(text)):
        words = [word.lower() for word in _WORD.findall(clause)]
        stems = [stem(plain(word), english().terms) for word in words]
        telling = [word not in english().terms.stop_words for word in words]
        for at, word in enumerate(stems):
            if telling[at]:
                left = frozenset(
                    s for s, t in zip(stems[max(0, at - REACH) : at], telling[max(0, at - REACH) :], strict=False) if t
                )
                right = frozenset(
                    s for s, t in zip(stems[at + 1 : at + 1 + REACH], telling[at + 1 :], strict=False) if t
                )
                passive = "by" in words[at + 1 : at + 1 + REACH] and any(w in _BE for w in words[max(0, at - 3) : at])
                yield (word, right, left) if passive else (word, left, right)


def _other_order(claim: str, source: str) -> str | None:
    """A word such as `beat` or `accused` between two names that the source's sentence has in the other order."""
    said = [match.group() for match in _WORD.finditer(claim) if match.group().lower() in english().directional]
    if _turned(claim) != _turned(source):
        return None
    runs = _runs(claim) if said or _FROM_TO.search(claim) else []
    for sentence in sentence_spans(source):
        text = with_plain_phrases(source[sentence.start : sentence.end]).casefold()
        places = [min((text.find(token) for token in run if token in text), default=-1) for run in runs]
        if len(places) > 1 and -1 not in places and places == sorted(places, reverse=True):
            return said[0] if said else "from"
    return None


def _runs(text: str) -> list[frozenset[str]]:
    """The tokens of each name of a text, in order."""
    runs: dict[int, list[Name]] = {}
    for name in find_names(with_plain_phrases(text), _starter):
        runs.setdefault(name.run, []).append(name)
    return [_tokens(run) for run in runs.values()]


def _turned(text: str) -> bool:
    return re.search(r"\b(?:by|lost to|fell to)\b", text, re.IGNORECASE) is not None


def _around(text: str, verb: re.Match[str], names: Sequence[Name]) -> Attribution | None:
    before = [name for name in names if name.start < verb.start() and verb.start() - name.start <= FAR]
    before = [name for name in before if not re.search(r"[.;!?“”\"]", text[name.start : verb.start()])]
    if before:
        return Attribution(
            _tokens(name for name in names if name.run == _subject(text, before, verb.start())), verb.group()
        )
    return _behind(verb.end(), names, verb.group(), near=12)


def _subject(text: str, before: Sequence[Name], verb_start: int) -> int:
    """The run that is the verb's subject: the first of its clause, so that an apposition's names do not count."""
    clause = max((match.end() for match in re.finditer(r"\b(?:and|but|while|that)\b", text[:verb_start])), default=0)
    in_clause = [name for name in before if name.start >= clause]
    return (in_clause or before)[0].run


def _behind(end: int, names: Sequence[Name], verb: str, near: int = 40) -> Attribution | None:
    following = [name for name in names if end <= name.start <= end + near]
    if not following:
        return None
    return Attribution(_tokens(name for name in names if name.run == following[0].run), verb)


def _tokens(names: Iterable[Name]) -> frozenset[str]:
    listed = list(names)
    return frozenset(name.token for name in listed if name.telling) or frozenset(name.token for name in listed)


def _starter(word: str) -> bool:
    return word in english().starters
