"""The extractive reader: quote the sentence that answers, word for word, without a language model.

One sentence is quoted where one answers. A further one is quoted for another part of the question, for the other side
of a comparison, for the cause that is asked for, because another article has another number, or because it has another
answer and nearly the best score.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from index.markup import readable
from index.records import Article, Span
from index.text import sentence_spans, words
from service.citations.dates import find_dates
from service.conflicts.findings import MOST_COMPARED, Reports
from service.readers.asked_act import answers_to_act
from service.readers.asked_place import of_asked_place
from service.readers.asked_time import of_asked_days, of_asked_year, on_another_day
from service.readers.corrected import with_corrections
from service.readers.evidence import CONTEXT, LONGEST_QUOTE, NAMED, Evidence, ScoredSentence, asked_words, published_at
from service.readers.later_report import later_report
from service.readers.latest import (
    SAME_DAYS,
    counted,
    is_of_other_unit,
    is_out_of_date,
    is_too_late,
    latest,
    recounted,
    settled,
)
from service.readers.measures import has_other_unit, is_age, is_difference, is_of_another
from service.readers.office import is_ahead, is_beginning_of, is_next, is_over, predecessor
from service.readers.question_kind import (
    answer_type,
    asks_latest,
    fits_time,
    kind_of,
    names,
    states_cause,
    stems,
    terms,
)
from service.readers.reversals import calling_off, cause_of_calling_off, not_done, reverses, reversing
from service.records import DraftSentence
from service.superseded import asks_earlier

EXTRACTIVE = "extractive@2"
"""The name of this reader in an answer, with its version."""

QUOTED = 3
"""Quotes at most, one for each part of a question."""

LISTED = 4
"""Quotes at most of a list or a summary."""

ABOUT = 0.66
"""The share of a subject's words that an article of its summary has."""

OPENING = 20
"""Code points before which the first sentence of an article begins; a mark of Markdown may come first."""

UNSURE, COMPARED = 3.0, 12.0
"""Distances from the best score for another answer, and for the other side of a comparison, with the span reader.

On 500 questions of SQuAD's fitting half, a second quote in 17 of 100 answers raises the right ones from .872 to .912; a
distance of 4 adds .002, and of 2 loses .008.
"""

BESIDE = 5.0
"""The distance for an answer of another paper's report of the same days, which may contradict the best one."""

UNSURE_BY_WORDS, COMPARED_BY_WORDS = 0.07, 0.3
"""The same distances without the span reader, which finds the answer first more seldom: .74 on the same questions."""

_RANK = re.compile(r"\b(?:first|last|second|third|oldest|youngest|[a-z]{2,}(?<!inter)(?<!for)(?<!prot)(?<!qu)est)\b")
_TIME = re.compile(
    r"\b(?:at (?:first|last)|(?:last|first) (?:year|month|week|time|night|season|\w+day))\b", re.IGNORECASE
)
_COMPARES = re.compile(r"\b(?:than|compared|versus|vs)\b(?! \d)", re.IGNORECASE)


def quotes(question: str, evidence: Evidence) -> Iterator[DraftSentence]:
    """Yield the best sentence for a question or for each of its parts, with the marker of its passage."""
    for sentence in with_corrections(question, quoted(question, evidence), evidence, QUOTED):
        start, end = sentence.quote or sentence.span
        text = readable(sentence.passage.article.body[start:end])
        yield DraftSentence.quoting(sentence.passage.key, text, sentence.answer)


def quoted(question: str, evidence: Evidence) -> Sequence[ScoredSentence]:
    """Return the sentences to quote, the best first; sentences whose quotes overlap have one quote."""
    evidence = _narrowed(question, evidence)
    kind = kind_of(question)
    if kind.name == "summary":
        return _summary(kind.subject, evidence)
    chosen: list[ScoredSentence] = []
    reports = Reports(question)
    if not evidence.parts and (found := answers_to_act(question, evidence)):
        return found
    for sentence in _of_parts(evidence) or _best(question, evidence, reports):
        _add(sentence, chosen)
    if not chosen:
        return ()
    if kind.name == "list" and not evidence.parts:
        return _listed(question, evidence, chosen)
    if not evidence.parts and (second := _second(question, evidence, chosen[0], reports)):
        _add(second, chosen)
    best, asked = chosen[0], terms(question)
    for sentence in evidence.sentences:
        # “A,” said Vane. “B.” The first sentence names who said B.
        start, end = sentence.quote or sentence.span
        if sentence.passage.key == best.passage.key and start <= best.span.start < best.span.end <= end:
            new = asked & terms(sentence.text) - terms(best.text)
            if new and 2 * len(new) >= len(asked):
                _add(sentence, chosen)
    return chosen[:QUOTED]


