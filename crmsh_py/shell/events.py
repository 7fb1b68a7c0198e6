"""What may happen to a cluster, as values: for ``crm plan EVENT`` and for test files.

An event is something that a person does (``node standby X``, ``resource move R X``) or that befalls
the cluster (``node kill X``, ``resource fail R``). ``after(cib, event, now)`` is the CIB as it is
right after the event, before the cluster has answered it; nothing is sent anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from crmsh_py.cib.agent_name import is_remote_connection
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.pairs import find_node
from crmsh_py.clusters import operations
from crmsh_py.clusters.operations import find_resource
from crmsh_py.errors import NotFound, UsageError, did_you_mean
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell.pretended import TICKET_STATES, Operation, Pretended
from crmsh_py.shell.resource_changes import require_promotable
from crmsh_py.shell.votes import Votes
from crmsh_py.value import frozen


@frozen
class Event:
    """Something that happens to a node, a resource or a ticket.

    ``detail`` are the words after the name: the node of a move, the operation that fails and where,
    the name and value of an attribute.
    """

    subject: str
    verb: str
    name: str
    detail: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join((self.subject, self.verb, self.name, *self.detail))


# What a cluster asks of agents without being told to.
OPERATIONS = frozenset({"start", "stop", "monitor", "probe", "promote", "demote", "notify",
                         "migrate_to", "migrate_from", "reload"})  # fmt: skip
_Change = Callable[[Cib, Event, datetime], Cib]


def _gone(state: str) -> _Change:
    return lambda cib, event, now: Pretended().node(cib, event.name, state, now).over(cib)


def _majority(cib: Cib) -> bool:
    """Whether more than half of the members are there; of two, one is enough."""
    members = [n.id for n in cib.section("nodes").findall("node") if n.get("type") != "remote"]
    there = [
        state
        for state in cib.status.findall("node_state")
        if state.id in members and state.get("in_ccm") not in ("", "0", "false")
    ]
    return len(there) * 2 > len(members) or (len(members) == 2 and len(there) == 1)


def _quorate(before: Cib, after: Cib, event: Event, votes: Votes | None) -> bool:
    """Whether there is quorum after a node has gone or come back."""
    if event.verb == "return":
        return _majority(after) if votes is None else votes.enough_with(event.name)
    enough = _majority(after) if votes is None else votes.enough_without(event.name)
    return before.quorate and enough


def _return(cib: Cib, event: Event, now: datetime) -> Cib:
    """It comes back as after a reboot: nothing runs there, and nothing is remembered."""
    gone = Pretended().node(cib, event.name, "offline", now).over(cib)
    return Pretended().node(gone, event.name, "online", now).over(gone)


def _role(role: str) -> _Change:
    def change(cib: Cib, event: Event, now: datetime) -> Cib:
        if role in ("Promoted", "Unpromoted"):
            require_promotable(cib, event.name)
        return operations.target_role(cib, event.name, role)

    return change


def _move(cib: Cib, event: Event, now: datetime) -> Cib:
    return operations.move(cib, event.name, event.detail[0])


def _ban(cib: Cib, event: Event, now: datetime) -> Cib:
    return operations.ban(cib, event.name, event.detail[0])


def _clear(cib: Cib, event: Event, now: datetime) -> Cib:
    return operations.clear(cib, event.name)


def failing(event: Event) -> tuple[str, str]:
    """The operation that fails and the node where, as far as an event names them."""
    task = node = ""
    words = list(event.detail)
    if words and words[0] != "on":
        task = words.pop(0)
    if words:
        node = words[1]
    return task, node


def _fail(cib: Cib, event: Event, now: datetime) -> Cib:
    """An operation (``monitor``, where none is named) fails where the resource runs, or there."""
    task, node = failing(event)
    task = task or "monitor"
    configured = {op.get("name") for op in find_resource(cib, event.name).iter("op")}
    if task not in configured | OPERATIONS:
        raise UsageError(
            f"{event.name} has no operation {task}",
            hint=did_you_mean(task, configured | OPERATIONS) or ", ".join(sorted(OPERATIONS)),
        )
    failed = Operation(task=task, resource=event.name, code="unknown", status="error", node=node)
    try:
        made = Pretended().operation(cib, failed, now)
    except UsageError as error:
        if node or not error.hint:
            raise
        hint = f"resource fail {event.name} {task} on NODE"  # it is not said as in cibstatus
        raise UsageError(error.message, hint=hint) from None
    return _with_digests(cib, made.over(cib))


def _with_digests(before: Cib, after: Cib) -> Cib:
    """What failed ran with the parameters that are configured, as its node would say.

    Without that, a failure counts as one of another definition, and is forgotten at once.
    """
    known: dict[tuple[str, str], str] = {}
    for entry in before.status.iter("lrm_rsc_op"):
        if digest := entry.get("op-digest"):
            known[entry.get("on_node"), entry.get("operation_key")] = digest

    def complete(element: Element) -> Element:
        if element.tag == "lrm_rsc_op" and "op-digest" not in element.attrs:
            digest = known.get((element.get("on_node"), element.get("operation_key")))
            return element.with_attributes({"op-digest": digest}) if digest else element
        return element.map_children(complete)

    return after.with_status(complete(after.status))


def _attribute(cib: Cib, event: Event, now: datetime) -> Cib:
    name, *value = event.detail
    return operations.set_transient_attribute(cib, event.name, name, value[0] if value else None)


def _ticket(cib: Cib, event: Event, now: datetime) -> Cib:
    return Pretended().ticket(cib, event.name, event.verb, now).over(cib)


# Every event: how it changes a CIB, and what its words after the name are.
_EVENTS: Mapping[tuple[str, str], tuple[_Change, str]] = {
    ("node", "kill"): (_gone("unclean"), ""),
    ("node", "leave"): (_gone("offline"), ""),
    ("node", "return"): (_return, ""),
    ("node", "standby"): (lambda cib, e, _: operations.standby(cib, e.name, True), ""),
    ("node", "online"): (lambda cib, e, _: operations.standby(cib, e.name, False), ""),
    ("node", "maintenance"): (lambda cib, e, _: operations.maintenance(cib, e.name, True), ""),
    ("node", "ready"): (lambda cib, e, _: operations.maintenance(cib, e.name, False), ""),
    ("node", "attribute"): (_attribute, "NAME [VALUE]"),
    ("resource", "start"): (_role("Started"), ""),
    ("resource", "stop"): (_role("Stopped"), ""),
    ("resource", "promote"): (_role("Promoted"), ""),
    ("resource", "demote"): (_role("Unpromoted"), ""),
    ("resource", "move"): (_move, "NODE"),
    ("resource", "ban"): (_ban, "NODE"),
    ("resource", "clear"): (_clear, ""),
    ("resource", "fail"): (_fail, "[OPERATION] [on NODE]"),
    **{("ticket", verb): (_ticket, "") for verb in TICKET_STATES},
}


_MEMBERSHIP = ("kill", "leave", "return")  # of a node: they change what there is of votes


def _of_no_member(cib: Cib, event: Event, now: datetime) -> Cib:
    """A remote node is lost when its connection fails; it leaves and returns with that."""
    name = event.name
    primitives = cib.section("resources").iter("primitive")
    connected = any(each.id == name and is_remote_connection(each) for each in primitives)
    if connected and event.verb == "kill":
        return _fail(cib, Event("resource", "fail", name), now)
    verb = {"kill": "fail", "leave": "stop", "return": "start"}[event.verb]
    raise UsageError(
        f"{name} is no member: that happens to the resource that connects it",
        hint=f"the event is: resource {verb} {name}"
        if connected
        else f"crm node server {name} names it",
    )


def parse(words: tuple[str, ...]) -> Event:
    """An event from its words. Raises NotFound or UsageError, with what could be said instead."""
    subjects = dict.fromkeys(subject for subject, _ in _EVENTS)
    subject, verb, name, *detail = (*words, "", "", "")[: max(3, len(words))]
    subject, verb = subject.lower(), verb.lower()
    if subject not in subjects:
        raise NotFound(f"nothing happens to “{subject}”", name=subject, possibilities=subjects)
    verbs = [known for owner, known in _EVENTS if owner == subject]
    if verb not in verbs:
        raise NotFound(
            f"“{verb}” is nothing that happens to a {subject}", name=verb, possibilities=verbs,
            hint=f"{subject} {'|'.join(verbs)}",
        )  # fmt: skip
    takes = _EVENTS[subject, verb][1]
    if not name or not _fits(detail, takes):
        raise UsageError(
            f"{' '.join(words)}: {'too few' if not name else 'these'} words make no event",
            hint=f"{subject} {verb} {subject.upper()} {takes}".rstrip(),
        )
    return Event(subject, verb, name, tuple(detail))


def of_call(call: CommandCall) -> Event:
    """The event that a command names."""
    return parse(tuple(str(argument.value) for argument in call.arguments))


def _fits(detail: list[str], takes: str) -> bool:
    """Whether the words after the name are as many (and in the form) as an event takes."""
    if takes == "NODE":
        return len(detail) == 1
    if takes == "NAME [VALUE]":
        return len(detail) in (1, 2)
    if takes:  # [OPERATION] [on NODE]
        if "on" in detail:
            return len(detail) <= 3 and detail[-2:-1] == ["on"]
        return len(detail) <= 1
    return not detail


def after(cib: Cib, event: Event, now: datetime, votes: Votes | None = None) -> Cib:
    """The CIB right after an event. Raises NotFound for a resource or node that is not there.

    ``votes`` are those of a running cluster; without them more than half of the nodes (of two, one)
    are quorate.
    """
    if event.subject == "node":
        node = find_node(cib, event.name)
        if node.get("type") == "remote" and event.verb in _MEMBERSHIP:
            return _of_no_member(cib, event, now)
    elif event.subject == "resource":
        find_resource(cib, event.name)
    made = _EVENTS[event.subject, event.verb][0](cib, event, now)
    if event.subject == "node" and event.verb in _MEMBERSHIP:
        made = Pretended().with_quorum(_quorate(cib, made, event, votes)).over(made)
    return made
