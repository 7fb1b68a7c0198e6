"""The process that holds a running lab: its namespaces, its network, its nodes.

    python -P -m crmsh_py.lab.supervisor LAB

The first process tries the kinds of isolation, best first, each in a forked child; the child that
succeeds is the supervisor. The first process prints one line (``ok``, or ``failed TEXT``) and ends
when the supervisor listens, so the caller waits for exactly that. The supervisor is detached from
the caller's terminal, answers one request at a time on the lab's socket, notices nodes that end,
and ends when it is told to, when it gets SIGTERM, or when the lab's directory is taken away. Its
nodes die with it, however it ends (``linux.die_with_parent``).
"""

from __future__ import annotations

import math
import os
import selectors
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from crmsh_py.errors import CrmError, RemoteProtocolError, TimedOut, did_you_mean
from crmsh_py.lab import commands, isolation, linux, nodespec, removal, rights
from crmsh_py.lab.config import LabConfig
from crmsh_py.lab.hosting import Hosting
from crmsh_py.lab.iproute import NetworkError
from crmsh_py.lab.isolation import Attempt, Isolation
from crmsh_py.lab.place import Place, hosted, place_of
from crmsh_py.wire import lab as wire

_REQUEST_TIMEOUT_S = 2.0  # a client says its line at once; one that does not is dropped
_BACKLOG = 1024  # clients that wait while nodes start; more are turned away by the kernel
_MOST_CALLERS = 256  # that have not said what they want; more wait to be let in
_TICK_S = 2.0  # how often to look whether the lab's directory is still there
_TROUBLE_PAUSE_S = 0.5  # after a step that failed, so that one that always fails is no busy loop
_TROUBLE_TOLD_S = 60.0


def main(arguments: list[str]) -> int:
    """Become the supervisor of a lab, or say why not."""
    place = place_of(os.environ, os.geteuid(), arguments[0])
    config = place.load()
    os.chdir("/")
    # What nodes have from us, and we may have from anybody: modes on their disks, and whether one
    # who waits for a child learns how it ended.
    os.umask(rights.USUAL_UMASK)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        with hosted(place):  # the child that goes on holds it too, when we have ended
            removal.end_strays_of_nodes(place, [node.name for node in config.nodes])
            return _try_all(config, place)
    except (TimedOut, OSError) as error:
        print(f"failed {error}", flush=True)
        return 1


def _try_all(config: LabConfig, place: Place) -> int:
    """Try the kinds of isolation, best first; the exit code."""
    failures: list[Attempt] = []
    for candidate in isolation.candidates(os.geteuid()):
        attempt = _try_candidate(candidate, config, place, failures)
        if not attempt.failure:
            print("ok", flush=True)
            return 0
        failures.append(attempt)
    reasons = "; ".join(f"{a.isolation.value}: {a.failure}" for a in failures)
    print(f"failed {reasons}", flush=True)
    return 1


def _try_candidate(
    candidate: Isolation, config: LabConfig, place: Place, failures: list[Attempt]
) -> Attempt:
    """Fork a child that tries one isolation and goes on as the supervisor when it works.

    The child says ``map`` when its user ids must be mapped from outside, then ``ok`` or a failure.
    """
    uid, gid = os.geteuid(), os.getegid()
    from_child, child_out = os.pipe()
    child_in, to_child = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(from_child)
        os.close(to_child)
        _end_with(
            lambda: _become(candidate, config, place, failures, said=child_out, told=child_in)
        )
    os.close(child_out)
    os.close(child_in)
    try:
        with open(from_child, encoding="utf-8") as lines:
            for line in lines:
                word = line.strip()
                if word == "map":
                    os.write(to_child, f"{isolation.map_range(child, uid, gid)}\n".encode())
                elif word == "ok":
                    return Attempt(candidate)
                else:
                    os.waitpid(child, 0)
                    return Attempt(candidate, word)
        os.waitpid(child, 0)
        return Attempt(candidate, "it ended without a word")
    finally:
        os.close(to_child)


def _end_with(body: Callable[[], int]) -> NoReturn:
    """End the child with the exit code of ``body``; what goes wrong in it is told first."""
    code = 1
    try:
        code = body()
    except Exception:
        _log(traceback.format_exc())  # before the end: nobody else would ever tell
    finally:
        os._exit(code)


def _become(
    candidate: Isolation,
    config: LabConfig,
    place: Place,
    failures: list[Attempt],
    *,
    said: int,
    told: int,
) -> int:
    """Enter the namespaces, listen, serve; returns the exit code."""

    def map_ids() -> None:
        os.write(said, b"map\n")
        failure = os.read(told, 65536).decode().strip()
        if failure:
            raise OSError(1, failure)

    try:
        attempt = isolation.enter(candidate, map_ids)
        supervisor = Supervisor(config, place, attempt, note=_note(attempt, failures, config))
        supervisor.listen()
    except (OSError, NetworkError) as error:
        text = isolation.failure_text(error).replace("\n", " ")
        os.write(said, f"{text or 'refused'}\n".encode())
        return 1
    except Exception as error:
        text = f"{type(error).__name__}: {error}".replace("\n", " ")
        os.write(said, f"{text}\n".encode())
        raise
    os.setsid()
    os.write(said, b"ok\n")
    os.close(said)
    os.close(told)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)  # the caller reads our stdout to its end; the log is stderr
    os.close(null)
    return supervisor.serve()


