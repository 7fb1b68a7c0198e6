"""``attrd_updater``: transient node attributes, which live until the node's manager stops."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Sequence

from crmsh_py.errors import CrmError
from crmsh_py.tools.common import (
    EXIT_CONFIG,
    Door,
    Parser,
    ToolUsageError,
    add_output,
    guarded,
    node_name,
    open_cluster,
    parse,
    put,
    request,
)
from crmsh_py.tools.counting import counted, counts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.element import Element
    from crmsh_py.clusters.port import Cluster

TOOL = "attrd_updater"


class NoValueError(CrmError):
    """Nobody has the attribute. (Pacemaker from 2.1.3 on answers as for what is not valid.)"""

    exit_code = EXIT_CONFIG


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Query, set or delete one transient attribute."""
    return guarded(TOOL, lambda: _run(argv, door), argv)


def _parser() -> Parser:
    parser = Parser(prog=TOOL, description="Reads and sets transient attributes of nodes.")
    parser.add_argument("-n", "--name", default="")
    parser.add_argument(
        "-P", "--pattern", default="", help="all whose names this expression finds (not to query)"
    )
    do = parser.add_argument_group("what to do")
    for *names, command, text in (
        ("-U", "--update", "-v", "--value", "value", "set it"),
        ("-B", "--update-both", "both", "set it and its --delay"),
    ):
        do.add_argument(*names, type=_told(command), dest="told", metavar="VALUE", help=text)
    for *names, command, text in (
        ("-Y", "--update-delay", "update_delay", "set its --delay only"),
        ("-Q", "--query", "query", "show it"),
        ("-D", "--delete", "delete", "remove it"),
        ("-R", "--refresh", "refresh", "(all nodes know the same)"),
    ):
        do.add_argument(*names, action="store_const", const=(command, None), dest="told", help=text)
    parser.add_argument("-A", "--all", action="store_true", help="with --query: on every node")
    parser.add_argument("-N", "--node", default="")
    parser.add_argument("-d", "--delay", help="dampening: how long it must be quiet first")
    parser.add_argument("-s", "--set", help="(taken; the set is found by the name)")
    parser.add_argument("-S", "--section", help="(taken, and ignored: agents still say it)")
    parser.add_argument("-l", "--lifetime", help="(taken; it lasts until the node stops)")
    parser.add_argument("-p", "--private", action="store_true", help="never put into the CIB")
    parser.add_argument("-q", "--quiet", action="store_true", help="the value alone")
    parser.add_argument("-V", "--verbose", action="count")
    add_output(parser, "text", "xml")
    return parser


def _told(command: str) -> Callable[[str], tuple[str, str]]:
    return lambda value: (command, value)


def _run(argv: Sequence[str] | None, door: Door) -> int:
    arguments = parse(_parser(), argv)
    if arguments.told is None:
        raise ToolUsageError("one of --update, --query, --delete and their like is needed")
    # Fence agents say several at a time (-Q -N node -U value): the last one holds.
    command, value = arguments.told
    if command in ("both", "update_delay") and arguments.delay is None:
        raise ToolUsageError(f"--{command.replace('both', 'update-both')} needs a --delay")
    if command == "refresh":
        return 0
    if bool(arguments.name) is bool(arguments.pattern):
        raise ToolUsageError("one of --name and --pattern is needed")
    if arguments.pattern and command == "query":
        raise ToolUsageError("--pattern is for changes", hint="crm_attribute -G asks by a pattern")
    cluster = door()
    told = _query(cluster, arguments) if command == "query" else []
    if command != "query":
        node = node_name(cluster, arguments.node)
        for name in _names(cluster, node, arguments):
            _set(cluster, node, name, (command, value), arguments)
    if arguments.output_as == "xml":
        from crmsh_py.views.result_xml import document

        put(document(told, request=request(TOOL, argv)))
    return 0


def _names(cluster: Cluster, node: str, arguments: Namespace) -> list[str]:
    if arguments.name:
        return [arguments.name]
    from crmsh_py.tools.patterns import matching
    from crmsh_py.views.mon_facts import transient_attributes

    return matching(arguments.pattern, transient_attributes(cluster.read_cib(), node))


def _set(
    cluster: Cluster, node: str, name: str, told: tuple[str, str | None], arguments: Namespace
) -> None:
    from crmsh_py.cib.durations import parse_ms

    command, value = told
    present: dict[str, str] = {}
    if command == "update_delay" or counts(value):
        present = cluster.attribute_values(name)
    if command == "update_delay":
        value = present.get(node)
    elif command == "delete":
        value = None
    elif value is not None:
        value = counted(value, present.get(node, ""))
    cluster.set_attribute(
        node,
        name,
        value,
        delay_ms=parse_ms(arguments.delay) if arguments.delay else 0,
        set_delay=command in ("both", "update_delay"),
        private=arguments.private,
    )


def _query(cluster: Cluster, arguments: Namespace) -> list[Element]:
    """Print the values, or give them as elements; raises NoValueError where there are none."""
    from crmsh_py.cib.element import Element

    name = arguments.name
    values = cluster.attribute_values(name)
    everywhere = arguments.all or not (arguments.node or _is_agent())
    wanted = sorted(values) if everywhere else [node_name(cluster, arguments.node)]
    found = [(node, values[node]) for node in wanted if node in values]
    if not found:
        raise NoValueError(f"Could not query value of {name}: attribute does not exist")
    if arguments.output_as == "xml":
        return [
            Element("attribute", {"name": name, "value": value, "host": node})
            for node, value in found
        ]
    for node, value in found:
        line = f'name="{name}" host="{node}" value="{value}"'
        put(f"{value if arguments.quiet else line}\n")
    return []


def _is_agent() -> bool:
    """Whether an agent asks, who means the node for which it acts; a person means all nodes."""
    return "OCF_RESOURCE_INSTANCE" in os.environ
