"""Questions that lean on the conversation before them: "How long did it last?", "And in Kelm?", "Why?".

Recognised in English and German by their words, in any other language hardly ever.
"""

import re
from collections.abc import Iterator

from service.leaning_words import ENGLISH, GERMAN, Language

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_PLURALS = frozenset({"they", "their", "them", "theirs"})
_PEOPLE = frozenset({"people", "police", "children", "women", "men"})


def leans_on_conversation(question: str) -> bool:
    """Return whether a question needs what was said before it: a pronoun, an ellipsis, or no word of content."""
    written = _WORD.findall(question)
    words = [word.lower().replace("’", "'") for word in written]
    language = max(ENGLISH, GERMAN, key=lambda each: sum(word in each.function for word in words))
    plain = " ".join(words)
    content = [word for word in words if word not in language.function]
    is_clause = not language.finite.isdisjoint(words)
    return (
        not content
        or language.pointing.search(plain) is not None
        or (language.fragment.match(plain) is not None and not is_clause)
        or (is_clause and len(content) == 1 and language.bare.fullmatch(content[0]) is not None)
        or any(_unexplained(written, words, language))
    )


def _unexplained(written: list[str], words: list[str], language: Language) -> Iterator[bool]:
    """For each pronoun of the question, whether it leaves open what it stands for."""
    idle = language.idle.search(" ".join(words)) is not None
    for place, word in enumerate(words):
        if word not in language.subjects | language.objects | language.either or (idle and word in {"it", "es"}):
            continue
        noun = _noun_before(place, written, words, language)
        yield noun is None or (_is_object(place, words, language) and language.joining.isdisjoint(words[noun:place]))


def _is_object(place: int, words: list[str], language: Language) -> bool:
    """Return whether a pronoun is an object: by its form, at the end of the question or after a preposition."""
    if words[place] not in language.either:
        return words[place] in language.objects
    last = place == len(words) - 1
    if words[place] == "her":
        return last or words[place + 1] in language.function
    return last or words[place - 1] in language.prepositions


def _noun_before(place: int, written: list[str], words: list[str], language: Language) -> int | None:
    """Return the first word that a pronoun may stand for: a name, or a noun after its determiner."""
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
