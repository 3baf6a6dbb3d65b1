"""The dashboard, the alert rules and the runbook match the metrics of the service."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.api.errors import known_errors
from service.metrics import COUNTERS, GAUGES, HISTOGRAMS, Metrics

DOCS = Path(__file__).resolve().parent.parent / "docs"
RUNBOOK = DOCS / "runbook.md"
OF_A_TARGET = {"instance", "job"}
"""Labels that Prometheus adds."""

NAME = re.compile(r"\b(?:dateline|process)_\w+")
SELECTOR = re.compile(r"\b(\w+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(?:=|=~|!=|!~)\s*"([^"]*)"')


def series() -> dict[str, set[str]]:
    """Return the labels of each series by its name."""
    parts = {f"{name}_{part}": {*of.labels} for name, of in HISTOGRAMS.items() for part in ("count", "sum", "bucket")}
    counted = {name: set(of.labels) for name, of in COUNTERS.items()}
    of_process = {sample.name for family in Metrics().registry.collect() for sample in family.samples}
    return {
        **parts,
        **counted,
        **{name: set() for name in (*GAUGES, *(name for name in of_process if name.startswith("process_")))},
    }


def alerts() -> list[dict[str, Any]]:
    """Return the alert rules."""
    groups = yaml.safe_load((DOCS / "examples" / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard."""
    dashboard = json.loads((DOCS / "examples" / "grafana-dashboard.json").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = dashboard["panels"]
    return found


def expressions() -> Iterator[str]:
    """Yield every expression of an alert or a panel."""
    yield from (rule["expr"] for rule in alerts())
    yield from (target["expr"] for panel in panels() for target in panel.get("targets", ()))


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_an_expression_reads_metrics_that_exist(expression: str) -> None:
    """Its names are series of the service, their labels exist, and errors have known types and codes."""
    known = series()
    assert set(NAME.findall(expression)) <= known.keys()
    for name, matchers in SELECTOR.findall(expression):
        assert {label for label, _ in MATCHER.findall(matchers)} <= known.get(name, set()) | OF_A_TARGET, name
        if name == "dateline_errors_total":
            for label, values in MATCHER.findall(matchers):
                errors = {dict(zip(("type", "code"), each, strict=True)).get(label) for each in known_errors()}
                assert label in OF_A_TARGET or set(values.split("|")) <= errors, values
    assert all(expression.count(opening) == expression.count(closing) for opening, closing in ("()", "{}", "[]"))


def test_the_pages_name_metrics_that_exist() -> None:
    """The runbook and the operations page name no other metric."""
    names = {
        name
        for page in (RUNBOOK, DOCS / "operations.md")
        for name in re.findall(r"\bdateline_[a-z_]+\b", page.read_text(encoding="utf-8"))
    }
    assert len(names) > 20
    assert names <= series().keys() | HISTOGRAMS.keys()


def test_every_alert_has_its_heading_in_the_runbook() -> None:
    """The runbook has a section for each alert, in the same order, and the alert links to it."""
    names = [rule["alert"] for rule in alerts()]
    assert re.findall(r"^## (\w+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE) == names
    for rule in alerts():
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"].endswith(".")


def test_the_dashboard_can_be_imported() -> None:
    """Panels have ids of their own and do not overlap; each query uses the chosen Prometheus."""
    places = [panel["gridPos"] for panel in panels()]
    assert len({panel["id"] for panel in panels()}) == len(places) > 20
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    assert not any(
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
        for one, other in combinations(places, 2)
    )
    for panel in panels():
        assert panel["type"] == "row" or panel["datasource"]["uid"] == "${datasource}"
        assert len({target["refId"] for target in panel.get("targets", ())}) == len(panel.get("targets", ()))
