"""Primitives by number instead of by name (``crm_mon --brief``).

Input: primitives, and how to name an agent; output: one line for each agent and each node where
resources of it are active: ``2/3\\t(ocf:pacemaker:Dummy):\\tActive node1``. Agents and nodes are
sorted by name; a total stands where inactive resources are told, too. ``away`` are the nodes that
are gone for sure: what was there counts no more (``mon_facts.active_nodes``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.scheduler.result import ResourceStatus
from crmsh_py.views.mon_facts import active_nodes
from crmsh_py.views.text import natural_key


def tally(
    primitives: Iterable[ResourceStatus],
    *,
    totals: bool,
    away: Collection[str] = frozenset(),
    agent_name: Callable[[AgentSpec | None], str] = str,
) -> list[str]:
    """The lines for a list of primitives; what is active nowhere needs ``totals`` to show."""
    all_of: Counter[str] = Counter()
    active: dict[str, Counter[str]] = {}
    for primitive in primitives:
        name = agent_name(primitive.agent)
        all_of[name] += 1
        active.setdefault(name, Counter()).update(active_nodes(primitive, away))
    lines = []
    for name, total in sorted(all_of.items()):
        of = f"/{total}" if totals else ""
        for node in sorted(active[name], key=natural_key):
            lines.append(f"{active[name][node]}{of}\t({name}):\tActive {node}")
        if totals and not active[name]:
            lines.append(f"0{of}\t({name}):\tActive")
    return lines


def tally_on(
    node: str,
    primitives: Iterable[ResourceStatus],
    *,
    away: Collection[str] = frozenset(),
    agent_name: Callable[[AgentSpec | None], str] = str,
) -> list[str]:
    """The same for what is active on one node, which is not named again."""
    numbers = Counter(
        agent_name(primitive.agent)
        for primitive in primitives
        if node in active_nodes(primitive, away)
    )
    return [f"{number}\t({name}):\tActive " for name, number in sorted(numbers.items())]
