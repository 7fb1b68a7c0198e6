"""The commands of the ``resource`` level that move things: move, ban, clear, restart."""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.cib.document import Cib
from crmsh_py.cib.leftovers import Leftover, leftovers
from crmsh_py.clusters import operations as moves
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import CrmError, TimedOut, UsageError
from crmsh_py.lang.ast import CommandCall
from crmsh_py.scheduler.result import Role
from crmsh_py.shell.changes import change, require_node, require_resources
from crmsh_py.shell.console import Interrupted
from crmsh_py.shell.resource_changes import (
    CLIENT,
    members_with_their_own,
    meta_of,
    resources,
    with_meta,
)
from crmsh_py.shell.session import Session
from crmsh_py.shell.waiting import WAIT_S, until_idle
from crmsh_py.tools.common import local_now


def move(session: Session, call: CommandCall) -> int:
    """A constraint that makes it run on a node (or, with force, anywhere else)."""
    resource, node = call.get("RESOURCE") or "", call.get("NODE_NAME") or ""
    require_resources(session, [resource])
    forced = call.has("FORCE") or session.options.force
    lifetime = _lifetime(call)
    if not node and not forced:
        raise UsageError(
            "no target node: move needs a node, or force to move it anywhere else",
            hint=f"crm resource move {resource} NODE",
        )
    if not node:
        _ban(session, resource, _place(session, resource), lifetime)
    else:
        require_node(session, node)
        change(
            session,
            lambda cib: moves.move(cib, resource, node, lifetime=lifetime, now=local_now()),
            client=CLIENT,
        )
        session.console.info(f"Move constraint created for {resource} to {node}")
    if call.has("UNTIL_HEALTHY"):
        return _clear_when_healthy(session, resource, node)
    _say_how_to_clear(session, resource, lifetime)
    return 0


def _lifetime(call: CommandCall) -> str:
    """How long the constraint holds; ``forever`` is as long as nobody clears it."""
    lifetime = call.get("LIFETIME") or ""
    if lifetime == "reboot":
        raise UsageError(
            "a constraint cannot end with a reboot", hint="say how long: P1D, PT10M, or forever"
        )
    return "" if lifetime == "forever" else lifetime


def _clear_when_healthy(session: Session, resource: str, node: str) -> int:
    """Wait until it runs where it was sent, then take the constraint back.

    It stays where the resource would go away again without it; that is said, with exit code 1.
    """
    try:
        until_idle(session, timeout_s=WAIT_S, what=f"moving {resource}")
    except KeyboardInterrupt:
        session.console.warning(
            f"interrupted: {resource} goes on moving, and its constraint stays"
            f"\n  crm resource clear {resource} takes it away"
        )
        raise Interrupted from None
    now = [name for name, _ in _where(session, resource)]
    if not now or (node and node not in now):
        there = f"on {node}" if node else "anywhere else"
        raise CrmError(
            f"{resource} does not run {there}; its constraint stays",
            hint=f"crm why {resource}; crm resource clear {resource} takes it away",
        )
    if away := _would_leave(session, resource, now):
        session.console.warning(
            f"{resource} runs on {' '.join(now)}, and its constraint stays:"
            f" without it, it would go to {away}\n  resource-stickiness would keep it there"
        )
        return 1
    change(session, lambda cib: moves.clear(cib, resource), client=CLIENT)
    session.console.info(f"{resource} runs on {' '.join(now)}; no constraint is left of the move")
    return 0


def _would_leave(session: Session, resource: str, now: list[str]) -> str:
    """Where it would go if its constraint were gone; '' if it stays."""
    from crmsh_py.scheduler.plan import plan
    from crmsh_py.scheduler.result import Change

    cib = moves.clear(session.cluster.read_cib(), resource)
    inside = {e.id for e in moves.find_resource(cib, resource).iter()}
    for planned in plan(cib, now=local_now()).changes:
        moves_away = planned.change in (Change.MOVE, Change.MIGRATE) and planned.from_node in now
        if moves_away and planned.resource.partition(":")[0] in inside:
            return planned.to_node
    return ""


def ban(session: Session, call: CommandCall) -> int:
    """A constraint that keeps it off a node: the one named, else the only one where it is now."""
    resource, node = call.get("RESOURCE") or "", call.get("NODE_NAME") or ""
    require_resources(session, [resource])
    lifetime = _lifetime(call)
    place = require_node(session, node) if node else _place(session, resource)
    _ban(session, resource, place, lifetime)
    _say_how_to_clear(session, resource, lifetime)
    return 0


def clear(session: Session, call: CommandCall) -> int:
    """Remove what move and ban have left: of a resource, what has expired, or everything."""
    resource, node = call.get("RESOURCE") or "", call.get("NODE_NAME") or ""
    if not resource:
        return _clear_all(session, only_expired=not call.has("ALL"))
    require_resources(session, [resource])
    if node:
        require_node(session, node)
    if change(session, lambda cib: moves.clear(cib, resource, node), client=CLIENT):
        session.console.info(f"Removed migration constraints for {resource}")
    else:
        session.console.info(f"there was no constraint of move or ban for {resource}")
    return 0


def _clear_all(session: Session, *, only_expired: bool) -> int:
    found: list[Leftover] = [
        one
        for one in leftovers(session.working.cib(), now=local_now())
        if one.expired or not only_expired
    ]
    if not found:
        which = " that has expired" if only_expired else ""
        session.console.info(f"there is no constraint of move or ban{which}")
        return 0
    names = {one.id for one in found}
    change(session, lambda cib: moves.without(cib, names), client=CLIENT)
    for one in found:
        session.console.info(f"removed {one.id}")
    return 0


