"""The four moves of a node: take what happened, let the core decide, do it, set the clock.

Everything that happens (datagrams, timers, clients, ends of operations, finished writes) comes
in through ``report`` and is handled one after the other. Instructions are carried out in the
order in which the core gave them. A ``Persist`` that has something behind it in its list holds
back everything that comes later, of later lists too, until it is on the disk: whoever promised
something by a message had it written first. A ``Persist`` at the end of its list holds nothing
back, since the core waits for its ``Persisted`` by itself. A node that must end does not wait for
its disk: what is held back then never happens.

A broken assertion, or any other bug, ends the node with its story in the log: a node that is
gone is something that the cluster can handle, a node that acts on a broken state is not.
"""

from __future__ import annotations

import asyncio
import os
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from crmsh_py.corosync_conf import CorosyncConf
from crmsh_py.engine.api import (
    CancelOperation,
    ClockSet,
    CloseRemote,
    ConfRead,
    Event,
    FeedWatchdog,
    Instruction,
    Log,
    OpenRemote,
    Persist,
    Persisted,
    ReadConf,
    ReadHistory,
    ReplyTo,
    RequestReceived,
    RunAlert,
    RunOperation,
    SendDatagram,
    SendRemote,
    StopNode,
    StoreFailed,
    TimerFired,
    UseConf,
)
from crmsh_py.errors import CrmError
from crmsh_py.node.ports import (
    Agents,
    Clients,
    Core,
    Disk,
    Feeder,
    LogLine,
    RemoteLinks,
    Transport,
)
from crmsh_py.value import field_names
from crmsh_py.wire.control import (
    CibReply,
    Done,
    InjectFaults,
    ReadCmap,
    ReadRevision,
    ReadRevisions,
    Refused,
    Reply,
    Revision,
    RevisionsReply,
    SubsystemsReply,
)

BACKLOG_LIMIT = 100_000  # instructions that wait for a disk; then the disk counts as broken
MAX_REVISIONS = 1000  # of one answer
MIN_DELAY_S = 0.0005
CLOCK_TOLERANCE_S = 0.5  # how far the wall clock may drift from ours before the core is told
FAILED = 1  # exit code of a node that could not go on


