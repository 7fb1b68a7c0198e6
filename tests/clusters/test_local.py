"""The client of a lab: which node it takes, what it does when nodes go, and that it never hangs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters.fake_node import Answer, FakeNode

from crmsh_py.cib.diff import diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.clusters import local, single, sockets
from crmsh_py.clusters.channel import Channel
from crmsh_py.clusters.local import LocalCluster
from crmsh_py.clusters.orders import ReopenLogs, ShutDown
from crmsh_py.errors import (
    ClusterUnreachable,
    ConfigError,
    CrmError,
    NotFound,
    NotPermitted,
    TimedOut,
)
from crmsh_py.wire import control

EMPTY = Cib.new(cluster_infrastructure="corosync", dc_version="0.1")


class Lab:
    """Fake nodes and clients of them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.nodes: dict[str, FakeNode] = {}

    def add(self, name: str, answer: Answer) -> FakeNode:
        self.nodes[name] = FakeNode(self.directory / f"{name}.sock", answer)
        return self.nodes[name]

    def cluster(self, node: str = "", extra: tuple[str, ...] = ()) -> LocalCluster:
        names = (*self.nodes, *extra)
        sockets = {name: str(self.directory / f"{name}.sock") for name in names}
        return LocalCluster("demo", sockets, node=node)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    (tmp_path / "demo").mkdir()
    lab = Lab(tmp_path / "demo")
    yield lab
    for node in lab.nodes.values():
        node.close()


def node(name: str, *, quorate: bool = True) -> Answer:
    """A node that knows its membership and an empty CIB."""

    def answer(request: control.Request) -> control.Reply | None:
        if isinstance(request, control.ReadMembership):
            return control.MembershipReply(
                node=name,
                node_id=1,
                ring_representative=1,
                ring_sequence=4,
                state="operational",
                members=[],
                quorate=quorate,
                expected_votes=3,
                highest_expected=3,
                total_votes=1,
                quorum=2,
            )
        return control.CibReply(cib=EMPTY.to_xml())

    return answer


def silent(request: control.Request) -> control.Reply | None:
    return None


def hang_up(request: control.Request) -> control.Reply | None:
    raise ConnectionError


def test_the_first_quorate_node_is_taken(lab: Lab) -> None:
    lab.add("n1", node("n1", quorate=False))
    lab.add("n2", node("n2"))
    lab.add("n3", node("n3"))

    assert lab.cluster().label == "live/n2"


def test_without_a_quorate_node_any_that_answers_is_taken(lab: Lab) -> None:
    lab.add("n1", hang_up)
    lab.add("n2", node("n2", quorate=False))

    assert lab.cluster().node == "n2"


def test_a_frozen_node_costs_nothing_when_another_is_quorate(lab: Lab) -> None:
    lab.add("n1", silent)
    lab.add("n2", node("n2"))

    began = time.monotonic()

    assert lab.cluster().node == "n2"
    assert time.monotonic() - began < local.PROBE_TIMEOUT_S / 2


def test_a_socket_that_nobody_listens_on_is_passed_over(lab: Lab) -> None:
    lab.add("n2", node("n2"))

    assert lab.cluster(extra=("n1",)).node == "n2"


def test_when_nobody_answers_the_message_says_how_to_start(lab: Lab) -> None:
    with pytest.raises(ClusterUnreachable) as caught:
        lab.cluster(extra=("n1",)).read_cib()

    assert "crm lab start" in caught.value.format_message()


def test_a_named_node_is_not_exchanged(lab: Lab) -> None:
    lab.add("n2", node("n2"))

    with pytest.raises(ClusterUnreachable, match="n1 is not running"):
        lab.cluster(node="n1", extra=("n1",)).read_cib()


def test_an_unknown_node_is_told_with_near_names(lab: Lab) -> None:
    lab.add("pacemaker01", node("pacemaker01"))

    with pytest.raises(NotFound) as caught:
        lab.cluster(node="pacemaker1").read_cib()

    assert caught.value.hint == "did you mean pacemaker01?"


