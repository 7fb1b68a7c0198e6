"""Why a plan does what it does: chains of reasons from the state that the steps left behind.

A chain begins with the nearest reason and ends where nothing planned is behind it: a node that is
lost, a failure, a constraint, a wish of the configuration. Its links are ``result.Reason``; their
sentences are in ``reasons``. Contributions are looked into where the plan was traced.
"""

from __future__ import annotations

from crmsh_py.cib.scores import format_score
from crmsh_py.scheduler import reasons, sources, summary
from crmsh_py.scheduler.contributions import trail_of, unfolded
from crmsh_py.scheduler.model import (
    GROUP,
    PROMOTED,
    PSEUDO,
    RUNNABLE,
    Node,
    Vertex,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.result import Contribution, Reason
from crmsh_py.scheduler.state import State
from crmsh_py.scheduler.summary import Line

_MOST_LINKS = 32  # a chain this long explains nothing any more, and may be a circle
_FINDINGS = frozenset({"changed-definition", "contained-failed", "guest-lost", "migration-broken"})
_WHOLE = frozenset({"target-role", "stopped", "ticket-lost", "ticket-missing", "ticket-standby",
                    "removed", "failed-stop", "fatal-error", "multiple-active"})  # fmt: skip


class Causes:
    """The causes of one plan. Lines of the summary are looked up by resource."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.lines: dict[str, Line] = {}
        for line in summary.resource_lines(state):
            self.lines.setdefault(line.resource.id, line)
        self._findings = {
            reason.subject: reason for reason in reversed(state.reasons) if reason.kind in _FINDINGS
        }
        self._failures = {entry.resource_id: entry for entry in state.failed}
        self._unfolded: dict[tuple[str, int], tuple[Contribution, ...]] = {}
        self._order_table: dict[tuple[str, str], str] | None = None
        self._colocation_table: dict[tuple[str, str], str] | None = None

    # ---- changes ---------------------------------------------------------------------------------

    def of(self, resource: Resource) -> tuple[Reason, ...]:
        """Why it changes as it does; nothing for what stays as it is."""
        return tuple(self._chain(resource, set()))

    def _chain(self, resource: Resource, seen: set[str]) -> list[Reason]:
        line = self.lines.get(resource.id)
        if line is None or resource.id in seen or len(seen) >= _MOST_LINKS:
            return []
        seen.add(resource.id)
        if line.change in {"Promote", "Re-promote", "Demote"}:
            return self._of_role(line, seen)
        if line.origin is None:
            return self._of_blocked(line, seen) or [Reason(kind="not-running", subject=resource.id)]
        return (
            self._of_failure(line)
            or self._of_whole(line)
            or self._of_leaving(line, seen)
            or self._of_vertices(line, seen)
            or self._of_guest(line.origin, seen)
            or _of_node(line.origin)
            or self._of_findings(resource)
            or [Reason(kind="undecided", subject=resource.id)]
        )

    def _of_failure(self, line: Line) -> list[Reason]:
        """A failed operation of the resource itself."""
        return self._failure(line.resource) if line.resource.failed else []

    def _failure(self, resource: Resource) -> list[Reason]:
        for name in (resource.history_name, resource.xml_id, resource.id):
            entry = self._failures.get(name)
            if entry is not None:
                text = f"{entry.task} on {entry.node_name}"
                return [Reason(kind="failed", subject=resource.id, source_id=entry.id, value=text)]
        return []

    def _of_whole(self, line: Line) -> list[Reason]:
        """What stops it wherever it is."""
        resource, state = line.resource, self.state
        if line.destination is not None or resource.assigned is not None:
            return []
        if state.settings.stop_all and resource.managed:
            source = sources.of_property(state, "stop-all-resources", "stop-all-resources")
            return [Reason(kind="stop-all", subject=resource.id, source_id=source)]
        for each in self._contributions(resource, line.origin):
            if each.kind in _WHOLE:
                return [_as_reason(resource, each)]
        return []

    def _of_leaving(self, line: Line, seen: set[str]) -> list[Reason]:
        """Why the node where it is will not do any more."""
        resource, node = line.resource, line.origin
        assert node is not None
        if resource.assigned is node:
            return []
        found = self._contributions(resource, node)
        for each in found:
            if each.amount < 0 and each.kind == "colocation":
                primary = self.state.by_id.get(each.subject)
                chain = self._behind(primary, each.source_id, seen) if primary else []
                if chain:
                    return chain
        block = obstacle(node)
        if block:
            return [Reason(kind=block, subject=node.name)]
        if resource.scores.get(node.index, -1) < 0:
            decisive = reasons.decisive(found)
            if decisive is not None:
                return [_as_reason(resource, decisive)]
        if resource.assigned is not None:
            return [self._better(resource, node, resource.assigned)]
        return []

    def _behind(self, other: Resource, source: str, seen: set[str]) -> list[Reason]:
        """That another resource changes, and why."""
        for leaf in other.leaves():
            line = self.lines.get(leaf.id)
            if line is None or leaf.id in seen:
                continue
            reason = Reason(
                kind="follows",
                subject=leaf.id,
                source_id=source,
                value=line.change,
            )
            return [reason, *self._chain(leaf, seen)]
        if all(leaf.assigned is None for leaf in other.leaves()) and other.id not in seen:
            seen.add(other.id)
            reason = Reason(kind="colocation-nowhere", subject=other.id, source_id=source)
            return [reason, *self._idle(other)] if source else []
        return []

    def _idle(self, resource: Resource) -> list[Reason]:
        """Why something that does not run is not started either."""
        leaf = next(resource.leaves())
        for node in self.state.nodes:
            for each in self._contributions(leaf, node):
                if each.kind in _WHOLE:
                    return [_as_reason(leaf, each)]
        return [Reason(kind="no-node", subject=leaf.id)]

    def of_idle(self, resource: Resource) -> tuple[Reason, ...]:
        """Why something that does not run, and is given no node, is given none."""
        for node in self.state.nodes:
            for each in self._contributions(resource, node):
                other = self.state.by_id.get(each.subject)
                if each.kind == "colocation" and each.amount < 0 and other is not None:
                    chain = self._behind(other, each.source_id, {resource.id})
                    if chain and chain[0].kind == "colocation-nowhere":
                        return tuple(chain)
        return tuple(self._idle(resource))

    def _better(self, resource: Resource, old: Node, new: Node) -> Reason:
        ours, theirs = resource.scores.get(old.index, 0), resource.scores.get(new.index, 0)
        if ours == theirs:
            return Reason(kind="balance", subject=new.name)
        value = f"{format_score(theirs)} against {format_score(ours)}"
        for_new = [c for c in self._contributions(resource, new) if c.amount > 0]
        best = max(for_new, key=lambda c: c.amount, default=None)
        worst = reasons.decisive(self._contributions(resource, old))
        named = best or worst
        if named is None:
            return Reason(kind="better", subject=new.name, value=value)
        text = reasons.contribution(named)
        return Reason(kind="better-source", subject=new.name, value=value, source_id=text)

    def _of_guest(self, node: Node, seen: set[str]) -> list[Reason]:
        """What runs in a guest goes where the guest goes."""
        launcher = node.launcher
        if launcher is None:
            return []
        return self._behind(launcher, "", seen)

    def _of_findings(self, resource: Resource) -> list[Reason]:
        """What the steps have noted about it on their way."""
        if resource.id in self._findings:
            return [self._findings[resource.id]]
        if resource.start_pending:
            return [Reason(kind="interrupted", subject=resource.id)]
        return self._failure(resource)

    # ---- vertices --------------------------------------------------------------------------------

    def _of_blocked(self, line: Line, seen: set[str]) -> list[Reason]:
        """Why a start cannot be carried out."""
        return self._of_vertices(line, seen) if line.blocked else []

    def _of_vertices(self, line: Line, seen: set[str]) -> list[Reason]:
        """What the orders between actions have made of its vertices."""
        resource = line.resource
        found = [line.source, line.action]
        for task in ("stop", "start", "reload-agent", "demote", "promote"):
            found.append(resource.newest_vertex(task))
        for vertex in found:
            if vertex is not None and vertex.reason:
                return self._of_vertex(vertex, seen)
        if not self.state.quorate:
            policy = self.state.settings.no_quorum_policy
            return [Reason(kind="no-quorum", subject=resource.id, value=policy)]
        if len(resource.active_nodes) > 1:
            return [Reason(kind="several", subject=resource.id)]
        return [Reason(kind="no-node", subject=resource.id)] if resource.assigned is None else []

    def _of_vertex(self, vertex: Vertex, seen: set[str]) -> list[Reason]:
        subject = vertex.resource.id if vertex.resource is not None else ""
        cause = vertex.cause
        if cause is None:
            return [self._of_text(vertex, subject)]
        if cause.resource is None:
            return [self._of_point(cause, subject)]
        other = cause.resource
        source = self._order_between(vertex, cause)
        chain = self._behind(other, source, seen)
        if chain:
            return chain
        kind = "required" if cause.flags & RUNNABLE else "blocked"
        reason = Reason(kind=kind, subject=other.id, source_id=source, value=cause.task)
        if cause.reason and other.id not in seen and len(seen) < _MOST_LINKS:
            seen.add(other.id)
            return [reason, *self._of_vertex(cause, seen)]
        return [reason]

    def _of_point(self, cause: Vertex, subject: str) -> Reason:
        """Something that is about no resource: fencing, or one of several that must come first."""
        if cause.task == "stonith" and cause.node is not None:
            return Reason(kind="fencing", subject=cause.node.name)
        _, _, source = cause.key.partition("one-or-more:")
        return Reason(kind="too-few", subject=subject, source_id=source or cause.key)

    def _of_text(self, vertex: Vertex, subject: str) -> Reason:
        if vertex.reason in {"no quorum", "quorum freeze"}:
            policy = self.state.settings.no_quorum_policy
            return Reason(kind="no-quorum", subject=subject, value=policy)
        if vertex.reason == "resource definition change":
            return Reason(kind="changed-definition", subject=subject, source_id=subject)
        if vertex.reason == "being multiply active":
            return Reason(kind="several", subject=subject)
        if vertex.reason == "node availability":
            return Reason(kind="no-node", subject=subject)
        return Reason(kind="because", subject=subject, value=vertex.reason or "")

    def _order_between(self, vertex: Vertex, cause: Vertex) -> str:
        """The constraint that joins two vertices; the group, where they are of the same one."""
        ours, theirs = _family(vertex.resource), _family(cause.resource)
        for table in (self._orders(), self._colocations()):
            for one in ours:
                for other in theirs:
                    source = table.get((one.id, other.id))
                    if source is not None:
                        return source
        common = next((each for each in ours if each in theirs), None)
        return common.xml_id if common is not None and common.kind >= GROUP else ""

    def _orders(self) -> dict[tuple[str, str], str]:
        """The order constraints by the resources that they join, in either direction."""
        if self._order_table is None:
            self._order_table = {}
            for relation in self.state.relations:
                first, then = relation.first_resource, relation.then_resource
                if relation.source and first is not None and then is not None:
                    self._order_table.setdefault((first.id, then.id), relation.source)
                    self._order_table.setdefault((then.id, first.id), relation.source)
        return self._order_table

    def _colocations(self) -> dict[tuple[str, str], str]:
        """The colocation constraints by dependent and primary."""
        if self._colocation_table is None:
            self._colocation_table = {}
            for each in self.state.colocations:
                if each.explicit:
                    pair = each.dependent.id, each.primary.id
                    self._colocation_table.setdefault(pair, each.id)
        return self._colocation_table

    # ---- promotion -------------------------------------------------------------------------------

    def _of_role(self, line: Line, seen: set[str]) -> list[Reason]:
        resource = line.resource
        failure = self._of_failure(line)
        if failure:
            return failure
        instance = resource
        while instance.parent is not None and not instance.parent.is_clone:
            instance = instance.parent
        score = format_score(instance.promotion_priority)
        trail = unfolded(instance.promotion_trail)
        if line.change != "Demote":
            named = max(trail, key=lambda each: each.amount, default=None)
            text = f"{score}: {reasons.contribution(named)}" if named is not None else score
            return [Reason(kind="best-promotion", subject=instance.id, value=text)]
        worst = reasons.decisive(trail)
        if instance.promotion_priority < 0 and worst is not None:
            text = f"{score}: {reasons.contribution(worst)}"
            return [Reason(kind="unpromotable", subject=instance.id, value=text)]
        twins = instance.parent.children if instance.parent is not None else []
        for twin in twins:
            if twin is not instance and twin.next_role == PROMOTED:
                text = f"{format_score(twin.promotion_priority)} against {score}"
                return [Reason(kind="worse-promotion", subject=twin.id, value=text)]
        return self._of_vertices(line, seen)

    # ---- actions ---------------------------------------------------------------------------------

    def of_action(self, vertex: Vertex) -> tuple[Reason, ...]:
        """Why an action is in the graph; there always is a reason."""
        resource, task = vertex.resource, vertex.task
        place = vertex.node.name if vertex.node is not None else ""
        if resource is None:
            if vertex.reason:
                return (Reason(kind="because", subject=place, value=vertex.reason),)
            if task == "do_shutdown":
                return (Reason(kind="node-leaving", subject=place),)
            kind = "load" if task.startswith("load_stopped") else "point"
            return (Reason(kind=kind, subject=place or "the cluster"),)
        name = resource.id
        if task in {"notify", "notified"}:
            source = sources.of_meta(resource, "notify")
            return (Reason(kind="notify", subject=name, source_id=source),)
        if vertex.flags & PSEUDO and not resource.is_primitive:
            return (Reason(kind="point", subject=name),)
        if task == "cancel":
            return (Reason(kind="cancel", subject=name, value=f"{vertex.cancel_task} on {place}"),)
        if task in {"monitor", "status"}:
            if vertex.interval_ms:
                operation = vertex.operation
                source = operation.element.id if operation is not None else name
                return (Reason(kind="recurring", subject=name, source_id=source),)
            return (Reason(kind="probe", subject=name, value=place),)
        if task == "clear_failcount":
            told = next((r.value for r in self.state.reasons
                         if r.kind == "clear-failures" and r.subject == name), "")  # fmt: skip
            return (Reason(kind="clear-failures", subject=name, value=told),)
        if task in {"delete", "lrm_delete"}:
            return (Reason(kind="forget", subject=name, value=place),)
        chain = self.of(resource)
        if chain:
            return chain
        if vertex.reason:
            return tuple(self._of_vertex(vertex, {name}))
        return (Reason(kind="point", subject=name),)

    def _contributions(self, resource: Resource, node: Node | None) -> tuple[Contribution, ...]:
        if node is None:
            return ()
        # Chains of causes come by the same resource again and again, and trails can be long.
        key = (resource.id, node.index)
        found = self._unfolded.get(key)
        if found is None:
            found = self._unfolded[key] = contributions_of(resource, node)
        return found


def contributions_of(resource: Resource, node: Node) -> tuple[Contribution, ...]:
    """What the score of a resource on a node is made of, at the end of the assignment."""
    return unfolded(trail_of(resource.scores, node.index))


def obstacle(node: Node) -> str:
    """The kind of reason why nothing can run on a node at all; '' where something can."""
    if node.unclean:
        return "node-lost"
    if not node.online:
        return "node-offline"
    if node.shutdown:
        return "node-leaving"
    if node.standby or node.fail_standby:
        return "node-standby"
    if node.maintenance:
        return "node-maintenance"
    return "node-pending" if node.pending else ""


def _of_node(node: Node) -> list[Reason]:
    block = obstacle(node)
    return [Reason(kind=block, subject=node.name)] if block else []


def _as_reason(resource: Resource, each: Contribution) -> Reason:
    return Reason(
        kind="contribution",
        subject=resource.id,
        source_id=each.source_id,
        value=reasons.contribution(each),
    )


def _family(resource: Resource | None) -> list[Resource]:
    found = []
    while resource is not None:
        found.append(resource)
        resource = resource.parent
    return found
