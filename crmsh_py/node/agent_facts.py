"""What the agents of this node say of their parameters: which need a restart, which are private.

An agent is asked (its ``meta-data`` action, or what was remembered of it) on a thread, once for
each version of its file. A stand-in cannot be reloaded, and an agent that gives no sensible answer
counts as one that cannot either: a restart is always right.

Facts: Pacemaker's ``controld_metadata.c`` and the Resource Agent API. An agent of OCF 1.1 reloads
by ``reload-agent``, and what it calls ``reloadable`` needs no restart; one of 1.0 reloads by
``reload``, and what it calls ``unique`` needs a restart. Where no parameter is called private,
those with the usual names of secrets are.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from crmsh_py.agents.cache import MetadataCache
from crmsh_py.agents.installed import InstalledAgents, Places
from crmsh_py.agents.metadata import AgentMetadata
from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.engine.api import AgentFacts
from crmsh_py.whole_numbers import is_number

MakeFacts = Callable[[AgentSpec], AgentFacts]
TIMEOUT_S = 2.0  # of meta-data; the end of the first start waits for it
_THREADS = 4
SECRETS = frozenset({"passwd", "password", "user"})


def facts_of(metadata: AgentMetadata) -> AgentFacts:
    """What the history needs of an agent's description."""
    names = tuple(parameter.name for parameter in metadata.parameters)
    private = tuple(p.name for p in metadata.parameters if p.private)
    private = private or tuple(name for name in names if name in SECRETS)
    reload = "reload-agent" if _is_modern(metadata.version) else "reload"
    if metadata.action(reload) is None:
        return AgentFacts(private=private)
    if reload == "reload-agent":
        restart = tuple(p.name for p in metadata.parameters if not p.reloadable)
    else:
        restart = tuple(p.name for p in metadata.parameters if p.unique_group)
    return AgentFacts(restart=restart, reload=reload, private=private)


def _is_modern(version: str) -> bool:
    """Whether a description follows version 1.1 of the OCF standard, or a later one."""
    parts = version.split(".")[:2]
    return all(map(is_number, parts)) and tuple(map(int, parts)) >= (1, 1)


def facts_of_machine(environ: Mapping[str, str]) -> MakeFacts:
    """Ask the agents of this machine; never raises."""
    agents = InstalledAgents(Places.of(environ), MetadataCache.of_user(environ), TIMEOUT_S)

    def make(spec: AgentSpec) -> AgentFacts:
        try:
            metadata = agents.metadata(spec)
        except Exception:  # whatever an agent answers, its operations go on
            return AgentFacts()
        return AgentFacts() if metadata is None else facts_of(metadata)

    return make


class FactsReader:
    """Asks each agent once. Use from the loop's thread."""

    def __init__(self, make: MakeFacts) -> None:
        self._make = make
        # Not the loop's own threads: those may all be waiting for a name server.
        self._threads = ThreadPoolExecutor(_THREADS, "facts")
        self._asked: dict[tuple[AgentSpec, int], asyncio.Future[AgentFacts]] = {}

    def ask(self, spec: AgentSpec, path: str) -> asyncio.Future[AgentFacts]:
        """The facts of the agent at ``path`` ('' for a stand-in), now or later."""
        loop = asyncio.get_running_loop()
        try:
            version = os.stat(path).st_mtime_ns if path else 0
        except OSError:
            version = 0
        if not version:
            nothing: asyncio.Future[AgentFacts] = loop.create_future()
            nothing.set_result(AgentFacts())
            return nothing
        if (spec, version) not in self._asked:
            self._asked[spec, version] = loop.run_in_executor(self._threads, self._make, spec)
        return self._asked[spec, version]
