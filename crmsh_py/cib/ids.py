"""How elements get their ids when a person does not give them.

The rules are crmsh's, so that a configuration made here looks as one made there: the id of the
owner, then what the element is (``ClusterIP-instance_attributes-ip``, ``WebSite-monitor-1min``);
a taken id gets ``-0``, ``-1`` and so on. Numbered things are counted from 0.

An ``IdMaker`` belongs to one change of one document: it knows the taken ids and remembers those
that it gave.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property

from crmsh_py.errors import ConfigError
from crmsh_py.regex import regex

XML_ID = regex(r"[A-Za-z_][\w.-]*")
PROPERTY_SET = "cib-bootstrap-options"
RSC_DEFAULTS_SET = "rsc-options"
OP_DEFAULTS_SET = "op-options"

# Element tags whose name in an id is not the tag itself.
_SUFFIX = {"op_defaults": "options", "rsc_defaults": "options"}
# Numbered from the owner's id alone: CONSTRAINT-0, ROLE-0, BUNDLE-0 …
_NUMBERED = frozenset(
    {"resource_set", "acl_permission", "port-mapping", "storage-mapping", "select_attribute"}
)


def is_xml_id(text: str) -> bool:
    """Whether a new object may have this id. (The ids of nodes are freer.)"""
    return XML_ID.fullmatch(text) is not None


def check_id(text: str) -> str:
    """The id itself, or ConfigError with the reason why it cannot be one."""
    if is_xml_id(text):
        return text
    raise ConfigError(
        f"“{text}” cannot be an id",
        hint="an id begins with a letter or _, and goes on with letters, digits, _ . and -",
    )


class IdMaker:
    """Makes ids that are not taken yet.

    What is taken may be a function, which is asked when the first id is needed. ``free`` may give
    back ids that a replaced element had, so that they are used again.
    """

    def __init__(self, taken: Iterable[str] | Callable[[], Iterable[str]] = ()) -> None:
        self._given = taken
        self._numbers: dict[tuple[str, int], int] = {}  # of a name and its first number: the next

    @cached_property
    def _taken(self) -> set[str]:
        return set(self._given() if callable(self._given) else self._given)

    def is_taken(self, name: str) -> bool:
        """Whether an element has this id already."""
        return name in self._taken

    def take(self, name: str) -> str:
        """Remember an id that was given by hand; returns it."""
        self._taken.add(name)
        return name

    def free(self, names: Iterable[str]) -> None:
        """Forget ids whose elements go away."""
        self._taken.difference_update(names)
        self._numbers.clear()

    def new(self, prefix: str, suffix: str = "") -> str:
        """``PREFIX-SUFFIX``, with ``-0``, ``-1``, … where that is taken."""
        name = _clean(f"{_prefix(prefix)}-{suffix}" if suffix else _prefix(prefix))
        return self.take(name if name not in self._taken else self._next(name))

    def numbered(self, prefix: str, start: int = 0) -> str:
        """``PREFIX-0`` or the first number from ``start`` on that is not taken."""
        return self.take(self._next(_clean(_prefix(prefix)), start))

    def _next(self, name: str, number: int = 0) -> str:
        key = (name, number)
        number = self._numbers.get(key, number)
        while f"{name}-{number}" in self._taken:
            number += 1
        self._numbers[key] = number
        return f"{name}-{number}"

    # ---- by kind of element --------------------------------------------------------------------

    def attribute_set(self, owner: str, tag: str) -> str:
        """For instance_attributes, meta_attributes, utilization and operations of ``owner``."""
        return self.new(owner, tag)

    def nvpair(self, attribute_set: str, name: str) -> str:
        """For an nvpair: ``SET-NAME``."""
        return self.new(attribute_set, name)

    def operation(self, owner: str, name: str, interval: str | None) -> str:
        """For an op: ``OWNER-NAME-INTERVAL``, without the last part where it has no interval.

        ``owner`` is the resource, or the ``operations`` element where that has an id of its own.
        """
        return self.new(owner, f"{name}-{interval}" if interval else name)

    def rule(self, owner: str) -> str:
        """For a rule of a constraint or of an attribute set."""
        return self.new(owner, "rule")

    def expression(self, rule: str) -> str:
        """For any kind of expression in a rule."""
        return self.new(rule, "expression")

    def duration(self, expression: str) -> str:
        """For the duration in a date expression."""
        return self.new(expression, "duration")

    def date_spec(self, expression: str) -> str:
        """For the date_spec in a date expression."""
        return self.new(expression, "date_spec")

    def fencing_level(self) -> str:
        """For a fencing-level: ``fencing``, ``fencing-0``, …"""
        return self.new("fencing")

    def recipient(self, alert: str) -> str:
        """For a recipient of an alert; these are counted from 1."""
        return self.numbered(f"{alert}-recipient", 1)

    def child(self, tag: str, owner: str) -> str:
        """For any element ``tag`` inside the element ``owner``, when nothing more is known."""
        if tag in _NUMBERED:
            return self.numbered(owner)
        return self.new(owner, _SUFFIX.get(tag, tag))


def _clean(name: str) -> str:
    return re.sub(r"[^\w.-]", ".", name.replace("#", "."))


def _prefix(prefix: str) -> str:
    return f"num-{prefix}" if prefix.isdigit() else prefix
