"""The pipe to the watchdog that stands outside of the node.

Who starts the node hands it over as the descriptor that ``CRM_WATCHDOG_FD`` names; without one
there is no watchdog, and feeding it does nothing. A line is ``until TIME`` (CLOCK_MONOTONIC,
seconds) or ``rest``: nobody has to watch.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

from crmsh_py.engine.api import FeedWatchdog

VARIABLE = "CRM_WATCHDOG_FD"


class WatchdogPipe:
    """Implements ``ports.Feeder``."""

    def __init__(self, descriptor: int = -1) -> None:
        self._descriptor = descriptor
        if descriptor >= 0:
            os.set_inheritable(descriptor, False)  # an agent must not keep the node alive
            os.set_blocking(descriptor, False)

    @classmethod
    def of_environment(cls, environ: MutableMapping[str, str]) -> WatchdogPipe:
        """The pipe that whoever started us has left; agents must not see the variable."""
        text = environ.pop(VARIABLE, "")
        return cls(int(text)) if text.isdigit() else cls()

    def feed(self, instruction: FeedWatchdog) -> None:
        """Tell the watchdog. One that cannot be told resets the node in time: nothing to do."""
        if self._descriptor < 0:
            return
        until = instruction.until
        line = "rest\n" if until is None else f"until {until:.6f}\n"
        try:
            os.write(self._descriptor, line.encode())
        except OSError:
            pass
