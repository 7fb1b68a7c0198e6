"""Walking a transition graph: which actions may begin now, and what their results mean.

A transition is one plan being carried out. It knows vertices and edges only; who is told to act,
and how results come back, is the controller's business.

Rules:

1. An action may begin when all its inputs are done and, for actions of agents, fewer than
   ``batch_limit`` are under way, and fewer than ``node_limit`` on its node (0: no limit). Those
   with a higher priority go first, then those with a lower id.
2. Whatever nobody expected (``abort``) ends the transition early: nothing more begins but what has
   the highest priority there is, which are the notifications that tell instances what was done: no
   later plan would repeat them. What is under way is waited for. A failed action, or one that
   timed out, ends it for all that is not more important than itself (Pacemaker's order, by the
   priority of its graph's synapses).
3. What is ``last`` begins only when nothing else is ready or under way.
4. A transition is over when everything is done, or when it is aborted and nothing is under way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from enum import Enum

from crmsh_py.cib.scores import INFINITY
from crmsh_py.scheduler.result import Action, ActionKind
from crmsh_py.value import replace
from crmsh_py.whole_numbers import is_number


def probes_before_the_end(actions: Sequence[Action]) -> list[Action]:
    """The graph, with every node's end after all probes of that node.

    A plan orders it after what it stops there. After a cleanup it knows of nothing to stop: first
    the probes must say what runs, and one that finds something ends this transition. So must those
    of all members before a guest counts as off: where its container is not known to run there is
    nothing that would be stopped before that. (Only those that wait for nothing: others may wait
    for just that.)
    """
    probes = [a for a in actions if a.operation == "monitor" and not a.interval_ms]
    known = {action.id for action in actions}
    first = [p.id for p in probes if not p.router and known.isdisjoint(p.inputs)]

    def awaited(end: Action) -> list[int]:
        if end.operation == "do_shutdown":
            return [probe.id for probe in probes if probe.node == end.node]
        if end.operation == "stonith" and end.kind is ActionKind.PSEUDO:
            return first
        return []

    return [
        replace(action, inputs=tuple(dict.fromkeys((*action.inputs, *more))))
        if (more := awaited(action))
        else action
        for action in actions
    ]


class State(Enum):
    """How far an action of the graph is."""

    WAITING = "waiting"
    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"


class Transition:
    """One plan on its way."""

    def __init__(
        self,
        number: int,
        uuid: str,
        actions: Sequence[Action],
        *,
        batch_limit: int = 0,
        node_limit: int = 0,
        last: Callable[[Action], bool] = lambda _: False,
    ) -> None:
        self.number = number
        self.uuid = uuid
        self.actions = {action.id: action for action in actions}
        self.abort_reason = ""
        self._least_priority: int | None = None  # of what may still begin, once it is aborted
        self._batch_limit = batch_limit
        self._node_limit = node_limit
        self._last = last
        self._states = dict.fromkeys(self.actions, State.WAITING)
        self._deadlines: dict[int, float] = {}
        self._missing: dict[int, int] = {}
        self._followers: dict[int, list[int]] = {}
        for action in actions:
            # An input that is not in the graph was optional, and counts as done.
            inputs = {i for i in action.inputs if i in self.actions}
            self._missing[action.id] = len(inputs)
            for input_ in inputs:
                self._followers.setdefault(input_, []).append(action.id)
        self._ready = [i for i, missing in self._missing.items() if not missing]

    # ---- reading -------------------------------------------------------------------------------

    @property
    def aborted(self) -> bool:
        """Whether it ends early."""
        return bool(self.abort_reason)

    def may_begin(self, action: Action) -> bool:
        """Whether an action is important enough to begin after an abort, if there was one."""
        return self._least_priority is None or action.priority >= self._least_priority

    @property
    def over(self) -> bool:
        """Whether there is nothing left to wait for."""
        return not self._deadlines and not any(map(self.may_begin, self._waiting_now()))

    def count(self, state: State) -> int:
        """How many actions are in this state."""
        return sum(1 for each in self._states.values() if each is state)

    def key_of(self, action: Action) -> str:
        """The transition key by which the result of an action is recognised."""
        return f"{action.id}:{self.number}:{action.target_rc}:{self.uuid}"

    def find(self, transition_key: str) -> Action | None:
        """The action of this transition that has this key and is under way, or None."""
        parts = transition_key.split(":")
        if len(parts) != 4 or not is_number(parts[0]) or parts[1] != str(self.number):
            return None
        action = self.actions.get(int(parts[0]))
        if action is None or parts[3] != self.uuid or action.id not in self._deadlines:
            return None
        return action

    def next_deadline(self) -> float | None:
        """When the first action under way has taken too long."""
        return min(self._deadlines.values(), default=None)

    def under_way(self) -> list[Action]:
        """The actions that have begun and whose result has not come."""
        return [self.actions[i] for i in self._deadlines]

    # ---- going on ------------------------------------------------------------------------------

    def take_ready(self) -> list[Action]:
        """The actions to begin now; the caller begins each with ``begun`` or ``done``."""
        if self.aborted:
            self._ready = [action.id for action in self._waiting_now() if self.may_begin(action)]
        if not self._ready:
            return []
        self._ready.sort(key=lambda i: (-self.actions[i].priority, i))
        busy = Counter(each.node for each in self.under_way() if _is_agents(each))
        total = busy.total()
        taken: list[Action] = []
        kept: list[int] = []
        alone = not self._deadlines and all(self._last(self.actions[i]) for i in self._ready)
        for index in self._ready:
            action = self.actions[index]
            waits = self._last(action) and not (alone and not taken)
            if _is_agents(action):
                waits = waits or 0 < self._batch_limit <= total
                waits = waits or 0 < self._node_limit <= busy[action.node]
            if waits:
                kept.append(index)
                continue
            if _is_agents(action):
                total += 1
                busy[action.node] += 1
            taken.append(action)
        self._ready = kept
        return taken

    def begun(self, action: Action, deadline: float) -> None:
        """The action is under way; ``deadline`` is when it has taken too long."""
        assert self._states[action.id] is State.WAITING
        self._states[action.id] = State.BEGUN
        self._deadlines[action.id] = deadline

    def done(self, action: Action) -> None:
        """The action ended as it should: what waited for it may begin."""
        self._end(action, State.DONE)
        for follower in self._followers.get(action.id, ()):
            self._missing[follower] -= 1
            if not self._missing[follower]:
                self._ready.append(follower)

    def failed(self, action: Action, reason: str) -> None:
        """The action did not end as it should."""
        self._end(action, State.FAILED)
        self.abort(reason, priority=action.priority + 1)

    def abort(self, reason: str, *, priority: int = INFINITY) -> None:
        """Begin nothing more of less priority; the first reason is kept."""
        self.abort_reason = self.abort_reason or reason
        self._least_priority = max(priority, self._least_priority or 0)

    def expire(self, now: float) -> list[Action]:
        """The actions that have taken too long; they count as failed."""
        late = [self.actions[i] for i, deadline in self._deadlines.items() if deadline <= now]
        for action in late:
            self.failed(action, f"{action.key} on {action.node} timed out")
        return late

    def _waiting_now(self) -> Iterator[Action]:
        """The actions whose inputs are done and that have not begun."""
        return (self.actions[index] for index in self._ready)

    def _end(self, action: Action, state: State) -> None:
        assert self._states[action.id] in (State.WAITING, State.BEGUN)
        self._states[action.id] = state
        self._deadlines.pop(action.id, None)

    def summary(self) -> str:
        """How much of it has been done, for the log: ``5 of 9 actions done, 1 failed``."""
        failed = self.count(State.FAILED)
        text = f"{self.count(State.DONE)} of {len(self.actions)} actions done"
        return f"{text}, {failed} failed" if failed else text


def _is_agents(action: Action) -> bool:
    return action.kind is ActionKind.RESOURCE
