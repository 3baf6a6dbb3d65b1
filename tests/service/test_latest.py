"""The latest report of a fact is quoted, and what it replaces is not; reports of the same days may disagree."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Span
from service.readers.answerability import Calibration
from service.readers.evidence import Evidence, Latest, ScoredSentence
from service.readers.extractive import quoted
from service.readers.latest import MENTIONED, NEWER, is_out_of_date, is_supposed, latest, newer_report
from service.readers.office import is_ahead, is_named_one, is_next, is_over, predecessor, successor
from tests.service.passages import make_passage

DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def told(
    text: str, answer: str, days: float | None, score: float = 20.0, source: str | None = "Post"
) -> ScoredSentence:
    """Return a sentence with its answer, from an article of so many days after the first one."""
    published = None if days is None else DAY + timedelta(days=days)
    passage = make_passage(f"k{abs(hash((text, days))) % 1000}", text, source=source, published_at=published)
    start = text.index(answer)
    return ScoredSentence(passage, Span(0, len(text)), text, score, answer=Span(start, start + len(answer)))


def evidence(*sentences: ScoredSentence, kind: Latest = "state", now: datetime | None = None) -> Evidence:
    """Return sentences as evidence, the best first."""
    ranked = tuple(sorted(sentences, key=lambda each: -each.score))
    return Evidence(ranked, 0.8, 20.0, latest=kind, now=now or DAY + timedelta(days=300))


def first(question: str, found: Evidence) -> str:
    """Return the sentence that is quoted, which must be the only one."""
    (chosen,) = quoted(question, found)
    return chosen.text


HOMES = told("The flood reached 340 homes.", "340", 0)
FEWER = told("The flood reached 275 homes.", "275", 9, 16.0)
COST = "How many homes did the flood reach?"


@pytest.mark.parametrize("kind", ["state", "figure"])
def test_a_later_figure_replaces_an_earlier_one(kind: Latest) -> None:
    """The same thing is counted anew; the earlier count is not quoted."""
    assert first(COST, evidence(HOMES, FEWER, kind=kind)) == FEWER.text


def test_a_question_about_an_earlier_time_keeps_the_best_sentence() -> None:
    """Without the wish for the latest report nothing is replaced."""
    assert quoted(COST, evidence(HOMES, FEWER, kind=None))[0] == HOMES


@pytest.mark.parametrize(
    "other",
    [
        told("The flood reached 275 homes.", "275", 9, 20.0 - NEWER - 0.1),
        told("The flood reached 275 sheds.", "275", 9, 16.0),
        told("The flood reached 275 homes.", "275", None, 16.0),
        told("The flood reached 275 homes.", "275", -9, 16.0),
    ],
)
def test_another_thing_replaces_nothing(other: ScoredSentence) -> None:
    """A much less likely sentence, another unit, no date or an earlier one."""
    assert latest(COST, evidence(HOMES, other), HOMES) == HOMES


@pytest.mark.parametrize(
    ("later", "is_old"),
    [
        (told("The flood reached 275 homes.", "275", 1, source="Echo"), False),
        (told("The flood reached 275 homes.", "275", 1, source="Post"), True),
        (told("The flood count was lowered to 275 homes.", "275", 1, source="Echo"), True),
        (told("The flood reached 275 homes.", "275", 9, source="Echo"), True),
    ],
)
def test_reports_of_the_same_days_may_disagree(later: ScoredSentence, *, is_old: bool) -> None:
    """The same publisher or a word for a correction makes one of them out of date, or some days between them."""
    assert is_out_of_date(COST, HOMES, later, evidence(HOMES, later)) is is_old


def test_a_new_count_needs_no_answer_of_the_reader() -> None:
    """A later sentence with a number of the same things replaces a count; its answer is the number."""
    later = replace(told("The count of flooded homes was lowered to 275.", "275", 9, 12.0), answer=None)
    assert latest(COST, evidence(HOMES, later), HOMES) == replace(later, answer=told(later.text, "275", 9).answer)
    of_sheds = replace(told("The count of flooded sheds was lowered to 275.", "275", 9, 12.0), answer=None)
    assert latest(COST, evidence(HOMES, of_sheds), HOMES) == HOMES


def test_a_count_is_no_second_answer_to_a_measure() -> None:
    """A number of things, "19 of them", is quoted neither for "4.7 metres" nor beside it."""
    height = told("The river rose to 4.7 metres at the weir.", "4.7 metres", 0)
    count = told("The river has 19 of them at the weir.", "19 of them", 9, 19.0)
    assert first("How high did the river get?", evidence(height, count, kind="figure")) == height.text


def test_a_year_is_no_count() -> None:
    """The latest count is the number in a near sentence, and not the year of the best one."""
    count = told("The divers counted 17 seals in the bay.", "17 seals", 9, 17.5)
    since = told("The count has risen since 2024.", "2024", 9, 20.0)
    assert first("What is the latest count of seals?", evidence(since, count)) == count.text


def test_what_was_unclear_is_answered_by_a_later_report() -> None:
    """A yes-or-no question is not answered by a report that does not know, if a later one does."""
    unclear = told("Whether the gate had jammed was still unclear.", "the gate had jammed", 0)
    known = told("No gate jammed at the weir.", "No gate jammed", 9, 18.0)
    asked = "Was it a jammed gate at the weir?"
    assert quoted(asked, evidence(unclear, known, kind="figure"))[0] == known
    assert quoted(asked, evidence(unclear, replace(known, score=10.0), kind="figure"))[0] == unclear


def test_what_was_unclear_is_no_second_answer() -> None:
    """A report that did not know yet adds nothing to a later one that does."""
    known = told("No gate jammed at the weir.", "No gate", 9)
    unclear = told("Whether the gate at the weir had jammed was still unclear.", "the gate", 0, 19.0, "Echo")
    assert first("Was it a jammed gate at the weir?", evidence(known, unclear, kind="figure")) == known.text


def test_a_postponed_day_replaces_a_plan() -> None:
    """A day before which something "will not be opened" is news of it, even if it answers less plainly."""
    plan = told("The bridge in Galt is to be open in May 2026.", "in May 2026", 0, 29.0)
    later = told("The bridge in Galt will not be opened before July 2026.", "before July 2026", 30, 19.0)
    asked, now = "When will the bridge in Galt open?", DAY + timedelta(days=40)
    assert first(asked, evidence(plan, later, now=now)) == later.text
    assert first(asked.replace("When will", "From when can"), evidence(plan, later, now=now)) == later.text


RANK = "In which place are the Weavers of Galt in the Dales League now?"
SECOND = told("The Weavers of Galt are now second in the Dales League.", "second", 0)


def test_the_state_of_another_one_replaces_nothing() -> None:
    """A later sentence that begins with another name, and lacks one of the question, is about another."""
    text = "The Colliers are eleventh in the Dales League. On Sunday Colliers and Weavers meet."
    other = told(text, "eleventh", 1, 16.0, "Echo")
    other = replace(other, text=text.split(". ", maxsplit=1)[0] + ".", span=Span(0, text.index(". ") + 1))
    assert quoted(RANK, evidence(SECOND, other))[0] == SECOND


def test_a_state_replaces_a_number() -> None:
    """A club that was second may be last now."""
    last = told("The Weavers of Galt are last in the Dales League.", "last", 150, 18.0, "Echo")
    assert quoted(RANK, evidence(SECOND, last))[0] == last


def test_who_leads_until_a_day_leads_today() -> None:
    """A coach "only until 30 June" is the coach before that day, though a sentence says who leaves on it."""
    until = told("Oda Vane will coach the club only until 30 June. She leaves on 30 June.", "Oda Vane", 0)
    before = evidence(until, now=datetime(2026, 6, 1, tzinfo=UTC))
    assert not is_ahead("Who coaches the club?", until, before)


HOLDER = told("Tam Wragge leads the police.", "Tam Wragge", 0)
NEXT = told("Sabra Quillon will lead the police.", "Sabra Quillon", 200, 17.0, "Bell")


def test_a_state_is_that_of_the_latest_report() -> None:
    """Who holds an office now is in the later report; a past event keeps its own."""
    assert first("Who leads the police?", evidence(HOLDER, NEXT)) == NEXT.text
    assert latest("Who led the police?", evidence(HOLDER, NEXT, kind="figure"), HOLDER) == HOLDER


def test_a_day_that_was_called_off_is_not_the_answer() -> None:
    """A later sentence that calls the same day off is quoted, even if it answers less plainly."""
    plan = told("The dome will open on 12 June 2026.", "12 June 2026", 0, 29.0)
    off = told("The opening on 12 June has been cancelled.", "12 June", 60, 21.0, "Echo")
    assert first("When will the dome open?", evidence(plan, off)) == off.text


@pytest.mark.parametrize(
    ("question", "older", "later"),
    [
        (
            "How many people did the storm kill?",
            ("It hurt 7 people.", "7"),
            ("By noon 1,150 people had come.", "1,150"),
        ),
        (
            "In which times did Calloway and Brodie run?",
            ("Calloway needed 41 minutes for the course.", "41"),
            ("Brodie needed 40 minutes for the course.", "40"),
        ),
        (
            "When will the railway close?",
            ("The railway wants to close on 12 December.", "12 December"),
            ("The railway will close in December.", "December"),
        ),
        (
            "When will the railway close?",
            ("The railway wants to close on 12 December.", "12 December"),
            ("The railway signed the order on Tuesday.", "Tuesday"),
        ),
    ],
)
def test_another_story_replaces_nothing(question: str, older: tuple[str, str], later: tuple[str, str]) -> None:
    """A later number of other things, of another name, or a day that is no plan is another fact."""
    first, second = told(*older, 0), told(*later, 60, 18.0)
    found = evidence(first, second, kind="state" if "will" in question else "figure")
    assert latest(question, found, first) == first
    assert not is_out_of_date(question, first, second, found)


def test_a_plan_is_not_quoted_beside_what_happened() -> None:
    """Of a past event, an earlier plan is out of date."""
    plan = told("The planetarium will open on 12 June 2026.", "12 June 2026", 0, 29.0)
    done = told("The planetarium opened on 4 September 2026.", "4 September 2026", 190, 30.0)
    assert first("When did the planetarium open?", evidence(plan, done, kind="figure")) == done.text


def test_what_holds_from_a_day_to_come_is_not_the_answer_of_now() -> None:
    """An announced price is not the one of today, unless a price to come is asked for."""
    today = told("Since 1 January a ticket for the ferry has cost €2.", "€2", 0, 14.0)
    ahead = told("A ticket for the ferry will cost €3 from 1 January 2027.", "€3", 200)
    assert first("What does a ticket cost?", evidence(today, ahead)) == today.text
    assert first("What will a ticket cost?", evidence(today, ahead)) == ahead.text
    assert first("What does a ticket cost?", evidence(today, ahead, now=DAY + timedelta(days=400))) == ahead.text


def test_a_state_that_is_over_is_no_answer_of_now() -> None:
    """After its last day a state gives way to a later report."""
    over = told("Drax will coach the team until 30 June 2026.", "Drax", 0, 27.0)
    later = told("Nallow, the assistant coach, is in charge.", "Nallow", 250, 19.0)
    assert is_over(over, evidence(over))
    assert not is_over(over, evidence(over, now=DAY + timedelta(days=60)))
    assert first("Who is the coach?", evidence(over, later)) == later.text


def report(body: str, days: int, *scored: tuple[str, str, float]) -> list[ScoredSentence]:
    """Return sentences of one article with their scores, each with its answer unless that is empty."""
    passage = make_passage(f"k{abs(hash(body)) % 1000}", body, source="Post", published_at=DAY + timedelta(days=days))
    found = []
    for text, answer, score in scored:
        start = body.index(text)
        at = start + text.index(answer)
        place = Span(at, at + len(answer)) if answer else None
        found.append(ScoredSentence(passage, Span(start, start + len(text)), text, score, answer=place))
    return found


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("Tam Wragge is giving up her post on 15 April 2026.", "2026-04-15"),
        ("The harbour master, Tam Wragge, steps down at the end of April.", "2026-04-30"),
        ("Tam Wragge, harbour master for nine years, is retiring to keep bees.", "2026-03-02"),
        ("The board has dismissed Tam Wragge.", "2026-03-02"),
        ("Ivo Pell takes over from harbour master Tam Wragge.", "2026-03-02"),
        ("Tam Wragge succeeds Ivo Pell, who is retiring.", None),
        ("Tam Wragge has been harbour master since 2014.", None),
    ],
)
def test_an_office_ends_on_the_day_on_which_its_holder_leaves(text: str, last: str | None) -> None:
    """Without a day it ends with the report; the retirement of a predecessor ends nothing."""
    sentence = told(text, "Tam Wragge", 0)
    for days in (1, 40, 50, 70):
        now = DAY + timedelta(days=days)
        assert is_over(sentence, evidence(sentence, now=now)) is (last is not None and now.date().isoformat() > last)


LEAVES = report(
    "Wragge leaves the harbour office at the end of March. Her deputy, Ivo Pell, will run it from 1 April.",
    0,
    ("Wragge leaves the harbour office at the end of March.", "Wragge", 26.0),
    ("Her deputy, Ivo Pell, will run it from 1 April.", "", 4.0),
)
ELECTED = report(
    "The board elected Ani Moss as harbour master. She starts on 1 September 2026.",
    60,
    ("The board elected Ani Moss as harbour master.", "Ani Moss", 22.0),
)


@pytest.mark.parametrize(("days", "who"), [(10, "Wragge"), (40, "Pell"), (70, "Pell"), (190, "Moss")])
def test_an_office_is_held_from_its_first_to_its_last_day(days: int, who: str) -> None:
    """The successor is in the article of who leaves; who is elected holds nothing before the day that starts it."""
    known = [*LEAVES, *(ELECTED if days >= 60 else ())]
    question = "Who is the harbour master?"
    found = evidence(*known, now=DAY + timedelta(days=days))
    assert who in first(question, found)
    assert is_ahead(question, ELECTED[0], found) is (days < 190)


def test_whether_something_is_open_is_in_the_latest_report_that_names_it() -> None:
    """A question without a question word has no span for its answer in many reports."""
    shut = told("The Corvin Pass is blocked.", "blocked", 0)
    lane = replace(told("Cars can cross the Corvin Pass again on one lane.", "Cars", 30, 14.0), answer=None)
    assert first("Is the Corvin Pass open?", evidence(shut, lane)) == lane.text
    assert first("What is blocked at the Corvin Pass?", evidence(shut, lane)) == shut.text


def test_a_plan_gives_way_to_one_that_says_that_it_moved() -> None:
    """A word for the change counts for more than the score; a day to come is a plan in any tense."""
    plan = told("The trial of the broker begins on 8 September 2026.", "8 September 2026", 0, 29.0)
    moved = told("The trial of the broker is postponed to 12 January 2027.", "12 January 2027", 60, 19.0)
    kept = replace(moved, text="The trial of the broker is on 12 January 2027.")
    assert first("When does the trial begin?", evidence(plan, moved)) == moved.text
    assert first("When does the trial begin?", evidence(plan, kept)) == plan.text


def test_a_later_report_that_says_less_is_only_mentioned() -> None:
    """Between two distances a later answer is not quoted, and there is a warning."""
    for score, is_mentioned in ((20.0 - NEWER - 0.1, True), (20.0 - MENTIONED - 0.1, False)):
        later = replace(NEXT, score=score)
        found = newer_report("Who leads the police?", evidence(HOLDER, later), HOLDER)
        assert found == (NEXT.passage.article.published_at if is_mentioned else None)


SENTENCES = st.builds(
    told,
    st.sampled_from(["It has 12 seats.", "It has 14 seats.", "It may have 12 doors.", "It will have 12 seats."]),
    st.just("It"),
    st.none() | st.integers(0, 400),
    st.floats(0, 30),
    st.sampled_from([None, "Post", "Echo"]),
)


@given(
    found=st.lists(SENTENCES.filter(lambda each: bool(each.answer)), min_size=1, max_size=5),
    kind=st.sampled_from(["state", "figure"]),
)
def test_the_latest_is_never_older_than_the_best(found: list[ScoredSentence], kind: Latest) -> None:
    """Whatever the sentences, one of them is quoted, and it is the best or a later one."""
    known = evidence(*found, kind=kind)
    best = known.sentences[0]
    chosen = latest("How many seats does it have?", known, best)
    assert chosen in known.sentences
    dates = [each.passage.article.published_at for each in (best, chosen)]
    assert chosen == best or (dates[0] and dates[1] and dates[1] > dates[0])


CHAIR = "Who is the chair of the board?"
CHOSEN = told("Iwan Strake will be the next chair of the board.", "Iwan Strake", 0)


def test_who_comes_next_has_no_office_yet() -> None:
    """The quote is weak, unless its article says when the office begins: then both are quoted."""
    found = evidence(CHOSEN)
    assert is_next(CHAIR, CHOSEN, found)
    assert Calibration.read().judge(CHAIR, found).doubts == ("state_is_to_come",)
    assert not is_next("Who will be the chair of the board?", CHOSEN, found)
    assert not is_next(CHAIR, told("Iwan Strake is the chair of the board.", "Iwan Strake", 0), found)
    body = f"{CHOSEN.text} Strake takes office on 4 May."
    whole = make_passage("k9", body, published_at=DAY)
    parts = [(0, len(CHOSEN.text)), (len(CHOSEN.text) + 1, len(body))]
    best, begins = (replace(CHOSEN, passage=whole, span=Span(*part), text=body[slice(*part)]) for part in parts)
    found = evidence(best, replace(begins, answer=None, score=5.0))
    assert [each.text for each in quoted(CHAIR, found)] == [best.text, begins.text]
    assert Calibration.read().answerability(CHAIR, found) == "answered"


@pytest.mark.parametrize(
    ("text", "is_only_supposed"),
    [
        ("The journey will be shorter once the Sorrel Road is open again.", True),
        ("Buses turn round unless the Sorrel Road is open.", True),
        ("Buses go by the lake until the Sorrel Road is fully open.", True),
        ("The Sorrel Road is open.", False),
        ("Once the snow had gone, the Sorrel Road was open.", False),
        ("The Sorrel Road has been closed since Monday.", False),
    ],
)
def test_a_condition_states_nothing(text: str, *, is_only_supposed: bool) -> None:
    """A state "once the road is open" does not say that it is open: the quote is weak."""
    question, quote = "Is the Sorrel Road open?", told(text, text.split(maxsplit=1)[0], 0)
    assert is_supposed(question, quote) is is_only_supposed
    assert ("state_is_to_come" in Calibration.read().judge(question, evidence(quote)).doubts) is is_only_supposed
    assert not is_supposed("When is the Sorrel Road open?", quote)


def test_the_one_before_a_named_person_is_another_one() -> None:
    """The sentence of whom she takes over from is quoted; without one the quote is weak."""
    question = "Who was the chair of the board before Tansy Orme?"
    body = "Tansy Orme becomes chair of the board on 4 May 2026. Orme takes over from Iwan Strake in May."
    whole, end = make_passage("k8", body, published_at=DAY), body.index(" Orme takes")
    named = ScoredSentence(whole, Span(0, end), body[:end], 20.0, answer=Span(0, len("Tansy Orme")))
    dated = replace(named, answer=Span(body.index("4 May"), body.index(" 2026") + len(" 2026")))
    left = ScoredSentence(whole, Span(end + 1, len(body)), body[end + 1 :], 5.0)
    assert is_named_one(question, named)
    assert is_named_one(question, dated)
    assert not is_named_one("Who is the chair of the board?", named)
    assert predecessor(question, evidence(dated, left), dated) == left
    assert first(question, evidence(dated, left)) == left.text
    assert Calibration.read().answerability(question, evidence(named)) == "weak"


def test_who_follows_a_named_person_is_another_one() -> None:
    """The sentence of who takes over is quoted, that of the same article or the first one after it; else none."""
    question = "Who replaced Tansy Orme?"
    body = "Tansy Orme was dismissed after a defeat by Galt Rowers. Iwan Strake is in charge until the winter."
    whole, end = make_passage("k7", body, published_at=DAY), body.index(" Iwan")
    left = ScoredSentence(whole, Span(0, end), body[:end], 20.0, answer=Span(body.index("Galt"), end - 1))
    follows = ScoredSentence(whole, Span(end + 1, len(body)), body[end + 1 :], 5.0)
    third = told("Bea Holm becomes coach of the rowers.", "Bea Holm", 90, 12.0)
    assert first(question, evidence(left, follows, third, kind="figure")) == follows.text
    assert first("Who took over from coach Orme?", evidence(left, follows, kind="figure")) == follows.text
    assert successor(question, evidence(left, third)) == third
    assert successor(question, evidence(left)) is None
    assert successor("Who dismissed Tansy Orme?", evidence(left, follows)) is None


def test_words_that_are_left_where_they_are_end_no_office() -> None:
    """Who leaves a thing as it is stays."""
    stays = told("The warden, Iwan Strake, will leave the old sign where it is.", "Iwan Strake", 0)
    assert not is_over(stays, evidence(stays))
    goes = told("The warden, Iwan Strake, will leave the hut.", "Iwan Strake", 0)
    assert is_over(goes, evidence(goes))


def test_a_repeated_day_is_called_off_however_low_it_scores() -> None:
    """A later sentence about the asked thing calls the day of a plan off; that of another thing does not."""
    plan = told("The dome will open on 12 June 2026.", "12 June 2026", 0, 29.0)
    off = replace(told("The opening on 12 June has been cancelled.", "12 June", 60, 1.0, "Echo"), answer=None)
    fair = told("The fair on 12 June has been cancelled.", "12 June", 60, 1.0, "Echo")
    assert first("When will the dome open?", evidence(plan, off)) == off.text
    assert first("When will the dome open?", evidence(plan, fair)) == plan.text


def test_a_plan_that_was_called_off_is_never_quoted_alone() -> None:
    """Beside other quotes it is left out, and behind it comes the sentence that calls it off."""
    plan = told("The dome will open on 12 June 2026.", "12 June 2026", 0, 27.0)
    off = told("The opening on 12 June has been cancelled.", "12 June", 60, 9.0, "Echo")
    done = told("The dome opened on 4 September 2026.", "4 September 2026", 190, 28.0)
    assert plan not in quoted("Which day did the dome open?", evidence(done, plan, off, kind=None))
    assert quoted("Which day did they want to open the dome?", evidence(plan, off, kind=None)) == [plan, off]


def test_why_something_did_not_happen_is_in_the_article_that_calls_it_off() -> None:
    """A cause needs no word for it; "because" may give the cause of something else."""
    other = told("The dome has more seats because they are narrower.", "they are narrower", 90, 20.0)
    text = "A storm tore the roof of the dome. The opening has been cancelled."
    storm = told(text, "A storm tore the roof", 60, 14.0)
    storm, off = replace(storm, span=Span(0, 34), text=text[:34]), replace(storm, span=Span(35, 66), text=text[35:])
    found = evidence(other, storm, replace(off, answer=None, score=9.0), kind=None)
    assert quoted("Why did the dome not open in June?", found)[0] == storm
    assert quoted("Why does the dome have more seats?", found)[0] == other


BAN = told("Since Monday nobody may water a garden in Galt.", "nobody", 0)
LIFTED = replace(told("Gardens may be watered again.", "Gardens", 50, 6.0), answer=None)
RULES = replace(told("The ban on watering gardens was lifted.", "ban", 50, 6.0), answer=None)


@pytest.mark.parametrize("question", ["May I water my garden in Galt?", "Is watering gardens allowed in Galt now?"])
@pytest.mark.parametrize("later", [LIFTED, RULES])
def test_a_rule_that_was_lifted_is_not_in_force(question: str, later: ScoredSentence) -> None:
    """A later report of the same rule replaces it, however low it scores; a still later ban replaces that one."""
    ban = told("Watering gardens is forbidden again.", "forbidden", 60, 2.0)
    assert first(question, evidence(BAN, later)) == later.text
    assert first(question, evidence(BAN, later, ban)) == ban.text
    assert first(question, evidence(BAN, told("Dogs may swim again.", "Dogs", 50, 6.0))) == BAN.text


def of_story(title: str, sentence: ScoredSentence) -> ScoredSentence:
    """Return a sentence without an answer, in an article with a title."""
    passage = sentence.passage
    return replace(sentence, passage=replace(passage, article=replace(passage.article, title=title)))


def test_what_nobody_did_is_replaced_by_a_later_report_that_somebody_did() -> None:
    """The first report denies it; a later one of the same story affirms it, in other words for harm as well."""
    safe = of_story("Ferry hits the pier of Galt", told("Nobody on the ferry was hurt.", "Nobody", 0))
    taken = of_story("Ferry freed from the pier", told("Two passengers are in hospital.", "Two", 1, 2.0))
    crash = of_story("Bus leaves the road", told("Two passengers are in hospital.", "Two", 2, 2.0))
    assert first("Was anyone hurt in Galt?", evidence(safe, taken, kind=None)) == taken.text
    assert first("Was anyone hurt in Galt?", evidence(safe, crash, kind=None)) == safe.text
    assert first("Was anyone hurt in Galt on 2 March 2026?", evidence(safe, taken, kind=None)) == safe.text


def test_an_office_to_come_is_held_by_another_until_then() -> None:
    """The article of the one who was chosen says who has the office, until the day on which the chosen one begins."""
    body = (
        "Ina Farr will be the next mayor of Galt. Otto Tew, mayor since 2018, received 40 votes. "
        "Farr takes office on 1 July."
    )
    found = report(
        body,
        0,
        ("Ina Farr will be the next mayor of Galt.", "Ina Farr", 26.0),
        ("Otto Tew, mayor since 2018, received 40 votes.", "Otto Tew", 14.0),
    )
    question = "Who is the mayor of Galt now?"
    before, after = (evidence(*found, now=DAY + timedelta(days=days)) for days in (30, 150))
    assert quoted(question, before)[0].text.startswith("Otto Tew")
    assert quoted(question, after)[0].text.startswith("Ina Farr")


def test_an_article_without_a_date_says_who_has_the_office() -> None:
    """Its sentences on who will have it and on who has it are of the same day, known or not."""
    body = "Ina Farr will be the next mayor of Galt. Otto Tew, mayor since 2018, received 40 votes."
    chosen, has = body.split(". ")
    passage = make_passage("k9", body)
    found = [
        ScoredSentence(passage, Span(start, start + len(text)), text, score, answer=Span(start, start + 8))
        for text, start, score in ((chosen, 0, 26.0), (has, body.index(has), 14.0))
    ]
    assert quoted("Who is the mayor of Galt now?", evidence(*found))[0].text == has


def test_who_goes_back_stays_until_the_successor_begins() -> None:
    """Without a day behind "goes back", it is the day from which another one has the office."""
    body = "Ina Farr becomes chief on 1 April 2026. Otto Tew, who has led the force, goes back to being deputy."
    found = report(body, 0, ("Otto Tew, who has led the force, goes back to being deputy.", "Otto Tew", 20.0))
    assert not is_over(found[0], evidence(*found, now=DAY + timedelta(days=20)))
    assert is_over(found[0], evidence(*found, now=DAY + timedelta(days=40)))
