"""Programs of this machine, run with limits, and what they print."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmsh_py.clusters import pacemaker_answers as answers
from crmsh_py.clusters.pacemaker_programs import Programs
from crmsh_py.errors import CrmError, TimedOut


def test_a_missing_program_is_told_with_its_package() -> None:
    with pytest.raises(
        CrmError, match="corosync-nothing is not installed on this machine"
    ) as found:
        Programs({"PATH": "/usr/bin"}).run("corosync-nothing", timeout_s=1)
    assert found.value.hint == "install the package corosync"


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(TimedOut, match="sleep did not end within"):
        Programs({}).run("sleep", "60", timeout_s=0.2)


def test_our_own_programs_are_not_mistaken_for_the_originals(tmp_path: Path) -> None:
    ours = tmp_path / "cibadmin_of_ours"
    ours.write_text("#!/bin/sh\necho ours\n")
    ours.chmod(0o755)
    programs = Programs({"PATH": str(tmp_path)})

    assert not programs.has("cibadmin_of_ours")


def test_programs_know_nothing_of_a_file_that_the_caller_works_on() -> None:
    programs = Programs({"CIB_file": "/tmp/x.xml", "LANG": "de_DE.UTF-8", "HOME": "/root"})

    told = programs.run("env", timeout_s=5).out
    assert "CIB_file" not in told
    assert "LC_ALL=C.UTF-8" in told


QUORUM = """\
Quorum information
------------------
Date:             Sun Nov 29 07:55:32 2026
Quorum provider:  corosync_votequorum
Nodes:            2
Node ID:          1
Ring ID:          1.a3
Quorate:          No

Votequorum information
----------------------
Expected votes:   3
Highest expected: 3
Total votes:      1
Quorum:           2 Activity blocked
Flags:            WaitForAll

Membership information
----------------------
    Nodeid      Votes    Qdevice Name
         1          1         NR n1 (local)
         2          3    A,V,NMW n2
"""


def test_what_quorumtool_says() -> None:
    seen = answers.quorum(QUORUM)

    assert (seen.node_id, seen.representative, seen.sequence) == (1, 1, 0xA3)
    assert not seen.quorate
    assert seen.numbers["Quorum"] == 2
    assert seen.flags == ("WaitForAll",)
    assert seen.votes == {1: 1, 2: 3}


def test_what_cmapctl_says() -> None:
    keys = answers.cmap_keys("a.b (u32) = 7\na.c (str) = r(0) ip(10.0.0.1) \nnoise\n")

    assert [(k.name, k.type, k.value) for k in keys] == [
        ("a.b", "u32", "7"),
        ("a.c", "str", "r(0) ip(10.0.0.1)"),
    ]


def test_names_of_processes_are_cut_by_the_kernel() -> None:
    seen = answers.Processes.of("  1 init\n 40 pacemakerd\n 41 pacemaker-contr\n")
    alive = {part.name: part.alive for part in seen.subsystems().subsystems}

    assert seen.subsystems().pid == 40
    assert alive["crmd"]
    assert not alive["cib"]
