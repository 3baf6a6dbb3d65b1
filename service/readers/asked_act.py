"""A question about an act: who does it, who took over, what a person said, whether it was done, and by whom.

The span reader finds the best sentence by the names of such a question: it takes the speaker's name for the words, the
one who left for the one who followed, and the event for an act that the question presumes. The rules know plain cases
in English.
"""

import re
from collections.abc import Sequence

from index.text import words
from service.readers.evidence import Evidence, ScoredSentence, is_later, published_at
from service.readers.latest import LEAD
from service.readers.office import successor
from service.readers.question_kind import names, terms

_SAYS = re.compile(
    r"\bwhat (?:else )?(?:did|does|has|have|had)\b.+?\b(?:say|said|tell|told|announced?|claim|add|promise|reply)\b"
    r"(?P<of>.*)",
    re.IGNORECASE,
)
_REPORTS = re.compile(
    r"[“„«\"]|\b(?:sa(?:id|ys)|t(?:old|ells)|add(?:ed|s)|announce[ds]|claim(?:ed|s)|according to|wr(?:ote|ites)"
    r"|ask(?:ed|s)|call(?:ed|s)|promise[ds]|warn(?:ed|s)|thank(?:ed|s)|urge[ds]|demand(?:ed|s)|insist(?:ed|s)"
    r"|den(?:ied|ies)|repl(?:ied|ies)|explain(?:ed|s)|apologi[sz]e[ds]|praise[ds]|critici[sz]e[ds]|complain(?:ed|s)"
    r"|confirm(?:ed|s))\b"
)
_PRESUMES = re.compile(
    r"^(?:and |but |so )?(?:who|which(?: [\w-]+){1,3}?) (?:was|were|has been|have been|will be|is being|are being)"
    r" (?:\w+ly )?(?P<verb>[a-z]+(?:ed|en|ught|und|ung|ot))\b",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"\b(?:nobody|no one|no-one|none|neither|no|not|never)\b"
    r"(?P<said>(?: (?!that\b|who\b|which\b|but\b|because\b)[\w-]+){1,7})",
    re.IGNORECASE,
)
_IN_PART = re.compile(r"\b(?:else|other|others|but|except|only|yet|more|further|longer|immediately)\b", re.IGNORECASE)
_WHO_DOES = re.compile(
    r"^(?:and |but |so )?who (?P<verb>[a-z]{2,}?)(?P<ending>e?s|ed) (?:the |an? )?(?P<thing>[\w’'-]+)", re.IGNORECASE
)
_WHETHER = re.compile(
    r"^(?:and |but |so )?(?:do|does|did|is|was|has|had) (?-i:(?P<name>[A-Z][\w-]+(?: [A-Z][\w-]+)*)) (?P<said>[^?]+)",
    re.IGNORECASE,
)
_WAS_IT = re.compile(
    r"^(?:and |but |so )?(?:is|was|were) it (?:really |actually |indeed )?(?P<thing>[^?]+?) (?:that|which) ",
    re.IGNORECASE,
)
_WHO_DID = re.compile(r"^(?:and |but |so )?who (?P<verb>[a-z]{4,}) ", re.IGNORECASE)
_PASSIVE = re.compile(r"\b(?:was|were|been|being) (?:\w+ly )?(?P<verb>[a-z]{4,})\b(?P<by>.*\bby\b)?", re.IGNORECASE)
_HOW_MANY_DIED = re.compile(r"\bhow many\b[^?]*\b(?:die|died|dead|deaths|kill|killed|perished)\b", re.IGNORECASE)
_TOLL = re.compile(
    r"\b(?:number of (?:the )?(?:deaths|dead|victims)|(?:death )?toll)\b.*\b(?:rises|rose|risen|climbed|grown) to\b",
    re.IGNORECASE,
)
_DEATH = re.compile(
    r"\b(?:die[sd]?|dying|dead|deaths?|deadly|killed|kill(?:s|ing)|fatal\w*|perish(?:ed)?|lives|victims?|drown(?:ed|s)"
    r"|lost|claimed|shot|slaughtered|culled|put down|toll|bod(?:y|ies)|surviv\w+|alive)\b",
    re.IGNORECASE,
)
_HARM = re.compile(r"\b(?:hurt|injur\w+|wounded|bruise[sd]?|burns|treated)\b", re.IGNORECASE)
_SAME = 4
"""First letters that the forms of a verb in the past have in common."""
_FORMS = 3
"""Letters by which a form of a word is longer: lead, leads, leader."""


