"""The extractive reader: sentences word for word."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Span
from service.citations.verify import locate, normalised
from service.conflicts.findings import Reports
from service.conflicts.relation import Finding
from service.pipeline import Pipeline
from service.readers.evidence import Evidence, Part, ScoredSentence, statements_of
from service.readers.extractive import (
    BESIDE,
    COMPARED,
    EXTRACTIVE,
    QUOTED,
    UNSURE,
    UNSURE_BY_WORDS,
    quoted,
    quotes,
)
from service.readers.latest import LATE
from service.records import DraftSentence, Question
from tests.service.passages import answering, make_passage

TEXTS = [
    "It rained.",
    "It  RAINED.",
    "“It sank,” she said.",
    "Who paid?",
    "The end…",
    "No stop",
    "雨が降った。",
    "He left.”",
]


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    """Scored sentences of a few articles, the best first."""
    sentences = []
    for article in range(draw(st.integers(0, 4))):
        texts = draw(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4, unique=True))
        passage = make_passage(f"k{article}f2", " ".join(texts))
        for text in texts:
            start = passage.chunk.text.index(text)
            score = draw(st.floats(0.01, 1.3))
            sentences.append(ScoredSentence(passage, Span(start, start + len(text)), text, score))
    return Evidence(tuple(sorted(sentences, key=lambda sentence: -sentence.score)), 0.7)


QUESTION = "Did it rain?"


def scored(text: str, *scores: float, certainty: float | None = None) -> Evidence:
    """Return the evidence of an article whose statements have these scores, in the order of the article."""
    found = [
        ScoredSentence(each.passage, each.span, each.text, score, each.quote)
        for each, score in zip(statements_of([make_passage("k7f2", text)]), scores, strict=True)
    ]
    return Evidence(tuple(sorted(found, key=lambda each: -each.score)), 0.7, certainty)


def shown(question: str, found: Evidence) -> list[str]:
    """Return the words that are quoted."""
    return [each.passage.article.body[slice(*(each.quote or each.span))] for each in quoted(question, found)]


@given(found=evidence())
def test_the_best_sentence_comes_first(found: Evidence) -> None:
    """One sentence is quoted, the best one, or one more whose score is close to it."""
    chosen = quoted(QUESTION, found)
    assert min(1, len(found.sentences)) <= len(chosen) <= 2
    assert not chosen or chosen[0].span == found.sentences[0].span
    assert all(sentence.score >= found.sentences[0].score - UNSURE_BY_WORDS for sentence in chosen)


@pytest.mark.parametrize(("certainty", "near"), [(None, UNSURE_BY_WORDS), (9.0, UNSURE)])
def test_a_second_answer_is_quoted_if_it_is_as_likely(certainty: float | None, near: float) -> None:
    """A second answer is quoted up to a distance from the best score, which depends on the scale of the scores."""
    text = "It rained in Galt. It snowed in Brisk. It hailed in Kelm."
    assert len(shown(QUESTION, scored(text, 9.0, 9.0 - near + 0.01, 0.1, certainty=certainty))) == 2
    assert len(shown(QUESTION, scored(text, 9.0, 9.0 - near - 0.01, 0.1, certainty=certainty))) == 1
    assert len(shown(QUESTION, scored(text, 9.0, 9.0, 9.0, certainty=certainty))) == 2


@given(found=evidence())
def test_the_same_words_are_quoted_once(found: Evidence) -> None:
    """A sentence in several articles is quoted once, from its best position, regardless of case and spaces."""
    chosen = quoted(QUESTION, found)
    texts = [normalised(sentence.text) for sentence in chosen]
    assert len(set(texts)) == len(texts)
    for sentence in chosen:
        assert sentence.score == max(
            s.score for s in found.sentences if normalised(s.text) == normalised(sentence.text)
        )


def test_the_same_answer_is_quoted_once() -> None:
    """A sentence whose answer the best one gives, or contains, adds nothing."""
    text = "Nine boats sank. The storm sank nine. The storm sank ten."
    found = scored(text, 5.0, 4.9, 4.8, certainty=9.0)
    places = {"Nine boats": Span(0, 4), "The storm sank nine.": Span(32, 36), "The storm sank ten.": Span(53, 56)}
    answered = [
        replace(s, answer=place) for s in found.sentences for t, place in places.items() if s.text.startswith(t)
    ]
    assert shown("How many sank?", replace(found, sentences=tuple(answered))) == [
        "Nine boats sank.",
        "The storm sank ten.",
    ]


def reports(*sentences: tuple[str, str, datetime]) -> Evidence:
    """Return one article for each sentence, with its answer and date, the best first, 4 between their scores."""
    found = []
    for place, (text, answer, published) in enumerate(sentences):
        passage = make_passage(f"k{place}f2", text, published_at=published)
        span = Span(0, len(text))
        start = text.index(answer)
        place_of = Span(start, start + len(answer))
        found.append(ScoredSentence(passage, span, text, 9.0 - 4 * place, answer=place_of))
    return Evidence(tuple(found), 0.7, 20.0)


JANUARY, MAY = (datetime(2026, month, 20, tzinfo=UTC) for month in (1, 5))


def test_articles_that_disagree_are_both_quoted() -> None:
    """Two articles of the same days with different numbers of one thing are both quoted; a later number is not."""
    texts = ("The farm lost 23 sheep, the farmer said.", "The farm lost 31 sheep, the vet said.")
    question = "How many sheep did the farm lose?"
    same_days = reports((texts[0], "23", JANUARY), (texts[1], "31", JANUARY))
    assert shown(question, same_days) == list(texts)
    assert shown(question, reports((texts[0], "23", JANUARY), (texts[1], "31", MAY))) == [texts[0]]
    assert shown("When did the farm lose its sheep?", same_days) == [texts[0]]
    unmarked = (same_days.sentences[0], replace(same_days.sentences[1], answer=None))
    assert shown(question, replace(same_days, sentences=unmarked)) == list(texts)
    assert shown("How many did the farm lose when it rained?", same_days) == list(texts)


@pytest.mark.parametrize(
    ("source", "day", "score", "count"),
    [
        ("Echo", JANUARY, 9.0 - BESIDE, 2),
        ("Echo", JANUARY, 9.0 - BESIDE - 0.1, 1),
        ("Post", JANUARY, 9.0 - BESIDE, 1),
        ("Echo", MAY, 9.0 - BESIDE, 1),
    ],
)
def test_another_paper_of_the_same_days_is_heard(source: str, day: datetime, score: float, count: int) -> None:
    """Its answer is quoted if it is nearly as good; one of the same paper or of other days is not."""
    texts = ("The kiosk of Galt will close in May.", "The kiosk of Galt stays open.")
    found: list[ScoredSentence] = []
    for text, paper, published, value in ((texts[0], "Post", JANUARY, 9.0), (texts[1], source, day, score)):
        passage = make_passage(f"k{len(found)}f2", text, source=paper, published_at=published)
        span = Span(0, len(text))
        found.append(ScoredSentence(passage, span, text, value, answer=span))
    assert shown("Will the kiosk of Galt close?", Evidence(tuple(found), 0.7, 20.0)) == list(texts[:count])


def test_a_figure_of_the_past_has_no_late_update(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report of another season does not replace a figure, even if the pair reader takes it for an update."""
    texts = ("The river rose to 4.7 metres.", "Lamps show when the river rises above 3 metres.")
    late = reports((texts[0], "4.7 metres", JANUARY), (texts[1], "3 metres", MAY))
    soon = reports((texts[0], "4.7 metres", JANUARY), (texts[1], "3 metres", JANUARY + LATE))
    monkeypatch.setattr(Reports, "relation", updated)
    question = "How high was the river?"
    assert shown(question, replace(late, latest="figure")) == [texts[0]]
    assert shown(question, replace(soon, latest="figure"))[0] == texts[1]
    assert shown(question, replace(late, latest="state"))[0] == texts[1]


