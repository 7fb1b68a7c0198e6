"""The small curl and ping, and the packets that announce an address."""

from __future__ import annotations

import http.server
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from crmsh_py.standins import arp, ping


class _Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/")
            self.end_headers()
            return
        code = 200 if self.path == "/" else 404
        self.send_response(code)
        self.end_headers()
        self.wfile.write(b"body")

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A web server with one page."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as pages:
        thread = threading.Thread(target=pages.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{pages.server_port}"
        pages.shutdown()
        thread.join()


def curl(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "crmsh_py.standins.curl", *words],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_curl_gets_a_page(server: str) -> None:
    assert curl(server).stdout == "body"
    assert curl("-sSf", f"{server}/").stdout == "body"
    assert curl("-i", server).stdout.startswith("HTTP/1.")
    assert curl("-L", f"{server}/moved").stdout == "body"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("-f", "{}/none"), 22),
        (("{}/none",), 0),
        (("http://127.0.0.1:1/",), 7),
        (("http://name.invalid/",), 6),
        (("https://127.0.0.1/",), 1),
        (("http://127.0.0.1:x/",), 3),
        (("--what", "{}"), 2),
        ((), 2),
    ],
)
def test_curl_ends_with_curls_exit_codes(server: str, words: tuple[str, ...], code: int) -> None:
    done = curl(*(word.format(server) for word in words))
    assert done.returncode == code
    assert bool(done.stderr) == bool(code)


def test_curl_is_silent_when_asked(server: str) -> None:
    assert curl("-s", "http://127.0.0.1:1/").stderr == ""
    assert "(7)" in curl("-sS", "http://127.0.0.1:1/").stderr


def test_the_checksum_of_a_message_with_its_checksum_is_zero() -> None:
    for sequence in (1, 2, 65535):
        assert ping.checksum(ping.echo_request(77, sequence)) == 0


def test_an_announcement_speaks_of_itself_to_everybody() -> None:
    mac, address = b"\x52\x54\x00\x01\x02\x03", b"\xc0\xa8\x64\x64"
    frame = arp.packet(1, mac, address)
    assert frame[:6] == b"\xff" * 6
    assert frame[6:12] == mac
    kind, protocol, lengths, operation = struct.unpack("!HHHH", frame[14:22])
    assert (kind, protocol, lengths, operation) == (1, 0x0800, 0x0604, 1)
    assert frame[22:32] == mac + address
    assert frame[38:42] == address
