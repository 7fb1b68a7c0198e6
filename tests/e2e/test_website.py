"""The tutorial's second part: an address, a web site, moves and failures (steps 5 to 8)."""

from __future__ import annotations

import re
import time

import pytest
from e2e.harness import NODES, Lab

pytestmark = pytest.mark.e2e


def log_position(log: str, pattern: str) -> int:
    """Where the last match of a pattern is in a log; fails when there is none."""
    found = [match.start() for match in re.finditer(pattern, log)]
    assert found, f"{pattern} is not in the log:\n{log[-4000:]}"
    return found[-1]


@pytest.mark.alone
def test_an_address_is_started_within_a_second_and_answers(lab: Lab) -> None:
    """Started on a node within 1 s of the commit plus the agent's own time; ping answers."""
    lab.up()
    begin = time.monotonic()
    lab.crm(
        *[
            "configure",
            "primitive",
            "ClusterIP",
            "ocf:heartbeat:IPaddr2",
            "params",
            "ip=192.168.100.100",
            "cidr_netmask=24",
            "op",
            "monitor",
            "interval=30s",
        ]
    )
    lab.wait("ClusterIP is started", lambda: lab.where("ClusterIP"), 5, 0.05)
    # The agent itself (probes on three nodes, then start) takes about half a second of this.
    assert time.monotonic() - begin < 4.0
    node = lab.where("ClusterIP")
    assert "192.168.100.100/24" in lab.on(node, "ip", "addr")
    for other in set(NODES) - {node}:
        assert "192.168.100.100" not in lab.on(other, "ip", "addr")
    assert "1 received" in lab.on("host", "ping", "-c", "1", "-W", "2", "192.168.100.100")


def test_an_address_removed_by_hand_is_noticed_by_the_monitor_and_recovered(lab: Lab) -> None:
    """The recurring monitor runs for real, and the failure is counted."""
    lab.up()
    lab.crm(
        *[
            "configure",
            "primitive",
            "ClusterIP",
            "ocf:heartbeat:IPaddr2",
            "params",
            "ip=192.168.100.100",
            "cidr_netmask=24",
            "op",
            "monitor",
            "interval=2s",
        ]
    )
    lab.wait("ClusterIP is started", lambda: lab.where("ClusterIP"))
    node = lab.where("ClusterIP")
    lab.on(node, "ip", "addr", "del", "192.168.100.100/24", "dev", "eth0")
    lab.wait(
        "the address is back",
        lambda: any("192.168.100.100" in lab.on(name, "ip", "addr") for name in NODES),
        15,
    )
    lab.wait("it is counted", lambda: "fail-count=1" in lab.run("crm_mon", "-1", "-f").stdout)
    mon = lab.run("crm_mon", "-1", "-f").stdout
    assert "ClusterIP_monitor_2000" in mon


def test_the_web_site_runs_with_its_address_and_names_its_node(website: Lab) -> None:
    """Both on one node, and the page is that node's own."""
    node = website.where("WebSite")
    assert node == website.where("ClusterIP")
    assert f"My Test Site - {node}" in website.page()
    xml = website.crm("configure", "show", "xml")
    assert (
        '<rsc_order id="apache-after-ip" kind="Mandatory" first="ClusterIP" then="WebSite"/>' in xml
    )
    assert (
        '<rsc_colocation id="website-with-ip" score="INFINITY" rsc="WebSite" with-rsc="ClusterIP"/>'
        in xml
    )
    for wanted in (
        'id="WebSite-instance_attributes-statusurl"',
        'id="ClusterIP-monitor-30s"',
        'id="op-options-timeout"',
        'id="rsc-options-resource-stickiness"',
    ):
        assert wanted in xml
    expected = "(ocf::heartbeat:apache)"
    assert expected in website.mon()


def test_a_move_takes_both_in_order_and_clear_leaves_them(website: Lab) -> None:
    """WebSite stops before ClusterIP, which starts before WebSite, on the other node."""
    here = website.where("WebSite")
    there = next(name for name in NODES if name != here)
    website.crm("resource", "move", "WebSite", there)
    website.wait("the page names the other node", lambda: f"- {there}" in website.page())
    website.wait("both are shown there", lambda: website.where("WebSite") == there)
    assert website.where("ClusterIP") == there
    assert re.search(r"Last change: .* via crm_resource on pacemaker0\d", website.mon())

    old, new = (website.crm("lab", "log", name) for name in (here, there))
    assert log_position(old, r"WebSite_stop_0") < log_position(old, r"ClusterIP_stop_0")
    assert log_position(new, r"ClusterIP_start_0") < log_position(new, r"WebSite_start_0")

    website.crm("resource", "clear", "WebSite")
    assert "cli-prefer" not in website.crm("configure", "show")
    website.run("crm_resource", "--wait", check=False)
    assert website.where("WebSite") == there


@pytest.mark.slow
def test_a_dead_node_loses_its_resources_and_gets_nothing_back(website: Lab) -> None:
    """SIGKILL of everything on the active node; then it returns, and stickiness holds."""
    node = website.where("WebSite")
    rest = [name for name in NODES if name != node]
    website.crm("lab", "kill", node)
    took = website.wait(
        "the site answers from another node",
        lambda: any(f"- {name}" in website.page() for name in rest),
        25,
    )
    # token 3000 + consensus 3600, and the agents' own time.
    assert took < 14
    website.wait(
        "the others see it offline", lambda: f"OFFLINE: [ {node} ]" in website.mon(rest[0])
    )
    now = website.where("WebSite", rest[0])
    assert now in rest

    website.crm("lab", "start", node)
    website.wait("it is back", lambda: website.online(*NODES))
    website.run("crm_resource", "--wait", check=False)
    assert website.where("WebSite") == now
    assert f"- {now}" in website.page()


@pytest.mark.slow
def test_without_quorum_resources_stop_and_commits_are_refused(website: Lab) -> None:
    """Cut off by its own interface; then two of three are dead."""
    node = website.where("WebSite")
    rest = [name for name in NODES if name != node]
    website.on(node, "ip", "link", "set", "eth0", "down")
    website.wait(
        "the rest has recovered it",
        lambda: any(f"- {name}" in website.page() for name in rest),
        25,
    )
    website.wait(
        "the lone node sees that it has no quorum",
        lambda: "partition WITHOUT quorum" in website.on(node, "crm_mon", "-1", check=False),
        15,
    )
    refused = website.run(
        "crm", "lab", "exec", node, "--", "crm", "configure", "property", "x-test=1", check=False
    )
    assert refused.returncode != 0
    assert "quorum" in refused.stderr
    website.wait(
        "the lone node has stopped its resources",
        lambda: "Started" not in website.on(node, "crm_mon", "-1", check=False),
        15,
    )
    website.on(node, "ip", "link", "set", "eth0", "up")
    website.wait("all are together again", lambda: website.online(*NODES))
    assert "x-test" not in website.crm("configure", "show")

    last = rest[0]
    for name in NODES:
        if name != last:
            website.crm("lab", "kill", name)
    website.wait(
        "the last one stops everything",
        lambda: (
            "partition WITHOUT quorum" in website.mon(last) and "Started" not in website.mon(last)
        ),
        25,
    )
    website.crm("lab", "start")
    website.wait("all are back", lambda: website.online(*NODES))
    website.wait("the site is back", lambda: "My Test Site" in website.page())