def answers_to_act(question: str, evidence: Evidence) -> Sequence[ScoredSentence]:
    """Return the sentences that answer a question about an act, if they are not the best one; else none."""
    rules = (successor, saying, denial, doer, another_doer, toll, dead)
    found = next((each for rule in rules if (each := rule(question, evidence))), None)
    return [found] if found else said_of_cause(question, evidence)


def is_bare_name(question: str, sentence: ScoredSentence) -> bool:
    """Return whether a question asks what a person said, and the answer in a sentence is only the speaker's name."""
    if not _SAYS.search(question) or not sentence.answer:
        return False
    answer = sentence.passage.article.body[slice(*sentence.answer)]
    return not any(word[0].islower() or word[0].isdigit() for word in answer.split())


def is_said_of(question: str, sentence: ScoredSentence) -> bool:
    """Return whether a sentence reports speech and has a word of what the question asks to whom or of what."""
    return bool(_REPORTS.search(sentence.text)) and (not _said_of(question) or bool(_shared(question, sentence)))


def saying(question: str, evidence: Evidence) -> ScoredSentence | None:
    """Return the sentence that reports what the speaker said to whom or of what is asked, if the best one may not."""
    best = evidence.sentences[:1]
    if not best or not is_bare_name(question, best[0]) or is_said_of(question, best[0]):
        return None
    assert best[0].answer
    speaker = names(best[0].passage.article.body[slice(*best[0].answer)], first=True)
    found = [each for each in evidence.sentences if is_said_of(question, each) and speaker & _named(each)]
    return max(found, key=lambda each: (len(_shared(question, each)), each.score), default=None)


def denial(question: str, evidence: Evidence) -> ScoredSentence | None:
    """Return the sentence that denies the act which a question presumes: "No one will be charged"; None if none does.

    It is of an article with the names of the question, and no other sentence of such an article tells of the act.
    """
    presumed = _PRESUMES.match(question)
    if not presumed:
        return None
    act = terms(presumed["verb"])
    about = [each for each in evidence.sentences if act & terms(each.text) and _has_names(question, each)]
    denying = [each for each in about if _denies(act, each.text)]
    return denying[0] if denying and len(denying) == len(about) else None


def doer(question: str, evidence: Evidence) -> ScoredSentence | None:
    """Return the sentence with a noun for the one who does it, "the owner of", if the best one lacks the verb."""
    asked = _WHO_DOES.match(question)
    if not asked:
        return None
    verb, thing = asked["verb"].casefold(), re.escape(asked["thing"])
    forms = "|".join({f"{verb}er", f"{verb}or", f"{verb}{verb[-1]}er"})
    of_thing = re.compile(rf"\b(?:{forms})s? of (?:the |an? )?{thing}\b|\b{thing}['’]s (?:{forms})\b", re.IGNORECASE)
    if any(verb in each.text.casefold() for each in evidence.sentences[:1]):
        return None
    found = (each for each in evidence.sentences if of_thing.search(each.text) and _has_names(question, each))
    return next((each for each in found if names(each.text) - names(question)), None)


def another_doer(question: str, evidence: Evidence) -> ScoredSentence | None:
    """Return the sentence that says of another person what a question asks of one, if the best one says it of none."""
    asked, best = _WHETHER.match(question), evidence.sentences[:1]
    said = [word for word in words(asked["said"]) if terms(word)] if asked else []
    if not asked or len(said) < 2 or any(_has_words(said, each) for each in best):
        return None
    person = names(asked["name"], first=True)
    found = (each for each in evidence.sentences if _has_words(said, each) and not person & _named(each))
    return next((each for each in found if names(each.text) - names(question)), None)


