"""Location constraints, and what else makes nodes better or worse for a resource.

Stickiness, failures beyond the threshold, exclusive discovery, node health and shutdown locks are
applied here too: together they are the scores before any colocation.
"""

from __future__ import annotations

import re

from crmsh_py.cib.booleans import is_true
from crmsh_py.cib.element import Element
from crmsh_py.cib.pattern import NamePattern
from crmsh_py.cib.rules import RuleContext
from crmsh_py.cib.scores import INFINITY, add_scores
from crmsh_py.errors import ConfigError
from crmsh_py.scheduler import attribute_sets, failcounts, sources, vertices
from crmsh_py.scheduler.model import (
    PROBE_ALWAYS,
    PROBE_EXCLUSIVE,
    PROBE_NEVER,
    STARTED,
    UNKNOWN,
    UNPROMOTED,
    Location,
    Node,
    parse_role,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.settings import whole_number
from crmsh_py.scheduler.state import State

_MODES = {"always": PROBE_ALWAYS, "never": PROBE_NEVER, "exclusive": PROBE_EXCLUSIVE}


# ---- reading -------------------------------------------------------------------------------------


def _role(text: str | None) -> int | None:
    """The role that a location is for; None where the name is not valid."""
    if text is None:
        return UNKNOWN
    role = parse_role(text)
    if role == UNKNOWN:
        return None
    return UNKNOWN if role in {STARTED, UNPROMOTED} else role


def new(state: State, id_: str, resource: Resource, mode: str | None) -> Location:
    """Take a new location constraint into account."""
    probe_mode = _MODES.get(mode.lower()) if mode is not None else PROBE_ALWAYS
    if probe_mode is None:
        state.error(
            "pcmk__new_location",
            f"Invalid resource-discovery value {mode} in location constraint",
        )
        probe_mode = PROBE_ALWAYS
    if probe_mode == PROBE_EXCLUSIVE:
        resource.exclusive_probes = True
    location = Location(id_, resource, probe_mode)
    state.locations.append(location)
    resource.locations.append(location)
    return location


def unpack(state: State, element: Element) -> None:
    """Read a location constraint of one resource or of all that match a pattern."""
    name = element.attrs.get("rsc")
    if name is not None:
        resource = state.find_constraint_resource(name)
        if resource is None:
            state.warn("unpack_rsc_location", f"Ignoring constraint '{element.id}' because "
                       f"resource '{name}' does not exist")  # fmt: skip
        else:
            unpack_for(state, element, resource)
    pattern = element.attrs.get("rsc-pattern")
    if pattern is None:
        return
    try:
        chooser = NamePattern.read(pattern)
        chosen = [(resource, chooser.find(resource.id)) for resource in state.resources]
    except ConfigError:
        state.error("unpack_simple_location", f"Ignoring constraint '{element.id}' because "
                    f"rsc-pattern has invalid value '{pattern}'")  # fmt: skip
        return
    for resource, submatches in chosen:
        if submatches is not None:
            unpack_for(state, element, resource, submatches=submatches)


def unpack_for(
    state: State,
    element: Element,
    resource: Resource,
    *,
    role: str | None = None,
    score: str | None = None,
    submatches: tuple[str, ...] = (),
) -> None:
    """Read a location constraint as it applies to one resource."""
    get = element.attrs.get
    score = score if score is not None else get("score")
    node_name = get("node")
    if node_name is None or score is None:
        for rule in element.findall("rule"):
            _unpack_rule(state, element, rule, resource, submatches)
        return
    node = state.node_named(node_name)
    if node is None:
        return
    value = state.settings.score(score)
    if value is None:
        state.error("unpack_rsc_location", f"Ignoring location constraint {element.id} because "
                    f"'{score}' is not a valid score")  # fmt: skip
        return
    parsed = _role(role if role is not None else get("role"))
    if parsed is None:
        state.error("unpack_rsc_location", f"Ignoring location constraint {element.id} because "
                    f"'{role or get('role')}' is not a valid role")  # fmt: skip
        return
    location = new(state, element.id, resource, get("resource-discovery"))
    location.role = parsed
    location.scores[node.index] = value


def _expand(name: str, submatches: tuple[str, ...]) -> str:
    return re.sub(
        r"%([0-9])",
        lambda m: submatches[int(m.group(1))] if int(m.group(1)) < len(submatches) else "",
        name,
    )


def _unpack_rule(
    state: State,
    element: Element,
    rule: Element,
    resource: Resource,
    submatches: tuple[str, ...],
) -> None:
    resolved = attribute_sets.resolve(state, rule)
    if resolved is None or not resolved.id:
        return
    role = _role(resolved.attrs.get("role"))
    if role is None:
        state.error("generate_location_rule", f"Ignoring location constraint '{element.id}' "
                    f"because rule '{resolved.id}' has invalid role")  # fmt: skip
        return
    attribute = resolved.attrs.get("score-attribute")
    score: int | None = 0
    if attribute is None:
        score = state.settings.score(resolved.attrs.get("score"))
        if "score" not in resolved.attrs or score is None:
            state.error("generate_location_rule", f"Ignoring location constraint rule "
                        f"{resolved.id} because it has no valid score")  # fmt: skip
            return
    elif submatches:
        attribute = _expand(attribute, submatches)
    location = new(state, resolved.id, resource, element.attrs.get("resource-discovery"))
    location.role = role
    for node in state.nodes:
        known = RuleContext(
            now=state.now,
            node_attributes=node.attrs,
            parameters=resource.parameters(node),
            meta=resource.meta,
            submatches=submatches,
        )
        if not attribute_sets.passes(state, resolved, known):
            continue
        value = score
        if attribute is not None:
            text = _attribute(resource, node, attribute)
            value = state.settings.score(text) if text else None
        if value is not None:
            location.scores[node.index] = value


def _attribute(resource: Resource, node: Node, name: str) -> str | None:
    """A node's attribute; for containers maybe that of the host where they are."""
    launcher = node.launcher
    target = resource.meta.get("container-attribute-target")
    if launcher is None or target is None or target.lower() != "host":
        return node.attrs.get(name)
    return launcher.active_nodes[0].attrs.get(name) if launcher.active_nodes else None


# ---- applying ------------------------------------------------------------------------------------


def apply(resource: Resource, location: Location) -> None:
    """Add the scores of a location to those of a resource, in the role that it is for."""
    if location.role not in {UNKNOWN, resource.next_role}:
        return
    nodes = resource.state.nodes_by_index
    for index, score in location.scores.items():
        node = nodes[index]
        if index not in resource.scores:
            resource.scores[index] = 0
            resource.probe_modes[index] = node.probe_mode
        if score:
            resource.add_score(node, score, location.kind, location.id)
        if resource.probe_modes.get(index, PROBE_ALWAYS) < location.probe_mode:
            if location.probe_mode == PROBE_EXCLUSIVE:
                resource.exclusive_probes = True
            resource.probe_modes[index] = location.probe_mode


def apply_node_health(state: State) -> None:
    """Make nodes better or worse by their health."""
    strategy = state.settings.health_strategy
    if strategy == "none":
        return
    base = state.settings.health_base if strategy == "progressive" else 0
    for node in state.nodes:
        health = base
        for name, value in node.attrs.items():
            if name.startswith("#health"):
                health = add_scores(state.settings.score(value) or 0, health)
        if not health:
            continue
        for resource in state.resources:
            if health < 0 and is_true(resource.meta.get("allow-unhealthy-nodes")):
                continue
            location = new(state, strategy, resource, None)
            location.scores[node.index] = health
            location.kind = "health"
            if state.traced:
                location.id = sources.of_health(state, node)


def apply_node_criteria(state: State) -> None:
    """Apply all that says where resources may and like to run."""
    if state.settings.shutdown_lock:
        for resource in state.resources:
            resource.shutdown_lock()
    for location in reversed(state.locations):
        location.resource.apply_location(location)
    for resource in state.resources:
        for leaf in resource.leaves():
            _apply_stickiness(leaf)
    # Both are rare, and this is done for every resource on every node.
    exclusive = any(resource.exclusive_probes for resource in state.resources)
    for node in state.nodes:
        failed = any(name.startswith("fail-count-") for name in node.attrs)
        if not (failed or exclusive):
            continue
        for resource in state.resources:
            if failed:
                _apply_failures(resource, node)
            _apply_exclusive(resource, node)


def _apply_stickiness(resource: Resource) -> None:
    if not resource.managed or resource.stickiness < 1 or len(resource.active_nodes) != 1:
        return
    node = resource.active_nodes[0]
    if not resource.state.settings.symmetric and node.index not in resource.scores:
        return
    source = sources.of_meta(resource, "resource-stickiness") if resource.state.traced else ""
    resource.shift(node, resource.stickiness, "stickiness", source)


def _apply_failures(resource: Resource, node: Node) -> None:
    for leaf in resource.leaves():
        if leaf.exact_vertices(f"{leaf.id}_clear_failcount_0", node):
            continue
        banned = failcounts.reached(leaf, node)
        if banned is not None:
            state = resource.state
            source = sources.of_failures(state, node, leaf) if state.traced else ""
            banned.shift(node, -INFINITY, "fail-limit", source)


def _apply_exclusive(resource: Resource, node: Node) -> None:
    if not (resource.exclusive_probes or resource.topmost().exclusive_probes):
        return
    for child in resource.children:
        _apply_exclusive(child, node)
    if node.index in resource.scores and resource.probe_mode(node) != PROBE_EXCLUSIVE:
        resource.scores[node.index] = -INFINITY
        if resource.state.traced:
            source = sources.of_discovery(resource)
            resource.note(node.index, -INFINITY, "discovery", source)


def apply_shutdown_lock(resource: Resource) -> None:
    """Keep a resource on a node that is (or was) shut down in an orderly way."""
    state = resource.state
    if resource.fence_device or resource.is_remote_connection:
        return
    if resource.lock_node is not None:
        if resource.active_nodes:
            vertices.clear_history(resource, resource.lock_node)
            resource.lock_node = None
            resource.lock_time = 0
    elif len(resource.active_nodes) == 1:
        node = resource.active_nodes[0]
        if node.shutdown and not node.unclean:
            resource.lock_node = node
            resource.lock_time = whole_number(node.attrs.get("shutdown")) or state.epoch
    if resource.lock_node is None:
        return
    if state.settings.shutdown_lock_ms:
        state.recheck(resource.lock_time + -(-state.settings.shutdown_lock_ms // 1000) + 1)
    source = sources.of_property(state, "shutdown-lock") if state.traced else ""
    for node in state.nodes:
        if node is not resource.lock_node:
            resource.shift(node, -INFINITY, "shutdown-lock", source)
