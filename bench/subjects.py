"""Two clusters of three nodes on this machine, measured by the same hands.

``Ours`` is a lab as `crm lab` makes it; ``Theirs`` is Corosync and Pacemaker from the packages (the
fixture of ``tests/realcluster``). Both are given the same token and consensus timeouts, watched by
their own ``crm_mon``, and told what to do by their own ``crm`` and ``crm_attribute``.

CPU and memory are those of everything that lives in the nodes: daemons and agents, with the
children that they have waited for. The commands of the bench itself are not among them.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from e2e.harness import Lab, close_lab
from realcluster.cluster import RealCluster

from crmsh_py.lab.client import Lab as Client

NODES = ("pacemaker01", "pacemaker02", "pacemaker03")
VIRTUAL = "192.168.100.100"
_TICK = os.sysconf("SC_CLK_TCK")
_LONGEST_S = 400.0


class Subject(Protocol):
    """What is measured."""

    name: str

    def up(self) -> float:
        """Start three nodes; the seconds until all are online with a DC."""

    def down(self) -> None:
        """End everything."""

    def crm(self, *words: str, node: str = NODES[0]) -> float:
        """Run the cluster's own shell; the seconds that it took."""

    def attribute(self, name: str, value: str) -> None:
        """Commit a cluster property with the cluster's own crm_attribute."""

    def status(self, node: str) -> str:
        """``crm_mon -1`` as XML, as a node sees it; '' while it does not answer."""

    def kill(self, node: str) -> None:
        """A power failure."""

    def boot(self, node: str) -> None:
        """Power, and start it again."""

    def cut(self, node: str) -> None:
        """Pull the cable."""

    def heal(self, node: str) -> None:
        """Plug it in."""

    def inside(self, node: str, *words: str) -> str:
        """The output of a command in a node."""

    def inits(self) -> list[int]:
        """The first process of each node."""


class Ours:
    """A lab of this project."""

    name = "ours"

    def __init__(self, token_ms: int, consensus_ms: int) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="crm-bench-"))
        self._lab = Lab(name="bench", home=self._home)
        text = Path("examples/corosync.conf").read_text()
        text = re.sub(r"token: \d+", f"token: {token_ms}", text, count=1)
        text = re.sub(r"consensus: \d+", f"consensus: {consensus_ms}", text, count=1)
        # These too are times, and how often an idle token goes round follows from the first: the
        # other side has Corosync's defaults.
        text = re.sub(r"\n *(token_retransmits_before_loss_const|join): \d+", "", text)
        (self._home / "corosync.conf").write_text(text)

    def up(self) -> float:
        self._lab.crm("lab", "create", "--config", str(self._home / "corosync.conf"))
        began = time.monotonic()
        self._lab.crm("lab", "start")
        wait("three online", lambda: online(self.status(NODES[0])) == sorted(NODES))
        return time.monotonic() - began

    def down(self) -> None:
        close_lab(self._lab)

    def crm(self, *words: str, node: str = NODES[0]) -> float:
        began = time.monotonic()
        self._lab.run("crm", *words, node=node, timeout=300)
        return time.monotonic() - began

    def attribute(self, name: str, value: str) -> None:
        self._lab.run("crm_attribute", "-t", "crm_config", "-n", name, "-v", value)

    def status(self, node: str) -> str:
        # In this process: Python's start, five times as long as the question, is no matter of
        # the cluster, and would be most of what a short wait measures.
        from crmsh_py.tools import crm_mon

        os.environ.update(self._lab.environment, CRM_NODE=node)
        told = io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(io.StringIO()):
            crm_mon.main(["-1", "--output-as=xml"])
        return told.getvalue()

    # Faults are done by what ``crm lab`` calls, without the start of a process: the other side's
    # are one `ip link` or one `kill`.

    def kill(self, node: str) -> None:
        self._client().kill([node])

    def boot(self, node: str) -> None:
        self._client().start([node])

    def cut(self, node: str) -> None:
        self._client().partition([node])

    def heal(self, node: str) -> None:
        self._client().heal()

    def _client(self) -> Client:
        return Client(environ=self._lab.environment, lab="bench")

    def inside(self, node: str, *words: str) -> str:
        init = dict(zip(NODES, self.inits(), strict=True))[node]
        namespaces = ("nsenter", "-t", str(init), "-n", "-m", "--")
        return subprocess.run(
            [*namespaces, *words], capture_output=True, text=True, check=False
        ).stdout

    def inits(self) -> list[int]:
        return [node.pid for node in self._client().status().nodes if node.pid]


