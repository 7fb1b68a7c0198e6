"""Nodes that are heard and yet lost again: how long a ring leaves them alone.

Where one link is bad, or one node hears nothing, a ring cannot take the node behind it in. Its
joins and merge detects still reach others, and whenever these gather for it, all members wait for
a consensus time, after which it is failed as it was before. By the paper the next merge detect
begins that again: a majority that could serve serves a few hundredths of the time.

So a node that was heard while a ring was formed, and is no member of it, is *estranged*:

- The first time costs it nothing. When it happens again, a working ring does not answer it for a
  consensus time, then for twice as long, and so on up to ``_LONGEST``.
- Only the larger part of those that gathered leaves somebody alone, and only while its members
  stay the same: with each change all are answered again.
- Who did not hear it leaves nobody alone, so a link that is mended is noticed at once. Who said
  no more than that it exists, and hears again, is taken in at its first join. So is a node that
  has just started.
- Nodes that gather anyway answer everybody.
"""

from __future__ import annotations

from crmsh_py.engine.totem_machine import Estranged, Machine
from crmsh_py.engine.totem_values import Reported
from crmsh_py.wire.datagram import Join

_LONGEST = 8  # consensus times


def lost(machine: Machine, changed: bool, now: float) -> None:
    """A ring begins: who was heard and is not in it? ``changed``: its members are others."""
    unit_s = machine.settings.consensus_ms / 1000
    kept = {
        node: Estranged(each.pause_s, now, each.joins) if changed else each
        for node, each in machine.estranged.items()
        if now < each.until + _LONGEST * unit_s
    }
    silent = machine.failed - machine.announced_leave
    if 2 * len(machine.ring.members) > len(machine.processors):
        for node in sorted(silent & machine.heard.keys()):
            before = kept.get(node)
            pause_s = 0.0
            if before is not None:
                pause_s = min(max(unit_s, 2 * before.pause_s), _LONGEST * unit_s)
                _report(machine, node, pause_s)
            kept[node] = Estranged(pause_s, now + pause_s, machine.heard[node])
    machine.estranged = kept


def _report(machine: Machine, node: int, pause_s: float) -> None:
    text = (
        f"Node {node} is heard, but a ring with it cannot be formed: not all hear each other. "
        f"It is left alone for {pause_s:.1f} s"
    )
    machine.emit(Reported(level="warning", text=text))


def left_alone(machine: Machine, sender: int, join: Join | None, now: float) -> bool:
    """Whether a working ring has no answer for this node now."""
    estranged = machine.estranged.get(sender)
    if estranged is None or now >= estranged.until:
        return False
    return join is None or (estranged.joins and join.processors != (sender,))
