"""Stand-ins in nodes: an address that answers, a site that serves, seen from the host."""

from __future__ import annotations

import pytest
from lab.harness import Driver
from waiting import until

from crmsh_py.lab import commands

pytestmark = pytest.mark.e2e

ADDRESS = "192.168.100.100"


def act(lab: Driver, node: str, spec: str, action: str, **parameters: str) -> int:
    """One action of a stand-in, as a node's runner calls it."""
    settings = [f"OCF_RESKEY_{name}={value}" for name, value in parameters.items()]
    done = lab.run(
        node,
        "env",
        "HA_RSCTMP=/run/resource-agents",
        f"OCF_RESOURCE_INSTANCE={spec.rpartition(':')[2]}",
        f"PYTHONPATH={commands.python_path()}",
        *settings,
        *(lab.python, "-P", "-m", "crmsh_py.standins", spec, action),
    )
    return done.returncode


def ip(lab: Driver, node: str, action: str, **parameters: str) -> int:
    return act(lab, node, "ocf:heartbeat:IPaddr2", action, **{"ip": ADDRESS, **parameters})


def test_an_address_answers_and_moves(up: Driver) -> None:
    """The host reaches it at once at its new place: its neighbour cache was told."""
    assert ip(up, "pacemaker01", "monitor") == 7
    assert ip(up, "pacemaker01", "start") == 0
    assert ip(up, "pacemaker01", "start") == 0
    assert ip(up, "pacemaker01", "monitor") == 0
    shown = up.output("pacemaker01", "ip", "-4", "addr", "show", "eth0")
    assert f"inet {ADDRESS}/24 brd 192.168.100.255 scope global secondary eth0" in shown
    assert up.pings("host", ADDRESS)
    assert ip(up, "pacemaker01", "stop") == 0
    assert ip(up, "pacemaker01", "monitor") == 7
    assert ip(up, "pacemaker01", "stop") == 0
    assert ip(up, "pacemaker02", "start", cidr_netmask="32", iflabel="vip") == 0
    cached = up.output("host", "ip", "neigh", "show", ADDRESS)
    assert "52:54:00:a8:64:0b" in cached
    assert up.pings("host", ADDRESS)
    labelled = up.output("pacemaker02", "ip", "-4", "addr", "show", "eth0")
    assert f"inet {ADDRESS}/32" in labelled
    assert "eth0:vip" in labelled
    assert ip(up, "pacemaker02", "stop") == 0


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"ip": ""}, 6),
        ({"ip": "not an address"}, 6),
        ({"cidr_netmask": "99"}, 6),
        ({"ip": "10.9.9.9"}, 1),
        ({"nic": "eth7"}, 1),
    ],
)
def test_an_address_that_cannot_be_is_refused(
    up: Driver, parameters: dict[str, str], code: int
) -> None:
    assert ip(up, "pacemaker01", "start", **parameters) == code


def test_a_site_serves_the_page_of_its_node(up: Driver) -> None:
    spec = "ocf:heartbeat:apache"
    config = {"configfile": "/etc/apache2/apache2.conf"}
    assert act(up, "pacemaker03", spec, "monitor", **config) == 7
    assert act(up, "pacemaker03", spec, "start", **config) == 0
    assert act(up, "pacemaker03", spec, "monitor", **config) == 0
    small_curl = up.state / "bin-last" / "curl"
    page = up.output("host", str(small_curl), "-sS", "http://192.168.100.12")
    assert "My Test Site - pacemaker03" in page
    # A web server killed behind the cluster's back is noticed.
    up.output("pacemaker03", "sh", "-c", "kill -9 $(cut -d' ' -f1 /run/resource-agents/*.pid)")
    assert until(lambda: act(up, "pacemaker03", spec, "monitor", **config) == 7)
    assert act(up, "pacemaker03", spec, "start", **config) == 0
    assert act(up, "pacemaker03", spec, "stop", **config) == 0
    assert act(up, "pacemaker03", spec, "monitor", **config) == 7
    assert up.run("host", str(small_curl), "-s", "http://192.168.100.12").returncode == 7
