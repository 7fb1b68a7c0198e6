"""Transient attributes as attrd keeps them: dampened, private, on all nodes, over all changes."""

from __future__ import annotations

import pytest
from sim.cluster import Cluster, without_fencing

from crmsh_py.engine.status import attributes_of, node_by_name
from crmsh_py.wire.control import AttributeReply, Done, ReadAttribute, SetAttribute


def running(count: int = 3) -> Cluster:
    cluster = Cluster(count, 1)
    cluster.start()
    cluster.settle()
    cluster.commit(1, without_fencing)
    cluster.run(0.5)
    cluster.settle()
    return cluster


def put(cluster: Cluster, number: int, value: str | None, **more: object) -> None:
    request = SetAttribute(node="", name="pingd", value=value, **more)  # type: ignore[arg-type]
    assert isinstance(cluster.answer(number, request), Done)
    cluster.run(0.1)  # answered is what this node knows; the others hear it in a moment


def shown(cluster: Cluster, number: int, by: int = 1) -> str:
    """What the status has."""
    state = node_by_name(cluster.cib(by).status, f"node{number}")
    assert state is not None
    return attributes_of(state).get("pingd", "")


def asked(cluster: Cluster, by: int = 1) -> dict[str, str]:
    reply = cluster.answer(by, ReadAttribute(name="pingd"))
    assert isinstance(reply, AttributeReply)
    return reply.values


def test_a_dampened_attribute_counts_when_it_has_been_quiet_on_all_nodes() -> None:
    cluster = running()
    put(cluster, 2, "100", delay_ms=5000)
    assert asked(cluster, 3) == {"node2": "100"}
    assert shown(cluster, 2) == ""
    cluster.run(4.0)
    put(cluster, 3, "0", delay_ms=5000)
    cluster.run(4.0)
    assert shown(cluster, 2) == "", "another node has told something meanwhile"
    cluster.run(1.5)
    assert (shown(cluster, 2), shown(cluster, 3)) == ("100", "0")
    put(cluster, 2, "200", delay_ms=1)
    cluster.run(2.0)
    assert shown(cluster, 2) == "100", "the first delay stays"
    put(cluster, 2, "300", delay_ms=1000, set_delay=True)
    cluster.run(1.5)
    assert shown(cluster, 2) == "300"


def test_telling_the_same_again_keeps_no_change_waiting() -> None:
    """Agents tell their value with every monitor; ping's delay is half of its interval."""
    cluster = running()
    for number in (1, 2, 3):
        put(cluster, number, "100", delay_ms=1000)
    cluster.run(1.5)
    put(cluster, 2, "0", delay_ms=1000)
    for number in (1, 3, 2, 1, 3):
        cluster.run(0.3)
        put(cluster, number, "0" if number == 2 else "100", delay_ms=1000)
    assert shown(cluster, 2) == "0"
    updates = cluster.cib(1).version.num_updates
    cluster.run(2.0)
    assert cluster.cib(1).version.num_updates == updates


def test_what_waits_survives_a_change_of_the_membership_and_of_the_dc() -> None:
    cluster = running()
    put(cluster, 2, "7", delay_ms=3000)
    cluster.node(1).crash()
    cluster.settle(2, 3, within_s=10)
    assert asked(cluster, 3) == {"node2": "7"}
    cluster.run(3.5)
    assert shown(cluster, 2, by=3) == "7"


def test_what_waits_and_was_told_by_two_survives_the_loss_of_the_first() -> None:
    cluster = running()
    for number in (2, 3):
        asked_for = SetAttribute(node="node1", name="ping", value="5", delay_ms=3000)
        assert isinstance(cluster.answer(number, asked_for), Done)
    cluster.node(2).crash()
    cluster.run(8.0)
    state = node_by_name(cluster.cib(1).status, "node1")
    assert state is not None
    assert attributes_of(state).get("ping") == "5"


def test_a_private_attribute_is_known_to_all_and_never_in_the_status() -> None:
    cluster = running()
    put(cluster, 2, "secret", private=True)
    assert asked(cluster, 1) == asked(cluster, 3) == {"node2": "secret"}
    cluster.run(1.0)
    assert shown(cluster, 2) == ""
    put(cluster, 2, None, private=True)
    assert asked(cluster, 2) == {}


def test_setting_what_is_set_already_makes_no_plan() -> None:
    cluster = running()
    put(cluster, 2, "7")
    cluster.settle()
    updates = cluster.cib(1).version.num_updates
    put(cluster, 2, "7")
    cluster.settle()
    assert cluster.cib(1).version.num_updates == updates


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1), (1, 3), (3, 1)])
def test_the_newest_value_of_a_private_attribute_stays_when_the_membership_changes(
    first: int, second: int
) -> None:
    cluster = running(4)
    for number, value in ((first, "old"), (second, "new")):
        request = SetAttribute(node="node2", name="pingd", value=value, private=True)
        assert isinstance(cluster.answer(number, request), Done)
        cluster.run(0.1)
    cluster.node(4).crash()
    cluster.settle(1, 2, 3, within_s=10)
    assert [asked(cluster, by) for by in (1, 2, 3)] == [{"node2": "new"}] * 3
