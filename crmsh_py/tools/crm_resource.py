"""``crm_resource``: ask about resources, move, configure and clean them.

What people and agents use of Pacemaker's: list, locate, query, parameters, move, ban and clear,
clean-up and refresh, constraints, agents, and ``--wait``.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence

from crmsh_py.errors import CrmError, NotFound
from crmsh_py.scheduler.result import Role
from crmsh_py.tools.common import (
    EXIT_NO_SUCH,
    MOST_SECONDS,
    Door,
    ExistsError,
    Parser,
    ToolUsageError,
    add_output,
    commit,
    guarded,
    local_now,
    open_cluster,
    parse,
    put,
    request,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.clusters.port import Cluster
    from crmsh_py.scheduler.result import ClusterStatus

TOOL = "crm_resource"
LAYOUTS = ("classic", "modern")
_WAIT_LIMIT_S = 3600.0
_ABOUT_AGENTS = ("standards", "list_agents", "list_ocf_providers", "show_metadata")
# What changes something, and has nothing to tell a program but whether it was done.
_CHANGES = (
    "set_parameter", "delete_parameter", "delete", "move", "ban", "clear", "cleanup", "refresh",
    "fail", "wait", "restart",
)  # fmt: skip
_BY_AGENT = (
    "validate", "force_start", "force_stop", "force_promote", "force_demote", "force_check",
)  # fmt: skip
# The commands that are about one resource.
_NEED_RESOURCE = (
    "locate", "query_xml", "get_parameter", "set_parameter", "delete_parameter", "move", "ban",
    "clear", "constraints", "stack", "delete", "restart", "fail", "digests",
)  # fmt: skip


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Carry out one command about resources."""
    return guarded(TOOL, lambda: _run(argv, door), argv)


def _parser() -> Parser:
    parser = Parser(prog=TOOL, description="Asks about resources and changes them.")
    commands = parser.add_argument_group("commands").add_mutually_exclusive_group()

    def command(*names: str, to: str, help: str) -> None:
        commands.add_argument(*names, action="store_const", const=to, dest="command", help=help)

    command("-L", "--list", to="list", help="all resources with their states (the default)")
    command("-l", "--list-raw", to="list_raw", help="the names of all primitives")
    command(
        "-q",
        "--query-xml",
        "-w",
        "--query-xml-raw",
        to="query_xml",
        help="a resource's state and XML",
    )
    command("-W", "--locate", to="locate", help="where a resource runs")
    command("-M", "--move", to="move", help="prefer --node; without it, ban the node where it runs")
    command(
        "-B", "--ban", to="ban", help="keep a resource off --node, or off the one where it runs"
    )
    command(
        "-U",
        "--clear",
        "--un-move",
        "--un-ban",
        to="clear",
        help="take back what --move and --ban have left",
    )
    command("-O", "--list-operations", to="operations", help="what was done since the last start")
    command("-o", "--list-all-operations", to="all_operations", help="all that is remembered")
    command("-Y", "--why", to="why", help="why a resource does not run")
    command("--restart", to="restart", help="stop it and start it again, and wait for both")
    command("-C", "--cleanup", to="cleanup", help="forget failures")
    command("-F", "--fail", to="fail", help="have it taken for failed, as if its agent had said so")
    command("-R", "--refresh", to="refresh", help="forget the whole history and look again")
    command(
        "-a", "--constraints", to="constraints", help="locations, and what it is colocated with"
    )
    command("-A", "--stack", to="stack", help="the same along chains of colocations")
    command("--digests", to="digests", help="by which changes of its parameters are noticed")
    for action in ("start", "stop", "promote", "demote"):
        command(f"--force-{action}", to=f"force_{action}", help=f"{action} it here by its agent")
    command("-D", "--delete", to="delete", help="remove it from the configuration (needs -t)")
    command("--wait", to="wait", help="until the cluster has nothing more to do")
    command("--list-standards", to="standards", help="the classes of agents")
    for *names, text in (
        ("-g", "--get-parameter", "show a parameter"),
        ("-p", "--set-parameter", "set a parameter to --parameter-value"),
        ("-d", "--delete-parameter", "remove a parameter"),
        ("--list-agents", "agents of a class, or of CLASS:PROVIDER"),
        ("--show-metadata", "what an agent says of itself: CLASS:PROVIDER:TYPE"),
    ):
        commands.add_argument(*names, help=text, metavar="NAME")
    for name, text in (
        ("--force-check", "check it here by its agent"),
        ("--validate", "have its agent check its parameters"),
    ):
        commands.add_argument(name, nargs="?", const="", metavar="LEVEL", help=text)
    commands.add_argument(
        "--list-ocf-providers", "--list-ocf-alternatives", nargs="?", const="", metavar="TYPE"
    )
    _add_details(parser)
    return parser


