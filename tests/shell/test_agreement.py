"""What a person sees and is asked before a commit, on a cluster where something runs."""

from __future__ import annotations

import pytest
from shell.on_fake import OnFake

from crmsh_py.errors import CrmError
from crmsh_py.shell.dispatch import run_batch
from crmsh_py.shell.options import Options

STOPS = "location off ClusterIP -INFINITY: pacemaker01"


def test_what_would_be_interrupted_is_shown_with_its_reason_and_asked_for() -> None:
    person = OnFake([True])
    said = person.types(STOPS, "commit")
    assert "move" in said
    assert "ClusterIP" in said
    assert "pacemaker01 -> pacemaker02" in said
    assert person.said.questions == ["ClusterIP will be interrupted. Do you still want to commit"]
    assert person.fake.done == [("commit", "cibadmin")]


def test_no_keeps_everything_pending() -> None:
    person = OnFake([False])
    said = person.types(STOPS, "commit")
    assert "still pending" in said
    assert not person.fake.done
    assert person.working.pending


def test_no_answer_commits_nothing_either() -> None:
    person = OnFake([None])
    with pytest.raises(CrmError, match="no answer"):
        person.types(STOPS, "commit")
    assert not person.fake.done


def test_a_whole_line_at_the_root_is_asked_for_once_and_stays_pending_after_a_no() -> None:
    person = OnFake([False])
    person.levels = ()
    with pytest.raises(CrmError, match="still pending"):
        person.types(f"configure {STOPS}")
    assert person.said.questions == ["ClusterIP will be interrupted. Do you still want to commit"]
    assert person.levels == ("configure",)
    assert person.edited is not None
    assert not person.fake.done


def test_a_start_is_shown_and_not_asked_for() -> None:
    person = OnFake()
    said = person.types("primitive more ocf:pacemaker:Dummy", "commit")
    assert "start" in said
    assert "more" in said
    assert not person.said.questions
    assert person.fake.done


def test_how_to_take_it_back_is_said() -> None:
    person = OnFake([True])
    assert "“rollback 0.7” undoes it" in person.types(STOPS, "commit")


@pytest.mark.parametrize(
    ("confirm", "line", "questions"),
    [
        ("always", "primitive more ocf:pacemaker:Dummy", ["Do you want to commit"]),
        ("never", STOPS, []),
    ],
)
def test_the_preference_says_when_to_ask(confirm: str, line: str, questions: list[str]) -> None:
    person = OnFake([True])
    person.preferences.set("repl.confirm", confirm)
    person.types(line, "commit")
    assert person.said.questions == questions
    assert person.fake.done


def test_force_and_scripts_are_never_asked() -> None:
    forced = OnFake(options=Options(force=True))
    forced.types(STOPS, "commit")
    assert not forced.said.questions
    assert forced.fake.done
    script = OnFake(interactive=False)
    assert run_batch(script, f"{STOPS}\ncommit\n", "x.crm") == 0
    assert not script.said.questions
    assert script.fake.done


def loses_node_one(person: OnFake) -> None:
    status = person.fake.cib.status
    lost = status.map_children(
        lambda n: n.with_attributes({"in_ccm": "false", "crmd": "offline", "join": "down"})
        if n.id == "1" else n
    )  # fmt: skip
    person.fake.cib = person.fake.cib.with_status(lost)


def test_what_the_cluster_does_anyway_is_not_asked_for() -> None:
    """The node is lost already: what moves for that is shown, but it is nobody's wish."""
    person = OnFake()
    loses_node_one(person)
    said = person.types("rsc_defaults priority=1", "commit")
    assert "ClusterIP" in said
    assert not person.said.questions
    assert person.fake.done


def test_a_plan_begins_with_what_is_true_when_it_is_made_not_when_the_typing_began() -> None:
    """A node dies between the typing and the commit: nothing is planned to start there."""
    person = OnFake()
    person.types("primitive more ocf:pacemaker:Dummy", "location there more inf: pacemaker01")
    assert "start more pacemaker01" in " ".join(person.types("plan").split())
    loses_node_one(person)
    for line in ("plan", "commit"):
        said = " ".join(person.types(line).split())
        assert "start more pacemaker02" in said
        assert "start more pacemaker01" not in said
    assert not person.said.questions


def test_why_knows_of_what_has_happened_since_the_typing_began() -> None:
    person = OnFake()
    person.types("primitive more ocf:pacemaker:Dummy")
    loses_node_one(person)
    assert "runs on pacemaker01" not in person.types("why ClusterIP")
