"""A node's queue to the ring is full: what clients ask may be lost, its own news may not."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

from sim.cluster import SimNode, add_device, add_mark, add_resource
from sim.scenes import committed, runs_on, started
from sim.test_never_twice import cluster_of, prefer

from crmsh_py.engine.commits import MAX_PENDING
from crmsh_py.engine.orders import MAX_ORDERS
from crmsh_py.engine.totem_values import MAX_QUEUED_BYTES, MAX_QUEUED_PAYLOADS
from crmsh_py.wire.control import Refused
from crmsh_py.wire.stream import MAX_PATCH


@contextmanager
def no_room(node: SimNode) -> Iterator[None]:
    """As if others had filled the queue."""
    queue = node.core._membership.totem._machine.queue
    limits = queue._limits
    queue._limits = dataclasses.replace(limits, queued_payloads=0)
    yield
    queue._limits = limits


def test_a_node_that_cannot_tell_what_it_did_ends() -> None:
    """A start whose end nobody hears of is taken for lost, and made again elsewhere."""
    # It looks at all starts: nothing may run twice.
    cluster = cluster_of(add_device(), prefer("R9", "node2"))
    node = cluster.node(2)
    cluster.agent_delay_s = (0.05, 0.05)
    cluster.commit(1, add_resource("R9"))
    cluster.until(lambda: "R9" in node.active, 5, "a start")
    with no_room(node):
        cluster.until(lambda: node not in cluster.up, 5, "its end")
    assert any("Outcome was not sent" in line for line in node.log), node.log[-5:]
    cluster.until(lambda: len(runs_on(cluster, "R9")) == 1, 60, "a start elsewhere")


def test_what_a_client_asks_is_given_up_and_the_node_goes_on() -> None:
    cluster = started()
    node = cluster.node(2)
    with no_room(node):
        ticket = cluster.commit(2, add_mark("lost"))
        cluster.run(0.5)
    cluster.until(lambda: ticket in node.replies, 60, "an answer")
    assert isinstance(node.replies[ticket][0], Refused)
    assert node in cluster.up
    committed(cluster, 2, "found")


def test_clients_cannot_fill_it() -> None:
    assert MAX_ORDERS + MAX_PENDING <= MAX_QUEUED_PAYLOADS / 2
    assert 2 * MAX_PATCH < MAX_QUEUED_BYTES