def _add_details(parser: Parser) -> None:
    details = parser.add_argument_group("details")
    details.add_argument("-r", "--resource", default="", help="which resource")
    details.add_argument("-t", "--resource-type", default="", metavar="TAG", help="for --delete")
    details.add_argument("-N", "-H", "--node", default="", help="which node")
    details.add_argument("-v", "--parameter-value", dest="value", help="the new value")
    details.add_argument("-m", "--meta", action="store_true", help="parameters are meta attributes")
    details.add_argument(
        "-z", "--utilization", action="store_true", help="parameters are utilization"
    )
    details.add_argument(
        "-u", "--lifetime", default="", help="how long --move and --ban hold (ISO 8601)"
    )
    details.add_argument(
        "-e", "--expired", action="store_true", help="with --clear: only what has expired"
    )
    details.add_argument(
        "-P", "--promoted", "--master", action="store_true", help="only the promoted role"
    )
    details.add_argument("-s", "--set-name", metavar="ID", help="of a parameter: in this set")
    details.add_argument("-i", "--nvpair", metavar="ID", help="of a parameter: the pair itself")
    details.add_argument(
        "--recursive",
        action="store_true",
        help="along colocations, with --constraints (as --stack) and --set-parameter --meta",
    )
    details.add_argument("-n", "--operation", default="", help="with -C: only its failures")
    details.add_argument("-I", "--interval", default="", help="of --operation (default 0)")
    for name, dest, text in (
        ("--class", "agent_class", "of --agent: ocf"),
        ("--provider", "provider", "of --agent"),
        ("--agent", "agent", "of --validate and --force-…: it, instead of a resource's"),
    ):
        details.add_argument(name, dest=dest, default="", help=text)
    details.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="what it gets besides"
    )
    details.add_argument(
        "overrides",
        nargs="*",
        metavar="NAME=VALUE",
        help="of --digests, --validate and --force-…: instead of what is configured",
    )
    details.add_argument("-T", "--timeout", default="", help="how long --wait waits")
    details.add_argument(
        "-f",
        "--force",
        action="store_true",
        help="even if it is there already; -C and -R: that member or instance alone",
    )
    details.add_argument("-Q", "--quiet", action="store_true", help="the answer alone")
    details.add_argument("-V", "--verbose", action="count")
    add_output(details, "text", "xml")
    details.add_argument("--layout", choices=LAYOUTS, help="of text: Pacemaker 1.1's or 3's")


class InstanceError(CrmError):
    """An instance of a clone where only the whole clone can be meant."""

    exit_code = 2


def _refuse_instance(cluster: Cluster, name: str) -> None:
    """Raise InstanceError for an instance: a constraint is of all of them."""
    from crmsh_py.tools import edits

    if ":" in name and (whole := edits.configured_name(cluster.read_cib(), name)) != name:
        raise InstanceError(
            f"'{name}' is an instance of a clone, which cannot be moved, banned or cleared alone",
            hint=f"say --resource {whole} for all of them",
        )


def _run(argv: Sequence[str] | None, door: Door) -> int:
    arguments = parse(_parser(), argv)
    command = arguments.command = arguments.command or _valued(arguments)
    if arguments.expired and command != "clear":
        raise ToolUsageError("--expired requires --clear or -U")
    needed = command in _NEED_RESOURCE or (command in _BY_AGENT and not _agent_named(arguments))
    if needed and not arguments.resource and not arguments.expired:
        raise ToolUsageError("no resource is named", hint="name one with --resource")
    if command == "digests" and not arguments.node:
        raise ToolUsageError("no node is named", hint="name one with --node")
    if arguments.overrides and command not in ("digests", *_BY_AGENT):
        raise ToolUsageError(f"'{arguments.overrides[0]}' belongs to no option")
    _check_lifetime(arguments.lifetime)
    if arguments.output_as == "xml":
        return _xml(argv, command, arguments, door)
    if command in _ABOUT_AGENTS:
        from crmsh_py.tools import agent_lists

        put(agent_lists.answer(command, arguments))
        return 0
    if command in _BY_AGENT:
        from crmsh_py.tools import force

        return force.run(door, arguments)
    return _COMMANDS[command](door(), arguments)


