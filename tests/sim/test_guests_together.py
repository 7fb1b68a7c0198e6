"""Several guests at once, and what runs on them in groups, clones and orders."""

from __future__ import annotations

from collections.abc import Callable

from sim.cluster import Cluster, add_device, add_resource
from sim.guests import add_container
from sim.test_guests import likes, made
from sim.test_remote_nodes import Once, calm

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.controller import scheduler_plan

GUESTS = {"vm1": "guest1", "vm2": "guest2"}


def apart(one: str, other: str) -> Callable[[Cib], Cib]:
    """The one runs nowhere where the other does."""
    attributes = {"id": f"{one}-{other}", "rsc": one, "with-rsc": other, "score": "-INFINITY"}

    def change(cib: Cib) -> Cib:
        constraints = cib.section("constraints").append(Element("rsc_colocation", attributes))
        return cib.with_section("constraints", constraints)

    return change


def with_guests(*changes: Callable[[Cib], Cib], migrates: bool) -> Cluster:
    """Three members and two guests; the changes come before the guests are there."""
    observer = Once()
    cluster = Cluster(3, 1, planner=scheduler_plan, observer=observer)
    observer.cluster = cluster
    cluster.start()
    cluster.settle()
    made(cluster, 1, add_device())
    for container, guest in GUESTS.items():
        cluster.guests.add(container, guest)
        made(cluster, 1, add_container(container, guest, migrates=migrates))
    for change in changes:
        made(cluster, 1, change)
    return cluster


def stopped(name: str, *, until_later: bool) -> Callable[[Cib], Cib]:
    """A resource shall be stopped, or no longer."""

    def put(element: Element) -> Element:
        if element.id != name:
            return element
        pair = Element(
            "nvpair", {"id": f"{name}-role-nv", "name": "target-role", "value": "Stopped"}
        )
        role = Element("meta_attributes", {"id": f"{name}-role"}, (pair,))
        others = tuple(child for child in element.children if child.id != role.id)
        return element.with_children((*others, role) if until_later else others)

    def change(cib: Cib) -> Cib:
        return cib.with_section("resources", cib.section("resources").map_children(put))

    return change


def test_a_guest_takes_another_ones_place_and_a_part_of_what_that_had_run() -> None:
    """``web`` goes to guest 1, which needs the place of guest 2, which waits for ``web`` to leave.

    What moves to a guest stops when that is connected. Here it never was; Pacemaker's plan waits
    for itself as well.
    """
    cluster = with_guests(
        stopped("vm1", until_later=True),
        apart("vm2", "vm1"),
        likes("vm1", "node1", "INFINITY"),
        likes("vm2", "node1"),
        add_resource("web"),
        likes("web", "guest1"),
        add_resource("mail"),
        likes("mail", "guest2"),
        migrates=True,
    )
    guest1, guest2 = (cluster.remotes[name] for name in GUESTS.values())
    cluster.until(lambda: "mail" in guest2.active, 20, "mail runs on guest 2", 0.01)
    made(cluster, 1, likes("web", "guest2"))
    cluster.until(lambda: "web" in guest2.active, 20, "web runs on guest 2", 0.01)
    calm(cluster)
    assert "vm2" in cluster.node(1).active

    start = stopped("vm1", until_later=False)
    made(cluster, 1, lambda cib: likes("web", "guest1")(start(cib)))
    cluster.until(lambda: "web" in guest1.active, 30, "web runs on guest 1", 0.01)
    calm(cluster)
    assert "vm1" in cluster.node(1).active
    assert "mail" in guest2.active
