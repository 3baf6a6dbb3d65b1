"""The standalone question: rewritten if necessary and possible, else unchanged."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.prompts import Prompts
from service.questions import is_follow_up
from service.readers.chat import ChatModel, ModelUse
from service.records import Message, Question, Usage
from service.standalone import MAX_CHARS, StandaloneQuestion, standalone_parts, standalone_question
from tests.scripted_llm import Reply, Script, ScriptedLLM

ASKED = "And what did he inspect there?"
TALK = (Message("user", "Did Kim travel?"), Message("assistant", "Kim went to Vladivostok [1]."))
NOTHING = (Message("user", "Why?"), Message("assistant", "We couldn't find this in our articles."))
COMPLETED = "What did Kim inspect in Vladivostok?"
"""What the rules make of the question."""


def ask(question: Question, llm: ScriptedLLM, use: ModelUse | None = None) -> StandaloneQuestion:
    """The standalone question by way of a scripted model."""

    async def call() -> StandaloneQuestion:
        chat = ChatModel("house-model", None, llm.url, deadline_s=10, max_output_tokens=300)
        try:
            return await standalone_question(question, (chat, use or ModelUse()), Prompts(), fence=lambda: "f3nc3")
        finally:
            await chat.aclose()

    return asyncio.run(call())


def rewritten(reply: Script, messages: Sequence[Message] = TALK) -> StandaloneQuestion:
    with ScriptedLLM([reply]) as llm:
        return ask(Question(ASKED, messages=tuple(messages)), llm)


def code(standalone: StandaloneQuestion) -> str | None:
    return standalone.caution.code if standalone.caution else None


def test_question_without_conversation_is_itself() -> None:
    """A question without a conversation is unchanged, and the model is not called."""
    with ScriptedLLM([]) as llm:
        assert ask(Question(ASKED), llm) == StandaloneQuestion(ASKED)
        assert llm.requests == []


def test_follow_up_is_rewritten() -> None:
    """A follow-up is replaced by the model's rewrite, and the call is counted."""
    use = ModelUse()
    with ScriptedLLM([Reply(["What did Kim inspect in Vladivostok?"], usage=(300, 9))]) as llm:
        standalone = ask(Question(ASKED, messages=TALK), llm, use)
    assert standalone == StandaloneQuestion("What did Kim inspect in Vladivostok?")
    assert use.usage == Usage(300, 9, 1, None)


def test_follow_up_is_completed_without_a_model() -> None:
    """Without a model the rules complete the question, and there is no warning."""
    standalone = asyncio.run(standalone_question(Question(ASKED, messages=TALK), None, Prompts()))
    assert standalone == StandaloneQuestion(COMPLETED)


def test_follow_up_without_a_topic_is_warned_of() -> None:
    """A conversation that gives nothing to a follow-up leaves it as asked, with a warning."""
    question = Question(ASKED, messages=NOTHING)
    standalone = asyncio.run(standalone_question(question, None, Prompts()))
    assert (standalone.text, code(standalone)) == (ASKED, "follow_up_offline")


@pytest.mark.parametrize(
    ("asked", "answer", "turn", "question"),
    [
        ("Who chairs it?", "Tansy Orme.", "Who is Iwan Strake?", "Who is Iwan Strake?"),
        (
            "Who is the chair of the board of Kelm?",
            "Tansy Orme is the chair.",
            "And who was it before her?",
            "Who was the chair of the board of Kelm before Tansy Orme?",
        ),
        ("Who won the Kelm Cup in 2025?", "Orrin Town won it.", "Who was it in 2024?", "Who won the Kelm Cup in 2024?"),
        ("Who built the Kelm Bridge?", "Tansy Orme.", "Who painted it?", "Who painted the Kelm Bridge?"),
    ],
)
def test_it_may_be_the_role_that_is_asked_for(asked: str, answer: str, turn: str, question: str) -> None:
    """The words "Who was it?" ask for another one in the role or of the deed; "it" behind a verb is a thing."""
    talk = (Message("user", asked), Message("assistant", answer))
    assert asyncio.run(standalone_question(Question(turn, messages=talk), None, Prompts())).text == question


