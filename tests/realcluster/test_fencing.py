"""Fencing on a real cluster: devices and levels by our shell; nodes really lose their power."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from realcluster.cluster import BIN, NODES, OPERATOR, STRANGER, RealCluster
from realcluster.switch import PowerSwitch

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ONE, TWO, THREE = NODES
CRM = str(BIN / "crm")
STONITH_ADMIN = str(BIN / "stonith_admin")
# A broken device stands before the switch for one node, and is the only one for another.
CONFIGURATION = """\
primitive power stonith:fence_switch params switch={switch} op monitor interval=1h
primitive broken stonith:fence_switch params switch={switch} broken=true pcmk_reboot_retries=1 \\
    pcmk_host_list="{two} {three}"
fencing_topology {three}: broken power {two}: broken
primitive web ocf:pacemaker:Dummy
location home web 100: {three}
"""


@pytest.fixture(scope="module")
def switch(real: RealCluster) -> Iterator[PowerSwitch]:
    """The cluster with fencing; the switch is what its devices ask."""
    with PowerSwitch(real) as switch:
        text = CONFIGURATION.format(switch=switch.path, two=TWO, three=THREE)
        real.run(ONE, CRM, "configure", "load", "update", "-", stdin=text)
        real.wait("web runs at home", lambda: real.where("web") == [THREE])
        yield switch


def test_which_pacemaker_it_is(real: RealCluster) -> None:
    """The one that CRM_TEST_PACEMAKER names, where it names one."""
    told = real.run(ONE, "pacemakerd", "--version").stdout.split()[1]
    assert f"dc-version={told}" in real.crm(ONE, "configure", "show")
    if other := os.environ.get("CRM_TEST_PACEMAKER"):
        assert f"{other}/usr" in real.run(ONE, "grep", " /usr overlay ", "/proc/mounts").stdout


def test_who_may_talk_to_the_cluster(real: RealCluster) -> None:
    assert real.run(ONE, "crm_mon", "-1", user=OPERATOR).returncode == 0
    refused = real.run(ONE, "crm_mon", "-1", user=STRANGER, check=False)
    assert "Permission denied" in refused.stderr


def test_the_machine_sees_nothing_of_it(real: RealCluster) -> None:
    """No cluster runs on the machine itself, so nothing else mistakes it for one."""
    from crmsh_py.clusters.choose import pacemaker_runs

    inside = real.run(ONE, "grep", "-c", "cib_rw", "/proc/net/unix")
    assert int(inside.stdout) > 0
    assert not pacemaker_runs()


def test_devices_are_told_with_what_they_can_fence(real: RealCluster, switch: PowerSwitch) -> None:
    assert "switch* (string)" in real.crm(ONE, "ra", "info", "stonith:fence_switch")
    assert f"\t{THREE}: broken power" in real.crm(TWO, "configure", "show", "type:fencing_topology")
    refused = real.run(ONE, CRM, "configure", "primitive", "no", "stonith:lab", check=False)
    assert "there is no agent stonith:lab" in refused.stderr
    registered = real.run(ONE, STONITH_ADMIN, "-L").stdout.splitlines()
    assert sorted(registered) == ["2 fence devices found", "broken", "power"]
    able = real.run(ONE, STONITH_ADMIN, "-l", TWO).stdout
    assert "power" in able
    assert real.run(ONE, STONITH_ADMIN, "-s", "power").stdout.split()[:3] == list(NODES)


def test_a_node_is_fenced_by_hand(real: RealCluster, switch: PowerSwitch) -> None:
    """A script that does not say -F is not asked, and nothing happens; then the power is cut."""
    refused = real.run(ONE, CRM, "node", "fence", THREE, check=False)
    assert (refused.returncode, switch.log) == (1, [])

    real.crm(ONE, "-F", "node", "fence", THREE)

    assert switch.log == [f"reboot {THREE}"], "the broken device failed, the next level did it"
    real.wait("it is offline", lambda: f"OFFLINE: [ {THREE} ]" in real.crm(ONE, "status"))
    real.wait("web runs elsewhere", lambda: real.where("web") not in ([], [THREE]))
    assert f"{THREE}: offline, score 100" in real.crm(ONE, "why", "web")
    history = real.run(ONE, STONITH_ADMIN, "--history", THREE, "--verbose").stdout
    assert f"reboot of {THREE} successful: delegate=" in history
    assert "client=stonith_admin" in history
    assert "completed='20" in history
    real.run(THREE, "systemctl", "start", "pacemaker")
    real.wait_online(*NODES)


def test_a_node_that_nothing_can_fence(real: RealCluster, switch: PowerSwitch) -> None:
    """It is said at once; when it is lost, everything says so; a person's word ends it."""
    failed = real.run(ONE, CRM, "-F", "node", "fence", TWO, check=False)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-2].startswith(f"ERROR: {TWO} was not fenced: ")
    assert real.is_on(TWO)

    real.kill(TWO)
    unclean = f"Node {TWO} (2): UNCLEAN (offline)"
    real.wait("it is unclean", lambda: unclean in real.crm(ONE, "status"))
    assert f"fence    {TWO}" in real.crm(ONE, "plan")
    health = real.run(ONE, CRM, "cluster", "health", check=False)
    assert health.returncode == 1
    assert f"ERROR: {TWO} is unclean: nobody knows what runs there" in health.stdout
    real.wait("the attempt failed", lambda: "Failed Fencing Actions:" in real.crm(ONE, "status"))

    real.run(ONE, STONITH_ADMIN, "--confirm", TWO)
    real.wait("it counts as off", lambda: f"OFFLINE: [ {TWO} ]" in real.crm(ONE, "status"))
    real.wait("the past is forgotten", lambda: forgotten(real))  # an attempt may still have run


def forgotten(real: RealCluster) -> bool:
    real.run(ONE, STONITH_ADMIN, "--history", "*", "--cleanup")
    return "Fencing" not in real.run(ONE, str(BIN / "crm_mon"), "-1m").stdout


def test_a_node_that_loses_its_power_comes_back(real: RealCluster, switch: PowerSwitch) -> None:
    real.reboot(TWO)
    real.wait_online(*NODES)
