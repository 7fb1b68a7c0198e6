"""A program run to its end: what goes in, what comes out, bounded in time.

As ``subprocess.run`` does it with captured output, for those who do nothing else with processes:
that module with its threads and selectors takes 6 ms to load, as long as the program takes to run.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # of which signal makes enumerations
import os
import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_PIECE = 256 * 1024
_ENDS_S = 0.0002  # between two looks whether a program that says nothing more has ended


def run(
    command: list[str], environ: Mapping[str, str], stdin: bytes | None, limit_s: float
) -> tuple[int, bytes, bytes]:
    """The exit code (negative: a signal ended it), the output, and the errors of a program.

    ``command[0]`` is a path, or is looked for in the PATH of ``environ``. ``stdin`` None: nothing.
    Files that this process was itself given open stay open in the program.

    Raises:
        TimeoutError: it did not end in time, and was ended.
        OSError: it cannot be run; FileNotFoundError: it is not there.
    """
    deadline = time.monotonic() + limit_s
    path = _found(command[0], environ)
    out, out_end = os.pipe()
    err, err_end = os.pipe()
    if stdin is None:
        given, given_end = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), -1
    else:
        given, given_end = os.pipe()
    try:
        pid = os.posix_spawn(
            path,
            command,
            environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, given, 0),
                (os.POSIX_SPAWN_DUP2, out_end, 1),
                (os.POSIX_SPAWN_DUP2, err_end, 2),
            ],
            setsigdef=[_signal.SIGPIPE, _signal.SIGXFSZ],
        )
    except OSError:
        for each in (out, err, given_end):
            if each >= 0:
                os.close(each)
        raise
    finally:
        for each in (given, out_end, err_end):
            os.close(each)
    ended = False
    try:
        said = _exchange({out: [], err: []}, given_end, stdin or b"", deadline)
        code = _wait(pid, deadline)
        ended = True
        return code, said[out], said[err]
    finally:
        os.close(out)
        os.close(err)
        if not ended:  # out of time, or interrupted
            os.kill(pid, _signal.SIGKILL)
            os.waitpid(pid, 0)


def _exchange(
    pieces: dict[int, list[bytes]], given: int, stdin: bytes, deadline: float
) -> dict[int, bytes]:
    """Write what goes in and read what comes out until both outputs are closed."""
    poll = select.poll()
    for each in pieces:
        poll.register(each, select.POLLIN)
    left = memoryview(stdin)
    if given >= 0:
        os.set_blocking(given, False)
        poll.register(given, select.POLLOUT)
    open_ = set(pieces)
    try:
        while open_:
            wait_s = deadline - time.monotonic()
            if wait_s <= 0:
                raise TimeoutError
            for each, _ in poll.poll(wait_s * 1000 + 1):
                if each == given:
                    left = _written(given, left)
                    if not left:
                        poll.unregister(given)
                        os.close(given)
                        given = -1
                elif data := os.read(each, _PIECE):
                    pieces[each].append(data)
                else:
                    poll.unregister(each)
                    open_.discard(each)
    finally:
        if given >= 0:
            os.close(given)
    return {each: b"".join(parts) for each, parts in pieces.items()}


def _written(given: int, left: memoryview) -> memoryview:
    """What is left after as much was written as the program takes; nothing if it takes no more."""
    try:
        return left[os.write(given, left[:_PIECE]) :]
    except BlockingIOError:
        return left
    except BrokenPipeError:
        return memoryview(b"")


def _wait(pid: int, deadline: float) -> int:
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(_ENDS_S)


def _found(name: str, environ: Mapping[str, str]) -> str:
    if "/" in name:
        return name
    for place in environ.get("PATH", os.defpath).split(":"):
        path = f"{place or '.'}/{name}"
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    raise FileNotFoundError(2, "No such file or directory", name)
