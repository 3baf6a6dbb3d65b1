"""Sentences that speak to a machine rather than to a reader: an article's orders to whatever answers from it.

The extractive reader does not quote them, and they do not count as evidence. A heuristic for plain cases, in English: a
language model is protected by its prompt and by the support check, and nothing here is taken for a guarantee.
"""

import re

_ORDER = r"(?:ignore|disregard|forget|override|bypass|skip)"
_MACHINE = (
    r"(?:assistants?|chatbots?|language models?|llms?|ais?|bots?|search engines?|this system|the system|the model)"
)
_ABOVE = r"(?:instructions?|prompts?|questions?|rules|orders|passages?|sources?|above|previous)"
_SAY = r"(?:answer|reply|respond|say|write|print|output|repeat)"
_MUST = r"(?:must|should|shall|has to|have to|is to|are to)"
_CALL = r"(?:dear|attention|note to|message (?:to|for)|instructions? (?:to|for))"
_VERBATIM = r"[^.!?]{0,15}(?:\bwith\b|\bthe words?\b|[\"“‘:])"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_ORDER}\b[^.!?]{{0,40}}\b{_ABOVE}\b",
        rf"\b{_SAY}\b[^.!?]{{0,25}}\b(?:only|just|exactly|nothing but)\b{_VERBATIM}",
        r"\b(?:system|developer|hidden|secret)\s+(?:prompt|message|instructions?)\b",
        rf"^\W*{_CALL}\W+(?:any |all |the |every )?{_MACHINE}\b",
        rf"\b(?:you are|you're|act as|pretend to be|behave as)\b[^.!?]{{0,20}}\b{_MACHINE}\b",
        rf"\b(?:any|all|every)\s+{_MACHINE}\b[^.!?]{{0,30}}\b{_MUST}\b[^.!?]{{0,20}}\b{_SAY}\b",
        r"</?(?:system|assistant|user|instructions?|prompt)\b|\[/?(?:INST|SYSTEM)\]|<\|",
    )
)


def addresses_machine(sentence: str) -> bool:
    """Whether a sentence reads like an order to a program that answers questions."""
    return any(pattern.search(sentence) for pattern in _PATTERNS)