def _agent_named(arguments: Namespace) -> bool:
    """Whether an agent is to be called without a resource. Raises ToolUsageError for half of it."""
    named = [arguments.agent_class, arguments.provider, arguments.agent]
    if any(named) and arguments.resource:
        raise ToolUsageError("--resource cannot be used with --class, --provider and --agent")
    if any(named) and not arguments.agent:
        raise ToolUsageError("no agent is named", hint="name one with --agent")
    return any(named)


def _xml(argv: Sequence[str] | None, command: str, arguments: Namespace, door: Door) -> int:
    from crmsh_py.tools import resource_xml
    from crmsh_py.views.result_xml import document

    if command in _CHANGES:
        from contextlib import redirect_stdout
        from io import StringIO

        with redirect_stdout(StringIO()):  # remarks for people
            code = _COMMANDS[command](door(), arguments)
        put(document([], request=request(TOOL, argv), code=code))
        return code
    if command in _BY_AGENT:
        return _called_xml(argv, arguments, door)
    if command in _ABOUT_AGENTS:
        part = resource_xml.agents(command, arguments)
    else:
        part = resource_xml.ANSWERS[command](door(), arguments)
    nothing = command in ("list", "list_raw") and not part.findall()
    put(document([part], request=request(TOOL, argv), code=EXIT_NO_SUCH if nothing else 0))
    return EXIT_NO_SUCH if nothing else 0


def _called_xml(argv: Sequence[str] | None, arguments: Namespace, door: Door) -> int:
    from crmsh_py.tools import force
    from crmsh_py.views.result_xml import document, message_of

    done = force.call(door, arguments)
    part = force.element(done, verbose=bool(arguments.verbose))
    told = f"{TOOL}: Error performing operation: {message_of(done.code)}"
    errors = (told,) if done.code else ()
    put(document([part], request=request(TOOL, argv), code=done.code, errors=errors))
    return done.code


def _valued(arguments: Namespace) -> str:
    """The command among those that take a value; the list of resources when there is none."""
    for name in (
        "get_parameter",
        "set_parameter",
        "delete_parameter",
        "list_agents",
        "list_ocf_providers",
        "show_metadata",
        "force_check",
        "validate",
    ):
        if getattr(arguments, name) is not None:
            return name
    return "list"


def _status(cluster: Cluster) -> ClusterStatus:
    from crmsh_py.scheduler.status import cluster_status

    return cluster_status(cluster.read_cib(), now=local_now())


def _get_parameter(cluster: Cluster, arguments: Namespace) -> int:
    from crmsh_py.tools import resource_parameters

    put(f"{resource_parameters.value_of(cluster, arguments)}\n")
    return 0


def _set_parameter(cluster: Cluster, arguments: Namespace) -> int:
    from crmsh_py.tools import resource_parameters

    resource_parameters.set_one(cluster, arguments, client=TOOL)
    return 0


def _delete_parameter(cluster: Cluster, arguments: Namespace) -> int:
    from crmsh_py.tools import resource_parameters

    resource_parameters.delete_one(cluster, arguments, client=TOOL)
    return 0


def _answer(cluster: Cluster, arguments: Namespace) -> int:
    from crmsh_py.tools import resource_text

    return resource_text.ANSWERS[arguments.command](cluster, arguments)


def _operations(cluster: Cluster, arguments: Namespace) -> int:
    from crmsh_py.tools import resource_xml
    from crmsh_py.views import resource_operations

    now, done = local_now(), resource_xml.operations(cluster, arguments)
    put("".join(f"{resource_operations.line(each, now)}\n" for each in done))
    return 0


