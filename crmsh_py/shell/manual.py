"""The help as values: declarations, details, shapes and aliases put together.

``crm help`` shows a part of it; ``crm help --markdown`` and ``crm help --man`` print
``docs/commands.md`` and ``crm(8)``, which a test keeps in step.
"""

from __future__ import annotations

from crmsh_py.errors import NotFound
from crmsh_py.shell import declarations as declared
from crmsh_py.shell.declarations import Declaration
from crmsh_py.shell.details import examples_of, text_of
from crmsh_py.views import manual
from crmsh_py.views.manual import CommandHelp, Help, LevelHelp

# Words that stand for a command; a test compares them with the grammar.
ALIASES: dict[str, tuple[str, ...]] = {
    "root_help": ("?",),
    "root_up": ("end", "back"),
    "root_quit": ("bye", "exit"),
    "resource_status": ("show", "list"),
    "resource_move": ("migrate",),
    "resource_clear": ("unmove", "unban", "unmigrate"),
    "resource_refresh": ("reprobe",),
    "node_show": ("list",),
    "ra_info": ("meta",),
    "options_show": ("list",),
    "history_limit": ("timeframe",),
    "script_show": ("info",),
    "cluster_remove": ("delete",),
    "cluster_geo_init": ("geo-init",),
    "cluster_geo_join": ("geo-join",),
    "cluster_geo_init_arbitrator": ("geo-init-arbitrator",),
    "corosync_add_node": ("add_node",),
    "corosync_del_node": ("del_node",),
    "assist_weak_bond": ("weak_bond",),
    "configure_delete": ("rm",),
    "configure_default_timeouts": ("default_timeouts",),
    "configure_get_property": ("get_property",),
    "configure_validate_all": ("validate_all",),
}

EXIT_CODES = (
    ("0", "Done, and (where something was asked) the answer is yes: well, equal, valid."),
    (
        "1",
        "Not done, or the answer is no, or no command reads so; standard error says why. Nothing is"
        " done by halves.",
    ),
    ("2", "An option before the command that there is not, or a value that cannot be."),
    ("78", "crm verify: the configuration has errors or warnings (as crm_verify)."),
    ("102", "No cluster runs, or none answers."),
    ("124", "It was asked for, and has not happened in time; it may still happen."),
    ("130", "Ended by Ctrl-C. What was committed is in the cluster, what was pending is not."),
    ("other", "lab exec, lab shell: the exit code of what was run; 128 + N if signal N ended it."),
)
ENVIRONMENT = (
    ("CRM_LAB", "The lab that is meant; several can run side by side."),
    ("CRM_NODE", "The node of the lab that the shell sits on."),
    ("CRM_HOST", "A real cluster, by ssh: a node of it, as user@node."),
    ("CIB_file", "A configuration in a file instead of a cluster."),
    ("CIB_shadow", "A shadow configuration (crm cib new) instead of a cluster."),
    ("CIB_shadow_dir", "Where shadow configurations are kept."),
    ("CIB_user", "For whom a privileged program acts: access is checked for that user."),
    ("CRM_LAYOUT", "classic or modern: how the status is drawn."),
    ("NO_COLOR", "Set to anything: no colours."),
    ("CRM_PLAIN_PROMPT", "Set to 1: a prompt without a full screen's signs, for screen readers."),
    ("VISUAL, EDITOR, PAGER", "Programs that edit and show."),
    ("CRM_STATE_DIR, CRM_RUNTIME_DIR", "Where labs keep their disks, and their sockets."),
    ("COROSYNC_MAIN_CONFIG_FILE", "The corosync.conf that crm corosync edits."),
    ("OCF_ROOT", "Where agents are looked for, and where the nodes of a new lab look."),
)
FILES = (
    ("~/.config/crm/crm.conf", "Preferences (crm options); CRM_CONFIG_FILE names another."),
    ("~/.config/crmsh-py/templates/", "Configurations that were begun from templates."),
    ("~/.local/state/crmsh-py/labs/", "Labs: settings, logs, and the disks of their nodes."),
    ("~/.cache/crmsh-py/", "The grammar's tables and the history of the shell."),
)


def help_of(declaration: Declaration) -> CommandHelp:
    """Everything about one command."""
    rule = declaration.rule.removeprefix("cmd_")
    return CommandHelp(
        level=declaration.level,
        place=declared.place_of(declaration.level),
        name=declaration.name,
        usage=declaration.usage,
        summary=declaration.summary,
        details=" ".join(text_of(rule).split()),
        aliases=ALIASES.get(rule, ()),
        examples=(declaration.example, *examples_of(rule)),
        shows=_shows(rule),
    )


def _shows(rule: str) -> tuple[str, ...]:
    from crmsh_py.shell.shapes import SHAPES, shape_of

    if rule not in SHAPES:
        return ()
    from crmsh_py.value import field_names

    shape = shape_of(rule)
    return field_names(shape) if shape else ()


