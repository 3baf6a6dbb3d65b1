from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.text import sentence_spans

PROSE = st.text(st.sampled_from('aB1 .\n\t!?…"”’)]*_#-—•(“«。」é\u00a0')) | st.text()
PIECES = st.sampled_from(
    [
        "Mr.",
        "U.S.",
        "No.",
        "5",
        "p.m.",
        "The",
        "harbour",
        "end.",
        "“Stay.”",
        "\n",
        "\n\n",
        "- ",
        "# ",
        "3.5",
        "A.",
        "彼。",
        "14.",
        "Mai",
        "[2]",
        "end.[2]",
        "[note 3]",
        "| a | b |\n",
        "![a](b.png)",
        "```\n",
        "---\n",
        "> ",
        "[^1]: ",
    ]
)
ARTICLES = PROSE | st.lists(PIECES, max_size=30).map(" ".join)


def sentences(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentence_spans(text)]


def headings(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentence_spans(text) if span.heading]


@given(ARTICLES, st.booleans())
def test_spans_are_ordered_disjoint_and_stripped(text: str, with_headings: bool) -> None:
    """Spans are in order, not empty, do not overlap, and have no outer white space."""
    spans = sentence_spans(text, headings=with_headings)
    edges = [edge for span in spans for edge in span[:2]]
    assert edges == sorted(edges)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(text[span.start : span.end].strip() == text[span.start : span.end] for span in spans)


@given(ARTICLES, st.booleans())
def test_only_white_space_lies_between_spans(text: str, with_headings: bool) -> None:
    """Every character except white space is in a span."""
    spans = sentence_spans(text, headings=with_headings)
    gaps = pairwise([0, *(edge for span in spans for edge in span[:2]), len(text)])
    assert not "".join(text[start:end] for start, end in list(gaps)[::2]).strip()


@given(ARTICLES)
def test_no_span_crosses_a_blank_line(text: str) -> None:
    """A paragraph ends every sentence."""
    assert not any("\n\n" in sentence for sentence in sentences(text))


@given(ARTICLES)
def test_text_that_is_still_coming_in_has_no_headings(text: str) -> None:
    """Without headings, no span is a heading, so that later text does not change earlier spans."""
    assert not any(span.heading for span in sentence_spans(text, headings=False))


@pytest.mark.parametrize(
    "whole",
    [
        "Mr. Dunmoor met Dr. A. B. Jessop near St. Agnes.",
        "J. R. R. Farrow wrote to Gov. Brisk.",
        "The U.S. Navy left the U.S. on Friday.",
        "Farrow Inc. and Galt Ltd. sold the pier.",
        "It is No. 5 on the list, see Nos. 6 and 7.",
        "The show starts at 6 p.m. on Friday.",
        "The vote is on Jan. 5 and again on Feb. 6.",
        "Prices rose 3.5 percent to $1.25 a loaf.",
        "Skelhaven vs. Tarnmouth ended level.",
        "She reads example.com every day.",
        "It was late, i.e. after 3 a.m. by the clock.",
        "He waited... and left.",
        "The ferry left the\nharbour on a Monday in the\nearly morning.",
        "The vote is on Sat. 2 May in St. Agnes.",
        "The sun rose over No. 10, incl. Skelhaven, see p. 4 and pp. 5 to 9.",
        "Farrow v. Galt was heard at 9 a.m. Monday by the U.S. Senate.",
        "J.-P. Jessop met Cllr. Vane on Sept. 12.",
        "It starts at 6:30 p.m. ET on Monday.",
        "FIG. 1 is in Case No. F-2014.",
    ],
)
def test_some_full_stops_end_nothing(whole: str) -> None:
    """Abbreviations, initials, decimals, numbers and wrapped lines do not split a sentence."""
    assert sentences(whole) == [whole]
    assert sentences(f"{whole} They agreed.") == [whole, "They agreed."]


