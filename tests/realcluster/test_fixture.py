"""The real cluster itself: what other tests rely on."""

from __future__ import annotations

import pytest
from realcluster.cluster import NODES, OPERATOR, STRANGER, RealCluster

pytestmark = pytest.mark.e2e


def test_a_node_that_loses_its_power_comes_back(real: RealCluster) -> None:
    real.kill("pacemaker03")
    real.wait_online("pacemaker01", "pacemaker02")
    real.reboot("pacemaker03")
    real.wait_online(*NODES)


def test_who_may_talk_to_the_cluster(real: RealCluster) -> None:
    assert real.run(NODES[0], "crm_mon", "-1", user=OPERATOR).returncode == 0
    refused = real.run(NODES[0], "crm_mon", "-1", user=STRANGER, check=False)
    assert "Permission denied" in refused.stderr


def test_the_machine_sees_nothing_of_it(real: RealCluster) -> None:
    """No cluster runs on the machine itself, so nothing else mistakes it for one."""
    from crmsh_py.clusters.choose import pacemaker_runs

    inside = real.run(NODES[0], "grep", "-c", "cib_rw", "/proc/net/unix")
    assert int(inside.stdout) > 0
    assert not pacemaker_runs()
