"""The sentences that an answer has quoted already: a follow-up asks for something new.

The sentence that answered the turn before has the names of the conversation, and the span reader prefers it for the
next turn: "Who found the stone?", "What does he want for it?".
"""

import re
from dataclasses import replace

from index.markup import readable
from service.citations.dates import find_dates
from service.readers.evidence import Evidence
from service.readers.question_kind import answer_type, answer_type_match, stems
from service.records import Question

_MARKER = re.compile(r"\s*\[\d{1,3}\]")


def untold(question: Question, standalone: str, evidence: Evidence) -> Evidence:
    """Return the evidence without the sentences that an earlier answer has quoted, if the question is a follow-up.

    A told sentence stays if it has a word of the last turn, or may have what the turn asks for: its date, its number.
    All stay if no other is left.
    """
    if standalone == question.text:
        return evidence
    told = _MARKER.sub("", " ".join(each.content for each in question.messages if each.role == "assistant"))
    left = tuple(
        each for each in evidence.sentences if readable(each.text) not in told or _may_answer(question.text, each.text)
    )
    return replace(evidence, sentences=left) if left else evidence


def _may_answer(turn: str, sentence: str) -> bool:
    """Return whether a sentence has a word of a turn, or something of the type that the turn asks for."""
    asked = stems(turn)
    if not asked or asked & stems(sentence):
        return True
    kind = answer_type(turn)
    text = find_dates(sentence).rest if kind == "number" else sentence
    return kind is not None and answer_type_match(turn, text) == 1.0
