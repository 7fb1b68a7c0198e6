"""Test files: what they can say, what they find, and how they say where."""

from __future__ import annotations

import os
import signal
import textwrap
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from shell.person import Person
from tools.fakes import FakeCluster

from crmsh_py.cib.document import Cib
from crmsh_py.cib.patch import Patch
from crmsh_py.cib.version import Version
from crmsh_py.errors import ConfigError, CrmError, NoQuorum, SyntaxProblem
from crmsh_py.shell import cmd_root_test, crmtest, crmtest_lab

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.crmtest"))

BEGIN = """nodes alpha beta gamma
configuration {
    property stonith-enabled=false
    rsc_defaults resource-stickiness=10
    primitive ip ocf:pacemaker:Dummy op monitor interval=10s
    primitive web ocf:pacemaker:Dummy op monitor interval=10s
    group site ip web
    clone everywhere loner
    primitive loner ocf:pacemaker:Dummy
}
test it
"""


def run(person: Person, tmp_path: Path, *steps: str) -> str:
    """What is said about a test with these steps."""
    file = tmp_path / "it.crmtest"
    file.write_text(BEGIN + "".join(f"    {step}\n" for step in steps), encoding="utf-8")
    return person.types(f"test {file}")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda file: file.stem)
def test_the_examples_hold(person: Person, example: Path) -> None:
    said = person.types(f"test {example}")
    assert person.code == 0, said
    assert "failed" not in said.splitlines()[-1]


def test_the_page_shows_a_file_that_holds(person: Person, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "crmtest.md").read_text(encoding="utf-8")
    shown = page.partition("## A file")[2].partition("`nodes` names")[0]
    (tmp_path / "website.crm").write_text((ROOT / "examples" / "website.crm").read_text())
    (tmp_path / "site.crmtest").write_text(textwrap.dedent(shown))
    said = person.types(f"test {tmp_path}/site.crmtest")
    assert person.code == 0, said
    assert said.endswith("1 passed\n"), said


@pytest.mark.parametrize(
    "steps",
    [
        ("expect site runs", "expect ip runs on alpha", "expect web with ip"),
        ("node kill alpha", "expect node alpha not online", "expect site not on alpha"),
        ("node standby alpha", "expect node alpha standby", "expect site moved"),
        ("node maintenance alpha", "expect web unmanaged", "expect site not moved"),
        ("resource stop site", "expect site stopped", "resource start site", "expect site runs"),
        ("resource fail web", "expect web restarted", "expect ip not restarted"),
        ("expect everywhere runs on alpha beta gamma", "expect everywhere on beta"),
        ("resource move site beta", "expect site on beta", "resource clear site"),
        ("configure location no web -inf: alpha", "expect site not on alpha"),
        ("node kill alpha", "node kill beta", "expect site stopped", "node return alpha",
         "expect site runs"),
        ("time at 2026-06-01 08:00", "time 10min", "expect site runs"),
    ],
)  # fmt: skip
def test_what_can_be_said(person: Person, tmp_path: Path, steps: tuple[str, ...]) -> None:
    said = run(person, tmp_path, *steps)
    assert person.code == 0, said
    # Nothing that is expected is expected of everything: the opposite fails.
    last = next(step for step in reversed(steps) if step.startswith("expect"))
    words = last.split()
    at = 3 if words[1] == "node" else 2
    opposite = words[:at] + (words[at + 1 :] if words[at] == "not" else ["not", *words[at:]])
    place = steps.index(last) + 1
    assert "FAILED" in run(person, tmp_path, *steps[:place], " ".join(opposite))
    assert person.code == 1


