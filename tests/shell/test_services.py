"""``cluster start``, ``stop`` … on a real cluster, whose machines are fakes with two services."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest
from clusters.pacemaker_machine import Machine
from shell.person import Answers

from crmsh_py.clusters.pacemaker import PacemakerCluster
from crmsh_py.clusters.pacemaker_programs import Answer, Output
from crmsh_py.clusters.seen import SeenConfigurations
from crmsh_py.errors import ClusterUnreachable, NotFound, SyntaxProblem
from crmsh_py.shell import services
from crmsh_py.shell.dispatch import run_line, single_line
from crmsh_py.shell.options import Options
from crmsh_py.shell.session import Session

NODES = ("n1", "n2", "n3")
CONF = (
    "totem {\nversion: 2\n}\nnodelist {\n"
    + "".join(
        f"node {{\nname: {name}\nnodeid: {number}\nring0_addr: 10.0.0.{number}\n}}\n"
        for number, name in enumerate(NODES, 1)
    )
    + "}\n"
)
QDEVICE = "quorum {\nprovider: corosync_votequorum\ndevice {\nmodel: net\n}\n}\n"


class Rack:
    """Three machines; ``did`` is what their service managers were told, in order."""

    def __init__(self) -> None:
        self.on = {node: {"corosync", "pacemaker"} for node in NODES}
        self.did: list[str] = []
        self.before: dict[str, Callable[[], None]] = {}
        self.unreachable: set[str] = set()
        self.conf = CONF
        self.lock = threading.Lock()


class Service(Machine):
    """The programs of one machine of a rack."""

    def __init__(self, rack: Rack, node: str, host: str = "") -> None:
        super().__init__()
        self.rack, self.name, self.host = rack, node, host

    def at(self, node: str) -> Service:
        return Service(self.rack, node, node)

    def run(
        self, program: str, *arguments: str, timeout_s: float, stdin: str | None = None
    ) -> Answer:
        if program in ("crm_node", "uname"):
            return Answer(0, f"{self.name}\n", "")
        if "pacemaker" not in self.rack.on[self.name]:
            return Answer(102, "", "Transport endpoint is not connected")
        return super().run(program, *arguments, timeout_s=timeout_s, stdin=stdin)

    def output(self, words: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Output:
        if self.name in self.rack.unreachable:
            raise ClusterUnreachable(f"{self.name} cannot be reached by ssh: Connection refused")
        if words[0] == "cat":
            return Output(0, self.rack.conf.encode(), b"")
        _, verb, *units = words
        services = [unit.removesuffix(".service") for unit in units]
        on = self.rack.on[self.name]
        if verb == "is-active":
            states = ["active" if service in on else "inactive" for service in services]
            return Output(0, "\n".join(states).encode(), b"")
        told = f"{self.name} {verb} {services[0]}"
        if wait := self.rack.before.get(told):
            wait()
        with self.rack.lock:
            self.rack.did.append(told)
            if verb == "start":
                on |= {"corosync", services[0]}
            elif verb == "stop":
                on.discard(services[0])
        return Output(0, b"", b"")


@pytest.fixture
def rack() -> Rack:
    return Rack()


def crm(rack: Rack, line: str) -> str:
    """What a person on n1 is told. Raises what the command does."""
    cluster = PacemakerCluster(Service(rack, "n1"), SeenConfigurations(""))

    class OnRack(Session):
        @property
        def cluster(self) -> PacemakerCluster:  # type: ignore[override]
            return cluster

    said = Answers((), answer=None)
    session = OnRack(Options(), said, environ={"HOME": "/dev/null"})
    run_line(session, single_line(line))
    return said.said.getvalue()


def test_this_machine_is_meant_unless_another_one_is_named(rack: Rack) -> None:
    rack.on = {node: set() for node in rack.on}

    crm(rack, "cluster start")
    crm(rack, "cluster start n2")

    assert rack.did == ["n1 start pacemaker", "n2 start pacemaker"]
    assert "runs on n1 already" in crm(rack, "cluster start")
    assert len(rack.did) == 2


def test_a_quorum_device_is_started_and_enabled_with_the_cluster(rack: Rack) -> None:
    rack.on["n1"] = set()
    rack.conf += QDEVICE

    crm(rack, "cluster start")
    crm(rack, "cluster enable")

    assert rack.did == [
        "n1 start corosync-qdevice", "n1 start pacemaker",
        "n1 enable pacemaker", "n1 enable corosync-qdevice",
    ]  # fmt: skip


def test_corosync_stops_when_pacemaker_has_ended_everywhere(rack: Rack) -> None:
    crm(rack, "cluster stop --all")

    assert {told.split()[2] for told in rack.did[:3]} == {"pacemaker"}
    assert {told.split()[2] for told in rack.did[3:]} == {"corosync"}
    assert not any(rack.on.values())


def test_a_dc_that_waits_for_the_others_to_leave(
    rack: Rack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing runs any more, so they may; it ends then."""
    monkeypatch.setattr(services, "PATIENCE_S", 0.0)
    monkeypatch.setattr(services, "LOOK_AGAIN_S", 0.001)
    alone = threading.Event()
    rack.before["n3 stop pacemaker"] = lambda: _until(alone)
    rack.before["n2 stop corosync"] = alone.set

    crm(rack, "cluster stop --all")

    assert rack.did.index("n2 stop corosync") < rack.did.index("n3 stop pacemaker")
    assert not any(rack.on.values())


def _until(event: threading.Event) -> None:
    assert event.wait(10)


def test_what_goes_wrong_on_one_node_stops_no_other(rack: Rack) -> None:
    rack.on = {node: set() for node in rack.on}
    rack.unreachable = {"n2"}

    said = crm(rack, "cluster start --all")

    assert "n2 cannot be reached by ssh: Connection refused" in said
    assert "started on n1" in said
    assert "started on n3" in said
    with pytest.raises(ClusterUnreachable, match="n2 cannot be reached by ssh"):
        crm(rack, "cluster start n2")


def test_a_name_that_no_node_has(rack: Rack) -> None:
    with pytest.raises(NotFound, match="there is no node n9"):
        crm(rack, "cluster stop n9")
    assert rack.did == []


def test_a_damaged_corosync_conf_is_told_before_anything_is_started(rack: Rack) -> None:
    """Stopping this machine needs it for nothing."""
    rack.conf = "totem {\n"
    with pytest.raises(SyntaxProblem, match="closing brace of section 'totem' of line 1"):
        crm(rack, "cluster start")
    assert rack.did == []
    crm(rack, "cluster stop")
    assert rack.did == ["n1 stop pacemaker", "n1 stop corosync"]
