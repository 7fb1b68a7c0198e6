"""Corosync and Pacemaker as services: what systemd is told, and what goes wrong with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from clusters.pacemaker_machine import Machine, cluster_of

from crmsh_py.clusters import pacemaker_services as services
from crmsh_py.clusters.pacemaker_programs import Answer, Programs
from crmsh_py.errors import ClusterUnreachable, CrmError, NotFound, NotPermitted, TimedOut

START = "systemctl start pacemaker.service"


def test_pacemaker_brings_corosync_and_a_quorum_device_is_started_beside_it() -> None:
    machine = Machine()

    services.start(machine)
    services.start(machine, qdevice=True)

    assert machine.calls == [START, "systemctl start corosync-qdevice.service", START]


@pytest.mark.parametrize(
    ("said", "corosync", "pacemaker"),
    [
        ("active\nactive\n", True, True),
        ("active\ninactive\n", True, False),
        ("failed\nunknown\n", False, False),
        ("active\ndeactivating\n", True, True),
        ("activating\ninactive\n", True, False),
    ],
)
def test_what_runs(said: str, corosync: bool, pacemaker: bool) -> None:
    asked = "systemctl is-active corosync.service pacemaker.service"
    machine = Machine(answers={asked: Answer(3, said, "")})

    assert services.running(machine) == services.Running(corosync, pacemaker)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            Answer(1, "", "Job for pacemaker.service failed because a timeout was exceeded."),
            CrmError,
            r"pacemaker could not be started on this machine: Job for pacemaker\.service failed",
        ),
        (
            Answer(
                1, "", "Failed to start pacemaker.service: Interactive authentication required."
            ),
            NotPermitted,
            "only root may start pacemaker on this machine",
        ),
        (
            Answer(5, "", "Failed to start pacemaker.service: Unit pacemaker.service not found."),
            NotFound,
            "this machine has no service pacemaker",
        ),
        (Answer(127, "", ""), CrmError, "systemctl is not installed on this machine"),
        (
            Answer(1, "", "System has not been booted with systemd as init system (PID 1)."),
            CrmError,
            "could not be started on this machine: System has not been booted with systemd",
        ),
    ],
)
def test_what_goes_wrong_is_one_sentence(answer: Answer, kind: type[CrmError], words: str) -> None:
    with pytest.raises(kind, match=words):
        services.start(Machine(answers={START: answer}))


def test_the_node_has_its_machines_name_while_nothing_runs() -> None:
    machine = Machine()
    machine.answers |= {
        "crm_node -n": Answer(102, "", "Could not connect to controller"),
        "uname -n": Answer(0, "n1\n", ""),
    }

    assert cluster_of(machine).node == "n1"


# ---- by ssh: a script stands for it --------------------------------------------------------------


def desk(tmp_path: Path, script: str) -> Programs:
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!/bin/sh\n{script}\n")
    ssh.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "XDG_RUNTIME_DIR": str(tmp_path)}
    return Programs(environ, host="root@n1")


def test_another_node_is_reached_as_the_same_user(tmp_path: Path) -> None:
    programs = desk(tmp_path, 'while [ "$1" != -- ]; do shift; done; echo "$2"')

    assert programs.at("n2").host == "root@n2"
    assert programs.at("n2").output(["true"], timeout_s=5).out == b"root@n2\n"
    assert Programs({}).at("n2").host == "n2"


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        (
            "echo 'root@n1: Permission denied (publickey).' >&2; exit 255",
            NotPermitted,
            "root@n1 does not let you in",
        ),
        (
            "echo 'ssh: connect to host n1 port 22: Connection refused' >&2; exit 255",
            ClusterUnreachable,
            "root@n1 cannot be reached by ssh: ssh: connect to host n1 port 22",
        ),
        ("exit 124", TimedOut, "systemctl did not end within 180 s"),
    ],
)
def test_a_machine_that_is_not_reached(
    tmp_path: Path, script: str, kind: type[CrmError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        services.start(desk(tmp_path, script))


def test_a_command_may_end_with_any_code(tmp_path: Path) -> None:
    """255 is ssh's own only where ssh says something; 127 is the caller's to judge."""
    silent = desk(tmp_path, "exit 255").output(["false"], timeout_s=5)
    assert silent.code == 255
    assert desk(tmp_path, "exit 127").output(["nothing"], timeout_s=5).code == 127


def test_a_machine_without_pacemakers_programs(tmp_path: Path) -> None:
    with pytest.raises(CrmError, match="cibadmin is not installed on root@n1") as found:
        desk(tmp_path, "exit 127").run("cibadmin", "-Q", timeout_s=5)
    assert found.value.hint == "install the package pacemaker"
