"""``crm_master``: an agent's promotion score on its node.

The old name of ``crm_attribute --promotion``, which agents still call, with ``--lifetime reboot``.
Unlike that it means the lasting attribute where no lifetime is said.
"""

from __future__ import annotations

import os
import sys

from crmsh_py.tools import crm_attribute
from crmsh_py.tools.briefly import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmsh_py.tools.common import Door

TOOL = "crm_master"


def main(argv: Sequence[str] | None = None, *, door: Door | None = None) -> int:
    """Query, set or delete the promotion score of the calling agent's resource (``-r`` else)."""
    if argv is None and door is None:
        code = run(TOOL, sys.argv[1:], os.environ)
        if code is not None:
            return code
    given = list(sys.argv[1:] if argv is None else argv)
    words: list[str] = []
    resource = ""
    while given:
        word = given.pop(0)
        if word in ("-r", "--resource") and given:
            resource = given.pop(0)
        elif word.startswith("--resource="):
            resource = word.partition("=")[2]
        else:
            words.append(word)
    words = [f"--promotion={resource}", "--lifetime=forever", *words]
    return crm_attribute.main(words, door=door, tool=TOOL)
