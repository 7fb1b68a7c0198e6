"""Access control lists that change while a commit is on its way, and what a refusal tells."""

from __future__ import annotations

import pytest
from sim.cluster import Cluster, with_property
from sim.scenes import started
from sim.test_permissions import ACLS, marked

from crmsh_py.cib import xml
from crmsh_py.cib.diff import diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.api import RequestReceived
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.wire.control import Commit, Committed, Refused, Reply

_TICKET = 30_000


def with_lists(cib: Cib) -> Cib:
    pairs = {"enable-acl": "true", "secret": "hidden-word"}
    options = Element(
        "cluster_property_set",
        {"id": "acl-options"},
        tuple(Element("nvpair", {"id": n, "name": n, "value": v}) for n, v in pairs.items()),
    )
    changed = cib.with_section("acls", xml.parse(ACLS))
    return changed.with_section("crm_config", changed.section("crm_config").append(options))


def without_lists(cib: Cib) -> Cib:
    """Nobody who is limited may do anything."""
    return cib.with_section("acls", Element("acls"))


def asked(cluster: Cluster, number: int, user: str, patch: str) -> Reply:
    """What a user's commit is answered."""
    _ask(cluster, number, user, patch)
    return _answer(cluster, number)


def _ask(cluster: Cluster, number: int, user: str, patch: str) -> None:
    request = Commit(patch=patch)
    node = cluster.node(number)
    node.replies.pop(_TICKET, None)
    node.feed(RequestReceived(ticket=_TICKET, request=request, acl_user=user))


def _answer(cluster: Cluster, number: int) -> Reply:
    replies = cluster.node(number).replies
    cluster.until(lambda: _TICKET in replies, 5, "an answer")
    return replies[_TICKET][-1]


def with_acls() -> Cluster:
    cluster = started()
    cib = cluster.cib(1)
    assert isinstance(asked(cluster, 1, "", diff(cib, with_lists(cib)).to_xml()), Committed)
    cluster.settle()
    return cluster


def test_a_commit_is_judged_by_the_lists_that_hold_where_it_is_made() -> None:
    """The right is taken away at node 2 while the commit waits for its turn at node 1."""
    cluster = with_acls()
    cib = cluster.cib(1)
    before = cib.version.epoch
    _ask(cluster, 2, "", diff(cib, without_lists(cib)).to_xml())
    _ask(cluster, 1, "operator", diff(cib, marked(cib, "nodes")).to_xml())

    reply = _answer(cluster, 1)
    assert _answer(cluster, 2) == Committed(version=(0, before + 1, 0)), "it was the first"
    cluster.settle()
    assert isinstance(reply, Refused), reply
    assert reply.kind == "NotPermitted"
    assert "mark-nodes" not in cluster.cib(3).ids()
    assert len(set(cluster.digests().values())) == 1


def test_a_conflict_does_not_tell_what_is_hidden() -> None:
    """He says that it was something else, which it is not: that is no way to read it."""
    cluster = with_acls()
    cib = cluster.cib(1)
    for user, told in (("operator", True), ("looker", False), ("stranger", False)):
        guess = xml.to_xml(cib.root).replace("hidden-word", "guess")
        wish = xml.to_xml(cib.root).replace("hidden-word", "mine")
        reply = asked(cluster, 1, user, diff(Cib.parse(guess), Cib.parse(wish)).to_xml())
        assert isinstance(reply, Refused)
        assert ("hidden-word" in f"{reply.text} {reply.hint}") is told, reply


@pytest.mark.parametrize("user", ["u" * 2000, "u\x01"])
def test_a_user_whose_name_nobody_can_be_told_is_refused_at_once(user: str) -> None:
    """His commit would be read by no member."""
    cluster = Cluster(3, 1, planner=scheduler_plan)
    cluster.start()
    cluster.settle()
    cib = cluster.cib(2)
    patch = diff(cib, with_property("no-quorum-policy", "freeze")(cib)).to_xml()
    node = cluster.node(2)
    request = Commit(patch=patch, client="crm")
    node.feed(RequestReceived(ticket=_TICKET, request=request, acl_user=user))
    cluster.until(lambda: _TICKET in node.replies, 1, "answered")
    reply = node.replies[_TICKET][-1]
    assert isinstance(reply, Refused)
    assert "control characters" in reply.text
