"""Results of tests: as text for people, and as JUnit XML for CI.

Input: records of what was run; output: text with a newline at the end.
"""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import to_xml
from crmsh_py.value import frozen


@frozen
class Failure:
    """An expectation that was not met, or an event that could not happen, at a line of a file."""

    file: str
    line: int
    text: str
    instead: str
    because: tuple[str, ...] = ()


@frozen
class TestResult:
    """One test. ``checked`` counts its expectations; ``seconds`` is how long it took."""

    file: str
    name: str
    line: int
    checked: int
    seconds: float
    failures: tuple[Failure, ...] = ()


@frozen
class TestReport:
    """All tests of one run."""

    tests: tuple[TestResult, ...]
    passed: int
    failed: int


def report(tests: Sequence[TestResult]) -> TestReport:
    """The record of a run."""
    failed = sum(bool(test.failures) for test in tests)
    return TestReport(tuple(tests), len(tests) - failed, failed)


def text(done: TestReport, *, colour: bool = False) -> str:
    """A line for every test, and under it what was not as expected."""
    lines = []
    for test in done.tests:
        word, code = ("FAILED", "1;31") if test.failures else ("ok", "32")
        lines.append(f"{_coloured(word, code, colour)} {test.file}: {test.name}")
        for failure in test.failures:
            lines.append(f"  {failure.file}:{failure.line}: {failure.text}")
            lines.append(f"    {failure.instead}")
            lines += [f"      {reason}" for reason in failure.because]
    total = f"{done.passed} passed"
    if done.failed:
        total += f", {done.failed} failed"
    return "\n".join([*lines, total]) + "\n"


def _coloured(word: str, code: str, colour: bool) -> str:
    return f"\033[{code}m{word:<6}\033[0m" if colour else f"{word:<6}"


def junit(done: TestReport) -> str:
    """JUnit XML: a suite for every file, as CI systems read it."""
    suites = []
    for file in dict.fromkeys(test.file for test in done.tests):
        tests = [test for test in done.tests if test.file == file]
        attrs = {
            "name": file,
            "tests": str(len(tests)),
            "failures": str(sum(bool(test.failures) for test in tests)),
            "errors": "0",
            "time": f"{sum(test.seconds for test in tests):.3f}",
        }
        suites.append(Element("testsuite", attrs, tuple(map(_case, tests))))
    return to_xml(Element("testsuites", {}, tuple(suites)), declaration=True)


def _case(test: TestResult) -> Element:
    attrs = {
        "name": test.name,
        "classname": test.file,
        "file": test.file,
        "line": str(test.line),
        "time": f"{test.seconds:.3f}",
    }
    return Element("testcase", attrs, tuple(map(_failure, test.failures)))


def _failure(failure: Failure) -> Element:
    place = f"{failure.file}:{failure.line}: {failure.text}"
    lines = "\n".join((place, failure.instead, *failure.because))
    return Element("failure", {"message": failure.instead, "type": "expectation"}, (), lines)
