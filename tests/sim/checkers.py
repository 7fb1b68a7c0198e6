"""What must hold of a cluster, seen from outside: by clients, by disks, by what runs where.

Each checker is an observer of one property and raises AssertionError with what it saw:

    Acknowledged   a commit that a client was told of is on the disks of a majority, and stays
    Activity       nothing is active twice on one quorate side; at rest all runs once, as told
    Agreement      equal versions are equal documents; one DC; at rest one CIB on all nodes
    Knowledge      the DC knows as much of what was before as any member does
    Deliveries     the ring's order is total, and those who go on together saw the same
    Target         at rest the scheduler finds nothing that is left to do

They know the engine's view (which ring a node is in, and whether it is primary) and nothing else
of its inside. ``watched`` makes a cluster with all of them on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import combinations

from sim import toy_planner
from sim.cluster import Cluster, Pace
from sim.machine import WALL, Disk, SimNode
from sim.ring import check_memberships, check_order, check_same_set_together

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.api import RunOperation, Standing
from crmsh_py.engine.controller import Planner
from crmsh_py.engine.status import node_by_name
from crmsh_py.scheduler.result import ActionKind
from crmsh_py.wire.control import Committed, Refused, Reply


@dataclass(slots=True)
class Acknowledged:
    """What clients were told, against what the disks have."""

    cluster: Cluster
    marks: dict[int, str] = field(default_factory=dict)  # ticket -> the mark it commits
    forced: set[int] = field(default_factory=set)  # tickets of commits without quorum
    acknowledged: set[str] = field(default_factory=set)
    removals: dict[int, str] = field(default_factory=dict)  # ticket -> the mark it takes away
    gone: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)  # for good: the client was told of no change

    def replied(self, node: SimNode, ticket: int, reply: Reply) -> None:
        """Acknowledged means: on the disks of a majority, at this moment.

        A disk that was lost since its node said so counts too; see ``check_durable``.
        """
        if ticket in self.removals and isinstance(reply, Committed):
            self.gone.add(self.removals[ticket])
        if ticket not in self.marks:
            return
        mark = self.marks[ticket]
        if isinstance(reply, Refused) and "may still take effect" not in reply.hint:
            self.refused.add(mark)
        if not isinstance(reply, Committed) or ticket in self.forced:
            return
        holders = [
            node.name
            for node in self.cluster.nodes.values()
            if any(disk.config and has(disk.config, mark) for disk in (node.disk, *node.lost_disks))
        ]
        assert 2 * len(holders) > len(self.cluster.nodes), (
            f"{mark} was acknowledged by {node.name}, but only {holders} have it on their disks"
        )
        self.acknowledged.add(mark)

    def removes(self, ticket: int, mark: str) -> None:
        """A client takes a mark away: until it is told, nobody knows whether it is there."""
        self.removals[ticket] = mark
        self.acknowledged.discard(mark)

    def check_durable(self) -> None:
        """Whatever majority comes back after a power cut: the best of its disks has everything.

        Its ranks are looked at, not all its subsets: with nine nodes there are many.
        """
        quorum = len(self.cluster.nodes) // 2 + 1
        # An empty disk is no part of a majority until it has learned; see ``views.weigh``.
        full = [n for n in self.cluster.nodes.values() if n.disk.state.standing > Standing.EMPTY]
        if len(full) < quorum:
            return
        lacks = {
            node.number: self.acknowledged - (node.disk.config.ids() if node.disk.config else set())
            for node in full
        }
        if not any(lacks.values()):
            return
        for majority in combinations(full, quorum):
            best = max(majority, key=lambda node: _rank(node.disk))
            assert not lacks[best.number], (
                f"{[n.name for n in majority]} would lose acknowledged {sorted(lacks[best.number])}"
            )

    def check_nothing_lost(self) -> None:
        """At rest: every node holds every acknowledged commit, and none that was refused."""
        for node in self.cluster.up:
            assert node.core is not None
            found = node.core.replica.config.ids()
            lacks = sorted(self.acknowledged - found)
            assert not lacks, f"{node.name} lacks acknowledged {lacks}"
            made = sorted(self.refused & found)
            assert not made, f"{node.name} has {made}, which clients were told is not made"
            back = sorted(self.gone & found)
            assert not back, f"{node.name} has {back} again, which clients had removed"


@dataclass(slots=True)
class Activity:
    """What runs where: the machines' truth, not what anybody says of it."""

    cluster: Cluster
    fencing: bool = False  # then it is true of all machines that have power, whatever they hear

    def operation_begins(self, node: SimNode, operation: RunOperation) -> None:
        """Nothing is started where another member of the same quorate ring has it active."""
        if operation.action != "start" or operation.standard == "stonith" or node.core is None:
            return
        assert node.core.primary, f"{node.name} starts {operation.resource} without quorum"
        if operation.environment.get("OCF_RESKEY_CRM_meta_clone") is not None:
            return
        for other in self.cluster.up:
            if other is node or other.core is None:
                continue
            if other.ring != node.ring and not self.fencing:
                continue
            assert operation.resource not in other.active, (
                f"{operation.resource} begins on {node.name} while {other.name} has it active"
            )

    def check_once(self) -> None:
        """At rest: every configured primitive is active on one node, a clone on all, one promoted.

        (Nothing in the workload limits where a resource may run.)
        """
        number = self.cluster.up[0].number
        resources = self.cluster.cib(number).section("resources")
        cloned = {p.id for c in resources.findall("clone") for p in c.iter("primitive")}
        promotable = {
            p.id
            for c in resources.findall("clone")
            if _is_promotable(c)
            for p in c.iter("primitive")
        }
        for primitive in resources.iter("primitive"):
            if primitive.get("class") == "stonith":
                continue
            where = [node.name for node in self.cluster.up if primitive.id in node.active]
            wanted = len(self.cluster.up) if primitive.id in cloned else 1
            assert len(where) == wanted, f"{primitive.id} is active on {where}"
            if primitive.id in promotable:
                where = [node.name for node in self.cluster.up if primitive.id in node.promoted]
                assert len(where) == 1, f"{primitive.id} is promoted on {where}"

    def check_told(self) -> None:
        """At rest: the status says of every node what really runs there."""
        for node in self.cluster.up:
            status = self.cluster.cib(self.cluster.up[0].number).status
            state = node_by_name(status, node.name)
            assert state is not None, f"nobody knows of {node.name}"
            told = {
                history.id
                for history in state.iter("lrm_resource")
                if history.get("class") != "stonith" and runs(history.children)
            }
            assert told == node.active, f"{node.name}: told {told}, runs {node.active}"


