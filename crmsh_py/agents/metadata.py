"""What an agent says about itself: its parameters, its operations, what it is for.

Input is the XML that the agent's ``meta-data`` action prints (OCF Resource Agent API 1.0 and 1.1;
fence agents print nearly the same). It comes from programs of any quality, so it is read leniently
but bounded; what cannot be read at all raises ConfigError.
"""

from __future__ import annotations

import textwrap

from crmsh_py.cib import xml
from crmsh_py.cib.booleans import is_true
from crmsh_py.cib.durations import lenient_ms
from crmsh_py.cib.element import Element
from crmsh_py.errors import ConfigError, SyntaxProblem
from crmsh_py.regex import regex
from crmsh_py.value import frozen

MAX_BYTES = 1024 * 1024  # the largest known, Filesystem's and SAPHana's, are below 64 KiB
_DOCTYPE = regex(r"<!DOCTYPE[^\[>]*>")
# Operations that are no part of what a cluster does with a resource.
HOUSEKEEPING = frozenset({"meta-data", "validate-all", "methods", "usage", "help"})


@frozen(kw_only=True)
class Parameter:
    """A parameter of an agent. ``default`` is None when the agent names none."""

    name: str
    type: str = "string"  # string, integer, boolean, time, select, …
    default: str | None = None
    required: bool = False
    unique_group: str = ""  # parameters of one group must differ as a whole between resources
    reloadable: bool = False
    private: bool = False  # its value is for the agent alone
    deprecated: bool = False
    replaced_with: tuple[str, ...] = ()
    values: tuple[str, ...] = ()  # all that a parameter of type select may be
    shortdesc: str = ""
    longdesc: str = ""


@frozen(kw_only=True)
class AgentAction:
    """An operation that the agent knows, with the values that it advises.

    Times are as the agent writes them; the ``_ms`` forms are None where it advises none.
    """

    name: str
    timeout: str = ""
    interval: str = ""
    start_delay: str = ""
    role: str = ""
    depth: str = ""

    @property
    def timeout_ms(self) -> int | None:
        """The advised minimum of the timeout."""
        return lenient_ms(self.timeout, None)

    @property
    def interval_ms(self) -> int | None:
        """The advised interval."""
        return lenient_ms(self.interval, None)


@frozen(kw_only=True)
class AgentMetadata:
    """All of it. ``origin`` says who speaks: ``installed``, or our own ``catalogue``."""

    name: str
    version: str = ""
    shortdesc: str = ""
    longdesc: str = ""
    parameters: tuple[Parameter, ...] = ()
    actions: tuple[AgentAction, ...] = ()
    origin: str = "installed"

    def parameter(self, name: str) -> Parameter | None:
        """The parameter with this name."""
        return next((p for p in self.parameters if p.name == name), None)

    def action(
        self, name: str, role: str = "", interval_ms: int | None = None
    ) -> AgentAction | None:
        """The operation with this name; of several monitors the one that fits best."""
        candidates = [action for action in self.actions if action.name == name]
        if len(candidates) > 1:
            candidates.sort(
                key=lambda a: (
                    normal_role(a.role) != normal_role(role),
                    interval_ms is not None and a.interval_ms != interval_ms,
                )
            )
        return candidates[0] if candidates else None

    @property
    def operations(self) -> tuple[AgentAction, ...]:
        """The operations that a resource can have: all but meta-data, validate-all and the like."""
        return tuple(action for action in self.actions if action.name not in HOUSEKEEPING)

    @property
    def promotable(self) -> bool:
        """Whether a clone of it can be promoted."""
        return self.action("promote") is not None


def normal_role(role: str) -> str:
    """A role's name of today; the default of an operation without one is Started."""
    names = {"master": "Promoted", "slave": "Unpromoted", "": "Started"}
    return names.get(role.lower(), role.capitalize())


def parse_metadata(
    text: str | bytes, *, name: str = "", origin: str = "installed"
) -> AgentMetadata:
    """Read what an agent printed. Raises ConfigError."""
    if len(text) > MAX_BYTES:
        raise ConfigError(f"the meta-data of {name or 'an agent'} is too long")
    decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    # Some agents print messages first. The document type names a file that is never there.
    decoded = _DOCTYPE.sub("", decoded[max(0, decoded.find("<")) :], count=1)
    try:
        root = xml.parse(decoded, max_bytes=2 * MAX_BYTES)
    except SyntaxProblem as problem:
        raise ConfigError(
            f"the meta-data of {name or 'an agent'} cannot be read: {problem.message}"
        ) from problem
    if root.tag not in ("resource-agent", "pacemaker-result"):
        raise ConfigError(f"<{root.tag}> is not the meta-data of an agent")
    listed = root.find("parameters") or Element("parameters")
    actions = root.find("actions") or Element("actions")
    return AgentMetadata(
        name=root.get("name") or name,
        version=_text(root, "version") or root.get("version"),
        shortdesc=_short(root) or " ".join(root.get("shortdesc").split()),
        longdesc=_description(root, "longdesc"),
        parameters=tuple(_parameter(p) for p in listed.findall("parameter") if p.get("name")),
        actions=tuple(_action(a) for a in actions.findall("action") if a.get("name")),
        origin=origin,
    )


def _parameter(element: Element) -> Parameter:
    name = element.get("name")
    content = element.find("content") or Element("content")
    default = content.attrs.get("default", element.attrs.get("default"))
    unique = element.get("unique-group")
    if not unique and is_true(element.get("unique")):
        unique = name  # API 1.0: unique by itself
    replaced = [r.get("name") for r in element.iter("replaced-with") if r.get("name")]
    return Parameter(
        name=name,
        type=content.get("type") or "string",
        default=default,
        required=is_true(element.get("required")),
        unique_group=unique,
        reloadable=is_true(element.get("reloadable")),
        private=is_true(element.get("private")),
        deprecated=is_true(element.get("deprecated")) or element.find("deprecated") is not None,
        replaced_with=tuple(replaced),
        values=tuple(o.get("value") for o in content.iter("option") if o.get("value")),
        shortdesc=_short(element),
        longdesc=_description(element, "longdesc"),
    )


def _action(element: Element) -> AgentAction:
    return AgentAction(
        name=element.get("name"),
        timeout=element.get("timeout"),
        interval=element.get("interval"),
        start_delay=element.get("start-delay") or element.get("start_delay"),
        role=element.get("role"),
        depth=element.get("depth"),
    )


def _text(element: Element, tag: str) -> str:
    found = element.find(tag)
    return found.text.strip() if found else ""


def _description(element: Element, tag: str) -> str:
    """A description in English (or whatever comes first), without its common margin."""
    found = element.findall(tag)
    if not found:
        return ""
    chosen = next((e for e in found if e.get("lang", "en").startswith("en")), found[0])
    lines = textwrap.dedent(chosen.text).strip().splitlines()
    return "\n".join(line.rstrip() for line in lines)


def _short(element: Element) -> str:
    """A short description, which must fit on one line."""
    return " ".join(_description(element, "shortdesc").split())
