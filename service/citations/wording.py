"""Compare the wording of a claim with its source: whether it is the same, and where it contradicts.

A limit is a word that changes what is said: a negation, `all`, `may`, `before`, the `by` of a passive. A claim has the
wording of its source (`same_wording`) if the source has all of its content words, figures and limits in this order, the
same verbs of reporting, and no other limit or relative clause between the words. The first or last phrase of the claim,
or its speaker, may have another place. Other words, however near their meaning, are another wording: a swap, an antonym
and an addition all need one. A condition (`if`) anywhere in the source counts: it may be far from what depends on it.

Two neighbouring words of a claim are kept (`compare`) if a sentence of the source has them near each other in this
order. They are moved if the source has both of them otherwise: a swap of two names, or the number of another thing,
moves words. A contrast is a limit, or another word that changes what is said. It differs if the other text has the word
that it belongs to without it. A difference within kept words contradicts; in another wording it may be a paraphrase.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Literal, NamedTuple

from index.text import sentence_spans
from service.citations.english import english, stem
from service.citations.names import plain, with_plain_phrases
from service.citations.numbers import Number, with_numbers

BEFORE, BEHIND = 2, 1
"""Words before and behind the matched words of a source that may limit them."""

_PERIODS = ("year", "month", "week", "day", "night", "hour", "minute", "head")
_RATES = frozenset(f"per{period}" for period in _PERIODS)

_PLAIN = (
    (re.compile(r"\bwon['’]t\b", re.IGNORECASE), "will not"),
    (re.compile(r"\bcan(?:['’]t|not)\b", re.IGNORECASE), "can not"),
    (re.compile(r"n['’]t\b", re.IGNORECASE), " not"),
    (re.compile(r"\b(?:no|not) (?:less|fewer) than\b", re.IGNORECASE), "at least"),
    (re.compile(r"\b(?:no|not) more than\b", re.IGNORECASE), "at most"),
    (re.compile(r"(?<=s)['’](?!\w)"), " s"),
    # `Had it come later`, `once the bridge is open`.
    (re.compile(r"\b(?:Had|Were|Should)\b|\bonce\b(?=,? (?:the|it|they|he|she)\b)"), "if"),
    (re.compile(rf"\b(?:a|per) (?=(?:{'|'.join(_PERIODS)})\b)"), "per"),
    (re.compile(r"(?<!\d )\bto (?=[€$£]?\d)"), "upto "),
)

CONTENT = frozenset({"content", "turn", "stance"})
"""Kinds of words that have a content of their own."""

_COMPARED = CONTENT | {"limit"}
"""Kinds of words that a claim must have in common with its source."""

_CONDITIONS = frozenset({"if", "unless"})
_MULTIPLES = frozenset({"twice", "half", "double", "triple"})
_MOVABLE = frozenset("because although before after until since within between from if unless".split())
"""Limits that begin a phrase which may have another place."""

_SETTLEMENTS = frozenset({"town", "citi", "villag", "port"})
"""Stems that may be left out before a name: the town of Galt is Galt."""

_STOPS = frozenset({";", "when", "as", "so", "then", "that"})
"""Signs and words that begin another statement, which may have a subject of its own."""

_SEPARATOR = re.compile(r"[;()—]|:(?=\s)|\s–\s")

_HABIT = re.compile(r"\b(?:is|are|opens|closes|runs)\b", re.IGNORECASE)
_DAY = re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun|week|holi)days?\b|\bweekends?\b", re.IGNORECASE)
"""Days without which a statement about what is usual says something else: `The library is closed on Mondays`."""

_RELATIVE = re.compile(
    r"\s*\([^()]*\)"
    r"|,?\s+(?:which|who|whom|whose|where|when|as|so|then)\b(?:[^,;:.!?]|[.,](?=\d))*(?:,|(?=[;:.!?]|$))",
    re.IGNORECASE,
)
"""A relative or adverbial clause, or one in brackets, which may be left out as a whole."""


Kind = Literal["content", "turn", "limit", "stance", "report", "joint", "stop", "border", "genitive", "comma"]


class Word(NamedTuple):
    """A word in the form in which it is compared; a turn is content that changes what is said: `plans`, `twice`."""

    form: str
    kind: Kind


def same_wording(claim: str, source: str) -> bool:
    """Return whether a source says a claim in the same words, in the same order and with the same limits."""
    days = {day.lower() for day in _DAY.findall(source)} - {day.lower() for day in _DAY.findall(claim)}
    if "?" in source or (days and _HABIT.search(claim)):
        return False
    return any(_says(_with_stops(text), claim) for text in (source, _RELATIVE.sub(" ", source)))


def _with_stops(text: str) -> str:
    """Return a text with a semicolon after each sentence, and at other signs that separate statements."""
    sentences = (text[span.start : span.end] for span in sentence_spans(text, headings=False))
    return " ; ".join(_SEPARATOR.sub(" ; ", sentence) for sentence in sentences)


def _says(text: str, claim: str) -> bool:
    claimed, source = _words(claim), _words(text)
    if _reports(claimed) != _reports(source) or _conditions(claimed) != _conditions(source):
        return False
    stated = [word for word in _words(text, commas=True) if word.kind != "report"]
    commas = {at - before for before, at in enumerate(at for at, word in enumerate(stated) if word.kind == "comma")}
    stated = [word for word in stated if word.kind != "comma"]
    arranged = ([_words(_with_stops(part)) for part in parts] for parts in _arrangements(claim))
    return any(_is_within(parts, stated, commas) for parts in arranged)


def _arrangements(claim: str) -> Iterator[Sequence[str]]:
    """Yield a claim whole, then in two phrases that may have another order in the source."""
    yield [claim]
    first, _, rest = claim.partition(",")
    opener = first.split(" ", 1)[0].lower()
    if rest and (opener in english().openers or english().limits.get(opener) in _MOVABLE):
        yield [first, rest]
    rest, _, last = claim.rpartition(",")
    if rest and _reports(_words(last)):
        yield [rest, last]
    speaker, _, statement = claim.partition(" that ")
    if statement and _reports(_words(speaker)):
        yield [speaker, statement]


def _is_within(parts: Sequence[Sequence[Word]], source: Sequence[Word], commas: Collection[int]) -> bool:
    """Return whether a source has the words of the parts; `commas` are the places before which it has a comma."""
    places: set[int] = set()
    for part in parts:
        matched = _matched([word for word in part if word.kind in _COMPARED], source)
        if not matched or _joins_statements(source, matched, commas):
            return False
        places.update(matched)
    borders = sum(word.kind == "border" for part in parts for word in part)
    for at in range(max(0, min(places) - BEFORE), min(len(source), max(places) + 1 + BEHIND)):
        if at in places:
            continue
        is_subject = at == min(places) + 1 and at + 1 in places  # `Rusk, who sued Galt`
        borders -= source[at].kind == "border" and at < max(places) and not is_subject
        if borders < 0 or _is_needed(source, at, places):
            return False
    # `Rusk sued Galt. Holt left.`: a claim of two sentences has a joint or a border for the stop between them.
    within = source[min(places) : max(places)]
    stops = sum(word.form == ";" for word in within)
    links = sum(word.form == ";" or word.kind in ("joint", "border") for part in parts for word in part)
    return stops <= max(0, links - sum(word.kind == "joint" for word in within))


def _joins_statements(source: Sequence[Word], matched: Sequence[int], commas: Collection[int]) -> bool:
    """Return whether the matched words of a claim are of two statements: `Rusk sued` and `Holt left`.

    The second begins behind one comma (`When Rusk sued Galt, Holt left`), or behind `and` if the word after it has a
    verb of its own (`Rusk sued Galt and Holt left`).
    """

    def is_left_out(at: int) -> bool:
        is_word = at < len(source) and source[at].kind in CONTENT and not _DAY.match(source[at].form)
        return is_word and at not in matched

    for start, end in pairwise(matched):
        if not any(map(is_left_out, range(start + 1, end))):
            continue
        if sum(at in commas for at in range(start + 1, end + 1)) % 2:
            return True
        behind = end + 1
        if source[end - 1].kind == "joint" and is_left_out(end - 2) and is_left_out(behind) and behind not in commas:
            return True
    return False


def _is_needed(source: Sequence[Word], at: int, places: set[int]) -> bool:
    """Return whether the words of a source at some places say something else without the word at another place."""
    form, kind = source[at]
    if kind == "genitive":  # `a friend of the minister`, `the return of the painting`, `fish pie with carrots`
        before = source[at - 1].form
        is_detail = before in _SETTLEMENTS or (form == "with" and not before.isalpha())  # `on 7 June with 5,238 votes`
        return at + 1 in places and at - 1 not in places and not is_detail
    if kind not in ("joint", "stop"):
        return kind in ("limit", "turn", "stance")
    if not min(places) < at < max(places):
        return form in ("or", "nor")  # `Either Rusk or Holt`
    # `It took a year and cost a million`: what follows a joint without a subject of its own is of the same subject.
    return next(near for near in range(at + 1, len(source)) if source[near].kind in _COMPARED) not in places


def _matched(claim: Sequence[Word], source: Sequence[Word]) -> Sequence[int]:
    """Return the places of a claim's words in a source, in order and as near together as can be; or none."""
    found: list[list[int]] = []
    for start, word in enumerate(source):
        if claim and word == claim[0]:
            places = [start]
            for wanted in claim[1:]:
                following = (at for at in range(places[-1] + 1, len(source)) if source[at] == wanted)
                place = next(following, None)
                if place is None:
                    break
                places.append(place)
            else:
                found.append(places)
    return min(found, key=lambda places: places[-1] - places[0], default=())


