"""Fencing of a running Pacemaker: what stonith_admin is asked, and what it tells."""

from __future__ import annotations

import pytest
from clusters.pacemaker_machine import Machine, cluster_of

from crmsh_py.clusters import pacemaker_fencing as fencing
from crmsh_py.clusters.pacemaker_programs import Answer
from crmsh_py.errors import CrmError

HISTORY = "stonith_admin --history * --verbose --output-as=xml"
LISTED = "stonith_admin --list-registered --output-as=xml"


def told(*items: str) -> Answer:
    return Answer(0, f"<pacemaker-result><list>{''.join(items)}</list></pacemaker-result>", "")


def event(completed: str, **more: str) -> str:
    attributes = {
        "action": "reboot", "target": "n2", "client": "crm.7", "origin": "n1", "status": "success",
        "delegate": "n1", "completed": completed, **more,
    }  # fmt: skip
    return f"<fence_event {' '.join(f'{k}={v!r}' for k, v in attributes.items())}/>"


def test_the_history_from_the_oldest_on() -> None:
    machine = Machine()
    machine.answers[HISTORY] = told(
        event("2026-11-29 11:50:14 +00:00", status="failed", **{"exit-reason": "no answer"}),
        event("2026-11-29 11:47:37 +00:00"),
        event("", status="pending"),
    )

    done, failed, pending = cluster_of(machine).fencing().records

    assert (done.state, done.target, done.delegate, done.client) == ("done", "n2", "n1", "crm.7")
    assert (failed.state, failed.reason) == ("failed", "no answer")
    assert (pending.state, pending.ended_ms) == ("pending", 0)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-29 12:47:37.450953 +01:00",
        "2026-11-29 12:47:37.450953 +01:00Z",  # 2.1.5
        "2026-11-29 12:47:37.450953123 +01:00",
        "2026-11-29 11:47:37.450953Z",  # 3.0.2, where the zone is UTC
    ],
)
def test_every_version_writes_times_in_its_own_way(text: str) -> None:
    (record,) = fencing.records(told(event(text)).out)

    assert record.ended_ms == 1_795_952_857_450


def test_a_device_and_what_it_can_fence() -> None:
    machine = Machine()
    machine.answers |= {
        HISTORY: told(),
        LISTED: told("<item>sw</item>", "<item>dead</item>"),
        "stonith_admin --list-targets sw --output-as=xml": told("<item>n2</item>"),
        "stonith_admin --list n2 --output-as=xml": told("<item>sw</item>"),
        "stonith_admin --list n3 --output-as=xml": Answer(1, "", "No such device"),
        "stonith_admin --query dead --output-as=xml": Answer(124, "", "Timer expired"),
    }
    cluster = cluster_of(machine)

    assert [device.name for device in cluster.fencing(devices=True).devices] == ["sw", "dead"]
    assert cluster.ask_device("sw", hosts=True).hosts == ["n2"]
    assert cluster.ask_device("sw", target="n2").hosts == ["n2"]
    assert cluster.ask_device("sw", target="n3").hosts == []
    dead = cluster.ask_device("dead")
    assert (dead.works, dead.reason) == (False, "Timer expired")


def test_a_node_is_fenced_as_it_was_asked_for() -> None:
    machine = Machine()

    cluster_of(machine).fence("n2", "off", timeout_s=20, delay_s=3)

    assert machine.calls == ["stonith_admin --fence n2 --timeout 20 --delay 3"]


def test_a_node_that_could_not_be_fenced() -> None:
    machine = Machine()
    refused = Answer(1, "", "stonith_admin: Couldn't fence n2: No such device")
    machine.answers["stonith_admin --reboot n2"] = refused

    with pytest.raises(CrmError, match="n2 was not fenced: No such device") as found:
        cluster_of(machine).fence("n2")
    assert "stonith_admin --list n2" in str(found.value.hint)
