"""``cibadmin``: read and change the configuration as XML.

Queries (whole, a section, an XPath of the simple kind), and create, modify, replace, delete and
patch. Elements are found by tag and id; those without an id by their tag below the scope.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence

from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import ConfigError, CrmError, NotFound, SyntaxProblem
from crmsh_py.tools.common import (
    EXIT_CONFIG,
    EXIT_NO_INPUT,
    Door,
    Parser,
    ToolUsageError,
    commit,
    guarded,
    open_cluster,
    parse,
    put,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.cib.element import Element
    from crmsh_py.clusters.port import Cluster

TOOL = "cibadmin"
_CHANGES = (*("create", "modify", "replace", "delete", "delete-all", "patch", "erase", "upgrade"),)
# What is done only if --force is said, too.
_UNSAFE = {
    "erase": "erasing everything",
    "delete-all": "deleting all that is found",
    "upgrade": "upgrading to the latest schema",
}
_ABSENT = "Call {} failed: No such device or address"


class UnsafeError(CrmError):
    """What is done only if it is said twice."""

    exit_code = 107


class ProtocolError(CrmError):
    """What this kind of cluster does not do."""

    exit_code = 76


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Print XML of the configuration, or change it by XML."""
    return guarded(TOOL, lambda: _judged(argv, door))


def _parser() -> Parser:
    parser = Parser(prog=TOOL, description="Reads and changes the configuration as XML.")
    commands = parser.add_argument_group("commands").add_mutually_exclusive_group(required=True)
    for names in (
        ("-Q", "--query"),
        ("-C", "--create"),
        ("-M", "--modify"),
        ("-R", "--replace"),
        ("-D", "--delete"),
        ("-d", "--delete-all"),
        ("-P", "--patch"),
        ("-E", "--erase"),
        ("-u", "--upgrade"),
        ("-B", "--bump"),
        ("-5", "--md5-sum"),
        ("-6", "--md5-sum-versioned"),
    ):
        name = names[1].lstrip("-")
        commands.add_argument(*names, action="store_const", const=name, dest="command")
    commands.add_argument("-a", "--empty", nargs="?", const="", metavar="SCHEMA")
    data = parser.add_argument_group("data")
    data.add_argument("-X", "--xml-text", metavar="XML", dest="text")
    data.add_argument("-x", "--xml-file", metavar="FILE", dest="file")
    data.add_argument("-p", "--xml-pipe", action="store_true", dest="pipe")
    where = parser.add_argument_group("where")
    where.add_argument("-o", "--scope", default="", help="a section: resources, constraints …")
    where.add_argument("-A", "--xpath", default="")
    where.add_argument("-e", "--node-path", action="store_true", help="of what --xpath finds")
    where.add_argument("-n", "--no-children", action="store_true")
    where.add_argument("-c", "--allow-create", action="store_true")
    where.add_argument("-f", "--force", action="store_true")
    where.add_argument("-U", "--user", default="", help="act for this user (root may do so)")
    where.add_argument(
        "-S",
        "--show-access",
        nargs="?",
        const="auto",
        choices=("auto", "color", "text", "namespace"),
        help="with -Q and -U: what that user may read and write",
    )
    where.add_argument("-N", "--node", help="(taken; every node has the same)")
    where.add_argument("-t", "--timeout", help="(taken; an answer is waited for as long as usual)")
    for ignored in ("-l", "--local", "-s", "--sync-call", "-V", "--verbose"):
        where.add_argument(ignored, action="store_true", dest="ignored")
    return parser


def _judged(argv: Sequence[str] | None, door: Door) -> int:
    """Do it; what is no XML, or makes no valid configuration, has its own exit code."""
    try:
        return _run(argv, door)
    except (ConfigError, SyntaxProblem) as error:
        error.exit_code = EXIT_CONFIG
        raise


def _run(argv: Sequence[str] | None, door: Door) -> int:
    arguments = parse(_parser(), argv)
    if arguments.empty is not None:
        return _empty(arguments.empty)
    if arguments.show_access:
        return _access(arguments, door)
    if arguments.user:
        os.environ["CIB_user"] = arguments.user  # noqa: SIM112  (its name)
    if arguments.command in _CHANGES:
        return _change(arguments, door)
    if arguments.command == "bump":
        return _bump(door())
    if arguments.command in ("md5-sum", "md5-sum-versioned"):
        return _digest(arguments, door)
    return _query(door(), arguments)


