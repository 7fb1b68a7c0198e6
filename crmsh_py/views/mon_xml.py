"""``crm_mon --output-as xml``: the whole state by Pacemaker's schema (``crm_mon.rng``).

Input: the CIB with its status, the ``ClusterStatus`` made from it, and ``now``. Output: an XML
document. As Pacemaker does, everything is in it, whatever sections the text would show; only the
resources that are not active at all depend on ``inactive``. Extensions of our own: ``standin``
on a resource that a stand-in runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.booleans import is_true
from crmsh_py.cib.durations import lenient_ms
from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import to_xml
from crmsh_py.scheduler.result import (
    ClusterStatus,
    FailedAction,
    NodeStatus,
    ResourceKind,
    ResourceStatus,
)
from crmsh_py.views import mon_facts, mon_filter, mon_history
from crmsh_py.views.bans import Ban, find_bans
from crmsh_py.views.fencing import history_element
from crmsh_py.views.mon_facts import MonOptions, is_active
from crmsh_py.views.result_xml import API_VERSION
from crmsh_py.views.text import (
    clock_text,
    exit_text,
    pending_flag,
    pending_state,
    status_text,
    unix_clock_text,
    unix_moment,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.views.mon_filter import Chosen
    from crmsh_py.wire.fencing import FencingRecord

_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
_IN_UTC = datetime(1970, 1, 1, tzinfo=UTC)


def render(
    cib: Cib,
    status: ClusterStatus,
    *,
    now: datetime,
    options: MonOptions | None = None,
    fencing: Sequence[FencingRecord] = (),
    version: str = "",
) -> str:
    """The document as text, with an XML declaration.

    With a ``version``, of crm_mon, it has the frame of ``--as-xml``, which older programs read.
    """
    made = document(cib, status, now=now, options=options, fencing=fencing)
    if version:
        sections = tuple(part for part in made.children if part.tag != "status")
        made = Element("crm_mon", {"version": version}, sections)
    return to_xml(made, declaration=True)


def document(
    cib: Cib,
    status: ClusterStatus,
    *,
    now: datetime,
    options: MonOptions | None = None,
    fencing: Sequence[FencingRecord] = (),
) -> Element:
    """The document as a value; ``fencing`` is what has been fenced, the oldest first."""
    options = options or MonOptions()
    chosen = mon_filter.choose(cib, status, options)
    status = chosen.status
    facts = _Facts(cib, chosen, options)
    shows = options.shows
    children = _summary(cib, status, now, options)
    if shows("nodes"):
        children.append(Element("nodes", {}, tuple(facts.node(node) for node in chosen.nodes)))
    if shows("resources"):
        children += facts.resources_section()
    if shows("attributes"):
        children += _section("node_attributes", _attributes(cib, chosen))
    if shows("operations") or shows("failcounts"):
        children += _history(cib, chosen, now)
    if shows("failures"):
        children += _section("failures", (_failure(cib, entry) for entry in chosen.failures()))
    if fencing:
        children.append(history_element(fencing, now=now))
    if shows("tickets"):
        children += _section("tickets", (_ticket(ticket, now) for ticket in mon_facts.tickets(cib)))
    if shows("bans"):
        found = find_bans(cib, status, now=now, prefix=options.bans or "")
        children += _section("bans", map(_ban, chosen.bans(found)))
    children.append(Element("status", {"code": "0", "message": "OK"}))
    head = {"api-version": API_VERSION, "request": options.request}
    return Element("pacemaker-result", head, tuple(children))


def nodes_and_resources(cib: Cib, status: ClusterStatus) -> tuple[Element, Element]:
    """The two sections that ``crm_simulate`` shows as well; all resources, active or not."""
    options = MonOptions(inactive=True)
    chosen = mon_filter.choose(cib, status, options)
    facts = _Facts(cib, chosen, options)
    nodes = Element("nodes", {}, tuple(facts.node(node) for node in chosen.nodes))
    return nodes, Element("resources", {}, tuple(facts.resources()))


def resource(cib: Cib, status: ClusterStatus, wanted: ResourceStatus) -> Element:
    """One resource of ``status`` with its parts."""
    chosen = mon_filter.choose(cib, status, MonOptions())
    return _Facts(cib, chosen, MonOptions(inactive=True)).resource(
        mon_filter.as_called(status, chosen, wanted)
    )


def _yes(value: bool) -> str:
    return "true" if value else "false"


def _section(tag: str, children: Iterable[Element]) -> list[Element]:
    found = tuple(children)
    return [Element(tag, {}, found)] if found else []


# ---- summary -----------------------------------------------------------------------------------


def _summary(cib: Cib, status: ClusterStatus, now: datetime, options: MonOptions) -> list[Element]:
    change, live_on = mon_facts.last_change(cib), options.live_on
    dc = {"present": "false"}
    if status.dc:
        dc = {
            "present": "true",
            "version": status.dc_version,
            "name": status.dc,
            "id": status.dc_id,
            "with_quorum": _yes(status.quorate),
            "mixed_version": "false",
        }
    counts = {
        "number": str(status.primitives_configured),
        "disabled": str(status.disabled),
        "blocked": str(status.blocked),
    }
    last = {
        "time": change.time,
        "user": change.user,
        "client": change.client,
        "origin": change.origin,
    }
    running = {"pacemakerd-state": "running"} if live_on else {}
    told_by = {"origin": live_on} if live_on else {}
    parts = (
        ("stack", Element("stack", {"type": status.stack or "unknown", **running})),
        ("dc", Element("current_dc", dc)),
        ("times", Element("last_update", {"time": clock_text(now), **told_by})),
        ("times", Element("last_change", last)),
        ("counts", Element("nodes_configured", {"number": str(len(status.nodes))})),
        ("counts", Element("resources_configured", counts)),
        ("options", Element("cluster_options", _cluster_options(cib.properties(), status))),
    )
    return _section("summary", (part for name, part in parts if options.shows(name)))


def _cluster_options(properties: Mapping[str, str], status: ClusterStatus) -> dict[str, str]:
    fencing = _yes(status.fencing_enabled)
    timeout = lenient_ms(
        properties.get("fencing-timeout", properties.get("stonith-timeout", "")), 60_000
    )
    delay = lenient_ms(properties.get("priority-fencing-delay", ""), 0)
    symmetric = properties.get("symmetric-cluster", "true")
    return {
        "fencing-enabled": fencing,
        "fencing-timeout-ms": str(timeout),
        "symmetric-cluster": _yes(is_true(symmetric)),
        "no-quorum-policy": status.no_quorum_policy,
        "maintenance-mode": _yes(status.maintenance_mode),
        "stop-all-resources": _yes(status.stop_all),
        "priority-fencing-delay-ms": str(delay),
        "stonith-enabled": fencing,
        "stonith-timeout-ms": str(timeout),
    }


# ---- nodes and resources -----------------------------------------------------------------------


class _Facts:
    """Nodes and resources as elements; what they need of each other."""

    def __init__(self, cib: Cib, chosen: Chosen, options: MonOptions) -> None:
        status = chosen.status
        self._cib = cib
        self._status = status
        self._chosen = chosen
        self._options = options
        self._away = mon_facts.away(status)
        self._nodes = {node.name: node for node in status.nodes}

    def node(self, node: NodeStatus) -> Element:
        running = sum(
            node.name in primitive.nodes
            for primitive in mon_facts.primitives(self._status.resources)
        )
        attrs = {
            "name": node.name,
            "id": node.id,
            "online": _yes(node.online),
            "standby": _yes(node.standby),
            "standby_onfail": _yes(node.standby_on_fail),
            "maintenance": _yes(node.maintenance),
            "pending": _yes(node.pending),
            "unclean": _yes(node.unclean),
            "health": node.health,
        }
        if feature_set := mon_facts.feature_set(node):
            attrs["feature_set"] = feature_set
        attrs |= {
            "shutdown": _yes(node.shutdown),
            "expected_up": _yes(node.expected_up),
            "is_dc": _yes(node.is_dc),
            "resources_running": str(running),
            "type": "member" if node.kind == "member" else "remote",
        }
        if node.kind == "guest" and node.container:
            attrs["id_as_resource"] = node.container
        here = self._chosen.running_on(node) if self._options.by_node else ()
        return Element("node", attrs, tuple(self._described(self.primitive(r), r) for r in here))

    def resources_section(self) -> list[Element]:
        """The section; by node, it is left out where nothing remains to be told in it."""
        found = tuple(self.resources())
        return [Element("resources", {}, found)] if found or not self._options.by_node else []

    def resources(self) -> Iterable[Element]:
        """The resources to list; by node, those that are not wholly active."""
        for resource in self._chosen.resources:
            active = is_active(resource, wholly=False, away=self._away)
            whole = is_active(self._chosen.whole(resource), wholly=True, away=self._away)
            if resource.orphan and not whole:
                continue
            if self._options.by_node:
                if self._options.inactive and not whole:
                    yield self.resource(resource)
            elif active or self._options.inactive:
                yield self.resource(resource)

    def resource(self, resource: ResourceStatus) -> Element:
        element = self._resource(resource)
        return self._described(element, resource) if self._options.descriptions else element

    def _described(self, element: Element, resource: ResourceStatus) -> Element:
        """With its description, which is always told of a primitive inside of its node."""
        configured = self._cib.find_id(resource.id.partition(":")[0])
        description = configured.get("description") if configured is not None else ""
        return element.with_attributes({"description": description}) if description else element

    def _resource(self, resource: ResourceStatus) -> Element:
        if resource.kind is ResourceKind.PRIMITIVE:
            return self.primitive(resource)
        children = tuple(
            self.resource(child) for child in resource.children if self._shown(child, resource)
        )
        if resource.kind is ResourceKind.BUNDLE:
            return self._bundle(resource, children)
        if resource.kind is ResourceKind.REPLICA:
            return Element("replica", {"id": resource.id}, children)
        common = {
            "maintenance": _yes(resource.maintenance),
            "managed": _yes(resource.managed),
            "disabled": _yes(mon_facts.is_disabled(resource)),
        }
        if resource.kind is ResourceKind.GROUP:
            number = len(children)
            configured = self._cib.find_id(resource.id.partition(":")[0])
            if self._chosen.names is not None and configured is not None:
                number = len(configured.findall("primitive"))  # with those not asked for
            count = {"number_resources": str(number)}
            return Element("group", {"id": resource.id, **count, **common}, children)
        attrs = {
            "id": resource.id,
            "multi_state": _yes(resource.kind is ResourceKind.PROMOTABLE),
            "unique": _yes(resource.unique),
            **common,
            "failed": _yes(resource.failed),
            "failure_ignored": _yes(resource.failure_ignored),
        }
        if role := mon_facts.target_role(resource):
            attrs["target_role"] = role
        return Element("clone", attrs, children)

    def _shown(self, child: ResourceStatus, parent: ResourceStatus) -> bool:
        if self._options.inactive or parent.kind in (ResourceKind.BUNDLE, ResourceKind.REPLICA):
            return True
        return is_active(child, wholly=False, away=self._away)

    def _bundle(self, bundle: ResourceStatus, children: tuple[Element, ...]) -> Element:
        kind = image = ""
        configured = self._cib.find_id(bundle.id)
        for child in configured.findall() if configured is not None else ():
            if child.get("image"):
                kind, image = child.tag, child.get("image")
        attrs = {
            "id": bundle.id,
            "type": kind,
            "image": image,
            "unique": _yes(bundle.unique),
            "maintenance": _yes(bundle.maintenance),
            "managed": _yes(bundle.managed),
            "failed": _yes(bundle.failed),
        }
        return Element("bundle", attrs, children)

    def primitive(self, resource: ResourceStatus) -> Element:
        attrs = {
            "id": resource.id,
            "resource_agent": _agent(resource.agent),
            "role": pending_state(resource.pending_task) or resource.role.value,
        }
        if resource.target_role:
            attrs["target_role"] = resource.target_role
        active = is_active(resource, wholly=True, away=self._away)
        attrs |= {
            "active": _yes(active),
            "orphaned": _yes(resource.orphan),
            "removed": _yes(resource.orphan),
            "blocked": _yes(resource.blocked),
            "maintenance": _yes(resource.maintenance),
            "managed": _yes(resource.managed),
            "failed": _yes(resource.failed),
            "failure_ignored": _yes(resource.failure_ignored),
            "nodes_running_on": str(len(resource.nodes)),
        }
        if resource.locked_to:
            attrs["locked_to"] = resource.locked_to
        if pending_flag(resource.pending_task):
            attrs["pending"] = pending_flag(resource.pending_task)
        if resource.standin:
            attrs["standin"] = "true"
        places = tuple(
            Element("node", {"name": name, "id": self._id_of(name), "cached": self._cached(name)})
            for name in resource.nodes
        )
        return Element("resource", attrs, places)

    def _id_of(self, name: str) -> str:
        node = self._nodes.get(name)
        return node.id if node else name

    def _cached(self, name: str) -> str:
        node = self._nodes.get(name)
        return _yes(node is not None and node.online)


def _agent(agent: AgentSpec | None) -> str:
    return str(agent) if agent is not None else ""


# ---- the rest ----------------------------------------------------------------------------------


def _attributes(cib: Cib, chosen: Chosen) -> Iterable[Element]:
    for node in chosen.nodes:
        shown = mon_facts.shown_attributes(node)
        if not node.online or not shown:
            continue
        expected = mon_facts.expected_scores(cib, chosen.status, node)
        attributes = []
        for name, value in shown:
            attrs = {"name": name, "value": value}
            if name in expected:
                attrs["expected"] = str(expected[name])
            attributes.append(Element("attribute", attrs))
        yield Element("node", {"name": node.name}, tuple(attributes))


def _history(cib: Cib, chosen: Chosen, now: datetime) -> list[Element]:
    nodes = chosen.histories(mon_history.histories(cib, chosen.status))
    shown = tuple(
        Element("node", {"name": node.node}, entries)
        for node in nodes
        if (entries := tuple(_resource_history(e, now) for e in node.resources if e.operations))
    )
    return [Element("node_history", {}, shown)] if nodes else []


def _resource_history(entry: mon_history.ResourceHistory, now: datetime) -> Element:
    attrs = {
        "id": entry.resource,
        "orphan": _yes(entry.orphan),
        "removed": _yes(entry.orphan),
        "migration-threshold": str(entry.migration_threshold),
    }
    if entry.fail_count:
        attrs["fail-count"] = str(entry.fail_count)
    if entry.last_failure:
        attrs["last-failure"] = unix_clock_text(entry.last_failure, now)
    operations = []
    for record in entry.operations:
        values = {
            "call": str(record.call),
            "task": record.task,
            "rc": str(record.rc),
            "rc_text": exit_text(record.rc),
        }
        if record.interval_ms:
            values["interval"] = f"{record.interval_ms}ms"
        if record.last_change:
            values["last-rc-change"] = unix_clock_text(record.last_change, now)
        if record.exec_ms:
            values["exec-time"] = f"{record.exec_ms}ms"
        if record.queue_ms:
            values["queue-time"] = f"{record.queue_ms}ms"
        operations.append(Element("operation_history", values))
    return Element("resource_history", attrs, tuple(operations))


def _failure(cib: Cib, entry: FailedAction) -> Element:
    original = mon_facts.recorded_failure(cib, entry)
    has_key = original is None or "operation_key" in original.attrs
    has_reason = original is not None and "exit-reason" in original.attrs
    attrs = {
        "op_key" if has_key else "id": entry.key,
        "node": entry.node,
        "exitstatus": exit_text(entry.rc),
        # Pacemaker escapes it twice, and its readers know.
        "exitreason": entry.exit_reason.translate(_ESCAPED) or ("" if has_reason else "none"),
        "exitcode": str(entry.rc),
        "call": str(entry.call_id),
        "status": status_text(entry.status),
    }
    if entry.last_change:
        timed = original is None or "exec-time" in original.attrs
        times = {"queued": str(entry.queued_ms), "exec": str(entry.exec_ms)} if timed else {}
        moment = unix_moment(entry.last_change, _IN_UTC)
        attrs |= {
            "last-rc-change": f"{moment:%Y-%m-%d %H:%M:%SZ}" if moment is not None else "",
            **times,
            "interval": str(entry.interval_ms),
            "task": entry.operation,
        }
    return Element("failure", attrs)


def _ticket(ticket: mon_facts.Ticket, now: datetime) -> Element:
    attrs = {
        "id": ticket.id,
        "status": "granted" if ticket.granted else "revoked",
        "standby": _yes(ticket.standby),
    }
    if ticket.last_granted:
        attrs["last-granted"] = unix_clock_text(ticket.last_granted, now)
    if ticket.granted_attribute is not None:
        attrs["granted"] = ticket.granted_attribute
    return Element("ticket", attrs)


def _ban(ban: Ban) -> Element:
    promoted = _yes(ban.promoted_only)
    return Element(
        "ban",
        {
            "id": ban.id,
            "resource": ban.resource,
            "node": ban.node,
            "weight": str(ban.score),
            "promoted-only": promoted,
            "master_only": promoted,
        },
    )
