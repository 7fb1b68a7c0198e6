"""Transient node attributes and fail counts: what changes them, as pure functions.

Fail counts follow Pacemaker's controller: a failed start counts as INFINITY where
``start-failure-is-fatal`` says so, a failed stop always does, and failures of promote, demote and
recurring operations add one, as do those that were asked for (``asyncmon``); probes never count.
What ``on-fail=ignore`` lets pass is told with its time only, unless it recurs.
The attributes are named
``fail-count-RESOURCE#OPERATION_INTERVAL`` and ``last-failure-…``, one pair per operation.
(Pacemaker: ``lib/pengine/failcounts.c``, ``daemons/controld/controld_te_events.c``.)
"""

from __future__ import annotations

from collections.abc import Mapping

from crmsh_py.cib.booleans import is_true
from crmsh_py.cib.element import Element
from crmsh_py.cib.failures import FAIL_COUNT, LAST_FAILURE
from crmsh_py.cib.scores import INFINITY, format_score, lenient_score
from crmsh_py.engine.status import attributes_of, with_attribute, without_attributes
from crmsh_py.whole_numbers import whole
from crmsh_py.wire.stream import Failure

SHUTDOWN = "shutdown"
_COUNTED_ONCE = frozenset({"promote", "demote", "asyncmon"})


def failure_name(prefix: str, resource: str, operation: str, interval_ms: int) -> str:
    """The attribute's name: ``fail-count-ClusterIP#monitor_30000``."""
    return f"{prefix}{resource}#{operation}_{interval_ms}"


def count_failure(
    state: Element, resource: str, failure: Failure, properties: Mapping[str, str]
) -> Element:
    """The node's state with a failure added to its fail counts."""
    fatal = is_true(properties.get("start-failure-is-fatal", "true"))
    match failure.operation:
        case "stop":
            add = INFINITY
        case "start":
            add = INFINITY if fatal else 1
        case operation if failure.interval_ms > 0 or operation in _COUNTED_ONCE:
            add = 1
        case _:
            return state
    # An instance number is no part of the name: all instances on a node share their counts.
    name = resource.split(":", 1)[0]
    where = (name, failure.operation, failure.interval_ms)
    count_name = failure_name(FAIL_COUNT, *where)
    old = attributes_of(state).get(count_name, "0")
    count = min(INFINITY, lenient_score(old) + add)
    if not failure.ignored:
        state = with_attribute(state, count_name, format_score(count))
    return with_attribute(state, failure_name(LAST_FAILURE, *where), str(failure.time))


def is_counted(state: Element, resource: str, failure: Failure) -> bool:
    """Whether the fail counts know of a failure of that operation at that time, or later."""
    name = resource.split(":", 1)[0]
    last = failure_name(LAST_FAILURE, name, failure.operation, failure.interval_ms)
    return whole(attributes_of(state).get(last, "")) >= failure.time


def clear_failures(
    state: Element, resource: str = "", operation: str = "", interval_ms: int = 0
) -> Element:
    """The node's state without the failures of a resource ('' all), or of one operation of it."""
    name = resource.split(":", 1)[0]

    def unwanted(attribute: str) -> bool:
        for prefix in (FAIL_COUNT, LAST_FAILURE):
            if attribute.startswith(prefix):
                rest = attribute.removeprefix(prefix)
                if not name:
                    return True
                if operation:
                    return rest == f"{name}#{operation}_{interval_ms}"
                return rest == name or rest.startswith(f"{name}#")
        return False

    return without_attributes(state, unwanted)


def failed_resources(state: Element) -> set[str]:
    """The resources that have a fail count on this node."""
    return {
        name.removeprefix(FAIL_COUNT).split("#", 1)[0]
        for name in attributes_of(state)
        if name.startswith(FAIL_COUNT)
    }
