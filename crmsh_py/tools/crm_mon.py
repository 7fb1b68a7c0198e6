"""``crm_mon``: the state of the cluster, once (``-1``) or drawn anew at every change."""

from __future__ import annotations

import os
import sys
from argparse import SUPPRESS, Namespace, _ArgumentGroup
from collections.abc import Sequence

from crmsh_py import __version__
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.tools.common import (
    Door,
    Parser,
    ToolUsageError,
    guarded,
    local_now,
    open_cluster,
    parse,
    put,
    put_file,
    request,
)
from crmsh_py.value import replace
from crmsh_py.views.mon_facts import MonOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from crmsh_py.clusters.port import Cluster
    from crmsh_py.tools.mon_agent import Agent
    from crmsh_py.wire.fencing import FencingRecord

TOOL = "crm_mon"
LAYOUTS = ("classic", "modern")
_FORMATS = ("console", "text", "xml", "html", "json")
_OLD_XML = "old xml"
# Home and clear to the end: less flicker than clearing first.
_REDRAW = "\x1b[H\x1b[J"


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Print the state of the cluster."""
    return guarded(TOOL, lambda: run(argv, door), argv)


def layout_of(chosen: str | None) -> str:
    """The layout that was asked for by option or by CRM_LAYOUT; classic otherwise."""
    layout = chosen or os.environ.get("CRM_LAYOUT", "")
    return layout if layout in LAYOUTS else LAYOUTS[0]


def parser() -> Parser:
    """The options of crm_mon that mean something here; long names as Pacemaker's."""
    # -h is Pacemaker's --as-html: the short name for help gives way to it.
    made = Parser(
        prog=TOOL, description="Provides a summary of cluster's current state.", add_help=False
    )
    made.add_argument("-?", "--help", action="help")
    show = made.add_argument_group("what to show")
    show.add_argument(
        "-n",
        "--group-by-node",
        action="store_true",
        dest="by_node",
        help="resources under their nodes",
    )
    show.add_argument("-r", "--inactive", action="store_true", help="also what does not run")
    show.add_argument(
        "-f", "--failcounts", action="store_true", dest="fail_counts", help="fail counts"
    )
    show.add_argument("-o", "--operations", action="store_true", help="what has been done")
    show.add_argument(
        "-t", "--timing-details", action="store_true", dest="timing", help="the same with times"
    )
    show.add_argument("-c", "--tickets", action="store_true", help="tickets")
    show.add_argument("-L", "--neg-locations", nargs="?", const="", dest="bans", metavar="PREFIX")
    show.add_argument(
        "-A",
        "--show-node-attributes",
        action="store_true",
        dest="attributes",
        help="attributes of nodes",
    )
    show.add_argument(
        "-D", "--hide-headers", action="store_false", dest="headers", help="no summary"
    )
    show.add_argument(
        "-R", "--show-detail", action="store_true", dest="detail", help="every instance of a clone"
    )
    show.add_argument(
        "-b", "--brief", action="store_true", help="numbers of resources instead of their names"
    )
    show.add_argument(
        "-s",
        "--simple-status",
        action="store_true",
        dest="simple",
        help="one line for a monitoring system",
    )
    _add_fence_history(show)
    _add_limits(show)
    how = made.add_argument_group("how to show it")
    how.add_argument("-1", "--one-shot", action="store_true", dest="once", help="once, then exit")
    how.add_argument("-i", "--interval", help="seconds between looks (default 5)")
    how.add_argument(
        "-d", "--daemonize", action="store_true", help="keep --output-to up to date in background"
    )
    how.add_argument("-p", "--pid-file", default="", metavar="FILE", help="of --daemonize")
    how.add_argument(
        "-E", "--external-agent", default="", metavar="FILE", help="run for all that happens"
    )
    how.add_argument(
        "-e", "--external-recipient", default="", metavar="RCPT", help="what it is told to notify"
    )
    how.add_argument("-W", "--watch-fencing", action="store_true", help="tell it of fencing, too")
    _add_appearance(how)
    return made


