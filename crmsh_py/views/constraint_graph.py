"""Resources and the constraints between them as a graph: Graphviz text, or text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from crmsh_py.cib.booleans import FALSE
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.value import frozen
from crmsh_py.views.rule_words import words_of_rule
from crmsh_py.views.text import joined

_STYLES = {"order": "solid", "colocation": "dashed", "location": "dotted", "ticket": "bold"}
_DOES = {"start": "starts", "stop": "stops", "promote": "is promoted", "demote": "is demoted"}


@frozen
class Edge:
    """``first`` to ``then`` by a constraint; ``kind`` is order, colocation, location or ticket.

    ``then`` may be a resource, a node, a ticket or what a rule says. ``sentence`` says it in words,
    ``weight`` is the score or the kind of an order.
    """

    first: str
    then: str
    kind: str
    id: str
    weight: str
    sentence: str


def edges(cib: Cib) -> list[Edge]:
    """What the constraints say, in document order."""
    makers = {
        "rsc_location": _locations,
        "rsc_colocation": _colocations,
        "rsc_order": _orders,
        "rsc_ticket": _tickets,
    }
    return [
        edge
        for element in cib.section("constraints").findall(*makers)
        for edge in makers[element.tag](element, cib)
    ]


def _is_negative(score: str) -> bool:
    return score.startswith("-") and score != "-0"


def _as(name: str, role: str) -> str:
    return f"{name}:{role}" if role else name


def _references(one: Element) -> list[str]:
    return [reference.id for reference in one.findall("resource_ref")]


def _is(one: Element, name: str) -> bool:
    """A yes or no of a set of resources; both that there are default to yes."""
    return one.get(name, "true").lower() not in FALSE


def _subjects(element: Element) -> list[tuple[str, str]]:
    """Whom a location or a ticket is about, each with its role."""
    role = element.get("role") or element.get("rsc-role")
    if pattern := element.get("rsc-pattern"):
        return [(f"/{pattern}/", role)]
    if resource := element.get("rsc"):
        return [(resource, role)]
    return [
        (name, one.get("role") or role)
        for one in element.findall("resource_set")
        for name in _references(one)
    ]


# ---- locations and tickets -----------------------------------------------------------------------


def _locations(element: Element, cib: Cib) -> Iterator[Edge]:
    for name, role in _subjects(element):
        if node := element.get("node"):
            score = element.get("score")
            verb = "avoids" if _is_negative(score) else "runs on"
            sentence = f"{_as(name, role)} {verb} {node}"
            yield Edge(name, node, "location", element.id, score, sentence)
        for given in element.findall("rule"):
            rule = (cib.find_id(given.get("id-ref")) if given.get("id-ref") else given) or given
            weight = rule.get("score-attribute") or rule.get("score", "INFINITY")
            verb = "avoids nodes" if _is_negative(rule.get("score")) else "runs"
            said = words_of_rule(rule)
            sentence = f"{_as(name, role or rule.get('role'))} {verb} where {said}"
            yield Edge(name, said, "location", element.id, weight, sentence)


def _tickets(element: Element, cib: Cib) -> Iterator[Edge]:
    ticket, policy = element.get("ticket"), element.get("loss-policy")
    weight = f"loss-policy={policy}" if policy else ""
    for name, role in _subjects(element):
        sentence = f"{_as(name, role)} needs the ticket {ticket}"
        yield Edge(name, f"ticket {ticket}", "ticket", element.id, weight, sentence)


# ---- colocations ---------------------------------------------------------------------------------


def _colocations(element: Element, cib: Cib) -> Iterator[Edge]:
    score = element.get("score")

    def edge(dependent: str, other: str, roles: tuple[str, str], score: str) -> Edge:
        verb = "is kept apart from" if _is_negative(score) else "runs with"
        sentence = f"{_as(dependent, roles[0])} {verb} {_as(other, roles[1])}"
        return Edge(dependent, other, "colocation", element.id, score, sentence)

    if resource := element.get("rsc"):
        roles = element.get("rsc-role"), element.get("with-rsc-role")
        yield edge(resource, element.get("with-rsc"), roles, score)
    previous: list[str] = []
    before = ""
    for one in element.findall("resource_set"):
        members, role, own = _references(one), one.get("role"), one.get("score") or score
        if _is(one, "sequential"):
            # Inside of a set, whoever comes later is placed with whoever came before …
            for other, dependent in pairwise(members):
                yield edge(dependent, other, (role, role), own)
        # … while a whole set is placed with the set that follows it.
        for dependent in previous:
            for other in members:
                yield edge(dependent, other, (before, role), score)
        previous, before = members, role


# ---- orders --------------------------------------------------------------------------------------


def _orders(element: Element, cib: Cib) -> Iterator[Edge]:
    weight = element.get("kind") or element.get("score")

    def edge(first: str, then: str, actions: tuple[str, str], enough: str = "") -> Edge:
        does, will = (_DOES.get(action, action) for action in actions)
        if element.get("kind") == "Serialize":
            sentence = f"{first} never {does} while {then} {will}"
        else:
            sentence = f"{first} {does} before {then}" + (f" {will}" if will != does else "")
        return Edge(first, then, "order", element.id, weight, sentence + enough)

    if first := element.get("first"):
        action = element.get("first-action") or "start"
        actions = action, element.get("then-action") or action
        yield edge(first, element.get("then"), actions)
    previous: list[str] = []
    before = enough = ""
    for one in element.findall("resource_set"):
        members, action = _references(one), one.get("action") or "start"
        any_of_them = not _is(one, "require-all")
        if _is(one, "sequential") and not any_of_them:
            for former, later in pairwise(members):
                yield edge(former, later, (action, action))
        for former in previous:
            for later in members:
                yield edge(former, later, (before, action), enough)
        listed = ", ".join(members)
        enough = f", or another of {listed} does" if any_of_them and len(members) > 1 else ""
        previous, before = members, action


# ---- output --------------------------------------------------------------------------------------


def dot(cib: Cib) -> str:
    """The graph in Graphviz's language; containers are clusters."""
    lines = ["digraph configuration {", "  rankdir=LR;", "  node [shape=box, style=rounded];"]
    for element in cib.section("resources").findall(
        "primitive", "group", "clone", "master", "bundle"
    ):
        lines += _vertices(element, "  ")
    for edge in edges(cib):
        look = {"style": _STYLES[edge.kind], "label": _quoted(f"{edge.id} {edge.weight}".strip())}
        if edge.kind in ("location", "colocation") and _is_negative(edge.weight):
            look["color"] = "red"
        lines.append(f"  {_quoted(edge.first)} -> {_quoted(edge.then)} [{_listed(look)}];")
    return "\n".join([*lines, "}"]) + "\n"


def _listed(look: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in look.items())


def _quoted(text: str) -> str:
    """A name for Graphviz; patterns and rules may hold anything."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _vertices(element: Element, indent: str) -> list[str]:
    children = element.findall("primitive", "group")
    if not children:
        return [f"{indent}{_quoted(element.id)};"]
    inner = [line for child in children for line in _vertices(child, indent + "  ")]
    return [
        f"{indent}subgraph {_quoted(f'cluster_{element.id}')} {{",
        f"{indent}  label={_quoted(f'{element.tag} {element.id}')};",
        *inner,
        f"{indent}}}",
    ]


def text(cib: Cib) -> str:
    """One sentence per edge."""
    lines = [f"{e.sentence}  ({e.id} {e.weight})".replace(" )", ")") for e in edges(cib)]
    return joined(lines) + "\n" if lines else "no constraints\n"
