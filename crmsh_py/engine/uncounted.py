"""Failures of this node's operations that may not have been counted yet.

An ``Outcome`` is lost when its ring breaks before it is delivered. The history is told again in the
next view (``OwnState``), but a fail count is a number that all members have added to, or not. So
whoever has told a failure keeps it until its own message has come back, and tells what is left with
its state. It is counted once: by the message, or when the status settles.

A remote node keeps its failures until the member that it is connected with has told it that they
are counted; what is left it tells when it is claimed again. What it does not know is whether the
member that it lost had passed them on: the status does, by the time of the last failure.
"""

from __future__ import annotations

from crmsh_py.wire.stream import Outcome, ToldFailure

MAX_UNCOUNTED = 1000  # a ring that is broken for so long has other troubles


class Uncounted:
    """The failures of one node, and of the remote nodes that it is connected with."""

    def __init__(self) -> None:
        self._waiting: list[ToldFailure] = []
        self._told: list[ToldFailure] = []  # in this view's ``OwnState``

    def add(self, outcome: Outcome) -> None:
        """A result is on its way to the others."""
        if outcome.failure is not None and len(self._waiting) < MAX_UNCOUNTED:
            self._waiting.append(_failure_of(outcome))

    def counted(self, outcome: Outcome) -> list[ToldFailure]:
        """A result of this node has been applied, here and in the same place everywhere."""
        failures = [_failure_of(outcome)] if outcome.failure is not None else []
        self._remove(failures)
        return failures

    def confirmed(self, failure: ToldFailure) -> None:
        """The cluster has counted this failure of a remote node."""
        self._remove([failure])

    def tell(self) -> list[ToldFailure]:
        """A new view: what is to be told with this node's state."""
        self._told = list(self._waiting)
        return list(self._told)

    def settled(self) -> list[ToldFailure]:
        """What was told with the state has been counted with it."""
        told, self._told = self._told, []
        self._remove(told)
        return told

    def forget(self, resource: str, node: str = "") -> None:
        """The failures of a resource do not count any more; ``node``: on this remote node."""
        self._waiting = [f for f in self._waiting if (f.name, f.node) != (resource, node)]

    def clear(self) -> None:
        """The cluster manager ends here: nothing of it is known any more."""
        self._waiting = []

    def _remove(self, failures: list[ToldFailure]) -> None:
        for each in failures:
            if each in self._waiting:  # equal ones are as many as there were failures
                self._waiting.remove(each)


def _failure_of(outcome: Outcome) -> ToldFailure:
    assert outcome.failure is not None
    return ToldFailure(name=outcome.name, failure=outcome.failure, node=outcome.node)
