"""A cluster that is reached by ssh: the system's ssh, keys and a server of the test's own."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from realcluster.cluster import BIN, HOST, NODES, OPERATOR, RealCluster
from realcluster.doors import missing, open_doors

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


@pytest.fixture(scope="module")
def office(real: RealCluster) -> Iterator[Office]:
    if reason := missing():
        pytest.skip(reason)
    yield Office(real, open_doors(real))
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
    log = office.keys / f"{TWO}.log"
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
    nobody = office.real.run(ONE, CRM, "--host", HOST, "status", user=OPERATOR, check=False)
    assert nobody.returncode == 102
    assert f"ERROR: {HOST} cannot be reached by ssh" in nobody.stderr


def test_a_name_that_is_an_option(office: Office) -> None:
    bad = office.real.run(ONE, CRM, "--host=-oProxyCommand=true", "status", check=False)
    assert bad.returncode == 2
    assert "is no host" in bad.stderr


def test_programs_and_files_on_all_nodes(office: Office) -> None:
    """As root on a node: this machine directly, the others by ssh, from a desk all by ssh."""
    real = office.real
    ran = real.run(ONE, CRM, "cluster", "run", "hostname; exit $(($(hostname | tail -c 2) - 1))",
                   check=False)  # fmt: skip
    assert ran.returncode == 1
    assert ran.stdout.split("\n")[:6] == [
        f"[{ONE}]", ONE, f"[{TWO}] (exit code 1)", TWO, f"[{THREE}] (exit code 2)", THREE,
    ]  # fmt: skip
    real.run(ONE, "sh", "-c", "echo here > /var/www/note")
    real.crm(ONE, "cluster", "copy", "/var/www/note")
    assert (real.disk(THREE) / "var/www/note").read_text() == "here\n"
    assert real.crm(ONE, "cluster", "diff", "/var/www/note") == ""
    assert real.crm(ONE, "corosync", "diff") == ""
    far = office.crm("cluster", "run", "id -un", ONE, THREE)
    assert far.stdout == f"[{ONE}]\n{OPERATOR}\n[{THREE}]\n{OPERATOR}\n"


def test_a_report_has_the_files_of_all_nodes(office: Office) -> None:
    real = office.real
    real.crm(
        ONE, "configure", "primitive", "hidden", "ocf:pacemaker:Dummy", "params", "passwd=topsecret"
    )
    real.crm(ONE, "report", "/var/www/report")
    path = real.disk(ONE) / "var/www/report.tar.gz"
    with tarfile.open(path) as archive:
        texts = {
            name.removeprefix("report/"): archive.extractfile(name).read().decode()  # type: ignore[union-attr]
            for name in archive.getnames()
        }
    for node in NODES:
        assert "pacemaker-controld" in texts[f"{node}/pacemaker.log"]
        assert "ring0_addr" in texts[f"{node}/corosync.conf"]
        assert "TOTEM" in texts[f"{node}/corosync.log"]
    assert "primitive hidden" in texts["configuration.crm"]
    assert not any("topsecret" in text for text in texts.values())
    real.crm(ONE, "-w", "-F", "configure", "delete", "hidden")
    (office.real.disk(ONE) / "var/www/report.tar.gz").unlink()
    assert real.run(ONE, CRM, "report", "/nowhere/report", check=False).returncode == 1


def test_the_history_of_all_nodes_is_collected(office: Office) -> None:
    real = office.real
    real.crm(ONE, "-w", "configure", "primitive", "past", "ocf:pacemaker:Dummy")
    real.crm(ONE, "-w", "resource", "move", "past", THREE)
    done = real.run(ONE, CRM, "history", "resource", "past")
    assert f"the logs of {ONE}, {TWO}, {THREE} since" in done.stderr
    # Its own word: whether the coordinator is this node too is not said everywhere alike.
    assert f"start operation for past on {THREE}: ok" in done.stdout
    told = real.run(ONE, CRM, "history", stdin="info\nlimit '1 second ago'\ninfo\ntransitions\n")
    assert f"Nodes:       {ONE} {TWO} {THREE}" in told.stdout
    assert told.stderr.count("are collected") == 1, "the second look needs no more"
    assert "complete" in real.run(ONE, CRM, "history", "transitions").stdout
    far = office.crm("history", "resource", "past")
    assert f"start operation for past on {THREE}: ok" in far.stdout
    real.crm(ONE, "-w", "-F", "configure", "delete", "past")


def test_the_cluster_is_stopped_and_started(office: Office) -> None:
    """This node, another one, all of them; by the machines' service managers."""
    real = office.real
    told = real.run(ONE, CRM, "cluster", "stop", TWO).stderr
    assert told == f"INFO: The cluster manager was stopped on {TWO}\n"
    assert not real.pids(TWO, "corosync")
    assert f"OFFLINE: [ {TWO} ]" in real.crm(ONE, "status")
    assert "does not run" in real.run(ONE, CRM, "cluster", "stop", TWO).stderr
    # On a machine where nothing runs, the services are meant, and nothing else is.
    assert "The cluster manager was started" in real.run(TWO, CRM, "cluster", "start").stderr
    real.wait_online(*NODES)
    assert f"runs on {TWO} already" in real.run(TWO, CRM, "cluster", "start").stderr

    told = real.run(ONE, CRM, "cluster", "stop", "--all").stderr
    assert told == "".join(f"INFO: The cluster manager was stopped on {n}\n" for n in NODES)
    down = real.run(ONE, CRM, "status", check=False)
    assert (down.returncode, "no cluster runs on this machine" in down.stderr) == (102, True)
    assert f"Node {ONE}: pacemakerd does not run" in real.crm(ONE, "cluster", "status")
    conf = real.disk(TWO) / "etc/corosync/corosync.conf"
    good = conf.read_text()
    conf.write_text(good.replace("version: 2", "version: 7"))
    some = real.run(ONE, CRM, "cluster", "start", "--all", check=False)
    assert some.returncode == 1
    assert f"ERROR: pacemaker could not be started on {TWO}: A dependency job" in some.stderr
    assert f"INFO: The cluster manager was started on {THREE}\n" in some.stderr
    conf.write_text(good)
    real.crm(ONE, "cluster", "restart", TWO)
    real.wait_online(*NODES)

    real.crm(ONE, "cluster", "enable", "--all")
    assert real.run(THREE, "systemctl", "is-enabled", "pacemaker").stdout == "enabled\n"
    real.crm(ONE, "cluster", "disable", THREE)
    assert real.run(THREE, "systemctl", "is-enabled", "pacemaker", check=False).returncode == 1


def test_a_node_that_cannot_be_reached_keeps_nobody_else(office: Office) -> None:
    """One sentence for it; the rest is done."""
    real = office.real
    real.run(THREE, "sh", "-c", "kill $(pidof sshd)", check=False)  # some end with others
    ran = real.run(ONE, CRM, "cluster", "run", "echo did", check=False)
    assert ran.returncode == 1
    assert (
        f"[{TWO}]\ndid\n[{THREE}] (exit code 102)\n{THREE} cannot be reached by ssh" in ran.stdout
    )
    refused = real.run(ONE, CRM, "cluster", "stop", THREE, check=False)
    assert refused.returncode == 102
    assert refused.stderr.startswith(f"ERROR: {THREE} cannot be reached by ssh: ")
    assert real.pids(THREE, "pacemakerd")
    told = real.run(ONE, CRM, "cluster", "stop", "pacemaker09", check=False)
    assert "there is no node pacemaker09" in told.stderr
