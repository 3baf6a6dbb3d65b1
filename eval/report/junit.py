"""The report as JUnit XML, which a build server shows beside the other tests.

A question fails where the gate blames it. One that was bad before as well is skipped, with its verdict.
"""

from collections.abc import Sequence

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from eval.gate import RULES, Breach
from eval.report import Report
from eval.report.cases import Case, cases
from eval.report.words import visible


def to_junit(report: Report) -> str:
    """Render a report: a suite for the gate with a case a rule, then a suite a type with a case a question."""
    xml = JUnitXml("dateline eval")
    shown = sorted(cases(report), key=lambda case: case.item.id)
    questions = {kind: [case for case in shown if case.item.type == kind] for kind in {c.item.type for c in shown}}
    suites = {"gate": [_rule(report, rule) for rule in RULES]} | {
        kind: [_question(case, report.latency_ms.get(case.item.id, 0.0)) for case in found]
        for kind, found in sorted(questions.items())
    }
    for name, tests in suites.items():
        suite = TestSuite(name)
        for key, value in (("verdict", ": ".join(report.verdict)), ("validated", report.validated), *report.made_of):
            suite.add_property(key, visible(value))
        suite.add_testcases(tests)
        xml.add_testsuite(suite)
    xml.update_statistics()  # type: ignore[no-untyped-call]
    return bytes(xml.tostring()).decode() + "\n"  # type: ignore[no-untyped-call]


def _rule(report: Report, rule: str) -> TestCase:
    test = TestCase(rule, "gate")
    broken = [breach for breach in report.decision.breaches if breach.rule == rule]
    if broken:
        test.result = [_blame(Error if rule == "complete" else Failure, broken)]
    elif report.decision.exit_code == 3 and rule != "complete":
        test.result = [Skipped("not checked: the run is incomplete")]
    return test


def _question(case: Case, milliseconds: float) -> TestCase:
    after = case.row.after.verdict
    test = TestCase(visible(f"{case.item.id}: {case.item.question}"), case.item.type, round(milliseconds / 1000, 3))
    if after.outcome == "error":
        test.result = [Error(visible(after.note), "infrastructure")]
    elif case.breaches:
        test.result = [_blame(Failure, case.breaches)]
        facts = [f"{'stated' if fact.now else 'missing'}: {fact.text}" for fact in case.facts]
        lines = (f"before: {case.before}", f"now: {case.now}", *facts, f"dateline eval explain {case.item.id}")
        test.system_out = visible("\n".join(lines))
    elif not after.good:
        change = "lost, which is accepted" if case.accepted else case.change
        test.result = [Skipped(visible(f"{change}: {after.outcome} {after.note}".strip()))]
    return test


def _blame(kind: type[Error | Failure], breaches: Sequence[Breach]) -> Error | Failure:
    blame = kind(visible(f"{breaches[0].rule}: {breaches[0].detail}"), breaches[0].rule)
    blame.text = visible("\n".join(f"{b.rule} [{b.stage or '-'}]: {b.question or ''} {b.detail}" for b in breaches))
    return blame
