"""The conflicts and developments of an answer: its cited values against those of other articles.

Only details that the answer is about count: those in the answer's words if their place is known, else those of the kind
that the question asks for. Copies of one story are one position. A later article that corrects a cited one is a
conflict as long as the answer does not cite it; then `Answer.corrections` tells of it.

The topic of a conflict is a few words: `number of people injured (Corran Mill)`, `cost (footbridge)`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product

from index.markup import readable
from index.records import Article, Span, isoformat
from service.citations.english import english
from service.citations.names import Name, find_names, missing_name
from service.conflicts.details import Statement
from service.conflicts.lexicon import CALENDAR
from service.conflicts.pair_reader import Reading, ReadTexts
from service.conflicts.relation import Finding, compare
from service.conflicts.statement import Story, Token, tokens
from service.conflicts.values import Amount, Detail, Kind, excludes
from service.readers.evidence import EARLIEST, ScoredSentence
from service.readers.question_kind import answer_type
from service.records import Citation, Conflict, Development, Passage, Position

MOST_COMPARED = 24
"""Scored sentences with which a cited sentence is compared, the best first."""

SUBJECT = 4
"""Words of a name in a topic, at most."""

NEAR = 5.0
"""How far below the best score an answer may be that differs from it in a name or a place.

Numbers and dates say by their words of what they are; a person who did something else is an unlikely answer as well.
"""

LEAST_LETTERS = 4
"""Letters of a word of a question that says what a conflict is about."""

_KINDS: dict[str | None, frozenset[Kind]] = {
    "when": frozenset(["date"]),
    "number": frozenset(["number"]),
    # `The prize went to Ina Farr` has a name behind a preposition of place.
    "who": frozenset(["name", "place"]),
    "where": frozenset(["name", "place"]),
}
_POSSESSIVE = re.compile(r"['’]s?$")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_ASKS_WHETHER = re.compile(
    r"^\W*(?:is|are|was|were|has|have|had|will|would|did|does|do|can|could|ist|sind|war|wird|wurde|hat|haben|kann)\b",
    re.IGNORECASE,
)
_ANY: frozenset[Kind] = frozenset(["number", "date", "place", "name", "status"])


@dataclass(frozen=True, slots=True)
class Findings:
    """The conflicts and developments of an answer."""

    conflicts: tuple[Conflict, ...] = ()
    developments: tuple[Development, ...] = ()


@dataclass(frozen=True)
class _Side:
    """A sentence with the place of the answer's words in it, if that is known."""

    statement: Statement
    focus: Span | None

    def concerns(self, detail: Detail, kinds: frozenset[Kind]) -> bool:
        """Return whether the answer is about a detail."""
        if self.focus is None:
            return detail.kind in kinds
        touches = detail.span.start < self.focus.end and self.focus.start < detail.span.end
        return detail.kind in kinds and (touches or detail.kind == "status")

    def has_any(self, kinds: frozenset[Kind]) -> bool:
        """Return whether the answer may be about a detail of the sentence."""
        return "status" in kinds or any(self.concerns(each, kinds) for each in self.statement.details)


@dataclass(frozen=True, slots=True)
class _Place:
    """A value of a finding with its sentence."""

    statement: Statement
    detail: Detail
    is_correction: bool = False


class Reports:
    """The articles of one question, each read once for its details."""

    def __init__(self, question: str, read: ReadTexts | None = None) -> None:
        self.kinds = _KINDS.get(answer_type(question), _ANY)
        self._reading = Reading(read, question) if read else None
        self._stories: dict[str, Story] = {}
        self._statements: dict[tuple[str, Span], Statement] = {}

    def relation(self, one: ScoredSentence, other: ScoredSentence) -> Finding | None:
        """Return how another article's answer is related to an answer; None if they agree or it is not known.

        Another name or place that is far less likely answers something else.
        """
        if one.answer is None or other.answer is None:
            return None
        kinds, first = self.kinds - {"status"}, self.scored(one)
        if _are_copies(one.passage, other.passage.article) or not first.has_any(kinds):
            return None
        found = next(self.between(first, self.scored(other), kinds), None)
        is_unlikely = found and found.before.kind in ("name", "place") and other.score < one.score - NEAR
        return None if is_unlikely else found

    def scored(self, sentence: ScoredSentence) -> _Side:
        """Return a scored sentence with the place of its answer."""
        return _Side(self.statement(sentence.passage.article, sentence.span), sentence.answer)

    def statement(self, article: Article, span: Span) -> Statement:
        """Return a sentence of an article."""
        key = (article.article_id, span)
        if key not in self._statements:
            story = self._stories.setdefault(article.article_id, Story(article))
            self._statements[key] = Statement(story, span)
        return self._statements[key]

    def cited(self, citation: Citation, article: Article) -> Iterator[_Side]:
        """Yield the sentences of a quote; of one with the answer's words, only those that have them."""
        light = citation.highlight
        focus = Span(light.start_char_index, light.end_char_index) if light else None
        story = self._stories.setdefault(article.article_id, Story(article))
        first, last = (focus.start, focus.end) if focus else (citation.start_char_index, citation.end_char_index)
        for span in story.sentences:
            if span.start < last and first < span.end:
                yield _Side(self.statement(article, span), focus)

    def between(self, one: _Side, other: _Side, kinds: frozenset[Kind]) -> Iterator[Finding]:
        """Yield the findings on two sentences that the answer is about."""
        have_answers = one.focus is not None and other.focus is not None
        sides = {id(side.statement): side for side in (one, other)}
        yield from compare(
            one.statement,
            other.statement,
            self._reading,
            lambda statement, detail: sides[id(statement)].concerns(detail, kinds),
            have_answers=have_answers,
        )


