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
        "host": "cluster join",
        "logs": "history log",
        "mon": "status",
        "quorum": "corosync status quorum",
        "stonith": "configure primitive ID stonith:AGENT, node fence NODE, node clearstate NODE",
        "tag": "configure tag",
        "ticket": "site ticket",
        "undo": "configure rollback REVISION, after configure revisions",
    },
    "configure": {
        "abort": "refresh",
        "add": "primitive ID AGENT",
        "apply": "commit",
        "cancel": "refresh",
        "checkpoint": "revisions",
        "constraint": "location, colocation, order",
        "create": "primitive ID AGENT",
        "discard": "refresh",
        "dump": "show",
        "export": "save FILE",
        "import": "load update FILE",
        "list": "show",
        "promotable": "clone ID RSC meta promotable=true",
        "push": "commit",
        "remove": "delete",
        "revert": "refresh (what is pending), rollback REVISION (what was committed)",
        "stonith": "primitive ID stonith:AGENT",
        "undo": "refresh (what is pending), rollback REVISION (what was committed)",
        "update": "set ID.NAME VALUE",
        "write": "commit",
    },
    "resource": {
        "add": "configure primitive ID AGENT",
        "agents": "ra list CLASS",
        "clone": "configure clone",
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
        "failover": "move",
        "group": "configure group",
        "info": "status",
        "kill": "fail",
        "log": "history resource RSC",
        "promotable": "configure clone ID RSC meta promotable=true",
        "relations": "constraints",
        "reload": "restart",
        "relocate": "move",
        "remove": "configure delete ID",
        "rename": "configure rename OLD NEW",
        "reset": "cleanup",
        "standards": "ra classes",
        "switch": "move",
        "unclone": "configure delete CLONE",
        "ungroup": "configure delete GROUP",
        "update": "param RSC set NAME VALUE",
    },
    "node": {
        "add": "cluster add NODE",
        "confirm": "clearstate",
        "down": "standby",
        "drain": "standby",
        "evict": "standby",
        "fail": "fence",
        "info": "show",
        "kill": "fence",
        "offline": "standby, or cluster stop NODE",
        "reboot": "fence",
        "remove": "cluster remove NODE",
        "rename": "cluster add NEW, cluster remove OLD",
        "start": "cluster start NODE",
        "stop": "cluster stop NODE",
        "undrain": "online",
        "unmaintenance": "ready",
        "unstandby": "online",
    },
    "cluster": {
        "auth": "join",
        "cib-push": "configure load replace FILE",
        "config": "corosync show",
        "create": "lab create",
        "destroy": "lab destroy",
        "link": "corosync status ring",
        "setup": "lab create",
        "sync": "corosync push",
    },
    "corosync": {
        "link": "status ring",
        "quorum": "status quorum",
        "ring": "status ring",
        "rm": "cluster remove NODE",
        "sync": "push",
    },
    "lab": {
        "add": "cluster add NODE",
        "boot": "start",
        "connect": "heal",
        "continue": "thaw",
        "cut": "partition",
        "delete": "destroy",
        "disconnect": "partition",
        "down": "stop",
        "hang": "freeze",
        "info": "status",
        "isolate": "partition",
        "nodes": "status",
        "off": "stop, or kill (a power cut)",
        "pause": "freeze",
        "poweroff": "stop, or kill (a power cut)",
        "ps": "status",
        "remove": "cluster remove NODE",
        "reset": "reboot",
        "restart": "reboot",
        "resume": "thaw",
        "run": "exec NODE -- COMMAND",
        "show": "status",
        "split": "partition",
        "ssh": "shell",
        "unfreeze": "thaw",
        "unpause": "thaw",
    },
    "ra": {
        "agents": "list CLASS",
        "describe": "info AGENT",
        "show": "info AGENT",
        "standards": "classes",
    },
    "site": {
        "grant": "ticket grant TICKET",
        "revoke": "ticket revoke TICKET",
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
