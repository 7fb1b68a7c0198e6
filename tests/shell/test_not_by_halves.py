"""What has several parts is done whole or not at all: names, secrets on all nodes, tickets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from shell.on_fake import OnFake
from tools.fakes import CIB

from crmsh_py.cib.document import Cib
from crmsh_py.errors import ClusterUnreachable, ConfigError, CrmError, NoQuorum
from crmsh_py.lab import members
from crmsh_py.shell import cmd_cluster, on_nodes
from crmsh_py.shell.dispatch import run_line, single_line
from crmsh_py.shell.options import Options
from crmsh_py.value import replace

CONF = "totem {\n    version: 2\n    cluster_name: lab\n}\n"


class Typist(OnFake):
    """Somebody with one-shots on a cluster in memory whose nodes have files."""

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(interactive=False, options=options)
        self.levels = ()
        self.off: set[str] = set()
        self.content = b"geheim"
        self.ran: list[tuple[str, ...]] = []

    def command(self, line: str) -> int:
        return run_line(self, single_line(line))

    def on_node(
        self, node: str, argv: Sequence[str], stdin: bytes = b"", **_: object
    ) -> on_nodes.Outcome:
        if node in self.off:
            raise ClusterUnreachable(f"{node} is off")
        if argv[0] != "true":
            self.ran.append((node, *argv))
        return on_nodes.Outcome(node, 0, stdin or self.content, b"")

    @property
    def asked(self) -> list[str]:
        return [str(done[0]) for done in self.fake.done]


@pytest.fixture
def typist(monkeypatch: pytest.MonkeyPatch) -> Typist:
    made = Typist()
    monkeypatch.setattr(on_nodes, "run", lambda session, *a, **k: made.on_node(*a, **k))
    monkeypatch.setattr(on_nodes, "node_path", lambda session, node, path: path)
    return made


@pytest.mark.parametrize("what", ["grant T2", "revoke T1", "standby T1", "delete T1 force"])
def test_a_ticket_is_not_changed_where_that_would_be_lost(what: str) -> None:
    verb, _, rest = what.partition(" ")
    typist = Typist()
    typist.fake.quorate = False
    with pytest.raises(NoQuorum, match="no quorum"):
        typist.command(f"site ticket {verb} {rest}")
    assert "ticket" not in typist.asked


def test_a_ticket_is_granted_with_quorum_or_by_force() -> None:
    typist = Typist()
    typist.command("site ticket grant T")
    assert "ticket" in typist.asked
    forced = Typist(Options(force_no_quorum=True))
    forced.fake.quorate = False
    forced.command("site ticket grant T")
    assert "ticket" in forced.asked


def test_a_cluster_without_quorum_keeps_its_name(tmp_path: Path) -> None:
    conf = tmp_path / "corosync.conf"
    conf.write_text(CONF)
    typist = Typist()
    typist.environ["COROSYNC_MAIN_CONFIG_FILE"] = str(conf)
    typist.fake.quorate = False
    with pytest.raises(NoQuorum, match="this partition has no quorum"):
        typist.command("cluster rename other")
    assert conf.read_text() == CONF
    typist.fake.quorate = True
    typist.command("cluster rename other")
    assert "cluster_name: other" in conf.read_text()


def test_a_name_that_cannot_be_is_not_put_into_the_configuration(tmp_path: Path) -> None:
    conf = tmp_path / "corosync.conf"
    conf.write_text("totem {\n    version: 9\n}\n")
    typist = Typist()
    typist.environ["COROSYNC_MAIN_CONFIG_FILE"] = str(conf)
    with pytest.raises(ConfigError, match=r"corosync\.conf has 1 bad value"):
        typist.command("cluster rename other")
    assert "commit" not in typist.asked


@pytest.mark.parametrize("what", ["set ClusterIP-x", "unstash", "delete"])
def test_a_secret_is_on_every_node_or_not_changed(typist: Typist, what: str) -> None:
    typist.off = {"pacemaker02"}
    verb, _, value = what.partition(" ")
    with pytest.raises(ClusterUnreachable, match="pacemaker02 cannot be reached"):
        typist.command(f"resource secret ClusterIP {verb} nic {value}")
    assert typist.ran == []
    assert "commit" not in typist.asked


def test_a_secret_that_the_configuration_does_not_take_is_forgotten(typist: Typist) -> None:
    typist.fake.quorate = False
    with pytest.raises(NoQuorum):
        typist.command("resource secret ClusterIP set nic eth0")
    assert [(ran[0], ran[1]) for ran in typist.ran[-2:]] == [
        ("pacemaker01", "rm"),
        ("pacemaker02", "rm"),
    ]


def test_a_secret_is_a_parameter_that_the_agent_has(typist: Typist) -> None:
    with pytest.raises(ConfigError, match="nosuchparam"):
        typist.command("resource secret ClusterIP set nosuchparam v")
    with pytest.raises(ConfigError, match="no text"):
        typist.command("resource secret ClusterIP set nic \udcff")
    assert typist.ran == []


@pytest.mark.parametrize("sure", [True, False])
def test_a_lost_node_is_deleted_and_nobody_pretends_that_it_is_off(
    monkeypatch: pytest.MonkeyPatch, sure: bool
) -> None:
    typist = Typist()
    typist.said.answer = sure  # -F, or a script that nobody answers for
    typist.fake.cib = Cib.parse(
        CIB.replace('<node_state id="2" uname="pacemaker02" in_ccm="true"',
                    '<node_state id="2" uname="pacemaker02" in_ccm="false"')
    )  # fmt: skip
    seen = typist.fake.membership()
    monkeypatch.setattr(typist.fake, "membership", lambda: replace(seen, members=[seen.members[0]]))
    typist.command("node delete pacemaker02")
    nodes = typist.fake.cib.section("nodes").findall("node")
    assert [node.get("uname") for node in nodes] == ["pacemaker01"]
    assert (("confirm", "pacemaker02") in typist.fake.done) is sure
    assert ("may still run" in typist.said.said.getvalue()) is not sure


def test_nobody_is_asked_about_a_node_that_cannot_be_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = OnFake()  # it fails at any question
    session.levels = ()
    removed: list[str] = []

    def check(lab: object, name: str) -> None:
        if name == "pacemaker02":
            raise CrmError("pacemaker02 is on")

    monkeypatch.setattr(members, "check_removable", check)
    monkeypatch.setattr(members, "remove", lambda lab, name: removed.append(name))
    monkeypatch.setattr(cmd_cluster, "_lab", lambda session: None)
    with pytest.raises(CrmError, match="is on"):
        session.types("cluster remove pacemaker01 pacemaker02")
    assert not removed
    session.said.answers = [True]
    assert "corosync reload" in session.types("cluster remove pacemaker01")
    assert removed == ["pacemaker01"]


# ---- corosync.conf, where nodes are off ----------------------------------------------------------


@pytest.fixture
def conf(typist: Typist, tmp_path: Path) -> Path:
    made = tmp_path / "corosync.conf"
    made.write_text(CONF)
    typist.environ["COROSYNC_MAIN_CONFIG_FILE"] = str(made)
    return made


def test_a_node_that_is_off_keeps_no_other_from_the_new_file(
    typist: Typist, conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typist.off = {"pacemaker02"}
    seen = typist.fake.membership()
    alone = replace(seen, members=[seen.members[0]])
    monkeypatch.setattr(typist.fake, "membership", lambda: alone)
    assert typist.command("corosync reload") == 1
    assert "administer" in typist.asked
    said = typist.said.said.getvalue()
    assert "pacemaker02 is off" in said
    assert "crm corosync push pacemaker02" in said


def test_no_member_goes_on_with_the_old_file_alone(typist: Typist, conf: Path) -> None:
    typist.off = {"pacemaker02"}  # it is a member, but cannot be reached
    with pytest.raises(CrmError, match="pacemaker02 would go on with the old"):
        typist.command("corosync reload")
    assert "administer" not in typist.asked


@pytest.mark.parametrize("command", ["corosync diff", "cluster diff /etc/hosts"])
def test_what_is_off_differs_and_the_others_are_compared(
    typist: Typist, conf: Path, command: str
) -> None:
    typist.off = {"pacemaker01"}
    assert typist.command(command) == 1
    assert [ran[0] for ran in typist.ran] == ["pacemaker02"]
    assert "pacemaker01 is off" in typist.said.said.getvalue()


def test_a_damaged_file_can_be_replaced(typist: Typist, conf: Path) -> None:
    conf.write_text("totem {\n    version: 9\n    cluster_name: lab\n")
    typist.content = CONF.encode()
    assert typist.command("corosync pull pacemaker01") == 0
    assert conf.read_text() == CONF
    conf.write_text(CONF.replace("version: 2", "version: 9"))
    assert typist.command("corosync set totem.version 2") == 0
    assert conf.read_text() == CONF
