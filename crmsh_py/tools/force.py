"""``crm_resource --force-*`` and ``--validate``: an agent run here and now, past the cluster.

For a person who looks for a fault on a node. The cluster knows nothing of it, and may find the
resource where it does not expect it.
"""

from __future__ import annotations

import os
import subprocess

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.errors import CrmError, NotFound
from crmsh_py.tools.common import complain, put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.clusters.port import Cluster
    from crmsh_py.scheduler.resource import Resource

ACTIONS = {
    "force_start": "start",
    "force_stop": "stop",
    "force_promote": "promote",
    "force_demote": "demote",
    "force_check": "monitor",
    "validate": "validate-all",
}
_TIMEOUT_S = 120.0
_KEPT = ("PATH", "HOME", "OCF_ROOT", "HA_SBIN_DIR", "CRM_LAB", "CRM_NODE", "CRM_LAB_INSIDE",
         "CRM_RUNTIME_DIR", "CRM_STATE_DIR", "CIB_file")  # fmt: skip


class UnimplementedError(CrmError):
    """Something that cannot be done with this kind of resource."""

    exit_code = 3


def run(cluster: Cluster, command: str, resource: str, *, verbose: bool = False) -> int:
    """Run the agent of a resource; its exit code is ours. Raises CrmError kinds."""
    cib = cluster.read_cib()
    primitive = _primitive(cib, resource)
    name = AgentSpec(primitive.standard, primitive.provider, primitive.agent_type)
    if primitive.standard != "ocf":
        raise CrmError(f"{name} is no OCF agent: only those can be run past the cluster")
    root = os.environ.get("OCF_ROOT") or "/usr/lib/ocf"
    path = f"{root}/resource.d/{primitive.provider}/{primitive.agent_type}"
    try:
        done = subprocess.run(
            [path, ACTIONS[command]],
            env=_environment(cib, primitive, root, cluster.node),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise NotFound(f"the agent {name} is not installed here ({path})") from None
    except (OSError, subprocess.SubprocessError) as error:
        raise CrmError(f"the agent {name} could not be run: {error}") from None
    from crmsh_py.views.text import exit_text

    meaning = exit_text(done.returncode, classic=True)
    label = command.replace("_", "-")
    put(f"Operation {label} for {resource} ({name}) returned {done.returncode} ({meaning})\n")
    if verbose or done.returncode not in (0, 7, 8):
        put(done.stdout)
        if done.stderr:
            complain(done.stderr.rstrip("\n"))
    return done.returncode


def _primitive(cib: Cib, name: str) -> Resource:
    """The primitive that is meant: the resource itself, or what a clone is made of."""
    from crmsh_py.tools.edits import find_resource
    from crmsh_py.tools.resource_values import resource_called

    found = find_resource(cib, name)
    inside = list(found.iter("primitive"))
    if found.tag == "primitive":
        inside = [found]
    if len(inside) != 1 or found.tag == "group":
        raise UnimplementedError(
            f"{name} is a {found.tag}: agents are run for one resource",
            hint=f"name one of {', '.join(each.id for each in inside)}",
        )
    return resource_called(cib, inside[0].id)


def _environment(cib: Cib, primitive: Resource, root: str, node: str) -> dict[str, str]:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {
        "LC_ALL": "C",
        "OCF_ROOT": root,
        "OCF_RA_VERSION_MAJOR": "1",
        "OCF_RA_VERSION_MINOR": "1",
        "OCF_RESOURCE_INSTANCE": primitive.xml_id,
        "OCF_RESOURCE_TYPE": primitive.agent_type,
        "OCF_RESOURCE_PROVIDER": primitive.provider,
        "OCF_RESKEY_CRM_meta_on_node": node,
        "OCF_RESKEY_crm_feature_set": cib.root.get("crm_feature_set"),
    }
    # Rules may ask for the node, which is this one here, wherever the cluster has the resource.
    here = primitive.state.node_named(node) or primitive.current_node()
    for name, value in primitive.parameters(here).items():
        environment[f"OCF_RESKEY_{name}"] = value
    return environment
