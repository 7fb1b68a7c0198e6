"""``stonith_admin``: fence nodes, ask what can fence them, see what has been fenced.

Devices and levels are part of the configuration here (``crm configure primitive … stonith:…``,
``fencing_topology``), so what would register them past it is refused.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from crmsh_py.errors import CrmError, NotFound
from crmsh_py.tools.common import (
    MOST_SECONDS,
    Door,
    Parser,
    ToolUsageError,
    add_output,
    guarded,
    local_now,
    open_cluster,
    parse,
    put,
    request,
    seconds,
)
from crmsh_py.wire.fencing import FencingState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.element import Element
    from crmsh_py.clusters.port import Cluster
    from crmsh_py.wire.fencing import FencingRecord

TOOL = "stonith_admin"
TIMEOUT_S = 120  # stonith_admin's default
_COMMANDS = (
    *("list", "list_registered", "list_installed", "list_targets", "metadata", "query"),
    *("history", "last", "validate", "fence", "unfence", "reboot", "confirm"),
    *("register", "deregister", "register_level", "deregister_level"),
)


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Do what the one command says."""
    return guarded(TOOL, lambda: _run(argv, door), argv)


def _parser() -> Parser:
    parser = Parser(prog=TOOL, description="Access the cluster's fencing.", add_help=False)
    parser.add_argument("-?", "--help", action="help")
    define = parser.add_argument_group("definitions (part of the configuration here)")
    define.add_argument("-R", "--register", metavar="DEVICE")
    define.add_argument("-D", "--deregister", metavar="DEVICE")
    define.add_argument("-r", "--register-level", metavar="TARGET")
    define.add_argument("-d", "--deregister-level", metavar="TARGET")
    ask = parser.add_argument_group("queries")
    ask.add_argument("-l", "--list", metavar="HOST", help="devices that can fence a node")
    ask.add_argument("-L", "--list-registered", action="store_true", help="all devices")
    ask.add_argument("-I", "--list-installed", action="store_true", help="installed agents")
    ask.add_argument("-s", "--list-targets", metavar="DEVICE", help="what a device can fence")
    ask.add_argument("-M", "--metadata", action="store_true", help="of an --agent")
    ask.add_argument("-Q", "--query", metavar="DEVICE", help="whether a device works")
    ask.add_argument("-H", "--history", metavar="NODE", help="what has been fenced ('*' all)")
    ask.add_argument("-h", "--last", metavar="NODE", help="when a node was fenced last")
    ask.add_argument("-K", "--validate", action="store_true", help="an --agent's --option values")
    do = parser.add_argument_group("fencing")
    do.add_argument("-F", "--fence", "--off", metavar="HOST", help="switch a node off")
    do.add_argument("-U", "--unfence", "--on", metavar="HOST", help="let a node in again")
    do.add_argument("-B", "--reboot", metavar="HOST", help="power-cycle a node")
    do.add_argument("-C", "--confirm", metavar="HOST", help="a node is off: I have seen to it")
    more = parser.add_argument_group("more")
    more.add_argument("-c", "--cleanup", action="store_true", help="with --history: forget it")
    more.add_argument("-b", "--broadcast", action="store_true", help="(all nodes know the same)")
    more.add_argument("-a", "--agent")
    more.add_argument("-o", "--option", action="append", default=[], metavar="NAME=VALUE")
    more.add_argument("-e", "--env-option", action="append", default=[], metavar="NAME")
    more.add_argument("-T", "--tag", default="", help="who asks, for the log")
    more.add_argument("-v", "--device", action="append", default=[])
    more.add_argument("-i", "--index")
    more.add_argument("-t", "--timeout", type=seconds, default=TIMEOUT_S, metavar="SECONDS")
    more.add_argument("-y", "--delay", type=_delay, default=0, metavar="SECONDS")
    more.add_argument("--tolerance", default="0", metavar="SECONDS")
    more.add_argument("-n", "--as-node-id", action="store_true")
    more.add_argument("-q", "--quiet", action="store_true")
    more.add_argument("-V", "--verbose", action="count", default=0)
    add_output(more, "text", "xml")
    return parser


