"""Runs a command in a node or on the host of a lab, with the user's own terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import termios
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from crmsh_py.errors import ClusterUnreachable, TimedOut
from crmsh_py.lab import commands, nodespec, rights
from crmsh_py.lab.config import LabConfig
from crmsh_py.lab.place import Place
from crmsh_py.lab.processes import Process, is_alive
from crmsh_py.wire.lab import LabState

HOST = "host"  # the machine outside the nodes, as they see it

_Handler = Callable[[int, FrameType | None], object] | int | None


def run(
    made: LabConfig,
    place: Place,
    state: LabState,
    node: str,
    argv: Sequence[str],
    *,
    environ: Mapping[str, str],
) -> int:
    """Run a command; returns its exit code, as a shell would (128 + signal).

    In a node it gets the environment of a fresh login, on the host the caller's own.

    Raises:
        ClusterUnreachable: the lab or the node is off.
    """
    with _command(made, place, state, node, argv, environ=environ) as (command, environment):
        handlers = _ignore_terminal_signals()
        try:
            with _terminal():
                process = subprocess.Popen(
                    command,
                    env=_own_environment(),
                    pass_fds=(environment,),
                    umask=_umask_of(node),
                )
                code = process.wait()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def output(
    made: LabConfig,
    place: Place,
    state: LabState,
    node: str,
    argv: Sequence[str],
    *,
    environ: Mapping[str, str],
    stdin: bytes = b"",
    timeout_s: float,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command without a terminal, and return what it printed.

    Raises:
        ClusterUnreachable: the lab or the node is off.
        TimedOut: it did not end in time.
    """
    try:
        with _command(made, place, state, node, argv, environ=environ) as (command, environment):
            return subprocess.run(
                command,
                env=_own_environment(),
                pass_fds=(environment,),
                umask=_umask_of(node),
                input=stdin,
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
    except subprocess.TimeoutExpired:
        raise TimedOut(f"{argv[0]} on {node} has not ended after {timeout_s:.0f} s") from None


@contextmanager
def _terminal() -> Iterator[None]:
    """Have the terminal as it was afterwards, if it is ours.

    A shell with process ids of its own cannot give it back: it knows no number for our group. One
    that was killed has left it as its line editor had it.
    """
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        if os.tcgetpgrp(terminal) != os.getpgrp():
            yield
            return
        modes = termios.tcgetattr(terminal)
        try:
            yield
        finally:
            with _not_stopped(), suppress(OSError, termios.error):
                os.tcsetpgrp(terminal, os.getpgrp())
                termios.tcsetattr(terminal, termios.TCSADRAIN, modes)
    finally:
        os.close(terminal)


@contextmanager
def _not_stopped() -> Iterator[None]:
    """Nothing stops us for what we do to a terminal that is not ours any more."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _command(
    made: LabConfig,
    place: Place,
    state: LabState,
    node: str,
    argv: Sequence[str],
    *,
    environ: Mapping[str, str],
) -> Iterator[tuple[list[str], int]]:
    """The program that enters a node and becomes a command there, and a descriptor for it."""
    pid, own_pids = _whose_namespaces(place, state, node)
    isolated = state.isolation != "none"
    if node == HOST:
        environment = _host_environment(made, place, environ)
        directory = os.getcwd()
    else:
        environment = nodespec.environment(made, place, node)
        environment["TERM"] = environ.get("TERM", "dumb")
        directory = "/root" if isolated else place.disk(node) + "/root"
    program = [commands.python(), "-S", "-P", "-m", "crmsh_py.lab.enter"]
    descriptor = _packed(environment)
    try:
        target = [str(pid), "1" if own_pids else "0", directory, str(descriptor)]
        yield [*program, *target, "--", *argv], descriptor
    finally:
        os.close(descriptor)


def _umask_of(node: str) -> int:
    """That of a fresh login in a node; the caller's own (-1) on the host."""
    return -1 if node == HOST else rights.USUAL_UMASK


def _packed(environment: Mapping[str, str]) -> int:
    """A descriptor of a file without a name that holds an environment, for ``enter``."""
    pairs = (os.fsencode(f"{name}={value}") for name, value in environment.items())
    descriptor = os.memfd_create("environment")
    with open(descriptor, "wb", closefd=False) as file:
        file.write(b"\0".join(pairs))
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _own_environment() -> dict[str, str]:
    """What the entering program itself needs."""
    return {"PYTHONPATH": commands.python_path(), "LANG": "C.UTF-8"}


def shell_command(node: str) -> list[str]:
    """The words of an interactive shell, with the prompt of a machine that one has logged into."""
    if node == HOST or not os.path.exists("/bin/bash"):
        return ["/bin/bash" if os.path.exists("/bin/bash") else "/bin/sh", "-i"]
    prompt = f"[root@{node} \\W]# "
    return ["/usr/bin/env", f"PS1={prompt}", "/bin/bash", "--norc", "--noprofile", "-i"]


def _whose_namespaces(place: Place, state: LabState, node: str) -> tuple[int, bool]:
    """The process whose namespaces to enter (0: none), and whether its process ids too."""
    if not state.pid:
        raise ClusterUnreachable(f"lab '{place.lab}' is off", hint="switch it on: crm lab start")
    isolated = state.isolation != "none"
    if node == HOST:
        return (state.pid if isolated else 0), False
    found = next(entry for entry in state.nodes if entry.name == node)
    if not found.pid or not is_alive(Process(found.pid, found.started)):
        raise ClusterUnreachable(f"{node} is off", hint=f"switch it on: crm lab start {node}")
    return (found.pid if isolated else 0), state.own_pids


def _host_environment(made: LabConfig, place: Place, environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment, in which the lab is the one that is meant."""
    path = commands.with_system_path(environ.get("PATH", ""))
    lab = nodespec.environment(made, place, "")
    kept = {name: value for name, value in lab.items() if name.startswith(("CRM_", "OCF_"))}
    return {**environ, **kept, "PATH": f"{path}:{place.last_commands}"}


def _ignore_terminal_signals() -> dict[signal.Signals, _Handler]:
    """Ctrl-C is for the command inside, as for a shell's; returns the handlers to restore.

    Its exit code is for us, also where whoever started us ignores the ends of children.
    """
    actions = {
        signal.SIGINT: signal.SIG_IGN,
        signal.SIGQUIT: signal.SIG_IGN,
        signal.SIGCHLD: signal.SIG_DFL,
    }
    try:
        return {number: signal.signal(number, action) for number, action in actions.items()}
    except ValueError:
        return {}  # not the main thread: then its owner deals with signals