def _delete(cluster: Cluster, arguments: Namespace) -> int:
    from crmsh_py.cib.element import Element
    from crmsh_py.tools import cib_changes

    if not arguments.resource_type:
        raise ToolUsageError("its type is needed", hint="say it: --resource-type primitive")
    gone = Element(arguments.resource_type, {"id": arguments.resource})
    commit(cluster, lambda cib: cib_changes.delete(cib, "resources", gone), client=TOOL)
    return 0


def _targets(cluster: Cluster, arguments: Namespace) -> list[str]:
    """The nodes where the resource runs. Raises NotFound for the resource."""
    from crmsh_py.views import resource_status

    places = resource_status.places(_status(cluster), arguments.resource)
    wanted = Role.PROMOTED if arguments.promoted else None
    return [node for node, role in places if wanted in (None, role)]


def _move(cluster: Cluster, arguments: Namespace) -> int:
    """Prefer a node; without one, ban the node where the resource runs."""
    from crmsh_py.cib.pairs import find_node
    from crmsh_py.clusters import operations

    _refuse_instance(cluster, arguments.resource)
    if not arguments.node:
        return _ban(cluster, arguments)
    active = _targets(cluster, arguments)
    node = find_node(cluster.read_cib(), arguments.node).get("uname")
    if active == [node] and not arguments.force:
        raise ExistsError(
            f"'{arguments.resource}' is already active on {node}",
            hint="--force makes the constraint all the same",
        )
    _constrain(cluster, operations.move, node, arguments)
    if arguments.force:
        for other in active:
            if other != node:
                _constrain(cluster, operations.ban, other, arguments)
                if not arguments.quiet:
                    put(_ban_warning(arguments.resource, other))
    return 0


def _ban(cluster: Cluster, arguments: Namespace) -> int:
    """Keep the resource off a node; without one, off the only one where it runs or is promoted."""
    from crmsh_py.cib.pairs import find_node
    from crmsh_py.clusters import operations
    from crmsh_py.views import resource_status

    node, resource = arguments.node, arguments.resource
    _refuse_instance(cluster, resource)
    node = node or resource_status.banned_without_node(_status(cluster), resource)
    if not node:
        active = resource_status.places(_status(cluster), resource)
        where = "on no node" if not active else f"on {len(active)} nodes"
        raise ToolUsageError(
            f"Resource '{resource}' not moved: active {where}", hint="name a node with --node"
        )
    node = find_node(cluster.read_cib(), node).get("uname")
    _constrain(cluster, operations.ban, node, arguments)
    if not arguments.quiet:
        put(_ban_warning(resource, node))
    return 0


def _constrain(
    cluster: Cluster, operation: Callable[..., Cib], node: str, arguments: Namespace
) -> None:
    def change(cib: Cib) -> Cib:
        return operation(
            cib,
            arguments.resource,
            node,
            lifetime=arguments.lifetime,
            now=local_now(),
            promoted=arguments.promoted,
        )

    commit(cluster, change, client=TOOL)
    if arguments.lifetime and not arguments.quiet:
        from crmsh_py.cib.leftovers import leftovers

        left = leftovers(cluster.read_cib(), now=local_now())
        until = [one.until for one in left if one.resource == arguments.resource and one.until]
        put(f"Migration will take effect until: {until[-1]}\n" if until else "")


def _check_lifetime(text: str) -> None:
    """Raise ToolUsageError for what is no duration; '' is none."""
    if not text:
        return
    from crmsh_py.cib.durations import parse_iso

    try:
        parse_iso(text if text.startswith("P") else f"P{text}")
    except CrmError as error:
        raise ToolUsageError(
            f"--lifetime {text} is no duration", hint="write it as PT5M or P1D (ISO 8601)"
        ) from error


def _ban_warning(resource: str, node: str) -> str:
    return (
        f"WARNING: Creating rsc_location constraint 'cli-ban-{resource}-on-{node}' with a score of "
        f"-INFINITY for resource {resource} on {node}.\n"
        f"\tThis will prevent {resource} from running on {node} until the constraint is removed "
        "using the clear option or by editing the CIB with an appropriate tool\n"
        f"\tThis will be the case even if {node} is the last node in the cluster\n"
    )


