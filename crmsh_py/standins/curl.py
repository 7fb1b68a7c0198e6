"""A small curl, for machines without one: it gets http:// addresses, and says that it is ours.

Options: -s -S -f -i -I -L -o FILE -m SECONDS --connect-timeout SECONDS -A AGENT -H LINE -X METHOD
-v, their long forms, --version and --help. Exit codes are curl's (3, 6, 7, 22, 28, 52, 56).
"""

from __future__ import annotations

import getopt
import http.client
import shutil
import socket
import sys
import time
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

from crmsh_py.standins import seconds
from crmsh_py.value import field, mutable

_VERSION = "curl 0 (the small one of crmsh-py; http only)"
_SHORT = "sSfiILvko:m:A:H:X:g4"
_LONG = (
    *("silent", "show-error", "fail", "include", "head", "location", "verbose", "insecure"),
    *("output=", "max-time=", "connect-timeout=", "user-agent=", "header=", "request="),
    *("version", "help", "globoff", "ipv4"),
)
_LETTERS = {
    "--silent": "-s",
    "--show-error": "-S",
    "--fail": "-f",
    "--include": "-i",
    "--head": "-I",
    "--location": "-L",
    "--output": "-o",
    "--max-time": "-m",
    "--connect-timeout": "-m",
    "--user-agent": "-A",
    "--header": "-H",
    "--request": "-X",
}
_MAX_REDIRECTS = 20


class _CurlError(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@mutable
class _Options:
    flags: set[str] = field(default_factory=set)
    output: str = ""
    timeout_s: float = 120.0
    method: str = ""
    headers: dict[str, str] = field(default_factory=lambda: {"User-Agent": "curl/0 (crmsh-py)"})


def main() -> int:
    """Get every URL of the command line; the exit code is the last failure's."""
    try:
        pairs, urls = getopt.gnu_getopt(sys.argv[1:], _SHORT, list(_LONG))
        options = _read(pairs)
    except (getopt.GetoptError, ValueError) as error:
        print(f"curl: {error}\ncurl: this is the small one of crmsh-py", file=sys.stderr)
        return 2
    if "--version" in options.flags:
        print(_VERSION)
        return 0
    if "--help" in options.flags:
        print(__doc__)
        return 0
    if not urls:
        print("curl: no URL specified", file=sys.stderr)
        return 2
    code = 0
    for url in urls:
        try:
            _get(url, options)
        except _CurlError as failure:
            code = failure.code
            if "-s" not in options.flags or "-S" in options.flags:
                print(f"curl: ({code}) {failure}", file=sys.stderr)
        except BrokenPipeError:
            return 23
    return code


def _read(pairs: list[tuple[str, str]]) -> _Options:
    options = _Options()
    for name, value in pairs:
        letter = _LETTERS.get(name, name)
        match letter:
            case "-o":
                options.output = value
            case "-m":
                options.timeout_s = max(0.001, seconds(value))
            case "-A":
                options.headers["User-Agent"] = value
            case "-X":
                options.method = value
            case "-H":
                title, _, content = value.partition(":")
                options.headers[title.strip()] = content.strip()
            case _:
                options.flags.add(letter)
    return options


def _get(url: str, options: _Options) -> None:
    deadline = time.monotonic() + options.timeout_s
    for _ in range(_MAX_REDIRECTS):
        connection, response = _ask(url, options, deadline)
        try:
            location = response.getheader("Location")
            if "-L" in options.flags and 300 <= response.status < 400 and location:
                url = _joined(url, location)
                continue
            if "-f" in options.flags and response.status >= 400:
                raise _CurlError(22, f"The requested URL returned error: {response.status}")
            _show(response, options)
            return
        except TimeoutError:
            raise _CurlError(28, "Operation timed out") from None
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise _CurlError(56, f"Recv failure: {error}") from None
        finally:
            connection.close()
    raise _CurlError(47, f"Maximum ({_MAX_REDIRECTS}) redirects followed")


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise _CurlError(3, f"URL using bad/illegal format: {location}") from None


def _ask(
    url: str, options: _Options, deadline: float
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        raise _CurlError(3, f"URL using bad/illegal format: {url}") from None
    if parts.scheme != "http":
        raise _CurlError(1, f'Protocol "{parts.scheme}" not supported by this small curl')
    if not host:
        raise _CurlError(3, f"URL using bad/illegal format: {url}")
    left = max(0.001, deadline - time.monotonic())
    try:
        connection = http.client.HTTPConnection(host, port, timeout=left)
    except http.client.InvalidURL:
        raise _CurlError(3, f"URL using bad/illegal format: {url}") from None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.connect()
    except (socket.gaierror, UnicodeError):  # the latter: a name that cannot be one
        raise _CurlError(6, f"Could not resolve host: {host}") from None
    except TimeoutError:
        raise _CurlError(28, f"Failed to connect to {host} port {port}: timed out") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise _CurlError(7, f"Failed to connect to {host} port {port}: {reason}") from None
    try:
        method = options.method or ("HEAD" if "-I" in options.flags else "GET")
        connection.request(method, target, headers=options.headers)
        return connection, connection.getresponse()
    except TimeoutError:
        connection.close()
        raise _CurlError(28, "Operation timed out") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        connection.close()
        raise _CurlError(52, f"Empty reply from server ({error})") from None


def _show(response: http.client.HTTPResponse, options: _Options) -> None:
    if options.output and options.output != "-":
        with open(options.output, "wb") as file:
            _write(response, options, file)
    else:
        _write(response, options, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _write(response: http.client.HTTPResponse, options: _Options, file: BinaryIO) -> None:
    if options.flags & {"-i", "-I"}:
        lines = [f"HTTP/1.{response.version % 10} {response.status} {response.reason}"]
        lines += [f"{name}: {value}" for name, value in response.getheaders()]
        file.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace"))
    shutil.copyfileobj(response, file)


if __name__ == "__main__":
    sys.exit(main())