def restart(session: Session, call: CommandCall) -> int:
    """Stop, wait until it is stopped, start, wait again; whatever happens, it is started again."""
    names = resources(session, call.all("RESOURCE"))
    if session.working.pending:
        raise UsageError("there are uncommitted changes", hint="commit or refresh them first")
    is_file = session.cluster.kind is ClusterKind.FILE
    ran = [name for name in names if is_file or _where(session, name)]
    cib = session.working.cib()
    if not ran:
        raise _runs_nowhere(cib, names)
    if idle := [name for name in names if name not in ran]:
        session.console.info(f"{' '.join(idle)} does not run, and is left as it is")
    before = {name: meta_of(cib, name, "target-role") for name in ran}
    _stop_and_wait(session, before)
    # A cluster is at rest, too, when it does nothing about it (not managed, no fence device …).
    left = {name: there for name in ran if not is_file and (there := _where(session, name))}
    _start_again(session, before)
    if left:
        raise _did_not_stop(session, left)
    listed = " ".join(ran)
    try:
        until_idle(session, timeout_s=WAIT_S, what=f"starting {listed}")
    except KeyboardInterrupt:
        session.console.warning(f"interrupted: {listed} goes on starting")
        raise Interrupted from None
    missing = [name for name in ran if not is_file and not _where(session, name)]
    if missing:
        raise CrmError(
            f"{' '.join(missing)} did not come back", hint=f"crm why {missing[0]}; crm status"
        )
    return 0


def _runs_nowhere(cib: Cib, names: Sequence[str]) -> CrmError:
    """With what to do about it: start what is to be stopped, else find out what is in its way."""
    first = names[0]
    stopped = meta_of(cib, first, "target-role") == "Stopped"
    hint = f"crm resource start {first}" if stopped else f"crm why {first}"
    return CrmError(f"{' '.join(names)} does not run", hint=hint)


def _did_not_stop(session: Session, left: dict[str, list[tuple[str, Role]]]) -> CrmError:
    """With what keeps them from it, where that is known."""
    from crmsh_py.views.resource_status import left_alone

    names = list(left)
    places = [f"{name} on {' and '.join(node for node, _ in left[name])}" for name in names]
    hint = next(iter(left_alone(session.cluster_status(), names).values()), f"crm why {names[0]}")
    if own := members_with_their_own(session.working.cib(), names, "target-role", "Stopped"):
        hint = f"crm resource meta {own[0]} delete target-role"
    return CrmError(f"{', '.join(places)} did not stop, and so was not restarted", hint=hint)


def _stop_and_wait(session: Session, before: dict[str, str | None]) -> None:
    """Stop resources (with the target-role that each had) and wait for it; start them if it fails.

    Raises TimedOut, KeyboardInterrupt and what the cluster refuses.
    """
    listed = " ".join(before)

    def stopped(cib: Cib) -> Cib:
        for name in before:
            cib = with_meta(cib, name, "target-role", "Stopped")
        return cib

    try:
        change(session, stopped, client=CLIENT)
        until_idle(session, timeout_s=WAIT_S, what=f"stopping {listed}")
    except TimedOut as error:
        _start_again(session, before)
        raise TimedOut(
            f"{listed} did not stop within {WAIT_S:.0f} s; it is started again", hint=error.message
        ) from error
    except KeyboardInterrupt:
        _start_again(session, before)
        session.console.warning(f"interrupted: {listed} is started again, nothing else was changed")
        raise Interrupted from None
    except CrmError:
        _start_again(session, before)
        raise


def _start_again(session: Session, before: dict[str, str | None]) -> None:
    def back(cib: Cib) -> Cib:
        for name, old in before.items():
            cib = with_meta(cib, name, "target-role", None if old == "Stopped" else old)
        return cib

    change(session, back, client=CLIENT)


def _say_how_to_clear(session: Session, resource: str, lifetime: str) -> None:
    by_itself = f" (it ends by itself after {lifetime})" if lifetime else ""
    session.console.info(
        f"Use `crm resource clear {resource}` to remove this constraint{by_itself}"
    )


def _where(session: Session, resource: str) -> list[tuple[str, Role]]:
    from crmsh_py.views import resource_status

    return resource_status.places(session.cluster_status(), resource)


def _place(session: Session, resource: str) -> str:
    """The node that a resource is to leave where nobody has named one.

    Of instances on several nodes it is the one of the only promoted instance: all of them would
    leave nothing running.
    """
    from crmsh_py.views import resource_status

    status = session.cluster_status()
    if node := resource_status.banned_without_node(status, resource):
        return node
    nodes = [node for node, _ in resource_status.places(status, resource)]
    if not nodes:
        raise CrmError(f"{resource} runs nowhere: name the node to keep it off")
    raise UsageError(
        f"{resource} is active on {len(nodes)} nodes ({' '.join(nodes)}): which one is meant?",
        hint=f"crm resource ban {resource} NODE keeps it off one",
    )


def _ban(session: Session, resource: str, node: str, lifetime: str) -> None:
    change(
        session,
        lambda cib: moves.ban(cib, resource, node, lifetime=lifetime, now=local_now()),
        client=CLIENT,
    )
    session.console.info(f"Ban constraint created for {resource} on {node}")
