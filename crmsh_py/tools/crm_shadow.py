"""``crm_shadow``: copies of the configuration under a name, to try changes on before they count."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Sequence

from crmsh_py.errors import ConfigError, CrmError, NotFound
from crmsh_py.tools.common import Door, Parser, ToolUsageError, guarded, open_cluster, parse, put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.clusters.port import Cluster
    from crmsh_py.clusters.shadow import Shadows

TOOL = "crm_shadow"
EXIT_EXISTS = 73  # as Pacemaker's: no file can be made
EXIT_DIFFERENT = 1


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Make, show, compare, commit or delete a shadow."""
    return guarded(TOOL, lambda: _run(argv, door))


def _parser() -> Parser:
    parser = Parser(prog=TOOL, description="Keeps copies of the configuration to try changes on.")
    commands = parser.add_argument_group("commands").add_mutually_exclusive_group(required=True)
    for *names, text in (
        ("-w", "--which", "the name of the one that is in use"),
        ("-p", "--display", "what is in it"),
        ("-E", "--edit", "change it with $EDITOR"),
        ("-d", "--diff", "what it changes"),
        ("-F", "--file", "where it is"),
    ):
        name = names[1].lstrip("-")
        commands.add_argument(*names, action="store_const", const=name, dest="command", help=text)
    for *names, text in (
        ("-c", "--create", "copy the cluster's configuration"),
        ("-e", "--create-empty", "begin with an empty configuration"),
        ("-C", "--commit", "make it the cluster's configuration (needs --force)"),
        ("-D", "--delete", "delete it (needs --force)"),
        ("-r", "--reset", "copy the cluster's configuration anew"),
        ("-s", "--switch", "use it"),
    ):
        commands.add_argument(*names, metavar="NAME", help=text)
    parser.add_argument("-f", "--force", action="store_true")
    parser.add_argument("-b", "--batch", action="store_true", help="start no shell that uses it")
    parser.add_argument("-a", "--all", action="store_true", help="(taken; nodes know their state)")
    parser.add_argument("-v", "--validate-with", metavar="SCHEMA", help="of --create-empty")
    parser.add_argument("-V", "--verbose", action="count")
    return parser


def _run(argv: Sequence[str] | None, door: Door) -> int:
    from crmsh_py.clusters.shadow import Shadows

    arguments = parse(_parser(), argv)
    active = os.environ.pop("CIB_shadow", "")  # which the cluster's own door must not see
    shadows = Shadows.of_environment(os.environ, os.getuid())
    for name, command in _NAMED.items():
        if (given := getattr(arguments, name)) is not None:
            return command(shadows, given, arguments, door)
    if not active:
        raise NotFound("no shadow is in use", hint=f"{TOOL} --create NAME makes one")
    return _ACTIVE[arguments.command](shadows, active, door)


# ---- commands that name one ----------------------------------------------------------------------


def _create(shadows: Shadows, name: str, arguments: Namespace, door: Door) -> int:
    return _made(shadows, name, door().read_cib(), arguments)


def _create_empty(shadows: Shadows, name: str, arguments: Namespace, door: Door) -> int:
    from crmsh_py.cib.document import Cib

    cib = Cib.new(cluster_infrastructure="")
    if arguments.validate_with:
        cib = cib.with_attributes({"validate-with": arguments.validate_with})
    put(f"Created new {cib.schema} configuration\n")
    return _made(shadows, name, cib, arguments)


def _made(shadows: Shadows, name: str, cib: Cib, arguments: Namespace) -> int:
    try:
        shadows.create(name, cib, force=arguments.force)
    except ConfigError as error:
        error.exit_code = EXIT_EXISTS
        raise
    return _use(name, arguments, "A new shadow instance was created.  To begin using it")


def _reset(shadows: Shadows, name: str, arguments: Namespace, door: Door) -> int:
    shadows.open(name)
    shadows.create(name, door().read_cib(), force=True)
    return _use(name, arguments, "A new shadow instance was created.  To begin using it")