def _of_parts(evidence: Evidence) -> Sequence[ScoredSentence]:
    """Return the sentence to quote for each part of a question that has several."""
    found: list[ScoredSentence] = []
    for part in evidence.parts:
        evidence_of_part = _narrowed(part.question, part.evidence)
        found += _best(part.question, evidence_of_part, Reports(part.question))[:1]
    return found


def _narrowed(question: str, evidence: Evidence) -> Evidence:
    """Return the evidence of the time and of the thing that a question asks for."""
    return _of_asked_thing(question, of_asked_days(question, of_asked_year(question, evidence)))


def _summary(subject: str, evidence: Evidence) -> Sequence[ScoredSentence]:
    """Return a sentence of each article that has the words of a subject, the oldest article first.

    It is the article's first one, which says what the article is about, if that was retrieved; else the best one.
    """
    wanted = terms(subject)
    found: dict[str, ScoredSentence] = {}
    for sentence in evidence.sentences:
        article, chunk = sentence.passage.article, sentence.passage.chunk
        shared = wanted & terms(f"{article.title or ''}\n{chunk.text}")
        if wanted and len(shared) >= ABOUT * len(wanted):
            first = found.setdefault(article.article_id, sentence)
            if sentence.span.start < min(first.span.start, OPENING):
                found[article.article_id] = sentence
    best = list(found.values())[:LISTED]
    return sorted(best, key=published_at)


def _listed(question: str, evidence: Evidence, chosen: list[ScoredSentence]) -> Sequence[ScoredSentence]:
    """Return the best sentence and others with other answers that score well enough to belong to a list.

    Where the span reader finds no answer, another article's sentence belongs to it that has the same words of the
    question and is nearly as good.
    """
    near, far = _distances(evidence)
    best = chosen[0]
    asked = terms(question) & terms(best.text)
    for each in evidence.sentences:
        is_answer = best.answer and each.answer
        if not is_answer and each.passage.article.article_id in {one.passage.article.article_id for one in chosen}:
            continue
        is_alike = 3 * len(asked & terms(each.text)) >= 2 * len(asked) > 0
        least = best.score - (far if is_answer else 2 * near if is_alike else near / 2)
        if each.score >= least and all(_is_other(each, one) for one in chosen):
            _add(each, chosen)
    return chosen[:LISTED]


def _distances(evidence: Evidence) -> tuple[float, float]:
    """Return the distances from the best score for another answer, and for one that the question needs."""
    return (UNSURE_BY_WORDS, COMPARED_BY_WORDS) if evidence.certainty is None else (UNSURE, COMPARED)


def _of_asked_thing(question: str, evidence: Evidence) -> Evidence:
    """Return the evidence without numbers of other things than what is asked for, if another answer is left.

    The answer that is left must be in a passage with the names of the question.
    """
    rules = (is_of_another, has_other_unit, is_difference, is_age)
    others = {each for each in evidence.sentences if any(is_other(question, each) for is_other in rules)}
    if not others:
        return evidence
    best, left = evidence.sentences[0], tuple(each for each in evidence.sentences if each not in others)
    far = _distances(evidence)[1]
    near = (each for each in left if each.answer and each.score >= best.score - far and _has_names(question, each))
    return evidence if best in others and not any(near) else replace(evidence, sentences=left)


def _has_names(question: str, sentence: ScoredSentence) -> bool:
    """Return whether the passage of a sentence has the names of a question."""
    return names(question) <= set(words(f"{sentence.passage.article.title}\n{sentence.passage.chunk.text}"))


def _with_asked_words(question: str, evidence: Evidence) -> Sequence[ScoredSentence]:
    """Return the best sentence, or a near one of its article that has more of the words that ask.

    Names, years and the words of a title say which article is meant, and not what is asked of it.
    """
    best = evidence.sentences[:1]
    if not best or best[0].answer is None or answer_type(question) not in ("number", "who"):
        return best
    article, said = best[0].passage.article, terms(best[0].text)
    asked = terms(NAMED.sub("", CONTEXT.sub("", question))) - terms(article.title or "")
    least = best[0].score - _distances(evidence)[1] * 2 / 3
    near = [each for each in evidence.sentences if each.answer and each.score >= least]
    same = [each for each in near if each.passage.article == article and asked & said <= terms(each.text)]
    return [each for each in same if (asked - said) & terms(each.text)][:1] or best


