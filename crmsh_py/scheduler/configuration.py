"""Reading nodes, resources and tags of the configuration into working objects.

The order of the steps matters: properties first (they decide defaults), then nodes (clones count
them), then the nodes that resources imply, then resources, whose sets may depend on all of these.
"""

from __future__ import annotations

from crmsh_py.cib.agent_name import is_remote_connection
from crmsh_py.cib.element import Element
from crmsh_py.cib.rules import RuleContext
from crmsh_py.scheduler import attribute_sets
from crmsh_py.scheduler.connections import connection_element
from crmsh_py.scheduler.definitions import unpack_resource
from crmsh_py.scheduler.model import Node
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.settings import Settings, whole_number
from crmsh_py.scheduler.state import State
from crmsh_py.value import replace

NO_FENCING_DEVICE = (
    "Resource start-up disabled since no fencing resources have been defined. Either configure "
    "some or disable fencing with the fencing-enabled option. NOTE: Clusters with shared data need "
    "fencing to ensure data integrity."
)


def unpack_configuration(state: State) -> None:
    """Read everything of the configuration but the constraints."""
    unpack_properties(state)
    unpack_nodes(state)
    unpack_remote_nodes(state)
    unpack_resources(state)
    unpack_tags(state)


def unpack_properties(state: State) -> None:
    """Read the cluster properties and settle the policy without quorum."""
    state.quorate = state.cib.quorate
    properties: dict[str, str] = {}
    attribute_sets.unpack(
        state,
        state.cib.section("crm_config"),
        "cluster_property_set",
        RuleContext(now=state.now, node_attributes={}),
        properties,
        first_id="cib-bootstrap-options",
    )
    state.settings = settings = Settings(properties)
    for finding in settings.findings:
        state.error("unpack_config", finding)
    state.have_fencing = settings.have_watchdog
    state.enable_unfencing = _any_unfencing(state)
    policy = settings.text("no-quorum-policy").lower()
    if policy in {"fence", "suicide"}:
        if not settings.fencing_enabled:
            state.error(
                "unpack_config", "Resetting no-quorum-policy to 'stop' because fencing is disabled"
            )
            policy = "stop"
        else:
            panic = whole_number(state.cib.root.attrs.get("no-quorum-panic"))
            policy = "fence" if panic or state.quorate else "stop"
    settings.no_quorum_policy = policy
    if not state.quorate and policy != "ignore":
        state.warn(
            "cluster_status",
            "Fencing and resource management disabled due to lack of quorum",
        )


def _any_unfencing(state: State) -> bool:
    for section in (state.cib.section("resources"), state.rsc_defaults):
        for block in section.iter("meta_attributes"):
            for pair in block.findall("nvpair"):
                if pair.get("name") in {"provides", "requires"} and (
                    pair.get("value") == "unfencing"
                ):
                    return True
    return False


def unpack_nodes(state: State) -> None:
    """Read the configured nodes; one that is never seen is unclean, if so configured."""
    for element in state.cib.section("nodes").findall("node"):
        if not element.id:
            state.error("unpack_nodes", "Ignoring <node> entry in configuration without id")
            continue
        kind = element.get("type", "member").lower()
        name = element.get("uname")
        if kind not in {"member", "remote", "normal", "ping"}:
            state.error("unpack_nodes", f"Ignoring node {name} with unrecognized type '{kind}'")
            return
        score = state.settings.score(element.attrs.get("score"))
        if score is None:
            state.warn("unpack_nodes", f"Using 0 as score for node {name} because "
                       f"'{element.get('score')}' is not a valid score")  # fmt: skip
        node = state.add_node(element.id, name, remote=kind == "remote", score=score or 0)
        node.is_ping = kind == "ping"
        settle_startup_fencing(state, node)
        add_attributes(state, node, element, overwrite=False)


def settle_startup_fencing(state: State, node: Node) -> None:
    """A node that was never seen counts as lost until it is."""
    if node.is_remote_kind and node.remote is None:
        return
    node.unclean = state.settings.startup_fencing


