"""``crm test FILE``: scenarios of a configuration, at once on paper or for real on a lab.

The format is in ``docs/crmtest.md``. A test that is not met is a failure with file and line, and
makes the exit code 1, as is one that names what is not there. A file that cannot be read ends the
run with its own before any test has begun.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Protocol

from crmsh_py.errors import CrmError, UsageError
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell.crmtest import (
    Configure,
    Expectation,
    Scenario,
    Step,
    TestFile,
    TimePasses,
    read,
)
from crmsh_py.shell.crmtest_check import Seen, disappointment
from crmsh_py.shell.ended import by_exception
from crmsh_py.shell.events import Event
from crmsh_py.shell.session import Session
from crmsh_py.views import junit
from crmsh_py.views.junit import Failure, TestResult

_REASONS = 6  # lines that say why, under a failure


class Cluster(Protocol):
    """What a test runs on: ``crmtest_paper.Paper`` or ``crmtest_lab.RealLab``."""

    def happen(self, step: Event | TimePasses | Configure) -> None:
        """Let something happen, and wait until the cluster has answered."""

    def look(self) -> Seen:
        """What is so now."""

    def explain(self, resource: str) -> list[str]:
        """Why a resource is where it is."""

    def end(self) -> None:
        """Take the cluster away."""


def test(session: Session, call: CommandCall) -> int:
    """Run all tests of the files."""
    names = call.all("TEST_FILE")
    if not names:
        raise UsageError("no file of tests is named", hint="crm test examples/website.crmtest")
    files = [read(name) for name in names]
    target = call.get("FILE_NAME") or ""
    if target:
        _refuse_unwritable(target)
    made = _maker(session, lab=call.has("LAB_OPTION"))
    with by_exception():
        results = [_run(file, scenario, made) for file in files for scenario in file.scenarios]
    done = junit.report(results)
    colour = session.console.colour(session.console.out_stream)
    session.show(junit.text(done, colour=colour), lambda: done)
    if target:
        _write(target, junit.junit(done))
    return 1 if done.failed else 0


def _maker(session: Session, *, lab: bool) -> Callable[[TestFile], Cluster]:
    """What makes a new cluster for a test."""
    if not lab:
        from crmsh_py.shell.crmtest_paper import Paper

        return lambda file: Paper(file, session.catalogue)
    from crmsh_py.shell.crmtest_lab import RealLab

    numbers = iter(range(1, 10_000))
    return lambda file: RealLab(file, session, next(numbers))


def _refuse_unwritable(path: str) -> None:
    """Raise CrmError before the tests run, which may take long. No file is left or changed."""
    there = os.path.exists(path)
    if there and not (os.path.isfile(path) or os.path.isdir(path)):
        return  # a pipe has a reader, who must not see its end yet
    try:
        with open(path, "ab"):
            pass
        if not there:
            os.unlink(path)
    except OSError as error:
        raise CrmError(f"{path} cannot be written: {error.strerror}") from None


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise CrmError(f"{path} cannot be written: {error.strerror}") from None


def _run(file: TestFile, scenario: Scenario, make: Callable[[TestFile], Cluster]) -> TestResult:
    begun = time.monotonic()
    cluster = make(file)
    failures: list[Failure] = []
    checked = 0
    try:
        for step in scenario.steps:
            if isinstance(step.does, Expectation):
                checked += 1
                failures += _check(file, step, step.does, cluster)
            elif found := _happen(file, step, step.does, cluster):
                failures.append(found)
                break  # what follows was meant for after this
    finally:
        cluster.end()
    seconds = time.monotonic() - begun
    return TestResult(file.path, scenario.name, scenario.line, checked, seconds, tuple(failures))


def _happen(
    file: TestFile, step: Step, does: Event | TimePasses | Configure, cluster: Cluster
) -> Failure | None:
    try:
        cluster.happen(does)
    except CrmError as error:
        return _impossible(file, step, error)
    return None


def _impossible(file: TestFile, step: Step, error: CrmError) -> Failure:
    """A step that cannot be, by a wrong name or as the cluster is then: the other tests go on."""
    hint = (error.hint,) if error.hint else ()
    return Failure(file.path, step.line, step.text, error.message, hint)


def _check(file: TestFile, step: Step, expected: Expectation, cluster: Cluster) -> list[Failure]:
    try:
        instead = disappointment(expected, cluster.look())
    except CrmError as error:
        return [_impossible(file, step, error)]
    if not instead:
        return []
    reasons: list[str] = []
    if expected.subject == "resource":
        reasons = cluster.explain(expected.name)[:_REASONS]
    return [Failure(file.path, step.line, step.text, instead, tuple(reasons))]
