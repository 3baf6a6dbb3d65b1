"""Verify: shown sentences with their quotes, and withheld ones with their reasons."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from index.embedding.local import LocalEmbedder
from index.records import Article, Chunk, Span
from index.text import sentence_spans
from service.citations.english import english
from service.citations.support import support_score
from service.citations.verify import Check, SupportCheck, SupportResult, Thresholds, Verifier, locate, normalised
from service.records import DraftSentence, Passage
from tests.fakes import HashedEmbedder
from tests.service.passages import make_passage

RAIN, FERRY = "It rained for three days.", "The ferry sank in May."
PASSAGES = {"k7f2": make_passage("k7f2", RAIN), "m3p9": make_passage("m3p9", FERRY)}

TRUE = DraftSentence(("It rained for three days", ("k7f2",), "."))
LIE = DraftSentence(("It rained for nine days", ("k7f2",), "."))
UNMARKED = DraftSentence((RAIN,))
INVENTED = DraftSentence((RAIN,), invented=("x9x9",))
UNKNOWN = DraftSentence(("It rained for three days", ("q2q2",), "."))


@pytest.fixture(scope="module")
def verifier() -> Verifier:
    """A verifier whose check needs no model."""
    return Verifier(SupportCheck(HashedEmbedder(), Thresholds.read()))


def test_a_true_sentence_is_quoted(verifier: Verifier) -> None:
    """A sentence that its passage supports is shown with its quote."""
    check = verifier.verify(TRUE, PASSAGES, "verified")
    assert check.withheld is None
    assert [(quote.text, quote.status, quote.method) for quote in check.quotes] == [(RAIN, "verified", "exact")]


WITHHELD_DRAFTS = [
    (LIE, "number_not_in_source"),
    (UNMARKED, "no_marker"),
    (INVENTED, "invented_marker"),
    (UNKNOWN, "no_marker"),
    (DraftSentence((RAIN, ("m3p9",))), "number_not_in_source"),
    (DraftSentence((("k7f2",), "The ferry sank", ("q2q2",), "."), invented=("1",)), "not_in_source"),
]


@pytest.mark.parametrize(("draft", "reason"), WITHHELD_DRAFTS)
def test_a_sentence_without_support_is_withheld(verifier: Verifier, draft: DraftSentence, reason: str) -> None:
    """A false sentence, one without a marker and one with invented markers are withheld, each with its reason."""
    assert verifier.verify(draft, PASSAGES, "verified") == Check(withheld=reason)


def test_an_invented_marker_beside_a_true_one_does_no_harm(verifier: Verifier) -> None:
    """A sentence is shown if one of its cited passages supports it."""
    draft = DraftSentence(("It rained for three days", ("k7f2", "m3p9"), "."), invented=("x9x9",))
    check = verifier.verify(draft, PASSAGES, "verified")
    assert [quote.passage.key for quote in check.quotes] == ["k7f2"]


def test_markers_are_shown_unverified(verifier: Verifier) -> None:
    """In mode `markers` an unsupported sentence is shown and quotes its complete passages as unverified."""
    check = verifier.verify(LIE, PASSAGES, "markers")
    assert check.withheld is None
    assert [(quote.text, quote.span, quote.status) for quote in check.quotes] == [
        (RAIN, Span(0, len(RAIN)), "unverified")
    ]
    assert verifier.verify(TRUE, PASSAGES, "markers") == verifier.verify(TRUE, PASSAGES, "verified")


@pytest.mark.parametrize("draft", [UNMARKED, INVENTED, UNKNOWN])
def test_without_markers_nothing_is_quoted(verifier: Verifier, draft: DraftSentence) -> None:
    """In mode `markers` a sentence without a citation is shown without a quote."""
    assert verifier.verify(draft, PASSAGES, "markers") == Check()


@pytest.mark.parametrize("draft", [TRUE, LIE, UNMARKED, INVENTED])
def test_nothing_is_checked_when_off(verifier: Verifier, draft: DraftSentence) -> None:
    """In mode `off` every sentence is shown without a quote."""
    assert verifier.verify(draft, PASSAGES, "off") == Check()


WORDS = st.lists(st.sampled_from("It rained for three nine days . The ferry sank in May not".split()), max_size=8)
KEYS = st.lists(st.sampled_from(["k7f2", "m3p9", "q2q2"]), max_size=3, unique=True)


@given(words=WORDS, keys=KEYS, invented=st.booleans())
def test_what_is_shown_is_verified(words: list[str], keys: list[str], invented: bool) -> None:
    """In mode `verified` a sentence either has quotes of passages that it cites or is withheld."""
    verifier = Verifier(SupportCheck(HashedEmbedder(), Thresholds.read()))
    check = verifier.verify(DraftSentence((" ".join(words), tuple(keys)), ("x9x9",) * invented), PASSAGES, "verified")
    assert bool(check.quotes) == (check.withheld is None)
    assert {quote.passage.key for quote in check.quotes} <= set(keys)
    assert all(quote.status != "unverified" for quote in check.quotes)


SENTENCES = st.sampled_from([
    "The ferry sails on Monday.",
    "The ferry sails on Monday.",
    "“It rained,” she said.",
    "Dr. Vane left Aldane Inc. at 9.30 a.m. with 1,200 boxes.",
    "Why did it rain?",
    "It did!",
    "It did…",
    "雨が降った。",
    "عادت العبّارة إلى الميناء.",
    "A 👩‍👩‍👧 family and a cafe\u0301 were hit.",
    "No.",
    "The harbour",
    "Then the crew, tired\nand wet, went home.",
])  # fmt: skip
GAPS = st.sampled_from([" ", "  ", "\n", "\n\n", "\u00a0", " \t"])


@st.composite
def passages(draw: st.DrawFn) -> Passage:
    """Draw a passage of complete sentences from an article with repeated sentences."""
    body = "".join(part for pair in draw(st.lists(st.tuples(SENTENCES, GAPS), min_size=1, max_size=9)) for part in pair)
    spans = sentence_spans(body)
    first = draw(st.integers(0, len(spans) - 1))
    last = draw(st.integers(first, len(spans) - 1))
    start, end = spans[first].start, spans[last].end
    article = Article("a", body, "/a.txt")
    return Passage("k7f2", Chunk("a:0", "a", 0, body[start:end], start, end, 9), article, 1.0, 0.5, 1.0)


@given(passage=passages(), data=st.data())
def test_every_sentence_is_found_where_it_is(passage: Passage, data: st.DataObject) -> None:
    """Each sentence, or two or three in a row, is located exactly, and the quote is the body at its span."""
    text = passage.chunk.text
    spans = sentence_spans(text)
    first = data.draw(st.integers(0, len(spans) - 1))
    last = data.draw(st.integers(first, min(first + 2, len(spans) - 1)))
    sentence = text[spans[first].start : spans[last].end]
    quote = locate(sentence, passage)
    assert quote is not None
    assert passage.article.body[quote.span.start : quote.span.end] == quote.text
    assert passage.chunk.start_char <= quote.span.start < quote.span.end <= passage.chunk.end_char
    assert normalised(quote.text) == normalised(sentence)
    assert (quote.status, quote.score, quote.passage) == ("verified", 1.0, passage)
    assert (quote.method == "exact") == (quote.text == sentence)


@given(passage=passages(), data=st.data())
def test_a_part_of_a_sentence_is_not_found(passage: Passage, data: st.DataObject) -> None:
    """A part of a sentence is not located."""
    text = passage.chunk.text
    start = data.draw(st.integers(0, len(text)))
    part = text[start : data.draw(st.integers(start, len(text)))]
    spans = sentence_spans(text)
    runs = [text[a.start : b.end] for at, a in enumerate(spans) for b in spans[at : at + 3]]
    assume(normalised(part) not in map(normalised, runs))
    assert locate(part, passage) is None


OTHERWISE_WRITTEN = [
    ("“It rained,” she said.", '"It rained," she said.'),
    ("The captain’s crew left.", "The captain's crew left."),
    ("Fares rose by 3\u00a0percent.", "Fares rose by 3 percent."),
    ("The strike – the third – ended.", "The strike - the third - ended."),
    ("The strike—the third—ended.", "The strike-the third-ended."),
    ("The ferry  sails\non Monday.", "The ferry sails on Monday."),
    ("THE FERRY SAILS ON MONDAY.", "The ferry sails on Monday."),
    ("The ferry sails on Monday.", "The ferry sails on Monday"),
    ("The ferry sails on Monday", "The ferry sails on Monday."),
    ("And then it ended…", "And then it ended..."),
    ("The ﬁre is out.", "The fire is out."),
    ("A cafe\u0301 burnt down.", "A caf\u00e9 burnt down."),
    ("It cost −3 euros.", "It cost -3 euros."),
    ("«Enough», he wrote.", '"Enough", he wrote.'),
]


@pytest.mark.parametrize(("written", "sentence"), OTHERWISE_WRITTEN)
def test_typography_makes_no_difference(written: str, sentence: str) -> None:
    """Quotation marks, dashes, spaces, ligatures, case and the last stop may differ; the quote keeps the original."""
    passage = make_passage("k7f2", f"It snowed first. {written}")
    quote = locate(sentence, passage)
    assert quote is not None
    assert (quote.text, quote.method, quote.span.start) == (written, "normalised", 17)


WITH_MARKUP = [
    (
        "The **Oyan club** has [80 members](https://oyan.example/c?x=1), says *Vane*.[^1]",
        "The Oyan club has 80 members, says Vane.",
    ),
    ("> The club was founded in `1926`.", "The club was founded in 1926."),
    ("It has nine locks [3] and is long.[1][4]", "It has nine locks and is long."),
    ("It has nine locks [3] and is long.[1][4]", "It has nine locks and is long"),
    ("It has **nine** locks.", "It has **nine** locks"),
    ("It costs ~~40~~ 65 euros.", "It costs 65 euros."),
    (r"It is called \*Oyan\*.", "It is called *Oyan*."),
    ("| Oyan | 212 mm |", "Oyan · 212 mm"),
]


@pytest.mark.parametrize(("written", "sentence"), WITH_MARKUP)
def test_the_words_of_a_sentence_with_markup_are_found(written: str, sentence: str) -> None:
    """A sentence with Markdown is found by its plain text, and quoted unchanged."""
    quote = locate(sentence, make_passage("k7f2", f"It snowed first.\n\n![A pier](pier.png)\n\n{written}"))
    assert quote is not None
    assert (quote.text, quote.method, quote.status) == (written, "normalised", "verified")


NOT_SAID = [
    ("It costs ~~40~~ 65 euros.", "It costs 40 65 euros."),
    ("It has nine locks [3].", "It has nine locks 3."),
    ("![The ferry sank.](a.png)", "The ferry sank."),
    ("It is false that the ferry sank.", "The ferry sank."),
    ("The ferry sank, said a man who was not there.", "The ferry sank."),
    ("Did the ferry sink?", "The ferry sank."),
    ("The ferry sank?", "The ferry sank."),
    ("The ferry sank.", "The ferry sank?"),
    ("“The ferry sank.”", "The ferry sank."),
    ("The ferry did not sink.", "The ferry did sink."),
    ("It cost 3.5 euros.", "It cost 35 euros."),
    ("The ferry sank in May. It was old.", "The ferry sank in May. It was"),
    ("The ferry sank.", ""),
    ("The ferry sank.", " . "),
]


@pytest.mark.parametrize(("written", "sentence"), NOT_SAID)
def test_what_is_not_said_so_is_not_found(written: str, sentence: str) -> None:
    """A clause, a question, speech without its quotation marks and an empty text are not located."""
    assert locate(sentence, make_passage("k7f2", written)) is None


def test_the_first_of_equal_sentences_is_quoted() -> None:
    """A repeated sentence is quoted at its first position."""
    quote = locate("It rained.", make_passage("k7f2", "Rain. It rained. It snowed. It rained."))
    assert quote is not None
    assert quote.span == (6, 16)


def test_more_than_three_sentences_are_not_looked_for() -> None:
    """A draft of four sentences is not located."""
    text = "It rained. It snowed. It hailed. It stopped."
    assert locate(text, make_passage("k7f2", text)) is None
    assert locate("It rained. It snowed. It hailed.", make_passage("k7f2", text)) is not None


@given(text=st.text(max_size=40))
@example("İstanbul ﬀ ẞ…")
def test_a_normalised_text_is_normal(text: str) -> None:
    """The form in which sentences are compared is one line without outer white space."""
    found = normalised(text)
    assert found == " ".join(found.split())


ISSUE = datetime(2024, 6, 14, 8, tzinfo=UTC)  # a Friday

HARBOUR = (
    "Mayor Orla Tennick opened the new harbour of Aldane on Wednesday. The work took three years and cost 3.4 million"
    " euros, 12 percent more than planned. She thanked the crews for their patience. Deputy Pell Rusk did not attend"
    " the ceremony. The harbour is 412 metres long and has room for 60 boats."
)
FIRE = (
    "A fire at the Brisk paper mill killed three people and injured 12 on 3 May 2024. The mill, founded in 1921, has"
    " 230 workers. According to fire chief Maren Holt, the flames began in the dye store. The owners denied that the"
    " alarms had been switched off."
)
DAM = (
    "The Galt dam is safe, engineer Pell Rusk told the council. Maren Holt, who designed it, warned that it would fail"
    " within ten years. The Norwegian firm Corvell accused the Northern Health Trust of delays. Turnout at the hearing"
    " rose from 40 to 65 people."
)
RAIL = "The railway to Corvell will close for six weeks from 1 July. Buses will run every hour instead."

VERIFIED: dict[str, tuple[str, str]] = {
    "first half of a sentence": ("The work took three years and cost 3.4 million euros.", HARBOUR),
    "second half of a sentence": ("The work cost €3.4m, 12% more than planned.", HARBOUR),
    "magnitude in digits": ("The work cost 3,400,000 euros.", HARBOUR),
    "number word in digits": ("The work took 3 years.", HARBOUR),
    "adjunct left out": ("Mayor Orla Tennick opened the new harbour of Aldane.", HARBOUR),
    "according to her, she said": ("The flames began in the dye store, Maren Holt said.", FIRE),
    "denial kept": ("The owners denied the alarms had been switched off.", FIRE),
    "apposition in a clause": ("The mill was founded in 1921 and has 230 workers.", FIRE),
    "speaker first": ("Pell Rusk told the council that the Galt dam is safe.", DAM),
    "accuser kept": ("Corvell accused the Northern Health Trust of delays.", DAM),
    "negation contracted": ("Deputy Pell Rusk didn't attend the ceremony.", HARBOUR),
}

PARTIAL: dict[str, tuple[str, str]] = {
    "possessive": ("Orla Tennick opened Aldane's new harbour.", HARBOUR),
    "weekday is a date": ("Mayor Tennick opened the new harbour of Aldane on 12 June 2024.", HARBOUR),
    "month of a weekday": ("In June 2024 Mayor Tennick opened the new harbour of Aldane.", HARBOUR),
    "antecedent of a pronoun": ("Tennick thanked the crews for their patience.", HARBOUR),
    "order of clauses": ("The harbour has room for 60 boats and is 412 metres long.", HARBOUR),
    "rounded and hedged": ("The harbour is about 400 metres long.", HARBOUR),
    "counts with their verbs": ("The fire at the Brisk paper mill injured 12 people and killed three.", FIRE),
    "less precise date": ("The paper mill fire of May 2024 killed three people.", FIRE),
    "apposition moved": ("Corvell, a Norwegian firm, accused the Northern Health Trust of delays.", DAM),
    "acronym": ("Corvell accused the NHT of delays.", DAM),
    "passive": ("The Northern Health Trust was accused of delays by Corvell.", DAM),
    "difference": ("Turnout at the hearing rose by 25 people.", DAM),
    "two sentences": ("Buses will run every hour instead, and the railway to Corvell will close for six weeks.", RAIL),
}

STORM = (
    "The library of Skelhaven reopened five months after the storm. At least 60 boats sank in it. Some residents of the"
    " harbour district left. Prices rose and wages fell. The first ferry of the year sailed on 2 May 2026."
)

WITHHELD: dict[str, tuple[str, str, str]] = {
    "changed number": ("The work cost 3.5 million euros.", HARBOUR, "number_not_in_source"),
    "changed magnitude": ("The work cost 3.4 billion euros.", HARBOUR, "number_not_in_source"),
    "changed currency": ("The work cost 3.4 million dollars.", HARBOUR, "number_not_in_source"),
    "changed unit": ("The harbour is 412 feet long.", HARBOUR, "number_not_in_source"),
    "percent made money": ("The work cost 12 euros more than planned.", HARBOUR, "number_not_in_source"),
    "count made percent": ("The harbour has room for 60 percent of the boats.", HARBOUR, "number_not_in_source"),
    "years made months": ("The work took three months.", HARBOUR, "number_not_in_source"),
    "rounded without a hedge": ("The harbour is 400 metres long.", HARBOUR, "number_not_in_source"),
    "day after": ("Tennick opened the new harbour of Aldane on 13 June 2024.", HARBOUR, "date_not_in_source"),
    "other weekday": ("Tennick opened the new harbour of Aldane on Thursday.", HARBOUR, "date_not_in_source"),
    "other month": ("Tennick opened the new harbour of Aldane in May 2024.", HARBOUR, "date_not_in_source"),
    "other year": ("Tennick opened the new harbour of Aldane in June 2023.", HARBOUR, "date_not_in_source"),
    "relative date": ("Tennick opened the new harbour of Aldane yesterday.", HARBOUR, "date_not_in_source"),
    "stranger": ("Maren Holt opened the new harbour of Aldane.", HARBOUR, "name_not_in_source"),
    "other place": ("Orla Tennick opened the new harbour of Corvell.", HARBOUR, "name_not_in_source"),
    "month swapped": ("The fire at the mill killed three people on 3 June 2024.", FIRE, "date_not_in_source"),
    "year with its digits swapped": ("The mill was founded in 1912.", FIRE, "date_not_in_source"),
    "stranger as speaker": ("According to Pell Rusk, the flames began in the dye store.", FIRE, "name_not_in_source"),
    "other speaker": ("According to Maren Holt, the Galt dam is safe.", DAM, "speaker_differs"),
    "accused accuses": (
        "The Northern Health Trust accused the Norwegian firm Corvell of delays.",
        DAM,
        "speaker_differs",
    ),
    "other country": (
        "The Swedish firm Corvell accused the Northern Health Trust of delays.",
        DAM,
        "name_not_in_source",
    ),
    "other point of the compass": ("Corvell accused the Southern Health Trust of delays.", DAM, "name_not_in_source"),
    "number added": ("Buses will run every two hours instead.", RAIL, "number_not_in_source"),
    "another story": ("The minister of justice resigned over a loan from a friend.", HARBOUR, "not_in_source"),
}

SABOTEUR: dict[str, tuple[str, str, str]] = {
    "number of another thing": ("The work took 12 years.", "The work took three years", HARBOUR),
    "counts swapped": ("The fire killed 12 people and injured three.", "killed three people and injured 12", FIRE),
    "count of others": ("The fire at the paper mill killed 12 people.", "killed three people and injured 12", FIRE),
    "from and to swapped": ("Turnout at the hearing rose from 65 to 40 people.", "rose from 40 to 65 people", DAM),
    "number changed": ("The harbour has room for 70 boats.", "has room for 60 boats", HARBOUR),
    "magnitude changed": ("The work cost 3.4 billion euros.", "cost 3.4 million euros", HARBOUR),
    "wrong sum": ("The fire at the mill hit 16 people.", "killed three people and injured 12", FIRE),
    "bound added": ("More than 60 boats sank.", "At least 60 boats sank in it", STORM),
    "bound dropped": ("60 boats sank.", "At least 60 boats sank in it", STORM),
    "negation dropped": ("Pell Rusk attended the ceremony.", "did not attend the ceremony", HARBOUR),
    "negation added": ("Orla Tennick did not open the new harbour.", "opened the new harbour of Aldane", HARBOUR),
    "denial dropped": ("The alarms had been switched off.", "the alarms had been switched off", FIRE),
    "denial made a statement": ("The owners said the alarms had been switched off.", "The owners denied that", FIRE),
    "antonym": ("Orla Tennick closed the new harbour of Aldane.", "opened the new harbour of Aldane", HARBOUR),
    "near word": ("The railway to Corvell will reopen from 1 July.", "The railway to Corvell will close", RAIL),
    "other speaker": ("Maren Holt told the council that the Galt dam is safe.", "The Galt dam is safe", DAM),
    "stranger as speaker": ("Orla Tennick told the council that the Galt dam is safe.", "The Galt dam is safe", DAM),
    "speaker dropped": ("The Galt dam is safe.", "The Galt dam is safe", DAM),
    "warning of another": ("Pell Rusk warned that it would fail.", "warned that it would fail", DAM),
    "accused accuses": (
        "The Northern Health Trust accused Corvell of delays.",
        "accused the Northern Health Trust",
        DAM,
    ),
    "other name": ("Pell Rusk opened the new harbour of Aldane.", "opened the new harbour of Aldane", HARBOUR),
    "other day": (
        "Tennick opened the new harbour on Thursday.",
        "opened the new harbour of Aldane on Wednesday",
        HARBOUR,
    ),
    "day of another event": ("The storm came on 2 May 2026.", "sailed on 2 May 2026", STORM),
    "month changed": ("The fire killed three people on 3 June 2024.", "on 3 May 2024", FIRE),
    "cause swapped": ("The storm came because the library reopened.", "reopened five months after the storm", STORM),
    "cause added": ("The library reopened because of the storm.", "reopened five months after the storm", STORM),
    "order turned": ("The library reopened five months before the storm.", "five months after the storm", STORM),
    "clause added": ("Orla Tennick opened the new harbour, which has since closed.", "opened the new harbour", HARBOUR),
    "ending added": ("Buses will run every hour instead and are free.", "Buses will run every hour instead", RAIL),
    "order to readers": ("Buses will run every hour instead — call now.", "Buses will run every hour instead", RAIL),
    "all for some": ("All residents of the harbour district left.", "Some residents of the harbour district", STORM),
    "limit dropped": ("Residents of the harbour district left.", "Some residents of the harbour district", STORM),
    "prediction made fact": ("The dam failed within ten years.", "warned that it would fail within ten years", DAM),
    "plan made fact": ("The railway to Corvell has closed.", "The railway to Corvell will close", RAIL),
    "rise of another": ("Wages rose.", "Prices rose and wages fell", STORM),
    "two clauses mixed": ("Prices fell.", "Prices rose and wages fell", STORM),
}


@pytest.mark.parametrize(("sentence", "quote", "text"), SABOTEUR.values(), ids=SABOTEUR)
@pytest.mark.parametrize("is_quoted", [True, False])
def test_a_true_quote_does_not_verify_another_sentence(
    check: SupportCheck, sentence: str, quote: str, text: str, is_quoted: bool
) -> None:
    """A sentence that says something else than the words which it names is never verified, with these words or not."""
    assert quote in text
    quotes = [("k7f2", quote)] if is_quoted else []
    assert check.check(sentence, [make_passage("k7f2", text, published_at=ISSUE)], quotes).status != "verified"


def test_a_quote_chooses_the_sentence_that_is_cited(check: SupportCheck) -> None:
    """The citation is the complete sentence with the quote, not a sentence that is more alike."""
    text = "The harbour of Aldane opened. It rained. Aldane has had a harbour since Wednesday, to be used by 60 boats."
    passage = make_passage("k7f2", text, published_at=ISSUE)
    sentence = "The harbour of Aldane has opened to 60 boats."
    named = check.check(sentence, [passage], [("k7f2", "to be used by 60 boats")])
    assert (named.status, [quote.text for quote in named.quotes]) == ("partial", [text[41:]])


@pytest.mark.parametrize("quote", ["opened the old harbour of Aldane", "the"])
def test_without_a_usable_quote_the_passage_is_searched(check: SupportCheck, quote: str) -> None:
    """A quote that the passage does not have, or that is too short, changes nothing."""
    passage = make_passage("k7f2", HARBOUR, published_at=ISSUE)
    for sentence in ("The work took 3 years.", "Tennick thanked the crews.", "The harbour is 400 metres long."):
        assert check.check(sentence, [passage], [("k7f2", quote)]) == check.check(sentence, [passage])


def test_a_draft_is_checked_against_its_quotes(verifier: Verifier) -> None:
    """The quotes of a draft reach the check."""
    text = "It rained in the north for days. It rained in the south for days."
    for quote, at in (("in the north for", slice(0, 32)), ("in the south for", slice(33, 65))):
        draft = DraftSentence(("It rained for days", ("k7f2",), "."), quotes=(("k7f2", quote),))
        check = verifier.verify(draft, {"k7f2": make_passage("k7f2", text)}, "verified")
        assert [found.text for found in check.quotes] == [text[at]]


@pytest.fixture(scope="module")
def check(embedder: LocalEmbedder) -> SupportCheck:
    """Return the check with the local model and the shipped thresholds."""
    return SupportCheck(embedder, Thresholds.read())


def is_the_body(verdict: SupportResult) -> bool:
    """Return whether every quote equals the body of its article at its span, within its passage."""
    return all(
        quote.passage.article.body[quote.span.start : quote.span.end] == quote.text
        and quote.passage.chunk.start_char <= quote.span.start < quote.span.end <= quote.passage.chunk.end_char
        and (quote.status, quote.score) == (verdict.status, verdict.score)
        for quote in verdict.quotes
    )


@pytest.mark.parametrize(("sentence", "text"), VERIFIED.values(), ids=VERIFIED)
def test_the_same_wording_is_verified(check: SupportCheck, sentence: str, text: str) -> None:
    """A sentence in the words of its source is verified, with a quote of complete sentences."""
    verdict = check.check(sentence, [make_passage("k7f2", text, published_at=ISSUE)])
    assert (verdict.status, verdict.reason) == ("verified", None)
    assert [quote.method for quote in verdict.quotes] == ["coverage"]
    assert is_the_body(verdict)


@pytest.mark.parametrize(("sentence", "text"), PARTIAL.values(), ids=PARTIAL)
def test_the_same_in_other_words_is_partial(check: SupportCheck, sentence: str, text: str) -> None:
    """A sentence with the facts of its source in other words is shown with its quote, to be compared."""
    verdict = check.check(sentence, [make_passage("k7f2", text, published_at=ISSUE)])
    assert (verdict.status, verdict.reason) == ("partial", None)
    assert is_the_body(verdict)


@pytest.mark.parametrize(("sentence", "text", "reason"), WITHHELD.values(), ids=WITHHELD)
def test_something_else_is_withheld(check: SupportCheck, sentence: str, text: str, reason: str) -> None:
    """A sentence with one difference from its article is unverified for this reason, without a quote."""
    verdict = check.check(sentence, [make_passage("k7f2", text, published_at=ISSUE)])
    assert (verdict.status, verdict.reason, verdict.quotes) == ("unverified", reason, ())


@pytest.mark.parametrize("text", [HARBOUR, FIRE, DAM, RAIL])
def test_a_sentence_of_an_article_is_exact(text: str) -> None:
    """A word-for-word sentence is verified exactly, without a model."""
    embedder = HashedEmbedder()
    check = SupportCheck(embedder, Thresholds.read())
    for span in sentence_spans(text):
        verdict = check.check(text[span.start : span.end], [make_passage("m3p9", RAIL), make_passage("k7f2", text)])
        assert (verdict.status, verdict.score) == ("verified", 1.0)
        assert [quote.method for quote in verdict.quotes] == ["exact"]
        assert [quote.text for quote in verdict.quotes] == [text[span.start : span.end]]
    assert embedder.batches == 0


TOGETHER = "The fire at the Brisk paper mill killed three people, and the new harbour of Aldane cost 3.4 million euros."


def test_two_passages_support_one_sentence(check: SupportCheck) -> None:
    """A sentence that joins two articles is shown with a quote of each, in the order of its markers."""
    passages = [make_passage("m3p9", FIRE), make_passage("k7f2", HARBOUR)]
    verdict = check.check(TOGETHER, passages)
    assert verdict.status == "partial"
    assert [quote.passage.key for quote in verdict.quotes] == ["m3p9", "k7f2"]
    assert is_the_body(verdict)
    assert {check.check(TOGETHER, [passage]).status for passage in passages} == {"unverified"}


@pytest.mark.parametrize("order", [("k7f2", "m3p9"), ("m3p9", "k7f2")])
def test_only_the_passage_that_supports_is_quoted(check: SupportCheck, order: tuple[str, str]) -> None:
    """A passage that does not support the sentence is not quoted."""
    passages = {"k7f2": make_passage("k7f2", HARBOUR), "m3p9": make_passage("m3p9", RAIL)}
    verdict = check.check("The work took 3 years and cost €3.4m.", [passages[key] for key in order])
    assert verdict.status == "verified"
    assert [quote.passage.key for quote in verdict.quotes] == ["k7f2"]


@pytest.mark.parametrize(("sentence", "text"), [*VERIFIED.values(), *PARTIAL.values()], ids=[*VERIFIED, *PARTIAL])
def test_the_wrong_marker_supports_nothing(check: SupportCheck, sentence: str, text: str) -> None:
    """A statement of one article is not supported by another."""
    wrong = RAIL if text != RAIL else HARBOUR
    assert check.check(sentence, [make_passage("k7f2", wrong, published_at=ISSUE)]).status == "unverified"


def test_a_story_of_two_sentences_is_quoted_whole(check: SupportCheck) -> None:
    """The quote spans every sentence that supports the claim."""
    verdict = check.check(
        "Buses will run every hour instead while the railway to Corvell will close for six weeks.",
        [make_passage("k7f2", RAIL)],
    )
    assert [quote.text for quote in verdict.quotes] == [RAIL]


def test_quotes_are_offsets_of_the_body(check: SupportCheck) -> None:
    """A passage from the middle of an article is quoted at its place in the article."""
    body = f"Ærø 🎈 e\u0301.\n\n{HARBOUR} The end."
    start = body.index(HARBOUR)
    moved = Passage(
        "k7f2",
        Chunk("a:1", "a", 1, HARBOUR, start, start + len(HARBOUR), 9),
        Article("a", body, "/a.txt"),
        1.0,
        0.5,
        1.0,
    )
    for sentence, begins in {
        "The work took 3 years and cost €3.4m.": "The work took three years",
        "She thanked the crews for their patience.": "She thanked",
    }.items():
        verdict = check.check(sentence, [moved])
        assert [quote.text.startswith(begins) for quote in verdict.quotes] == [True]
        assert is_the_body(verdict)


SHIPPED = Thresholds.read()
STRICTER = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)


CASES = [*VERIFIED.values(), *PARTIAL.values(), *((sentence, text) for sentence, text, _ in WITHHELD.values())]


@given(low=STRICTER, high=STRICTER, case=st.sampled_from(CASES))
@example(low=[0.0, 0.0], high=[1.0, 1.0], case=CASES[0])
def test_stricter_thresholds_never_verify_more(low: list[float], high: list[float], case: tuple[str, str]) -> None:
    """A higher threshold never improves the support of a sentence, and does not change its score."""
    sentence, text = case
    embedder, passages = HashedEmbedder(), [make_passage("k7f2", text, published_at=ISSUE)]
    least = replace(SHIPPED, verified=min(low[1], high[1]), partial=min(low[0], high[0]), contradicted=max(low))
    most = replace(SHIPPED, verified=max(low[1], high[1]), partial=max(low[0], high[0]), contradicted=min(low))
    lenient = SupportCheck(embedder, least).check(sentence, passages)
    strict = SupportCheck(embedder, most).check(sentence, passages)
    rank = ["unverified", "partial", "verified"]
    assert rank.index(strict.status) <= rank.index(lenient.status)
    assert strict.score == lenient.score
    assert bool(strict.quotes) == (strict.status != "unverified") == (strict.reason is None)


@pytest.mark.parametrize(("sentence", "text"), CASES)
def test_the_steps_of_a_check_explain_its_result(sentence: str, text: str) -> None:
    """The result follows from the steps, the score and the thresholds alone."""
    found = SupportCheck(HashedEmbedder(), SHIPPED).check(sentence, [make_passage("k7f2", text, published_at=ISSUE)])
    steps, verified = found.steps, found.score >= SHIPPED.verified
    if steps.is_located:
        expected = "verified"
    elif not steps.is_compared:
        expected = "unverified"
        assert found.reason == (steps.lacks or "not_in_source")
    elif steps.contradiction is None:
        expected = "verified" if verified else "unverified"
    else:
        is_alike = found.score >= SHIPPED.partial and steps.contradiction < SHIPPED.contradicted
        expected = "partial" if is_alike else "unverified"
        assert sum(weight for _, weight in steps.differences) >= steps.contradiction

    assert found.status == expected
    assert (steps.lacks is None) or not steps.is_compared


@given(coverage=st.floats(0, 1), similarity=st.floats(-1, 1), more=st.floats(0, 1))
def test_a_score_grows_with_what_is_found(coverage: float, similarity: float, more: float) -> None:
    """The score is from 0 to 1 and grows with coverage and similarity."""
    score = support_score(coverage, similarity)
    assert 0 <= score <= 1
    assert score <= support_score(max(coverage, more), similarity)
    assert score <= support_score(coverage, max(similarity, more))


def test_the_thresholds_are_read_from_their_file(tmp_path: Path) -> None:
    """The shipped thresholds are in order, and every weight is of a difference that a comparison can find."""
    written = {"verified": 0.9, "partial": 0.4, "quoted": 0.2, "contradicted": 0.5, "weights": {"date": 1}, "rates": {}}
    (tmp_path / "t.json").write_text(json.dumps(written), encoding="utf-8")
    assert Thresholds.read(tmp_path / "t.json") == Thresholds(0.9, 0.4, 0.2, 0.5, {"date": 1})
    assert 0 < SHIPPED.quoted <= SHIPPED.partial <= SHIPPED.verified < 1
    kinds = set(english().kinds.values())
    found = {
        *kinds,
        *(f"{kind} left out" for kind in kinds),
        "moved",
        "opposite",
        "speaker",
        "date",
        "name",
        "referent",
    }
    assert SHIPPED.weights.keys() <= found


def test_nothing_supports_nothing(check: SupportCheck) -> None:
    """Without a passage, or with one that has no sentence, a sentence is unverified."""
    empty: list[list[Passage]] = [[], [make_passage("k7f2", " ")]]
    for passages in empty:
        assert check.check("It rained.", passages) == SupportResult("unverified", "not_in_source", 0.0)


@given(sentence=st.text(max_size=40), text=st.text(max_size=60))
def test_every_sentence_can_be_checked(sentence: str, text: str) -> None:
    """Any sentence and passage can be checked, and every quote equals the body."""
    verdict = SupportCheck(HashedEmbedder(), Thresholds.read()).check(sentence, [make_passage("k7f2", text)])
    assert is_the_body(verdict)
    assert (verdict.status == "unverified") == (verdict.reason is not None) == (not verdict.quotes)