def findings(
    question: str,
    citations: Sequence[Citation],
    passages: Sequence[Passage],
    sentences: Sequence[ScoredSentence],
    corrected_by: Iterable[str] = (),
    read: ReadTexts | None = None,
) -> Findings:
    """Return the conflicts and developments of an answer; nothing if only one story was found.

    `corrected_by` are the articles whose corrections the answer reports; without `read`, only states are compared.
    """
    known = {passage.article.article_id: passage for passage in passages}
    others = [each for each in sentences[:MOST_COMPARED] if each.passage.article.article_id in known]
    if not citations or len({_story_of(each.passage) for each in others}) < 2:
        return Findings()
    reports = Reports(question, read)
    cited = [
        side
        for citation in citations
        if citation.article_id in known
        for side in reports.cited(citation, known[citation.article_id].article)
    ]
    cited = [side for side in cited if side.has_any(reports.kinds)]
    # If answers were looked for, a sentence without one is about something else.
    answering = [each for each in others if each.answer]
    compared = [*cited, *map(reports.scored, answering or others)]
    unlikely = {id(reports.scored(each).statement) for each in others if each.score < others[0].score - NEAR}
    settled = {citation.article_id for citation in citations} | set(corrected_by)
    years, names = frozenset(_YEAR.findall(question)), find_names(question, english().starters.__contains__)
    conflicts: list[list[_Place]] = []
    developments: list[list[_Place]] = []
    for one, other in product(cited, compared):
        if _are_copies(known[one.statement.article.article_id], other.statement.article):
            continue
        for finding in reports.between(one, other, reports.kinds):
            if not _is_of_asked_year(finding, years) or not _has_names(finding, names):
                continue
            if finding.before.kind in ("name", "place") and id(other.statement) in unlikely:
                continue
            if finding.relation == "update":
                # A state that changed matters to those who ask for it.
                if finding.before.kind != "status" or _ASKS_WHETHER.match(question):
                    _add(developments, finding)
            elif finding.relation == "conflict" and not _is_settled(finding, settled):
                # A later report of one paper replaces its earlier one.
                _add(developments if _is_of_one_paper(finding) else conflicts, finding)
    return Findings(
        tuple(Conflict(_topic(group, question), _positions(_latest_first(group))) for group in conflicts),
        tuple(Development(_topic(group, question), _positions(sorted(group, key=_moment))) for group in developments),
    )


def _is_settled(finding: Finding, articles: set[str]) -> bool:
    """Return whether a finding is a correction by one of some articles."""
    return finding.is_corrected and finding.later.article.article_id in articles


def _is_of_asked_year(finding: Finding, years: frozenset[str]) -> bool:
    """Return whether both statements are of a year that the question names, or it names none.

    The same event of another year has numbers of its own.
    """
    statements = (finding.earlier, finding.later)
    return not years or all(_years_of(each) & years for each in statements)


def _has_names(finding: Finding, names: Sequence[Name]) -> bool:
    """Return whether both articles have the names of the question.

    The same number of another school, club or town is another fact. German writes every noun like a name.
    """
    articles = [each.article for each in (finding.earlier, finding.later)]
    return not any(
        missing_name(names, f"{article.title}\n{article.body}")
        for article in articles
        if not (article.language or "").startswith("de")
    )


def _years_of(statement: Statement) -> set[str]:
    article = statement.article
    published = {str(article.published_at.year)} if article.published_at else set()
    return {*_YEAR.findall(article.body[slice(*statement.span)]), *published}


def _is_of_one_paper(finding: Finding) -> bool:
    """Return whether both reports are of one source, and the later one does not correct the earlier one."""
    earlier, later = finding.earlier.article, finding.later.article
    return not finding.is_corrected and earlier.source is not None and earlier.source == later.source


def _story_of(passage: Passage) -> str:
    """Return the id that the copies of a story have in common."""
    return min(article.article_id for article in (passage.article, *passage.copies))