def test_a_read_moves_to_another_node_when_the_old_one_goes(lab: Lab) -> None:
    first = lab.add("n1", node("n1"))
    lab.add("n2", node("n2"))
    cluster = lab.cluster()
    assert cluster.node == "n1"

    first.close()

    assert cluster.read_cib().digest == EMPTY.digest
    assert cluster.node == "n2"


def test_after_an_error_it_is_the_same_node_that_is_asked(lab: Lab) -> None:
    refusing = node("n2")

    def answer(request: control.Request) -> control.Reply | None:
        if isinstance(request, control.ReadCib):
            return control.Refused(kind="ConfigError", text="no", hint="")
        return refusing(request)

    lab.add("n2", answer)
    cluster = lab.cluster(extra=("n1",))
    assert cluster.node == "n2"
    lab.add("n1", node("n1"))

    with pytest.raises(ConfigError):
        cluster.read_cib()

    assert cluster.node == "n2"


def change() -> Cib:
    return EMPTY.with_section("crm_config", Element("crm_config"))


def test_a_commit_is_never_sent_twice(lab: Lab) -> None:
    """The node dies with the commit in its hands: nobody knows, and that is said."""

    def dies(request: control.Request) -> control.Reply | None:
        if isinstance(request, control.Commit):
            raise ConnectionError
        return node("n1")(request)

    lab.add("n1", dies)
    second = lab.add("n2", node("n2"))
    cluster = lab.cluster()

    with pytest.raises(ClusterUnreachable) as caught:
        cluster.commit(diff(EMPTY, change()), client="test")

    assert "may have been made" in caught.value.message
    assert not any(isinstance(r, control.Commit) for r in second.requests)


def test_a_node_that_hangs_is_given_up(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "CALL_TIMEOUT_S", 0.2)
    lab.add("n1", silent)

    with pytest.raises(TimedOut, match="node n1 does not answer in time") as caught:
        lab.cluster(node="n1").wait_idle(timeout_s=0.2)
    assert "crm lab thaw n1" in (caught.value.hint or "")


def test_a_late_answer_is_not_taken_for_the_next_one(lab: Lab) -> None:
    slow = threading.Event()

    def answer(request: control.Request) -> control.Reply | None:
        if isinstance(request, control.WaitIdle):
            slow.wait(10)
            return control.Done()
        return node("n1")(request)

    lab.add("n1", answer)
    cluster = lab.cluster(node="n1")
    with pytest.raises(TimedOut):
        cluster.wait_idle(timeout_s=0.1)
    slow.set()

    assert cluster.read_cib().digest == EMPTY.digest


def test_refusals_keep_their_kind_and_unknown_kinds_are_plain_errors(lab: Lab) -> None:
    kinds = iter(["ConfigError", "SystemExit"])

    def refuses(request: control.Request) -> control.Reply | None:
        return control.Refused(kind=next(kinds), text="no", hint="why")

    lab.add("n1", refuses)
    cluster = lab.cluster(node="n1")

    with pytest.raises(ConfigError, match="no"):
        cluster.read_cib()
    with pytest.raises(CrmError) as caught:
        cluster.read_cib()
    assert type(caught.value) is CrmError


def test_an_answer_of_the_wrong_kind_is_a_protocol_error(lab: Lab) -> None:
    lab.add("n1", lambda _: control.Done())

    with pytest.raises(CrmError, match="wrong kind"):
        lab.cluster(node="n1").read_cib()


def test_a_watch_ends_when_the_node_goes(lab: Lab) -> None:
    changed = control.Changed(version=(0, 1, 0), quorate=True, dc="n1", idle=True)
    fake = lab.add("n1", lambda _: changed)
    watch = lab.cluster(node="n1").watch()

    assert next(watch) == changed
    fake.close()
    assert list(watch) == []


