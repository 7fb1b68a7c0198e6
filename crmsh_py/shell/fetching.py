"""A text from a web server, whole or not at all; loaded only where an address is named.

Whoever answers is not trusted to be a web server, to be quick, or to end. What is cut short is
refused: half of a configuration is a configuration, too. Only http and https are spoken, also where
a server sends one on; proxies are those of the environment (``http_proxy``).
"""

from __future__ import annotations

import ssl
import time
import urllib.request as web
from http.client import HTTPException, HTTPResponse, IncompleteRead, InvalidURL
from urllib.error import HTTPError, URLError

from crmsh_py.errors import CrmError

SILENCE_S = 10.0  # how long a server may say nothing
WHOLE_S = 120.0  # how long it may take for everything
_PIECE = 64 * 1024  # bytes
_KINDS = (
    *(web.ProxyHandler, web.UnknownHandler, web.HTTPHandler, web.HTTPSHandler),
    *(web.HTTPDefaultErrorHandler, web.HTTPRedirectHandler, web.HTTPErrorProcessor),
)


def fetch(address: str, most: int) -> bytes:
    """What is at an http(s) address, ``most`` bytes at most. Raises CrmError."""
    opener = web.OpenerDirector()
    for kind in _KINDS:
        opener.add_handler(kind())
    try:
        with opener.open(address, timeout=SILENCE_S) as answer:
            return _body(answer, most)
    except HTTPError as error:
        with error:
            why = _answered(error.code, str(error.reason))
    except URLError as error:
        if isinstance(error.reason, str):  # nothing has happened yet
            raise _no_address(address) from None
        why = _happened(error.reason)
    except IncompleteRead:
        why = "the server has ended before the text does"
    except InvalidURL:
        raise _no_address(address) from None
    except (OSError, HTTPException) as error:
        why = _happened(error)
    except ValueError:
        raise _no_address(address) from None
    raise CrmError(f"{address} cannot be read: {why}; nothing was changed")


def _body(answer: HTTPResponse, most: int) -> bytes:
    """The pieces together. Raises TimeoutError, IncompleteRead and what sockets raise."""
    if answer.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
        raise HTTPException("this is a page for people, no file")
    deadline = time.monotonic() + WHOLE_S
    expected = answer.length  # None where only the end of the connection tells
    data = bytearray()
    while expected is None or len(data) < expected:
        if max(len(data), expected or 0) > most:
            raise HTTPException(f"it is larger than {most / 2**20:g} MiB")
        piece = answer.read1(_PIECE)
        if not piece:
            break
        data += piece
        if time.monotonic() > deadline:
            raise HTTPException(f"the server has not ended after {WHOLE_S:g} s")
    if expected is not None and len(data) < expected:
        raise HTTPException(f"the server has sent {len(data)} of {expected} bytes")
    return bytes(data)


def _answered(code: int, reason: str) -> str:
    if 300 <= code < 400:
        return f"the server sends one on ({code}) to where nothing can be read"
    return f"the server answers {code} {reason}"


def _happened(error: BaseException) -> str:
    """What a connection came to, in words."""
    if isinstance(error, TimeoutError):
        return f"the server has said nothing for {SILENCE_S:g} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not believed ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return "what answers does not speak https"
    if type(error) is HTTPException:
        return str(error)
    if isinstance(error, HTTPException) and not isinstance(error, OSError):
        return "what answers is no web server"
    if isinstance(error, HTTPException):
        return "the server has hung up"
    return getattr(error, "strerror", None) or str(error)


def _no_address(address: str) -> CrmError:
    return CrmError(
        f"“{address}” is no address that could be asked; nothing was changed",
        hint="http://HOST[:PORT]/PATH, where what is not ASCII is written by % and hexadecimals",
    )
