"""A remote node, put together: the executor, its agents, a port for the cluster.

As ``daemon``, without ring, CIB and disk: what it knows lasts as long as it runs, and whoever
connects is told it. Agents, control socket, signals and the line that says "ready" are the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence

from crmsh_py.engine.api import (
    ConfRead,
    Event,
    LinkFacts,
    Persisted,
    RequestReceived,
    Started,
    StoreWrite,
)
from crmsh_py.engine.remote_core import RemoteCore
from crmsh_py.errors import CrmError
from crmsh_py.node.control import ControlServer
from crmsh_py.node.daemon import OWN_TICKET, make_agents, make_parent, tell_ready
from crmsh_py.node.log import LogSettings, NodeLog
from crmsh_py.node.loop import FAILED, NodeLoop
from crmsh_py.node.ports import Report
from crmsh_py.node.remote_links import RemoteServer
from crmsh_py.node.watchdog import WatchdogPipe
from crmsh_py.wire.control import Revision, StopDaemon
from crmsh_py.wire.paths import public_socket
from crmsh_py.wire.settings import NodeSettings


class _NoRing:
    """Implements ``ports.Transport``: there is no ring."""

    def send(self, destination: str, data: bytes, ring: int = 0) -> None:
        """Nobody is there."""

    def facts(self) -> tuple[LinkFacts, ...]:
        """No networks."""
        return ()

    def close(self) -> None:
        """Nothing is open."""


class _NoDisk:
    """Implements ``ports.Disk``: nothing has to last."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def submit(self, token: int, writes: Sequence[StoreWrite]) -> None:
        """It is as good as written."""
        self._report(Persisted(token=token))

    def read_revisions(
        self, limit: int, answer: Callable[[list[Revision] | CrmError], None]
    ) -> None:
        """None."""
        answer(CrmError("a remote node stores no revisions"))

    def read_revision(
        self, admin_epoch: int, epoch: int, answer: Callable[[str | CrmError], None]
    ) -> None:
        """None."""
        answer(CrmError("a remote node stores no revisions"))

    def close(self) -> None:
        """Nothing is open."""


async def run(settings: NodeSettings) -> int:
    """Run a remote node until it stops; return the exit code.

    Raises:
        CrmError: it cannot start.
    """
    make_parent(settings.log)
    log = NodeLog(LogSettings(files=(settings.log,), stderr=False, timestamp=True))
    try:
        return await _Daemon(settings, log).run()
    except CrmError as error:
        log("error", "MAIN", error.format_message())
        raise
    finally:
        log.close()


class _Daemon:
    """The parts of one run."""

    def __init__(self, settings: NodeSettings, log: NodeLog) -> None:
        self._settings = settings
        self._log = log
        self._node: NodeLoop | None = None
        self._asked = False

    async def run(self) -> int:
        settings, log = self._settings, self._log
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as parts:
            agents = make_agents(settings, self._report, log)
            parts.callback(agents.close)
            clients = ControlServer(
                settings.control_socket,
                report=self._report,
                log=log,
                public=public_socket(settings.node) if settings.isolated else "",
            )
            server = RemoteServer(
                key=settings.remote_key,
                address=settings.address,
                port=settings.remote_port,
                report=self._report,
                log=log,
            )
            parts.callback(server.close_all)
            self._node = NodeLoop(
                RemoteCore(settings.node, time.time() - time.monotonic()),
                transport=_NoRing(),
                disk=_NoDisk(self._report),
                agents=agents,
                clients=clients,
                log=log,
                remotes=server,
                watchdog=WatchdogPipe.of_environment(os.environ),
                read_conf=lambda ticket: ConfRead(
                    ticket=ticket, path="", error="a remote node has no corosync.conf"
                ),
                use_conf=lambda _: None,
            )
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._signalled, number)
            self._report(Started(manager=True))
            await server.listen()
            await clients.open()
            log("notice", "MAIN", f"{settings.node} waits for the cluster: it is a remote node")
            tell_ready()
            code = await self._node.stopped
            await clients.close()
        log("notice", "MAIN", f"Remote node {settings.node} has stopped")
        return code

    def _report(self, event: Event) -> None:
        if self._node is not None:
            self._node.report(event)

    def _signalled(self, number: signal.Signals) -> None:
        assert self._node is not None
        if self._asked:
            self._log("warning", "MAIN", f"{number.name} again: stopping at once")
            self._node.stop(FAILED)
            return
        self._asked = True
        self._log("notice", "MAIN", f"{number.name}: stopping in an orderly way")
        self._report(RequestReceived(ticket=OWN_TICKET, request=StopDaemon(), client="signal"))
