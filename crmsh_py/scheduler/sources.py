"""Which element of the CIB a value comes from: asked only where a plan is to be explained.

The steps read attribute sets into tables of values, which is all that they need. Here the same sets
are walked once more, in the same order, for the id of the element that gave one value.
"""

from __future__ import annotations

from crmsh_py.cib.element import Element
from crmsh_py.cib.rules import RuleContext
from crmsh_py.scheduler import attribute_sets
from crmsh_py.scheduler.model import PROBE_EXCLUSIVE, Colocation, Node
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.state import State


def in_sets(state: State, parent: Element | None, tag: str, name: str, context: RuleContext) -> str:
    """The id of the pair under ``parent`` that gives a name its value; '' for none."""
    if parent is None:
        return ""
    for pair_name, value, pair in attribute_sets.pairs(state, parent, tag, context):
        if pair_name == name and value.lower() != "#default":
            return pair.id
    return ""


def of_meta(resource: Resource, name: str) -> str:
    """Where a meta attribute of a resource is set; the resource's own id where it is a default."""
    if name in resource.element.attrs:
        return resource.xml_id
    state = resource.state
    context = RuleContext(
        now=state.now,
        agent_class=resource.standard,
        agent_provider=resource.provider,
        agent_type=resource.agent_type,
    )
    current: Resource | None = resource
    while current is not None:
        found = in_sets(state, current.element, "meta_attributes", name, context)
        if found:
            return found
        current = current.parent
    found = in_sets(state, state.rsc_defaults, "meta_attributes", name, context)
    return found or resource.topmost().configured_as()


def of_property(state: State, *names: str) -> str:
    """Where the first of some cluster properties that is set is set; '' where none is."""
    section = state.cib.section("crm_config")
    context = RuleContext(now=state.now)
    for name in names:
        found = in_sets(state, section, "cluster_property_set", name, context)
        if found:
            return found
    return ""


def of_node_attribute(state: State, node: Node, name: str) -> str:
    """Where an attribute of a node is set, transient ones first; '' where it is not found."""
    context = RuleContext(now=state.now, node_attributes={})
    for entry in state.cib.section("status").findall("node_state"):
        if entry.id.lower() == node.id.lower():
            for holder in entry.findall("transient_attributes"):
                found = in_sets(state, holder, "instance_attributes", name, context)
                if found:
                    return found
    for element in state.cib.section("nodes").findall("node"):
        if element.id.lower() == node.id.lower():
            return in_sets(state, element, "instance_attributes", name, context)
    return ""


def of_failures(state: State, node: Node, resource: Resource) -> str:
    """The fail count that speaks against a resource on a node."""
    name = resource.xml_id
    for attribute in node.attrs:
        if attribute.startswith(f"fail-count-{name}"):
            return of_node_attribute(state, node, attribute)
    return of_meta(resource, "migration-threshold")


def of_health(state: State, node: Node) -> str:
    """The health attributes of a node, or the property that gives all nodes a base."""
    names = [name for name in node.attrs if name.startswith("#health")]
    found = [of_node_attribute(state, node, name) for name in names]
    return " ".join(each for each in found if each) or of_property(
        state, "node-health-base", "node-health-strategy"
    )


def of_management(resource: Resource) -> str:
    """What takes a resource out of the cluster's hands."""
    for name in ("maintenance", "is-managed"):
        if name in resource.meta:
            return of_meta(resource, name)
    state = resource.state
    for node in resource.active_nodes:
        if node.maintenance:
            found = of_node_attribute(state, node, "maintenance")
            if found:
                return found
    if state.settings.maintenance_mode:
        return of_property(state, "maintenance-mode")
    return resource.configured_as()


def of_discovery(resource: Resource) -> str:
    """The location constraint that confines a resource to the nodes that it names."""
    for owner in (resource, resource.topmost()):
        for location in owner.locations:
            if location.probe_mode == PROBE_EXCLUSIVE:
                return location.id
    return resource.configured_as()


def of_colocation(colocation: Colocation) -> str:
    """The constraint; for what a group or bundle implies, the group or bundle."""
    if colocation.explicit:
        return colocation.id
    dependent = colocation.dependent
    return (dependent.parent or colocation.primary.parent or dependent).configured_as()
