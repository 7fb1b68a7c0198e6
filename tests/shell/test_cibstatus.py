"""A status that is made up: what would follow, and nothing of it in the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell.person import Person

from crmsh_py.shell.options import Options


def summary(text: str) -> list[str]:
    """The lines of a simulation's transition summary."""
    part = text.partition("Transition Summary:\n")[2].partition("\n\n")[0]
    return [" ".join(line.split()) for line in part.splitlines()]


def test_a_node_that_is_lost_moves_what_it_ran(person: Person) -> None:
    for node in ("alpha", "beta"):
        person.types(f"cibstatus node {node} online")
    person.types("cibstatus quorum true")
    person.types("cibstatus op start vip success done alpha")
    person.types("cibstatus op monitor vip success done alpha")
    assert "* Start one" in str(summary(person.types("cibstatus run")))

    person.types("cibstatus node alpha offline")

    assert person.types("cibstatus show changed").splitlines()[-1] == "node alpha offline"
    assert "* Start vip ( beta )" in summary(person.types("cibstatus simulate nograph"))
    assert 'crmd="offline"' in person.types("cibstatus show")
    assert person.saved().status.children == ()


def test_pending_changes_are_what_is_simulated(sitting: Person) -> None:
    sitting.types("cibstatus node alpha online")
    sitting.types("cibstatus quorum yes")
    sitting.types("configure")
    sitting.types("primitive fresh ocf:pacemaker:Dummy")

    said = sitting.types("simulate actions")

    assert "* Start fresh ( alpha )" in summary(said)
    assert "Executing" not in said
    assert "Revised Cluster Status" in sitting.types("ptest nograph vvv utilization")
    assert not sitting.has("fresh")


def test_a_failed_operation_is_recovered_from(person: Person) -> None:
    person.types("cibstatus node alpha online")
    person.types("cibstatus quorum on")
    person.types("cibstatus op start vip success done alpha")

    person.types("cibstatus op monitor vip not_running")

    assert "* Recover vip ( alpha )" in summary(person.types("cibstatus run"))
    assert person.types("cibstatus show changed").splitlines()[-1] == (
        "op monitor vip not_running alpha"
    )


def test_a_status_can_differ_from_the_exit_code(person: Person) -> None:
    person.types("cibstatus node alpha online")
    person.types("cibstatus op start vip success timeout alpha")
    assert 'op-status="2"' in person.types("cibstatus show")


def test_without_quorum_nothing_is_started(person: Person) -> None:
    person.types("cibstatus node alpha online")
    person.types("cibstatus quorum no")
    planned = summary(person.types("cibstatus run"))
    assert "* Start vip ( alpha ) due to no quorum (blocked)" in planned


def test_a_ticket_lets_a_resource_start(person: Person) -> None:
    person.types("configure rsc_ticket needs siteA: vip")
    person.types("cibstatus node alpha online")
    person.types("cibstatus quorum 1")
    assert "* Start vip ( alpha )" not in summary(person.types("cibstatus run"))
    person.types("cibstatus ticket siteA grant")
    assert "* Start vip ( alpha )" in summary(person.types("cibstatus run"))
    person.types("cibstatus ticket siteA standby")
    assert "* Start vip ( alpha )" not in summary(person.types("cibstatus run"))


def test_a_status_is_saved_loaded_and_forgotten(person: Person) -> None:
    name = person.directory / "what-if.xml"
    person.types("cibstatus node alpha offline")
    person.types(f"cibstatus save {name}")
    person.types("cibstatus load live")
    assert person.types("cibstatus show changed") == ""
    assert person.types("cibstatus origin") == "live\n"

    person.types(f"cibstatus load {name}")

    assert person.types("cibstatus origin") == f"{name}\n"
    assert 'crmd="offline"' in person.types("cibstatus show")
    person.types("cibstatus save shadow:later")
    person.types("cibstatus load shadow:later")
    assert 'crmd="offline"' in person.types("cibstatus show")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("node gamma online", "there is no node 'gamma'"),
        ("op start nothing 0 done alpha", "there is no resource 'nothing'"),
        ("op start site 0 done alpha", "only primitives have operations"),
        ("op start vip fine done alpha", "“fine” is no exit code"),
        ("op start vip 0", "on which node? vip is not active"),
        ("save", "save FILE"),
        ("load /nowhere", "cannot be read"),
        ("load shadow:nothing", "nothing"),
        ("node alpha", "online"),
        ("quorum perhaps", "true or false"),
    ],
)
def test_a_mistake_changes_nothing(person: Person, line: str, wanted: str) -> None:
    assert wanted in person.types(f"cibstatus {line}")
    assert person.code != 0
    assert person.types("cibstatus show changed") == ""


def test_a_one_shot_is_told_that_what_it_makes_up_ends_with_it(
    person: Person, tmp_path: Path
) -> None:
    once = Person(tmp_path, options=Options(words=("cibstatus",)))
    assert "holds for a session" in once.types("cibstatus node alpha offline")
    assert person.types("cibstatus node alpha offline") == ""