def _reports(words: Sequence[Word]) -> Counter[str]:
    return Counter(word.form for word in words if word.kind in ("report", "stance"))


def _conditions(words: Sequence[Word]) -> Counter[str]:
    return Counter(word.form for word in words if word.kind == "limit" and word.form in _CONDITIONS)


def tokens(text: str) -> Iterator[str | Number]:
    """Yield the words and stops of a text in order: numbers parsed, contractions and rates in plain words."""
    text = with_plain_phrases(text)
    for pattern, word in _PLAIN:
        text = pattern.sub(word, text)
    return with_numbers(text)


@lru_cache(maxsize=1024)
def _words(text: str, *, commas: bool = False) -> Sequence[Word]:
    """Return the words of a text that count, in order, with the commas between them if asked for.

    Cached, because one claim is compared with twenty windows of overlapping sentences.
    """
    comma = Word(",", "comma") if commas else None
    words = (comma if sign == "," else word_of(sign) for sign in tokens(text))
    return tuple(word for word in words if word)


def word_of(token: str | Number) -> Word | None:
    """Return the word that a token is; None for a sign, a unit or a stop word."""
    if isinstance(token, Number):
        return Word(f"{token.value:.6g}", "turn" if token.text.lower() in _MULTIPLES else "content")
    word, form = token.lower(), plain(token)
    kind: Kind | None = None
    if word in english().limits:
        kind, word = "limit", english().limits[word]
    elif word in english().joints or word in english().borders:
        kind = "joint" if word in english().joints else "border"
    elif word in _STOPS or word in ("of", "with"):
        kind = "stop" if word in _STOPS else "genitive"
    elif word in english().said:
        kind, word = "report", "say"
    elif word not in english().units and any(map(str.isalnum, word)) and form not in english().terms.stop_words:
        is_turn = word in english().turning or word in _RATES
        kind = "stance" if word in english().reporting else "turn" if is_turn else "content"
        word = stem(english().irregular.get(form, form), english().terms)
    return Word(word, kind) if kind else None


