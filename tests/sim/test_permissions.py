"""Access control lists on a whole node: every kind of request, by users that they limit."""

from __future__ import annotations

from typing import get_args

import pytest
from sim.cluster import Cluster, add_resource, without_fencing
from sim.machine import SimNode

from crmsh_py.cib import xml
from crmsh_py.cib.diff import diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine import permissions
from crmsh_py.engine.api import RequestReceived
from crmsh_py.wire import control

ACLS = """<acls>
<acl_target id="operator"><role id="op"/></acl_target>
<acl_target id="looker"><role id="look"/></acl_target>
<acl_target id="cleaner"><role id="clean"/></acl_target>
<acl_role id="op"><acl_permission id="op1" kind="read" xpath="/cib"/>
 <acl_permission id="op2" kind="write" xpath="//nodes"/>
 <acl_permission id="op3" kind="write" xpath="//node_state[@uname='node1']"/></acl_role>
<acl_role id="look"><acl_permission id="l1" kind="read" xpath="/cib"/>
 <acl_permission id="l2" kind="deny" xpath="//nvpair[@name='secret']"/></acl_role>
<acl_role id="clean"><acl_permission id="c1" kind="deny" xpath="//lrm_resource[@id='P1']"/>
 <acl_permission id="c2" kind="write" xpath="//status"/></acl_role></acls>"""

_tickets = iter(range(20_000, 1_000_000))


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    made = Cluster(3, 1)
    made.start()
    made.settle()
    cib = made.cib(1)
    properties = Element(
        "cluster_property_set",
        {"id": "acl-options"},
        (
            Element("nvpair", {"id": "ao1", "name": "enable-acl", "value": "true"}),
            Element("nvpair", {"id": "ao2", "name": "secret", "value": "hidden-word"}),
        ),
    )
    with_lists = cib.with_section("acls", xml.parse(ACLS))
    with_lists = with_lists.with_section(
        "crm_config", with_lists.section("crm_config").append(properties)
    )
    reply = ask(made, "", control.Commit(patch=diff(cib, with_lists).to_xml()))
    assert isinstance(reply, control.Committed), reply
    return made


def ask(cluster: Cluster, user: str, request: control.Request) -> control.Reply:
    node: SimNode = cluster.node(1)
    ticket = next(_tickets)
    node.feed(RequestReceived(ticket=ticket, request=request, acl_user=user))
    cluster.until(lambda: ticket in node.replies, 5, f"an answer to {type(request).__name__}")
    return node.replies[ticket][0]


def refused(reply: control.Reply) -> bool:
    return isinstance(reply, control.Refused) and reply.kind == "NotPermitted"


def seen(cluster: Cluster, user: str) -> str:
    reply = ask(cluster, user, control.ReadCib())
    assert isinstance(reply, control.CibReply), reply
    return reply.cib


def marked(cib: Cib, section: str) -> Cib:
    mark = Element("nvpair", {"id": f"mark-{section}", "name": "mark", "value": "1"})
    if section == "nodes":
        node = cib.section("nodes").findall("node")[0]
        attributes = Element("instance_attributes", {"id": "mark-attributes"}, (mark,))
        nodes = cib.section("nodes").map_children(
            lambda each: each.append(attributes) if each is node else each
        )
        return cib.with_section("nodes", nodes)
    crm_config = cib.section("crm_config")
    first = crm_config.findall()[0]
    return cib.with_section(
        "crm_config",
        crm_config.map_children(lambda each: each.append(mark) if each is first else each),
    )


def commit(cluster: Cluster, user: str, section: str, **more: bool) -> control.Reply:
    cib = Cib.parse(seen(cluster, user))
    patch = diff(cib, marked(cib, section)).to_xml()
    return ask(cluster, user, control.Commit(patch=patch, **more))  # type: ignore[arg-type]


def test_reading_is_filtered(cluster: Cluster) -> None:
    assert "hidden-word" in seen(cluster, "")
    assert "hidden-word" in seen(cluster, "operator")
    assert "hidden-word" not in seen(cluster, "looker")
    assert refused(ask(cluster, "stranger", control.ReadCib()))