@dataclass(slots=True)
class Agreement:
    """What nodes of one view hold and whom they follow."""

    cluster: Cluster
    followed: dict[object, tuple[str, object]] = field(default_factory=dict)

    def check_now(self) -> None:
        """At any time: in one settled view, an equal version has an equal digest and one DC."""
        for node in self.cluster.up:
            assert node.core is not None
            if not node.core.settled:
                continue
            core = node.core
            key = (node.ring, core.replica.version.tuple)
            held = (core.replica.digest, core.dc)
            name, other = self.followed.setdefault(key, (node.name, held))
            assert held == other, f"at {key} {node.name} has {held}, and {name} {other}"

    def check_one_dc(self) -> None:
        """At rest: one DC, a member, which everybody follows."""
        dcs = {node.core.dc for node in self.cluster.up if node.core}
        assert len(dcs) == 1, f"several DCs: {dcs}"
        (dc,) = dcs
        members = {self.cluster.conf.node_id(node.address) for node in self.cluster.up}
        assert dc in members, f"the DC {dc} is none of {members}"

    def check_equal(self) -> None:
        """At rest: one configuration, one status on all nodes; and their disks have it too."""
        documents = {node.name: self.cluster.cib(node.number) for node in self.cluster.up}
        first = next(iter(documents.values()))
        for name, document in documents.items():
            assert document.digest == first.digest, (name, self.cluster.digests())
            assert document.version == first.version, (name, document.version, first.version)
            assert document.status == first.status, (name, document.to_xml(), first.to_xml())
        for node in self.cluster.up:
            assert node.disk.config is not None, f"{node.name} has nothing on its disk"
            assert node.disk.config.digest == first.digest, f"{node.name} has stored another one"


