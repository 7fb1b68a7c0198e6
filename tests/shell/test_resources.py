"""The ``resource`` level on a file: which resources are meant, waiting, moving, tracing."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from scheduler.clusters import with_instances
from shell.person import Person

from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import TimedOut, UsageError
from crmsh_py.lab.client import Lab
from crmsh_py.lab.nodespec import NODE_LOG
from crmsh_py.shell import cmd_resource_move, past, waiting
from crmsh_py.shell.changes import change
from crmsh_py.shell.files import read_bytes
from crmsh_py.shell.resource_changes import meta_of, resources


def role_of(person: Person, name: str) -> str | None:
    return meta_of(person.saved(), name, "target-role")


def test_tags_and_patterns_stand_for_resources(person: Person) -> None:
    person.types("configure tag both: vip site")
    assert resources(person.session, ["both"]) == ("vip", "site")
    assert resources(person.session, ["o*", "vip"]) == ("one", "vip")
    # A pattern that fits a group and its members means the group.
    assert resources(person.session, ["*"]) == ("vip", "site")
    assert person.types("resource stop both") == ""
    assert (role_of(person, "vip"), role_of(person, "site")) == ("Stopped", "Stopped")
    assert "no resource is called like x*" in person.types("resource stop x*")
    assert "did you mean" in person.types("resource stop vop")


def test_members_that_set_it_themselves_are_told(person: Person) -> None:
    person.types("resource stop two")
    said = person.types("resource start site")
    assert "two sets target-role itself" in said
    assert "crm resource meta two delete target-role" in said
    assert role_of(person, "two") == "Stopped"
    person.session.preferences.set("manage-children", "always")
    assert person.types("resource start site") == ""
    assert role_of(person, "two") is None


def test_move_says_how_long_and_how_to_undo(person: Person) -> None:
    said = person.types("resource move vip alpha PT10M")
    assert "it ends by itself after PT10M" in said
    assert "INFO: vip is kept on alpha by cli-prefer-vip until " in person.types("status")
    person.types("resource ban site beta")
    assert "removed cli-ban-site-on-beta" in person.types("resource clear --all")
    assert "no constraint of move or ban" in person.types("resource clear --all")
    assert "cannot end with a reboot" in person.types("resource move vip alpha reboot")


def test_a_restart_that_takes_too_long_or_is_interrupted_starts_again(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for failure in (TimedOut("still busy"), KeyboardInterrupt()):

        def fails(*_: object, failure: BaseException = failure, **__: object) -> None:
            assert role_of(person, "vip") == "Stopped"
            raise failure

        monkeypatch.setattr(cmd_resource_move, "until_idle", fails)
        if isinstance(failure, KeyboardInterrupt):
            with pytest.raises(KeyboardInterrupt):
                person.types("resource restart vip")
            assert "interrupted: vip is started again" in person.console.said.getvalue()
        else:
            assert "did not stop within" in person.types("resource restart vip")
            assert person.code == 124
        assert role_of(person, "vip") is None


def test_waiting_says_what_is_under_way_and_gives_up(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Busy:
        """A cluster that never comes to rest."""

        kind = ClusterKind.LOCAL

        def wait_idle(self, *, timeout_s: float, version: object = None) -> None:
            raise TimedOut("busy")

    doing = iter([["stop vip on alpha"], ["stop vip on alpha"], ["start vip on beta"]])
    monkeypatch.setattr(waiting, "under_way", lambda _: next(doing, ["start vip on beta"]))
    monkeypatch.setattr(waiting, "WORDS_AFTER_S", 0.0)
    monkeypatch.setattr(waiting, "STEP_S", 0.01)
    monkeypatch.setattr(person.session, "_cluster", Busy())
    with pytest.raises(TimedOut, match=r"still busy after .*: start vip on beta"):
        waiting.until_idle(person.session, timeout_s=0.2, what="moving vip")
    said = person.console.said.getvalue()
    assert said.count("moving vip: stop vip on alpha\n") == 1  # told when it changes only
    assert "moving vip: start vip on beta\n" in said


def test_trace_and_untrace_leave_no_trace(person: Person) -> None:
    before = person.saved()
    person.types("resource trace vip monitor")
    person.types("resource trace vip start /tmp/trace")
    text = person.types("configure show vip")
    assert "trace_ra=1" in text
    assert "trace_dir=" in text
    assert "written to /tmp/trace" in person.console.said.getvalue()
    person.types("resource untrace vip")
    after = person.saved()
    assert after.section("resources") == before.section("resources")
    assert "was not traced" in person.types("resource untrace vip")
    person.types("resource trace vip probe")
    person.types("resource untrace vip probe")
    assert person.saved().section("resources") == before.section("resources")
    said = person.types("resource trace vip monitor 77")
    assert "vip has no operation monitor with the interval 77\n  there is 30s" in said
    assert person.saved().section("resources") == before.section("resources")
    assert "no operation nonsense" in person.types("resource trace vip nonsense")
    assert "site is a group" in person.types("resource trace site")


def test_a_report_has_no_secrets(person: Person, tmp_path: Path) -> None:
    person.types("configure primitive db ocf:heartbeat:pgsql params repuser=x")
    change(
        person.session,
        lambda cib: cib,
        client="test",
    )
    person.types("resource param vip set password geheim-12345")
    person.session.options = person.session.options.__class__(force=True)
    person.types("resource param vip set password geheim-12345")
    said = person.types(f"report {tmp_path / 'r'}")
    path = tmp_path / "r.tar.gz"
    assert str(path) in said
    with tarfile.open(path) as archive:
        texts = {
            m.name: archive.extractfile(m).read().decode()  # type: ignore[union-attr]
            for m in archive
        }
    assert {"r/cib.xml", "r/configuration.crm", "r/status.txt", "r/health.txt"} <= set(texts)
    assert "geheim" not in "".join(texts.values())
    assert 'value="******"' in texts["r/cib.xml"]
    assert "exists" in person.types(f"report {tmp_path / 'r'}")
    assert read_bytes(str(path))[:2] == b"\x1f\x8b"


@pytest.mark.parametrize(
    ("text", "good"),
    [("now", True), ("2 hours ago", True), ("15m", True), ("10:30", True), ("25:00", False),
     ("2026-11-29T10:00", True), ("yesterday", False), ("", False)],
)  # fmt: skip
def test_times_as_people_write_them(text: str, good: bool) -> None:
    if good:
        assert past.moment(text).tzinfo is not None
        return
    with pytest.raises(UsageError, match="is no time"):
        past.moment(text)


def test_preferences_are_kept_where_a_one_shot_sets_them(person: Person, tmp_path: Path) -> None:
    person.session.environ["XDG_CONFIG_HOME"] = str(tmp_path)
    assert person.types("options check-mode relaxed") == ""
    again = Person(tmp_path)
    again.session.environ["XDG_CONFIG_HOME"] = str(tmp_path)
    assert "relaxed" in again.types("options show check-mode")
    assert "is none of" in again.types("options set check-mode loose")
    assert "there is no option" in again.types("options set nonsense 1")
    again.types("options reset")
    assert "strict" in again.types("options show core.check_mode")


def test_a_relaxed_check_only_warns(person: Person) -> None:
    line = "resource meta vip set priority high"
    assert "ERROR" in person.types(line)
    person.session.preferences.set("check-mode", "relaxed")
    assert "ERROR" not in person.types(line)


@pytest.fixture
def instances(person: Person) -> Person:
    """Somebody at a clone and a promotable clone that run on three nodes; one is promoted."""
    person.file.write_text(with_instances().to_xml(), encoding="utf-8")
    return person


@pytest.mark.parametrize("line", ["ban everywhere", "move everywhere force"])
def test_a_clone_leaves_no_node_that_nobody_has_named(instances: Person, line: str) -> None:
    said = instances.types(f"resource {line}")
    assert instances.code != 0
    assert "everywhere is active on 3 nodes" in said
    assert "crm resource ban everywhere NODE" in said
    assert not instances.saved().section("constraints").findall()


@pytest.mark.parametrize("line", ["ban main", "move main force"])
def test_the_only_promoted_instance_is_the_one_that_moves(instances: Person, line: str) -> None:
    assert "Ban constraint created for main on pacemaker01" in instances.types(f"resource {line}")
    (made,) = instances.saved().section("constraints").findall()
    assert (made.id, made.get("role")) == ("cli-ban-main-on-pacemaker01", "Started")


def test_instances_that_are_not_promoted_are_listed_as_status_lists_them(
    instances: Person,
) -> None:
    said = instances.types("resource status")
    assert "Masters: [ pacemaker01 ]\n    Slaves: [ pacemaker02 pacemaker03 ]" in said
    told = json.loads(instances.types("resource status --output-as json"))
    (main,) = [one for one in told["resources"] if one["id"] == "main"]
    assert {child["id"]: child["role"] for child in main["children"]} == {
        "db:0": "Promoted", "db:1": "Unpromoted", "db:2": "Unpromoted",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (
            "resource unmanage vip",
            "the cluster leaves vip as it is for now\n  crm resource manage vip",
        ),
        (
            "maintenance on vip",
            "the cluster leaves vip as it is for now\n  crm maintenance off vip",
        ),
        ("maintenance on", "the cluster leaves vip as it is for now\n  crm maintenance off ends"),
        ("resource manage vip", ""),
    ],
)
def test_who_stops_what_is_left_alone_is_told_so(
    person: Person, monkeypatch: pytest.MonkeyPatch, before: str, told: str
) -> None:
    """It stops once it is managed again; until then one would wait for it."""
    person.types(before)
    monkeypatch.setattr(person.session.cluster, "kind", "local")
    said = person.types("resource stop vip")
    assert (told in said) if told else said == ""
    assert role_of(person, "vip") == "Stopped"


def test_what_is_left_alone_with_its_node_is_told_with_that(
    instances: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no maintenance of the resource, whose other instances do what they shall."""
    instances.types("node maintenance pacemaker02")
    monkeypatch.setattr(instances.session.cluster, "kind", "local")
    said = instances.types("resource stop everywhere")
    assert "leaves what runs on pacemaker02 as it is for now\n  crm node ready pacemaker02" in said
    assert "crm maintenance off" not in said


