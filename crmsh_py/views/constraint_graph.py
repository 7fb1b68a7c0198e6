"""Resources and the constraints between them as a graph: Graphviz text, or text for people."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.value import frozen
from crmsh_py.views.text import joined


@frozen
class Edge:
    """``first`` to ``then`` by a constraint; ``kind`` is order, colocation or location."""

    first: str
    then: str
    kind: str
    id: str
    weight: str


def edges(cib: Cib) -> list[Edge]:
    """What the constraints say, in document order."""
    return [edge for element in cib.section("constraints").findall() for edge in _edges(element)]


def _edges(element: Element) -> Iterator[Edge]:
    kind = element.tag.removeprefix("rsc_")
    weight = element.get("kind") or element.get("score")
    if kind == "order" and "first" in element.attrs:
        yield Edge(element.get("first"), element.get("then"), kind, element.id, weight)
    elif kind == "colocation" and "rsc" in element.attrs:
        yield Edge(element.get("rsc"), element.get("with-rsc"), kind, element.id, weight)
    elif kind == "location" and "node" in element.attrs:
        yield Edge(element.get("rsc"), element.get("node"), kind, element.id, weight)
    members = [
        [reference.id for reference in resource_set.findall("resource_ref")]
        for resource_set in element.findall("resource_set")
    ]
    for left, right in itertools.pairwise(members):
        for first in left:
            for then in right:
                yield Edge(first, then, kind, element.id, weight)


def dot(cib: Cib) -> str:
    """The graph in Graphviz's language; containers are clusters."""
    lines = ["digraph configuration {", "  rankdir=LR;", "  node [shape=box, style=rounded];"]
    for element in cib.section("resources").findall("primitive", "group", "clone", "bundle"):
        lines += _vertices(element, "  ")
    for edge in edges(cib):
        style = {"order": "solid", "colocation": "dashed", "location": "dotted"}.get(edge.kind, "")
        label = f"{edge.id} {edge.weight}".strip()
        lines.append(f'  "{edge.first}" -> "{edge.then}" [style={style}, label="{label}"];')
    return "\n".join([*lines, "}"]) + "\n"


def _vertices(element: Element, indent: str) -> list[str]:
    children = element.findall("primitive", "group")
    if not children:
        return [f'{indent}"{element.id}";']
    inner = [line for child in children for line in _vertices(child, indent + "  ")]
    return [
        f'{indent}subgraph "cluster_{element.id}" {{',
        f'{indent}  label="{element.tag} {element.id}";',
        *inner,
        f"{indent}}}",
    ]


def text(cib: Cib) -> str:
    """One sentence per edge."""
    words = {"order": "starts before", "colocation": "runs with", "location": "runs on"}
    lines = [
        f"{e.first} {words.get(e.kind, e.kind)} {e.then}  ({e.id} {e.weight})".replace(" )", ")")
        for e in edges(cib)
    ]
    return joined(lines) + "\n" if lines else "no constraints\n"