def _add_appearance(how: _ArgumentGroup) -> None:
    """In which form, and where to."""
    how.add_argument("--output-as", choices=_FORMATS, default="console")
    how.add_argument("--output-to", default="-", metavar="FILE")
    how.add_argument(
        "-X",
        "--as-xml",
        action="store_const",
        const=_OLD_XML,
        dest="output_as",
        help="XML in its old frame (--output-as=xml has today's)",
    )
    how.add_argument("-h", "--as-html", metavar="FILE")
    how.add_argument("--layout", choices=LAYOUTS, help="of text: Pacemaker 1.1's or 3's")
    how.add_argument("--html-title", default="Cluster Status", metavar="TITLE", help="of the page")
    how.add_argument("--html-stylesheet", default="", metavar="URI", help="that it links to")
    how.add_argument("--html-cgi", action="store_true", help="HTML as a web server wants it")
    how.add_argument("-w", "--web-cgi", action="store_true", help="--output-as=html --html-cgi")
    # No ncurses here anyway, and nothing to be more verbose or fancy about.
    for ignored in (
        ("-N", "--disable-ncurses"),
        ("-V", "--verbose"),
        ("-Q", "--quiet"),
        ("--text-fancy",),
    ):
        how.add_argument(*ignored, action="count", default=0, dest="ignored", help=SUPPRESS)


def _add_limits(group: _ArgumentGroup) -> None:
    """Which sections, nodes and resources, and how much of these."""
    for names, include in ((("-I", "--include"), True), (("-U", "--exclude"), False)):
        group.add_argument(
            *names,
            type=_step(include),
            action="append",
            default=[],
            dest="steps",
            metavar="SECTION,…",
            help=f"sections to {'show' if include else 'leave out'} (list: which there are)",
        )
    group.add_argument(
        "--show-description", action="store_true", dest="descriptions", help="of resources"
    )
    group.add_argument(
        "--node", default="", dest="only_node", help="only this node, or those of a tag"
    )
    group.add_argument(
        "--resource", default="", dest="only_resource", help="only this resource or tag"
    )


def _add_fence_history(group: _ArgumentGroup) -> None:
    group.add_argument(
        "-m",
        "--fence-history",
        nargs="?",
        const="2",
        default="1",
        choices=("0", "1", "2", "3"),
        metavar="LEVEL",
        help="fencing: 0 off, 1 failures and pending (default), 2 successes too, 3 all",
    )


def _step(include: bool) -> Callable[[str], tuple[bool, str]]:
    return lambda sections: (include, sections)


def options_of(arguments: Namespace) -> MonOptions:
    """What the command line asks to be shown. Raises UsageError for a section that is none."""
    options = _flags(arguments)
    if not arguments.steps:
        return options
    from crmsh_py.views import mon_sections

    everything = arguments.output_as in ("xml", "json")
    usual = mon_sections.ALL if everything else mon_sections.USUAL
    asked = {
        "attributes": options.attributes,
        "bans": options.bans is not None,
        "failcounts": options.fail_counts,
        "operations": options.operations,
        "tickets": options.tickets,
        "fencing-succeeded": int(arguments.fence_history) > 1,
    }
    shown = usual | {name for name, wanted in asked.items() if wanted}
    if not options.headers:
        shown -= mon_sections.SUMMARY
    if arguments.fence_history == "0":
        shown -= mon_sections.FENCING
    steps = [mon_sections.Step(*step) for step in arguments.steps]
    shown, prefix = mon_sections.chosen(steps, shown=shown, usual=usual)
    return replace(
        options,
        attributes="attributes" in shown,
        bans=(options.bans or prefix) if "bans" in shown else None,
        fail_counts="failcounts" in shown,
        failures="failures" in shown,
        headers=not shown.isdisjoint(mon_sections.SUMMARY),
        operations="operations" in shown,
        tickets="tickets" in shown,
        sections=shown,
    )


