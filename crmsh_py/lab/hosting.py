"""The nodes of one lab while they run: switches them on and off, plugs and unplugs their cables.

Used by the supervisor alone, in the lab's own network namespace. Everything is synchronous and
bounded; nodes start at the same time. A node is ``_Running`` from its init's start until that
process has been waited for; then its record keeps why it ended.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from crmsh_py.errors import CrmError
from crmsh_py.lab import boot, linux, network, nodespec, processes
from crmsh_py.lab.config import GUEST, LabConfig, NodeConfig
from crmsh_py.lab.iproute import NetworkError
from crmsh_py.lab.iproute import run as run_ip
from crmsh_py.lab.isolation import Attempt, Isolation, failure_text
from crmsh_py.lab.place import Place
from crmsh_py.lab.spawn import InitProcess, reap_strays, spawn_init
from crmsh_py.lab.watchdog import Watchdog
from crmsh_py.wire.lab import LabState, NodeState, Power

BOOT_TIMEOUT_S = 20.0  # a loaded machine may take seconds; a node that takes longer hangs
_KILL_TIMEOUT_S = 10.0
_HANGS = "a process of it hangs in the kernel"


@dataclass(slots=True)
class _Running:
    """A node that is on: its init, and what that has said."""

    process: InitProcess
    identity: processes.Process
    said: bytes = b""  # what init has written and we have not read as a line yet
    lines: list[str] = field(default_factory=list)

    def read(self) -> bool:
        """Take what init has written; False at the end of the pipe."""
        data = os.read(self.process.from_init, 65536)
        *lines, self.said = (self.said + data).split(b"\n")
        self.lines += [line.decode("utf-8", "replace") for line in lines]
        return bool(data)

    def has_said(self) -> bool:
        """Whether there is something to read, if only the end."""
        return bool(select.select([self.process.from_init], [], [], 0)[0])

    def last(self, word: str) -> str | None:
        """What follows ``word`` in the newest line that begins with it."""
        for line in reversed(self.lines):
            first, _, rest = line.partition(" ")
            if first == word:
                return rest
        return None


@dataclass(slots=True)
class _Node:
    """A node of the lab, on or off."""

    config: NodeConfig
    index: int
    running: _Running | None = None
    state: Power = Power.OFF
    reason: str = ""
    since: float = 0.0
    frozen: bool = False
    manager: bool = True  # how it was started last
    holder: str = ""  # of a guest: the node that it shares its fate with
    last_pid: int = 0  # its first process, also after its end
    hanging: processes.Process | None = None  # the same, if it did not end when it was killed
    groups: list[int] = field(default_factory=lambda: [0])  # by ring

    @property
    def hangs(self) -> bool:
        """Whether something of it waits in the kernel, and may yet write: then it is not off."""
        return self.hanging is not None and processes.is_alive(self.hanging)


class Hosting:
    """All nodes of a lab."""

    def __init__(self, config: LabConfig, place: Place, attempt: Attempt) -> None:
        # First of all: the watchdog's process must keep nothing open that is made later.
        self._kill_all = partial(_kill_all, place, own_pids=attempt.own_pids)
        self._watchdog = Watchdog(self._kill_all)
        self._config = config
        self._place = place
        self._attempt = attempt
        self._networked = attempt.isolation is not Isolation.NONE
        self._nodes = {node.name: self._new(node, index) for index, node in enumerate(config.nodes)}
        self._last_group = 0
        self._resets: list[tuple[str, int]] = []
        self._to_start: list[str] = []  # by who switches the power, after his answer

    def take(self, config: LabConfig) -> None:
        """The lab's record has changed: know new nodes, and forget those that are gone and off.

        A node that is off and has another address now is a new one with an old name.
        """
        self._config = config
        listed = {node.name: node for node in config.nodes}
        kept = {
            name: node
            for name, node in self._nodes.items()
            if name in listed or node.running is not None
        }
        index = max((node.index for node in self._nodes.values()), default=-1) + 1
        for name, node in listed.items():
            if name not in kept:
                kept[name] = self._new(node, index)
                index += 1
            elif kept[name].running is None and kept[name].config != node:
                kept[name] = self._new(node, kept[name].index)
        self._nodes = kept

    def _new(self, node: NodeConfig, index: int) -> _Node:
        return _Node(node, index, since=time.time(), groups=[0] * len(self._config.rings))

    def build_network(self) -> None:
        """The bridge; raises NetworkError."""
        if self._networked:
            run_ip(network.build_host(self._config))

    def descriptors(self) -> list[int]:
        """What becomes readable when a node says something or ends."""
        return [
            self._watchdog.fileno(),
            *(
                node.running.process.from_init
                for node in self._nodes.values()
                if node.running is not None
            ),
        ]

    def state(self, note: str) -> LabState:
        """What runs, for ``ReadLab``."""
        own = processes.identify(os.getpid())
        return LabState(
            pid=os.getpid(),
            started=own.started if own else 0,
            isolation=self._attempt.isolation.value,
            own_pids=self._attempt.own_pids,
            note=note,
            nodes=[
                NodeState(
                    name=node.config.name,
                    address=self.address(node.config),
                    state=Power.ON if node.hangs else node.state,
                    pid=node.running.identity.pid if node.running else 0,
                    started=node.running.identity.started if node.running else 0,
                    since=node.since,
                    frozen=node.frozen,
                    group=node.groups[0],
                    second_address=(
                        node.config.on(1, loopback=not self._networked)
                        if node.config.second
                        else ""
                    ),
                    second_group=sum(node.groups[1:]),
                    reason=node.reason,
                    kind=node.config.kind,
                    holder=node.holder,
                )
                for node in self._nodes.values()
            ],
        )

    def address(self, node: NodeConfig) -> str:
        """The address that a node really has."""
        return node.address if self._networked else node.loopback

    # ---- switching on ------------------------------------------------------------------------

    def start(self, names: Sequence[str], *, manager: bool) -> tuple[list[str], str]:
        """Switch nodes on, all at once.

        Returns the nodes that were off before and are on now, and what went wrong ('' if nothing).
        """
        self.notice_ends()
        wanted = [self._nodes[name] for name in names if self._nodes[name].running is None]
        try:
            return self._start(wanted, manager=manager)
        finally:
            # Nobody looks after nodes that are starting but we: none may be left so, whatever
            # went wrong.
            for node in wanted:
                if node.state is Power.STARTING:
                    self._give_up(node, "its start was broken off")

    def _start(self, wanted: Sequence[_Node], *, manager: bool) -> tuple[list[str], str]:
        failures: list[str] = []

        def give_up(node: _Node, reason: str) -> None:
            failures.append(f"{node.config.name}: {reason}")
            self._give_up(node, reason)

        for node in wanted:
            try:
                self._launch(node, manager=manager)
            except CrmError as error:
                give_up(node, error.message)
            except OSError as error:
                give_up(node, failure_text(error))
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        launched = [node for node in wanted if node.running is not None]
        unshared = self._await(launched, boot.UNSHARED, deadline)
        for node in unshared:
            try:
                self._plug_in(node)
            except NetworkError as error:
                give_up(node, self._failure_of(node, f"its network: {error}"))
        ready = self._await([n for n in unshared if n.running is not None], boot.READY, deadline)
        for node in launched:
            if node in ready:
                node.state, node.reason, node.since = Power.ON, "", time.time()
            elif node.running is not None or node.state is not Power.DIED:
                give_up(node, self._failure_of(node, "it did not start in time"))
        return [node.config.name for node in ready], "; ".join(failures)

    def _launch(self, node: _Node, *, manager: bool) -> None:
        if node.hangs:
            raise CrmError(_HANGS)
        spec = nodespec.node_spec(
            self._config, self._place, node.config, attempt=self._attempt, manager=manager
        )
        self._remove_socket(node)  # of a node whose supervisor was killed
        process = spawn_init(own_pids=spec.own_pids)
        identity = processes.identify(process.pid) or processes.Process(process.pid, 0)
        node.running = _Running(process, identity)  # from here on it can be switched off
        node.manager, node.last_pid, node.frozen = manager, process.pid, False
        node.state, node.reason, node.since = Power.STARTING, "", time.time()
        self._watchdog.watch(node.config.name, process.pid, process.feed)
        process.tell(spec.to_line())

    def _give_up(self, node: _Node, reason: str) -> None:
        """The end of a node that does not start."""
        if node.running is not None:
            self._switch_off(node, reason=reason, state=Power.DIED)
        else:
            node.holder = ""
            node.state, node.reason, node.since = Power.DIED, reason, time.time()

    def _plug_in(self, node: _Node) -> None:
        assert node.running is not None
        if self._networked:
            pid = node.running.identity.pid
            run_ip(network.attach_node(node.config, node.index, pid, node.groups))
        node.running.process.tell(f"{boot.GO}\n")

    @staticmethod
    def _await(nodes: Sequence[_Node], word: str, deadline: float) -> list[_Node]:
        """Wait until each of the nodes has said ``word``, or can say nothing more."""
        poll = select.poll()
        waiting: dict[int, _Running] = {}
        for node in nodes:
            running = node.running
            if running is None or running.last(word) is not None:
                continue
            waiting[running.process.from_init] = running
            poll.register(running.process.from_init, select.POLLIN)
        while waiting and (left := deadline - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(1000 * left):
                running = waiting[descriptor]
                if not running.read() or running.last(word) is not None:
                    poll.unregister(descriptor)
                    del waiting[descriptor]
        return [n for n in nodes if n.running is not None and n.running.last(word) is not None]

    def _failure_of(self, node: _Node, otherwise: str) -> str:
        """Why a node does not start: as its init says, before what followed from that."""
        running = node.running
        if running is None:
            return node.reason or "it is off"
        while running.has_said() and running.read():
            pass
        return running.last(boot.FAILED) or otherwise

    # ---- switching off -----------------------------------------------------------------------

    def terminate(self, names: Sequence[str]) -> list[str]:
        """Ask daemons to end; who is on is returned."""
        asked = []
        for name in names:
            running = self._nodes[name].running
            if running is not None:
                # Ours until it has been waited for, so the id is still its own.
                processes.send(running.identity.pid, signal.SIGTERM)
                asked.append(name)
        return asked

    def kill(self, names: Sequence[str]) -> list[str]:
        """Cut the power of nodes and of their guests; those that were on are returned."""
        self.notice_ends()
        names = self._with_guests(names)
        for name in names:
            self._nodes[name].last_pid = 0  # a reset of before that is told late starts nothing
        wanted = [self._nodes[name] for name in names if self._nodes[name].running is not None]
        if self._networked:
            lines = [line for n in wanted for line in network.unplug(n.index, len(n.groups))]
            run_ip(lines, go_on=True)
        for node in wanted:
            self._signal_dead(node)
        for node in wanted:
            self._switch_off(node, reason="killed", state=Power.OFF)
        return [node.config.name for node in wanted]

    def _with_guests(self, names: Sequence[str]) -> list[str]:
        """Nodes, and the guests that run on them."""
        guests = [name for name, node in self._nodes.items() if node.holder in names]
        return list(dict.fromkeys([*names, *guests]))

    def switch_power(self, names: Sequence[str], action: str, holder: str = "") -> list[str]:
        """As a power switch does; what is to be on again comes with ``switch_on_late``.

        Raises CrmError when one of them does not end: who asked must not take it for off.
        """
        for name in names if action in ("on", "hold") else ():
            node = self._nodes[name]
            node.holder = holder if node.config.kind == GUEST else ""
            if node.state is Power.DIED:
                node.state = Power.OFF  # whatever ended it is past
        changed = self.kill(names) if action in ("off", "reboot") else []
        for name in names:
            if self._nodes[name].hangs:
                raise CrmError(f"{name} is not off: {_HANGS}")
        if action in ("on", "reboot"):
            self._to_start += [name for name in names if name not in self._to_start]
        return changed

    def switch_on_late(self) -> None:
        """Switch on what power switches and watchdogs have left for later; look at the latter."""
        self._watchdog.wake()
        self._resets += self._watchdog.resets()
        left = []
        for name, pid in self._resets:
            node = self._nodes.get(name)
            if node is None:
                continue  # no node of the lab any more
            if node.running is not None and node.last_pid == pid:
                left.append((name, pid))  # it was killed, and has not ended yet
            elif node.last_pid == pid and node.state is Power.DIED:
                node.reason = "its watchdog has reset it"
                self._to_start.append(name)
            # One that was switched off meanwhile, by whoever wanted it so, stays off.
        self._resets = left
        if self._watchdog.gone:
            print("the watchdog has ended: nodes are reset", file=sys.stderr, flush=True)
            killed = self.kill(self.names())  # nothing guards them any more
            # Guests are the cluster's to start: on which node, only it can say.
            self._to_start += [n for n in killed if self._nodes[n].config.kind != GUEST]
            ended, self._watchdog = self._watchdog, Watchdog(self._kill_all)
            ended.close()
        names, self._to_start = self._to_start, []
        for manager in (True, False):
            wanted = [
                name
                for name in names
                if name in self._nodes and self._nodes[name].manager is manager
            ]
            if wanted:
                _, failure = self.start(wanted, manager=manager)
                if failure:
                    print(failure, file=sys.stderr, flush=True)

    def freeze(self, names: Sequence[str], *, thaw: bool) -> list[str]:
        """Stop everything of nodes, or let it go on; those that are on are returned."""
        changed = []
        for name in self._with_guests(names):
            node = self._nodes[name]
            if node.running is None:
                continue
            look = partial(
                _processes_of,
                self._place,
                name,
                node.running.identity.pid,
                own_pids=self._attempt.own_pids,
            )
            (processes.let_go_on if thaw else processes.stop_all)(look)
            node.frozen = not thaw
            changed.append(name)
        return changed

    def _signal_dead(self, node: _Node) -> None:
        assert node.running is not None
        self._kill_all(node.config.name, node.running.identity.pid)

    def _switch_off(self, node: _Node, *, reason: str, state: Power) -> None:
        """Make sure that nothing of a node is left, and write down why."""
        running = node.running
        if running is None:
            return
        self._signal_dead(node)
        if not running.process.wait(_KILL_TIMEOUT_S):
            reason += f" (and does not end: {_HANGS})"
            node.hanging = running.identity
        # First what others look at: whatever fails below, nobody reads a pipe that is closed.
        node.running = None
        node.holder = ""
        node.frozen = False
        node.state, node.reason, node.since = state, reason, time.time()
        running.process.close()
        if self._networked:
            run_ip(network.detach_node(node.index, len(node.groups)), go_on=True)
        self._remove_socket(node)

    def _remove_socket(self, node: _Node) -> None:
        try:
            os.unlink(self._place.node_socket(node.config.name))
        except OSError:
            pass  # it was never made, or the daemon has removed it

    def notice_ends(self) -> None:
        """Look for nodes that have ended by themselves, and clear up after them."""
        ended_hosts: list[str] = []
        for node in self._nodes.values():
            running = node.running
            if running is None or node.state is Power.STARTING:
                continue
            ended = running.process.poll() is not None
            while not ended and running.has_said():
                ended = not running.read()
            if ended:
                while running.has_said() and running.read():
                    pass
                code = running.last(boot.ENDED)
                orderly = code == "0"
                self._switch_off(
                    node,
                    reason="" if orderly else _why_ended(running, code),
                    state=Power.OFF if orderly else Power.DIED,
                )
                ended_hosts.append(node.config.name)
        guests = [name for name, node in self._nodes.items() if node.holder in ended_hosts]
        if guests:
            self.kill(guests)
        inits = {n.running.process.pid for n in self._nodes.values() if n.running}
        reap_strays(inits | {self._watchdog.pid})

    # ---- cables ------------------------------------------------------------------------------

    def cut_off(self, names: Sequence[str], rings: Sequence[int] = ()) -> list[str]:
        """Move nodes to a bridge of their own, on some rings or on all. Raises NetworkError.

        Their guests go with them: their cables end in the node's.
        """
        names = self._with_guests(names)
        self._last_group += 1
        group = self._last_group
        for ring in rings or self._config.rings:
            run_ip(network.add_cut(group, ring))
            for name in names:
                self._move(self._nodes[name], group, ring)
        self._drop_empty_cuts()
        return list(names)

    def heal(self) -> list[str]:
        """Move all nodes back to the main bridges. Raises NetworkError."""
        healed = [node for node in self._nodes.values() if any(node.groups)]
        for node in healed:
            for ring, group in enumerate(node.groups):
                if group:
                    self._move(node, 0, ring)
        self._drop_empty_cuts()
        return [node.config.name for node in healed]

    def _move(self, node: _Node, group: int, ring: int) -> None:
        if ring and not node.config.second:
            return  # remote nodes are on the first network only
        node.groups[ring] = group
        if node.running is not None:
            run_ip(network.move_port(node.index, group, ring))

    def _drop_empty_cuts(self) -> None:
        """Remove the bridges that no node is on any more."""
        lines = []
        for ring in self._config.rings:
            used = {node.groups[ring] for node in self._nodes.values()}
            for group in range(1, self._last_group + 1):
                if group not in used:
                    lines += network.remove_cut(group, ring)
        run_ip(lines, go_on=True)
        if not any(any(node.groups) for node in self._nodes.values()):
            self._last_group = 0

    def names(self) -> list[str]:
        """All nodes, in the order of the lab's record."""
        return list(self._nodes)


