"""The ``resource`` level: what to do with resources that exist.

Looking at them is in ``cmd_resource_look``, moving and restarting them in ``cmd_resource_move``.
"""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.cib.durations import parse_ms
from crmsh_py.cib.element import Element
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.clusters.operations import collective
from crmsh_py.errors import NotFound, UsageError
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell.changes import change, require_node, require_resources
from crmsh_py.shell.resource_changes import require_promotable, resources, set_meta
from crmsh_py.shell.session import Session
from crmsh_py.shell.waiting import settle
from crmsh_py.tools import edits
from crmsh_py.views.records import Value
from crmsh_py.whole_numbers import is_number

CLIENT = "crm_resource"
SET_TAGS = {
    "param": "instance_attributes",
    "meta": "meta_attributes",
    "utilization": "utilization",
}


def start(session: Session, call: CommandCall) -> int:
    """target-role=Started."""
    return _target(session, call, "Started")


def stop(session: Session, call: CommandCall) -> int:
    """target-role=Stopped."""
    return _target(session, call, "Stopped")


def promote(session: Session, call: CommandCall) -> int:
    """target-role=Promoted, for a promotable clone."""
    return _target(session, call, "Promoted")


def demote(session: Session, call: CommandCall) -> int:
    """target-role=Unpromoted, for a promotable clone."""
    return _target(session, call, "Unpromoted")


def manage(session: Session, call: CommandCall) -> int:
    """is-managed=true."""
    return set_meta(session, resources(session, call.all("RESOURCE")), "is-managed", "true")


def unmanage(session: Session, call: CommandCall) -> int:
    """is-managed=false."""
    return set_meta(session, resources(session, call.all("RESOURCE")), "is-managed", "false")


def maintenance(session: Session, call: CommandCall) -> int:
    """Meta attribute maintenance."""
    value = "false" if call.has("OFF", "FALSE") else "true"
    return set_meta(session, resources(session, call.all("RESOURCE")), "maintenance", value)


def _target(session: Session, call: CommandCall, role: str) -> int:
    names = resources(session, call.all("RESOURCE"))
    if role in ("Promoted", "Unpromoted"):
        for name in names:
            require_promotable(session.working.cib(), name)
    code = set_meta(session, names, "target-role", role)
    _say_what_is_left_alone(session, names)
    return code


_LEAVES_ALONE = {"is-managed", "maintenance", "maintenance-mode"}


def _say_what_is_left_alone(session: Session, names: Sequence[str]) -> None:
    """What is not managed does what it shall only when it is managed again: people wait for it."""
    from crmsh_py.views.resource_status import left_alone

    pairs = session.working.cib().configuration.iter("nvpair")
    if session.cluster.kind is ClusterKind.FILE or _LEAVES_ALONE.isdisjoint(
        pair.get("name") for pair in pairs
    ):
        return
    for name, ends in left_alone(session.cluster_status(), names).items():
        session.console.info(f"the cluster leaves {name} as it is for now\n  {ends} ends that")


def cleanup(session: Session, call: CommandCall) -> int:
    """Forget failures, and look again."""
    return _clean(session, call, all_history=False)


def refresh(session: Session, call: CommandCall) -> int:
    """Forget the history, and look again."""
    return _clean(session, call, all_history=True)


def fail(session: Session, call: CommandCall) -> int:
    """Have a resource taken for failed where it runs, and wait for what the cluster does."""
    from crmsh_py.views import resource_status

    given = call.get("NODE_NAME") or ""
    if given:
        require_node(session, given)
    resource = call.get("RESOURCE") or ""
    cib, status = session.cluster.read_cib(), session.cluster_status()
    instance, node = resource_status.failing(cib, status, resource, given)
    session.cluster.fail_resource(instance, node)
    session.console.info(f"{resource} is taken for failed on {node}")
    settle(session)
    return 0