def updated(reports: Reports, one: ScoredSentence, other: ScoredSentence) -> Finding | None:
    """Return that the later of two answers updates the earlier one."""
    first, second = (reports.statement(each.passage.article, each.span) for each in (one, other))
    if first.article == second.article or one.passage.key > other.passage.key:
        return None
    return Finding("update", first, second, first.details[0], second.details[0], is_corrected=False)


def test_an_age_gives_way_to_the_count_of_the_asked_one() -> None:
    """The genitive of a name is the name."""
    texts = ("The board chose Ada Orme, 51, on Monday.", "Orme will have 231 officers.")
    found = reports((texts[0], "51", JANUARY), (texts[1], "231 officers", JANUARY))
    assert shown("How many officers were there at Orme's start?", found) == [texts[1]]


def test_the_latest_state_is_that_of_the_newest_article() -> None:
    """Among equally likely answers, only the one of the newest article is quoted; a less likely one is not."""
    texts = ("Wool cost €2 a kilogram.", "Wool costs €3 a kilogram.")
    found = reports((texts[0], "€2", JANUARY), (texts[1], "€3", MAY))
    close = replace(found, sentences=(found.sentences[0], replace(found.sentences[1], score=8.9)))
    assert shown("What is the latest price of wool?", close) == [texts[1]]
    assert shown("What is the latest price of wool?", found) == [texts[0]]
    assert shown("What is the price of wool?", close) == list(texts)
    undated = [replace(each, passage=make_passage(each.passage.key, each.text)) for each in close.sentences]
    assert shown("What is the latest price of wool?", replace(close, sentences=tuple(undated))) == list(texts)


