"""A real lab as a test drives it: only by the commands that a user types, as root or not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
NODES = ("pacemaker01", "pacemaker02", "pacemaker03")
PLAIN_UID = 65534
DROP = (
    "setpriv",
    f"--reuid={PLAIN_UID}",
    f"--regid={PLAIN_UID}",
    "--clear-groups",
    "--inh-caps=-all",
)


@dataclass
class Lab:
    """One lab, driven by the commands that a user types."""

    name: str
    home: Path
    prefix: tuple[str, ...] = ()  # how to become the user that the lab belongs to
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        runtime = self.home / "run"
        runtime.mkdir(mode=0o700, exist_ok=True)
        if self.prefix:
            os.chown(self.home, PLAIN_UID, PLAIN_UID)
            os.chown(runtime, PLAIN_UID, PLAIN_UID)
        self.environment = {
            "CRM_LAB": self.name,
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(runtime),
            "PATH": f"{BIN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "PYTHONWARNINGS": "default",
        }

    @property
    def plain(self) -> bool:
        """Whether the lab belongs to a user without rights."""
        return bool(self.prefix) or os.getuid() != 0

    def run(
        self,
        *words: str,
        check: bool = True,
        stdin: str | None = None,
        node: str = "",
        timeout: float = 60,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as the lab's user, ``node`` being the one that the shell sits on."""
        env = dict(self.environment, **environment)
        if node:
            env["CRM_NODE"] = node
        done = subprocess.run(
            [*self.prefix, *words],
            env=env,
            cwd=ROOT,
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode != 0:
            pytest.fail(
                f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def crm(self, *words: str, **options: object) -> str:
        """The output of a ``crm`` command that must succeed."""
        return self.run("crm", *words, **options).stdout  # type: ignore[arg-type]

    def on(self, node: str, *words: str, check: bool = True) -> str:
        """The output of a command inside a node (or ``host``)."""
        return self.run("crm", "lab", "exec", node, "--", *words, check=check).stdout

    def mon(self, node: str = "") -> str:
        """``crm_mon -1`` as seen by a node; empty while it does not answer."""
        return self.run("crm_mon", "-1", node=node, check=False).stdout

    def wait(
        self, what: str, condition: Callable[[], object], limit_s: float = 60.0, step_s: float = 0.1
    ) -> float:
        """Wait for a condition; returns the seconds it took; fails with the cluster's state."""
        begin = time.monotonic()
        while not condition():
            if time.monotonic() - begin > limit_s:
                logs = self.run("crm", "lab", "log", check=False).stdout[-6000:]
                pytest.fail(f"after {limit_s} s still not true: {what}\n{self.mon()}\n{logs}")
            time.sleep(step_s)
        return time.monotonic() - begin

    def where(self, resource: str, node: str = "") -> str:
        """The node where a resource is started, according to ``crm_mon -1``."""
        for line in self.mon(node).splitlines():
            words = line.split()
            if words[:1] == [resource] and "Started" in words and "FAILED" not in words:
                return words[words.index("Started") + 1]
        return ""

    def online(self, *nodes: str, seen_by: str = "") -> bool:
        """Whether exactly these nodes are online and there is a DC."""
        text = self.mon(seen_by)
        return f"Online: [ {' '.join(nodes)} ]" in text and "Current DC: NONE" not in text

    def page(self) -> str:
        """What the web site answers to the host; empty while it does not."""
        return self.on(
            "host", "curl", "-s", "-m", "2", "http://192.168.100.100/", check=False
        ).strip()

    def up(self, *, config: str = "examples/corosync.conf", nodes: Sequence[str] = NODES) -> None:
        """A running cluster with fencing disabled, as all steps after the tutorial's step 3."""
        self.crm("lab", "create", "--config", config)
        self.crm("lab", "start")
        self.wait("all nodes online", lambda: self.online(*nodes))
        self.crm("configure", "property", "stonith-enabled=false")

    def website(self) -> None:
        """The tutorial's address and web site, answering."""
        self.crm("-f", "examples/website.crm")
        self.wait("the web site answers", lambda: "My Test Site" in self.page())
        self.wait("WebSite is shown as started", lambda: self.where("WebSite"))


def give(lab: Lab, path: Path) -> None:
    """Make the lab's user the owner of a file or of a tree that a test has made."""
    if lab.prefix:
        for each in (path, *path.rglob("*")):
            os.chown(each, PLAIN_UID, PLAIN_UID)


def _namespaces_work(prefix: Sequence[str]) -> bool:
    probe = [*prefix, "unshare", "--user", "--map-root-user", "--net", "--mount", "true"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def users() -> list[str]:
    """The kinds of user that end-to-end tests run as on this machine."""
    return ["root", "plain"] if os.getuid() == 0 else ["plain"]


def make_lab(user: str, name: str) -> Lab:
    """A lab for that kind of user; skips, saying why, where that is not possible here."""
    prefix: tuple[str, ...] = ()
    if user == "plain" and os.getuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv (util-linux) is not installed")
        prefix = DROP
        seen = subprocess.run(
            [*prefix, sys.executable, "-c", "import crmsh_py"],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        if seen.returncode != 0:
            pytest.skip("a plain user cannot read this checkout or its Python")
    if user == "plain" and not _namespaces_work(prefix):
        pytest.skip("user namespaces are not allowed on this machine")
    home = Path(tempfile.mkdtemp(prefix="crm-e2e-"))
    return Lab(name=name, home=home, prefix=prefix)


def close_lab(lab: Lab) -> None:
    """Destroy the lab; nothing of it may be left."""
    lab.run("crm", "lab", "destroy", check=False)
    left = [p for p in lab.home.rglob("*") if lab.name in p.name]
    processes = _processes_of(lab)
    shutil.rmtree(lab.home, ignore_errors=True)
    assert not processes, f"processes left behind by lab {lab.name}: {processes}"
    assert not left, f"files left behind by lab {lab.name}: {left}"


def _processes_of(lab: Lab) -> list[str]:
    """The processes that still carry the lab's HOME in their environment."""
    mark = f"HOME={lab.home}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found
