"""What would happen if: plans after events that have not happened."""

from __future__ import annotations

import json

import pytest
from scheduler.clusters import NOW, Lab
from shell.on_fake import OnFake
from shell.person import Person

from crmsh_py.errors import CrmError, NotFound, UsageError
from crmsh_py.scheduler.plan import plan
from crmsh_py.shell import events
from crmsh_py.shell.votes import Votes
from crmsh_py.value import replace


@pytest.fixture
def settled(person: Person) -> Person:
    """Somebody at a cluster that has settled: everything runs on pacemaker01."""
    person.file.write_text(Lab().settle().cib.to_xml(), encoding="utf-8")
    return person


def changes(lab: Lab, event: str) -> set[str]:
    """What follows from an event: ``change resource``."""
    after = events.after(lab.cib, events.parse(tuple(event.split())), NOW)
    return {f"{each.change.value} {each.resource}" for each in plan(after, now=NOW).changes}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("node kill pacemaker01", {"start ClusterIP", "start WebSite"}),
        ("node standby pacemaker01", {"move ClusterIP", "move WebSite"}),
        ("node standby pacemaker02", set()),
        ("node maintenance pacemaker01", set()),
        ("resource stop WebSite", {"stop WebSite"}),
        ("resource move WebSite pacemaker03", {"move ClusterIP", "move WebSite"}),
        ("resource ban ClusterIP pacemaker01", {"move ClusterIP", "move WebSite"}),
        ("resource fail ClusterIP", {"recover ClusterIP", "restart WebSite"}),
        ("resource fail WebSite on pacemaker01", {"recover WebSite"}),
        ("ticket revoke site", set()),
        ("node attribute pacemaker01 pingd 0", set()),
    ],
)
def test_what_follows_from_an_event(event: str, expected: set[str]) -> None:
    assert changes(Lab().settle(), event) == expected


def test_what_befalls_a_remote_node_befalls_its_connection() -> None:
    lab = Lab()
    far = '<primitive id="far" class="ocf" provider="pacemaker" type="remote"/>'
    lab.change("</resources>", f"{far}</resources>")
    lab.change("</nodes>", '<node id="far" uname="far" type="remote"/></nodes>').settle()
    assert "recover far" in changes(lab, "node kill far")
    with pytest.raises(UsageError) as raised:
        changes(lab, "node leave far")
    assert raised.value.hint == "the event is: resource stop far"


def test_quorum_goes_and_comes_with_the_nodes() -> None:
    lab = Lab().settle()
    for name in ("pacemaker02", "pacemaker03"):
        lab.cib = events.after(lab.cib, events.parse(("node", "kill", name)), NOW)
    assert {f"{c.change.value} {c.resource}" for c in lab.plan().changes} == {
        "stop ClusterIP",
        "stop WebSite",
    }
    lab.cib = events.after(lab.cib, events.parse(("node", "return", "pacemaker02")), NOW)
    assert lab.plan().changes == ()


def two_nodes(*flags: str) -> OnFake:
    """Somebody at a cluster of two nodes; of its votes two are needed, but with 2Node."""
    person = OnFake(interactive=False)
    needed = 1 if "2Node" in flags else 2
    told = replace(
        person.fake.membership(), expected_votes=2, quorum=needed, flags=[*flags, "Quorate"]
    )
    person.fake.membership = lambda: told  # type: ignore[method-assign]
    person.types("cd /")
    return person


@pytest.mark.parametrize(
    ("flags", "starts"), [(["2Node"], True), ([], False), (["AutoTieBreaker"], False)]
)
def test_of_a_running_cluster_quorum_is_what_its_corosync_says(
    flags: list[str], starts: bool
) -> None:
    said = two_nodes(*flags).types("plan node kill pacemaker01")
    assert ("because the cluster has no quorum" not in said) == starts, said


def test_the_half_with_the_lowest_node_breaks_a_tie() -> None:
    votes = Votes.of(two_nodes("AutoTieBreaker").fake.membership())
    assert votes.enough_without("pacemaker02")
    assert not votes.enough_without("pacemaker01")
    assert votes.enough_with("pacemaker02")


