"""One node's part in fencing: it uses the devices that it is asked to use.

Input: ``FencingRun`` orders for this node, ends of operations, time. Output: ``RunOperation``
instructions and one ``FencingRan`` answer per order.

    WAITING --delay over, device free--> ASKING --it can fence that node--> ACTING --> answered
                                            └── it cannot ──────────────────────────► answered

Rules:

1. A device is used by ``pcmk_action_limit`` orders at once; others wait in their order.
2. Where the configuration does not say which nodes a device can fence, its agent is asked first,
   and its list is believed for a minute.
3. What fails is tried again, as often as ``pcmk_*_retries`` says, within the time of the order.
4. An order that came before, from whoever saw to the request then, is not carried out again: it
   gets the same answer. So a new coordinator does not switch a node off twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum
from hashlib import md5

from crmsh_py.engine import fencing_devices as facts
from crmsh_py.engine.api import OperationFinished, RunOperation
from crmsh_py.engine.fencing_devices import Fit
from crmsh_py.engine.outbox import Outbox
from crmsh_py.scheduler.result import FenceDevice
from crmsh_py.wire.stream import FencingRan, FencingRun, ViewId

LIST_VALID_S = 60.0
MAX_REMEMBERED = 200  # answers, for orders that come again
_QUERY_MS = 20_000
_STATUS_KNOWN = frozenset({0, 2})  # on, off: a fence agent's answers to status


class Stage(Enum):
    """How far an order is."""

    WAITING = "waiting"
    ASKING = "asking"
    ACTING = "acting"


Key = tuple[str, str, str]  # ident, device, action


@dataclass(slots=True, kw_only=True)
class _Order:
    order: FencingRun
    device: FenceDevice
    not_before: float
    deadline: float
    tries: int
    stage: Stage = Stage.WAITING
    call_id: int = 0
    query: str = ""

    @property
    def key(self) -> Key:
        return key_of(self.order)


def key_of(order: FencingRun) -> Key:
    """What makes two orders the same."""
    return (order.ident, order.device, order.action)


class FencingRunner:
    """The fence devices as this node uses them."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        seed: int,
        view: Callable[[], ViewId],
        device: Callable[[str], FenceDevice | None],
    ) -> None:
        self._out = outbox
        self._seed = seed
        self._view = view
        self._device = device
        self._calls = 0  # call ids below 0 are fencing's, those above are the executor's
        self._orders: dict[Key, _Order] = {}
        self._by_call: dict[int, _Order] = {}
        self._questions: dict[int, Callable[[OperationFinished], None]] = {}
        self._answers: dict[Key, tuple[bool, bool, str]] = {}
        self._held = False  # between two views nobody knows whether there is quorum
        self._lists: dict[str, tuple[float, str]] = {}  # by device: until when, what it printed

    def next_deadline(self) -> float | None:
        """When the next order's delay is over, or an order has no time left."""
        if self._held:
            return None
        times = [
            order.not_before if self._out.now < order.not_before else order.deadline
            for order in self._orders.values()
            if order.stage is Stage.WAITING  # the others end by their agents' time limits
        ]
        return min(times, default=None)

    # ---- orders --------------------------------------------------------------------------------

    def run(self, order: FencingRun) -> None:
        """Use a device, after its delay."""
        key = key_of(order)
        if key in self._answers:
            self._tell(order, *self._answers[key])
            return
        if key in self._orders:
            self._orders[key].order = order  # it will be answered in the view that asks now
            return
        device = self._device(order.device)
        if device is None:
            self._answer(order, ok=False, able=False, reason=f"there is no device {order.device}")
            return
        now = self._out.now
        delay_s = self._delay_s(order, device)
        allowed_ms = facts.timeout_ms(device, order.action, order.timeout_ms)
        if delay_s:
            self._out.log(
                "notice", "STONITH", f"{order.device} waits {delay_s:.1f} s for {order.target}"
            )
        self._orders[key] = _Order(
            order=order,
            device=device,
            not_before=now + delay_s,
            deadline=now + delay_s + (allowed_ms + _QUERY_MS) / 1000,
            tries=facts.tries(device, order.action),
        )
        self._advance()

    def hold(self) -> None:
        """A new ring: nothing is begun before it is known what is still wanted."""
        self._held = True

    def go_on(self, wanted: Collection[str]) -> None:
        """What has not begun is begun, or tried again, as long as its request is one of these."""
        self._held = False
        for key, order in list(self._orders.items()):
            if order.order.ident in wanted:
                continue
            if order.stage is Stage.ACTING:
                order.tries = 1
            else:
                del self._orders[key]
        self._advance()

    def _delay_s(self, order: FencingRun, device: FenceDevice) -> float:
        if order.delay_ms < 0:
            return 0.0
        own = facts.delay(device, order.action, order.target)
        text = f"{self._seed}:{order.ident}:{order.device}"
        chance = int.from_bytes(md5(text.encode(), usedforsecurity=False).digest()[:4]) / 2**32
        spread = (own.most_ms - own.base_ms) * chance
        return (order.delay_ms + own.base_ms + spread) / 1000

    def handle_timer(self) -> None:
        """Begin what has waited long enough; give up what has no time left."""
        for order in list(self._orders.values()):
            late = order.deadline <= self._out.now and not self._held
            if late and order.stage is Stage.WAITING:
                self._end(order, ok=False, reason=f"{order.device.id} was in use all the time")
        self._advance()

    def _advance(self) -> None:
        for order in () if self._held else list(self._orders.values()):
            if order.stage is not Stage.WAITING or order.not_before > self._out.now:
                continue
            most = facts.limit(order.device)
            used = sum(
                other.stage is not Stage.WAITING and other.device.id == order.device.id
                for other in self._orders.values()
            )
            if not most or used < most:
                self._ask_or_act(order)

    def _ask_or_act(self, order: _Order) -> None:
        device, target = order.device, order.order.target
        match facts.fit(device, target):
            case Fit.YES:
                self._act(order)
            case Fit.NO:
                self._end(order, ok=False, able=False, reason=f"{device.id} cannot fence {target}")
            case Fit.ASK_STATUS:
                self._query(order, "status")
            case Fit.ASK_LIST:
                until, output = self._lists.get(device.id, (0.0, ""))
                if until > self._out.now and facts.names_target(device, output, target):
                    self._act(order)
                else:
                    self._query(order, "list")

    def _query(self, order: _Order, action: str) -> None:
        order.stage = Stage.ASKING
        order.query = action
        target = order.order.target if action == "status" else ""
        self._start(order, action, target, facts.timeout_ms(order.device, action, _QUERY_MS))

    def _act(self, order: _Order) -> None:
        order.stage = Stage.ACTING
        action, target = order.order.action, order.order.target
        left_ms = int((order.deadline - self._out.now) * 1000)
        allowed_ms = facts.timeout_ms(order.device, action, order.order.timeout_ms)
        self._out.log("notice", "STONITH", f"{order.device.id}: {action} of {target}")
        self._start(order, action, target, max(1000, min(left_ms, allowed_ms)))

    def _start(self, order: _Order, action: str, target: str, timeout_ms: int) -> None:
        order.call_id = self._call(order.device, action, target, timeout_ms)
        self._by_call[order.call_id] = order

    def _call(self, device: FenceDevice, action: str, target: str, timeout_ms: int) -> int:
        self._calls -= 1
        self._out.do(
            RunOperation(
                call_id=self._calls,
                resource=device.id,
                standard="stonith",
                provider="",
                type=device.agent,
                action=facts.agent_action(device, action),
                timeout_ms=timeout_ms,
                parameters=facts.agent_parameters(device, action, target),
            )
        )
        return self._calls

    def ask(
        self,
        device: FenceDevice,
        action: str,
        target: str,
        answered: Callable[[OperationFinished], None],
    ) -> None:
        """Let an agent answer what a person wants to know; it changes nothing and waits for none.

        ``action``: monitor, list or status (of the target).
        """
        told = target if action == "status" else ""
        allowed_ms = facts.timeout_ms(device, action, _QUERY_MS)
        self._questions[self._call(device, action, told, allowed_ms)] = answered

    # ---- ends ----------------------------------------------------------------------------------

    def finished(self, event: OperationFinished) -> None:
        """An agent has ended."""
        question = self._questions.pop(event.call_id, None)
        if question is not None:
            question(event)
            return
        order = self._by_call.pop(event.call_id, None)
        if order is None or self._orders.get(order.key) is not order:
            return
        if order.stage is Stage.ASKING:
            self._answered(order, event)
        elif event.rc == 0 and event.status == 0:
            self._end(order, ok=True)
        else:
            self._failed(order, event)
        self._advance()

    def _answered(self, order: _Order, event: OperationFinished) -> None:
        device, target = order.device, order.order.target
        works = event.status == 0
        if order.query == "list" and works and event.rc == 0:
            self._lists[device.id] = (self._out.now + LIST_VALID_S, event.output)
            able = facts.names_target(device, event.output, target)
        elif order.query == "list" and not device.parameters.get("pcmk_host_check"):
            self._query(order, "status")  # an agent that has no list
            return
        else:
            able = works and order.query == "status" and event.rc in _STATUS_KNOWN
        if able and self._held:
            order.stage = Stage.WAITING
        elif able:
            self._act(order)
        else:
            reason = f"{device.id} cannot fence {target}"
            self._end(order, ok=False, able=False, reason=reason)

    def _failed(self, order: _Order, event: OperationFinished) -> None:
        order.tries -= 1
        reason = event.exit_reason or f"{order.device.agent} ended with {event.rc}"
        if order.tries > 0 and self._out.now < order.deadline:
            self._out.log("warning", "STONITH", f"{order.device.id}: {reason}; it is tried again")
            if self._held:
                order.stage = Stage.WAITING
            else:
                self._act(order)
            return
        self._end(order, ok=False, reason=reason)

    def _end(self, order: _Order, *, ok: bool, able: bool = True, reason: str = "") -> None:
        del self._orders[order.key]
        self._answer(order.order, ok=ok, able=able, reason=reason)

    def _answer(self, order: FencingRun, *, ok: bool, able: bool, reason: str) -> None:
        self._answers[key_of(order)] = (ok, able, reason)
        while len(self._answers) > MAX_REMEMBERED:
            del self._answers[next(iter(self._answers))]
        self._tell(order, ok, able, reason)

    def _tell(self, order: FencingRun, ok: bool, able: bool, reason: str) -> None:
        self._out.multicast(
            FencingRan(
                view=self._view(),
                ident=order.ident,
                device=order.device,
                action=order.action,
                ok=ok,
                able=able,
                reason=reason[:1000],
            )
        )
