"""What a fence device can do for a node, and how its agent is told: pure functions of parameters.

The parameters that begin with ``pcmk_`` are for us and not for the agent; their meaning is
Pacemaker's (pacemaker-fenced(7)). Levels come from the ``fencing-topology``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from crmsh_py.cib.document import Cib
from crmsh_py.cib.durations import lenient_ms
from crmsh_py.scheduler.result import FenceDevice
from crmsh_py.whole_numbers import is_number, whole

_HOST_SEPARATORS = re.compile(r"[\s,;|]+")
MAX_RETRIES = 100
_MOST_MS = 2**31 - 1  # as Pacemaker; and nodes can tell each other of it


class Fit(Enum):
    """Whether a device can fence a node, as far as its parameters tell."""

    YES = "yes"
    NO = "no"
    ASK_LIST = "list"  # its agent knows: ``list`` names what it can fence
    ASK_STATUS = "status"  # its agent knows: ``status`` of that node works


def fit(device: FenceDevice, target: str) -> Fit:
    """Whether a device can fence a node (``pcmk_host_check``).

    Without a choice of the user: the list where there is one, else what the agent says.
    """
    parameters = device.parameters
    hosts = static_hosts(device)
    check = parameters.get("pcmk_host_check", "")
    if not check:
        check = "static-list" if hosts else "dynamic-list"
    match check:
        case "none":
            return Fit.YES
        case "static-list":
            known = {host.lower() for host in hosts}
            return Fit.YES if target.lower() in known else Fit.NO
        case "status":
            return Fit.ASK_STATUS
        case _:
            return Fit.ASK_LIST


def static_hosts(device: FenceDevice) -> tuple[str, ...]:
    """The nodes that ``pcmk_host_list`` and ``pcmk_host_map`` name."""
    listed = _words(device.parameters.get("pcmk_host_list", ""))
    return tuple(dict.fromkeys([*listed, *host_map(device)]))


def host_map(device: FenceDevice) -> dict[str, str]:
    """``pcmk_host_map``: what the device calls the nodes. ``a:1;b:2,3`` or with ``=``."""
    found = {}
    for part in re.split(r"[\s;]+", device.parameters.get("pcmk_host_map", "")):
        name, _, port = part.replace("=", ":", 1).partition(":")
        if name and port:
            found[name.lower()] = port
    return found


def listed_hosts(output: str) -> tuple[str, ...]:
    """The names in what an agent's ``list`` printed: ``port,name`` lines, or just words."""
    found: list[str] = []
    for line in output.splitlines():
        found += [word.strip("'\"").lower() for word in _words(line)]
    return tuple(dict.fromkeys(found))


def names_target(device: FenceDevice, output: str, target: str) -> bool:
    """Whether the agent's list has a node, by the name that the device knows it by."""
    alias = host_map(device).get(target.lower(), target)
    hosts = listed_hosts(output)
    return target.lower() in hosts or alias.lower() in hosts


def agent_action(device: FenceDevice, action: str) -> str:
    """The agent's own word for an action: ``pcmk_reboot_action`` and its like."""
    return device.parameters.get(f"pcmk_{action}_action") or action


def agent_parameters(device: FenceDevice, action: str, target: str = "") -> dict[str, str]:
    """What the agent is told: its own parameters, the action, and the node by its port."""
    told = {
        name: value for name, value in device.parameters.items() if not name.startswith("pcmk_")
    }
    told["action"] = agent_action(device, action)
    if target:
        told["nodename"] = target
        argument = device.parameters.get("pcmk_host_argument") or "port"
        # A port that is configured outright is what the user wants, as in Pacemaker.
        if argument != "none" and told.get(argument, "dynamic") == "dynamic":
            told[argument] = host_map(device).get(target.lower(), target)
    return told


def timeout_ms(device: FenceDevice, action: str, default_ms: int) -> int:
    """How long an action may take: ``pcmk_reboot_timeout`` and its like."""
    return duration_ms(device.parameters.get(f"pcmk_{action}_timeout", ""), default_ms)


def tries(device: FenceDevice, action: str) -> int:
    """How often an action is tried: ``pcmk_reboot_retries`` counts the first one too."""
    text = device.parameters.get(f"pcmk_{action}_retries", "")
    return max(1, min(MAX_RETRIES, whole(text, 2)))


def limit(device: FenceDevice) -> int:
    """How many actions may use it at once: ``pcmk_action_limit``; 0 for any number."""
    text = device.parameters.get("pcmk_action_limit", "1")
    try:
        number = int(text)
    except ValueError:
        return 1
    return 0 if number < 0 else max(1, number)


@dataclass(frozen=True, slots=True)
class Delay:
    """How long a device waits before it acts: evenly spread over [base, most], milliseconds."""

    base_ms: int = 0
    most_ms: int = 0


def delay(device: FenceDevice, action: str, target: str) -> Delay:
    """``pcmk_delay_base`` (which may be told per node) and ``pcmk_delay_max``."""
    if action not in ("off", "reboot"):
        return Delay()
    text = device.parameters.get("pcmk_delay_base", "")
    if ":" in text:
        by_node = {}
        for part in re.split(r"[\s;]+", text):
            name, _, value = part.partition(":")
            by_node[name.lower()] = value
        text = by_node.get(target.lower(), "")
    base = duration_ms(text, 0)
    most = duration_ms(device.parameters.get("pcmk_delay_max", ""), 0)
    return Delay(base, max(base, most))


# ---- topology ------------------------------------------------------------------------------------


def levels(cib: Cib, target: str) -> tuple[tuple[str, ...], ...]:
    """The levels of the topology that apply to a node: ids of devices; () where none does.

    A level names its target, a pattern for it, or an attribute that it has.
    """
    section = cib.configuration.find("fencing-topology")
    if section is None:
        return ()
    attributes = _attributes(cib, target)
    found: dict[int, list[str]] = {}
    for level in section.findall("fencing-level"):
        index = level.get("index")
        if is_number(index) and _applies(level.attrs, target, attributes):
            devices = [word.strip() for word in level.get("devices").split(",") if word.strip()]
            found.setdefault(int(index), []).extend(devices)
    return tuple(tuple(found[index]) for index in sorted(found))


def _applies(level: Mapping[str, str], target: str, attributes: Mapping[str, str]) -> bool:
    if "target-pattern" in level:
        try:
            return re.search(level["target-pattern"], target, re.IGNORECASE) is not None
        except re.error:
            return False
    if "target-attribute" in level:
        return attributes.get(level["target-attribute"]) == level.get("target-value", "")
    return level.get("target", "").lower() == target.lower()


def _attributes(cib: Cib, target: str) -> dict[str, str]:
    node = next((n for n in cib.section("nodes").findall("node") if n.get("uname") == target), None)
    found: dict[str, str] = {}
    for holder in node.findall("instance_attributes") if node is not None else ():
        for pair in holder.findall("nvpair"):
            found.setdefault(pair.get("name"), pair.get("value"))
    return found


def _words(text: str) -> Sequence[str]:
    return [word for word in _HOST_SEPARATORS.split(text) if word]


def duration_ms(text: str, default: int) -> int:
    """A duration in milliseconds; the default where there is none, or none that is valid."""
    return min(lenient_ms(text, default), _MOST_MS)
