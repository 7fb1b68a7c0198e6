"""The ``lab`` level: clusters on this machine, made, broken and taken away."""

from __future__ import annotations

import builtins
import time
from collections.abc import Iterator
from contextlib import contextmanager

from crmsh_py.errors import UsageError
from crmsh_py.lab.client import Lab, list_labs
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell.console import Interrupted
from crmsh_py.shell.session import Session
from crmsh_py.views import lab as lab_view
from crmsh_py.views.records import Names
from crmsh_py.views.text import joined
from crmsh_py.whole_numbers import is_number
from crmsh_py.wire.control import InjectFaults

_SLOW_MS = 300  # that a slow disk takes for a write


def create(session: Session, call: CommandCall) -> int:
    """Make a lab from a corosync.conf, or from names and a network."""
    config = _option(call, "FILE_NAME", "CONFIG_EQ")
    nodes = _option(call, "HOST_NAME", "NODES_EQ")
    network = _option(call, "NETWORK_CIDR", "NETWORK_EQ")
    lab = _lab(session)
    lab.create(
        conf_file=config,
        nodes=_names(nodes),
        network=network,
        remotes=_names(_option(call, "REMOTE_HOSTS", "REMOTE_EQ")),
        guests=_names(_option(call, "GUEST_HOSTS", "GUEST_EQ")),
    )
    session.console.out("next: crm lab start")
    return 0


def _names(text: str) -> builtins.list[str]:
    """Names with commas between; none for ''. Raises UsageError for a list of nothing."""
    names = [name for name in text.split(",") if name]
    if text and not names:
        raise UsageError(f"“{text}” names no nodes", hint="crm lab create --nodes alpha,beta")
    return names


def _option(call: CommandCall, value: str, joined: str) -> str:
    """An option's value, written ``--name VALUE`` or ``--name=VALUE``."""
    given = call.get(value)
    if given is None and (whole := call.get(joined)) is not None:
        given = whole.partition("=")[2]
    return given or ""


def import_(session: Session, call: CommandCall) -> int:
    """Make a lab with the nodes and the configuration of a cluster."""
    from crmsh_py.shell import lab_import

    return lab_import.import_(session, call)


def start(session: Session, call: CommandCall) -> int:
    """Switch nodes on; returns when they answer."""
    lab = _lab(session)
    with _interrupted(session, "the nodes go on starting", "crm lab status shows how far they are"):
        lab.start(call.all("NODE_NAME"), corosync_only=call.has("COROSYNC_ONLY"))
    return 0


def stop(session: Session, call: CommandCall) -> int:
    """Switch nodes off; their resources leave first."""
    lab = _lab(session)
    with _interrupted(session, "the nodes go on stopping", "crm lab status shows how far they are"):
        lab.stop(call.all("NODE_NAME"))
    if not call.all("NODE_NAME"):
        session.leave_lab()
    return 0


@contextmanager
def _interrupted(session: Session, left: str, hint: str) -> Iterator[None]:
    """Say what Ctrl-C leaves behind: what was asked for does not end with who has asked."""
    try:
        yield
    except KeyboardInterrupt:
        session.console.warning(f"interrupted: {left}\n  {hint}")
        raise Interrupted from None


def kill(session: Session, call: CommandCall) -> int:
    """A power failure."""
    _lab(session).kill(call.all("NODE_NAME"))
    return 0


def freeze(session: Session, call: CommandCall) -> int:
    """Nothing on the nodes runs, and nothing ends."""
    _lab(session).freeze(call.all("NODE_NAME"))
    return 0


def thaw(session: Session, call: CommandCall) -> int:
    """They go on."""
    _lab(session).thaw(call.all("NODE_NAME"))
    return 0


def reboot(session: Session, call: CommandCall) -> int:
    """A power-cycle."""
    _lab(session).reboot(call.all("NODE_NAME"))
    return 0


