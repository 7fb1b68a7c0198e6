"""What devices can fence, how agents are told, and in which order devices are used."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crmsh_py.cib.document import Cib
from crmsh_py.engine import fencing_devices as facts
from crmsh_py.engine.fencing_devices import Delay, Fit
from crmsh_py.engine.fencing_work import Run, Work, steps
from crmsh_py.scheduler.fence_devices import fence_devices
from crmsh_py.scheduler.result import FenceDevice
from crmsh_py.value import replace
from crmsh_py.wire.fencing import FencingRecord

NOW = datetime(2026, 11, 29, tzinfo=UTC)
NODES = ("a", "b", "c")


def device(name: str = "d", nodes: tuple[str, ...] = NODES, **parameters: str) -> FenceDevice:
    return FenceDevice(id=name, agent="fence_x", nodes=nodes, parameters=parameters)


def cib(resources: str = "", constraints: str = "", topology: str = "") -> Cib:
    nodes = "".join(
        f'<node id="{i}" uname="{name}"><instance_attributes id="n{i}">'
        f'<nvpair id="n{i}-r" name="rack" value="{i % 2}"/></instance_attributes></node>'
        for i, name in enumerate(NODES, 1)
    )
    section = f"<fencing-topology>{topology}</fencing-topology>" if topology else ""
    return Cib.parse(
        '<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">'
        f"<configuration><crm_config/><nodes>{nodes}</nodes><resources>{resources}</resources>"
        f"<constraints>{constraints}</constraints>{section}</configuration><status/></cib>"
    )


# ---- one device ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, Fit.ASK_LIST),
        ({"pcmk_host_list": "A b"}, Fit.YES),
        ({"pcmk_host_list": "b,c"}, Fit.NO),
        ({"pcmk_host_map": "a:1;b:2"}, Fit.YES),
        ({"pcmk_host_check": "none"}, Fit.YES),
        ({"pcmk_host_check": "status", "pcmk_host_list": "b"}, Fit.ASK_STATUS),
        ({"pcmk_host_check": "dynamic-list"}, Fit.ASK_LIST),
    ],
)
def test_whether_a_device_can_fence_a_node(parameters: dict[str, str], expected: Fit) -> None:
    assert facts.fit(device(**parameters), "a") is expected


def test_an_agent_is_told_its_own_parameters_the_action_and_the_port() -> None:
    mapped = device(ipaddr="10.0.0.9", pcmk_host_map="a:17", pcmk_reboot_action="off")
    assert facts.agent_parameters(mapped, "reboot", "a") == {
        "ipaddr": "10.0.0.9",
        "action": "off",
        "nodename": "a",
        "port": "17",
    }
    plug = device(pcmk_host_argument="plug")
    assert facts.agent_parameters(plug, "on", "b")["plug"] == "b"
    nothing = facts.agent_parameters(device(pcmk_host_argument="none"), "off", "b")
    assert "port" not in nothing
    fixed = facts.agent_parameters(device(port="3"), "off", "b")
    assert fixed["port"] == "3"
    assert facts.agent_parameters(device(), "list") == {"action": "list"}


def test_times_limits_and_delays() -> None:
    slow = device(
        pcmk_reboot_timeout="2m",
        pcmk_off_retries="4",
        pcmk_action_limit="-1",
        pcmk_delay_base="a:1s;b:5s",
        pcmk_delay_max="3s",
    )
    assert facts.timeout_ms(slow, "reboot", 60_000) == 120_000
    assert facts.timeout_ms(slow, "off", 60_000) == 60_000
    assert (facts.tries(slow, "off"), facts.tries(slow, "reboot")) == (4, 2)
    assert (facts.limit(slow), facts.limit(device())) == (0, 1)
    assert facts.delay(slow, "reboot", "a") == Delay(1000, 3000)
    assert facts.delay(slow, "reboot", "b") == Delay(5000, 5000)
    assert facts.delay(slow, "on", "a") == Delay()


def test_lists_of_agents_name_ports_and_nodes() -> None:
    assert facts.names_target(device(), "1,a,on\n2,b,off\n", "B")
    assert not facts.names_target(device(), "1,a\n", "b")
    assert facts.names_target(device(pcmk_host_map="b:17"), "17,\n", "b")


def test_a_device_may_be_used_where_no_location_forbids_it() -> None:
    resources = (
        '<primitive id="d" class="stonith" type="fence_x"/>'
        '<primitive id="off" class="stonith" type="fence_x"><meta_attributes id="m">'
        '<nvpair id="m1" name="target-role" value="Stopped"/></meta_attributes></primitive>'
        '<clone id="cl"><primitive id="e" class="stonith" type="fence_y"/></clone>'
    )
    ban = '<rsc_location id="l" rsc="d" node="a" score="-INFINITY"/>'
    found = fence_devices(cib(resources, ban), NOW)
    assert [(each.id, each.nodes) for each in found] == [("d", ("b", "c")), ("e", NODES)]


# ---- levels --------------------------------------------------------------------------------------


def test_levels_are_for_a_node_a_pattern_or_an_attribute() -> None:
    topology = (
        '<fencing-level id="1" target="a" index="2" devices="x"/>'
        '<fencing-level id="2" target="a" index="1" devices="y,z"/>'
        '<fencing-level id="3" target-pattern="^b$" index="1" devices="p"/>'
        '<fencing-level id="4" target-attribute="rack" target-value="1" index="3" devices="r"/>'
    )
    document = cib(topology=topology)
    assert facts.levels(document, "a") == (("y", "z"), ("x",), ("r",))
    assert facts.levels(document, "b") == (("p",),)
    assert facts.levels(document, "c") == (("r",),)
    assert facts.levels(cib(), "a") == ()


def record(action: str = "reboot") -> FencingRecord:
    return FencingRecord(ident="1-1-1", target="c", action=action, client="t", origin="a")


def go(work: Work, results: dict[tuple[str, str], bool]) -> list[Run]:
    """Walk to the end; what is not in ``results`` works."""
    runs = []
    while (run := work.next_run()) is not None:
        runs.append(run)
        work.ran(ok=results.get((run.device, run.action), True))
    return runs


def test_without_levels_one_device_after_the_other_is_tried_on_one_node_after_the_other() -> None:
    known = (device("d", ("a", "c")), device("e", ("c", "b")), device("f", (), pcmk_host_list="a"))
    made = steps("c", known, (), NODES)
    assert [(s.device, s.nodes) for level in made for s in level] == [("d", ("a",)), ("e", ("b",))]
    work = Work(record(), made)
    assert go(work, {("d", "reboot"): False}) == [Run("d", "a", "reboot"), Run("e", "b", "reboot")]
    assert work.done
    assert (work.used, work.delegate) == ("e", "b")


def test_the_target_itself_is_asked_only_when_nobody_else_can() -> None:
    made = steps("c", (device("d", ("c",)),), (), NODES)
    assert made[0][0].nodes == ("c",)


def test_a_node_is_let_in_by_every_device_that_guards_something() -> None:
    lamp = device("lamp", pcmk_host_list="a b c")
    gates = [replace(device(name, pcmk_host_list="a b c"), unfences=True) for name in "xy"]
    made = steps("c", (lamp, *gates), (), NODES, on_target=True)
    assert [[(s.device, s.nodes) for s in level] for level in made] == [
        [("x", ("c",)), ("y", ("c",))]
    ]
    made = steps("c", (lamp, *gates), (("lamp", "x"),), NODES, on_target=True)
    assert [[step.device for step in level] for level in made] == [["lamp", "x", "y"]]
    off = steps("c", (lamp, *gates), (("lamp",),), NODES)
    assert [[step.device for step in level] for level in off] == [["lamp"]]


def test_a_reboot_by_two_devices_is_off_twice_and_then_on_twice() -> None:
    made = steps("c", (device("d"), device("e")), (("d", "e"),), NODES)
    work = Work(record(), made)
    runs = go(work, {("d", "on"): False})
    assert [(run.device, run.action) for run in runs] == [
        ("d", "off"),
        ("e", "off"),
        ("d", "on"),
        ("d", "on"),
        ("e", "on"),
    ]
    assert work.done, "it was off; that it does not come up again is another matter"


def test_a_watchdog_is_waited_for_once() -> None:
    """It resets the node, and turns nothing on."""
    made = steps("c", (device("d"),), (("d", "watchdog"),), NODES)
    work = Work(record(), made)
    runs = [(run.device, run.action) for run in go(work, {})]
    assert runs == [("d", "off"), ("watchdog", "off"), ("d", "on")]
    assert work.done


def test_a_level_fails_with_one_of_its_devices_and_the_next_is_tried() -> None:
    made = steps("c", (device("d"), device("e"), device("f")), (("d", "e"), ("f",)), NODES)
    work = Work(record("off"), made)
    runs = go(work, {("e", "off"): False})
    assert [run.device for run in runs] == ["d", "e", "e", "f"]
    assert work.done
    nothing = Work(record("off"), steps("c", (device("d"),), (("gone",),), NODES))
    assert go(nothing, {}) == []
    assert nothing.over
    assert not nothing.done


@pytest.mark.parametrize("text", ["²", "9" * 5000])
def test_a_number_that_is_none_is_the_default(text: str) -> None:
    assert facts.tries(device(pcmk_reboot_retries=text), "reboot") == 2
    assert facts.limit(device(pcmk_action_limit=text)) == 1
    level = f'<fencing-level id="l" index="{text}" target="a" devices="d"/>'
    assert facts.levels(cib(topology=level), "a") == ()


def test_no_timeout_is_longer_than_nodes_can_tell_each_other() -> None:
    assert facts.duration_ms("99999999999999999999s", 7) == 2**31 - 1
