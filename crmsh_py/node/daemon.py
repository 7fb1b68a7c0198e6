"""One node, put together: settings in, a running daemon, an exit code out.

Order at the start: log, settings and key, store (what the node knew), network, control socket,
then ``Started`` to the core (see ``life``). The exit code is 0 after a stop that was asked for, 1
when the node could not go on: then whoever runs the node must take all of it down, as a watchdog
does with a machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import resource
import secrets
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import NoReturn

import msgspec

from crmsh_py import corosync_conf
from crmsh_py.corosync_conf import CorosyncConf
from crmsh_py.engine.api import ConfRead, StoredState
from crmsh_py.errors import ConfigError, CrmError
from crmsh_py.node.disk import DiskThread
from crmsh_py.node.faults import Faults, FaultyDisk, FaultyTransport
from crmsh_py.node.keys import checked_key, read_key
from crmsh_py.node.life import Life, make_agents, make_clients, make_parent
from crmsh_py.node.log import LogSettings, NodeLog
from crmsh_py.node.loop import NodeLoop
from crmsh_py.node.ports import Agents, Core, LogLine, Report
from crmsh_py.node.remote_links import RemoteClient
from crmsh_py.node.replay import replay
from crmsh_py.node.seal import Suite, choose_suite
from crmsh_py.node.sessions import Sessions
from crmsh_py.node.store import Store
from crmsh_py.node.transport import Links, Network, UdpLink
from crmsh_py.node.watchdog import WatchdogPipe
from crmsh_py.wire import settings as node_settings
from crmsh_py.wire.settings import NodeSettings

DESCRIPTORS = 8192  # that are open at the same time
MAX_SETTINGS = 1024 * 1024  # bytes of a settings file


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """All that a core is made from."""

    settings: NodeSettings
    conf: CorosyncConf
    stored: StoredState
    wall_offset: float
    seed: int


MakeCore = Callable[[Beginning], Core]
MakeAgents = Callable[[NodeSettings, Report, LogLine], Agents]


def make_core(beginning: Beginning) -> Core:
    """The real core."""
    from crmsh_py.engine.core import NodeCore

    return NodeCore(
        beginning.settings,
        beginning.conf,
        beginning.stored,
        beginning.wall_offset,
        beginning.seed,
    )


def read_settings(path: str) -> NodeSettings:
    """Read a settings file; raises ConfigError when it is none."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_SETTINGS)
        return node_settings.load(data)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{path} are no settings of a node: {error}") from None


def read_conf(path: str) -> CorosyncConf:
    """Read a corosync.conf; raises ConfigError or SyntaxProblem with the line."""
    found = conf_read(path, 0)
    if found.error:
        raise ConfigError(found.error)
    return corosync_conf.parse(found.text, path)


