"""The extractive reader: quote the sentence that answers, word for word, without a language model.

One sentence is quoted where one answers. A further one is quoted for another part of the question, for the other side
of a comparison, or because it has another answer and nearly the best score.
"""

import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from index.markup import readable
from index.records import Span
from index.terms import words
from index.text import sentence_spans
from service.readers.base import Reading
from service.readers.evidence import Evidence, ScoredSentence
from service.readers.statements import LONGEST_QUOTE
from service.records import DraftSentence, Passage

QUOTED = 3
"""Quotes at most, one for each part of a question."""

UNSURE, COMPARED = 3.0, 12.0
"""Distances from the best score for another answer, and for the other side of a comparison, with the span reader.

On 500 questions of SQuAD's fitting half, a second quote in 17 of 100 answers raises the right ones from .872 to .912; a
distance of 4 adds .002, and of 2 loses .008.
"""

UNSURE_BY_WORDS, COMPARED_BY_WORDS = 0.07, 0.3
"""The same distances without the span reader, which finds the answer first more seldom: .74 on the same questions."""

LETTERS = 5
"""Letters by which the forms of a word are compared: count, counted."""

_COMPARES = re.compile(r"\b(?:than|compared|versus|vs)\b(?! \d)", re.IGNORECASE)
_IDLE = frozenset(
    "what when where which whom whose about after also been before being compared could does from have into more less"
    " most much many said says that their them then there they this than were will with would your".split()
)


class ExtractiveReader:
    """Quotes the best sentence for a question or for each of its parts."""

    name = "extractive@2"
    quotes_only = True
    model = None
    prompt = None

    async def fit(self, passages: Sequence[Passage]) -> tuple[Passage, ...]:
        """Return all passages."""
        return tuple(passages)

    async def read(self, reading: Reading) -> AsyncGenerator[DraftSentence, None]:
        """Yield the quotes, the best first, each with the marker of its passage before its full stop.

        The marker of a sentence that ends with a quotation mark comes after it.
        """
        for sentence in quoted(reading.question, reading.evidence):
            start, end = sentence.quote or sentence.span
            text = readable(sentence.passage.article.body[start:end])
            statement = text.rstrip(".!?…")
            parts = (statement, (sentence.passage.key,), text[len(statement) :])
            yield DraftSentence(tuple(part for part in parts if part), answer=sentence.answer)


def quoted(question: str, evidence: Evidence) -> Sequence[ScoredSentence]:
    """Return the sentences to quote, the best first; sentences whose quotes overlap have one quote."""
    chosen: list[ScoredSentence] = []
    for sentence in evidence.parts or evidence.sentences[:1]:
        _add(sentence, chosen)
    if not chosen:
        return ()
    if not evidence.parts and (second := _second(question, evidence)):
        _add(second, chosen)
    best, asked = chosen[0], _terms(question)
    for sentence in evidence.sentences:
        # “A,” said Vane. “B.” The first sentence names who said B.
        start, end = sentence.quote or sentence.span
        if sentence.passage.key == best.passage.key and start <= best.span.start < best.span.end <= end:
            new = asked & _terms(sentence.text) - _terms(best.text)
            if new and 2 * len(new) >= len(asked):
                _add(sentence, chosen)
    return chosen[:QUOTED]


def _second(question: str, evidence: Evidence) -> ScoredSentence | None:
    """Return the next sentence with another answer, if it is on the other side of a comparison or nearly the best."""
    near, far = (UNSURE_BY_WORDS, COMPARED_BY_WORDS) if evidence.certainty is None else (UNSURE, COMPARED)
    sides = [_terms(side) for side in _COMPARES.split(question, maxsplit=1)]
    is_comparison = len(sides) > 1
    best, *others = evidence.sentences
    known = _terms(best.text)
    lacking = next((side - known for side in reversed(sides) if side - known), set())
    answers = (
        f" {' '.join(words(each.passage.article.body[slice(*(each.answer or each.span))]))} "
        for each in (best, *others)
    )
    given = next(answers)
    for sentence, answer in zip(others, answers, strict=True):
        if sentence.score < best.score - (far if is_comparison else near):
            return None
        if answer not in given and given not in answer and not (is_comparison and not lacking & _terms(sentence.text)):
            return sentence
    return None


def _add(sentence: ScoredSentence, chosen: list[ScoredSentence]) -> None:
    """Add a sentence to those chosen; if quotes overlap, they become one, or the sentence is left out."""
    article, (start, end) = sentence.passage.article, sentence.quote or sentence.span
    overlapping = [
        other
        for other in chosen
        for begin, stop in [other.quote or other.span]
        if other.passage.article.article_id == article.article_id and start < stop and begin < end
    ]
    if not overlapping:
        chosen.append(sentence)
        return
    spans = [each.quote or each.span for each in (sentence, *overlapping)]
    whole = Span(min(begin for begin, _ in spans), max(stop for _, stop in spans))
    is_short = len(sentence_spans(article.body[whole.start : whole.end])) <= LONGEST_QUOTE
    if is_short and all(other.passage.key == sentence.passage.key for other in overlapping):
        chosen[chosen.index(overlapping[0])] = replace(overlapping[0], quote=whole)
        for other in overlapping[1:]:
            chosen.remove(other)


def _terms(text: str) -> set[str]:
    """Return the beginnings of the words and numbers of a text that say what it is about."""
    return {word[:LETTERS] for word in words(text) if (len(word) > 3 or word.isdigit()) and word not in _IDLE}
