"""Find the names of a sentence and its speakers, and whether a source has them.

Possessives, demonyms and acronyms of a name have one form.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from index.text import sentence_spans, without_accents
from service.citations.dates import MONTHS, WEEKDAYS
from service.citations.english import english, stem

_TOKEN = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W\d_][\w]*(?:['’-][^\W_]+)*")
REMEMBERED = 8192
"""Words whose plain form is kept, because one check compares the words of its passages many times."""

_JOINING = frozenset("of the and for de la le el al van von der den bin ibn du da di".split())


class Name(NamedTuple):
    """One capitalised word in its plain form, its place, and its run of capitalised words.

    A title (`President`, `Council`) belongs to a run but is not distinctive.
    """

    token: str
    start: int
    run: int
    distinctive: bool


def find_names(text: str, is_word: Callable[[str], bool]) -> list[Name]:
    """Return the capitalised words of a text that are names.

    A sentence's first word is one unless `is_word` knows it as an ordinary word (lower case).
    """
    text = with_plain_phrases(text)
    names: list[Name] = []
    run, last_end = 0, -9
    for match in _TOKEN.finditer(text):
        word = match.group()
        initial = _begins_sentence(text, match.start())
        if not word[0].isupper() or _is_calendar(word) or (initial and word.lower() in english().terms.stop_words):
            continue
        between = text[last_end : match.start()].strip().lower()
        if between and between not in _JOINING:
            run += 1
        last_end = match.end()
        ordinary = initial and (
            word.lower() in english().limits  # `Although Hebrine denied it`
            or ("-" in word and word.lower().partition("-")[0] in english().starters)  # `Twenty-two left`
            or (is_word(plain(word)) and not _followed_by_name(text, match.end()))
        )
        if not ordinary and len(word) > 1:
            names.append(Name(plain(word), match.start(), run, plain(word) not in english().titles))
    return names


@lru_cache(maxsize=REMEMBERED)
def plain(word: str) -> str:
    """Return the form of a word in which names are compared."""
    word = re.sub(r"['’]s?$", "", word)
    word = without_accents(re.sub(r"(?<=[A-Z]{2})s$", "", word)).casefold()
    if re.fullmatch(r"(?:\w\.){2,}", word):
        word = word.replace(".", "")
    for form in (word, word.removesuffix("s"), word.removesuffix("n")):
        if form in english().demonyms:
            return english().demonyms[form]
    return word


def missing_name(names: Iterable[Name], source: str) -> Name | None:
    """Return the first name that a source lacks, also as an acronym or as the words of an acronym; or None."""
    text = with_plain_phrases(source)
    present = {form for match in _TOKEN.finditer(text) for form in _forms(match.group())}
    acronyms = _initials(text)
    names = list(names)
    for name in names:
        run = "".join(other.token[0] for other in names if other.run == name.run)
        if name.distinctive and not (
            name.token in present or name.token in acronyms or (len(run) > 1 and run in present)
        ):
            return name
    return None


def with_plain_phrases(text: str) -> str:
    """Return a text with the plain form of names of several words, such as `US`."""
    for phrase, name in english().phrases:
        text = phrase.sub(lambda match, name=name: name.upper().ljust(len(match.group())), text)  # type: ignore[misc]
    return text


def _forms(word: str) -> Collection[str]:
    complete = plain(word)
    return {complete, *(plain(part) for part in re.split(r"[-’']", word) if len(part) > 1)}


def _initials(text: str) -> set[str]:
    """Return the initials of every run of two to five words, with and without joining words."""
    words = [match.group() for match in re.finditer(r"[^\W\d_]+", text)]
    content = [word for word in words if word.lower() not in _JOINING]
    return {
        "".join(word[0] for word in listed[start : start + length]).lower()
        for listed in (words, content)
        for length in range(2, 6)
        for start in range(len(listed) - length + 1)
    }


def _begins_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \t\"'“‘«(")
    return not before or before[-1] in ".!?:;\n" or before.endswith(("—", "–"))


def _followed_by_name(text: str, end: int) -> bool:
    following = re.match(r"\s+([^\W\d_][\w'’-]*)", text[end:])
    return following is not None and following[1][0].isupper() and not _is_calendar(following[1])


def _is_calendar(word: str) -> bool:
    return word.lower() in MONTHS or word.lower() in WEEKDAYS


FAR = 90
"""Characters between a subject and its verb, at most."""

_WAS = re.compile(r"\b(?:is|are|was|were|be|been|being)\s+(?:\w+ly\s+)?$", re.IGNORECASE)
_APPOSITION = re.compile(r",\s+[^\W\dA-Z_][^,]*,\s*$")
_PREPOSITION = re.compile(r"\b(?:in|at|near|from|with|for|by|of|on|to|against|over)\s+(?:the\s+)?$", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")

_ACCORDING = re.compile(r"\baccording to\b", re.IGNORECASE)
_ACCORDING_TO = re.compile(r"\baccording to ([^,.;]+)[,.;]?", re.IGNORECASE)
_PRONOUN_SPEAKER = re.compile(r"\b(?:he|she|they|it|who|which)\b\W*$", re.IGNORECASE)


def find_speakers(text: str) -> list[frozenset[str]]:
    """Return the names of a text's speakers: before or behind a reporting verb, or behind `according to`."""
    text = with_plain_phrases(text)
    names = find_names(text, english().starters.__contains__)
    found = [_speaker(text, match, names) for match in _WORD.finditer(text) if _reports(match)]
    found += [_behind(match.end(), names) for match in _ACCORDING.finditer(text)]
    return [speaker for speaker in found if speaker]


