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
    return small("curl", *words)


def small(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", f"crmsh_py.standins.{program}", *words],
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


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("http://[::1",), 3),
        (("http://a..b/",), 6),
        ((f"http://{'a' * 64}.example/",), 6),
        (("http://a\x07b/",), 3),
        (("-m", "inf", "http://127.0.0.1:1/"), 2),
        (("-m", "nan", "http://127.0.0.1:1/"), 2),
        (("-m", "1e300", "http://127.0.0.1:1/"), 7),
    ],
)
def test_curl_has_a_code_for_what_is_no_address_and_no_time(
    words: tuple[str, ...], code: int
) -> None:
    done = curl(*words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words", [("a..b",), ("a" * 64,), ("-W", "inf", "127.0.0.1"), ("-i", "inf", "127.0.0.1")]
)
def test_ping_has_a_code_for_what_is_no_name_and_no_time(words: tuple[str, ...]) -> None:
    done = small("ping", "-c1", *words)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr


def test_a_raw_ping_takes_no_answer_to_another_ping() -> None:
    answer = b"\0" + ping.echo_request(77, 3)[1:]
    with_header = b"\x45" + bytes(19) + answer
    assert ping.answers(answer, 3, None), "a datagram socket hears its own answers only"
    assert ping.answers(with_header, 3, 77)
    assert not ping.answers(with_header, 3, 78)
    assert not ping.answers(with_header, 4, 77)
    assert not ping.answers(with_header[:24], 3, 77)


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