def _digest(arguments: Namespace, door: Door) -> int:
    """Of what is given, or of the cluster's; the words before it are for people alone."""
    from crmsh_py.cib.document import Cib
    from crmsh_py.views import cib_digests

    given = arguments.pipe or arguments.text is not None or arguments.file is not None
    root = (Cib.parse(_input(arguments)) if given else door().read_cib()).root
    if arguments.command == "md5-sum":
        what, digest = "Digest", cib_digests.on_disk(root)
    else:
        version = root.get("crm_feature_set", "none")
        what, digest = f"Versioned ({version}) digest", cib_digests.versioned(root)
    sys.stderr.write(f"{what}: ")
    sys.stderr.flush()
    put(f"{digest}\n")
    return 0


def _bump(cluster: Cluster) -> int:
    """Count the version of the configuration up, though nothing is changed."""
    from crmsh_py.tools import cib_changes

    before = cluster.read_cib()
    commit(cluster, cib_changes.bump, client=TOOL, base=before)
    after = cluster.read_cib().version
    if after.tuple[:2] == before.version.tuple[:2]:
        raise ProtocolError(
            "this cluster counts its configuration's version up only where something changes",
            hint="raise admin_epoch: cibadmin -M -X '<cib admin_epoch=\"admin_epoch++\"/>'",
        )
    return 0


def _access(arguments: Namespace, door: Door) -> int:
    """The document with what a user may do. Raises ConfigError where lists do not limit him."""
    from crmsh_py.cib.acl import Access
    from crmsh_py.views import access

    if arguments.command != "query" or not arguments.user:
        raise ToolUsageError("--show-access needs --query and --user")
    user, style = arguments.user, arguments.show_access
    cib = door().read_cib()
    lists = Access.of(cib.root, user, _groups(user))
    if lists is None:
        raise ConfigError(
            f"access control lists do not limit {user}",
            hint="they count where enable-acl is true, and never for root and hacluster",
        )
    tree = lists.rights(cib.root)
    place = tree.place_of(scope_of(cib, arguments.scope or "cib"))
    assert place is not None, "a section is in its document"
    if style == "auto":
        style = "color" if sys.stdout.isatty() else "text"
    put(access.show(tree, place, user=user, style=style))
    return 0


def _groups(user: str) -> list[str]:
    """The groups that a user of this machine is in; none for a stranger."""
    import grp
    import pwd

    try:
        ids = os.getgrouplist(user, pwd.getpwnam(user).pw_gid)
        return [grp.getgrgid(number).gr_name for number in ids]
    except KeyError:
        return []


def _empty(schema: str) -> int:
    from crmsh_py.cib.document import Cib
    from crmsh_py.cib.xml import to_xml

    made = Cib.new(cluster_infrastructure="")
    root = made.root.with_attributes({"validate-with": schema}) if schema else made.root
    put(to_xml(root).rstrip("\n") + "\n")
    return 0


def _query(cluster: Cluster, arguments: Namespace) -> int:
    from crmsh_py.cib.element import Element
    from crmsh_py.cib.xml import to_xml

    cib = cluster.read_cib()
    if arguments.xpath:
        from crmsh_py.tools.xpath import select

        found = select(cib.root, arguments.xpath)
        if not found:
            raise NotFound(_ABSENT.format("cib_query"))
        if arguments.node_path:
            from crmsh_py.tools.cib_changes import path_of

            put("".join(f"{path_of(cib.root, element)}\n" for element in found))
            return 0
        shown = tuple(_shown(element, arguments) for element in found)
        answer = shown[0] if len(shown) == 1 else Element("xpath-query", {}, shown)
    else:
        answer = _shown(scope_of(cib, arguments.scope or "cib"), arguments)
    put(to_xml(answer).rstrip("\n") + "\n")
    return 0


def _shown(element: Element, arguments: Namespace) -> Element:
    return element.with_children(()) if arguments.no_children else element


def scope_of(cib: Cib, name: str) -> Element:
    """The section called ``name``, also ``cib`` and ``status``. Raises NotFound."""
    from crmsh_py.cib import tickets

    if name == "cib":
        return cib.root
    if name == tickets.TICKETS:
        return tickets.section_of(cib.status)
    found = cib.root.find(name) or cib.configuration.find(name)
    if found is None:
        raise NotFound(
            _ABSENT.format("cib_query"),
            name=name,
            possibilities=[child.tag for child in cib.configuration.children],
        )
    return found


