"""Pending changes: when they are made, when they are kept, and when they are lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell.person import Person

from crmsh_py.errors import CrmError
from crmsh_py.shell.console import Console
from crmsh_py.shell.dispatch import leave_configure
from crmsh_py.shell.editing import Editor
from crmsh_py.shell.options import Options


def test_a_one_shot_commits_at_once(person: Person) -> None:
    person.types("configure primitive new ocf:pacemaker:Dummy")
    assert person.code == 0
    assert person.has("new")


def test_in_configure_nothing_is_done_before_commit(sitting: Person) -> None:
    sitting.types("configure")
    sitting.types("primitive new ocf:pacemaker:Dummy")
    assert not sitting.has("new")
    assert "+primitive new" in sitting.types("show changed")
    sitting.types("commit")
    assert sitting.has("new")


def test_show_changed_tells_of_a_hidden_value_that_is_another_one(sitting: Person) -> None:
    sitting.types("configure")
    sitting.types("node alpha attributes passwd=old")
    sitting.types("commit")
    sitting.types("node alpha attributes passwd=new")
    said = sitting.types("show changed")
    assert '-\tattributes passwd="******"\n+\tattributes passwd="******"\n' in said
    assert sitting.types("show changed vip") == "INFO: nothing has changed\n"
    assert '<nvpair name="passwd" value="******"' in sitting.types("show xml changed alpha")


def test_a_commit_counts_the_epoch_once_and_names_its_author(person: Person) -> None:
    person.runs_script(
        "configure\nprimitive a ocf:pacemaker:Dummy\nprimitive b ocf:pacemaker:Dummy\n"
    )
    saved = person.saved()
    assert str(saved.version) == "0.6.0"
    assert saved.root.get("update-client") == "cibadmin"


def test_refresh_drops_what_is_pending(sitting: Person) -> None:
    sitting.console.answers = [True]
    sitting.types("configure")
    sitting.types("delete together")
    sitting.types("refresh")
    assert sitting.types("show changed") == "INFO: nothing has changed\n"
    assert sitting.console.questions == ["All changes will be dropped. Do you want to proceed"]


def test_a_refused_commit_keeps_what_is_pending(sitting: Person) -> None:
    sitting.types("configure")
    sitting.types("location nowhere nosuch 100: alpha")
    said = sitting.types("commit")
    assert "there is no resource nosuch" in said
    assert "~~~~~^" in said  # the caret is under what was typed
    assert sitting.code == 1
    assert "+location nowhere" in sitting.types("show changed")
    # The missing piece can still come, and then all of it is taken.
    sitting.types("primitive nosuch ocf:pacemaker:Dummy")
    assert sitting.types("commit") == ""
    assert sitting.has("nowhere")


def test_leaving_configure_asks_and_commits(sitting: Person) -> None:
    sitting.console.answers = [True]
    sitting.types("configure")
    sitting.types("primitive new ocf:pacemaker:Dummy")
    sitting.types("up")
    assert sitting.session.levels == ()
    assert sitting.has("new")


def test_leaving_configure_asks_and_drops(sitting: Person) -> None:
    sitting.console.answers = [False]
    sitting.types("configure")
    sitting.types("primitive new ocf:pacemaker:Dummy")
    assert "dropped" in sitting.types("cd ..")
    assert not sitting.session.working.pending
    assert not sitting.has("new")


@pytest.mark.parametrize("way_out", ["up", "quit", "cd ..", "cd ../resource"])
def test_refused_changes_are_only_left_behind_by_an_answer(sitting: Person, way_out: str) -> None:
    sitting.types("configure")
    sitting.types("location nowhere nosuch 100: alpha")
    sitting.types("commit")
    sitting.console.answers = [False]
    assert "still pending" in sitting.types(way_out)
    assert sitting.session.levels == ("configure",)
    assert not sitting.session.leaving
    assert sitting.session.working.pending
    sitting.console.answers = [True]
    sitting.types(way_out)
    assert "configure" not in sitting.session.levels
    assert not sitting.session.working.pending


def test_a_commit_on_the_way_out_that_is_refused_keeps_one_there(sitting: Person) -> None:
    """Ctrl-D is the same way out."""
    sitting.types("configure")
    sitting.types("location nowhere nosuch 100: alpha")
    sitting.console.answers = [True]
    with pytest.raises(CrmError, match="still pending"):
        leave_configure(sitting.session)
    assert sitting.session.working.pending


def test_no_answer_at_all_changes_nothing(sitting: Person) -> None:
    """Ctrl-D at a question is neither yes nor no."""
    sitting.types("configure")
    sitting.types("primitive new ocf:pacemaker:Dummy")
    sitting.console.answers = [None]
    assert "there was no answer" in sitting.types("up")
    assert sitting.session.levels == ("configure",)
    assert sitting.session.working.pending


def test_a_conflict_keeps_what_is_pending(sitting: Person) -> None:
    """Somebody else has changed the same value meanwhile."""
    other = Person(sitting.directory)
    sitting.types("configure")
    sitting.types("set vip.ip 10.0.0.2")
    other.types("configure set vip.ip 10.0.0.3")
    sitting.types("commit")
    assert sitting.code != 0
    assert sitting.session.working.pending
    assert 'value="10.0.0.3"' in sitting.file.read_text()


def test_changes_of_others_elsewhere_are_kept(sitting: Person) -> None:
    other = Person(sitting.directory)
    sitting.types("configure")
    sitting.types("set vip.ip 10.0.0.2")
    other.types("configure primitive theirs ocf:pacemaker:Dummy")
    sitting.types("commit")
    assert sitting.has("theirs")
    assert 'value="10.0.0.2"' in sitting.file.read_text()


def test_while_nothing_is_pending_the_newest_is_seen(sitting: Person) -> None:
    other = Person(sitting.directory)
    sitting.types("configure")
    assert "theirs" not in sitting.types("show")
    other.types("configure primitive theirs ocf:pacemaker:Dummy")
    assert "theirs" in sitting.types("show")


def test_other_levels_join_a_pending_change(sitting: Person) -> None:
    """From inside configure, as in crmsh; a transaction is one commit."""
    sitting.types("configure")
    sitting.types("primitive new ocf:pacemaker:Dummy")
    sitting.session.levels = ("resource",)
    assert "joins the pending changes" in sitting.types("meta new set priority 3")
    assert not sitting.has("new")


def test_a_changed_schema_is_a_change(person: Person) -> None:
    person.types("configure schema pacemaker-3.0")
    assert person.saved().schema == "pacemaker-3.0"
    person.types("configure upgrade force")
    assert person.saved().schema == "pacemaker-3.9"
    assert "already" in person.types("configure upgrade")


def test_a_schema_must_have_what_is_configured(person: Person) -> None:
    person.types("configure location main vip role=Promoted 10: alpha")
    person.types("configure primitive p ocf:pacemaker:Stateful op monitor interval=9s role=Slave")
    said = person.types("configure schema pacemaker-3.0")
    assert person.code == 1
    assert "main: the schema pacemaker-3.0 has no role Promoted" in said
    assert "p: the schema pacemaker-3.0 has no role Unpromoted" in said
    assert person.saved().schema != "pacemaker-3.0"
    person.types("configure schema pacemaker-3.7")
    assert person.saved().schema == "pacemaker-3.7"


def test_a_warning_is_news_only_once(person: Person) -> None:
    assert "no property colour" in person.types("configure property colour=red")
    assert person.code == 0
    assert person.types("configure property no-quorum-policy=stop") == ""
    assert person.has("cib-bootstrap-options-colour")


def test_force_commits_in_spite_of_errors(tmp_path: Path) -> None:
    person = Person(tmp_path, options=Options(force=True))
    said = person.types("configure primitive odd ocf:heartbeat:IPaddr2 params ipp=1")
    assert "no parameter ipp" in said
    assert person.code == 0
    assert person.has("odd")


def test_a_line_from_the_root_that_is_refused_leaves_one_where_its_changes_are(
    sitting: Person,
) -> None:
    """At the root they could be neither mended nor dropped, and others would join them."""
    said = sitting.types("configure location nowhere nosuch 100: alpha")
    assert "drop them by: refresh" in said
    assert sitting.session.levels == ("configure",)
    sitting.console.answers = [True]
    sitting.types("refresh")
    assert not sitting.session.working.pending
    sitting.types("up")
    assert sitting.session.levels == ()


def test_a_whole_line_from_the_root_is_committed_without_a_question(sitting: Person) -> None:
    """As a one-shot: whoever types all of it means it. In the level nothing is, as ever."""
    assert sitting.types("configure primitive new ocf:pacemaker:Dummy") == ""
    assert sitting.console.questions == []
    assert sitting.session.levels == ()
    assert sitting.has("new")


def test_a_line_of_a_script_that_is_refused_leaves_nothing_pending(person: Person) -> None:
    said = person.runs_script(
        "configure location nowhere nosuch 100: alpha\nconfigure\norder o nosuch vip\nup\n"
        "resource stop vip\n"
    )
    assert person.code == 1
    assert "joins" not in said
    assert 'name="target-role" value="Stopped"' in person.file.read_text()
    assert not person.has("nowhere")


def test_a_whole_service_that_cannot_be_committed_leaves_nothing_pending(
    sitting: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise CrmError("the cluster is away")

    monkeypatch.setattr(sitting.session.cluster, "commit", refuse)
    assert "away" in sitting.types("script run virtual-ip ip=192.168.100.102 ip_id=other")
    assert sitting.session.edited is None
    assert sitting.session.levels == ()


def test_a_script_makes_nothing_else_of_what_is_there(person: Person) -> None:
    run = "script run virtual-ip ip_id=front ip="
    assert person.types(f"{run}192.168.100.102") == ""
    made = person.saved()
    assert "nothing to commit" in person.types(f"{run}192.168.100.102")  # the same once more
    assert "there is front already" in person.types(f"{run}192.168.100.103")
    assert person.code != 0
    assert person.saved().configuration == made.configuration
    person.types("configure primitive loner ocf:pacemaker:Dummy")
    assert person.types("script run virtual-ip ip_id=loners ip=192.168.100.104") == ""
    person.session.options = person.session.options.__class__(force=True)
    person.types(f"{run}192.168.100.103")
    assert "192.168.100.103" in person.file.read_text()


def test_quit_asks_for_what_is_pending(sitting: Person) -> None:
    sitting.types("configure")
    sitting.types("location nowhere nosuch 100: alpha")
    sitting.types("commit")
    sitting.console.answers = [False]
    assert "still pending" in sitting.types("quit")
    assert not sitting.session.leaving
    sitting.console.answers = [True]
    sitting.types("quit")
    assert sitting.session.leaving


@pytest.mark.parametrize(
    ("path", "levels"),
    [
        ("configure", ("configure",)),
        ("ra", ("configure", "ra")),
        ("ra/configure", ("configure",)),
        ("/", ()),
        ("/node", ("node",)),
    ],
)
def test_cd_goes_to_a_level_once(sitting: Person, path: str, levels: tuple[str, ...]) -> None:
    sitting.types("configure")
    sitting.types(f"cd {path}")
    assert sitting.session.levels == levels


def test_an_editor_that_is_no_command_is_told() -> None:
    with pytest.raises(CrmError, match="No closing quotation"):
        Editor({"EDITOR": 'vi "'}, ".crm")


@pytest.mark.parametrize("end", [KeyboardInterrupt(), CrmError("there was no answer")])
def test_what_was_edited_is_kept_when_nobody_says_what_is_to_become_of_it(
    end: BaseException, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(console: Console, question: str) -> bool:
        raise end

    monkeypatch.setattr(Console, "ask", ask)
    with Editor({"EDITOR": "true"}, ".crm") as editor:
        assert editor.edit("primitiv d Dummy\n") == "primitiv d Dummy\n"
        with pytest.raises(type(end)):
            editor.wants_again(Console(), CrmError("no such command"))
    path = Path(capsys.readouterr().err.split("is kept: ")[1].strip())
    assert path.read_text() == "primitiv d Dummy\n"
    path.unlink()


def test_a_time_before_all_times_is_told(sitting: Person) -> None:
    assert "before all time" in sitting.types("history limit '999999999 weeks ago'")


GONE = '<rsc_location id="old" rsc="gone" node="alpha" score="5"/>'


@pytest.fixture
def dangling(person: Person) -> Person:
    """Somebody in whose file a constraint names nothing."""
    text = person.file.read_text(encoding="utf-8")
    person.file.write_text(text.replace("</constraints>", GONE + "</constraints>"))
    return person


@pytest.mark.parametrize(
    "line",
    [
        "configure primitive y ocf:pacemaker:Dummy",
        "resource stop vip",
        "node attribute alpha set a b",
        "configure property no-quorum-policy=stop",
    ],
)
def test_a_reference_to_nothing_that_was_there_refuses_nothing_else(
    dangling: Person, line: str
) -> None:
    said = dangling.types(line)
    assert "ERROR" not in said
    assert dangling.code == 0
    assert dangling.saved().version.epoch == 6
    if line.startswith("configure"):
        assert said.startswith("WARNING: old: there is no resource gone (it was so before)\n")


def test_what_was_wrong_before_is_said_once_in_a_session(dangling: Person) -> None:
    sitting = Person(dangling.directory, interactive=True)
    sitting.types("configure")
    sitting.types("primitive y ocf:pacemaker:Dummy")
    assert "(it was so before)" in sitting.types("commit")
    sitting.types("primitive z ocf:pacemaker:Dummy")
    assert sitting.types("commit") == ""
    assert "ERROR: old: there is no resource gone" in sitting.types("verify")


def test_what_was_wrong_before_is_wrong_again_when_it_is_changed(dangling: Person) -> None:
    said = dangling.types("configure filter 'sed s/5:/7:/'")
    assert "old: there is no resource gone" in said
    assert "~~~^" in said
    assert dangling.code == 1


def test_what_the_schema_refused_before_refuses_nothing_else(person: Person) -> None:
    text = person.file.read_text(encoding="utf-8")
    person.file.write_text(text.replace('<op id="vip-', '<op colour="red" id="vip-'))
    said = person.types("configure primitive y ocf:pacemaker:Dummy")
    assert "ERROR" not in said
    assert "colour" in said
    assert person.has("y")


def test_what_the_cluster_refuses_is_not_said_to_be_forced(tmp_path: Path) -> None:
    person = Person(tmp_path, options=Options(force=True))
    said = person.types("configure location lx nosuch 1: alpha")
    assert person.code == 1
    assert "there is no resource nosuch" in said
    assert "it cannot be forced" in said
    assert "forced in spite" not in said
    assert said.count("nosuch") == 1 + said.count("location lx nosuch")
