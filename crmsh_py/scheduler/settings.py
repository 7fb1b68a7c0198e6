"""The cluster properties, read once into plain values.

Old names of a property are understood; a value that is not valid counts as the default, with a
finding. Defaults: Pacemaker Explained, "Cluster Options".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from crmsh_py.cib.booleans import parse_boolean
from crmsh_py.cib.durations import lenient_ms
from crmsh_py.cib.scores import INFINITY, parse_score
from crmsh_py.errors import ConfigError

_OLD_NAMES = {
    "fencing-enabled": "stonith-enabled",
    "fencing-action": "stonith-action",
    "fencing-timeout": "stonith-timeout",
    "stop-removed-resources": "stop-orphan-resources",
    "cancel-removed-actions": "stop-orphan-actions",
}
_DEFAULTS = {
    "fencing-enabled": "true",
    "fencing-action": "reboot",
    "fencing-timeout": "60s",
    "stop-removed-resources": "true",
    "cancel-removed-actions": "true",
    "no-quorum-policy": "stop",
    "symmetric-cluster": "true",
    "enable-startup-probes": "true",
    "start-failure-is-fatal": "true",
    "startup-fencing": "true",
    "maintenance-mode": "false",
    "stop-all-resources": "false",
    "shutdown-lock": "false",
    "shutdown-lock-limit": "0",
    "have-watchdog": "false",
    "concurrent-fencing": "true",
    "priority-fencing-delay": "0",
    "node-pending-timeout": "0",
    "fence-remote-without-quorum": "false",
    "placement-strategy": "default",
    "node-health-strategy": "none",
    "node-health-base": "0",
    "node-health-green": "0",
    "node-health-yellow": "0",
    "node-health-red": "-INFINITY",
    "cluster-delay": "60s",
    "batch-limit": "0",
    "migration-limit": "-1",
    "cluster-name": "",
}
_CHOICES = {
    "no-quorum-policy": {"stop", "freeze", "ignore", "demote", "fence", "suicide"},
    "placement-strategy": {"default", "utilization", "minimal", "balanced"},
    "node-health-strategy": {
        "none",
        "migrate-on-red",
        "only-green",
        "progressive",
        "custom",
    },
}


@lru_cache(maxsize=4096)
def interval_ms(text: str | None) -> int:
    """An interval as Pacemaker understands it: 0 for none and for nonsense. Milliseconds."""
    return min(lenient_ms(text or "", 0), 2**32 - 1)


@lru_cache(maxsize=4096)
def timeout_ms(text: str | None) -> int:
    """The timeout of an action in milliseconds; 20 s where none (or none valid) is given."""
    if not text or text.startswith("P"):
        return 20_000
    return min(lenient_ms(text, 0), 2**31 - 1) or 20_000


def whole_number(text: str | None, default: int = 0) -> int:
    """The number that a text begins with, or ``default``."""
    if not text:
        return default
    digits = text.strip()
    end = 1 if digits[:1] in {"-", "+"} else 0
    while end < len(digits) and digits[end] in "0123456789":
        end += 1
    try:
        return int(digits[:end])
    except ValueError:
        return default


class Settings:
    """The properties of one CIB."""

    def __init__(self, properties: Mapping[str, str]) -> None:
        self._properties = properties
        self.findings: list[str] = []
        self.fencing_enabled = self.flag("fencing-enabled")
        self.fencing_action = self._fencing_action()
        self.concurrent_fencing = self.flag("concurrent-fencing")
        self.startup_fencing = self.fencing_enabled and self.flag("startup-fencing")
        self.priority_fencing_ms = interval_ms(self.text("priority-fencing-delay"))
        self.symmetric = self.flag("symmetric-cluster")
        self.probes = self.flag("enable-startup-probes")
        self.stop_all = self.flag("stop-all-resources")
        self.stop_removed = self.flag("stop-removed-resources")
        self.cancel_removed = self.flag("cancel-removed-actions")
        self.maintenance_mode = self.flag("maintenance-mode")
        self.start_failure_fatal = self.flag("start-failure-is-fatal")
        self.shutdown_lock = self.flag("shutdown-lock")
        self.shutdown_lock_ms = (
            interval_ms(self.text("shutdown-lock-limit")) if self.shutdown_lock else 0
        )
        self.node_pending_ms = interval_ms(self.text("node-pending-timeout"))
        self.fence_remote_without_quorum = self.flag("fence-remote-without-quorum")
        self.have_watchdog = self.flag("have-watchdog")
        self.placement = self.text("placement-strategy").lower()
        self.no_quorum_policy = "stop"  # ``configuration`` decides it: it depends on quorum
        self.cluster_name = properties.get("cluster-name", "")
        self._health()

    def raw(self, name: str) -> str | None:
        """A property as configured under its new or old name, or None."""
        value = self._properties.get(name)
        if value is None and name in _OLD_NAMES:
            value = self._properties.get(_OLD_NAMES[name])
        return value

    def text(self, name: str) -> str:
        """A property, or its default."""
        value = self.raw(name)
        if value is None:
            return _DEFAULTS[name]
        choices = _CHOICES.get(name)
        if choices is not None and value.lower() not in choices:
            self._invalid(name, value)
            return _DEFAULTS[name]
        return value

    def _fencing_action(self) -> str:
        """What is done to a node, by its exact name: nobody downstream looks at the case.

        ``poweroff`` is a word of the property's old name; Pacemaker 3 writes it anew as ``off``.
        """
        value = self.text("fencing-action")
        if value in {"reboot", "off"}:
            return value
        if value == "poweroff" and "fencing-action" not in self._properties:
            return "off"
        self._invalid("fencing-action", value)
        return _DEFAULTS["fencing-action"]

    def flag(self, name: str) -> bool:
        """A boolean property."""
        text = self.raw(name)
        value = parse_boolean(text)
        if value is not None:
            return value
        if text is not None:
            self._invalid(name, text)
        return _DEFAULTS[name] == "true"

    def _invalid(self, name: str, value: str) -> None:
        self.findings.append(
            f"Using default value for cluster option '{name}' because '{value}' is invalid"
        )

    def score(self, text: str | None, default: int = 0) -> int | None:
        """A score, with the health colours as configured; None where it is not one."""
        if text is None:
            return default
        colour = {"red": self.red, "yellow": self.yellow, "green": self.green}.get(text.lower())
        if colour is not None:
            return colour
        try:
            return parse_score(text)
        except ConfigError:
            return None

    def _health(self) -> None:
        self.health_strategy = self.text("node-health-strategy").lower()
        # What every node's health begins with.
        self.health_base = self._health_score("node-health-base")
        self.red = self.yellow = self.green = 0
        if self.health_strategy == "migrate-on-red":
            self.red = -INFINITY
        elif self.health_strategy == "only-green":
            self.red = self.yellow = -INFINITY
        elif self.health_strategy != "none":
            self.red = self._health_score("node-health-red")
            self.yellow = self._health_score("node-health-yellow")
            self.green = self._health_score("node-health-green")

    def _health_score(self, name: str) -> int:
        text = self.text(name)
        try:
            return parse_score(text)
        except ConfigError:
            self._invalid(name, text)
            return parse_score(_DEFAULTS[name])
