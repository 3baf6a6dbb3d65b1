"""Compare who says what, and who does what to whom, in a claim and in its source."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from index.text import sentence_spans
from service.citations.english import english, stem
from service.citations.names import Name, find_names, folded, is_starter, known_as, plain, tokens_of, with_plain_phrases

FAR = 90
"""Characters between a subject and its verb, at most."""

_WAS = re.compile(r"\b(?:is|are|was|were|be|been|being)\s+(?:\w+ly\s+)?$", re.IGNORECASE)
_APPOSITION = re.compile(r",\s+[^\W\dA-Z_][^,]*,\s*$")
_PREPOSITION = re.compile(r"\b(?:in|at|near|from|with|for|by|of|on|to|against|over)\s+(?:the\s+)?$", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")

_ACCORDING = re.compile(r"\baccording to\b", re.IGNORECASE)
_ACCORDING_TO = re.compile(r"\baccording to ([^,.;]+)[,.;]?", re.IGNORECASE)
_PRONOUN_SPEAKER = re.compile(r"\b(?:he|she|they|it|who|which)\b\W*$", re.IGNORECASE)

REACH = 6
"""Words on either side of a verb that may be its subject or object."""

LEADING = 3
"""Content words that may stand before a clause's subject: `Council leader Orla Tennick`."""

_PASSIVE = re.compile(r"\b(?:is|are|was|were|be|been|being)\b.*\bby\b", re.IGNORECASE)
_BE = frozenset("is are was were be been being".split())
_CLAUSE = re.compile(r"[,;:.!?—–()]|\b(?:but|while|although|though|whereas)\b")
_BORDER = re.compile(r"[;:.!?—–()]|\b(?:that|because|when|after|before|but|while|although|though|whereas)\b")
_FROM_TO = re.compile(r"\bfrom\s+[A-Z][\w'’. -]*?\s+to\s+[A-Z]")


class Attribution(NamedTuple):
    """A statement's speaker: the plain tokens of the name, or of a noun phrase instead of it."""

    names: frozenset[str]
    verb: str


def find_speakers(text: str) -> list[Attribution]:
    """Return the speakers of a text: the name before or behind a reporting verb, or behind `according to`."""
    text = with_plain_phrases(text)
    names = find_names(text, is_starter)
    found = [
        _behind_by(text, match, names) if _WAS.search(text[: match.start()]) else _around(text, match, names)
        for match in _WORD.finditer(text)
        if match.group().lower() in english().reporting
    ]
    found += [_behind(match.end(), names, "according") for match in _ACCORDING.finditer(text)]
    return [attribution for attribution in found if attribution is not None]


def wrong_speaker(claim: str, source: str) -> str | None:
    """Return a speaker of the claim that the source lacks although it names another; or None."""
    stated = find_speakers(source)
    if not stated:
        return None
    for attribution in find_speakers(claim):
        if not any(attribution.names & other.names for other in stated):
            return " ".join(sorted(attribution.names))
    return None


def _around(text: str, verb: re.Match[str], names: Sequence[Name]) -> Attribution | None:
    before = [name for name in names if name.start < verb.start() and verb.start() - name.start <= FAR]
    before = [name for name in before if not re.search(r"[.;!?“”\"]", text[name.start : verb.start()])]
    if before:
        return Attribution(known_as(_subject(text[: verb.start()], before)), verb.group())
    return _behind(verb.end(), names, verb.group(), near=12)


def _behind_by(text: str, verb: re.Match[str], names: Sequence[Name]) -> Attribution | None:
    """Return the agent of a passive, `was accused of fraud by Holt`; None without a name."""
    agent = re.compile(r"[^.;:!?]*?\bby\b").match(text, verb.end())
    return _behind(agent.end(), names, verb.group(), near=12) if agent else None


