"""Made-up clusters for measurements: a CIB with its status, of a given kind, size and state.

``cib(kind, nodes, resources, state)`` is the text. Kinds:

    plain   single resources
    group   groups of five
    pairs   every second resource runs with the one before it, and after it
    clone   clones over all nodes, as many as give ``resources`` instances

States: ``fresh`` (nothing is known: everything has to be probed on every node), ``noprobe`` (the
same with probes switched off) and ``probed`` (every node has answered that nothing runs there).
The schema is one that old and new versions of Pacemaker understand.

    python bench/clusters.py pairs 16 1000 noprobe > cib.xml
    python bench/clusters.py configured 1000 200 > cib.xml
    python bench/clusters.py commands 1000 200 > configuration.crm
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

KINDS = ("plain", "group", "pairs", "clone")
STATES = ("fresh", "noprobe", "probed")
_GROUP = 5
_PROBED_AT = 1_700_000_000
# The digest of an agent without parameters.
_DIGEST = "f2317cad3d54cec5d7d7aa7d0bf35cf8"
_TRANSITION = "3b0a9c3e-0c43-4c0e-9a53-6a8f7d3c1e42"


def cib(kind: str, nodes: int, resources: int, state: str = "fresh") -> str:
    """The whole document."""
    if kind not in KINDS or state not in STATES:
        raise ValueError(f"kinds are {KINDS}, states {STATES}")
    names = _names(kind, nodes, resources)
    switches = {"stonith-enabled": "false"}
    if state == "noprobe":
        switches["enable-startup-probes"] = "false"
    properties = "".join(
        f'<nvpair id="p-{name}" name="{name}" value="{value}"/>' for name, value in switches.items()
    )
    members = "".join(f'<node id="{n}" uname="node{n}"/>' for n in range(1, nodes + 1))
    states = "".join(
        _node_state(n, names if state == "probed" else ()) for n in range(1, nodes + 1)
    )
    return (
        '<cib admin_epoch="0" epoch="1" num_updates="0" validate-with="pacemaker-3.2"'
        ' crm_feature_set="3.15.0" have-quorum="1" dc-uuid="1"><configuration><crm_config>'
        f'<cluster_property_set id="cib-bootstrap-options">{properties}</cluster_property_set>'
        f"</crm_config><nodes>{members}</nodes>\n"
        f"<resources>{''.join(_resources(kind, names))}</resources>\n"
        f"<constraints>{''.join(_constraints(kind, names))}</constraints>\n"
        '<rsc_defaults><meta_attributes id="rsc-options"><nvpair id="rsc-options-stickiness"'
        ' name="resource-stickiness" value="1"/></meta_attributes></rsc_defaults>'
        f"</configuration><status>{states}</status></cib>\n"
    )


def commands(resources: int, constraints: int) -> str:
    """Lines for ``crm configure load update``: primitives, then colocations and orders of them."""
    lines = [
        f"primitive r{n} ocf:pacemaker:Dummy params fake=value{n} op monitor interval=10s"
        for n in range(resources)
    ]
    for n in range(constraints // 2):
        lines.append(f"colocation c{n} inf: r{2 * n + 1} r{2 * n}")
        lines.append(f"order o{n} Mandatory: r{2 * n} r{2 * n + 1}")
    return "\n".join(lines) + "\n"


def configured(resources: int, constraints: int) -> str:
    """A document with as many primitives and constraints."""
    pairs = cib("pairs", 3, constraints, "noprobe")
    more = "".join(_primitive(f"x{n}") for n in range(resources - constraints))
    return pairs.replace("</resources>", f"{more}</resources>")


def _names(kind: str, nodes: int, resources: int) -> tuple[str, ...]:
    if kind == "clone":
        return tuple(f"r{n}" for n in range(max(1, resources // nodes)))
    return tuple(f"r{n}" for n in range(resources))


def _primitive(name: str) -> str:
    return (
        f'<primitive id="{name}" class="ocf" provider="pacemaker" type="Dummy"><operations>'
        f'<op id="{name}-monitor" name="monitor" interval="10s" timeout="20s"/>'
        "</operations></primitive>"
    )


def _resources(kind: str, names: tuple[str, ...]) -> Iterator[str]:
    if kind == "group":
        for first in range(0, len(names), _GROUP):
            members = "".join(map(_primitive, names[first : first + _GROUP]))
            yield f'<group id="g{first // _GROUP}">{members}</group>'
    elif kind == "clone":
        for name in names:
            yield f'<clone id="{name}-clone">{_primitive(name)}</clone>'
    else:
        yield from map(_primitive, names)


def _constraints(kind: str, names: tuple[str, ...]) -> Iterator[str]:
    if kind != "pairs":
        return
    for first, then in zip(names[::2], names[1::2], strict=False):
        yield f'<rsc_colocation id="c-{then}" rsc="{then}" with-rsc="{first}" score="INFINITY"/>'
        yield f'<rsc_order id="o-{then}" first="{first}" then="{then}" kind="Mandatory"/>'


def _node_state(node: int, probed: tuple[str, ...]) -> str:
    results = "".join(_result(node, call, name) for call, name in enumerate(probed, start=1))
    return (
        f'<node_state id="{node}" uname="node{node}" in_ccm="true" crmd="online" join="member"'
        f' expected="member"><lrm id="{node}"><lrm_resources>{results}</lrm_resources></lrm>'
        "</node_state>\n"
    )


def _result(node: int, call: int, name: str) -> str:
    key = f"{call}:0:7:{_TRANSITION}"
    return (
        f'<lrm_resource id="{name}" class="ocf" provider="pacemaker" type="Dummy">'
        f'<lrm_rsc_op id="{name}_last_0" operation_key="{name}_monitor_0" operation="monitor"'
        f' crm_feature_set="3.15.0" transition-key="{key}" transition-magic="0:7;{key}"'
        f' on_node="node{node}" call-id="{call}" rc-code="7" op-status="0" interval="0"'
        f' last-rc-change="{_PROBED_AT}" exec-time="10" queue-time="0" op-digest="{_DIGEST}"/>'
        "</lrm_resource>"
    )


if __name__ == "__main__":
    _, _what, _first, _second, *_state = sys.argv
    _makers = {"commands": commands, "configured": configured}
    if _what in _makers:
        sys.stdout.write(_makers[_what](int(_first), int(_second)))
    else:
        sys.stdout.write(cib(_what, int(_first), int(_second), *_state))
