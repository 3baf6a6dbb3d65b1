"""Highlights with emoji, Arabic and Hebrew, whose offsets differ in JavaScript."""

import pytest
from playwright.sync_api import expect

from service.answer import to_json
from service.records import Citation
from tests.widget.browsing import Visit
from tests.widget.newsroom import BODIES
from tests.widget.replies import SCRIPTS, WITHHELD

_BEFORE = """mark => {
  const range = document.createRange();
  range.selectNodeContents(document.querySelector(".text"));
  range.setEndBefore(mark);
  return range.toString(); }"""
"""The text of an article before the mark."""


@pytest.mark.parametrize("citation", SCRIPTS.citations, ids=lambda citation: citation.article_id)
def test_the_quote_is_marked_exactly_in_its_context_and_in_its_article(visit: Visit, citation: Citation) -> None:
    """The context is that of the article, in the card and on the page."""
    body = BODIES[citation.article_id]
    turn = visit.open().ask("scripts")
    turn.locator(f'.marker[data-citation="{citation.id}"]').click()
    box = turn.locator(f'.proof .quote-box[data-citation="{citation.id}"]')
    before = box.locator(".quote").evaluate("quote => quote.firstChild.textContent")
    with visit.context.expect_page() as opened:
        box.locator(".outward").last.click()
    mark = opened.value.locator("mark")

    assert citation.highlight is not None
    words = body[citation.highlight.start_char_index : citation.highlight.end_char_index]
    assert "".join(box.locator("mark b").all_text_contents()) == words
    assert "".join(mark.locator("b").all_text_contents()) == words
    assert box.locator("mark").text_content() == citation.cited_text == mark.text_content()
    assert body.startswith(before + citation.cited_text)
    assert opened.value.locator(".text").text_content() == body
    assert mark.evaluate(_BEFORE) == body[: citation.start_char_index]


def test_the_words_of_the_answer_stand_out_across_emphasis(visit: Visit) -> None:
    """They are bolder than the rest of the quote, set apart in the card as well, and begin the name of the marker."""
    turn = visit.open("/embed").ask("markdown")
    assert "“Old Lamp will be lit again…”" in (turn.locator(".marker").first.get_attribute("aria-label") or "")
    turn.locator(".marker").first.click()
    words = turn.locator(".proof .quote mark b")
    weights = [
        int(each.evaluate("element => getComputedStyle(element).fontWeight"))
        for each in [*words.all(), *turn.locator(".proof .quote mark").all()]
    ]

    assert "".join(words.all_text_contents()) == "Old Lamp will be lit again on 3 March 2026"
    assert "".join(turn.locator(".card b").all_text_contents()) == "Old Lamp will be lit again on 3 March 2026"
    assert min(weights[:-1]) > weights[-1]


@pytest.mark.parametrize(
    "highlight",
    [
        "null",
        "{}",
        "[]",
        "7",
        '{"start_char_index":5,"end_char_index":5}',
        '{"start_char_index":-9,"end_char_index":5}',
        '{"start_char_index":5,"end_char_index":99999}',
        '{"start_char_index":"x","end_char_index":"y"}',
    ],
)
def test_a_highlight_outside_the_quote_is_ignored(visit: Visit, highlight: str) -> None:
    """The quote is shown without it."""
    reply = to_json(WITHHELD).replace('"highlight":null', f'"highlight":{highlight}')
    visit.open("/embed")
    visit.page.route("**/v1/ask", lambda route: route.fulfill(body=reply, content_type="application/json"))
    turn = visit.ask("withheld")
    turn.locator(".marker").click()

    assert turn.locator(".proof mark").text_content() == WITHHELD.citations[0].cited_text
    assert turn.locator("b").count() == 0


def test_each_marker_opens_the_quote_of_its_own_sentence(visit: Visit) -> None:
    """Two sentences of one article share its marker, not its quote, also with emoji."""
    turn = visit.open().ask("same")
    opened = []
    for marker in turn.locator(".marker").all():
        marker.click()
        opened.append((marker.inner_text(), turn.locator(".proof mark").inner_text()))

    assert opened == [("1", "🏮🏮 Three thousand lanterns"), ("1", "No one was hurt 😀.")]
    assert turn.locator(".card").count() == 1


@pytest.mark.parametrize(
    ("article_id", "start", "end"), [("emoji-parade", 0, 3), ("attack", 3, 150), ("arabic-port", 10, 11)]
)
def test_any_span_of_an_article_is_marked_exactly(visit: Visit, article_id: str, start: int, end: int) -> None:
    """Angle brackets, Windows line ends and a single character do not shift it."""
    visit.open(f"/articles/{article_id}?start={start}&end={end}")

    assert visit.page.locator("mark").text_content() == BODIES[article_id][start:end]
    assert visit.page.locator(".text").text_content() == BODIES[article_id]


def test_a_quote_far_down_is_scrolled_to_even_without_a_fragment(visit: Visit) -> None:
    """The address with `?start=&end=` alone leads to the quote as well."""
    length = len(BODIES["emoji-parade"])
    visit.page.set_viewport_size({"width": 600, "height": 400})
    visit.open(f"/articles/emoji-parade?start={length - 30}&end={length - 10}")
    visit.page.wait_for_function("scrollY > 0")

    assert visit.page.locator("mark").evaluate(
        "mark => mark.getBoundingClientRect().top > 0 && mark.getBoundingClientRect().bottom < innerHeight"
    )


@pytest.mark.parametrize(
    "query", ["?start=5&end=99999999", "?start=9&end=3", "?start=x&end=9", "?start=-1&end=4", "?start=1"]
)
def test_a_place_that_is_not_there_is_said_to_have_moved(visit: Visit, query: str) -> None:
    """The article is shown without a highlight, and the page says so."""
    visit.open(f"/articles/grain-ship{query}")

    assert visit.page.locator("mark").count() == 0
    assert "may have changed" in visit.page.locator(".notice").inner_text()
    assert visit.page.locator(".text").text_content() == BODIES["grain-ship"]


def test_a_quote_without_its_passage_has_no_context(visit: Visit) -> None:
    """A context that does not match is left out."""
    visit.open("/embed")
    visit.page.route("**/v1/ask", lambda route: route.fulfill(body=_shifted(), content_type="application/json"))
    turn = visit.ask("shifted")
    turn.locator(".marker").click()

    assert turn.locator(".proof .quote").inner_text() == WITHHELD.citations[0].cited_text


def _shifted() -> str:
    return to_json(WITHHELD).replace(
        '"start_char_index":0,"end_char_index":39', '"start_char_index":1,"end_char_index":40'
    )


def test_the_article_is_named_beside_a_quote_far_down(visit: Visit) -> None:
    """Title, publisher and date stay in view, in one line, without covering the words."""
    length = len(BODIES["emoji-parade"])
    visit.page.set_viewport_size({"width": 390, "height": 500})
    visit.open(f"/articles/emoji-parade?start={length - 30}&end={length - 10}#quote")
    where = visit.page.locator(".where")
    expect(visit.page.locator(".where .again")).to_be_visible()
    line, mark = where.bounding_box(), visit.page.locator("mark").bounding_box()

    assert line is not None
    assert mark is not None
    assert (line["y"], line["height"] < 48, mark["y"] > line["y"] + line["height"]) == (0, True, True)
    assert "25 February 2026" in where.inner_text()
    assert "A parade of lanterns" in where.inner_text()