def test_a_failure_says_where_and_what_is_so_instead_and_why(
    person: Person, tmp_path: Path
) -> None:
    said = run(person, tmp_path, "expect site runs on beta").splitlines()
    assert said[0] == f"FAILED {tmp_path / 'it.crmtest'}: it"
    assert said[1].strip() == f"{tmp_path / 'it.crmtest'}:12: expect site runs on beta"
    assert said[2].strip() == "site runs on alpha"
    assert any("score" in line for line in said[3:])
    assert said[-1] == "0 passed, 1 failed"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("expect site flies", "flies"),
        ("expect site", "expect RSC"),
        ("node explode alpha", "explode"),
        ("expect nothing runs", "nothing"),
        ("node kill omega", "omega"),
        ("configure primitive x ocf:pacemaker:Dumy", "Dumy"),
        ("configuration other.crm", "before the first test"),
        ("time soon", "soon"),
        ("resource fail web on", "OPERATION"),
        ("resource fail web banana on alpha", "banana"),
        ("time 999999999999h", "no calendar goes that far"),
        ("expect site not on alhpa", "did you mean alpha?"),
        ("expect site not runs on alpha omega", "omega"),
        ("expect site not promoted on omega", "omega"),
        ("fly away", "begins no line"),
        ("expect 'web", "cannot be read"),
    ],
)
def test_a_mistake_is_told_with_its_line(
    person: Person, tmp_path: Path, line: str, word: str
) -> None:
    said = run(person, tmp_path, line)
    assert person.code != 0
    assert word in said
    assert "it.crmtest:12: " in said


def test_a_mistake_in_the_configuration_has_its_line_in_the_file(
    person: Person, tmp_path: Path
) -> None:
    file = tmp_path / "bad.crmtest"
    file.write_text("nodes a\n\nconfiguration {\n  primitiv x ocf:pacemaker:Dummy\n}\ntest t\n")
    assert f"{file}:4: " in person.types(f"test {file}")


@pytest.mark.parametrize(
    ("text", "kind", "complaint"),
    [
        ("test x\n", ConfigError, "names no nodes"),
        ("nodes a\n", ConfigError, "has no tests"),
        ("nodes a a\ntest x\n", SyntaxProblem, "from one to 32 nodes, each once"),
        ("nodes a\nconfiguration {\n", SyntaxProblem, "this configuration has no end"),
    ],
)
def test_a_file_without_what_every_test_needs_is_refused(
    tmp_path: Path, text: str, kind: type[CrmError], complaint: str
) -> None:
    file = tmp_path / "bad.crmtest"
    file.write_text(text)
    with pytest.raises(kind, match=complaint):
        crmtest.read(str(file))


def test_what_cannot_be_promoted_is_not_promoted_here_either(
    person: Person, tmp_path: Path
) -> None:
    for verb in ("promote", "demote"):
        assert "site is not a promotable resource" in run(person, tmp_path, f"resource {verb} site")
        assert person.code == 1


