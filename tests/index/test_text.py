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
    ]
)
ARTICLES = PROSE | st.lists(PIECES, max_size=30).map(" ".join)


def sentences(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentence_spans(text)]


def headings(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentence_spans(text) if span.heading]


@given(ARTICLES, st.booleans())
def test_spans_are_ordered_disjoint_and_stripped(text: str, with_headings: bool) -> None:
    """Spans lie in the text in order, none empty, none overlapping, none with white space at its ends."""
    spans = sentence_spans(text, headings=with_headings)
    edges = [edge for span in spans for edge in span[:2]]
    assert edges == sorted(edges)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(text[span.start : span.end].strip() == text[span.start : span.end] for span in spans)


@given(ARTICLES, st.booleans())
def test_only_white_space_lies_between_spans(text: str, with_headings: bool) -> None:
    """Every character that is not white space lies in a span."""
    spans = sentence_spans(text, headings=with_headings)
    gaps = pairwise([0, *(edge for span in spans for edge in span[:2]), len(text)])
    assert not "".join(text[start:end] for start, end in list(gaps)[::2]).strip()


@given(ARTICLES)
def test_no_span_crosses_a_blank_line(text: str) -> None:
    """A paragraph ends every sentence."""
    assert not any("\n\n" in sentence for sentence in sentences(text))


@given(ARTICLES)
def test_text_that_is_still_coming_in_has_no_headings(text: str) -> None:
    """Without headings no span is one, so that what was read does not change with what follows."""
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
    ],
)
def test_some_full_stops_end_nothing(whole: str) -> None:
    """Abbreviations, initials, decimals, numbers and wrapped lines leave a sentence whole, alone and before another."""
    assert sentences(whole) == [whole]
    assert sentences(f"{whole} They agreed.") == [whole, "They agreed."]


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
    ],
)
def test_others_end_a_sentence(first: str, second: str) -> None:
    """A stop ends a sentence though a quote closes after it, or an abbreviation before it, where a new one begins."""
    assert sentences(f"{first} {second}") == [first, second]


def test_a_quote_that_goes_on_does_not_end_the_sentence() -> None:
    """A stop inside quotes ends nothing where the sentence goes on in lower case."""
    assert sentences("“Stay!” she cried. “Why?” he asked.") == ["“Stay!” she cried.", "“Why?” he asked."]


def test_sentences_without_spaces_between_them_are_told_apart() -> None:
    """Chinese and Japanese stops end a sentence without a space, with the quote that closes after them."""
    assert sentences("风停了。渡轮离港！你好？好。") == ["风停了。", "渡轮离港！", "你好？", "好。"]
    assert sentences("「はい。」そう言った。") == ["「はい。」", "そう言った。"]


def test_a_line_that_stands_alone_is_a_heading() -> None:
    """A short line without a stop that stands alone is a heading, a short question likewise, the last line is not."""
    text = "Storm damage\n\nThe roof fell in.\n\nWhat happened?\n\nRain came.\n\nThe end"
    assert headings(text) == ["Storm damage", "What happened?"]
    assert sentences(text)[-1] == "The end"


def test_a_markdown_heading_is_one_within_a_paragraph() -> None:
    """A line of Markdown's heading is one wherever it stands."""
    assert headings("# Title\nText here.\n## Second\nMore text.") == ["# Title", "## Second"]


def test_a_short_line_above_long_ones_is_a_heading() -> None:
    """A line far shorter than those below it is a heading; one about as long is wrapped text."""
    body = (
        "The council met on Monday to vote on the budget that Mayor\nDunmoor had put forward, and rejected it at noon."
    )
    assert headings(f"The vote\n{body}") == ["The vote"]
    assert headings(body) == []


@pytest.mark.parametrize(
    "line", ["A line that ends in a stop.", "A line that leads on:", "- an item of a list", "x" * 101]
)
def test_other_lines_that_stand_alone_are_no_headings(line: str) -> None:
    """A line with a stop or colon, an item of a list, or a long line is no heading."""
    assert headings(f"{line}\n\nThe text follows here.") == []


def test_each_item_of_a_list_is_cut_off_from_the_next() -> None:
    """Items of a list are sentences of their own though no stop ends them, and keep their bullet or number."""
    text = "Three points:\n- the ferry\n- the pier. It leaks\n3. Harbour dues\n4. The crew"
    expected = ["Three points:", "- the ferry", "- the pier.", "It leaks", "3. Harbour dues", "4. The crew"]
    assert sentences(text) == expected


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["Mr. " * 100_000, "A. " * 100_000, "A" + "." * 100_000 + "b", "x\n" * 100_000])
def test_the_time_grows_with_the_length_alone(text: str) -> None:
    """A long text without one sentence in it takes no longer than another of its length."""
    assert sentence_spans(text)
