"""The ``resource`` level: what to do with resources that exist."""

from __future__ import annotations

from typing import Any

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.clusters import operations as moves
from crmsh_py.errors import ConfigError, CrmError, NotFound, TimedOut, UsageError
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell.changes import change, require_node, require_resources
from crmsh_py.shell.session import WAIT_S, Session
from crmsh_py.tools import edits
from crmsh_py.tools.common import local_now
from crmsh_py.views.records import Value

CLIENT = "crm_resource"
SET_TAGS = {
    "param": "instance_attributes",
    "meta": "meta_attributes",
    "utilization": "utilization",
}


def status(session: Session, call: CommandCall) -> int:
    """All resources and their states, or where some of them are."""
    if names := call.all("RESOURCE"):
        return _locate(session, names)
    from crmsh_py.views import resource_status

    seen = _status(session)
    session.show(resource_status.listing(seen), lambda: _records().resources(seen))
    return 0


def locate(session: Session, call: CommandCall) -> int:
    """On which nodes resources are active."""
    return _locate(session, call.all("RESOURCE"))


def _locate(session: Session, names: tuple[str, ...]) -> int:
    from crmsh_py.views import resource_status

    seen = _status(session)
    lines = []
    for name in names:
        where = resource_status.location_lines(seen, name)
        lines += where or [resource_status.not_running(name)]
    session.show("\n".join(lines), lambda: _records().located(seen, names))
    return 0


def start(session: Session, call: CommandCall) -> int:
    """target-role=Started."""
    return _target(session, call.all("RESOURCE"), "Started")


def stop(session: Session, call: CommandCall) -> int:
    """target-role=Stopped."""
    return _target(session, call.all("RESOURCE"), "Stopped")


def promote(session: Session, call: CommandCall) -> int:
    """target-role=Promoted, for a promotable clone."""
    return _target(session, _promotable(session, call), "Promoted")


def demote(session: Session, call: CommandCall) -> int:
    """target-role=Unpromoted, for a promotable clone."""
    return _target(session, _promotable(session, call), "Unpromoted")


def restart(session: Session, call: CommandCall) -> int:
    """Stop, wait until it is stopped, start; whatever happens, it is not left stopped."""
    names = call.all("RESOURCE")
    require_resources(session, names)
    if session.working.pending:
        raise UsageError("there are uncommitted changes", hint="commit or refresh them first")
    before = {name: _meta(session, name, "target-role") for name in names}
    _target(session, names, "Stopped")
    try:
        session.console.info(f"stopping {' '.join(names)}")
        session.cluster.wait_idle(timeout_s=WAIT_S)
    except TimedOut as error:
        raise TimedOut(
            f"{' '.join(names)} did not stop within {WAIT_S:.0f} s; it is started again",
            hint="crm why, crm status and crm lab log say what it waits for",
        ) from error
    finally:
        session.console.info(f"starting {' '.join(names)}")
        for name in names:
            old = before[name] if before[name] not in (None, "Stopped") else None
            _set_meta(session, name, "target-role", old)
    session.cluster.wait_idle(timeout_s=WAIT_S)
    return 0


def manage(session: Session, call: CommandCall) -> int:
    """is-managed=true."""
    return _each_meta(session, call.all("RESOURCE"), "is-managed", "true")


def unmanage(session: Session, call: CommandCall) -> int:
    """is-managed=false."""
    return _each_meta(session, call.all("RESOURCE"), "is-managed", "false")


def maintenance(session: Session, call: CommandCall) -> int:
    """Meta attribute maintenance."""
    value = "false" if call.has("OFF", "FALSE") else "true"
    return _each_meta(session, call.all("RESOURCE"), "maintenance", value)


