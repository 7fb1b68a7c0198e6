"""``resource trace`` and ``untrace``: let an agent write down what it does; and ``secret``.

A secret is a parameter whose value stands in a file of every node (mode 0600, below
``/var/lib/pacemaker/lrm/secrets``, as Pacemaker's cibsecret keeps them) while the configuration
says ``lrm://`` in its place. The digest beside it lets a node notice a file that was cut off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.document import Cib
from crmsh_py.cib.durations import parse_ms
from crmsh_py.cib.element import Element
from crmsh_py.cib.ids import is_xml_id
from crmsh_py.errors import ClusterUnreachable, ConfigError, CrmError, NotFound, TimedOut
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell import on_nodes, parameters
from crmsh_py.shell.changes import change, check
from crmsh_py.shell.session import Session
from crmsh_py.tools import edits
from crmsh_py.views.records import Value

CLIENT = "crm_resource"
SECRETS = "/var/lib/pacemaker/lrm/secrets"
IN_FILE = "lrm://"
_TRACE = "trace_ra"
_TRACE_DIR = "trace_dir"
_DEFAULT_DIR = "/var/lib/heartbeat/trace_ra"
_ALWAYS_TRACED = ("start", "stop", "promote", "demote", "migrate_to", "migrate_from")


# ---- trace ---------------------------------------------------------------------------------------


def trace(session: Session, call: CommandCall) -> int:
    """Set trace_ra on operations; those that are not configured are added."""
    cib = session.working.cib()
    target = _primitive(cib, call.get("RESOURCE") or "")
    spec = parameters.agent_of(cib, target)
    names = _operations(session, call, target, spec)
    directory = call.get("TRACE_DIR") or ""

    def edit(owner: Element) -> Element:
        for name, interval in names:
            owner = _with_trace(owner, name, interval, directory)
        return owner

    change(session, lambda c: edits.with_resource(c, target.id, edit), client=CLIENT)
    listed = ", ".join(f"{name} {interval}".strip() for name, interval in names)
    where = directory or f"{_DEFAULT_DIR}/{spec.type}"
    session.console.info(f"trace for {target.id} ({listed}) is written to {where} on its node")
    return 0


def untrace(session: Session, call: CommandCall) -> int:
    """Take trace_ra off operations, and those away that were there for it alone."""
    target = _primitive(session.working.cib(), call.get("RESOURCE") or "")
    wanted = call.get("OP_NAME") or ""
    interval = call.get("INTERVAL") or ""

    def untraced(op: Element) -> Element | None:
        if op.tag != "op" or (wanted and not _is(op, wanted, interval)):
            return op
        kept = op
        for name in (_TRACE, _TRACE_DIR):
            kept = edits.with_pair(kept, "instance_attributes", "", name, None)
        if kept is not op and not kept.children and set(kept.attrs) <= {"id", "name", "interval"}:
            once = kept.get("name") in _ALWAYS_TRACED or not parse_ms(kept.get("interval") or "0")
            return None if once else kept
        return kept

    def edit(owner: Element) -> Element:
        return owner.map_children(
            lambda part: part.map_children(untraced) if part.tag == "operations" else part
        ).map_children(lambda part: None if _is_empty(part) else part)

    if not change(session, lambda c: edits.with_resource(c, target.id, edit), client=CLIENT):
        session.console.info(f"{target.id} was not traced")
    return 0


def _is_empty(part: Element) -> bool:
    return part.tag == "operations" and not part.children and set(part.attrs) <= {"id"}


def _is(op: Element, name: str, interval: str) -> bool:
    """Whether an operation is meant; ``probe`` is the monitor with the interval 0."""
    if name == "probe":
        name, interval = "monitor", "0"
    if op.get("name") != name:
        return False
    return not interval or parse_ms(op.get("interval") or "0") == parse_ms(interval)


def _operations(
    session: Session, call: CommandCall, target: Element, spec: AgentSpec
) -> list[tuple[str, str]]:
    """The operations (name, interval) that are to be traced; all that the agent has by default."""
    name, interval = call.get("OP_NAME") or "", call.get("INTERVAL") or ""
    if name == "probe":
        name, interval = "monitor", "0"
    actions = {action.name for action in session.catalogue.metadata(spec).actions}
    if name:
        if actions and name not in actions:
            raise NotFound(
                f"{spec} has no operation {name}", name=name, possibilities={*actions, "probe"}
            )
        configured = [op for op in target.iter("op") if op.get("name") == name]
        if configured and not interval:
            return [(name, op.get("interval") or "0") for op in configured]
        if parse_ms(interval or "0") and not any(_is(op, name, interval) for op in configured):
            known = ", ".join(op.get("interval") or "0" for op in configured) or "0 (once)"
            raise NotFound(  # to add it would be to let it run for ever
                f"{target.id} has no operation {name} with the interval {interval}",
                hint=f"there is {known}",
            )
        return [(name, interval or "0")]
    found = [(op.get("name"), op.get("interval") or "0") for op in target.iter("op")]
    present = {name for name, _ in found}
    return [*found, *((n, "0") for n in _ALWAYS_TRACED if n in actions and n not in present)]


def _with_trace(owner: Element, name: str, interval: str, directory: str) -> Element:
    holder = owner.find("operations") or Element("operations")
    old = next((op for op in holder.findall("op") if _is(op, name, interval)), None)
    ident = f"{owner.id}-{name}-{interval}"
    op = old or Element("op", {"id": ident, "name": name, "interval": interval})
    set_id = f"{op.id}-instance_attributes"
    traced = edits.with_pair(op, "instance_attributes", set_id, _TRACE, "1")
    if directory:
        traced = edits.with_pair(traced, "instance_attributes", set_id, _TRACE_DIR, directory)
    if old is not None:
        return edits.replaced(owner, old, traced)
    grown = holder.append(traced)
    if owner.find("operations") is None:
        return owner.append(grown)
    return edits.replaced(owner, holder, grown)


def _primitive(cib: Cib, name: str) -> Element:
    target = edits.find_resource(cib, name)
    if target.tag != "primitive":
        inside = [p.id for p in target.iter("primitive")]
        raise ConfigError(f"{name} is a {target.tag}", hint=f"it contains {' '.join(inside)}")
    return target


# ---- secret --------------------------------------------------------------------------------------


def secret(session: Session, call: CommandCall) -> int:
    """set, stash, unstash, delete, show or check one parameter."""
    target = _primitive(session.working.cib(), call.get("RESOURCE") or "")
    name, value = call.get("PARAM_NAME") or "", call.get("VALUE")
    if pair := call.get("NVPAIR"):
        name, _, value = pair.partition("=")
    if not is_xml_id(name):
        raise ConfigError(f"“{name}” is no name of a parameter")
    current = parameters.of(session.working.cib(), target).get(name)
    if call.has("SET"):
        _into_files(session, target.id, name, value or "", current)
    elif call.has("STASH"):
        if current is None or current == IN_FILE:
            raise CrmError(f"{target.id} has no {name} in the configuration that could be stashed")
        _into_files(session, target.id, name, current, current)
    elif call.has("UNSTASH"):
        _require_all(session)
        _set_parameter(session, target.id, name, _stored(session, target.id, name))
        _forget(session, target.id, name)
    elif call.has("DELETE"):
        _require_all(session)
        _stored(session, target.id, name)
        if current == IN_FILE:
            _set_parameter(session, target.id, name, None)
        _forget(session, target.id, name)
    elif call.has("CHECK"):
        return _check(session, target.id, name)
    else:
        found = _stored(session, target.id, name)
        session.show(found, lambda: Value(target.id, "secret", name, found))
    return 0


def _check(session: Session, resource: str, name: str) -> int:
    """Whether every node has the same value, and its digest fits."""
    values = {}
    for node in on_nodes.names(session, ()):
        data = on_nodes.read_file(session, node, _file(resource, name))
        digest = on_nodes.read_file(session, node, f"{_file(resource, name)}.sign") or b""
        good = data is not None and digest.decode(errors="replace").strip() == _digest(data)
        values[node] = data if good else None
        if not good:
            what = "is not there" if data is None else "does not fit its digest"
            session.console.error(f"{name} of {resource} {what} on {node}")
    if len(set(values.values())) > 1:
        session.console.error(f"{name} of {resource} is not the same on all nodes")
        return 1
    return 0 if None not in values.values() else 1


def _file(resource: str, name: str) -> str:
    return f"{SECRETS}/{resource}/{name}"


def _digest(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()  # as cibsecret signs its files


def _into_files(
    session: Session, resource: str, name: str, value: str, current: str | None
) -> None:
    """Store a secret on all nodes and let the configuration say so: both, or neither of them."""
    try:
        data = value.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"the value of {name} is no text (UTF-8)") from None
    check(session, _parameter_edit(resource, name, value))
    _require_all(session)
    try:
        _store(session, resource, name, data)
        _set_parameter(session, resource, name, IN_FILE)
    except (ClusterUnreachable, TimedOut):
        raise  # the change may have been made all the same, and needs its files then
    except CrmError:
        if current != IN_FILE:
            _forget(session, resource, name)  # nothing refers to it
        raise


def _require_all(session: Session) -> None:
    """What is on every node is changed when every node can be reached. Raises CrmError."""
    reached = on_nodes.each(
        session,
        on_nodes.names(session, ()),
        lambda node: on_nodes.run(session, node, ["true"]),
    )
    silent = [node for node, outcome in reached.items() if isinstance(outcome, CrmError)]
    if silent:
        raise ClusterUnreachable(
            f"{', '.join(silent)} cannot be reached, and a secret is on every node:"
            " nothing was changed",
            hint="start what is off; crm node delete NODE for one that never comes back",
        )


def _store(session: Session, resource: str, name: str, data: bytes) -> None:
    script = 'umask 077; mkdir -p "$1" && cat > "$1/$2.new" && mv "$1/$2.new" "$1/$2"'
    for node in on_nodes.names(session, ()):
        for file, content in ((name, data), (f"{name}.sign", _digest(data).encode())):
            folder = on_nodes.node_path(session, node, f"{SECRETS}/{resource}")
            words = ["sh", "-c", script, "sh", folder, file]
            outcome = on_nodes.run(session, node, words, stdin=content)
            if outcome.code != 0:
                said = outcome.err.decode(errors="replace").strip()
                raise CrmError(f"{node}: the secret cannot be stored: {said}")


def _stored(session: Session, resource: str, name: str) -> str:
    for node in on_nodes.names(session, ()):
        data = on_nodes.read_file(session, node, _file(resource, name))
        if data is not None:
            return data.decode(errors="replace").rstrip("\n")
    raise NotFound(f"{resource} has no secret {name}", hint="resource secret RSC set NAME VALUE")


def _forget(session: Session, resource: str, name: str) -> None:
    for node in on_nodes.names(session, ()):
        path = on_nodes.node_path(session, node, _file(resource, name))
        on_nodes.run(session, node, ["rm", "-f", "--", path, f"{path}.sign"])


def _set_parameter(session: Session, resource: str, name: str, value: str | None) -> None:
    change(session, _parameter_edit(resource, name, value), client=CLIENT)


def _parameter_edit(resource: str, name: str, value: str | None) -> Callable[[Cib], Cib]:
    tag = "instance_attributes"

    def edit(owner: Element) -> Element:
        return edits.with_pair(owner, tag, f"{resource}-{tag}", name, value)

    return lambda cib: edits.with_resource(cib, resource, edit)