def _kill_all(place: Place, name: str, pid: int, *, own_pids: bool) -> None:
    """SIGKILL to everything of a node, by its first process."""
    if own_pids:
        inside = linux.namespace_id(pid, "pid")
        if inside == linux.namespace_id("self", "pid"):
            return  # the id is a process's of the machine by now, and the node has ended
        processes.send(pid, signal.SIGKILL)  # the kernel ends the whole namespace
        _kill_who_entered(inside)
        return
    processes.kill_tree(pid)
    for stray in _strays(place, name):
        processes.send(stray, signal.SIGKILL)


def _kill_who_entered(inside: int) -> None:
    """SIGKILL to the outer halves of commands in a node ("crm lab exec").

    The node's first process ends when all of its namespace have been waited for: one of these that
    is stopped (Ctrl-Z) would keep it, and us.
    """
    for pid in processes.all_pids() if inside else ():
        if linux.namespace_id(pid, "pid_for_children") == inside:
            processes.send(pid, signal.SIGKILL)


def _processes_of(place: Place, name: str, pid: int, *, own_pids: bool) -> list[int]:
    """Everything of a node that is on, by its first process; what has entered it too."""
    if not own_pids:
        return [pid, *processes.descendants(pid), *_strays(place, name)]
    inside = linux.namespace_id(pid, "pid")
    if inside in (0, linux.namespace_id("self", "pid")):
        return []  # it has ended
    return [each for each in processes.all_pids() if linux.namespace_id(each, "pid") == inside]


def _strays(place: Place, name: str) -> list[int]:
    """What was started by "crm lab exec": no descendants of the node's init."""
    marks = nodespec.marks(place, name)
    return [pid for pid in processes.all_pids() if processes.environment_has(pid, marks)]


def _why_ended(running: _Running, code: str | None) -> str:
    if code is None:
        # A reboot or a halt typed in the node ends its process 1 by one of these two (reboot(2)).
        if running.process.poll() in (-signal.SIGHUP, -signal.SIGINT):
            return "it was rebooted or halted from inside"
        return "it was killed"
    number = int(code)
    if number < 0:
        return f"its daemon was killed by {_signal_name(-number)}"
    return f"its daemon ended with exit code {number}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # those between SIGRTMIN and SIGRTMAX have no name