def _subject(lead: str, before: Sequence[Name]) -> list[Name]:
    """Return a verb's subject: the nearest name in its clause but places and appositions; else the first."""
    apposition = _APPOSITION.search(lead)
    clause = max((match.end() for match in re.finditer(r"\b(?:and|but|while|that)\b", lead)), default=0)
    listed = [name for name in before if name.start >= clause] or list(before)
    runs = list(dict.fromkeys(name.run for name in listed))
    for run in reversed(runs):
        start = min(name.start for name in listed if name.run == run)
        within = apposition is not None and start >= apposition.start()
        if not within and not _PREPOSITION.search(lead[:start]):
            return [name for name in listed if name.run == run]
    return [name for name in listed if name.run == runs[0]]


def _behind(end: int, names: Sequence[Name], verb: str, near: int = 40) -> Attribution | None:
    following = [name for name in names if end <= name.start <= end + near]
    if not following:
        return None
    return Attribution(known_as(name for name in names if name.run == following[0].run), verb)


class _Statement(NamedTuple):
    """The stems of a speaker and of what is said."""

    speaker: frozenset[str]
    said: frozenset[str]


def misattributed(claim: str, source: str) -> str | None:
    """Return the speaker to whom a claim wrongly attributes a statement of its source, or None.

    The source must name the speaker in another sentence: a speaker described in other words is not another one.
    """
    sentences = [source[s.start : s.end] for s in sentence_spans(with_plain_phrases(source))]
    stems = [_stems(sentence) for sentence in sentences]
    plain_claim = with_plain_phrases(claim)
    for statement in (each for s in sentence_spans(plain_claim) for each in _statements(plain_claim[s.start : s.end])):
        if not statement.said or not statement.speaker:
            continue
        closest = max(range(len(sentences)), key=lambda at: len(statement.said & stems[at]), default=None)
        if closest is None or not statement.said & stems[closest] or statement.speaker & stems[closest]:
            continue
        spoken_elsewhere = any(statement.speaker & words for at, words in enumerate(stems) if at != closest)
        if spoken_elsewhere and _has_speaker(sentences[closest]):
            return " ".join(sorted(statement.speaker))
    return None


def _statements(text: str) -> Iterator[_Statement]:
    """Yield speaker and statement around the first reporting verb, and behind `according to`."""
    according = _ACCORDING_TO.search(text)
    if according:
        yield _Statement(_stems(according[1]), _stems(text[: according.start()] + text[according.end() :]))
    verb = next((m for m in _WORD.finditer(text) if m.group().lower() in english().reporting), None)
    if verb and not according:
        yield _Statement(_stems(text[: verb.start()].rpartition(", but ")[2]), _stems(text[verb.end() :]))


def _has_speaker(sentence: str) -> bool:
    """Return whether a sentence has a reporting verb whose subject is not a pronoun."""
    verbs = (match for match in _WORD.finditer(sentence) if match.group().lower() in english().reporting)
    return any(not _PRONOUN_SPEAKER.search(sentence[: verb.start()]) for verb in verbs)


def _stems(text: str) -> frozenset[str]:
    words = (match.group() for match in _WORD.finditer(text))
    content = (word for word in words if word.lower() not in english().terms.stop_words)
    return frozenset(stem(plain(word), english().terms) for word in content if word.lower() not in english().reporting)


def swapped_roles(claim: str, source: str) -> str | None:
    """Return a word whose two sides in the claim are exchanged in the source, or None."""
    stated = list(_relations(source))
    for word, left, right in _relations(claim):
        for other_word, other_left, other_right in stated:
            crossed = left & other_right - other_left and right & other_left - other_right
            stayed = left & other_left or right & other_right
            # `Sued over the pier`: other words that both sides share do not distinguish them.
            if word == other_word and crossed and (not stayed or word in english().directional_stems):
                return word
    return _other_order(claim, source)


def wrong_subject(claim: str, source: str) -> str | None:
    """Return a name of the claim whose words the source says of another name, or None."""
    claim, source = with_plain_phrases(claim), with_plain_phrases(source)
    sentences = [source[sentence.start : sentence.end] for sentence in sentence_spans(source)]
    for subject, predicate in _subjects(claim):
        said = [_said_of(word, subject, sentences) for word in predicate]
        against = said.count(False)
        if against and against >= said.count(True):
            return " ".join(sorted(subject))
    return None


