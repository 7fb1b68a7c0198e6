"""Why a resource runs where it runs, or does not; why a plan does what it does.

``why`` makes the plan anew, traced, and writes for each instance of a resource: a verdict, what
will be done about it and the chain of causes, what holds for it everywhere, how many nodes can run
it, and for each node its score with the contributions that it is the sum of. ``report`` does the
same for a whole plan, with its actions. Values come from ``causes`` and ``contributions``,
sentences from ``reasons``; the order is that of the configuration and of the nodes' names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from crmsh_py.cib.document import Cib
from crmsh_py.cib.scores import format_score
from crmsh_py.cib.upgrade import needs_upgrade, upgrade
from crmsh_py.errors import NotFound
from crmsh_py.scheduler import reasons, sources, summary
from crmsh_py.scheduler.causes import Causes, contributions_of, obstacle
from crmsh_py.scheduler.contributions import unfolded
from crmsh_py.scheduler.model import PROMOTED, Node
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.result import Contribution
from crmsh_py.scheduler.schedule import schedule
from crmsh_py.scheduler.state import KeptScore, State


def why(cib: Cib, resource: str, node: str | None = None, *, now: datetime) -> list[str]:
    """The lines that explain a resource, on all nodes or on one; none for an unknown resource.

    Raises:
        NotFound: there is no node of that name.
    """
    state = schedule(upgrade(cib) if needs_upgrade(cib) else cib, now, traced=True)
    return list(of_resource(state, resource, node))


def of_resource(state: State, name: str, node: str | None = None) -> Iterator[str]:
    """The lines about one resource of a plan that was traced. Raises NotFound: no such node."""
    if node is not None and state.node_named(node) is None:
        names = [each.name for each in state.nodes]
        raise NotFound(f"there is no node {node}", name=node, possibilities=names)
    causes = Causes(state)
    for leaf in _telling(_leaves(state, name)):
        yield from _explain(causes, leaf, node)


def report(state: State) -> Iterator[str]:
    """The lines about all of a plan: nodes, resources, actions. It must have been traced."""
    causes = Causes(state)
    for what, vertex in summary.node_lines(state):
        if vertex.node is not None:
            word = "shuts down" if what == "Shutdown" else "is fenced"
            yield f"{vertex.node.name} {word} {reasons.because(causes.of_action(vertex))}".rstrip()
    for resource in state.resources:
        for leaf in _telling(list(resource.leaves())):
            yield from _explain(causes, leaf, None)


def actions(state: State) -> Iterator[str]:
    """A line for each action of a plan that was traced, with its reasons."""
    causes = Causes(state)
    for vertex in state.graph:
        place = f" on {vertex.node.name}" if vertex.node is not None else ""
        yield f"{vertex.key}{place}: {reasons.chain(causes.of_action(vertex))}"


def sum_of(kept: KeptScore) -> list[str]:
    """The lines that a score of a traced plan is the sum of."""
    return reasons.table(unfolded(kept.trail))


# ---- one resource --------------------------------------------------------------------------------


def _leaves(state: State, name: str) -> list[Resource]:
    """The primitives of a resource; the instances of what is inside of a clone."""
    found = state.find_resource(name)
    if found is not None and (found.parent is None or found.id == name):
        return list(found.leaves())
    same = [each for each in state.by_id.values() if each.xml_id == name]
    return [leaf for each in same for leaf in each.leaves()]


def _telling(leaves: list[Resource]) -> Iterator[Resource]:
    """Of instances that are alike, those that are or will be somewhere, and one that is not."""
    idle: set[str] = set()
    for leaf in leaves:
        if leaf.active_nodes or leaf.assigned is not None:
            yield leaf
        elif leaf.unique or leaf.xml_id not in idle:
            idle.add(leaf.xml_id)
            yield leaf


def _explain(causes: Causes, resource: Resource, only: str | None) -> Iterator[str]:
    state = causes.state
    yield _verdict(resource)
    yield from _outlook(causes, resource)
    yield from (f"  {text}" for text in _general(state, resource))
    yield f"  {_count(state, resource)}"
    for node in state.nodes:
        if only is None or node.name.lower() == only.lower():
            yield from _on_node(resource, node)
    yield from _promotion(resource)


def _verdict(resource: Resource) -> str:
    nodes = [node.name for node in resource.active_nodes]
    if not nodes:
        return f"{resource.id} is stopped"
    role = "is promoted" if resource.orig_role == PROMOTED else "runs"
    return f"{resource.id} {role} on {', '.join(nodes)}"


def _outlook(causes: Causes, resource: Resource) -> Iterator[str]:
    """What is going to be done, and the chain of causes."""
    line = causes.lines.get(resource.id)
    if line is None:
        if not resource.active_nodes and resource.assigned is None:
            yield f"  {resource.id} stays stopped {reasons.because(causes.of_idle(resource))}"
        return
    target = line.destination
    to = f" to {target.name}" if target is not None and target is not line.origin else ""
    if line.change == "Start" and target is not None:
        to = f" on {target.name}"
    blocked = ", which is blocked," if line.blocked else ""
    because = reasons.because(causes.of(resource))
    yield f"  {resource.id} {reasons.VERBS[line.change]}{to}{blocked} {because}".rstrip(" ,")


def _general(state: State, resource: Resource) -> Iterator[str]:
    """What holds wherever it is."""
    settings = state.settings
    if not resource.managed:
        word = "in maintenance" if resource.maintenance else "unmanaged"
        yield (
            f"it is {word} ({sources.of_management(resource)}): the cluster neither starts nor "
            "stops it"
        )
    if resource.blocked:
        yield "it is blocked by a failure that somebody has to look at (crm resource cleanup)"
    if settings.stop_all:
        yield f"stop-all-resources is set ({sources.of_property(state, 'stop-all-resources')})"
    if resource.needs_quorum and not state.quorate and settings.no_quorum_policy != "ignore":
        yield f"the cluster has no quorum, and no-quorum-policy is {settings.no_quorum_policy}"
    if settings.fencing_enabled and not state.have_fencing:
        yield "fencing is enabled, but no fencing device is configured: nothing is started"


def _count(state: State, resource: Resource) -> str:
    """How many nodes can run it, and what excludes the others."""
    excluded: Counter[str] = Counter()
    for node in state.nodes:
        text = _exclusion(resource, node)
        if text:
            excluded[text] += 1
    able = len(state.nodes) - sum(excluded.values())
    text = f"{able}/{len(state.nodes)} nodes can run {resource.id}"
    parts = [f"{count} {what}" for what, count in excluded.items()]
    return f"{text}: {', '.join(parts)}" if parts else text


_IN_COUNTS = {
    "node-lost": "lost",
    "node-offline": "offline",
    "node-leaving": "shutting down",
    "node-standby": "in standby",
    "node-maintenance": "in maintenance",
    "node-pending": "not joined yet",
}


def _exclusion(resource: Resource, node: Node) -> str:
    """What keeps it from a node; '' where it can run."""
    block = obstacle(node)
    if block:
        return _IN_COUNTS[block]
    score = resource.scores.get(node.index)
    if score is None:
        return "that no location allows"
    if score >= 0:
        return ""
    decisive = reasons.decisive(contributions_of(resource, node))
    return reasons.exclusion(decisive) if decisive is not None else "excluded"


def _on_node(resource: Resource, node: Node) -> Iterator[str]:
    """The score on one node and what it is the sum of."""
    score = resource.scores.get(node.index)
    block = obstacle(node)
    words = []
    if resource.assigned is node:
        words.append("chosen")
    if block:
        words.append(_IN_COUNTS[block])
    if score is None:
        words.append("no location allows it here")
    else:
        words.append(f"score {format_score(score)}")
    yield f"  {node.name}: {', '.join(words)}"
    yield from _indented(contributions_of(resource, node))


def _promotion(resource: Resource) -> Iterator[str]:
    if not resource.topmost().promotable:
        return
    instance = resource
    while instance.parent is not None and not instance.parent.is_clone:
        instance = instance.parent
    yield f"  promotion: score {format_score(instance.promotion_priority)}"
    yield from _indented(unfolded(instance.promotion_trail))


def _indented(contributions: tuple[Contribution, ...]) -> Iterator[str]:
    for line in reasons.table(contributions):
        yield f"    {line}"
