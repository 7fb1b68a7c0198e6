"""What must hold of a cluster, seen from outside: by clients, by disks, by what runs where.

Each checker raises AssertionError with what it saw. They know the engine's view (which ring a
node is in, and whether it is primary) and nothing else of its inside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

from sim import toy_planner
from sim.cluster import Cluster, Disk, SimNode

from crmsh_py.cib.document import Cib
from crmsh_py.engine.api import RunOperation, Standing
from crmsh_py.engine.controller import Planner
from crmsh_py.wire.control import Committed, Reply


@dataclass(slots=True)
class Checker:
    """Watches one cluster; see the module's docstring. ``attach`` it before anything happens."""

    cluster: Cluster | None = None
    marks: dict[int, str] = field(default_factory=dict)  # ticket -> the mark it commits
    forced: set[int] = field(default_factory=set)  # tickets of commits without quorum
    acknowledged: set[str] = field(default_factory=set)
    refused: int = 0

    def replied(self, node: SimNode, ticket: int, reply: Reply) -> None:
        """Acknowledged means: on the disks of a majority, at this moment."""
        if ticket not in self.marks:
            return
        if not isinstance(reply, Committed):
            self.refused += 1
            return
        if ticket in self.forced:
            return
        assert self.cluster is not None
        mark = self.marks[ticket]
        nodes = self.cluster.nodes.values()
        holders = [n.name for n in nodes if n.disk.config is not None and has(n.disk.config, mark)]
        assert 2 * len(holders) > len(self.cluster.nodes), (
            f"{mark} was acknowledged by {node.name}, but only {holders} have it on their disks"
        )
        self.acknowledged.add(mark)

    def operation_begins(self, node: SimNode, operation: RunOperation) -> None:
        """Nothing is started where another member of the same quorate ring has it active."""
        assert self.cluster is not None
        if operation.action != "start" or node.core is None:
            return
        assert node.core.primary, f"{node.name} starts {operation.resource} without quorum"
        for other in self.cluster.up:
            if other is node or other.core is None or other.core.view != node.core.view:
                continue
            assert operation.resource not in other.active, (
                f"{operation.resource} begins on {node.name} while {other.name} has it active"
            )

    # ---- at moments of rest --------------------------------------------------------------------

    def check_durable(self) -> None:
        """Whatever majority comes back after a power cut: the best of its disks has everything."""
        assert self.cluster is not None
        quorum = len(self.cluster.nodes) // 2 + 1
        # An empty disk is no part of a majority until it has learned; see ``views.weigh``.
        full = [n for n in self.cluster.nodes.values() if n.disk.state.standing > Standing.EMPTY]
        for majority in combinations(full, quorum):
            best = max((node.disk for node in majority), key=_rank)
            found = best.config.ids() if best.config is not None else frozenset()
            lacks = sorted(self.acknowledged - found)
            assert not lacks, f"{[n.name for n in majority]} would lose acknowledged {lacks}"

    def check_nothing_lost(self) -> None:
        """At rest: every node holds every acknowledged commit."""
        assert self.cluster is not None
        for node in self.cluster.up:
            assert node.core is not None
            lacks = sorted(m for m in self.acknowledged if not has(node.core.replica.cib, m))
            assert not lacks, f"{node.name} lacks acknowledged {lacks}"

    def check_equal(self) -> None:
        """One configuration, one status on all nodes; and their disks have it too."""
        assert self.cluster is not None
        documents = {node.name: self.cluster.cib(node.number) for node in self.cluster.up}
        first = next(iter(documents.values()))
        for name, document in documents.items():
            assert document.digest == first.digest, (name, self.cluster.digests())
            assert document.version == first.version, (name, document.version, first.version)
            assert document.status == first.status, (name, document.to_xml(), first.to_xml())
        for node in self.cluster.up:
            assert node.disk.config is not None, f"{node.name} has nothing on its disk"
            assert node.disk.config.digest == first.digest, f"{node.name} has stored another one"

    def check_once(self) -> None:
        """Every configured resource is active on one node."""
        assert self.cluster is not None
        number = self.cluster.up[0].number
        for primitive in self.cluster.cib(number).section("resources").findall("primitive"):
            where = [node.name for node in self.cluster.up if primitive.id in node.active]
            assert len(where) == 1, f"{primitive.id} is active on {where}"


def has(cib: Cib, mark: str) -> bool:
    """Whether a mark or resource is in a configuration."""
    return mark in cib.ids()


def _rank(disk: Disk) -> tuple[int, tuple[int, ...]]:
    version = disk.config.version.tuple if disk.config is not None else (0, 0, 0)
    return (disk.state.revision_term, version)


def watched(
    count: int = 3, seed: int = 0, *, planner: Planner = toy_planner.plan
) -> tuple[Cluster, Checker]:
    """A cluster with a checker on it."""
    checker = Checker()
    cluster = Cluster(count, seed, observer=checker, planner=planner)
    checker.cluster = cluster
    return cluster, checker
