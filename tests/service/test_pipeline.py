"""The offline pipeline: from a question to verified sentences or an abstention."""

import asyncio
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from index.library import Library
from index.records import Filters
from service.answer import AnswerDelta, CitationAdded, Completed, Event, RetrievalCompleted, Started
from service.errors import QuestionRefused
from service.pipeline import Pipeline
from service.records import CitationMode, Message, Question
from tests.fakes import HashedEmbedder, article, built
from tests.samples import embedder_of, pipeline_of, settings_for

ANSWERABLE = (
    "When did Kim inspect a new tactical missile system?",
    "How much do wages rise under the ferry agreement?",
    "Who won the run-off for mayor of Tarnmouth?",
    "Why was the Ostle Bridge closed?",
)
STATE = "Who is the mayor of Tarnmouth?"
TALK = (Message("user", "Did Kim inspect a missile system?"),)
OFF_TOPIC = ("What is the recipe for sourdough bread?", "How high is Mount Kilimanjaro?", "asdf qwer zxcv")


def events_of(pipeline: Pipeline, question: Question) -> list[Event]:
    async def collect() -> list[Event]:
        return [event async for event in pipeline.stream(question)]

    return asyncio.run(collect())


@pytest.mark.parametrize("text", ANSWERABLE)
def test_every_sentence_is_cited_word_for_word(pipeline: Pipeline, text: str) -> None:
    """Each citation is a slice of its article, and its sentence in the answer has its marker."""
    answer = asyncio.run(pipeline.ask(Question(text)))

    assert answer.status in ("answered", "partial")
    assert answer.citations
    assert answer.verdict == ("answered" if answer.status == "answered" else "weak")
    with pipeline.library.pinned() as generation:
        for citation in answer.citations:
            article = generation.article(citation.article_id)
            assert article is not None
            assert article.body[citation.start_char_index : citation.end_char_index] == citation.cited_text
            if place := citation.highlight:
                assert citation.start_char_index <= place.start_char_index < place.end_char_index
                assert place.end_char_index <= citation.end_char_index
            assert f"[{citation.marker}]" in answer.answer[citation.start_index : citation.end_index]
            assert citation.verification.status == "verified"
            assert citation.verification.method == "exact"


@pytest.mark.parametrize("text", ["When did the ferry strike of 1987 end?", "Who won the Sound Cup final in 2019?"])
def test_a_question_about_something_else_of_the_kind_is_weak(pipeline: Pipeline, text: str) -> None:
    """A year that no quoted article has makes the answer partial."""
    answer = asyncio.run(pipeline.ask(Question(text)))

    assert (answer.status, answer.status_reason, answer.verdict) == ("partial", "weak_evidence", "weak")


@pytest.mark.parametrize("text", OFF_TOPIC)
def test_an_off_topic_question_is_not_in_the_sources(pipeline: Pipeline, text: str) -> None:
    """Abstaining is an answer with a reason, a fixed text, no citation, and the closest sources uncited."""
    answer = asyncio.run(pipeline.ask(Question(text)))

    assert (answer.status, answer.status_reason) == ("not_in_sources", "low_relevance")
    assert answer.answer
    assert answer.citations == ()
    assert not any(source.cited or source.marker for source in answer.sources)


def test_a_headline_is_never_off_topic(pipeline: Pipeline) -> None:
    """A question with the words of an article's title is answered, in any case and with any punctuation."""
    with pipeline.library.pinned() as generation:
        titles = [article.title for article in generation.articles() if article.title]

    for title in titles:
        for asked in (title, title.upper(), f"“{title}”?"):
            assert asyncio.run(pipeline.ask(Question(asked))).status != "not_in_sources", asked


def test_a_source_says_the_language_of_its_article(pipeline: Pipeline) -> None:
    """`language` is the article's, and null where the article states none."""
    sources = [source for text in ANSWERABLE for source in asyncio.run(pipeline.search(Question(text))).sources]

    with pipeline.library.pinned() as generation:
        for source in sources:
            article = generation.article(source.article_id)
            assert article is not None
            assert source.language == article.language
    assert "en" in {source.language for source in sources}


