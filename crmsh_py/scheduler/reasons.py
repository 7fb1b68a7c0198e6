"""The kinds of reasons, each with the sentence that it makes.

A sentence is a template: ``{subject}`` is what the reason is about, ``{source}`` the id of the
configuration element that it comes from, ``{value}`` a score or a word.
"""

from __future__ import annotations

from collections.abc import Mapping

from crmsh_py.scheduler.result import Reason

KINDS: Mapping[str, str] = {
    # about a resource on one node
    "location": "location constraint {source}",
    "colocation": "colocation {source} with {subject}",
    "stickiness": "it runs here, and its resource-stickiness holds it",
    "fail-limit": "it failed here as often as its migration-threshold allows",
    "failed-ban": "an operation failed here, and on-fail forbids the node",
    "hard-error": "the agent cannot run here (history entry {source})",
    "probe-failed": "the probe could not tell its state here (history entry {source})",
    "stop-failed": "it could not be stopped here (history entry {source})",
    "capacity": "the node has not the capacity that it needs",
    "shutdown-lock": "it is locked to a node that is shutting down",
    "promotion-score": "promotion score of {source}",
    # about a resource everywhere
    "target-role": "its target-role says that it shall not run",
    "fatal-error": "its agent says that its configuration is wrong (history entry {source})",
    "failed-stop": "an operation failed, and on-fail keeps it stopped",
    "unmanaged": "it is not managed, and stays where it is",
    "multiple-active": "it is active on several nodes, and multiple-active=block",
    "instance-limit": "the clone has as many instances as clone-max allows",
    "removed": "it is configured no more",
    "ticket-lost": "its ticket was lost (constraint {source})",
    "ticket-missing": "its ticket is not granted (constraint {source})",
    "ticket-standby": "its ticket is in standby (constraint {source})",
    # about what is done
    "next-role": "its role is decided by: {value}",
    "clear-failures": "its failures are forgotten: {value}",
    "cancel": "a recurring operation is cancelled: {value}",
    "node-unclean": "{subject} has to be fenced: {value}",
    "because": "{value}",
}


def sentence(reason: Reason) -> str:
    """What a reason says."""
    if reason.source_id == "#group-members":
        return f"where {reason.subject} of the same group is or can be"
    template = KINDS.get(reason.kind, "{value}")
    return template.format(
        subject=reason.subject, source=reason.source_id or "without an id", value=reason.value
    )
