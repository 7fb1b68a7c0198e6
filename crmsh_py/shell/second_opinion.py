"""What the cluster's own scheduler would do, beside our plan: said when they differ.

Our plan is what Pacemaker 3 would do. A cluster may run an older version, which decides otherwise
in some corners, or one newer than we know; what counts there is what it does itself. So ``plan`` on
a live cluster asks the crm_simulate that is installed there about the same document, and compares
the summaries of both: what is done to which resource, from where to where. Why is left out, since
versions word their reasons differently.
"""

from __future__ import annotations

from crmsh_py.cib.document import Cib
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.clusters.pacemaker import PacemakerCluster
from crmsh_py.clusters.pacemaker_programs import Programs
from crmsh_py.errors import CrmError
from crmsh_py.regex import regex
from crmsh_py.shell.session import Session
from crmsh_py.value import frozen
from crmsh_py.views.text import counted

TIMEOUT_S = 10.0
_SHOWN = 8  # lines of each side
_HEADING = "Transition Summary:"
_LINE = regex(r"\s*\* (.*?)(?: +\( *(.*?) *\).*| '.*'|)")


@frozen
class Opinions:
    """The lines that only one of the two has, sorted; both empty when they agree."""

    ours: tuple[str, ...]
    theirs: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.ours or self.theirs)


def tell(session: Session, cib: Cib) -> None:
    """On a live cluster: warn where its own scheduler would not do what our plan says."""
    cluster = session.cluster
    if cluster.kind is not ClusterKind.PACEMAKER:
        return
    assert isinstance(cluster, PacemakerCluster)
    if said := asked(cib, cluster.programs):
        session.console.warning(said)


def asked(cib: Cib, programs: Programs) -> str:
    """What there is to say about the cluster's own opinion of a document; '' if it is ours."""
    try:
        answer = programs.run(
            "crm_simulate", "--run", "--xml-pipe",
            stdin=cib.to_xml(indent=None), timeout_s=TIMEOUT_S,
        )  # fmt: skip
    except CrmError as error:
        return f"not compared with the cluster's own scheduler: {error.message}"
    if _HEADING not in answer.out:
        said = answer.complaint or f"exit code {answer.code}"
        return f"not compared with the cluster's own scheduler: crm_simulate: {said}"
    found = compare(our_summary(cib), answer.out)
    if not found:
        return ""
    version = cib.properties().get("dc-version", "").partition("-")[0]
    lines = [f"the cluster's own scheduler (Pacemaker {version or 'of unknown version'}) differs:"]
    for who, only in (("here", found.ours), ("there", found.theirs)):
        lines += [f"  only {who}: {line}" for line in only[:_SHOWN]]
        if len(only) > _SHOWN:
            lines.append(f"  and {counted(len(only) - _SHOWN, 'more line')} only {who}")
    return "\n".join(lines)


def our_summary(cib: Cib) -> str:
    """What our crm_simulate prints about the document."""
    from crmsh_py.tools import crm_simulate

    return crm_simulate.simulate(cib, crm_simulate.parser().parse_args(["--run"])).text


def compare(ours: str, theirs: str) -> Opinions:
    """The changes that only one of two outputs of crm_simulate has."""
    here, there = set(_changes(ours)), set(_changes(theirs))
    return Opinions(tuple(sorted(here - there)), tuple(sorted(there - here)))


def _changes(text: str) -> list[str]:
    """The lines of the summary in one form, without reasons."""
    found = []
    for line in text.partition(f"{_HEADING}\n")[2].splitlines():
        if not line:
            break
        if match := _LINE.fullmatch(line):
            what = " ".join(match[1].split())
            found.append(f"{what} ({' '.join(match[2].split())})" if match[2] else what)
    return found