def conf_read(path: str, ticket: int) -> ConfRead:
    """A corosync.conf for the core, which reads no files."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return ConfRead(ticket=ticket, path=path, text=file.read(corosync_conf.MAX_BYTES + 1))
    except OSError as error:
        return ConfRead(ticket=ticket, path=path, error=f"cannot read {path}: {error.strerror}")


def log_settings(settings: NodeSettings, conf: CorosyncConf) -> LogSettings:
    """Where the log goes and how it looks.

    Not into the file of corosync.conf where a node is a plain process: it would be the machine's.
    """
    logging = conf.logging
    files = [settings.log]
    if (
        settings.isolated
        and logging.to_logfile
        and logging.logfile
        and logging.logfile != settings.log
    ):
        files.append(logging.logfile)
    return LogSettings(
        files=tuple(files),
        stderr=logging.to_stderr,
        timestamp=logging.timestamp != "off",
        debug=logging.debug,
        debug_of=dict.fromkeys(logging.debug_subsystems, True),
    )


def networks_of(settings: NodeSettings, conf: CorosyncConf) -> list[Network]:
    """Where this node and the others are; multicast unless something says unicast."""
    rings = [(settings.address, settings.peers)]
    rings += [(ring.address, ring.peers) for ring in settings.more_rings]
    multicast = settings.multicast and conf.totem.transport == "udp"
    by_number = {each.ringnumber: each for each in conf.interfaces}
    found = []
    for number, (address, peers) in enumerate(rings):
        interface = by_number.get(number) or corosync_conf.InterfaceSettings()
        found.append(
            Network(
                number=number,
                address=address,
                port=interface.mcastport,
                peers=tuple(peers),
                group=interface.mcastaddr if multicast else "",
                ttl=interface.ttl,
            )
        )
    return found


def secret_of(settings: NodeSettings, conf: CorosyncConf) -> bytes:
    """The shared key: of ``keyfile``, else ``key`` in the file, else the lab's own authkey.

    Plain processes have the lab's: paths of the file would be the machine's.

    Raises:
        CrmError: it cannot be read, or others may.
    """
    totem = conf.totem
    if settings.isolated and totem.keyfile:
        return read_key(totem.keyfile)
    if totem.key and not totem.keyfile:
        return checked_key(totem.key.encode(), f"of {conf.origin}")
    return read_key(settings.key)


def remote_address(settings: NodeSettings, server: str) -> str:
    """Where a remote node listens: as the configuration says, in the node's own network.

    Plain processes have loopback addresses in place of the lab's, and no /etc/hosts of their own.
    """
    if settings.isolated:
        return server
    first, dot, rest = server.partition(".")
    if dot and first.isdigit():
        return f"127.{rest}"
    return settings.hosts.get(server, server)


async def run(
    settings: NodeSettings,
    *,
    make_core: MakeCore = make_core,
    make_agents: MakeAgents = make_agents,
) -> int:
    """Run a node until it stops; return the exit code.

    Raises:
        CrmError: it cannot start.
    """
    conf = read_conf(settings.corosync_conf)
    make_parent(settings.log)
    make_parent(settings.store, private=True)
    log = NodeLog(log_settings(settings, conf))
    try:
        return await _Daemon(settings, conf, log).run(make_core, make_agents)
    except CrmError as error:
        log("error", "MAIN", error.format_message())
        raise
    finally:
        log.close()


class _Daemon:
    """The parts of one run."""

    def __init__(self, settings: NodeSettings, conf: CorosyncConf, log: NodeLog) -> None:
        self._settings = settings
        self._conf = conf
        self._log = log
        self._life = Life(log)

    async def run(self, make_core: MakeCore, make_agents: MakeAgents) -> int:
        settings, conf, log = self._settings, self._conf, self._log
        report = self._life.report
        for warning in conf.warnings:
            log("warning", "MAIN", warning.render())
        suite = choose_suite(conf.totem)
        secret = secret_of(settings, conf)
        if suite.cipher != "none":
            log("notice", "TOTEM", f"Datagrams are encrypted by {suite.cipher}, {suite.digest}")
        loop = asyncio.get_running_loop()
        store = Store(settings.store, replay)

        def call_on_loop(function: Callable[[], None]) -> None:
            loop.call_soon_threadsafe(function)

        disk = DiskThread(store, report=report, log=log, call_on_loop=call_on_loop)
        with contextlib.ExitStack() as parts:
            stored = disk.start()
            parts.callback(disk.close)
            transport = self._links(secret, suite)
            parts.callback(transport.close)
            transport.open()
            agents = make_agents(settings, report, log)
            parts.callback(agents.close)
            clients = make_clients(settings, report, log)
            remotes = RemoteClient(
                key=settings.remote_key,
                suite=suite,
                report=report,
                address_of=lambda server: remote_address(settings, server),
            )
            parts.callback(remotes.close_all)
            core = make_core(
                Beginning(
                    settings=settings,
                    conf=conf,
                    stored=stored,
                    wall_offset=time.time() - time.monotonic(),
                    seed=random.SystemRandom().getrandbits(64),
                )
            )
            faults = Faults()
            node = NodeLoop(
                core,
                transport=FaultyTransport(transport, faults, chance=random.SystemRandom()),
                disk=FaultyDisk(disk, faults, report),
                agents=agents,
                clients=clients,
                log=log,
                remotes=remotes,
                watchdog=WatchdogPipe.of_environment(os.environ),
                read_conf=lambda ticket: conf_read(settings.corosync_conf, ticket),
                use_conf=lambda new: log.configure(log_settings(settings, new)),
                inject=faults.change,
            )
            self._life.begin(node, manager=settings.manager)
            code = await self._life.to_its_end(clients, agents)
        log("notice", "MAIN", f"Node {settings.node} has stopped")
        return code

    def _links(self, secret: bytes, suite: Suite) -> Links:
        return Links(
            [
                UdpLink(
                    network,
                    Sessions(secret, suite, network.address, random=secrets.token_bytes),
                    report=self._life.report,
                    log=self._log,
                )
                for network in networks_of(self._settings, self._conf)
            ]
        )


def _run_to_the_end(work: Coroutine[object, object, int]) -> NoReturn:
    """Run a node, and end the process with it.

    A thread that waits for a name server or an agent must not keep it for as long as that takes:
    others may count the node as off, and what its agents began ends with the process.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    code = loop.run_until_complete(work)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _allow_descriptors() -> None:
    """Let us have as many open files as clients and agents at work may take.

    A login's usual 1,024 are three hundred agents: what cannot be started after that has failed.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main(arguments: list[str] | None = None) -> int:
    """Run the node whose settings file is named; the entry of ``python -m crmsh_py.node``."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) != 1:
        print("usage: python -m crmsh_py.node SETTINGS.json", file=sys.stderr)
        return 2
    _allow_descriptors()
    try:
        settings = read_settings(arguments[0])
        if settings.remote:
            from crmsh_py.node import remote_daemon

            _run_to_the_end(remote_daemon.run(settings))
        _run_to_the_end(run(settings))
    except CrmError as error:
        print(f"ERROR: {error.format_message()}", file=sys.stderr)
        return error.exit_code
