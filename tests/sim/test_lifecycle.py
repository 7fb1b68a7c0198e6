"""An orderly stop is heard, also in a ring that breaks, and never says more than is true."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sim.cluster import Cluster, add_device, add_resource, with_property, without_fencing
from sim.test_fencing import NeverTwice

from crmsh_py import corosync_conf
from crmsh_py.cib.document import Cib
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.wire.control import Done, Request, StopDaemon, StopManager


def running(*changes: Callable[[Cib], Cib], token_ms: int = 200) -> Cluster:
    """Three settled nodes, R1 on node1, with these changes."""
    checker = NeverTwice()
    cluster = Cluster(3, 1, planner=scheduler_plan, observer=checker)
    checker.cluster = cluster
    text = cluster.conf_text.replace("token: 200", f"token: {token_ms}")
    cluster.conf_text = text.replace("consensus: 240", f"consensus: {token_ms * 6 // 5}")
    cluster.conf = corosync_conf.parse(cluster.conf_text)
    cluster.start()
    cluster.settle(within_s=600)
    for change in (*changes, add_resource("R1")):
        cluster.commit(1, change)
        cluster.run(1.0)
        cluster.settle(within_s=600)
    return cluster


def test_a_stop_is_heard_though_the_ring_breaks_and_needs_long_to_mend() -> None:
    """Longer than an order of a client waits for its cluster."""
    cluster = running(without_fencing, token_ms=20_000)
    leaving = next(node for node in cluster.up if "R1" in node.active)
    next(node for node in cluster.up if node is not leaving).crash()
    cluster.run(1.0)  # nobody has seen it; what is said now waits for the token that is lost
    ticket = cluster.ask(leaving.number, StopDaemon())
    cluster.until(lambda: leaving.core is None, 120, "gone", every_s=0.5)
    assert leaving.exit_code == 0
    assert isinstance(leaving.replies[ticket][0], Done)


@pytest.mark.parametrize("request_", [StopManager(), StopDaemon()])
def test_a_node_whose_resources_do_not_stop_in_time_does_not_say_that_they_have(
    request_: Request,
) -> None:
    cluster = running(add_device(), with_property("shutdown-escalation", "5s"))
    leaving = next(node for node in cluster.up if "R1" in node.active)
    life = leaving.life
    cluster.agent_delay_s = (15.0, 15.0)
    ticket = cluster.ask(leaving.number, request_)
    cluster.until(lambda: leaving.life != life, 8, "ended", every_s=0.1)
    assert leaving.exit_code == 1
    (reply,) = leaving.replies[ticket]
    assert "shutdown-escalation" in getattr(reply, "text", "")
    cluster.agent_delay_s = (0.005, 0.03)
    cluster.until(lambda: bool(cluster.power.log), 20, "fenced", every_s=0.1)
    assert cluster.power.log[0][2] == leaving.name
    cluster.until(lambda: any("R1" in n.active for n in cluster.up), 30, "recovered", every_s=0.1)