def _about_asked_thing(question: str, evidence: Evidence) -> Sequence[ScoredSentence]:
    """Return the best sentence, or, if it has none of the words that ask, a near one of its article with all of them.

    It was found by the names of the question or its title. The first sentence of an article says what it is about, as
    its title does, and the span reader knows days.
    """
    best, asked_type = evidence.sentences[:1], answer_type(question)
    if not best or best[0].answer is None or asked_type == "when":
        return best
    article, quote = best[0].passage.article, best[0].quote or best[0].span
    asked = asked_words(question) - stems(article.title or "")
    if asked & stems(article.body[slice(*quote)]):
        return best
    asked -= stems(_lead(article))
    least = best[0].score - _distances(evidence)[1]
    same = (each for each in evidence.sentences if each.score >= least and each.passage.article == article)
    fit = (each for each in same if each.answer or asked_type not in ("number", "who"))
    return [each for each in fit if asked and asked <= stems(each.text)][:1] or best


def _lead(article: Article) -> str:
    """Return the first sentence of an article."""
    return next((article.body[: each.end] for each in sentence_spans(article.body, headings=False)), "")


def _by_words(question: str, evidence: Evidence) -> Sequence[ScoredSentence]:
    """Return the best sentence, or a near one of its article that has words or a name that it lacks."""
    best = evidence.sentences[:1]
    if best and best[0].answer is None:
        return _about_asked_name(question, evidence)
    found = _with_asked_words(question, evidence)
    return _about_asked_thing(question, evidence) if found == best else found


def _about_asked_name(question: str, evidence: Evidence) -> Sequence[ScoredSentence]:
    """Return the best sentence, or, if no sentence has an answer, a near one of its article with a further name.

    "What is Vane planning for Aldham?": the best sentence is about Vane, as the whole article is.
    """
    best = evidence.sentences[:1]
    article = best[0].passage.article
    asked = names(question) - set(words(f"{article.title}\n{_lead(article)}\n{best[0].text}"))
    near = (each for each in evidence.sentences if each.score >= best[0].score - _distances(evidence)[1])
    same = (each for each in near if each.passage.article == article)
    return [each for each in same if asked and asked <= set(words(each.text))][:1] or best


def _of_asked_rank(question: str, evidence: Evidence, best: ScoredSentence) -> ScoredSentence:
    """Return the best sentence, or a near one with the rank that is asked for: "the first", "the oldest"."""
    asked = _RANK.search(_TIME.sub("", question))
    if not asked or asked[0].casefold() in words(best.text):
        return best
    least = best.score - _distances(evidence)[1]
    near = (each for each in evidence.sentences if each.answer and each.score >= least and _has_names(question, each))
    return next((each for each in near if asked[0].casefold() in words(each.text)), best)


def _best(question: str, evidence: Evidence, reports: Reports) -> Sequence[ScoredSentence]:
    """Return the sentence to quote first: the best one that has the asked time, or of nearly equal ones the newest."""
    best = _by_words(question, evidence)
    if not best:
        return best
    if best[0].answer is None:
        held = latest(question, evidence, best[0]) if is_over(best[0], evidence) else best[0]
        return [later_report(question, evidence, held) or held]
    best = (_of_asked_rank(question, evidence, settled(question, evidence, best[0])),)
    if cause := cause_of_calling_off(question, evidence, best[0].score - _distances(evidence)[1]):
        return [cause]
    if before := predecessor(question, evidence, best[0]):
        return [before]
    near, far = _distances(evidence)
    best = (of_asked_place(question, evidence, best[0], best[0].score - far * 2 / 3),)
    if asks_latest(question):
        found = [each for each in evidence.sentences if each.answer and each.score >= best[0].score - near]
        found = [each for each in found if answer_type(question) != "number" or counted(each)] or [best[0]]
        best = (max(found, key=lambda each: (published_at(each), each == best[0])),)
    elif not fits_time(question, best[0].text):
        found = [each for each in evidence.sentences if each.answer and each.score >= best[0].score - far]
        best = tuple(each for each in found if fits_time(question, each.text))[:1] or best
    if reversal := reversing(question, best[0], evidence):
        return [reversal]
    updated = _latest(question, evidence, best[0], reports)
    if evidence.latest and not _COMPARES.search(question):
        updated = latest(question, evidence, updated)
        updated = later_report(question, evidence, updated) or updated
    return [updated]


