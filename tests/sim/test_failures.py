"""What fails while the ring is broken counts as what fails at other times: once."""

from __future__ import annotations

import pytest
from sim.cluster import with_property
from sim.test_controller import Change, apply, count, holder, resource, running, where

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import parse
from crmsh_py.engine.api import RunOperation
from crmsh_py.engine.status import attributes_of, node_by_name
from crmsh_py.wire.control import Done, FailResource, SetAttribute


@pytest.mark.parametrize("lead_s", [0.0, 0.05, 0.15, 0.3, 0.45, 0.6])
def test_a_failure_around_the_death_of_another_node_is_counted_once(lead_s: float) -> None:
    """Until the others have noticed, the ring carries nothing; then what it carried is lost."""
    cluster = running(resource(meta="migration-threshold=1"))
    node = next(n for n in cluster.up if n.name == holder(cluster))
    lost = next(n for n in cluster.up if n is not node and n.number != 1)
    left: list[int] = [1]

    def fail(run: RunOperation) -> int | None:
        if run.action == "monitor" and left:
            left.clear()
            return 1
        return None

    seen = len(node.operations)
    cluster.until(lambda: len(node.operations) > seen, 3, "a monitor begins")
    cluster.run(1.0 - lead_s)  # the next one begins a second after its end
    node.fail = fail
    lost.crash()
    cluster.until(lambda: not left, 3, "the monitor fails")
    cluster.run(2.0)
    assert count(cluster, node.name) == "1"
    first, second = (cluster.cib(n.number) for n in cluster.up)
    assert (first.status, first.version) == (second.status, second.version)
    assert holder(cluster) not in ("", node.name), "that is what migration-threshold is for"
    cluster.start(lost.number)
    cluster.run(2.0)
    assert count(cluster, node.name) == "1", "nor is it counted again in another view"


@pytest.mark.parametrize(("on_fail", "counted"), [("ignore", ""), ("restart", "INFINITY")])
def test_a_start_counts_as_failed_unless_that_is_ignored(on_fail: str, counted: str) -> None:
    """When it was is told in any case."""
    cluster = running()
    for node in cluster.up:
        node.fail = lambda run: 1 if run.action == "start" else None
    start = f'<op id="R-s" name="start" interval="0" on-fail="{on_fail}"/>'
    text = f"""<primitive id="R" class="ocf" provider="pacemaker" type="Dummy">
        <operations>{start}</operations></primitive>"""
    apply(
        cluster, lambda cib: cib.with_section("resources", Element("resources", {}, (parse(text),)))
    )
    cluster.settle()
    tried = [n.name for n in cluster.up if any(done[2] == "start" for done in n.operations)]
    assert len(tried) == (1 if on_fail == "ignore" else 3)
    for name in tried:
        state = node_by_name(cluster.cib(1).status, name)
        assert state is not None
        assert "last-failure-R#start_0" in attributes_of(state)
        assert count(cluster, name) == counted


def with_start(handling: str) -> Change:
    """R's starts that fail are handled so."""
    start = Element("op", {"id": "R-s", "name": "start", "interval": "0", "on-fail": handling})

    def put(element: Element) -> Element:
        if element.tag == "operations":
            return element.append(start)
        return element.map_children(put)

    def change(cib: Cib) -> Cib:
        return cib.with_section("resources", put(cib.section("resources")))

    return change


def test_what_an_expired_failure_forbade_is_done() -> None:
    """A plan that clears a fail count may still be made under it: another one has to follow.

    An instance that blocks, as its start has failed, keeps the others' failures from expiring in
    a plan's eyes: only the next one starts what had failed once too often.
    """
    meta = "migration-threshold=1 failure-timeout=2s"
    cluster = running()
    cluster.node(3).fail = lambda run: 1 if run.action == "start" else None
    apply(cluster, lambda cib: with_start("block")(resource(meta=meta, wrap="interleave=1")(cib)))
    cluster.until(lambda: "R" in cluster.node(1).active, 5, "the others run")
    cluster.run(1.0)
    cluster.node(1).active.discard("R")
    cluster.until(lambda: count(cluster, "node1") == "1", 5, "it has failed")
    cluster.run(1.0)
    cluster.settle()
    assert where(cluster) == ["node2", "node3"]
    cluster.run(4.0)
    assert where(cluster) == ["node1", "node2", "node3"]
    assert count(cluster, "node1") == ""


def test_a_failure_that_lasts_is_told_again_when_it_was_forgotten() -> None:
    """It expires while another start hangs; then it is forgotten, and the plan goes no further.

    That plan would have had the monitor begun anew, which tells a result that stays the same once.
    """
    limit = with_property("batch-limit", "1")
    cluster = running(
        limit, resource("A"), resource(meta="failure-timeout=2s resource-stickiness=1")
    )
    name = holder(cluster)
    node = next(n for n in cluster.up if n.name == name)
    for each in cluster.up:
        each.hang = lambda run: run.resource == "A" and run.action == "start"
        each.active.discard("A")
    cluster.until(lambda: bool(where(cluster, "A")), 5, "A is started again, and hangs")
    node.active.discard("R")
    cluster.until(lambda: count(cluster, name) == "1", 5, "R has failed")
    cluster.until(lambda: count(cluster, name) == "", 30, "that is forgotten")
    cluster.ask(1, SetAttribute(node="", name="color", value="red"))
    for each in cluster.up:
        each.hang = lambda _: False
    cluster.run(3.0)
    assert where(cluster) == [name]


def test_who_could_not_be_started_is_not_taken_for_one_that_failed_later() -> None:
    """It would count as running from then on, and nobody would monitor it."""
    cluster = running()
    for node in cluster.up:
        node.fail = lambda run: 1 if run.action == "start" else None
    start = '<op id="R-s" name="start" interval="0" on-fail="block"/>'
    text = f"""<primitive id="R" class="ocf" provider="pacemaker" type="Dummy">
        <operations>{start}</operations></primitive>"""
    apply(
        cluster, lambda cib: cib.with_section("resources", Element("resources", {}, (parse(text),)))
    )
    cluster.settle()
    [name] = [n.name for n in cluster.up if any(done[2] == "start" for done in n.operations)]
    assert isinstance(cluster.answer(1, FailResource(resource="R", node=name)), Done)
    cluster.settle()
    state = node_by_name(cluster.cib(1).status, name)
    assert state is not None
    assert "asyncmon" not in {entry.get("operation") for entry in state.iter("lrm_rsc_op")}
