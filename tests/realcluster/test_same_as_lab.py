"""What is tried in a lab is what a real cluster does: ten scenarios on both, placements compared.

Both get the same configuration and the same events by the same commands. After every event, when
both have come to rest, it is written down where everything runs and in which role.
"""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from e2e.harness import Lab, close_lab, make_lab
from realcluster.cluster import BIN, NODES, RealCluster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

ONE, TWO, THREE = NODES
CONFIGURATION = f"""\
property stonith-enabled=false
primitive failover ocf:pacemaker:Dummy
location failover-home failover 100: {ONE}
primitive sticky ocf:pacemaker:Dummy meta resource-stickiness=1000
location sticky-home sticky 100: {ONE}
primitive member1 ocf:pacemaker:Dummy
primitive member2 ocf:pacemaker:Dummy
primitive member3 ocf:pacemaker:Dummy
group members member1 member2 member3
location members-home members 50: {TWO}
primitive copy ocf:pacemaker:Dummy
clone copies copy meta clone-max=2 interleave=true
primitive role ocf:pacemaker:Stateful op monitor interval=20s role=Promoted \\
    op monitor interval=21s role=Unpromoted
clone roles role meta promotable=true
location roles-home roles rule $role=Promoted 200: #uname eq {THREE}
primitive first ocf:pacemaker:Dummy
primitive beside ocf:pacemaker:Dummy
primitive apart ocf:pacemaker:Dummy
colocation together inf: beside first
colocation separate -inf: apart first
location first-home first 80: {TWO}
primitive before ocf:pacemaker:Dummy
primitive after ocf:pacemaker:Dummy
order in-order Mandatory: before after
primitive failing ocf:pacemaker:Dummy meta migration-threshold=1
location failing-home failing 60: {THREE}
primitive waiting ocf:pacemaker:Dummy
location waiting-home waiting 70: {TWO}
primitive kept ocf:pacemaker:Dummy
location kept-home kept 90: {TWO}
"""
SCENARIOS = {
    "failover": ("failover",),
    "stickiness": ("sticky",),
    "groups": ("member1", "member2", "member3"),
    "clones": ("copy",),
    "promotable": ("role",),
    "colocation": ("first", "beside", "apart"),
    "order": ("before", "after"),
    "fail counts": ("failing",),
    "standby": ("waiting",),
    "maintenance": ("kept",),
}

Placements = dict[str, list[tuple[str, str]]]


@dataclass
class Side:
    """One of the two clusters, driven by the same commands; ``trace`` is what was seen of it."""

    crm: Callable[..., str]
    mon: Callable[[], str]
    settle: Callable[[], object]
    kill: Callable[[str], object]
    switch_on: Callable[[str], object]
    wait: Callable[..., object]
    trace: dict[str, Placements] = field(default_factory=dict)

    def play(self) -> None:
        """The whole story."""
        self.crm("configure", "load", "update", "-", stdin=CONFIGURATION)
        self.note("all are placed")
        self.crm("resource", "maintenance", "kept", "on")
        self.crm("node", "standby", TWO)
        self.note("a node is in standby, and one resource in maintenance")
        self.crm("node", "online", TWO)
        self.crm("resource", "maintenance", "kept", "off")
        self.note("both have ended")
        self.crm("resource", "failcount", "failing", "set", THREE, "INFINITY")
        self.crm("resource", "stop", "before")
        self.note("one has failed, and what is first has stopped")
        self.kill(ONE)
        self.wait(f"{ONE} is offline", lambda: ONE not in self.online())
        self.note("a node has lost its power")
        self.switch_on(ONE)
        self.wait(f"{ONE} is back", lambda: ONE in self.online())
        self.note("it is back")
        self.crm("resource", "failcount", "failing", "delete", THREE)
        self.crm("resource", "start", "before")
        self.note("the failure is forgotten, what is first runs again")

    def note(self, moment: str) -> None:
        self.settle()
        self.trace[moment] = placements(self.mon())

    def online(self) -> list[str]:
        nodes = ET.fromstring(self.mon()).iterfind("nodes/node")  # noqa: S314
        return [n.get("name", "") for n in nodes if n.get("online") == "true"]


def placements(text: str) -> Placements:
    """Nodes and roles of every primitive by its name, as crm_mon's XML has them."""
    found: Placements = {}
    for resource in ET.fromstring(text).iter("resource"):  # noqa: S314
        name = re.sub(r":\d+$", "", resource.get("id", ""))
        role = resource.get("role", "")
        nodes = [(node.get("name", ""), role) for node in resource.iterfind("node")]
        found[name] = sorted(found.get(name, []) + nodes)
    return found


@pytest.fixture(scope="module")
def sides(real: RealCluster) -> Iterator[tuple[Side, Side]]:
    """The lab's side and the real one, after the story."""
    lab = make_lab("root", f"same{os.getpid()}")
    try:
        saved = lab.home / "saved.xml"
        saved.write_text(real.run(ONE, "cibadmin", "-Q").stdout)
        lab.crm("lab", "import", str(saved))
        tried, true = side_of_lab(lab), side_of_real(real)
        with ThreadPoolExecutor() as at_once:
            for playing in [at_once.submit(side.play) for side in (tried, true)]:
                playing.result()
        yield tried, true
    finally:
        close_lab(lab)


def side_of_lab(lab: Lab) -> Side:
    xml = ("crm_mon", "-1", "--output-as=xml")
    return Side(
        crm=lab.crm,
        mon=lambda: lab.run(*xml, node=THREE).stdout,
        settle=lambda: lab.run("crm_resource", "--wait", node=THREE),
        kill=lambda node: lab.crm("lab", "kill", node),
        switch_on=lambda node: lab.crm("lab", "start", node),
        wait=lab.wait,
    )


def side_of_real(real: RealCluster) -> Side:
    return Side(
        crm=lambda *words, **how: real.crm(THREE, *words, **how),
        mon=lambda: real.run(THREE, str(BIN / "crm_mon"), "-1", "--output-as=xml").stdout,
        settle=lambda: real.run(THREE, str(BIN / "crm_resource"), "--wait"),
        kill=real.kill,
        switch_on=real.reboot,
        wait=real.wait,
    )


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_placements_are_equal(sides: tuple[Side, Side], scenario: str) -> None:
    tried, true = sides
    for moment, there in true.trace.items():
        here = tried.trace[moment]
        for name in SCENARIOS[scenario]:
            assert here.get(name) == there.get(name), f"{name}, when {moment}"


def test_something_happened(sides: tuple[Side, Side]) -> None:
    """The story moves what it is about, so that equal does not mean idle."""
    moments = list(sides[1].trace.values())

    def node(name: str, moment: int) -> str:
        places = moments[moment].get(name, [])
        return places[0][0] if places else ""

    assert node("failover", 3) == ONE == node("failover", 5)
    assert node("failover", 4) != ONE
    assert node("sticky", 3) == ONE
    assert node("sticky", 5) == node("sticky", 4) != ONE
    assert node("waiting", 0) == TWO == node("waiting", 2)
    assert node("waiting", 1) != TWO
    assert {node("kept", moment) for moment in range(7)} == {TWO}
    assert node("failing", 2) == THREE == node("failing", 6)
    assert node("failing", 3) != THREE
    assert node("after", 2) != ""
    assert node("after", 3) == ""
    assert (THREE, "Promoted") in moments[0]["role"]
