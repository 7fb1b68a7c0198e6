"""The sentences of all reasons: the only prose of the scheduler.

Contributions (``result.Contribution``) and reasons (``result.Reason``) are values that name a kind.
Here each kind has its template: ``{source}`` is the id of the element that it comes from,
``{subject}`` what it is about besides, ``{value}`` a word or number more, ``{by}`` the source in
parentheses where there is one. Pure: values in, text
out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crmsh_py.cib.scores import INFINITY, format_score
from crmsh_py.scheduler.result import Contribution, Reason

# What a change of the summary is called in a sentence.
VERBS: Mapping[str, str] = {
    "Start": "starts",
    "Stop": "stops",
    "Move": "moves",
    "Migrate": "migrates",
    "Restart": "restarts",
    "Recover": "is recovered",
    "Reload": "reloads",
    "Promote": "is promoted",
    "Re-promote": "is promoted again",
    "Demote": "is demoted",
}

_MOST_PARTS = 4

# What is added to a score, as it stands in a table behind its amount.
CONTRIBUTIONS: Mapping[str, str] = {
    "node": "score of the node itself ({source})",
    "location": "location {source}",
    "health": "health of the node ({source})",
    "discovery": "location {source} names the only nodes that it may be on",
    "stickiness": "it runs here, and resource-stickiness holds it ({source})",
    "colocation": "colocation {source} with {subject}",
    "colocation-score": "score of {subject} here (colocation {source})",
    "wish": "wish of {subject}, by colocation {source}",
    "wish-limited": "wish of {subject}, by colocation {source}, which may not forbid the node: "
    "{value} would",
    "fail-limit": "it failed here as often as migration-threshold allows ({source})",
    "failed-ban": "an operation failed here, and on-fail forbids the node ({source})",
    "hard-error": "its agent cannot run here ({source})",
    "probe-failed": "its agent cannot tell its state here ({source})",
    "stop-failed": "it could not be stopped here ({source})",
    "fatal-error": "its agent says that its configuration is wrong ({source})",
    "failed-stop": "an operation failed, and on-fail keeps it stopped ({source})",
    "multiple-active": "it is active on several nodes, and multiple-active stops it ({source})",
    "capacity": "the node has not enough {source}",
    "shutdown-lock": "it is locked to a node that is shut down ({source})",
    "target-role": "its target-role is Stopped ({source})",
    "target-role-unpromoted": "its target-role is Unpromoted ({source})",
    "stopped": "it is to be stopped ({source})",
    "unpromoted": "it is to be demoted ({source})",
    "unmanaged": "it runs here, and is not managed ({source})",
    "ticket-lost": "its ticket was lost ({source})",
    "ticket-missing": "its ticket is not granted ({source})",
    "ticket-standby": "its ticket is in standby ({source})",
    "removed": "it is an instance that {source} has no more",
    "unavailable": "the node {source} can run nothing now",
    "whole-forbidden": "{source} as a whole may not run here",
    "instance-node-limit": "{source} has as many instances here as it may",
    "instance-limit": "{source} has as many instances as clone-max allows",
    "own-container": "what is in {source} runs in its own container only",
    "guest-node": "only what is in {source} runs there",
    "no-remote": "{source} does not run on remote nodes",
    # promotion
    "promotion-score": "promotion score that the agent gave ({source})",
    "no-promotion-score": "the agent gave no promotion score ({source})",
    "role-promoted": "its role is decided already ({source})",
    "no-node": "no node was found for the instance ({source})",
}

# Why something happens: what stands behind "because".
REASONS: Mapping[str, str] = {
    "follows": "{subject} {value}{by}",
    "required": "{subject} must {value}{by}",
    "blocked": "{subject} cannot {value}{by}",
    "undecided": "its place or role has changed",
    "colocation-nowhere": "{subject} runs nowhere ({source})",
    "better": "{subject} has a better score ({value})",
    "better-source": "{subject} has a better score ({value}: {source})",
    "balance": "{subject} is as good and has fewer resources",
    "failed": "its {value} failed ({source})",
    "changed-definition": "the definition of {subject} has changed since it was started",
    "node-lost": "{subject} is lost",
    "node-offline": "{subject} is offline",
    "node-leaving": "{subject} is shutting down",
    "node-standby": "{subject} is in standby",
    "node-maintenance": "{subject} is in maintenance",
    "node-pending": "{subject} has not joined yet",
    "no-node": "no node can run it",
    "not-running": "it is to run, and does not",
    "no-quorum": "the cluster has no quorum, and no-quorum-policy is {value}",
    "stop-all": "stop-all-resources is set ({source})",
    "best-promotion": "its promotion score is the best ({value})",
    "worse-promotion": "the promotion score of {subject} is better ({value})",
    "unpromotable": "its promotion score is {value}",
    "fencing": "{subject} is to be fenced",
    "too-few": "too few of what must come first are up ({source})",
    "interrupted": "a start of it has not ended, or its agent is another one now ({subject})",
    "several": "it is active on several nodes",
    "contribution": "{value}",
    "because": "{value}",
    # actions
    "probe": "its state on {value} is not known",
    "recurring": "it is repeated ({source})",
    "cancel": "it is wanted no more: {value}",
    "clear-failures": "its failures are forgotten: {value}",
    "forget": "its history on {value} is out of date",
    "notify": "its instances are told what happens ({source})",
    "point": "a point in the order of {subject}",
    "load": "what comes to {subject} waits until others have left",
    # the plan as a whole
    "contained-failed": "{value} failed in it ({source})",
    "guest-lost": "its guest is lost, {value}",
    "migration-broken": "a migration of it did not end",
    "next-role": "its role is decided: {value}",
    "node-unclean": "{subject} has to be fenced: {value}",
}


def amount(number: int) -> str:
    """An amount with its sign."""
    return f"+{format_score(number)}" if number >= 0 else format_score(number)


def contribution(each: Contribution) -> str:
    """What a contribution is, without its amount."""
    value = each.detail
    if each.kind == "wish-limited":
        value = amount(int(each.detail))
    return CONTRIBUTIONS[each.kind].format(source=each.source_id, subject=each.subject, value=value)


def table(contributions: Iterable[Contribution]) -> list[str]:
    """Lines of amounts and what they are."""
    return [f"{amount(each.amount):>9}  {contribution(each)}" for each in contributions]


_GROUNDS: Mapping[str, str] = {
    "unavailable": "unable to run anything",
    "node": "excluded by the score of the node itself",
    "guest-node": "guest nodes of bundles",
    "own-container": "outside of its container",
    "no-remote": "remote",
}


def exclusion(each: Contribution) -> str:
    """What excludes a node, in the words of a count: ``2 excluded by location loc-vip``."""
    if each.kind in {"location", "colocation"}:
        return f"excluded by {each.kind} {each.source_id}"
    if each.kind in _GROUNDS:
        return _GROUNDS[each.kind]
    return f"excluded: {contribution(each)}"


def decisive(contributions: Iterable[Contribution]) -> Contribution | None:
    """What makes a score negative: the first that forbids, else the one that takes away most."""
    found: Contribution | None = None
    for each in contributions:
        if each.amount <= -INFINITY:
            return each
        if each.amount < 0 and (found is None or each.amount < found.amount):
            found = each
    return found


def sentence(reason: Reason) -> str:
    """What a reason says."""
    value = reason.value
    return REASONS[reason.kind].format(
        subject=reason.subject,
        source=reason.source_id,
        by=f" ({reason.source_id})" if reason.source_id else "",
        value=VERBS.get(value, value) if reason.kind == "follows" else value,
    )


def chain(reasons: Iterable[Reason]) -> str:
    """Reasons, each because of the next; '' for none. Long chains lose their middle."""
    parts = [sentence(reason) for reason in reasons]
    if len(parts) > _MOST_PARTS:
        left_out = len(parts) - _MOST_PARTS
        parts[_MOST_PARTS - 1 : -1] = [f"of {left_out} more like these"]
    return ", because ".join(parts)


def because(reasons: Iterable[Reason]) -> str:
    """A chain of reasons behind the word because; '' for none."""
    text = chain(reasons)
    return f"because {text}" if text else ""
