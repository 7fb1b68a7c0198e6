"""``crmadmin``: who coordinates the cluster, which nodes there are, and what a controller does."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence

from crmsh_py.errors import ClusterUnreachable, TimedOut
from crmsh_py.tools.common import (
    Door,
    Parser,
    add_output,
    guarded,
    local_now,
    open_cluster,
    parse,
    put,
    request,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.element import Element
    from crmsh_py.clusters.port import Cluster
    from crmsh_py.scheduler.result import ClusterStatus, NodeStatus

TOOL = "crmadmin"
EXIT_TIMEOUT = 124


class NoReplyError(TimedOut):
    """A controller that does not answer."""

    exit_code = EXIT_TIMEOUT


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Answer one question."""
    return guarded(TOOL, lambda: _run(argv, door), argv)


def _parser() -> Parser:
    parser = Parser(prog=TOOL, description="Tells of the cluster's controllers and nodes.")
    commands = parser.add_argument_group("commands").add_mutually_exclusive_group(required=True)
    commands.add_argument("-D", "--dc_lookup", action="store_true", help="who coordinates it all")
    commands.add_argument("-S", "--status", metavar="NODE", help="what NODE's controller does")
    commands.add_argument("-P", "--pacemakerd", action="store_true", help="whether it runs here")
    commands.add_argument(
        "-N", "--nodes", nargs="?", const="all", metavar="TYPE,…", help="nodes (of these types)"
    )
    parser.add_argument("-B", "--bash-export", action="store_true", help="nodes as shell commands")
    parser.add_argument("-t", "--timeout", help="(taken; a node that is away is known to be)")
    parser.add_argument("-i", "--ipc-name", help="(taken; there is one way only)")
    parser.add_argument("-q", "--quiet", action="store_true", help="the answer alone")
    parser.add_argument("-V", "--verbose", action="count")
    add_output(parser, "text", "xml")
    return parser


def _run(argv: Sequence[str] | None, door: Door) -> int:
    arguments = parse(_parser(), argv)
    cluster = door()
    if arguments.nodes is not None:
        text, parts = _nodes(cluster, arguments)
    elif arguments.pacemakerd:
        text, parts = _pacemakerd(cluster, arguments)
    elif arguments.status is not None:
        text, parts = _controller(cluster, arguments)
    else:
        text, parts = _dc(cluster, arguments)
    if arguments.output_as == "xml":
        from crmsh_py.views.result_xml import document

        text = document([parts], request=request(TOOL, argv))
    put(text)
    return 0


def _status(cluster: Cluster) -> ClusterStatus:
    from crmsh_py.scheduler.status import cluster_status

    return cluster_status(cluster.read_cib(), now=local_now())


def _dc(cluster: Cluster, arguments: Namespace) -> tuple[str, Element]:
    from crmsh_py.cib.element import Element

    dc = _status(cluster).dc
    element = Element("dc", {"node_name": dc} if dc else {})
    if arguments.quiet:
        return f"{dc}\n" if dc else "", element
    return f"Designated Controller is: {dc or 'not yet elected'}\n", element


def _controller(cluster: Cluster, arguments: Namespace) -> tuple[str, Element]:
    """The state of a node's controller. Raises NoReplyError: it has none that answers."""
    from crmsh_py.cib.element import Element

    status, name = _status(cluster), arguments.status
    found = next((node for node in status.nodes if node.name == name), None)
    if found is None or not found.online or _kind(found) != "cluster":
        raise NoReplyError(
            f"no controller answers on {name}", hint=f"{TOOL} -N tells which nodes there are"
        )
    state = "S_NOT_DC"
    if name == status.dc:
        now = next(iter(cluster.watch()), None)
        state = "S_IDLE" if now is None or now.idle else "S_TRANSITION_ENGINE"
    element = Element("crmd", {"node_name": name, "state": state, "result": "ok"})
    if arguments.quiet:
        return f"{state}\n", element
    return f"Controller on {name} in state {state}: ok\n", element


def _pacemakerd(cluster: Cluster, arguments: Namespace) -> tuple[str, Element]:
    """Whether the manager runs here. Raises ClusterUnreachable: it does not."""
    from datetime import UTC

    from crmsh_py.cib.element import Element

    if not any(part.alive for part in cluster.subsystems().subsystems):
        raise ClusterUnreachable("the cluster manager does not run here", hint="crm cluster start")
    now = f"{local_now().astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
    state = {"sys_from": "pacemakerd", "state": "running", "last_updated": now}
    text = f"Status of pacemakerd: 'Pacemaker is running' (last updated {now})\n"
    return "running\n" if arguments.quiet else text, Element("pacemakerd", state)


def _nodes(cluster: Cluster, arguments: Namespace) -> tuple[str, Element]:
    from crmsh_py.cib.element import Element

    wanted = arguments.nodes.split(",")
    nodes = [
        (_kind(node), node.name, node.id)
        for node in _status(cluster).nodes
        if "all" in wanted or _kind(node) in wanted
    ]
    children = tuple(
        Element("node", {"type": kind, "name": name, "id": id_}) for kind, name, id_ in nodes
    )
    text = "".join(f"{line}\n" for line in _node_lines(nodes, arguments))
    return text or "No nodes configured\n", Element("nodes", {}, children)


def _node_lines(nodes: Sequence[tuple[str, str, str]], arguments: Namespace) -> Iterator[str]:
    from shlex import quote

    for kind, name, id_ in nodes:
        if arguments.bash_export:
            yield f"export {quote(name)}={quote(id_)}"
        elif arguments.quiet:
            yield name
        else:
            yield f"{kind} node: {name} ({id_})"


def _kind(node: NodeStatus) -> str:
    return "cluster" if node.kind == "member" else node.kind
