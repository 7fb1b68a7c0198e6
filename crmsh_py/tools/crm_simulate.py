"""``crm_simulate``: what a cluster would do, tried out on paper."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from crmsh_py.errors import CrmError, NotFound
from crmsh_py.tools.common import (
    EXIT_ERROR,
    EXIT_OK,
    Door,
    Parser,
    ToolUsageError,
    add_output,
    complain,
    guarded,
    open_cluster,
    parse,
    put,
    put_file,
    request,
    undisturbed,
)
from crmsh_py.value import frozen
from crmsh_py.whole_numbers import is_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.cib.element import Element
    from crmsh_py.scheduler.result import ClusterStatus
    from crmsh_py.scheduler.state import State

TOOL = "crm_simulate"
# The arguments that change a cluster before it is looked at.
_INJECTIONS = (
    "node_up",
    "node_down",
    "node_fail",
    "op_inject",
    "quorum",
    "watchdog",
    "ticket_grant",
    "ticket_revoke",
    "ticket_standby",
    "ticket_activate",
)
_NO_SCHEMA = (
    'Schema validation of configuration is disabled (support for validate-with set to "none" is '
    "deprecated and will be removed in a future release)"
)


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Simulate a cluster's answer."""
    with undisturbed(last=argv is None):
        return guarded(TOOL, lambda: _run(argv, door))


def parser() -> Parser:
    """The options; long and short names as Pacemaker's."""
    made = Parser(prog=TOOL, description="Simulates a cluster's response to events.")
    source = made.add_argument_group("where the configuration comes from")
    source.add_argument("-x", "--xml-file", metavar="FILE", dest="file")
    source.add_argument("-p", "--xml-pipe", action="store_true", dest="pipe")
    source.add_argument("-L", "--live-check", action="store_true", dest="live")
    do = made.add_argument_group("what to do")
    do.add_argument("-R", "--run", action="store_true", help="decide what would be done")
    do.add_argument("-S", "--simulate", action="store_true", help="and carry it out on paper")
    do.add_argument("-X", "--in-place", action="store_true",
                    help="carry it out, and store the result in the input file")  # fmt: skip
    do.add_argument("-P", "--profile", metavar="DIR", help="time the plans of all its XML files")
    do.add_argument("-N", "--repeat", type=int, default=1, metavar="N")
    do.add_argument("-t", "--set-datetime", metavar="TIME", dest="date")
    inject = made.add_argument_group("what to change before")
    inject.add_argument("-u", "--node-up", action="append", default=[], metavar="NODE")
    inject.add_argument("-d", "--node-down", action="append", default=[], metavar="NODE")
    inject.add_argument("-f", "--node-fail", action="append", default=[], metavar="NODE")
    inject.add_argument("-i", "--op-inject", action="append", default=[], metavar="OPSPEC")
    inject.add_argument("-F", "--op-fail", action="append", default=[], metavar="OPSPEC")
    inject.add_argument("-q", "--quorum", metavar="TRUE|FALSE")
    inject.add_argument("-w", "--watchdog", metavar="TRUE|FALSE")
    inject.add_argument("-g", "--ticket-grant", action="append", default=[], metavar="TICKET")
    inject.add_argument("-r", "--ticket-revoke", action="append", default=[], metavar="TICKET")
    inject.add_argument("-b", "--ticket-standby", action="append", default=[], metavar="TICKET")
    inject.add_argument("-e", "--ticket-activate", action="append", default=[], metavar="TICKET")
    show = made.add_argument_group("what to show")
    show.add_argument("-s", "--show-scores", action="store_true", dest="scores")
    show.add_argument("--why", nargs="?", const="", metavar="RSC",
                      help="explain scores, places and actions")  # fmt: skip
    show.add_argument("-U", "--show-utilization", action="store_true", dest="utilization",
                      help="what nodes can carry, and what resources take of it")  # fmt: skip
    show.add_argument("-A", "--show-attrs", action="store_true", dest="attributes")
    show.add_argument("-c", "--show-failcounts", action="store_true", dest="fail_counts")
    show.add_argument("-j", "--pending", action="store_true", help="(always so)")
    add_output(show, "text", "xml")
    show.add_argument("-Q", "--quiet", action="store_true")
    show.add_argument("-V", "--verbose", action="count", default=0)
    show.add_argument("-D", "--save-dotfile", metavar="FILE", dest="dot")
    show.add_argument("-a", "--all-actions", action="store_true", dest="everything")
    show.add_argument("-G", "--save-graph", metavar="FILE", dest="graph")
    show.add_argument("-I", "--save-input", metavar="FILE", dest="input")
    show.add_argument("-O", "--save-output", metavar="FILE", dest="output")
    return made