class NodeLoop:
    """One core and its ports. Use from one thread: the loop's."""

    def __init__(
        self,
        core: Core,
        *,
        transport: Transport,
        disk: Disk,
        agents: Agents,
        clients: Clients,
        log: LogLine,
        remotes: RemoteLinks | None = None,
        watchdog: Feeder | None = None,
        read_conf: Callable[[int], ConfRead],
        use_conf: Callable[[CorosyncConf], None],
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        inject: Callable[[InjectFaults], None] = lambda _: None,
    ) -> None:
        self._core = core
        self._transport = transport
        self._disk = disk
        self._agents = agents
        self._clients = clients
        self._log = log
        self._remotes = remotes
        self._watchdog = watchdog
        self._read_conf = read_conf
        self._use_conf = use_conf
        self._clock = clock
        self._wall_clock = wall_clock
        self._inject = inject
        self._wall_offset = wall_clock() - clock()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for: float | None = None
        self._backlog: deque[Sequence[Instruction]] = deque()
        self._backlog_size = 0
        self._blocked_by: int | None = None  # token of the write that holds the backlog
        self._events: deque[Event] = deque()
        self._handling = False
        self.stopped: asyncio.Future[int] = self._loop.create_future()

    def report(self, event: Event) -> None:
        """Something has happened; handle it now, or after what is being handled."""
        self._events.append(event)
        if self._handling:
            return
        self._handling = True
        try:
            while self._events and not self.stopped.done():
                self._step(self._events.popleft())
            self._arm()
        except Exception as error:
            self._fail(error)
        finally:
            self._handling = False

    def _step(self, event: Event) -> None:
        if isinstance(event, RequestReceived) and isinstance(event.request, InjectFaults):
            self._inject_faults(event, event.request)
            return
        if isinstance(event, RequestReceived) and isinstance(event.request, ReadCmap):
            event = replace(event, links=self._transport.facts())
        instructions = self._core.handle(event, self._clock())
        for instruction in instructions:
            # Whatever waits for a disk: that the node is heard does not depend on it.
            if isinstance(instruction, FeedWatchdog) and self._watchdog is not None:
                self._watchdog.feed(instruction)
        if any(isinstance(each, StopNode) and each.exit_code for each in instructions):
            held = self._blocked_by is not None and not isinstance(event, StoreFailed)
            self._end_at_once(instructions, held=held)
        elif isinstance(event, Persisted) and event.token == self._blocked_by:
            # What the core answers to its Persisted comes after what waited for that write.
            self._hold(instructions)
            self._drain()
        elif self._blocked_by is None or isinstance(event, StoreFailed):
            # After a failed write nothing that waits will ever be let go; the core stops the node.
            self._carry_out(instructions)
        else:
            self._hold(instructions)

    def _end_at_once(self, instructions: Sequence[Instruction], *, held: bool) -> None:
        """Stop because the node must: no disk is waited for, and nothing is begun any more.

        Others may count it as off by now, and a disk that hangs may be why. What waits for the disk
        (``held``: last words too) is never let out.
        """
        self._backlog.clear()
        for instruction in instructions:
            if isinstance(instruction, Log | Persist | StopNode):
                self._do(instruction)
                held |= isinstance(instruction, Persist)
            elif isinstance(instruction, SendDatagram | ReplyTo) and not held:
                self._do(instruction)

    def _carry_out(self, instructions: Sequence[Instruction]) -> None:
        """Do these in order; hold back what follows a write until that is on the disk."""
        for number, instruction in enumerate(instructions, 1):
            self._do(instruction)
            if isinstance(instruction, Persist) and number < len(instructions):
                self._blocked_by = instruction.token
                rest = instructions[number:]
                self._backlog.appendleft(rest)
                self._backlog_size += len(rest)
                return

    def _hold(self, instructions: Sequence[Instruction]) -> None:
        self._backlog.append(instructions)
        self._backlog_size += len(instructions)
        if self._backlog_size > BACKLOG_LIMIT:
            self._log("error", "CIB", "The disk does not answer; the node stops")
            self.stop(FAILED)

    def _drain(self) -> None:
        """Carry out what waited, up to the next write that something waits for."""
        self._blocked_by = None
        while self._backlog and self._blocked_by is None and not self.stopped.done():
            instructions = self._backlog.popleft()
            self._backlog_size -= len(instructions)
            self._carry_out(instructions)

    def _do(self, instruction: Instruction) -> None:
        match instruction:
            case SendDatagram(destination=destination, data=data, ring=ring):
                self._transport.send(destination, data, ring)
            case Persist(token=token, writes=writes):
                self._disk.submit(token, writes)
            case RunOperation():
                self._agents.run(instruction)
            case CancelOperation():
                self._agents.cancel(instruction)
            case RunAlert():
                self._agents.alert(instruction)
            case OpenRemote() | SendRemote() | CloseRemote():
                self._do_remote(instruction)
            case ReplyTo(ticket=ticket, reply=SubsystemsReply(subsystems=subsystems)):
                # The core knows no process; only we can say which one all of this is.
                reply = SubsystemsReply(pid=os.getpid(), subsystems=subsystems)
                self._clients.reply(ticket, reply)
            case ReplyTo(ticket=ticket, reply=reply):
                self._clients.reply(ticket, reply)
            case ReadHistory(ticket=ticket, request=request):
                self._read_history(ticket, request)
            case ReadConf(ticket=ticket):
                self._events.append(self._read_conf(ticket))  # handled after this one
            case UseConf(conf=conf):
                self._use_conf(conf)
            case Log(level=level, subsystem=subsystem, text=text):
                self._log(level, subsystem, text)
            case StopNode(reason=reason, exit_code=code):
                self._log("error" if code else "notice", "MAIN", f"Stopping: {reason}")
                self.stop(code)

    def _do_remote(self, instruction: OpenRemote | SendRemote | CloseRemote) -> None:
        if self._remotes is None:
            return
        match instruction:
            case OpenRemote():
                self._remotes.open(instruction)
            case SendRemote():
                self._remotes.send(instruction)
            case CloseRemote():
                self._remotes.close(instruction)

    def _inject_faults(self, event: RequestReceived, faults: InjectFaults) -> None:
        """Faults are the ports' matter: the core must not know of them."""
        if event.acl_user:
            self._clients.reply(
                event.ticket, Refused(kind="NotPermitted", text="faults are for root alone")
            )
            return
        self._log("warning", "MAIN", f"Faults on purpose: {_named(faults)}")
        self._inject(faults)
        self._clients.reply(event.ticket, Done())

    def _read_history(self, ticket: int, request: ReadRevisions | ReadRevision) -> None:
        """The history is the store's alone: the core only says who may read it."""
        reply = self._clients.reply
        match request:
            case ReadRevisions(limit=limit):
                self._disk.read_revisions(
                    max(0, min(limit, MAX_REVISIONS)),
                    lambda found: reply(ticket, _as_reply(found)),
                )
            case ReadRevision(admin_epoch=admin_epoch, epoch=epoch):
                self._disk.read_revision(
                    admin_epoch, epoch, lambda found: reply(ticket, _as_reply(found))
                )

    def _arm(self) -> None:
        deadline = None if self.stopped.done() else self._core.next_deadline()
        if deadline == self._armed_for and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._armed_for = deadline
        if deadline is not None:
            # Not 0: a deadline that stays in the past must not take the whole processor.
            delay = max(MIN_DELAY_S, deadline - self._clock())
            self._timer = self._loop.call_later(delay, self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        self._armed_for = None
        self._look_at_the_wall()
        self.report(TimerFired())

    def _look_at_the_wall(self) -> None:
        """Tell the core when the wall clock was set, or went on while the machine slept."""
        offset = self._wall_clock() - self._clock()
        if abs(offset - self._wall_offset) > CLOCK_TOLERANCE_S:
            self._wall_offset = offset
            self.report(ClockSet(wall_offset=offset))

    def stop(self, code: int) -> None:
        """End the node with this exit code; nothing is carried out any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self.stopped.done():
            self.stopped.set_result(code)

    def _fail(self, error: Exception) -> None:
        """End the node because of a bug; say all that helps to find it."""
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
        story = str(error) or type(error).__name__
        self._log("error", "MAIN", f"Internal error, the node stops: {story} ({place})")
        for line in traceback.format_exception(error):
            self._log("error", "MAIN", line.rstrip())
        self.stop(FAILED)


def _named(faults: InjectFaults) -> str:
    """The faults that a request changes: ``loss 10, delay_ms 0``."""
    named = {name: getattr(faults, name) for name in field_names(faults)}
    return ", ".join(f"{name} {value}" for name, value in named.items() if value is not None)


def _as_reply(found: str | list[Revision] | CrmError) -> Reply:
    if isinstance(found, CrmError):
        return Refused(kind=type(found).__name__, text=found.message, hint=found.hint or "")
    return CibReply(cib=found) if isinstance(found, str) else RevisionsReply(revisions=found)
