"""What Pacemaker's and Corosync's programs print, as values. Pure functions of their text.

Forms are those of Corosync 3 and Pacemaker 2.1 and 3 (observed). Lines of an unknown form are
passed over: a newer version may print more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from crmsh_py.cib.document import Cib
from crmsh_py.regex import regex
from crmsh_py.value import frozen
from crmsh_py.whole_numbers import is_number
from crmsh_py.wire import control

_KEY = regex(r"(\S+) \((\w+)\) = (.*)")
_MEMBER = regex(r"\s*(\d+)\s+(\d+)\s+(?:\S+\s+)??(\S+)(?: \(local\))?\s*$")
_ADDRESS = regex(r"ip\(([^)]*)\)")
_ROUND = regex(r"Ring ID:\s+([0-9a-f]+)[./]([0-9a-f]+)")
_FIELD = regex(r"([A-Z][A-Za-z ]+):\s+(.*)")

# The daemons under their old and new names.
_DAEMONS = (
    ("cib", "pacemaker-based"),
    ("stonithd", "pacemaker-fenced"),
    ("lrmd", "pacemaker-execd"),
    ("attrd", "pacemaker-attrd"),
    ("pengine", "pacemaker-schedulerd"),
    ("crmd", "pacemaker-controld"),
)
_COMM = 15  # bytes of a process's name that the kernel keeps


def cmap_keys(text: str) -> list[control.CmapKey]:
    """The lines of corosync-cmapctl."""
    found = (_KEY.fullmatch(line) for line in text.splitlines())
    return [control.CmapKey(name=m[1], type=m[2], value=m[3].rstrip()) for m in found if m]


@frozen
class Quorum:
    """What corosync-quorumtool -s says; ``votes`` by node id."""

    node_id: int
    representative: int
    sequence: int
    quorate: bool
    numbers: Mapping[str, int]
    flags: tuple[str, ...]
    votes: Mapping[int, int]


def quorum(text: str) -> Quorum:
    """The lines of corosync-quorumtool -s."""
    fields = {m[1]: m[2].strip() for line in text.splitlines() if (m := _FIELD.fullmatch(line))}
    ring = _ROUND.search(text)
    members = text.partition("Membership information")[2].splitlines()
    votes = {int(m[1]): int(m[2]) for line in members if (m := _MEMBER.match(line))}
    numbers = {name: int(m[0]) for name, value in fields.items() if (m := re.match(r"\d+", value))}
    return Quorum(
        node_id=numbers.get("Node ID", 0),
        representative=int(ring[1], 16) if ring else 0,
        sequence=int(ring[2], 16) if ring else 0,
        quorate=fields.get("Quorate") == "Yes",
        numbers=numbers,
        flags=tuple(fields.get("Flags", "").split()),
        votes=votes,
    )


def membership(
    cib: Cib, keys: Sequence[control.CmapKey], seen: Quorum | None
) -> control.MembershipReply:
    """Ring and quorum: from Corosync where it tells us, else as the CIB has them."""
    dc = node_name(cib, cib.root.get("dc-uuid"))
    if seen is None:
        return _membership_of_cib(cib, dc)
    values = {key.name: key.value for key in keys}
    joined = {
        int(name.split(".")[2])
        for name, value in values.items()
        if name.startswith("runtime.members.") and name.endswith(".status") and value == "joined"
    }
    members = []
    for node in cib.section("nodes").findall("node"):
        if not is_number(node.id) or node.get("type") in ("remote", "ping"):
            continue
        number = int(node.id)
        address = _ADDRESS.search(values.get(f"runtime.members.{number}.ip", ""))
        members.append(
            control.Member(
                node_id=number,
                name=node.get("uname"),
                address=address[1] if address else _configured_address(values, number),
                votes=seen.votes.get(number, 1),
                joined=number in joined,
            )
        )
    numbers = seen.numbers
    return control.MembershipReply(
        node=node_name(cib, str(seen.node_id)),
        node_id=seen.node_id,
        ring_representative=seen.representative,
        ring_sequence=seen.sequence,
        state="operational",
        members=members,
        quorate=seen.quorate,
        expected_votes=numbers.get("Expected votes", 0),
        highest_expected=numbers.get("Highest expected", 0),
        total_votes=numbers.get("Total votes", 0),
        quorum=numbers.get("Quorum", 0),
        flags=list(seen.flags),
        links=[
            control.Link(number=0, address=member.address)
            for member in members
            if member.node_id == seen.node_id
        ],
        manager_running=True,
        dc=dc,
    )


def _membership_of_cib(cib: Cib, dc: str) -> control.MembershipReply:
    """Without Corosync's own word: who is a member according to the status section."""
    states = {state.id: state for state in cib.status.findall("node_state")}
    members = []
    for node in cib.section("nodes").findall("node"):
        if is_number(node.id) and node.get("type") != "remote":
            state = states.get(node.id)
            # True in Pacemaker up to 2.1.6, a time stamp since; false and 0 mean no member.
            inside = state.get("in_ccm") if state is not None else ""
            joined = inside not in ("", "0", "false")
            member = control.Member(
                node_id=int(node.id), name=node.get("uname"), address="", joined=joined
            )
            members.append(member)
    total = sum(member.joined for member in members)
    return control.MembershipReply(
        node="",
        node_id=0,
        ring_representative=0,
        ring_sequence=0,
        state="operational",
        members=members,
        quorate=cib.quorate,
        expected_votes=len(members),
        highest_expected=len(members),
        total_votes=total,
        quorum=len(members) // 2 + 1,
        manager_running=True,
        dc=dc,
    )


def _configured_address(values: Mapping[str, str], number: int) -> str:
    for name, value in values.items():
        if name.startswith("nodelist.node.") and name.endswith(".nodeid") and value == str(number):
            return values.get(name.removesuffix("nodeid") + "ring0_addr", "")
    return ""


def node_name(cib: Cib, number: str) -> str:
    """The name of the node with an id; '' if there is none."""
    nodes = cib.section("nodes").findall("node")
    return next((n.get("uname") for n in nodes if n.id == number), "")


@frozen
class Processes:
    """The processes of a machine, by name, with their ids; names may be cut to 15 bytes."""

    pids: Mapping[str, int]

    @classmethod
    def of(cls, text: str) -> Processes:
        """Read ``ps -e -o pid=,comm=``."""
        found: dict[str, int] = {}
        for line in text.splitlines():
            pid, _, name = line.strip().partition(" ")
            if is_number(pid):
                found.setdefault(name.strip(), int(pid))
        return cls(found)

    def pid(self, name: str) -> int:
        """The process of a program; 0 if none runs."""
        return self.pids.get(name) or self.pids.get(name[:_COMM], 0)

    def subsystems(self) -> control.SubsystemsReply:
        """The daemons of Pacemaker under their old and new names."""
        parts = [
            control.Subsystem(name=old, modern_name=new, alive=bool(self.pid(new)))
            for old, new in _DAEMONS
        ]
        return control.SubsystemsReply(pid=self.pid("pacemakerd"), subsystems=parts)


def attribute_values(text: str) -> dict[str, str]:
    """What ``attrd_updater --query --all`` prints: ``name="x" host="n" value="v"`` lines."""
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(r'name="[^"]*" host="([^"]*)" value="(.*)"', line.strip())
        if match:
            found[match[1]] = match[2]
    return found
