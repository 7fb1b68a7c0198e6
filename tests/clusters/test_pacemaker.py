"""A running Pacemaker behind the port: patches, races, words, and what goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from clusters.pacemaker_machine import STRICT, Machine, cluster_of

from crmsh_py.cib.diff import diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.version import Version
from crmsh_py.clusters import operations
from crmsh_py.clusters.orders import DropDevice, ReopenLogs, ShutDown
from crmsh_py.clusters.pacemaker_programs import Answer
from crmsh_py.errors import (
    ClusterUnreachable,
    ConfigError,
    Conflict,
    CrmError,
    NoQuorum,
    NotFound,
    NotPermitted,
    TimedOut,
)
from crmsh_py.wire.control import (
    EndMember,
    ReenableRings,
    ReloadConf,
    SetExpectedVotes,
    SetVotes,
)

GONE = Answer(102, "", "Could not connect to the CIB: Transport endpoint is not connected")
ALL_RUNS = Answer(0, "  1 init\n 20 corosync\n 33 pacemakerd\n 36 pacemaker-based\n", "")


def with_dummy(name: str) -> operations.Edit:
    primitive = Element("primitive", {"id": name, "class": "ocf", "provider": "pacemaker",
                                      "type": "Dummy"})  # fmt: skip

    def edit(cib: Cib) -> Cib:
        return cib.with_section("resources", cib.section("resources").append(primitive))

    return edit


def test_a_commit_is_one_patch_against_the_version_that_was_read() -> None:
    machine = Machine()
    cluster = cluster_of(machine)
    cib = cluster.read_cib()

    version = cluster.commit(diff(cib, with_dummy("d2")(cib)), client="crm")

    assert version == Version(0, 6, 0)
    assert machine.calls == [
        "cibadmin -Q",
        "cibadmin --patch --xml-pipe --timeout=30",
        "cibadmin -Q",
    ]
    # Changes of the state do not matter, so the patch does not name their number.
    assert "num_updates" not in machine.patches[0]
    assert machine.cib.find_id("d2") is not None


def test_a_change_meanwhile_is_kept_beside_ours() -> None:
    machine = Machine()
    cluster = cluster_of(machine)
    cib = cluster.read_cib()
    machine.before_patch = [
        lambda: machine.other_writer(with_dummy("theirs")),
        lambda: machine.other_writer(with_dummy("hers")),
    ]

    version = cluster.commit(diff(cib, with_dummy("ours")(cib)), client="crm")

    assert version == Version(0, 8, 0)
    names = [e.id for e in machine.cib.section("resources").children]
    assert sorted(names) == ["d1", "hers", "ours", "theirs"]


def test_a_change_of_the_same_thing_meanwhile_is_a_conflict() -> None:
    machine = Machine()
    cluster = cluster_of(machine)
    cib = cluster.read_cib()
    machine.before_patch = [
        lambda: machine.other_writer(lambda c: operations.target_role(c, "d1", "Stopped"))
    ]
    patch = diff(cib, operations.target_role(cib, "d1", "Started"))

    with pytest.raises(Conflict):
        cluster.commit(patch, client="crm")

    assert machine.cib.version == Version(0, 6, 0)


def with_location(name: str, resource: str) -> operations.Edit:
    location = Element("rsc_location", {"id": name, "rsc": resource, "node": "alpha",
                                        "score": "5"})  # fmt: skip

    def edit(cib: Cib) -> Cib:
        return cib.with_section("constraints", cib.section("constraints").append(location))

    return edit


def test_only_what_a_merge_breaks_is_a_conflict() -> None:
    machine = Machine()
    machine.cib = with_location("old", "gone")(machine.cib)
    cluster = cluster_of(machine)
    cib = cluster.read_cib()
    machine.before_patch = [lambda: machine.other_writer(with_dummy("theirs"))]
    cluster.commit(diff(cib, with_dummy("ours")(cib)), client="crm")
    assert machine.cib.find_id("ours") is not None

    cib = cluster.read_cib()
    machine.before_patch = [
        lambda: machine.other_writer(
            lambda c: c.with_section(
                "resources",
                c.section("resources").map_children(lambda e: None if e.id == "theirs" else e),
            )
        )
    ]
    with pytest.raises(Conflict, match="meanwhile: here: there is no resource theirs"):
        cluster.commit(diff(cib, with_location("here", "theirs")(cib)), client="crm")


def test_a_state_that_changes_all_the_time_stops_nobody() -> None:
    machine = Machine()
    cluster = cluster_of(machine)
    cib = cluster.read_cib()
    machine.cib = machine.cib.with_version(machine.cib.version.next_update())

    cluster.commit(diff(cib, with_dummy("d2")(cib)), client="crm")

    assert len(machine.patches) == 1


def test_pacemaker_3_is_sent_the_same_patch_until_it_meets_the_state() -> None:
    machine = Machine()
    machine.cib = machine.cib.with_attributes({"crm_feature_set": STRICT})
    cluster = cluster_of(machine)
    cib = cluster.read_cib()
    machine.before_patch = [machine.state_changes, machine.state_changes]

    assert cluster.commit(diff(cib, with_dummy("d2")(cib)), client="crm") == Version(0, 6, 0)

    assert machine.cib.find_id("d2") is not None
    sent = "cibadmin --patch --xml-pipe --timeout=30"
    asked = "cibadmin -Q --no-children"
    assert machine.calls[1:] == [sent, asked, sent, asked, sent, "cibadmin -Q"]


def test_pacemaker_3_another_writer_between_two_changes_of_the_state() -> None:
    machine = Machine()
    machine.cib = machine.cib.with_attributes({"crm_feature_set": STRICT})
    cluster = cluster_of(machine)
    cib = cluster.read_cib()
    machine.before_patch = [
        machine.state_changes,
        lambda: machine.other_writer(with_dummy("theirs")),
        machine.state_changes,
    ]

    assert cluster.commit(diff(cib, with_dummy("ours")(cib)), client="crm") == Version(0, 7, 0)

    names = [e.id for e in machine.cib.section("resources").children]
    assert sorted(names) == ["d1", "ours", "theirs"]


@pytest.mark.parametrize("features", ["3.16.1", STRICT])
def test_another_order_is_a_new_version(features: str) -> None:
    machine = Machine()
    machine.cib = with_dummy("d2")(machine.cib).with_attributes({"crm_feature_set": features})
    cluster = cluster_of(machine)
    cib = cluster.read_cib()
    resources = cib.section("resources")
    turned = cib.with_section("resources", resources.with_children(resources.children[::-1]))

    assert cluster.commit(diff(cib, turned), client="crm") == Version(0, 6, 0)

    assert [e.id for e in machine.cib.section("resources").children] == ["d2", "d1"]


@pytest.mark.parametrize("features", ["3.16.1", STRICT])
def test_another_schema_is_a_new_version(features: str) -> None:
    machine = Machine()
    machine.cib = machine.cib.with_attributes({"crm_feature_set": features})
    cluster = cluster_of(machine)
    cib = cluster.read_cib()
    newer = cib.with_attributes({"validate-with": "pacemaker-4.0"})

    assert cluster.commit(diff(cib, newer), client="crm") == Version(0, 6, 0)

    assert machine.cib.schema == "pacemaker-4.0"
    assert machine.cib.root.get("have-quorum") == "1"


@pytest.mark.parametrize("features", ["3.16.1", STRICT])
def test_another_schema_while_the_state_changes_all_the_time(features: str) -> None:
    """A change of the root names the state's number to every Pacemaker, so it may come too late."""
    machine = Machine()
    machine.cib = machine.cib.with_attributes({"crm_feature_set": features})
    cluster = cluster_of(machine)
    cib = cluster.read_cib()
    newer = cib.with_attributes({"validate-with": "pacemaker-4.0"})
    machine.before_patch = [machine.state_changes] * 30

    assert cluster.commit(diff(cib, newer), client="crm") == Version(0, 6, 0)

    assert machine.calls.count("cibadmin -Q") == 2, "read once, and read back"