def has_another_speaker(claim: str, source: str) -> bool:
    """Return whether a claim has a speaker that its source does not name, or one of another statement there."""
    stated = find_speakers(source)
    is_unknown = any(all(speaker.isdisjoint(other) for other in stated) for speaker in find_speakers(claim))
    return (bool(stated) and is_unknown) or _misattributed(claim, source)


def _speaker(text: str, verb: re.Match[str], names: Sequence[Name]) -> frozenset[str]:
    """Return the subject of a reporting verb, or its agent in a passive: `was accused of fraud by Holt`."""
    lead = text[: verb.start()]
    if _WAS.search(lead):
        agent = re.compile(r"[^.;:!?]*?\bby\b").match(text, verb.end())
        return _behind(agent.end(), names, near=12) if agent else frozenset()
    before = [name for name in names if name.start < verb.start() <= name.start + FAR]
    before = [name for name in before if not re.search(r"[.;!?“”\"]", lead[name.start :])]
    return _tokens(_subject(lead, before)) if before else _behind(verb.end(), names, near=12)


def _subject(lead: str, before: Sequence[Name]) -> list[Name]:
    """Return a verb's subject: the nearest name in its clause but places and appositions; else the first."""
    apposition = _APPOSITION.search(lead)
    last = apposition.start() if apposition else len(lead)
    clause = max((match.end() for match in re.finditer(r"\b(?:and|but|while|that)\b", lead)), default=0)
    listed = [name for name in before if name.start >= clause] or before
    runs = [[name for name in listed if name.run == run] for run in dict.fromkeys(name.run for name in listed)]
    subjects = (run for run in reversed(runs) if run[0].start < last and not _PREPOSITION.search(lead[: run[0].start]))
    return next(subjects, runs[0])


def _behind(end: int, names: Sequence[Name], near: int = 40) -> frozenset[str]:
    """Return the name that begins within some characters behind a place."""
    run = next((name.run for name in names if end <= name.start <= end + near), None)
    return _tokens([name for name in names if name.run == run])


def _tokens(names: Sequence[Name]) -> frozenset[str]:
    """Return the distinctive tokens of one name, or all of them if it has none."""
    return frozenset(name.token for name in names if name.distinctive) or frozenset(name.token for name in names)


def _reports(word: re.Match[str]) -> bool:
    return word.group().lower() in english().reporting


def _misattributed(claim: str, source: str) -> bool:
    """Return whether a claim attributes a statement of its source to another speaker.

    The source must name the speaker in another sentence: a speaker described in other words is not another one.
    """
    sentences = _sentences(source)
    stems = [_stems(sentence) for sentence in sentences]
    for speaker, said in (each for sentence in _sentences(claim) for each in _statements(sentence)):
        shared = [said & words for words in stems]
        closest = max(range(len(stems)), key=lambda at: len(shared[at]), default=None)
        if closest is None or not shared[closest] or not speaker or speaker & stems[closest]:
            continue
        spoken_elsewhere = any(speaker & words for at, words in enumerate(stems) if at != closest)
        if spoken_elsewhere and _has_speaker(sentences[closest]):
            return True
    return False


def _sentences(text: str) -> list[str]:
    plain_text = with_plain_phrases(text)
    return [plain_text[span.start : span.end] for span in sentence_spans(plain_text)]


def _statements(text: str) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
    """Yield the stems of speaker and statement around the first reporting verb, or behind `according to`."""
    according = _ACCORDING_TO.search(text)
    if according:
        yield (_stems(according[1]), _stems(text[: according.start()] + text[according.end() :]))
    verb = next(filter(_reports, _WORD.finditer(text)), None)
    if verb and not according:
        yield (_stems(text[: verb.start()].rpartition(", but ")[2]), _stems(text[verb.end() :]))


def _has_speaker(sentence: str) -> bool:
    """Return whether a sentence has a reporting verb whose subject is not a pronoun."""
    verbs = filter(_reports, _WORD.finditer(sentence))
    return any(not _PRONOUN_SPEAKER.search(sentence[: verb.start()]) for verb in verbs)


def _stems(text: str) -> frozenset[str]:
    words = (match.group() for match in _WORD.finditer(text))
    content = (word for word in words if word.lower() not in english().terms.stop_words)
    return frozenset(stem(plain(word), english().terms) for word in content if word.lower() not in english().reporting)