def _are_copies(passage: Passage, article: Article) -> bool:
    return article.article_id in {each.article_id for each in (passage.article, *passage.copies)}


def _add(groups: list[list[_Place]], finding: Finding) -> None:
    """Add the two values of a finding to the group that has one of them, each value of an article once."""
    places = [
        _Place(finding.earlier, finding.before),
        _Place(finding.later, finding.after, finding.is_corrected),
    ]
    group = next((each for each in groups if any(_is_same(place, known) for place in places for known in each)), None)
    if group is None:
        groups.append(places)
        return
    group += [place for place in places if not any(_is_same(place, known) for known in group)]


def _is_same(place: _Place, known: _Place) -> bool:
    """Return whether two values are of one article and do not exclude each other."""
    if (
        place.detail.kind != known.detail.kind
        or place.statement.article.article_id != known.statement.article.article_id
    ):
        return False
    return not excludes(place.detail.value, known.detail.value)


def _topic(group: Sequence[_Place], question: str) -> str:
    """Return what the values of a group are of, in words of the question and the sentences, and of `lexicon.json`."""
    first, *others = group
    statement = first.statement
    shared = frozenset.intersection(*(other.statement.context for other in others))
    label = next(filter(None, (_label(each.statement, each.detail) for each in group)), "")
    subjects = [_asked_thing(statement, question, shared), _subject(statement, first.detail, shared)]
    found = [each for each in dict.fromkeys(subjects) if each and each.casefold() not in label.casefold()]
    if label and found:
        return f"{label} ({', '.join(found)})"
    return label or ", ".join(found) or (statement.article.title or "").strip() or statement.article.article_id


def _asked_thing(statement: Statement, question: str, shared: frozenset[str]) -> str:
    """Return the first word of a question that is about neither a measure nor an act, and that the articles share."""
    lexicon = statement.lexicon
    known = lexicon.words.concepts.keys() | lexicon.words.measures | CALENDAR
    for token in tokens(question, Span(0, len(question)), lexicon):
        if token.form in shared - known and token.text.islower() and len(token.text) >= LEAST_LETTERS:
            return token.text
    return ""


def _label(statement: Statement, detail: Detail) -> str:
    """Return the measure or the unit of a number, what it counts, or the kind of another value."""
    words = statement.lexicon.words
    if detail.kind != "number" or not isinstance(detail.value, Amount):
        return words.labels.get(detail.kind, "")
    measure = next((form for form in sorted(statement.forms_near(detail) & words.measures)), "")
    behind = statement.tokens[detail.place[1] : detail.place[1] + 1]
    # "17 last autumn" counts no autumn.
    counted = " ".join(token.text for token in statement.counted(detail)) if any(each.form for each in behind) else ""
    known = words.labels.get(measure) or words.labels.get(f"unit {detail.value.unit}", "")
    return known or (words.labels["number"].format(counted) if counted and not detail.value.unit else "")


def _subject(statement: Statement, detail: Detail, shared: frozenset[str]) -> str:
    """Return the longest name of the sentence or the title that is shared, else a word that is."""
    outside = [token for token in statement.tokens if not detail.span.start <= token.start < detail.span.end]
    for said, text in ((outside, statement.article.body), (statement.story.title, statement.article.title or "")):
        runs = [run for run in _runs([token for token in said if token.form in shared]) if len(run) <= SUBJECT]
        if runs:
            best = max(runs, key=len)
            return _POSSESSIVE.sub("", text[best[0].start : best[-1].end])
    words = [token.text for token in outside if token.form in shared and token.text.isalpha()]
    return words[0] if words else ""


def _runs(said: Sequence[Token]) -> list[list[Token]]:
    """Return the names among words, each with its words."""
    runs: list[list[Token]] = []
    for token in said:
        if not token.is_name:
            continue
        if runs and token.start - runs[-1][-1].end == 1:
            runs[-1].append(token)
        else:
            runs.append([token])
    return runs


def _moment(place: _Place) -> tuple[datetime, str]:
    article = place.statement.article
    return article.published_at or EARLIEST, article.article_id


def _latest_first(group: Sequence[_Place]) -> list[_Place]:
    """Return a correction first, then the others, the newest first."""
    return sorted(sorted(group, key=_moment, reverse=True), key=lambda place: not place.is_correction)


def _positions(group: Sequence[_Place]) -> tuple[Position, ...]:
    """Return the position of each value."""
    return tuple(
        Position(
            value=readable(place.statement.article.body[slice(*place.detail.span)]),
            article_id=place.statement.article.article_id,
            quote=place.statement.article.body[slice(*place.statement.span)],
            published_at=isoformat(place.statement.article.published_at),
            source=place.statement.article.source,
            title=place.statement.article.title,
            start_char_index=place.statement.span.start,
            end_char_index=place.statement.span.end,
            is_correction=place.is_correction,
        )
        for place in group
    )
