"""The service's pages in a browser: first view, print, and without JavaScript."""

from collections.abc import Callable
from typing import get_args

import pytest
from playwright.sync_api import expect

from service.readers.answerability import Doubt
from tests.widget.browsing import Visit

EXPLAINED = """([trace, status, lang]) => {
  const words = { lang, knows: (key) => ["not_in_source", "low_relevance"].includes(key), say: (key) => key };
  const reply = { sources: [{ id: "src_1", title: "<b>Title</b>", language: "en" }],
    trace, status, status_reason: null };
  const shown = Object.assign(document.createElement("dateline-explanation"), { reply, words });
  document.body.append(shown);
  const details = shown.shadowRoot.querySelector("details"), before = details.textContent;
  return new Promise((done) => {
    details.addEventListener("toggle", () => {
      done([before, details.innerText.split("\\n").filter(Boolean)]);
      shown.remove();
    });
    details.open = true; }); }"""


@pytest.mark.parametrize("height", [844, 640])
def test_the_question_comes_first_on_a_phone(new_visit: Callable[..., Visit], height: int) -> None:
    """The field is in the upper half of the screen, above the texts."""
    visit = new_visit(viewport={"width": 390, "height": height}).open("/")
    field = visit.chat.locator("#question").bounding_box()
    headline = visit.page.locator(".headlines a").first.bounding_box()

    assert field is not None
    assert headline is not None
    assert field["y"] + field["height"] < min(height, 700) / 2 + 60
    assert field["y"] < headline["y"]


def test_the_conversation_is_printed_and_the_rest_is_not(visit: Visit) -> None:
    """In print there are question, answer and sources, without field, headlines and navigation."""
    turn = visit.open("/").ask("checked")
    visit.page.emulate_media(media="print")

    for printed in (turn.locator(".question"), turn.locator(".answer"), turn.locator(".sources")):
        expect(printed.first).to_be_visible()
    for left_out in ("nav", ".columns", ".skip"):
        expect(visit.page.locator(left_out).first).to_be_hidden()
    expect(visit.chat.locator("#question")).to_be_hidden()


@pytest.mark.parametrize(("path", "element"), [("/embed?theme=dark", "dateline-chat"), ("/articles", "html")])
def test_paper_is_light(new_visit: Callable[..., Visit], path: str, element: str) -> None:
    """Print ignores the theme."""
    page = new_visit(color_scheme="dark").open(path).page
    page.emulate_media(media="print")

    assert page.locator(element).evaluate("each => getComputedStyle(each).colorScheme") == "light"


@pytest.mark.parametrize("media", ["screen", "print"])
def test_a_quote_is_marked_by_more_than_colour(visit: Visit, media: str) -> None:
    """The quote has a line of two pixels under it, also in print."""
    visit.open("/articles/ferry-ends?start=0&end=39").page.emulate_media(media=media)  # type: ignore[arg-type]
    mark = visit.page.locator("mark")

    assert mark.evaluate("mark => getComputedStyle(mark).textDecorationLine") == "underline"
    assert mark.evaluate("mark => getComputedStyle(mark).textDecorationThickness") == "2px"
    if media == "print":
        assert mark.evaluate("mark => getComputedStyle(mark).printColorAdjust") == "exact"
        expect(visit.page.locator(".steps")).to_be_hidden()


@pytest.mark.parametrize("path", ["/", "/embed", "/embed?lang=ar"])
def test_without_javascript_there_is_a_way_to_the_articles(new_visit: Callable[..., Visit], path: str) -> None:
    """The page says what is missing, and is not blank."""
    visit = new_visit(java_script_enabled=False).open(path)

    expect(visit.page.locator("main")).to_contain_text("JavaScript" if "lang" not in path else "جافاسكريبت")
    expect(visit.page.locator("main a[href='/articles']").first).to_be_visible()


def test_a_reader_of_an_article_can_ask_about_it(visit: Visit) -> None:
    """Only that article answers, its conversation is separate, and a link leads back."""
    visit.open("/articles/ferry-ends").page.get_by_role("link", name="Ask about this article").click()
    visit.ask("checked")

    assert visit.service.asked[-1]["filters"] == {"article_ids": ["ferry-ends"]}
    expect(visit.page.get_by_role("link", name="Back to the article")).to_be_visible()
    visit.page.get_by_role("link", name="Ask all articles").click()
    expect(visit.chat.locator("#question")).to_be_visible()
    assert visit.chat.locator(".turn").count() == 0


def test_paragraphs_and_headings_can_be_walked_through(visit: Visit) -> None:
    """A sample article has its headings below its title, and the author's paragraphs."""
    visit.open("/articles/council-approves-2026-budget")
    levels = visit.page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(each => each.tagName)")

    assert levels[0] == "H1"
    assert levels.count("H2") == len(levels) - 1 > 0
    assert visit.page.locator(".text > p").count() > 5
    assert "#" not in visit.page.locator(".text").inner_text()


def test_readers_see_how_an_answer_was_made(visit: Visit) -> None:
    """It is closed at first, says what was searched, chosen and checked, and has no fault for axe."""
    turn = visit.open("/").ask("When did the Skelhaven library reopen?")
    how = turn.locator("dateline-explanation")
    expect(how.locator("dl")).to_have_count(0)
    how.locator("summary").click()

    assert visit.service.asked[-1]["include"] == ["trace"]
    expect(how.locator("dt")).to_have_count(4)
    expect(how.locator("dd").first).to_contain_text("When did the Skelhaven library reopen?")
    expect(how.locator("b")).to_have_count(1)
    assert how.locator("li").first.inner_text().startswith("The Skelhaven Library reopened on Saturday")
    assert visit.axe() == []
    visit.page.reload()
    expect(visit.chat.locator("dateline-explanation summary")).to_be_visible()
    visit.page.emulate_media(media="print")
    expect(how).to_be_hidden()
    assert (visit.errors, visit.violations()) == ([], [])


def test_each_finding_of_a_trace_is_told_in_each_language(visit: Visit) -> None:
    """Doubts, withheld sentences and calls of a model have texts; markup stays text; an abstention gives no hint."""
    visit.open("/embed")
    sentence = {"text": "<img src=x onerror=alert(1)>", "source_id": "src_1", "is_quoted": True}
    checks = [
        {"text": "One.", "result": result, "reason": "not_in_source", "is_word_for_word": exact}
        for result, exact in (("verified", True), ("verified", False), ("partial", False), ("withheld", False))
    ]
    trace = {
        "question": {"searched": "Who?", "kind": "fact", "period": None},
        "searches": [{"found": 50}],
        "sentences": [sentence],
        "decision": {"result": "weak", "doubts": list(get_args(Doubt)), "missing": ["Narnia"]},
        "checks": checks,
        "model_calls": [{"purpose": "answer", "model": "gpt", "failure": "reader_timeout"}],
    }
    abstained = trace | {"decision": {"result": "abstain", "doubts": ["unrelated"], "missing": []}}
    said = []
    for language in ("en", "de", "ar"):
        before, lines = visit.page.evaluate(EXPLAINED, [trace, "partial", language])
        text = "\n".join(lines)
        assert lines[0] == before
        assert "how_" not in text
        assert "{" not in text
        assert sentence["text"] in lines
        assert "Narnia" in text
        unanswered, reasons = visit.page.evaluate(EXPLAINED, [abstained, "not_in_sources", language])
        assert sentence["text"] not in reasons
        assert unanswered not in (before, "")
        said.append(set(lines))
    assert set.intersection(*said) == {"One.", sentence["text"]}