def _run(argv: Sequence[str] | None, door: Door) -> int:
    arguments = parse(parser(), argv)
    if arguments.profile is not None:
        put(_profile(arguments.profile, arguments.repeat))
        return EXIT_OK
    if arguments.in_place:
        if arguments.file is None:
            raise ToolUsageError("there is no file to store the result in", hint="name one with -x")
        arguments.simulate, arguments.output = True, arguments.file
    made = simulate(_read(arguments, door), arguments, request=request(TOOL, argv))
    for path, text in made.files.items():
        put_file(path, text)
    put(made.text)
    if not made.complete:
        complain("Transition failed: terminated\nAn invalid transition was produced")
    return EXIT_OK if made.complete else EXIT_ERROR


def _profile(folder: str, repeat: int) -> str:
    """How long the plan of every file of a folder takes, in CPU seconds."""
    import glob
    import os
    import time

    from crmsh_py.cib.document import Cib
    from crmsh_py.scheduler.plan import plan

    if not os.path.isdir(folder):
        raise CrmError(f"{folder} is no folder")
    lines = ["Timings:\n"]
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.xml"))):
        with open(path, "rb") as file:
            cib = Cib.parse(file.read())
        begun = time.process_time()
        for _ in range(max(1, repeat)):
            plan(cib, now=datetime.now(UTC))
        used = time.process_time() - begun
        lines.append(f"  * Testing {path} ... {used:.2f} secs\n")
    return "".join(lines)


def _read(arguments: Namespace, door: Door) -> Cib:
    from crmsh_py.cib.document import Cib

    if arguments.file is not None:
        try:
            with open(arguments.file, "rb") as file:
                return Cib.parse(file.read())
        except OSError as error:
            raise CrmError(f"{arguments.file}: {error.strerror}") from error
    if arguments.pipe:
        return Cib.parse(sys.stdin.buffer.read())
    if arguments.live:
        return door().read_cib()
    raise ToolUsageError("no configuration to look at", hint="name a file with -x, or use -L")


@frozen
class Simulated:
    """What a run printed, the files that it wants written, and whether it came to its end."""

    text: str
    files: Mapping[str, str]
    complete: bool


def simulate(cib: Cib, arguments: Namespace, *, request: str = TOOL) -> Simulated:
    """All of a run but the reading and the writing; ``request`` is the command line."""
    from crmsh_py.cib.upgrade import needs_upgrade, upgrade

    return _Simulation(upgrade(cib) if needs_upgrade(cib) else cib, arguments, request).run()


def _bullet(line: str) -> str:
    return f"  {line}" if line.startswith(" ") else f"  * {line}"