def level_of(name: str) -> LevelHelp:
    """A level with its commands; ``root`` is one too."""
    return LevelHelp(
        name=name,
        summary=declared.LEVELS.get(name, "what can be typed at the root, and everywhere"),
        inside=declared.INSIDE.get(name, ""),
        commands=tuple(map(help_of, declared.of_level(name))),
    )


def everything() -> Help:
    """All levels, the root first."""
    return Help(levels=tuple(map(level_of, ("root", *declared.LEVELS))))


def find(levels: tuple[str, ...], topics: tuple[str, ...]) -> Declaration | str:
    """The command, or the level, that some words mean when they are typed at a level.

    Raises NotFound.
    """
    here = levels[-1] if levels else "root"
    words = [word for word in topics if word not in ("root",)]
    place = here
    while words and words[0] in declared.LEVELS:
        if len(words) == 1 and (place == here or not _command(place, words[0])):
            return words[0]
        place, words = words[0], words[1:]
        if words and not (words[0] in declared.LEVELS and declared.INSIDE.get(words[0]) == place):
            break
    if not words:
        return place
    name = words[0]
    found = _command(place, name) or _command("root", name)
    if found is not None:
        return found
    elsewhere = [d for d in declared.ALL if _is_called(d, name)]
    if len(elsewhere) == 1 and place == here:
        return elsewhere[0]
    if elsewhere and place == here:
        hint = " or ".join(f"help {declared.place_of(d.level)}{d.name}" for d in elsewhere)
        raise NotFound(f"{name} is a command of several levels", hint=hint)
    begun = [d for d in declared.of_level(place) if d.name.startswith(name.lower())]
    if len(begun) == 1:
        return begun[0]
    if begun:
        hint = f"it could be {', '.join(d.name for d in begun)}"
        raise NotFound(f"there is no help for {' '.join(topics)}", hint=hint)
    from crmsh_py.lang.other_words import instead  # only mistakes need it

    if known := instead(place, name):
        raise NotFound(f"there is no help for {' '.join(topics)}", hint=known)
    names = [d.name for d in declared.of_level(place)] + list(declared.LEVELS)
    raise NotFound(f"there is no help for {' '.join(topics)}", name=name, possibilities=names)


def _command(level: str, name: str) -> Declaration | None:
    return next((d for d in declared.of_level(level) if _is_called(d, name)), None)


def _is_called(declaration: Declaration, name: str) -> bool:
    rule = declaration.rule.removeprefix("cmd_")
    return name in (declaration.name, declaration.name.replace("-", "_")) or (
        name in ALIASES.get(rule, ()) or name.replace("_", "-") == declaration.name
    )


def text(found: Declaration | str) -> str:
    """The help for a terminal."""
    if isinstance(found, Declaration):
        return manual.command(help_of(found))
    if found == "root":
        outer = [name for name in declared.LEVELS if name not in declared.INSIDE]
        return manual.root([_brief(name) for name in outer], _brief("root").commands)
    inner = [_brief(name) for name, above in declared.INSIDE.items() if above == found]
    return manual.level(_brief(found), inner)


def _brief(name: str) -> LevelHelp:
    """A level without what a list does not show: nothing has to be loaded for it."""
    commands = tuple(
        CommandHelp(
            level=d.level, place="", name=d.name, usage=d.usage, summary=d.summary, details="",
            aliases=(), examples=(d.example,), shows=(),
        )
        for d in declared.of_level(name)
    )  # fmt: skip
    summary = declared.LEVELS.get(name, "")
    return LevelHelp(name=name, summary=summary, inside="", commands=commands)


def record(found: Declaration | str) -> Help:
    """The help for programs."""
    if isinstance(found, Declaration):
        level = level_of(found.level)
        only = tuple(c for c in level.commands if c.name == found.name)
        return Help(levels=(LevelHelp(
            name=level.name, summary=level.summary, inside=level.inside, commands=only
        ),))  # fmt: skip
    return everything() if found == "root" else Help(levels=(level_of(found),))


def markdown() -> str:
    """``docs/commands.md``."""
    from crmsh_py.shell.shapes import SHAPES, fields_of, inner_shapes, shape_of, summary_of

    shapes: list[type] = []
    for rule in SHAPES:
        shape = shape_of(rule)
        assert shape is not None
        for one in (shape, *inner_shapes(shape)):
            if one not in shapes:
                shapes.append(one)
    shapes.sort(key=lambda one: one.__name__)
    return manual.markdown(
        everything(), [(one.__name__, summary_of(one), list(fields_of(one))) for one in shapes]
    )


def page() -> str:
    """``crm(8)``."""
    from crmsh_py import __version__
    from crmsh_py.shell.options import USAGE

    return manual.page(
        everything(),
        options=USAGE.partition("\n\n")[2],
        version=__version__,
        exit_codes=EXIT_CODES,
        environment=ENVIRONMENT,
        files=FILES,
    )
