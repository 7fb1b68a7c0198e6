"""stonith_admin and crm_mon's fencing sections, on a fake cluster."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tools.fakes import FakeCluster

from crmsh_py.cib.xml import to_xml
from crmsh_py.tools import crm_mon, stonith_admin
from crmsh_py.views import fencing
from crmsh_py.wire.control import DeviceReply, FenceDevice
from crmsh_py.wire.fencing import FencingRecord, FencingState

DONE, FAILED, PENDING = FencingState.DONE, FencingState.FAILED, FencingState.PENDING

NOW = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)
AT = 1_795_942_593_000  # Nov 29 08:56:33 2026 UTC


def record(
    number: int, state: FencingState, action: str = "reboot", **more: object
) -> FencingRecord:
    values: dict[str, object] = {
        "ident": str(number),
        "target": "pacemaker02",
        "action": action,
        "client": "pacemaker-controld",
        "origin": "pacemaker01",
        "state": state,
        "delegate": "pacemaker01" if state is DONE else "",
        "ended_ms": 0 if state is PENDING else AT + number * 1000,
    }
    return FencingRecord(**(values | more))  # type: ignore[arg-type]


def fake() -> FakeCluster:
    return FakeCluster(
        devices=[
            FenceDevice(name="f1", agent="lab", nodes=["pacemaker01"], asks=True),
            FenceDevice(name="f2", agent="fence_x", nodes=[], targets=["pacemaker01"]),
        ],
        fenced=[
            record(1, FAILED, reason="it burns"),
            record(2, DONE),
            record(3, PENDING),
        ],
    )


def run(cluster: FakeCluster, *argv: str) -> int:
    return stonith_admin.main(argv, door=cluster)


@pytest.mark.parametrize(
    ("argv", "done"),
    [
        (("--reboot", "n1"), ("fence", "n1", "reboot", 120, 0, 0)),
        (("-F", "n1", "-t", "30", "-y", "-1"), ("fence", "n1", "off", 30, -1, 0)),
        (("--off", "n1", "--tolerance", "1m"), ("fence", "n1", "off", 120, 0, 60)),
        (("--on", "n1"), ("fence", "n1", "on", 120, 0, 0)),
        (("-C", "n1"), ("confirm", "n1")),
    ],
)
def test_fencing_and_confirming(argv: tuple[str, ...], done: tuple[object, ...]) -> None:
    cluster = fake()
    assert run(cluster, *argv) == 0
    assert cluster.done == [done]


def test_which_devices_there_are_and_which_can_fence_whom(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(fake(), "-L") == 0
    assert capsys.readouterr().out == "f1\nf2\n2 fence devices found\n"
    run(fake(), "-s", "f2")
    assert capsys.readouterr().out == "pacemaker01\n1 fence target found\n"
    assert run(fake(), "-Q", "f9") == 105


def test_an_agent_is_asked_what_only_it_knows(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = fake()
    run(cluster, "-l", "pacemaker02")
    assert capsys.readouterr().out == "0 fence devices found\n"
    cluster.device_reply = DeviceReply(works=True, hosts=["pacemaker02"])
    run(cluster, "-l", "pacemaker02")
    assert capsys.readouterr().out == "f1\n1 fence device found\n"
    run(cluster, "-s", "f1")
    assert capsys.readouterr().out == "pacemaker02\n1 fence target found\n"
    assert run(cluster, "-Q", "f1") == 0
    cluster.device_reply = DeviceReply(works=False, reason="no route to 10.0.0.9")
    assert run(cluster, "-Q", "f1") != 0
    assert "f1 does not work: no route to 10.0.0.9" in capsys.readouterr().err
    assert cluster.done[-1] == ("ask", "f1", False, "")


def test_what_was_fenced(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stonith_admin, "local_now", lambda: NOW)
    done = (
        "reboot of pacemaker02 successful: delegate=pacemaker01, client=pacemaker-controld, "
        "origin=pacemaker01, "
    )
    when = fencing.time_text(AT + 2000, NOW)
    assert run(fake(), "--history", "*") == 0
    assert capsys.readouterr().out == f"{done}last-successful='{when}'\n1 event found\n"
    run(fake(), "-H", "pacemaker02", "-V")
    pending, worked, failed, count = capsys.readouterr().out.splitlines()
    assert pending == "reboot of pacemaker02 pending: client=pacemaker-controld, origin=pacemaker01"
    assert worked == f"{done}completed='{when}'"
    assert "failed (it burns): client=pacemaker-controld, " in failed, "nobody did it"
    assert failed.endswith("(a later attempt succeeded)")
    assert count == "3 events found"
    run(fake(), "--last", "pacemaker02")
    assert capsys.readouterr().out == f"Node pacemaker02 last fenced at: {when}\n"
    run(fake(), "-h", "pacemaker01")
    assert capsys.readouterr().out == "Node pacemaker01 has never been fenced\n"
    cluster = fake()
    run(cluster, "-H", "pacemaker02", "--cleanup")
    assert cluster.done == [("forget", "pacemaker02")]


def test_the_newest_is_told_first(capsys: pytest.CaptureFixture[str]) -> None:
    """As pacemaker 2.1.5 lists it; without -V it is the last that worked, here of each node."""
    cluster = fake()
    cluster.fenced = [
        record(1, DONE), record(2, DONE, target="n9"), record(4, DONE), record(3, FAILED),
    ]  # fmt: skip
    run(cluster, "-H", "*", "-q")
    assert capsys.readouterr().out.split() == [f"{AT // 1000 + 4}", f"{AT // 1000 + 2}"]
    run(cluster, "-H", "*", "-V")
    told = capsys.readouterr().out.splitlines()
    assert [line.split(" of ")[1].split(":")[0] for line in told[:4]] == [
        "pacemaker02 successful", "pacemaker02 failed", "n9 successful", "pacemaker02 successful",
    ]  # fmt: skip
    run(cluster, "-H", "nobody", "-q")
    assert capsys.readouterr().out == "0 events found\n"


def test_what_was_fenced_as_xml(capsys: pytest.CaptureFixture[str]) -> None:
    """All of it; an agent of Pacemaker's looks for what is pending."""
    assert run(fake(), "-H", "*", "--output-as", "xml") == 0
    text = capsys.readouterr().out
    assert '<list name="Fencing history" count="3">' in text
    assert 'target="pacemaker02"' in text
    assert text.count('extended-status="pending"') == 1
    assert run(fake(), "-h", "pacemaker02", "--output-as=xml") == 0
    assert '<last-fenced target="pacemaker02" when="2026-' in capsys.readouterr().out
    assert run(fake(), "-L", "--output-as=xml") == 0
    assert '<item name="device">f2</item>' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "code", "text"),
    [
        ((), 64, "no command"),
        (("-L", "-I"), 64, "exclude each other"),
        (("-R", "x", "-a", "fence_x"), 1, "part of the configuration"),
        (("-M",), 64, "needs an --agent"),
        (("-F", "n1", "-t", "99999999999"), 64, "'99999999999' is no number of seconds"),
        (("-F", "n1", "-t", "-5"), 64, "'-5' is no number of seconds"),
        (("-F", "n1", "-y", "-2"), 64, "from -1 to"),
        (("-M", "-a", "fence_nothing"), 105, "not installed"),
    ],
)
def test_mistakes_are_told(
    argv: tuple[str, ...], code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(fake(), *argv) == code
    assert text in capsys.readouterr().err


def test_our_own_agent_describes_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(fake(), "-M", "-a", "lab") == 0
    assert '<resource-agent name="lab"' in capsys.readouterr().out
    assert run(fake(), "-K", "-a", "lab", "-o", "hostlist=a") == 0
    assert run(fake(), "-K", "-a", "lab", "-o", "colour=red") == 1


def test_crm_mon_tells_what_is_pending_and_what_has_failed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cluster = fake()
    cluster.fenced = [
        record(1, FAILED, reason="it burns"),
        record(2, PENDING),
    ]
    crm_mon.main(["-1"], door=cluster)
    text = capsys.readouterr().out
    assert "\n\nFailed Fencing Actions:\n* reboot of pacemaker02 failed (it burns)" in text
    assert "\n\nPending Fencing Actions:\n* reboot of pacemaker02 pending" in text
    crm_mon.main(["-1", "--layout", "modern", "-m", "2"], door=fake())
    text = capsys.readouterr().out
    assert "* Stack: corosync (Pacemaker is running)\n" in text
    assert "2026 on pacemaker01\n" in text
    assert "\n\nFencing History:\n  * " in text
    done = (
        "  * reboot of pacemaker02 by pacemaker01 for pacemaker-controld@pacemaker01 successful at "
    )
    assert f"{done}2026-11-29 " in text
    crm_mon.main(["-1", "-m", "0"], door=cluster)
    assert "Fencing" not in capsys.readouterr().out
    crm_mon.main(["-1", "--output-as", "xml"], door=fake())
    xml = capsys.readouterr().out
    assert '<fence_event status="failed" exit-reason="it burns" action="reboot"' in xml


def test_pacemaker_3_tells_the_last_problems_and_then_all() -> None:
    """By default problems alone, each the last of its kind; with -m what is pending is history."""
    records = [
        record(1, FAILED),
        record(2, FAILED),
        record(3, PENDING),
    ]
    failed, pending = fencing.sections(records, fencing.Level.PROBLEMS, now=NOW, classic=False)
    assert failed[0] == "Failed Fencing Actions:"
    assert len(failed) == 2
    assert " for pacemaker-controld@pacemaker01 last failed at 2026-" in failed[1]
    assert pending[1].endswith("for pacemaker-controld@pacemaker01 last pending")
    failed, past = fencing.sections(records, fencing.Level.ALL, now=NOW, classic=False)
    assert len(failed) == 3
    assert past[0] == "Fencing History:"
    assert past[1].endswith("for pacemaker-controld@pacemaker01 pending")


def test_a_failure_before_a_success_is_of_no_interest_and_equal_ones_are_told_once() -> None:
    records = [
        record(1, FAILED),
        record(2, FAILED),
        record(3, DONE),
    ]
    assert fencing.sections(records, fencing.Level.PROBLEMS, now=NOW, classic=True) == []
    shown = fencing.sections(records[:2], fencing.Level.PROBLEMS, now=NOW, classic=True)
    assert len(shown[0]) == 2
    everything = fencing.sections(records, fencing.Level.ALL, now=NOW, classic=True)
    assert [len(section) for section in everything] == [3, 2]


def test_a_name_of_a_client_draws_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = FakeCluster(fenced=[record(2, DONE, client="x\nnobody was fenced\x07")])
    assert run(cluster, "--history", "*") == 0
    assert "client=x?nobody was fenced?, " in capsys.readouterr().out
    shown = fencing.history_element(cluster.fenced, now=NOW)
    assert "x&#10;nobody was fenced?" in to_xml(shown)
