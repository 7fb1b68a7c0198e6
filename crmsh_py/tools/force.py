"""``crm_resource --force-*`` and ``--validate``: an agent run here and now, past the cluster.

For a person who looks for a fault on a node. The cluster knows nothing of it, and may find the
resource where it does not expect it.
"""

from __future__ import annotations

import os
import subprocess

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.errors import CrmError, NotFound
from crmsh_py.tools.common import ToolUsageError, complain, put
from crmsh_py.value import frozen
from crmsh_py.whole_numbers import is_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from crmsh_py.cib.document import Cib
    from crmsh_py.cib.element import Element
    from crmsh_py.scheduler.resource import Resource
    from crmsh_py.tools.common import Door

ACTIONS = {
    "force_start": "start",
    "force_stop": "stop",
    "force_promote": "promote",
    "force_demote": "demote",
    "force_check": "monitor",
    "validate": "validate-all",
}
_TIMEOUT_S = 120.0
_REASON = "ocf-exit-reason:"
_KEPT = ("PATH", "HOME", "OCF_ROOT", "HA_SBIN_DIR", "CRM_LAB", "CRM_NODE", "CRM_LAB_INSIDE",
         "CRM_RUNTIME_DIR", "CRM_STATE_DIR", "CIB_file")  # fmt: skip


class UnimplementedError(CrmError):
    """Something that cannot be done with this kind of resource."""

    exit_code = 3


@frozen
class Called:
    """What came of an agent's being called."""

    action: str
    agent: AgentSpec
    resource: str  # '' for an agent that is called without one
    code: int
    out: str
    err: str
    overrides: dict[str, str]  # what was given instead of what is configured

    @property
    def is_failure(self) -> bool:
        """Whether it is no answer that a good agent gives of a good resource."""
        return self.code not in (0, 7, 8)


def call(door: Door, arguments: Namespace) -> Called:
    """Run the agent of a resource, or the one that is named itself. Raises CrmError kinds."""
    level = _level(arguments)
    given = _options(arguments.option)
    instead = overrides(arguments.overrides)
    root = os.environ.get("OCF_ROOT") or "/usr/lib/ocf"
    if arguments.agent:
        agent = AgentSpec(arguments.agent_class, arguments.provider, arguments.agent)
        environment = _surroundings(root, agent, "test")
    else:
        cluster = door()
        cib = cluster.read_cib()
        primitive = _primitive(cib, arguments.resource)
        agent = AgentSpec(primitive.standard, primitive.provider, primitive.agent_type)
        environment = _surroundings(root, agent, primitive.xml_id)
        environment |= _parameters(cib, primitive, cluster.node)
    given |= instead
    environment |= {f"OCF_RESKEY_{name}": value for name, value in given.items()} | level
    if agent.standard != "ocf":
        raise UnimplementedError(f"{agent} is no OCF agent: only those can be run past the cluster")
    done = _run(f"{root}/resource.d/{agent.provider}/{agent.type}", arguments, agent, environment)
    label = arguments.command.replace("_", "-")
    said = (done.returncode, done.stdout, done.stderr)
    return Called(label, agent, arguments.resource, *said, instead)


def _level(arguments: Namespace) -> dict[str, str]:
    """How thoroughly the agent shall look, as it is told. Raises ToolUsageError."""
    level = getattr(arguments, arguments.command, None) or ""
    if level and not is_number(level):
        raise ToolUsageError(f"'{level}' is no level of a check", hint="0, 10 or 20 are usual")
    return {"OCF_CHECK_LEVEL": level} if level else {}


def overrides(words: Sequence[str]) -> dict[str, str]:
    """Parameters that stand behind the options. Raises ToolUsageError for what is none."""
    found = {}
    for word in words:
        name, _, value = word.partition("=")
        if not (name and value):
            raise ToolUsageError(f"'{word}' is no parameter", hint="write it as NAME=VALUE")
        found[name] = value
    return found


def _options(words: Sequence[str]) -> dict[str, str]:
    wrong = next((word for word in words if "=" not in word), None)
    if wrong is not None:
        raise ToolUsageError(f"--option {wrong} has no value", hint="write it as NAME=VALUE")
    return dict(word.split("=", 1) for word in words)


