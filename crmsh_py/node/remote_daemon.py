"""A remote node, put together: the executor, its agents, a port for the cluster.

As ``daemon``, without ring, CIB and disk: what it knows lasts as long as it runs, and whoever
connects is told it. Agents, control socket, signals and the line that says "ready" are the same.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence

from crmsh_py.engine.api import (
    ConfRead,
    LinkFacts,
    Persisted,
    StoreWrite,
)
from crmsh_py.engine.remote_core import RemoteCore
from crmsh_py.errors import CrmError
from crmsh_py.node.life import Life, make_agents, make_clients, make_parent
from crmsh_py.node.log import LogSettings, NodeLog
from crmsh_py.node.loop import NodeLoop
from crmsh_py.node.ports import Report
from crmsh_py.node.remote_links import RemoteServer
from crmsh_py.node.watchdog import WatchdogPipe
from crmsh_py.wire.control import Revision
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
        return await _run(settings, log)
    except CrmError as error:
        log("error", "MAIN", error.format_message())
        raise
    finally:
        log.close()


async def _run(settings: NodeSettings, log: NodeLog) -> int:
    life = Life(log)
    with contextlib.ExitStack() as parts:
        agents = make_agents(settings, life.report, log)
        parts.callback(agents.close)
        clients = make_clients(settings, life.report, log)
        server = RemoteServer(
            key=settings.remote_key,
            address=settings.address,
            port=settings.remote_port,
            report=life.report,
            log=log,
        )
        parts.callback(server.close_all)
        node = NodeLoop(
            RemoteCore(settings.node, time.time() - time.monotonic()),
            transport=_NoRing(),
            disk=_NoDisk(life.report),
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
        life.begin(node, manager=True)
        await server.listen()
        log("notice", "MAIN", f"{settings.node} waits for the cluster: it is a remote node")
        code = await life.to_its_end(clients, agents)
    log("notice", "MAIN", f"Remote node {settings.node} has stopped")
    return code
