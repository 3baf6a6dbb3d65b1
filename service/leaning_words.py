"""The English and German words by which a question leans on the conversation before it."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """The words of a language that point outside of a question, and those that keep it whole."""

    finite: frozenset[str]
    """Verbs and question words that make a fragment a whole question."""
    prepositions: frozenset[str]
    fillers: frozenset[str]
    """Further words without content of their own."""
    fragment: re.Pattern[str]
    """Openings of a fragment, which leans where no finite word is in it."""
    pointing: re.Pattern[str]
    """Phrases that always lean."""
    idle: re.Pattern[str]
    """Phrases whose "it" stands for nothing: "Is it true that …"."""
    subjects: frozenset[str]
    """Pronouns that an earlier noun of the question explains."""
    objects: frozenset[str]
    """Pronouns that an earlier noun explains only across a conjunction: "accept the offer or reject it"."""
    either: frozenset[str]
    """Pronouns that are one or the other by their place."""
    joining: frozenset[str]
    determiners: frozenset[str]
    bare: re.Pattern[str]
    """Words that say too little as the only word of content: "Who won?"."""

    @property
    def function(self) -> frozenset[str]:
        """All words without content of their own."""
        pronouns = self.subjects | self.objects | self.either
        return self.finite | self.prepositions | self.fillers | self.determiners | self.joining | pronouns


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases))


ENGLISH = Language(
    finite=_words(
        "who whom whose what where when why how which is are am was were do does did has have had can could will would"
        " should may might must isn't aren't wasn't weren't don't doesn't didn't"
    ),
    prepositions=_words(
        "about of to for with in on at by from after before against under over behind into during since near inside"
    ),
    fillers=_words(
        "then there that this these those we us you i me one ones not no yes ok okay really please be been being much"
        " more far else again too well even just only all both other others such same up than as tell say said go on"
        " continue mean someone anyone something anything details so also long often"
    ),
    fragment=_phrases(r"^(?:and|but|or|so|also|then|in|at|on|for|from|to|with|by|before|after|since|during|of|near)\b"),
    pointing=_phrases(
        r"^(?:(?:and|but|so) )?(?:what|how) about\b",
        r"^(?!other than|besides|apart from|aside from).*\belse\b",
        r"\bthe others?$|\bthe latter\b|\bthe former$|\bthe same$",
        r"\bwhich ones?\b|\b(?:that|this|first|second|third|last|other|another) ones?\b",
        r"(?<!is )(?<!are )(?<!was )(?<!were )\bthere$",
        r"\bthen$|\b(?:since|until|by|before|after) then\b",
        r"^which (?:one )?(?:is|are|was|were) (?:\w+er|better|worse|more \w+|the \w+est)$",
        r"\b(?:is|are|was|were|do|does|did|can|could|will|would|has|have|about|of|to|for|with|after|before|by|why|how)"
        r" that(?= (?:cost|mean|happen|happened|matter|help|true|right|possible|so|all|still|one)\b|$)",
        r"\bthose\b(?! (?:who|that|with|in|of|from))",
        r"\b(?:this|these)\b(?! (?:\w+ )?(?:mornings?|afternoon|evening|week|weekend|month|years?|days|season|spring)\b"
        r"| (?:\w+ )?(?:summer|autumn|fall|winter|time|paper|newspaper|site|archive)\b)",
    ),
    idle=_phrases(
        r"\b(?:is|was|will|would|isn't|wasn't) it (?:be |still |really )?(?:true|possible|legal|illegal|allowed)\b",
        r"\b(?:is|was|will|would|isn't|wasn't) it (?:be |still )?(?:forbidden|safe|likely|necessary|worth|dangerous)\b",
        r"\b(?:is|was|will) it (?:be |still )?(?:raining|snowing|common|known)\b",
        r"\b(?:does|did|will) it (?:rain|snow)\b",
        r"\bwhat time (?:is|was) it\b",
        r"\bit (?:called|mean) (?:when|to|that)\b|\bit (?:important|difficult|hard|easy) \b",
        r"\b(?:does|did|will|would) it (?:take|cost)(?: \w+){0,2} (?:to|for|until|before)\b",
    ),
    subjects=_words("he she they his their its theirs hers"),
    objects=_words("him them"),
    either=_words("it her"),
    joining=_words("and or but when if because while before after that who which until since"),
    determiners=_words("the a an every each any some our my your many most several two three four five which"),
    bare=_phrases(
        r"\w+ed|won|win|lost|die|dead|fell|hurt|left|leave|began|begin|came|went|happen|happening|wrote|built|paid|pay",
        r"sank|shot|found|start|stop|end|finish|cost|last|know|matter|responsible|open",
    ),
)
GERMAN = Language(
    finite=_words(
        "wer wen wem wessen was wo wohin woher wie welche welcher welches welchem welchen wann warum wieso weshalb ist"
        " sind war waren wurde wurden wird werden hat haben hatte hatten kann können darf muss soll gibt gab kostet"
    ),
    prepositions=_words(
        "in im an am auf bei mit von vom zu zum zur für nach vor seit über unter gegen aus durch ohne um"
    ),
    fillers=_words(
        "also auch so dann da dort wir ich mich mir man nicht kein ja nein bitte viel mehr noch sonst denn wirklich"
        " genau lange oft weit mal weiter"
    ),
    fragment=_phrases(r"^(?:und|aber|oder|also|auch|in|im|am|an|auf|bei|mit|von|für|nach|vor|seit|zu)\b"),
    pointing=_phrases(
        r"^(?:(?:und|aber) )?(?:was ist|wie ist es|wie steht es|wie sieht es) mit\b",
        r"\bsonst noch\b|\b(?:dort|damals|dann|dessen|deren)$",
        r"\bdas(?= (?:passiert|geschah|geschehen|gewesen|möglich|wahr|so|jetzt|genau)\b|$)",
    ),
    idle=_phrases(
        r"\b(?:gibt|gab|regnet|schneit) es\b|\bes (?:gibt|gab)\b",
        r"\b(?:ist|war) es (?:wahr|möglich|erlaubt|verboten|sicher|gefährlich)\b",
        r"\bdauerte? es\b.* bis\b",
    ),
    subjects=_words("er sie es sein seine seinen seinem seiner ihr ihre ihren ihrem ihrer"),
    objects=_words("ihn ihm ihnen dazu davon dafür dagegen danach damit daran darüber daraus"),
    either=frozenset(),
    joining=_words("und oder aber als wenn weil während bevor nachdem dass der die bis"),
    determiners=_words("der die das den dem des ein eine einen einem einer jeder jede viele"),
    bare=_phrases(
        r"gewann|gewonnen|verloren|starb|gestorben|passierte?|geschah|geschehen|dauerte?|begann|endete|zahlte?"
    ),
)
