"""Answers of each kind, built from the service's own records."""

from dataclasses import replace

from service.answer import (
    Answer,
    AnswerDelta,
    CitationAdded,
    Completed,
    Event,
    Freshness,
    Retrieval,
    RetrievalCompleted,
    Started,
    Timings,
    Versions,
)
from service.records import (
    AnswerWarning,
    Citation,
    Conflict,
    Correction,
    Development,
    Duplicate,
    Highlight,
    Position,
    ResolvedDate,
    Scores,
    Source,
    Unsupported,
    Usage,
    Verification,
)
from tests.widget.newsroom import BODIES, LANGUAGES

FERRY, GRAIN, EMOJI, ARABIC, HEBREW, NOTES, ATTACK = BODIES
TITLES = {
    FERRY: "Boats sail again as crews and Sound Line sign a deal",
    GRAIN: "Grain ship waits a third day off Tarnmouth",
    EMOJI: "🎉 A parade of lanterns",
    ARABIC: "الميناء يفتح رصيفه الجديد",
    HEBREW: "קו הרכבת נפתח מחדש",
    NOTES: "The Old Lamp returns",
}


def source(number: int, article_id: str, **changes: object) -> Source:
    """Return a passage that contains a complete article."""
    body = BODIES[article_id]
    made = Source(
        id=f"src_{number}",
        marker=number,
        article_id=article_id,
        chunk_id=f"{article_id}#0",
        title=TITLES.get(article_id),
        url=f"https://courier.example/{article_id}",
        source="Varn Sound Courier",
        published_at="2026-02-25T09:10:00Z",
        snippet=body,
        start_char_index=0,
        end_char_index=len(body),
        score=1.0,
        scores=Scores(0.7, 9.0),
        cited=True,
        language=LANGUAGES.get(article_id, "en"),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


Sentence = tuple[str, Source, str] | tuple[str, Source, str, str]
"""A sentence with its source, its quote and, in some, the answer's words in the quote."""


def answer(*sentences: Sentence, **changes: object) -> Answer:
    """Return an answer of sentences, each cited."""
    text, citations = "", []
    for number, (sentence, from_, quote, *words) in enumerate(sentences, 1):
        start = len(text) + bool(text)
        text = f"{text} {sentence}" if text else sentence
        cited = _citation(number, from_, quote, start, len(text))
        citations.append(replace(cited, highlight=_highlight(cited, *words)) if words else cited)
    made = Answer(
        id="ans_1",
        created_at="2026-11-20T10:00:00Z",
        status="answered",
        status_reason=None,
        answer=text,
        citations=tuple(citations),
        unsupported=(),
        sources=tuple({each[1].id: each[1] for each in sentences}.values()),
        freshness=Freshness(None, None, "2026-11-20T10:00:00Z"),
        retrieval=Retrieval("?", "hybrid", {}, (), 50),
        usage=Usage(0, 0, 0, None),
        timings_ms=Timings(),
        versions=Versions("extractive@2", None, None, "fake", "g1"),
        warnings=(),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def _citation(number: int, from_: Source, quote: str, start: int, end: int) -> Citation:
    at = BODIES[from_.article_id].index(quote)
    exact = Verification("verified", "exact", 1.0)
    marker = from_.marker or 0
    return Citation(f"cit_{number}", marker, from_.id, from_.article_id, start, end, quote, at, at + len(quote), exact)


def _highlight(citation: Citation, words: str) -> Highlight:
    start = citation.start_char_index + citation.cited_text.index(words)
    return Highlight(start, start + len(words))


def events(reply: Answer) -> list[Event]:
    """Return the stream of an answer: a delta and a citation for each sentence."""
    bare = tuple(replace(each, marker=None, cited=False) for each in reply.sources)
    stream: list[Event] = [
        Started(reply.id, reply.created_at),
        RetrievalCompleted(reply.retrieval, bare, reply.freshness),
    ]
    done = 0
    for citation in reply.citations:
        stream += [AnswerDelta(reply.answer[done : citation.end_index]), CitationAdded(citation)]
        done = citation.end_index
    if done < len(reply.answer):
        stream.append(AnswerDelta(reply.answer[done:]))
    return [*stream, Completed(reply)]


_FERRY = source(1, FERRY)
_GRAIN = source(2, GRAIN, url=None, source=None, published_at=None)
_SAILED: tuple[str, Source, str] = (
    "The ferry strike in Varn Sound is over [1].",
    _FERRY,
    "The ferry strike in Varn Sound is over.",
)
_WAITS = ("The ship has waited since Monday [2].", _GRAIN, "The ship has waited since Monday")

CHECKED = answer(_SAILED, _WAITS)
WEAK = answer(_SAILED, status="partial", status_reason="weak_evidence")
WITHHELD = answer(
    _SAILED,
    status="partial",
    status_reason="unsupported_withheld",
    unsupported=(
        Unsupported("The strike lasted 61 days.", "number_not_in_source"),
        Unsupported("Both sides called it a defeat.", "not_in_source"),
    ),
)
INTERRUPTED = answer(
    _SAILED,
    status="partial",
    status_reason="interrupted",
    warnings=(AnswerWarning("reader_cut_off", "The language model began to reply and stopped before the end."),),
)


def position(article_id: str, value: str, quote: str, published_at: str | None, **changes: object) -> Position:
    """Return what an article says on a topic."""
    at = BODIES[article_id].index(quote)
    made = Position(value, article_id, quote, published_at, "Varn Sound Courier", TITLES.get(article_id))
    return replace(made, start_char_index=at, end_char_index=at + len(quote), **changes)  # type: ignore[arg-type]


CONFLICT = answer(
    _SAILED,
    conflicts=(
        Conflict(
            "days without ferries",
            (
                position(
                    FERRY,
                    "16 days",
                    "The stoppage had left the region without ferries for 16 days.",
                    "2026-02-25T09:10:00Z",
                ),
                position(GRAIN, "three days", "The ship has waited since Monday", None, source=None),
            ),
        ),
    ),
    sources=(_FERRY, _GRAIN),
)
STALE = answer(
    _SAILED,
    warnings=(
        AnswerWarning("stale", "The newest article on this is from 25 February 2026; things may have changed."),
        AnswerWarning("follow_up_offline", "The question was read without the conversation before it."),
    ),
)
_REWORDED = answer(
    _SAILED,
    (
        "The grain ship waits off Tarnmouth [2].",
        _GRAIN,
        "A grain ship lies at anchor off Tarnmouth.",
        "at anchor off Tarnmouth",
    ),
)
DIFFERS = replace(
    _REWORDED,
    citations=(
        _REWORDED.citations[0],
        replace(_REWORDED.citations[1], verification=Verification("partial", "coverage", 0.7)),
    ),
)
INTERRUPTED_DIFFERS = replace(DIFFERS, status="partial", status_reason="interrupted")
QUOTED = replace(CHECKED, warnings=(AnswerWarning("answered_without_model", "Sentences are quoted."),))
MARKDOWN = answer(
    (
        "The **Old Lamp** will be lit again on 3 March 2026, she said [1].",
        source(1, NOTES),
        "The **Old Lamp** will be lit again on 3 March 2026, she said [2].",
        "**Old Lamp** will be lit again on 3 March 2026",
    ),
    (
        "The warden of the *Old Lamp* spoke on Friday [2].",
        replace(source(2, NOTES), chunk_id=f"{NOTES}#1"),
        "The warden of the *Old Lamp* spoke on Friday.",
    ),
)
_OLDER = replace(source(2, GRAIN), published_at="2025-12-05T09:00:00Z", source="Tarnmouth Gazette")
DATED = answer(
    _SAILED,
    ("The ship has waited since Monday [2].", _OLDER, "The ship has waited since Monday"),
    ("The stoppage had left the region without ferries for 16 days [1].", _FERRY, "16 days"),
)
_ALSO = (
    Duplicate(GRAIN, "Ferries back after 16 days", "Tarnmouth Gazette", "https://gazette.example/ferries"),
    Duplicate(EMOJI, None, "Orrin Bay Messenger", None),
)
DUPLICATES = answer((_SAILED[0], replace(_FERRY, duplicates=_ALSO), _SAILED[2]))
MANY = tuple(Duplicate(GRAIN, f"Ferries sail, edition {number}", f"Paper {number}", None) for number in range(1, 24))
COPIED = replace(
    answer((_SAILED[0], replace(_FERRY, duplicates=MANY), _SAILED[2])),
    independent_sources=1,
    as_of="2026-03-01T00:00:00Z",
    retrieval=Retrieval(
        "?",
        "hybrid",
        {"published_after": "2026-02-01T00:00:00Z", "published_before": "2026-03-01T00:00:00Z"},
        ("published_after=2026-02-01", "published_before=2026-03-01"),
        50,
    ),
    ask_next=("checked", "weak"),
    permalink="/a/AVyMQQ7C",
)


_BERTH = "The ship has waited since Monday for a berth, its agent said."
_BERTHED = answer(_SAILED, ("The ship has waited since Monday for a berth, its agent said [2].", _OLDER, _BERTH))
_MONDAY = BODIES[GRAIN].index("since Monday")
DIFFERING = replace(
    _BERTHED,
    conflicts=(
        Conflict(
            "days without ferries",
            (
                position(FERRY, "16 days", "for 16 days", "2026-02-25T09:10:00Z", is_correction=True),
                position(GRAIN, "since Monday", "since Monday", "2025-12-05T09:00:00Z", source="Tarnmouth Gazette"),
            ),
        ),
    ),
    independent_sources=2,
    uncovered=("what it cost", "who paid"),
)
DEVELOPED = replace(
    _BERTHED,
    citations=(
        _BERTHED.citations[0],
        replace(
            _BERTHED.citations[1],
            dates=(ResolvedDate("since Monday", "2025-12-01", _MONDAY, _MONDAY + len("since Monday")),),
        ),
    ),
    developments=(
        Development(
            "the ferries",
            (
                position(GRAIN, "at anchor", "lies at anchor", "2025-12-05T09:00:00Z", source="Tarnmouth Gazette"),
                position(FERRY, "16 days", "for 16 days", "2026-02-24T09:10:00Z"),
                position(FERRY, "over", "is over", "2026-02-25T09:10:00Z", is_correction=True),
            ),
        ),
    ),
    corrections=(
        Correction(GRAIN, "2026-05-03T08:00:00Z", "Tuesday", "Monday", FERRY),
        Correction(FERRY, None, None, None, None, "The name of the union was wrong."),
    ),
    warnings=(AnswerWarning("corrected", "An article was corrected."),),
    independent_sources=2,
)
ABSTAINED = answer(
    status="not_in_sources",
    status_reason="low_relevance",
    answer="The articles do not seem to cover this question.",
    sources=(
        replace(_FERRY, marker=None, cited=False, scores=Scores(0.41, 2.0)),
        replace(_GRAIN, marker=None, cited=False, scores=Scores(0.12, 1.5)),
    ),
)
OFF_TOPIC = replace(ABSTAINED, sources=tuple(replace(each, scores=Scores(0.09, 1.9)) for each in ABSTAINED.sources))
SCRIPTS = answer(
    (
        "🎉 Lanterns 🏮🏮 lit the pier, 👩‍👩‍👧 and all [1].",
        source(1, EMOJI),
        "🏮🏮 Three thousand lanterns 👩‍👩‍👧‍👦 lit the old pier 🎆",
        "Three thousand lanterns 👩‍👩‍👧‍👦",
    ),
    (
        "افتتح الميناء رصيفًا جديدًا [2].",
        source(2, ARABIC),
        "افتتح ميناء سكيلهافن رصيفه الجديد 🚢 يوم الاثنين",
        "يوم الاثنين",
    ),
    ("הקו נפתח ביום שני [3].", source(3, HEBREW), "הקו בין סקלהייבן לטארנמות׳ נפתח מחדש 🚆 ביום שני", "נפתח מחדש 🚆"),
)

SAME = answer(
    ("🎉🎉🎉🎉🎉 Lanterns lit the pier [1].", source(1, EMOJI), "🏮🏮 Three thousand lanterns"),
    ("No one was hurt [1].", source(1, EMOJI), "No one was hurt 😀."),
)

BY_QUESTION = {
    "checked": CHECKED,
    "weak": WEAK,
    "withheld": WITHHELD,
    "interrupted": INTERRUPTED,
    "interrupted differs": INTERRUPTED_DIFFERS,
    "conflict": CONFLICT,
    "stale": STALE,
    "differs": DIFFERS,
    "quoted": QUOTED,
    "dated": DATED,
    "markdown": MARKDOWN,
    "duplicates": DUPLICATES,
    "copied": COPIED,
    "differing": DIFFERING,
    "developed": DEVELOPED,
    "abstained": ABSTAINED,
    "off topic": OFF_TOPIC,
    "scripts": SCRIPTS,
    "same": SAME,
}
