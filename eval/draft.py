"""Drafts of gold questions: suggestions as lines of a gold set, for a person to review."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import islice

from eval.matching import dates, matches, numbers
from eval.records import Evidence, Fact, GoldItem, Matcher, Provenance, QuestionType, Turn
from index.generation import Generation
from index.records import Article
from service.answer import Answer
from service.pipeline import Pipeline
from service.question_rules import MadeQuestion, questions_of
from service.records import Question
from service.suggestions import checked

FIRST = 501
"""The number of the first draft of each type; change the ids when you add drafts to a gold set."""

OF_AN_ARTICLE = 2


def drafts(pipeline: Pipeline, limit: int) -> Iterator[GoldItem]:
    """Yield questions made from the newest articles that the pipeline answers correctly, at most two of an article.

    The facts and the evidence are those of the answer. Raises IndexUnavailable or EmbeddingFailed.
    """
    numbered: Counter[str] = Counter()
    with pipeline.library.pinned() as generation, asyncio.Runner() as loop:
        for article in _newest_first(generation):
            for item in islice(_of_article(pipeline, article, loop, numbered), OF_AN_ARTICLE):
                yield item
                numbered[item.type] += 1
                if numbered.total() == limit:
                    return


def _newest_first(generation: Generation) -> Iterator[Article]:
    for offset in range(generation.manifest.article_count):
        for listed in generation.listed(offset, 1, 0):
            if article := generation.article(listed.article.article_id):
                yield article


def _of_article(
    pipeline: Pipeline, article: Article, loop: asyncio.Runner, numbered: Mapping[str, int]
) -> Iterator[GoldItem]:
    today = pipeline.clock().date()
    for made in questions_of(article):
        if made.until and made.until < today:
            continue
        answer = loop.run(pipeline.ask(Question(made.text, reader="extractive")))
        kind = _type_of(made.text)
        if item := draft(made, article, answer, f"{kind}-{FIRST + numbered.get(kind, 0)}"):
            yield item


def draft(made: MadeQuestion, article: Article, answer: Answer, id_: str) -> GoldItem | None:
    """Return the draft of an answered question; None if its answer is not right, or a gold set would not accept it."""
    if checked(made, article, answer) is None:
        return None
    quote = answer.citations[0].cited_text
    facts = (Fact(id="f1", text=made.answer, match=(_matcher(made.answer),), evidence=("e1",)),)
    is_stated = matches(facts[0].match, quote) and not matches(facts[0].match, made.text)
    if not is_stated or article.body.count(quote) != 1:
        return None
    return GoldItem(
        schema_=1,
        id=id_,
        type=_type_of(made.text),
        asked_at=answer.created_at,
        turns=(Turn(role="user", content=made.text),),
        expect="answer",
        answer=quote,
        facts=facts,
        evidence=(Evidence(id="e1", article=article.article_id, quote=quote),),
        evidence_sets=(("e1",),),
        provenance=Provenance(made="a draft, made by rules", checked="not yet"),
    )


def to_line(item: GoldItem) -> str:
    """Return a question as a line of JSON, without the fields that have their defaults."""
    return item.model_dump_json(by_alias=True, exclude_defaults=True)


def _type_of(question: str) -> QuestionType:
    first = question.partition(" ")[0].lower()
    kinds: dict[str, QuestionType] = {"who": "who", "when": "when", "where": "where", "why": "why"}
    is_length_of_time = question.startswith("How long will ")
    return "when" if is_length_of_time else kinds.get(first, "how_many")


def _matcher(answer: str) -> Matcher:
    """Return the test of an answer: a complete date, a number with its unit, or its words."""
    stated = [each for each in dates(answer) if each.year and each.month and each.day]
    if stated:
        first = stated[0]
        return Matcher(date=date(first.year or 0, first.month or 0, first.day or 0).isoformat())
    found = numbers(answer)
    if len(found) == 1 and not dates(answer):
        return Matcher(number=found[0].value, unit=found[0].unit)
    return Matcher(text=(answer,))
