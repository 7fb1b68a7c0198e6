"""A test's cluster for real: a lab of its own, with real agents, that is destroyed in the end.

Events are the commands that a person would type. Time cannot be hurried, and a resource is taken
for failed as such, not by an operation of its agent: tests with these say so. Remote nodes and
guests that the configuration of the file names are hosts of the lab (``lab_hosts``).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from crmsh_py.agents.catalogue import Catalogue
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.pairs import find_node
from crmsh_py.clusters.port import Cluster
from crmsh_py.errors import NoQuorum, TimedOut, UsageError
from crmsh_py.lab.client import Lab
from crmsh_py.scheduler.explain import why
from crmsh_py.scheduler.result import Change, ClusterStatus, ResourceChange
from crmsh_py.scheduler.status import cluster_status
from crmsh_py.shell import events
from crmsh_py.shell.crmtest import Configuration, Configure, TestFile, TimePasses, take
from crmsh_py.shell.crmtest_check import Seen
from crmsh_py.shell.events import Event
from crmsh_py.shell.lab_hosts import Hosts, for_lab, hosts_of
from crmsh_py.shell.session import Session
from crmsh_py.tools.common import commit, local_now
from crmsh_py.views.mon_facts import primitives
from crmsh_py.views.resource_status import failing

SETTLE_S = 120.0  # how long a cluster may take to answer an event
NOTICE_S = 30.0  # how long the others may take to notice that a node has gone or come
AGAIN_S = 0.2  # between two attempts to commit
CLIENT = "crm test"


class RealLab:
    """One test's lab; ``end`` destroys it."""

    def __init__(self, file: TestFile, session: Session, number: int) -> None:
        environ = {**session.environ, "CRM_LAB": f"crmtest-{os.getpid()}-{number}"}
        self._lab = Lab(environ=environ)
        self._session = Session(session.options, session.console, environ=environ)
        self._before: Seen | None = None
        self._killed = ""  # the node that the last event took the power from
        self._members = file.nodes
        self._off: set[str] = set()  # nodes that events have taken away
        self._hosts = _hosts(file, session.catalogue)
        if number == 1:  # once for all tests
            for sentence in self._hosts.left_out:
                session.console.warning(f"not on a lab: {sentence}")
        self._lab.create(nodes=file.nodes, remotes=self._hosts.remotes, guests=self._hosts.guests)
        try:
            self._lab.start()
            for configuration in file.configurations:
                self._load(configuration)
            self._settle()
        except BaseException:
            self.end()
            raise

    def happen(self, step: Event | TimePasses | Configure) -> None:
        """Do it, and wait until the cluster has answered. Raises CrmError kinds."""
        self._before, self._killed = self._seen(), ""
        if isinstance(step, TimePasses):
            raise UsageError("time cannot be hurried on a lab", hint="leave out --lab")
        if isinstance(step, Configure):
            self._load(Configuration(step.text, ""))
        else:
            self._event(step)
        self._settle()

    def look(self) -> Seen:
        """The cluster as it is now, with what has changed since the last event."""
        seen = self._seen()
        changes = _changes(self._before, seen) if self._before else []
        for node in seen.status.nodes:
            # It was lost, and it is known to be off: somebody has made sure of it.
            known_off = not node.online and not node.unclean
            if node.name == self._killed and known_off and seen.status.fencing_enabled:
                changes.append(ResourceChange(change=Change.FENCE, resource=node.name))
        return Seen(seen.cib, seen.status, tuple(changes))

    def explain(self, resource: str) -> list[str]:
        """Why a resource is where it is."""
        return why(self._session.cluster.read_cib(), resource, now=local_now())

    def end(self) -> None:
        """Destroy the lab."""
        self._lab.destroy()

    # ---- what events are on a lab ----------------------------------------------------------------

    def _event(self, event: Event) -> None:
        if event.subject == "node" and event.verb in {"kill", "leave", "return"}:
            self._power(event)
        elif event.verb == "fail":
            self._fail(event)
        elif event.subject == "ticket":
            granted = {"grant": "true", "revoke": "false"}.get(event.verb)
            name = "granted" if granted else "standby"
            value = granted or ("true" if event.verb == "standby" else "false")
            self._session.cluster.set_ticket(event.name, {name: value})
        elif event.verb == "attribute":
            name, *given = event.detail
            self._session.cluster.set_attribute(event.name, name, given[0] if given else None)
        else:
            self._commit(lambda cib: events.after(cib, event, local_now()))

    def _fail(self, event: Event) -> None:
        task, node = events.failing(event)
        if task not in ("monitor", ""):
            raise UsageError(
                f"{task} cannot be made to fail on a lab", hint=f"resource fail {event.name}"
            )
        seen = self._seen()
        self._session.cluster.fail_resource(*failing(seen.cib, seen.status, event.name, node))

    def _power(self, event: Event) -> None:
        find_node(self._session.cluster.read_cib(), event.name)
        if event.verb == "return":
            self._off.discard(event.name)
            if event.name not in self._hosts.guests:  # which their machines bring back
                self._lab.start([event.name])
        else:
            self._off.add(event.name)
            if event.verb == "kill":
                self._lab.kill([event.name])
                self._killed = event.name
            else:
                self._lab.stop([event.name])
            self._session.follow_node()
        deadline = time.monotonic() + NOTICE_S
        while time.monotonic() < deadline:  # until the others have noticed
            node = next(n for n in self._seen().status.nodes if n.name == event.name)
            if node.online is (event.verb == "return"):
                return
            time.sleep(0.1)
        raise TimedOut(f"the cluster has not noticed {event} in {NOTICE_S:g} s")

    def _load(self, configuration: Configuration) -> None:
        self._commit(
            lambda cib: for_lab(take(cib, configuration, self._session.catalogue), self._hosts)
        )

    def _commit(self, change: Callable[[Cib], Cib]) -> None:
        off = len(self._off.intersection(self._members))
        most_have_power = 2 * off < len(self._members)
        patience_s = NOTICE_S if most_have_power else 0.0
        commit_when_quorate(self._session.cluster, change, patience_s=patience_s)

    def _settle(self) -> None:
        self._session.cluster.wait_idle(timeout_s=SETTLE_S)

    def _seen(self) -> Seen:
        cib = self._session.cluster.read_cib()
        return Seen(cib, cluster_status(cib, now=local_now()))


