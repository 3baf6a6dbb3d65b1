"""Corrections of the articles that an answer cites: in the article itself, or by a later article of the same source.

Not every change is a correction. A correction replaces a number, a date, a name or a negation of a sentence, or the
article says that it was corrected. A typo, a new paragraph and a count that goes on are changes.
"""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

from index.correcting import is_note, is_titled_correction, notes_of
from index.generation import Generation
from index.records import Article, Edit, Revision, isoformat
from index.text import sentence_spans
from service.answer import day
from service.citations.dates import find_dates
from service.citations.english import english, stem
from service.citations.names import find_names
from service.citations.numbers import find_numbers
from service.compared_text import denies
from service.records import AnswerWarning, Citation, Correction
from service.superseded import asks_earlier, may_correct, superseding

CORRECTED = "corrected"
"""Code of the warning that a cited article was corrected."""

REWORDED = 0.6
"""Share of equal words below which two sentences with other names are other sentences."""

TYPOS, SPELLED_ALIKE = 3, 0.7
"""Words of a sentence whose spelling is corrected at once, at most, and the share of equal letters of each."""

YOUNG = timedelta(days=2)
"""The time in which a higher count is news rather than a correction."""

CONCERNED = 3
"""Words that a quote and a note have in common if the note is about the quote."""

LOOKED_UP = 4
"""Correcting articles that are compared with a quote, besides the passages."""

_WORD = re.compile(r"\w+")


def corrections_of(
    citations: Sequence[Citation], articles: Sequence[Article], generation: Generation, as_of: datetime | None = None
) -> tuple[Correction, ...]:
    """Return the corrections that touch the quotes of an answer; `articles` are those of its passages.

    A correcting article that was published after `as_of` is not seen.
    """
    known = {article.article_id: article for article in articles}
    cited = {each.article_id for each in citations if each.article_id in known}
    histories = generation.histories(cited)
    found: dict[Correction, None] = {}
    for citation in citations:
        article = known.get(citation.article_id)
        if article is None:
            continue
        others = [each for each in articles if may_correct(article, each)]
        found |= dict.fromkeys(_by_others(citation.cited_text, article, others, generation, as_of))
        found |= dict.fromkeys(_in_article(citation, article, histories.get(article.article_id, ())))
    return tuple(found)


def is_superseded(
    question: str, corrections: Sequence[Correction], citations: Sequence[Citation], articles: Sequence[Article]
) -> bool:
    """Return whether an answer quotes a value that an article which it does not cite corrects.

    A question about the earlier value is answered by it.
    """
    dates = {article.article_id: article.published_at for article in articles}
    cited = {each.article_id for each in citations}
    return any(
        each.corrected_by is not None
        and each.corrected_by not in cited
        and each.corrected_at is not None
        and not asks_earlier(question, dates.get(each.article_id), datetime.fromisoformat(each.corrected_at))
        for each in corrections
    )


def corrected_warning(corrections: Sequence[Correction]) -> AnswerWarning | None:
    """Return the warning of an answer that cites articles with these corrections; None if there are none."""
    if not corrections:
        return None
    first = corrections[0]
    moment = f" on {day(first.corrected_at)}" if first.corrected_at else ""
    if first.corrected_by:
        dated = moment.replace(" on ", " of ")
        return AnswerWarning(CORRECTED, f"A later article{dated} corrects what is quoted.")
    return AnswerWarning(CORRECTED, f"The article was {'corrected' if first.note else 'changed'}{moment}.")


def own_corrections(article: Article, history: Sequence[Revision]) -> Iterator[Correction]:
    """Yield the corrections in an article's history, newest first; the words before are not in the body any more."""
    body = _plain(article.body) if history else ""
    for revision in history:
        note = next((edit.after for edit in revision.edits if is_note(edit.after)), None)
        for edit in revision.edits:
            if edit.in_title or not edit.before or not edit.after or is_note(edit.after):
                continue
            if edit.after in body and edit.before not in body and is_correction(edit, revision, article, note):
                moment = revision.changed_at if revision.is_stated else None
                yield Correction(article.article_id, moment, edit.before, edit.after, note=note)


def is_correction(edit: Edit, revision: Revision, article: Article, note: str | None = None) -> bool:
    """Return whether an edit corrects something, rather than adds to it or corrects its spelling."""
    if note:
        return changes_value(edit) or not _is_typo(edit)
    return changes_value(edit) and not _is_progress(edit, revision, article)


def _is_typo(edit: Edit) -> bool:
    """Return whether only the spelling of a few words differs."""
    before, after = (_WORD.findall(text.casefold()) for text in (edit.before, edit.after))
    if len(before) != len(after):
        return False
    pairs = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    return len(pairs) <= TYPOS and all(SequenceMatcher(None, *pair).ratio() >= SPELLED_ALIKE for pair in pairs)


