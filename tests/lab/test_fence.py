"""stonith:lab asks a supervisor that does one thing at a time, and waits as long as that takes."""

from __future__ import annotations

import io

import pytest

from crmsh_py.cib.durations import parse_ms
from crmsh_py.cib.options import PROPERTIES
from crmsh_py.lab import fence
from crmsh_py.lab.hosting import BOOT_TIMEOUT_S
from crmsh_py.lab.place import Place
from crmsh_py.wire import lab as wire


def test_a_node_that_hangs_at_its_start_does_not_let_the_fencing_of_another_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before each answer a start may take all its time; both together end within the fencing's."""
    waits: list[float] = []

    def busy(place: Place, request: wire.LabRequest, *, timeout_s: float) -> wire.LabReply:
        waits.append(timeout_s)
        if isinstance(request, wire.SwitchPower):
            return wire.LabDone(nodes=list(request.nodes))
        node = wire.NodeState(name="beta", address="10.0.0.2", state=wire.Power.ON)
        return wire.LabState(
            pid=1, started=1, isolation="root", own_pids=True, note="", nodes=[node]
        )

    monkeypatch.setattr(fence, "ask", busy)
    monkeypatch.setattr("sys.stdin", io.StringIO("action=off\nport=beta\n"))
    assert fence.main() == 0
    assert len(waits) == 2
    assert all(wait > BOOT_TIMEOUT_S for wait in waits)
    assert sum(waits) < parse_ms(PROPERTIES["fencing-timeout"].default) / 1000
