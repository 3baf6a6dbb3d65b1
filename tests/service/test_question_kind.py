import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.readers.question_kind import FACT, QuestionKind, kind_of

KINDS: dict[str, QuestionKind] = {
    "How many articles mention the Galt Bridge?": QuestionKind("count", "Galt Bridge"),
    "How many stories have been written about Orla Tennick?": QuestionKind("count", "Orla Tennick"),
    "Wie viele Artikel erwähnen „Galt“?": QuestionKind("count", "Galt"),
    "How many articles did Orla Tennick write?": FACT,
    "How many people mention the bridge?": FACT,
    "How many articles are about the strike in May 2026?": FACT,
    "Summarise the strike in Galt.": QuestionKind("summary", "the strike in Galt"),
    "Please give me a short overview of the flood": QuestionKind("summary", "the flood"),
    "What do we know about Orla Tennick?": QuestionKind("summary", "Orla Tennick"),
    "Was wissen wir über den Streik?": QuestionKind("summary", "den Streik"),
    "What did the summary of the report say?": FACT,
    "Which towns were flooded?": QuestionKind("list"),
    "In which villages are there repair cafés?": QuestionKind("list"),
    "Who led the mill one after the other?": QuestionKind("list"),
    "Which bus goes to Galt?": FACT,
    "What causes the smell?": FACT,
    "Who won?": FACT,
    "Write me a poem about the bridge": QuestionKind("other"),
    "Translate the article into German": QuestionKind("other"),
    "Should I take the ferry?": QuestionKind("other"),
    "hello!": QuestionKind("other"),
    "Who are you?": QuestionKind("other"),
    "Who should pay for the bridge?": FACT,
    "What did the mayor write in her letter?": FACT,
    "Did the court tell the mayor that she should resign?": FACT,
    "Who translated the play?": FACT,
}


@pytest.mark.parametrize("question", KINDS)
def test_a_question_has_a_kind(question: str) -> None:
    """Plain wordings of each kind are known; what only looks like one asks for a fact."""
    assert kind_of(question) == KINDS[question]


@given(st.text(max_size=300))
def test_any_text_has_a_kind(question: str) -> None:
    """No text fails; only a summary and a count have a subject."""
    kind = kind_of(question)
    assert bool(kind.subject) == (kind.name in ("summary", "count"))
