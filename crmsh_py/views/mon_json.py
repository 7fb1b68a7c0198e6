"""``crm_mon --output-as json``: the facts of the XML output as JSON.

Input and rules are those of ``mon_xml``. An element becomes an object of its attributes; children
become lists under the plural of their tag, except where there can be only one (``summary`` and
what is in it). Truth values and counts are JSON's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from crmsh_py.cib.element import Element
from crmsh_py.scheduler.result import ClusterStatus
from crmsh_py.views import mon_xml
from crmsh_py.views.mon_facts import MonOptions
from crmsh_py.views.records import to_json
from crmsh_py.whole_numbers import is_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.wire.fencing import FencingRecord

# Sections whose children are of different kinds, or of one kind that the section already names.
_LISTS = frozenset(
    {
        *("nodes", "resources", "node_attributes", "node_history"),
        *("failures", "fence_history", "tickets", "bans"),
    }
)
_NUMBERS = frozenset(
    {
        "number", "disabled", "blocked", "resources_running", "number_resources",
        "nodes_running_on", "exitcode", "call", "queued", "exec", "interval", "weight", "rc",
        "code", "migration-threshold", "fail-count", "expected",
    }
)  # fmt: skip

# What is true or false; in every other attribute these words are somebody's names or values.
_TRUTHS = frozenset(
    {
        "online", "standby", "standby_onfail", "maintenance", "pending", "unclean", "shutdown",
        "expected_up", "is_dc", "managed", "disabled", "multi_state", "unique", "failed",
        "failure_ignored", "blocked", "active", "orphaned", "orphan", "removed", "cached",
        "standin", "present", "with_quorum", "mixed_version", "symmetric-cluster",
        "fencing-enabled", "stonith-enabled", "maintenance-mode", "stop-all-resources",
        "promoted-only", "master_only", "granted",
    }
)  # fmt: skip


def render(
    cib: Cib,
    status: ClusterStatus,
    *,
    now: datetime,
    options: MonOptions | None = None,
    fencing: Sequence[FencingRecord] = (),
) -> str:
    """The document as text, indented, with a newline at the end."""
    document = mon_xml.document(cib, status, now=now, options=options, fencing=fencing)
    return to_json(_object(document))


def _object(element: Element) -> dict[str, object]:
    made: dict[str, object] = {name: _value(name, text) for name, text in element.attrs.items()}
    for child in element.findall():
        if child.tag in _LISTS:
            made[child.tag] = [_tagged(entry) for entry in child.findall()]
        elif element.tag in ("pacemaker-result", "summary"):
            made[child.tag] = _object(child)
        else:
            entries = made.setdefault(f"{child.tag}s", [])
            assert isinstance(entries, list)
            entries.append(_object(child))
    return made


def _tagged(element: Element) -> dict[str, object]:
    """An entry of a list, with its kind where the list has several."""
    kinds = ("resource", "group", "clone", "bundle")
    kind = {"kind": element.tag} if element.tag in kinds else {}
    return {**kind, **_object(element)}


def _value(name: str, text: str) -> object:
    if name in _TRUTHS and text in ("true", "false"):
        return text == "true"
    if (name in _NUMBERS or name.endswith("-ms")) and is_number(text.removeprefix("-")):
        return int(text)
    return text
