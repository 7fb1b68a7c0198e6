"""Pacemaker's and Corosync's own programs, run on this machine or on another one by ssh.

Every run is bounded in time and in what it prints, is given its arguments as they are (no shell
looks at them here; for the other machine's shell they are quoted), and knows nothing of the
caller's CIB_file. On this machine our programs have the same names, so the originals are looked
for where packages put them, and told from ours by being compiled.

ssh is the system's, with the user's own configuration and keys. One connection serves all runs of
a minute (ControlMaster), and nobody is asked for a password: a machine that wants one is an error
that says what to do.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence

from crmsh_py.cib import xml
from crmsh_py.clusters.running import run
from crmsh_py.errors import ClusterUnreachable, CrmError, NotPermitted, TimedOut, UsageError
from crmsh_py.regex import regex
from crmsh_py.value import Value, frozen
from crmsh_py.wire.paths import APPLICATION, SOCKET_PATH_LIMIT, shorten

CONNECT_TIMEOUT_S = 10
PERSIST_S = 60  # how long a connection waits for the next command
_PLACES = ("/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin")
_PATH = ":".join(_PLACES)
_COMPILED = b"\x7fELF"
_HOST = regex(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9_.:-]*")
# What a caller's environment must not tell these programs.
_HIDDEN = ("CIB_", "LC_", "LANG")
OUTDATED = 103  # cibadmin: the configuration is not the one that a patch is for
_SSH_FAILED = 255
NOT_THERE = 127
TOO_LATE = 124  # of timeout(1), and of Pacemaker's programs
_MASTER_NAME = 41 + 18  # a digest, and what ssh appends while it makes the socket

_PACKAGES = {
    "corosync": "corosync",
    "crm_simulate": "pacemaker-cli-utils",
    "systemctl": "systemd",
}


@frozen
class Answer(Value):
    """What a program printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The first line that says what went wrong; '' if none does."""
        lines = (*self.err.splitlines(), *self.out.splitlines())
        return next((shorten(line.strip(), 200) for line in lines if line.strip()), "")


@frozen
class Output(Value):
    """What any program printed, byte for byte, and its exit code."""

    code: int
    out: bytes
    err: bytes

    @property
    def answer(self) -> Answer:
        """The same as text."""
        return Answer(self.code, _text(self.out), _text(self.err))


class Programs:
    """The programs of one machine: this one, or ``host`` (``user@node``)."""

    def __init__(self, environ: Mapping[str, str], *, host: str = "") -> None:
        """Raises UsageError for what is no host."""
        if host and not _HOST.fullmatch(host):
            raise UsageError(f"'{shorten(host)}' is no host", hint="write it as user@node")
        self.host = host
        self._environ = {k: v for k, v in environ.items() if not k.startswith(_HIDDEN)}
        self._environ["LC_ALL"] = "C.UTF-8"
        self._found: dict[str, str] = {}

    def run(
        self, program: str, *arguments: str, timeout_s: float, stdin: str | None = None
    ) -> Answer:
        """Run a program to its end.

        Raises:
            CrmError: it is not installed there, or prints more than any CIB.
            TimedOut: it did not end in time (it has been ended).
            ClusterUnreachable, NotPermitted: ssh does not get there.
        """
        words = [program, *arguments]
        if self.host:
            command, limit = self._over_ssh(words, timeout_s), timeout_s + CONNECT_TIMEOUT_S
        else:
            command, limit = [self._path(program), *arguments], timeout_s
        sent = None if stdin is None else stdin.encode()
        answer = self._carry_out(command, sent, limit).answer
        if self.host:
            if answer.code == NOT_THERE:
                raise missing(program, self.host)
            self._check_ssh(answer)
        _check_time(answer, program, timeout_s)
        return answer

    def output(self, words: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Output:
        """Run whatever a person or a command names, found by the PATH, with bytes in and out.

        Raises as ``run`` does, but all exit codes are the caller's, NOT_THERE too.
        """
        if not self.host:
            return self._carry_out([*words], stdin, timeout_s)
        command = self._over_ssh([*words], timeout_s)
        output = self._carry_out(command, stdin, timeout_s + CONNECT_TIMEOUT_S)
        self._check_ssh(output.answer)
        _check_time(output.answer, words[0], timeout_s)
        return output

    def at(self, node: str) -> Programs:
        """The programs of another node, which is reached by ssh, as the same user."""
        user, at, _ = self.host.rpartition("@")
        return Programs(self._environ, host=f"{user}{at}{node}")

    def has(self, program: str) -> bool:
        """Whether this machine has a program; of another one that is not known beforehand."""
        try:
            return bool(self.host or self._path(program))
        except CrmError:
            return False

    # ---- inside ----------------------------------------------------------------------------

    def _carry_out(self, command: list[str], stdin: bytes | None, limit_s: float) -> Output:
        try:
            code, out, err = run(command, self._environ, stdin, limit_s)
        except TimeoutError:
            name = os.path.basename(command[0])
            raise TimedOut(f"{name} did not end within {limit_s:g} s") from None
        except FileNotFoundError:
            raise missing(command[0], "this machine") from None
        except OSError as error:
            raise CrmError(f"{command[0]} cannot be run: {error.strerror}") from None
        if len(out) > xml.MAX_BYTES:
            raise CrmError(f"{os.path.basename(command[0])} prints more than any CIB")
        return Output(code, out, err)

    def _path(self, program: str) -> str:
        if program not in self._found:
            self._found[program] = _find(program, self._environ.get("PATH", ""))
        if not self._found[program]:
            raise missing(program, "this machine")
        return self._found[program]

    def _over_ssh(self, words: list[str], timeout_s: float) -> list[str]:
        # timeout(1) there ends the program when we here have given up waiting.
        there = f"PATH={_PATH}:$PATH LC_ALL=C.UTF-8 exec timeout -k 2 {timeout_s:.0f} "
        options = ["BatchMode=yes", f"ConnectTimeout={CONNECT_TIMEOUT_S}", "ServerAliveInterval=5"]
        if master := _master_socket(self._environ):
            options += [
                "ControlMaster=auto", f"ControlPath={master}", f"ControlPersist={PERSIST_S}"
            ]  # fmt: skip
        flags = [flag for option in options for flag in ("-o", option)]
        return [self._ssh(), "-T", *flags, "--", self.host, there + shlex.join(words)]

    def _ssh(self) -> str:
        # The user's own ssh may well be a script around ssh.
        for place in (*self._environ.get("PATH", "").split(":"), *_PLACES):
            if place.startswith("/") and os.access(f"{place}/ssh", os.X_OK):
                return f"{place}/ssh"
        raise CrmError("ssh is not installed on this machine", hint="install openssh-client")

    def _check_ssh(self, answer: Answer) -> None:
        # ssh never fails in silence; a program that ends with 255 does.
        if answer.code != _SSH_FAILED or not answer.err.strip():
            return
        last = shorten(answer.err.strip().splitlines()[-1].strip(), 200)
        if "Permission denied" in answer.err:
            raise NotPermitted(
                f"{self.host} does not let you in: {last}", hint=f"ssh-copy-id {self.host}"
            )
        if "Host key verification failed" in answer.err or "REMOTE HOST IDENTIFICATION" in last:
            raise ClusterUnreachable(
                f"{self.host}: its host key is not known, or has changed",
                hint=f"look at it and accept it: ssh {self.host} true",
            )
        raise ClusterUnreachable(
            f"{self.host} cannot be reached by ssh: {last}", hint=f"try: ssh {self.host} true"
        )


def _check_time(answer: Answer, program: str, timeout_s: float) -> None:
    if answer.code == TOO_LATE and not answer.err.strip():
        raise TimedOut(f"{program} did not end within {timeout_s:g} s")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _find(program: str, path: str) -> str:
    """The compiled program of that name; '' where there is none."""
    for place in (*_PLACES, *path.split(":")):
        candidate = f"{place}/{program}"
        if not place.startswith("/") or not os.access(candidate, os.X_OK):
            continue
        try:
            with open(candidate, "rb") as file:
                if file.read(len(_COMPILED)) == _COMPILED:
                    return candidate
        except OSError:
            continue
    return ""


def missing(program: str, where: str) -> CrmError:
    """The error for a program that a machine does not have."""
    package = _PACKAGES.get(program.partition("-")[0], "pacemaker")
    package = _PACKAGES.get(program, package)
    return CrmError(f"{program} is not installed on {where}", hint=f"install the package {package}")


def _master_socket(environ: Mapping[str, str]) -> str:
    """Where ssh keeps the connections of this user; '' where no directory is safe for that."""
    base = environ.get("XDG_RUNTIME_DIR", "")
    if not base.startswith("/"):
        base = f"/tmp/crm-{os.geteuid()}"  # noqa: S108 - owner and mode are checked
    directory = f"{base}/{APPLICATION}/ssh"
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        for each in (base, directory):
            status = os.lstat(each)
            if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                return ""
    except OSError:
        return ""
    too_long = len(directory.encode()) + 1 + _MASTER_NAME > SOCKET_PATH_LIMIT
    return "" if too_long else f"{directory}/%C"