def _note(attempt: Attempt, failures: list[Attempt], config: LabConfig) -> str:
    """Why the isolation is no better, for a person; '' when it is the best."""
    uid = os.geteuid() if attempt.isolation is Isolation.NONE else int(_outer_uid())
    reasons = "; ".join(a.failure for a in failures if a.isolation is not Isolation.ROOT)
    if attempt.isolation is Isolation.NONE:
        first, _, rest = config.host.partition(".")
        return (
            "this machine lets this user make no namespaces"
            f" ({reasons}): nodes are plain processes on loopback, with stand-ins for agents;"
            f" 127.{rest} stands for {first}.{rest}."
            f" What would help: {isolation.advice(uid)}"
        )
    if attempt.one_user:
        help_text = isolation.range_advice(uid)
        wish = f" What would help: {help_text}" if help_text else ""
        cause = f" ({reasons})" if reasons else ""
        return (
            f"nodes have one user id{cause}: agents whose program changes its user (apache) run as"
            f" stand-ins.{wish}"
        )
    return ""


def _has_gone(connection: socket.socket) -> bool:
    """Whether a client has hung up, or has ended, before its turn came."""
    connection.settimeout(0)
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _outer_uid() -> str:
    """Our user id as seen from outside: the first line of our own map."""
    return Path("/proc/self/uid_map").read_text(encoding="ascii").split()[1]


@dataclass(slots=True)
class _Caller:
    """A client that has not said what it wants."""

    until: float  # it is dropped then
    said: bytearray = field(default_factory=bytearray)


