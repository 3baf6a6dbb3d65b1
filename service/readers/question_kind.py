"""The kind of a question: what its answer consists of, in English and German.

Most questions ask for a fact. A few ask for a summary, for a list, for how many articles mention something, or for what
articles cannot give. The rules know plain wordings; any other question asks for a fact.
"""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["fact", "list", "summary", "count", "other"]


@dataclass(frozen=True, slots=True)
class QuestionKind:
    """A kind, and for a summary or a count the subject in the question's words."""

    name: Kind
    subject: str = ""


FACT = QuestionKind("fact")

_POLITE = r"^(?:(?:please|bitte|and|so|can you|could you|would you|können sie|kannst du)[ ,]+)*"
_ARTICLES = r"(?:articles?|stories|reports?|news items|pieces|artikel|berichte|beiträge|meldungen)"
_COUNT = re.compile(
    rf"{_POLITE}(?:in )?(?:how many|wie viele[nr]?) (?:of )?(?:the |your |our |der |ihrer )?{_ARTICLES}\b"
    r"(?: (?:are there|do you have|have you published|did you publish|gibt es|haben sie))?"
    r"(?: (?:that|which|die))? ?(?:have |has |are |were |is |was |been )*(?:written |published )?"
    r"(?:mention(?:s|ed)?|name[ds]?|refer(?:red)? to|contain(?:ed)?|cover(?:ed)?|about|on|deal(?:t)? with"
    r"|report(?:ed)? (?:on|about)|talk(?:ed)? about|have the words?|erwähnen|nennen|enthalten|behandeln|über|zu"
    r"|berichten über|handeln von) (?P<subject>.+?)[ ?.!]*$",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    rf"{_POLITE}(?:(?:give|show|write|tell) (?:me|us) )?(?:a |an |the )?(?:(?:short|brief|quick) )?"
    r"(?:summar(?:y of|ise|ize)|overview of|recap of|recap|sum up) (?P<one>.+?)[ ?.!]*$"
    rf"|{_POLITE}(?:what (?:do we|do you|does anyone) know|what is known|tell (?:me|us)(?: more| something)?) about"
    r" (?P<two>.+?)[ ?.!]*$"
    rf"|{_POLITE}(?:fasse?n?(?: sie)? (?P<three>.+?) zusammen|was (?:wissen wir|weiß man) über (?P<four>.+?)"
    r"|was ist über (?P<five>.+?) bekannt)[ ?.!]*$",
    re.IGNORECASE,
)
_PLURAL = (
    r"(?!(?:does|is|was|has|its|this|us|news|series|causes|makes|says|happens|means|gas|bus|class|press|less)\b)\w{3,}s"
)
_LIST = re.compile(
    rf"{_POLITE}(?:list|name(?! of)|enumerate|nenne|liste)\b"
    r"|^(?:(?:in|for|from|at|on|to|by) )?(?:which|what) (?:other |different |two |three |four |five )?"
    rf"(?:{_PLURAL}\b|[a-z]+ {_PLURAL} (?:are|were|is|was|have|has|had|did|do|does|will|can|could|in|of|from)\b)"
    r"|^(?:who|what)\b.*\b(?:one after (?:the other|another)|in turn|successively)\b"
    r"|^who (?:has|have) .*\bsince\b",
    re.IGNORECASE,
)
_OTHER = re.compile(
    rf"{_POLITE}(?:write|compose|draft|create|generate|invent|schreibe?n?|dichte)(?: me| us| mir)?"
    r" (?:an?|some|my|eine?n?) (?:\w+ )?(?:poem|essay|e?-?mail|letter|song|story|speech|tweet|post|joke|code|script"
    r"|program|gedicht|brief|lied|witz)\b"
    rf"|{_POLITE}(?:translate|übersetze)\b|{_POLITE}tell (?:me|us) a joke\b"
    r"|^(?:hi|hello|hey|thanks|thank you|good (?:morning|evening)|bye|hallo|danke|guten tag)(?: there)?[ .!]*$"
    r"|^(?:who|what) are you[ ?]*$|^are you (?:a|an) (?:bot|human|person|robot|ai|machine)[ ?]*$|^wer bist du[ ?]*$"
    r"|^(?:should|shall) (?:i|we)\b|^(?:what|which|who|where) should i\b|^soll(?:te)? ich\b"
    r"|\b(?:what do you think|what is your opinion|do you (?:agree|believe|like|recommend)|would you recommend)\b",
    re.IGNORECASE,
)
_QUOTES = "\"'“”„«»‘’"
_LEAD = re.compile(r"^(?:the|a|an|der|die|das|den|dem|ein|eine) (?!\S+$)", re.IGNORECASE)
_WHEN = re.compile(
    r"\b(?:in|since|from|during|of|seit|im|on) (?:\w+ )?(?:19|20)\d\d$|\b(?:this|last|next) \w+$", re.IGNORECASE
)


def kind_of(question: str) -> QuestionKind:
    """Return the kind of a question."""
    text = " ".join(question.split())
    if found := _COUNT.match(text):
        subject = _LEAD.sub("", found["subject"].strip(_QUOTES + " "))
        # "About the strike in May 2026" is not a phrase that an article has.
        return FACT if _WHEN.search(subject) or not subject else QuestionKind("count", subject)
    if found := _SUMMARY.match(text):
        return QuestionKind("summary", next(part for part in found.groups() if part).strip(_QUOTES + " "))
    if _OTHER.search(text):
        return QuestionKind("other")
    return QuestionKind("list" if _LIST.search(text) else "fact")
