"""Whole clusters of node cores: machines (see ``machine``) on one simulated network.

What watches a cluster from outside is in ``checkers``; it knows nothing of the engine's inside but
its view.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim import toy_planner
from sim.guests import Guests
from sim.machine import WALL, Disk, Observer, SimNode
from sim.network import Faults, Network
from sim.power import PowerSwitch
from sim.remote import FIRST_NUMBER, SimRemote, Wires

from crmsh_py import corosync_conf
from crmsh_py.cib.diff import diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.api import RunOperation
from crmsh_py.engine.controller import Planner
from crmsh_py.wire.control import Commit, Reply, Request, WaitIdle
from crmsh_py.wire.settings import NodeSettings

AGENT_DELAY_S = (0.005, 0.03)

__all__ = ["AGENT_DELAY_S", "WALL", "Cluster", "Disk", "Pace", "SimNode"]


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a ring with nothing to say turns, and how long it then holds its token."""

    idle_rotations: int = 30  # seqno_unchanged_const
    retransmits: int = 10  # of a token, before it counts as lost; fewer hold it longer


def conf_text(
    count: int,
    pace: Pace | None = None,
    rules: Sequence[str] = (),
    votes: Sequence[int] = (),
) -> str:
    """A corosync.conf with quick timeouts; ``rules`` are lines beside plain majority quorum.

    ``votes`` are those of each node; there is a nodelist then.
    """
    pace = pace or Pace()
    more = "".join(f"\n  {rule}" for rule in rules)
    listed = "".join(
        f"\n  node {{\n    ring0_addr: 10.0.0.{number}\n    quorum_votes: {vote}\n  }}"
        for number, vote in enumerate(votes, 1)
    )
    nodelist = f"\nnodelist {{{listed}\n}}" if votes else ""
    return f"""
totem {{
  version: 2
  token: 200
  token_coefficient: 0
  token_retransmits_before_loss_const: {pace.retransmits}
  seqno_unchanged_const: {pace.idle_rotations}
  join: 20
  consensus: 240
  merge: 50
  interface {{
    ringnumber: 0
    bindnetaddr: 10.0.0.0
    mcastaddr: 239.255.1.1
    mcastport: 5405
  }}
}}
quorum {{
  provider: corosync_votequorum
  expected_votes: {sum(votes) or count}{more}
}}{nodelist}
"""


class Silent:
    """An observer that looks away."""

    def operation_begins(self, node: SimNode, operation: RunOperation) -> None:
        pass

    def replied(self, node: SimNode, ticket: int, reply: Reply) -> None:
        pass

    def settled(self, node: SimNode) -> None:
        pass


class Cluster:
    """Some nodes on one network."""

    def __init__(
        self,
        count: int = 3,
        seed: int = 0,
        *,
        planner: Planner = toy_planner.plan,
        observer: Observer | None = None,
        faults: Faults | None = None,
        expected_votes: int | None = None,
        watchdogs: bool = False,
        pace: Pace | None = None,
        rules: Sequence[str] = (),
        votes: Sequence[int] = (),
    ) -> None:
        self.network = Network(seed, faults or Faults())
        self.conf_text = conf_text(expected_votes or count, pace, rules, votes)
        self.conf = corosync_conf.parse(self.conf_text)
        self.planner = planner
        self.observer: Observer = observer or Silent()
        self.agent_delay_s = AGENT_DELAY_S
        self.watchdogs = watchdogs
        self.power = PowerSwitch(self)
        self.trace: list[str] = []
        self._count = count
        self._ticket = 0
        self.remotes: dict[str, SimRemote] = {}
        self.wires = Wires(self)
        self.guests = Guests(self)
        self.nodes = {number: SimNode(self, number) for number in range(1, count + 1)}

    def settings(self, number: int) -> NodeSettings:
        return NodeSettings(
            lab="sim",
            node=f"node{number}",
            address=self.nodes[number].address,
            corosync_conf="",
            control_socket="",
            store="",
            log="",
            key="",
            peers={f"10.0.0.{n}": f"node{n}" for n in range(1, self._count + 1)},
            watchdog=self.watchdogs,
        )

    # -- reading

    @property
    def now(self) -> float:
        return self.network.now

    @property
    def chance(self) -> random.Random:
        return self.network.random

    @property
    def up(self) -> list[SimNode]:
        return [node for node in self.nodes.values() if node.core is not None]

    def node(self, number: int) -> SimNode:
        return self.nodes[number]

    def cib(self, number: int) -> Cib:
        core = self.nodes[number].core
        assert core is not None, f"node {number} is down"
        return core.replica.cib

    def digests(self) -> dict[str, str]:
        return {node.name: node.core.replica.digest for node in self.up if node.core}

    @property
    def machines(self) -> list[SimNode]:
        """Members and remote nodes."""
        return [*self.nodes.values(), *self.remotes.values()]

    # -- doing

    def add_remote(self, name: str) -> SimRemote:
        """A remote node, off as yet."""
        made = self.remotes[name] = SimRemote(self, name, FIRST_NUMBER + len(self.remotes))
        return made

    def start(self, *numbers: int) -> None:
        for number in numbers or self.nodes:
            self.nodes[number].start()

    def run(self, for_s: float) -> None:
        self.network.run(for_s=for_s)

    def until(
        self, condition: Callable[[], bool], within_s: float, what: str, every_s: float = 0.0
    ) -> float:
        """Let time pass until the condition holds; the time it took."""
        began = self.now
        if not self.network.run_until(condition, within_s=within_s, every_s=every_s):
            raise AssertionError(
                f"seed {self.network.seed}: not {what} in {within_s} s\n{self.tail()}"
            )
        return self.now - began

    def partition(self, *sides: Sequence[int]) -> None:
        self.network.partition(*([self.nodes[n].address for n in side] for side in sides))

    @property
    def next_ticket(self) -> int:
        """The ticket that the next request will have."""
        return self._ticket + 1

    def ask(self, number: int, request: Request) -> int:
        """Send a request; returns the ticket under which the replies come."""
        self._ticket += 1
        self.nodes[number].ask(self._ticket, request)
        return self._ticket

    def answer(self, number: int, request: Request, within_s: float = 30.0) -> Reply:
        """Send a request and wait for its answer."""
        node = self.nodes[number]
        ticket = self.ask(number, request)
        self.until(lambda: ticket in node.replies, within_s, f"an answer to {request}")
        return node.replies[ticket][-1]

    def commit(self, number: int, change: Callable[[Cib], Cib], *, force: bool = False) -> int:
        """Send a commit of this change against what the node holds; returns the ticket."""
        cib = self.cib(number)
        patch = diff(cib, change(cib)).to_xml()
        return self.ask(number, Commit(patch=patch, client="test", force_no_quorum=force))

    def settled(self, *numbers: int) -> bool:
        """These nodes are one view, their DC has nothing to do, and all know it."""
        cores = [self.nodes[n].core for n in numbers or [node.number for node in self.up]]
        views = {core.view for core in cores if core}
        return (
            all(core is not None and core.idle for core in cores)
            and len(views) == 1
            and all(len(core.members) == len(cores) for core in cores if core)
        )

    def settle(self, *numbers: int, within_s: float = 20.0) -> float:
        what = f"settled: {numbers or 'all'}"
        return self.until(lambda: self.settled(*numbers), within_s, what, every_s=0.001)

    def wait_idle(self, number: int) -> Reply:
        return self.answer(number, WaitIdle())

    def tail(self, lines: int = 60) -> str:
        return "\n".join(self.trace[-lines:])


