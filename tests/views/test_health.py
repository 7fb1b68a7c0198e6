"""What ``cluster health`` finds, and what it says to do about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tools.fakes import FakeCluster

from crmsh_py.cib.document import Cib
from crmsh_py.value import replace
from crmsh_py.views import health
from crmsh_py.wire.lab import LabState, NodeState, Power

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_votes_that_the_cluster_manager_does_not_count_are_told() -> None:
    """Corosync counts the vote of a node with an empty disk; the replica does not."""
    fake = FakeCluster()
    seen = replace(fake.membership(), dc="pacemaker01")
    without = fake.cib.with_attributes({"have-quorum": "0"})
    found = health.examine(without, seen, now=NOW)
    assert not found.well
    assert "enough votes" in health.text(found)
    assert "enough votes" not in health.text(health.examine(fake.cib, seen, now=NOW))


@pytest.mark.parametrize(
    ("votes", "flags", "told"),
    [
        (2, ["Quorate"], True),
        (2, ["2Node", "Quorate", "WaitForAll"], False),
        (3, ["Quorate"], False),
        (2, [], False),  # where Corosync was not asked
    ],
)
def test_two_nodes_are_told_of_two_node(votes: int, flags: list[str], told: bool) -> None:
    fake = FakeCluster()
    seen = replace(fake.membership(), expected_votes=votes, flags=flags)
    found = health.text(health.examine(fake.cib, seen, now=NOW))
    assert ("two nodes without two_node" in found) is told


def test_rules_of_quorum_that_differ_are_told() -> None:
    fake = FakeCluster()
    seen = replace(fake.membership(), unequal_rules="node1: two_node; node2: none")
    found = health.text(health.examine(fake.cib, seen, now=NOW))
    assert "node1: two_node; node2: none" in found
    assert "crm corosync reload" in found


def machine(state: Power = Power.ON, **more: Any) -> NodeState:
    return NodeState(name="pacemaker02", address="10.0.0.2", state=state, **more)


@pytest.mark.parametrize(
    ("machine", "told"),
    [
        (machine(frozen=True), "it is frozen: crm lab thaw pacemaker02"),
        (machine(group=1), "it is cut off: crm lab heal"),
        (machine(second_group=1), "it is cut off: crm lab heal"),
        (machine(Power.OFF), "it is off: crm lab start pacemaker02"),
        (machine(Power.DIED), "it ended by itself: crm lab start pacemaker02"),
        (machine(), "crm cluster start pacemaker02; crm lab log pacemaker02"),
        (None, "crm cluster start pacemaker02"),
    ],
)
def test_a_node_that_is_away_comes_back_in_the_way_that_its_machine_needs(
    machine: NodeState | None, told: str
) -> None:
    fake = FakeCluster()
    text = fake.cib.to_xml().replace('in_ccm="true" crmd="online" join="member"', "", 2)
    cib = Cib.parse(text.replace('join="member"', 'join="down"'))
    lab = machine and LabState(
        pid=1, started=1, isolation="root", own_pids=True, note="", nodes=[machine]
    )
    found = health.text(health.examine(cib, fake.membership(), now=NOW, lab=lab))
    assert f"pacemaker02 is offline\n  {told}\n" in found
