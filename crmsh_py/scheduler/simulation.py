"""Carry a transition out on paper: the events in their order, and the CIB afterwards.

Every action succeeds unless ``failures`` says otherwise, at once, and in the order in which the
graph lists them. The status section is changed as nodes would report.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from crmsh_py.cib.document import Cib
from crmsh_py.cib.scores import INFINITY
from crmsh_py.scheduler import history, outgoing
from crmsh_py.scheduler.history_entry import number
from crmsh_py.scheduler.model import Vertex
from crmsh_py.scheduler.plan import to_action
from crmsh_py.scheduler.result import Action, ActionKind
from crmsh_py.scheduler.state import State
from crmsh_py.scheduler.status_draft import Draft, StatusDraft
from crmsh_py.value import frozen, replace
from crmsh_py.whole_numbers import is_number


class EventKind(StrEnum):
    """What can happen."""

    PSEUDO = "pseudo"
    RESOURCE = "resource"
    CLUSTER = "cluster"
    FENCING = "fencing"
    FAILURE = "failure"  # of the action before it
    ATTRIBUTE = "attribute"  # which counts or times that failure


@frozen(kw_only=True)
class Event:
    """Something that happened: an action, or the pretence of a failure."""

    kind: EventKind
    task: str
    node: str = ""
    resource: str = ""
    interval_ms: int = 0
    number: int = 0


@frozen
class Outcome:
    """What a simulation led to; ``complete`` unless something waited in vain."""

    events: tuple[Event, ...]
    cib: Cib
    complete: bool


def run(state: State, cib: Cib, *, at: int, failures: Sequence[str] = ()) -> Outcome:
    """Carry out the graph of ``state``, which was made from ``cib``; ``at`` is Unix time."""
    runner = _Runner(state, cib, at, failures)
    complete = runner.run()
    return Outcome(tuple(runner.events), runner.draft.cib(), complete)


class _Runner:
    def __init__(self, state: State, cib: Cib, at: int, failures: Sequence[str]) -> None:
        self.state = state
        self.draft = StatusDraft(cib)
        self.at = at
        self.failures = failures
        self.events: list[Event] = []
        self.done: set[int] = set()
        self.failed: set[int] = set()
        self.aborted = False

    def run(self) -> bool:
        """Pass through the graph until nothing more can be done; whether all of it was."""
        waiting = list(self.state.graph)
        while waiting:
            left = []
            skipped = 0
            for vertex in waiting:
                if not self._ready(vertex):
                    left.append(vertex)
                elif self.aborted and self._skips(vertex):
                    left.append(vertex)
                    skipped += 1
                else:
                    self._do(vertex)
            if len(left) == len(waiting):
                return self.aborted
            waiting = left
        return True

    def _ready(self, vertex: Vertex) -> bool:
        urgent = outgoing.priority_of(vertex) == INFINITY
        return all(
            edge.vertex.id in self.done and (urgent or edge.vertex.id not in self.failed)
            for edge in vertex.before
            if edge.graphed
        )

    @staticmethod
    def _skips(vertex: Vertex) -> bool:
        """Whether an action is not begun any more after a failure."""
        pseudo = outgoing.kind_of(vertex) is ActionKind.PSEUDO
        return not pseudo and outgoing.priority_of(vertex) < INFINITY

    def _do(self, vertex: Vertex) -> None:
        self.done.add(vertex.id)
        node = vertex.node.name if vertex.node is not None and outgoing.has_node(vertex) else ""
        match outgoing.kind_of(vertex):
            case ActionKind.PSEUDO:
                self.events.append(Event(kind=EventKind.PSEUDO, task=graph_key(vertex), node=node))
            case ActionKind.CLUSTER if vertex.task == "stonith":
                self._fence(vertex, node)
            case ActionKind.CLUSTER:
                resource = graph_resource(vertex)
                self.events.append(
                    Event(kind=EventKind.CLUSTER, task=vertex.task, node=node, resource=resource)
                )
            case ActionKind.RESOURCE:
                self._operate(vertex, node)

    def _fence(self, vertex: Vertex, node: str) -> None:
        what = vertex.meta.get("stonith_action", "")
        self.events.append(Event(kind=EventKind.FENCING, task=what, node=node))
        if what.lower() != "on":
            entry = self.draft.node_state(node)
            self.draft.set_up(entry, up=False)
            entry.children = [
                child
                for child in entry.children
                if child.tag not in {"lrm", "transient_attributes"}
            ]

    def _operate(self, vertex: Vertex, node: str) -> None:
        resource = vertex.resource
        if resource is None or vertex.node is None:
            return
        configured = graph_resource(vertex)
        name = configured
        if self.state.find_resource(name) is None:
            longer = graph_long_id(vertex)
            if longer and self.state.find_resource(longer) is not None:
                name = longer
        if vertex.task in {"delete", "meta-data"}:
            self.events.append(
                Event(kind=EventKind.RESOURCE, task=vertex.task, node=node, resource=name)
            )
            return
        action = to_action(vertex)
        router = outgoing.router_of(vertex)
        entry = self.draft.node_state(node, node if router is not None else vertex.node.id)
        kept = self.draft.history(
            entry, name, configured, (resource.standard, resource.provider, resource.agent_type)
        )
        self.events.append(
            Event(
                kind=EventKind.RESOURCE,
                task=vertex.task,
                node=node,
                resource=name,
                interval_ms=_interval(vertex),
            )
        )
        rc = self._pretended(vertex, action, name, configured, node)
        if rc is not None:
            self._fail(vertex, entry, name, action, rc)
        self._write(kept, configured, replace(action, interval_ms=_interval(vertex)), rc, node)

    def _write(
        self, kept: Draft, configured: str, action: Action, rc: int | None, node: str
    ) -> None:
        call = 1 + max((number(op.attrs.get("call-id"), 0) for op in kept.children), default=0)
        result = history.Result(
            rc=action.target_rc if rc is None else rc,
            call_id=call,
            exit_reason="User-injected result",
            run_at=self.at,
        )
        key = history.transition_key(call, -1, action.target_rc, history.NO_CONTROLLER)
        for made in history.entries(
            configured, action, result, key=key, node=node, origin="crm_simulate"
        ):
            kept.put(made)

    def _pretended(
        self, vertex: Vertex, action: Action, name: str, configured: str, node: str
    ) -> int | None:
        """The result that ``failures`` wants for an action."""
        for spec in self.failures:
            wanted, _, rc = spec.partition("=")
            for each in dict.fromkeys((name, configured)):
                key = f"{each}_{vertex.task}_{_interval(vertex)}@{node}"
                if wanted.lower() == key.lower() and is_number(rc.removeprefix("-")):
                    return int(rc)
        return None

    def _fail(self, vertex: Vertex, entry: Draft, name: str, action: Action, rc: int) -> None:
        self.events.append(Event(kind=EventKind.FAILURE, task=str(rc), number=vertex.id))
        self.failed.add(vertex.id)
        self.aborted = True
        fatal = vertex.task == "stop" or (
            vertex.task == "start" and self.state.settings.start_failure_fatal
        )
        for attribute, value in self.draft.count_failure(
            entry, name, vertex.task, _interval(vertex), rc, at=self.at, fatal=fatal
        ):
            self.events.append(
                Event(kind=EventKind.ATTRIBUTE, task=f"{attribute}={value}", node=entry.attrs["id"])
            )


def _interval(vertex: Vertex) -> int:
    return int(vertex.meta.get("interval", "0"))


def graph_key(vertex: Vertex) -> str:
    """The operation key as the graph has it."""
    resource = vertex.resource
    if resource is not None and resource.history_id is not None:
        return outgoing.key_of(vertex, resource.history_id)
    return vertex.key


def graph_resource(vertex: Vertex) -> str:
    """The id that the graph gives for a resource."""
    resource = vertex.resource
    if resource is None:
        return ""
    if resource.removed and resource.history_id is not None:
        return resource.history_id
    return resource.id if resource.unique else resource.xml_id


def graph_long_id(vertex: Vertex) -> str:
    """The second id, with the number of the instance, where the graph gives one."""
    resource = vertex.resource
    if resource is None:
        return ""
    if resource.removed and resource.history_id is not None:
        return resource.id
    if resource.unique:
        return ""
    if resource.history_id is not None and resource.history_id != resource.xml_id:
        return resource.history_id
    return resource.id
