"""What can take a simulated machine's power away from outside: its switch, and its watchdog.

``PowerSwitch`` is what stands behind every fence device of a simulated cluster (resources of the
class ``stonith``, whatever their type): it lists all nodes, and does what it is asked to a moment
later. A test breaks it by ``works`` (agents fail) or ``lies`` (they say that it is done).

``Watchdog`` is one node's: it resets the node at the time that it was last told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crmsh_py.engine.api import FeedWatchdog, OperationFinished, RunOperation

if TYPE_CHECKING:
    from sim.cluster import Cluster, SimNode

BOOT_S = 0.3  # from its power until its daemon runs
_LATENCY_S = (0.02, 0.1)  # of a power switch
_ON, _OFF = 0, 2  # a fence agent's answers to status


@dataclass(slots=True)
class PowerSwitch:
    """The power switch of all machines of one cluster."""

    cluster: Cluster
    works: bool = True
    lies: bool = False
    log: list[tuple[float, str, str]] = field(default_factory=list)  # when, action, node

    def run(self, by: SimNode, operation: RunOperation) -> None:
        """A fence agent has been started on a node; its result comes back there."""
        low, high = _LATENCY_S
        delay = low + self.cluster.network.random.random() * (high - low)
        # The order has left the node: it is carried out whatever becomes of the node.
        life = by.life
        self.cluster.network.at(
            self.cluster.now + delay, lambda: self._carry_out(by, life, operation)
        )

    def _carry_out(self, by: SimNode, life: int, operation: RunOperation) -> None:
        action = operation.parameters.get("action", "")
        port = operation.parameters.get("port", "")
        target = next((n for n in self.cluster.machines if n.name == port), None)
        rc, output = 0, ""
        if not self.works:
            rc = 1
        elif action == "list":
            output = "\n".join(f"{node.name}," for node in self.cluster.machines)
        elif action == "status" and target is not None:
            rc = _ON if target.core is not None else _OFF
        elif action in ("off", "reboot", "on") and target is None:
            rc = 1
        elif target is not None and not self.lies:
            self.switch(target, action)
        if by.life == life:
            by.feed(OperationFinished(call_id=operation.call_id, rc=rc, status=0, output=output))

    def switch(self, target: SimNode, action: str) -> None:
        """Power off, on, or off and on again."""
        self.log.append((self.cluster.now, action, target.name))
        if action in ("off", "reboot") and target.core is not None:
            target.crash()
        if action in ("on", "reboot"):
            life = target.life

            def boot() -> None:
                if target.core is None and target.life == life:
                    target.start()

            self.cluster.network.at(self.cluster.now + BOOT_S, boot)


@dataclass(slots=True)
class Watchdog:
    """One node's watchdog."""

    node: SimNode
    until: float | None = None
    resets: list[float] = field(default_factory=list)

    def feed(self, instruction: FeedWatchdog) -> None:
        """The node may live until then; None: nobody watches it."""
        self.until = instruction.until
        if self.until is None:
            return
        until, life, cluster = self.until, self.node.life, self.node.cluster

        def look() -> None:
            if self.node.life == life and self.until == until:
                self.reset()

        cluster.network.at(until, look)

    def reset(self) -> None:
        """Power off and on."""
        self.until = None
        self.resets.append(self.node.cluster.now)
        self.node.cluster.power.switch(self.node, "reboot")