def _clear(cluster: Cluster, arguments: Namespace) -> int:
    from crmsh_py.clusters import operations

    resource, node = arguments.resource, arguments.node
    _refuse_instance(cluster, resource)

    def change(cib: Cib) -> Cib:
        if arguments.expired:
            return operations.without(cib, _expired(cib, resource, node))
        return operations.clear(cib, resource, node)

    before = cluster.read_cib().section("constraints")
    commit(cluster, change, client=TOOL)
    if not arguments.quiet:
        left = {element.id for element in cluster.read_cib().section("constraints").findall()}
        gone = [element.id for element in before.findall() if element.id not in left]
        put("".join(f"Removing constraint: {name}\n" for name in gone))
    return 0


def _expired(cib: Cib, resource: str, node: str) -> list[str]:
    """The constraints of moves and bans whose lifetime is over; '' means any."""
    from crmsh_py.cib.leftovers import leftovers
    from crmsh_py.cib.pairs import find_node

    name = find_node(cib, node).get("uname") if node else ""
    return [
        one.id
        for one in leftovers(cib, now=local_now())
        if one.expired and resource in ("", one.resource) and name in ("", one.node)
    ]


def _clean(cluster: Cluster, arguments: Namespace) -> int:
    from crmsh_py.views import resource_status

    status = _status(cluster)
    resource, cleaned = arguments.resource, ["all resources"]
    if resource:
        resource_status.find(status, resource)
        resource, cleaned = _cleaned(cluster.read_cib(), resource, force=arguments.force)
    nodes = [node.name for node in status.nodes if node.online]
    if arguments.node:
        if arguments.node not in [node.name for node in status.nodes]:
            raise NotFound(
                f"Node '{arguments.node}' not found",
                name=arguments.node,
                possibilities=(node.name for node in status.nodes),
            )
        nodes = [arguments.node]
    wholly = arguments.command == "refresh"
    operation = "" if wholly else _operation(arguments)
    cluster.clean_resource(resource, arguments.node, all_history=wholly, operation=operation)
    if not resource:
        nodes = [arguments.node or "all nodes"]
    put("".join(f"Cleaned up {what} on {node}\n" for what in cleaned for node in nodes))
    return 0


def _cleaned(cib: Cib, resource: str, *, force: bool) -> tuple[str, list[str]]:
    """What is cleaned up where a resource is named, and the primitives to tell of."""
    from crmsh_py.clusters.operations import collective

    whole = resource if force else collective(cib, resource)
    element = cib.find_id(whole)
    inside = [each.id for each in element.iter("primitive")] if element is not None else []
    return whole, inside or [resource]


def _operation(arguments: Namespace) -> str:
    """The one whose failures shall be forgotten, with its interval; '' for any."""
    from crmsh_py.cib.durations import parse_ms

    if not arguments.operation:
        return ""
    return f"{arguments.operation}_{parse_ms(arguments.interval) if arguments.interval else 0}"


def _fail(cluster: Cluster, arguments: Namespace) -> int:
    from crmsh_py.views import resource_status

    cib, status = cluster.read_cib(), _status(cluster)
    instance = resource_status.failing(cib, status, arguments.resource, arguments.node)
    cluster.fail_resource(*instance)
    return 0


def _wait(cluster: Cluster, arguments: Namespace) -> int:
    from crmsh_py.cib.durations import parse_ms

    limit = parse_ms(arguments.timeout) / 1000 if arguments.timeout else _WAIT_LIMIT_S
    cluster.wait_idle(timeout_s=min(limit, MOST_SECONDS))
    return 0


def _restart(cluster: Cluster, arguments: Namespace) -> int:
    from crmsh_py.tools import resource_restart

    return resource_restart.run(cluster, arguments, client=TOOL)


_COMMANDS = {
    **dict.fromkeys(
        ("list", "list_raw", "query_xml", "locate", "why", "constraints", "stack", "digests"),
        _answer,
    ),
    "get_parameter": _get_parameter,
    "set_parameter": _set_parameter,
    "delete_parameter": _delete_parameter,
    "delete": _delete,
    "move": _move,
    "ban": _ban,
    "clear": _clear,
    "cleanup": _clean,
    "fail": _fail,
    "refresh": _clean,
    "operations": _operations,
    "all_operations": _operations,
    "wait": _wait,
    "restart": _restart,
}