def add_attributes(state: State, node: Node, element: Element | None, *, overwrite: bool) -> None:
    """Give a node its attributes, permanent ones first; transient ones overwrite."""
    attrs = node.attrs
    attrs["#uname"] = node.name
    attrs["#id"] = node.id
    if state.dc is None and node.id.lower() == state.cib.root.get("dc-uuid").lower() and node.id:
        state.dc = node
        attrs["#is_dc"] = "true"
    elif node is not state.dc:
        attrs["#is_dc"] = "false"
    cluster_name = state.settings.cluster_name
    if cluster_name:
        attrs["#cluster-name"] = cluster_name
    if element is not None:
        context = RuleContext(now=state.now, node_attributes={})
        unpacked: dict[str, str] = {} if overwrite else attrs
        attribute_sets.unpack(state, element, "instance_attributes", context, unpacked)
        if overwrite:
            attrs.update(unpacked)
        utilization: dict[str, str] = {}
        attribute_sets.unpack(state, element, "utilization", context, utilization)
        for name, value in utilization.items():
            node.utilization.setdefault(name, whole_number(value))
    if "#site-name" not in attrs:
        site = attrs.get("site-name") or cluster_name
        if site:
            attrs["#site-name"] = site


# ---- remote nodes --------------------------------------------------------------------------------


def unpack_remote_nodes(state: State) -> None:
    """Make the nodes that connection resources and guests stand for."""
    for element in state.cib.section("resources").findall():
        if is_remote_connection(element):
            _ensure_remote(state, element.id)
        elif element.tag == "primitive":
            _imply_guest(state, element)
        elif element.tag == "group":
            for member in element.findall():
                _imply_guest(state, member)


def _ensure_remote(state: State, name: str) -> None:
    if name and state.node_named(name) is None:
        state.add_node(name, name, remote=True)


def _imply_guest(state: State, element: Element) -> None:
    """A primitive with ``remote-node`` brings a connection resource and a node."""
    values: dict[str, str] = {}
    for block in element.findall("meta_attributes"):
        for pair in block.findall("nvpair"):
            values[pair.get("name")] = pair.get("value")
    name = values.get("remote-node")
    if not name or any(implied.id == name for implied in state.implied):
        return
    if any(e.id == name for e in state.cib.section("resources").findall()):
        return
    state.implied.append(
        connection_element(
            name,
            container=element.id,
            migratable=values.get("remote-allow-migrate"),
            managed=values.get("is-managed"),
            start_timeout=values.get("remote-connect-timeout", "60s"),
            server=values.get("remote-addr"),
            port=values.get("remote-port"),
        )
    )
    _ensure_remote(state, name)


# ---- resources -----------------------------------------------------------------------------------


def unpack_resources(state: State) -> None:
    """Read the resources, link launchers with what they launch, and sort by priority."""
    section = state.cib.section("resources")
    for element in (*section.findall(), *state.implied):
        if element.tag == "template":
            state.templates.setdefault(element.id, [])
            continue
        if element.tag == "master":  # what promotable clones were called before schema 3.0
            element = replace(element, tag="clone", attrs={**element.attrs, "promotable": "true"})
        resource = unpack_resource(state, element, None)
        if resource is None:
            state.error(
                "unpack_resources",
                f"Ignoring <{element.tag}> resource '{element.id}' because configuration is "
                "invalid",
            )
            continue
        state.resources.append(resource)
    for resource in state.resources:
        _link_launcher(state, resource)
        link_connection(state, resource)
    state.resources.sort(key=lambda resource: -resource.priority)
    if state.settings.fencing_enabled and not state.have_fencing:
        state.error("unpack_resources", NO_FENCING_DEVICE)


def _link_launcher(state: State, resource: Resource) -> None:
    for leaf in resource.leaves():
        name = leaf.meta.get("container")
        if name is None or name == leaf.id:
            continue
        launcher = state.find_resource(name)
        if launcher is None:
            state.error("unpack_launcher", f"Resource {leaf.id}: Unknown container {name}")
        else:
            leaf.launcher = launcher
            launcher.launched.append(leaf)


def link_connection(state: State, resource: Resource) -> None:
    """Link a connection resource with the node that it stands for."""
    if not resource.is_remote_connection:
        return
    node = state.node_named(resource.id)
    if node is None:
        return
    node.remote = resource
    if resource.launcher is None:
        settle_startup_fencing(state, node)
    else:
        node.attrs["#kind"] = "container"


def unpack_tags(state: State) -> None:
    """Read the tags: names for several elements."""
    for tag in state.cib.section("tags").findall("tag"):
        if tag.id:
            references = state.tags.setdefault(tag.id, [])
            for reference in tag.findall("obj_ref"):
                if reference.id and reference.id not in references:
                    references.append(reference.id)
