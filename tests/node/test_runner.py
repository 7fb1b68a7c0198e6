"""Agents run as OCF promises; what cannot run is stood in for, marked, and consistently so."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from waiting import eventually

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.engine.api import CancelOperation, Event, OperationFinished, RunOperation
from crmsh_py.node.runner import AgentRunner, known_standin
from crmsh_py.wire.settings import NodeSettings


class Bench:
    """A runner with its own OCF_ROOT, and what it reported and logged."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lines: list[str] = []
        self.finished: list[OperationFinished] = []
        self.changes: dict[str, object] = {}
        self.environ = {"OCF_ROOT": str(directory / "ocf"), "SECRET": "x", "HOME": "/root"}
        # A stand-in that tells who it is and what it got.
        standin = directory / "standin.py"
        standin.write_text("import sys\nprint('stand-in', *sys.argv[1:])\n")
        self.standin = (sys.executable, str(standin))
        self.standins = True

    def agent(self, script: str, name: str = "agent", provider: str = "test") -> None:
        path = self.directory / "ocf" / "resource.d" / provider / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def settings(self) -> NodeSettings:
        values: dict[str, object] = {
            "lab": "lab",
            "node": "n1",
            "address": "127.0.0.1",
            "corosync_conf": "",
            "control_socket": "/r/lab/n1.sock",
            "store": "",
            "log": str(self.directory / "log"),
            "key": "",
            "peers": {},
            "run_directory": str(self.directory / "run"),
            "path": os.environ["PATH"],
        }
        return NodeSettings(**{**values, **self.changes})  # type: ignore[arg-type]

    def run(self, *operations: RunOperation, during: Callable[..., None] = lambda _: None) -> None:
        """Run these one after the other on one runner."""

        async def all_of_them() -> None:
            done = asyncio.Event()

            def report(event: Event) -> None:
                assert isinstance(event, OperationFinished)
                self.finished.append(event)
                done.set()

            runner = AgentRunner(
                self.settings(),
                report=report,
                log=lambda *line: self.lines.append(" ".join(line)),
                environ=self.environ,
                has_standin=lambda _: self.standins,
                standin_command=self.standin,
            )
            for operation in operations:
                done.clear()
                runner.run(operation)
                during(runner)
                await asyncio.wait_for(done.wait(), 20)

        asyncio.run(all_of_them())

    def result(self, operation: RunOperation) -> OperationFinished:
        self.run(operation)
        return self.finished[-1]


def operation(
    action: str = "start",
    *,
    call_id: int = 1,
    timeout_ms: int = 10_000,
    parameters: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    standard: str = "ocf",
    provider: str = "test",
    type: str = "agent",
) -> RunOperation:
    return RunOperation(
        call_id=call_id,
        resource="thing",
        standard=standard,
        provider=provider,
        type=type,
        action=action,
        timeout_ms=timeout_ms,
        parameters=parameters or {},
        environment=environment or {},
    )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_an_agent_gets_its_action_parameters_and_environment(bench: Bench) -> None:
    bench.agent('echo "$1 $OCF_RESKEY_ip"; env | sort')
    result = bench.result(
        operation(
            parameters={"ip": "192.168.100.100", "bad=name": "x"},
            environment={"OCF_RESKEY_CRM_meta_timeout": "20000"},
        )
    )

    assert (result.rc, result.status, result.standin) == (0, 0, False)
    first, *rest = result.output.splitlines()
    assert first == "start 192.168.100.100"
    environment = dict(line.split("=", 1) for line in rest if "=" in line)
    assert environment["OCF_RESOURCE_INSTANCE"] == "thing"
    assert environment["OCF_RESOURCE_PROVIDER"] == "test"
    assert environment["OCF_RESOURCE_TYPE"] == "agent"
    assert environment["OCF_RESKEY_CRM_meta_timeout"] == "20000"
    assert environment["LC_ALL"] == "C"
    assert environment["CRM_NODE"] == "n1"
    assert environment["CRM_RUNTIME_DIR"] == "/r"
    assert Path(environment["HA_RSCTMP"]).is_dir()
    assert "SECRET" not in environment


@pytest.mark.parametrize("rc", [0, 1, 5, 6, 7, 8])
def test_the_exit_code_is_passed_on(bench: Bench, rc: int) -> None:
    bench.standins = False
    bench.agent(f"exit {rc}")

    result = bench.result(operation("monitor"))

    assert (result.rc, result.status) == (rc, 0)


def test_the_last_exit_reason_is_told_and_other_words_are_logged(bench: Bench) -> None:
    bench.agent(
        "echo ocf-exit-reason:first >&2; echo hello >&2; echo ocf-exit-reason:last >&2; exit 1"
    )

    result = bench.result(operation())

    assert result.exit_reason == "last"
    assert bench.lines == ["notice LRMD thing start: hello"]


def test_at_its_timeout_an_agent_and_its_children_are_killed(bench: Bench) -> None:
    marker = bench.directory / "pid"
    bench.agent(f"trap '' TERM\nsleep 60 &\necho $! > {marker}\nwait\nsleep 60")

    began = time.monotonic()
    result = bench.result(operation(timeout_ms=200))

    assert (result.rc, result.status) == (1, 2)
    assert result.exit_reason == "Resource agent did not complete within 200ms"
    assert time.monotonic() - began < 5
    eventually(lambda: not alive(int(marker.read_text())))


