"""Negative location constraints: what keeps which resource off which node.

Input: the CIB, the ``ClusterStatus`` and ``now``; output: a list of ``Ban``, in the order in which
Pacemaker lists them: the last constraint first, and the nodes of a rule from the last to the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from crmsh_py.cib.pattern import NamePattern
from crmsh_py.cib.rules import RuleContext, evaluate
from crmsh_py.cib.scores import lenient_score
from crmsh_py.errors import ConfigError
from crmsh_py.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.cib.element import Element
    from crmsh_py.scheduler.result import ClusterStatus, NodeStatus

_PROMOTED = ("promoted", "master")


@frozen(kw_only=True)
class Ban:
    """A resource that must not, or had better not, run on a node. ``id`` names the constraint, or
    the rule of it that says so."""

    id: str
    resource: str
    node: str
    score: int
    promoted_only: bool


def find_bans(cib: Cib, status: ClusterStatus, *, now: datetime, prefix: str = "") -> list[Ban]:
    """The negative preferences whose id starts with ``prefix``."""
    found = [
        ban
        for constraint in cib.section("constraints").findall("rsc_location")
        for ban in _of_constraint(cib, status, constraint, now)
        if ban.id.startswith(prefix)
    ]
    return found[::-1]


def _of_constraint(
    cib: Cib, status: ClusterStatus, constraint: Element, now: datetime
) -> Iterator[Ban]:
    if not _in_force(cib, constraint, now):
        return
    for name, match in _targets(cib, status, constraint):
        promoted = constraint.get("role").lower() in _PROMOTED
        rules = constraint.findall("rule")
        if not rules:
            node = constraint.get("node")
            score = lenient_score(constraint.get("score"))
            if score < 0 and any(n.name.lower() == node.lower() for n in status.nodes):
                yield _ban(constraint.id, name, node, score, promoted)
            continue
        for rule in rules:
            only = promoted or rule.get("role").lower() in _PROMOTED
            for node_status in status.nodes:
                score = _of_rule(cib, rule, node_status, now=now, match=match)
                if score < 0:
                    yield _ban(rule.id, name, node_status.name, score, only)


def _in_force(cib: Cib, constraint: Element, now: datetime) -> bool:
    lifetime = constraint.find("lifetime")
    rules = lifetime.findall("rule") if lifetime is not None else ()
    context = RuleContext(now=now)
    return not rules or any(evaluate(r, context, find_id=cib.find_id).passes for r in rules)


def _ban(name: str, resource: str, node: str, score: int, promoted: bool) -> Ban:
    return Ban(id=name, resource=resource, node=node, score=score, promoted_only=promoted)


def _targets(
    cib: Cib, status: ClusterStatus, constraint: Element
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The resources that a constraint is about, with what a pattern matched in each name."""
    pattern = constraint.get("rsc-pattern")
    if pattern:
        try:
            chooser = NamePattern.read(pattern)
            chosen = [(resource.id, chooser.find(resource.id)) for resource in status.resources]
        except ConfigError:
            return
        yield from ((name, groups) for name, groups in chosen if groups is not None)
        return
    named = [constraint.get("rsc")] if constraint.get("rsc") else []
    named += [reference.id for reference in constraint.iter("resource_ref")]
    for name in named:
        for resource_id in _members(cib, name):
            yield resource_id, ()


def _members(cib: Cib, name: str) -> list[str]:
    """A resource, or all that a tag or a template of this name stands for."""
    for tag in cib.section("tags").findall("tag"):
        if tag.id == name:
            return [reference.id for reference in tag.findall("obj_ref")]
    of_template = [
        p.id for p in cib.section("resources").iter("primitive") if p.get("template") == name
    ]
    return of_template or [name]


def _of_rule(
    cib: Cib,
    rule: Element,
    node: NodeStatus,
    *,
    now: datetime,
    match: tuple[str, ...],
) -> int:
    """The score that a rule gives a node; 0 when it does not pass there."""
    special = {
        "#uname": node.name,
        "#id": node.id,
        "#is_dc": "true" if node.is_dc else "false",
        "#kind": {"member": "cluster", "guest": "container"}.get(node.kind, node.kind),
    }
    attributes = {**special, **node.attributes}
    context = RuleContext(now=now, node_attributes=attributes, submatches=match)
    if not evaluate(rule, context, find_id=cib.find_id).passes:
        return 0
    if rule.get("score-attribute"):
        return lenient_score(attributes.get(rule.get("score-attribute"), ""))
    return lenient_score(rule.get("score") or "0")