def obedient(person: Person) -> Callable[[object, str], list[tuple[str, str]]]:
    """Where things run in a cluster that does at once what it shall."""
    return lambda _, name: [] if role_of(person, name) == "Stopped" else [("alpha", "Started")]


def test_what_did_not_stop_was_not_restarted(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster that leaves it alone is at rest at once: it is not managed, say."""
    monkeypatch.setattr(person.session.cluster, "kind", "local")
    monkeypatch.setattr(cmd_resource_move, "_where", lambda *_: [("alpha", "Started")])
    said = person.types("resource restart vip")
    assert "vip on alpha did not stop, and so was not restarted\n  crm why vip" in said
    assert person.code == 1
    assert role_of(person, "vip") is None
    person.types("resource unmanage vip")
    assert "not restarted\n  crm resource manage vip" in person.types("resource restart vip")


def test_a_restart_names_the_member_that_does_not_stop_with_its_group(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(person.session.cluster, "kind", "local")
    monkeypatch.setattr(cmd_resource_move, "_where", lambda *_: [("alpha", "Started")])
    person.types("resource start one")
    said = person.types("resource restart site")
    assert "not restarted\n  crm resource meta one delete target-role" in said


def test_a_restart_leaves_alone_what_was_stopped(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(person.session.cluster, "kind", "local")
    monkeypatch.setattr(cmd_resource_move, "_where", obedient(person))
    person.types("resource stop site")
    said = person.types("resource restart vip site")
    assert "site does not run, and is left as it is" in said
    assert role_of(person, "site") == "Stopped"
    assert role_of(person, "vip") is None


def test_a_restart_of_what_does_not_run_says_what_helps(
    instances: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    instances.types("resource stop main")
    monkeypatch.setattr(instances.session.cluster, "kind", "local")
    monkeypatch.setattr(cmd_resource_move, "_where", lambda *_: [])
    assert "crm resource start main" in instances.types("resource restart main")
    assert "crm why everywhere" in instances.types("resource restart everywhere")


def test_what_cannot_be_promoted_is_told_what_could(instances: Person) -> None:
    said = instances.types("resource promote loner")
    assert "crm resource meta everywhere set promotable true" in said
    assert "its clone is: main" in instances.types("resource promote db")
    instances.types("configure primitive alone ocf:pacemaker:Dummy")
    said = instances.types("resource promote alone")
    hint = "configure clone alone-clone alone meta promotable=true"
    assert f"crm {hint}" in said
    instances.types(hint)
    instances.types("resource promote alone-clone")
    assert role_of(instances, "alone-clone") == "Promoted"


def test_fail_counts_of_one_operation_are_shown_set_and_deleted(person: Person) -> None:
    person.types("resource failcount vip set alpha 3 monitor 30s")
    person.types("resource failcount vip set alpha 2 start")
    assert "value=5" in person.types("resource failcount vip show alpha")
    assert "value=3" in person.types("resource failcount vip show alpha monitor 30s")
    assert "value=0" in person.types("resource failcount vip show alpha monitor 20s")
    person.types("resource failcount vip delete alpha monitor 20s")
    assert "value=5" in person.types("resource failcount vip show alpha")
    person.types("resource failcount vip delete alpha monitor")
    assert "value=2" in person.types("resource failcount vip show alpha")
    person.types("resource failcount vip delete alpha")
    assert "value=0" in person.types("resource failcount vip show alpha")


def test_a_failure_of_an_operation_that_there_is_not_is_not_counted(person: Person) -> None:
    assert "did you mean monitor?" in person.types("resource failcount vip set alpha 3 monitr")
    assert person.code != 0
    assert "value=0" in person.types("resource failcount vip show alpha")


def test_a_ticket_that_there_is_not_is_not_revoked_by_a_slip(person: Person) -> None:
    """Else it would look as if what depends on the right one had lost it."""
    person.types("site ticket grant siteA")
    person.types("configure rsc_ticket needs siteB: vip")
    assert "siteBB is a new ticket" in (said := person.types("site ticket grant siteBB"))
    assert "did you mean siteB" in said
    person.types("site ticket delete siteBB force")
    for verb in ("revoke", "standby", "activate"):
        said = person.types(f"site ticket {verb} siteC")
        assert "did you mean siteB or siteA?" in said
        assert person.code != 0
    assert "siteC" not in person.types("site ticket show")
    assert person.types("site ticket revoke siteB") == ""  # a constraint names it


def test_a_meta_attribute_that_means_nothing_is_told_when_it_is_set(person: Person) -> None:
    said = person.types("resource meta vip set target-rol Stopped")
    assert "there is no meta attribute target-rol" in said
    assert "did you mean target-role?" in said
    assert person.code == 0  # stored, as in configure
    assert person.types("resource meta vip set priority 5") == ""


def test_why_knows_resources_only(person: Person) -> None:
    assert "there is no resource" in person.types("why vip-instance_attributes")
    assert person.code != 0


def test_failures_of_all_instances_are_counted_as_crm_mon_counts_them(person: Person) -> None:
    for name, value in (
        ("fail-count-vip:0#monitor_10000", "2"),
        ("fail-count-vip:1#start_0", "INFINITY"),
        ("fail-count-vip", "7"),  # as Pacemaker 1.1.16 wrote it
        ("fail-count-vipper#monitor_10000", "1"),
    ):
        person.session.cluster.set_attribute("alpha", name, value)
    assert "value=INFINITY" in person.types("resource failcount vip show alpha")
    assert "value=2" in person.types("resource failcount vip show alpha monitor")
    person.types("resource failcount vip delete alpha start")
    assert "value=2" in person.types("resource failcount vip show alpha")


@pytest.mark.parametrize("word", ["on", "Y", "1", "TRUE"])
def test_a_clone_is_promotable_by_any_word_for_true(instances: Person, word: str) -> None:
    instances.types(f"configure clone other loner2 meta promotable={word}")
    instances.types("configure primitive loner2 ocf:pacemaker:Stateful")
    instances.types(f"configure clone other loner2 meta promotable={word}")
    instances.types("resource promote other")
    assert role_of(instances, "other") == "Promoted"


def test_the_history_of_another_lab_can_be_looked_at(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It need not run."""
    environ = {"CRM_STATE_DIR": str(tmp_path / "s"), "CRM_RUNTIME_DIR": str(tmp_path / "r")}
    made = Lab(environ=environ, lab="other")
    made.create(nodes=["n1", "n2"])
    log = Path(made.place.disk("n1") + NODE_LOG)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("Nov 30 10:00:00 notice  [CRMD  ] n1 is the designated controller (DC)\n")
    monkeypatch.setattr(person.session, "environ", {**person.session.environ, **environ})
    person.types("history")
    assert person.types("source other") == ""
    assert "Source:      other" in person.types("info")
    assert "n1 is the designated controller" in person.types("events")
    person.types("refresh")
    assert "n1 is the designated controller" in person.types("events")
    assert "your labs: other" in person.types("source another")