def _delay(text: str) -> int:
    return seconds(text, -1)  # -1: not even what the devices are configured with


def _run(argv: Sequence[str] | None, door: Door) -> int:
    arguments = parse(_parser(), argv)
    arguments.request = request(TOOL, argv)
    given = [name for name in _COMMANDS if getattr(arguments, name) not in (None, False)]
    if not given:
        raise ToolUsageError("no command is given")
    if len(given) > 1:
        first, second = (name.replace("_", "-") for name in given[:2])
        raise ToolUsageError(f"--{first} and --{second} exclude each other")
    (command,) = given
    if command.endswith(("register", "register_level")):
        raise CrmError(
            "devices and levels are part of the configuration",
            hint="crm configure primitive NAME stonith:AGENT …, crm configure fencing_topology …",
        )
    if command in ("list_installed", "metadata", "validate"):
        return _about_agents(command, arguments)
    cluster = door()
    if command in ("fence", "unfence", "reboot"):
        _fence(cluster, command, arguments)
    elif command == "confirm":
        cluster.confirm_fenced(arguments.confirm)
    elif command in ("history", "last"):
        _past(cluster, command, arguments)
    else:
        _devices(cluster, command, arguments)
    return 0


def _fence(cluster: Cluster, command: str, arguments: Namespace) -> None:
    from crmsh_py.cib.durations import parse_ms

    action = {"fence": "off", "unfence": "on"}.get(command, command)
    cluster.fence(
        getattr(arguments, command),
        action,
        timeout_s=arguments.timeout,
        delay_s=arguments.delay,
        tolerance_s=min(parse_ms(arguments.tolerance) // 1000, MOST_SECONDS),
        client=f"{TOOL}.{arguments.tag}" if arguments.tag else TOOL,
    )


# ---- the past ------------------------------------------------------------------------------------


def _past(cluster: Cluster, command: str, arguments: Namespace) -> None:
    node = arguments.history if command == "history" else arguments.last
    if command == "history" and arguments.cleanup:
        cluster.forget_fencing("" if node == "*" else node)
        if not arguments.quiet:
            put(f"cleaning up fencing-history{'' if node == '*' else f' for node {node}'}\n")
    records = [r for r in cluster.fencing().records if node in ("*", r.target)]
    if arguments.output_as == "xml":
        from crmsh_py.views.result_xml import document

        put(document([_past_xml(command, node, records)], request=arguments.request))
    elif command == "last":
        put(_last(node, records))
    else:
        put(_history(node, records, arguments))


def _past_xml(command: str, node: str, records: list[FencingRecord]) -> Element:
    """All that is remembered, whether told to be verbose or not."""
    from crmsh_py.cib.element import Element
    from crmsh_py.views.fencing import history_element, time_text
    from crmsh_py.views.result_xml import listed

    now = local_now()
    if command == "last":
        ended = _last_ms(records)
        when = {"when": time_text(ended, now)} if ended else {}
        return Element("last-fenced", {"target": node, **when})
    events = []
    for event in history_element(records, now=now).findall():
        if event.get("status") == "pending":  # what Pacemaker's own agents look for
            event = event.with_attributes({"extended-status": "pending"})
        events.append(event)
    return listed("Fencing history", events)


def _last(node: str, records: list[FencingRecord]) -> str:
    from crmsh_py.views.fencing import time_text

    ended = _last_ms(records)
    if not ended:
        return f"Node {node} has never been fenced\n"
    return f"Node {node} last fenced at: {time_text(ended, local_now())}\n"


def _last_ms(records: list[FencingRecord]) -> int:
    done = [r for r in records if r.state is FencingState.DONE]
    ended = [r.ended_ms for r in done if r.action in ("off", "reboot")]
    return max(ended, default=0)


def _history(node: str, records: list[FencingRecord], arguments: Namespace) -> str:
    from crmsh_py.views import fencing
    from crmsh_py.views.text import joined

    shown = records
    if not arguments.verbose:  # the last that worked, of each node
        last = {r.target: r for r in sorted(records, key=_ended) if r.state is FencingState.DONE}
        shown = list(last.values())
    shown = sorted(shown, key=_ended, reverse=True)
    if arguments.quiet and shown:
        return "".join(f"{r.ended_ms // 1000}\n" for r in shown)
    now = local_now()
    lines = [fencing.line(r, records, now=now, full=bool(arguments.verbose)) for r in shown]
    counted = "1 event" if len(lines) == 1 else f"{len(lines)} events"
    return joined([*lines, f"{counted} found"]) + "\n"


def _ended(record: FencingRecord) -> float:
    """When it ended; what is pending is newer than anything that has."""
    return record.ended_ms or float("inf")


# ---- devices and agents --------------------------------------------------------------------------


def _devices(cluster: Cluster, command: str, arguments: Namespace) -> None:
    reply = cluster.fencing(devices=True)
    known = {device.name: device for device in reply.devices}
    if command == "list":
        node = arguments.list
        able = [
            d.name
            for d in known.values()
            if node in d.targets or (d.asks and cluster.ask_device(d.name, target=node).hosts)
        ]
        if reply.watchdog_ms:
            able.append("watchdog")
        put(_found(able, "fence device", arguments))
        return
    if command == "list_registered":
        put(_found(list(known), "fence device", arguments))
        return
    name = arguments.list_targets or arguments.query
    device = known.get(name)
    if device is None:
        raise NotFound(f"there is no fence device {name}", name=name, possibilities=known)
    if command == "list_targets":
        hosts = _ask(cluster, name, hosts=True) if device.asks else device.targets
        put(_found(hosts, "fence target", arguments))
    else:
        _ask(cluster, name, hosts=False)


def _ask(cluster: Cluster, name: str, *, hosts: bool) -> list[str]:
    """The hosts of a device, or whether it works; raises CrmError with its agent's words."""
    said = cluster.ask_device(name, hosts=hosts)
    if not said.works:
        what = "cannot list its hosts" if hosts else "does not work"
        raise CrmError(f"the fence device {name} {what}: {said.reason or 'its agent failed'}")
    return said.hosts


def _found(names: list[str], what: str, arguments: Namespace) -> str:
    if arguments.output_as == "xml":
        from crmsh_py.views.result_xml import document, item, listed

        items = [item(what.rsplit(maxsplit=1)[-1], name) for name in names]
        return document([listed(f"{what}s", items)], request=arguments.request)
    count = f"1 {what}" if len(names) == 1 else f"{len(names)} {what}s"
    return "".join(f"{name}\n" for name in [*names, f"{count} found"])


def _about_agents(command: str, arguments: Namespace) -> int:
    from crmsh_py.agents.catalogue import Catalogue
    from crmsh_py.cib.agent_name import AgentSpec

    catalogue = Catalogue.of_machine()
    if command == "list_installed":
        put(_found(list(catalogue.list("stonith")), "fence device", arguments))
        return 0
    if not arguments.agent:
        raise ToolUsageError(f"--{command} needs an --agent")
    spec = AgentSpec("stonith", "", arguments.agent)
    if command == "metadata":
        from crmsh_py.tools.agent_lists import metadata

        put(metadata(spec))
        return 0
    found = catalogue.metadata(spec)
    known = {parameter.name for parameter in found.parameters}
    given = dict(option.partition("=")[::2] for option in arguments.option)
    wrong = [name for name in given if name not in known and not name.startswith("pcmk_")]
    if wrong:
        raise CrmError(f"{arguments.agent} has no parameter {wrong[0]}")
    if not arguments.quiet:
        put(f"Validation of {arguments.agent} succeeded\n")
    return 0