@dataclass(slots=True)
class Knowledge:
    """What members remember: the status is in memory only, and goes with it."""

    cluster: Cluster
    terms: dict[tuple[int, int], list[int]] = field(default_factory=dict)  # by life

    def settled(self, node: SimNode) -> None:
        """In a quorate ring: nobody who could be DC was in a later one than the DC was."""
        assert node.core is not None
        term = node.core.replica.revision_term  # of this ring, as it is quorate
        self.terms.setdefault(_life(node), []).append(term)
        # Who has started anew since then is another one by now.
        nodes = {each.node_id: each for each in self.cluster.up if each.ring == node.ring}
        status = self.cluster.cib(node.number).status
        known: dict[int, int] = {}
        for member in node.core.members:
            state = node_by_name(status, nodes[member].name) if member in nodes else None
            if state is not None and state.get("crmd") == "online":
                told = self.terms.get(_life(nodes[member]), [])
                known[member] = max((each for each in told if each < term), default=0)
        dc = node.core.dc
        assert dc is None or dc not in known or known[dc] == max(known.values()), (
            f"{node.name} follows {nodes[dc].name}, which knows nothing after term {known[dc]},"
            f" while others know more: {known}"
        )


@dataclass(slots=True)
class Deliveries:
    """Extended virtual synchrony, as ``ring`` defines it, of the messages of whole nodes."""

    cluster: Cluster

    def check(self) -> None:
        """Over everything since the cluster was made."""
        lives = []
        for node in self.cluster.nodes.values():
            for life in node.lives:
                last = node.saved_rings.get(life.number)
                for ring in life.rings:
                    assert last is None or ring.ring.sequence <= last or len(ring.members) == 1, (
                        f"{life.name} was in {ring.ring} with {ring.members},"
                        " and had not saved the number of that ring"
                    )
                lives.append(life)
        check_memberships(lives)
        check_order(lives)
        check_same_set_together(lives)


@dataclass(slots=True)
class Target:
    """Where the cluster comes to rest is where the scheduler wants it."""

    cluster: Cluster

    def check(self) -> None:
        """A plan of every node's CIB has nothing left to do."""
        now = datetime.fromtimestamp(WALL + self.cluster.now, UTC)
        for node in self.cluster.up:
            plan = self.cluster.planner(self.cluster.cib(node.number), now)
            left = [a.key for a in plan.actions if a.kind is not ActionKind.PSEUDO]
            assert not left, f"{node.name} is at rest, and the scheduler wants {left}"


class Checker:
    """All of them on one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.commits = Acknowledged(cluster)
        self.activity = Activity(cluster)
        self.agreement = Agreement(cluster)
        self.knowledge = Knowledge(cluster)
        self.deliveries = Deliveries(cluster)
        self.target = Target(cluster)

    # -- as the observer of a cluster

    def replied(self, node: SimNode, ticket: int, reply: Reply) -> None:
        self.commits.replied(node, ticket, reply)

    def operation_begins(self, node: SimNode, operation: RunOperation) -> None:
        self.activity.operation_begins(node, operation)

    def settled(self, node: SimNode) -> None:
        self.knowledge.settled(node)

    # -- by the moment

    def check_now(self) -> None:
        """At any time."""
        self.commits.check_durable()
        self.agreement.check_now()

    def check_rest(self) -> None:
        """When every fault is healed and the cluster says that it is idle."""
        self.commits.check_nothing_lost()
        self.agreement.check_equal()
        self.agreement.check_one_dc()
        self.target.check()
        self.activity.check_once()
        self.activity.check_told()
        self.deliveries.check()


def has(cib: Cib, mark: str) -> bool:
    """Whether a mark or resource is in a configuration."""
    return mark in cib.ids()


def _life(node: SimNode) -> tuple[int, int]:
    return node.number, len(node.lives)


def runs(entries: Sequence[Element]) -> bool:
    """Whether the newest entry of a history says that the resource runs."""
    newest = max(entries, key=lambda entry: int(entry.get("call-id")))
    result = (newest.get("operation"), newest.get("rc-code"))
    return result not in (("stop", "0"), ("monitor", "7"))


def _is_promotable(clone: Element) -> bool:
    return any(
        pair.get("name") == "promotable" and pair.get("value") == "true"
        for pair in clone.iter("nvpair")
    )


def _rank(disk: Disk) -> tuple[int, tuple[int, ...]]:
    version = disk.config.version.tuple if disk.config is not None else (0, 0, 0)
    return (disk.state.revision_term, version)


def watched(
    count: int = 3,
    seed: int = 0,
    *,
    planner: Planner = toy_planner.plan,
    pace: Pace | None = None,
) -> tuple[Cluster, Checker]:
    """A cluster with all checkers on it."""
    cluster = Cluster(count, seed, planner=planner, pace=pace)
    checker = Checker(cluster)
    cluster.observer = checker
    return cluster, checker