def changes_value(edit: Edit) -> bool:
    """Return whether a number, a date, a name or a negation of a sentence was replaced."""
    old, new = _values(edit.before), _values(edit.after)
    for kind in ("number", "date"):
        if old[kind] - new[kind] and new[kind] - old[kind]:
            return True
    before, after = (_WORD.findall(text.casefold()) for text in (edit.before, edit.after))
    if SequenceMatcher(None, before, after, autojunk=False).ratio() < REWORDED:
        return False
    return denies(edit.before) != denies(edit.after) or bool(old["name"] - new["name"] and new["name"] - old["name"])


def _values(text: str) -> dict[str, set[object]]:
    dated = find_dates(text)
    return {
        "number": {(number.value, number.unit) for number in find_numbers(dated.rest)},
        "date": {each for each in dated.dates if each.relative is None},
        "name": {name.token for name in find_names(text, lambda _: True) if name.distinctive},
    }


def _is_progress(edit: Edit, revision: Revision, article: Article) -> bool:
    """Return whether an edit follows an event that goes on: in its words, or a higher count in the first days."""
    was, words = (set(_pattern("progress").findall(text.casefold())) for text in (edit.before, edit.after))
    if words - was or "so far" in was or "at least" in was:
        return True
    counts = [
        [each.value for each in find_numbers(find_dates(text).rest) if not each.unit]
        for text in (edit.before, edit.after)
    ]
    higher = len(counts[0]) == len(counts[1]) and all(old <= new for old, new in zip(*counts, strict=True))
    published = article.published_at
    is_young = published is not None and datetime.fromisoformat(revision.changed_at) - published <= YOUNG
    return bool(counts[0]) and counts[0] != counts[1] and higher and is_young


def _in_article(citation: Citation, article: Article, history: Sequence[Revision]) -> Iterator[Correction]:
    """Yield the corrections of the sentences of a quote in the article itself."""
    quote = _plain(citation.cited_text)
    own = [each for each in own_corrections(article, history) if each.after and each.after in quote]
    yield from own
    if own or is_titled_correction(article):
        return
    for span in notes_of(article.body):
        if span.start < citation.end_char_index and citation.start_char_index < span.end:
            continue
        note = _plain(article.body[span.start : span.end])
        if _concerns(note, quote):
            moment = _stated_day(note) or isoformat(article.updated_at)
            yield Correction(article.article_id, moment, None, None, note=note)


def _by_others(
    quote: str, article: Article, others: Sequence[Article], generation: Generation, as_of: datetime | None
) -> Iterator[Correction]:
    """Yield the corrections of the sentences of a quote by later articles: other passages, or else looked up."""
    for span in sentence_spans(quote, headings=False):
        claim = quote[span.start : span.end]
        found = superseding(claim, article, _seen(others, as_of))
        found = found or superseding(claim, article, _seen(_looked_up(claim, article, generation), as_of))
        if found:
            moment = isoformat(found.article.published_at)
            by = found.article.article_id
            yield Correction(article.article_id, moment, _plain(claim), _plain(found.text), corrected_by=by)


def _seen(articles: Sequence[Article], as_of: datetime | None) -> Sequence[Article]:
    return [each for each in articles if as_of is None or (each.published_at and each.published_at <= as_of)]


def _looked_up(claim: str, article: Article, generation: Generation) -> list[Article]:
    """Return the later correcting articles of the same source that have most of the words of a claim."""
    rows = generation.correcting_rows(article)
    if not len(rows):
        return []
    scores = generation.lexical.scores(claim)[rows]
    best = rows[scores.argsort(kind="stable")[::-1][:LOOKED_UP]]
    return list({each.article_id: each for _, each in generation.chunks(best)}.values())


def _concerns(note: str, quote: str) -> bool:
    """Return whether a note and a quote speak of one thing: common words, and a number of the quote if it has some."""
    terms = english().terms
    said, told = ({stem(word, terms) for word in terms.of(text)} for text in (quote, note))
    numbers = {each.value for each in find_numbers(quote)}
    is_named = not numbers or bool(numbers & {each.value for each in find_numbers(note)})
    return len(said & told) >= CONCERNED and is_named


def _stated_day(note: str) -> str | None:
    """Return the day that a note states, ISO 8601; None if it has none or several."""
    days = {
        (each.year, each.month, each.day) for each in find_dates(note).dates if each.year and each.month and each.day
    }
    return "{:04}-{:02}-{:02}".format(*days.pop()) if len(days) == 1 else None


def _plain(text: str) -> str:
    return " ".join(text.split())


@cache
def _pattern(name: str) -> re.Pattern[str]:
    lists: dict[str, list[str]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, lists[name]))})(?!\w)", re.IGNORECASE)
