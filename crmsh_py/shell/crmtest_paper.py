"""A test's cluster on paper: all agents succeed, every action is done at once, time is a number.

Nodes begin online and without resources. More than half of them have to be online for quorum (of
two, one is enough). What happens is answered by the scheduler until the cluster has settled.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from crmsh_py.agents.catalogue import Catalogue
from crmsh_py.cib.dates import parse_datetime
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.errors import CrmError, UsageError
from crmsh_py.scheduler.explain import why
from crmsh_py.scheduler.result import ResourceChange
from crmsh_py.scheduler.settling import settle
from crmsh_py.scheduler.status import cluster_status
from crmsh_py.shell import events
from crmsh_py.shell.crmtest import Configuration, Configure, TestFile, TimePasses, take
from crmsh_py.shell.crmtest_check import Seen
from crmsh_py.shell.events import Event

BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Paper:
    """One test's cluster. ``changes`` are what was done since the last event."""

    def __init__(self, file: TestFile, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._now = BEGIN
        self._cib = _empty(file.nodes)
        for configuration in file.configurations:
            self._load(configuration)
        self._changes: tuple[ResourceChange, ...] = ()
        self._settle()

    def happen(self, step: Event | TimePasses | Configure) -> None:
        """Let something happen, and the cluster answer it. Raises CrmError kinds."""
        if isinstance(step, Event):
            self._cib = events.after(self._cib, step, self._now)
        elif isinstance(step, Configure):
            self._load(Configuration(step.text, ""))
        elif step.until:
            self._now = parse_datetime(step.until)
        else:
            try:
                self._now += timedelta(milliseconds=step.milliseconds)
            except OverflowError:
                raise UsageError("no calendar goes that far", hint="time 10min") from None
        self._settle()

    def look(self) -> Seen:
        """The cluster as it is now."""
        return Seen(self._cib, cluster_status(self._cib, now=self._now), self._changes)

    def explain(self, resource: str) -> list[str]:
        """Why a resource is where it is."""
        return why(self._cib, resource, now=self._now)

    def end(self) -> None:
        """Nothing is left of it."""

    def _load(self, configuration: Configuration) -> None:
        self._cib = take(self._cib, configuration, self._catalogue)

    def _settle(self) -> None:
        settled = settle(self._cib, self._now)
        if not settled.complete:
            raise CrmError("the cluster does not settle: its plans lead to new plans for ever")
        self._cib, self._changes = settled.cib, settled.changes


def _empty(nodes: tuple[str, ...]) -> Cib:
    """A new cluster whose nodes are all there."""
    up = {"in_ccm": "true", "crmd": "online", "join": "member", "expected": "member"}
    entries, states = [], []
    for number, name in enumerate(nodes, start=1):
        names = {"id": str(number), "uname": name}
        entries.append(Element("node", names))
        history = Element("lrm", {"id": str(number)}, (Element("lrm_resources"),))
        states.append(Element("node_state", {**names, **up}, (history,)))
    cib = Cib.new().with_attributes({"have-quorum": "1", "dc-uuid": "1"})
    section = cib.section("nodes").with_children(tuple(entries))
    return cib.with_section("nodes", section).with_status(Element("status", {}, tuple(states)))
