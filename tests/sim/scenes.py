"""How the scenarios by hand begin: a settled cluster, and commits that are acknowledged."""

from __future__ import annotations

from sim.cluster import Cluster, add_mark, add_resource

from crmsh_py.wire.control import (
    Committed,
)


def started(count: int = 3, seed: int = 1) -> Cluster:
    """A settled cluster."""
    cluster = Cluster(count, seed)
    cluster.start()
    cluster.settle()
    return cluster


def committed(cluster: Cluster, number: int, name: str) -> None:
    """Add a resource (R…) or a mark, and see it acknowledged."""
    change = add_resource(name) if name.startswith("R") else add_mark(name)
    ticket = cluster.commit(number, change)
    node = cluster.node(number)
    cluster.until(lambda: ticket in node.replies, 5, f"an answer for {name}")
    assert isinstance(node.replies[ticket][0], Committed), node.replies[ticket]


def runs_on(cluster: Cluster, resource: str) -> list[str]:
    return [node.name for node in cluster.up if resource in node.active]