@pytest.mark.parametrize("text", [*ANSWERABLE, *OFF_TOPIC])
def test_the_stream_tells_the_same_as_the_answer(pipeline: Pipeline, text: str) -> None:
    """The concatenated deltas equal the answer; sources come before text; there is one last event."""
    events = events_of(pipeline, Question(text))

    assert isinstance(events[0], Started)
    assert isinstance(events[1], RetrievalCompleted)
    assert all(source.marker is None for source in events[1].sources)
    assert isinstance(events[-1], Completed)
    assert sum(isinstance(event, Completed) for event in events) == 1
    answer = events[-1].answer
    assert answer.answer == "".join(event.text for event in events if isinstance(event, AnswerDelta))
    assert list(answer.citations) == [event.citation for event in events if isinstance(event, CitationAdded)]
    assert events[0].id == answer.id


def test_filters_that_match_no_article_are_named_as_the_reason(pipeline: Pipeline) -> None:
    """Nothing is searched outside the filters."""
    answer = asyncio.run(pipeline.ask(Question(ANSWERABLE[0], filters=Filters(sources=("Nowhere Times",)))))

    assert (answer.status, answer.status_reason) == ("not_in_sources", "outside_filters")
    assert answer.sources == ()
    assert answer.retrieval.filters_applied == {"sources": ["Nowhere Times"]}


def test_a_date_filter_keeps_older_articles_out(pipeline: Pipeline) -> None:
    """Every source of a filtered answer is in the date range; articles without a date are not."""
    after = datetime(2026, 2, 1, tzinfo=UTC)
    answer = asyncio.run(pipeline.ask(Question(ANSWERABLE[1], filters=Filters(published_after=after))))

    assert answer.sources
    assert all(source.published_at and source.published_at >= "2026-02-01" for source in answer.sources)


@pytest.mark.parametrize("mode", ["verified", "markers", "off"])
def test_citation_modes(pipeline: Pipeline, mode: CitationMode) -> None:
    """Mode `off` omits markers and citations; the others have both."""
    answer = asyncio.run(pipeline.ask(Question(ANSWERABLE[0], citations=mode)))

    assert (mode != "off") == bool(answer.citations)
    assert (mode != "off") == ("[1]" in answer.answer)


def test_an_earlier_conversation_offline_is_warned_of(pipeline: Pipeline) -> None:
    """A follow-up to which the conversation gives nothing is processed alone, and a weak answer has a warning."""
    question = Question("And when?", messages=(Message("user", "Hello"),))
    answer = asyncio.run(pipeline.ask(question))

    assert (answer.status, [warning.code for warning in answer.warnings]) == ("not_in_sources", ["follow_up_offline"])
    assert answer.retrieval.standalone_question == "And when?"


def test_a_follow_up_is_answered_offline(pipeline: Pipeline) -> None:
    """Without a model a follow-up takes what it leaves out from the conversation, and the reply shows the result."""
    talk = (Message("user", "When was the Ostle Bridge inspected?"),)
    answer = asyncio.run(pipeline.ask(Question("And by whom?", messages=talk)))

    assert answer.retrieval.standalone_question == "By whom was the Ostle Bridge inspected?"
    assert (answer.status, answer.warnings) == ("answered", ())


def test_a_new_subject_carries_nothing(pipeline: Pipeline) -> None:
    """A turn without a name takes a topic that the articles have beside it, and not another one."""
    turns = (Message("user", "When did the Skelhaven Library reopen?"),)
    same = asyncio.run(pipeline.ask(Question("How many soaked books were saved after the flood?", messages=turns)))
    other = asyncio.run(pipeline.ask(Question("How much does a free school meal cost?", messages=turns)))

    assert "Skelhaven Library" in same.retrieval.standalone_question
    assert other.retrieval.standalone_question == "How much does a free school meal cost?"


