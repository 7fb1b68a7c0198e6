"""Runs a command inside a node, or on the host, with the caller's own terminal.

    python -S -m crmsh_py.lab.enter PID own-pids DIRECTORY FD -- PROGRAM ARGUMENT…

The process joins the namespaces of PID, forks, and the child becomes the command, with exactly the
environment in the file behind FD: there, because arguments are in the process list, and a caller's
environment may hold secrets. The exit code is the command's; a command that was killed by a signal
ends us by the same signal; 127 means that there is no such program, 126 that it cannot be run, 125
that the namespaces could not be entered. Signals of the terminal reach the command itself; TERM and
HUP are passed on.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Sequence

from crmsh_py.lab import linux, rights

_ENTER_FAILED = 125
_NOT_RUNNABLE = 126
_NOT_FOUND = 127

# The user namespace first: it gives the right to enter the others.
_NAMESPACES = ("user", "mnt", "uts", "ipc", "net", "pid")


def main(arguments: Sequence[str]) -> int:
    """Enter, run, and end as the command ended."""
    separator = list(arguments).index("--")
    pid, pids, directory, descriptor = arguments[:separator]
    command = list(arguments[separator + 1 :])
    with open(int(descriptor), "rb") as file:
        environment = _unpacked(file.read())
    if pid != "0":
        try:
            _enter(int(pid), with_pids=pids == "1")
        except OSError as error:
            return _complain(f"the namespaces cannot be entered: {error.strerror}", _ENTER_FAILED)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # whoever started us may ignore it
    child = os.fork()
    if child == 0:
        os._exit(_become(command, environment, directory, own_pids=pids == "1"))
    return _wait(child)


def _unpacked(data: bytes) -> dict[str, str]:
    """An environment as it is in /proc/PID/environ."""
    pairs = (os.fsdecode(pair) for pair in data.split(b"\0") if pair)
    return dict(pair.partition("=")[::2] for pair in pairs)


def _enter(pid: int, *, with_pids: bool) -> None:
    descriptors = [
        linux.open_namespace(pid, name)
        for name in _NAMESPACES
        if linux.namespace_id(pid, name) != linux.namespace_id("self", name)
        and (with_pids or name != "pid")
    ]
    for descriptor in descriptors:
        linux.setns(descriptor)
        os.close(descriptor)


def _become(
    command: list[str], environment: dict[str, str], directory: str, *, own_pids: bool
) -> int:
    """In the child: exec, or say why not. Never returns when it worked."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    for place in (directory, "/"):
        try:
            os.chdir(place)
            break
        except OSError:
            continue
    rights.drop(own_pids=own_pids)
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606 - that is what we are for
    except FileNotFoundError:
        return _complain(f"{command[0]}: there is no such program", _NOT_FOUND)
    except (OSError, ValueError) as error:
        return _complain(f"{command[0]}: {getattr(error, 'strerror', error)}", _NOT_RUNNABLE)


def _wait(child: int) -> int:
    def pass_on(number: int, _: object) -> None:
        try:
            os.kill(child, number)
        except ProcessLookupError:
            pass

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGHUP, pass_on)
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            os.kill(os.getpid(), signal.SIGSTOP)  # Ctrl-Z stops us both; fg comes back to here
            os.kill(child, signal.SIGCONT)
            continue
        code = os.waitstatus_to_exitcode(status)
        if code < 0:
            _end_by(signal.Signals(-code))
        return code


def _end_by(number: signal.Signals) -> None:
    """End by the signal that ended the command, without a second core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _complain(text: str, code: int) -> int:
    print(f"ERROR: {text}", file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
