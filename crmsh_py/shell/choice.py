"""What part of the past ``history`` looks at; a choice holds for the session."""

from __future__ import annotations

import re
from datetime import datetime

from crmsh_py.value import field, mutable

LIVE = "live"


@mutable
class Choice:
    """What part of the past is looked at."""

    source: str = LIVE
    begin: datetime | None = None
    end: datetime | None = None
    nodes: tuple[str, ...] = ()
    excluded: list[re.Pattern[str]] = field(default_factory=list)
    detail: int = 0
    lines: list[tuple[str, str]] | None = None  # read once; ``refresh`` reads again
    since: datetime | None = None  # from when on they were collected; None: as far as there are any
