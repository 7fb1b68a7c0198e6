"""The one state that all steps of a plan share.

Made empty, filled by the steps in the order that ``plan`` gives, read by ``graph`` and ``status``
at the end. Everything in it belongs to one plan; nothing is kept from plan to plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.rules import RuleContext
from crmsh_py.cib.scores import INFINITY, add_scores
from crmsh_py.scheduler.contributions import Trail, trail_of
from crmsh_py.scheduler.model import (
    PROBE_NEVER,
    Colocation,
    Location,
    Node,
    Relation,
    Ticket,
    Vertex,
)
from crmsh_py.scheduler.result import Message, Reason
from crmsh_py.scheduler.settings import Settings
from crmsh_py.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from crmsh_py.scheduler.history_entry import HistoryEntry
    from crmsh_py.scheduler.resource import Resource


UTILIZATION: Final = "utilization"  # the stage at which a resource took its part of a node
NOWHERE: Final = -1  # instead of a node's number, for an instance that has no node


@frozen
class KeptScore:
    """A score at one stage of the assignment."""

    stage: str
    resource: str
    node: str  # empty for the promotion score of an instance without a node
    score: int
    trail: Trail | None  # what it is made of, where that was asked for


class State:
    """What is known, decided and planned so far."""

    def __init__(
        self, cib: Cib, now: datetime, *, sanitized: bool = False, traced: bool = False
    ) -> None:
        self.cib = cib
        self.now = now
        self.epoch = int(now.timestamp())
        self.sanitized = sanitized  # passwords have been taken out of the CIB
        self.traced = traced  # scores remember what they are made of
        self.settings = Settings({})
        self.quorate = False
        self.have_fencing = False
        self.enable_unfencing = False
        self.have_remote_nodes = False
        self.dc: Node | None = None

        self.nodes: list[Node] = []  # by name
        self.nodes_by_index: list[Node] = []
        self._nodes_by_id: dict[str, Node] = {}
        self._nodes_by_name: dict[str, Node] = {}
        self._usual_scores: dict[int, int] | None = None

        self.resources: list[Resource] = []  # the top ones, by priority
        self.by_id: dict[str, Resource] = {}  # every resource and instance
        self.by_history_id: dict[str, Resource] = {}
        self.templates: dict[str, list[str]] = {}
        self.tags: dict[str, list[str]] = {}
        # the instances of a clone's resource by the node where they are, and where any was probed
        self.twins: dict[tuple[Resource, str], tuple[dict[int, Resource], set[int]]] = {}
        self.tickets: dict[str, Ticket] = {}
        self.rsc_defaults = cib.section("rsc_defaults")
        self.op_defaults = cib.section("op_defaults")
        # what rules can know, by class, provider and type of the agent, operation and interval
        self.rule_contexts: dict[tuple[str, str, str, str | None, int], RuleContext] = {}
        self.defaults: dict[tuple[str, int], list[tuple[str, str]]] = {}  # by section and context
        self.implied: list[Element] = []  # connection resources that guests imply

        self.locations: list[Location] = []
        self.colocations: list[Colocation] = []
        self.relations: list[Relation] = []
        self.vertices: list[Vertex] = []
        self.singletons: dict[str, Vertex] = {}
        self.graph: list[Vertex] = []  # in the order in which they were taken into it

        self.failed: list[HistoryEntry] = []
        self.histories: dict[tuple[str, str], list[HistoryEntry]] = {}  # by node and resource
        self.stop_needed: list[Resource] = []
        self.param_checks: list[tuple[HistoryEntry, Resource, Node, bool]] = []
        self.recheck_by = 0  # Unix time, 0 for never
        self.cycle_by = 0  # the same for what comes again and again: times of day, weekdays
        self.disabled_resources = 0
        self.blocked_resources = 0
        self.instances = 0

        self.messages: list[Message] = []
        self._said: set[tuple[str, str]] = set()
        self.reasons: list[Reason] = []
        # (stage, resource or instance, table of scores) in the order of the assignment
        self.capacities: dict[str, dict[str, int]] = {}  # of each node, before anything is assigned
        self.score_tables: list[tuple[str, str, dict[int, int]]] = []

    # ---- nodes -----------------------------------------------------------------------------------

    def add_node(self, id_: str, name: str, *, remote: bool, score: int = 0) -> Node:
        """Number a new node and put it in its place by name."""
        node = Node(len(self.nodes_by_index), id_, name, remote=remote, score=score)
        if name.lower() in self._nodes_by_name:
            self.warn("unpack_nodes", f"More than one node entry has name '{name}'")
        self.nodes_by_index.append(node)
        self._nodes_by_id.setdefault(id_.lower(), node)
        self._nodes_by_name.setdefault(name.lower(), node)
        place = len(self.nodes)
        while place and self.nodes[place - 1].sort_key >= node.sort_key:
            place -= 1
        self.nodes.insert(place, node)
        if remote:
            self.have_remote_nodes = True
        self._usual_scores = None
        return node

    def set_apart(self, node: Node) -> None:
        """Keep a node to the bundle that it belongs to: nothing else runs there, or is probed."""
        node.score = -INFINITY
        node.probe_mode = PROBE_NEVER
        self._usual_scores = None

    @cached_property
    def all_available(self) -> bool:
        """Whether every node can run resources. Asked for when the states of all are known.

        With remote nodes the answer is no: what they can depends on their connections, which are
        assigned meanwhile.
        """
        return not self.have_remote_nodes and all(node.available() for node in self.nodes)

    @property
    def usual_scores(self) -> dict[int, int]:
        """What a resource that may run anywhere starts from: the nodes' own. To be copied."""
        if self._usual_scores is None:
            self._usual_scores = {
                node.index: add_scores(node.score, 0)
                for node in self.nodes
                if node.probe_mode != PROBE_NEVER
            }
        return self._usual_scores

    def node_named(self, name: str | None) -> Node | None:
        """The node with this name, whatever its case."""
        return self._nodes_by_name.get(name.lower()) if name else None

    def node_with(self, id_: str, name: str | None = None) -> Node | None:
        """The node with this id, or else with this name."""
        return self._nodes_by_id.get(id_.lower()) or self.node_named(name)

    # ---- resources -------------------------------------------------------------------------------

    def find_resource(self, id_: str | None) -> Resource | None:
        """A resource or an instance by its id, or by the id that histories know it by."""
        if not id_:
            return None
        return self.by_id.get(id_) or self.by_history_id.get(id_)

    def find_constraint_resource(self, id_: str | None) -> Resource | None:
        """The resource that a constraint means by ``id_``: for an instance, its clone."""
        found = self.find_resource(id_)
        if found is not None and found.id != id_:
            return found.topmost()
        return found

    # ---- findings --------------------------------------------------------------------------------

    def error(self, where: str, text: str) -> None:
        """Keep a finding that crm_verify counts as an error; each text once."""
        self._say("error", where, text)

    def warn(self, where: str, text: str) -> None:
        """Keep a finding that crm_verify counts as a warning; each text once."""
        self._say("warning", where, text)

    def notice(self, where: str, text: str) -> None:
        """Keep something worth knowing that is not wrong."""
        self._say("notice", where, text)

    def inform(self, where: str, text: str) -> None:
        """Keep something that is told without a level before it."""
        self._say("info", where, text)

    def _say(self, level: str, where: str, text: str) -> None:
        if (level, text) not in self._said:
            self._said.add((level, text))
            self.messages.append(Message(level=level, where=where, text=text))

    def keep_scores(self, stage: str, name: str, scores: dict[int, int]) -> None:
        """Keep a table of scores as it is at a stage of the assignment."""
        self.score_tables.append((stage, name, scores.copy()))

    def kept_scores(self) -> Iterator[KeptScore]:
        """Every score that was kept, nodes in the order in which people read their names."""
        nodes = self.nodes_by_index
        for stage, name, scores in self.score_tables:
            for index in sorted(scores, key=lambda number: nodes[number].sort_key):
                where = nodes[index].name if index != NOWHERE else ""
                yield KeptScore(stage, name, where, scores[index], trail_of(scores, index))

    def because(self, kind: str, subject: str, source_id: str = "", value: str = "") -> Reason:
        """Keep a reason of the plan as a whole."""
        reason = Reason(kind=kind, subject=subject, source_id=source_id, value=value)
        self.reasons.append(reason)
        return reason

    def recheck(self, when: int, *, cyclic: bool = False) -> None:
        """Note that the answer may change at ``when`` (Unix time)."""
        if when <= self.epoch:
            return
        if cyclic:
            self.cycle_by = min(self.cycle_by or when, when)
        else:
            self.recheck_by = min(self.recheck_by or when, when)
