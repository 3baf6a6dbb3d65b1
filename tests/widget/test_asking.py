"""Asking on the demo page, in a real browser: what a reader sees."""

from tests.widget.browsing import Visit


def test_an_answer_of_the_archive_is_cited_and_its_quote_is_marked_in_the_article(visit: Visit) -> None:
    """From the question to the exact words in the article, without a script of another host."""
    turn = visit.open().ask("When did the Skelhaven library reopen?")
    turn.locator(".marker").first.click()
    quote = turn.locator(".quote mark").first
    words = quote.text_content()
    with visit.context.expect_page() as opened:
        turn.locator(".quote-box .outward").first.click()
    article = opened.value
    mark = article.locator("mark")

    assert "2 May 2026" in (turn.locator(".answer").text_content() or "")
    assert turn.get_attribute("data-look") == "proven"
    assert mark.text_content() == words
    assert mark.evaluate("mark => mark.getBoundingClientRect().top < innerHeight")
    assert (visit.foreign(), visit.errors, visit.violations()) == ([], [], [])
