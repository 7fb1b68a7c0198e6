"""The keywords inside commands in a person's words: what completion shows beside them.

Commands and levels are explained by their declarations. ``UNUSUAL`` words are second spellings
and rare forms: understood wherever they are typed, but offered only to who begins to type them.
"""

from __future__ import annotations

GLOSSES: dict[str, str] = {
    # parts of resources
    "params": "parameters for the agent",
    "op": "an operation: monitor, start, stop …",
    "op_params": "parameters for the agent in this operation",
    "op_meta": "meta attributes of this operation",
    "meta": "how the cluster treats the resource",
    "attributes": "node attributes",
    "utilization": "capacity that it needs, or that a node has",
    "operations": "options of all its operations",
    "rule": "only when a condition holds",
    # containers
    "docker": "containers run by docker",
    "podman": "containers run by podman",
    "rkt": "containers run by rkt",
    "network": "addresses and ports of the containers",
    "port-mapping": "a port of the containers",
    "storage": "directories of the containers",
    "storage-mapping": "a directory of the host inside the containers",
    "primitive": "the resource inside the containers",
    # rules
    "date": "a moment or a period",
    "defined": "the node has this attribute",
    "not_defined": "the node does not have this attribute",
    "and": "both must hold",
    "or": "one of them must hold",
    "in": "between two moments",
    "spec": "at these times of the calendar",
    "lt": "before",
    "gt": "after",
    # sets and braces
    "(": "begin resources side by side",
    ")": "end them",
    "[": "begin resources of which any is enough",
    "]": "end them",
    "{": "begin a list",
    "}": "end it",
    # access control
    "read": "may see",
    "write": "may see and change",
    "deny": "may not even see",
    # alerts
    "select": "only for some kinds of events",
    "to": "a recipient",
    "nodes": "about nodes",
    "fencing": "about fencing",
    "resources": "about resources",
    # arguments of commands
    "add": "put a resource into the group",
    "remove": "take a resource out of the group",
    "before": "in front of a member",
    "after": "behind a member",
    "set": "set it to a value",
    "delete": "remove it",
    "show": "print it",
    "replace": "instead of what is there",
    "update": "into what is there",
    "push": "make it exactly so, changing as little as possible",
    "xml": "as XML",
    "changed": "only what is not committed yet",
    "force": "without being asked",
    "reboot": "until the node restarts",
    "forever": "until it is taken back",
    "on": "switch it on",
    "off": "switch it off",
    "--all": "all nodes",
    "--until-healthy": "until it has run there without a failure",
    "--force": "even if it is running",
    "withstatus": "with the status of the live cluster",
    "empty": "without any configuration",
    "live": "the live cluster",
    "configs": "what was begun from templates",
    "templates": "the templates that there are",
    "--config": "a corosync.conf",
    "--nodes": "names of nodes, separated by commas",
    "--network": "the network of the nodes",
    "--corosync-only": "without the cluster manager",
    "bash": "source <(crm completion bash)",
    "zsh": "source <(crm completion zsh)",
    "fish": "crm completion fish | source",
    "--": "the words of the command follow",
}

UNUSUAL = frozenset(
    {
        *("_rsc_set_", "collocation", "date_spec", "default_timeouts", "fencing-topology"),
        *("get_property", "in_range", "master", "ms", "rkt", "true", "false", "user"),
        *("validate_all", "weak_bond", "-f", "-t", "?"),
    }
)
