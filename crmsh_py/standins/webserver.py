"""The web server of a stand-in: static files, and a status page. The standard library alone."""

from __future__ import annotations

import html
import http.server
import os
import signal
import socketserver
import threading
import time
from typing import ClassVar

from crmsh_py.standins.ocf import held_addresses

_NAME = "crmsh-py-standin"
_REQUEST_TIMEOUT_S = 30.0  # a client that says nothing gives its thread back
_POLL_S = 0.5


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files; says honestly what it is."""

    server_version = _NAME
    sys_version = ""
    timeout = _REQUEST_TIMEOUT_S
    root: ClassVar[str] = "/var/www/html"

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, directory=self.root, **named)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """A file, or the status page."""
        if self.path.split("?")[0] == "/server-status":
            self._status()
        else:
            super().do_GET()

    def _status(self) -> None:
        assert isinstance(self.server, Server)
        uptime = int(time.time() - self.server.started)
        if self.path.endswith("?auto"):
            kind, text = "text/plain", f"ServerVersion: {_NAME}\nServerUptimeSeconds: {uptime}\n"
        else:
            kind = "text/html"
            text = (
                f"<html><head><title>{_NAME}</title></head>\n<body><h1>Server Status</h1>\n"
                f"<p>{html.escape(_NAME)}, a stand-in for a web server. Uptime: {uptime} s</p>\n"
                "</body></html>\n"
            )
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nobody reads a stand-in's access log."""


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """One listening socket; a thread for each request."""

    daemon_threads = True
    request_queue_size = 64
    allow_reuse_address = True

    def __init__(self, address: str, port: int, root: str) -> None:
        self.started = time.time()
        self._parent = 0
        self._root = root
        self._held = ""
        self._also: dict[str, Server] = {}
        handler = type("Handler", (_Handler,), {"root": root})
        super().__init__((address, port), handler)

    def server_bind(self) -> None:
        """Bind, without asking a name server for our own name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name = self.server_address[0]  # type: ignore[assignment]
        self.server_port = self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is nobody's business."""

    def service_actions(self) -> None:
        """Now and then: end when the node that we belong to has ended."""
        if self._parent and os.getppid() != self._parent:
            os._exit(0)
        if self._held:
            self._follow(held_addresses(self._held))

    def _follow(self, held: set[str]) -> None:
        """Serve the addresses that this node holds now, and no others."""
        for address in held - set(self._also):
            try:
                server = Server(address, self.server_port, self._root)
            except OSError:
                continue  # another node has not let go of it yet: at the next look
            self._also[address] = server
            threading.Thread(target=server.serve_forever, args=(_POLL_S,), daemon=True).start()
        for address in set(self._also) - held:
            server = self._also.pop(address)
            server.shutdown()
            server.server_close()

    def serve_until_term(self, *, plain: str = "") -> None:
        """Serve until SIGTERM.

        ``plain``: the directory of states of a node that is a plain process. Then it serves the
        addresses held there too, and ends when its parent does.
        """

        def end(_: int, __: object) -> None:
            os._exit(0)

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._parent = os.getppid() if plain else 0
        self._held = plain
        self.service_actions()  # what is held already is served from the start
        self.serve_forever(_POLL_S)


def bind(address: str, port: int, root: str) -> Server:
    """A server that listens, but does not serve yet. Raises OSError."""
    return Server(address, port, root)
