"""Questions that need the conversation before them are told from questions that stand alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.leaning import leans_on_conversation

LEANING = (
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


@pytest.mark.parametrize("question", LEANING)
def test_a_question_leans_on_what_went_before(question: str) -> None:
    """A pronoun without its noun, a fragment, or no word of content."""
    assert leans_on_conversation(question)


@pytest.mark.parametrize("question", ALONE)
def test_a_question_stands_alone(question: str) -> None:
    """It names what it asks about, or is in a language that is not known."""
    assert not leans_on_conversation(question)


@given(text=st.text(max_size=300))
def test_any_text_is_decided(text: str) -> None:
    """No text fails, and typographic apostrophes change nothing."""
    assert leans_on_conversation(text.replace("'", "’")) == leans_on_conversation(text)
