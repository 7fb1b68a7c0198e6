"""Tells the neighbours that an address has moved: gratuitous ARP (RFC 5227, section 2.3)."""

from __future__ import annotations

import ipaddress
import socket
import struct
import time

_ETHERTYPE_ARP = 0x0806
_BROADCAST = b"\xff" * 6
_REQUEST, _REPLY = 1, 2


def packet(operation: int, mac: bytes, address: bytes) -> bytes:
    """An Ethernet frame to everybody in which an address speaks of itself."""
    frame = _BROADCAST + mac + struct.pack("!H", _ETHERTYPE_ARP)
    header = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
    target = _BROADCAST if operation == _REPLY else bytes(6)
    return frame + header + mac + address + target + address


def announce(interface: str, address: str, *, count: int, interval_s: float) -> None:
    """Send ``count`` announcements; raises OSError where raw sockets are not allowed.

    Some hosts take over an address from a request only, some from a reply only: both are sent.
    """
    packed = ipaddress.IPv4Address(address).packed
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETHERTYPE_ARP)) as sender:
        sender.bind((interface, 0))
        mac = sender.getsockname()[4]
        for turn in range(count):
            if turn:
                time.sleep(interval_s)
            sender.send(packet(_REQUEST, mac, packed))
            sender.send(packet(_REPLY, mac, packed))
