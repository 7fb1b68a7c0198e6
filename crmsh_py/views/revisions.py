"""``crm configure revisions``: the stored history of commits, as text.

Input: the revisions, newest first; output: a table with a newline at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from crmsh_py.value import frozen
from crmsh_py.views.text import legible, unix_clock_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.wire.control import Revision


@frozen(kw_only=True)
class RevisionRecord:
    """A stored commit; ``time`` is Unix time, ``forced`` one that was made without quorum."""

    version: str
    time: int
    author: str
    client: str
    origin: str
    forced: bool


@frozen(kw_only=True)
class Revisions:
    """The stored commits, newest first."""

    revisions: tuple[RevisionRecord, ...]


def record(revisions: Sequence[Revision]) -> Revisions:
    """The commits for programs."""
    return Revisions(
        revisions=tuple(
            RevisionRecord(
                version=".".join(str(part) for part in one.version[:2]),
                time=one.time,
                author=one.author,
                client=one.client,
                origin=one.origin,
                forced=one.forced,
            )
            for one in revisions
        )
    )


def table(revisions: Sequence[Revision], *, now: datetime) -> str:
    """One line per revision: version, time, author, program, node; forced ones are marked."""
    rows = [("VERSION", "TIME", "AUTHOR", "VIA", "ON")]
    rows += [
        (
            ".".join(str(part) for part in revision.version[:2]),
            unix_clock_text(revision.time, now.astimezone(now.tzinfo or UTC)),
            revision.author or "-",
            revision.client or "-",
            revision.origin + (" (without quorum)" if revision.forced else ""),
        )
        for revision in revisions
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "".join(
        legible(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
        + "\n"
        for row in rows
    )