def _second(question: str, evidence: Evidence, best: ScoredSentence, reports: Reports) -> ScoredSentence | None:
    """Return the next sentence with another answer, if the question needs it or it is nearly the best."""
    if asks_latest(question) and best.answer and best.passage.article.published_at:
        return None
    undone = [] if states_cause(best.text) else not_done(question, evidence)
    undone = [each for each in undone if each.passage.article == best.passage.article]
    otherwise = calling_off(question, best, evidence) or next(iter(undone), None)
    if otherwise := otherwise or on_another_day(question, evidence, best):
        return otherwise
    near, far = _distances(evidence)
    highest = evidence.sentences[0]
    if best.answer and (is_ahead(question, best, evidence) or is_next(question, best, evidence)):
        return next((each for each in evidence.sentences if is_beginning_of(best, each)), None)
    others = [each for each in evidence.sentences if each.span != best.span or each.passage != best.passage]
    if answer_type(question) == "number":
        others = [recounted(each, best) for each in others]
    # The best sentence by score, if another one of its article is quoted instead.
    others = [each for each in others if each != highest or each.passage.article != best.passage.article]
    others = [each for each in others if each.score >= best.score - far and _is_other(each, best)]
    others = [each for each in others if not _is_old(question, each, best, evidence)]
    others = [each for each in others if not is_ahead(question, each, evidence) and not is_over(each, evidence)]
    others = [each for each in others if not calling_off(question, each, evidence)]
    others = [each for each in others if later_report(question, evidence, each) != best]
    others = [each for each in others if settled(question, evidence, each) == each]
    if answer_type(question) == "number":
        others = [each for each in others if not is_of_other_unit(best, each)]
    if fits_time(question, best.text):
        others = [each for each in others if fits_time(question, each.text)]
    sides = [terms(side) for side in _COMPARES.split(question, maxsplit=1)]
    if len(sides) > 1:
        known = terms(best.text)
        lacking = next((side - known for side in reversed(sides) if side - known), set())
        return next((each for each in others if lacking & terms(each.text)), None)
    asked = answer_type(question)
    if asked == "why" and not states_cause(best.text):
        causes = (each for each in others if states_cause(each.text) and _has_names(question, each))
        if cause := next(causes, None):
            return cause
    least = highest.score - near
    is_near = (
        each
        for each in others
        if (each.score >= least and not _is_earlier(each, best, evidence))
        or _is_beside(each, best)
        or _differs(reports, best, each)
    )
    conflicting = (
        each for each in _conflicting(reports, best, evidence) if not _is_old(question, each, best, evidence)
    )
    return next(is_near, None) or next(conflicting, None)


def _is_earlier(other: ScoredSentence, best: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether the latest report is wanted and another sentence is of an earlier one."""
    earlier, later = other.passage.article.published_at, best.passage.article.published_at
    return bool(evidence.latest and earlier and later and later - earlier > SAME_DAYS)


def _is_beside(other: ScoredSentence, best: ScoredSentence) -> bool:
    """Return whether another paper's report of the same days answers nearly as well."""
    one, two = best.passage.article, other.passage.article
    is_other = one.source is not None and two.source is not None and one.source != two.source
    is_answer = best.answer is not None and other.answer is not None and other.score >= best.score - BESIDE
    return is_other and is_answer and abs(published_at(other) - published_at(best)) <= SAME_DAYS


def _is_old(question: str, other: ScoredSentence, best: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether the quoted sentence is a later report of what another one states."""
    if reverses(question, best, other):
        return True
    if not evidence.latest or not best.answer or not other.answer or _COMPARES.search(question):
        return False
    return is_out_of_date(question, other, best, evidence)


def _differs(reports: Reports, best: ScoredSentence, other: ScoredSentence) -> bool:
    """Return whether another article of the same days gives another value for the answer."""
    found = reports.relation(best, other)
    return found is not None and found.relation != "update" and not found.is_corrected


def _conflicting(reports: Reports, best: ScoredSentence, evidence: Evidence) -> Iterator[ScoredSentence]:
    """Yield the answers of other articles that conflict with the best one, however low they are ranked."""
    for each in evidence.sentences[:MOST_COMPARED]:
        found = reports.relation(best, each)
        if found and found.relation == "conflict" and not found.is_corrected:
            yield each


def _latest(question: str, evidence: Evidence, best: ScoredSentence, reports: Reports) -> ScoredSentence:
    """Return the sentence with the latest value for what a sentence answers; a question may ask for an earlier one."""
    if find_dates(question).dates:
        return best
    far = _distances(evidence)[1]
    latest = best
    for other in evidence.sentences:
        found = reports.relation(latest, other) if other.score >= best.score - far else None
        is_update = found is not None and found.relation == "update" and found.later.article == other.passage.article
        is_of_now = not is_ahead(question, other, evidence) and not is_too_late(other, latest, evidence)
        if is_update and is_of_now:
            moments = latest.passage.article.published_at, other.passage.article.published_at
            latest = latest if asks_earlier(question, *moments) else other
    return latest


def _is_other(sentence: ScoredSentence, best: ScoredSentence) -> bool:
    """Return whether a sentence has another answer than the best one."""
    given, answer = (
        f" {' '.join(words(each.passage.article.body[slice(*(each.answer or each.span))]))} "
        for each in (best, sentence)
    )
    return answer not in given and given not in answer


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