def test_a_change_that_is_taken_and_not_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crmsh_py.clusters.pacemaker.ASK_TIMEOUT_S", 0.01)
    monkeypatch.setattr("crmsh_py.clusters.pacemaker.COMMIT_TIMEOUT_S", 1.0)
    machine = Machine(answers={"cibadmin --patch --xml-pipe --timeout=1": Answer(0, "", "")})
    cluster = cluster_of(machine)
    cib = cluster.read_cib()

    with pytest.raises(TimedOut, match="took the change, and does not have it; the change may"):
        cluster.commit(diff(cib, with_dummy("d2")(cib)), client="crm")


def test_a_state_that_never_rests_is_an_error_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crmsh_py.clusters.pacemaker.COMMIT_TIMEOUT_S", 0.02)
    machine = Machine()
    machine.cib = machine.cib.with_attributes({"crm_feature_set": STRICT})
    cluster = cluster_of(machine)
    cib = cluster.read_cib()
    machine.before_patch = [machine.state_changes] * 10_000

    with pytest.raises(TimedOut, match="nothing was committed"):
        cluster.commit(diff(cib, with_dummy("d2")(cib)), client="crm")
    assert machine.cib.find_id("d2") is None


def test_without_quorum_only_by_force() -> None:
    machine = Machine()
    machine.cib = machine.cib.with_attributes({"have-quorum": "0"})
    cluster = cluster_of(machine)
    cib = cluster.read_cib()
    patch = diff(cib, with_dummy("d2")(cib))

    with pytest.raises(NoQuorum):
        cluster.commit(patch, client="crm")
    assert not machine.patches

    cluster.commit(patch, client="crm", force_no_quorum=True)
    assert machine.cib.find_id("d2") is not None