@pytest.mark.parametrize(
    ("text", "filters", "reason"),
    [
        (ANSWERABLE[2], Filters(), None),
        ("And who won the run-off for mayor of Tarnmouth?", Filters(), None),
        (OFF_TOPIC[0], Filters(), "low_relevance"),
        ("And when?", Filters(sources=("Nowhere Times",)), "outside_filters"),
    ],
)
def test_a_conversation_that_is_not_missed_is_not_warned_of(
    pipeline: Pipeline, text: str, filters: Filters, reason: str | None
) -> None:
    """A question that is standalone, is answered, or fails for another reason has no warning."""
    answer = asyncio.run(pipeline.ask(Question(text, messages=TALK, filters=filters)))

    assert (answer.status_reason, answer.warnings) == (reason, ())


@pytest.mark.parametrize(("year", "verdict"), [(2026, "answered"), (2027, "stale")])
def test_an_answer_about_the_present_from_old_articles_is_stale(pipeline: Pipeline, year: int, verdict: str) -> None:
    """The clock decides whether the newest cited article is too old; the answer itself is the same."""
    later = replace(pipeline, clock=lambda: datetime(year, 6, 20, tzinfo=UTC))
    answer = asyncio.run(later.ask(Question(STATE)))

    cited = [source.published_at for source in answer.sources if source.cited and source.published_at]
    assert answer.freshness.newest_cited_at == max(cited)
    assert (answer.status, answer.verdict) == ("answered", verdict)
    assert [warning.code for warning in answer.warnings] == ["stale"] * (verdict == "stale")
    past = asyncio.run(later.ask(Question(ANSWERABLE[2])))
    assert "stale" not in {warning.code for warning in past.warnings}


def test_as_of_is_the_time_of_the_question(pipeline: Pipeline) -> None:
    """Staleness is counted from `as_of`, whatever the clock says."""
    later = replace(pipeline, clock=lambda: datetime(2044, 1, 1, tzinfo=UTC))
    answers = [
        asyncio.run(later.ask(Question(STATE, as_of=datetime(year, 6, 20, tzinfo=UTC)))) for year in (2026, 2027)
    ]

    assert [(answer.verdict, answer.as_of) for answer in answers] == [
        ("answered", "2026-06-20T00:00:00Z"),
        ("stale", "2027-06-20T00:00:00Z"),
    ]


def test_date_words_narrow_the_search(pipeline: Pipeline) -> None:
    """Articles before the time of an event are left out, and the reply says so; a filter of the caller stays."""
    now = datetime(2026, 6, 20, tzinfo=UTC)
    found = asyncio.run(pipeline.ask(Question("Who won the Sound Cup last month?", as_of=now)))
    given = Filters(published_after=datetime(2026, 5, 10, tzinfo=UTC))
    kept = asyncio.run(pipeline.ask(Question("Who won the Sound Cup last month?", as_of=now, filters=given)))

    assert found.retrieval.filters_inferred == ("published_after=2026-05-01",)
    assert found.status == "answered"
    assert min(source.published_at or "" for source in found.sources) >= "2026-05-01"
    assert kept.retrieval.filters_inferred == ()


@pytest.mark.parametrize("words", ["yesterday", "this month", "in August 2026"])
def test_date_words_never_lose_the_answer(pipeline: Pipeline, words: str) -> None:
    """If the articles of a time do not answer, all articles are read; one from before the time is a weak answer."""
    later = datetime(2026, 9, 20, tzinfo=UTC)
    answer = asyncio.run(pipeline.ask(Question(f"Who won the Sound Cup {words}?", as_of=later)))

    assert (answer.retrieval.filters_inferred, answer.verdict) == ((), "weak")
    assert "sound-cup-final" in {citation.article_id for citation in answer.citations}