def test_a_socket_of_another_user_is_no_node_of_ours(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who made the directory below /tmp before us is not believed, and learns nothing."""
    monkeypatch.setattr(sockets, "peer_user", lambda _: 4711)
    fake = lab.add("pacemaker01", node("pacemaker01"))
    with pytest.raises(NotPermitted, match="pacemaker01 is not yours: user id 4711"):
        lab.cluster().read_cib()
    with pytest.raises(NotPermitted, match="user id 4711"):
        lab.cluster(node="pacemaker01").read_cib()
    environ = {"CRM_RUNTIME_DIR": str(lab.directory.parent), "CRM_LAB": lab.directory.name}
    assert single.contact(environ, "test") is None
    assert fake.requests == []


def test_roots_socket_is_taken_by_every_user_who_may_open_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node's daemon is root inside of the node, whoever asks."""
    monkeypatch.setattr(sockets, "peer_user", lambda _: 0)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    lab.add("pacemaker01", node("pacemaker01"))
    assert lab.cluster().node == "pacemaker01"


def test_the_environment_names_lab_and_node(tmp_path: Path) -> None:
    runtime = tmp_path / "demo"
    runtime.mkdir()
    for name in ("n1.sock", "n2.sock", "lab.sock", "n1.pid"):
        (runtime / name).touch()
    environ = {"CRM_RUNTIME_DIR": str(tmp_path), "CRM_LAB": "demo", "CRM_NODE": "n2"}

    cluster = LocalCluster.of_environment(environ, 0)

    assert cluster.nodes() == ("n1", "n2")
    assert cluster.label == "live/n2"


def test_no_time_is_too_long_to_be_waited(lab: Lab) -> None:
    lab.add("node1", node("node1"))
    late = time.monotonic() + 1e10
    channel = Channel("node1", str(lab.directory / "node1.sock"), late)
    channel.send(control.ReadCib(), late)
    assert isinstance(channel.receive(late), control.CibReply)


def test_what_is_no_text_is_told_before_it_is_sent(lab: Lab) -> None:
    """An argument of a command may be any bytes; Python keeps those that are no UTF-8 apart."""
    fake = lab.add("node1", node("node1"))
    with pytest.raises(CrmError, match="is no text"):
        lab.cluster("node1").set_attribute("node1", "x\udcff", "3")
    assert fake.requests == []


@pytest.mark.parametrize("runs", [True, False])
def test_membership_is_left_only_when_nobody_needs_it(lab: Lab, *, runs: bool) -> None:
    usual = node("node1")

    def answer(request: control.Request) -> control.Reply | None:
        if isinstance(request, control.ReadSubsystems):
            part = control.Subsystem(name="cib", modern_name="pacemaker-based", alive=runs)
            return control.SubsystemsReply(pid=1, subsystems=[part])
        if isinstance(request, control.StopDaemon | control.EndMember):
            return control.Done()
        return usual(request)

    asked = lab.add("node1", answer).requests
    cluster = lab.cluster("node1")
    cluster.administer(ReopenLogs())
    if runs:
        with pytest.raises(CrmError, match="needs the membership"):
            cluster.administer(ShutDown())
        cluster.administer(ShutDown(force=True))
        assert asked[-1] == control.EndMember(node_id=1)
    else:
        cluster.administer(ShutDown())
        assert asked[-1] == control.StopDaemon()


def test_a_clean_up_of_one_operation_keeps_what_other_failures_count(lab: Lab) -> None:
    text = """<cib validate-with="pacemaker-3.9"><configuration><crm_config/><nodes/>
    <resources><primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/></resources>
    <constraints/></configuration><status><node_state id="1" uname="node1">
    <transient_attributes id="1"><instance_attributes id="s">
    <nvpair id="x" name="fail-count-a#monitor_10000" value="3"/>
    <nvpair id="y" name="fail-count-a#start_0" value="INFINITY"/>
    </instance_attributes></transient_attributes></node_state></status></cib>"""

    def answer(request: control.Request) -> control.Reply | None:
        if isinstance(request, control.ReadCib):
            return control.CibReply(cib=text)
        return control.Done()

    asked = lab.add("node1", answer).requests
    lab.cluster("node1").clean_resource("a", "", all_history=False, operation="monitor_10000")
    assert asked[-2:] == [
        control.CleanResource(resource="a", node="node1", all_history=False),
        control.SetAttribute(node="node1", name="fail-count-a#start_0", value="INFINITY"),
    ]
    asked.clear()
    lab.cluster("node1").clean_resource("a", "", all_history=False, operation="monitor_0")
    assert not any(isinstance(each, control.CleanResource) for each in asked)
