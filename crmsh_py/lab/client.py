"""What ``crm lab …`` does: one function per command.

Every function is bounded in time, says what it did through ``say`` (one sentence per call), returns
when it is done, and raises a ``CrmError`` otherwise. ``environ`` and ``uid`` say whose lab it is;
``lab`` may name one outright ('' means ``CRM_LAB``, else ``default``).
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from crmsh_py.errors import ClusterUnreachable, CrmError, NotFound, TimedOut, UsageError
from crmsh_py.lab import commands, inside, nodespec, removal, rights, tail
from crmsh_py.lab.config import GUEST, LabConfig, NodeConfig
from crmsh_py.lab.contact import ask, ask_node, find_supervisor
from crmsh_py.lab.place import NODE_NEW, Place, locked, place_of
from crmsh_py.lab.processes import descendants, identify, send, wait_gone
from crmsh_py.wire import control
from crmsh_py.wire import lab as wire
from crmsh_py.wire.paths import check_lab_name, state_base

Say = Callable[[str], None]

HOST = inside.HOST

_SUPERVISOR_TIMEOUT_S = 30.0  # trying the kinds of isolation takes milliseconds each
_ANSWER_TIMEOUT_S = 30.0  # from a node's switching on until its control socket answers
_NODE_TIMEOUT_S = 5.0  # a daemon on a loaded machine says hello within this
AGENTS = ("any", "real", "stand-ins")  # see LabConfig
_STOP_TIMEOUT_S = 120.0  # resources leave first, and agents may take their time
_END_TIMEOUT_S = 10.0  # a supervisor that takes longer to end its nodes hangs
_POLL_S = 0.02
_LOG_TAIL_LINES = 5  # of a node's output, in the message that it did not start


def _silent(_: str) -> None:
    """The default for ``say``."""


class Lab:
    """One lab of a user, as ``crm lab`` drives it."""

    def __init__(
        self,
        *,
        environ: Mapping[str, str] | None = None,
        uid: int | None = None,
        lab: str = "",
        say: Say = _silent,
    ) -> None:
        self._environ = dict(os.environ if environ is None else environ)
        self._uid = os.geteuid() if uid is None else uid
        self._place = place_of(self._environ, self._uid, lab)
        self._say = say
        node = self._environ.get("CRM_NODE", "")
        if self._environ.get("CRM_LAB_INSIDE") and node and not self._place.exists():
            raise UsageError(
                f"this is {node}, a node of lab '{self.name}': crm lab works outside of it",
                hint="leave the node (exit), or use another terminal",
            )

    @property
    def name(self) -> str:
        """The lab's name."""
        return self._place.lab

    @property
    def place(self) -> Place:
        """Where its files and sockets are."""
        return self._place

    # ---- making and taking away --------------------------------------------------------------

    def create(
        self,
        *,
        conf_file: str = "",
        nodes: Sequence[str] = (),
        network: str = "",
        remotes: Sequence[str] = (),
        guests: Sequence[str] = (),
        agents: str = "any",
        daemon: Sequence[str] = (),
    ) -> LabConfig:
        """Make a lab from a corosync.conf, or from names and a network (CIDR).

        ``remotes`` are hosts that run the executor only, ``guests`` those that are off until a
        resource switches them on. Warnings of the file are said. ``agents`` is one of ``AGENTS``.
        ``daemon`` replaces the nodes' program, for tests. An ``OCF_ROOT`` in the environment is
        where the lab's nodes look for agents from now on.

        Raises:
            CrmError: the lab exists; ConfigError, SyntaxProblem: the file or the names are bad.
        """
        if agents not in AGENTS:
            raise UsageError(f"agents are {', '.join(AGENTS)}, not '{agents}'")
        if self._place.exists():
            raise CrmError(
                f"lab '{self.name}' exists",
                hint="crm lab start, crm lab destroy, or another name: CRM_LAB=NAME crm lab create",
            )
        from crmsh_py.lab.design import (
            design,
            with_remotes,
        )  # reads corosync.conf: for this command alone

        ocf_root = _ocf_root(self._environ)
        made, text = design(self.name, conf_file, nodes, network, self._say)
        made = with_remotes(made, remotes, guests)
        made = dataclasses.replace(made, agents=agents, daemon=tuple(daemon), ocf_root=ocf_root)
        self._place.make_directories()
        find_supervisor(self._place)  # says when it is another lab's
        for node in made.nodes:
            self._place.node_socket(node.name)  # says when its path is too long
        with locked(self._place):
            if self._place.exists():
                raise CrmError(f"lab '{self.name}' has been made by another command meanwhile")
            commands.write(self._place)
            # A destroy that was broken off may have left nodes, with what they knew.
            removal.remove_tree(self._place.nodes, self._uid)
            os.makedirs(self._place.nodes, mode=0o700, exist_ok=True)
            for node in made.members:
                self._mark_new(node.name)
            _write(self._place.conf, text, 0o644)
            _write(self._place.key, os.urandom(128).hex(), 0o600)
            _write(self._place.record, made.to_json(), 0o644)
        self._say(
            f"lab '{self.name}' created: "
            + ", ".join(_described(node) for node in made.nodes)
            + f"; the host is {made.host}"
        )
        return made

    def _mark_new(self, node: str) -> None:
        """Say on a node's disk that there has never been anything on it: its vote counts at once.

        Disks that were wiped, and those of nodes that come to a cluster, do not have that mark.
        """
        mark = self._place.disk(node) + NODE_NEW
        with _usual_modes():
            os.makedirs(os.path.dirname(mark), mode=0o700, exist_ok=True)
        _write(mark, "", 0o600)

    def destroy(self) -> None:
        """Take everything of the lab away: processes, namespaces, mounts, files.

        Works after the supervisor was killed, and on half a lab. Raises CrmError when there is no
        lab, or something does not go away.
        """
        if not os.path.isdir(self._place.state) and not os.path.isdir(self._place.runtime):
            raise CrmError(f"there is no lab '{self.name}'", hint="crm lab list names them")
        self._end_supervisor()
        self._place.make_directories()  # half a lab: both, so that both can be locked and removed
        with locked(self._place):
            self._end_supervisor()  # one that was started while we waited for the lock
            removal.end_strays(self._place)
            removal.remove_files(self._place, self._uid)
        self._say(f"lab '{self.name}' destroyed")

    def _end_supervisor(self) -> None:
        supervisor = find_supervisor(self._place)
        if supervisor is None:
            return
        below = [p for pid in descendants(supervisor.pid) if (p := identify(pid)) is not None]
        try:
            ask(self._place, wire.EndLab(), timeout_s=_END_TIMEOUT_S)
        except ClusterUnreachable:
            send(supervisor.pid, signal.SIGKILL)  # it hangs; its nodes die with it
        if wait_gone([supervisor], _END_TIMEOUT_S):
            send(supervisor.pid, signal.SIGKILL)
        left = wait_gone([supervisor, *below], _END_TIMEOUT_S)
        if left:
            raise TimedOut(f"processes of the lab do not end: {[p.pid for p in left]}")

    # ---- switching on and off ----------------------------------------------------------------

    def start(
        self, nodes: Sequence[str] = (), *, corosync_only: bool = False, wipe: bool = False
    ) -> list[str]:
        """Switch nodes on (all by default); return when their daemons answer. Idempotent.

        ``corosync_only``: the cluster manager waits for ``crm cluster start``, as it always does on
        nodes where it is disabled (``crm cluster disable``). ``wipe``: those
        that are off get a new, empty disk first. Returns the nodes that were off before.
        """
        with locked(self._place):
            made = self._place.load()
            names = self._names(made, nodes)
            if not nodes:  # guests are switched on by the cluster
                names = [node.name for node in made.nodes if node.kind != GUEST]
            self._ensure_supervisor()
            if wipe:
                off = [n.name for n in self.status().nodes if n.name in names and not n.pid]
                self._wipe_disks(off)
            started: list[str] = []
            alone = [name for name in names if corosync_only or name in made.without_manager]
            managed = [name for name in names if name not in alone]
            for group, manager in ((managed, True), (alone, False)):
                if not group:
                    continue
                request = wire.StartNodes(nodes=group, manager=manager)
                reply = ask(self._place, request, timeout_s=_ANSWER_TIMEOUT_S)
                started += reply.nodes if isinstance(reply, wire.LabDone) else []
            frozen = self._frozen(names)
            awake = [name for name in names if name not in frozen]
            self._await_daemons(awake)
        for name in awake:
            self._say(f"{name} is on" + ("" if name in started else " already"))
        if frozen:
            raise _frozen_error(frozen, "what runs there goes on when it is thawed")
        return started

    def stop(self, nodes: Sequence[str] = (), *, timeout_s: float = _STOP_TIMEOUT_S) -> list[str]:
        """Switch nodes off in an orderly way: their resources leave first. Idempotent.

        Without names all nodes are stopped, and the lab's supervisor ends too. Returns the nodes
        that were on. Raises TimedOut with the nodes that are still on after ``timeout_s``.
        """
        with locked(self._place):
            made = self._place.load()
            names = self._names(made, nodes)
            if find_supervisor(self._place) is None:
                self._say(f"lab '{self.name}' is off already")
                return []
            if frozen := self._frozen(names):
                raise _frozen_error(frozen, "nothing there can stop", or_else="crm lab kill")
            on = [node.name for node in self.status().nodes if node.pid and node.name in names]
            connections = []
            rough = []
            for name in on:
                try:
                    request = control.StopDaemon()
                    connections.append(
                        ask_node(self._place, name, request, timeout_s=_NODE_TIMEOUT_S)
                    )
                except ClusterUnreachable:
                    rough.append(name)  # its daemon hangs or is no daemon: then as an init would
            if rough:
                ask(self._place, wire.TerminateNodes(nodes=rough))
            try:
                self._await_off(on, timeout_s)
            finally:
                for connection in connections:
                    connection.close()
            if not nodes:
                self._end_supervisor()
        for name in names:
            self._say(f"{name} is off" + ("" if name in on else " already"))
        return on

    def _frozen(self, names: Sequence[str]) -> list[str]:
        return [node.name for node in self.status().nodes if node.frozen and node.name in names]

    def kill(self, nodes: Sequence[str]) -> list[str]:
        """A power failure: SIGKILL to everything of these nodes. Returns those that were on."""
        return self._change(wire.KillNodes(nodes=self._some(nodes)), "{} has lost its power")

    def wipe(self, nodes: Sequence[str]) -> None:
        """Give nodes that are off a new, empty disk."""
        with locked(self._place):
            names = self._some(nodes)
            if find_supervisor(self._place) is not None:
                for node in self.status().nodes:
                    if node.name in names and node.pid:
                        raise CrmError(
                            f"{node.name} is on; its disk cannot be taken",
                            hint=f"crm lab stop {node.name}, or crm lab kill {node.name}",
                        )
            self._wipe_disks(names)

    def _wipe_disks(self, names: Sequence[str]) -> None:
        for name in names:
            removal.remove_tree(self._place.disk(name), self._uid)
            self._say(f"{name} has a new, empty disk")

    # ---- faults ------------------------------------------------------------------------------

    def partition(self, nodes: Sequence[str], ring: int | None = None) -> list[str]:
        """Cut nodes off from all others; among themselves they still see each other.

        ``ring``: on this one of two networks alone.
        """
        where = "" if ring is None else f" on ring {ring}"
        request = wire.CutOff(nodes=self._some(nodes), ring=ring)
        return self._change(request, "{} is cut off" + where)

    def freeze(self, nodes: Sequence[str]) -> list[str]:
        """Stop everything of nodes as a machine that hangs: their addresses stay."""
        return self._change(wire.FreezeNodes(nodes=self._some(nodes)), "{} is frozen")

    def thaw(self, nodes: Sequence[str]) -> list[str]:
        """Let nodes that are frozen go on."""
        request = wire.FreezeNodes(nodes=self._some(nodes), thaw=True)
        return self._change(request, "{} goes on")

    def reboot(self, nodes: Sequence[str]) -> list[str]:
        """Cut the power of nodes and give it back; they start by themselves."""
        request = wire.SwitchPower(nodes=self._some(nodes), action="reboot")
        return self._change(request, "{} is power-cycled")

    def suffer(self, nodes: Sequence[str], faults: control.InjectFaults, what: str) -> None:
        """Faults inside the daemons of nodes, until they are told others, or end.

        Raises ClusterUnreachable for a node whose daemon does not answer.
        """
        for node in self._some(nodes):
            ask_node(self._place, node, faults).close()
            self._say(f"{node}: {what}")

    def heal(self) -> list[str]:
        """Undo all partitions, and the faults of networks. Returns the nodes that were cut off."""
        self._place.load()
        good = control.InjectFaults(delay_ms=0, loss=0, duplicate=0)
        for node in self.status().nodes:
            if node.state is wire.Power.ON and not node.frozen:
                with contextlib.suppress(ClusterUnreachable):
                    ask_node(self._place, node.name, good).close()
        healed = self._change(wire.Heal(), "{} is back on the network")
        if not healed:
            self._say("nothing was cut off")
        return healed

    def _change(self, request: wire.LabRequest, sentence: str) -> list[str]:
        reply = ask(self._place, request)
        changed = reply.nodes if isinstance(reply, wire.LabDone) else []
        named = getattr(request, "nodes", changed)
        for name in named:
            self._say(sentence.format(name) if name in changed else f"{name} is off already")
        return list(changed)

    # ---- inside ------------------------------------------------------------------------------

    def execute(self, node: str, argv: Sequence[str]) -> int:
        """Run a command in a node, or on the ``host``, with our own terminal.

        Returns its exit code, as a shell would (128 + signal; 127 no such program).
        """
        if not argv:
            raise UsageError("what is to be run?", hint=f"crm lab exec {node} -- COMMAND …")
        made = self._place.load()
        if node != HOST:
            self._names(made, [node])
        return inside.run(made, self._place, self.status(), node, argv, environ=self._environ)

    def output(
        self, node: str, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 60.0
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command in a node, or on the host, without a terminal; what it printed.

        Raises TimedOut when it does not end.
        """
        made = self._place.load()
        if node != HOST:
            self._names(made, [node])
        return inside.output(
            made,
            self._place,
            self.status(),
            node,
            argv,
            environ=self._environ,
            stdin=stdin,
            timeout_s=timeout_s,
        )

    def shell(self, node: str) -> int:
        """An interactive shell in a node, or on the host; returns its exit code."""
        return self.execute(node, inside.shell_command(node))

    # ---- looking -----------------------------------------------------------------------------

    def status(self) -> wire.LabState:
        """What runs; of a lab that is off, its nodes and pid 0."""
        made = self._place.load()
        if find_supervisor(self._place) is not None:
            reply = ask(self._place, wire.ReadLab())
            assert isinstance(reply, wire.LabState)
            return reply
        return wire.LabState(
            pid=0,
            started=0,
            isolation="",
            own_pids=False,
            note="",
            nodes=[
                wire.NodeState(
                    name=node.name, address=node.address, state=wire.Power.OFF, kind=node.kind
                )
                for node in made.nodes
            ],
        )

    def log(self, nodes: Sequence[str] = (), *, lines: int = 0) -> list[tuple[str, str]]:
        """The logs of nodes (all by default): (node, line), the last ``lines`` of each or all."""
        made, place = self._place.load(), self._place
        return [
            (name, line)
            for name in self._names(made, nodes)
            for line in tail.last_lines(place.disk(name), place.node_log(name), lines)
        ]

    # ---- helpers -----------------------------------------------------------------------------

    def _names(self, made: LabConfig, nodes: Sequence[str]) -> list[str]:
        """These nodes, or all; raises NotFound for one that the lab has not."""
        known = [node.name for node in made.nodes]
        for name in nodes:
            if name not in known:
                raise NotFound(
                    f"lab '{self.name}' has no node '{name}'",
                    name=name,
                    possibilities=known,
                    hint=None,
                )
        return list(dict.fromkeys(nodes)) or known

    def _some(self, nodes: Sequence[str]) -> list[str]:
        if not nodes:
            raise UsageError("which nodes?", hint="name at least one")
        return self._names(self._place.load(), nodes)

    def _ensure_supervisor(self) -> None:
        self._place.make_directories()  # first of all: are they ours?
        if find_supervisor(self._place) is not None:
            return
        program = [commands.python(), "-P", "-m", "crmsh_py.lab.supervisor", self.name]
        with open(self._place.supervisor_log, "ab") as log:
            process = subprocess.Popen(
                program,
                env=self._supervisor_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                text=True,
            )
        try:
            said, _ = process.communicate(timeout=_SUPERVISOR_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise TimedOut("the lab's supervisor did not start in time") from None
        if said.strip() != "ok":
            reason = said.strip().removeprefix("failed ")
            last = tail.last_lines(*os.path.split(self._place.supervisor_log), 1)
            raise CrmError(
                f"the lab cannot be started: {reason or (last[0] if last else 'no reason given')}",
                hint=f"see {self._place.supervisor_log}",
            )
        note = self.status().note
        if note:
            self._say(note)

    def _supervisor_environment(self) -> dict[str, str]:
        kept = ("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "PYTHONDONTWRITEBYTECODE")
        found = {name: self._environ[name] for name in kept if name in self._environ}
        return found | {
            "PATH": commands.with_system_path(self._environ.get("PATH", "")),
            "PYTHONPATH": commands.python_path(),
            "CRM_STATE_DIR": self._place.state_base,
            "CRM_RUNTIME_DIR": self._place.runtime_base,
        }

    def _await_daemons(self, names: Sequence[str]) -> None:
        """Return when the control sockets of these nodes answer."""
        deadline = time.monotonic() + _ANSWER_TIMEOUT_S
        waiting = list(names)
        while waiting:
            try:
                ask_node(
                    self._place, waiting[0], control.ReadSubsystems(), timeout_s=_POLL_S * 50
                ).close()
                waiting.pop(0)
                continue
            except ClusterUnreachable:
                pass
            died = [
                n for n in self.status().nodes if n.name in names and n.state is wire.Power.DIED
            ]
            if died:
                raise CrmError("; ".join(self._obituary(node) for node in died))
            if time.monotonic() > deadline:
                raise TimedOut(f"{', '.join(waiting)}: the daemon does not answer")
            time.sleep(_POLL_S)

    def _obituary(self, node: wire.NodeState) -> str:
        disk = self._place.disk(node.name)
        lines = tail.last_lines(disk, nodespec.NODE_OUTPUT, _LOG_TAIL_LINES)
        said = "".join(f"\n    {line}" for line in lines)
        return f"{node.name} did not start: {node.reason}{said}"

    def _await_off(self, names: Sequence[str], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            on = [node.name for node in self.status().nodes if node.pid and node.name in names]
            if not on:
                return
            if time.monotonic() > deadline:
                raise TimedOut(
                    f"{', '.join(on)}: still on after {timeout_s:.0f} s",
                    hint=f"crm_mon -1 shows what keeps it; crm lab kill {' '.join(on)} ends it",
                )
            time.sleep(_POLL_S)


def _frozen_error(names: Sequence[str], so: str, *, or_else: str = "") -> CrmError:
    listed = " ".join(names)
    other = f", or {or_else} {listed}" if or_else else ""
    verb = "is" if len(names) == 1 else "are"
    return CrmError(f"{', '.join(names)} {verb} frozen: {so}", hint=f"crm lab thaw {listed}{other}")


def list_labs(environ: Mapping[str, str] | None = None, uid: int | None = None) -> list[str]:
    """The names of a user's labs, sorted."""
    base = state_base(
        os.environ if environ is None else environ, os.geteuid() if uid is None else uid
    )
    try:
        names = sorted(os.listdir(base))
    except OSError:
        return []
    found = []
    for name in names:
        try:
            check_lab_name(name)
        except CrmError:
            continue  # not made by us
        if os.path.exists(f"{base}/{name}/lab.json"):
            found.append(name)
    return found


def _described(node: NodeConfig) -> str:
    kind = "" if node.is_member else f", {node.kind}"
    return f"{node.name} ({node.address}{kind})"


def _ocf_root(environ: Mapping[str, str]) -> str:
    """The agents' folder that the environment names; '' for the usual one."""
    named = environ.get("OCF_ROOT", "")
    if not named:
        return ""
    if not os.path.isdir(f"{named}/resource.d"):
        raise NotFound(
            f"OCF_ROOT={named}: there is no directory resource.d in it",
            hint="unset OCF_ROOT for the agents of this machine (/usr/lib/ocf)",
        )
    return os.path.realpath(named)


@contextlib.contextmanager
def _usual_modes() -> Iterator[None]:
    """Directories of a disk have the modes of any machine's, whatever umask the user has."""
    before = os.umask(rights.USUAL_UMASK)
    try:
        yield
    finally:
        os.umask(before)


def _write(path: str, text: str, mode: int) -> None:
    draft = f"{path}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(draft, flags, mode), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(draft, path)


__all__ = ["HOST", "Lab", "list_labs"]