def test_a_corrected_value_comes_with_its_correction(pipeline: Pipeline) -> None:
    """The later article is quoted; if filters leave it out, the answer is weak and has the correction beside it."""
    text, article_id = "How large is the shortfall in the 2026 budget of the council?", "council-approves-2026-budget"
    everywhere = asyncio.run(pipeline.ask(Question(text)))
    assert "budget-shortfall-corrected" in {each.article_id for each in everywhere.citations}
    alone = asyncio.run(pipeline.ask(Question(text, filters=Filters(article_ids=(article_id,)))))
    assert (alone.verdict, alone.status_reason) == ("weak", "weak_evidence")
    (correction,) = alone.corrections
    assert (correction.article_id, correction.corrected_by) == (article_id, "budget-shortfall-corrected")
    assert "corrected" in [warning.code for warning in alone.warnings]
    told = asyncio.run(pipeline.ask(Question(text, as_of=datetime(2025, 12, 1, tzinfo=UTC))))
    assert (told.citations[0].article_id, told.corrections) == (article_id, ())


def test_an_abstention_cites_nothing_that_could_be_old(pipeline: Pipeline) -> None:
    """An answer without citations has neither a newest cited article nor a warning of its age."""
    later = replace(pipeline, clock=lambda: datetime(2044, 1, 1, tzinfo=UTC))
    answer = asyncio.run(later.ask(Question("Who is the king of Atlantis?")))

    assert (answer.verdict, answer.freshness.newest_cited_at, answer.warnings) == ("none", None, ())


def test_a_language_model_that_is_not_set_cannot_be_asked_for(pipeline: Pipeline) -> None:
    """The error names the field."""
    with pytest.raises(QuestionRefused) as refused:
        asyncio.run(pipeline.ask(Question(ANSWERABLE[0], reader="llm")))

    assert refused.value.param == "reader"


def test_the_same_question_gets_the_same_answer(pipeline: Pipeline) -> None:
    """Offline, only the id is random."""
    first, second = (asyncio.run(pipeline.ask(Question(ANSWERABLE[3]))) for _ in range(2))

    assert (first.answer, first.citations, first.sources) == (second.answer, second.citations, second.sources)
    assert first.id != second.id


def test_search_finds_passages_and_cites_nothing(pipeline: Pipeline) -> None:
    """A search is ranked by the fused score and uses no reader."""
    found = asyncio.run(pipeline.search(Question("tactical missile system", top_k=5)))

    assert len(found.sources) == 5
    assert found.sources[0].article_id == "readiness-and-russia"
    assert sorted((source.score for source in found.sources), reverse=True) == [s.score for s in found.sources]
    assert not any(source.cited for source in found.sources)


def test_the_index_is_opened_off_the_event_loop(pipeline: Pipeline) -> None:
    """Another thread opens the index for the first question, so that other requests do not wait."""

    class Watched(Library):
        def open(self) -> None:
            self.opener = threading.current_thread()
            super().open()

    library = Watched(pipeline.library.data, pipeline.embedder.name)
    with closing(library):
        asyncio.run(replace(pipeline, library=library).search(Question(ANSWERABLE[0])))
        assert library.opener is not threading.current_thread()


def test_a_replaced_generation_is_closed_off_the_event_loop(pipeline: Pipeline, tmp_path: Path) -> None:
    """Another thread closes a replaced generation after its last question, because this removes files."""
    data, embedder = tmp_path / "data", HashedEmbedder()
    closers: list[threading.Thread] = []
    built(data, [article("a", "The first.")], embedder)
    library = Library(data, embedder.name)

    async def story() -> None:
        async with replace(pipeline, library=library).pinned() as generation:
            close = generation.close

            def watched() -> None:
                closers.append(threading.current_thread())
                close()

            generation.close = watched
            built(data, [article("a", "The second.")], embedder)
            assert await asyncio.to_thread(library.refresh)
            assert not closers

    with closing(library):
        asyncio.run(story())
        assert len(closers) == 1
        assert closers[0] is not threading.current_thread()


