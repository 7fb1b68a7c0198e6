"""Words of the crm language that are neither grammar nor CIB: small tables used in both directions.

Sources: Pacemaker Explained (roles, order kinds, operation attributes), crmsh's manual (words for
scores, shortcuts of ACL permissions).
"""

from __future__ import annotations

import re

from crmsh_py.cib.booleans import FALSE, TRUE
from crmsh_py.regex import regex

# Attributes that an <op> has itself; every other name is an instance attribute of the operation.
OP_ATTRIBUTES = frozenset(
    {
        "interval",
        "timeout",
        "role",
        "on-fail",
        "record-pending",
        "enabled",
        "start-delay",
        "interval-origin",
        "description",
        "requires",
    }
)
ROLES = ("Started", "Stopped", "Promoted", "Unpromoted", "Master", "Slave")
ACTIONS = ("start", "promote", "demote", "stop")
KINDS = ("Mandatory", "Optional", "Serialize")
LOSS_POLICIES = ("stop", "demote", "fence", "freeze")
DATE_FIELDS = (
    "seconds",
    "minutes",
    "hours",
    "monthdays",
    "weekdays",
    "yeardays",
    "yearsdays",
    "months",
    "weeks",
    "years",
    "weekyears",
    "moon",
)
# Words that end a list of attributes; an attribute without a value may not be named so.
SET_KEYWORDS = frozenset(
    {
        "params",
        "meta",
        "utilization",
        "operations",
        "op",
        "op_params",
        "op_meta",
        "rule",
        "attributes",
        "docker",
        "podman",
        "rkt",
        "network",
        "storage",
        "primitive",
        "port-mapping",
        "storage-mapping",
        "select",
        "to",
    }
)
RENAMED_ROLES = {"Master": "Promoted", "Slave": "Unpromoted"}
BOOLEANS = {
    **dict.fromkeys(TRUE, True),
    **dict.fromkeys(FALSE, False),
}

_SCORE_WORDS = {
    "inf": "INFINITY",
    "infinity": "INFINITY",
    "mandatory": "INFINITY",
    "+inf": "+INFINITY",
    "+infinity": "+INFINITY",
    "-inf": "-INFINITY",
    "-infinity": "-INFINITY",
    "advisory": "0",
}
_PRINTED_SCORES = {"INFINITY": "inf", "+INFINITY": "+inf", "-INFINITY": "-inf"}
_NUMBER = regex(r"[+-]?\d+")


def score_from_word(word: str) -> str:
    """A score as the CIB writes it; a word that is no score names a node attribute."""
    return _SCORE_WORDS.get(word.lower(), word)


def score_to_word(score: str) -> str:
    """The other way: what stands before the colon."""
    return _PRINTED_SCORES.get(score, score)


def is_score(score: str) -> bool:
    """Whether a normalized score is one, and not the name of an attribute."""
    return score in _PRINTED_SCORES or _NUMBER.fullmatch(score) is not None


def has_new_roles(schema: str) -> bool:
    """Whether a schema (``pacemaker-3.9``) has the roles Promoted and Unpromoted.

    They came with pacemaker-3.7; a schema that is not known is taken for a new one.
    """
    version = re.fullmatch(r"pacemaker-(\d+)\.(\d+)", schema)
    return version is None or (int(version[1]), int(version[2])) >= (3, 7)


# ---- shortcuts of ACL permissions ----------------------------------------------------------------
# shortcut -> (XPath, what is added for a second name); {} stands for the name after the colon.
_ACL_SHORTCUTS = {
    "meta": ("//primitive[@id='{}']/meta_attributes", "/nvpair[@name='{}']"),
    "params": ("//primitive[@id='{}']/instance_attributes", "/nvpair[@name='{}']"),
    "utilization": ("//primitive[@id='{}']/utilization", ""),
    "location": ("//rsc_location[@id='cli-prefer-{}' and @rsc='{}']", ""),
    "property": ("//crm_config/cluster_property_set", "/nvpair[@name='{}']"),
    "nodeattr": ("//nodes/node/instance_attributes", "/nvpair[@name='{}']"),
    "nodeutil": ("//nodes/node/utilization", "[@uname='{}']"),
    "node": ("//nodes/node", "[@uname='{}']"),
    "status": ("/cib/status", ""),
    "cib": ("/cib", ""),
}


def acl_shortcut_to_xpath(text: str) -> str | None:
    """``meta:p:target-role`` as an XPath; None when it is no shortcut."""
    name, *arguments = text.split(":")
    if name.lower() not in _ACL_SHORTCUTS:
        return None
    path, more = _ACL_SHORTCUTS[name.lower()]
    if "{}" in path:
        if not arguments:
            return None
        path = path.replace("{}", arguments.pop(0))
    if arguments:
        if not more or len(arguments) > 1:
            return None
        path += more.replace("{}", arguments[0])
    return path


def xpath_to_acl_shortcut(path: str) -> str | None:
    """The shortcut that means this XPath, if there is one."""
    for name, (pattern, more) in _ACL_SHORTCUTS.items():
        groups = re.escape(pattern).replace(r"\{\}", r"([\w.-]+)", 1).replace(r"\{\}", r"\1")
        tail = re.escape(more).replace(r"\{\}", r"([\w.-]+)")
        match = re.fullmatch(f"{groups}(?:{tail})?" if more else groups, path)
        if match:
            return ":".join([name, *(group for group in match.groups() if group)])
    return None
