"""``crm_failcount``: how often a resource failed on a node (``-G``), and to forget it (``-D``)."""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.tools.common import (
    Door,
    Parser,
    guarded,
    node_name,
    open_cluster,
    parse,
    put,
)

TOOL = "crm_failcount"


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Show or delete a fail count."""
    return guarded(TOOL, lambda: _run(argv, door))


def _run(argv: Sequence[str] | None, door: Door) -> int:
    parser = Parser(prog=TOOL, description="Shows and forgets fail counts.")
    parser.add_argument("-r", "--resource", "--resource-id", required=True)
    parser.add_argument("-N", "--node", "-U", "--uname", default="")
    for *names, command in (("-G", "--query", "--get-value", "query"),
                            ("-D", "--delete", "--delete-attr", "delete")):  # fmt: skip
        parser.add_argument(*names, action="store_const", const=command, dest="command")
    parser.add_argument("-n", "--operation", default="")
    parser.add_argument("-I", "--interval", default="0")
    parser.add_argument("-q", "--quiet", "-Q", action="store_true")
    parser.add_argument("-V", "--verbose", action="count", help="(taken; there is no more to tell)")
    for ignored in (("-i", "--attr-id"), ("-l", "--lifetime")):
        parser.add_argument(*ignored, dest="ignored", help="(taken, and ignored)")
    arguments = parse(parser, argv)
    cluster = door()
    node = node_name(cluster, arguments.node)
    from crmsh_py.cib.durations import parse_ms

    operation = arguments.operation
    if operation:
        operation += f"_{parse_ms(arguments.interval)}"
    if arguments.command == "delete":
        cluster.clean_resource(arguments.resource, node, all_history=False, operation=operation)
        put(f"Cleaned up {arguments.resource} on {node}\n")
        return 0

    from crmsh_py.views.mon_facts import score_text
    from crmsh_py.views.mon_history import fail_count

    count, _ = fail_count(cluster.read_cib(), node, arguments.resource, operation)
    text = score_text(count)
    name = f"fail-count-{arguments.resource}" + (f"#{operation}" if operation else "")
    put(f"{text if arguments.quiet else f'scope=status  name={name} value={text}'}\n")
    return 0
