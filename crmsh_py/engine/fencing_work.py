"""Seeing to one request: which device is used next, on which node, until it is done or failed.

A pure walk. ``steps`` makes the way from devices and topology; ``Work`` goes it: ``next_run`` says
what to use now, ``ran`` takes the answer in. Who asks and who answers is ``fencing``'s business.

Without a topology one device after the other is tried, and one that works is enough. With one,
all devices of a level must work, else the next level is tried. A reboot by several devices is
``off`` with all, then ``on`` with all: two power supplies must be off at the same time. Once all
were off, the node is fenced, whatever becomes of ``on``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crmsh_py.engine.fencing_devices import Fit, fit
from crmsh_py.engine.fencing_history import WATCHDOG
from crmsh_py.scheduler.result import FenceDevice
from crmsh_py.wire.fencing import FencingRecord


@dataclass(frozen=True, slots=True)
class Run:
    """Use this device on this node for this action."""

    device: str
    node: str
    action: str


@dataclass(frozen=True, slots=True)
class Step:
    """One device and the nodes that may use it, the best first."""

    device: str
    nodes: tuple[str, ...]


Level = tuple[Step, ...]


def steps(
    target: str,
    devices: Sequence[FenceDevice],
    topology: Sequence[Sequence[str]],
    online: Sequence[str],
    *,
    on_target: bool = False,
) -> tuple[Level, ...]:
    """The levels to try in their order; without a topology every device is one of its own.

    A device that surely cannot fence the target is left out, and one that nobody online may use;
    the target itself is the last to be asked (``on_target``: the only one, for unfencing). Every
    device that lets nodes in (``provides=unfencing``) must have let the target in, whatever the
    levels are: each guards something of its own.
    """
    known = {device.id: device for device in devices}
    fitting = [device for device in devices if fit(device, target) is not Fit.NO]
    gates = [device.id for device in fitting if device.unfences] if on_target else []
    if topology:
        wanted = [[*level, *(gate for gate in gates if gate not in level)] for level in topology]
    else:
        wanted = [gates] if gates else [[device.id] for device in fitting]
    found: list[Level] = []
    for level in wanted:
        made = [_step(known, name, target, online, on_target=on_target) for name in level]
        if made and all(step is not None for step in made):
            found.append(tuple(step for step in made if step is not None))
    return tuple(found)


def first_by(users: Mapping[str, str], levels: Sequence[Level]) -> tuple[Level, ...]:
    """The same steps; a device that somebody was to use for this request is used by that node.

    It may be using it just now, for whoever saw to the request then: another one would use it once
    more. (Where a device is monitored changes, and with that who comes first.)
    """
    return tuple(
        tuple(
            Step(step.device, tuple(sorted(step.nodes, key=lambda n: n != users.get(step.device))))
            for step in level
        )
        for level in levels
    )


def _step(
    known: Mapping[str, FenceDevice],
    name: str,
    target: str,
    online: Sequence[str],
    *,
    on_target: bool,
) -> Step | None:
    if name == WATCHDOG:
        return Step(WATCHDOG, ())
    device = known.get(name)
    if device is None:
        return None
    able = [node for node in device.nodes if node in online]
    others = [node for node in able if node != target]
    nodes = others if others or target not in able else [target]
    if on_target and target in able:
        nodes = [target]
    return Step(name, tuple(nodes)) if nodes else None


@dataclass(slots=True)
class Work:
    """One request on its way through its levels."""

    record: FencingRecord
    levels: tuple[Level, ...]
    current: Run | None = None
    reason: str = ""
    used: str = ""  # the devices that have worked
    delegate: str = ""
    _level: int = 0
    _place: int = 0
    _tried: list[str] = field(default_factory=list)  # nodes that failed with the present device
    _turning_on: bool = False

    @property
    def done(self) -> bool:
        """Whether the node is fenced."""
        return self._level < len(self.levels) and self._place >= len(self.levels[self._level])

    @property
    def over(self) -> bool:
        """Whether there is nothing left to try, or it is done."""
        return self.done or self._level >= len(self.levels)

    @property
    def is_first(self) -> bool:
        """Whether no device has been used: only the first waits for the delay of the request."""
        return not (self._level or self._place or self._tried or self._turning_on)

    def next_run(self) -> Run | None:
        """What to use now; None when it is over."""
        while not self.over:
            step = self.levels[self._level][self._place]
            left = [node for node in step.nodes if node not in self._tried]
            if step.device == WATCHDOG and not self._tried and not self._turning_on:
                left = [""]  # it has turned the node on already
            if left:
                self.current = Run(step.device, left[0], self._action())
                return self.current
            self._give_up_device()
        self.current = None
        return None

    def ran(self, *, ok: bool, able: bool = True, reason: str = "") -> None:
        """The current run has ended. Not ``able``: no other node can do it by this device."""
        run = self.current
        assert run is not None
        self.current = None
        if ok:
            self.used = ",".join(dict.fromkeys([*filter(None, self.used.split(",")), run.device]))
            self.delegate = run.node
            self._go_on()
            return
        self.reason = reason or self.reason
        step = self.levels[self._level][self._place]
        self._tried += [run.node] if able else [*step.nodes, run.node]

    def _action(self) -> str:
        if self.record.action == "reboot" and len(self.levels[self._level]) > 1:
            return "on" if self._turning_on else "off"
        return self.record.action

    def _go_on(self) -> None:
        self._tried = []
        self._place += 1
        level = self.levels[self._level]
        split = self.record.action == "reboot" and len(level) > 1
        if self._place >= len(level) and split and not self._turning_on:
            self._turning_on = True
            self._place = 0

    def _give_up_device(self) -> None:
        if self._turning_on:  # it is off, which is what matters
            self._go_on()
            return
        self._tried = []
        self._place = 0
        self._level += 1
