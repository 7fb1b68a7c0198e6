"""What scores are made of: every amount that was added to one, with what it comes from.

A table of scores is a dictionary from the number of a node. Where a plan is to be explained, it is
a ``TracedScores`` instead: the same dictionary, which also keeps for each node the *trail* of the
contributions to its score. Trails are linked lists whose tails are shared, so a copy of a table
costs no more than copying two dictionaries, a table that is thrown away takes its trails with it,
and what a trail was at some moment is kept by keeping its last link.

Rules: the score is the sum of its trail, oldest first, in Pacemaker's arithmetic (``total``):
-INFINITY beats everything, INFINITY beats every number, and numbers stop at the infinities. To
forbid a node is to add -INFINITY. A step that replaces a score begins a new trail (``restart``).

Every function here does nothing on a plain dictionary; steps ask ``State.traced`` before they look
for the element that a contribution comes from.
"""

from __future__ import annotations

from collections.abc import Iterable

from crmsh_py.cib.scores import INFINITY, add_scores
from crmsh_py.scheduler.result import Contribution


class Trail:
    """The contributions to one score, newest first; ``before`` is None at the oldest."""

    __slots__ = ("before", "last")

    def __init__(self, last: Contribution, before: Trail | None) -> None:
        self.last = last
        self.before = before


class TracedScores(dict[int, int]):
    """Scores per node that know what they were made of."""

    __slots__ = ("trails",)

    def __init__(
        self, scores: dict[int, int] | None = None, trails: dict[int, Trail] | None = None
    ) -> None:
        super().__init__(scores or {})
        self.trails: dict[int, Trail] = trails if trails is not None else {}

    def copy(self) -> TracedScores:
        """A table of its own, with the same trails until now."""
        return TracedScores(self, dict(self.trails))


def table(scores: dict[int, int], *, traced: bool) -> dict[int, int]:
    """A table of scores, of the kind that remembers or not."""
    return TracedScores(scores) if traced else scores


def note(scores: dict[int, int], index: int, contribution: Contribution) -> None:
    """Keep what was just added to a score."""
    if isinstance(scores, TracedScores) and contribution.amount:
        scores.trails[index] = Trail(contribution, scores.trails.get(index))


def restart(scores: dict[int, int], index: int, contribution: Contribution) -> None:
    """Keep what a score was just replaced by."""
    if isinstance(scores, TracedScores):
        scores.trails.pop(index, None)
        note(scores, index, contribution)


def replaced(scores: dict[int, int], index: int, kind: str, source_id: str) -> None:
    """Keep that a score was set to what it is, whatever it was before."""
    restart(scores, index, Contribution(kind=kind, amount=scores[index], source_id=source_id))


def trail_of(scores: dict[int, int], index: int) -> Trail | None:
    """The trail of one score as it is now."""
    return scores.trails.get(index) if isinstance(scores, TracedScores) else None


def unfolded(trail: Trail | None) -> tuple[Contribution, ...]:
    """The contributions of a trail, oldest first; an infinite one that comes twice only once."""
    found: list[Contribution] = []
    while trail is not None:
        found.append(trail.last)
        trail = trail.before
    kept: list[Contribution] = []
    infinite: set[Contribution] = set()
    for each in reversed(found):
        if abs(each.amount) >= INFINITY:
            if each in infinite:
                continue
            infinite.add(each)
        kept.append(each)
    return tuple(kept)


def total(contributions: Iterable[Contribution]) -> int:
    """The sum, in the order given."""
    result = 0
    for each in contributions:
        result = add_scores(result, each.amount)
    return result


def joined(first: Trail | None, second: Trail | None, expected: int) -> Trail | None:
    """One trail of two whose scores were added up to ``expected``.

    Saturation can make the sum of the parts differ from the sum of all; then the second one is
    kept as a whole.
    """
    result = first
    parts = unfolded(second)
    for each in parts:
        result = Trail(each, result)
    if total(unfolded(result)) == expected or not parts:
        return result
    whole = parts[-1]
    return Trail(
        Contribution(
            kind=whole.kind,
            amount=total(parts),
            source_id=whole.source_id,
            subject=whole.subject,
            detail=whole.detail,
        ),
        first,
    )