def test_a_day_to_come_is_quoted_before_a_day_in_the_past() -> None:
    """A question about the future is answered by a sentence about it, if there is one; the past does not follow."""
    texts = ("The mine fell in on 3 February.", "The mine will open again on 2 March.")
    found = reports((texts[0], "3 February", JANUARY), (texts[1], "2 March", JANUARY))
    assert shown("When will the mine open?", found) == [texts[1]]
    assert shown("When did the mine fall in?", found) == [texts[0]]
    assert shown("When will the mine open?", replace(found, sentences=found.sentences[:1])) == [texts[0]]


def test_a_cause_is_quoted_with_the_event() -> None:
    """A question for a cause has the sentence of the article that states one, if the best one does not."""
    text = "Farr gives up her post. She led the police. Farr leaves because the budget was cut."
    found = scored(text, 9.0, 1.0, 0.0, certainty=9.0)
    cause = "Farr leaves because the budget was cut."
    assert shown("Why did Farr leave?", found) == ["Farr gives up her post.", cause]
    assert shown("When did Farr leave?", found) == ["Farr gives up her post."]
    assert shown("Why did Farr leave?", scored(text, 0.0, 1.0, 9.0, certainty=9.0)) == [cause]
    other = reports(("Farr gives up her post.", "her post", JANUARY), (cause, "the budget was cut", JANUARY))
    assert shown("Why did Farr leave?", other) == ["Farr gives up her post.", cause]
    of_another = reports(
        ("Farr gives up her post.", "her post", JANUARY), (cause.replace("Farr", "Vane"), "cut", JANUARY)
    )
    assert shown("Why did Farr leave?", of_another) == ["Farr gives up her post."]


def test_a_sentence_found_by_names_alone_gives_way_to_one_about_the_asked_thing() -> None:
    """A near sentence of the article has the word that asks; the best one has the names only, or only its context."""
    text = "Hill Rail moved to the old mill. Its ponies come from two farms. Riders pay €4."
    found = scored(text, 20.0, 9.0, 2.0, certainty=9.0)
    best = replace(found.sentences[0], answer=Span(18, 31))
    found = replace(found, sentences=(best, *found.sentences[1:]))
    ponies = "Hill Rail moved to the old mill. Its ponies come from two farms."
    assert shown("Where does Hill Rail get its ponies?", found) == [ponies]
    assert shown("What happened to the ponies (Hill Rail, the old mill)?", found) == [ponies]
    assert shown("Where did Hill Rail move its ponies?", found) == ["Hill Rail moved to the old mill."]
    assert shown("What do riders give Hill Rail?", found) == ["Hill Rail moved to the old mill."]


COMPARISON = "Nine boats sank in 2024. Galt has a harbour. Ten boats sank in 1987."


