"""A web server on loopback whose answers are chosen by the path that is asked for."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Asked(BaseHTTPRequestHandler):
    """One request. An answer writes whatever it likes; ``done`` is set when the test is over."""

    answers: Mapping[str, Callable[[Asked], None]]
    done: threading.Event

    def do_GET(self) -> None:
        self.answers[self.path](self)

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""

    def gives(self, data: bytes, *, code: int = 200, **headers: str) -> None:
        """An answer with its length, unless the headers tell another one."""
        self.send_response(code)
        for name, value in {"Content_Length": str(len(data)), **headers}.items():
            if value:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()


@contextmanager
def serving(
    answers: Mapping[str, Callable[[Asked], None]], secured: ssl.SSLContext | None = None
) -> Iterator[str]:
    """A server; gives the address that its paths follow."""
    done = threading.Event()
    handler = type("Handler", (Asked,), {"answers": answers, "done": done})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if secured is not None:
            server.socket = secured.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            scheme = "http" if secured is None else "https"
            yield f"{scheme}://127.0.0.1:{server.server_address[1]}"
        finally:
            done.set()
            server.shutdown()
            thread.join()