@pytest.mark.parametrize(
    ("event", "kind", "complaint"),
    [
        ("node", NotFound, "“” is nothing that happens to a node"),
        ("node explode x", NotFound, "“explode” is nothing that happens to a node"),
        ("planet kill x", NotFound, "nothing happens to “planet”"),
        ("resource move WebSite", UsageError, "these words make no event"),
        ("node kill a b", UsageError, "these words make no event"),
        ("resource fail WebSite on a b", UsageError, "these words make no event"),
        ("ticket grant", UsageError, "too few words make no event"),
    ],
)
def test_what_is_no_event_is_refused(event: str, kind: type[CrmError], complaint: str) -> None:
    with pytest.raises(kind, match=complaint):
        events.parse(tuple(event.split()))


def test_an_event_of_somebody_unknown_names_who_is_there() -> None:
    for event, complaint, near in (
        ("node kill pacemaker09", "there is no node 'pacemaker09'", "pacemaker01"),
        ("resource stop WebSide", "there is no resource 'WebSide'", "WebSite"),
    ):
        with pytest.raises(NotFound, match=complaint) as raised:
            events.after(Lab().cib, events.parse(tuple(event.split())), NOW)
        assert near in str(raised.value.hint)


def test_what_fails_and_runs_nowhere_fails_on_a_node_that_is_named() -> None:
    event = events.parse(("resource", "fail", "WebSite"))
    with pytest.raises(UsageError, match="on which node\\? WebSite is not active") as raised:
        events.after(Lab().cib, event, NOW)
    assert raised.value.hint == "resource fail WebSite monitor on NODE"
    events.parse(("resource", "fail", "WebSite", "monitor", "on", "pacemaker01"))


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("plan node lost pacemaker01", "here that is kill"),
        ("plan node stop pacemaker01", "here that is leave"),
        ("plan node back pacemaker01", "here that is return"),
        ("plan resource crash WebSite", "here that is fail"),
        ("plan ticket lose T", "here that is revoke"),
    ],
)
def test_an_event_has_one_name(settled: Person, line: str, instead: str) -> None:
    assert instead in settled.types(line)


def test_plan_takes_the_failure_of_any_operation(settled: Person) -> None:
    """As test files do: a start that fails makes the node unfit, a monitor does not."""
    before = settled.file.read_bytes()
    said = settled.types("plan resource fail WebSite start on pacemaker01").splitlines()
    assert "After resource fail WebSite start on pacemaker01:" in said
    assert not any("Unexpected result" in line for line in said), "it is made up"
    leaves = ["recover", "WebSite", "pacemaker01", "->", "pacemaker02"]
    assert any(line.split()[:5] == leaves for line in said)
    assert "recover" in settled.types("plan resource fail WebSite monitor")
    assert "recover" in settled.types("plan resource fail WebSite on pacemaker01")
    assert "WebSite has no operation strat" in settled.types("plan resource fail WebSite strat")
    assert settled.code == 2
    assert settled.file.read_bytes() == before


def test_plan_takes_an_attribute_of_a_node(settled: Person) -> None:
    settled.types("configure location web WebSite rule -INFINITY: pingd lt 1")
    before = settled.file.read_bytes()
    said = settled.types("plan node attribute pacemaker01 pingd 0").splitlines()
    assert said[0] == "After node attribute pacemaker01 pingd 0:"
    assert any(line.split()[:2] == ["move", "WebSite"] for line in said)
    settled.types("configure plan node attribute pacemaker01 pingd 5")
    assert settled.code == 0
    assert settled.types("plan node attribute pacemaker01 pingd").startswith("After node attribute")
    assert "there is no node 'nobody'" in settled.types("plan node attribute nobody pingd 0")
    assert settled.file.read_bytes() == before


def test_plan_says_what_would_follow_and_changes_nothing(settled: Person) -> None:
    before = settled.file.read_bytes()
    assert settled.types("plan") == "Nothing would change: the cluster is settled.\n"
    said = settled.types("plan node standby pacemaker01").splitlines()
    assert said[0] == "After node standby pacemaker01:"
    assert said[1].split()[:5] == ["move", "ClusterIP", "pacemaker01", "->", "pacemaker02"]
    assert "because pacemaker01 is in standby" in said[1]
    assert settled.types("plan node standby pacemaker02").startswith("After node standby")
    record = json.loads(settled.types("plan node kill pacemaker01 --output-as json"))
    assert record["event"] == "node kill pacemaker01"
    assert {change["change"] for change in record["changes"]} == {"start"}
    assert settled.file.read_bytes() == before