def test_a_count_of_articles_is_the_catalogues(pipeline: Pipeline) -> None:
    """Every article that has the words is counted, none is read for it, and the count needs no citation."""
    phrase = "ferry strike"
    with pipeline.library.pinned() as generation:
        articles = list(generation.articles())
    having = [each for each in articles if phrase in f"{each.title}\n{each.body}".casefold()]
    answer = asyncio.run(pipeline.ask(Question(f"How many articles mention the {phrase}?")))

    assert answer.counted is not None
    assert (answer.counted.articles, answer.counted.total) == (len(having), len(articles))
    assert (answer.verdict, answer.versions.reader) == ("answered", "catalogue@1")
    assert answer.answer.startswith(answer.counted.statement)
    assert {each.article_id for each in answer.citations} <= {each.article_id for each in having}

    none = asyncio.run(pipeline.ask(Question("How many articles mention the Quaggerfall?")))
    assert none.counted is not None
    assert (none.counted.articles, none.citations, none.status) == (0, (), "answered")


def test_a_day_is_answered_by_what_states_it(pipeline: Pipeline) -> None:
    """A question that is a day quotes sentences of that day; one without articles is not answered."""
    answer = asyncio.run(pipeline.ask(Question("What happened on 2 May 2026?")))
    assert {each.article_id for each in answer.citations} == {"skelhaven-library-reopens"}
    nothing = asyncio.run(pipeline.ask(Question("What happened on 1 January 1999?")))
    assert nothing.status == "not_in_sources"


def test_a_summary_quotes_each_article_of_its_subject(pipeline: Pipeline) -> None:
    """The sentences are of different articles, the oldest first."""
    answer = asyncio.run(pipeline.ask(Question("Summarise the ferry strike")))
    dates = {each.article_id: each.published_at for each in answer.sources}
    cited = [each.article_id for each in answer.citations]
    assert set(cited) == {"ferry-strike-begins", "ferry-strike-ends"}
    assert [dates[each] for each in cited] == sorted(dates[each] or "" for each in cited)


def test_a_request_that_articles_cannot_answer_searches_nothing(pipeline: Pipeline) -> None:
    """It has a reason of its own, and no sources."""
    answer = asyncio.run(pipeline.ask(Question("Write me a poem about the ferry")))
    assert (answer.status_reason, answer.sources, answer.retrieval.candidates) == ("other_request", (), 0)


def test_a_side_without_articles_is_named(pipeline: Pipeline) -> None:
    """A comparison whose other side no article is about says so."""
    answer = asyncio.run(
        pipeline.ask(Question("Was the gap in the budget of Varn Sound larger than the gap in Quagger?"))
    )
    assert answer.uncovered == ("the gap in Quagger",)
    assert answer.verdict != "answered"


def test_the_sides_of_a_comparison_are_no_conflict(models: Path, tmp_path: Path) -> None:
    """Two schools have different numbers of pupils by right."""
    data = tmp_path / "data"
    day = datetime(2026, 3, 2, 9, tzinfo=UTC)
    texts = {
        "galt": ("Galt School opens", "Galt School has 385 pupils this year. They come from nine villages."),
        "brisk": ("Brisk School opens", "Brisk School has 442 pupils this year. They come from four villages."),
    }
    articles = [
        article(name, title=title, body=body, source=f"{name} Post", published_at=day)
        for name, (title, body) in texts.items()
    ]
    built(data, articles, embedder_of(models))
    pipeline = pipeline_of(settings_for(data, models))
    with closing(pipeline.library):
        answer = asyncio.run(pipeline.ask(Question("Which of the two schools has more pupils, Galt or Brisk?")))
    assert {each.article_id for each in answer.citations} == {"galt", "brisk"}
    assert (answer.conflicts, answer.uncovered) == ((), ())


