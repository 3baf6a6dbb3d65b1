"""Questions about the present are told from questions about what happened."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.present import asks_about_present

PRESENT = (
    "Is the harbour bridge open?",
    "Is the harbour bridge open to lorries again?",
    "Are the night buses running?",
    "Who is the mayor of Kelm?",
    "Who's the mayor of Kelm?",
    "who is the head teacher at the mill school",
    "How much does a day ticket cost?",
    "How much is a day ticket?",
    "What does a swim at the baths cost?",
    "What time does the museum close?",
    "At what time does the museum close?",
    "When does the last ferry leave?",
    "Where is the temporary library?",
    "Which roads are closed?",
    "Which of the two piers is open to anglers?",
    "How many nests are on the tower?",
    "How many people live in Kelm?",
    "How many people work at the yard?",
    "What is the speed limit on the ring road?",
    "What's the price of a loaf in Kelm?",
    "What are the opening hours of the baths?",
    "Who owns the shipyard?",
    "Who runs the ferry line?",
    "Can I swim at the north beach?",
    "Can dogs go on the beach?",
    "Must visitors book?",
    "May dogs go on the beach?",
    "Is the march still planned?",
    "Do the ferries take bicycles?",
    "Does the clinic see children?",
    "Is there a ferry on Sundays?",
    "Isn't the school closed?",
    "Why is the bridge closed?",
    "Has the bridge reopened yet?",
    "Has the bridge reopened?",
    "Have the talks resumed?",
    "Has the plan been approved?",
    "Which ferries run on Sundays?",
    "Which shops open on Sundays?",
    "Who chairs the council?",
    "Does anyone know whether the pool is open?",
    "I wonder if the pool is open",
    "Are people still trapped in the mine?",
    "Bridge still closed?",
    "What did the mayor say today?",
    "Do you know who the harbour master is?",
    "Hello, is the pool open?",
    "And is the pool open?",
    "The strike ended. Are the trains running?",
    "How old is the youngest member of the council?",
    "Ist die Brücke offen?",
    "Ist die Brücke noch gesperrt?",
    "Sind die Fähren in Betrieb?",
    "Wer ist der Bürgermeister von Kelm?",
    "Was kostet eine Tageskarte?",
    "Wie viel kostet eine Tageskarte?",
    "Wann fährt die letzte Fähre?",
    "Welche Straßen sind gesperrt?",
    "Wie viele Menschen wohnen in Kelm?",
    "Wem gehört die Werft?",
    "Gibt es sonntags eine Fähre?",
    "Darf man am Nordstrand baden?",
    "Fährt der Nachtbus heute?",
    "Und wo ist die Bücherei jetzt?",
    "Wann schließt das Museum?",
    "Hat die Brücke wieder geöffnet?",
)
OTHER = (
    "When did the bridge open?",
    "When was the bridge opened?",
    "What happened at the mill?",
    "What happened to the ferry after the storm?",
    "Who was the mayor of Kelm?",
    "Who was mayor before the election?",
    "Why did the crews strike?",
    "Why was the bridge closed?",
    "Who won the cup?",
    "Who caused the fire?",
    "How many people died in the fire?",
    "How many houses did the flood reach?",
    "How long did the strike last?",
    "How did the fire start?",
    "Did the council approve the plan?",
    "Was anyone hurt?",
    "Were the night buses running?",
    "Had the mayor been warned?",
    "Who has won the most medals?",
    "Has the mayor ever visited the mine?",
    "Have the crews accepted the offer?",
    "Has the pool ever been closed?",
    "Do you know when the pool opened?",
    "Who organised the run on the pier?",
    "Which crew finished the race to open water?",
    "What is the ferry fare in 2024?",
    "Who is the mayor as of March 2026?",
    "Is the pool open in July?",
    "Is the pool open in May?",
    "How many nests were there last year?",
    "What is left of the mill that was burned down?",
    "Which bridge that is closed did the storm hit?",
    "What caused the fire that is burning?",
    "Who is Benedikt Aarre?",
    "Who's Benedikt Aarre?",
    "What is a tide gate?",
    "What does the term neap tide mean?",
    "How does a tide gate work?",
    "Why do puffins nest on cliffs?",
    "Is it true that the mayor resigned?",
    "What will the new pool cost?",
    "Will the bridge reopen?",
    "Should the council sell the yard?",
    "Could the fire have been prevented?",
    "What used to stand on the square?",
    "What did the mayor say yesterday?",
    "Who ran the ferry line two years ago?",
    "Tell me about the strike.",
    "harbour strike",
    "Wann wurde die Brücke eröffnet?",
    "Wer war der Bürgermeister von Kelm?",
    "Was ist in der Mühle passiert?",
    "Warum streikten die Besatzungen?",
    "Wer hat den Pokal gewonnen?",
    "Wie viele Menschen sind gestorben?",
    "Wie hoch ist der Fahrpreis im März 2026?",
    "Was ist ein Siel?",
    "Wer ist Benedikt Aarre?",
    "Qui est le maire de Kelm ?",
    "¿Está abierto el puente?",
    "?",
    "",
)


@pytest.mark.parametrize("question", PRESENT)
def test_a_state_of_the_present_is_asked_for(question: str) -> None:
    """Present tense and no date: the answer may have changed since the article."""
    assert asks_about_present(question)


@pytest.mark.parametrize("question", OTHER)
def test_anything_else_is_not_about_the_present(question: str) -> None:
    """A past, a date, a meaning, a person, a plan, or a language that is not known."""
    assert not asks_about_present(question)


@pytest.mark.parametrize("date", [" in 2025", " in March", " on 3 May", " im Oktober", " on 2026-02-24", " am 24.2."])
@pytest.mark.parametrize("question", PRESENT)
def test_a_date_makes_it_another_question(question: str, date: str) -> None:
    """A question that names its time is not about the present, whatever its tense."""
    assert not asks_about_present(question.removesuffix("?") + date + "?")


@given(text=st.text(max_size=300))
def test_any_text_is_decided(text: str) -> None:
    """No text fails, and letter case and typographic apostrophes decide nothing but names."""
    assert asks_about_present(text.replace("'", "’")) == asks_about_present(text)
