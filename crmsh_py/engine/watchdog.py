"""The node's watchdog: it resets a node that is no part of the cluster and still runs something.

A lease. While the node is in a quorate ring, every round of the token renews it: what was there
when the token went out is proved when it has come back. Until the lease is over the node must be
in a quorate ring again, or have stopped everything; else the watchdog, which stands outside of
the node, resets it. Nobody has to reach the node for that, and a node that hangs is reset too.

    others     lose the node, and wait  ├───── stonith-watchdog-timeout ─────┤ it counts as off
    the node   last full round  ├────────── LEASE of it ──────────┤ reset, at the latest
                                          (3/4)                     (1/4: for the watchdog to act)

The wait of the others begins after the last round that reached them, so the reset comes first,
whatever was lost or slow between them; the clocks of both need only run at about the same rate.

``stonith-watchdog-timeout`` counts as what it is set to, but not as less than it takes to notice
that a ring is broken, and to stop something then: a shorter one would reset healthy nodes at
every change of the membership (``least_ms``). It is the longest of all members', as each takes its
own from its corosync.conf, and these may differ, if only while they are read again. A negative
timeout stands for a usual one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping

from crmsh_py.cib import options
from crmsh_py.corosync_conf import CorosyncConf
from crmsh_py.engine.api import FeedWatchdog
from crmsh_py.engine.fencing_devices import duration_ms
from crmsh_py.engine.quorum import QuorumRules

USUAL_MS = 10_000
LEASE = 0.75
_TO_STOP_MS = 3_000
_RENEWALS = 20  # of a lease: how finely it is told


def least_ms(token_ms: int, consensus_ms: int) -> int:
    """The shortest time that lets a healthy node live through a change of the membership."""
    return int((token_ms + consensus_ms + _TO_STOP_MS) / LEASE)


def timeout_ms(properties: Mapping[str, str], least: int) -> int:
    """How long others wait until a lost node counts as reset; 0 where no watchdog is used.

    It is also of no use where a side without quorum goes on (``no-quorum-policy=ignore``).
    """
    text = options.value_of(properties, "fencing-watchdog-timeout")
    wanted = USUAL_MS if text.lstrip().startswith("-") else duration_ms(text, 0)
    if not wanted or properties.get("no-quorum-policy", "").lower() == "ignore":
        return 0
    return max(wanted, least)


class Watchdog:
    """Decides until when the node may live. ``present``: there is a watchdog outside."""

    def __init__(self, *, present: bool) -> None:
        self._present = present
        self._conf: CorosyncConf | None = None
        self._proved: float | None = None  # when the last full round began
        self._rounds = 0
        self._round_began = 0.0
        self._told: float | None = None
        self._properties: Mapping[str, str] = {}
        self._timeout_ms = 0
        self._agreed_ms: int | None = None  # the longest least time of all members of the view

    def least_ms(self, conf: CorosyncConf) -> int:
        """What this node tells the others: its least time; 0 where no watchdog resets it.

        A ring with quorum feeds it, so it is of no use by rules that two sides may have quorum by.
        """
        if not self._present or QuorumRules.of(conf).may_diverge:
            return 0
        return least_ms(conf.totem.token_ms, conf.totem.consensus_ms)

    def agree(self, told: Collection[int]) -> None:
        """What all members of a new view have told: whoever waits must wait as long as they live.

        Their corosync.conf need not be equal. Where one has no watchdog, none is relied upon.
        """
        self._agreed_ms = max(told) if all(told) else 0
        self._conf = None  # look again

    def configure(self, properties: Mapping[str, str], conf: CorosyncConf) -> None:
        """CIB or corosync.conf may have changed; the same ones again cost nothing."""
        if properties is self._properties and conf is self._conf:
            return
        self._properties, self._conf = properties, conf
        before, self._timeout_ms = self._timeout_ms, 0
        own = self.least_ms(conf)
        least = own if self._agreed_ms is None else self._agreed_ms
        if own and least:
            self._timeout_ms = timeout_ms(properties, least)
        if self._timeout_ms < before and self._told is not None:
            self._told = -math.inf  # the others wait less from now on: the lease ends earlier, too

    @property
    def timeout_ms(self) -> int:
        """How long others wait for it; 0: it cannot be relied upon."""
        return self._timeout_ms

    def look(
        self,
        now: float,
        *,
        quorate: bool,
        rounds: int,
        alone: bool,
        is_clean: Callable[[], bool],
    ) -> FeedWatchdog | None:
        """What to tell the watchdog after an event, if there is news.

        ``rounds`` counts the tokens that have come; ``alone``: the ring is this node only, no
        token is needed as a proof. ``is_clean``: whether nothing runs here.
        """
        if rounds != self._rounds:
            if quorate:
                self._proved = self._round_began
            self._rounds = rounds
            self._round_began = now
        if alone and quorate:
            self._proved = now
        if not self._timeout_ms or (not quorate and is_clean()):
            return self._tell(None)
        if self._proved is None:  # it runs something, and has never been a part of anything
            self._proved = now
        return self._tell(self._proved + self._timeout_ms * LEASE / 1000)

    def rest(self) -> FeedWatchdog | None:
        """The node ends in an orderly way: nobody has to watch it."""
        return self._tell(None)

    def reset(self, now: float) -> FeedWatchdog | None:
        """The node ends because it cannot go on: it is to begin anew."""
        return FeedWatchdog(until=now) if self._timeout_ms else None

    def _tell(self, until: float | None) -> FeedWatchdog | None:
        before = self._told
        if until is None or before is None:
            if until == before:
                return None
        elif until < before + self._timeout_ms * LEASE / 1000 / _RENEWALS:
            return None
        self._told = until
        return FeedWatchdog(until=until)