def test_an_agent_that_leaves_a_daemon_behind_is_finished_when_it_exits(bench: Bench) -> None:
    marker = bench.directory / "pid"
    bench.agent(f"setsid sleep 60 & echo $! > {marker}; echo started; exit 0")

    began = time.monotonic()
    result = bench.result(operation())

    pid = int(marker.read_text())
    assert (result.rc, result.output) == (0, "started\n")
    assert time.monotonic() - began < 5
    assert alive(pid)
    os.kill(pid, 9)


def test_endless_output_is_bounded(bench: Bench) -> None:
    bench.agent("head -c 3000000 /dev/zero | tr '\\0' x; echo end")

    result = bench.result(operation())

    assert len(result.output) <= 64 * 1024
    assert result.output.endswith("end\n")


def test_a_cancelled_operation_ends_at_once(bench: Bench) -> None:
    bench.agent("sleep 60")

    bench.run(operation(), during=lambda runner: runner.cancel(CancelOperation(call_id=1)))

    assert bench.finished[0].status == 1


def test_an_agent_killed_by_a_signal_is_an_error(bench: Bench) -> None:
    bench.agent("kill -9 $$")

    result = bench.result(operation())

    assert (result.rc, result.status) == (1, 4)
    assert "signal 9" in result.exit_reason


def test_without_stand_ins_a_missing_agent_is_not_installed(bench: Bench) -> None:
    bench.changes["agents"] = "real"

    result = bench.result(operation())

    assert (result.rc, result.status) == (5, 7)
    assert result.exit_reason == "The agent ocf:test:agent is not installed"


def test_a_missing_agent_is_stood_in_for_marked_and_told(bench: Bench) -> None:
    result = bench.result(operation())

    assert result.standin
    assert result.output == "stand-in ocf:test:agent start\n"
    assert bench.lines == [
        "warning LRMD A stand-in runs in place of the agent ocf:test:agent: it is not installed"
    ]


def test_an_agent_that_says_it_is_not_installed_is_stood_in_for_from_then_on(bench: Bench) -> None:
    bench.agent("[ $1 = monitor ] && exit 7; exit 5")

    bench.run(operation("monitor"), operation("start", call_id=2), operation("monitor", call_id=3))

    assert [(r.rc, r.standin) for r in bench.finished] == [(7, False), (0, True), (0, True)]
    assert len([line for line in bench.lines if "stand-in" in line]) == 1


def test_an_agent_that_was_active_is_never_exchanged(bench: Bench) -> None:
    bench.agent("[ $1 = start ] && exit 0; exit 5")

    bench.run(operation("start"), operation("monitor", call_id=2))

    assert [(r.rc, r.standin) for r in bench.finished] == [(0, False), (5, False)]


def test_an_agent_whose_known_program_is_missing_is_stood_in_for(bench: Bench) -> None:
    bench.agent("exit 0", name="apache", provider="heartbeat")
    bench.changes["path"] = str(bench.directory)

    result = bench.result(operation(provider="heartbeat", type="apache"))

    assert result.standin
    assert "apache2 or httpd" in bench.lines[0]


def test_where_its_program_is_there_apache_itself_runs_even_if_it_fails(bench: Bench) -> None:
    """A wrong configuration must fail as it does everywhere, not be hidden by a stand-in."""
    bench.agent("exit 5", name="apache", provider="heartbeat")
    program = bench.directory / "apache2"
    program.touch(mode=0o755)
    bench.changes["path"] = f"{bench.directory}:{os.environ['PATH']}"

    result = bench.result(operation(provider="heartbeat", type="apache"))

    assert (result.rc, result.standin) == (5, False)


def test_with_one_user_id_an_agent_that_changes_users_is_stood_in_for(bench: Bench) -> None:
    bench.agent("exit 0", name="apache", provider="heartbeat")
    (bench.directory / "apache2").touch(mode=0o755)
    bench.changes |= {"path": f"{bench.directory}:{os.environ['PATH']}", "one_user": True}

    assert bench.result(operation(provider="heartbeat", type="apache")).standin


def test_a_plain_process_never_runs_real_agents(bench: Bench) -> None:
    bench.agent("exit 0")
    bench.changes["isolated"] = False
    assert bench.result(operation()).standin

    bench.changes["agents"] = "real"
    assert (bench.result(operation()).rc, bench.finished[-1].status) == (5, 7)


@pytest.mark.parametrize(
    ("provider", "type_"), [("..", "../../bin/sh"), ("test", "../test/agent"), ("", "agent")]
)
def test_a_name_leads_nowhere_but_to_the_agents(bench: Bench, provider: str, type_: str) -> None:
    bench.agent("exit 0")
    bench.standins = False

    result = bench.result(operation(provider=provider, type=type_))

    assert (result.rc, result.status) == (5, 7)


@pytest.mark.parametrize("standard", ["lsb", "systemd", "service", "stonith"])
def test_other_standards_are_not_installed(bench: Bench, standard: str) -> None:
    bench.standins = False

    assert bench.result(operation(standard=standard, provider="")).rc == 5


def test_only_agents_that_somebody_knows_are_stood_in_for() -> None:
    assert known_standin(AgentSpec("ocf", "heartbeat", "IPaddr2"))
    assert not known_standin(AgentSpec("ocf", "heartbeat", "Invented"))
    assert not known_standin(AgentSpec("stonith", "", "lab"))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
