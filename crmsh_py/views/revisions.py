"""``crm configure revisions``: the stored history of commits, as text.

Input: the revisions, newest first; output: a table with a newline at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from crmsh_py.views.text import unix_clock_text

if TYPE_CHECKING:
    from crmsh_py.wire.control import Revision


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
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in rows
    )
