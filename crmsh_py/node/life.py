"""A node's process from its start to its end, whatever runs in it: a member or a remote node.

The control socket's name appears when the node answers; who started us may also wait for a line on
the descriptor that ``CRM_READY_FD`` names. SIGTERM and SIGINT ask for an orderly stop, in which
resources leave first; a second one ends the node at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

from crmsh_py.engine.api import Event, RequestReceived, Started
from crmsh_py.errors import CrmError
from crmsh_py.node.control import ControlServer
from crmsh_py.node.log import NodeLog
from crmsh_py.node.loop import FAILED, NodeLoop
from crmsh_py.node.ports import Agents, LogLine, Report
from crmsh_py.wire.control import StopDaemon
from crmsh_py.wire.paths import public_socket
from crmsh_py.wire.settings import NodeSettings

READY_VARIABLE = "CRM_READY_FD"
OWN_TICKET = 0  # of requests that the daemon makes itself; nobody waits for the answer


class Life:
    """What the parts of a process report to, before and while its node runs."""

    def __init__(self, log: NodeLog) -> None:
        self._log = log
        self._node: NodeLoop | None = None
        self._asked = False  # for a stop, by a signal

    def report(self, event: Event) -> None:
        """Something happened; it is nobody's business before the node runs."""
        if self._node is not None:
            self._node.report(event)

    def begin(self, node: NodeLoop, *, manager: bool) -> None:
        """Start the node: from here on it hears of everything, signals too."""
        self._node = node
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, number)
        self.report(Started(manager=manager))

    async def to_its_end(self, clients: ControlServer, agents: Agents) -> int:
        """Answer clients; the exit code, when the node has stopped.

        Where it must end at once, its agents end before its clients have read their answers: what
        was begun here may be begun elsewhere by now.
        """
        assert self._node is not None
        await clients.open()
        _tell_ready()
        code = await self._node.stopped
        if code:
            agents.close()
        await clients.close()
        return code

    def _signalled(self, number: signal.Signals) -> None:
        assert self._node is not None
        if self._asked:
            self._log("warning", "MAIN", f"{number.name} again: stopping at once")
            self._node.stop(FAILED)
            return
        self._asked = True
        self._log("notice", "MAIN", f"{number.name}: stopping in an orderly way")
        self.report(RequestReceived(ticket=OWN_TICKET, request=StopDaemon(), client="signal"))


def make_agents(settings: NodeSettings, report: Report, log: LogLine) -> Agents:
    """The real runner of agents."""
    from crmsh_py.node.runner import AgentRunner

    return AgentRunner(settings, report=report, log=log)


def make_clients(settings: NodeSettings, report: Report, log: LogLine) -> ControlServer:
    """The control socket, not open yet."""
    public = public_socket(settings.node) if settings.isolated else ""
    return ControlServer(settings.control_socket, report=report, log=log, public=public)


def make_parent(path: str, *, private: bool = False) -> None:
    """Make the directory of a file, ``private`` for us alone (also if it is there); CrmError."""
    directory = os.path.dirname(path)
    try:
        os.makedirs(directory, mode=0o755, exist_ok=True)
        if private:
            os.chmod(directory, 0o700)
    except OSError as error:
        raise CrmError(f"cannot make the directory of {path}: {error.strerror}") from None


def _tell_ready() -> None:
    """Write a line to whoever started us, if he waits for one."""
    number = os.environ.pop(READY_VARIABLE, "")
    if number.isdigit():
        with contextlib.suppress(OSError):
            os.write(int(number), b"ready\n")
            os.close(int(number))
