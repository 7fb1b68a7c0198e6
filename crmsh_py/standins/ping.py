"""A small ping, for machines without one; its first line says that it is ours.

Options: -c COUNT, -i INTERVAL, -W SECONDS (of one answer), -w SECONDS (of everything), -q, -n, -4,
-I ADDRESS, --version, --help. The exit code is ping's: 0 answered, 1 nobody answered, 2 no way.
"""

from __future__ import annotations

import getopt
import os
import select
import socket
import struct
import sys
import time

from crmsh_py.standins import seconds
from crmsh_py.value import mutable

_NAME = "the small ping of crmsh-py"
_PAYLOAD = bytes(range(56))
_ECHO_REQUEST, _ECHO_REPLY = 8, 0


@mutable
class _Options:
    count: int = 0  # 0: until interrupted
    interval_s: float = 1.0
    answer_s: float = 1.0
    deadline_s: float = 0.0
    quiet: bool = False
    source: str = ""


def main() -> int:
    """Ping one host."""
    try:
        pairs, hosts = getopt.gnu_getopt(sys.argv[1:], "c:i:W:w:I:qn4V", ["version", "help"])
        options = _read(pairs)
    except (getopt.GetoptError, ValueError) as error:
        print(f"ping: {error}\nping: this is {_NAME}", file=sys.stderr)
        return 2
    names = {name for name, _ in pairs}
    if names & {"--version", "-V"}:
        print(f"ping 0 ({_NAME})")
        return 0
    if "--help" in names or len(hosts) != 1:
        print(__doc__)
        return 0 if "--help" in names else 2
    try:
        address = socket.getaddrinfo(hosts[0], None, socket.AF_INET)[0][4][0]
        with _open(options) as connection:
            return _ping(connection, hosts[0], str(address), options)
    except socket.gaierror as error:
        print(f"ping: {hosts[0]}: {error.strerror}", file=sys.stderr)
        return 2
    except UnicodeError:
        print(f"ping: {hosts[0]}: this cannot be a name", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"ping: {error.strerror or error}", file=sys.stderr)
        return 2


def _read(pairs: list[tuple[str, str]]) -> _Options:
    options = _Options()
    for name, value in pairs:
        match name:
            case "-c":
                options.count = int(value)
            case "-i":
                options.interval_s = max(0.002, seconds(value))
            case "-W":
                options.answer_s = max(0.001, seconds(value))
            case "-w":
                options.deadline_s = seconds(value)
            case "-I":
                options.source = value
            case "-q":
                options.quiet = True
    return options


def _open(options: _Options) -> socket.socket:
    try:
        connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    except PermissionError:
        connection = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    if options.source:
        connection.bind((options.source, 0))
    return connection


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo_request(identifier: int, sequence: int) -> bytes:
    """An ICMP echo request (RFC 792)."""
    head = struct.pack("!BBHHH", _ECHO_REQUEST, 0, 0, identifier, sequence)
    total = checksum(head + _PAYLOAD)
    return struct.pack("!BBHHH", _ECHO_REQUEST, 0, total, identifier, sequence) + _PAYLOAD


def _ping(connection: socket.socket, host: str, address: str, options: _Options) -> int:
    print(f"PING {host} ({address}) {len(_PAYLOAD)} bytes of data ({_NAME}).", flush=True)
    began = time.monotonic()
    times: list[float] = []
    sent = 0
    try:
        while not options.count or sent < options.count:
            if options.deadline_s and time.monotonic() - began >= options.deadline_s:
                break
            if sent:
                time.sleep(options.interval_s)
            sent += 1
            limit = options.answer_s
            if options.deadline_s:
                limit = min(limit, options.deadline_s - (time.monotonic() - began))
            took = _once(connection, address, sent, limit)
            if took is not None:
                times.append(took)
                if not options.quiet:
                    line = f"64 bytes from {address}: icmp_seq={sent} time={took * 1000:.3f} ms"
                    print(line, flush=True)
    except KeyboardInterrupt:
        pass  # the way to end it; what was counted is shown
    lost = 100 * (sent - len(times)) // sent if sent else 0
    print(f"\n--- {host} ping statistics ---")
    print(f"{sent} packets transmitted, {len(times)} received, {lost}% packet loss")
    if times:
        least, most = min(times) * 1000, max(times) * 1000
        print(f"rtt min/avg/max = {least:.3f}/{sum(times) / len(times) * 1000:.3f}/{most:.3f} ms")
    return 0 if times else 1


def _once(connection: socket.socket, address: str, sequence: int, limit_s: float) -> float | None:
    """Send one request; return the time until its answer, or None."""
    sequence &= 0xFFFF
    identifier = os.getpid() & 0xFFFF
    # To a datagram socket the system gives an identifier of its own, and only answers with that.
    expected = identifier if connection.type == socket.SOCK_RAW else None
    began = time.monotonic()
    try:
        connection.sendto(echo_request(identifier, sequence), (address, 0))
    except OSError as error:
        print(f"ping: sendto: {error.strerror}", file=sys.stderr)
        time.sleep(max(0.0, min(limit_s, 1.0)))
        return None
    while (left := limit_s - (time.monotonic() - began)) > 0:
        if not select.select([connection], [], [], left)[0]:
            return None
        data, (source, _) = connection.recvfrom(2048)
        if source == address and answers(data, sequence, expected):
            return time.monotonic() - began
    return None


def answers(data: bytes, sequence: int, identifier: int | None) -> bool:
    """Whether this is the answer to a request; ``identifier`` None: the system has seen to it.

    A raw socket hears what all pings of the machine are answered, IP header and all.
    """
    reply = data[(data[0] & 15) * 4 :] if data and data[0] >> 4 == 4 else data
    if len(reply) < 8:
        return False
    kind, _, _, whose, number = struct.unpack("!BBHHH", reply[:8])
    return kind == _ECHO_REPLY and number == sequence and identifier in (None, whose)


if __name__ == "__main__":
    sys.exit(main())