def failcount(session: Session, call: CommandCall) -> int:
    """Show, set or delete the fail count of a resource on a node."""
    from crmsh_py.cib.failures import FAIL_COUNT
    from crmsh_py.views.mon_facts import score_text
    from crmsh_py.views.mon_history import fail_count, failure_attributes

    resource = call.get("RESOURCE") or ""
    node = require_node(session, call.get("NODE_NAME"))
    require_resources(session, [resource])
    operation, interval = call.get("OP_NAME") or "", call.get("INTERVAL")
    cluster = session.cluster
    if call.has("SET"):
        value = call.get("VALUE") or ""
        if not is_number(value) and value != "INFINITY":
            raise UsageError(f"{value} is no fail count", hint="a number or INFINITY")
        _require_operation(session, resource, operation or "monitor")
        at = f"{operation or 'monitor'}_{parse_ms(interval or '0')}"
        cluster.set_attribute(node, f"{FAIL_COUNT}{resource}#{at}", value)
        return 0
    if interval is not None:
        operation += f"_{parse_ms(interval)}"
    cib = cluster.read_cib()
    if call.has("DELETE"):
        for name in failure_attributes(cib, node, resource, operation, prefix=FAIL_COUNT):
            cluster.set_attribute(node, name, None)
        return 0
    count, _ = fail_count(cib, node, resource, operation)
    session.show(
        f"scope=status  name={FAIL_COUNT}{resource} value={score_text(count)}",
        lambda: Value(node, "status", f"{FAIL_COUNT}{resource}", score_text(count)),
    )
    return 0


def _require_operation(session: Session, resource: str, operation: str) -> None:
    """Raise NotFound for an operation that nothing in a resource can have."""
    from crmsh_py.shell.events import OPERATIONS

    owner = edits.find_resource(session.working.cib(), resource)
    known = {*OPERATIONS, *(op.get("name") for op in owner.iter("op"))}
    if operation not in known:
        raise NotFound(
            f"{resource} has no operation {operation}",
            name=operation,
            possibilities=known,
            otherwise=", ".join(sorted(known)),
        )


def param(session: Session, call: CommandCall) -> int:
    """One parameter of the agent."""
    return _attribute(session, call, "param", "PARAM_NAME")


def meta(session: Session, call: CommandCall) -> int:
    """One meta attribute."""
    return _attribute(session, call, "meta", "META_NAME")


def utilization(session: Session, call: CommandCall) -> int:
    """One utilization attribute."""
    return _attribute(session, call, "utilization", "ATTRIBUTE")


# ---- what these share ----------------------------------------------------------------------------


def _clean(session: Session, call: CommandCall, *, all_history: bool) -> int:
    resource, node = call.get("RESOURCE") or "", call.get("NODE_NAME") or ""
    if resource:
        require_resources(session, [resource])
        resource = collective(session.working.cib(), resource)
    if node:
        require_node(session, node)
    session.cluster.clean_resource(resource, node, all_history=all_history)
    session.console.info(
        f"Cleaned up {resource or 'all resources'} on {node or 'all nodes'}"
        f"{'' if not all_history else ' (whole history)'}"
    )
    settle(session)
    return 0


def _attribute(session: Session, call: CommandCall, kind: str, terminal: str) -> int:
    """set, delete or show one value of a resource."""
    resource, tag = call.get("RESOURCE") or "", SET_TAGS[kind]
    owner = edits.find_resource(session.working.cib(), resource)
    name, value = call.get(terminal) or "", call.get("VALUE")
    if pair := call.get("NVPAIR"):
        name, _, value = pair.partition("=")
    if call.has("SET"):
        _change_attribute(session, resource, tag, name, value or "")
    elif call.has("DELETE"):
        if edits.lasting_pair_in(owner, tag, name) is None:
            raise _has_no(owner, kind, name)
        _change_attribute(session, resource, tag, name, None)
    else:
        found = edits.pair_in(owner, tag, name)
        if found is None:
            raise _has_no(owner, kind, name)
        session.show(found.value, lambda: Value(resource, kind, name, found.value))
    return 0


def _has_no(owner: Element, kind: str, name: str) -> NotFound:
    known = [p.get("name") for s in owner.findall(SET_TAGS[kind]) for p in s.findall("nvpair")]
    return NotFound(f"{owner.id} has no {kind} {name}", name=name, possibilities=known)


def _change_attribute(
    session: Session, resource: str, tag: str, name: str, value: str | None
) -> None:
    change(
        session,
        lambda cib: edits.with_resource(
            cib, resource, lambda o: edits.with_pair(o, tag, f"{resource}-{tag}", name, value)
        ),
        client=CLIENT,
        checked=value is not None,
    )
