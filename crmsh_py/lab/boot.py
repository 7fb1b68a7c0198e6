"""What the supervisor tells the init of a node, and what init answers: lines on two pipes.

The supervisor writes one line of JSON (a ``BootSpec``), and ``go`` when the cable is there. Init
answers ``unshared`` when its network namespace is there, ``ready PID`` when the daemon runs,
``failed TEXT`` when it cannot, and ``ended CODE`` when the daemon has ended by itself. Both sides
end when the other one's pipe closes. Plain JSON and the standard library: init must start fast.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

GO = "go"
UNSHARED = "unshared"
READY = "ready"
FAILED = "failed"
ENDED = "ended"

WATCHDOG_FD = 3  # init's end of the pipe to the watchdog, handed on to the daemon
WATCHDOG_VARIABLE = "CRM_WATCHDOG_FD"


@dataclass(frozen=True, slots=True)
class BootSpec:
    """Everything about one start of one node.

    ``disk`` is its directory as seen from outside. ``files`` (path in the node: content) are
    written at every start, ``first_files`` only where they are missing, so that changes made in
    the node last. ``keep`` are directories of the outside that must stay visible at the same path
    (Python, the package, commands), ``keep_writable`` those that must stay writable too (sockets).
    ``commands`` are lines for ``ip -batch`` once the cable is there. ``log`` is where the daemon's
    own output goes, as the node sees it.
    """

    node: str
    disk: str
    log: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    isolated: bool = True  # own mounts, network, hostname
    own_pids: bool = True  # started as process 1 of a pid namespace
    keep: tuple[str, ...] = ()
    keep_writable: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    first_files: Mapping[str, str] = field(default_factory=dict)

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps(dataclasses.asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str) -> BootSpec:
        """Read ``to_line``'s output; the pipe is ours, so anything else is a bug."""
        data = json.loads(line)
        for name in ("argv", "keep", "keep_writable", "commands"):
            data[name] = tuple(data[name])
        return cls(**data)
