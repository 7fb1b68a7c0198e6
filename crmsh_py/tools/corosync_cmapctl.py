"""``corosync-cmapctl``: the keys of configuration and state, live."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence

from crmsh_py.errors import CrmError, did_you_mean
from crmsh_py.tools.common import Door, Parser, guarded, open_cluster, parse, put
from crmsh_py.views import cmapctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.clusters.port import Cluster
    from crmsh_py.wire.control import CmapKey

TOOL = "corosync-cmapctl"
_LOOK_S = 1.0  # between two looks at keys that are watched
_ENDS = ("", "q")  # that, or the end of the input


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Print keys with type and value."""
    return guarded(TOOL, lambda: _run(argv, door))


def _run(argv: Sequence[str] | None, door: Door) -> int:
    parser = Parser(prog=TOOL, description="Shows the keys of Corosync's map.")
    parser.add_argument("names", nargs="*", metavar="KEY", help="only keys that start so")
    parser.add_argument("-b", action="store_true", help="also print binary values (there are none)")
    parser.add_argument("-g", action="store_true", dest="get", help="these very keys")
    parser.add_argument("-q", action="store_true", dest="quiet", help="values alone")
    parser.add_argument("-m", dest="map", choices=("icmap", "default", "stats"), default="icmap")
    parser.add_argument("-t", action="store_true", dest="track", help="tell when a key changes")
    parser.add_argument("-T", action="store_true", dest="track_all", help="… any that starts so")
    for name, help_ in (
        ("-s", "set a key"),
        ("-d", "delete a key"),
        ("-D", "delete all that start so"),
        ("-p", "set keys from a file"),
        ("-C", "set statistics back"),
    ):
        parser.add_argument(name, action="store_true", dest="change", help=f"({help_}: refused)")
    arguments = parse(parser, argv)
    if arguments.change:
        raise CrmError(
            "keys are what corosync.conf and the node itself say, and cannot be changed here",
            hint="change corosync.conf (crm corosync set), then corosync-cfgtool -R",
        )
    arguments.map = arguments.map.replace("default", "icmap")
    track = arguments.track or arguments.track_all
    if (arguments.get or track) and not arguments.names:
        parser.error("a key is needed")
    if track:
        return _track(door(), arguments)
    return (_get if arguments.get else _list)(door(), arguments)


def _get(cluster: Cluster, arguments: Namespace) -> int:
    for name in arguments.names:
        found = _keys(cluster, arguments, name).get(name)
        if found is None:
            every = cluster.cmap("", map_name=arguments.map)
            raise CrmError(
                f"there is no key {name}", hint=did_you_mean(name, (key.name for key in every))
            )
        put(cmapctl.key_lines([found], quiet=arguments.quiet))
    return 0


def _list(cluster: Cluster, arguments: Namespace) -> int:
    """Keys by how they start; 1 where there is none at all, as with Corosync's."""
    found = 0
    for prefix in arguments.names or [""]:
        keys = _keys(cluster, arguments, prefix)
        found += len(keys)
        put(cmapctl.key_lines(keys.values(), quiet=arguments.quiet))
    return 0 if found else 1


def _keys(cluster: Cluster, arguments: Namespace, prefix: str) -> dict[str, CmapKey]:
    return {key.name: key for key in cluster.cmap(prefix, map_name=arguments.map)}


def _track(cluster: Cluster, arguments: Namespace) -> int:
    """Tell of changes until somebody types q, or the input ends."""
    import select

    def now() -> dict[str, CmapKey]:
        return {
            name: key
            for prefix in arguments.names
            for name, key in _keys(cluster, arguments, prefix).items()
            if arguments.track_all or name == prefix
        }

    before = now()
    put('Type "q" to finish\n')
    while True:
        ready = select.select([sys.stdin], [], [], _LOOK_S)[0]
        after = now()
        put(cmapctl.change_lines(before, after, quiet=arguments.quiet))
        before = after
        if ready and sys.stdin.readline().strip("\n") in _ENDS:
            return 0
