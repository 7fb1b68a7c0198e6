"""Stands in for ocf:heartbeat:IPaddr2: adds an address to a network card, and takes it away.

Parameters: ip, nic, cidr_netmask, broadcast, iflabel, arp_count, arp_interval. Card and mask are
those of the network that the address is in, where they are not given. In a node without a network
of its own no card is touched: there 127.168.100.100 stands for 192.168.100.100 (as the nodes' own
addresses do), which answers on any Linux, and the web server of the node that holds it serves it.
"""

from __future__ import annotations

import ipaddress
import os
import subprocess

from crmsh_py.standins import arp
from crmsh_py.standins.ocf import HELD, AgentError, Call, Rc, remove, write_text
from crmsh_py.value import frozen

_IP_TIMEOUT_S = 10.0
_ARP_COUNT, _ARP_INTERVAL_MS = 5, 200  # the agent's defaults
_MAX_ARP = 100

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@frozen
class _Assigned:
    """An address that a card of this node has."""

    interface: str
    address: ipaddress.IPv4Interface | ipaddress.IPv6Interface


def run(call: Call, action: str) -> Rc:
    """One action of an address."""
    try:
        address = _wanted(call)
    except AgentError as error:
        return _without_address(call, action, error)
    if call.plain:
        return _hold(call, action, address)
    match action:
        case "start":
            return _start(call, address)
        case "stop":
            return _stop(address)
        case "monitor" | "status":
            return Rc.OK if _find(address) else Rc.NOT_RUNNING
        case "validate-all":
            _target(call, address)
            return Rc.OK
    raise AgentError(Rc.UNIMPLEMENTED, f"{call.spec} has no action '{action}'")


def _without_address(call: Call, action: str, error: AgentError) -> Rc:
    """What is no address cannot be held: nothing is to be stopped, and nothing is running.

    As with the real agent: a stop that failed would have the node fenced for a typing mistake.
    """
    if action == "stop":
        if call.plain:
            remove(call.state_file(HELD))
        return Rc.OK
    if action in ("monitor", "status") and call.parameter("ip"):
        return Rc.NOT_RUNNING
    raise error


def _hold(call: Call, action: str, address: Address) -> Rc:
    """The same without a network: a file of addresses that this node holds (``ocf.held``)."""
    path = call.state_file(HELD)
    match action:
        case "start":
            # An IPv6 address has no such neighbour; its file says only that it is started.
            bytes_ = address.packed if address.version == 4 else b""
            write_text(path, ".".join(map(str, (127, *bytes_[1:]))) if bytes_ else "")
        case "stop":
            remove(path)
        case "monitor" | "status":
            return Rc.OK if os.path.exists(path) else Rc.NOT_RUNNING
        case _ if action != "validate-all":
            raise AgentError(Rc.UNIMPLEMENTED, f"{call.spec} has no action '{action}'")
    return Rc.OK


def _wanted(call: Call) -> Address:
    text = call.parameter("ip")
    if not text:
        raise AgentError(Rc.CONFIGURED, "IP address (the ip parameter) is mandatory")
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise AgentError(Rc.CONFIGURED, f"IP address '{text[:60]}' is not valid") from None


def _start(call: Call, address: Address) -> Rc:
    if not _find(address):
        interface, prefix = _target(call, address)
        words = ["addr", "add", f"{address}/{prefix}", "dev", interface]
        if address.version == 4:
            words += ["broadcast", call.parameter("broadcast", "+")]
            label = call.parameter("iflabel")
            if label:
                words += ["label", f"{interface}:{label}"]
        else:
            words.append("nodad")  # it was somebody else's a moment ago: do not doubt it
        _ip(*words)
        _ip("link", "set", interface, "up")
        if address.version == 4:
            _announce(call, interface, str(address))
    return Rc.OK


def _stop(address: Address) -> Rc:
    found = _find(address)
    if found is not None:
        _ip("addr", "del", str(found.address), "dev", found.interface)
    return Rc.OK


def _target(call: Call, address: Address) -> tuple[str, int]:
    """The card, and the length of the prefix."""
    interface = call.parameter("nic").partition(":")[0]
    mask = call.parameter("cidr_netmask")
    length = _prefix_length(mask, address) if mask else None
    around = [a for a in _assigned(address.version) if address in a.address.network]
    if not interface:
        if not around:
            raise AgentError(Rc.GENERIC, f"no network card has a network that {address} is in")
        interface = around[0].interface
    if length is None:
        same = [a for a in around if a.interface == interface]
        length = same[0].address.network.prefixlen if same else address.max_prefixlen
    return interface, length


def _prefix_length(mask: str, address: Address) -> int:
    try:
        return ipaddress.ip_network(f"{address}/{mask}", strict=False).prefixlen
    except ValueError:
        raise AgentError(Rc.CONFIGURED, f"'{mask[:60]}' is no netmask of {address}") from None


def _find(address: Address) -> _Assigned | None:
    return next((a for a in _assigned(address.version) if a.address.ip == address), None)


def _assigned(version: int) -> list[_Assigned]:
    """The addresses of this node, from one line each: ``2: eth0    inet 10.0.0.1/24 brd …``."""
    found = []
    for line in _ip("-oneline", f"-{version}", "addr", "show").splitlines():
        words = line.split()
        if len(words) > 3 and words[2] in ("inet", "inet6"):
            try:
                found.append(_Assigned(words[1].rstrip(":"), ipaddress.ip_interface(words[3])))
            except ValueError:
                continue  # a peer's, or a form of a later version
    return found


def _announce(call: Call, interface: str, address: str) -> None:
    """Announce once now, and the rest of the times from a child of its own: a start is quick."""
    count = int(call.number("arp_count", _ARP_COUNT, most=_MAX_ARP))
    interval_s = call.number("arp_interval", _ARP_INTERVAL_MS) / 1000
    try:
        arp.announce(interface, address, count=min(count, 1), interval_s=0)
    except OSError:
        return  # without raw sockets the neighbours find out by themselves, later
    if count > 1 and os.fork() == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.setsid()
        try:
            arp.announce(interface, address, count=count - 1, interval_s=interval_s)
        finally:
            os._exit(0)


def _ip(*words: str) -> str:
    try:
        done = subprocess.run(
            ["ip", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_IP_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise AgentError(Rc.INSTALLED, "the program 'ip' is not installed") from None
    except subprocess.TimeoutExpired:
        raise AgentError(Rc.GENERIC, "'ip' did not end in time") from None
    if done.returncode:
        reason = done.stderr.strip() or f"exit code {done.returncode}"
        refused = "not permitted" in reason
        raise AgentError(Rc.PERM if refused else Rc.GENERIC, f"ip {' '.join(words)}: {reason}")
    return done.stdout