@pytest.mark.parametrize(
    "whole",
    [
        # German
        "Der Steg bleibt bis zum 14. Mai 2025 gesperrt.",
        "Am Samstag, 14. August, und vom 12. bis 15. April fährt kein Schiff.",
        "Der 1. FC Oyan schlug den 2. SV Galt am 14. 5. 2025.",
        "Die 1. und 2. Mannschaft spielen im 19. Jahrhundert.",
        "Es ist der 3. Sonntag und das II. Quartal.",
        "Am 2.-3. Juni ruht der Verkehr.",
        "Er kostet 5 Mio. Euro, z. B. für Stahl, d. h. Träger, inkl. Montage bzw. Abbau.",
        "Prof. Dr. Vane, Dipl.-Ing. Farrow und Hr. Galt wohnen in der Hafenstr. 5 nach Abs. 2 Nr. 3.",
        # French, Spanish, Italian, Portuguese
        "Mme. Roy, MM. Petit et Legrand vont à p. ex. Lyon, cf. Brest.",
        "La Sra. López vive en la pág. 5 del art. 14, núm. 3, y el Sr. Ruiz también.",
        "Il Sig. Rossi e la Dott.ssa Bianchi citano l'art. 5, n. 3.",
        "O Sr. Silva mora na Av. Brasil, n. 5.",
        # Dutch, Danish, Norwegian, Finnish
        "De heer drs. Jansen kreeg 5 mln. Euro, d.w.z. Oyan betaalt.",
        "Festen begynder kl. 14 den 17. Maj, bl.a. Oyan kommer, og slutter den 2. juni.",
        "Kokous on 3. kerroksen huoneessa klo 14.",
        # Czech, Polish
        "Schůze je 14. května 2025 a 17. Listopadu, tj. Praha, přijde Ing. Novák.",
        "Stavba stála 45 mil. Kč.",
        "Spotkanie jest przy ul. Długiej 5, m.in. Kraków i św. Jan, 14. maja.",
    ],
)
def test_abbreviations_and_ordinals_of_other_languages_end_nothing(whole: str) -> None:
    """They do not split a sentence, even before a capital or a digit."""
    assert sentences(whole) == [whole]
    assert sentences(f"{whole} They agreed.") == [whole, "They agreed."]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("It was in 2014.", "May came early."),
        ("The toll rose to 14.", "August was dry."),
        ("“I am 14.”", "Maria is 15."),
        ("He finished 14.", "Maria won."),
        ("Das Fest beginnt am 14.", "Die Stadt zahlt."),
        ("Es kostet 5 Mio.", "Die Stadt zahlt."),
        ("„Er kostet 14.“", "Im Mai schloss er."),
        ("»Es ist vorbei.«", "Der Rat ging."),
        ("It was World War II.", "Oyan won."),
    ],
)
def test_a_number_without_a_sign_of_an_ordinal_ends_a_sentence(first: str, second: str) -> None:
    """Before a capital a number ends a sentence unless its noun or its determiner makes it an ordinal."""
    assert sentences(f"{first} {second}") == [first, second]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("She sat.", "Mary stood."),
        ("They lay in the sun.", "Mary swam."),
        ("They said no.", "Mary left."),
        ("She studied art.", "Mary did not."),
        ("He fell ill.", "Mary came."),
        ("She works for ING.", "Mary does not."),
    ],
)
def test_words_that_look_like_abbreviations_end_a_sentence(first: str, second: str) -> None:
    """An abbreviation before a number, or with another case, is a word elsewhere."""
    assert sentences(f"{first} {second}") == [first, second]


@pytest.mark.parametrize(
    "first",
    [
        "It opened in 1887.[2]",
        "It has nine locks [3] and is long.[1][4]",
        "It is long. [5]",
        "It is long. [5, 6] [7–9]",
        "It is long.  [ 5 ]",
        "It ended.[citation needed]",
        "It ended.[note 3]",
        "It ended.[^1]",
        "It ended.²",
        "He said “Yes.”[3]",
        "(It ended.[a])",
        "[It ended.](https://oyan.example/a.b)",
        "It lies in the U.S.[2]",
        "«Нет.»[2]",
    ],
)
def test_reference_marks_belong_to_the_sentence_before_them(first: str) -> None:
    """A stop before reference marks ends a sentence, which includes the marks."""
    assert sentences(f"{first} The barge sank.") == [first, "The barge sank."]
    assert headings(f"{first}\n\nThe barge sank.") == []


def test_reference_marks_behind_chinese_stops_belong_to_the_sentence_before_them() -> None:
    """Chinese and Japanese stops need no space, and a number in brackets is not a sentence."""
    assert sentences("渡轮离港。[2]风停了。") == ["渡轮离港。[2]", "风停了。"]


@pytest.mark.parametrize(("first", "second"), [("هل عادت العبّارة؟", "عادت أمس."), ("नाव चली गई।", "घाट खाली था।")])
def test_stops_of_other_scripts_end_a_sentence(first: str, second: str) -> None:
    """The Arabic question mark and the danda end a sentence."""
    assert sentences(f"{first} {second}") == [first, second]


@pytest.mark.parametrize(
    "line",
    [
        "| Oyan | 212 mm. Wet |",
        "|---|:--:|",
        '![The pier. It leaks](pier.png "A pier")',
        "```python",
        "* * *",
        "---",
        "<!-- Ask him. Then print. -->",
    ],
)
def test_a_line_of_markdown_without_a_sentence_is_cut_off(line: str) -> None:
    """Rows of tables, images, fences and rules are separate spans, and not headings."""
    for gap in ("\n", "\n\n"):
        text = gap.join(["It rained on the pier, and the harbour master closed it at noon.", line, "They left."])
        assert sentences(text)[1:] == [line, "They left."]
        assert headings(text) == []


