"""The answers of crm_resource that have a form in XML (``--output-as xml``), as elements."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator

from crmsh_py.cib.element import Element
from crmsh_py.scheduler.result import ClusterStatus, ResourceStatus, Role
from crmsh_py.tools import agent_lists, resource_parameters, resource_text
from crmsh_py.tools.common import local_now
from crmsh_py.views import mon_facts, resource_operations, resource_status
from crmsh_py.views.result_xml import item, listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.clusters.port import Cluster


def agents(command: str, arguments: Namespace) -> Element:
    """Classes, providers or agents; or what an agent says of itself, as text."""
    answer = agent_lists.answer(command, arguments)
    if command == "show_metadata":
        return Element("metadata", {}, (), answer)
    names = answer.splitlines()
    if command == "standards":
        return listed("standards", [item("", name) for name in names])
    if command == "list_agents":
        standard, _, provider = arguments.list_agents.partition(":")
        head = {"standard": standard} | ({"provider": provider} if provider else {})
        return Element("agents", head, tuple(Element("agent", {}, (), name) for name in names))
    wanted = arguments.list_ocf_providers
    head = {"for": wanted} if wanted else {"standard": "ocf"}
    return Element("providers", head, tuple(Element("provider", {}, (), name) for name in names))


def _status(cluster: Cluster) -> ClusterStatus:
    return resource_text.status_of(cluster.read_cib())


def _list(cluster: Cluster, arguments: Namespace) -> Element:
    from crmsh_py.views import mon_xml

    return mon_xml.nodes_and_resources(cluster.read_cib(), _status(cluster))[1]


def _list_raw(cluster: Cluster, arguments: Namespace) -> Element:
    names = resource_status.instances(_status(cluster))
    return listed("resource names", [item("resource", name) for name in names])


def _query_xml(cluster: Cluster, arguments: Namespace) -> Element:
    from crmsh_py.cib.xml import to_xml
    from crmsh_py.tools import edits
    from crmsh_py.views import mon_xml

    cib = cluster.read_cib()
    configured = edits.find_resource(cib, arguments.resource.partition(":")[0])
    status = resource_text.status_of(cib)
    state = mon_xml.resource(cib, status, resource_status.find(status, arguments.resource))
    return Element("resource_config", {}, (state, Element("xml", {}, (), to_xml(configured))))


def _locate(cluster: Cluster, arguments: Namespace) -> Element:
    nodes = []
    for node, role in resource_status.places(_status(cluster), arguments.resource):
        state = {"state": "promoted"} if role is Role.PROMOTED else {}
        nodes.append(Element("node", state, (), node))
    return Element("nodes", {"resource": arguments.resource}, tuple(nodes))


def _why(cluster: Cluster, arguments: Namespace) -> Element:
    """Whether resources run, and which of their own settings are in the way."""
    status, node, name = _status(cluster), arguments.node, arguments.resource
    if not name:
        return Element("reason", {}, (Element("resources", {}, tuple(_reasons(status, node))),))
    found = resource_status.find(status, name)
    places = [place for place, _ in resource_status.places(status, name)]
    state = {"running": "true" if places else "false"}
    if node:
        state = {"running_on": node} if node in places else {}
    return Element("reason", state, (_check(found),))


def _reasons(status: ClusterStatus, node: str) -> Iterator[Element]:
    """All resources, or the primitives that run on a node."""
    for top in status.resources:
        if node:
            for one in mon_facts.primitives((top,)):
                if node in one.nodes:
                    state = {"id": one.id, "running": "true", "host": node}
                    yield Element("resource", state, (_check(top),))
        else:
            runs = bool(resource_status.places(status, top.id))
            state = {"id": top.id, "running": "true" if runs else "false"}
            yield Element("resource", state, (_check(top),))


def _check(resource: ResourceStatus) -> Element:
    wanted = resource.target_role.lower()
    settings = {
        "remain_stopped": "true" if wanted == "stopped" else None,
        "promotable": "false" if wanted in ("unpromoted", "slave") else None,
        "unmanaged": None if resource.managed else "true",
    }
    said = {name: value for name, value in settings.items() if value is not None}
    return Element("check", {"id": resource.id, **said})


def _constraints(cluster: Cluster, arguments: Namespace) -> Element:
    from crmsh_py.views import colocation_stack

    return colocation_stack.element(resource_text.constraint_steps(cluster, arguments))


def _digests(cluster: Cluster, arguments: Namespace) -> Element:
    from crmsh_py.views import parameter_digests

    return parameter_digests.element(resource_text.digests(cluster, arguments))


def _get_parameter(cluster: Cluster, arguments: Namespace) -> Element:
    value = resource_parameters.value_of(cluster, arguments)
    return listed("attributes", [item(arguments.get_parameter, value)])


def _operations(cluster: Cluster, arguments: Namespace) -> Element:
    now = local_now()
    done = operations(cluster, arguments)
    return Element("operations", {}, tuple(resource_operations.element(each, now) for each in done))


def operations(cluster: Cluster, arguments: Namespace) -> list[resource_operations.DoneOperation]:
    """The operations that are asked for. Raises NotFound for a node."""
    from crmsh_py.cib.pairs import find_node

    cib = cluster.read_cib()
    return resource_operations.operations(
        cib,
        _status(cluster),
        resource=arguments.resource,
        node=find_node(cib, arguments.node).get("uname") if arguments.node else "",
        every=arguments.command == "all_operations",
    )


ANSWERS: dict[str, Callable[[Cluster, Namespace], Element]] = {
    "list": _list,
    "list_raw": _list_raw,
    "query_xml": _query_xml,
    "locate": _locate,
    "why": _why,
    "constraints": _constraints,
    "stack": _constraints,
    "digests": _digests,
    "get_parameter": _get_parameter,
    "operations": _operations,
    "all_operations": _operations,
}
