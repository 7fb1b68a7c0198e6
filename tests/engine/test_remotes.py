"""Both sides of a connection to a remote node, each by itself, and back to back."""

from __future__ import annotations

from typing import Any

from engine.by_hand import ByHand

from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import parse
from crmsh_py.engine.api import (
    CloseRemote,
    Event,
    Instruction,
    OpenRemote,
    OperationFinished,
    RemoteClosed,
    RemoteOpened,
    RemoteReceived,
    ReplyTo,
    RequestReceived,
    RunOperation,
    SendRemote,
    StopNode,
    TimerFired,
)
from crmsh_py.engine.remote_core import RemoteCore
from crmsh_py.engine.remotes import Remotes
from crmsh_py.wire import control, framing
from crmsh_py.wire import remote as wire
from crmsh_py.wire.stream import AgentName, Outcome, RemoteState, RunAction

VIEW = (1, 4)
REMOTE = AgentName(standard="ocf", provider="pacemaker", type="remote")
DUMMY = AgentName(standard="ocf", provider="pacemaker", type="Dummy")
STATE = '<node_state id="far"/>'


def connection(operation: str, interval_ms: int = 0, **parameters: str) -> RunAction:
    return RunAction(
        view=VIEW,
        target=1,
        transition_key="1:2:0:u",
        key=f"far_{operation}_{interval_ms}",
        operation=operation,
        resource="far",
        agent=REMOTE,
        interval_ms=interval_ms,
        timeout_ms=20_000,
        parameters=parameters,
    )


def action(operation: str, resource: str = "R", **more: Any) -> RunAction:
    return RunAction(
        view=VIEW,
        target=1,
        transition_key="3:2:0:u",
        key=f"{resource}_{operation}_{more.get('interval_ms', 0)}",
        operation=operation,
        resource=resource,
        agent=DUMMY,
        on="far",
        **more,
    )


def ask(ticket: int, request: control.Request, acl_user: str = "") -> wire.Ask:
    frame = framing.encode_request(ticket, request)
    return wire.Ask(ticket=ticket, frame=frame, acl_user=acl_user)


