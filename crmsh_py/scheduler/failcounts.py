"""Fail counts: how often a resource failed on a node, and when that is too often.

They are transient node attributes ``fail-count-RSC#OPERATION_INTERVAL`` with a twin
``last-failure-…``; old ones name no operation.
"""

from __future__ import annotations

from functools import lru_cache

from crmsh_py.cib.durations import readable_ms
from crmsh_py.cib.scores import add_scores
from crmsh_py.regex import regex
from crmsh_py.scheduler.history import last_failure_id
from crmsh_py.scheduler.history_entry import HistoryEntry
from crmsh_py.scheduler.model import Node
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.settings import interval_ms, whole_number

_NAME = regex(r"(fail-count|last-failure)-(.+)#.+_[0-9]+")
_INSTANCE = regex(r"(:[0-9]+)?")


@lru_cache(maxsize=8192)
def _parsed(name: str) -> tuple[str, str] | None:
    """Whether an attribute is a fail count or the time of a failure, and of what."""
    found = _NAME.fullmatch(name)
    return (found.group(1), found.group(2)) if found else None


def _about(node: Node, resource: Resource) -> list[tuple[str, str]]:
    """The counts and times of a node that are about a resource, in pairs of kind and value."""
    name = resource.history_name
    if not resource.unique:
        name = _strip(name)
    found = []
    for attribute, value in node.attrs.items():
        if attribute.startswith(("fail-count-", "last-failure-")):
            parsed = _parsed(attribute)
            if parsed is None:
                continue
            kind, owner = parsed
            if owner == name or (
                not resource.unique
                and owner.startswith(name)
                and _INSTANCE.fullmatch(owner[len(name) :])
            ):
                found.append((kind, value))
    return found


def _strip(id_: str) -> str:
    name, separator, digits = id_.rpartition(":")
    return name if separator and digits.isdecimal() else id_


def count(
    node: Node,
    resource: Resource,
    *,
    effective: bool = True,
    launched: bool = False,
    entry: HistoryEntry | None = None,
) -> tuple[int, int]:
    """How often it failed there (0 where that has expired), and when last (Unix time, 0 if never).

    With ``launched``, failures of what it carries count too.
    """
    total = last = 0
    state = resource.state
    for kind, value in _about(node, resource):
        if kind == "fail-count":
            total = add_scores(total, state.settings.score(value) or 0)
        else:
            last = max(last, whole_number(value))
    if total > 0 and resource.failure_expiration_ms and _blocks(node, resource, entry):
        state.warn(
            "pe_get_failcount",
            f"Ignoring failure timeout ({readable_ms(resource.failure_expiration_ms)}) for "
            f"{resource.id} because it conflicts with on-fail=block",
        )
        resource.failure_expiration_ms = 0
    if effective and total > 0 and last > 0 and resource.failure_expiration_ms:
        expiration = -(-resource.failure_expiration_ms // 1000)
        if state.epoch > last + expiration:
            total = 0
    if launched and resource.launched and not resource.bundled:
        for other in resource.launched:
            more, when = count(node, other, effective=effective, launched=True, entry=entry)
            total += more
            last = max(last, when)
    return total, last if total > 0 and last > 0 else 0


def _blocks(node: Node, resource: Resource, entry: HistoryEntry | None) -> bool:
    """Whether a failure is of an operation that blocks: those do not expire."""
    name = _strip(resource.id)
    for operation in resource.operations:
        if operation.element.attrs.get("on-fail") != "block":
            continue
        if entry is not None:
            candidates = [entry]
        else:
            candidates = resource.state.histories.get((node.name, name), [])
        for candidate in candidates:
            if (
                candidate.task.lower() == operation.name.lower()
                and candidate.interval_ms == interval_ms(operation.element.attrs.get("interval"))
                and _is_failure(candidate, name, operation.name)
            ):
                return True
    return False


def _is_failure(entry: HistoryEntry, name: str, task: str) -> bool:
    if entry.id.lower() == last_failure_id(name).lower():
        return True
    if entry.id.lower() != f"{name}_{task}_{entry.interval_ms}".lower():
        return False
    return whole_number(entry.raw_rc) != entry.target_rc


def reached(resource: Resource, node: Node) -> Resource | None:
    """What is banned from a node because it failed there too often; None for nothing."""
    if not resource.ban_after_failures or resource.ignore_failure:
        return None
    if not any(name.startswith("fail-count-") for name in node.attrs):
        return None
    failures, _ = count(node, resource, launched=True)
    if failures <= 0 or resource.ban_after_failures > failures:
        return None
    banned = resource if resource.unique else resource.topmost()
    resource.state.warn(
        "pcmk__threshold_reached",
        f"{banned.id} cannot run on {node.name} due to reaching migration threshold "
        "(clean up resource to allow again)",
    )
    return banned
