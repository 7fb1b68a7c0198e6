"""``crm_resource --restart``: stop a resource, wait, start it as it was, wait again.

It is stopped by its target-role; with ``--node`` (for one instance of a clone) by a ban of that
node. Whatever happens meanwhile, what was set for it is taken back.
"""

from __future__ import annotations

from argparse import Namespace

from crmsh_py.errors import CrmError, TimedOut
from crmsh_py.tools.common import MOST_SECONDS, commit, put
from crmsh_py.tools.resource_text import status_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from crmsh_py.cib.document import Cib
    from crmsh_py.clusters.port import Cluster

    Change = Callable[[Cib], Cib]

_LIMIT_S = 3600.0


class NotRunningError(CrmError):
    """What is not there cannot be started again."""

    exit_code = 105  # as Pacemaker's


def run(cluster: Cluster, arguments: Namespace, *, client: str) -> int:
    """Do it. Raises CrmError kinds: it does not run, or it does not stop or start in time."""
    from crmsh_py.cib.durations import parse_ms
    from crmsh_py.cib.pairs import find_node

    resource = arguments.resource
    cib = cluster.read_cib()
    node = find_node(cib, arguments.node).get("uname") if arguments.node else ""
    places = _places(cluster, resource)
    if not places or (node and node not in places):
        where = f"on {node}" if node else "anywhere"
        raise NotRunningError(
            f"{resource} is not running {where} and so cannot be restarted",
            hint=f"crm why {resource} tells what is in its way",
        )
    limit = parse_ms(arguments.timeout) / 1000 if arguments.timeout else _LIMIT_S
    limit = min(limit, MOST_SECONDS)
    stop, back = _by_ban(resource, node) if node else _by_role(cib, resource)
    quiet = arguments.quiet
    try:
        version = commit(cluster, stop, client=client)
        put("" if quiet else f"Waiting for 1 resource to stop:\n * {resource}\n")
        cluster.wait_idle(timeout_s=limit, version=version)
        left = [name for name in _places(cluster, resource) if node in ("", name)]
    finally:
        version = commit(cluster, back, client=client)
    put("" if quiet else f"Waiting for 1 resource to start again:\n * {resource}\n")
    cluster.wait_idle(timeout_s=limit, version=version)
    # A cluster is at rest, too, when it has given up.
    why = f"crm why {resource} tells what is in its way"
    if left:
        raise TimedOut(f"{resource} has not stopped on {', '.join(left)}", hint=why)
    if not _places(cluster, resource):
        raise TimedOut(f"{resource} has stopped, and does not start again", hint=why)
    return 0


def _places(cluster: Cluster, resource: str) -> list[str]:
    from crmsh_py.views import resource_status

    return [name for name, _ in resource_status.places(status_of(cluster.read_cib()), resource)]


def _by_role(cib: Cib, resource: str) -> tuple[Change, Change]:
    from crmsh_py.clusters import operations
    from crmsh_py.tools import edits

    pair = edits.lasting_pair_in(
        edits.find_resource(cib, resource.partition(":")[0]), "meta_attributes", "target-role"
    )
    before = pair.value if pair is not None else None
    return (
        lambda now: operations.target_role(now, resource, "Stopped"),
        lambda now: operations.target_role(now, resource, before),
    )


def _by_ban(resource: str, node: str) -> tuple[Change, Change]:
    from crmsh_py.cib.leftovers import BAN
    from crmsh_py.clusters import operations

    name = f"{BAN}{resource}-on-{node}"
    return (
        lambda cib: operations.ban(cib, resource, node),
        lambda cib: operations.without(cib, {name}),
    )