def add_resource(name: str) -> Callable[[Cib], Cib]:
    """A change that adds a primitive."""
    return _add_to_resources(_dummy(name))


def _dummy(name: str) -> Element:
    attributes = {"id": name, "class": "ocf", "provider": "pacemaker", "type": "Dummy"}
    monitor = {"id": f"{name}-monitor", "name": "monitor", "interval": "10s"}
    operations = Element("operations", {}, (Element("op", monitor),))
    return Element("primitive", attributes, (operations,))


def _add_to_resources(element: Element) -> Callable[[Cib], Cib]:
    def change(cib: Cib) -> Cib:
        return cib.with_section("resources", cib.section("resources").append(element))

    return change


def add_group(name: str, count: int) -> Callable[[Cib], Cib]:
    """A change that adds a group of primitives."""
    members = tuple(_dummy(f"{name}-{number}") for number in range(1, count + 1))
    return _add_to_resources(Element("group", {"id": name}, members))


def add_clone(name: str, *, promotable: bool) -> Callable[[Cib], Cib]:
    """A change that adds a clone of a primitive."""
    pair = {"id": f"{name}-promotable", "name": "promotable", "value": str(promotable).lower()}
    meta = Element("meta_attributes", {"id": f"{name}-meta"}, (Element("nvpair", pair),))
    return _add_to_resources(Element("clone", {"id": name}, (meta, _dummy(f"{name}-p"))))


def add_mark(name: str) -> Callable[[Cib], Cib]:
    """A change that leaves a mark: a property set of its own."""

    def change(cib: Cib) -> Cib:
        pair = Element("nvpair", {"id": f"{name}-nv", "name": name, "value": "1"})
        marks = Element("cluster_property_set", {"id": name}, (pair,))
        return cib.with_section("crm_config", cib.section("crm_config").append(marks))

    return change


def remove_mark(name: str) -> Callable[[Cib], Cib]:
    """The change that takes a mark away."""

    def change(cib: Cib) -> Cib:
        section = cib.section("crm_config")
        kept = tuple(each for each in section.children if each.id != name)
        return cib.with_section("crm_config", section.with_children(kept))

    return change


def add_device(name: str = "fence", **parameters: str) -> Callable[[Cib], Cib]:
    """A change that adds a fence device; behind it is the cluster's ``power``."""

    def change(cib: Cib) -> Cib:
        pairs = tuple(
            Element("nvpair", {"id": f"{name}-{key}", "name": key, "value": value})
            for key, value in parameters.items()
        )
        sets = (Element("instance_attributes", {"id": f"{name}-ia"}, pairs),) if pairs else ()
        device = Element("primitive", {"id": name, "class": "stonith", "type": "lab"}, sets)
        return cib.with_section("resources", cib.section("resources").append(device))

    return change


def with_property(name: str, value: str) -> Callable[[Cib], Cib]:
    """A change that sets a cluster property."""

    def change(cib: Cib) -> Cib:
        pair = Element("nvpair", {"id": f"opt-{name}", "name": name, "value": value})

        def put(options: Element) -> Element:
            if "boot" not in options.id:
                return options
            others = tuple(p for p in options.children if p.get("name") != name)
            return options.with_children((*others, pair))

        return cib.with_section("crm_config", cib.section("crm_config").map_children(put))

    return change


def without_fencing(cib: Cib) -> Cib:
    """The change that lets resources run where no fence device exists."""
    return with_property("stonith-enabled", "false")(cib)
