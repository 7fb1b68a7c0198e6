"""Two people change one configuration at the same time."""

from __future__ import annotations

import pytest
from shell.person import Person


@pytest.fixture
def other(sitting: Person) -> Person:
    """Somebody else, whose every command is committed at once."""
    return Person(sitting.directory)


def test_a_conflict_shows_what_was_and_what_each_has_made_of_it(
    sitting: Person, other: Person
) -> None:
    sitting.types("configure")
    sitting.types("set vip.ip 10.0.0.2")
    other.types("configure set vip.ip 10.0.0.3")
    said = sitting.types("commit")
    assert sitting.code == 1
    places = [said.index(f"ip=10.0.0.{n}") for n in (1, 2, 3)]
    assert places == sorted(places), "before, yours, theirs"
    assert "vip, before (0.5.0):" in said
    assert "theirs (0.6.0" in said
    assert "nothing was committed" in said
    assert sitting.session.working.pending


def test_only_what_cannot_be_merged_is_shown(sitting: Person, other: Person) -> None:
    """Both changed the site too, but not the same thing of it."""
    sitting.types("configure")
    sitting.types("set vip.ip 10.0.0.2")
    sitting.types("property no-quorum-policy=ignore")
    other.types("configure set vip.ip 10.0.0.3")
    other.types("configure property maintenance-mode=true")
    said = sitting.types("commit")
    assert "vip, before" in said
    assert "maintenance-mode" not in said


def test_changes_of_one_resource_that_do_not_touch_are_merged(
    sitting: Person, other: Person
) -> None:
    sitting.types("configure")
    sitting.types("set vip.ip 10.0.0.2")
    other.types("configure set vip.monitor.timeout 25s")
    assert sitting.types("commit") == ""
    shown = other.types("configure show vip")
    assert "ip=10.0.0.2" in shown
    assert "timeout=25s" in shown


def test_what_the_other_has_deleted_is_shown_as_absent(sitting: Person, other: Person) -> None:
    sitting.types("configure")
    sitting.types("set vip.ip 10.0.0.2")
    other.types("configure delete vip")
    said = sitting.types("commit")
    assert "(it is not there)" in said
    assert not other.has("vip")


def test_the_same_name_given_twice_is_a_conflict(sitting: Person, other: Person) -> None:
    sitting.types("configure")
    sitting.types("primitive new ocf:pacemaker:Dummy params fake=mine")
    other.types("configure primitive new ocf:pacemaker:Dummy params fake=theirs")
    said = sitting.types("commit")
    assert said.index("fake=mine") < said.index("fake=theirs")
    assert 'value="theirs"' in sitting.file.read_text()


def test_the_way_out_that_is_told_works(sitting: Person, other: Person) -> None:
    sitting.types("configure")
    sitting.types("set vip.ip 10.0.0.2")
    other.types("configure set vip.ip 10.0.0.3")
    said = sitting.types("commit")
    assert "save FILE vip, refresh, load update FILE, commit" in said
    sitting.console.answers.append(True)  # that refresh drops them
    file = sitting.directory / "mine.crm"
    for line in (f"save vip {file}", "refresh", f"load update {file}"):
        sitting.types(line)
    sitting.types("commit")
    assert 'value="10.0.0.2"' in sitting.file.read_text()


def test_a_reference_to_what_the_other_has_deleted_is_a_conflict(
    sitting: Person, other: Person
) -> None:
    sitting.types("configure")
    sitting.types("location here vip 10: alpha")
    other.types("configure delete vip")
    said = sitting.types("commit")
    assert "after what was changed meanwhile: here: there is no resource vip" in said
    assert "vip (deleted)" in said
    assert "change what is pending" in said
    assert sitting.session.working.pending
    sitting.types("delete here")
    sitting.types("refresh")