def test_an_underlined_line_is_a_heading() -> None:
    """A line above `===` or `---` is a Markdown heading."""
    assert headings("The pier\n========\nIt leaks.\n\nThe crew\n---\nIt left.") == ["The pier", "The crew"]


def test_entries_of_a_list_of_references_are_cut_off() -> None:
    """Each definition of a note is a separate span."""
    notes = ["It rained.", "[^1]: Talk with O. Vane, 4 May", "[^b]: The pier, p. 4.", "[2] Farrow, The canal."]
    assert sentences("\n".join(notes)) == notes


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("He lives in the U.S.", "The ship stayed."),
        ("It was bought by Farrow Inc.", "The price fell."),
        ("It ended at 10 p.m.", "They went home."),
        ("They said no.", "The vote fell."),
        ("It was 1990.", "War ended."),
        ("It cost $1.5 million...", "Then it fell."),
        ("“It is over.”", "Crowds left."),
        ('He said "No."', "Then he left."),
        ("(It rained.)", "They sang."),
        ("Is it?", "Yes!"),
        ("No?!", "Sure."),
        ("Well…", "He left."),
        ("She sailed on the *Oyan.*", "It sank."),
        ("She earned a Ph.D.", "He did not."),
        ("It fell in 1500 A.D.", "The tower stood."),
        ("It was in Oct.", "The vote rose."),
    ],
)
def test_others_end_a_sentence(first: str, second: str) -> None:
    """A stop before a closing quote, or after an abbreviation, ends a sentence if a new one begins."""
    assert sentences(f"{first} {second}") == [first, second]


def test_a_quote_that_goes_on_does_not_end_the_sentence() -> None:
    """A stop inside quotes does not end a sentence that continues in lower case."""
    assert sentences("“Stay!” she cried. “Why?” he asked.") == ["“Stay!” she cried.", "“Why?” he asked."]


def test_sentences_without_spaces_between_them_are_split() -> None:
    """Chinese and Japanese stops end a sentence without a space, with the quote that closes after them."""
    assert sentences("风停了。渡轮离港！你好？好。") == ["风停了。", "渡轮离港！", "你好？", "好。"]
    assert sentences("「はい。」そう言った。") == ["「はい。」", "そう言った。"]


def test_a_line_alone_is_a_heading() -> None:
    """A short line or question without a stop is a heading; the last line is not."""
    text = "Storm damage\n\nThe roof fell in.\n\nWhat happened?\n\nRain came.\n\nThe end"
    assert headings(text) == ["Storm damage", "What happened?"]
    assert sentences(text)[-1] == "The end"


def test_a_markdown_heading_is_one_within_a_paragraph() -> None:
    """A Markdown heading is a heading in any position."""
    assert headings("# Title\nText here.\n## Second\nMore text.") == ["# Title", "## Second"]


def test_a_short_line_above_long_ones_is_a_heading() -> None:
    """A line far shorter than those below it is a heading; one of similar length is wrapped text."""
    body = (
        "The council met on Monday to vote on the budget that Mayor\nDunmoor had put forward, and rejected it at noon."
    )
    assert headings(f"The vote\n{body}") == ["The vote"]
    assert headings(body) == []


@pytest.mark.parametrize(
    "line", ["A line that ends in a stop.", "A line that leads on:", "- an item of a list", "x" * 101]
)
def test_other_lines_that_stand_alone_are_no_headings(line: str) -> None:
    """A line with a stop or colon, an item of a list, or a long line is not a heading."""
    assert headings(f"{line}\n\nThe text follows here.") == []


def test_each_item_of_a_list_is_cut_off_from_the_next() -> None:
    """Items of a list are separate sentences, even without a stop, with their bullet or number."""
    text = "Three points:\n- the ferry\n- the pier. It leaks\n3. Harbour dues\n4. The crew"
    expected = ["Three points:", "- the ferry", "- the pier.", "It leaks", "3. Harbour dues", "4. The crew"]
    assert sentences(text) == expected


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        *(
            part * 100_000
            for part in ["Mr. ", "A. ", "x\n", "am 14. Mai ", ".[2]", "a.[2] ", ".² ", "[1] ", "|x\n", "].("]
        ),
        "A" + "." * 100_000 + "b",
        "A." + "[2]" * 100_000 + "b",
        "![" * 100_000 + ")",
        "- " * 100_000 + "x",
    ],
)
def test_the_time_grows_with_the_length_alone(text: str) -> None:
    """A long text without sentences takes linear time."""
    assert sentence_spans(text)
