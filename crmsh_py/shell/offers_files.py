"""File names, and keys of ``corosync.conf``, for completion."""

from __future__ import annotations

import os
from collections.abc import Iterator

from crmsh_py.lang.expectation import Expectation
from crmsh_py.shell.sources import Candidate, Sources

_MOST = 2000  # entries of a directory that are looked at
_KEYS = {
    "totem.token": "how long to wait for the token, in milliseconds",
    "totem.token_retransmits_before_loss_const": "how often it is sent again before that",
    "totem.consensus": "how long to wait for agreement on a new membership",
    "totem.join": "how long to wait for join messages",
    "totem.max_messages": "how many messages one node may send per round",
    "totem.cluster_name": "the name of the cluster",
    "totem.transport": "how datagrams travel",
    "totem.crypto_cipher": "how they are encrypted",
    "totem.crypto_hash": "how they are signed",
    "quorum.provider": "who counts votes",
    "quorum.expected_votes": "how many votes there are",
    "quorum.two_node": "1: one of two nodes is enough",
    "quorum.wait_for_all": "1: no quorum before all nodes were seen",
    "quorum.last_man_standing": "1: fewer votes are expected as nodes leave",
    "quorum.auto_tie_breaker": "1: half of the nodes is enough",
}


def files(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
    """Files and directories at the path that is being typed."""
    return _at(expectation.prefix, "")


def files_after_equals(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
    """The same behind ``--config=``."""
    name, equals, path = expectation.prefix.partition("=")
    return _at(path, f"{name}=") if equals else iter(())


def _at(path: str, before: str) -> Iterator[Candidate]:
    directory, slash, begun = path.rpartition("/")
    try:
        with os.scandir(os.path.expanduser(directory + slash) or ".") as entries:
            listed = [entry for entry, _ in zip(entries, range(_MOST), strict=False)]
    except (OSError, ValueError):
        return  # no such directory, or none that may be read
    for entry in sorted(listed, key=lambda entry: entry.name):
        if entry.name.startswith(".") and not begun.startswith("."):
            continue
        if not entry.name.isprintable():
            continue
        text = f"{before}{directory}{slash}{entry.name}"
        if _is_directory(entry):
            yield Candidate(f"{text}/", "directory", open=True, shown=f"{entry.name}/")
        else:
            yield Candidate(text, shown=entry.name)


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def corosync_keys(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
    """Keys of the configuration; those of ``status`` are its two subjects."""
    if expectation.rule == "corosync_status":
        yield Candidate("ring", "addresses and state of the links")
        yield Candidate("quorum", "votes and quorum")
        return
    yield from (Candidate(key, about) for key, about in _KEYS.items())