def _switch(shadows: Shadows, name: str, arguments: Namespace, _door: Door) -> int:
    shadows.open(name)
    return _use(name, arguments, "To switch to the named shadow instance,")


def _use(name: str, arguments: Namespace, what: str) -> int:
    """A shell that uses the shadow takes this program's place; with --batch only words."""
    put("Setting up shadow instance\n")
    if arguments.batch:
        put(f"{what} paste the following into your shell:\n")
        put(f"  CIB_shadow={name} ; export CIB_shadow\n")
        return 0
    put("Type Ctrl-D to exit the crm_shadow shell\n")
    shell = os.environ.get("SHELL") or "/bin/sh"
    words = [shell, "--norc", "--noprofile"] if shell.endswith("bash") else [shell]
    environment = {**os.environ, "CIB_shadow": name, "PS1": f"shadow[{name}] # "}
    try:
        os.execvpe(shell, words, environment)  # noqa: S606  (the user's own)
    except OSError as error:
        raise CrmError(f"{shell} cannot be run: {error.strerror}", hint="set SHELL") from None


def _commit(shadows: Shadows, name: str, arguments: Namespace, door: Door) -> int:
    from crmsh_py.cib.diff import diff

    _dangerous(arguments, "committing a shadow")
    cib, cluster = shadows.open(name).read_cib(), door()
    live = cluster.read_cib()
    wanted = live.with_section("configuration", cib.configuration)
    patch = diff(live, wanted.with_attributes({"validate-with": cib.schema}))
    if patch:
        cluster.commit(patch, client=TOOL)
    return _left()


def _delete(shadows: Shadows, name: str, arguments: Namespace, _door: Door) -> int:
    _dangerous(arguments, "deleting a shadow")
    shadows.delete(name)
    return _left()


def _dangerous(arguments: Namespace, what: str) -> None:
    if not arguments.force:
        raise ToolUsageError(f"{what} cannot be undone", hint="say --force to do it")


def _left() -> int:
    put("Please remember to unset the CIB_shadow variable by pasting the following into your ")
    put("shell:\n  unset CIB_shadow\n")
    return 0


# ---- commands about the one that is in use -------------------------------------------------------


def _which(_shadows: Shadows, name: str, _door: Door) -> int:
    put(f"{name}\n")
    return 0


def _display(shadows: Shadows, name: str, _door: Door) -> int:
    put(shadows.open(name).read_cib().to_xml())
    return 0


def _file(shadows: Shadows, name: str, _door: Door) -> int:
    put(f"{shadows.path(name)}\n")
    return 0


def _diff(shadows: Shadows, name: str, door: Door) -> int:
    from crmsh_py.cib.diff import diff
    from crmsh_py.views import patch_text

    cib, cluster = shadows.open(name).read_cib(), door()
    text = patch_text.lines(diff(cluster.read_cib().without_status(), cib.without_status()))
    put(text)
    return EXIT_DIFFERENT if text else 0


def _edit(shadows: Shadows, name: str, _door: Door) -> int:
    import subprocess

    cluster = shadows.open(name)
    editor = os.environ.get("EDITOR") or "vi"
    try:
        done = subprocess.run([*editor.split(), cluster.path], check=False)
    except OSError as error:
        raise CrmError(f"{editor} cannot be run: {error.strerror}", hint="set EDITOR") from None
    if done.returncode:
        raise CrmError(f"{editor} ended with exit code {done.returncode}")
    cluster.read_cib()  # whether it can be read again is best said now
    return 0


_Named = Callable[["Shadows", str, Namespace, "Callable[[], Cluster]"], int]
_NAMED: dict[str, _Named] = {
    "create": _create,
    "create_empty": _create_empty,
    "reset": _reset,
    "switch": _switch,
    "commit": _commit,
    "delete": _delete,
}
_ACTIVE: dict[str, Callable[[Shadows, str, Callable[[], Cluster]], int]] = {
    "which": _which,
    "display": _display,
    "edit": _edit,
    "diff": _diff,
    "file": _file,
}