def _run(
    path: str, arguments: Namespace, agent: AgentSpec, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [path, ACTIONS[arguments.command]],
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        if arguments.agent:
            raise ToolUsageError(
                f"{agent} is not a known resource agent",
                hint=f"crm_resource --list-agents ocf:{agent.provider} tells which there are",
            ) from None
        raise NotFound(f"the agent {agent} is not installed here ({path})") from None
    except (OSError, subprocess.SubprocessError) as error:
        raise CrmError(f"the agent {agent} could not be run: {error}") from None


def run(door: Door, arguments: Namespace) -> int:
    """Tell a person what came of it; the agent's exit code is ours. Raises CrmError kinds."""
    from crmsh_py.views.text import exit_text

    done = call(door, arguments)
    whose = f" for {done.resource}" if done.resource else ""
    about = f" for '{done.resource}'" if done.resource else ""
    for name, value in done.overrides.items():
        put(f"Overriding the cluster configuration{about} with '{name}' = '{value}'\n")
    meaning = exit_text(done.code, classic=True)
    put(f"Operation {done.action}{whose} ({done.agent}) returned {done.code} ({meaning})\n")
    if arguments.verbose or done.is_failure:
        put(done.out)
        if done.err:
            complain(done.err.rstrip("\n"))
    return done.code


def element(done: Called, *, verbose: bool) -> Element:
    """The same as XML."""
    from crmsh_py.cib.element import Element
    from crmsh_py.cib.xml import carriable
    from crmsh_py.views.text import exit_text

    agent = done.agent
    head = {"action": done.action, "class": agent.standard, "type": agent.type}
    rsc = {"rsc": done.resource} if done.resource else {}
    head |= {**rsc, "provider": agent.provider}
    state = {"code": str(done.code), "message": exit_text(done.code, classic=True)}
    state |= {"execution_code": "0", "execution_message": "complete"}
    reasons = [line for line in done.err.splitlines() if line.startswith(_REASON)]
    if reasons:
        state["reason"] = carriable(reasons[-1].removeprefix(_REASON))
    instead = tuple(
        Element("override", {"name": name, "value": carriable(value), **rsc})
        for name, value in done.overrides.items()
    )
    parts = [Element("overrides", {}, instead), Element("agent-status", state)]
    said = tuple(
        Element("output", {"source": source}, (), carriable(text))
        for source, text in (("stdout", done.out), ("stderr", done.err))
        if text
    )
    if said and (verbose or done.is_failure):
        parts.append(Element("command", {"code": str(done.code)}, said))
    return Element("resource-agent-action", head, tuple(parts))


def _primitive(cib: Cib, name: str) -> Resource:
    """The primitive that is meant: the resource itself, or what a clone is made of."""
    from crmsh_py.tools.edits import find_resource
    from crmsh_py.tools.resource_values import resource_called

    found = find_resource(cib, name)
    inside = list(found.iter("primitive"))
    if found.tag == "primitive":
        inside = [found]
    if len(inside) != 1 or found.tag == "group":
        raise UnimplementedError(
            f"{name} is a {found.tag}: agents are run for one resource",
            hint=f"name one of {', '.join(each.id for each in inside)}",
        )
    return resource_called(cib, inside[0].id)


def _surroundings(root: str, agent: AgentSpec, instance: str) -> dict[str, str]:
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | {
        "LC_ALL": "C",
        "OCF_ROOT": root,
        "OCF_RA_VERSION_MAJOR": "1",
        "OCF_RA_VERSION_MINOR": "1",
        "OCF_RESOURCE_INSTANCE": instance,
        "OCF_RESOURCE_TYPE": agent.type,
        "OCF_RESOURCE_PROVIDER": agent.provider,
    }


def _parameters(cib: Cib, primitive: Resource, node: str) -> dict[str, str]:
    # Rules may ask for the node, which is this one here, wherever the cluster has the resource.
    here = primitive.state.node_named(node) or primitive.current_node()
    return {
        "OCF_RESKEY_CRM_meta_on_node": node,
        "OCF_RESKEY_crm_feature_set": cib.root.get("crm_feature_set"),
    } | {f"OCF_RESKEY_{name}": value for name, value in primitive.parameters(here).items()}
