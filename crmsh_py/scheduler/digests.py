"""Digests of an action's parameters, as histories keep them.

A digest is the MD5 of the parameters written as one sorted XML element with a leading space and a
trailing newline. Left out are the ``CRM_meta_*`` values (but a recurring action keeps its timeout)
and a few names that do not belong to the agent. Facts: the op-digest values of real histories;
f2317cad3d54cec5d7d7aa7d0bf35cf8 is the digest of no parameters at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crmsh_py.cib.rules import RuleContext
from crmsh_py.scheduler import attribute_sets, operations
from crmsh_py.scheduler.result import Digests
from crmsh_py.value import frozen, mutable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.scheduler.history_entry import HistoryEntry
    from crmsh_py.scheduler.model import Node
    from crmsh_py.scheduler.resource import Resource
    from crmsh_py.scheduler.state import State

SECURE_DEFAULT = "passwd password user"
_LEFT_OUT = frozenset(
    {"id", "crm_feature_set", "op-digest", "on_node", "on_node_uuid", "pcmk_external_ip"}
)
_FENCER_NAMES = frozenset(
    {"action_limit", "delay_base", "delay_max", "host_argument", "host_check", "host_list",
     "host_map"}
)  # fmt: skip
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;",
     "\r": "&#13;"}
)  # fmt: skip


def of_parameters(parameters: Mapping[str, str], *, timeout_ms: int | None = None) -> str:
    """The digest (32 hex digits) of an agent's parameters.

    ``timeout_ms`` is given for recurring actions only: their timeout is a part of what they are.
    """
    pairs = {
        name: value
        for name, value in parameters.items()
        if not name.startswith("CRM_meta_") and name not in _LEFT_OUT
    }
    if timeout_ms is not None:
        pairs["CRM_meta_timeout"] = str(timeout_ms)
    return _md5(pairs)


def _md5(pairs: Mapping[str, str]) -> str:
    text = "".join(f' {name}="{pairs[name].translate(_ESCAPES)}"' for name in sorted(pairs))
    from hashlib import md5

    return md5(f" <parameters{text}/>\n".encode(), usedforsecurity=False).hexdigest()


def for_history(
    parameters: Mapping[str, str],
    *,
    interval_ms: int = 0,
    timeout_ms: int = 20000,
    reloadable: Iterable[str] | None = None,
    unique: Iterable[str] | None = None,
    private: Iterable[str] = (),
) -> Digests:
    """All the digests that a history entry keeps of an action.

    ``unique`` are the parameters whose change needs a restart (None for an agent that cannot
    reload, ``reloadable`` is their complement and may be given instead); ``private`` are those
    that must not show in what is handed to others.
    """
    timeout = timeout_ms if interval_ms else None
    restart = restart_list = secure = secure_list = ""
    if unique is None and reloadable is not None:
        unique = sorted(set(parameters) - set(reloadable))
    if unique is not None and not interval_ms:
        names = list(unique)
        restart_list = f"  {'  '.join(names)}  " if names else ""
        kept = {name: value for name, value in parameters.items() if name in names}
        restart = of_parameters(kept)
    hidden = list(private)
    if hidden:
        secure_list = f"  {'  '.join(hidden)}  "
        secure = of_parameters(
            {name: value for name, value in parameters.items() if name not in hidden},
            timeout_ms=timeout,
        )
    return Digests(
        all=of_parameters(parameters, timeout_ms=timeout),
        restart=restart,
        restart_parameters=restart_list,
        secure=secure,
        secure_parameters=secure_list,
    )


# ---- comparing a history entry with what is configured now ---------------------------------------

MATCH, MISMATCH, RESTART, UNKNOWN = range(4)


@mutable
class _Computed:
    """The parameters of an action as configured now, with their digests."""

    pairs: dict[str, str]
    plain: dict[str, str]  # only the resource's own parameters
    all: str
    own_parameters: bool  # the operation has instance attributes of its own
    verdict: int = MATCH


def _compute(resource: Resource, task: str, every_ms: int, node: Node) -> _Computed:
    key = f"{resource.id}_{task}_{every_ms}"
    cached = node.digests.get(key)
    if isinstance(cached, _Computed):
        return cached
    state = resource.state
    pairs: dict[str, str] = {}
    address = remote_address(resource)
    if address is not None:
        pairs["addr"] = address
    plain = resource.parameters(node)
    for name, value in plain.items():
        pairs.setdefault(name, value)
    operation = operations.find(resource, task, every_ms)
    own: dict[str, str] = {}
    if operation is not None:
        attribute_sets.unpack(
            state,
            operation.element,
            "instance_attributes",
            RuleContext(now=state.now, node_attributes=node.attrs),
            own,
        )
        for name, value in own.items():
            pairs.setdefault(name, value)
    timeout = None
    if every_ms:
        meta = operations.meta_for(state, resource, node, task, every_ms, operation)
        timeout = int(meta["timeout"])
    pairs = {
        name: value
        for name, value in pairs.items()
        if not name.startswith("CRM_meta_") and name not in _LEFT_OUT
    }
    if timeout is not None:
        pairs["CRM_meta_timeout"] = str(timeout)
    computed = _Computed(pairs, plain, _md5(pairs), bool(own) and not every_ms)
    computed.verdict = RESTART if computed.own_parameters else MATCH
    node.digests[key] = computed
    return computed


def compare(resource: Resource, entry: HistoryEntry, node: Node) -> int:
    """How the parameters of a history entry compare with what is configured now."""
    computed = _compute(resource, entry.task, entry.interval_ms, node)
    if entry.restart_digest is not None and not _restart_matches(computed, entry):
        computed.verdict = RESTART
    elif entry.digest is None:
        computed.verdict = UNKNOWN
    elif entry.digest != computed.all:
        if entry.interval_ms or computed.verdict != RESTART:
            computed.verdict = MISMATCH
    else:
        computed.verdict = MATCH
    return computed.verdict


def only_private_changed(resource: Resource, entry: HistoryEntry, node: Node) -> bool:
    """Whether what differs can only be what was taken out of the CIB before it was handed on."""
    recorded = entry.element.attrs.get("op-secure-digest")
    if recorded is None:
        return False
    computed = _compute(resource, entry.task, entry.interval_ms, node)
    hidden = entry.element.get("op-secure-params").split(" ")
    version = entry.element.attrs.get("crm_feature_set")
    return _secure(resource, computed, hidden, version) == recorded


def _secure(
    resource: Resource, computed: _Computed, hidden: Iterable[str], version: str | None
) -> str:
    """The digest without what is private, in the way of the version that recorded it."""
    names = set(hidden)
    version = version or resource.state.cib.root.get("crm_feature_set")
    if not _is_older(version):
        return _md5({n: v for n, v in computed.pairs.items() if n not in names})
    fencing = resource.standard == "stonith"
    return of_parameters(
        {
            name: value
            for name, value in computed.plain.items()
            if name not in names and not (fencing and _is_for_fencer(name))
        }
    )


def _is_older(version: str) -> bool:
    """Whether a feature set is from before private parameters were only left out (3.16.0)."""
    numbers = tuple(int(part) for part in version.split(".") if part.isdecimal() and len(part) < 16)
    return bool(numbers) and numbers < (3, 16)


def _is_for_fencer(name: str) -> bool:
    """Whether a parameter of a fence device is for the cluster, and not for the agent."""
    if name in {"provides", "stonith-timeout"}:
        return True
    if not name.startswith("pcmk_"):
        return False
    rest = name.removeprefix("pcmk_")
    return rest in _FENCER_NAMES or rest.partition("_")[2] in {"action", "timeout", "retries"}


def _restart_matches(computed: _Computed, entry: HistoryEntry) -> bool:
    pairs = computed.pairs
    if entry.force_restart is not None:
        names = set(entry.force_restart.split(" "))
        pairs = {name: value for name, value in pairs.items() if name in names}
    return _md5(pairs) == entry.restart_digest


def remote_address(resource: Resource) -> str | None:
    """The host that a bundle's connection shall be made to, where it says ``#uname``."""
    container = resource.launcher
    if not resource.is_remote_connection or container is None or not container.replica_container:
        return None
    if resource.parameters(None).get("addr", "").lower() != "#uname":
        return None
    node = container.assigned or container.current_node()
    return node.name if node is not None else None


# ---- unfencing -----------------------------------------------------------------------------------


@frozen
class UnfencingDigests:
    """What a fence device is now, and whether that has changed since a node was unfenced."""

    all: str
    secure: str
    changed: bool


def for_unfencing(state: State, device: Resource, agent: str, node: Node) -> UnfencingDigests:
    """Compare a device with what it was when the node was last unfenced."""
    computed = _compute(device, "stonith-on", 0, node)
    secure = _secure(device, computed, SECURE_DEFAULT.split(), None)
    known = node.attrs.get("#digests-all")
    if known is None:
        return UnfencingDigests(computed.all, secure, changed=False)
    if f"{device.id}:{agent}:{computed.all}" in known:
        return UnfencingDigests(computed.all, secure, changed=False)
    if f"{device.id}:{agent}:{secure}" in node.attrs.get("#digests-secure", ""):
        state.inform(
            "unfencing",
            f"Only 'private' parameters to {device.id} for unfencing {node.name} changed",
        )
        return UnfencingDigests(computed.all, secure, changed=False)
    return UnfencingDigests(computed.all, secure, changed=True)
