"""``corosync-keygen``: makes the shared key by which nodes authenticate and encrypt datagrams."""

from __future__ import annotations

import os
from collections.abc import Sequence

from crmsh_py.errors import CrmError, NotPermitted
from crmsh_py.tools.common import Parser, guarded, parse, put

TOOL = "corosync-keygen"
DEFAULT_FILE = "/etc/corosync/authkey"
DEFAULT_BYTES = 256
LEAST_BYTES, MOST_BYTES = 128, 4096


def main(argv: Sequence[str] | None = None) -> int:
    """Write a new key; it must then be copied to every node."""
    return guarded(TOOL, lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    parser = Parser(prog=TOOL, description="Makes a key for crypto_cipher and crypto_hash.")
    parser.add_argument(
        "-k", "--key-file", dest="file", default=DEFAULT_FILE, help="the file to write"
    )
    parser.add_argument(
        "-r", "--random-file", dest="source", default="/dev/urandom", help="where chance comes from"
    )
    parser.add_argument(
        "-s", "--size", dest="size", type=int, default=DEFAULT_BYTES, help="bytes of the key"
    )
    parser.add_argument("-l", "--less-secure", action="store_true", help="accepted, without effect")
    arguments = parse(parser, argv)
    if not LEAST_BYTES <= arguments.size <= MOST_BYTES:
        raise CrmError(
            f"a key of {arguments.size} bytes cannot be: {LEAST_BYTES} to {MOST_BYTES} are allowed",
            hint=f"-s {DEFAULT_BYTES}",
        )
    put("Corosync Cluster Engine Authentication key generator.\n")
    put(f"Gathering {arguments.size * 8} bits for key from {arguments.source}.\n")
    key = _chance(arguments.source, arguments.size)
    put(f"Writing corosync key to {arguments.file}.\n")
    _write(arguments.file, key)
    return 0


def _chance(source: str, size: int) -> bytes:
    try:
        with open(source, "rb") as file:
            key = file.read(size)
    except OSError as error:
        raise CrmError(f"cannot read {source}: {error.strerror}") from None
    if len(key) < size:
        raise CrmError(f"{source} gave {len(key)} bytes of {size}")
    return key


def _write(path: str, key: bytes) -> None:
    """Replace the file whole; no moment at which others could read it."""
    draft = f"{path}.new"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
    except PermissionError as error:
        raise NotPermitted(f"{path} cannot be written: {error.strerror}") from None
    except OSError as error:
        hint = f"rm {draft}" if isinstance(error, FileExistsError) else None
        raise CrmError(f"{draft} cannot be made: {error.strerror}", hint=hint) from None
    try:
        with open(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        os.unlink(draft)
        raise CrmError(f"{path} cannot be written: {error.strerror}") from None
