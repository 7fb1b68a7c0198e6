"""What can be set, where, of which type, and what holds when it is not: tables of facts.

Cluster properties, meta attributes of resources, attributes of operations, and the parameters that
every fence device has beside its own. Names, types and defaults follow "Pacemaker Explained" (2.1
and 3); the sentences are ours. Pacemaker 3 renamed some options (``stonith-*`` became
``fencing-*``); both names work everywhere, and ``value_of`` looks for both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum

from crmsh_py.cib.booleans import parse_boolean
from crmsh_py.cib.durations import is_duration
from crmsh_py.cib.scores import is_score
from crmsh_py.value import frozen


class Kind(Enum):
    """What a value must look like."""

    STRING = "string"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "nonnegative integer"
    SCORE = "score"
    DURATION = "duration"
    PERCENTAGE = "percentage"
    SELECT = "select"


@frozen
class Option:
    """One thing that can be set. ``values`` are all that a SELECT may be, best known first.

    ``internal`` ones are set by the cluster, ``deprecated`` says what to use instead (or why not).
    """

    name: str
    kind: Kind
    default: str
    help: str
    values: tuple[str, ...] = ()
    old_names: tuple[str, ...] = ()
    internal: bool = False
    deprecated: str = ""

    def problem(self, value: str) -> str | None:
        """Why this cannot be the value, or None."""
        word = value.strip()
        if word == "#default":  # as if it were not set
            return None
        if self.kind is Kind.SELECT:
            if word.lower() in (v.lower() for v in self.values):
                return None
            return f"“{value}” is not one of {', '.join(self.values)}"
        if _CHECKS[self.kind](word):
            return None
        return f"“{value}” is not {_WORDS[self.kind]}"


_CHECKS: Mapping[Kind, Callable[[str], bool]] = {
    Kind.STRING: lambda word: True,
    Kind.BOOLEAN: lambda word: parse_boolean(word) is not None,
    Kind.INTEGER: lambda word: re.fullmatch(r"[+-]?\d+", word) is not None,
    Kind.NUMBER: lambda word: re.fullmatch(r"\+?\d+", word) is not None,
    Kind.SCORE: is_score,
    Kind.DURATION: lambda word: is_duration(word) or re.fullmatch(r"-\d+", word) is not None,
    Kind.PERCENTAGE: lambda word: re.fullmatch(r"\d+(\.\d+)?%?", word) is not None,
}
_WORDS: Mapping[Kind, str] = {
    Kind.STRING: "a text",
    Kind.BOOLEAN: "true or false",
    Kind.INTEGER: "a whole number",
    Kind.NUMBER: "a whole number from 0 on",
    Kind.SCORE: "a score (a whole number, INFINITY or -INFINITY)",
    Kind.DURATION: "a length of time (30s, 5min, 2h …)",
    Kind.PERCENTAGE: "a percentage",
}


def _table(options: Iterable[Option]) -> Mapping[str, Option]:
    return {option.name: option for option in options}


_B, _D, _S, _N, _T = Kind.BOOLEAN, Kind.DURATION, Kind.SELECT, Kind.NUMBER, Kind.STRING

PROPERTIES: Mapping[str, Option] = _table(
    (
        Option("no-quorum-policy", _S, "stop",
               "what a part of the cluster does with its resources when it has no quorum",
               ("stop", "freeze", "ignore", "demote", "fence", "suicide")),
        Option("symmetric-cluster", _B, "true",
               "resources may run on any node unless a constraint forbids it"),
        Option("maintenance-mode", _B, "false",
               "leave all resources alone: neither start nor stop nor monitor them"),
        Option("fencing-enabled", _B, "true",
               "cut off nodes that are lost or cannot stop a resource; needs a fence device",
               old_names=("stonith-enabled",)),
        Option("fencing-action", _S, "reboot", "what fencing does to a node",
               ("reboot", "off", "poweroff"), old_names=("stonith-action",)),
        Option("fencing-timeout", _D, "60s", "how long to wait for a fencing action",
               old_names=("stonith-timeout",)),
        Option("fencing-max-attempts", Kind.SCORE, "10",
               "how often fencing a node may fail before it is no longer tried at once",
               old_names=("stonith-max-attempts",)),
        Option("fencing-watchdog-timeout", _D, "0",
               "after how long a lost node's watchdog is believed to have reset it",
               old_names=("stonith-watchdog-timeout",)),
        Option("fencing-reaction", _S, "stop",
               "what a node does that learns that it was fenced but still runs",
               ("stop", "panic"), old_names=("fence-reaction",)),
        Option("concurrent-fencing", _B, "true", "fence several nodes at the same time"),
        Option("startup-fencing", _B, "true",
               "fence nodes that nobody has seen since the cluster started"),
        Option("priority-fencing-delay", _D, "0",
               "delay for fencing the node whose resources have the higher priority"),
        Option("node-pending-timeout", _D, "0",
               "how long a node may take from joining the membership to joining the manager"),
        Option("start-failure-is-fatal", _B, "true",
               "one failed start keeps a resource off that node (else migration-threshold counts)"),
        Option("enable-startup-probes", _B, "true",
               "look on a new node what runs there already"),
        Option("stop-all-resources", _B, "false", "stop everything"),
        Option("stop-removed-resources", _B, "true",
               "stop what still runs though it was removed from the configuration",
               old_names=("stop-orphan-resources",)),
        Option("cancel-removed-actions", _B, "true",
               "end recurring operations that were removed from the configuration",
               old_names=("stop-orphan-actions",)),
        Option("remove-after-stop", _B, "false", "forget a resource's history once it is stopped",
               deprecated="it was never safe"),
        Option("placement-strategy", _S, "default",
               "how resources are spread: by their number, or by what they need",
               ("default", "utilization", "minimal", "balanced")),
        Option("node-health-strategy", _S, "none",
               "what the health attributes (#health-…) of a node do to its resources",
               ("none", "migrate-on-red", "only-green", "progressive", "custom")),
        Option("node-health-base", Kind.INTEGER, "0",
               "score that every node starts from (strategy progressive)"),
        Option("node-health-green", Kind.SCORE, "0", "what the health value green counts"),
        Option("node-health-yellow", Kind.SCORE, "0", "what the health value yellow counts"),
        Option("node-health-red", Kind.SCORE, "-INFINITY", "what the health value red counts"),
        Option("shutdown-lock", _B, "false",
               "resources of a node that was shut down wait for it to come back"),
        Option("shutdown-lock-limit", _D, "0", "how long they wait at most (0: for ever)"),
        Option("enable-acl", _B, "false", "let access control lists decide who may do what"),
        Option("cluster-delay", _D, "60s",
               "time for a message to come round between the nodes (without running the action)"),
        Option("dc-deadtime", _D, "20s", "how long to look for other nodes at the start"),
        Option("cluster-recheck-interval", _D, "15min",
               "how often to look whether time alone has changed what should run"),
        Option("election-timeout", _D, "2min", "how long electing a DC may take"),
        Option("shutdown-escalation", _D, "20min",
               "how long a node may take to shut down before it ends as it is"),
        Option("join-integration-timeout", _D, "3min", "how long joining the cluster may take",
               old_names=("crmd-integration-timeout",)),
        Option("join-finalization-timeout", _D, "30min",
               "how long the last part of joining may take",
               old_names=("crmd-finalization-timeout",)),
        Option("transition-delay", _D, "0s",
               "wait this long for more events before acting on the first",
               old_names=("crmd-transition-delay",)),
        Option("batch-limit", Kind.INTEGER, "0",
               "how many actions may run at the same time in the cluster (0: find out)"),
        Option("migration-limit", Kind.INTEGER, "-1",
               "how many live migrations a node may do at the same time (-1: any number)"),
        Option("node-action-limit", Kind.INTEGER, "0",
               "how many actions a node may run at the same time (0: twice its processors)"),
        Option("load-threshold", Kind.PERCENTAGE, "80%",
               "use of a node's processors from which fewer actions are sent to it"),
        Option("cluster-ipc-limit", _N, "500",
               "how many messages may wait for a slow client before it is dropped"),
        Option("pe-error-series-max", Kind.INTEGER, "-1",
               "how many inputs that led to errors are kept"),
        Option("pe-warn-series-max", Kind.INTEGER, "5000",
               "how many inputs that led to warnings are kept"),
        Option("pe-input-series-max", Kind.INTEGER, "4000", "how many other inputs are kept"),
        Option("cluster-name", _T, "", "the name of this cluster"),
        Option("dc-version", _T, "", "version of the program on the DC", internal=True),
        Option("cluster-infrastructure", _T, "", "what brings messages and membership",
               internal=True),
        Option("have-watchdog", _B, "false", "whether a watchdog guards the nodes",
               internal=True),
        Option("last-lrm-refresh", _T, "", "when a history was last cleaned by hand",
               internal=True),
    )
)  # fmt: skip

_ROLES = ("Stopped", "Started", "Unpromoted", "Promoted", "Slave", "Master")
_ON_FAIL = (
    "ignore",
    "block",
    "stop",
    "restart",
    "standby",
    "fence",
    "restart-container",
    "demote",
)

RESOURCE_META: Mapping[str, Option] = _table(
    (
        Option("priority", Kind.SCORE, "0",
               "when not everything can run, what has a lower priority gives way"),
        Option("critical", _B, "true",
               "default for influence in colocations of this resource, also as a group's member"),
        Option("target-role", _S, "Started", "the state that the resource shall be in", _ROLES),
        Option("is-managed", _B, "true", "whether the cluster may start and stop it"),
        Option("maintenance", _B, "false", "leave it alone, do not even monitor it"),
        Option("resource-stickiness", Kind.SCORE, "0",
               "how much it prefers to stay where it is"),
        Option("requires", _S, "fencing", "what must be the case before it may start",
               ("fencing", "quorum", "nothing", "unfencing")),
        Option("migration-threshold", Kind.SCORE, "INFINITY",
               "after how many failures on a node it must leave it"),
        Option("failure-timeout", _D, "0", "after how long a failure is forgotten (0: never)"),
        Option("multiple-active", _S, "stop_start",
               "what to do when it is found active on several nodes",
               ("stop_start", "block", "stop_only", "stop_unexpected")),
        Option("allow-migrate", _B, "false",
               "move it live (migrate_to, migrate_from) where the agent can do that"),
        Option("allow-unhealthy-nodes", _B, "false", "let it run on nodes that are not healthy"),
        Option("container-attribute-target", _T, "",
               "keep attributes of a container's resource on the host (host)"),
        Option("remote-node", _T, "", "name of the guest node that this resource is"),
        Option("remote-addr", _T, "", "address of the guest node"),
        Option("remote-port", _N, "3121", "port of the guest node"),
        Option("remote-connect-timeout", _D, "60s", "how long connecting to a guest may take"),
        Option("container", _T, "", "the resource that a guest node runs in", internal=True),
        Option("remote-allow-migrate", _B, "true", "whether a guest node may be migrated"),
        Option("provides", _T, "",
               "unfencing: a node must be let in by this fence device before it runs anything"),
        Option("restart-type", _S, "ignore", "restart when an optional order's first restarts",
               ("ignore", "restart"), deprecated="Pacemaker 2.1 is the last to read it"),
        Option("resource-discovery", _T, "", "an old place of a location's attribute",
               deprecated="set it in a location constraint"),
    )
)  # fmt: skip

GROUP_META: Mapping[str, Option] = {
    **RESOURCE_META,
    **_table(
        (
            Option("ordered", _B, "true", "start the members one after the other",
                   deprecated="use an unordered set in constraints instead"),
            Option("collocated", _B, "true", "keep the members on one node",
                   deprecated="use constraints instead of a group"),
        )
    ),
}  # fmt: skip

CLONE_META: Mapping[str, Option] = {
    **RESOURCE_META,
    **_table(
        (
            Option("clone-max", _N, "", "how many instances there are (default: one a node)"),
            Option("clone-node-max", _N, "1", "how many instances may run on one node"),
            Option("clone-min", _N, "0",
                   "how many must run before what depends on the clone may start"),
            Option("globally-unique", _B, "false", "each instance does something else"),
            Option("notify", _B, "false", "tell every instance before and after actions"),
            Option("ordered", _B, "false", "start the instances one after the other"),
            Option("interleave", _B, "false",
                   "what depends on it needs only the instance on its own node"),
            Option("promotable", _B, "false", "instances can be promoted"),
            Option("promoted-max", _N, "1", "how many instances may be promoted",
                   old_names=("master-max",)),
            Option("promoted-node-max", _N, "1", "how many may be promoted on one node",
                   old_names=("master-node-max",)),
        )
    ),
}  # fmt: skip

OPERATION: Mapping[str, Option] = _table(
    (
        Option("interval", _D, "0", "how often it is repeated (0: only when it is needed)"),
        Option("timeout", _D, "20s", "how long it may take before it counts as failed"),
        Option("on-fail", _S, "restart", "what to do when it fails", _ON_FAIL),
        Option("role", _S, "Started", "only while the resource has this role",
               (*_ROLES[:4], "Slave", "Master")),
        Option("start-delay", _D, "0", "wait this long after the start before the first time"),
        Option("interval-origin", _T, "", "a date that the repetitions are counted from"),
        Option("enabled", _B, "true", "false: as if it were not there"),
        Option("record-pending", _B, "true", "show it while it runs"),
        Option("description", _T, "", "what it is for"),
        Option("requires", _S, "", "what must be the case before it may run",
               ("nothing", "quorum", "fencing", "unfencing"), deprecated="a meta attribute now"),
        Option("id", _T, "", "its id"),
        Option("name", _T, "", "its name"),
    )
)  # fmt: skip

_FENCE_ACTIONS = ("reboot", "off", "on", "list", "monitor", "status")

FENCING_PARAMETERS: Mapping[str, Option] = _table(
    (
        Option("pcmk_host_map", _T, "",
               "names of nodes and what the device calls them: n1:1;n2:2,3"),
        Option("pcmk_host_list", _T, "", "the nodes that it can fence, separated by blanks"),
        Option("pcmk_host_check", _S, "", "how to find out which nodes it can fence",
               ("dynamic-list", "static-list", "status", "none")),
        Option("pcmk_host_argument", _T, "port", "the agent's parameter for the node to be fenced"),
        Option("pcmk_delay_max", _D, "0", "random delay before fencing, at most"),
        Option("pcmk_delay_base", _T, "0", "delay before fencing; also by node: n1:5s;n2:0s"),
        Option("pcmk_action_limit", Kind.INTEGER, "1",
               "how many actions it can do at the same time (-1: any number)"),
        Option("provides", _T, "", "what else it does (unfencing)", deprecated="agents say so"),
        Option("stonith-timeout", _D, "", "how long an action may take",
               deprecated="use pcmk_reboot_timeout and its like"),
        Option("priority", Kind.INTEGER, "0", "which of several devices is used first",
               deprecated="use fencing_topology"),
        *(
            option
            for action in _FENCE_ACTIONS
            for option in (
                Option(f"pcmk_{action}_action", _T, action,
                       f"what the agent shall do when the cluster says {action}"),
                Option(f"pcmk_{action}_timeout", _D, "60s",
                       f"how long {action} may take, in place of fencing-timeout"),
                Option(f"pcmk_{action}_retries", Kind.INTEGER, "2",
                       f"how often {action} is tried within its time"),
            )
        ),
    )
)  # fmt: skip

# Under which name of today something is found.
_TODAY: Mapping[str, str] = {
    old: option.name
    for table in (PROPERTIES, CLONE_META)
    for option in table.values()
    for old in option.old_names
}

# Every name of every cluster property, old ones too.
CLUSTER_OPTIONS: Mapping[str, Option] = {
    name: option for option in PROPERTIES.values() for name in (option.name, *option.old_names)
}


def today(name: str) -> str:
    """The name that an option has today: ``fencing-enabled`` for ``stonith-enabled``."""
    return _TODAY.get(name, name)


def find(table: Mapping[str, Option], name: str) -> Option | None:
    """An option under its name of today or an old one."""
    return table.get(name) or table.get(today(name))


def names(table: Mapping[str, Option]) -> tuple[str, ...]:
    """All names, old ones too, sorted."""
    return tuple(sorted({*table, *(old for o in table.values() for old in o.old_names)}))


def value_of(values: Mapping[str, str], name: str, table: Mapping[str, Option] = PROPERTIES) -> str:
    """The value that is set under any name of the option, or its default."""
    option = find(table, name)
    if option is None:
        return values.get(name, "")
    for candidate in (option.name, *option.old_names):
        if candidate in values:
            return values[candidate]
    return option.default