def test_an_unknown_schema_is_read_and_not_written() -> None:
    machine = Machine()
    machine.cib = machine.cib.with_attributes({"validate-with": "pacemaker-9.1"})
    cluster = cluster_of(machine)
    cib = cluster.read_cib()

    with pytest.raises(ConfigError, match=r"pacemaker-9\.1 is not known here"):
        cluster.commit(diff(cib, with_dummy("d2")(cib)), client="crm")

    assert not machine.patches


@pytest.mark.parametrize(
    ("schema", "role"),
    [("pacemaker-3.2", "Master"), ("pacemaker-3.9", "Promoted"), ("pacemaker-4.0", "Promoted")],
)
def test_roles_have_the_names_that_the_cluster_knows(schema: str, role: str) -> None:
    machine = Machine()
    machine.cib = machine.cib.with_attributes({"validate-with": schema})
    cluster = cluster_of(machine)
    cib = cluster.read_cib()
    edited = operations.target_role(cib, "d1", "Promoted")
    edited = operations.ban(edited, "d1", "n1", promoted=True)

    cluster.commit(diff(cib, edited), client="crm")

    pairs = {p.get("name"): p.get("value") for p in machine.cib.root.iter("nvpair")}
    assert pairs["target-role"] == role
    assert machine.cib.section("constraints").children[0].get("role") == role


def test_what_acls_hide_is_empty_and_stays_untouched() -> None:
    machine = Machine()
    hidden = machine.cib.configuration.map_children(
        lambda section: None if section.tag == "crm_config" else section
    )
    machine.cib = machine.cib.with_section("configuration", hidden)
    cluster = cluster_of(machine)
    cib = cluster.read_cib()
    assert cib.configuration.find("crm_config") is not None

    cluster.commit(diff(cib, with_dummy("d2")(cib)), client="crm")

    assert "crm_config" not in machine.patches[0]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(4, "", "Call cib_apply_diff failed: Permission denied"), NotPermitted, "permit"),
        (Answer(78, "", "Update does not conform to the configured schema"), ConfigError, "schema"),
        (Answer(106, "", "Quorum required"), NoQuorum, "Quorum"),
        (Answer(124, "", "Timer expired"), TimedOut, "may have been made all the same"),
        (Answer(1, "", "something new"), CrmError, "something new"),
    ],
)
def test_a_refused_commit_is_told_as_its_kind(
    answer: Answer, kind: type[CrmError], words: str
) -> None:
    machine = Machine(answers={"cibadmin --patch --xml-pipe --timeout=30": answer})
    cluster = cluster_of(machine)
    cib = cluster.read_cib()

    with pytest.raises(kind, match=words):
        cluster.commit(diff(cib, with_dummy("d2")(cib)), client="crm")


@pytest.mark.parametrize(
    ("processes", "groups", "kind", "words"),
    [
        ("  1 init\n", "haclient", ClusterUnreachable, "neither Corosync nor Pacemaker runs"),
        (" 20 corosync\n", "haclient", ClusterUnreachable, "but Pacemaker does not"),
        (ALL_RUNS.out, "users", NotPermitted, "only root and the group haclient"),
        (ALL_RUNS.out, "users haclient", ClusterUnreachable, "starting or stopping"),
    ],
)
def test_why_nobody_answers(processes: str, groups: str, kind: type[CrmError], words: str) -> None:
    machine = Machine(
        answers={
            "cibadmin -Q": GONE,
            "ps -e -o pid=,comm=": Answer(0, processes, ""),
            "id -Gn": Answer(0, groups + "\n", ""),
            "id -un": Answer(0, "lise\n", ""),
        }
    )

    with pytest.raises(kind, match=words):
        cluster_of(machine).read_cib()


