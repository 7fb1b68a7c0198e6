"""crm_mon --external-agent: a program that is told what happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tools.fakes import CIB, FakeCluster

from crmsh_py.cib.document import Cib
from crmsh_py.tools import crm_mon
from crmsh_py.tools.mon_agent import Agent
from crmsh_py.views import mon_events
from crmsh_py.wire.fencing import FencingRecord, FencingState

START = 'operation_key="ClusterIP_start_0"'


def with_entry(rc: int, status: int = 0, task: str = "monitor", target: int = 0) -> Cib:
    """The CIB with a result more in the history of the first node."""
    key = f"7:3:{target}:9b3c"
    entry = (
        f'<lrm_rsc_op id="ClusterIP_{task}" operation="{task}" call-id="9" rc-code="{rc}"'
        f' op-status="{status}" transition-key="{key}"'
        f' transition-magic="{status}:{rc};{key}"/></lrm_resource>'
    )
    return Cib.parse(CIB.replace("</lrm_resource>", entry))


@pytest.mark.parametrize(
    ("after", "description"),
    [
        (with_entry(0), "OK"),
        (with_entry(7, target=7), "OK"),
        (with_entry(7), "Not running"),
        (with_entry(193, -1), "pending"),
        (with_entry(1, 2), "Timed out"),
    ],
)
def test_what_has_begun_or_ended_is_told_once(after: Cib, description: str) -> None:
    before = Cib.parse(CIB)
    (event,) = mon_events.operations(before, after)
    assert (event.node, event.resource, event.task) == ("pacemaker01", "ClusterIP", "monitor")
    assert event.description == description
    assert mon_events.operations(after, after) == []
    assert mon_events.operations(after, before) == [], "what was forgotten did not happen"


def test_an_operation_that_ends_is_told_again() -> None:
    events = mon_events.operations(with_entry(193, -1), with_entry(0))
    assert [event.description for event in events] == ["OK"]


def test_an_agent_is_told_by_its_environment() -> None:
    (event,) = mon_events.operations(Cib.parse(CIB), with_entry(7))
    assert event.environment("root@example.org") == {
        "CRM_notify_recipient": "root@example.org",
        "CRM_notify_node": "pacemaker01",
        "CRM_notify_rsc": "ClusterIP",
        "CRM_notify_task": "monitor",
        "CRM_notify_desc": "Not running",
        "CRM_notify_rc": "7",
        "CRM_notify_target_rc": "0",
        "CRM_notify_status": "0",
    }


def fenced(ident: str, **more: object) -> FencingRecord:
    return FencingRecord(
        ident=ident,
        target="pacemaker02",
        action="reboot",
        client="stonith_admin",
        origin="pacemaker01",
        **more,  # type: ignore[arg-type]
    )


def test_fencing_is_told_when_it_has_ended() -> None:
    done = fenced("a", state=FencingState.DONE, ended_ms=5, delegate="pacemaker01")
    failed = fenced("b", state=FencingState.FAILED, ended_ms=6, reason="No fence device")
    events = mon_events.fencing({"old"}, [done, failed, fenced("c"), fenced("old", ended_ms=1)])
    assert [(event.task, event.node, event.rc) for event in events] == [
        ("st_notify_fence", "pacemaker02", 0),
        ("st_notify_fence", "pacemaker02", 1),
    ]
    assert events[0].description == (
        "Operation reboot of pacemaker02 by pacemaker01 for stonith_admin@pacemaker01: OK (ref=a)"
    )
    assert events[1].description.endswith(": No fence device (ref=b)")


@pytest.fixture
def told(tmp_path: Path) -> tuple[Path, Callable[[int], list[str]]]:
    """A program that writes what it is told, and a function that waits for so many lines."""
    agent, log = tmp_path / "agent", tmp_path / "log"
    agent.write_text(
        f'#!/bin/sh\necho "$CRM_notify_recipient $CRM_notify_task $CRM_notify_desc" >> {log}\n',
        encoding="utf-8",
    )
    agent.chmod(0o755)

    def lines(number: int) -> list[str]:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = log.read_text("utf-8").splitlines() if log.exists() else []
            if len(found) >= number:
                return sorted(found)
            time.sleep(0.02)
        raise AssertionError("it was not run")

    return agent, lines


def test_a_program_is_run_for_what_has_happened_since(
    told: tuple[Path, Callable[[int], list[str]]],
) -> None:
    path, lines = told
    cluster = FakeCluster(fenced=[fenced("old", ended_ms=1)])
    agent = Agent(str(path), recipient="me", fencing=True)
    agent.look(cluster)
    cluster.cib = with_entry(7)
    cluster.fenced.append(fenced("new", ended_ms=2))
    agent.look(cluster)
    agent.look(cluster)
    first, second = lines(2)
    assert first == "me monitor Not running"
    assert second.startswith("me st_notify_fence Operation reboot of pacemaker02 ")


def test_a_daemon_needs_no_file_when_it_has_a_program(
    told: tuple[Path, Callable[[int], list[str]]], tmp_path: Path
) -> None:
    path, lines = told
    cib = tmp_path / "cib.xml"
    cib.write_text(CIB, encoding="utf-8")
    program = "import sys; from crmsh_py.tools import crm_mon; sys.exit(crm_mon.main())"
    words = ["-d", "-p", "mon.pid", "-E", path.name, "-e", "me"]
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=tmp_path,
        env={"CIB_file": "cib.xml", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        check=False,
        timeout=60,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert done.returncode == 0
    pid = int((tmp_path / "mon.pid").read_text("utf-8"))
    try:
        cib.write_text(with_entry(7).to_xml(), encoding="utf-8")
        assert lines(1) == ["me monitor Not running"]
    finally:
        os.kill(pid, signal.SIGTERM)


@pytest.mark.parametrize("words", [["-d"], ["-d", "-E", "/nowhere/agent"], ["-d", "-E", "/etc"]])
def test_what_cannot_be_run_is_refused(
    words: list[str], cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert crm_mon.main(words, door=cluster) == 64
    assert "program" in capsys.readouterr().err


def test_html_for_a_web_server(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    style = "--html-stylesheet=http://example.org/a.css?b&c"
    assert crm_mon.main(["-1", "-w", style, "--text-fancy"], door=cluster) == 0
    page = capsys.readouterr().out
    assert page.startswith("Content-Type: text/html\n\n<!DOCTYPE html>\n")
    assert '<link rel="stylesheet" href="http://example.org/a.css?b&amp;c">\n</head>' in page
    assert crm_mon.main(["-1", "--html-cgi", "--layout=modern"], door=cluster) == 0
    assert "Content-Type" not in capsys.readouterr().out, "text stays text"
