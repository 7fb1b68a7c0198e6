"""The shell sits on one node of a lab; when that one dies it moves to another, and says so."""

from __future__ import annotations

import pytest
from shell.person import Answers
from tools.fakes import FakeCluster

from crmsh_py.errors import ClusterUnreachable, TimedOut
from crmsh_py.lab.client import Lab
from crmsh_py.shell import plain, repl
from crmsh_py.shell.background import Snapshots
from crmsh_py.shell.options import Options
from crmsh_py.shell.prompting import follow
from crmsh_py.shell.session import HANGS_S, Session

LIMIT_S = 20.0


class Sitting(Session):
    """A session on the first node of a lab; ``loses_node`` lets that one die.

    As the real client does, the fake one answers what only reads from another node.
    """

    def __init__(self) -> None:
        self.fake = FakeCluster()
        self.said = Answers(answer=False)
        super().__init__(Options(), self.said, environ={"HOME": "/dev/null"}, interactive=True)
        assert self.cluster.node == "pacemaker01"

    def choose(self, shadow: str = "", *, node: str = "") -> FakeCluster:  # type: ignore[override]
        if node and node != self.fake.node:
            raise ClusterUnreachable(f"{node} is not running")
        return self.fake

    def loses_node(self) -> None:
        self.fake.node = "pacemaker02"

    def types(self, line: str) -> str:
        before = len(self.said.said.getvalue())
        repl.run_text(self, line)
        return self.said.said.getvalue()[before:]


@pytest.mark.parametrize("line", ["configure show", "resource stop nothing"])
def test_a_move_is_told_once_whether_the_command_succeeds_or_not(line: str) -> None:
    session = Sitting()
    session.loses_node()
    said = session.types(line)
    assert "pacemaker01 does not answer any more" in said
    assert "the shell sits on pacemaker02 now" in said
    assert session.node == "pacemaker02"
    assert "sits on" not in session.types(line)


def test_later_warnings_name_the_node_that_the_shell_sat_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = Sitting()
    session.loses_node()
    session.types("configure show")

    def nobody(*_: object, **__: object) -> None:
        raise ClusterUnreachable("nobody answers")

    monkeypatch.setattr(session.fake, "membership", nobody)
    monkeypatch.setattr(session, "choose", nobody)
    assert session.follow_node() == "pacemaker02 does not answer, and no other node does"


@pytest.mark.parametrize("line", ["lab destroy", "lab stop"])
def test_nobody_is_told_that_a_lab_does_not_answer_which_was_just_taken_away(
    monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    session = Sitting()

    def nobody(*_: object, **__: object) -> None:
        raise ClusterUnreachable("nobody answers")

    def gone(*_: object, **__: object) -> None:
        monkeypatch.setattr(session.fake, "membership", nobody)
        monkeypatch.setattr(session, "choose", nobody)

    monkeypatch.setattr(Lab, "destroy", gone)
    monkeypatch.setattr(Lab, "stop", gone)
    assert session.types(line) == ""
    assert session.follow_node() is None
    assert (session.node, session.label) == ("", "none")


def test_a_part_of_a_lab_that_is_stopped_is_told_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Sitting()
    monkeypatch.setattr(Lab, "stop", lambda *_, **__: session.loses_node())
    assert "the shell sits on pacemaker02 now" in session.types("lab stop pacemaker01")


def test_completion_and_toolbar_go_along() -> None:
    session = Sitting()
    session.loses_node()
    session.types("configure show")
    snapshots = Snapshots(session)
    try:
        snapshots.refresh()
        assert snapshots.wait(LIMIT_S)
        assert snapshots.current.standing.node == "pacemaker02"
        assert "ClusterIP" in snapshots.current.resources
    finally:
        snapshots.close()


def test_ctrl_c_while_a_node_hangs_leaves_one_in_the_shell_with_what_is_pending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = Sitting()
    session.types("configure")
    session.types("property x-more=1")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def typed(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr(session.fake, "membership", interrupted)
    monkeypatch.setattr("builtins.input", typed)
    snapshots = Snapshots(session)
    try:
        assert list(plain.read_lines(session, snapshots)) == []  # Ctrl-D at the prompt ended it
    finally:
        snapshots.close()
    # A command that fails has the shell look whether its node is there, too.
    session.levels = ("configure",)
    session.types("property x-more=1")
    assert "does not exist" in session.types("delete nosuch")
    assert session.edited is not None


def test_ctrl_c_ends_all_of_what_was_pasted(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Sitting()

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Lab, "kill", interrupted)
    said = session.types("lab kill x\nconfigure property x-b=1\nquit")
    assert "interrupted; 2 more of the lines were not run" in said
    assert not session.leaving
    assert "x-b" not in session.fake.cib.to_xml()


def test_a_line_is_dropped_by_ctrl_c_while_the_shell_looks_for_its_node(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = Sitting()

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(session.fake, "membership", interrupted)
    assert not follow(session)


def test_a_node_that_hangs_is_not_waited_for_as_long_as_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = Sitting()
    limits: list[float] = []

    def hangs(*, timeout_s: float = 0) -> None:
        limits.append(timeout_s)
        session.loses_node()
        raise TimedOut("node pacemaker01 does not answer in time")

    monkeypatch.setattr(session.fake, "membership", hangs)
    assert "sits on pacemaker02 now" in (session.follow_node() or "")
    assert limits == [HANGS_S]
