"""The documentation matches the code."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
from fastapi.routing import APIRoute
from typer.main import get_command

from dateline.__main__ import app
from eval.settings import EvalSettings
from index.errors import IngestRunning, PublishFailed
from index.settings import IndexSettings
from ingest.load.formats import FORMATS
from ingest.settings import IngestSettings
from service import trace
from service.api import app as service_app
from service.api import articles, ask, feedback
from service.api.compat import chat, models, responses
from service.api.errors import PROBLEMS
from service.errors import ReaderFailed
from service.metrics import COUNTERS, GAUGES, HISTOGRAMS
from service.readers.answerability import Doubt
from service.records import CitationMode, Mode, ReaderChoice, Status, StatusReason
from service.settings import ServiceSettings
from tests import settings_page, sources_page

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def code_blocks(page: Path) -> str:
    """Return the content of a page's fenced blocks that show a shell."""
    return "\n".join(
        re.findall(r"^```(?:sh|console)\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    )


def makefile_targets() -> set[str]:
    """Return the public targets of the Makefile."""
    (phony,) = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    return set(phony.split())


def test_the_settings_page_is_current() -> None:
    """`docs/settings.md` and `.env.example` match the settings classes; `make docs` writes them."""
    assert settings_page.PAGE.read_text(encoding="utf-8") == settings_page.page()
    assert settings_page.EXAMPLE.read_text(encoding="utf-8") == settings_page.example()


def test_the_sources_page_is_current() -> None:
    """`docs/sources.md` has each field that a format is read from; `make docs` writes the tables."""
    assert sources_page.PAGE.read_text(encoding="utf-8") == sources_page.page()
    assert {form.name for form in FORMATS} < sources_page.described()


def test_every_setting_is_described() -> None:
    """Every setting has its own variable and a sentence that explains it."""
    kinds = (IndexSettings, IngestSettings, ServiceSettings, EvalSettings)
    settings = [setting for kind in kinds for setting in settings_page.declared_settings(kind)]
    assert len({setting.variable for setting in settings}) == len(settings) > 10
    assert all(setting.meaning.endswith(".") for setting in settings)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_command_on_a_page_exists(page: Path) -> None:
    """Each `make` and `dateline` command on a page is a target of the Makefile or a command of Dateline."""
    text = code_blocks(page)
    targets = set(re.findall(r"^(?:\$ )?make (?:[A-Z]+=\S+ )*([a-z]+)", text, re.MULTILINE))
    commands = set(re.findall(r"^(?:\$ )?(?:\S*/|python -m )?dateline ([a-z]+)", text, re.MULTILINE))
    assert targets <= makefile_targets()
    assert commands <= set(getattr(get_command(app), "commands", ()))


def test_the_readme_shows_how_to_begin() -> None:
    """The README has the commands that a newcomer needs."""
    text = code_blocks(ROOT / "README.md")
    for command in ("make run", "make test", "dateline ask", "dateline ingest"):
        assert command in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_link_on_a_page_is_valid(page: Path) -> None:
    """Each link between pages leads to an existing file or folder."""
    for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_readme_gives_the_measured_rates() -> None:
    """The README's figures on near misses and other subjects are those of the shipped calibration."""
    rates = json.loads((ROOT / "service" / "readers" / "calibration.json").read_text(encoding="utf-8"))["rates"]
    near, other = rates["near_misses"], rates["off_topic"]
    stated = re.findall(r"(\d+) %", (ROOT / "README.md").read_text(encoding="utf-8").partition("**Near misses.**")[2])
    measured = (near["answered"], near["weak"], near["abstain"], other["abstain"])
    assert stated[:4] == [f"{rate * 100:.0f}" for rate in measured]


def test_the_api_page_names_every_endpoint() -> None:
    """`docs/api.md` has each endpoint of the API's description."""
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    routes = [
        route
        for part in (ask, articles, chat, feedback, models, responses, service_app)
        for route in part.router.routes
        if isinstance(route, APIRoute) and route.include_in_schema
    ]
    endpoints = {
        f"{method} {re.sub(r'{.*}', '{id}', route.path)}" for route in routes for method in route.methods or ()
    }
    assert len(endpoints) > 5
    assert {endpoint for endpoint in endpoints if f"`{endpoint}`" not in page} == set()


def test_the_api_page_explains_every_field_of_a_trace() -> None:
    """`docs/api.md` has each field of a trace in its example, and each doubt."""
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    kinds = [kind for name, kind in vars(trace).items() if name.startswith("Trace")]
    names = {field.name for kind in kinds for field in fields(kind)}
    assert len(names) > 50
    assert {name for name in names if not re.search(rf"[\"`]{name}[\"`]", page)} == set()
    assert {doubt for doubt in get_args(Doubt) if f"`{doubt}`" not in page} == set()


def test_the_api_page_explains_every_status_and_error() -> None:
    """`docs/api.md` has each status reason, each mode and each error code."""
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    words = {word for kind in (Status, StatusReason, Mode, ReaderChoice, CitationMode) for word in get_args(kind)}
    codes = {problem.code for kind, problem in PROBLEMS.items() if not issubclass(kind, (IngestRunning, PublishFailed))}
    reader = {kind.code for kind in ReaderFailed.__subclasses__() if kind.__module__ == ReaderFailed.__module__}
    assert {word for word in words | codes | reader if f"`{word}`" not in page} == set()


def test_the_operations_page_lists_every_metric() -> None:
    """`docs/operations.md` has each metric of the service with its labels, and no other one."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (`dateline_[^|]*)\|([^|]*)\|", page, re.MULTILINE)
    stated = {name: set(re.findall(r"`(\w+)`", of)) for names, of in table for name in re.findall(r"`(\w+)`", names)}
    labelled = {name: set(of.labels) for kind in (HISTOGRAMS, COUNTERS) for name, of in kind.items()}
    assert stated == {**labelled, **{name: set() for name in GAUGES}}


def test_the_threat_model_names_tests_that_exist() -> None:
    """Each row of `docs/threats.md` names files or folders of tests."""
    rows = re.findall(r"^\| .* \|$", (ROOT / "docs" / "threats.md").read_text(encoding="utf-8"), re.MULTILINE)[1:]
    named = [re.findall(r"`(tests/[^`]+)`", row) for row in rows]

    assert len(rows) > 10
    assert all(named), rows
    assert [path for paths in named for path in paths if not (ROOT / path).exists()] == []
