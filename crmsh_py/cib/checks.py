"""Does a configuration make sense? What the schema cannot say.

    check(cib, agents=…)    everything, for ``verify`` and before a commit
    check_elements(…)       only objects by themselves: what can be said while they are typed
    integrity(cib)          what no CIB may ever have (an id twice, a reference to nothing): for
                            whoever takes a CIB from elsewhere
    broken_by(old, new)     the same for whoever merges patches: only what the change has broken

Pure: what agents can do comes through a small protocol. ``only`` limits the checks of values and
agents to some objects (those that a commit changes); references are always checked as a whole,
since a change of one object can break another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain, islice

from crmsh_py.cib import options
from crmsh_py.cib.booleans import is_true
from crmsh_py.cib.check_agents import AgentKnowledge, check_agents
from crmsh_py.cib.check_loops import check_loops
from crmsh_py.cib.check_references import check_references
from crmsh_py.cib.check_values import check_values
from crmsh_py.cib.document import Cib
from crmsh_py.cib.findings import Finding, Severity, warning

# Findings of one kind that are looked for: who has made that many will not read more, and each
# costs a search for a near name.
MOST = 100
_MOST_HINTS = 20

__all__ = [
    "AgentKnowledge",
    "Finding",
    "Severity",
    "broken_by",
    "check",
    "check_elements",
    "integrity",
]


def check(
    cib: Cib,
    *,
    agents: AgentKnowledge | None = None,
    only: Collection[str] | None = None,
    elements: Iterable[Finding] | None = None,
) -> tuple[Finding, ...]:
    """All findings, errors first; those about one object stay together in document order.

    ``elements`` is what ``check_elements`` has found in just this document, if that is known.
    """
    found = chain(
        islice(check_references(cib, hints=MOST), MOST),
        check_elements(cib, agents, only) if elements is None else elements,
        check_loops(cib),
        _fencing(cib),
    )
    return tuple(sorted(dict.fromkeys(found), key=lambda finding: not finding.is_error))


def check_elements(
    cib: Cib, agents: AgentKnowledge | None, only: Collection[str] | None
) -> tuple[Finding, ...]:
    """What is wrong with objects by themselves, whatever refers to what."""
    known = check_agents(cib, agents, only) if agents is not None else ()
    return (*islice(check_values(cib, only), MOST), *islice(known, MOST))


def integrity(cib: Cib) -> tuple[Finding, ...]:
    """The errors that make a document unusable, whoever wrote it: all, to be compared with those
    of another document. Only the first have hints: this is looked for at every commit."""
    findings = check_references(cib, hints=_MOST_HINTS)
    return tuple(finding for finding in findings if finding.is_error)


def broken_by(old: Cib, new: Cib) -> tuple[Finding, ...]:
    """What ``integrity`` says of the new document and did not say of the old one.

    What was wrong before does not count: nobody could change anything else until it is mended.
    """
    if not (found := integrity(new)):
        return ()
    known = {str(finding) for finding in integrity(old)}
    return tuple(finding for finding in found if str(finding) not in known)


def _fencing(cib: Cib) -> Iterator[Finding]:
    """A cluster that shall fence but cannot starts no resources: said, but never in the way."""
    values = cib.properties()
    if not is_true(options.value_of(values, "fencing-enabled")):
        return
    if options.value_of(values, "fencing-watchdog-timeout").strip() not in ("", "0"):
        return
    resources = cib.section("resources")
    if any(r.get("class") == "stonith" for r in resources.iter("primitive", "template")):
        return
    if any(True for _ in resources.iter("primitive")):
        yield warning(
            "",
            "fencing is enabled, but there is no fence device: no resource will be started",
            hint="add a device (on a lab: primitive fence stonith:lab)"
            ", or: property stonith-enabled=false",
        )
