"""The ``maintenance`` level: leave resources alone, and run their actions by hand meanwhile."""

from __future__ import annotations

from collections.abc import Mapping

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.document import Cib
from crmsh_py.errors import CrmError, UsageError
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell import parameters, resource_changes
from crmsh_py.shell.changes import change
from crmsh_py.shell.session import Session
from crmsh_py.tools import edits
from crmsh_py.tools.common import local_now

CLIENT = "crm_attribute"
_ROOT = "/usr/lib/ocf"


def on(session: Session, call: CommandCall) -> int:
    """Maintenance of resources, or of the whole cluster."""
    return _set(session, call, "true")


def off(session: Session, call: CommandCall) -> int:
    """The end of it."""
    return _set(session, call, "false")


def _set(session: Session, call: CommandCall, value: str) -> int:
    names = resource_changes.resources(session, call.all("RESOURCE"))
    if names:
        return resource_changes.set_meta(session, names, "maintenance", value)
    change(
        session,
        lambda cib: edits.set_section_pair(cib, "crm_config", "maintenance-mode", value),
        client=CLIENT,
    )
    return 0


def action(session: Session, call: CommandCall) -> int:
    """Run the agent of a resource that is in maintenance; its exit code decides ours."""
    from crmsh_py.shell import on_nodes
    from crmsh_py.shell.cmd_resource_secret import IN_FILE, SECRETS

    cib = session.working.cib()
    name, wanted = call.get("RESOURCE") or "", call.get("OP_NAME") or ""
    target = edits.find_resource(cib, name)
    spec = parameters.agent_of(cib, target)
    if spec.standard != "ocf":
        raise CrmError(f"{name} is of the class {spec.standard}; only OCF agents are run by hand")
    known = [a.name for a in session.catalogue.metadata(spec).actions]
    if known and wanted not in known and not session.options.force:
        raise UsageError(
            f"{spec} has no action {wanted}", hint=f"it has {', '.join(sorted(known))}"
        )
    node = _node_in_maintenance(session, cib, name)
    values = parameters.of(cib, target)
    for key, value in values.items():
        if value == IN_FILE:
            path = f"{SECRETS}/{name}/{key}"
            secret = on_nodes.read_file(session, node, path) or b""
            values[key] = secret.decode(errors="replace").rstrip("\n")
    outcome = on_nodes.run(session, node, _command(values, spec, name, wanted))
    session.console.out(outcome.out.decode(errors="replace").rstrip("\n"))
    said = outcome.err.decode(errors="replace").rstrip("\n")
    meaning = resource_changes.exit_meaning(outcome.code)
    if said:
        print(said, file=session.console.err_stream)
    session.console.info(f"{wanted} of {name} on {node}: {meaning} ({outcome.code})")
    return 0 if outcome.code in (0, 7, 8) else 1


def _node_in_maintenance(session: Session, cib: Cib, name: str) -> str:
    """Where the action is run: where the resource is, else where the shell sits.

    Raises CrmError when the cluster would act on the resource at the same time.
    """
    from crmsh_py.scheduler.status import cluster_status
    from crmsh_py.views import resource_status

    status = cluster_status(cib, now=local_now())
    found = resource_status.find(status, name)
    if found.managed and not found.maintenance and not status.maintenance_mode:
        raise CrmError(
            f"{name} is managed by the cluster, which must not act on it at the same time",
            hint=f"crm maintenance on {name}",
        )
    nodes = [node for node, _ in resource_status.places(status, name)]
    return nodes[0] if nodes else session.cluster.node


def _command(values: Mapping[str, str], spec: AgentSpec, name: str, wanted: str) -> list[str]:
    """The agent with the environment that the cluster would give it."""
    environment = {
        "OCF_RA_VERSION_MAJOR": "1",
        "OCF_RA_VERSION_MINOR": "1",
        "OCF_RESOURCE_INSTANCE": name,
        "OCF_RESOURCE_TYPE": spec.type,
        "OCF_RESOURCE_PROVIDER": spec.provider,
        **{f"OCF_RESKEY_{key}": value for key, value in values.items()},
    }
    pairs = [f"{key}={value}" for key, value in environment.items()]
    # A lab may have agents of its own: then its nodes' environment names their folder.
    script = 'export OCF_ROOT="${OCF_ROOT:-$1}"; exec "$OCF_ROOT/resource.d/$2/$3" "$4"'
    words = ("sh", _ROOT, spec.provider, spec.type, wanted)
    return ["env", *pairs, "sh", "-c", script, *words]