@pytest.mark.parametrize(
    ("question", "second"),
    [
        ("Did fewer boats sink than in 1987?", ["Ten boats sank in 1987."]),
        ("How many boats sank compared with 1987?", ["Ten boats sank in 1987."]),
        ("Did fewer boats sink than in 1960?", []),
        ("Did more than 8 boats sink?", []),
        ("How many boats sank?", []),
    ],
)
def test_a_comparison_has_its_other_side(question: str, second: list[str]) -> None:
    """A comparison quotes the next sentence with words of the question that the best one lacks, and no other."""
    found = scored(COMPARISON, 9.0, 9.0 - COMPARED + 2, 9.0 - COMPARED + 1, certainty=9.0)
    assert shown(question, found) == ["Nine boats sank in 2024.", *second]


def of_parts(found: Evidence, *parts: tuple[str, int]) -> tuple[Part, ...]:
    """Return parts of a question, each with the sentence at a place as its only one."""
    return tuple(Part(text, replace(found, sentences=found.sentences[place : place + 1])) for text, place in parts)


def test_each_part_of_a_question_has_its_sentence() -> None:
    """The sentences for the parts of a question are quoted in their order, and no further one."""
    found = scored("Nine boats sank. Farr led the search. It rained.", 5.0, 4.9, 4.8, certainty=9.0)
    parts = of_parts(found, ("Who led the search?", 1), ("How many sank?", 0))
    assert shown("Who led the search and how many sank?", replace(found, parts=parts)) == [
        "Farr led the search.",
        "Nine boats sank.",
    ]


def test_one_sentence_may_answer_all_parts() -> None:
    """A sentence that is the best for two parts is quoted once."""
    found = scored("Farr made it in 1642. It rained.", 5.0, 4.9, certainty=9.0)
    parts = of_parts(found, ("Who made it?", 0), ("When made it?", 0))
    assert shown("Who made it and when?", replace(found, parts=parts)) == ["Farr made it in 1642."]


def test_quotes_that_overlap_are_one() -> None:
    """A sentence and the one that its pronoun points to have one quote, whichever is better."""
    text = "The wing has 36 beds. It cost 9 million."
    for scores in ((5.0, 4.9), (4.9, 5.0)):
        found = scored(text, *scores, certainty=9.0)
        parts = of_parts(found, ("How many beds?", 0), ("At what cost?", 1))
        assert shown("How many beds and at what cost?", replace(found, parts=parts)) == [text]


def test_quotes_that_are_long_together_stay_apart() -> None:
    """A quote of more than three sentences is not made; the second one is left out."""
    text = "Farr came. She saw. She rowed. They sank. They swam."
    found = scored(text, 0.1, 0.2, 9.0, 0.3, 8.9, certainty=9.0)
    assert shown(QUESTION, found)[0] == "Farr came. She saw. She rowed."
    assert all(locate(each, found.sentences[0].passage) for each in shown(QUESTION, found))


def test_who_said_words_is_quoted_with_the_words() -> None:
    """If a sentence names the speaker of the words that the question asks about, it is quoted with them."""
    text = "“We lost all maps,” said Ines Farr. “The poems float.” The pump is new."
    found = scored(text, 9.0, 1.0, 0.5, certainty=9.0)
    assert shown("Who said that the poems float?", found) == ["“We lost all maps,” said Ines Farr. “The poems float.”"]
    assert shown("Who lost all the maps?", found) == ["“We lost all maps,” said Ines Farr."]


NEWS = [
    "Farr came to Galt.", "She lost 9 boats.", "“We sank,” said Farr.", "“It floats.”", "“One is red.",
    "Two are blue,” he said.", "They swam.", "Ten ships came.",
]  # fmt: skip


@given(
    pieces=st.lists(st.sampled_from(NEWS), min_size=1, max_size=8, unique=True),
    scores=st.lists(st.floats(-30, 30), min_size=8, max_size=8),
    in_parts=st.booleans(),
    question=st.sampled_from(["Who said it floats?", "Were more boats lost than ships came?", "Who came?"]),
)
def test_every_quote_can_be_verified(pieces: list[str], scores: list[float], *, in_parts: bool, question: str) -> None:
    """Quotes are sentences in a row of one passage, word for word, at most three, and none is quoted twice."""
    passage = make_passage("k7f2", " ".join(pieces))
    found = scored(passage.chunk.text, *scores[: len(statements_of([passage]))], certainty=9.0)
    places = [(question, place) for place in range(min(3, len(found.sentences)))]
    chosen = quoted(question, replace(found, parts=of_parts(found, *places)) if in_parts else found)
    spans = sorted(each.quote or each.span for each in chosen)
    assert len(chosen) <= QUOTED
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert all(locate(passage.article.body[slice(*span)], passage) for span in spans)