def commit_when_quorate(
    cluster: Cluster, change: Callable[[Cib], Cib], *, patience_s: float
) -> None:
    """Commit what a change makes of the configuration, as soon as there is a quorum.

    On a machine with too much to do a ring may break and be formed again a moment later, which no
    test means. Raises NoQuorum when it stays away.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            commit(cluster, change, client=CLIENT)
        except NoQuorum:
            if time.monotonic() >= deadline:
                raise
            time.sleep(AGAIN_S)
        else:
            return


def _hosts(file: TestFile, catalogue: Catalogue) -> Hosts:
    """What the configuration names."""
    cib = Cib.new().with_section("nodes", _members(file.nodes))
    for configuration in file.configurations:
        cib = take(cib, configuration, catalogue)
    return hosts_of(cib, file.nodes)


def _members(names: tuple[str, ...]) -> Element:
    numbered = enumerate(names, start=1)
    nodes = (Element("node", {"id": str(number), "uname": name}) for number, name in numbered)
    return Element("nodes", {}, tuple(nodes))


# ---- what has changed between two looks ----------------------------------------------------------


def _changes(before: Seen, after: Seen) -> list[ResourceChange]:
    """Moves and restarts, as they can be told from where resources are and when they started."""
    were, are = _homes(before.status), _homes(after.status)
    found = []
    for name, nodes in are.items():
        left = [node for node in were.get(name, ()) if node not in nodes]
        come = [node for node in nodes if node not in were.get(name, ())]
        for old, new in zip(left, come, strict=False):
            found.append(
                ResourceChange(change=Change.MOVE, resource=name, from_node=old, to_node=new)
            )
        for node in nodes:
            started = _started(after.cib, name, node)
            if node in were.get(name, ()) and started != _started(before.cib, name, node):
                found.append(
                    ResourceChange(
                        change=Change.RESTART, resource=name, from_node=node, to_node=node
                    )
                )
    return found


def _homes(status: ClusterStatus) -> dict[str, tuple[str, ...]]:
    return {part.id: part.nodes for part in primitives(status.resources)}


def _started(cib: Cib, resource: str, node: str) -> str:
    """The key of the transition that started a resource on a node; '' for none."""
    for state in cib.status.findall("node_state"):
        if state.get("uname") != node:
            continue
        for history in state.iter("lrm_resource"):
            if history.id.partition(":")[0] == resource.partition(":")[0]:
                return _start_key(history)
    return ""


def _start_key(history: Element) -> str:
    for entry in history.findall("lrm_rsc_op"):
        if entry.get("operation") == "start":
            return entry.get("transition-key")
    return ""