def test_a_commit_is_refused_or_made_by_what_it_changes(cluster: Cluster) -> None:
    before = cluster.cib(1).version
    reply = commit(cluster, "operator", "crm_config")
    assert refused(reply)
    assert isinstance(reply, control.Refused)
    assert "operator may not create nvpair mark-crm_config" in reply.text
    assert refused(commit(cluster, "looker", "nodes"))
    assert refused(commit(cluster, "operator", "nodes", force_no_quorum=True))
    assert cluster.cib(1).version == before

    assert isinstance(commit(cluster, "operator", "nodes"), control.Committed)


def test_a_single_pair_is_read_and_set_by_the_same_rights(cluster: Cluster) -> None:
    secret = control.ReadPair(section="crm_config", name="secret")
    assert ask(cluster, "operator", secret) == control.PairReply(value="hidden-word")
    assert ask(cluster, "looker", secret) == control.PairReply(value=None)
    assert refused(ask(cluster, "stranger", secret))
    for user, section, right in (
        ("operator", "crm_config", False),
        ("operator", "nodes", True),
        ("looker", "nodes", False),
    ):
        request = control.SetPair(section=section, node="node1", name="x", value=user)
        assert refused(ask(cluster, user, request)) is not right


def test_the_status_needs_a_right_to_it(cluster: Cluster) -> None:
    def attribute(user: str, node: str) -> control.Reply:
        return ask(cluster, user, control.SetAttribute(node=node, name="x", value="1"))

    assert attribute("operator", "node1") == control.Done()
    assert refused(attribute("operator", "node2"))
    assert refused(attribute("looker", "node1"))
    assert not refused(ask(cluster, "looker", control.ReadAttribute(name="x")))
    assert refused(ask(cluster, "stranger", control.ReadAttribute(name="x")))
    clean = control.CleanResource(resource="R", node="node1")
    assert ask(cluster, "operator", clean) == control.Done()
    assert refused(ask(cluster, "operator", control.CleanResource()))
    assert refused(ask(cluster, "looker", control.SetTicket(ticket="t", attributes=None)))


@pytest.mark.parametrize(
    "request_",
    [
        control.StopDaemon(),
        control.StopManager(),
        control.StartManager(),
        control.FenceNode(node="node2", action="off"),
        control.ReloadConf(),
        control.ReenableRings(),
        control.SetExpectedVotes(votes=3),
        control.SetVotes(votes=1),
        control.ReadRevisions(),
        control.ReadRevision(admin_epoch=0, epoch=1),
    ],
    ids=lambda request: type(request).__name__,
)
def test_machines_and_history_are_for_who_is_not_limited(
    cluster: Cluster, request_: control.Request
) -> None:
    assert refused(ask(cluster, "looker", request_))


def test_what_holds_no_parameters_may_be_read(cluster: Cluster) -> None:
    for request in (control.ReadMembership(), control.ReadCmap(), control.ReadSubsystems()):
        assert not isinstance(ask(cluster, "looker", request), control.Refused)


def test_every_kind_of_request_has_its_place_in_the_table() -> None:
    """Those without one are for machines: nobody who is limited may make them."""
    missing = {kind for kind in get_args(control.Request) if kind not in permissions._TABLE}

    assert missing == {
        control.StartManager,
        control.StopManager,
        control.StopDaemon,
        control.FenceNode,
        control.ConfirmFenced,
        control.AskDevice,
        control.InjectFaults,
        control.ForgetFencing,
        *get_args(control.RingOrder),
    }


@pytest.mark.parametrize("name", ["P1", "P1:0", ""])
def test_nobody_cleans_by_another_name_what_he_may_not(cluster: Cluster, name: str) -> None:
    if not any(node.active for node in cluster.up):
        cluster.commit(1, without_fencing)
        cluster.settle()
        cluster.commit(1, lambda cib: add_resource("P2")(add_resource("P1")(cib)))
        cluster.until(lambda: sum(len(n.active) for n in cluster.up) == 2, 10, "running")
        cluster.settle()
    clean = control.CleanResource(resource=name, node="", all_history=True)
    assert refused(ask(cluster, "cleaner", clean))
    other = control.CleanResource(resource="P2", node="", all_history=True)
    assert isinstance(ask(cluster, "cleaner", other), control.Done)
