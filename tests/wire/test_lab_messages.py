"""The lines of the supervisor's socket."""

from __future__ import annotations

import pytest

from crmsh_py.errors import RemoteProtocolError
from crmsh_py.wire import lab

MESSAGES = [
    lab.StartNodes(nodes=["a", "b"], manager=False),
    lab.TerminateNodes(nodes=["a"]),
    lab.KillNodes(nodes=[]),
    lab.CutOff(nodes=["a"]),
    lab.Heal(),
    lab.ReadLab(),
    lab.EndLab(),
]
ANSWERS = [
    lab.LabDone(nodes=["a"]),
    lab.LabRefused(text="no", hint="yes"),
    lab.LabState(
        pid=1,
        started=2,
        isolation="root",
        own_pids=True,
        note="",
        nodes=[lab.NodeState(name="a", address="10.0.0.1", state=lab.Power.ON, pid=3)],
    ),
]


@pytest.mark.parametrize("message", MESSAGES)
def test_every_request_is_read_as_it_was_written(message: lab.LabRequest) -> None:
    line = lab.encode(message)
    assert line.count(b"\n") == 1
    assert lab.decode_request(line) == message


@pytest.mark.parametrize("message", ANSWERS)
def test_every_answer_is_read_as_it_was_written(message: lab.LabReply) -> None:
    assert lab.decode_reply(lab.encode(message)) == message


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"null",
        b"{}",
        b'{"type":"Nothing"}',
        b'{"type":"KillNodes"}',
        b'{"type":"KillNodes","nodes":[1]}',
        b'{"type":"Heal","more":1}',
        b'{"type":"KillNodes","nodes":["' + b"x" * 100 + b'"]}',
        b'{"type":"KillNodes","nodes":[' + b'"x",' * 100 + b'"x"]}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_nonsense_is_refused(line: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        lab.decode_request(line)


def test_a_node_is_on_or_off_in_plain_words_and_in_no_others() -> None:
    line = lab.encode(ANSWERS[-1])
    assert b'"state":"on"' in line
    with pytest.raises(RemoteProtocolError):
        lab.decode_reply(line.replace(b'"state":"on"', b'"state":"half"'))