def toll(question: str, evidence: Evidence) -> ScoredSentence | None:
    """Return the sentence of the latest report of the story that says how far the number of deaths has risen.

    It may share no word with "How many people did the storm kill?". None if the best sentence is as late.
    """
    best = evidence.sentences[:1]
    if not best or not evidence.latest or not _HOW_MANY_DIED.search(question):
        return None
    risen = [each for each in evidence.sentences if _TOLL.search(each.text) and is_later(each, best[0])]
    found = [each for each in risen if _lead(each)[0] & _lead(best[0])[0] and _lead(each)[1] & _lead(best[0])[1]]
    return max(found, key=published_at, default=None)


def _lead(sentence: ScoredSentence) -> tuple[set[str], set[str]]:
    """Return the terms of an article's title, and the names of its beginning."""
    article = sentence.passage.article
    named = names(f"{article.title or ''}. {article.body[:LEAD]}")
    return terms(article.title or ""), {name for name in named if terms(name)}


def dead(question: str, evidence: Evidence) -> ScoredSentence | None:
    """Return the sentence that tells of deaths, "No one was killed", if the best one counts others, such as injured."""
    if not _HOW_MANY_DIED.search(question) or any(_DEATH.search(each.text) for each in evidence.sentences[:1]):
        return None
    return next((each for each in evidence.sentences if _DEATH.search(each.text) and _has_names(question, each)), None)


def counts_unharmed(question: str, sentence: ScoredSentence) -> bool:
    """Return whether a question asks how many died, and a sentence tells neither of deaths nor of injuries."""
    return bool(_HOW_MANY_DIED.search(question)) and not (_DEATH.search(sentence.text) or _HARM.search(sentence.text))


def leaves_out_doer(question: str, sentence: ScoredSentence) -> bool:
    """Return whether a question asks who did something, and a sentence says only that it was done: "were stolen"."""
    asked = _WHO_DID.match(question)
    done = (each for each in _PASSIVE.finditer(sentence.text) if not each["by"])
    return asked is not None and any(_is_form(each["verb"], asked["verb"]) for each in done)


def _is_form(one: str, other: str) -> bool:
    """Return whether two words are forms of one verb: stole and stolen."""
    return one[:_SAME].casefold() == other[:_SAME].casefold()


def said_of_cause(question: str, evidence: Evidence) -> Sequence[ScoredSentence]:
    """Return what articles say of the cause in "Was it lightning that …?", if the best sentence does not."""
    asked, best = _WAS_IT.match(question), evidence.sentences[:1]
    if not asked or not terms(asked["thing"]) or names(f"? {asked['thing']}"):
        return []
    about = [each for each in evidence.sentences if terms(asked["thing"]) <= terms(each.text)]
    first: dict[str, ScoredSentence] = {}
    for each in about if best and best[0] not in about else []:
        if _has_names(question, each):
            first.setdefault(each.passage.article.article_id, each)
    return list(first.values())[:2]


def _denies(act: set[str], text: str) -> bool:
    is_denied = any(terms(found["said"]) & act for found in _DENIES.finditer(text))
    return is_denied and not _IN_PART.search(text)


def _said_of(question: str) -> set[str]:
    """Return the words of a question behind its verb of speech, without names."""
    found = _SAYS.search(question)
    return terms(" ".join(word for word in found["of"].split() if word.islower())) if found else set()


def _shared(question: str, sentence: ScoredSentence) -> set[str]:
    return _said_of(question) & terms(sentence.text)


def _has_words(wanted: Sequence[str], sentence: ScoredSentence) -> bool:
    """Return whether a sentence has each word, or a longer form of it."""
    found = words(sentence.text)
    return all(any(each.startswith(word) and len(each) - len(word) <= _FORMS for each in found) for word in wanted)


def _named(sentence: ScoredSentence) -> set[str]:
    """Return the names of a sentence and the neighbours that it is quoted with."""
    return names(sentence.passage.article.body[slice(*(sentence.quote or sentence.span))], first=True)


def _has_names(question: str, sentence: ScoredSentence) -> bool:
    article = sentence.passage.article
    return names(question) <= set(words(f"{article.title}\n{article.body}"))