def move(session: Session, call: CommandCall) -> int:
    """A constraint that makes it run on a node (or, with force, anywhere else)."""
    resource, node = call.get("RESOURCE") or "", call.get("NODE_NAME") or ""
    require_resources(session, [resource])
    forced = call.has("FORCE") or session.options.force
    lifetime = call.get("LIFETIME") or ""
    if not node and not forced:
        raise UsageError(
            "no target node: move needs a node, or force to move it anywhere else",
            hint=f"crm resource move {resource} NODE",
        )
    if node:
        require_node(session, node)
        change(
            session,
            lambda cib: moves.move(cib, resource, node, lifetime=lifetime, now=local_now()),
            client=CLIENT,
        )
        session.console.info(f"Move constraint created for {resource} to {node}")
    else:
        for current in _places(session, resource):
            _ban(session, resource, current, lifetime)
    session.console.info(f"Use `crm resource clear {resource}` to remove this constraint")
    return 0


def ban(session: Session, call: CommandCall) -> int:
    """A constraint that keeps it off a node: the one named, else where it is now."""
    resource, node = call.get("RESOURCE") or "", call.get("NODE_NAME") or ""
    require_resources(session, [resource])
    places = [require_node(session, node)] if node else _places(session, resource)
    for place in places:
        _ban(session, resource, place, call.get("LIFETIME") or "")
    session.console.info(f"Use `crm resource clear {resource}` to remove this constraint")
    return 0


def clear(session: Session, call: CommandCall) -> int:
    """Remove what move and ban have left."""
    resource = call.get("RESOURCE") or ""
    require_resources(session, [resource])
    if change(session, lambda cib: moves.clear(cib, resource), client=CLIENT):
        session.console.info(f"Removed migration constraints for {resource}")
    else:
        session.console.info(f"there was no constraint of move or ban for {resource}")
    return 0


def constraints(session: Session, call: CommandCall) -> int:
    """The constraints that name it."""
    from crmsh_py.views import resource_status

    resource = call.get("RESOURCE") or ""
    require_resources(session, [resource])
    cib = session.working.cib()
    text = resource_status.constraints(cib, resource) or f"no constraint names {resource}"
    session.show(text, lambda: _records().constraints(cib, resource))
    return 0


def operations(session: Session, call: CommandCall) -> int:
    """The results of operations, as ``crm_mon -1 -o`` lists them."""
    from crmsh_py.tools import crm_mon

    words = ["-1", "-o", "-t", "-D", "-r"]
    if resource := call.get("RESOURCE"):
        require_resources(session, [resource])
        words += ["--resource", resource]
    if node := call.get("NODE_NAME"):
        words += ["--node", require_node(session, node)]
    if session.form != "text":
        words.append(f"--output-as={session.form}")
    return crm_mon.run(words, lambda: session.cluster)


def scores(session: Session, call: CommandCall) -> int:
    """The assignment scores of all resources."""
    from crmsh_py.cib.scores import format_score
    from crmsh_py.scheduler.plan import plan

    made = plan(session.working.cib(), now=local_now())
    lines = [
        f"{resource} allocation score on {node}: {format_score(score)}"
        for (resource, node), score in sorted(made.scores.items())
    ]
    session.show("\n".join(lines), lambda: _records().scores(made.scores))
    return 0


def cleanup(session: Session, call: CommandCall) -> int:
    """Forget failures, and look again."""
    return _clean(session, call, all_history=False)


def refresh(session: Session, call: CommandCall) -> int:
    """Forget the history, and look again."""
    return _clean(session, call, all_history=True)


