"""Digests and history entries, as real histories show them."""

from __future__ import annotations

import pytest
from scheduler.clusters import Lab, find

from crmsh_py.cib.element import Element
from crmsh_py.scheduler import digests, history
from crmsh_py.value import replace

KEY = "7:3:0:uuid"


def test_the_digest_of_nothing() -> None:
    assert digests.of_parameters({}) == "f2317cad3d54cec5d7d7aa7d0bf35cf8"


def test_a_recurring_action_is_also_its_timeout() -> None:
    plain = digests.of_parameters({"ip": "1"})
    assert digests.of_parameters({"ip": "1"}, timeout_ms=20_000) != plain
    assert digests.of_parameters({"ip": "1", "CRM_meta_timeout": "9"}) == plain


@pytest.mark.parametrize(
    ("key", "rc", "ids"),
    [
        ("ClusterIP_start_0", 0, ["ClusterIP_last_0"]),
        ("ClusterIP_start_0", 1, ["ClusterIP_last_failure_0", "ClusterIP_last_0"]),
        ("ClusterIP_monitor_30000", 0, ["ClusterIP_monitor_30000"]),
        ("ClusterIP_monitor_30000", 7, ["ClusterIP_last_failure_0"]),
    ],
)
def test_where_a_result_is_written_down(key: str, rc: int, ids: list[str]) -> None:
    action = find(Lab().plan(), key)
    made = history.entries(
        "ClusterIP", action, history.Result(rc=rc), key=KEY, node="n", origin="here"
    )
    assert [entry.id for entry in made] == ids
    assert made[0].get("transition-magic") == f"0:{rc};{KEY}"
    assert made[0].get("op-digest") == (action.digests.all if action.digests else None)


def test_a_probe_that_finds_nothing_is_no_failure() -> None:
    probe = find(Lab().plan(), "ClusterIP_monitor_0", "pacemaker02")
    assert history.entry_ids("ClusterIP", probe, history.Result(rc=7)) == ("ClusterIP_last_0",)


def test_a_reload_counts_as_a_start() -> None:
    action = replace(find(Lab().plan(), "ClusterIP_start_0"), operation="reload-agent")
    (entry,) = history.entries(
        "ClusterIP", action, history.Result(rc=0), key=KEY, node="n", origin="here"
    )
    assert entry.get("operation") == "start"


def test_an_entry_takes_the_place_of_the_one_with_its_id() -> None:
    old = Element("lrm_resource", {"id": "r"}, (Element("lrm_rsc_op", {"id": "r_last_0"}),))
    new = Element("lrm_rsc_op", {"id": "r_last_0", "operation": "stop", "interval": "0"})
    put = history.put(old, [new])
    assert put.children == (new,)
    assert history.without(put, operation="stop") is None
    assert history.without(put, operation="start") == put
    assert history.without(put) is None
