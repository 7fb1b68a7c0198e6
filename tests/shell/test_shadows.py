"""Shadow configurations: try on a copy, then make the original so."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from shell.on_fake import OnFake
from shell.person import Answers, Person

from crmsh_py.clusters.file import FileCluster
from crmsh_py.clusters.shadow import Shadows
from crmsh_py.shell import cmd_cib, cmd_history
from crmsh_py.shell.options import Options
from crmsh_py.shell.session import Session
from crmsh_py.tools import edits


def test_a_shadow_is_made_changed_compared_and_committed(sitting: Person) -> None:
    sitting.types("cib new trial")
    assert sitting.session.label == "trial"
    sitting.types("configure")
    sitting.types("primitive new Dummy")
    sitting.types("commit")
    sitting.types("up")
    assert not sitting.has("new")
    assert "+primitive new" in sitting.types("cib diff")
    assert sitting.types("cib list") == "trial\n"
    sitting.types("cib use live")
    sitting.console.answers = [True]
    sitting.types("cib commit trial")
    assert sitting.has("new")


def test_what_a_shadow_would_interrupt_is_shown_before_it_is_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = OnFake([False, True])
    person.environ["HOME"] = str(tmp_path)
    shadow = FileCluster(str(tmp_path / "shadow"))
    wanted = edits.set_section_pair(person.fake.cib, "crm_config", "stop-all-resources", "true")
    (tmp_path / "shadow").write_text(wanted.to_xml())
    monkeypatch.setattr(Shadows, "open", lambda self, name: shadow)
    monkeypatch.setattr(cmd_cib, "choose", lambda *_, **__: person.fake)
    person.levels = ()
    said = person.types("cib commit trial")
    assert "stop" in said
    assert "ClusterIP" in said
    assert "will be interrupted. The live configuration becomes" in person.said.questions[0]
    assert not person.fake.done
    person.types("cib commit trial")
    assert person.fake.done
    assert "just that already" in person.types("cib commit trial")  # and nobody is asked


def test_only_a_one_shot_is_told_how_to_work_on_its_shadow(tmp_path: Path) -> None:
    """Who stays in the shell works on it already."""
    options = Options(words=["configure"])  # as one has come in: crm configure
    sitting = Person(tmp_path, options=options, interactive=True)
    assert sitting.types("cib new trial") == ""
    assert sitting.types("cib use live") == ""


def test_a_shadow_in_use_is_not_deleted(sitting: Person) -> None:
    sitting.types("cib new trial")
    assert "trial is in use" in sitting.types("cib delete trial")
    sitting.types("cib use")
    sitting.types("cib delete trial")
    assert sitting.types("cib list") == ""


def test_pending_changes_do_not_move_to_another_configuration(sitting: Person) -> None:
    sitting.types("configure")
    sitting.types("primitive new Dummy")
    assert "uncommitted changes" in sitting.types("cib new trial")
    assert sitting.session.working.pending
    assert sitting.types("cib list") == "", "none is made where nobody can go to it"


def test_an_existing_shadow_is_not_overwritten_by_mistake(person: Person) -> None:
    person.types("cib new trial")
    assert "exists" in person.types("cib new trial")
    person.types("cib new trial force")
    assert person.code == 0


def test_import_makes_a_shadow_of_a_file(person: Person) -> None:
    copy = person.directory / "copy.xml"
    copy.write_text(person.file.read_text().replace("10.0.0.1", "10.0.0.8"))
    person.types(f"cib import {copy}")
    assert person.types("cib list") == "copy\n"
    copy.write_text("<cib")
    assert f"{copy}:1: not well-formed XML" in person.types(f"cib import {copy} other")


def test_what_is_no_shadow_is_not_found(person: Person) -> None:
    person.types("cib new trial")
    assert "did you mean trial?" in person.types("cib use trail")
    for name in ("../up", "a b"):
        person.types(f"cib new '{name}'")
        assert person.code != 0


def test_a_shadow_of_the_environment_is_in_use_like_another(tmp_path: Path) -> None:
    Person(tmp_path).types("cib new trial")
    person = Person(tmp_path)
    session = Session(
        Options(),
        person.console,
        environ={**person.session.environ, "CIB_file": "", "CIB_shadow": "trial"},
    )
    session.choose = lambda shadow="", *, node="": (  # type: ignore[method-assign]
        Shadows.of_environment(session.environ, os.getuid()).open(shadow)
        if shadow
        else FileCluster(str(person.file), label="live")
    )
    person.session = session
    assert session.label == "trial"
    person.types("configure delete together")
    assert "trial is in use" in person.types("cib delete trial")
    assert "together" not in person.types("configure show")
    said = person.runs_script("cib use live\nconfigure show\n")
    assert session.label == "live"
    assert "together" in said


def test_a_file_that_is_named_comes_before_a_shadow(tmp_path: Path) -> None:
    environ = {"CIB_file": str(Person(tmp_path).file), "CIB_shadow": "trial", "HOME": str(tmp_path)}
    assert Session(Options(), Answers(), environ=environ).label == "cib.xml"
    other = {**environ, "CIB_file": ""}
    assert Session(Options(cluster="local"), Answers(), environ=other).shadow == ""


# ---- the history of a file -----------------------------------------------------------------------


def test_commits_to_a_file_can_be_listed_compared_and_taken_back(person: Person) -> None:
    before = person.types("configure show")
    person.types("configure property no-quorum-policy=stop")
    person.types("configure delete together")

    listed = person.types("configure revisions").splitlines()

    assert [line.split()[0] for line in listed] == ["VERSION", "0.7", "0.6", "0.5"]
    assert "cibadmin" in listed[1]
    changed = person.types("configure diff 0.5 0.6")
    assert "+\tno-quorum-policy=stop" in changed
    assert "-colocation together" not in changed
    assert "-colocation together" in person.types("configure diff 0.6")

    person.types("configure rollback 0.5")

    assert person.types("configure show") == before
    assert person.saved().version.tuple[:2] == (0, 8)
    assert "just that already" in person.types("configure rollback 0.5")
    said = person.types("configure rollback 0.99")
    assert person.code == 1
    assert "revisions" in said


def test_a_rollback_takes_an_upgrade_of_the_schema_back(person: Person) -> None:
    person.types("configure schema pacemaker-3.5")
    person.types("configure upgrade force")
    newest = person.saved().schema
    assert newest != "pacemaker-3.5"
    changed = ["-schema pacemaker-3.5", f"+schema {newest}"]
    assert person.types("configure diff 0.6 0.7").splitlines() == changed

    person.types("configure rollback 0.6")
    assert person.code == 0
    assert person.saved().schema == "pacemaker-3.5"
    assert person.types("configure diff 0.6 0.8") == ""


def test_words_that_changed_are_marked_in_their_lines(person: Person) -> None:
    person.types("configure set vip.ip 10.0.0.9")
    person.types("configure primitive more Dummy")
    said = person.types("history wdiff 0.5 0.6")
    assert said == "\tparams [-ip=10.0.0.1-]{+ip=10.0.0.9+} \\\n"
    assert "{+primitive more Dummy" in person.types("history wdiff 0.6")


def test_a_large_configuration_is_compared_as_quickly_as_it_is_shown() -> None:
    def text(count: int, ip: str) -> str:
        return "".join(
            f"primitive rsc{n} IPaddr2 \\\n\tparams ip={ip}.{n} \\\n\top monitor interval=10s\n"
            for n in range(count)
        )

    begun = time.process_time()
    lines = cmd_history._word_diff(text(400, "10.0.0"), text(400, "10.0.1") + "node x\n")
    assert time.process_time() - begun < 5  # half a second; words alone would take minutes
    assert len(lines) >= 400


def test_a_rollback_waits_for_the_commit(sitting: Person) -> None:
    Person(sitting.directory).types("configure delete together")
    sitting.types("configure")
    sitting.types("rollback 0.5")
    assert not sitting.has("together")
    sitting.types("commit")
    assert sitting.has("together")


def test_a_history_that_cannot_be_kept_stops_nobody(person: Person) -> None:
    (person.directory / ".local").write_text("no directory")
    person.types("configure delete together")
    assert person.code == 0
    assert not person.has("together")
    assert person.types("configure revisions").splitlines()[1:] == []


def test_a_reset_does_not_drop_what_is_pending(sitting: Person) -> None:
    sitting.types("cib new trial")
    sitting.types("configure")
    sitting.types("primitive new Dummy")
    assert "uncommitted changes" in sitting.types("cib reset trial")
    assert sitting.session.working.pending
