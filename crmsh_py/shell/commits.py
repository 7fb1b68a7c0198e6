"""Checking what is pending, and carrying it out.

An element is looked at when it is typed, as far as it can be judged by itself: its agent, its
parameters, its values. What it refers to may still come, so references are judged at the commit,
where errors refuse and warnings warn. A refused commit changes nothing and keeps what is pending.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from crmsh_py.cib.check_references import objects
from crmsh_py.cib.checks import Finding, Severity, broken_by, check, check_elements
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.version import Version
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import ConfigError, Conflict, CrmError, Diagnostic, NotFound
from crmsh_py.shell.console import Interrupted
from crmsh_py.shell.session import Session
from crmsh_py.shell.waiting import settle
from crmsh_py.shell.working import Judged, Typed, Whole
from crmsh_py.tools import edits
from crmsh_py.value import replace as altered

CLIENT = "cibadmin"  # what crmsh commits by, and what status says about it


def changed_names(old: Cib, new: Cib) -> set[str]:
    """The names of the objects that are new or different."""
    if old.configuration is new.configuration:
        return set()
    before = dict(objects(old))
    return {name for name, element in objects(new) if before.get(name) != element}


# ---- while typing --------------------------------------------------------------------------------


def refuse_wrong(
    session: Session, new: Cib, typed: Mapping[str, Typed], old: Cib | None = None
) -> None:
    """Refuse elements that are wrong by themselves, but not for what was wrong in ``old`` already.

    Raises ConfigError; with -F it only warns.
    """
    if session.preferences.get("core.check_frequency") != "always":
        return  # verify and commit will look
    names = set(typed)
    errors = _errors(session, new, names)
    if errors and old is not None:
        known = set(_errors(session, old, names))
        errors = [finding for finding in errors if finding not in known]
    if not errors:
        return
    if session.options.force or session.preferences.get("core.check_mode") == "relaxed":
        for finding in errors:
            session.console.warning(located(finding, typed).render())
        return
    raise ConfigError(
        errors[0].message, diagnostics=[located(f, typed) for f in dict.fromkeys(errors)]
    )


def warn_of_what_is_new(session: Session, new: Cib, names: set[str], old: Cib) -> None:
    """Say what is odd about elements by themselves since a change, once."""
    told = session.working.told
    found = [f for f in _by_themselves(session, new, names) if not f.is_error]
    if found:
        told |= {str(finding) for finding in _by_themselves(session, old, names)}
    for finding in found:
        if str(finding) not in told:
            told.add(str(finding))
            session.console.warning(located(finding, {}).render())


def _errors(session: Session, cib: Cib, names: set[str]) -> list[Finding]:
    found = _by_themselves(session, cib, names)
    return [finding for finding in found if finding.is_error and finding.element in names]


def _by_themselves(session: Session, cib: Cib, only: Collection[str] | None) -> tuple[Finding, ...]:
    """What is wrong with objects by themselves; a load and its commit ask the same."""
    working = session.working
    judged = working.judged
    wanted = frozenset(only) if only is not None else None
    if judged is None or judged.cib is not cib or judged.only != wanted:
        judged = Judged(cib, wanted, check_elements(cib, session.catalogue, wanted))
        working.judged = judged
    return judged.findings


def located(finding: Finding, typed: Mapping[str, Typed]) -> Diagnostic:
    """A finding, with a caret in the text that defined its element if that was typed."""
    source = typed.get(finding.element)
    if source is None:
        return Diagnostic(str(finding), hint=finding.hint)
    return source.diagnostic(str(finding), finding.word, finding.hint)


# ---- verify and commit ---------------------------------------------------------------------------


def findings(
    session: Session, cib: Cib, only: Collection[str] | None, *, structure: bool = True
) -> list[Finding]:
    """What the checks say; ``only`` limits values and agents to these objects.

    Without ``structure`` the document is not held to the schema.
    """
    if structure and (schema := _misbuilt(cib)):
        return schema
    return list(check(cib, elements=_by_themselves(session, cib, only)))


def _misbuilt(cib: Cib) -> list[Finding]:
    from crmsh_py.cib.schema import validate

    return [finding for finding in validate(cib) if finding.is_error]


def _is_built_here(session: Session, names: Collection[str]) -> bool:
    """Whether the cluster may be left to look at the structure, as it does in any case.

    That is for single commands: libxml2 alone takes 18 ms to load. Elements of the language are
    built as the schema wants them; XML may be anything.
    """
    typed = session.working.typed
    return (
        not session.interactive
        and session.cluster.kind is not ClusterKind.FILE
        and all(n in typed and not typed[n].text.lstrip().startswith(("xml", "<")) for n in names)
    )


def news(session: Session, old: Cib, new: Cib) -> list[Finding]:
    """What the checks say of a change.

    What was there before does not keep anybody from changing something else: warnings about objects
    are old then, and errors of objects that the change leaves alone only warn, once.
    """
    names = changed_names(old, new)
    misbuilt: list[Finding] = []
    if not _is_built_here(session, names) and (schema := _misbuilt(new)):
        misbuilt = _aged(session, schema, _misbuilt(old), names)
        if any(finding.is_error for finding in misbuilt):
            return misbuilt
    found = findings(session, new, names, structure=False)
    if any(finding.element for finding in found):
        found = _aged(session, found, findings(session, old, names, structure=False), names)
    return [*misbuilt, *found]


def _aged(
    session: Session, found: Iterable[Finding], before: Iterable[Finding], names: Collection[str]
) -> list[Finding]:
    """Findings, of which those that were so before count less; ``names`` are what was changed."""
    known = {str(finding) for finding in before}
    told = session.working.told
    left = []
    for finding in found:
        text = str(finding)
        if text not in known or (finding.is_error and finding.element in names):
            left.append(finding)
        elif not finding.is_error:
            left += [finding] if not finding.element else []
        elif text not in told:
            told.add(text)
            message = f"{finding.message} (it was so before)"
            left.append(altered(finding, severity=Severity.WARNING, message=message))
    return left


def report(session: Session, found: Iterable[Finding]) -> int:
    """Say findings; returns how many are errors. They carry their own places."""
    typed = session.working.typed
    errors = 0
    place, session.console.place = session.console.place, ""
    try:
        for finding in found:
            text = located(finding, typed).render()
            if finding.is_error:
                errors += 1
                session.console.error(text)
            else:
                session.console.warning(text)
    finally:
        session.console.place = place
    return errors


def commit(
    session: Session, *, force: bool = False, replace: bool = False, kept: bool = True
) -> int:
    """Check the pending changes and commit them; 1 if they were refused.

    ``kept`` says whether what is not committed stays pending, which is up to the caller. With
    ``replace`` the configuration becomes just what is pending: others' changes since it was read
    are refused, and with ``force`` undone, where they would be merged otherwise.
    """
    working, console = session.working, session.console
    forced = force or session.options.force
    not_done = "nothing was committed" + ("; the changes are still pending" if kept else "")
    working.cib()
    if not working.pending:
        console.info("apparently there is nothing to commit")
        console.info("try changing something first")
        return 0
    cib = working.cib()
    if errors := report(session, news(session, working.base, cib)):
        relaxed = session.preferences.get("core.check_mode") == "relaxed"
        impossible = (forced or relaxed) and _is_impossible(session, working.base, cib)
        if impossible:
            console.error("the cluster refuses this in any case: it cannot be forced (-F)")
        if impossible or not (forced or relaxed):
            working.mark_refused()
            if session.interactive:
                console.info(not_done)
            return 1
        console.info(f"commit forced in spite of {errors} error{'s' if errors > 1 else ''}")
    if session.interactive and not _wanted(session, cib):
        console.info(not_done)
        return 1
    before = working.base.version
    try:
        version = working.commit(
            client=CLIENT,
            force_no_quorum=session.options.force_no_quorum,
            whole=None if not replace else Whole.FORCED if forced else Whole.UNCHANGED,
        )
    except KeyboardInterrupt:
        # It was sent, or not; nodes that have it carry it out, whoever listens.
        console.warning(
            "interrupted while the commit was under way: it is made as a whole or not at all"
            f"\n  {'refresh, then ' if session.interactive else 'crm configure '}show tells which"
        )
        raise Interrupted from None
    except ConfigError:
        # It may be what was left to the cluster to see: we know better words for that.
        if not (schema := _misbuilt(cib)):
            raise
        working.mark_refused()
        report(session, schema)
        return 1
    except Conflict as conflict:
        if replace:
            raise
        from crmsh_py.shell.conflicts import explained

        working.mark_refused()
        theirs = session.cluster.read_cib()
        raise explained(working.base, cib, theirs, conflict) from None
    if session.interactive and session.cluster.kind is not ClusterKind.FILE:
        console.info(f"committed as {_revision(version)}; “rollback {_revision(before)}” undoes it")
    settle(session, version)
    return 0


def _revision(version: Version) -> str:
    return f"{version.admin_epoch}.{version.epoch}"


def _wanted(session: Session, cib: Cib) -> bool:
    from crmsh_py.shell.agreement import agreed  # plans, which most commits of scripts need not

    return agreed(session, session.working.base, cib)


def _is_impossible(session: Session, old: Cib, new: Cib) -> bool:
    """Whether the cluster refuses it whatever we say; Pacemaker takes what names nothing."""
    if session.cluster.kind is not ClusterKind.PACEMAKER and broken_by(old, new):
        return True
    known = {str(finding) for finding in _misbuilt(old)}
    return any(str(finding) not in known for finding in _misbuilt(new))


# ---- what the configure commands need ------------------------------------------------------------


def running(cib: Cib, names: Iterable[str]) -> list[str]:
    """Those of these resources that are active somewhere."""
    if not cib.status.children:
        return []
    from crmsh_py.scheduler.status import cluster_status
    from crmsh_py.tools.common import local_now
    from crmsh_py.views import resource_status

    status = cluster_status(cib, now=local_now())
    found = []
    for name in names:
        try:
            if resource_status.places(status, name):
                found.append(name)
        except NotFound:
            continue  # no resource: constraints do not run
    return found


def advise_timeouts(session: Session, cib: Cib, name: str) -> Cib:
    """A primitive's operations with timeouts at least as long as the agent advises."""
    from crmsh_py.cib.agent_name import AgentSpec
    from crmsh_py.cib.durations import parse_ms

    target = edits.find_resource(cib, name)
    if target.tag not in ("primitive", "template"):
        raise CrmError(f"{name} is a {target.tag}; only primitives have operations")
    spec = AgentSpec.of(target)
    advised = {a.name: a.timeout for a in session.catalogue.metadata(spec).actions if a.timeout}

    def longer(element: Element) -> Element:
        timeout = advised.get(element.get("name")) if element.tag == "op" else None
        if timeout and parse_ms(element.get("timeout") or "0") < parse_ms(timeout):
            return element.with_attributes({"timeout": timeout})
        return element.map_children(longer)

    return edits.with_resource(cib, name, longer)