def delay(session: Session, call: CommandCall) -> int:
    """A slow network."""
    ms = _number(call, "milliseconds", 60_000)
    text = f"what it sends comes up to {ms} ms late" if ms else "its network is quick"
    _lab(session).suffer(call.all("NODE_NAME"), InjectFaults(delay_ms=ms), text)
    return 0


def loss(session: Session, call: CommandCall) -> int:
    """A lossy network."""
    percent = _number(call, "percent", 100)
    text = f"{percent} % of what it sends is lost" if percent else "its network loses nothing"
    _lab(session).suffer(call.all("NODE_NAME"), InjectFaults(loss=percent), text)
    return 0


def duplicate(session: Session, call: CommandCall) -> int:
    """A network that stutters."""
    percent = _number(call, "percent", 100)
    text = f"{percent} % of what it sends comes twice" if percent else "its network doubles nothing"
    _lab(session).suffer(call.all("NODE_NAME"), InjectFaults(duplicate=percent), text)
    return 0


def disk(session: Session, call: CommandCall) -> int:
    """A disk that is slow, or full."""
    state = (call.get("DISK_STATE") or "").lower()
    faults = InjectFaults(
        disk_delay_ms=_SLOW_MS if state == "slow" else 0, disk_full=state == "full"
    )
    text = {"slow": f"its disk takes {_SLOW_MS} ms", "full": "its disk is full"}
    _lab(session).suffer(call.all("NODE_NAME"), faults, text.get(state, "its disk is good"))
    return 0


def _number(call: CommandCall, unit: str, most: int) -> int:
    text = call.get("NUMBER") or ""
    if not is_number(text) or int(text) > most:
        raise UsageError(f"{text} are no {unit}: a whole number up to {most}")
    return int(text)


def partition(session: Session, call: CommandCall) -> int:
    """Cut nodes off from the rest, on both networks or on one."""
    ring = _option(call, "RING_NUMBER", "RING_EQ")
    _lab(session).partition(call.all("NODE_NAME"), int(ring) if ring else None)
    return 0


def heal(session: Session, call: CommandCall) -> int:
    """Undo all partitions."""
    _lab(session).heal()
    return 0


def wipe(session: Session, call: CommandCall) -> int:
    """New, empty disks for nodes that are off."""
    _lab(session).wipe(call.all("NODE_NAME"))
    return 0


def exec(session: Session, call: CommandCall) -> int:
    """Run a command inside; its output and exit code are ours."""
    return _lab(session).execute(call.get("HOST_NAME") or "", call.all("COMMAND_WORD"))


def shell(session: Session, call: CommandCall) -> int:
    """A shell inside."""
    return _lab(session).shell(call.get("HOST_NAME") or "")


def log(session: Session, call: CommandCall) -> int:
    """The logs; with several nodes every line names its own."""
    lines = _lab(session).log(call.all("NODE_NAME"))
    several = len({node for node, _ in lines}) > 1
    width = max((len(node) for node, _ in lines), default=0)
    text = joined(f"{node:<{width}}  {line}" if several else line for node, line in lines)
    session.show(text, lambda: lab_view.log(lines))
    return 0


def list(session: Session, call: CommandCall) -> int:
    """The names of this user's labs."""
    names = list_labs(session.environ)
    session.show("\n".join(names), lambda: Names(tuple(names)))
    return 0


def status(session: Session, call: CommandCall) -> int:
    """The nodes and what runs."""
    lab = _lab(session)
    state = lab.status()
    now = time.time()
    session.show(
        lab_view.table(lab.name, state, now=now), lambda: lab_view.record(lab.name, state, now=now)
    )
    if state.note:
        session.console.info(state.note)
    return 0


def destroy(session: Session, call: CommandCall) -> int:
    """Nothing of the lab is left."""
    lab = _lab(session)
    with _interrupted(
        session, "some of the lab may be left", "crm lab destroy takes the rest away"
    ):
        lab.destroy()
    session.leave_lab()
    return 0


def _lab(session: Session) -> Lab:
    return Lab(environ=session.environ, say=session.console.out)
