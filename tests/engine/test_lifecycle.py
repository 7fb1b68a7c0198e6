"""When a node may say that its cluster manager is off, and what it says again in a new ring."""

from __future__ import annotations

from crmsh_py.cib.element import Element
from crmsh_py.engine.api import ReplyTo, StopNode
from crmsh_py.engine.lifecycle import Lifecycle
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.status import new_node_state, with_attribute
from crmsh_py.wire.control import Refused
from crmsh_py.wire.stream import AttributeChange, ManagerChanged, Message, ViewId

NOTHING = new_node_state("1", "a", {})


class Bench:
    """The lifecycle of one node that runs, driven by hand."""

    def __init__(self) -> None:
        self.view: ViewId | None = (1, 4)
        self.clean = True
        self.out = Outbox(1000.0)
        self.lifecycle = Lifecycle(
            "a",
            self.out,
            settled_view=lambda: self.view,
            is_clean=lambda: self.clean,
            leave_ring=lambda: None,
        )
        self.lifecycle.start()
        self.said()

    def said(self) -> list[Message]:
        return [each.message for each in self.out.take_messages()]

    def stop(self) -> list[Message]:
        self.lifecycle.ask_stop(7, daemon=False, escalation="60s")
        return self.said()

    def pass_time(self, seconds: float) -> list[Message]:
        self.out.now += seconds
        self.lifecycle.handle_timer()
        return self.said()

    def new_view(self, own: Element = NOTHING) -> list[Message]:
        """The ring breaks, and the next one settles."""
        self.lifecycle.begin_view()
        self.view = (1, 8)
        self.lifecycle.settled(own, known=True)
        return self.said()


def test_a_wish_to_stop_is_told_in_every_view_that_does_not_know_of_it() -> None:
    bench = Bench()
    bench.view = None
    assert bench.stop() == []
    (asked,) = bench.new_view()
    assert asked == AttributeChange(view=(1, 8), node="a", name="shutdown", value="1000")
    bench.out.now += 30
    assert bench.new_view() == [asked], "it was lost with its ring, and is as old as it was"
    assert bench.new_view(with_attribute(NOTHING, "shutdown", "1000")) == []


def test_a_clean_node_that_has_waited_long_enough_goes_as_soon_as_it_is_heard() -> None:
    bench = Bench()
    bench.stop()
    bench.view = None
    assert bench.pass_time(61) == []
    assert bench.lifecycle.takes_actions
    off = ManagerChanged(view=(1, 8), running=False)
    assert off in bench.new_view()
    assert not bench.lifecycle.takes_actions, "what begins now would run on a node that is off"
    assert off in bench.new_view(), "it was lost with its ring"


def test_a_node_that_still_runs_something_ends_as_a_lost_one() -> None:
    bench = Bench()
    bench.clean = False
    bench.stop()
    assert bench.pass_time(61) == []
    done = bench.out.finish([])
    assert [each.exit_code for each in done if isinstance(each, StopNode)] == [1]
    (reply,) = [each.reply for each in done if isinstance(each, ReplyTo)]
    assert isinstance(reply, Refused)
    assert reply.kind == "TimedOut"
    assert "fence it" in reply.hint
