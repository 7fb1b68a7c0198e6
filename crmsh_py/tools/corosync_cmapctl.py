"""``corosync-cmapctl``: the keys of configuration and state, live."""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.errors import CrmError, did_you_mean
from crmsh_py.tools.common import Door, Parser, guarded, open_cluster, parse, put
from crmsh_py.views import cmapctl

TOOL = "corosync-cmapctl"


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Print keys with type and value."""
    return guarded(TOOL, lambda: _run(argv, door))


def _run(argv: Sequence[str] | None, door: Door) -> int:
    parser = Parser(prog=TOOL, description="Shows the keys of Corosync's map.")
    parser.add_argument("prefix", nargs="*", help="only keys that start so")
    parser.add_argument("-b", action="store_true", help="also print binary values (there are none)")
    parser.add_argument("-g", dest="get", metavar="KEY", help="one key")
    parser.add_argument("-m", dest="map", choices=("icmap", "stats"), default="icmap")
    arguments = parse(parser, argv)
    cluster = door()
    if arguments.get:
        keys = cluster.cmap(arguments.get, map_name=arguments.map)
        exact = [key for key in keys if key.name == arguments.get]
        if not exact:
            every = cluster.cmap("", map_name=arguments.map)
            raise CrmError(
                f"there is no key {arguments.get}",
                hint=did_you_mean(arguments.get, (key.name for key in every)),
            )
        put(cmapctl.key_lines(exact))
        return 0
    for prefix in arguments.prefix or [""]:
        put(cmapctl.key_lines(cluster.cmap(prefix, map_name=arguments.map)))
    return 0
