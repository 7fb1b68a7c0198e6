"""What ``cluster health`` finds, and what it says to do about it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tools.fakes import FakeCluster

from crmsh_py.value import replace
from crmsh_py.views import health

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
