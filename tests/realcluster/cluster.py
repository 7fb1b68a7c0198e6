"""A real cluster of Corosync and Pacemaker on this machine, as the packages install them.

Every node has network, mount, UTS, PID and IPC namespaces of its own, with private copies of what
the daemons write to. Nodes meet on a bridge that is in a network namespace of its own, so several
clusters can run at once, all with the tutorial's addresses, and the machine's network is never
touched. Everything ends by process id, at the latest when the program that made it ends.

    with RealCluster(directory) as cluster:        # three nodes online, a DC elected
        cluster.run("pacemaker01", "crm_mon", "-1")
        cluster.kill("pacemaker02")

Needs root and the packages corosync, pacemaker and pacemaker-cli-utils (``missing`` says what is
not here). With CRM_TEST_PACEMAKER=DIRECTORY the nodes see another Pacemaker in place of the
package's: DIRECTORY/usr is laid over their /usr.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

NODES = ("pacemaker01", "pacemaker02", "pacemaker03")
NETWORK = "192.168.100"
HOST = f"{NETWORK}.1"
CHECKOUT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent  # where our own programs are
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LIFETIME_S = 3600  # a node that nobody ended ends by itself
_PROGRAMS = ("corosync", "pacemakerd", "cibadmin", "crm_mon", "unshare", "nsenter", "setpriv", "ip")
_ISOLATE = ("unshare", "--net", "--mount", "--uts", "--pid", "--ipc", "--fork")
_INIT = Path(__file__).with_name("node_init.sh")
# Laid over the nodes' /usr, the first on top: a service manager and a fence agent of our own, then
# the Pacemaker that is tested, if it is not the machine's.
_LAYERS = [str(Path(__file__).with_name("usr"))]
if _OTHER := os.environ.get("CRM_TEST_PACEMAKER", ""):
    _LAYERS.append(f"{_OTHER}/usr")
# What the daemons write to. The machine's own /etc/passwd and /etc/group are copied, with users.
_PLACES = (
    "etc/corosync",
    "etc/group",
    "etc/hosts",
    "etc/passwd",
    "var/lib/corosync",
    "var/lib/pacemaker",
    "var/log",
    "var/www",
)
# Users of the nodes beside root: one of the administrators' group, and one of nobody's.
OPERATOR, STRANGER = "operator", "stranger"
_PROPERTIES = {"dc-deadtime": "2s", "load-threshold": "10000%"}
_UIDS = {OPERATOR: 4001, STRANGER: 4002}


def missing() -> str:
    """Why a real cluster cannot run here; '' if it can."""
    if os.getuid() != 0:
        return "needs root"
    for program in _PROGRAMS:
        if shutil.which(program, path=SYSTEM_PATH) is None:
            return f"needs {program}, which is not installed"
    over_usr = f"lowerdir={':'.join(_LAYERS)}:/usr"
    probe = subprocess.run(
        [*_ISOLATE, "mount", "-t", "overlay", "-o", over_usr, "usr", "/usr"],
        capture_output=True,
        check=False,
        timeout=10,
    )
    allowed = probe.returncode == 0
    return "" if allowed else "needs namespaces and overlays, which are not allowed here"


@dataclass
class _Node:
    """A node that is switched on: the process that made its namespaces, and its init."""

    process: subprocess.Popen[bytes]
    init: int


@dataclass
class RealCluster:
    """The nodes, and what a test does to them.

    ``token_ms`` is Corosync's; ``properties`` are set before the first start (a short dc-deadtime
    saves a new cluster twenty seconds of waiting, and a high load-threshold keeps a busy machine
    from slowing all actions down).
    """

    directory: Path
    nodes: Sequence[str] = NODES
    token_ms: int = 1000
    properties: Mapping[str, str] = field(default_factory=lambda: dict(_PROPERTIES))
    _hub: subprocess.Popen[bytes] | None = None
    _on: dict[str, _Node] = field(default_factory=dict)
    # A process that is to end with its parent ends with the thread that made it, so all are made by
    # one thread, which lives as long as the cluster.
    _spawner: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=1))

    # ---- the whole cluster ---------------------------------------------------------------------

    def __enter__(self) -> RealCluster:
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def up(self) -> None:
        """Switch all nodes on; returns when they are online and there is a DC."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o755)  # the daemons' users walk through it
        self._make_hub()
        for node in self.nodes:
            self.boot(node)
        self.start(*self.nodes)
        self.wait_online(*self.nodes)

    def down(self) -> None:
        """End all nodes and the network, at once."""
        for node in list(self._on):
            self.kill(node)
        if self._hub is not None:
            self._hub.kill()
            self._hub.wait()
            self._hub = None
        self._spawner.shutdown()

    def wait_online(self, *nodes: str, limit_s: float = 60) -> float:
        """Wait until exactly these nodes are online and have a DC; returns the seconds."""
        return self.wait(
            f"{', '.join(nodes)} online", lambda: self.online() == sorted(nodes), limit_s
        )

    def online(self, seen_by: str = "") -> list[str]:
        """The nodes that are online, as the first one that is on sees it; [] without a DC."""
        seen_by = seen_by or next((n for n in self.nodes if n in self._on), "")
        text = self.run(seen_by, "crm_mon", "-1", "--output-as=xml", check=False).stdout
        if '<current_dc present="true"' not in text:
            return []
        found = re.findall(r'<node name="([^"]+)"[^>]* online="true"[^>]* pending="false"', text)
        return sorted(found)

    def where(self, resource: str, seen_by: str = "") -> list[str]:
        """The nodes where a primitive is active, sorted."""
        seen_by = seen_by or next((n for n in self.nodes if n in self._on), "")
        text = self.run(seen_by, "crm_mon", "-1", "--output-as=xml", check=False).stdout
        one = rf'<resource id="{re.escape(resource)}"[^>]* active="true".*?</resource>'
        blocks = re.findall(one, text, re.DOTALL)
        return sorted(re.findall(r'<node name="([^"]+)"', "\n".join(blocks)))

    def wait(self, what: str, condition: Callable[[], object], limit_s: float = 60) -> float:
        """Wait for a condition; returns the seconds; fails with what the cluster says."""
        begin = time.monotonic()
        while not condition():
            if time.monotonic() - begin > limit_s:
                raise AssertionError(f"after {limit_s:g} s still not true: {what}\n{self._told()}")
            time.sleep(0.1)
        return time.monotonic() - begin

    def _told(self) -> str:
        parts = []
        for node in self._on:
            parts.append(f"--- {node}\n{self.run(node, 'crm_mon', '-1r', check=False).stdout}")
            for log in ("corosync/corosync.log", "pacemaker/pacemaker.log"):
                path = self.disk(node) / "var/log" / log
                if path.exists():
                    lines = path.read_text(errors="replace").splitlines()[-12:]
                    parts.append(f"{log}:\n" + "\n".join(lines))
        return "\n".join(parts)

    # ---- one node ------------------------------------------------------------------------------

    def boot(self, node: str) -> None:
        """Switch a node's machine on: its namespaces and its cable, no daemon yet."""
        assert self._hub is not None
        assert node not in self._on, f"{node} is on"
        disk = self.disk(node)
        self._make_disk(node)
        (disk / "ready").unlink(missing_ok=True)
        init = ["bash", str(_INIT), str(disk), node, str(LIFETIME_S), ":".join(_LAYERS)]
        process = self._spawn([*_ISOLATE, "--kill-child=KILL", *init], disk / "init.log")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        deadline = time.monotonic() + 30
        while not (disk / "ready").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise AssertionError(f"{node} does not boot:\n{(disk / 'init.log').read_text()}")
            time.sleep(0.01)
        self._on[node] = _Node(process, int(children.read_text().split()[0]))
        self._plug(node)

    def start(self, *nodes: str) -> None:
        """Start Corosync and Pacemaker on nodes that are on; returns when Corosync answers."""
        for node in nodes:
            self._daemon(node, "corosync", "-f")
        for node in nodes:
            self.wait(
                f"corosync answers on {node}",
                lambda node=node: self.run(  # type: ignore[misc]
                    node, "corosync-cfgtool", "-s", check=False
                ).returncode == 0,
                20,
            )  # fmt: skip
            self._daemon(node, "pacemakerd")

    def stop(self, node: str) -> None:
        """Stop Pacemaker, then Corosync, in an orderly way."""
        for daemon in ("pacemakerd", "corosync"):
            self.run(node, "sh", "-c", f"kill -TERM $(pidof {daemon})", check=False)
            self.wait(f"{daemon} ends on {node}", lambda d=daemon: not self.pids(node, d), 60)  # type: ignore[misc]

    def kill(self, node: str) -> None:
        """A power failure: the cable and everything that runs there, at once."""
        one = self._on.pop(node)
        self._in_hub("ip", "link", "del", self._cable(node), check=False)
        try:
            os.kill(one.init, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it had ended by itself
        one.process.wait(timeout=20)  # it reaps its init, then ends as that did

    def reboot(self, node: str) -> None:
        """Switch a node on that is off, with its disk, and start the daemons."""
        self.boot(node)
        self.start(node)

    def cut(self, node: str) -> None:
        """Pull a node's cable."""
        self._in_hub("ip", "link", "set", self._cable(node), "down")

    def heal(self, node: str) -> None:
        """Plug it in again."""
        self._in_hub("ip", "link", "set", self._cable(node), "up")

    def is_on(self, node: str) -> bool:
        """Whether a node's machine has power."""
        return node in self._on

    def inits(self) -> list[int]:
        """The first process of every node that is on, as the machine numbers them."""
        return [one.init for one in self._on.values()]

    def pids(self, node: str, program: str) -> list[int]:
        """The processes of a program on a node, as the node numbers them."""
        return [int(pid) for pid in self.run(node, "pidof", program, check=False).stdout.split()]

    # ---- running -------------------------------------------------------------------------------

    def run(
        self,
        node: str,
        *words: str,
        check: bool = True,
        stdin: str = "",
        user: str = "",
        timeout_s: float = 60,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on a node, as root or another user of it."""
        done = subprocess.run(
            self.command(node, *words, user=user, **environment),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"{node}: {' '.join(words)}: exit code {done.returncode}\n"
                f"{done.stdout}{done.stderr}"
            )
        return done

    def crm(self, node: str, *words: str, **options: object) -> str:
        """The output of our shell on a node; it must succeed."""
        return self.run(node, str(BIN / "crm"), *words, **options).stdout  # type: ignore[arg-type]

    def command(self, node: str, *words: str, user: str = "", **environment: str) -> list[str]:
        """The command line that runs a program on a node (for a terminal, or in the background).

        HOME is on the node's own disk.
        """
        name = user or "root"
        values = {
            "PATH": SYSTEM_PATH,
            "HOME": str(self.disk(node) / name),
            "USER": name,
            "LOGNAME": name,
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            **environment,
        }
        become: list[str] = []
        if user:
            group = "haclient" if user == OPERATOR else "nogroup"
            become = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]
        return [
            "nsenter", "-t", str(self._on[node].init), "-m", "-u", "-i", "-n", "-p", "--wd=/", "--",
            "env", "-i", *(f"{key}={value}" for key, value in values.items()), *become, *words,
        ]  # fmt: skip

    def on_host(self, *words: str, check: bool = False) -> str:
        """The output of a program in the namespace of the bridge: the host that nodes see."""
        return self._in_hub(*words, check=check).stdout

    def disk(self, node: str) -> Path:
        """A node's private files, from outside; they last over ``kill`` and ``boot``."""
        return self.directory / node

    def address(self, node: str) -> str:
        """A node's address."""
        return f"{NETWORK}.{10 + list(self.nodes).index(node)}"

    # ---- inside --------------------------------------------------------------------------------

    def _spawn(self, words: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        """Start a process that ends with this one, whatever happens to it."""
        with log.open("ab") as output:
            return self._spawner.submit(
                subprocess.Popen,
                ["setpriv", "--pdeathsig", "KILL", *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            ).result()

    def _daemon(self, node: str, *words: str) -> None:
        log = self.disk(node) / "var/log" / f"{words[0]}.out"
        script = f"setsid {' '.join(words)} </dev/null >>{log} 2>&1 &"
        self.run(node, "sh", "-c", script, PCMK_logfile="/var/log/pacemaker/pacemaker.log")

    def _make_hub(self) -> None:
        words = ["unshare", "--net", "sleep", str(LIFETIME_S)]
        self._hub = self._spawn(words, self.directory / "hub.log")
        outside = os.stat("/proc/self/ns/net").st_ino
        place = f"/proc/{self._hub.pid}/ns/net"
        self.wait("the bridge's namespace", lambda: os.stat(place).st_ino != outside)
        self._in_hub("ip", "link", "add", "bridge", "type", "bridge", "forward_delay", "0")
        self._in_hub("ip", "address", "add", f"{HOST}/24", "dev", "bridge")
        self._in_hub("ip", "link", "set", "bridge", "up")
        self._in_hub("ip", "link", "set", "lo", "up")

    def _in_hub(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        assert self._hub is not None
        return subprocess.run(
            ["nsenter", "-t", str(self._hub.pid), "-n", "--", *words],
            capture_output=True,
            text=True,
            timeout=20,
            check=check,
        )

    def _cable(self, node: str) -> str:
        return f"to{list(self.nodes).index(node) + 1}"

    def _plug(self, node: str) -> None:
        number = list(self.nodes).index(node) + 1
        cable, init = self._cable(node), str(self._on[node].init)
        self._in_hub(
            "ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0",
            "address", f"52:54:00:64:00:{number:02x}", "netns", init,
        )  # fmt: skip
        self._in_hub("ip", "link", "set", cable, "master", "bridge", "up")
        self.run(node, "ip", "link", "set", "lo", "up")
        self.run(node, "ip", "address", "add", f"{self.address(node)}/24", "dev", "eth0")
        self.run(node, "ip", "link", "set", "eth0", "up")

    def _make_disk(self, node: str) -> None:
        disk = self.disk(node)
        if (disk / "places").exists():
            return
        logs = ("var/log/corosync", "var/log/crmsh")
        for place in ("etc/corosync/uidgid.d", "var/lib/corosync", *logs, "root"):
            (disk / place).mkdir(parents=True)
        (disk / "var/log/apache2").mkdir()
        (disk / "var/www/html").mkdir(parents=True)
        page = f"<html>\n<body>My Test Site - {node}</body>\n</html>\n"
        (disk / "var/www/html/index.html").write_text(page)
        for user, uid in _UIDS.items():
            (disk / user).mkdir()
            os.chown(disk / user, uid, -1)
        for place in ("cib", "pengine", "cores", "blackbox"):
            _for_pacemaker(disk / "var/lib/pacemaker" / place)
        _for_pacemaker(disk / "var/lib/pacemaker")
        _for_pacemaker(disk / "var/log/pacemaker")
        seed = disk / "var/lib/pacemaker/cib/cib.xml"
        seed.write_text(self._first_cib())
        shutil.chown(seed, "hacluster", "haclient")
        seed.chmod(0o600)
        (disk / "etc/corosync/corosync.conf").write_text(self._corosync_conf())
        hosts = [f"{self.address(each)} {each}" for each in self.nodes]
        (disk / "etc/hosts").write_text("\n".join(["127.0.0.1 localhost", *hosts]) + "\n")
        users = [f"{name}:x:{uid}:65534::{disk / name}:/bin/sh" for name, uid in _UIDS.items()]
        passwd = (
            Path("/etc/passwd").read_text().rstrip("\n").replace(":/root:", f":{disk / 'root'}:")
        )
        (disk / "etc/passwd").write_text("\n".join([passwd, *users]) + "\n")
        group = Path("/etc/group").read_text()
        joined = re.sub(r"^(haclient:[^:]*:[^:]*:).*$", rf"\1{OPERATOR}", group, flags=re.M)
        (disk / "etc/group").write_text(joined)
        here = [place for place in _PLACES if Path("/", place).exists()]  # not all is installed
        (disk / "places").write_text("".join(f"{place}\n" for place in here))

    def _first_cib(self) -> str:
        pairs = "".join(
            f'<nvpair id="cib-bootstrap-options-{name}" name="{name}" value="{value}"/>'
            for name, value in self.properties.items()
        )
        return (
            '<cib crm_feature_set="3.0.14" validate-with="pacemaker-3.9" epoch="1" '
            'num_updates="0" admin_epoch="0"><configuration><crm_config>'
            f'<cluster_property_set id="cib-bootstrap-options">{pairs}</cluster_property_set>'
            "</crm_config><nodes/><resources/><constraints/></configuration><status/></cib>\n"
        )

    def _corosync_conf(self) -> str:
        nodes = "".join(
            f"    node {{\n        ring0_addr: {self.address(node)}\n        name: {node}\n"
            f"        nodeid: {number}\n    }}\n"
            for number, node in enumerate(self.nodes, 1)
        )
        return f"""\
totem {{
    version: 2
    cluster_name: real
    transport: knet
    crypto_cipher: none
    crypto_hash: none
    token: {self.token_ms}
}}
nodelist {{
{nodes}}}
quorum {{
    provider: corosync_votequorum
}}
logging {{
    to_logfile: yes
    logfile: /var/log/corosync/corosync.log
    to_syslog: no
    timestamp: hires
}}
"""


def _for_pacemaker(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o770)
    shutil.chown(path, "hacluster", "haclient")
