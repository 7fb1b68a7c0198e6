"""``crm_standby``: put a node into standby (``-v on``), out of it (``-v off``), or ask (``-G``)."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from crmsh_py.tools import crm_attribute
from crmsh_py.tools.common import Door, open_cluster

TOOL = "crm_standby"


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Read, set or delete the node attribute ``standby``.

    Without a lifetime, a query tells the lasting one or else that until the node's next start,
    what is deleted are both, and what is set lasts. Off is what nothing set means.
    """
    given = list(sys.argv[1:] if argv is None else argv)

    def run(*more: str) -> int:
        return crm_attribute.main(["--name=standby", *more, *given], door=door, tool=TOOL)

    if any(word.startswith(("-l", "--lifetime", "-?", "-h", "--help")) for word in given):
        return run("--default=off")
    if any(word in ("-D", "--delete", "--delete-attr") for word in given):
        return run("--lifetime=forever") or run("--lifetime=reboot")
    if any(word.startswith(("-v", "--update", "--attr-value")) for word in given):
        return run("--lifetime=forever")
    lasting = _is_set(given, door)
    return run(*(("--lifetime=forever",) if lasting else ("--lifetime=reboot", "--default=off")))


def _is_set(given: Sequence[str], door: Door) -> bool:
    """Whether the node that is asked about has the lasting attribute.

    It is what is asked for, too, where that cannot be told: the query says then what is wrong.
    """
    from argparse import ArgumentParser

    from crmsh_py.cib.pairs import node_pair
    from crmsh_py.errors import CrmError
    from crmsh_py.tools.common import node_name

    parser = ArgumentParser(add_help=False)
    parser.add_argument("-N", "-U", "--node", "--uname", "--node-uname", default="")
    try:
        known = parser.parse_known_args(list(given))[0]
        cluster = door()
        return node_pair(cluster.read_cib(), node_name(cluster, known.node), "standby") is not None
    except (CrmError, SystemExit):
        return True
