"""``attrd_updater``: transient node attributes, which live until the node's manager stops."""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.errors import NotFound
from crmsh_py.tools.common import (
    Door,
    Parser,
    ToolUsageError,
    guarded,
    node_name,
    open_cluster,
    parse,
    put,
)

TOOL = "attrd_updater"


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Query, set or delete one transient attribute."""
    return guarded(TOOL, lambda: _run(argv, door))


def _run(argv: Sequence[str] | None, door: Door) -> int:
    parser = Parser(prog=TOOL, description="Reads and sets transient attributes of nodes.")
    parser.add_argument("-n", "--name", required=True)
    parser.add_argument("-U", "--update", "-v", "--value", dest="value")
    parser.add_argument("-B", "--update-both", dest="both", metavar="VALUE")
    parser.add_argument("-Y", "--update-delay", action="store_true", dest="ignored")
    parser.add_argument("-Q", "--query", action="store_true")
    parser.add_argument("-D", "--delete", action="store_true")
    parser.add_argument("-R", "--refresh", action="store_true")
    parser.add_argument("-A", "--all", action="store_true", help="with --query: on every node")
    parser.add_argument("-N", "--node", default="")
    parser.add_argument(
        "-d", "--delay", default="0", help="dampening: wait so long for more changes"
    )
    parser.add_argument("-s", "--set", help="(taken; the set is found by the name)")
    parser.add_argument("-p", "--private", action="store_true", dest="ignored")
    parser.add_argument("-q", "--quiet", action="store_true", help="the value alone")
    parser.add_argument("-V", "--verbose", action="count")
    arguments = parse(parser, argv)
    value = arguments.value if arguments.value is not None else arguments.both
    cluster = door()
    if arguments.delete or value is not None:
        node = node_name(cluster, arguments.node)
        cluster.set_attribute(node, arguments.name, None if arguments.delete else value)
        return 0
    if not arguments.query:
        if arguments.refresh:
            return 0
        raise ToolUsageError("one of --update, --query and --delete is needed")

    from crmsh_py.views.mon_facts import transient_attributes

    cib = cluster.read_cib()
    names = [state.get("uname") for state in cib.status.findall("node_state")]
    wanted = names if arguments.all else [node_name(cluster, arguments.node)]
    found = False
    for name in wanted:
        present = transient_attributes(cib, name).get(arguments.name)
        if present is not None:
            found = True
            line = f'name="{arguments.name}" host="{name}" value="{present}"'
            put(f"{present if arguments.quiet else line}\n")
    if not found:
        raise NotFound(f"Could not query value of {arguments.name}: attribute does not exist")
    return 0
