from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from index.records import Article, Edit, Revision, Span
from index.text import sentence_spans
from ingest.changes import revised
from service.recheck import QuoteState, compare_quote

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SENTENCES = (
    "Nine miners were cut off by a fall of rock.",
    "Nobody in the gallery is hurt.",
    "A drill is on its way from Stavewick.",
    "Families are waiting in the chapel.",
)
OTHERS = (
    "Seven miners were cut off by a fall of rock.",
    "Two people in the gallery are hurt.",
    "Soup came at six.",
)
ROCK = Article("rock", " ".join(SENTENCES), "/articles/rock.md", title="Miners cut off")
NINE, SEVEN = SENTENCES[0], OTHERS[0]


def versions(*bodies: str) -> tuple[Article, tuple[Revision, ...]]:
    """Return the last of these versions and its history."""
    article, history = replace(ROCK, body=bodies[0]), ()
    found: tuple[Revision, ...] = history
    for body in bodies[1:]:
        new = replace(article, body=body)
        found = revised(new, article, found, NOW)
        article = new
    return article, found


def test_a_quote_that_is_still_there() -> None:
    """The same words at the same place."""
    assert compare_quote(ROCK, (), NINE, 0, len(NINE)) == QuoteState("same", Span(0, len(NINE)))


def test_a_quote_that_moved() -> None:
    """The same words have new offsets, the nearest if there are several; white space may differ."""
    article, history = versions(ROCK.body, f"Soup came at six. {ROCK.body}\n\n{ROCK.body}")
    assert compare_quote(article, history, NINE, 0, len(NINE)) == QuoteState("moved", Span(18, 18 + len(NINE)))
    wrapped = replace(ROCK, body=ROCK.body.replace(" ", "\n"))
    assert compare_quote(wrapped, (), SENTENCES[1], 44, 74).status == "moved"


def test_a_quote_that_was_changed() -> None:
    """Its sentence before and after, and the place of the changed words."""
    article, history = versions(ROCK.body, ROCK.body.replace(NINE, SEVEN))
    state = compare_quote(article, history, f"{NINE} {SENTENCES[1]}", 0, 74)
    assert state == QuoteState("changed", Span(0, len(SEVEN)), (Edit(NINE, SEVEN),))


def test_a_quote_that_was_changed_twice() -> None:
    """What counts is what the sentence says in the end."""
    eight = NINE.replace("Nine", "Eight")
    article, history = versions(ROCK.body, ROCK.body.replace(NINE, eight), ROCK.body.replace(NINE, SEVEN))
    assert compare_quote(article, history, NINE, 0, len(NINE)).edits == (Edit(NINE, SEVEN),)
    back, history = versions(ROCK.body, ROCK.body.replace(NINE, SEVEN), ROCK.body)
    assert compare_quote(back, history, NINE, 0, len(NINE)).status == "same"


def test_a_quote_that_is_gone() -> None:
    """A removed sentence, an article that was taken down, and a change that was not kept."""
    article, history = versions(ROCK.body, " ".join(SENTENCES[1:]))
    removed = compare_quote(article, history, NINE, 0, len(NINE))
    assert (removed.status, removed.span, removed.edits) == ("gone", None, (Edit(NINE, ""),))
    assert compare_quote(None, (), NINE, 0, len(NINE)).status == "gone"
    assert compare_quote(article, (), NINE, 0, len(NINE)).status == "gone"


def test_a_sentence_between_those_of_a_quote() -> None:
    """Each of its sentences is still there."""
    article, history = versions(ROCK.body, f"{NINE} Soup came at six. {SENTENCES[1]}")
    assert compare_quote(article, history, f"{NINE} {SENTENCES[1]}", 0, 74) == QuoteState("moved", Span(0, len(NINE)))


bodies = st.lists(st.sampled_from(SENTENCES + OTHERS), unique=True, max_size=7).map(" ".join)


@given(st.lists(bodies, min_size=1, max_size=4), st.data())
def test_what_a_state_says_holds(texts: list[str], data: st.DataObject) -> None:
    """`same` and `moved` have the words at their place, `changed` has what they became, `gone` has none of them."""
    first = texts[0]
    spans = sentence_spans(first)
    span = data.draw(st.sampled_from(spans)) if spans else None
    quote, start, end = (first[span.start : span.end], span.start, span.end) if span else ("Nothing.", 0, 8)
    article, history = versions(*texts)
    state = compare_quote(article, history, quote, start, end)
    there = article.body[slice(*state.span)] if state.span else ""
    assert (state.status in ("same", "moved")) == (quote in article.body)
    if state.status in ("same", "moved"):
        assert there == quote
    elif state.status == "changed":
        assert there == state.edits[0].after
        assert state.edits[0].before == quote
    else:
        assert state.span is None
