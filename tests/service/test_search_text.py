"""The search text: the sentences that ask, in the spelling of the articles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.lexical import LexicalIndex
from service.questions import MOST_UNKNOWN, asking, capitalised, search_text
from tests.fakes import lexical_of

ARTICLES = [
    "The parish of Wendle rejected the new swimming hall by 31 votes to 12. It was the third vote on the hall.",
    "Anouk Thiérry-Møller, the caretaker, said that 14,250 litres had leaked. Repairs cost £3,480.",
    "The drawbridge at Oster Quay closed on 9 May 2025. Lorries must cross at Pell, the road office said.",
    "Jürgen Straßer repaired the weathercock of the chapel. Aaron Mueller held the ladder.",
]
ASKED = "By how many votes did the parish of Wendle reject the swimming hall?"
PREFACE = (
    "I have read your paper for thirty years. My aunt sold it at the station. We often talked about the news. Yesterday"
    " it rained, so I stayed in. I made some soup. The radio was on."
)


@pytest.fixture(scope="module")
def lexical(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    """Return a lexical index of the articles."""
    return lexical_of(tmp_path_factory.mktemp("search") / "lexical", ARTICLES)


@pytest.mark.parametrize(
    "question",
    [
        ASKED,
        "Who repaired the weathercock?",
        "swimming hall Wendle",
        "Mr. Straßer repaired what in the chapel?",
        "Is the drawbridge closed? And since when?",
        "The drawbridge closed. Why did it close?",
        "The parish voted again. How many voted?",
        "Tell me about Anouk.",
        "  Who repaired the weathercock?",
        "How much was repaired in May? 2025",
        "Who plays in Oster Quay! Open or Closed?",
        "Anouk Thiérry-Møller repaired the hall. Which litres had leaked yesterday?",
        "",
        "…",
    ],
)
def test_a_short_question_is_its_own_search_text(question: str, lexical: LexicalIndex) -> None:
    """A question of one sentence, or one that needs its other sentences, is searched as it is."""
    assert search_text(question, lexical) == question


@pytest.mark.parametrize(
    ("question", "searched"),
    [
        ("How long did the vote last?", "How long did the vote go on?"),
        ("How long will the repairs last in Wendle?", "How long will the repairs go on in Wendle?"),
        ("How long did the last vote take?", "How long did the last vote take?"),
        ("How long ago was the last vote?", "How long ago was the last vote?"),
        ("Who was last?", "Who was last?"),
    ],
)
def test_the_verb_last_is_not_searched_as_the_adjective(question: str, searched: str, lexical: LexicalIndex) -> None:
    """A question how long something lasts is searched with a verb that cannot be an adjective."""
    assert search_text(question, lexical) == searched


@pytest.mark.parametrize(
    "question",
    [
        f"{PREFACE} {ASKED}",
        f"{PREFACE * 3} {ASKED}",
        f"Hello. {ASKED} Thank you very much. Kind regards, Wilhelmina Stokes",
        f"{PREFACE} My question is this: {ASKED}",
        f"Dear all, hello! Can you help me? {ASKED}",
        f"Meine Frage lautet: {ASKED}",
    ],
)
def test_only_the_asking_sentence_is_searched(question: str) -> None:
    """A preface, an announcement and a sign-off are left out."""
    assert asking(question) == ASKED


def test_a_question_in_small_letters_is_found_behind_its_preface() -> None:
    """Neither a capital letter nor a question mark is needed."""
    assert (
        asking(f"{PREFACE} who repaired the weathercock of the chapel") == "who repaired the weathercock of the chapel"
    )
    assert asking(f"{PREFACE} did the parish reject the swimming hall") == "did the parish reject the swimming hall"


@pytest.mark.parametrize(
    "asked",
    [
        "I would like to know by how many votes the parish of Wendle rejected the swimming hall.",
        "Please tell me about the swimming hall in Wendle.",
        "When did the parish of Wendle reject the swimming hall.",
    ],
)
def test_a_request_needs_no_question_mark(asked: str) -> None:
    """A sentence that asks without a question mark is found in a long text."""
    assert asking(f"{PREFACE} {asked} Many thanks in advance. Wilhelmina") == asked


def test_a_question_with_a_pronoun_brings_the_names_before_it() -> None:
    """The names of a long preface and its last sentence stay if the question cannot do without them."""
    text = asking(f"{PREFACE} In Wendle they planned a swimming hall. It was put to a vote. Did they reject it?")
    assert text == "Wendle. It was put to a vote. Did they reject it?"


def test_an_explanation_behind_a_pronoun_stays() -> None:
    """A question that opens the text and does not name its subject takes the sentences behind it."""
    assert asking("When did it close? I mean the drawbridge.") == "I mean the drawbridge. When did it close?"
    assert asking("When did the drawbridge close? I mean at Pell. Thank you.") == "When did the drawbridge close?"


def test_two_sentences_of_context_stay_with_a_question_that_needs_them() -> None:
    """A short context is not cut, because it says what the question is about."""
    question = "The swimming hall was put to a vote. I missed it. Did they reject it?"
    assert asking(question) == question


def test_a_name_in_a_short_context_is_cut_if_the_question_says_enough() -> None:
    """Four words of content stand alone beside a name, three do not."""
    context = "Ich lese Ihre Zeitung in Wendle."
    enough, little = "Did the parish council reject the swimming hall?", "Did councillors reject plans?"
    assert asking(f"{context} {enough}") == enough
    assert asking(f"{context} {little}") == f"{context} {little}"


def test_words_before_a_colon_that_say_what_is_asked_about_stay() -> None:
    """Only an announcement is cut at its colon."""
    question = "Swimming hall Wendle: how many votes were against?"
    assert asking(question) == question


@pytest.mark.parametrize(
    ("typed", "searched"),
    [
        ("Whne did the drawbrigde close?", "When did the drawbridge close?"),
        ("who repaired teh wethercock", "who repaired the weathercock"),
        ("WHO REPAIRED THE WETHERCOCK?", "WHO REPAIRED THE WEATHERCOCK?"),
        ("How many litters leaked, 14 250?", "How many litters leaked, 14250?"),
        ("Did Juergen Strasser repair it?", "Did Jurgen Strasser repair it?"),
        ("Did Aaron Müller hold the ladder?", "Did Aaron Mueller hold the ladder?"),
        ("Did Anouk Thierry Moller say 14 250?", "Did Anouk Thierry Moller say 14250?"),
        ("On 9 252 tickets", "On 9 252 tickets"),
        ("Whats on, and why didnt Strasser come?", "What's on, and why didn't Strasser come?"),
        ("Who Repaired The Wethercock?", "Who Repaired The Weathercock?"),
    ],
)
def test_words_are_spelled_as_the_articles_have_them(typed: str, searched: str, lexical: LexicalIndex) -> None:
    """A mistyped word, a number with spaces and an umlaut written out get the form that the index has."""
    assert search_text(typed, lexical) == searched


@pytest.mark.parametrize(
    "question", ["What did Anouk Thierty say?", "Who is Wendla?", "Where is Oster Quary?", "Pull road"]
)
def test_an_absent_name_is_not_corrected(question: str, lexical: LexicalIndex) -> None:
    """A question about an unknown person stays one: names are neither corrected nor corrections."""
    assert search_text(question, lexical) == question


def test_only_the_first_unknown_words_are_looked_up(lexical: LexicalIndex) -> None:
    """A question of many unknown words does not take long."""
    typed = ["wethercock"] * (MOST_UNKNOWN + 1)
    expected = " ".join(["weathercock"] * MOST_UNKNOWN + ["wethercock"])
    assert search_text(" ".join(typed), lexical) == expected


@given(question=st.text(st.sampled_from("aeltW .?:\n1,"), max_size=60))
def test_any_text_has_a_search_text(question: str, lexical: LexicalIndex) -> None:
    """The search text is deterministic, not longer than needed, and empty only for an empty question."""
    found = search_text(question, lexical)
    assert found == search_text(question, lexical)
    assert bool(found.strip()) == bool(question.strip())


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("who closed the drawbridge at oster quay", "who closed the drawbridge at Oster Quay"),
        ("what did Anouk say at oster quay", "what did Anouk say at oster quay"),
        ("when did lorries cross at pell", "when did lorries cross at Pell"),
    ],
)
def test_names_in_small_letters_get_their_capitals(asked: str, written: str) -> None:
    """A word that articles write only with a capital is a name; the first word of a sentence may be none."""
    assert capitalised(asked, ARTICLES) == written
