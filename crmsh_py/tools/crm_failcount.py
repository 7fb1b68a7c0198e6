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
    parser.add_argument("-r", "--resource", required=True)
    parser.add_argument("-N", "--node", default="")
    parser.add_argument("-G", "--query", action="store_true")
    parser.add_argument("-D", "--delete", action="store_true")
    parser.add_argument("-n", "--operation", default="")
    parser.add_argument("-I", "--interval", default="0")
    parser.add_argument("-q", "--quiet", "-Q", action="store_true")
    arguments = parse(parser, argv)
    cluster = door()
    node = node_name(cluster, arguments.node)
    if arguments.delete:
        cluster.clean_resource(arguments.resource, node, all_history=False)
        put(f"Cleaned up {arguments.resource} on {node}\n")
        return 0

    from crmsh_py.cib.durations import parse_ms
    from crmsh_py.views.mon_facts import score_text
    from crmsh_py.views.mon_history import fail_count

    operation = arguments.operation
    if operation:
        operation += f"_{parse_ms(arguments.interval)}"
    count, _ = fail_count(cluster.read_cib(), node, arguments.resource, operation)
    text = score_text(count)
    scope = f"scope=status  name=fail-count-{arguments.resource} value={text}"
    put(f"{text if arguments.quiet else scope}\n")
    return 0
