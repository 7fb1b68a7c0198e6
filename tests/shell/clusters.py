"""A cluster that completion and highlighting are tested on, and every line that anybody shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from crmsh_py.cib.document import Cib
from crmsh_py.scheduler.result import ClusterStatus, NodeStatus, ResourceKind, ResourceStatus, Role
from crmsh_py.shell.declarations import ALL
from crmsh_py.shell.snapshot import Snapshot, names_of, with_states

ROOT = Path(__file__).resolve().parents[2]

CIB = """\
<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0"><configuration>
<crm_config/><nodes><node id="1" uname="alpha"><instance_attributes id="nodes-1">
<nvpair id="nodes-1-rack" name="rack" value="a"/></instance_attributes></node>
<node id="2" uname="beta"/><node id="3" uname="gamma"/></nodes>
<resources><primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2">
<meta_attributes id="vip-meta"><nvpair id="vip-meta-target-role" name="target-role"
value="Stopped"/></meta_attributes></primitive>
<primitive id="spare" class="ocf" provider="pacemaker" type="Dummy"/>
<primitive id="power" class="stonith" type="fence_dummy"/>
<template id="tmpl" class="ocf" provider="heartbeat" type="IPaddr2"><operations>
<op id="tmpl-start" name="start" interval="0s"/><op id="tmpl-m" name="monitor" interval="10s"/>
<op id="tmpl-m2" name="monitor" interval="20s"/></operations></template>
<group id="site"><primitive id="web" class="ocf" provider="heartbeat" type="apache"/>
<primitive id="mail" class="ocf" provider="pacemaker" type="Dummy"/></group>
<clone id="main"><meta_attributes id="main-meta"><nvpair id="main-meta-promotable"
name="promotable" value="true"/></meta_attributes>
<primitive id="db" class="ocf" provider="pacemaker" type="Stateful"/></clone>
</resources><constraints><rsc_location id="loc" rsc="vip" node="alpha" score="1"/>
<rsc_location id="cli-ban-web-on-beta" rsc="web" node="beta" score="-INFINITY"/>
</constraints><tags><tag id="both"><obj_ref id="vip"/></tag></tags>
<acls><acl_role id="watcher"/></acls></configuration><status/></cib>"""

STATUS = ClusterStatus(
    nodes=(
        NodeStatus(name="alpha", id="1", online=True, is_dc=True),
        NodeStatus(name="beta", id="2", online=True, standby=True),
        NodeStatus(name="gamma", id="3"),
    ),
    resources=(
        ResourceStatus(id="vip", role=Role.STOPPED),
        ResourceStatus(
            id="spare", role=Role.STARTED, nodes=("alpha",), locations={"alpha": Role.STARTED}
        ),
        ResourceStatus(id="power", managed=False),
        ResourceStatus(
            id="site",
            kind=ResourceKind.GROUP,
            children=(
                ResourceStatus(
                    id="web", role=Role.STARTED, nodes=("alpha",), locations={"alpha": Role.STARTED}
                ),
                ResourceStatus(id="mail", failed=True),
            ),
        ),
        ResourceStatus(
            id="main",
            kind=ResourceKind.PROMOTABLE,
            children=(
                ResourceStatus(
                    id="db", role=Role.PROMOTED, nodes=("beta",), locations={"beta": Role.PROMOTED}
                ),
            ),
        ),
    ),
)


def example_lines() -> Iterator[tuple[str, str]]:
    """Every example there is, with its level."""
    for declaration in ALL:
        yield "root", declaration.example.removeprefix("crm ")
    for path in sorted(ROOT.glob("examples/*.crm")):
        for line in path.read_text("utf-8").replace("\\\n", " ").splitlines():
            yield "configure", " ".join(line.split())
    console = re.compile(r"^(?:\$ )?crm(?:\(\S*\)\w*#)? (\S.*)$", re.MULTILINE)
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for line in console.findall(path.read_text("utf-8")):
            yield "root", line.partition("  #")[0]
    golden = ROOT / "tests" / "golden" / "lang"
    for path in sorted(golden.glob("*.crm")):
        for line in path.read_text("utf-8").splitlines():
            yield "configure", line


HARD = (
    'primitive x ocf:heartbeat:IPaddr2 params ip="1.2.3.4" op monitor interval=10s '
    "meta target-role=Started utilization cpu=1 op start timeout='20 s'",
    "location l { a b } $role=Promoted rule $id=r 100: #uname eq a and date in start=2026-01-01",
    "order o Mandatory: ( a b ) [ c d ] sequential=false symmetrical=false",
    "fencing_topology alpha: a,b c pattern:x.* d attr:rack=1 e",
    "role r read xpath:'//*' write ref:x deny type:primitive attr:name",
    'xml <primitive id="x" class="ocf"/>',
    "filter \"sed 's/a/b/'\" vip \\",
    "location l /web.*/ resource-discovery=never -INFINITY: alpha",
)


def large(count: int) -> Snapshot:
    primitives = "".join(
        f'<primitive id="rsc-{n:04}" class="ocf" provider="pacemaker" type="Dummy"/>'
        for n in range(count)
    )
    text = CIB.replace("<template", f"{primitives}<template", 1)
    return with_states(names_of(Cib.parse(text)), STATUS)
