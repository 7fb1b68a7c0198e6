"""``crm_attribute``: read and set cluster properties, defaults and node attributes.

Agents call it too: ``crm_attribute -N node -n name -l reboot -v value``, and with ``--promotion``
for their promotion score.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence

from crmsh_py.errors import NotFound
from crmsh_py.tools.common import (
    Door,
    Parser,
    ToolUsageError,
    commit,
    guarded,
    node_name,
    open_cluster,
    parse,
    put,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.clusters.port import Cluster

TOOL = "crm_attribute"
_SECTIONS = ("crm_config", "nodes", "status", "rsc_defaults", "op_defaults")
_LIFETIMES = {"reboot": "status", "forever": "nodes"}


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster, tool: str = TOOL) -> int:
    """Query, set or delete one attribute."""
    return guarded(tool, lambda: _run(argv, door, tool))


def _parser(tool: str) -> Parser:
    parser = Parser(prog=tool, description="Reads and sets attributes of cluster and nodes.")
    what = parser.add_argument_group("what to do")
    what.add_argument("-G", "--query", "--get-value", action="store_true", dest="query")
    what.add_argument("-v", "--update", "--attr-value", dest="value")
    what.add_argument("-D", "--delete", "--delete-attr", action="store_true", dest="delete")
    which = parser.add_argument_group("which attribute")
    which.add_argument("-n", "--name", "--attr-name", default="", dest="name")
    which.add_argument("-t", "--type", choices=_SECTIONS, dest="section")
    which.add_argument("-N", "-U", "--node", "--uname", "--node-uname", default=None, dest="node")
    which.add_argument("-l", "--lifetime", choices=tuple(_LIFETIMES), dest="lifetime")
    which.add_argument("-p", "--promotion", nargs="?", const="", metavar="RESOURCE")
    which.add_argument("-z", "--utilization", action="store_true")
    which.add_argument("-s", "--set-name", help="(taken; the set is found by the name)")
    which.add_argument("-i", "--id", help="(taken; the pair is found by the name)")
    parser.add_argument("-d", "--default", help="what a query answers when nothing is set")
    parser.add_argument("-q", "--quiet", "-Q", action="store_true", help="the value alone")
    parser.add_argument("-!", "--inhibit-policy-engine", action="store_true", dest="ignored")
    parser.add_argument("-V", "--verbose", action="count")
    return parser


def _run(argv: Sequence[str] | None, door: Door, tool: str) -> int:
    arguments = parse(_parser(tool), argv)
    if arguments.promotion is not None:
        arguments.name = promotion_attribute(arguments.promotion)
        arguments.lifetime = arguments.lifetime or "reboot"
    if not arguments.name:
        raise ToolUsageError("no attribute is named", hint="name one with --name")
    if arguments.value is not None and arguments.delete:
        raise ToolUsageError("--update and --delete exclude each other")
    cluster = door()
    section = _section(arguments)
    if arguments.delete or arguments.value is not None:
        _change(cluster, arguments, section, tool)
        return 0
    return _query(cluster, arguments, section)


def promotion_attribute(resource: str) -> str:
    """The attribute that holds a resource's promotion score on a node.

    Without a resource it is the one that calls us, which its environment names.
    """
    resource = resource or os.environ.get("OCF_RESOURCE_INSTANCE", "")
    if not resource:
        raise ToolUsageError(
            "no resource is named", hint="outside an agent, name one: --promotion=RESOURCE"
        )
    return f"master-{resource}"


def _section(arguments: Namespace) -> str:
    if arguments.section:
        return str(arguments.section)
    if arguments.lifetime:
        return _LIFETIMES[arguments.lifetime]
    return "nodes" if arguments.node is not None or arguments.utilization else "crm_config"


def _change(cluster: Cluster, arguments: Namespace, section: str, tool: str) -> None:
    name, value = arguments.name, None if arguments.delete else arguments.value
    node = node_name(cluster, arguments.node or "") if section in ("status", "nodes") else ""
    if section == "status":
        if value is not None and value.startswith("value"):
            from crmsh_py.tools.counting import counted

            value = counted(value, cluster.attribute_values(name).get(node))
        cluster.set_attribute(node, name, value)
        return
    if section == "nodes" and arguments.utilization:
        section = "utilization"
    commit(cluster, lambda cib: _with_value(cib, section, node, name, value), client=tool)


def _with_value(cib: Cib, section: str, node: str, name: str, value: str | None) -> Cib:
    from crmsh_py.cib import pairs

    if value is not None and value.startswith("value"):
        from crmsh_py.tools.counting import counted

        present = pairs.find_pair(cib, section, node, name)
        value = counted(value, present.value if present else None)
    return pairs.set_pair(cib, section, node, name, value)


def _query(cluster: Cluster, arguments: Namespace, section: str) -> int:
    from crmsh_py.tools import edits

    cib, name = cluster.read_cib(), arguments.name
    found: str | None
    if section == "status":
        found = _transient(cluster, arguments)
    elif section == "nodes":
        owner = edits.find_node(cib, node_name(cluster, arguments.node or ""))
        tag = "utilization" if arguments.utilization else "instance_attributes"
        pair = edits.pair_in(owner, tag, name)
        found = pair.value if pair else None
    else:
        pair = edits.section_pair(cib, section, name)
        found = pair.value if pair else None
    if found is None:
        found = arguments.default
    if found is None:
        raise NotFound("Error performing operation: No such device or address")
    put(f"{found}\n" if arguments.quiet else f"scope={section}  name={name} value={found}\n")
    return 0


def _transient(cluster: Cluster, arguments: Namespace) -> str | None:
    from crmsh_py.views.mon_facts import transient_attributes

    node = node_name(cluster, arguments.node or "")
    return transient_attributes(cluster.read_cib(), node).get(arguments.name)
