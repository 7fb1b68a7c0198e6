"""The port of a remote node: who has not the key keeps nobody out, and is nobody's connection."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from pathlib import Path

from waiting import comes_true

from crmsh_py.engine.api import Event, RemoteClosed, RemoteOpened
from crmsh_py.node.remote_links import MAX_STRANGERS, RemoteServer
from crmsh_py.node.seal import Suite
from crmsh_py.node.sealed_stream import SealedStream


def test_who_has_made_room_for_others_is_not_told_as_connected(tmp_path: Path) -> None:
    """Many come in one turn of the loop: some are let go before their connection has begun."""
    key = tmp_path / "key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    events: list[Event] = []

    async def use() -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = RemoteServer(
            key=str(key), address="127.0.0.1", port=port, report=events.append, log=lambda *_: None
        )
        await server.listen()
        suite = Suite(cipher="none", digest="sha256")
        hello = SealedStream(key.read_bytes(), random=os.urandom, suite=suite).hello()
        channels = [socket.create_connection(("127.0.0.1", port)) for _ in range(3 * MAX_STRANGERS)]
        for channel in channels:
            channel.sendall(hello)
        await comes_true(lambda: len(_numbers(events, RemoteOpened)) >= MAX_STRANGERS)
        for channel in channels:
            channel.close()
        await comes_true(lambda: len(_numbers(events, RemoteClosed)) == len(channels))
        server.close_all()

    asyncio.run(use())
    closed: set[int] = set()
    for event in events:
        if isinstance(event, RemoteClosed):
            closed.add(event.connection)
        assert not (isinstance(event, RemoteOpened) and event.connection in closed), event


def _numbers(events: list[Event], kind: type[RemoteOpened | RemoteClosed]) -> list[int]:
    return [event.connection for event in events if isinstance(event, kind)]
