"""The report as JUnit XML: what a build server shows beside the other tests.

A question fails where the gate blames it. One that is not answered well, and was not before, is skipped with its
verdict: a build that is red every day says nothing. An error is an error, and so is a run that is incomplete.
"""

from collections import Counter
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from eval.gate import Breach
from eval.report import Report
from eval.report.cases import Case, cases
from eval.report.views import decision_shown, verdict
from eval.report.words import visible

RULES = (
    "complete",
    "injection",
    "dangling citation",
    "false quote",
    "critical question",
    "floor",
    "ceiling",
    "lost question",
    "holdout",
    "budget",
)
"""The gate's rules in their order."""

KNOWN = {"same": "not answered well before either", "won": "better, but not answered well"}


def to_junit(report: Report) -> str:
    """Suites: the gate with a test case a rule, then each type with a test case a question."""
    root = Element("testsuites", name="dateline eval")
    _gate(root, report)
    shown = sorted(cases(report), key=lambda case: case.item.id)
    for kind in sorted({case.item.type for case in shown}):
        suite = _suite(root, kind, report)
        for case in shown:
            if case.item.type == kind:
                _question(suite, case, report.latency_ms.get(case.item.id, 0.0) / 1000)
    _count(root)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _gate(root: Element, report: Report) -> None:
    suite = _suite(root, "gate", report)
    breaches = decision_shown(report).breaches
    incomplete = any(breach.rule == "complete" for breach in breaches)
    for rule in dict.fromkeys((*RULES, *(breach.rule for breach in breaches))):
        case = SubElement(suite, "testcase", classname="gate", name=rule)
        broken = [breach for breach in breaches if breach.rule == rule]
        if broken:
            _blame(case, "error" if rule == "complete" else "failure", broken)
        elif incomplete and rule != "complete":
            SubElement(case, "skipped", message="not asked: the run is incomplete")


def _question(suite: Element, case: Case, seconds: float) -> None:
    after = case.row.after.verdict
    name = visible(f"{case.item.id}: {case.item.question}")
    test = SubElement(suite, "testcase", classname=case.item.type, name=name, time=f"{seconds:.3f}")
    stage = f" at {after.stage}" if after.stage else ""
    if after.outcome == "error":
        SubElement(test, "error", message=visible(after.note), type="infrastructure").text = visible(case.now)
    elif case.breaches:
        _blame(test, "failure", case.breaches)
        SubElement(test, "system-out").text = _story(case)
    elif not after.good:
        known = "lost, which is accepted" if case.accepted else KNOWN.get(case.change, case.change)
        SubElement(test, "skipped", message=visible(f"{known}: {after.outcome}{stage} {after.note}".strip()))


def _blame(test: Element, kind: str, breaches: Sequence[Breach]) -> None:
    first = breaches[0]
    blamed = SubElement(test, kind, message=visible(f"{first.rule}: {first.detail}"), type=first.rule)
    blamed.text = visible("\n".join(_line(breach) for breach in breaches))


def _line(breach: Breach) -> str:
    stage = f" [{breach.stage}]" if breach.stage else ""
    return f"{breach.rule}{stage}: {breach.question or ''} {breach.detail}".replace("  ", " ")


def _story(case: Case) -> str:
    facts = [f"{'stated' if fact.now else 'missing'}: {fact.text}" for fact in case.facts]
    before = [f"before: {case.before}"] if case.row.before else []
    again = f"dateline eval explain {case.item.id}"
    return visible("\n".join([*before, f"now: {case.now}", *facts, again]))


def _suite(root: Element, name: str, report: Report) -> Element:
    suite = SubElement(root, "testsuite", name=name)
    header = report.header
    properties = SubElement(suite, "properties")
    for key, value in (
        ("verdict", ": ".join(verdict(report))),
        ("validated", report.validated),
        ("lane", header.lane),
        ("gold", header.gold),
        ("corpus", header.corpus),
        ("fingerprint", header.fingerprint),
        ("graph", header.graph),
        ("reader", header.reader),
        ("subset", str(header.subset).lower()),
    ):
        SubElement(properties, "property", name=key, value=visible(value))
    return suite


def _count(root: Element) -> None:
    """Write how many tests, failures, errors and skips there are, by suite and in all."""
    total: Counter[str] = Counter()
    for suite in root:
        tests = suite.findall("testcase")
        counts = Counter({"tests": len(tests)})
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            counts[attribute] = sum(test.find(tag) is not None for test in tests)
        _write(suite, counts)
        total.update(counts)
    _write(root, total)


def _write(element: Element, counts: Counter[str]) -> None:
    for name in ("tests", "failures", "errors", "skipped"):
        element.set(name, str(counts[name]))
