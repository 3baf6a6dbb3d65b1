"""Wording: the same words in the same order, with the same limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.citations.wording import same_wording

SAME = [
    ("The ferry sank in May.", "The old ferry sank near the coast in May, the port said.", False),
    ("The ferry sank in May.", "The old ferry sank near the coast in May.", True),
    ("The work cost €3.4m.", "The work took three years and cost 3.4 million euros.", True),
    ("The ferry sank, Holt said.", "Maren Holt said the ferry sank.", True),
    ("Maren Holt said that the ferry sank.", "The ferry sank, Maren Holt said.", True),
    ("According to Holt, the ferry sank.", "The ferry sank, Holt announced.", True),
    ("In May, the ferry sank.", "The ferry sank in May.", True),
    ("Rusk didn’t attend the ceremony.", "Pell Rusk did not attend the ceremony.", True),
    ("No fewer than 60 boats sank.", "At least 60 boats sank.", True),
    ("The Swedish navy left.", "Sweden's navy left.", False),
    ("Prices rose.", "Prices rose and wages fell.", True),
    ("It was sold in Galt.", "It was sold in the port of Galt.", True),
    ("Rusk left in May.", "Rusk (who had met Holt) left in May.", True),
    ("The port closed in May.", "The port closed, as the union had asked, in May.", True),
    ("Rusk left, and Vane stayed.", "Rusk left. Vane stayed.", True),
    ("Rusk sued Galt.", "Rusk, who sued Galt, left.", True),
    ("Orlo, a judge, led the talks.", "Orlo, a judge whom both sides accepted on 3.5 terms, led the talks.", True),
]
OTHER = [
    ("Rusk sued Holt.", "Holt sued Rusk."),
    ("Rusk was sued by Holt.", "Rusk sued Holt."),
    ("The fire killed 12 and injured three.", "The fire killed three and injured 12."),
    ("Prices fell.", "Prices rose and wages fell."),
    ("Prices fell.", "Prices rose."),
    ("The fund paid.", "The fund did not pay."),
    ("The fund did not pay.", "The fund paid."),
    ("The fund paid.", "The fund refused to pay."),
    ("The fund will pay.", "The fund may pay."),
    ("The fund pays.", "The fund plans to pay."),
    ("The pass reopens on Friday.", "The pass reopens on Friday if the wind drops."),
    ("The ferry sank.", "Holt said the ferry sank."),
    ("Holt denied that the ferry sank.", "Holt said that the ferry sank."),
    ("All crews left.", "Some crews left."),
    ("Crews left.", "Some crews left."),
    ("The ferry sank before the storm.", "The ferry sank after the storm."),
    ("The ferry sank because of the storm.", "The ferry sank despite the storm."),
    ("More than 60 boats sank.", "Fewer than 60 boats sank."),
    ("It rose from 65 to 40.", "It rose to 65 from 40."),
    ("Holt voted for the plan.", "Holt voted against the plan."),
    ("Holt sued Galt.", "Holt met Rusk, who sued Galt."),
    ("Holt sued Galt.", "Holt met Rusk and Vane sued Galt."),
    ("Holt sued Rusk and left.", "Holt sued Rusk, who left."),
    ("Holt left.", "Rusk, who met Holt, left."),
    ("Holt sued Galt.", "Holt, whom Rusk sued, left Galt."),
    ("Rusk was jailed.", "A friend of Rusk was jailed."),
    ("Rusk was jailed.", "Was Rusk jailed?"),
    ("Everyone was hurt.", "Everyone was hurt but the driver."),
    ("We will pay.", "They will pay."),
    ("Holt praised Rusk and criticised Vane.", "Holt criticised Rusk and praised Vane."),
    ("Rusk, Holt said, is a liar.", "Holt, Rusk said, is a liar."),
    ("Drummond was jailed.", "Drummond's brother was jailed."),
    ("Lowell pleaded guilty on 3 March.", "Lowell pleaded guilty in May and is to be sentenced on 3 March."),
    ("The ferry sank, killing three.", "The ferry sank."),
    ("She left.", "He left."),
    ("The fund will pay.", "If the pass reopens before the winter, the fund will pay."),
    ("The fund will pay, Holt said.", "Had the pass reopened, Holt said, the fund will pay."),
    ("The fund will pay if it rains.", "The fund will pay unless it rains."),
    ("The fund would pay.", "The fund will pay."),
    ("The work cost €3 a year.", "The work cost €3."),
    ("The work cost €3 a month.", "The work cost €3 a year."),
    ("It rose 40.", "It rose to 40."),
    ("It was dried within two days.", "It was dried for two days."),
    ("It is closed until May.", "It is closed before May."),
    ("The fund sank.", "Either Holt lied or the fund sank."),
    ("The fund sank.", "The fund sank, or so Holt says."),
    ("Holt offered €9 for the painting.", "Holt offered €9 for the return of the painting."),
    ("It has the number of boats.", "It has twice the number of boats."),
    ("Holt and Rusk signed and left.", "Holt and Rusk signed the deed, and Vane left."),
    ("The painting was dried, and then frozen.", "The painting was frozen, and then dried."),
    ("Many crews left.", "Some crews left."),
    ("Rusk left.", "Rusk met Holt. Vane left."),
    ("Rusk praised Holt.", "Rusk praised Vane. Holt resigned."),
    ("The fund paid €3 million to Galt.", "The fund paid Rusk. The port cost €3 million. It lies near Galt."),
    ("Rusk was jailed.", "Rusk sued Holt; Vane was jailed."),
    ("Rusk was jailed.", "Rusk sued Holt (Vane was jailed)."),
    ("Rusk was jailed.", "Rusk sued Holt — Vane was jailed."),
    ("Rusk fell ill.", "Rusk flew home when Vane fell ill."),
    ("Rusk sank in May.", "Rusk sailed, so Vane sank in May."),
    ("Rusk sank.", "Rusk saw that Vane sank."),
    ("The port sold its boats.", "The port ordered Holt to sell its boats."),
    ("Rusk sued Holt.", "When Rusk sued Galt, Holt left."),
    ("Rusk sued Holt.", "Rusk sued Galt, and Holt left the port."),
    ("Rusk sued Holt.", "Rusk sued Galt and Holt left."),
    ("The mayor opened the library.", "As the mayor opened the bridge, crews blocked the library."),
    ("The port is closed.", "The port is closed on Sundays."),
    ("Rusk ate carrots.", "Rusk ate fish pie with carrots."),
    ("", "The ferry sank."),
]


@pytest.mark.parametrize(("claim", "source", "same"), SAME)
def test_the_same_words_are_found(claim: str, source: str, same: bool) -> None:
    """Adjuncts may be left out, and the first or last phrase and the speaker moved; not the one who says it."""
    assert same_wording(claim, source) == same


@pytest.mark.parametrize(("claim", "source"), OTHER)
def test_another_wording_is_not_the_same(claim: str, source: str) -> None:
    """A swap, an antonym, an addition, and a limit that is added, changed or left out make another wording."""
    assert not same_wording(claim, source)


WORDS = st.sampled_from("Holt Rusk sued sank 12 three not all before by said who and may the boats , .".split())


@given(words=st.lists(WORDS, max_size=9))
def test_a_text_has_its_own_wording(words: list[str]) -> None:
    """A text with a content word has the wording of itself."""
    text = " ".join(words)
    assert same_wording(text, text) == bool(set(words) - set("said who and the , .".split()))


@given(text=st.text(max_size=40), other=st.text(max_size=40))
def test_every_two_texts_can_be_compared(text: str, other: str) -> None:
    """Any text can be processed."""
    same_wording(text, other)