def test_results_that_cannot_be_written_are_told_before_the_tests_run(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "it.crmtest"
    file.write_text(f"{BEGIN}  expect site runs\n")
    monkeypatch.setattr(cmd_root_test, "_run", lambda *_: pytest.fail("a test was run"))
    for target in (tmp_path, tmp_path / "nowhere" / "out.xml"):
        assert f"{target} cannot be written" in person.types(f"test --junit {target} {file}")
        assert person.code != 0


def test_results_are_shown_even_if_they_cannot_be_written_any_more(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, target = tmp_path / "it.crmtest", tmp_path / "out.xml"
    file.write_text(f"{BEGIN}  expect site runs\n")

    def full(*_: object) -> None:
        raise CrmError("the disk is full")

    monkeypatch.setattr(cmd_root_test, "_write", full)
    said = person.types(f"test --junit {target} {file}")
    assert "1 passed" in said
    assert "the disk is full" in said
    assert not target.exists()


def test_ci_reads_the_results(person: Person, tmp_path: Path) -> None:
    file, target = tmp_path / "it.crmtest", tmp_path / "out.xml"
    file.write_text(f"{BEGIN}  expect site stopped\ntest two\n  expect web with ip\n")
    person.types(f"test --junit {target} {file}")
    assert person.code == 1
    (suite,) = ET.parse(target).getroot()  # noqa: S314  # our own output
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failed, passed = suite.findall("testcase")
    failure = failed.find("failure")
    assert failure is not None
    assert failure.get("message") == "site runs on alpha"
    assert f"{file}:12: expect site stopped" in (failure.text or "")
    assert passed.find("failure") is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_lab_is_destroyed_also_when_the_test_is_ended(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    done = []

    class Ended:
        """A cluster whose first event is the end of the test."""

        def __init__(self, *_: object) -> None:
            done.append("made")

        def happen(self, _: object) -> None:
            os.kill(os.getpid(), number)

        def end(self) -> None:
            os.kill(os.getpid(), number)  # impatience does not disturb it
            done.append("destroyed")

    before = signal.signal(number, signal.SIG_DFL)
    monkeypatch.setattr(crmtest_lab, "RealLab", Ended)
    file = tmp_path / "it.crmtest"
    file.write_text(BEGIN + "    node kill alpha\n")
    with pytest.raises(SystemExit) as ended:
        person.types(f"test --lab {file}")
    assert ended.value.code == 128 + number
    assert done == ["made", "destroyed"]
    assert signal.signal(number, before) is signal.SIG_DFL


class Shaken(FakeCluster):
    """A cluster whose ring is formed again in the middle: its first commits find no quorum."""

    refusals = 2

    def commit(self, patch: Patch, *, client: str, force_no_quorum: bool = False) -> Version:
        self.quorate = self.refusals == 0
        self.refusals -= not self.quorate
        return super().commit(patch, client=client, force_no_quorum=force_no_quorum)


def renamed(cib: Cib) -> Cib:
    return cib.with_attributes({"remote-clear-port": "1"})


def test_a_lab_that_loses_its_quorum_for_a_moment_is_waited_for() -> None:
    cluster = Shaken()
    crmtest_lab.commit_when_quorate(cluster, renamed, patience_s=30)
    assert cluster.done == [("commit", "crm test")]


def test_a_lab_without_power_for_most_of_its_nodes_says_so_at_once() -> None:
    cluster = FakeCluster(quorate=False)
    begun = time.monotonic()
    with pytest.raises(NoQuorum):
        crmtest_lab.commit_when_quorate(cluster, renamed, patience_s=0)
    assert time.monotonic() - begun < 5
    assert cluster.done == []


def test_a_name_that_nothing_has_fails_its_step_and_no_more(person: Person, tmp_path: Path) -> None:
    file, results = tmp_path / "it.crmtest", tmp_path / "results.xml"
    file.write_text(
        BEGIN
        + "    expect sight runs\n    expect site runs\n"
        + "test another\n    node kill omega\ntest last\n    expect site runs\n"
    )
    said = person.types(f"test {file} --junit {results}").splitlines()
    assert person.code == 1
    assert said[1].strip() == f"{file}:12: expect sight runs"
    assert "sight" in said[2]
    assert said[3].strip() == "did you mean site?"
    assert said[-1] == "1 passed, 2 failed"
    assert results.read_text().count("<failure") == 2


def test_a_line_that_says_nothing_ends_the_run_before_it_begins(
    person: Person, tmp_path: Path
) -> None:
    file = tmp_path / "it.crmtest"
    file.write_text(BEGIN + "    expect site runs\ntest another\n    fly away\n")
    said = person.types(f"test {file}")
    assert person.code != 0
    assert "passed" not in said
    assert "begins no line" in said


@pytest.mark.parametrize(
    "line",
    [
        "expect everywhere not runs on alpha",
        "expect everywhere not runs on alpha beta",
        "expect everywhere not on alpha",
        "expect site not runs on alpha beta",
        "expect roles not promoted on alpha",
    ],
)
def test_not_on_nodes_means_on_none_of_them(person: Person, tmp_path: Path, line: str) -> None:
    roles = (
        "configure primitive role ocf:pacemaker:Stateful",
        "configure clone roles role meta promotable=true promoted-max=2",
        "configure location here roles rule role=Promoted 10: #uname ne gamma",
    )
    said = run(person, tmp_path, *roles, "expect roles promoted", line)
    assert "FAILED" in said, said
    assert f":16: {line}" in said
    run(person, tmp_path, *roles, "expect site not runs on beta gamma")
    assert person.code == 0


def test_comments_and_names_of_tests(person: Person, tmp_path: Path) -> None:
    file = tmp_path / "it.crmtest"
    file.write_text(
        BEGIN
        + "    configure location no web rule -inf: #uname eq alpha  # not there\n"
        + "    configure primitive hash ocf:pacemaker:Dummy params fake='a # b'\n"
        + "    expect site not on alpha # so\n"
        + "test it's the node #1 that  counts # says who\n    expect site runs\n"
        + "test 'quoted, as before'\n    expect site runs\n"
    )
    said = person.types(f"test {file}")
    assert person.code == 0, said
    assert said.splitlines()[1] == f"ok     {file}: it's the node #1 that  counts"
    assert said.splitlines()[2] == f"ok     {file}: quoted, as before"
