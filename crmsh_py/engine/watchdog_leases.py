"""After how long a lost node's own watchdog has reset it, by what that node knew when it was lost.

Whoever waits for a watchdog must wait as long as the node lives by it. ``fencing-watchdog-timeout``
may have been changed since the node was last heard of, or set only then: a node that was not told
lives by the older value, and one that knew of none for ever. So for every member it is remembered
what it may be living by, and a new value counts for a member from when it has stored it.

What is remembered is in memory: who has seen a node at no time since his own start takes it that
it lives by the configuration as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

Version = tuple[int, ...]  # (admin_epoch, epoch)


class WatchdogLeases:
    """The longest time, ms, that each member may live by; 0: nobody can rely on its watchdog."""

    def __init__(self) -> None:
        self._longest: dict[str, int] = {}
        self.configured_ms = 0
        self._since: Version = (0, 0)  # the version of the configuration that said so first

    def all_know(self, members: Iterable[str], configured_ms: int) -> None:
        """A new view is made: its members hold the same configuration."""
        self._longest |= dict.fromkeys(members, configured_ms)
        self.configured_ms = configured_ms

    def configure(self, members: Iterable[str], configured_ms: int, version: Version) -> None:
        """The configuration says another time from this version on."""
        self.configured_ms = configured_ms
        self._since = version[:2]
        for name in members:
            before = self._longest.get(name, configured_ms)
            self._longest[name] = max(before, configured_ms) if before and configured_ms else 0

    def stored(self, member: str, version: Version) -> None:
        """A member has this version of the configuration on its disk, so it lives by it."""
        if version[:2] >= self._since:
            self._longest[member] = self.configured_ms

    def of(self, name: str) -> int:
        """After how long a member that is lost has been reset; 0: it may never be."""
        longest = self._longest.get(name, self.configured_ms)
        return max(longest, self.configured_ms) if longest and self.configured_ms else 0