def _subjects(claim: str) -> Iterator[tuple[frozenset[str], list[str]]]:
    """Yield each name that begins a clause, with the content stems that follow before the next name."""
    for clause in _CLAUSE.split(claim):
        names = find_names(clause, is_starter)
        if not names or _PASSIVE.search(clause):
            continue
        run = [name for name in names if name.run == names[0].run]
        following = next((name.start for name in names if name.run != names[0].run), len(clause))
        start = run[-1].start + len(run[-1].token)
        if len(english().terms.of(clause[: run[0].start])) <= LEADING:
            yield known_as(run), english().terms.of(clause[start:following])


def _said_of(word: str, subject: frozenset[str], sentences: Sequence[str]) -> bool | None:
    """Return whether a source says a word of a name; None if it says it of no name, twice, or in the passive."""
    places = [(text, match) for text in sentences for match in _WORD.finditer(text) if _stem(match) == word]
    if len(places) != 1:
        return None
    text, match = places[0]
    before, behind = text[: match.start()], text[match.end() :]
    named = _named(find_names(before, is_starter), distinctive=True)
    if not named or re.match(r"(?:\W+\w+){0,5}?\W+by\b", behind):
        return None
    near = re.match(r"(?:\W+\w+){1,3}", behind)
    beside = _named(find_names(near.group(), is_starter), distinctive=False) if near else frozenset()
    return bool(subject & (named | beside))


def _named(names: Iterable[Name], *, distinctive: bool) -> frozenset[str]:
    """Return the tokens and acronyms of names; with `distinctive`, only of those with a distinctive word."""
    runs: dict[int, list[Name]] = {}
    for name in names:
        runs.setdefault(name.run, []).append(name)
    wanted = (run for run in runs.values() if not distinctive or any(name.distinctive for name in run))
    return frozenset(token for run in wanted for token in known_as(run))


def _stem(match: re.Match[str]) -> str:
    return stem(plain(match.group()), english().terms)


def _relations(text: str) -> Iterator[tuple[str, frozenset[str], frozenset[str]]]:
    """Yield each content word with those before and behind it in its clause; a passive has its sides exchanged."""
    for clause in _CLAUSE.split(with_plain_phrases(text)):
        words = [word.lower() for word in _WORD.findall(clause)]
        stems = [stem(plain(word), english().terms) for word in words]
        is_content = [word not in english().terms.stop_words for word in words]
        for at, word in enumerate(stems):
            if is_content[at]:
                left = frozenset(
                    s
                    for s, t in zip(stems[max(0, at - REACH) : at], is_content[max(0, at - REACH) :], strict=False)
                    if t
                )
                right = frozenset(
                    s for s, t in zip(stems[at + 1 : at + 1 + REACH], is_content[at + 1 :], strict=False) if t
                )
                passive = "by" in words[at + 1 : at + 1 + REACH] and any(w in _BE for w in words[max(0, at - 3) : at])
                yield (word, right, left) if passive else (word, left, right)


def _other_order(claim: str, source: str) -> str | None:
    """Return a word such as `beat` between two names that a sentence of the source has in the other order, or None."""
    if _is_passive(claim) != _is_passive(source):
        return None
    for clause in _BORDER.split(claim):
        said = [match.group() for match in _WORD.finditer(clause) if match.group().lower() in english().directional]
        runs = _runs(clause) if said or _FROM_TO.search(clause) else []
        for sentence in sentence_spans(source):
            text = folded(with_plain_phrases(source[sentence.start : sentence.end]))
            places = [min((text.find(token) for token in run if token in text), default=-1) for run in runs]
            if len(places) > 1 and -1 not in places and places == sorted(places, reverse=True):
                return said[0] if said else "from"
    return None


def _runs(text: str) -> list[frozenset[str]]:
    """Return the tokens of each name of a text, in order."""
    runs: dict[int, list[Name]] = {}
    for name in find_names(with_plain_phrases(text), is_starter):
        runs.setdefault(name.run, []).append(name)
    return [tokens_of(run) for run in runs.values()]


def _is_passive(text: str) -> bool:
    return re.search(r"\b(?:by|lost to|fell to)\b", text, re.IGNORECASE) is not None
