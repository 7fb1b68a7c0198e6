"""``crm history`` on a running cluster: its nodes' logs are collected, as far as they can be."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from clusters.pacemaker_machine import Machine
from shell.person import Answers

from crmsh_py.clusters.pacemaker import PacemakerCluster
from crmsh_py.clusters.pacemaker_programs import Output
from crmsh_py.clusters.seen import SeenConfigurations
from crmsh_py.errors import ClusterUnreachable
from crmsh_py.shell import collected, on_nodes
from crmsh_py.shell.dispatch import run_line, single_line
from crmsh_py.shell.options import Options
from crmsh_py.shell.session import Session
from crmsh_py.tools.common import local_now

NODES = ("n1", "n2")
LINE = "pacemaker-controld  [47] (execute_rsc_action) \tnotice: Initiating start operation"


class Person(Session):
    """Somebody at the shell of a real cluster whose nodes have logs."""

    def __init__(self) -> None:
        self.said = Answers(())
        self.made = PacemakerCluster(Machine(), SeenConfigurations(""))
        super().__init__(Options(), self.said, environ={"HOME": "/dev/null"}, interactive=True)
        self.levels = ("history",)

    @property
    def cluster(self) -> PacemakerCluster:  # type: ignore[override]
        return self.made

    def types(self, line: str) -> str:
        before = len(self.said.said.getvalue())
        run_line(self, single_line(line))
        return self.said.said.getvalue()[before:]


class Logs:
    """What the nodes have; ``asked`` are the nodes whose logs were read, in order."""

    def __init__(self) -> None:
        self.of = {node: Output(0, b"", b"") for node in NODES}
        self.asked: list[str] = []

    def write(self, node: str, what: str, ago: timedelta) -> None:
        at = local_now() - ago
        line = f"{at:%b %d %H:%M:%S}.000 {node} {LINE} {what}_start_0 on {node} | action 5\n"
        self.of[node] = Output(0, self.of[node].out + line.encode(), self.of[node].err)

    def run(self, _: Session, node: str, words: Sequence[str]) -> on_nodes.Outcome:
        self.asked.append(node)
        if self.of[node].code == 255:
            raise ClusterUnreachable(f"{node} cannot be reached by ssh: Connection refused")
        return on_nodes.Outcome(node, *(getattr(self.of[node], n) for n in ("code", "out", "err")))


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Logs:
    made = Logs()
    monkeypatch.setattr(on_nodes, "run", made.run)
    monkeypatch.setattr(on_nodes, "names", lambda session, named: NODES)
    made.write("n1", "web", timedelta(minutes=10))
    made.write("n2", "db", timedelta(minutes=5))
    made.write("n2", "old", timedelta(hours=3))
    return made


def test_the_last_hour_of_all_nodes_is_collected_once_and_said(logs: Logs) -> None:
    person = Person()
    said = person.types("events")
    assert "the logs of n1, n2 since" in said
    assert said.index("web_start_0") < said.index("db_start_0")
    assert "old_start_0" not in said
    assert "the logs of" not in person.types("resource web")
    assert sorted(logs.asked) == ["n1", "n2"]


def test_refresh_reads_again_and_a_limit_further_back_collects_more(logs: Logs) -> None:
    person = Person()
    person.types("events")
    logs.write("n1", "new", timedelta(0))
    assert "new_start_0" not in person.types("events")
    person.types("refresh")
    assert "new_start_0" in person.types("events")

    person.types("timeframe '4 hours ago'")
    assert "old_start_0" in person.types("events")
    count = len(logs.asked)
    person.types("timeframe '2 minutes ago'")
    assert "new_start_0" in person.types("events")
    assert len(logs.asked) == count, "what is there is enough"


def test_a_node_that_cannot_be_had_is_told_and_the_others_are_shown(logs: Logs) -> None:
    logs.of["n1"] = Output(255, b"", b"")
    said = Person().types("events")
    assert "there is no log of n1: n1 cannot be reached by ssh" in said
    assert "db_start_0" in said

    logs.of["n2"] = Output(1, b"", b"sh: cannot open /var/log/pacemaker/pacemaker.log: no\n")
    with pytest.raises(ClusterUnreachable, match="n1 cannot be reached"):
        Person().types("events")


def test_a_log_that_is_too_long_is_told(logs: Logs) -> None:
    path = collected.LOGS[0]
    logs.of["n1"] = Output(0, logs.of["n1"].out, f"{path}\n".encode())
    assert f"n1: only the last 8 MB of {path} were read" in Person().types("events")


def test_what_is_run_on_a_node_reads_the_end_of_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "long").write_text("x" * 50 + "\nlast\n")
    (tmp_path / "short").write_text("all\n")
    words = ["sh", "-c", collected._SCRIPT, "sh", "10"]
    names = [str(tmp_path / name) for name in ("long", "none", "short")]
    done = subprocess.run([*words, *names], capture_output=True, text=True, check=True)
    assert done.stdout == "xxxx\nlast\n\nall\n\n"
    assert done.stderr == f"{tmp_path}/long\n"
