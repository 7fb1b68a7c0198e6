"""Who answers on a lab's sockets: nobody, a busy supervisor, or somebody who stands in for one."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crmsh_py.errors import ClusterUnreachable, NotPermitted
from crmsh_py.lab import contact
from crmsh_py.lab.contact import ask, ask_node, find_supervisor
from crmsh_py.lab.place import Place
from crmsh_py.wire import control
from crmsh_py.wire import lab as wire


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "t").mkdir()
    return Place("t", str(tmp_path), str(tmp_path))


@pytest.fixture
def listen() -> Iterator[Callable[..., socket.socket]]:
    """Make a listening socket; all are closed at the end."""
    made: list[socket.socket] = []

    def make(path: str, backlog: int = 16) -> socket.socket:
        made.append(socket.socket(socket.AF_UNIX))
        made[-1].bind(path)
        made[-1].listen(backlog)
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_nobody_is_found_where_nobody_listens(place: Place) -> None:
    assert find_supervisor(place) is None
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(place.socket)
    assert find_supervisor(place) is None
    with pytest.raises(ClusterUnreachable, match="is off"):
        ask(place, wire.ReadLab())


def test_a_supervisor_is_found_by_its_socket(
    place: Place, listen: Callable[..., socket.socket]
) -> None:
    listen(place.socket)
    found = find_supervisor(place)
    assert found is not None
    assert found.pid == os.getpid()


@pytest.fixture
def full(place: Place, listen: Callable[..., socket.socket]) -> Iterator[socket.socket]:
    """The socket of a supervisor that is busy, with as many in its queue as the kernel takes."""
    server = listen(place.socket, 0)
    with socket.socket(socket.AF_UNIX) as waits:
        waits.connect(place.socket)
        yield server


def test_a_busy_supervisor_is_not_taken_for_one_that_is_off(
    place: Place, full: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a second one would be started, on the same disks."""
    monkeypatch.setattr(contact, "_TIMEOUT_S", 0.1)
    with pytest.raises(ClusterUnreachable, match="does not answer: too many wait"):
        find_supervisor(place)
    with pytest.raises(ClusterUnreachable, match="does not answer"):
        ask(place, wire.ReadLab(), timeout_s=0.1)


def test_a_busy_supervisor_is_waited_for(
    place: Place, full: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()
    monkeypatch.setattr(contact.time, "sleep", lambda _: tried.set())
    freed: list[socket.socket] = []

    def free() -> None:
        assert tried.wait(10)
        freed.append(full.accept()[0])

    thread = threading.Thread(target=free)
    thread.start()
    assert find_supervisor(place) is not None
    thread.join()
    freed[0].close()


def test_somebody_else_is_not_taken_for_our_supervisor_or_node(
    place: Place, listen: Callable[..., socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """He may have made the directory, and would have us enter his processes' namespaces."""
    listen(place.socket)
    listen(place.node_socket("pacemaker01"))
    real = contact._peer
    monkeypatch.setattr(contact, "_peer", lambda connection: (real(connection)[0], 4711))
    with pytest.raises(NotPermitted, match="user id 4711"):
        find_supervisor(place)
    with pytest.raises(NotPermitted, match="user id 4711"):
        ask(place, wire.ReadLab())
    with pytest.raises(NotPermitted, match="user id 4711"):
        ask_node(place, "pacemaker01", control.StopDaemon())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")
def test_the_kernel_says_who_listens(place: Place, listen: Callable[..., socket.socket]) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.bind(place.socket)
    os.seteuid(4711)
    try:
        server.listen()
    finally:
        os.seteuid(0)
    with server, pytest.raises(NotPermitted, match="user id 4711"):
        find_supervisor(place)