class Supervisor:
    """The lab's socket in front of its ``Hosting``."""

    def __init__(self, config: LabConfig, place: Place, attempt: Attempt, *, note: str) -> None:
        self._config = config
        self._place = place
        self._note = note
        self._networked = attempt.isolation is not Isolation.NONE
        self._hosting = Hosting(config, place, attempt)  # before the socket: see there
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._callers: dict[socket.socket, _Caller] = {}
        self._ending = False
        self._trouble = ""  # the last, and from when on it is told once more
        self._tell_again = 0.0

    def listen(self) -> None:
        """Build the network and open the socket; raises OSError, NetworkError."""
        linux.adopt_orphans()
        commands.write(self._place)
        self._hosting.build_network()
        if self._networked:
            self._name_nodes()
        for left in (self._place.socket, self._place.runs_from):  # of a supervisor that was killed
            try:
                os.unlink(left)
            except FileNotFoundError:
                pass
        os.symlink(self._place.state, self._place.runs_from)
        self._socket.bind(self._place.socket)
        self._socket.listen(_BACKLOG)

    def _name_nodes(self) -> None:
        """Let the host know the nodes by name: an /etc/hosts of its own, in its own mounts."""
        path = f"{self._place.state}/hosts"
        Path(path).write_text(nodespec.hosts_file(self._config, isolated=True), encoding="utf-8")
        try:
            linux.bind(path, "/etc/hosts")
        except OSError:
            pass  # a machine without /etc/hosts; the addresses do as well

    def serve(self) -> int:
        """Answer until the end; returns the exit code."""
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._on_term)
        try:
            while not self._ending:
                self._step(self._wait)
                self._step(self._hosting.notice_ends)
                self._step(self._hosting.switch_on_late)
                if not self._place.exists():
                    self._ending = True  # somebody removed the lab under us
        finally:
            self._step(lambda: self._hosting.kill(self._hosting.names()))
            self._socket.close()
            try:
                os.unlink(self._place.socket)
            except OSError:
                pass  # the directory has gone with it
        return 0

    def _step(self, step: Callable[[], object]) -> None:
        """Do something; what goes wrong is told in the log.

        Our end would be that of all nodes, so one that is in trouble must not be the reason for it.
        The same trouble is told once a minute.
        """
        try:
            step()
        except Exception:
            text = traceback.format_exc()
            if text != self._trouble or time.monotonic() >= self._tell_again:
                _log(text)
                self._trouble, self._tell_again = text, time.monotonic() + _TROUBLE_TOLD_S
            time.sleep(_TROUBLE_PAUSE_S)

    def _on_term(self, _: int, __: object) -> None:
        self._ending = True

    def _wait(self) -> None:
        """Sleep until a client comes, a node says something, or the next look is due."""
        soonest = min((caller.until for caller in self._callers.values()), default=math.inf)
        left_s = max(0.0, soonest - time.monotonic())
        with selectors.PollSelector() as selector:
            if len(self._callers) < _MOST_CALLERS:
                selector.register(self._socket, selectors.EVENT_READ)
            for connection in self._callers:
                selector.register(connection, selectors.EVENT_READ)
            for descriptor in self._hosting.descriptors():
                selector.register(descriptor, selectors.EVENT_READ)
            ready = [key.fileobj for key, _ in selector.select(min(_TICK_S, left_s))]
        if self._socket in ready:
            self._let_in()
        for connection, caller in list(self._callers.items()):
            if connection in ready or caller.until <= time.monotonic():
                self._hear(connection, caller)

    def _let_in(self) -> None:
        """A client has come; who says nothing holds up nobody else."""
        connection, _ = self._socket.accept()
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        _, uid, _ = struct.unpack("3i", credentials)
        if uid != os.geteuid():
            connection.close()
            return
        connection.setblocking(False)
        self._callers[connection] = _Caller(time.monotonic() + _REQUEST_TIMEOUT_S)

    def _hear(self, connection: socket.socket, caller: _Caller) -> None:
        """A client says something, or has said too little for too long."""
        try:
            chunk = connection.recv(65536)
            caller.said += chunk
            if chunk and not chunk.endswith(b"\n") and len(caller.said) <= wire.MAX_LINE:
                return
        except BlockingIOError:
            chunk = b""
            if caller.until > time.monotonic():
                return
            _log("a client that made no sense: it said nothing in time")
        except OSError:
            chunk = b""
        del self._callers[connection]
        with connection:
            if chunk:  # else it only wanted to know whether we are here
                self._talk(connection, bytes(caller.said))

    def _talk(self, connection: socket.socket, line: bytes) -> None:
        """One question, one answer. A client that breaks the rules is dropped."""
        try:
            request = wire.decode_request(line)
        except RemoteProtocolError as error:
            _log(f"a client that made no sense: {error}")
            return
        if _has_gone(connection):
            # A fence agent that gave up has said that it failed, or lost its power with its node:
            # its power cut must not come after that.
            _log(f"{type(request).__name__} is left out: who asked for it has gone")
            return
        reply = self._answer(request)
        try:
            connection.settimeout(_REQUEST_TIMEOUT_S)
            connection.sendall(wire.encode(reply))
        except OSError:
            pass  # it did not wait; what it asked for is done

    def _answer(self, request: wire.LabRequest) -> wire.LabReply:
        try:
            return self._carry_out(request)
        except CrmError as error:
            return wire.LabRefused(text=error.message, hint=error.hint or "")
        except (NetworkError, OSError) as error:
            _log(f"{type(request).__name__}: {error}")
            return wire.LabRefused(text=isolation.failure_text(error))
        except Exception as error:
            _log(traceback.format_exc())
            return wire.LabRefused(
                text=f"the lab failed at this: {type(error).__name__}: {error}",
                hint=f"{self._place.supervisor_log} says where",
            )

    def _carry_out(self, request: wire.LabRequest) -> wire.LabReply:
        hosting = self._hosting
        match request:
            case wire.StartNodes(nodes=nodes, manager=manager):
                hosting.take(self._place.load())  # nodes may have been added or removed
                started, failure = hosting.start(self._named(nodes), manager=manager)
                if failure:
                    return wire.LabRefused(text=failure)
                return wire.LabDone(nodes=started)
            case wire.TerminateNodes(nodes=nodes):
                return wire.LabDone(nodes=hosting.terminate(self._named(nodes)))
            case wire.KillNodes(nodes=nodes):
                return wire.LabDone(nodes=hosting.kill(self._named(nodes)))
            case wire.SwitchPower(nodes=nodes, action=action, holder=holder):
                if action not in ("off", "on", "reboot", "hold"):
                    return wire.LabRefused(text=f"a power switch cannot {action} anything")
                changed = hosting.switch_power(self._named(nodes), action, holder)
                return wire.LabDone(nodes=changed)
            case wire.FreezeNodes(nodes=nodes, thaw=thaw):
                return wire.LabDone(nodes=hosting.freeze(self._named(nodes), thaw=thaw))
            case wire.CutOff(nodes=nodes, ring=ring):
                self._need_network()
                if ring is not None and ring not in self._config.rings:
                    raise CrmError(
                        f"this lab has no ring {ring}",
                        hint="two rings come from a corosync.conf that has two",
                    )
                rings = () if ring is None else (ring,)
                return wire.LabDone(nodes=hosting.cut_off(self._named(nodes), rings))
            case wire.Heal():
                self._need_network()
                return wire.LabDone(nodes=hosting.heal())
            case wire.ReadLab():
                hosting.take(self._place.load())
                hosting.notice_ends()
                return hosting.state(self._note)
            case wire.EndLab():
                self._ending = True
                return wire.LabDone(nodes=hosting.kill(hosting.names()))

    def _named(self, nodes: list[str]) -> list[str]:
        known = self._hosting.names()
        for name in nodes:
            if name not in known:
                raise CrmError(f"there is no node '{name}'", hint=did_you_mean(name, known))
        return list(dict.fromkeys(nodes))

    def _need_network(self) -> None:
        if not self._networked:
            raise CrmError(
                "this lab's nodes are plain processes on loopback: there are no cables to pull",
                hint="'crm lab status' says what would give it a network of its own",
            )


def _log(text: str) -> None:
    try:
        print(time.strftime("%b %d %H:%M:%S"), text, file=sys.stderr, flush=True)
    except OSError:
        pass  # the disk is full: nodes run all the same


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
