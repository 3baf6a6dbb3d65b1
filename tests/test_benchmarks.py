"""The benchmarks: commands that the pages name, and pages that are written from figures."""

import argparse
import importlib
import re
import shlex
import sys
from pathlib import Path

import pytest

from benchmarks import scaling, suite
from benchmarks.figures import Figure, Machine, Run

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "docs" / "scaling.md", ROOT / "docs" / "benchmarks.md", ROOT / "benchmarks" / "README.md")
COMMAND = re.compile(r"python -m (benchmarks\.[^`\n]+)")
MACHINE = Machine("1 May 2026", "Test", 2, 8, 0.1, 0.2)


def commands() -> list[str]:
    """Return the commands of benchmarks that the pages name, without their program."""
    return sorted({found for page in PAGES for found in COMMAND.findall(page.read_text(encoding="utf-8"))})


class Parsed(Exception):
    """Raised in place of the work of a program."""


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_pages_parses(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command that a page names is a program with these options."""
    module, *options = shlex.split(command)
    parse = argparse.ArgumentParser.parse_args

    def parsed(parser: argparse.ArgumentParser, *given: object) -> None:
        parse(parser, options)
        raise Parsed

    program = importlib.import_module(module)
    monkeypatch.setattr(sys, "argv", [module, *options])
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parsed)
    with pytest.raises(Parsed):
        program.main()


def test_the_scaling_page_is_written_from_the_measured_figures() -> None:
    """`python -m benchmarks.scaling --write` would change neither the page nor the plot."""
    known = scaling.Constants(Run.read(scaling.MEASURED))
    text = scaling.PAGE.read_text(encoding="utf-8")
    assert scaling.page(known, text) == text
    assert scaling.plot(known) == scaling.PLOT.read_text(encoding="utf-8")


def test_each_figure_of_the_scaling_page_has_its_command() -> None:
    """Each measured figure names a program; each row of the table has a measured figure or a formula."""
    programs = {command.split()[0] for command in commands()}
    assert {each.command.removeprefix("python -m ") for each in Run.read(scaling.MEASURED).figures} <= programs
    assert all(row.formula for row in scaling.ROWS)
    assert {row.figure for row in scaling.ROWS} <= scaling.SHOWN


@pytest.mark.parametrize(
    ("unit", "value", "other", "ratio"), [("ms", 2, 6, 3), ("chunks/s", 6, 2, 3), ("s", 2, None, None)]
)
def test_a_ratio_above_one_means_that_dateline_is_better(
    unit: str, value: float, other: float | None, ratio: float | None
) -> None:
    """More of a rate is better, less of anything else."""
    assert Figure("a figure", value, unit, other=other).ratio == ratio


def test_a_run_can_be_written_and_read(tmp_path: Path) -> None:
    """A file has the same run, to four digits."""
    run = Run(MACHINE, (Figure("a", 1.5, "s", 100, "≤ 2 s", 3.0, "python -m x"), Figure("b", 2)))
    run.write(tmp_path / "run.json")
    assert Run.read(tmp_path / "run.json") == run


def test_the_page_of_the_suite_is_written_from_its_figures() -> None:
    """`docs/benchmarks.md` is the page of `benchmarks/suite.json`."""
    assert suite.PAGE.read_text(encoding="utf-8") == suite.page(Run.read(suite.MEASURED))


def test_a_page_has_a_row_for_each_figure_and_a_bar_for_each_ratio() -> None:
    """A figure without an alternative, as on a machine without the stock packages, has a row and no bar."""
    alone, beside = Figure("alone", 2, "s", 100, "≤ 3 s"), Figure("beside", 2, "ms", 100, other=30)
    page = suite.page(Run(MACHINE, (alone, beside)))
    rows = [line for line in page.splitlines() if line.startswith(("| alone", "| beside"))]
    assert [row.count("|") for row in rows] == [8, 8]
    assert [line.split()[0] for line in page.splitlines() if "█" in line] == ["beside"]
    assert str(MACHINE) in page
