"""The standalone question: the last question of a conversation, rewritten so that it needs no other message.

A model rewrites it. Without a model, the words of a question that depends on the conversation ("How long did it last?",
"And in Kelm?", "Why?") show that in English and German, and rarely in another language.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from service.citations.safety import Safety
from service.errors import ReaderFailed
from service.prompts import Prompts, RenderedPrompt, new_fence, sanitize, sanitize_line
from service.readers.chat import Chat
from service.records import AnswerWarning, Question, Usage

PROMPT = "standalone"
MAX_MESSAGES = 8
MAX_CHARS = 2_000
"""The limit of each message in the prompt and of the rewritten question, in code points."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_PLURALS = frozenset({"they", "their", "them", "theirs"})
_PEOPLE = frozenset({"people", "police", "children", "women", "men"})
_NO_SECRETS = Safety()
_OFFLINE = AnswerWarning("follow_up_offline", "Each question is read on its own. Try naming what you mean.")
_NOT_RESOLVED = AnswerWarning("follow_up_not_resolved", "This question was read on its own. Try naming what you mean.")


@dataclass(frozen=True, slots=True)
class StandaloneQuestion:
    """The question that is searched and answered, and the usage of rewriting it.

    `caution` warns that the question depends on the conversation and was read without it.
    """

    text: str
    usage: Usage = field(default_factory=Usage)
    caution: AnswerWarning | None = None


async def standalone_question(
    question: Question,
    chat: Chat | None,
    prompts: Prompts,
    *,
    fence: Callable[[], str] = new_fence,
    safety: Safety = _NO_SECRETS,
) -> StandaloneQuestion:
    """Return the question as it can be understood alone.

    Without earlier messages it is the question itself, and no model is called. Else the model rewrites it from the
    last eight messages. Without a model, if the model fails, or if its text is unsafe, the question is unchanged.
    """
    if not question.messages:
        return StandaloneQuestion(question.text)
    if chat is None:
        return _as_asked(question, _OFFLINE)
    prompt = _render(question, prompts, fence())
    try:
        reply, usage = await chat.complete(prompt.system, prompt.user)
    except ReaderFailed:
        return _as_asked(question, _NOT_RESOLVED)
    rewritten = _one_line(reply)
    said = "\n".join([question.text, *(message.content for message in question.messages)])
    if not rewritten or safety.is_unsafe(rewritten, said):
        return _as_asked(question, _NOT_RESOLVED, usage)
    return StandaloneQuestion(rewritten, usage)


def _as_asked(question: Question, caution: AnswerWarning, usage: Usage | None = None) -> StandaloneQuestion:
    depends = depends_on_conversation(question.text)
    return StandaloneQuestion(question.text, usage or Usage(), caution if depends else None)


def _render(question: Question, prompts: Prompts, fence: str) -> RenderedPrompt:
    messages = [
        {"role": message.role, "content": sanitize_line(message.content[:MAX_CHARS], fence)}
        for message in question.messages[-MAX_MESSAGES:]
    ]
    return prompts.render(PROMPT, fence=fence, messages=messages, question=sanitize(question.text, fence))


def _one_line(reply: str) -> str:
    """Return the rewritten question on one line, without the quotation marks that some models put around it."""
    line = " ".join(reply.split())
    if len(line) > 1 and line[0] + line[-1] in {'""', "''", "“”", "„“", "«»"}:
        line = line[1:-1].strip()
    return line[:MAX_CHARS].strip()


def depends_on_conversation(question: str) -> bool:
    """Return whether a question needs an earlier message: for a pronoun, an ellipsis, or lack of a content word."""
    written = _WORD.findall(question)
    words = [word.lower().replace("’", "'") for word in written]
    language = max(_ENGLISH, _GERMAN, key=lambda each: sum(word in each.function for word in words))
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


def _unexplained(written: list[str], words: list[str], language: "_Language") -> Iterator[bool]:
    """Yield for each pronoun of the question whether its noun is missing."""
    idle = language.idle.search(" ".join(words)) is not None
    for place, word in enumerate(words):
        if word not in language.subjects | language.objects | language.either or (idle and word in {"it", "es"}):
            continue
        noun = _noun_before(place, written, words, language)
        yield noun is None or (_is_object(place, words, language) and language.joining.isdisjoint(words[noun:place]))


def _is_object(place: int, words: list[str], language: "_Language") -> bool:
    """Return whether a pronoun is an object: by its form, at the end of the question or after a preposition."""
    if words[place] not in language.either:
        return words[place] in language.objects
    last = place == len(words) - 1
    if words[place] == "her":
        return last or words[place + 1] in language.function
    return last or words[place - 1] in language.prepositions


def _noun_before(place: int, written: list[str], words: list[str], language: "_Language") -> int | None:
    """Return the first word that a pronoun may refer to: a name, or a noun after its determiner."""
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


@dataclass(frozen=True, slots=True)
class _Language:
    """The words of a language that point outside of a question, and those that make it complete."""

    finite: frozenset[str]
    """Verbs and question words that make a fragment a complete question."""
    prepositions: frozenset[str]
    fillers: frozenset[str]
    """Further words without content of their own."""
    fragment: re.Pattern[str]
    """Openings of a fragment, which leans where no finite word is in it."""
    pointing: re.Pattern[str]
    """Phrases that always lean."""
    idle: re.Pattern[str]
    """Phrases whose "it" refers to nothing: "Is it true that …"."""
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


_ENGLISH = _Language(
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
_GERMAN = _Language(
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
