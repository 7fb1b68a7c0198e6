"""Stands in for ocf:heartbeat:apache (and nginx): a web server that really serves.

It serves the node's /var/www/html (or the DocumentRoot of a configfile that is there) on port 80
(or ``port``, or the configfile's Listen), and answers /server-status. It is a process of its own,
with a pid file; ``stop`` ends it. In a node without a network of its own it listens on the node's
own address of 127.0.0.0/8 and on those that the node holds (see ``address``), on 8080 where 80 is
not allowed.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import time
from typing import NoReturn

from crmsh_py.standins.ocf import AgentError, Call, Rc, complain, read_text, remove, write_text

_DOCUMENT_ROOT = "/var/www/html"
_PORT = 80
_UNPRIVILEGED_PORT = 8080
_MONITOR_TIMEOUT_S = 5.0
_STOP_TIMEOUT_S = 10.0  # a request may be under way; then SIGKILL
_POLL_S = 0.01
_ADOPTION_POLLS = 200  # until the process between has ended, which is at once


def run(call: Call, action: str) -> Rc:
    """One action of a web site."""
    match action:
        case "start":
            return _start(call)
        case "stop":
            return _stop(call)
        case "monitor" | "status":
            return _monitor(call)
        case "reload":
            return Rc.OK
        case "validate-all":
            _ports(call)
            return Rc.OK
    raise AgentError(Rc.UNIMPLEMENTED, f"{call.spec} has no action '{action}'")


def _start(call: Call) -> Rc:
    if _running(call):
        return Rc.OK
    from crmsh_py.standins.webserver import Server, bind

    root = _document_root(call)
    if not os.path.isdir(root):
        raise AgentError(Rc.INSTALLED, f"the DocumentRoot {root} is not there")
    # Bound here, so that a port that is taken is this action's own failure.
    address = _address(call)
    failure: OSError | None = None
    server: Server | None = None
    for port in _ports(call):
        try:
            server = bind(address, port, root)
            break
        except OSError as error:
            failure = error
    if server is None:
        assert failure is not None
        raise AgentError(Rc.GENERIC, f"port {_ports(call)[0]}: {failure.strerror}")
    ready, told = os.pipe()
    if os.fork() == 0:
        _daemonise(call, server, ready, told)
    os.close(told)
    server.socket.close()
    os.set_blocking(ready, True)
    with open(ready, "rb") as pipe:
        if pipe.read(1) != b"+":
            raise AgentError(Rc.GENERIC, "the web server ended at its start")
    return Rc.OK


def _daemonise(call: Call, server: object, ready: int, told: int) -> NoReturn:
    """In a child: become a process of nobody's, serve, end. Never returns."""
    from crmsh_py.standins.webserver import Server

    assert isinstance(server, Server)
    try:
        os.close(ready)
        os.setsid()
        between = os.getpid()
        if os.fork() > 0:
            os._exit(0)
        for _ in range(_ADOPTION_POLLS):
            if os.getppid() != between:
                break  # from here on, our parent is the node's init
            time.sleep(_POLL_S)
        os.chdir("/")
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        write_text(_pid_file(call), _record(os.getpid(), server.server_port))
        os.write(told, b"+")
        os.close(told)
        server.serve_until_term(plain=call.directory if call.plain else "")
    finally:
        os._exit(0)


def _stop(call: Call) -> Rc:
    pid = _running(call)
    if pid:
        _signal(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        while _running(call):
            if time.monotonic() > deadline:
                _signal(pid, signal.SIGKILL)
                deadline += _STOP_TIMEOUT_S
            time.sleep(_POLL_S)
    remove(_pid_file(call))
    return Rc.OK


def _monitor(call: Call) -> Rc:
    if not _running(call):
        return Rc.NOT_RUNNING
    _, _, port = _read_record(call)
    host = _address(call) if call.plain else "127.0.0.1"
    connection = http.client.HTTPConnection(host, port, timeout=_MONITOR_TIMEOUT_S)
    try:
        connection.request("GET", "/server-status")
        if connection.getresponse().status == 200:
            return Rc.OK
        complain("the web server does not show its status")
    except (OSError, http.client.HTTPException) as error:
        complain(f"the web server does not answer: {error}")
    finally:
        connection.close()
    return Rc.GENERIC


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


# ---- the process ----------------------------------------------------------------------------


def _pid_file(call: Call) -> str:
    return call.state_file("pid")


def _record(pid: int, port: int) -> str:
    """The pid file: the process, its start (so that a reused id is not it), its port."""
    return f"{pid} {_started(pid)} {port}\n"


def _read_record(call: Call) -> tuple[int, str, int]:
    words = read_text(_pid_file(call)).split()
    if len(words) == 3 and words[0].isdigit() and words[2].isdigit():
        return int(words[0]), words[1], int(words[2])
    return 0, "", 0


def _running(call: Call) -> int:
    """The process id of the web server; 0 when it does not run."""
    pid, started, _ = _read_record(call)
    return pid if pid and _started(pid) == started else 0


def _started(pid: int) -> str:
    """When a process started, in clock ticks; '' when there is none or it is a zombie."""
    fields = read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] not in ("Z", "X") else ""


# ---- where and what -------------------------------------------------------------------------


def _configuration(call: Call) -> str:
    """The text of the configfile and of the ports.conf beside it, where they are there."""
    path = call.parameter("configfile")
    if not path.startswith("/"):
        return ""
    ports = f"{os.path.dirname(path)}/ports.conf"
    return f"{read_text(call.root + path)}\n{read_text(call.root + ports)}"


def _ports(call: Call) -> list[int]:
    """The ports to try, in order."""
    text = call.parameter("port")
    if not text:
        listen = re.search(r"^\s*Listen\s+(?:\S+:)?(\d+)\b", _configuration(call), re.MULTILINE)
        text = listen[1] if listen else str(_PORT)
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise AgentError(Rc.CONFIGURED, f"'{text[:60]}' is no port")
    port = int(text)
    if call.plain and port < 1024:
        return [port, _UNPRIVILEGED_PORT]
    return [port]


def _document_root(call: Call) -> str:
    found = re.search(r'^\s*DocumentRoot\s+"?([^"\s]+)', _configuration(call), re.MULTILINE)
    return call.root + (found[1] if found else _DOCUMENT_ROOT)


def _address(call: Call) -> str:
    """The address to listen on: all of a node's, but one's own only where they are shared."""
    if not call.plain:
        return ""
    try:
        settings = json.loads(read_text(f"{call.root}/etc/crmsh-py/settings.json"))
        return str(settings["address"])
    except (ValueError, KeyError, TypeError):
        return "127.0.0.1"