def test_the_history_is_this_users_own(tmp_path: Path) -> None:
    machine = Machine()
    cluster = cluster_of(machine, str(tmp_path))
    cib = cluster.read_cib()
    cluster.commit(diff(cib, with_dummy("d2")(cib)), client="crm")

    later = cluster_of(machine, str(tmp_path))
    assert [r.version[:2] for r in later.revisions()] == [(0, 6), (0, 5)]
    assert later.revision(0, 5).configuration == cib.configuration
    assert later.revision(0, 6).find_id("d2") is not None
    assert later.revisions(1)[0].author == "hacluster"
    with pytest.raises(NotFound, match="was not seen"):
        later.revision(0, 4)
    (directory,) = tmp_path.iterdir()
    assert directory.name == "real@n1"
    assert {p.stat().st_mode & 0o777 for p in directory.iterdir()} == {0o600}


def test_a_damaged_history_is_passed_over(tmp_path: Path) -> None:
    machine = Machine()
    cluster = cluster_of(machine, str(tmp_path))
    cluster.read_cib()
    (kept,) = (tmp_path / "real@n1").iterdir()
    kept.write_bytes(b"\x1f\x8bnothing")

    assert cluster.revisions() == []
    with pytest.raises(NotFound):
        cluster.revision(0, 5)


def test_a_cluster_that_was_made_anew_does_not_meet_its_old_history(tmp_path: Path) -> None:
    machine = Machine()
    cluster_of(machine, str(tmp_path)).read_cib()
    machine.cib = with_dummy("new")(machine.cib).with_attributes(
        {"cib-last-written": "Mon Nov 30 08:00:00 2026"}
    )
    cluster = cluster_of(machine, str(tmp_path))
    cluster.read_cib()

    assert cluster.revision(0, 5).find_id("new") is not None


def test_a_history_that_cannot_be_kept_is_no_error() -> None:
    cluster = cluster_of(Machine(), "/proc/nowhere")

    assert cluster.read_cib().version == Version(0, 5, 7)


def test_who_may_not_ask_corosync_is_told_what_the_cib_says() -> None:
    machine = Machine()
    refused = Answer(1, "", "Cannot initialize QUORUM service")
    machine.answers["corosync-quorumtool -s"] = refused
    state = Element("node_state", {"id": "1", "in_ccm": "1700000000"})
    machine.cib = machine.cib.with_section("status", machine.cib.status.append(state))

    seen = cluster_of(machine).membership()

    assert [(m.name, m.joined) for m in seen.members] == [("n1", True), ("n2", False)]
    assert (seen.quorate, seen.dc, seen.total_votes) == (True, "n2", 1)


def test_a_cib_manager_that_hangs_is_told_and_nothing_else_is_tried() -> None:
    class Hanging(Machine):
        def run(
            self, program: str, *arguments: str, timeout_s: float, stdin: str | None = None
        ) -> Answer:
            self.calls.append(program)
            raise TimedOut(f"{program} did not end within {timeout_s:g} s")

    machine = Hanging()
    with pytest.raises(TimedOut, match="cibadmin did not end within 15 s"):
        cluster_of(machine).read_cib()
    assert machine.calls == ["cibadmin"]


def test_a_clean_up_of_one_operation_is_asked_for_as_pacemaker_has_it() -> None:
    machine = Machine()
    cluster_of(machine).clean_resource("a", "n1", all_history=False, operation="monitor_10000")
    assert machine.calls == [
        "crm_resource --cleanup --resource a --node n1 --operation monitor --interval 10000ms"
    ]


def test_orders_to_ring_and_node_go_to_corosyncs_programs() -> None:
    machine = Machine()
    for order in (
        ReenableRings(),
        ReloadConf(),
        EndMember(node_id=3),
        SetExpectedVotes(votes=2),
        SetVotes(votes=0, node_id=3),
        ReopenLogs(),
        ShutDown(),
        ShutDown(force=True),
        DropDevice(),
    ):
        cluster_of(machine).administer(order)
    assert machine.calls == [
        "corosync-cfgtool -r",
        "corosync-cfgtool -R",
        "corosync-cfgtool -k 3",
        "corosync-quorumtool -e 2",
        "corosync-quorumtool -v 0 -n 3",
        "corosync-cfgtool -L",
        "corosync-cfgtool -H",
        "corosync-cfgtool -H --force",
        "corosync-quorumtool -f",
    ]


def test_a_shutdown_that_is_refused_is_told() -> None:
    machine = Machine()
    machine.answers["corosync-cfgtool -H"] = Answer(0, "", "Could not shutdown (error = 10)")
    with pytest.raises(CrmError, match="does not shut down"):
        cluster_of(machine).administer(ShutDown())