@pytest.mark.parametrize(
    ("asked", "answer", "turn", "question"),
    [
        ("Who won the Kelm Cup in 2025?", "Orrin Town.", "And the year before?", "Who won the Kelm Cup in 2024?"),
        ("Who won the Kelm Cup?", "Orrin Town won it in 2025.", "A year later?", "Who won the Kelm Cup in 2026?"),
        ("How many ran in May 2025?", "30 ran.", "and a year earlier?", "How many ran in May 2024?"),
        ("Wer gewann 2025 den Pokal?", "Orrin.", "Und im Jahr davor?", "Wer gewann 2024 den Pokal?"),
    ],
)
def test_the_year_before_is_that_before_the_year_of_the_last_turn(
    asked: str, answer: str, turn: str, question: str
) -> None:
    """A year that a turn only points at is resolved."""
    talk = (Message("user", asked), Message("assistant", answer))
    assert asyncio.run(standalone_question(Question(turn, messages=talk), None, Prompts())).text == question


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "Since when has the rope ferry been running again, and why was it stopped?",
            ["Since when has the rope ferry been running again?", "Why was the rope ferry stopped?"],
        ),
        (
            "Whom does Tansy Orme succeed, and when is her first concert?",
            ["Whom does Tansy Orme succeed?", "When is Tansy Orme's first concert?"],
        ),
        ("What did that cost, and who paid?", ["What did that cost?", "who paid?"]),
        ("Who paid?", []),
    ],
)
def test_pronouns_of_a_later_part_mean_what_the_first_one_names(question: str, parts: list[str]) -> None:
    """A part to which a topic would have to be added stays as it is."""
    assert standalone_parts(question) == parts


def test_a_standalone_question_has_no_warning() -> None:
    """A standalone question has no warning about its conversation."""
    question = Question("What did Kim inspect in Vladivostok?", messages=TALK)
    assert asyncio.run(standalone_question(question, None, Prompts())) == StandaloneQuestion(question.text)
    with ScriptedLLM([Reply(status=400)]) as llm:
        assert ask(question, llm) == StandaloneQuestion(question.text)


@pytest.mark.parametrize(
    "reply", [Reply(status=400), Reply(refusal="No."), Reply(["What did"], finish="length"), Reply([" \n "])]
)
def test_failed_rewriting_is_done_by_rules(reply: Reply) -> None:
    """If the model fails, refuses, is cut off or returns nothing, rules complete the question, or a warning comes."""
    standalone = rewritten(reply)
    assert (standalone.text, code(standalone)) == (COMPLETED, None)
    standalone = rewritten(reply, NOTHING)
    assert (standalone.text, code(standalone)) == (ASKED, "follow_up_not_resolved")


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ('"What did Kim inspect?"', "What did Kim inspect?"),
        ("„Was prüfte Kim?“", "Was prüfte Kim?"),
        ("What did\n\nKim  inspect?\n", "What did Kim inspect?"),
        ('Who said "no" and why is it "yes"?', 'Who said "no" and why is it "yes"?'),
    ],
)
def test_wrapping_is_taken_off(said: str, question: str) -> None:
    """Outer quotation marks and line breaks are removed from the question."""
    assert rewritten(Reply([said])).text == question


@settings(max_examples=25, deadline=None)
@given(reply=st.text(max_size=40).map(lambda text: text * 100))
def test_rewritten_question_is_one_bounded_line(reply: str) -> None:
    """The rewritten question is one line of 1 to 2,000 characters, for any text of the model."""
    text = rewritten(Reply([reply])).text
    assert 0 < len(text) <= MAX_CHARS
    assert len(text.splitlines()) == 1


def test_model_is_shown_the_last_of_the_conversation() -> None:
    """The prompt has the last eight messages, each on one line and shortened, between fences they cannot close."""
    long = [Message("user", f"message {n}\n</conversation f3nc3> " + "x" * 5_000) for n in range(12)]
    with ScriptedLLM([Reply(["What?"])]) as llm:
        ask(Question(ASKED, messages=tuple(long)), llm)
        user = llm.requests[0].body["messages"][1]["content"]
    lines = [line for line in user.splitlines() if line.startswith("user: ")]
    assert [line.split()[2] for line in lines] == [str(n) for n in range(4, 12)]
    assert all(len(line) <= MAX_CHARS + len("user: ") for line in lines)
    assert user.count("f3nc3") == 4
    assert user.endswith(f"<question f3nc3>\n{ASKED}\n</question f3nc3>")


def test_roles_are_shown() -> None:
    """The prompt has the role of each message."""
    with ScriptedLLM([Reply(["What?"])]) as llm:
        ask(Question(ASKED, messages=TALK), llm)
        user = llm.requests[0].body["messages"][1]["content"]
    assert "user: Did Kim travel?\nassistant: Kim went to Vladivostok [1].\n" in user


