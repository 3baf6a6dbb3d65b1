"""The report as JUnit XML."""

from pathlib import Path
from xml.etree import ElementTree as ET

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eval.records import Run
from eval.report.junit import RULES, to_junit
from eval.report.words import visible
from tests.eval.report_pieces import BAD, COMPASSES, HIDDEN, LENGTH, NOBODY, RISE, reply, report_of, run_of

WRONG = {RISE: reply("It ended after 9 days.", "ferry-strike")}


def suites_of(folder: Path, now: Run, before: Run | None = None, *accepted: str) -> dict[str, ET.Element]:
    """The suites of a report by name."""
    report = report_of(folder, now, before, accepted=accepted, latency_ms={RISE: 1_250.0})
    return {str(suite.get("name")): suite for suite in ET.fromstring(to_junit(report))}


def results(suite: ET.Element) -> dict[str, list[str]]:
    """What each test case holds, by the id of its question or the name of its rule."""
    return {str(test.get("name")).split(":")[0]: [part.tag for part in test] for test in suite.iter("testcase")}


def test_there_is_a_suite_for_the_gate_and_for_each_type(tmp_path: Path) -> None:
    """The gate's suite has a test case a rule, a type's suite one a question that may be shown."""
    suites = suites_of(tmp_path, run_of(), run_of())

    assert list(suites) == ["gate", "how_many", "unanswerable"]
    assert results(suites["gate"]) == {rule: [] for rule in RULES}
    assert results(suites["how_many"]) == {RISE: [], LENGTH: [], COMPASSES: []}
    assert results(suites["unanswerable"]) == {NOBODY: []}


def test_a_question_that_breaks_a_rule_fails(tmp_path: Path) -> None:
    """A lost question fails with its rules, and its answers are in the output; the rules fail as well."""
    suites = suites_of(tmp_path, run_of(WRONG), run_of())
    lost = next(suites["how_many"].iter("testcase"))
    failure, output = lost

    assert [failure.tag, output.tag] == ["failure", "system-out"]
    assert failure.get("type") == "critical question"
    assert str(failure.text).splitlines() == [
        f"critical question [reader]: {RISE} is wrong now",
        f"lost question [reader]: {RISE} was correct, is wrong",
    ]
    assert "now: It ended after 9 days [1]." in str(output.text)
    assert results(suites["gate"])["lost question"] == ["failure"]
    assert results(suites["gate"])["injection"] == []


def test_what_was_bad_before_is_skipped(tmp_path: Path) -> None:
    """A question that is not answered well, and was not before, is skipped with its verdict; an accepted loss too."""
    silent = {LENGTH: reply("", "ferry-strike")}
    known = suites_of(tmp_path / "a", run_of(silent), run_of(silent))["how_many"]
    meant = suites_of(tmp_path / "b", run_of(silent), run_of(), LENGTH)["how_many"]

    assert results(known)[LENGTH] == results(meant)[LENGTH] == ["skipped"]
    assert str(known.find("testcase/skipped[@message]").get("message")).startswith(  # type: ignore[union-attr]
        "not answered well before either: over_refused"
    )
    assert "accepted" in str(meant.find("testcase/skipped").get("message"))  # type: ignore[union-attr]


def test_an_error_is_an_error_and_no_failure(tmp_path: Path) -> None:
    """A question without a reply is an error, so is the rule that all must be measured; no other rule was asked."""
    suites = suites_of(tmp_path, run_of({**WRONG, LENGTH: "TimeoutError: 120 s"}), run_of())

    assert results(suites["how_many"])[LENGTH] == ["error"]
    assert results(suites["gate"]) == {rule: ["error"] if rule == "complete" else ["skipped"] for rule in RULES}
    assert not list(suites["how_many"].iter("failure"))


def test_counts_are_those_of_the_test_cases(tmp_path: Path) -> None:
    """Each suite, and the whole, says how many tests, failures, errors and skips it holds."""
    now = run_of({**WRONG, COMPASSES: "OSError", LENGTH: reply("", "ferry-strike")})
    root = ET.fromstring(to_junit(report_of(tmp_path, now, run_of())))

    for element in (root, *root):
        for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(str(element.get(name))) == len(list(element.iter(tag)))


def test_each_suite_names_what_was_measured(tmp_path: Path) -> None:
    """Verdict, lane and whole hashes are properties of every suite."""
    for suite in suites_of(tmp_path, run_of(), run_of()).values():
        properties = {element.get("name"): element.get("value") for element in suite.iter("property")}

        assert properties["verdict"] == "PASS: no verdict differs"
        assert properties["validated"] == "not validated against people"
        assert (properties["gold"], properties["corpus"]) == ("a1" * 32, "c0" * 32)
        assert (properties["fingerprint"], properties["graph"]) == ("f9" * 32, "9d" * 32)


def test_a_question_takes_its_seconds(tmp_path: Path) -> None:
    """The time of a test case is the question's, in seconds; of one that was not timed it is 0."""
    tests = suites_of(tmp_path, run_of(), run_of())["how_many"].iter("testcase")

    assert [test.get("time") for test in tests] == ["1.250", "0.000", "0.000"]


def test_a_rule_broken_by_the_holdout_fails_without_its_question(tmp_path: Path) -> None:
    """The holdout is compared as a whole: its rule fails, and no question is named."""
    gate = suites_of(tmp_path, run_of({HIDDEN: reply("", "museum-theft")}), run_of())["gate"]
    told = ET.tostring(gate, encoding="unicode")

    assert results(gate)["holdout"] == ["failure"]
    assert HIDDEN not in told


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=40).filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)))
def test_any_answer_is_whole_xml(tmp_path: Path, text: str) -> None:
    """Whatever an answer and an error hold, controls among it, the file can be read and says it."""
    answer = reply(f"({text}{BAD}).", "museum-theft", quote="Thieves took 12 compasses")
    suites = suites_of(tmp_path, run_of({COMPASSES: answer}), run_of())
    output = str(next(suites["how_many"].iter("system-out")).text)
    failed = suites_of(tmp_path, run_of({COMPASSES: f"OSError: {text}{BAD}"}), run_of())

    assert " ".join(visible(f"({text}{BAD})").split()) in " ".join(output.split())
    assert next(failed["how_many"].iter("error")).get("type") == "infrastructure"
