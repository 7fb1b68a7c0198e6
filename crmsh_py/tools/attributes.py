"""``crm_attribute``: read and set cluster properties, defaults and node attributes.

Agents call it too: ``crm_attribute -N node -n name -l reboot -v value``, and with ``--promotion``
for their promotion score. A query without a name tells all of a section.
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
    add_output,
    commit,
    guarded,
    node_name,
    open_cluster,
    parse,
    put,
    request,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.cib.element import Element
    from crmsh_py.cib.pairs import Pair
    from crmsh_py.clusters.port import Cluster

TOOL = "crm_attribute"
_SECTIONS = ("crm_config", "nodes", "status", "rsc_defaults", "op_defaults")
_LIFETIMES = {"reboot": "status", "forever": "nodes"}


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster, tool: str = TOOL) -> int:
    """Query, set or delete attributes."""
    return guarded(tool, lambda: _run(argv, door, tool), argv)


def _parser(tool: str) -> Parser:
    parser = Parser(prog=tool, description="Reads and sets attributes of cluster and nodes.")
    what = parser.add_argument_group("what to do")
    for *names, command in (("-G", "--query", "--get-value", "query"),
                            ("-D", "--delete", "--delete-attr", "delete")):  # fmt: skip
        what.add_argument(*names, action="store_const", const=(command, None), dest="told")
    what.add_argument(
        "-v", "--update", "--attr-value", type=lambda value: ("update", value), dest="told",
        metavar="VALUE",
    )  # fmt: skip
    which = parser.add_argument_group("which attribute")
    which.add_argument("-n", "--name", "--attr-name", default="", dest="name")
    which.add_argument("-P", "--pattern", default="", help="all whose names this expression finds")
    which.add_argument("-t", "--type", choices=_SECTIONS, dest="section")
    which.add_argument("-N", "-U", "--node", "--uname", "--node-uname", default=None, dest="node")
    which.add_argument("-l", "--lifetime", choices=tuple(_LIFETIMES), dest="lifetime")
    which.add_argument("-p", "--promotion", nargs="?", const="", metavar="RESOURCE")
    which.add_argument("-z", "--utilization", action="store_true")
    which.add_argument("-s", "--set-name", default="", metavar="ID", help="the one in this set")
    which.add_argument(
        "-i", "--id", "--attr-id", default="", metavar="ID", help="the one with this id"
    )
    parser.add_argument("-d", "--default", help="what a query answers when nothing is set")
    parser.add_argument("-q", "--quiet", "-Q", action="store_true", help="the value alone")
    parser.add_argument("-!", "--inhibit-policy-engine", action="store_true", dest="ignored")
    parser.add_argument("-V", "--verbose", action="count")
    add_output(parser, "text", "xml")
    return parser


def _run(argv: Sequence[str] | None, door: Door, tool: str) -> int:
    arguments = parse(_parser(tool), argv)
    # Of several the last one holds: what ends with a question must change nothing.
    arguments.command, arguments.value = arguments.told or ("", None)
    if arguments.promotion is not None:
        arguments.name = promotion_attribute(arguments.promotion)
        arguments.lifetime = arguments.lifetime or "reboot"
    changes = arguments.command in ("update", "delete")
    section = _section(arguments)
    _check(arguments, section, changes=changes)
    cluster = door()
    told: list[Element] = []
    if changes:
        _change(cluster, arguments, section, tool)
    else:
        told = _query(cluster, arguments, section)
    if arguments.output_as == "xml":
        from crmsh_py.views.result_xml import document

        put(document(told, request=request(tool, argv)))
    return 0


def _check(arguments: Namespace, section: str, *, changes: bool) -> None:
    """Raise ToolUsageError for what does not go together."""
    if arguments.pattern and arguments.name:
        raise ToolUsageError("--name and --pattern exclude each other")
    if arguments.pattern and changes and section != "status":
        raise ToolUsageError(
            "with --pattern only transient attributes can be changed",
            hint="add --lifetime=reboot, or name one with --name",
        )
    # A whole section is told where one is meant: no word at all is a mistake, not a question.
    where = (arguments.node is not None, arguments.id, arguments.set_name, arguments.section)
    asked = arguments.command == "query" or (any(where) and not changes)
    if not (arguments.name or arguments.pattern or asked):
        raise ToolUsageError("no attribute is named", hint="name one with --name")


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
    name, value = arguments.name, arguments.value
    node = node_name(cluster, arguments.node or "") if section in ("status", "nodes") else ""
    if section == "status":
        names = [name]
        if arguments.pattern:
            from crmsh_py.tools.patterns import matching

            names = matching(arguments.pattern, _transient(cluster, node))
        for each in names:
            set_transient(cluster, node, each, value)
        return
    scope = section
    if section == "nodes" and arguments.utilization:
        section = "utilization"
    gone: list[Pair] = []

    def change(cib: Cib) -> Cib:
        from crmsh_py.cib import pairs

        which = pairs.Which(arguments.set_name, arguments.id)
        present = pairs.find_pair(cib, section, node, name, which)
        if present is not None and not present.is_changed(which):
            present = None
        gone[:] = [present] if value is None and present is not None else []
        new = value
        if value is not None and value.startswith("value"):
            from crmsh_py.tools.counting import counted

            new = counted(value, present.value if present else None)
        return pairs.set_pair(cib, section, node, name, new, which=which)

    commit(cluster, change, client=tool)
    if gone and not arguments.quiet and arguments.output_as != "xml":
        kind = "attribute" if scope == "nodes" else "option"
        within = f" set={arguments.set_name}" if arguments.set_name else ""
        put(f"Deleted {scope} {kind}: id={gone[0].id}{within} name={name}\n")


def set_transient(cluster: Cluster, node: str, name: str, value: str | None) -> None:
    """Set a transient attribute or remove it (None); a value may count from the present one."""
    if value is not None and value.startswith("value"):
        from crmsh_py.tools.counting import counted

        value = counted(value, cluster.attribute_values(name).get(node))
    cluster.set_attribute(node, name, value)


def _query(cluster: Cluster, arguments: Namespace, section: str) -> list[Element]:
    """Print what is set, or give it as elements; raises NotFound where nothing is."""
    from crmsh_py.cib.element import Element

    present = _present(cluster, arguments, section)
    if arguments.pattern:
        from crmsh_py.tools.patterns import matching

        names = matching(arguments.pattern, dict(present))
        present = [each for each in present if each[0] in names]
    if not present and arguments.name and arguments.default is not None:
        present = [(arguments.name, arguments.default)]
    if not present:
        raise NotFound("Error performing operation: No such device or address")
    if arguments.output_as == "xml":
        return [
            Element("attribute", {"name": name, "value": value, "scope": section})
            for name, value in present
        ]
    chosen = f"id={arguments.id}" if arguments.id else ""
    for name, value in present:
        line = f"scope={section} {chosen} name={name} value={value}"
        put(f"{value if arguments.quiet else line}\n")
    return []


def _present(cluster: Cluster, arguments: Namespace, section: str) -> list[tuple[str, str]]:
    """The names and values in a section, of the name that is asked for or of all."""
    from crmsh_py.cib import pairs

    cib, name = cluster.read_cib(), arguments.name
    if section == "status":
        found = _transient(cluster, node_name(cluster, arguments.node or ""), cib)
        return [(each, value) for each, value in found.items() if name in ("", each)]
    node = ""
    if section == "nodes":
        node = node_name(cluster, arguments.node or "")
        section = "utilization" if arguments.utilization else section
    which = pairs.Which(arguments.set_name, arguments.id)
    known = pairs.pairs_in(*pairs.sets_of(cib, section, node), name, which)
    return [(pair.name, pair.value) for pair in known]


def _transient(cluster: Cluster, node: str, cib: Cib | None = None) -> dict[str, str]:
    from crmsh_py.views.mon_facts import transient_attributes

    return transient_attributes(cib or cluster.read_cib(), node)
