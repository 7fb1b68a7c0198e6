"""The short way of what agents call: which command lines it takes, and what it asks a node."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters.fake_node import FakeNode

from crmsh_py.tools import briefly
from crmsh_py.value import replace
from crmsh_py.wire import control

Capture = pytest.CaptureFixture[str]
MEMBERSHIP = control.MembershipReply(
    node="node1", node_id=1, ring_representative=1, ring_sequence=4, state="operational",
    members=[], quorate=True, expected_votes=1, highest_expected=1, total_votes=1, quorum=1,
)  # fmt: skip


def answer(request: control.Request) -> control.Reply | None:
    match request:
        case control.SetPair(name="refused"):
            return control.Refused(kind="NoQuorum", text="no quorum", hint="start more")
        case control.SetPair(name="twice") | control.ReadPair(name="twice"):
            return control.Refused(kind="Ambiguous", text="several", hint="choose")
        case control.SetPair(name="gone"):
            raise OSError
        case control.SetPair():
            return control.Committed(version=(0, 2, 0))
        case control.ReadPair(name="absent"):
            return control.PairReply(value=None)
        case control.ReadPair():
            return control.PairReply(value="7")
        case control.ReadAttribute(name="absent"):
            return control.AttributeReply(values={})
        case control.ReadAttribute():
            return control.AttributeReply(values={"node1": "1", "node2": "2"})
        case control.ReadMembership():
            return MEMBERSHIP
    return control.Done()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[FakeNode]:
    (tmp_path / "lab").mkdir()
    made = FakeNode(tmp_path / "lab" / "node1.sock", answer)
    yield made
    made.close()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"CRM_LAB": "lab", "CRM_NODE": "node1", "CRM_RUNTIME_DIR": str(tmp_path)}


def pair(
    section: str,
    value: str | None,
    node: str = "",
    client: str = "crm_attribute",
    name: str = "a",
) -> control.SetPair:
    return control.SetPair(section=section, node=node, name=name, value=value, client=client)


def transient(value: str | None, node: str = "node1", name: str = "a") -> control.SetAttribute:
    return control.SetAttribute(node=node, name=name, value=value)


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("crm_attribute -n a -v 1", pair("crm_config", "1")),
        ("crm_attribute --name=a --update=-INFINITY", pair("crm_config", "-INFINITY")),
        ("crm_attribute -t rsc_defaults -n a -v -1", pair("rsc_defaults", "-1")),
        ("crm_attribute -N node2 -n a -v 1", pair("nodes", "1", "node2")),
        ("crm_attribute -N node2 -z -n a -v 1", pair("utilization", "1", "node2")),
        ("crm_attribute -t nodes -N node2 -n a -v 1", pair("nodes", "1", "node2")),
        ("crm_attribute -l forever -n a -v 1", pair("nodes", "1", "node1")),
        ("crm_attribute -l reboot -n a -v 1", transient("1")),
        ("crm_attribute -N node2 -l reboot -n a -D", transient(None, "node2")),
        ("crm_attribute -t status -n a -v 1", transient("1")),
        ("crm_master -r R -l reboot -v 100", transient("100", name="master-R")),
        ("crm_master -D -l reboot", transient(None, name="master-Own")),
        ("crm_master -r R -v 100", pair("nodes", "100", "node1", "crm_master", "master-R")),
        ("attrd_updater -n a -U 5", transient("5")),
        ("attrd_updater -n a -D -N node2", transient(None, "node2")),
        (
            "attrd_updater -n a -U 5 -p",
            control.SetAttribute(node="node1", name="a", value="5", private=True),
        ),
    ],
)
def test_a_plain_line_is_one_question(
    node: FakeNode, environ: dict[str, str], line: str, asked: control.Request, capsys: Capture
) -> None:
    tool, *words = line.split()
    environ["OCF_RESOURCE_INSTANCE"] = "Own"
    assert briefly.run(tool, words, environ) == 0
    assert node.requests == [asked]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("crm_attribute -G -n a", "scope=crm_config  name=a value=7\n"),
        ("crm_attribute -n a -q", "7\n"),
        ("crm_attribute -N node2 -z -G -n a", "scope=nodes  name=a value=7\n"),
        ("crm_attribute -n absent -G -d 3 -q", "3\n"),
        ("crm_master -G -q", "7\n"),
        ("attrd_updater -Q -n a", 'name="a" host="node1" value="1"\n'),
        ("attrd_updater -Q -n a -q -A", "1\n2\n"),
        ("crm_node -n", "node1\n"),
        ("crm_node -q", "1\n"),
    ],
)
def test_a_question_is_answered_as_the_long_way_does(
    node: FakeNode, environ: dict[str, str], line: str, told: str, capsys: Capture
) -> None:
    tool, *words = line.split()
    environ["OCF_RESOURCE_INSTANCE"] = "Own"
    assert briefly.run(tool, words, environ) == 0
    assert capsys.readouterr() == (told, "")


@pytest.mark.parametrize(
    "line",
    [
        *("crm_attribute", "crm_attribute --help", "crm_attribute -n a -v", "crm_attribute -v 1"),
        *("crm_attribute -t op_defaults -n a -D", "crm_attribute -G", "crm_attribute -P a -G"),
        *("crm_attribute -n a -v 1 -D", "crm_attribute -n a -v 1 -n b", "crm_attribute -na -v1"),
        *("crm_attribute -n a -t resources", "crm_attribute -n a -l never -v 1"),
        *("crm_attribute -n a -v 1 --quiet=1", "crm_attribute --promotion -v 1"),
        *(
            "crm_master -v 1",
            "crm_master -r R -D",
            "attrd_updater -n a -U value++",
            "crm_attribute -n a -v value++",
            "attrd_updater -n a -U 1 -d 5",
        ),
        *("attrd_updater -n a", "attrd_updater -Q -U 1 -n a", "crm_node -l", "crm_node -n -q"),
    ],
)
def test_what_is_not_plain_goes_the_usual_way_and_nothing_is_sent(
    node: FakeNode, environ: dict[str, str], line: str
) -> None:
    tool, *words = line.split()
    assert briefly.run(tool, words, environ) is None
    assert node.requests == []


@pytest.mark.parametrize(
    "more",
    [
        {"CIB_file": "/nowhere"},
        {"CIB_shadow": "s"},
        {"CRM_HOST": "root@h"},
        {"CRM_LAB": "", "CRM_NODE": ""},
        {"CRM_NODE": "node7"},
        {"CRM_NODE": "../node1"},
        {"CRM_LAB": "other", "CRM_NODE": ""},
    ],
)
def test_other_clusters_and_nodes_that_are_not_there_go_the_usual_way(
    node: FakeNode, environ: dict[str, str], more: dict[str, str]
) -> None:
    assert briefly.run("crm_attribute", ["-n", "a", "-v", "1"], {**environ, **more}) is None
    assert node.requests == []


def test_without_a_named_node_the_first_is_taken_if_it_has_quorum(
    node: FakeNode, environ: dict[str, str]
) -> None:
    environ["CRM_NODE"] = ""
    line = ["-n", "a", "-v", "1"]
    assert briefly.run("crm_attribute", line, environ) == 0
    assert node.requests == [pair("crm_config", "1")]  # refused without quorum: no need to ask
    assert briefly.run("crm_attribute", [*line, "-l", "reboot"], environ) == 0
    assert node.requests[1:] == [control.ReadMembership(), transient("1")]

    def hollow(request: control.Request) -> control.Reply | None:
        if isinstance(request, control.SetPair):
            return control.Refused(kind="NoQuorum", text="no quorum")
        if isinstance(request, control.ReadMembership):
            return replace(MEMBERSHIP, quorate=False)
        return answer(request)

    node.answer = hollow
    for more in ([], ["-l", "reboot"], ["-l", "forever"]):
        assert briefly.run("crm_attribute", [*line, *more], environ) is None
    assert transient("1") not in node.requests[3:]
    environ["CRM_NODE"] = "node1"
    assert briefly.run("crm_attribute", line, environ) == 1


def test_an_agent_that_acts_for_a_guest_means_the_guest(
    node: FakeNode, environ: dict[str, str]
) -> None:
    environ["OCF_RESKEY_CRM_meta_on_node"] = "guest"
    assert briefly.run("attrd_updater", ["-n", "a", "-U", "1"], environ) == 0
    assert node.requests == [transient("1", "guest")]


def test_of_several_pairs_none_is_changed_and_the_usual_way_tells_all(
    node: FakeNode, environ: dict[str, str], capsys: Capture
) -> None:
    assert briefly.run("crm_attribute", ["-n", "twice", "-v", "1"], environ) == 109
    assert capsys.readouterr().err == "crm_attribute: several\n  choose\n"
    assert briefly.run("crm_attribute", ["-n", "twice", "-G"], environ) is None
    assert len(node.requests) == 2


def test_what_the_node_refuses_is_told_as_it_is(
    node: FakeNode, environ: dict[str, str], capsys: Capture
) -> None:
    assert briefly.run("crm_attribute", ["-n", "refused", "-v", "1"], environ) == 1
    assert capsys.readouterr().err == "crm_attribute: no quorum\n  start more\n"
    assert briefly.run("crm_attribute", ["-n", "absent", "-G"], environ) == 105
    assert "No such device or address" in capsys.readouterr().err
    assert briefly.run("attrd_updater", ["-n", "absent", "-Q"], environ) == 78
    assert "attribute does not exist" in capsys.readouterr().err


def test_a_node_that_goes_away_may_have_done_it(
    node: FakeNode, environ: dict[str, str], capsys: Capture
) -> None:
    assert briefly.run("crm_attribute", ["-n", "gone", "-v", "1"], environ) == 102
    assert "the change may have been made all the same" in capsys.readouterr().err


def test_the_user_is_named_as_the_author(node: FakeNode, environ: dict[str, str]) -> None:
    import pwd

    hellos: list[control.Request] = []
    before = node._reply_to

    def keep(request: control.Request) -> control.Reply | None:
        hellos.append(request)
        return before(request)

    node._reply_to = keep  # type: ignore[method-assign]
    environ["CIB_user"] = "bob"
    assert briefly.run("crm_attribute", ["-n", "a", "-v", "1"], environ) == 0
    user = pwd.getpwuid(os.getuid()).pw_name
    assert hellos[0] == control.Hello(client="crm_attribute", user=user, acts_for="bob")


def test_bytes_that_are_no_text_are_told(
    environ: dict[str, str], node: FakeNode, capsys: Capture
) -> None:
    assert briefly.run("crm_attribute", ["-n", "x\udcff", "-v", "3"], environ) == 1
    assert "is no text" in capsys.readouterr().err
    assert node.requests == []
