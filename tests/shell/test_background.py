"""The picture that completion works with is renewed in the background, whatever happens there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from shell.on_fake import OnFake

from crmsh_py.cib.document import Cib
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import ClusterUnreachable
from crmsh_py.shell import background
from crmsh_py.shell.background import Snapshots
from crmsh_py.shell.snapshot import Fact

LIMIT_S = 20.0


@pytest.fixture
def person() -> OnFake:
    return OnFake()


@pytest.fixture
def snapshots(person: OnFake) -> Iterator[Snapshots]:
    made = Snapshots(person)
    yield made
    made.close()


def look(snapshots: Snapshots) -> None:
    snapshots.refresh()
    assert snapshots.wait(LIMIT_S)


def test_a_look_finds_names_states_and_how_the_cluster_stands(snapshots: Snapshots) -> None:
    assert not snapshots.current.resources
    told = []
    snapshots.on_change = lambda: told.append("look")
    look(snapshots)
    address = snapshots.current.resources["ClusterIP"]
    assert Fact.ACTIVE in address.facts
    assert address.line == "ocf:heartbeat:IPaddr2, on pacemaker01"
    assert snapshots.current.nodes["pacemaker02"].state.startswith("online")
    standing = snapshots.current.standing
    assert (standing.kind, standing.online, standing.nodes, standing.quorate) == (
        "local", 2, 2, True,
    )  # fmt: skip
    assert told


def test_what_happens_while_nobody_types_is_seen_and_told(
    person: OnFake, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(snapshots)
    told = threading.Event()
    snapshots.on_change = told.set

    def fails() -> Cib:
        raise ClusterUnreachable("nobody answers")

    with monkeypatch.context() as patch:
        patch.setattr(person.fake, "read_cib", fails)
        assert told.wait(LIMIT_S)
        assert snapshots.current.standing.problem == "nobody answers"
        told.clear()
    assert told.wait(LIMIT_S)  # and back again
    assert snapshots.current.standing.problem == ""


def test_a_node_that_was_waited_for_in_vain_costs_no_rest(
    person: OnFake, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next node, which answers at once, is looked at half a minute later."""
    rests: list[float] = []
    monkeypatch.setattr(background.time, "sleep", rests.append)

    def hangs() -> Cib:
        threading.Event().wait(0.2)
        raise ClusterUnreachable("it does not answer in time")

    with monkeypatch.context() as patch:
        patch.setattr(person.fake, "read_cib", hangs)
        look(snapshots)
    look(snapshots)
    assert not rests


@pytest.mark.parametrize("kind", [ClusterKind.PACEMAKER, ClusterKind.FILE])
def test_a_real_cluster_is_not_looked_at_without_being_asked(
    person: OnFake, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch, kind: ClusterKind
) -> None:
    monkeypatch.setattr(background, "_IDLE_S", 0.01)
    monkeypatch.setattr(person.fake, "kind", kind)
    look(snapshots)
    looks: list[str] = []
    monkeypatch.setattr(person.fake, "read_cib", lambda: looks.append("read"))
    time.sleep(0.1)
    assert not looks


def test_what_is_typed_is_known_at_once(person: OnFake, snapshots: Snapshots) -> None:
    look(snapshots)
    person.types("primitive more ocf:pacemaker:Dummy", "delete WebSite")
    snapshots.refresh()
    current = snapshots.current
    assert "more" in current.resources
    assert "WebSite" not in current.resources
    assert current.resources["ClusterIP"].state == "on pacemaker01"
    person.working.refresh()
    snapshots.refresh()
    assert "WebSite" in snapshots.current.resources


@pytest.mark.parametrize("error", [ClusterUnreachable("nobody answers"), RuntimeError("a bug")])
def test_a_look_that_fails_is_told_below_the_prompt_and_the_next_one_may_do(
    person: OnFake, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails() -> Cib:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(person.fake, "read_cib", fails)
        look(snapshots)
        assert str(error) in snapshots.current.standing.problem
        assert not snapshots.current.resources
    look(snapshots)
    assert snapshots.current.standing.problem == ""
    assert "ClusterIP" in snapshots.current.resources
