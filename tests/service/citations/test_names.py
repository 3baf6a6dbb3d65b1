"""Names: told apart from ordinary words, normalised, and found in a source in any form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.citations.english import english
from service.citations.names import find_names, missing_name, plain, with_plain_phrases

SURNAMES = st.sampled_from("Tennick Rusk Holt Marnay Núñez Østby McCall O’Dea Kowalska-Reed".split())


def nothing_is_ordinary(_: str) -> bool:
    """A vocabulary in which every first word of a sentence is a name."""
    return False


def tokens(text: str, *ordinary: str) -> list[str]:
    """Return the normalised tokens of a text's names, with these first words of sentences as ordinary words."""
    return [name.token for name in find_names(text, ordinary.__contains__)]


FORMS = {
    "Tennick's": "tennick",
    "Tennick’s": "tennick",
    "workers'": "workers",
    "Norwegian": "norway",
    "Norwegians": "norway",
    "British": "uk",
    "U.S.": "us",
    "MPs": "mp",
    "Núñez": "nunez",
    "NATO": "nato",
    "Aldane": "aldane",
}


@pytest.mark.parametrize("written", FORMS)
def test_a_name_has_one_form(written: str) -> None:
    """The plain form of a name has no possessive, plural of an acronym, demonym, stop or accent."""
    assert plain(written) == FORMS[written]


@given(word=st.text(max_size=12))
def test_every_word_has_a_plain_form(word: str) -> None:
    """Any word has a plain form, without capitals."""
    assert plain(word) == plain(word).casefold()


def test_a_country_is_its_own_plain_form() -> None:
    """The plain form of a people has no other form itself."""
    assert all(plain(country) == country for country in english().demonyms.values())


FOUND = {
    "Mayor Orla Tennick opened the harbour.": ["mayor", "orla", "tennick"],
    "The mayor of Aldane met the Courier's editor.": ["aldane", "courier"],
    "In June and on Monday nothing happened.": [],
    "On Monday, Pell Rusk left for the U.S. with two MPs.": ["pell", "rusk", "us", "mp"],
    "The ferry sank. Holt swam.": ["holt"],
    "Jean-Luc Marnay spoke; Rusk did not.": ["jean-luc", "marnay", "rusk"],
    "“Aldane is ready,” she said.": ["aldane"],
    "A B C of I and X": [],
    "everyone was there": [],
    "": [],
}


@pytest.mark.parametrize("text", FOUND)
def test_capitals_make_names(text: str) -> None:
    """A capitalised word is a name, unless it is a day, a month, a stop word or one letter."""
    assert tokens(text) == FOUND[text]


def test_an_ordinary_first_word_is_no_name() -> None:
    """A sentence's first word is a name only if it is not known as an ordinary one, or another name follows."""
    assert tokens("Prices rose in Aldane. Prices fell.", "prices") == ["aldane"]
    assert tokens("Prices rose in Aldane.") == ["prices", "aldane"]
    assert tokens("Bank Aldane closed.", "bank") == ["bank", "aldane"]
    assert tokens("Although Aldane closed, it paid.") == ["aldane"]
    assert tokens("Twenty-two boats sank.") == []


def test_a_run_is_one_name() -> None:
    """Capitalised words side by side, joining words included, are one run; titles in it are not distinctive."""
    names = find_names("Mayor Orla Tennick of Aldane met Pell Rusk.", nothing_is_ordinary)
    assert [name.run for name in names] == [0, 0, 0, 0, 1, 1]
    assert [name.token for name in names if not name.distinctive] == ["mayor"]


HAS = [
    ("Tennick left.", "Mayor Orla Tennick stayed."),
    ("Mayor Tennick left.", "Orla Tennick stayed."),
    ("Norway paid.", "The Norwegian navy sailed."),
    ("The Norwegians paid.", "Norway's navy sailed."),
    ("The UN paid.", "The United Nations met."),
    ("The United Nations paid.", "The UN met."),
    ("The UK paid.", "Great Britain met."),
    ("America paid.", "The U.S. met."),
    ("The NHT paid.", "The Northern Health Trust met."),
    ("The Northern Health Trust paid.", "The NHT met."),
    ("The BU paid.", "They met the Brisk Union"),
    ("The Brisk Union paid.", "The BU met."),
    ("The BOE paid.", "They met the Bank of England"),
    ("The DC paid.", "The Department of Culture met."),
    ("The NGCGS paid.", "The North Galt Coast Guard Service met."),
    ("Nunez left.", "José Núñez stayed."),
    ("Marnay left.", "Jean-Luc Marnay stayed."),
    ("The Aldane ferry left.", "The Aldane-based firm stayed."),
    ("Police said so.", "Officers said so."),
    ("It rained.", ""),
]
LACKS = [
    ("Rusk left.", "Mayor Orla Tennick stayed.", "rusk"),
    ("Orla Rusk left.", "Orla Tennick stayed.", "rusk"),
    ("Sweden paid.", "The Norwegian navy sailed.", "sweden"),
    ("South Aldane paid.", "North Aldane met.", "south"),
    ("The Southern Health Trust paid.", "The Northern Health Trust met.", "southern"),
    ("The SHT paid.", "The Northern Health Trust met.", "sht"),
    ("The EU paid.", "The United Nations met.", "eu"),
]


@pytest.mark.parametrize(("claim", "source"), HAS)
def test_a_name_is_found_in_another_form(claim: str, source: str) -> None:
    """A part of a name, its country or people, its acronym or long form, and any title are found."""
    assert missing_name(find_names(claim, {"police"}.__contains__), source) is None


@pytest.mark.parametrize(("claim", "source", "lacking"), LACKS)
def test_another_name_is_missing(claim: str, source: str, lacking: str) -> None:
    """A name is missing if the source has no part of it."""
    missing = missing_name(find_names(claim, nothing_is_ordinary), source)
    assert missing is not None
    assert missing.token == lacking


@given(first=SURNAMES, second=SURNAMES, source=st.lists(SURNAMES, max_size=4))
def test_names_are_missing_unless_a_source_has_them(first: str, second: str, source: list[str]) -> None:
    """The first name that the source lacks is missing."""
    missing = missing_name(find_names(f"{first} met {second}.", nothing_is_ordinary), f"Then {', '.join(source)} left.")
    lacking = [name for name in (first, second) if name not in source]
    assert (missing.token if missing else None) == (plain(lacking[0]) if lacking else None)


@given(text=st.text(max_size=60))
def test_every_text_has_its_own_names(text: str) -> None:
    """Any text has its own names, and plain phrases keep the position of each letter."""
    assert missing_name(find_names(text, nothing_is_ordinary), text) is None


def test_plain_phrases_keep_their_places() -> None:
    """The replacement of a long name is as long as the name."""
    text = "The United States of America and the Czech Republic met the European Union."
    assert len(with_plain_phrases(text)) == len(text)
    assert with_plain_phrases(text).split() == "The US and the CZECHIA met the EU .".split()
