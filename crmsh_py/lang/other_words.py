"""Words that people bring with them (from pcs, from the system), and what is typed here instead.

A near name, or another level's command of that name, would mislead them: “unfreeze” is no mistyped
freeze, and who wants to disable a resource does not want to disable the cluster.
"""

from __future__ import annotations

from collections.abc import Collection

from crmsh_py.lang.tables import LEVELS

# By the level; a command of another level is written with it.
_TABLE = {
    "root": {
        "acl": "configure role, configure acl_target",
        "alert": "configure alert",
        "booth": "site ticket",
        "constraint": "configure location, configure colocation, configure order",
        "quorum": "corosync status quorum",
        "stonith": "configure primitive ID stonith:AGENT, node fence NODE, node clearstate NODE",
        "tag": "configure tag",
        "ticket": "site ticket",
        "undo": "configure rollback REVISION, after configure revisions",
    },
    "configure": {
        "add": "primitive ID AGENT",
        "create": "primitive ID AGENT",
        "discard": "refresh",
        "list": "show",
        "remove": "delete",
        "revert": "refresh (what is pending), rollback REVISION (what was committed)",
        "undo": "refresh (what is pending), rollback REVISION (what was committed)",
    },
    "resource": {
        "config": "configure show ID",
        "create": "configure primitive ID AGENT",
        "debug-monitor": "maintenance action RSC monitor",
        "debug-start": "maintenance action RSC start",
        "debug-stop": "maintenance action RSC stop",
        "defaults": "configure rsc_defaults",
        "delete": "configure delete ID",
        "describe": "ra info AGENT",
        "disable": "stop",
        "edit": "configure edit ID",
        "enable": "start",
        "group": "configure group",
        "clone": "configure clone",
        "relations": "constraints",
        "remove": "configure delete ID",
        "rename": "configure rename OLD NEW",
        "update": "param RSC set NAME VALUE",
    },
    "node": {
        "add": "cluster add NODE",
        "confirm": "clearstate",
        "drain": "standby",
        "kill": "fence",
        "reboot": "fence",
        "remove": "cluster remove NODE",
        "rename": "cluster add NEW, cluster remove OLD",
        "stop": "cluster stop NODE",
        "start": "cluster start NODE",
        "undrain": "online",
        "unmaintenance": "ready",
        "unstandby": "online",
    },
    "cluster": {
        "create": "lab create",
        "destroy": "lab destroy",
        "setup": "lab create",
    },
    "corosync": {
        "link": "status ring",
        "quorum": "status quorum",
        "ring": "status ring",
        "rm": "cluster remove NODE",
    },
    "lab": {
        "add": "cluster add NODE",
        "connect": "heal",
        "continue": "thaw",
        "delete": "destroy",
        "disconnect": "partition",
        "down": "stop",
        "hang": "freeze",
        "isolate": "partition",
        "off": "stop, or kill (a power cut)",
        "pause": "freeze",
        "poweroff": "stop, or kill (a power cut)",
        "remove": "cluster remove NODE",
        "restart": "reboot",
        "resume": "thaw",
        "run": "exec NODE -- COMMAND",
        "show": "status",
        "split": "partition",
        "ssh": "shell",
        "unfreeze": "thaw",
        "unpause": "thaw",
    },
}


# What happens to a node or a resource, where one of these words is possible.
_EVENTS = {
    "kill": ("crash", "dead", "die", "down", "fail", "fence", "lose", "lost", "poweroff"),
    "leave": ("shutdown", "stop"),
    "return": ("back", "join", "start"),
    "standby": ("drain",),
    "fail": ("crash", "die", "kill", "lost"),
    "grant": ("give",),
    "revoke": ("lose", "take"),
}


def event(word: str, possible: Collection[str]) -> str | None:
    """A hint at the name of an event; None where none of these names is possible."""
    for name, words in _EVENTS.items():
        if name in possible and word.lower() in words:
            return f"here that is {name}"
    return None


def instead(level: str, word: str) -> str | None:
    """A hint at what is typed at a level instead of this word; None for one that is not known."""
    here = _TABLE.get(level, {}).get(word.lower().replace("_", "-"))
    if here is None:
        return None
    away = level != "root" and here.partition(" ")[0] in LEVELS
    return f"at the top level that is {here}" if away else f"here that is {here}"


def all_words() -> list[tuple[str, str, str]]:
    """The table as (level, word, what is typed instead)."""
    return [(level, word, here) for level, words in _TABLE.items() for word, here in words.items()]
