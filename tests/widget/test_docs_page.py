"""The page of the API's description, in a browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.widget.browsing import Visit


def test_every_operation_and_every_field_is_shown(visit: Visit) -> None:
    """The page shows what the schema states; every link in it works."""
    described = visit.open("/docs").page.request.get(f"{visit.home}/openapi.json").json()
    operations = [f"{method.upper()} {path}" for path, methods in described["paths"].items() for method in methods]
    shown = visit.page.locator("main h2 code").all_inner_texts()
    targets = visit.page.locator("main a[href^='#']").evaluate_all("links => links.map(link => link.hash.slice(1))")
    fields = set(visit.page.locator("main tbody th").all_inner_texts())

    assert shown == operations
    assert (
        visit.page.evaluate("targets => targets.filter(each => !document.getElementById(decodeURI(each)))", targets)
        == []
    )
    assert set(described["components"]["schemas"]["Answer"]["properties"]) <= fields
    visit.page.locator("summary").first.click()
    expect(visit.page.locator("details[open]")).to_contain_text("citations")
    assert (visit.foreign(), visit.violations(), visit.errors) == ([], [], [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(new_visit: Callable[..., Visit], scheme: str) -> None:
    """The first example is open."""
    visit = new_visit(color_scheme=scheme).open("/docs")
    visit.page.locator("summary").first.click()

    assert visit.axe() == []
