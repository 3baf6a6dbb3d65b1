"""Explain an answer: build its trace from what its question was searched, judged and checked with.

Nothing is computed again, so that the trace tells what was decided and not what would be.
"""

from collections.abc import Callable, Mapping
from datetime import date

from index.records import isoformat
from service.answer_run import AnswerRun, CheckedSentence
from service.citations.verify import EXCERPT, SupportSteps, Thresholds
from service.readers.answerability import Answerability, Calibration
from service.readers.evidence import ScoredSentence
from service.records import Highlight
from service.retrieve import Retrieved, Search
from service.trace import (
    Trace,
    TraceCandidate,
    TraceCheck,
    TraceDays,
    TraceDecision,
    TraceDifference,
    TraceQuestion,
    TraceSearch,
    TraceSentence,
    TraceThresholds,
)

SEARCHES = 6
CANDIDATES = 20
SENTENCES = 20
CHECKS = 50
"""Limits of the lists. A sentence that is quoted is listed at any rank."""

_FACTS = {"number_not_in_source": 0, "date_not_in_source": 1, "name_not_in_source": 2}
"""The facts of a sentence in the order in which they are looked for, by the reason if one is missing."""

_UNDECIDED = ("no_articles", "outside_filters", "other_request")
"""Reasons for which no sentence was judged."""


def thresholds_of(calibration: Calibration, support: Thresholds) -> TraceThresholds:
    """Return the thresholds of the decision and of the checks."""
    return TraceThresholds(
        strength_abstain=calibration.abstain,
        strength_answered=calibration.answered,
        strength_related=calibration.off_topic,
        certainty_abstain=calibration.certain_abstain,
        certainty_answered=calibration.certain_answered,
        score_partial=support.partial,
        score_partial_with_quote=support.quoted,
        score_verified=support.verified,
        contradiction=support.contradicted,
    )


def trace_of(run: AnswerRun, thresholds: TraceThresholds, excerpt: Callable[[str], str]) -> Trace:
    """Return the trace of a question that is answered; `excerpt` makes a withheld text short and safe."""
    places = {passage.key: f"src_{number}" for number, passage in enumerate(run.composition.passages, 1)}
    chunks = {passage.chunk.chunk_id: places[passage.key] for passage in run.composition.passages}
    return Trace(
        question=_question(run),
        searches=tuple(_search(*each, chunks) for each in run.searches[:SEARCHES]),
        sentences=_sentences(run, places),
        decision=_decision(run),
        checks=tuple(_check(each, run.composition.text, places, excerpt) for each in run.checked[:CHECKS]),
        model_calls=tuple(run.calls),
        thresholds=thresholds,
    )


def _question(run: AnswerRun) -> TraceQuestion:
    def days(found: tuple[date, date | None] | None, *, is_used: bool) -> TraceDays | None:
        return TraceDays(*found, is_used) if found else None

    return TraceQuestion(
        asked=run.question.text,
        standalone=run.independent,
        searched=run.standalone,
        kind=run.kind.name,
        window=days(run.window[:2] if run.window else None, is_used=bool(run.inferred)),
        period=days(run.period.days if run.period else None, is_used=True),
        filters_inferred=run.inferred,
    )


def _search(wanted: Search, found: Retrieved, sources: Mapping[str, str]) -> TraceSearch:
    ranking = found.ranking
    best = ranking.order[:CANDIDATES] if ranking else ()
    return TraceSearch(
        text=wanted.text,
        published_after=isoformat(wanted.filters.published_after),
        published_before=isoformat(wanted.filters.published_before),
        prefers_new=wanted.prefers_new,
        found=found.candidates,
        candidates=tuple(
            TraceCandidate(
                chunk_id=ranking.outlets[at].chunk_id,
                article_id=ranking.outlets[at].article_id,
                source_id=sources.get(ranking.outlets[at].chunk_id),
                dense=float(ranking.dense[at]),
                lexical=round(float(ranking.lexical[at]), 6),
                score=float(ranking.fused[at]),
            )
            for at in best
            if ranking
        ),
    )


def _sentences(run: AnswerRun, places: Mapping[str, str]) -> tuple[TraceSentence, ...]:
    """Return the best sentences, and those that are quoted, by rank."""
    quoted = [(each.article_id, each.start_char_index, each.end_char_index) for each in run.composition.citations]

    def is_quoted(sentence: ScoredSentence) -> bool:
        return any(
            sentence.passage.article.article_id == article_id
            and sentence.span.start < end
            and start < sentence.span.end
            for article_id, start, end in quoted
        )

    ranked = [(rank, each, is_quoted(each)) for rank, each in enumerate(run.evidence.sentences)]
    return tuple(
        TraceSentence(
            text=_short(each.text),
            article_id=each.passage.article.article_id,
            source_id=places.get(each.passage.key),
            start_char_index=each.span.start,
            end_char_index=each.span.end,
            score=each.score,
            answer=Highlight(*each.answer) if each.answer else None,
            is_quoted=in_answer,
        )
        for rank, each, in_answer in ranked
        if rank < SENTENCES or in_answer
    )


def _decision(run: AnswerRun) -> TraceDecision:
    evidence = run.evidence
    result: Answerability | None = "weak" if run.is_weak else "answered"
    if run.reason == "low_relevance":
        result = "abstain"
    elif run.reason in _UNDECIDED or run.counted or run.period:
        result = None
    judged = run.judgement if result else None
    return TraceDecision(
        result=result,
        doubts=judged.doubts if judged else (),
        missing=judged.missing if judged else (),
        strength=evidence.strength,
        certainty=evidence.certainty,
        has_all_words=evidence.complete,
    )


def _check(
    checked: CheckedSentence, answer: str, places: Mapping[str, str], excerpt: Callable[[str], str]
) -> TraceCheck:
    check, place = checked.check, checked.place
    support = check.support
    steps = support.steps if support else SupportSteps()
    lacking = _FACTS.get(steps.lacks or "")
    facts = [
        True if steps.is_compared or (lacking is not None and at < lacking) else False if at == lacking else None
        for at in _FACTS.values()
    ]
    reason = check.withheld or (support.reason if support else None)
    status = check.quotes[0].status if check.quotes else "unchecked"
    return TraceCheck(
        text=excerpt(checked.draft.text) if place is None else _short(answer[place.start : place.end]),
        start_index=place.start if place else None,
        end_index=place.end if place else None,
        source_ids=tuple(places[key] for key in checked.draft.keys if key in places),
        result="withheld" if check.withheld else status,
        reason=reason,
        is_safe=check.withheld != "unsafe_text",
        is_word_for_word=steps.is_located if support else None,
        has_numbers=facts[0],
        has_dates=facts[1],
        has_names=facts[2],
        score=support.score if support and (steps.is_located or steps.is_compared) else None,
        differences=tuple(TraceDifference(kind.replace(" ", "_"), weight) for kind, weight in steps.differences),
        contradiction=steps.contradiction,
    )


def _short(text: str) -> str:
    return text if len(text) <= EXCERPT else f"{text[: EXCERPT - 1].rstrip()}…"