class Member(ByHand):
    """A member's connections, driven by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.results: dict[int, OperationFinished] = {}
        self.looked_at: list[str] = []
        self.asked: list[RequestReceived] = []
        self.gone: list[int] = []
        self.remotes = Remotes(
            "alpha",
            self.out,
            view=lambda: VIEW,
            term=lambda: 7,
            finished=lambda event: self.results.update({event.call_id: event}),
            lost=self.looked_at.append,
            ask=self.asked.append,
            hang_up=self.gone.append,
        )

    def begin(self, call: int, one: RunAction) -> list[Instruction]:
        result = self.remotes.begin(call, one)
        if result is not None:
            self.results[call] = result
        return self.take()

    def happens(self, event: RemoteOpened | RemoteReceived | RemoteClosed) -> list[Instruction]:
        self.remotes.handle(event)
        return self.take()

    def hears(self, message: wire.FromRemote, number: int = 1) -> list[Instruction]:
        return self.happens(RemoteReceived(connection=number, message=message))

    def pass_time(self, seconds: float) -> list[Instruction]:
        self.out.now += seconds
        self.remotes.handle_timer()
        return self.take()

    def connect(self) -> None:
        self.begin(1, connection("start"))
        self.happens(RemoteOpened(connection=1))
        self.hears(wire.Accepted(state=STATE, fresh=True))


def sent(instructions: list[Instruction]) -> list[Any]:
    return [each.message for each in instructions if isinstance(each, SendRemote)]


# ---- a member ------------------------------------------------------------------------------------


def test_the_connection_is_looked_at_when_something_is_asked_of_a_node_without_one() -> None:
    """The cluster takes it for connected: it has forgotten the failure, which nobody told again.

    What was asked for failed, so the remote node was fenced, again and again.
    """
    member = Member()
    member.remotes.run(action("start"))
    assert member.looked_at == ["far"]


def test_a_start_connects_claims_and_tells_the_cluster() -> None:
    member = Member()
    assert member.begin(1, connection("start", server="10.0.0.9", port="4000")) == [
        OpenRemote(connection=1, server="10.0.0.9", port=4000)
    ]
    (claim,) = sent(member.happens(RemoteOpened(connection=1)))
    assert claim == wire.Claim(node="far", member="alpha", term=7)
    assert not member.results
    member.hears(wire.Accepted(state=STATE, pending={"R_start_0": 50}, fresh=True))
    assert member.results[1].rc == 0
    (told,) = member.told
    assert isinstance(told, RemoteState)
    assert (told.up, told.fresh, told.pending) == (True, True, {"far/R_start_0": 50})
    assert [each.name for each in member.remotes.told(Element("status"))] == ["far"]


def test_a_start_tries_again_until_its_time_is_over() -> None:
    member = Member()
    member.begin(1, connection("start"))
    member.happens(RemoteClosed(connection=1, reason="Connection refused"))
    assert member.pass_time(0.5) == []
    assert member.pass_time(0.6) == [OpenRemote(connection=2, server="far", port=3121)]
    member.pass_time(19)
    assert (member.results[1].rc, member.results[1].status) == (1, 2)
    assert member.results[1].exit_reason == "Connection refused"
    assert member.remotes.next_deadline() is None


def test_a_refused_claim_fails_at_once() -> None:
    member = Member()
    member.begin(1, connection("start"))
    member.happens(RemoteOpened(connection=1))
    member.hears(wire.Rejected(reason="another side uses it"))
    assert member.results[1].exit_reason == "another side uses it"


def test_a_monitor_asks_and_waits_for_the_answer() -> None:
    member = Member()
    member.connect()
    assert sent(member.begin(2, connection("monitor", 5000))) == [wire.Ping(number=2)]
    member.hears(wire.Pong(number=2))
    assert member.results[2].rc == 0
    member.begin(3, connection("monitor", 5000))
    member.pass_time(20)
    assert (member.results[3].rc, member.results[3].status) == (1, 2)
    assert member.results[3].exit_reason == "far does not answer"


def test_a_probe_tells_whether_this_member_is_connected() -> None:
    member = Member()
    member.begin(9, connection("monitor"))
    assert member.results[9].rc == 7
    member.connect()
    member.begin(9, connection("monitor"))
    assert member.results[9].rc == 0


def test_a_lost_connection_fails_its_monitor_at_once_and_tells_what_is_undone() -> None:
    member = Member()
    member.connect()
    member.begin(2, connection("monitor", 5000))
    assert sent(carry_out(member, action("start"))) == [wire.Run(action=action("start"))]
    assert list(member.remotes.pending()) == ["far/R_start_0"]
    member.happens(RemoteClosed(connection=1, reason="reset"))
    assert member.results[2].exit_reason == "reset"
    assert member.looked_at == ["far"]
    (undone,) = member.told
    assert isinstance(undone, Outcome)
    assert (undone.node, undone.ok, undone.resource) == ("far", False, "")
    assert not member.remotes.pending()
    member.begin(3, connection("monitor", 5000))
    assert member.results[3].rc == 1


def carry_out(member: Member, one: RunAction) -> list[Instruction]:
    member.remotes.run(one)
    return member.take()


def test_an_action_without_a_connection_is_recorded_as_not_connected() -> None:
    member = Member()
    carry_out(member, action("start"))
    (undone,) = member.told
    assert not undone.ok
    (entry, *_) = parse(undone.resource).children
    assert (entry.get("op-status"), entry.get("rc-code")) == ("8", "1")


def test_a_stop_releases_the_node_and_says_so() -> None:
    member = Member()
    member.connect()
    instructions = member.begin(2, connection("stop"))
    assert sent(instructions) == [wire.Release()]
    assert CloseRemote(connection=1) in instructions
    assert [(told.name, told.up) for told in member.told] == [("far", False)]
    assert member.results[2].rc == 0


def test_what_a_broken_remote_node_says_is_a_lost_connection() -> None:
    for message in (
        wire.Told(outcome=Outcome(view=VIEW, name="R", key="k", transition_key="t", resource="<")),
        wire.Told(
            outcome=Outcome(
                view=VIEW, name="R", key="k", transition_key="t", resource='<lrm_resource id="S"/>'
            )
        ),
        wire.Accepted(state=STATE),
        wire.Ask(ticket=1, frame=b"\0\0\0\1x"),
    ):
        member = Member()
        member.connect()
        assert CloseRemote(connection=1) in member.hears(message)
        assert not member.remotes.connected("far")
        assert member.looked_at == ["far"]


def test_clients_of_a_remote_node_are_answered_if_they_may_ask_that() -> None:
    member = Member()
    member.connect()
    member.hears(ask(5, control.ReadCib(), acl_user="bob"))
    (event,) = member.asked
    assert event.ticket < 0
    assert event.acl_user == "bob"
    member.out.reply(event.ticket, control.CibReply(cib="<cib/>"))
    assert sent(member.take()) == [wire.answer(5, control.CibReply(cib="<cib/>"))]
    (refused,) = sent(member.hears(ask(6, control.StopDaemon())))
    assert isinstance(wire.answered(refused), control.Refused)
    member.hears(ask(7, control.Watch()))
    member.happens(RemoteClosed(connection=1))
    assert member.gone == [member.asked[-1].ticket]


def test_the_copy_of_what_was_done_there_is_told_in_a_new_view() -> None:
    member = Member()
    member.connect()
    carry_out(member, action("start"))
    (told,) = member.remotes.told(Element("status"))
    (entry,) = parse(told.state).iter("lrm_rsc_op")
    assert (entry.get("operation"), entry.get("op-status")) == ("start", "-1")
    member.remotes.begin_view()
    assert sent(member.take()) == [wire.Drop()]


# ---- a remote node -------------------------------------------------------------------------------


class Remote:
    """A remote node, driven by hand."""

    def __init__(self) -> None:
        self.core = RemoteCore("far", 1000.0)
        self.now = 0.0

    def happens(self, event: Event) -> list[Instruction]:
        return self.core.handle(event, self.now)

    def hears(self, message: wire.ToRemote, number: int = 1) -> list[Instruction]:
        return self.happens(RemoteReceived(connection=number, message=message))

    def claim(self, member: str = "alpha", term: int = 7, number: int = 1) -> list[Any]:
        self.happens(RemoteOpened(connection=number))
        return sent(self.hears(wire.Claim(node="far", member=member, term=term), number))

    def start(self) -> int:
        (operation,) = self.hears(wire.Run(action=action("start")))
        assert isinstance(operation, RunOperation)
        return operation.call_id


def test_what_runs_is_told_to_whoever_claims_the_node_next() -> None:
    remote = Remote()
    (accepted,) = remote.claim()
    assert accepted.fresh
    remote.hears(wire.Known())
    call = remote.start()
    remote.happens(RemoteClosed(connection=1, reason="reset"))
    (accepted,) = remote.claim("beta", 8, 2)
    assert not accepted.fresh
    assert list(accepted.pending) == ["R_start_0"]
    (entry,) = parse(accepted.state).iter("lrm_rsc_op")
    assert entry.get("op-status") == "-1"
    told = sent(remote.happens(OperationFinished(call_id=call, rc=0, status=0)))
    assert [each.outcome.key for each in told] == ["R_start_0"]


def test_what_ends_while_nobody_is_connected_is_in_the_history() -> None:
    remote = Remote()
    remote.claim()
    call = remote.start()
    remote.happens(RemoteClosed(connection=1))
    assert remote.happens(OperationFinished(call_id=call, rc=0, status=0))  # a line for the log
    (accepted,) = remote.claim("beta", 8, 2)
    (entry,) = parse(accepted.state).iter("lrm_rsc_op")
    assert (entry.get("operation"), entry.get("rc-code")) == ("start", "0")
    assert not accepted.pending


def test_a_side_that_was_left_behind_is_refused() -> None:
    remote = Remote()
    remote.claim("beta", 8)
    (rejected,) = remote.claim("alpha", 7, 2)
    assert isinstance(rejected, wire.Rejected)
    assert remote.core.member == "beta"


def test_who_follows_in_the_same_or_a_later_term_takes_over() -> None:
    remote = Remote()
    remote.claim("alpha", 7)
    replaced, accepted = remote.claim("beta", 7, 2)
    assert replaced == wire.Replaced(member="beta")
    assert isinstance(accepted, wire.Accepted)
    assert remote.hears(wire.Run(action=action("start"))) == [CloseRemote(connection=1)]


def test_another_node_is_not_this_one() -> None:
    remote = Remote()
    instructions = remote.hears(wire.Claim(node="near", member="alpha", term=1))
    (rejected,) = sent(instructions)
    assert rejected.reason == "this host is far: its connection must be called so, too"


def test_clients_ask_the_cluster_in_the_name_of_their_node() -> None:
    remote = Remote()
    event = RequestReceived(ticket=4, request=control.SetAttribute(node="", name="x", value="1"))
    (refused,) = remote.happens(event)
    assert isinstance(refused, ReplyTo)
    assert isinstance(refused.reply, control.Refused)
    remote.claim()
    (asked,) = sent(remote.happens(event))
    request = wire.asked(asked)
    assert isinstance(request, control.SetAttribute)
    assert request.node == "far"
    answer = remote.hears(wire.answer(4, control.Done()))
    assert answer == [ReplyTo(ticket=4, reply=control.Done())]
    assert remote.hears(wire.answer(4, control.Done())) == []


def test_a_stop_waits_for_the_cluster_if_there_is_one() -> None:
    remote = Remote()
    remote.claim()
    leaving = remote.happens(RequestReceived(ticket=4, request=control.StopDaemon()))
    assert sent(leaving) == [wire.Leaving()]
    instructions = remote.hears(wire.Release())
    assert [each for each in instructions if isinstance(each, StopNode)]
    alone = Remote()
    instructions = alone.happens(RequestReceived(ticket=4, request=control.StopDaemon()))
    assert [each for each in instructions if isinstance(each, StopNode)]


def _monitored() -> Remote:
    """A remote node on which a resource runs, with a monitor that has run once."""
    remote = Remote()
    remote.claim()
    call = remote.start()
    remote.happens(OperationFinished(call_id=call, rc=0, status=0))
    (monitor,) = remote.hears(wire.Run(action=action("monitor", interval_ms=1000)))
    assert isinstance(monitor, RunOperation)
    remote.happens(OperationFinished(call_id=monitor.call_id, rc=0, status=0))
    return remote


def test_recurring_operations_go_on_without_a_connection() -> None:
    remote = _monitored()
    remote.happens(RemoteClosed(connection=1))
    deadline = remote.core.next_deadline()
    assert deadline is not None
    remote.now = deadline
    (again,) = remote.happens(TimerFired())
    assert isinstance(again, RunOperation)
    remote.happens(OperationFinished(call_id=again.call_id, rc=7, status=0))
    (accepted,) = remote.claim("beta", 8, 2)
    codes = {e.id: e.get("rc-code") for e in parse(accepted.state).iter("lrm_rsc_op")}
    assert codes["R_last_failure_0"] == "7"


def test_what_is_dropped_with_a_view_tells_which_monitors_have_ended() -> None:
    """A stop that waited has ended the monitor: the cluster must see that nobody looks any more."""
    remote = _monitored()
    deadline = remote.core.next_deadline()
    assert deadline is not None
    remote.now = deadline
    remote.happens(TimerFired())
    remote.hears(wire.Run(action=action("stop")))
    (told,) = sent(remote.hears(wire.Drop()))
    assert (told.outcome.name, told.outcome.key, told.outcome.ok) == ("R", "R_stop_0", False)
    assert "R_monitor_1000" in told.outcome.forget