def _change(arguments: Namespace, door: Door) -> int:
    from crmsh_py.tools import cib_changes

    command, path = arguments.command, arguments.xpath
    if command in _UNSAFE and not arguments.force:
        raise UnsafeError(f"{_UNSAFE[command]} cannot be undone", hint="say --force to do it")
    if command == "erase":
        cluster = door()
        # A lab's nodes keep the status themselves, and take no commit of it.
        status = cluster.kind is not ClusterKind.LOCAL
        commit(cluster, lambda cib: cib_changes.erase(cib, status=status), client=TOOL)
        return 0
    if command == "upgrade":
        from crmsh_py.cib.upgrade import upgrade

        commit(door(), upgrade, client=TOOL)
        return 0
    if command == "delete-all" and not path:
        raise ToolUsageError("--delete-all needs an --xpath")
    if command in ("delete", "delete-all") and path:
        every = command == "delete-all"
        _commit(door(), lambda cib: cib_changes.delete_xpath(cib, path, every=every))
        return 0
    if command == "patch" and path:
        raise ToolUsageError("--xpath is not for --patch", hint="a patch names its places itself")
    text = _input(arguments)
    cluster = door()
    if arguments.command == "patch":
        _patch(cluster, text)
        return 0
    from crmsh_py.cib.xml import parse as parse_xml

    element = _part(parse_xml(text), arguments.scope)
    if path:
        _commit(cluster, lambda cib: cib_changes.change_xpath(cib, path, command, element))
        return 0
    make = {
        "create": cib_changes.create,
        "modify": cib_changes.modify,
        "replace": cib_changes.replace,
        "delete": cib_changes.delete,
    }[arguments.command]
    if arguments.command == "modify" and arguments.allow_create:
        make = cib_changes.modify_or_create
    _commit(cluster, lambda cib: make(cib, arguments.scope, element))
    return 0


def _commit(cluster: Cluster, change: Callable[[Cib], Cib]) -> None:
    """Commit it. A lab's nodes take no commit of the status: they are told of tickets singly."""
    from crmsh_py.cib import tickets

    before = cluster.read_cib()
    after = change(before)
    told = list(tickets.changes(before.status, after.status))
    if told and cluster.kind is ClusterKind.LOCAL:
        rest = tickets.with_section(after.status, tickets.section_of(before.status))
        if after.with_status(rest) == before:
            for name, attributes in told:
                cluster.set_ticket(name, attributes)
            return
    commit(cluster, change, client=TOOL, base=before)


def _patch(cluster: Cluster, text: str | bytes) -> None:
    """Take a patch; one that names no versions (``crm_diff --no-version``) fits any that has its
    places.
    """
    from crmsh_py.cib.diff import apply
    from crmsh_py.cib.element import Element
    from crmsh_py.cib.patch import Patch
    from crmsh_py.cib.xml import parse, to_xml

    root = parse(text)
    if root.tag != "diff" or root.find("version") is not None:
        cluster.commit(Patch.from_xml(text), client=TOOL)
        return

    def patched(cib: Cib) -> Cib:
        version = {"admin_epoch": "0", "epoch": "0", "num_updates": "0"}
        version.update({name: cib.root.get(name) or "0" for name in version})
        named = Element("version", {}, (Element("source", version), Element("target", version)))
        whole = root.with_children((named, *root.children))
        return apply(cib, Patch.from_xml(to_xml(whole)))

    _commit(cluster, patched)


def _part(element: Element, scope: str) -> Element:
    """Of a document that was given whole, the section that alone is meant."""
    if scope in ("", "cib") or element.tag not in ("cib", "configuration"):
        return element
    part = next(iter(element.iter(scope)), None)
    if part is None:
        raise NotFound(f"this <{element.tag}> has no section '{scope}'")
    return part


def _input(arguments: Namespace) -> str | bytes:
    if arguments.text is not None:
        return str(arguments.text)
    if arguments.file is not None:
        try:
            with open(arguments.file, "rb") as file:
                return file.read()
        except OSError as error:
            failure = CrmError(f"{arguments.file}: {error.strerror}")
            failure.exit_code = EXIT_NO_INPUT
            raise failure from error
    if arguments.pipe:
        return sys.stdin.buffer.read()
    raise ToolUsageError("XML is needed", hint="give it with --xml-text, --xml-file or --xml-pipe")
