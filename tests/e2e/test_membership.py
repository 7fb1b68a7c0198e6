"""The tutorial's first part: corosync on three machines (steps 1 and 2 of the walk)."""

from __future__ import annotations

import re
import time

import pytest
from e2e.harness import NODES, Lab

pytestmark = pytest.mark.e2e

LOG_LINE = re.compile(r"^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (notice|info|warning|error) +\[")


def members(lab: Lab, node: str) -> int:
    """How many members a node's quorum tool lists."""
    return lab.on(node, "corosync-quorumtool", "-l", check=False).count("pacemaker0")


def cmap(lab: Lab, node: str = "pacemaker01") -> dict[str, tuple[str, str]]:
    """All keys of a node: name -> (type, value)."""
    keys = {}
    for line in lab.on(node, "corosync-cmapctl").splitlines():
        match = re.fullmatch(r"(\S+) \((\w+)\) = (.*)", line)
        assert match, line
        keys[match[1]] = (match[2], match[3])
    return keys


def tokens_lost(lab: Lab) -> int:
    """How often the survivors have noticed that a token did not come."""
    srp = "runtime.totem.pg.mrp.srp."
    return sum(
        int(cmap(lab, node)[f"{srp}operational_token_lost"][1])
        for node in ("pacemaker01", "pacemaker02")
    )


def test_membership_grows_node_by_node_and_is_logged_as_corosync_does(lab: Lab) -> None:
    """One, two, three members; quorum is gained with the second; the log says so."""
    created = lab.run("crm", "lab", "create", "--config", "examples/corosync.conf")
    assert all(node in created.stdout for node in NODES)
    for count, node in enumerate(NODES, start=1):
        lab.crm("lab", "start", "--corosync-only", node)
        expected = count
        lab.wait(f"{expected} members", lambda n=expected: members(lab, "pacemaker01") == n, 5)

    log = lab.crm("lab", "log", "pacemaker01")
    ids = ("1084777482", "1084777483", "1084777484")
    for node_id in ids:
        assert re.search(
            rf"notice  \[TOTEM \] A new membership \(192\.168\.100\.10:\d+\) was formed\. "
            rf"Members joined: {node_id}",
            log,
        ), log
    assert "notice  [QUORUM] Members[1]: 1084777482" in log
    assert "notice  [QUORUM] Members[2]: 1084777482 1084777483" in log
    assert "notice  [QUORUM] Members[3]: 1084777482 1084777483 1084777484" in log
    gained = "[QUORUM] This node is within the primary component and will provide service."
    assert log.count(gained) == 1
    assert log.index(gained) < log.index("Members[2]:")
    assert "[MAIN  ] Completed service synchronization, ready to provide service." in log
    assert any(LOG_LINE.match(line) for line in log.splitlines())


@pytest.mark.alone
def test_three_nodes_are_online_with_a_dc_within_three_seconds(lab: Lab) -> None:
    """Real Pacemaker needs 23 s here, or 5 s with dc-deadtime=2s."""
    lab.crm("lab", "create", "--config", "examples/corosync.conf")
    lab.crm("lab", "start", "pacemaker01", "pacemaker02")
    lab.wait("two online", lambda: lab.online("pacemaker01", "pacemaker02"))
    begin = time.monotonic()
    lab.crm("lab", "start", "pacemaker03")
    lab.wait("three online with a DC", lambda: lab.online(*NODES), 5, 0.05)
    assert time.monotonic() - begin < 3.0


def test_the_tools_of_corosync_show_ring_keys_and_members(lab: Lab) -> None:
    """corosync-cfgtool, corosync-cmapctl and corosync-quorumtool as in the tutorial."""
    lab.crm("lab", "create", "--config", "examples/corosync.conf")
    lab.crm("lab", "start", "--corosync-only")
    lab.wait("three members", lambda: members(lab, "pacemaker01") == 3)

    assert lab.on("pacemaker01", "corosync-cfgtool", "-s", "-a") == (
        "Printing ring status.\n"
        "Local node ID 1084777482\n"
        "RING ID 0\n"
        "        id      = 192.168.100.10\n"
        "        status  = ring 0 active with no faults\n"
    )
    keys = cmap(lab)
    assert keys["totem.token"] == ("u32", "3000")
    assert keys["totem.interface.0.mcastport"] == ("u16", "5405")
    assert keys["quorum.expected_votes"] == ("u32", "3")
    assert keys["amf.mode"] == ("str", "disabled")
    assert keys["logging.logger_subsys.AMF.tags"][1].startswith("enter|leave")
    member = "runtime.totem.pg.mrp.srp.members.1084777483"
    assert keys[f"{member}.ip"] == ("str", "r(0) ip(192.168.100.11)")
    assert keys[f"{member}.status"] == ("str", "joined")

    token = "runtime.totem.pg.mrp.srp.orf_token_rx"
    before = int(keys[token][1])
    lab.wait("tokens go round", lambda: int(cmap(lab)[token][1]) > before)

    assert lab.on("pacemaker01", "corosync-quorumtool", "-l") == (
        "\nMembership information\n----------------------\n"
        "    Nodeid      Votes Name\n"
        "1084777482          1 pacemaker01 (local)\n"
        "1084777483          1 pacemaker02\n"
        "1084777484          1 pacemaker03\n"
    )


@pytest.mark.slow
@pytest.mark.alone
def test_a_killed_node_shows_in_the_counters_and_a_shorter_token_notices_it_sooner(
    lab: Lab,
) -> None:
    """token 1000 in the file: the loss is noticed two seconds earlier than with 3000."""
    config = lab.home / "corosync.conf"
    took = {}
    for token in (3000, 1000):
        text = (
            (lab.home.__class__("examples/corosync.conf"))
            .read_text()
            .replace("token: 3000", f"token: {token}")
        )
        config.write_text(text)
        config.chmod(0o644)
        lab.crm("lab", "create", "--config", str(config))
        lab.crm("lab", "start", "--corosync-only")
        lab.wait("three members", lambda: members(lab, "pacemaker01") == 3)
        before, lost_before = cmap(lab), tokens_lost(lab)
        lab.crm("lab", "kill", "pacemaker03")
        took[token] = lab.wait("two members", lambda: members(lab, "pacemaker01") == 2, 15, 0.05)
        after = cmap(lab)
        srp = "runtime.totem.pg.mrp.srp."
        assert int(after[srp + "commit_entered"][1]) > int(before[srp + "commit_entered"][1])
        # The survivor whose timer ran out first counts it; the other hears of it before that.
        assert tokens_lost(lab) > lost_before
        assert after[srp + "members.1084777484.status"] == ("str", "left")
        lab.crm("lab", "destroy")
    assert 1.0 < took[3000] - took[1000] < 3.0, took


def test_a_bad_value_in_the_configuration_is_an_error_with_its_line(lab: Lab) -> None:
    """And an unused key warns once."""
    good = (lab.home.__class__("examples/corosync.conf")).read_text()
    config = lab.home / "corosync.conf"
    config.write_text(good.replace("token: 3000", "token: soon"))
    config.chmod(0o644)
    line = next(
        n for n, text in enumerate(good.splitlines(), start=1) if text.strip() == "token: 3000"
    )
    refused = lab.run("crm", "lab", "create", "--config", str(config), check=False)
    assert refused.returncode != 0
    assert f"corosync.conf:{line}" in refused.stderr
    assert lab.name not in lab.crm("lab", "list")

    created = lab.run("crm", "lab", "create", "--config", "examples/corosync.conf")
    assert (created.stdout + created.stderr).count("vsftype") == 1
