"""``crm_verify``: what is wrong with a configuration, as text.

Input: the scheduler's messages; output: the lines for stderr. Two layouts: *classic* is that of
Pacemaker 1.1 (level, the stage it was found in, the text), *modern* that of Pacemaker 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crmsh_py.cib.findings import Finding
from crmsh_py.scheduler.result import Message
from crmsh_py.value import frozen
from crmsh_py.views.text import legible

# Pacemaker's exit codes: CRM_EX_OK, and CRM_EX_CONFIG for a configuration that is not valid.
EXIT_OK = 0
EXIT_CONFIG = 78

_LEVELS = ("crit", "error", "warning", "notice", "info", "debug")

# Where a message comes from that is a remark, without a level and at any verbosity.
UNCHECKED = "unchecked"

# The stages of the scheduler that tell what happens in the cluster. They belong into its log; the
# configuration is none the worse for it.
_EVENT_STAGES = frozenset(
    {
        "block_if_unrecoverable",
        "cluster_status",
        "determine_online_status",
        "pcmk__create_graph",
        "pcmk__primitive_create_actions",
        "pcmk__threshold_reached",
        "pe_fence_node",
        "unpack_action_result",
        "unpack_rsc_op",
        "unpack_rsc_op_failure",
    }
)


def is_finding(message: Message) -> bool:
    """Whether a message is about the configuration, and not about what happens."""
    return message.where not in _EVENT_STAGES and not message.text.startswith("Scheduling node ")


def has_errors(messages: Sequence[Message]) -> bool:
    """Whether the configuration is invalid."""
    return any(message.level == "error" and is_finding(message) for message in messages)


def has_warnings(messages: Sequence[Message]) -> bool:
    """Whether the configuration deserves a second look."""
    return any(message.level == "warning" and is_finding(message) for message in messages)


# The one message of today that Pacemaker 1.1 said in three, and with the old word for fencing.
_NO_FENCING = "Resource start-up disabled since no "
_NO_FENCING_CLASSIC = (
    "Resource start-up disabled since no STONITH resources have been defined",
    "Either configure some or disable STONITH with the stonith-enabled option",
    "NOTE: Clusters with shared data need STONITH to ensure data integrity",
)


def _classic_texts(message: Message) -> tuple[str, ...]:
    one_piece = message.text.startswith(_NO_FENCING) and "NOTE:" in message.text
    return _NO_FENCING_CLASSIC if one_piece else (message.text,)


def classic(messages: Sequence[Message], *, verbose: int, valid: bool = True) -> str:
    """Everything that ``crm_verify`` prints: findings if ``verbose``, then the verdict.

    Verbosity 1 shows errors and warnings, each further one a level more. A configuration that is
    in order yields '' at verbosity 0 and 1.
    """
    lines = []
    for message in filter(is_finding, messages):
        if verbose and _LEVELS.index(message.level) <= verbose + 1:
            for text in _classic_texts(message):
                line = f"{message.level:>8}: {message.where}: \t{text}"
                lines.append(line.expandtabs(8))
    if not valid and verbose:
        lines.append("   error: CIB did not pass schema validation")
    if not valid or has_errors(messages):
        lines.append("Errors found during check: config not valid")
        if not verbose:
            lines.append("  -V may provide more details")
    elif has_warnings(messages):
        lines.append("Warnings found during check: config may not be valid")
        if not verbose:
            lines.append("  -V may provide more details")
    return "".join(f"{legible(line)}\n" for line in lines)


def modern(messages: Sequence[Message], *, verbose: int, valid: bool = True) -> str:
    """The same in the words of Pacemaker 3; ``valid`` tells whether the schema is kept.

    Errors that happened in the cluster are told too, with their stage, but do not count.
    """
    lines = [message.text for message in messages if message.where == UNCHECKED]
    for message in messages:
        if message.where == UNCHECKED:
            continue
        if message.level == "info":
            if verbose:
                lines.append(message.text)
            continue
        if not is_finding(message):
            if verbose and message.level in ("crit", "error"):
                lines.append(f"({message.where}) \t{message.level}: {message.text}")
        elif verbose and _LEVELS.index(message.level) <= verbose + 1:
            lines.append(f"{message.level}: {message.text}")
    if not valid or has_errors(messages):
        if verbose:  # Pacemaker 3 puts every error down to the schema
            lines.append("error: CIB did not pass schema validation")
        lines.append("Configuration invalid")
    elif has_warnings(messages):
        lines.append("Configuration may need attention")
    else:
        return "".join(f"{legible(line)}\n" for line in lines)
    if not verbose:
        lines[-1] += " (-V may provide more detail)"
    return "".join(f"{legible(line)}\n" for line in lines)


@frozen(kw_only=True)
class FindingRecord:
    """Something about the configuration; ``where`` is the stage or the object that it is about."""

    level: str
    where: str
    text: str


@frozen(kw_only=True)
class Verdict:
    """Whether a configuration is good, and what was found."""

    valid: bool
    findings: tuple[FindingRecord, ...]


def record(messages: Sequence[Message], *, valid: bool = True) -> Verdict:
    """The findings that count at verbosity 1, for programs."""
    found = tuple(
        FindingRecord(level=message.level, where=message.where, text=message.text)
        for message in messages
        if is_finding(message) and message.level in ("crit", "error", "warning")
    )
    return Verdict(valid=valid and not has_errors(messages), findings=found)


def verdict(findings: Iterable[Finding]) -> Verdict:
    """The same record of what the checks before a commit say."""
    found = tuple(
        FindingRecord(level=finding.severity.value, where=finding.name, text=finding.message)
        for finding in findings
    )
    return Verdict(valid=all(record.level != "error" for record in found), findings=found)


def exit_code(messages: Sequence[Message], *, valid: bool = True) -> int:
    """0 for a configuration without a finding, 78 for any other, as Pacemaker's."""
    good = valid and not has_errors(messages) and not has_warnings(messages)
    return EXIT_OK if good else EXIT_CONFIG
