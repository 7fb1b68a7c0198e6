"""Attribute sets: several blocks of name-value pairs with rules become one table.

Blocks with a higher score come first, and the first value of a name counts (Pacemaker Explained,
"Using Rules to Control ... Attributes"). A block with a rule counts only where the rule passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crmsh_py.cib.element import Element
from crmsh_py.cib.rules import RuleContext, evaluate
from crmsh_py.scheduler.state import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.scheduler.resource import Resource

# The stage of findings about what works today, and will not one day.
DEPRECATED = "deprecated"
_EMPTY: tuple[Element, ...] = ()


def blocks(state: State, parent: Element, tag: str, first_id: str = "") -> tuple[Element, ...]:
    """The blocks with ``tag`` under ``parent``, in the order in which they count."""
    found = [child for child in parent.children if child.tag == tag]
    if not found:
        return _EMPTY
    # Of blocks with the same score, the last one counts first.
    resolved = [block for child in reversed(found) if (block := resolve(state, child)) is not None]
    if len(resolved) > 1:
        resolved.sort(
            key=lambda block: (
                bool(first_id) and block.id != first_id,
                -(state.settings.score(block.get("score") or None) or 0),
            )
        )
    return tuple(resolved)


def resolve(state: State, element: Element) -> Element | None:
    """The element that an ``id-ref`` points to; the element itself where it is no reference."""
    reference = element.attrs.get("id-ref")
    return element if reference is None else state.cib.find_id(reference)


def has_rules(parent: Element | None, tag: str) -> bool:
    """Whether any block depends on a rule (or may: a reference is looked into later)."""
    return parent is not None and any(
        child.tag == tag and ("id-ref" in child.attrs or child.find("rule") is not None)
        for child in parent.children
    )


def unpack(
    state: State,
    parent: Element | None,
    tag: str,
    context: RuleContext,
    into: dict[str, str],
    *,
    first_id: str = "",
) -> None:
    """Add the values of ``parent``'s blocks with ``tag`` to ``into``, which wins over them."""
    if parent is None or not parent.children:
        return
    found = ((n, v) for n, v, _ in pairs(state, parent, tag, context, first_id=first_id))
    _merge(state, found, into)


def unpack_defaults(
    state: State, section: Element, context: RuleContext, into: dict[str, str]
) -> None:
    """The same for the meta attributes of a section of defaults, for a ``context_for`` something.

    Whatever has the same context has the same defaults, so they are looked for once.
    """
    if not section.children:
        return
    key = (section.tag, id(context))
    found = state.defaults.get(key)
    if found is None:
        found = [(n, v) for n, v, _ in pairs(state, section, "meta_attributes", context)]
        state.defaults[key] = found
    _merge(state, found, into)


def _merge(state: State, found: Iterable[tuple[str, str]], into: dict[str, str]) -> None:
    for name, value in found:
        if value.lower() == "#default":
            into.pop(name, None)
            state.warn(
                DEPRECATED,
                f"Support for setting meta-attributes (such as {name}) to the explicit value "
                "'#default' is deprecated and will be removed in a future release",
            )
        elif name not in into:
            into[name] = value


def pairs(
    state: State, parent: Element, tag: str, context: RuleContext, *, first_id: str = ""
) -> Iterator[tuple[str, str, Element]]:
    """Name, value and element of every pair that counts, in the order in which they do."""
    for block in blocks(state, parent, tag, first_id):
        rule = block.find("rule")
        if rule is not None and not passes(state, rule, context):
            continue
        nested = block.find("attributes") if block.children else None
        for child in (nested or block).children:
            if child.tag != "nvpair":
                continue
            pair = resolve(state, child)
            if pair is None:
                continue
            name = child.attrs.get("name", pair.attrs.get("name"))
            value = pair.attrs.get("value")
            if name is not None and value is not None:
                yield name, value, pair


def context_for(resource: Resource, task: str | None = None, every_ms: int = 0) -> RuleContext:
    """What rules can know where a resource, or an operation of it, is defined."""
    state = resource.state
    key = (resource.standard, resource.provider, resource.agent_type, task, every_ms)
    context = state.rule_contexts.get(key)
    if context is None:
        context = state.rule_contexts[key] = RuleContext(
            now=state.now,
            agent_class=resource.standard,
            agent_provider=resource.provider,
            agent_type=resource.agent_type,
            op_name=task,
            op_interval_ms=every_ms,
        )
    return context


def passes(state: State, rule: Element, context: RuleContext) -> bool:
    """Whether a rule passes; notes when the answer may change."""
    resolved = resolve(state, rule)
    if resolved is None:
        return False
    outcome = evaluate(resolved, context, find_id=state.cib.find_id)
    if outcome.next_change is not None:
        cyclic = any(True for _ in resolved.iter("date_spec"))
        state.recheck(int(outcome.next_change.timestamp()), cyclic=cyclic)
    return outcome.passes
