"""Agents of the distribution, as they are: what they call, and as whom, works in a node."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.harness import Lab, close_lab, make_lab, users

pytestmark = pytest.mark.e2e

ROOT = Path("/usr/lib/ocf/resource.d")
PAGE = "/srv/status.html"
# Each with its parameters; ClusterMon calls crm_mon by "su -", which clears the environment.
AGENTS = {
    "heartbeat:Delay": "startdelay=0 stopdelay=0 mondelay=0",
    "heartbeat:symlink": "link=/srv/link target=/etc/hosts",
    "heartbeat:anything": "binfile=/bin/sleep cmdline_options=1000",
    "heartbeat:Route": "destination=10.9.0.0/16 gateway=192.168.100.1 device=eth0",
    "pacemaker:attribute": "name=role active_value=yes inactive_value=no",
    "pacemaker:ClusterMon": f"user=root update=1 htmlfile={PAGE}",
    "pacemaker:HealthCPU": "yellow_limit=101 red_limit=0 op monitor interval=2s timeout=20s",
    "pacemaker:SysInfo": "disk_unit=M",
    "pacemaker:ifspeed": "iface=eth0",
}
NODE = "n1"


@pytest.fixture
def lab() -> Iterator[Lab]:
    """One node is enough: agents do not know how many there are."""
    if os.getuid() != 0:
        pytest.skip("su, routes and links of root's making need a lab of root's")
    missing = [name for name in AGENTS if not (ROOT / name.replace(":", "/")).exists()]
    if missing:
        pytest.skip(f"needs ocf:{missing[0]} (package resource-agents)")
    lab = make_lab(users()[0], f"m{os.getpid()}")
    try:
        lab.crm("lab", "create", "--nodes", NODE)
        lab.crm("lab", "start")
        lab.wait("it is online", lambda: lab.online(NODE))
        lab.crm("configure", "property", "stonith-enabled=false")
        yield lab
    finally:
        close_lab(lab)


def test_they_start_tell_what_they_know_and_stop(lab: Lab) -> None:
    lines = [
        f"primitive {name.partition(':')[2]} ocf:{name} params {parameters}"
        for name, parameters in AGENTS.items()
    ]
    lab.crm("configure", "load", "update", "-", stdin="\n".join(lines))
    names = [name.partition(":")[2] for name in AGENTS]
    lab.wait("all run", lambda: all(lab.where(name) for name in names), 60, 0.5)
    assert "Failed" not in lab.mon()

    def told(attribute: str) -> str:
        return lab.on(NODE, "attrd_updater", "-Q", "-n", attribute, check=False)

    assert 'value="yes"' in told("role")
    assert "ram_total" in lab.run("crm_mon", "-1", "-A").stdout
    lab.wait("its health is known", lambda: "yellow" in told("#health-cpu"), 20, 0.5)
    assert "SysInfo" in lab.on(NODE, "cat", PAGE), "the page of ClusterMon's crm_mon"

    lab.crm("resource", "stop", *names)
    lab.wait("all have stopped", lambda: not any(lab.where(name) for name in names), 60, 0.5)
    assert "Failed" not in lab.mon()
    assert 'value="no"' in told("role")
