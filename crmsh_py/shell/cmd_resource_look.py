"""The commands of the ``resource`` level that look at resources.

They stand apart because looking is what people do most: nothing that changes a configuration has
to be imported for it.
"""

from __future__ import annotations

from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell.changes import require_node, require_resources
from crmsh_py.shell.session import Session
from crmsh_py.tools.common import local_now
from crmsh_py.views.text import joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def status(session: Session, call: CommandCall) -> int:
    """All resources and their states, or where some of them are."""
    if names := call.all("RESOURCE"):
        return _locate(session, names)
    from crmsh_py.scheduler.status import cluster_status
    from crmsh_py.views import mon_facts, resource_status

    cib = session.cluster.read_cib()
    seen = cluster_status(cib, now=local_now())
    session.show(
        resource_status.listing(cib, seen),
        lambda: _records().resources(mon_facts.with_roles(cib, seen)),
    )
    return 0


def locate(session: Session, call: CommandCall) -> int:
    """On which nodes resources are active."""
    return _locate(session, call.all("RESOURCE"))


def _locate(session: Session, names: tuple[str, ...]) -> int:
    from crmsh_py.scheduler.status import cluster_status
    from crmsh_py.views import mon_facts, resource_status

    cib = session.cluster.read_cib()
    seen = mon_facts.with_roles(cib, cluster_status(cib, now=local_now()))
    lines = []
    for name in names:
        where = resource_status.location_lines(seen, name)
        lines += where or [resource_status.not_running(name)]
    session.show(joined(lines), lambda: _records().located(seen, names))
    return 0


def constraints(session: Session, call: CommandCall) -> int:
    """The constraints that name it."""
    from crmsh_py.tools.resource_values import constraint_steps
    from crmsh_py.views import colocation_stack, resource_status

    resource = call.get("RESOURCE") or ""
    require_resources(session, [resource])
    cib = session.working.cib()
    text = colocation_stack.text(constraint_steps(cib, resource))
    text += resource_status.orders_and_tickets(cib, resource)
    text = text or f"no constraint names {resource}"
    session.show(text, lambda: _records().constraints(cib, resource))
    return 0


def operations(session: Session, call: CommandCall) -> int:
    """The results of operations, as ``crm_mon -1 -o`` lists them."""
    from crmsh_py.tools import crm_mon

    words = ["-1", "-o", "-t", "-D", "-r"]
    if resource := call.get("RESOURCE"):
        require_resources(session, [resource])
        words += ["--resource", resource]
    if node := call.get("NODE_NAME"):
        words += ["--node", require_node(session, node)]
    if session.form != "text":
        words.append(f"--output-as={session.form}")
    with session.console.paging():
        return crm_mon.run(words, lambda: session.cluster)


def scores(session: Session, call: CommandCall) -> int:
    """The assignment scores of all resources."""
    from crmsh_py.cib.scores import format_score
    from crmsh_py.scheduler.plan import plan

    made = plan(session.working.cib(), now=local_now())
    lines = [
        f"{resource} allocation score on {node}: {format_score(score)}"
        for (resource, node), score in sorted(made.scores.items())
    ]
    session.show(joined(lines), lambda: _records().scores(made.scores))
    return 0


def _records() -> Any:
    """The module that makes records: loaded where somebody wants one."""
    from crmsh_py.views import resource_records

    return resource_records
