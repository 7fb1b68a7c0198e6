"""Which record each command shows: the shape of its JSON and XML (``--output-as``).

Keyed by the grammar's rule without ``cmd_``; the value is where the record's class is. Manual and
docs print the fields, and a test runs the commands and compares.
"""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Iterator

from crmsh_py.value import field_names, has_fields

_VIEWS = "crmsh_py.views."
_TEXT = "records:Text"
_NAMES = "records:Names"
_VALUE = "records:Value"

SHAPES: dict[str, str] = {
    "root_verify": "verify:Verdict",
    "configure_verify": "verify:Verdict",
    "root_plan": "plan:PlanRecord",
    "root_why": _TEXT,
    "root_help": "manual:Help",
    "resource_status": "resource_records:Resources",
    "resource_locate": "resource_records:Places",
    "resource_constraints": "resource_records:Constraints",
    "resource_scores": "resource_records:Scores",
    "resource_failcount": _VALUE,
    "resource_param": _VALUE,
    "resource_meta": _VALUE,
    "resource_utilization": _VALUE,
    "resource_secret": _VALUE,
    "node_show": "resource_records:Nodes",
    "node_attribute": _VALUE,
    "node_utilization": _VALUE,
    "node_status_attr": _VALUE,
    "node_server": "nodes:Carriers",
    "ra_classes": "ra:Classes",
    "ra_list": _NAMES,
    "ra_providers": _NAMES,
    "ra_info": "crmsh_py.agents.metadata:AgentMetadata",
    "cib_list": _NAMES,
    "cib_diff": _TEXT,
    "cluster_status": "cluster_status:Subsystems",
    "cluster_health": "health:Health",
    "cluster_run": "outcomes:Outcomes",
    "cluster_diff": _TEXT,
    "corosync_show": _TEXT,
    "corosync_get": "membership:Keys",
    "corosync_status": "membership:Membership",
    "corosync_diff": _TEXT,
    "corosync_log": "lab:Log",
    "site_ticket": "tickets:Tickets",
    "options_show": "options:Options",
    "history_info": "log_lines:Source",
    "history_latest": "log_lines:Transitions",
    "history_events": "log_lines:Events",
    "history_resource": "log_lines:Events",
    "history_node": "log_lines:Events",
    "history_log": "log_lines:Events",
    "history_transitions": "log_lines:Transitions",
    "history_transition": "log_lines:Transitions",
    "history_peinputs": "log_lines:Transitions",
    "history_show": "crmsh_py.shell.configuration:Configuration",
    "history_graph": _TEXT,
    "history_diff": _TEXT,
    "history_wdiff": _TEXT,
    "script_list": "templates:Templates",
    "script_show": "templates:TemplateDetails",
    "script_verify": _TEXT,
    "template_list": "templates:Templates",
    "template_show": _TEXT,
    "configure_show": "crmsh_py.shell.configuration:Configuration",
    "configure_schema": _VALUE,
    "configure_get_property": "crmsh_py.shell.configuration:Properties",
    "configure_graph": _TEXT,
    "configure_revisions": "revisions:Revisions",
    "configure_diff": _TEXT,
    "lab_list": _NAMES,
    "lab_status": "lab:LabRecord",
    "lab_log": "lab:Log",
}


def shape_of(rule: str) -> type | None:
    """The record that a command shows; None where it shows none (or crm_mon's own document)."""
    place = SHAPES.get(rule)
    if place is None:
        return None
    module, _, name = place.partition(":")
    full = module if "." in module else _VIEWS + module
    found = getattr(importlib.import_module(full), name)
    assert isinstance(found, type)
    return found


def fields_of(shape: type) -> Iterator[tuple[str, str]]:
    """The fields of a record with their types as JSON has them: ``list of Resource``."""
    hints = typing.get_type_hints(shape)
    for name in field_names(shape):
        yield name, _json_type(hints[name])


def summary_of(shape: type) -> str:
    """What the record's class says about itself."""
    return " ".join((inspect.getdoc(shape) or "").split())


def inner_shapes(shape: type) -> list[type]:
    """The records inside a record, itself not among them."""
    found: list[type] = []
    waiting = [shape]
    while waiting:
        for hint in typing.get_type_hints(waiting.pop()).values():
            for part in (hint, *typing.get_args(hint)):
                known = part is shape or part in found
                if isinstance(part, type) and has_fields(part) and not known:
                    found.append(part)
                    waiting.append(part)
    return found


_JSON = {str: "string", int: "number", float: "number", bool: "true or false"}


def _json_type(hint: object) -> str:
    if isinstance(hint, type) and hint in _JSON:
        return _JSON[hint]
    arguments = [a for a in typing.get_args(hint) if a not in (Ellipsis, type(None))]
    origin = typing.get_origin(hint)
    if origin is tuple:
        return f"list of {_json_type(arguments[0])}"
    if origin is not None and len(arguments) == 2 and arguments[0] is str:
        return f"object of {_json_type(arguments[1])}"
    if arguments:
        return f"{' or '.join(_json_type(a) for a in arguments)} or null"
    return hint.__name__ if isinstance(hint, type) and has_fields(hint) else "string"
