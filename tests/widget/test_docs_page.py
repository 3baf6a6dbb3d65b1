"""The page of the API's description, in a browser."""

from playwright.sync_api import expect

from tests.widget.browsing import Visit


def test_every_operation_is_shown_under_a_policy_that_holds(visit: Visit) -> None:
    """Nothing is asked of others, and what the page shows is what programs are told."""
    described = visit.open("/docs").page.request.get(f"{visit.home}/openapi.json").json()
    operations = sum(len(methods) for methods in described["paths"].values())

    expect(visit.page.locator(".opblock")).to_have_count(operations)
    visit.page.locator(".opblock-summary", has_text="/v1/ask").first.click()
    expect(visit.page.locator(".opblock.is-open")).to_contain_text("question")
    assert (visit.foreign(), visit.violations(), visit.errors) == ([], [], [])
