"""A cluster that is reached by ssh: the system's ssh, keys and a server of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from realcluster.cluster import BIN, NODES, OPERATOR, RealCluster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ONE, TWO, THREE = NODES
CRM = str(BIN / "crm")
TARGET = f"{OPERATOR}@{TWO}"


@dataclass
class Office:
    """A desk on the first node, from which the operator reaches the cluster by its second node.

    The first node's own Pacemaker does not matter: everything goes through ssh.
    """

    real: RealCluster
    keys: Path

    def crm(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.real.run(ONE, CRM, "--host", TARGET, *words, user=OPERATOR, check=check)

    def ssh_directory(self) -> Path:
        return self.real.disk(ONE) / OPERATOR / ".ssh"


def _key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)


@pytest.fixture(scope="module")
def office(real: RealCluster) -> Iterator[Office]:
    server = shutil.which("sshd", path="/usr/sbin:/usr/bin")
    if server is None or shutil.which("ssh") is None:
        pytest.skip("openssh-client and openssh-server are not installed")
    keys = real.directory / "keys"
    keys.mkdir()
    _key(keys / "host")
    office = Office(real, keys)
    mine, theirs = office.ssh_directory(), real.disk(TWO) / OPERATOR / ".ssh"
    for directory in (mine, theirs):
        directory.mkdir(mode=0o700)
    _key(mine / "id_ed25519")
    shutil.copy(mine / "id_ed25519.pub", theirs / "authorized_keys")
    host = (keys / "host.pub").read_text().split()
    (mine / "known_hosts").write_text(f"{TWO} {host[0]} {host[1]}\n")
    for path in (mine, theirs, *mine.iterdir(), *theirs.iterdir()):
        os.chown(path, (real.disk(ONE) / OPERATOR).stat().st_uid, -1)
    settings = keys / "sshd_config"
    settings.write_text(
        f"HostKey {keys / 'host'}\nUsePAM no\nPasswordAuthentication no\nPidFile none\n"
    )
    real.run(TWO, server, "-f", str(settings), "-E", str(keys / "log"))
    real.wait("sshd listens", lambda: "Server listening" in (keys / "log").read_text())
    yield office
    real.run(ONE, "ssh", "-O", "exit", TARGET, user=OPERATOR, check=False)


def test_all_goes_by_ssh(office: Office) -> None:
    real = office.real
    office.crm("configure", "property", "stonith-enabled=false")
    office.crm("configure", "primitive", "far", "ocf:pacemaker:Dummy")
    assert "primitive far" in office.crm("configure", "show").stdout
    real.wait("far runs", lambda: real.where("far"))
    office.crm("-w", "resource", "move", "far", THREE)
    assert real.where("far") == [THREE]
    assert "Online: [ pacemaker01 pacemaker02 pacemaker03 ]" in office.crm("status").stdout
    assert "op_sleep" in office.crm("ra", "info", "ocf:pacemaker:Dummy").stdout
    assert "Stateful" in office.crm("ra", "list", "ocf", "pacemaker").stdout
    assert "pacemaker-based" in office.crm("cluster", "status").stdout
    last = real.run(ONE, "cibadmin", "-Q").stdout.splitlines()[0]
    assert f'update-user="{OPERATOR}"' in last
    assert f'update-origin="{TWO}"' in last


def test_one_connection_serves_many_commands(office: Office) -> None:
    """The second command finds the first one's connection."""
    log = office.keys / "log"
    office.crm("status")
    before = log.read_text().count("Accepted publickey")
    for _ in range(3):
        office.crm("status")
    assert log.read_text().count("Accepted publickey") == before


def test_a_host_that_does_not_let_one_in(office: Office) -> None:
    words = ("--host", f"root@{TWO}", "status")
    refused = office.real.run(ONE, CRM, *words, user=OPERATOR, check=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"ERROR: root@{TWO} does not let you in: ")
    assert f"ssh-copy-id root@{TWO}" in refused.stderr


def test_a_host_that_is_not_known(office: Office) -> None:
    unknown = office.real.run(
        ONE, CRM, "--host", f"{OPERATOR}@192.168.100.11", "status", user=OPERATOR, check=False
    )
    assert unknown.returncode == 102
    assert "its host key is not known" in unknown.stderr


def test_a_host_where_nobody_listens(office: Office) -> None:
    nobody = office.real.run(ONE, CRM, "--host", THREE, "status", user=OPERATOR, check=False)
    assert nobody.returncode == 102
    assert f"ERROR: {THREE} cannot be reached by ssh" in nobody.stderr


def test_a_name_that_is_an_option(office: Office) -> None:
    bad = office.real.run(ONE, CRM, "--host=-oProxyCommand=true", "status", check=False)
    assert bad.returncode == 2
    assert "is no host" in bad.stderr