def _flags(arguments: Namespace) -> MonOptions:
    return MonOptions(
        by_node=arguments.by_node,
        inactive=arguments.inactive,
        fail_counts=arguments.fail_counts,
        operations=arguments.operations or arguments.timing,
        timing=arguments.timing,
        attributes=arguments.attributes,
        tickets=arguments.tickets,
        bans=arguments.bans,
        detail=arguments.detail,
        brief=arguments.brief,
        headers=arguments.headers,
        request=arguments.request,
        descriptions=arguments.descriptions,
        only_node=arguments.only_node,
        only_resource=arguments.only_resource,
    )


def run(argv: Sequence[str] | None, door: Door) -> int:
    """What the tool does; raises CrmError kinds."""
    made = parser()
    arguments = parse(made, argv)
    arguments.request = request(TOOL, argv)
    arguments.interval_s = _interval_s(arguments.interval)
    arguments.old_frame = arguments.output_as == _OLD_XML
    if arguments.old_frame:
        arguments.output_as = "xml"
    if arguments.as_html:
        arguments.output_as, arguments.output_to = "html", arguments.as_html
    if arguments.web_cgi or os.path.basename(sys.argv[0]) == "crm_mon.cgi":
        arguments.output_as, arguments.html_cgi = "html", True
    if arguments.daemonize:
        return _daemon(arguments, door)
    cluster = door()
    if arguments.simple:
        return _simple(cluster)
    once = arguments.once or arguments.output_as in ("xml", "json")
    if once or arguments.output_to != "-" or not sys.stdout.isatty():
        _put(arguments.output_to, picture(cluster, arguments))
        return 0
    return _follow(cluster, arguments)


def picture(cluster: Cluster, arguments: Namespace) -> str:
    """The whole output for the cluster as it is now."""
    from crmsh_py.views import mon_state

    now = local_now()
    options = options_of(arguments)
    classic = layout_of(arguments.layout) == "classic" and arguments.output_as != "html"
    runs = cluster.kind is not ClusterKind.FILE
    if runs and (arguments.output_as in _FORMATS[2:] or not classic):
        options = replace(options, live_on=cluster.node)
    if arguments.output_as in ("xml", "json"):
        options = replace(options, inactive=True)  # programs are told everything
    listed = arguments.output_as in ("xml", "json") or options.tickets or options.bans is not None
    cib, status = mon_state.read(cluster.read_cib(), now=now, with_constraints=listed)
    level = int(arguments.fence_history)
    records = _fenced(cluster, options, level) if not options.only_resource else []
    if options.shows("fencing-succeeded") and options.sections is not None:
        level = max(level, 2)
    if arguments.output_as == "xml":
        from crmsh_py.views import mon_xml

        version = __version__ if arguments.old_frame else ""
        return mon_xml.render(
            cib, status, now=now, options=options, fencing=records, version=version
        )
    if arguments.output_as == "json":
        from crmsh_py.views import mon_json

        return mon_json.render(cib, status, now=now, options=options, fencing=records)
    from crmsh_py.views.text import joined

    fenced: list[list[str]] = []
    if records:
        from crmsh_py.views import fencing

        fenced = fencing.sections(records, fencing.Level(level), now=now, classic=classic)
    if arguments.output_as == "html":
        from crmsh_py.views import mon_html

        page = mon_html.render(
            cib,
            status,
            now=now,
            options=options,
            more=fenced,
            title=arguments.html_title,
            stylesheet=arguments.html_stylesheet,
        )
        return f"Content-Type: text/html\n\n{page}" if arguments.html_cgi else page
    if classic:
        from crmsh_py.views import mon_classic

        text = mon_classic.render(cib, status, now=now, options=options)
    else:
        from crmsh_py.views import mon_modern

        text = mon_modern.render(cib, status, now=now, options=options)
    return text + "".join("\n" + joined(section) + "\n" for section in fenced)