class _Simulation:
    """One run: its text grows part by part, each set off from the one before."""

    def __init__(self, cib: Cib, arguments: Namespace, request: str) -> None:
        self.cib = cib
        self.arguments = arguments
        self.request = request
        self.parts: list[str] = []
        self.elements: list[Element] = []  # the same where XML is asked for
        self.xml = arguments.output_as == "xml"
        self.files: dict[str, str] = {}
        self.now, self.notice = self._moment()

    def _moment(self) -> tuple[datetime, str]:
        from crmsh_py.cib.dates import parse_datetime

        if self.arguments.date:
            notice = f"Setting effective cluster time: {self.arguments.date}\n"
            return parse_datetime(self.arguments.date), notice
        recorded = self.cib.root.get("execution-date")
        if is_number(recorded) and len(recorded) < 12:  # until the year 5138
            moment = datetime.fromtimestamp(int(recorded), UTC)
            return moment, f"Using the original execution date of: {moment:%Y-%m-%d %H:%M:%SZ}\n"
        return datetime.now(UTC), ""

    def run(self) -> Simulated:
        from crmsh_py.scheduler.reading import read_status
        from crmsh_py.scheduler.schedule import decide
        from crmsh_py.scheduler.status import status_of
        from crmsh_py.views import simulate as view

        if self.xml:
            from crmsh_py.views import simulate_xml as xml
        asked = self.arguments
        explained = asked.why is not None
        state = read_status(self.cib, self.now, sanitized=True, traced=explained)
        shown = status_of(state)
        text = self.notice
        if self.cib.schema == "none":
            text = f"{_NO_SCHEMA}\n{text}"
        limits = view.limits(shown)
        if limits:
            text += limits + "\n"
        if self.xml:
            self.elements.append(xml.status(self.cib, shown))
        else:
            current = self._status(self.cib, shown, "Current cluster status")
            self.parts.append(text + current)
        given = self.cib
        self._inject()
        if self.arguments.input:
            self.files[self.arguments.input] = self.cib.to_xml()
        complete = True
        if asked.run or asked.simulate or asked.scores or asked.utilization or explained:
            if self.cib is not given:
                state = read_status(self.cib, self.now, sanitized=True, traced=explained)
            decide(state)
            if asked.scores or asked.utilization:
                self._show_assignment(state)
            # The summary decides where an action that cannot be done would be: it goes first.
            if self.xml:
                self.elements.append(xml.actions(state))
            else:
                self.parts.append(view.transition_summary(state))
            if explained and not self.xml:
                self._explain(state, asked.why)
            self._save_graph(state)
            if asked.simulate:
                complete = self._carry_out(state)
        text = "\n".join(self.parts)
        if self.xml:
            code = EXIT_OK if complete else EXIT_ERROR
            from crmsh_py.views.result_xml import document

            text = document(self.elements, request=self.request, code=code)
        elif self.arguments.quiet:
            text = self._quiet_text
        return Simulated(text, self.files, complete)

    _quiet_text = ""

    def _status(self, cib: Cib, shown: ClusterStatus, title: str, *, pending: bool = True) -> str:
        from crmsh_py.views import simulate as view

        return view.status(
            cib, shown, title, now=self.now, pending=pending,
            attributes=self.arguments.attributes, fail_counts=self.arguments.fail_counts,
        )  # fmt: skip

    def _show_assignment(self, state: State) -> None:
        from crmsh_py.views import simulate as view
        from crmsh_py.views import simulate_xml as xml
        from crmsh_py.views.text import joined

        asked = self.arguments
        if self.xml:
            made = xml.assignment(state, scores=asked.scores, utilization=asked.utilization)
            self.elements.append(made)
            return
        lines = view.assignment(
            state,
            scores=asked.scores,
            utilization=asked.utilization,
            explained=asked.why is not None,
        )
        self._quiet_text = joined(["", *lines]) + "\n"
        title = view.assignment_title(scores=asked.scores, utilization=asked.utilization)
        self.parts.append(joined([f"{title}:", *map(_bullet, lines)]) + "\n")

    def _explain(self, state: State, resource: str) -> None:
        from crmsh_py.views import simulate as view

        known = {name for each in state.by_id.values() for name in (each.id, each.xml_id)}
        if resource and resource not in known:
            raise NotFound(
                f"there is no resource {resource}", name=resource, possibilities=sorted(known)
            )
        text = view.reasons(state, resource)
        self._quiet_text += f"\n{text}"
        self.parts.append(text)

    def _save_graph(self, state: State) -> None:
        arguments = self.arguments
        if not arguments.graph and not arguments.dot:
            return
        from crmsh_py.cib.xml import to_xml
        from crmsh_py.views import simulate_graph as view

        if arguments.graph:
            self.files[arguments.graph] = to_xml(view.graph(state))
        if arguments.dot:
            self.files[arguments.dot] = view.dot(state, everything=arguments.everything)

    def _carry_out(self, state: State) -> bool:
        from crmsh_py.scheduler import simulation
        from crmsh_py.scheduler.reading import read_status
        from crmsh_py.scheduler.status import status_of
        from crmsh_py.views import simulate as view
        from crmsh_py.views import simulate_xml as xml

        outcome = simulation.run(
            state, self.cib, at=int(datetime.now(UTC).timestamp()), failures=self.arguments.op_fail
        )
        if self.xml:
            self.elements.append(xml.transition(outcome.events))
        else:
            self.parts.append(view.events(outcome.events) + self.notice)
        if self.arguments.output:
            self.files[self.arguments.output] = outcome.cib.to_xml()
        if not self.arguments.quiet or self.xml:
            after = status_of(read_status(outcome.cib, self.now))
            if self.xml:
                self.elements.append(xml.status(outcome.cib, after, revised=True))
            else:
                title = "Revised Cluster Status"
                self.parts.append(self._status(outcome.cib, after, title, pending=False))
        return outcome.complete

    def _inject(self) -> None:
        arguments = self.arguments
        if not any(getattr(arguments, name) for name in _INJECTIONS):
            return
        from crmsh_py.scheduler import injection
        from crmsh_py.views import simulate as view
        from crmsh_py.views import simulate_xml as xml

        wanted = injection.Changes(
            nodes_up=tuple(arguments.node_up),
            nodes_down=tuple(arguments.node_down),
            nodes_failed=tuple(arguments.node_fail),
            operations=tuple(arguments.op_inject),
            tickets=(
                *((t, "granted", True) for t in arguments.ticket_grant),
                *((t, "granted", False) for t in arguments.ticket_revoke),
                *((t, "standby", True) for t in arguments.ticket_standby),
                *((t, "standby", False) for t in arguments.ticket_activate),
            ),
            quorum=arguments.quorum,
            watchdog=arguments.watchdog,
        )
        at = int(datetime.now(UTC).timestamp())
        self.cib, counted = injection.apply_and_tell(self.cib, wanted, at=at, now=self.now)
        if self.xml:
            self.elements.append(xml.modifications(wanted, counted))
        else:
            self.parts.append(view.modifications(wanted, counted))