NEAR = 4
"""Content words from one kept neighbour to the other, at most."""

AHEAD, BACK = 4, 3
"""Words behind and before a contrast that it may belong to, at most."""

CONTRAST_BEFORE, CONTRAST_BEHIND = 6, 3
"""Words before and behind a word that may be its contrast, at most."""

MOST_PLACES = 8
"""Places of one word that are compared: a text may repeat a word without end."""

TURNS = ("owner", "owner left out", "voice", "voice left out")
TURNED = 0.25
"""Share of moved words that counts if a passive (`sued by Holt`) or a possessive (`the mayor's car`) moves words."""

_ALL_BUT = re.compile(r"\ball (?:but|except)\b", re.IGNORECASE)
_SIGNS = frozenset(",;:.!?()—–")
_ENDS = frozenset(".!?")
_YEAR = re.compile(r"(?:19|20)\d\d")


class Comparison(NamedTuple):
    """The share of neighbouring words that are kept, in [0, 1], and the size of each kind of difference."""

    kept: float
    differences: dict[str, float]

    def contradiction(self, weights: Mapping[str, float]) -> float:
        """Return the sum of the weighted differences; moved words apart, each counts by the share that is kept."""
        sizes = {kind: size if kind == "moved" else self.kept for kind, size in self.differences.items()}
        return sum(weights.get(kind, 0.0) * size for kind, size in sizes.items())


class _Compared(NamedTuple):
    """A word that counts: its compared form (empty for a particle), its contrast, and its place."""

    form: str
    contrast: str
    sentence: int
    clause: int
    opener: str
    is_fact: bool