def _fenced(cluster: Cluster, options: MonOptions, level: int) -> list[FencingRecord]:
    """What has been fenced; nothing where that cannot be told: the rest can be."""
    from crmsh_py.errors import CrmError
    from crmsh_py.wire.fencing import FencingState

    states = {
        FencingState.FAILED: "fencing-failed",
        FencingState.PENDING: "fencing-pending",
        FencingState.DONE: "fencing-succeeded",
    }
    wanted = [state for state, section in states.items() if options.shows(section)]
    if not wanted or (options.sections is None and not level):
        return []
    try:
        records = cluster.fencing().records
    except CrmError:
        return []
    return [record for record in records if record.state in wanted]


def _simple(cluster: Cluster) -> int:
    """One line for a monitoring system, with its exit codes: 0 good, 1 warning."""
    from crmsh_py.scheduler.status import cluster_status
    from crmsh_py.views.text import counted, legible

    status = cluster_status(cluster.read_cib(), now=local_now())
    problems = [] if status.dc else ["No DC"]
    there: dict[str, int] = {"standby": 0, "maintenance": 0, "online": 0}
    for node in status.nodes:
        if not node.online:
            problems.append(f"offline node: {node.name}")
        else:  # what somebody has planned is no trouble
            state = "standby" if node.standby else "maintenance" if node.maintenance else "online"
            there[state] += 1
    if problems:
        put(f"CLUSTER WARN: {legible(', '.join(problems))}\n")
        return 1
    nodes = f"{counted(there.pop('online'), 'node')} online"
    for state, number in there.items():
        nodes += f", {counted(number, f'{state} node')}" if number else ""
    resources = counted(status.primitives_configured, "resource instance")
    put(f"CLUSTER OK: {nodes}, {resources} configured\n")
    return 0


def _put(destination: str, text: str) -> None:
    if destination == "-":
        put(text)
    else:
        put_file(destination, text)


def _interval_s(text: str | None) -> float:
    """Also where nothing waits for it: what is no duration is a mistake of the command line."""
    if text is None:
        return 5.0
    from crmsh_py.cib.durations import parse_ms
    from crmsh_py.errors import ConfigError

    try:
        return parse_ms(text) / 1000
    except ConfigError as error:
        raise ToolUsageError(f"--interval {error.message}", hint=error.hint) from error


def _daemon(arguments: Namespace, door: Door) -> int:
    from crmsh_py.tools import mon_daemon

    file = "" if arguments.output_to == "-" else os.path.abspath(arguments.output_to)
    agent = _agent(arguments)
    if not file and agent is None:
        raise ToolUsageError(
            "--daemonize needs a file to write or a program to run",
            hint="add --output-to=FILE or --external-agent=FILE",
        )

    def look(cluster: Cluster) -> None:
        if agent is not None:
            agent.look(cluster)
        if file:
            put_file(file, picture(cluster, arguments))

    least = 1.0 if file else 0.0  # a program is told at once
    interval_s = max(least, least if agent is not None else arguments.interval_s)
    return mon_daemon.run(door, look, pid_file=arguments.pid_file, interval_s=interval_s)


def _agent(arguments: Namespace) -> Agent | None:
    """The program that is to be run for what happens, if any."""
    if not arguments.external_agent:
        return None
    from crmsh_py.tools.mon_agent import Agent

    return Agent(
        arguments.external_agent,
        recipient=arguments.external_recipient,
        fencing=arguments.watch_fencing,
    )


def _follow(cluster: Cluster, arguments: Namespace) -> int:
    """Draw, and draw again whenever something has changed, until Ctrl-C."""
    agent = _agent(arguments)
    put(_REDRAW + picture(cluster, arguments))
    sys.stdout.flush()
    for _ in cluster.watch():
        if agent is not None:
            agent.look(cluster)
        put(_REDRAW + picture(cluster, arguments))
        sys.stdout.flush()
    return 0