class Theirs:
    """Corosync and Pacemaker."""

    name = "theirs"

    def __init__(self, token_ms: int) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="crm-bench-real-"))
        self._home.chmod(0o755)
        properties = {"dc-deadtime": "2s"}
        self._cluster = RealCluster(
            self._home / "cluster", token_ms=token_ms, properties=properties
        )

    def up(self) -> float:
        began = time.monotonic()
        self._cluster.up()
        took = time.monotonic() - began
        for node in NODES:
            self._cluster.run(node, "mkdir", "-p", "/var/log/crmsh")  # crmsh writes there
        return took

    def down(self) -> None:
        self._cluster.down()
        shutil.rmtree(self._home, ignore_errors=True)

    def crm(self, *words: str, node: str = NODES[0]) -> float:
        began = time.monotonic()
        self._cluster.run(node, "/usr/sbin/crm", *words, timeout_s=300)
        return time.monotonic() - began

    def attribute(self, name: str, value: str) -> None:
        words = ("crm_attribute", "-t", "crm_config", "-n", name, "-v", value)
        self._cluster.run(NODES[0], *words)

    def status(self, node: str) -> str:
        return self._cluster.run(node, "crm_mon", "-1", "--output-as=xml", check=False).stdout

    def kill(self, node: str) -> None:
        self._cluster.kill(node)

    def boot(self, node: str) -> None:
        self._cluster.reboot(node)

    def cut(self, node: str) -> None:
        self._cluster.cut(node)

    def heal(self, node: str) -> None:
        self._cluster.heal(node)

    def inside(self, node: str, *words: str) -> str:
        return self._cluster.run(node, *words, check=False).stdout

    def inits(self) -> list[int]:
        return self._cluster.inits()


# ---- reading -------------------------------------------------------------------------------------


def online(status: str) -> list[str]:
    """The nodes that are online according to a crm_mon in XML; none without a DC."""
    if '<current_dc present="true"' not in status:
        return []
    return sorted(
        re.findall(r'<node name="([^"]+)"[^>]* online="true"[^>]* pending="false"', status)
    )


def active(status: str) -> dict[str, str]:
    """Where each primitive is started, settled."""
    found = {}
    pattern = (
        r'<resource id="([^"]+)"[^>]* role="Started" active="true"[^>]*>\s*<node name="([^"]+)"'
    )
    for name, node in re.findall(pattern, status):
        found[name] = node
    return found


def wait(what: str, condition: Callable[[], object], limit_s: float = _LONGEST_S) -> float:
    """Wait for a condition; the seconds that it took.

    Raises RuntimeError when it does not come.
    """
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > limit_s:
            raise RuntimeError(f"after {limit_s:g} s still not true: {what}")
        time.sleep(0.05)
    return time.monotonic() - began


def processes(inits: Sequence[int]) -> list[int]:
    """Everything that lives in these nodes."""
    found, new = set(inits), list(inits)
    while new:
        pid = new.pop()
        try:
            tasks = list(Path(f"/proc/{pid}/task").iterdir())
            children = [int(c) for t in tasks for c in (t / "children").read_text().split()]
        except OSError:
            continue
        new += [child for child in children if child not in found]
        found.update(children)
    return sorted(found)


def cpu_s(inits: Sequence[int]) -> float:
    """CPU seconds that these nodes have used, with the children that were waited for."""
    total = 0
    for pid in processes(inits):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(field) for field in fields[11:15])
    return total / _TICK


def pss_mb(inits: Sequence[int]) -> float:
    """Memory of these nodes: proportional set size."""
    total = 0
    for pid in processes(inits):
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1])  # type: ignore[index]
    return total / 1024


def run(*words: str) -> str:
    """The output of a program that must succeed."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout
