"""Commands that can be typed at the root, and those of every level (help, ls, cd, up, quit)."""

from __future__ import annotations

from datetime import UTC, datetime

from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import CrmError, NotFound, UsageError
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell import declarations
from crmsh_py.shell.session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.clusters.port import Cluster


def status(session: Session, call: CommandCall) -> int:
    """``crm_mon -1`` of the cluster, with its options by name."""
    return show_status(session, call.all("STATUS_OPTION"))


STATUS_OPTIONS = {
    "bynode": "-n",
    "inactive": "-r",
    "ops": "-o",
    "timing": "-t",
    "failcounts": "-f",
    "verbose": "-V",
    "quiet": "-Q",
    "html": "--output-as=html",
    "xml": "--output-as=xml",
    "tickets": "-c",
    "noheaders": "-D",
    "detail": "-R",
    "brief": "-b",
    "full": "-nrfoA",
    "simple": "-s",
}


def show_status(session: Session, options: tuple[str, ...]) -> int:
    """Print the state by ``crm_mon -1``; the words are crmsh's, or options of crm_mon."""
    from crmsh_py.tools import crm_mon

    words = ["-1"]
    for option in options:
        if option.startswith("-"):
            words.append(option)
        elif option in STATUS_OPTIONS:
            words.append(STATUS_OPTIONS[option])
        else:
            raise NotFound(
                f"status has no option {option}",
                name=option,
                possibilities=STATUS_OPTIONS,
                otherwise=f"it has {', '.join(STATUS_OPTIONS)}",
            )
    if session.options.layout:
        words += ["--layout", session.options.layout]
    if session.form != "text":
        words.append(f"--output-as={session.form}")
    once = _ReadOnce(session.cluster)
    with session.console.paging():
        code = crm_mon.run(words, lambda: once)  # type: ignore[arg-type,return-value]
    if session.form == "text" and once.cib is not None:
        _point_out_leftovers(session, once.cib)
        _point_out_doubt(session, once.cib)
    return code


class _ReadOnce:
    """A cluster whose CIB is kept when it is read: two looks at one state."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.cib: Cib | None = None

    def read_cib(self) -> Cib:
        """What the cluster has."""
        self.cib = self._cluster.read_cib()
        return self.cib

    def __getattr__(self, name: str) -> object:
        return getattr(self._cluster, name)


def _point_out_leftovers(session: Session, cib: Cib) -> None:
    """Say which constraints move and ban have left: people forget them, and wonder later."""
    if not any(c.id.startswith("cli-") for c in cib.section("constraints").findall()):
        return
    from crmsh_py.cib.leftovers import leftovers
    from crmsh_py.tools.common import local_now

    for one in leftovers(cib, now=local_now()):
        clear = "clear --expired" if one.expired else f"clear {one.resource}"
        session.console.info(f"{one}\n  crm resource {clear} removes it")


def _point_out_doubt(session: Session, cib: Cib) -> None:
    """Say which nodes are lost and were not fenced, where fencing is disabled: they may go on."""
    if cib.fencing_enabled:
        return
    from crmsh_py.cib.lost import lost_nodes

    if lost := lost_nodes(cib):
        session.console.info(
            f"fencing is disabled: {', '.join(lost)} may still run what is started elsewhere now"
        )


def verify(session: Session, call: CommandCall) -> int:
    """Check the live configuration, as ``crm_verify -LV`` does."""
    from crmsh_py.tools import crm_verify

    if session.form == "html":
        raise UsageError("only status has the form html", hint="--output-as json or xml")
    words = ["-L", "-V", f"--output-as={session.form}"]
    with session.console.paging():
        code = crm_verify.run(words, lambda: session.cluster)
    if call.has("SCORES"):
        from crmsh_py.shell import cmd_resource_look

        cmd_resource_look.scores(session, call)
    return code


def plan(session: Session, call: CommandCall) -> int:
    """Say what the cluster is about to do with the live (or the pending) configuration.

    With an event (``plan node kill X``), what it would do if that happened now. With
    ``--apply-to``, what the changes of an imported lab would do to its cluster; after a yes they
    are made there.
    """
    from crmsh_py.scheduler.plan import plan as make_plan
    from crmsh_py.shell import events
    from crmsh_py.shell.votes import votes_of
    from crmsh_py.views.plan import plan_record, render

    joined = (call.get("APPLY_EQ") or "").partition("=")[2]
    if target := call.get("APPLY_TARGET") or joined:
        from crmsh_py.shell import lab_import

        return lab_import.apply_to(session, target)
    cib = session.working.at_present()
    now = datetime.now(UTC)
    event = ""
    if call.arguments:
        happened = events.of_call(call)
        votes = votes_of(session.cluster) if happened.subject == "node" else None
        cib, event = events.after(cib, happened, now, votes), str(happened)
    made = make_plan(cib, now=now, traced=True)
    text = render(made, colour=session.console.colour(session.console.out_stream), event=event)
    session.show(text, lambda: plan_record(made, event=event))
    if session.cluster.kind is ClusterKind.PACEMAKER and not event:
        from crmsh_py.shell import second_opinion

        second_opinion.tell(session, cib)
    return 0


def why(session: Session, call: CommandCall) -> int:
    """Say why a resource runs where it runs, or does not."""
    from crmsh_py.clusters.operations import find_resource
    from crmsh_py.scheduler.explain import why as explain
    from crmsh_py.views.records import Text
    from crmsh_py.views.text import joined

    cib = session.working.at_present()
    resource = call.get("RESOURCE") or ""
    find_resource(cib, resource)
    lines = explain(cib, resource, call.get("NODE_NAME"), now=datetime.now(UTC))
    session.show(joined(lines), lambda: Text(resource, tuple(lines)))
    return 0


def sbd(session: Session, call: CommandCall) -> int:
    """Not here: disks of sbd are the system's."""
    raise CrmError(
        "the disks and the watchdog of sbd belong to the system, not to the cluster",
        hint="sbd -d DEVICE list; a lab is fenced by: crm configure primitive fence stonith:lab",
    )