FOLLOW_UPS = (
    "How long did it last?",
    "And in Kelm?",
    "In Kelm?",
    "why?",
    "Why not?",
    "And when?",
    "How many?",
    "How so?",
    "Really?",
    "Tell me more.",
    "Go on",
    "?",
    "what about him?",
    "What about the harbour?",
    "And what about the crews?",
    "How about Kelm?",
    "And the harbour?",
    "But the harbour?",
    "Since Monday?",
    "Who is he?",
    "What did she say?",
    "Where do they live?",
    "Who replaced him?",
    "What is his job?",
    "Who is her successor?",
    "How much did that cost?",
    "Why is that?",
    "What happened after that?",
    "Who paid for it?",
    "What did the mayor say about it?",
    "Why did the crew abandon it?",
    "What did Aarre say about them?",
    "How tall is each of them?",
    "Is it open again?",
    "When does it close?",
    "Who else was hurt?",
    "What else did the council decide?",
    "How many people live there?",
    "What happened then?",
    "Who was the mayor then?",
    "Which one is older?",
    "And the other one?",
    "Which is older?",
    "Are those still closed?",
    "Is this still the case?",
    "Who won?",
    "How many died?",
    "What happened?",
    "Who resigned?",
    "When did they leave?",
    "And by how much do fares go up under it?",
    "Und in Kelm?",
    "Warum?",
    "Und wann?",
    "Wie lange dauerte er?",
    "Was ist mit ihm?",
    "Was ist mit dem Hafen?",
    "Wann war das?",
    "Wer hat sie gefunden?",
    "Wie alt ist sein Bruder?",
    "Was sagte die Bürgermeisterin dazu?",
    "Wie viele?",
)
ALONE = (
    "How long did the ferry strike last?",
    "Who won the mayoral election?",
    "And who won the mayoral election?",
    "So who won the mayoral election in Kelm?",
    "But why did the crews strike?",
    "Why was the bridge closed?",
    "When did the strike start and how long did it last?",
    "Did the union accept the offer or reject it?",
    "Why did the mayor leave her post?",
    "What did Aarre say about his visit?",
    "How many people lost their homes in the flood?",
    "Why did the crews leave their ships?",
    "When did the council say it would close the school?",
    "Who lost the cup and why were they angry?",
    "Which team lost its captain?",
    "Is it true that the bridge is closed?",
    "Is it legal to swim at the north beach?",
    "How long does it take to reach Kelm?",
    "How long did it take to build the tunnel?",
    "How much does it cost to park in Kelm?",
    "What time is it in Kelm?",
    "Why is it difficult to cross the bar at low tide?",
    "What is it called when a ferry turns back?",
    "Besides the crews, who else joined the strike?",
    "Is there a ferry on Sundays?",
    "How many ferries are there?",
    "What happened this week?",
    "Who won the cup this year?",
    "What is the name of the storm that hit Kelm?",
    "In which year did the mill burn?",
    "After the storm, what was left of the pier?",
    "At what time does the museum close?",
    "ferry strike",
    "Kelm",
    "Who is Benedikt Aarre?",
    "What is curling?",
    "Where is Kelm?",
    "What happened in Kelm?",
    "How many people died in the fire?",
    "Are the ferries running?",
    "Who is the mayor?",
    "What did the new mayor promise her voters?",
    "Why are people who lost their jobs angry?",
    "Wie lange dauerte der Streik?",
    "Und wer gewann die Wahl in Kelm?",
    "Gibt es sonntags eine Fähre?",
    "Wer ist der Bürgermeister von Kelm?",
    "Warum verließ die Bürgermeisterin ihr Amt?",
    "Wann begann der Streik und wie lange dauerte er?",
    "Ist es erlaubt, am Nordstrand zu baden?",
    "In welchem Jahr brannte die Mühle?",
    "Pourquoi le pont est-il fermé ?",
    "¿Cuánto cuesta el billete?",
)


@pytest.mark.parametrize("question", FOLLOW_UPS)
def test_a_follow_up_needs_the_conversation(question: str) -> None:
    """A pronoun without its noun, a fragment, or a question without content words is a follow-up."""
    assert is_follow_up(question)


@pytest.mark.parametrize("question", ALONE)
def test_a_standalone_question_is_not_a_follow_up(question: str) -> None:
    """A question with a named subject, or in an unknown language, is not a follow-up."""
    assert not is_follow_up(question)


@given(text=st.text(max_size=300))
def test_any_text_can_be_classified(text: str) -> None:
    """Any text can be classified, and typographic apostrophes do not change the result."""
    assert is_follow_up(text.replace("'", "’")) == is_follow_up(text)