def drafts(found: Evidence) -> list[DraftSentence]:
    """Return the drafts of the reader."""
    return list(quotes(QUESTION, found))


@given(found=evidence())
def test_a_draft_is_the_sentence_with_its_marker(found: Evidence) -> None:
    """Each draft is a quoted sentence word for word, and cites its passage."""
    assert [(draft.text, draft.keys, draft.invented) for draft in drafts(found)] == [
        (sentence.text, (sentence.passage.key,), ()) for sentence in quoted(QUESTION, found)
    ]


MARKED = {
    "It rained.": ("It rained", ("k7f2",), "."),
    "Who paid?!": ("Who paid", ("k7f2",), "?!"),
    "The end…": ("The end", ("k7f2",), "…"),
    "“It sank.”": ("“It sank.”", ("k7f2",)),
    "No stop": ("No stop", ("k7f2",)),
    "The **Oyan** has [80 seats](https://oyan.example/a), says *Vane*.[^1]": (
        "The Oyan has 80 seats, says Vane", ("k7f2",), "."
    ),
    "> It rained in `1926`.": ("It rained in 1926", ("k7f2",), "."),
    "It rained [3].[1][4]": ("It rained", ("k7f2",), "."),
}  # fmt: skip


@pytest.mark.parametrize("text", MARKED)
def test_the_marker_comes_before_the_stop(text: str) -> None:
    """The marker follows the visible words, before the last stop or after a closing quotation mark."""
    found = Evidence((ScoredSentence(make_passage("k7f2", text), Span(0, len(text)), text, 1.0),), 0.7)
    assert [draft.parts for draft in drafts(found)] == [MARKED[text]]


def test_a_quote_is_drafted_with_its_neighbours() -> None:
    """A draft is the complete quote of its sentence, here with the speaker."""
    passage = make_passage("k7f2", "Ines Farr laughed. “The poems float.”")
    sentence = ScoredSentence(passage, Span(19, 37), "“The poems float.”", 1.0, quote=Span(0, 37))
    (draft,) = drafts(Evidence((sentence,), 0.7))
    assert draft.text == "Ines Farr laughed. “The poems float.”"


def test_it_needs_no_model(pipeline: Pipeline) -> None:
    """An answer without a model has the name and version of the reader, and neither model nor prompt."""
    versions = asyncio.run(pipeline.ask(Question("When did the Skelhaven library reopen?"))).versions
    assert (versions.reader, versions.model, versions.prompt) == (EXTRACTIVE, None, None)


DAY = datetime(2026, 3, 3, 8, tzinfo=UTC)
REPORT = "The barge sank at the Corve lock on 3 March. It carried 40 tonnes of gravel, the office said."
SAID = "Our report was wrong: the barge carried 14 tonnes of gravel, the office said, not 40 tonnes."


def reported(correction: str, answer: str | None, days: int = 1) -> Evidence:
    """Return evidence whose best sentence is the report's last one, with this answer; a later text corrects it."""
    passages = [
        make_passage("k7f2", REPORT, source="Echo", published_at=DAY),
        make_passage("k8f3", correction, title="Correction", source="Echo", published_at=DAY + timedelta(days=days)),
    ]
    found = [
        ScoredSentence(each.passage, each.span, each.text, 5.0 if "40 tonnes of" in each.text else 1.0, each.span)
        for each in statements_of(passages)
    ]
    best = max(found, key=lambda each: each.score)
    if answer:
        start = REPORT.index(answer)
        found[found.index(best)] = replace(best, answer=Span(start, start + len(answer)))
    return Evidence(tuple(sorted(found, key=lambda each: -each.score)), 0.7, 5.0 if answer else None)