def completion(session: Session, call: CommandCall) -> int:
    """The script by which a shell completes one-shots."""
    from crmsh_py.shell.compgen import SHELLS, script

    chosen = next(shell for shell in SHELLS if call.has(shell.upper()))
    session.console.out(script(chosen).rstrip("\n"))
    return 0


def help(session: Session, call: CommandCall) -> int:
    """Explain a level or a command; --man and --markdown print all of it."""
    from crmsh_py.shell import manual

    topics = call.all("TOPIC")
    if topics in (("--man",), ("--markdown",)):
        made = manual.page() if topics == ("--man",) else manual.markdown()
        session.console.out(made.rstrip("\n"))
        return 0
    found = manual.find(session.levels, topics)
    session.show(manual.text(found), lambda: manual.record(found))
    return 0


def ls(session: Session, call: CommandCall) -> int:
    """The words that can be typed here, in columns."""
    level = session.levels[-1] if session.levels else ""
    names = [d.name for d in declarations.of_level(level)]
    if not level:
        names = [*(n for n in declarations.LEVELS if n not in declarations.INSIDE), *names]
    else:
        names += [n for n, above in declarations.INSIDE.items() if above == level]
        names += ["help", "ls", "cd", "up", "quit"]
    width = max(map(len, names)) + 2
    per_row = max(1, 78 // width)
    rows = [names[i : i + per_row] for i in range(0, len(names), per_row)]
    session.console.out(
        "\n".join("".join(f"{name:<{width}}" for name in row).rstrip() for row in rows)
    )
    return 0


def cd(session: Session, call: CommandCall) -> int:
    """Walk: ``cd configure``, ``cd ..``, ``cd ../resource``, ``cd /``; alone: one level up."""
    path = call.get("PATH") or ".."
    levels = [] if path.startswith("/") else list(session.levels)
    for step in path.split("/"):
        if step == "..":
            if levels:
                levels.pop()
        elif step in levels:
            del levels[levels.index(step) + 1 :]
        elif step in declarations.LEVELS:
            above = declarations.INSIDE.get(step)
            levels += [above, step] if above and above not in levels else [step]
        elif step not in ("", "."):
            raise NotFound(
                f"there is no level {step}", name=step, possibilities=declarations.LEVELS
            )
    return _go(session, tuple(levels))


def up(session: Session, call: CommandCall) -> int:
    """One level up; out of configure this commits."""
    if not session.levels:
        raise UsageError("this is the root already", hint="quit leaves crm")
    return _go(session, session.levels[:-1])


def quit(session: Session, call: CommandCall) -> int:
    """Leave crm; what is pending is committed, or asked about, wherever one stands."""
    from crmsh_py.shell.dispatch import leave_configure

    code = leave_configure(session)
    session.levels = ()
    session.leaving = True
    return code


def _go(session: Session, levels: tuple[str, ...]) -> int:
    """Stand somewhere else; a refused commit keeps a person where the changes are."""
    from crmsh_py.shell.dispatch import leave_configure

    code = 0
    if "configure" in session.levels and "configure" not in levels:
        code = leave_configure(session)
    session.levels = levels
    return code
