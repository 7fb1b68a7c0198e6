"""crmadmin: questions about controllers and nodes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tools.fakes import CIB, FakeCluster

from crmsh_py.cib.document import Cib
from crmsh_py.tools import crmadmin
from crmsh_py.wire.control import Changed, Subsystem, SubsystemsReply

Capture = pytest.CaptureFixture[str]


def run(cluster: FakeCluster, *words: str) -> int:
    return crmadmin.main(words, door=cluster)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["-D"], "Designated Controller is: pacemaker01\n"),
        (["-D", "-q"], "pacemaker01\n"),
        (["-N"], "cluster node: pacemaker01 (1)\ncluster node: pacemaker02 (2)\n"),
        (["-N", "cluster,guest", "-q"], "pacemaker01\npacemaker02\n"),
        (["--nodes", "remote"], "No nodes configured\n"),
        (["-N", "all", "-B"], "export pacemaker01=1\nexport pacemaker02=2\n"),
        (["-S", "pacemaker01"], "Controller on pacemaker01 in state S_IDLE: ok\n"),
        (["-S", "pacemaker02", "-t", "2s"], "Controller on pacemaker02 in state S_NOT_DC: ok\n"),
        (["-S", "pacemaker02", "-q"], "S_NOT_DC\n"),
        (["-P", "-q"], "running\n"),
    ],
)
def test_answers(cluster: FakeCluster, words: list[str], answer: str, capsys: Capture) -> None:
    assert run(cluster, *words) == 0
    assert capsys.readouterr().out == answer


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["-D"], '<dc node_name="pacemaker01"/>'),
        (["-N"], '<node type="cluster" name="pacemaker02" id="2"/>'),
        (["-S", "pacemaker01"], '<crmd node_name="pacemaker01" state="S_IDLE" result="ok"/>'),
        (["-P"], '<pacemakerd sys_from="pacemakerd" state="running" last_updated="2'),
    ],
)
def test_answers_as_xml(cluster: FakeCluster, words: list[str], part: str, capsys: Capture) -> None:
    assert run(cluster, *words, "--output-as=xml") == 0
    told = capsys.readouterr().out
    assert part in told
    assert '<status code="0" message="OK"/>' in told


def test_a_dc_at_work_says_so(
    cluster: FakeCluster, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watch() -> Iterator[Changed]:
        yield Changed(version=(0, 7, 3), quorate=True, dc="pacemaker01", idle=False)

    monkeypatch.setattr(cluster, "watch", watch)
    assert run(cluster, "-S", "pacemaker01", "-q") == 0
    assert capsys.readouterr().out == "S_TRANSITION_ENGINE\n"


def test_before_anybody_is_elected(cluster: FakeCluster, capsys: Capture) -> None:
    cluster.cib = Cib.parse(CIB.replace(' dc-uuid="1"', ""))
    assert run(cluster, "-D") == 0
    assert capsys.readouterr().out == "Designated Controller is: not yet elected\n"


@pytest.mark.parametrize(
    ("words", "code"), [(["-S", "pacemaker09"], 124), ([], 64), (["-D", "-N"], 64), (["-P"], 102)]
)
def test_what_cannot_be_told(
    cluster: FakeCluster, words: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [Subsystem(name="cib", modern_name="pacemaker-based", alive=False)]
    reply = SubsystemsReply(pid=1, subsystems=parts)
    monkeypatch.setattr(cluster, "subsystems", lambda: reply)
    assert run(cluster, *words) == code
