"""Fencing: the seam between the controller, which wants a node off, and whoever can do it.

The controller hands every ``stonith`` action of its graph to ``Fencing.begin`` and counts it as
done or failed when told. No device is known here yet, so every request fails at once and says
so; nothing of the lost node is started elsewhere then, because the graph waits for the action.
"""

from __future__ import annotations

from collections.abc import Callable

from crmsh_py.engine.outbox import Outbox
from crmsh_py.scheduler.result import Action

Finished = Callable[[bool], None]


class Fencing:
    """The fencing requests of one DC."""

    def __init__(self, outbox: Outbox) -> None:
        self._out = outbox

    def begin(self, action: Action, finished: Finished) -> None:
        """Have a node switched off; ``finished`` is told whether that has happened."""
        target = action.meta.get("on_node", action.node)
        self._out.log("error", "STONITH", f"Cannot fence {target}: no fence device is configured")
        finished(False)