@pytest.mark.parametrize(("second", "is_conflict"), [("Galt Post", False), ("Brisk Examiner", True)])
def test_only_another_paper_disagrees(models: Path, tmp_path: Path, second: str, *, is_conflict: bool) -> None:
    """What one paper reports anew is a development of its story; another paper's number is a conflict."""
    data = tmp_path / "data"
    texts = [("first", "Galt Post", "Nine"), ("second", second, "Seven")]
    articles = [
        article(
            name,
            title="Miners cut off at Galt",
            body=f"{number} miners were cut off by a fall of rock in the mine of Galt on Tuesday, 3 February 2026.",
            source=source,
            published_at=datetime(2026, 2, 4, 9 + hour, tzinfo=UTC),
        )
        for hour, (name, source, number) in enumerate(texts)
    ]
    built(data, articles, embedder_of(models))
    pipeline = pipeline_of(settings_for(data, models))
    with closing(pipeline.library):
        answer = asyncio.run(pipeline.ask(Question("How many miners were cut off in the mine of Galt?")))
    assert (len(answer.conflicts), len(answer.developments)) == ((1, 0) if is_conflict else (0, 1))


def test_the_same_event_of_another_year_is_neither_quoted_nor_a_conflict(models: Path, tmp_path: Path) -> None:
    """A question that names a year is answered from articles of that year."""
    data = tmp_path / "data"
    articles = [
        article(
            f"fair-{year}",
            title="Galt celebrates its fair",
            body=f"Some {number} people came to the fair of Galt in {year}, according to the organisers.",
            source=f"Paper of {year}",
            published_at=datetime(year, 5, 4, 9, tzinfo=UTC),
        )
        for year, number in ((2023, "6,200"), (2025, "9,400"))
    ]
    built(data, articles, embedder_of(models))
    pipeline = pipeline_of(settings_for(data, models))
    with closing(pipeline.library):
        answer = asyncio.run(pipeline.ask(Question("How many people came to the fair of Galt in 2023?")))
    assert {each.article_id for each in answer.citations} == {"fair-2023"}
    assert answer.conflicts == ()


def test_an_earlier_report_is_no_second_answer_of_now(models: Path, tmp_path: Path) -> None:
    """Where the latest is asked for, a plan that was reported months before is not quoted beside it."""
    data = tmp_path / "data"
    texts = {
        "plan": (
            "The planetarium in Galt will open on 12 June 2026, the city said.",
            datetime(2026, 3, 24, tzinfo=UTC),
        ),
        "opened": ("The planetarium in Galt opened on Friday, 4 September 2026.", datetime(2026, 9, 5, tzinfo=UTC)),
    }
    articles = [
        article(name, title="The planetarium of Galt", body=body, source="Galt Post", published_at=day)
        for name, (body, day) in texts.items()
    ]
    built(data, articles, embedder_of(models))
    asked = replace(pipeline_of(settings_for(data, models)), clock=lambda: datetime(2026, 10, 1, tzinfo=UTC))
    with closing(asked.library):
        answer = asyncio.run(asked.ask(Question("When does the planetarium in Galt open?")))
    assert {each.article_id for each in answer.citations} == {"opened"}


def test_last_year_is_answered_from_its_reports(models: Path, tmp_path: Path) -> None:
    """Date words that became a window of publication still say which of its reports is meant."""
    data = tmp_path / "data"
    articles = [
        article(
            f"seals-{year}",
            title="Seals in the bay of Galt",
            body=f"{count} seals live in the bay of Galt, the harbour laboratory has counted.",
            source="Galt Post",
            published_at=datetime(year, 11, 18, tzinfo=UTC),
        )
        for year, count in ((2024, "Fourteen"), (2025, "Seventeen"), (2026, "Twenty-two"))
    ]
    built(data, articles, embedder_of(models))
    asked = replace(pipeline_of(settings_for(data, models)), clock=lambda: datetime(2026, 11, 29, tzinfo=UTC))
    with closing(asked.library):
        answer = asyncio.run(asked.ask(Question("How many seals did they count in the bay of Galt last year?")))
    assert answer.retrieval.filters_inferred == ("published_after=2025-01-01",)
    assert {each.article_id for each in answer.citations} == {"seals-2025"}
