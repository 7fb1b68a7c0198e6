"""A lab as a test drives it from outside, as root or as a plain user, through ``drive.py``."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from crmsh_py.errors import CrmError
from crmsh_py.lab import commands
from crmsh_py.lab.client import Lab, list_labs

HERE = Path(__file__).resolve().parent
FAKE_DAEMON = str(HERE / "fake_daemon.py")
PLAIN_UID = 65534
NODES = ("pacemaker01", "pacemaker02", "pacemaker03")


class RefusedError(Exception):
    """The lab said no: the message, and the kind of error."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind


@dataclass
class Driver:
    """A lab of a user."""

    user: str
    python: str
    home: Path
    name: str = "t"
    prefix: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment = {
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home / "run"),
            "CRM_LAB": self.name,
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": commands.python_path(),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    @property
    def state(self) -> Path:
        return self.home / ".local/state/crmsh-py/labs" / self.name

    def command(self, method: str, *positional: object, **named: object) -> list[str]:
        arguments = [json.dumps(positional), json.dumps(named)]
        return [*self.prefix, self.python, "-P", str(HERE / "drive.py"), method, *arguments]

    def do(self, method: str, *positional: object, **named: object) -> Any:
        """Call a method of ``Lab``; returns its result."""
        return self.answer(method, *positional, **named)["result"]

    def answer(self, method: str, *positional: object, **named: object) -> Any:
        """The same with what was said."""
        if not self.prefix:
            return self._answer_here(method, *positional, **named)
        done = subprocess.run(
            self.command(method, *positional, **named),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout.strip(), done.stderr
        answer = json.loads(done.stdout)
        if "error" in answer:
            raise RefusedError(answer["error"], answer["kind"])
        return answer

    def _answer_here(self, method: str, *positional: object, **named: object) -> Any:
        """The same without another process, where no other user is needed."""
        said: list[str] = []
        try:
            if method == "list_labs":
                return {"result": list_labs(self.environment), "said": said}
            lab = Lab(environ=self.environment, say=said.append)
            result = getattr(lab, method)(*positional, **named)
        except CrmError as error:
            raise RefusedError(error.format_message(), type(error).__name__) from None
        made = None if method == "create" else msgspec.to_builtins(result)
        return {"result": json.loads(json.dumps(made)), "said": said}

    def create(self, **named: object) -> Any:
        return self.answer("create", daemon=[self.python, FAKE_DAEMON], **named)

    def run(
        self, node: str, *argv: str, stdin: str | None = None, timeout: float = 30
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a node."""
        return subprocess.run(
            self.command("execute", node, list(argv)),
            env=self.environment,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def output(self, node: str, *argv: str) -> str:
        done = self.run(node, *argv)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def node(self, name: str) -> dict[str, Any]:
        """A node's state as the supervisor sees it."""
        return next(n for n in self.do("status")["nodes"] if n["name"] == name)

    def pings(self, node: str, target: str) -> bool:
        done = self.run(node, "ping", "-c1", "-W1", target)
        return done.returncode == 0


@contextmanager
def a_user(kind: str, parent: str = "/tmp") -> Iterator[Driver]:
    """A ``root`` or ``plain`` user with a home in ``parent``; skips where there can be none.

    Whatever lab is left is destroyed.
    """
    home = Path(tempfile.mkdtemp(prefix="crm-lab-", dir=parent))
    (home / "run").mkdir(mode=0o700)
    prefix: tuple[str, ...] = ()
    python = sys.executable
    try:
        if kind == "root":
            if os.geteuid() != 0:
                pytest.skip("real root: this test run is not root's")
        elif os.geteuid() == 0:
            prefix = (
                "setpriv",
                f"--reuid={PLAIN_UID}",
                f"--regid={PLAIN_UID}",
                "--clear-groups",
            )
            python = reachable_python()
            if not python:
                pytest.skip("a plain user: no Python of this version that other users can start")
            if not shutil.which("setpriv"):
                pytest.skip("a plain user: setpriv is not installed")
            for path in (home, home / "run"):
                os.chown(path, PLAIN_UID, PLAIN_UID)
        if kind == "plain" and not user_namespaces(prefix):
            pytest.skip("a plain user: user namespaces are not allowed here")
        made = Driver(kind, python, home, prefix=prefix)
        try:
            yield made
        finally:
            for name in made.do("list_labs"):
                made.environment["CRM_LAB"] = name
                made.do("destroy")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def reachable_python() -> str:
    """A Python of our version that every user can start; '' when there is none."""
    real = os.path.realpath(sys.executable)
    parents = [Path(real), *Path(real).parents, *Path(sys.executable).parents]
    if all(path.stat().st_mode & stat.S_IXOTH for path in parents):
        return sys.executable
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return shutil.which(f"python{version}", path=commands.SYSTEM_PATH) or ""


def user_namespaces(prefix: Sequence[str]) -> bool:
    done = subprocess.run(
        [*prefix, "unshare", "--user", "--map-root-user", "--net", "--mount", "true"],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


# A user namespace that allows no further ones, and a root in it without capabilities: as good as a
# machine that forbids all of it.
_HOLD = "echo 0 > /proc/sys/user/max_user_namespaces && echo ready && exec sleep 600"
_WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")


@contextmanager
def no_namespaces() -> Iterator[tuple[str, ...]]:
    """What to put before a command so that it runs where namespaces are forbidden; or skip."""
    if not shutil.which("setpriv") or not user_namespaces(()):
        pytest.skip("user namespaces are not allowed here, so they cannot be forbidden for a test")
    with subprocess.Popen(
        ["unshare", "--user", "--map-root-user", "sh", "-c", _HOLD],
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        try:
            assert holder.stdout is not None
            if holder.stdout.readline() != "ready\n":
                pytest.skip("namespaces cannot be forbidden here")
            enter = ("nsenter", f"--target={holder.pid}", "--user", "--preserve-credentials")
            yield (*enter, *_WITHOUT_RIGHTS)
        finally:
            holder.kill()