def failcount(session: Session, call: CommandCall) -> int:
    """Show, set or delete the fail count of a resource on a node."""
    resource = call.get("RESOURCE") or ""
    node = require_node(session, call.get("NODE_NAME"))
    require_resources(session, [resource])
    cluster = session.cluster
    prefix = f"fail-count-{resource}"
    seen = next((n for n in _status(session).nodes if n.name == node), None)
    counts = {
        name: value
        for name, value in (seen.attributes if seen else {}).items()
        if name == prefix or name.startswith(prefix + "#")
    }
    if call.has("SET"):
        value = call.get("VALUE") or ""
        if not value.isdigit() and value != "INFINITY":
            raise UsageError(f"{value} is no fail count", hint="a number or INFINITY")
        operation, interval = call.get("OP_NAME") or "monitor", call.get("INTERVAL") or "0"
        from crmsh_py.cib.durations import parse_ms

        name = f"{prefix}#{operation}_{parse_ms(interval)}"
        cluster.set_attribute(node, name, value)
    elif call.has("DELETE"):
        for name in counts:
            cluster.set_attribute(node, name, None)
    else:
        total = "INFINITY" if "INFINITY" in counts.values() else sum(map(int, counts.values()))
        session.show(
            f"scope=status  name=fail-count-{resource} value={total}",
            lambda: Value(node, "status", f"fail-count-{resource}", str(total)),
        )
    return 0


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


def _records() -> Any:
    """The module that makes records: loaded where somebody wants one."""
    from crmsh_py.views import resource_records

    return resource_records


def _status(session: Session):  # type: ignore[no-untyped-def]  # ClusterStatus, imported lazily
    from crmsh_py.scheduler.status import cluster_status

    return cluster_status(session.cluster.read_cib(), now=local_now())


def _places(session: Session, resource: str) -> list[str]:
    from crmsh_py.views import resource_status

    nodes = [node for node, _ in resource_status.places(_status(session), resource)]
    if not nodes:
        raise CrmError(f"{resource} runs nowhere: name the node to keep it off")
    return nodes


def _ban(session: Session, resource: str, node: str, lifetime: str) -> None:
    change(
        session,
        lambda cib: moves.ban(cib, resource, node, lifetime=lifetime, now=local_now()),
        client=CLIENT,
    )
    session.console.info(f"Ban constraint created for {resource} on {node}")


def _target(session: Session, names: tuple[str, ...], role: str) -> int:
    return _each_meta(session, names, "target-role", role)


def _each_meta(session: Session, names: tuple[str, ...], name: str, value: str) -> int:
    require_resources(session, names)

    def edit(cib: Cib) -> Cib:
        for resource in names:
            cib = _with_meta(cib, resource, name, value)
        return cib

    change(session, edit, client=CLIENT)
    return 0


def _with_meta(cib: Cib, resource: str, name: str, value: str | None) -> Cib:
    set_id = f"{resource}-meta_attributes"
    return edits.with_resource(
        cib,
        resource,
        lambda owner: edits.with_pair(owner, "meta_attributes", set_id, name, value),
    )


def _set_meta(session: Session, resource: str, name: str, value: str | None) -> None:
    change(session, lambda cib: _with_meta(cib, resource, name, value), client=CLIENT)


def _meta(session: Session, resource: str, name: str) -> str | None:
    owner = edits.find_resource(session.working.cib(), resource)
    pair = edits.pair_in(owner, "meta_attributes", name)
    return pair.value if pair else None


def _promotable(session: Session, call: CommandCall) -> tuple[str, ...]:
    name = call.get("RESOURCE") or ""
    owner = edits.find_resource(session.working.cib(), name)
    if owner.tag != "master" and not _is_promotable(owner):
        raise ConfigError(
            f"{name} is not a promotable resource",
            hint="a clone is made promotable by: meta promotable=true",
        )
    return (name,)


def _is_promotable(owner: Element) -> bool:
    pair = edits.pair_in(owner, "meta_attributes", "promotable")
    return owner.tag == "clone" and pair is not None and pair.value.lower() in ("true", "yes", "1")


def _clean(session: Session, call: CommandCall, *, all_history: bool) -> int:
    resource, node = call.get("RESOURCE") or "", call.get("NODE_NAME") or ""
    if resource:
        require_resources(session, [resource])
    if node:
        require_node(session, node)
    session.cluster.clean_resource(resource, node, all_history=all_history)
    session.console.info(
        f"Cleaned up {resource or 'all resources'} on {node or 'all nodes'}"
        f"{'' if not all_history else ' (whole history)'}"
    )
    session.settle()
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
        if edits.pair_in(owner, tag, name) is None:
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