@pytest.mark.parametrize(
    ("question", "correction", "answer", "keys"),
    [
        ("How much gravel did the barge carry?", SAID, "40 tonnes", ["k8f3"]),
        ("What did the barge carry?", SAID, "gravel", ["k7f2", "k8f3"]),
        ("What did the barge carry?", SAID, None, ["k7f2", "k8f3"]),
        ("How much gravel was first reported?", SAID, "40 tonnes", ["k7f2"]),
        ("What was there?", "The office counted 14 swans.", "gravel", ["k7f2"]),
    ],
)
def test_a_corrected_value_is_not_quoted_alone(
    question: str, correction: str, answer: str | None, keys: list[str]
) -> None:
    """The correction stands in for the corrected answer, or comes after it, unless the earlier value is asked for."""
    assert [draft.keys[0] for draft in quotes(question, reported(correction, answer))] == keys


def test_an_earlier_article_corrects_nothing() -> None:
    """Only a later one does."""
    assert [draft.keys[0] for draft in quotes("How much gravel?", reported(SAID, "40 tonnes", days=-1))] == ["k7f2"]


@pytest.mark.parametrize(
    ("question", "keys"),
    [("Had the captain been drinking?", ["k8f3"]), ("Who said that the captain had been drinking?", ["k8f3", "k7f2"])],
)
def test_a_denial_is_quoted_for_what_it_denies(question: str, keys: list[str]) -> None:
    """What was denied is quoted after it, if the question asks what was said."""
    passages = [
        make_passage("k7f2", "The captain of the barge had been drinking.", source="Echo", published_at=DAY),
        make_passage(
            "k8f3",
            "The captain of the barge had not been drinking, contrary to our report of Tuesday.",
            source="Echo",
            published_at=DAY + timedelta(days=1),
        ),
    ]
    found = [
        ScoredSentence(each.passage, each.span, each.text, 1.0 - at) for at, each in enumerate(statements_of(passages))
    ]
    drafts = quotes(question, Evidence(tuple(found), 0.7))
    assert [draft.keys[0] for draft in drafts] == keys


def test_an_article_about_the_asked_place_is_quoted() -> None:
    """An article that only mentions the asked place gives way to one about it that is nearly as good."""
    answers = {"Dunfell": "It opens at 9.", "Kelm": "Doors open at 10."}

    def first(question: str, leads: dict[str, str]) -> str:
        found = []
        for number, (place, answer) in enumerate(answers.items()):
            passage = make_passage(f"k{number}f2", f"{leads[place]} {answer}", title="Books for all")
            start = passage.article.body.index(answer)
            span = Span(start, start + len(answer))
            found.append(ScoredSentence(passage, span, answer, 20.0 - 7 * number, answer=span))
        return quoted(question, Evidence(tuple(found), 0.7, 20.0))[0].text

    both = {"Dunfell": "Dunfell has a library too. It is like that in Kelm.", "Kelm": "A library is new in Kelm."}
    other = both | {"Kelm": "A school is new in Kelm."}
    assert first("When does the library in Kelm open?", both) == answers["Kelm"]
    assert first("When does the library in Dunfell open?", both) == answers["Dunfell"]
    assert first("When does the library in Kelm open?", other) == answers["Dunfell"]


def test_the_asked_rank_is_quoted() -> None:
    """A near sentence with "last" or "oldest" answers for the best one, which has only the thing; not one far off."""
    opening, shows = (
        ("The dome in Galt opened on 4 May.", "4 May", 20.0),
        "There are four shows, the last one at 20:00.",
    )
    question = "When does the last show in the dome begin?"
    assert quoted(question, answering(opening, (shows, "20:00", 13.0)))[0].text == shows
    assert quoted(question, answering(opening, (shows, "20:00", 20.0 - COMPARED - 1)))[0].text == opening[0]
    for asked in ("When does the show begin?", "When did the dome open last week?"):
        assert quoted(asked, answering(opening, (shows, "20:00", 13.0)))[0].text == opening[0]


def test_a_further_name_chooses_the_sentence() -> None:
    """If no sentence has an answer, one with a further name is quoted, not one about the subject of the article."""
    lead, plan = ("Ina Farr leads the police.", None, 8.0), ("The new chief wants to open a post in Brisk.", None, 1.0)
    assert quoted("What is Ina Farr planning for Brisk?", answering(lead, plan))[0].text == plan[0]
    assert quoted("What is Ina Farr planning?", answering(lead, plan))[0].text == lead[0]
    assert quoted("What is Ina Farr planning for Kelm?", answering(lead, plan))[0].text == lead[0]
