"""``crm_standby``: put a node into standby (``-v on``), out of it (``-v off``), or ask (``-G``)."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from crmsh_py.tools import crm_attribute
from crmsh_py.tools.common import Door, open_cluster

TOOL = "crm_standby"


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Read, set or delete the node attribute ``standby``; off is what nothing set means."""
    given = list(sys.argv[1:] if argv is None else argv)
    words = ["--name=standby", "--default=off", *given]
    if not any(word.startswith(("-l", "--lifetime")) for word in given):
        words.append("--lifetime=forever")
    return crm_attribute.main(words, door=door, tool=TOOL)
