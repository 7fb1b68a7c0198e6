"""The power switch of a real cluster's machines: what the fence agent ``fence_switch`` asks.

It is no part of the nodes, as a real one is not: it listens on a socket in the cluster's directory,
and cutting a node's power is killing everything that runs in its namespaces.
"""

from __future__ import annotations

import socketserver
import threading
from pathlib import Path

from realcluster.cluster import RealCluster


class PowerSwitch:
    """Switches the nodes of a cluster while it is open; ``log`` is what it was told, in order.

    A machine that is switched on comes up without the cluster's daemons, as one does where these
    are not enabled: it would be back before its end has been told, which no real machine is.
    """

    def __init__(self, cluster: RealCluster) -> None:
        self._cluster = cluster
        self.path = cluster.directory / "switch"
        self.log: list[str] = []
        self._lock = threading.Lock()
        self._server = _Server(self.path, self)

    def __enter__(self) -> PowerSwitch:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.path.unlink()

    def act(self, action: str, node: str) -> str:
        """Do it; the machine's state, or what is wrong."""
        if action in ("list", "monitor"):
            return "\n".join(self._cluster.nodes)
        if node not in self._cluster.nodes:
            return f"the switch has no outlet {node}"
        with self._lock:
            if action != "status":
                self.log.append(f"{action} {node}")
            if action in ("off", "reboot") and self._cluster.is_on(node):
                self._cluster.kill(node)
            if action in ("on", "reboot") and not self._cluster.is_on(node):
                self._cluster.boot(node)
            return "on" if self._cluster.is_on(node) else "off"


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path, switch: PowerSwitch) -> None:
        self.switch = switch
        super().__init__(str(path), _Handler)


class _Handler(socketserver.StreamRequestHandler):
    timeout = 10

    def handle(self) -> None:
        action, _, node = self.rfile.readline(200).decode().strip().partition(" ")
        server = self.server
        assert isinstance(server, _Server)
        self.wfile.write(server.switch.act(action, node).encode())
