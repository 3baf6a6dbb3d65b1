"""Quote with a sentence the one of a later article that corrects it, or that one alone."""

from collections.abc import Sequence

from index.records import Article
from index.text import sentence_spans
from service.citations.dates import find_dates
from service.citations.numbers import find_numbers
from service.readers.evidence import Evidence, ScoredSentence
from service.superseded import asks_earlier, asks_what_was_said, superseding


def with_corrections(
    question: str, chosen: Sequence[ScoredSentence], evidence: Evidence, most: int
) -> Sequence[ScoredSentence]:
    """Return the sentences to quote, at most so many, with those of later articles that correct them.

    A correction comes after the sentence, or in its place if the answer is what it replaces or denies.
    """
    articles = list({each.passage.article.article_id: each.passage.article for each in evidence.sentences}.values())
    quoted: list[ScoredSentence] = []
    for sentence in chosen:
        new = _with_correction(question, sentence, articles, evidence)
        new = [each for each in new if each not in quoted]
        if len(quoted) + len(new) <= max(most, len(chosen)):
            quoted += new
    return quoted


def _with_correction(
    question: str, sentence: ScoredSentence, articles: Sequence[Article], evidence: Evidence
) -> list[ScoredSentence]:
    """Return a sentence with the one that corrects it, in the order to quote; an earlier value may be asked for."""
    article, (start, end) = sentence.passage.article, sentence.quote or sentence.span
    for span in sentence_spans(article.body[start:end], headings=False):
        found = superseding(article.body[start + span.start : start + span.end], article, articles)
        if found is None or asks_earlier(question, article.published_at, found.article.published_at):
            continue
        same = (each for each in evidence.sentences if each.passage.article == found.article)
        correcting = next((each for each in same if each.span == found.span), None)
        if correcting and found.kind == "denial":
            return [correcting, sentence] if asks_what_was_said(question) else [correcting]
        if correcting:
            return [correcting] if _is_replaced(sentence, found.kind) else [sentence, correcting]
    return [sentence]


def _is_replaced(sentence: ScoredSentence, kind: str) -> bool:
    """Return whether the answer in a sentence is of the kind that is corrected: a number, a day or a name."""
    if sentence.answer is None:
        return False
    answer = sentence.passage.article.body[slice(*sentence.answer)]
    dated = find_dates(answer)
    if kind == "day":
        return bool(dated.dates)
    # A time of day is a number as well.
    return not answer.islower() if kind == "name" else any(":" not in each.text for each in find_numbers(dated.rest))