def compare(claim: str, source: str) -> Comparison:
    """Compare a claim with a source; a kind of contrast that only the source has is `left out` of the claim."""
    wanted, stated = _compared(claim), _compared(source)
    found, kept, moved = _paired(wanted, stated)
    back = {there: here for here, there in found.items()}
    kinds = {
        *_differing(wanted, stated, found),
        *(f"{kind} left out" for kind in _differing(stated, wanted, back)),
        *(["opposite"] if _has_opposite(wanted, stated) else []),
    }
    differences = dict.fromkeys(kinds, 1.0)
    if moved:
        differences["moved"] = moved * (1 if kinds.isdisjoint(TURNS) else TURNED)
    return Comparison(kept, differences)


def _paired(wanted: Sequence[_Compared], stated: Sequence[_Compared]) -> tuple[dict[int, int], float, float]:
    """Return the place in a source of each word of a claim, and how much of its neighbours is kept and moved.

    A moved pair with a name or a number counts twice; one with a year does not, as a year may stand anywhere. Moved
    words count by the square of the share of the claim that the source has.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for at, word in enumerate(stated):
        if word.form and len(places[word.form]) < MOST_PLACES:
            places[word.form].append(at)
    order = list(accumulate(bool(word.form) for word in stated))
    content = [at for at, word in enumerate(wanted) if word.form]
    found = {at: places[wanted[at].form][0] for at in content if places[wanted[at].form]}
    kept = moved = total = 0
    for one, other in pairwise(content):
        if wanted[one].clause != wanted[other].clause:
            continue
        total += 1
        pairs = [(a, b) for a in places[wanted[one].form] for b in places[wanted[other].form] if a != b]
        near = [
            (a, b) for a, b in pairs if stated[a].sentence == stated[b].sentence and 0 < order[b] - order[a] <= NEAR
        ]
        if near:
            kept += 1
            found[one], found[other] = min(near, key=lambda pair: pair[1] - pair[0])
        elif pairs and not any(_YEAR.fullmatch(wanted[at].form) for at in (one, other)):
            moved += 1 + (wanted[one].is_fact or wanted[other].is_fact)
    covered = len(found) / max(1, len(content))
    return found, kept / max(1, total), moved / max(1, total) * covered**2


def _has_opposite(words: Sequence[_Compared], others: Sequence[_Compared]) -> bool:
    """Return whether a word that the source lacks has an opposite there that the claim lacks."""
    claimed, stated = ({word.form or word.contrast for word in text} for text in (words, others))
    return any(english().opposites.get(word, frozenset()) & (stated - claimed) for word in claimed - stated)


def _differing(words: Sequence[_Compared], others: Sequence[_Compared], found: Mapping[int, int]) -> Iterator[str]:
    """Yield the kinds of contrasts that a text has at words which the other text has without them."""
    for at, word in enumerate(words):
        if word.contrast in english().kinds:
            there = next((found[each] for each in _owners(at, words) if each in found), None)
            if there is not None and not _has_contrast(word.contrast, there, others):
                yield english().kinds[word.contrast]


def _owners(at: int, words: Sequence[_Compared]) -> Iterator[int]:
    """Yield the words to which a contrast may belong: itself, the next content word of its clause, the one before."""
    if words[at].form:
        yield at
    for reach in (range(at + 1, at + 1 + AHEAD), range(at - 1, at - 1 - BACK, -1)):
        for near in reach:
            if not 0 <= near < len(words) or not _share_a_clause(words[at], words[near]):
                break
            if words[near].form:
                yield near
                break


def _share_a_clause(one: _Compared, other: _Compared) -> bool:
    """Return whether two words are in one clause, or the second in what is said or denied by the first's."""
    return one.clause == other.clause or (one.clause + 1 == other.clause and other.opener == "that")


def _has_contrast(contrast: str, at: int, words: Sequence[_Compared]) -> bool:
    near = words[max(0, at - CONTRAST_BEFORE) : at + CONTRAST_BEHIND + 1]
    return any(word.contrast == contrast and word.sentence == words[at].sentence for word in near)


def _compared(text: str) -> list[_Compared]:
    """Return the words of a text that count, in order, with the number of their sentence and clause."""
    words: list[_Compared] = []
    sentence = clause = 0
    opener = ""
    for token in tokens(_ALL_BUT.sub("most", text)):
        contrast = "" if isinstance(token, Number) else english().contrasts.get(token.lower(), "")
        known = word_of(token)
        form = known.form if known and known.kind in CONTENT else ""
        if form or contrast:
            is_fact = isinstance(token, Number) or token[0].isupper()
            words.append(_Compared(form, contrast, sentence, clause, opener, is_fact))
        elif token in _SIGNS or (known and (known.kind in ("joint", "border") or known.form == "that")):
            clause += 1
            sentence += token in _ENDS
            opener = known.form if known else ""
    return words
