"""What crm_resource tells about resources as text: the list, one with its XML, where it runs.

Two layouts, as with crm_mon, but the default is Pacemaker 3's here: scripts read these lines, and
the tutorial's age is long over for them. ``--layout classic`` or ``CRM_LAYOUT=classic`` gives
Pacemaker 1.1's.
"""

from __future__ import annotations

import os
from argparse import Namespace

from crmsh_py.tools.common import EXIT_NO_SUCH, complain, local_now, put
from crmsh_py.views import resource_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmsh_py.cib.document import Cib
    from crmsh_py.clusters.port import Cluster
    from crmsh_py.scheduler.result import ClusterStatus
    from crmsh_py.views.colocation_stack import Step
    from crmsh_py.views.parameter_digests import ParameterDigests


def status_of(cib: Cib) -> ClusterStatus:
    """The state that a CIB tells, now."""
    from crmsh_py.scheduler.status import cluster_status

    return cluster_status(cib, now=local_now())


def is_classic(arguments: Namespace) -> bool:
    """Whether the layout of Pacemaker 1.1 was asked for, by option or by the environment."""
    return (arguments.layout or os.environ.get("CRM_LAYOUT", "")) == "classic"


def _list(cluster: Cluster, arguments: Namespace) -> int:
    from crmsh_py.views.text import legible

    cib = cluster.read_cib()
    status = status_of(cib)
    if is_classic(arguments):
        put(resource_status.listing(cib, status))
    else:
        from crmsh_py.views import mon_modern

        put("".join(f"{legible(line)}\n" for line in mon_modern.resource_list(cib, status)))
    return 0 if status.resources else EXIT_NO_SUCH


def _list_raw(cluster: Cluster, arguments: Namespace) -> int:
    names = resource_status.instances(status_of(cluster.read_cib()))
    put("".join(f"{name}\n" for name in names))
    if not names:
        complain("NO resources configured")
    return 0 if names else EXIT_NO_SUCH


def _query_xml(cluster: Cluster, arguments: Namespace) -> int:
    from crmsh_py.cib.xml import to_xml
    from crmsh_py.tools import edits
    from crmsh_py.views.text import joined

    cib = cluster.read_cib()
    element = edits.find_resource(cib, arguments.resource.partition(":")[0])
    if not arguments.quiet:
        status = status_of(cib)
        found = resource_status.find(status, arguments.resource)
        if is_classic(arguments):
            from crmsh_py.views import mon_classic

            lines = mon_classic.resource_lines(found, inactive=True)
        else:
            from crmsh_py.views import mon_modern

            lines = mon_modern.state_lines(cib, status, found)
        put(joined([*lines, "Resource XML:"]) + "\n")
    put(to_xml(element).rstrip("\n") + "\n")
    return 0


def _locate(cluster: Cluster, arguments: Namespace) -> int:
    status, name = status_of(cluster.read_cib()), arguments.resource
    if arguments.quiet:
        put("".join(f"{node}\n" for node, _ in resource_status.places(status, name)))
        return 0
    lines = resource_status.location_lines(status, name, classic=is_classic(arguments))
    put("".join(f"{line}\n" for line in lines))
    if not lines:
        complain(resource_status.not_running(name))
    return 0


def _why(cluster: Cluster, arguments: Namespace) -> int:
    """Whether resources run, in Pacemaker's words, and what is in the way of those that do not."""
    from crmsh_py.scheduler.explain import why
    from crmsh_py.views.text import legible

    cib = cluster.read_cib()
    status = status_of(cib)
    node = arguments.node
    tops = [each for each in status.resources if not each.orphan]
    names = [arguments.resource] if arguments.resource else [each.id for each in tops]
    for name in names:
        places = [place for place, _ in resource_status.places(status, name)]
        runs = bool(places) if not node else node in places
        where = f" on host {node}" if node else ""
        put(f"Resource {name} is {'' if runs else 'not '}running{where}\n")
        if not runs:
            lines = why(cib, name, node or None, now=local_now())
            put("".join(f"  {legible(line)}\n" for line in lines))
    return 0


def constraint_steps(cluster: Cluster, arguments: Namespace) -> Iterator[Step]:
    """What --constraints and --stack tell."""
    from crmsh_py.tools import resource_values

    return resource_values.constraint_steps(
        cluster.read_cib(),
        arguments.resource,
        stack=arguments.command == "stack" or arguments.recursive,
        alone=arguments.force,
    )


def _constraints(cluster: Cluster, arguments: Namespace) -> int:
    from crmsh_py.views import colocation_stack

    put(colocation_stack.text(constraint_steps(cluster, arguments)))
    return 0


def _digests(cluster: Cluster, arguments: Namespace) -> int:
    from crmsh_py.views import parameter_digests

    put(parameter_digests.text(digests(cluster, arguments)))
    return 0


def digests(cluster: Cluster, arguments: Namespace) -> ParameterDigests:
    """What --digests tells. Raises NotFound; UnimplementedError for what is no primitive."""
    from crmsh_py.errors import NotFound
    from crmsh_py.tools import force, resource_values
    from crmsh_py.views import parameter_digests

    instead, name = force.overrides(arguments.overrides), arguments.node
    resource = resource_values.resource_called(cluster.read_cib(), arguments.resource)
    node = resource.state.node_named(name)
    if node is None:
        names = (each.name for each in resource.state.nodes)
        raise NotFound(f"Node '{name}' not found", name=name, possibilities=names)
    if not resource.is_primitive:
        raise force.UnimplementedError(
            f"{resource.id} has no parameters of its own", hint="name the primitive that is inside"
        )
    return parameter_digests.of_resource(resource, node, instead)


ANSWERS = {
    "list": _list,
    "list_raw": _list_raw,
    "query_xml": _query_xml,
    "locate": _locate,
    "why": _why,
    "constraints": _constraints,
    "stack": _constraints,
    "digests": _digests,
}
